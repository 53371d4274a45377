/* names.c: the simulated tree of folders, twice: as programs see it, and as it is safe on disk.
 *
 * A node knows its place in either tree, so a folder's list is the nodes whose place is in it.
 * What changes the seen tree is kept, in order, as a change that is not safe yet. os_sync_dir
 * carries out the changes that touch its folder on the safe tree; a power cut carries out each of
 * the others or drops it, by itself: more than any journaling file system would do, and no more
 * than POSIX allows. A rename is one change: the name leads to the old file or to the new one.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "os/sim/internal.h"

struct sim_name_change {
    struct sim_name_change *next;
    struct sim_node *node;
    struct sim_place from, to; /* from nowhere: a creation; to nowhere: a removal */
};

/* ---- nodes ---- */

static struct sim_node *node_new(struct sim *sim, bool is_dir)
{
    struct sim_node *node = xcalloc(1, sizeof(*node));

    node->sim = sim;
    node->is_dir = is_dir;
    node->refs = 1;
    node->modified_us = sim_wall_us(sim);
    node->next = sim->disk.nodes;
    if (node->next)
        node->next->prev = node;
    sim->disk.nodes = node;
    return node;
}

void sim_node_retain(struct sim_node *node)
{
    node->refs++;
}

void sim_node_release(struct sim_node *node)
{
    CHECK(node->refs > 0);
    if (--node->refs > 0)
        return;
    if (node->prev)
        node->prev->next = node->next;
    else
        node->sim->disk.nodes = node->next;
    if (node->next)
        node->next->prev = node->prev;
    sim_contents_free(node);
    free(node);
}

/* One of the node's places becomes dir/name; dir NULL: nowhere. */
static void set_place(struct sim_node *node, struct sim_place *place, struct sim_node *dir,
                      const char *name)
{
    struct sim_node *old = place->dir;

    if (dir) {
        sim_node_retain(dir);
        sim_node_retain(node);
        snprintf(place->name, sizeof(place->name), "%s", name);
    }
    place->dir = dir;
    if (old) {
        sim_node_release(old);
        sim_node_release(node);
    }
}

static bool place_is(const struct sim_place *place, const struct sim_node *dir, const char *name)
{
    return place->dir == dir && dir && !strcmp(place->name, name);
}

static struct sim_node *seen_child(struct sim *sim, const struct sim_node *dir, const char *name)
{
    for (struct sim_node *n = sim->disk.nodes; n; n = n->next)
        if (place_is(&n->seen, dir, name))
            return n;
    return NULL;
}

static struct sim_node *safe_child(struct sim *sim, const struct sim_node *dir, const char *name)
{
    for (struct sim_node *n = sim->disk.nodes; n; n = n->next)
        if (place_is(&n->safe, dir, name))
            return n;
    return NULL;
}

static bool is_empty(struct sim *sim, const struct sim_node *dir)
{
    for (struct sim_node *n = sim->disk.nodes; n; n = n->next)
        if (n->seen.dir == dir)
            return false;
    return true;
}

/* ---- paths ---- */

/* The folder that holds the path's last name, and that name ("" for the root itself). */
static enum status find_parent(struct sim *sim, const char *path, struct sim_node **dir,
                               char name[256])
{
    struct sim_node *at = sim->disk.root;

    name[0] = 0;
    for (;;) {
        size_t len;
        path += strspn(path, "/");
        len = strcspn(path, "/");
        if (len == 0)
            break;
        if (len > 255 || (len == 2 && !memcmp(path, "..", 2)))
            return sim_failed(sim, ST_INVALID, "find", path, "not a name of the simulation");
        if (len > 1 || path[0] != '.') {
            if (name[0])
                at = seen_child(sim, at, name);
            if (!at || !at->is_dir)
                return sim_failed(sim, ST_NOTFOUND, "find", path, "no such folder");
            memcpy(name, path, len);
            name[len] = 0;
        }
        path += len;
    }
    *dir = at;
    return ST_OK;
}

enum status sim_node_find(struct sim *sim, const char *path, struct sim_node **out)
{
    struct sim_node *dir;
    char name[256];

    *out = NULL;
    if (sim->off)
        return sim_failed(sim, ST_IO, "find", path, "the power is off");
    TRY(find_parent(sim, path, &dir, name));
    *out = name[0] ? seen_child(sim, dir, name) : dir;
    return *out ? ST_OK : sim_failed(sim, ST_NOTFOUND, "find", path, "no such file");
}

/* ---- changes ---- */

static void change_add(struct sim *sim, struct sim_node *node, const struct sim_place *from,
                       const struct sim_place *to)
{
    struct sim_name_change *c = xcalloc(1, sizeof(*c));

    c->node = node;
    c->from = *from;
    c->to = *to;
    sim_node_retain(node);
    if (from->dir)
        sim_node_retain(from->dir);
    if (to->dir)
        sim_node_retain(to->dir);
    if (sim->disk.changes_last)
        sim->disk.changes_last->next = c;
    else
        sim->disk.changes_first = c;
    sim->disk.changes_last = c;
}

