/* zones.c: the zones that were asked for, in a list that only grows at its head: who finds walks it, who has read
 * one puts it there, and where two have read the same the second is ended. */
#include "flow/zones.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/suggest.h"

struct zones_entry {
    struct zones_entry *next;
    struct zone *zone;
};

static const struct zone *listed(struct zones *zones, struct bytes name)
{
    for (struct zones_entry *e = atomic_load(&zones->first); e; e = e->next)
        if (bytes_equal(zone_name(e->zone), name))
            return e->zone;
    return NULL;
}

static struct zone *zone_read(struct os *os, struct bytes name)
{
    char path[sizeof(ZONES_FOLDER) + ZONE_NAME_MAX + 2];
    struct os_file *file;
    size_t got = 0;

    snprintf(path, sizeof(path), ZONES_FOLDER "/%.*s", BYTES_FMT(name));
    if (os_file_open(os, path, OS_READ, &file) != ST_OK)
        return NULL;
    uint8_t *text = xmalloc(ZONE_FILE_MAX + 1); /* one more than is taken: a longer file is refused, not cut */
    bool read = os_file_read(file, 0, text, ZONE_FILE_MAX + 1, &got) == ST_OK;
    os_file_close(file);
    struct zone *zone = read ? zone_decode(name, bytes_of(text, got)) : NULL;
    free(text);
    return zone;
}

static const struct zone *zone_list(struct zones *zones, struct zone *take_zone)
{
    struct zones_entry *entry = xcalloc(1, sizeof(*entry));

    entry->zone = take_zone;
    entry->next = atomic_load(&zones->first);
    do {
        const struct zone *other = listed(zones, zone_name(take_zone));
        if (other) {
            zone_free(take_zone);
            free(entry);
            return other;
        }
    } while (!atomic_compare_exchange_weak(&zones->first, &entry->next, entry));
    return take_zone;
}

static const struct zone *find(struct zone_finder *finder, struct bytes name)
{
    struct zones *zones = (struct zones *)finder; /* its first member */
    const struct zone *zone;
    int32_t offset_s;

    if (name.len > ZONE_NAME_MAX || (zone = listed(zones, name)) != NULL)
        return name.len > ZONE_NAME_MAX ? NULL : zone;
    if (zone_offset_parse(name, &offset_s))
        return zone_list(zones, zone_fixed(name, offset_s));
    struct zone *read = zone_name_valid(name) ? zone_read(zones->os, name) : NULL;
    return read ? zone_list(zones, read) : NULL;
}

void zones_open(struct zones *zones, struct os *os)
{
    zones->finder.find = find;
    zones->os = os;
    atomic_init(&zones->first, NULL);
}

void zones_close(struct zones *zones)
{
    for (struct zones_entry *e = atomic_load(&zones->first), *next; e; e = next) {
        next = e->next;
        zone_free(e->zone);
        free(e);
    }
}

/* ---- what would have been right ---- */

enum { NAMES_MOST = 2000, DEPTH_MOST = 3 }; /* America/Argentina/Salta */

struct names {
    struct os *os;
    struct arena arena;
    const char *folder; /* below ZONES_FOLDER; "" or with a '/' at its end */
    const char *names[NAMES_MOST];
    size_t count;
    int depth;
};

static void names_of(struct names *n, const char *folder);

static void name_add(void *context, const char *name, const struct os_stat *stat)
{
    struct names *n = context;
    const char *whole = arena_printf(&n->arena, "%s%s", n->folder, name);

    if (name[0] < 'A' || name[0] > 'Z') /* tables of tzdata itself, and its other forms: posix/, right/ */
        return;
    if (!stat->is_dir && n->count < NAMES_MOST)
        n->names[n->count++] = whole;
    else if (stat->is_dir && n->depth < DEPTH_MOST)
        names_of(n, arena_printf(&n->arena, "%s/", whole));
}

static void names_of(struct names *n, const char *folder)
{
    const char *outer = n->folder;

    n->folder = folder;
    n->depth++;
    enum status st = os_list(n->os, arena_printf(&n->arena, ZONES_FOLDER "/%s", folder), name_add, n);
    (void)st; /* what cannot be read is not suggested */
    n->depth--;
    n->folder = outer;
}

/* 'Berlin' for 'Europe/Berlin' */
static const char *by_city(const struct names *n, struct bytes name)
{
    for (size_t i = 0; i < n->count; i++) {
        const char *slash = strrchr(n->names[i], '/');
        if (slash && bytes_is_nocase(name, slash + 1))
            return n->names[i];
    }
    return NULL;
}

static enum status refuse(struct zones *zones, struct bytes name, struct diag *diag)
{
    struct names *n = xcalloc(1, sizeof(*n));

    n->os = zones->os;
    arena_init(&n->arena, 1 << 20);
    names_of(n, "");
    const char *near = by_city(n, name);
    near = near ? near : suggest(name, n->names, n->count);
    diag_set(diag, ST_INVALID, DIAG_VALUE, "there is no time zone '%.*s'", BYTES_FMT(bytes_head(name, 60)));
    if (!n->count)
        diag_hint(diag, "there are no zones in " ZONES_FOLDER ": install tzdata; offsets such as 'GMT+02:00' work "
                        "without it");
    else if (near)
        diag_hint(diag, "did you mean '%s'?", near);
    else
        diag_hint(diag, "a name of tzdata such as 'America/Los_Angeles', an offset such as 'GMT+02:00', or 'UTC'");
    arena_deinit(&n->arena);
    free(n);
    return ST_INVALID;
}

enum status zones_find(struct zones *zones, struct bytes name, const struct zone **out, struct diag *diag)
{
    const struct zone *zone = find(&zones->finder, name);

    *out = zone && zone_is_utc(zone) ? NULL : zone;
    return zone ? ST_OK : refuse(zones, name, diag);
}