static void change_free(struct sim_name_change *c)
{
    if (c->from.dir)
        sim_node_release(c->from.dir);
    if (c->to.dir)
        sim_node_release(c->to.dir);
    sim_node_release(c->node);
    free(c);
}

/* Carries it out on the safe tree. */
static void change_apply(struct sim *sim, const struct sim_name_change *c)
{
    if (!c->to.dir) {
        if (place_is(&c->node->safe, c->from.dir, c->from.name))
            set_place(c->node, &c->node->safe, NULL, "");
        return;
    }
    struct sim_node *old = safe_child(sim, c->to.dir, c->to.name);
    if (old && old != c->node)
        set_place(old, &old->safe, NULL, "");
    set_place(c->node, &c->node->safe, c->to.dir, c->to.name);
}

/* Moves the node in the seen tree, to nowhere if dir is NULL, and notes the change. */
static void move_seen(struct sim *sim, struct sim_node *node, struct sim_node *dir,
                      const char *name)
{
    struct sim_place from = node->seen, to = {.dir = dir};

    if (dir)
        snprintf(to.name, sizeof(to.name), "%s", name);
    change_add(sim, node, &from, &to);
    set_place(node, &node->seen, dir, name);
    if (!dir && node->handles == 0)
        sim_cache_drop(node);
}

enum status sim_node_create(struct sim *sim, const char *path, bool is_dir, struct sim_node **out)
{
    struct sim_node *dir;
    char name[256];

    *out = NULL;
    TRY(find_parent(sim, path, &dir, name));
    CHECK(name[0]); /* the root is there */
    TRY(sim_step(sim, &sim->counts.names, "create", path));
    *out = node_new(sim, is_dir);
    move_seen(sim, *out, dir, name);
    sim_node_release(*out); /* its place holds it now */
    return ST_OK;
}

/* ---- what os.h asks ---- */

void sim_node_stat(const struct sim_node *node, struct os_stat *out)
{
    *out = (struct os_stat){
        .size = node->cache.size, .modified_us = node->modified_us, .is_dir = node->is_dir};
}

enum status sim_path_stat(struct os *os, const char *path, struct os_stat *out)
{
    struct sim_node *node;

    TRY(sim_node_find(sim_of(os), path, &node));
    sim_node_stat(node, out);
    return ST_OK;
}

static bool holds(const struct sim_node *dir, const struct sim_node *node)
{
    for (; node; node = node->seen.dir)
        if (node == dir)
            return true;
    return false;
}

static enum status may_replace(struct sim *sim, const struct sim_node *node,
                               const struct sim_node *target, const char *path)
{
    if (node->is_dir != target->is_dir)
        return sim_failed(sim, ST_IO, "rename to", path, "a folder and a file");
    if (target->is_dir && !is_empty(sim, target))
        return sim_failed(sim, ST_EXISTS, "rename to", path, "the folder is not empty");
    return ST_OK;
}

enum status sim_rename(struct os *os, const char *from, const char *to)
{
    struct sim *sim = sim_of(os);
    struct sim_node *node, *dir, *target;
    char name[256];

    TRY(sim_node_find(sim, from, &node));
    TRY(find_parent(sim, to, &dir, name));
    if (node == sim->disk.root || !name[0] || (node->is_dir && holds(node, dir)))
        return sim_failed(sim, ST_IO, "rename", from, "into itself");
    target = seen_child(sim, dir, name);
    if (target == node)
        return ST_OK;
    if (target)
        TRY(may_replace(sim, node, target, to));
    TRY(sim_step(sim, &sim->counts.names, "rename", from));
    if (target) { /* no change of its own: the rename replaces it */
        if (target->handles == 0)
            sim_cache_drop(target);
        set_place(target, &target->seen, NULL, "");
    }
    move_seen(sim, node, dir, name);
    return ST_OK;
}

enum status sim_remove(struct os *os, const char *path)
{
    struct sim *sim = sim_of(os);
    struct sim_node *node;

    TRY(sim_node_find(sim, path, &node));
    if (node == sim->disk.root || (node->is_dir && !is_empty(sim, node)))
        return sim_failed(sim, ST_EXISTS, "remove", path, "the folder is not empty");
    TRY(sim_step(sim, &sim->counts.names, "remove", path));
    move_seen(sim, node, NULL, "");
    return ST_OK;
}

enum status sim_mkdir(struct os *os, const char *path)
{
    struct sim *sim = sim_of(os);
    struct sim_node *node;
    enum status st = sim_node_find(sim, path, &node);

    if (st == ST_OK)
        return node->is_dir ? ST_OK : sim_failed(sim, ST_EXISTS, "mkdir", path, "it is a file");
    if (st != ST_NOTFOUND)
        return st;
    return sim_node_create(sim, path, true, &node);
}

static int by_name(const void *a, const void *b)
{
    const struct sim_node *const *x = a, *const *y = b;

    return strcmp((*x)->seen.name, (*y)->seen.name);
}

/* The nodes, each retained; free with drop_nodes. dir NULL: all there are. */
static struct sim_node **take_nodes(struct sim *sim, const struct sim_node *dir, size_t *count)
{
    struct sim_node **nodes;
    size_t len = 0;

    for (struct sim_node *n = sim->disk.nodes; n; n = n->next)
        len += !dir || n->seen.dir == dir;
    nodes = xcalloc(len + 1, sizeof(struct sim_node *));
    len = 0;
    for (struct sim_node *n = sim->disk.nodes; n; n = n->next)
        if (!dir || n->seen.dir == dir) {
            sim_node_retain(n);
            nodes[len++] = n;
        }
    *count = len;
    return nodes;
}

static void drop_nodes(struct sim_node **nodes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sim_node_release(nodes[i]);
    free(nodes);
}

enum status sim_list(struct os *os, const char *path, os_list_fn *fn, void *context)
{
    struct sim *sim = sim_of(os);
    struct sim_node *dir, **nodes;
    size_t count;

    TRY(sim_node_find(sim, path, &dir));
    if (!dir->is_dir)
        return sim_failed(sim, ST_NOTFOUND, "list", path, "not a folder");
    nodes = take_nodes(sim, dir, &count); /* fn may remove them */
    qsort(nodes, count, sizeof(nodes[0]), by_name);
    for (size_t i = 0; i < count; i++) {
        char name[256];
        struct os_stat st;
        memcpy(name, nodes[i]->seen.name, sizeof(name));
        sim_node_stat(nodes[i], &st);
        if (nodes[i]->seen.dir)
            fn(context, name, &st);
    }
    drop_nodes(nodes, count);
    return ST_OK;
}

enum status sim_sync_dir(struct os *os, const char *path)
{
    struct sim *sim = sim_of(os);
    struct sim_name_change **link = &sim->disk.changes_first, *last = NULL;
    struct sim_node *dir;

    TRY(sim_node_find(sim, path, &dir));
    if (!dir->is_dir)
        return sim_failed(sim, ST_NOTFOUND, "sync", path, "not a folder");
    TRY(sim_step(sim, &sim->counts.dir_syncs, "sync", path));
    sim_disk_delay(sim);
    if (sim_fault(sim, &sim->disk_rng, sim->options.sync_error))
        return sim_failed(sim, ST_IO, "sync", path, "a fault of the seed");
    while (*link) {
        struct sim_name_change *c = *link;
        if (c->from.dir != dir && c->to.dir != dir) {
            last = c;
            link = &c->next;
            continue;
        }
        change_apply(sim, c);
        *link = c->next;
        change_free(c);
    }
    sim->disk.changes_last = last;
    return ST_OK;
}

/* ---- life ---- */

void sim_names_init(struct sim *sim)
{
    sim->disk.root = node_new(sim, true);
}

static void drop_changes(struct sim *sim)
{
    while (sim->disk.changes_first) {
        struct sim_name_change *c = sim->disk.changes_first;
        sim->disk.changes_first = c->next;
        change_free(c);
    }
    sim->disk.changes_last = NULL;
}

void sim_names_deinit(struct sim *sim)
{
    struct sim_node **nodes;
    size_t count;

    drop_changes(sim);
    nodes = take_nodes(sim, NULL, &count);
    for (size_t i = 0; i < count; i++) {
        set_place(nodes[i], &nodes[i]->seen, NULL, "");
        set_place(nodes[i], &nodes[i]->safe, NULL, "");
    }
    drop_nodes(nodes, count);
    sim_node_release(sim->disk.root);
    CHECK(!sim->disk.nodes);
}

/* Whether the safe tree leads to it. A cycle, from folders moved into each other, does not. */
static bool is_reachable(const struct sim *sim, const struct sim_node *node, size_t depth_max)
{
    for (; node && depth_max > 0; node = node->safe.dir, depth_max--)
        if (node == sim->disk.root)
            return true;
    return false;
}

void sim_names_crash(struct sim *sim)
{
    double keep = sim->options.crash_keep + sim->options.crash_tear / 2;
    struct sim_node **nodes;
    size_t count;

    nodes = take_nodes(sim, NULL, &count);
    for (struct sim_name_change *c = sim->disk.changes_first; c; c = c->next)
        if (rng_chance(&sim->disk_rng, keep))
            change_apply(sim, c);
    drop_changes(sim);
    for (size_t i = 0; i < count; i++)
        if (!is_reachable(sim, nodes[i], count + 1))
            set_place(nodes[i], &nodes[i]->safe, NULL, "");
    for (size_t i = 0; i < count; i++) {
        struct sim_node *n = nodes[i];
        sim_contents_crash(n);
        set_place(n, &n->seen, n->safe.dir, n->safe.name);
        if (!n->seen.dir)
            sim_cache_drop(n);
    }
    drop_nodes(nodes, count);
}
