/* file.c: simulated files: a page cache over a disk.
 *
 * Each write changes the cache and is kept, in order, until a sync carries it to the disk's image.
 * At a power cut each kept write reaches the disk whole, in part or not at all, by itself. They
 * are carried out in order, so a sector ends with the newest of its writes that was kept: a cache
 * may write late, but never an older page over a newer one.
 *
 * A sync that fails has marked its pages clean, as Linux does (Rebello et al., "Can Applications
 * Recover from fsync Failures?", USENIX ATC 2020): some reached the disk, the rest never will,
 * whatever later syncs answer; what is read afterwards is still the cache (ext4, XFS) or already
 * the disk (Btrfs), as the seed says.
 */
#include <stddef.h>
#include <stdlib.h>

#include "base/check.h"
#include "os/sim/internal.h"

enum { SECTOR = 512, SIZE_KEPT_ONE_IN = 4 };

struct sim_write {
    struct sim_write *next;
    bool truncate; /* to pos */
    uint64_t pos;
    size_t len;
    uint8_t data[];
};

struct sim_file {
    struct os_file file;
    struct sim_handle handle;
    struct sim_node *node;
    unsigned flags;
    char path[];
};

static struct sim_file *of(struct os_file *file)
{
    return (struct sim_file *)file;
}

static enum status failed(struct sim_file *f, enum status st, const char *what, const char *why)
{
    return sim_failed(f->handle.sim, st, what, f->path, why);
}

static enum status check_alive(struct sim_file *f, const char *what)
{
    return sim_handle_dead(&f->handle) ? failed(f, ST_IO, what, "the handle is dead") : ST_OK;
}

static enum status seeded_error(struct sim_file *f, double chance, const char *what)
{
    struct sim *sim = f->handle.sim;

    if (!sim_fault(sim, &sim->disk_rng, chance))
        return ST_OK;
    return failed(f, ST_IO, what, "a fault of the seed");
}

static void check_aligned(const struct sim_file *f, uint64_t pos, const void *memory, size_t len)
{
    if (!(f->flags & OS_DIRECT))
        return;
    CHECK(pos % OS_BLOCK == 0);
    CHECK(len % OS_BLOCK == 0);
    CHECK((uintptr_t)memory % OS_BLOCK == 0);
}

/* ---- contents ---- */

static void apply(struct sim_image *image, const struct sim_write *w)
{
    if (w->truncate)
        sim_image_resize(image, w->pos);
    else
        sim_image_write(image, w->pos, w->data, w->len);
}

/* In the cache, counting the space, and kept for the disk. */
static void change(struct sim_node *node, bool truncate, uint64_t pos, const void *data, size_t len)
{
    struct sim_write *w = xmalloc(sizeof(*w) + len);
    struct sim *sim = node->sim;

    *w = (struct sim_write){.truncate = truncate, .pos = pos, .len = len};
    if (len > 0)
        memcpy(w->data, data, len);
    if (node->writes_last)
        node->writes_last->next = w;
    else
        node->writes_first = w;
    node->writes_last = w;
    sim->disk.used_pages -= node->cache.allocated;
    apply(&node->cache, w);
    sim->disk.used_pages += node->cache.allocated;
    node->modified_us = sim_wall_us(sim);
}

static struct sim_write *pop_write(struct sim_node *node)
{
    struct sim_write *w = node->writes_first;

    if (!w)
        return NULL;
    node->writes_first = w->next;
    if (!w->next)
        node->writes_last = NULL;
    return w;
}

static void cache_reload(struct sim_node *node)
{
    node->sim->disk.used_pages -= node->cache.allocated;
    sim_image_copy(&node->cache, &node->disk);
    node->sim->disk.used_pages += node->cache.allocated;
}

void sim_cache_drop(struct sim_node *node)
{
    node->sim->disk.used_pages -= node->cache.allocated;
    sim_image_deinit(&node->cache);
}

void sim_contents_free(struct sim_node *node)
{
    struct sim_write *w;

    while ((w = pop_write(node)))
        free(w);
    sim_cache_drop(node);
    sim_image_deinit(&node->disk);
}

/* A part of the write reaches the disk: its beginning, or any of its sectors or blocks. */
static void apply_torn(struct rng *rng, struct sim_image *disk, const struct sim_write *w)
{
    enum { PREFIX, SECTORS, BLOCKS } how = (int)rng_below(rng, 3);
    size_t unit = how == BLOCKS ? OS_BLOCK : SECTOR;
    uint64_t end = w->pos + w->len, cut = w->pos + rng_below(rng, w->len + 1);

    for (uint64_t at = w->pos, next; at < end; at = next) {
        next = (at / unit + 1) * unit;
        if (next > end)
            next = end;
        if (how == PREFIX ? next <= cut : rng_chance(rng, 0.5))
            sim_image_write(disk, at, w->data + (at - w->pos), (size_t)(next - at));
    }
}

/* The file system may have noted the new size although the bytes were lost: zeros. */
static void maybe_grow(struct rng *rng, struct sim_image *disk, const struct sim_write *w)
{
    if (!w->truncate && w->pos + w->len > disk->size && rng_below(rng, SIZE_KEPT_ONE_IN) == 0)
        sim_image_resize(disk, w->pos + w->len);
}

static void write_at_crash(struct sim_node *node, const struct sim_write *w)
{
    const struct os_sim_options *options = &node->sim->options;
    struct os_sim_counts *counts = &node->sim->counts;
    struct rng *rng = &node->sim->disk_rng;
    double fate = rng_unit(rng);

    if (fate < options->crash_keep) {
        counts->kept++;
        apply(&node->disk, w);
    } else if (fate < options->crash_keep + options->crash_tear && !w->truncate && w->len > 0) {
        counts->torn++;
        apply_torn(rng, &node->disk, w);
    } else {
        counts->lost++;
        if (options->crash_tear > 0)
            maybe_grow(rng, &node->disk, w);
    }
}

void sim_contents_crash(struct sim_node *node)
{
    struct sim_write *w;

    while ((w = pop_write(node))) {
        write_at_crash(node, w);
        free(w);
    }
    cache_reload(node);
}

/* ---- what os.h asks ---- */

static enum status file_read(struct os_file *file, uint64_t pos, void *to, size_t len, size_t *got)
{
    struct sim_file *f = of(file);

    check_aligned(f, pos, to, len);
    *got = 0;
    TRY(check_alive(f, "read"));
    sim_disk_delay(f->handle.sim);
    TRY(seeded_error(f, f->handle.sim->options.read_error, "read"));
    *got = sim_image_read(&f->node->cache, pos, to, len);
    return ST_OK;
}

/* How much of the write the disk has room for. */
static size_t fitting(const struct sim *sim, const struct sim_node *node, uint64_t pos, size_t len)
{
    uint64_t pages_max = sim->options.disk_bytes / IMAGE_PAGE;

    if (pos > IMAGE_BYTES_MAX || len > IMAGE_BYTES_MAX - pos)
        return 0;
    while (len > 0 && sim->disk.used_pages + sim_image_holes(&node->cache, pos, len) > pages_max)
        len = len / 2 / SECTOR * SECTOR;
    return len;
}

static enum status file_write(struct os_file *file, uint64_t pos, const void *from, size_t len)
{
    struct sim_file *f = of(file);
    struct sim *sim = f->handle.sim;
    enum status st;
    size_t fits;

    CHECK(f->flags & OS_WRITE);
    check_aligned(f, pos, from, len);
    TRY(check_alive(f, "write"));
    if (len == 0)
        return ST_OK;
    TRY(sim_step(sim, &sim->counts.writes, "write", f->path));
    sim_disk_delay(sim);
    fits = fitting(sim, f->node, pos, len);
    st = seeded_error(f, sim->options.write_error, "write");
    if (st != ST_OK)
        fits = rng_below(&sim->disk_rng, fits + 1) / SECTOR * SECTOR;
    else if (fits < len)
        st = failed(f, ST_NOSPACE, "write", "the disk is full");
    if (fits > 0)
        change(f->node, false, pos, from, fits);
    return st;
}

/* Each page went out or is lost for good; nobody will try again. */
static void sync_fails(struct sim_node *node)
{
    struct rng *rng = &node->sim->disk_rng;
    struct sim_write *w;

    while ((w = pop_write(node))) {
        if (rng_chance(rng, 0.5))
            apply(&node->disk, w);
        free(w);
    }
    if (rng_chance(rng, 0.5))
        cache_reload(node);
}

static enum status file_sync(struct os_file *file)
{
    struct sim_file *f = of(file);
    struct sim *sim = f->handle.sim;
    struct sim_write *w;
    enum status st;

    TRY(check_alive(f, "sync"));
    TRY(sim_step(sim, &sim->counts.syncs, "sync", f->path));
    sim_disk_delay(sim);
    st = seeded_error(f, sim->options.sync_error, "sync");
    if (st != ST_OK) {
        sync_fails(f->node);
        return st;
    }
    while ((w = pop_write(f->node))) {
        apply(&f->node->disk, w);
        free(w);
    }
    return ST_OK;
}

/* No promise, no change: what the disk took may still be lost. */
static enum status file_write_out(struct os_file *file, uint64_t pos, uint64_t len)
{
    (void)pos;
    (void)len;
    return check_alive(of(file), "write out");
}

/* As the seed says: a cache may have let go of any page. */
static bool file_cached(struct os_file *file, uint64_t pos, uint64_t len)
{
    (void)pos;
    (void)len;
    return rng_chance(&of(file)->handle.sim->helper_rng, 0.5);
}

static void file_ahead(struct os_file *file, uint64_t pos, uint64_t len)
{
    (void)file;
    (void)pos;
    (void)len;
}

static enum status file_truncate(struct os_file *file, uint64_t size)
{
    struct sim_file *f = of(file);
    struct sim *sim = f->handle.sim;

    CHECK(f->flags & OS_WRITE);
    TRY(check_alive(f, "truncate"));
    if (size > IMAGE_BYTES_MAX)
        return failed(f, ST_NOSPACE, "truncate", "larger than files get");
    TRY(sim_step(sim, &sim->counts.truncates, "truncate", f->path));
    change(f->node, true, size, NULL, 0);
    return ST_OK;
}

static enum status file_stat(struct os_file *file, struct os_stat *out)
{
    struct sim_file *f = of(file);

    TRY(check_alive(f, "stat"));
    sim_node_stat(f->node, out);
    return ST_OK;
}

static void file_free(struct sim_handle *handle)
{
    struct sim_file *f = (struct sim_file *)((char *)handle - offsetof(struct sim_file, handle));

    if (handle->life == handle->sim->life) { /* else the end of its process did this */
        f->node->handles--;
        if (f->flags & OS_LOCK)
            f->node->locked = false;
        if (f->node->handles == 0 && !f->node->seen.dir)
            sim_cache_drop(f->node);
    }
    sim_handle_close(handle);
    sim_node_release(f->node);
    free(f);
}

static void file_close(struct os_file *file)
{
    file_free(&of(file)->handle);
}

static const struct os_file_class file_class = {
    .read = file_read,
    .write = file_write,
    .sync = file_sync,
    .write_out = file_write_out,
    .cached = file_cached,
    .ahead = file_ahead,
    .truncate = file_truncate,
    .stat = file_stat,
    .close = file_close,
};

static enum status find_or_create(struct sim *sim, const char *path, unsigned flags,
                                  struct sim_node **out)
{
    enum status st = sim_node_find(sim, path, out);

    if (st == ST_NOTFOUND && (flags & OS_CREATE))
        return sim_node_create(sim, path, false, out);
    TRY(st);
    if (flags & OS_EXCLUSIVE)
        return sim_failed(sim, ST_EXISTS, "open", path, "it exists");
    if ((*out)->is_dir)
        return sim_failed(sim, ST_IO, "open", path, "it is a folder");
    if ((flags & OS_LOCK) && (*out)->locked)
        return ST_AGAIN;
    return ST_OK;
}

enum status sim_file_open(struct os *os, const char *path, unsigned flags, struct os_file **out)
{
    struct sim *sim = sim_of(os);
    size_t len = strlen(path) + 1;
    struct sim_node *node;
    struct sim_file *f;

    CHECK(flags & (OS_READ | OS_WRITE));
    CHECK_IF(flags & (OS_CREATE | OS_TRUNCATE | OS_LOCK), flags & OS_WRITE);
    CHECK_IF(flags & OS_EXCLUSIVE, flags & OS_CREATE);
    *out = NULL;
    TRY(sim_handle_check(sim, "open"));
    TRY(find_or_create(sim, path, flags, &node));
    if ((flags & OS_TRUNCATE) && node->cache.size > 0) {
        TRY(sim_step(sim, &sim->counts.truncates, "truncate", path));
        change(node, true, 0, NULL, 0);
    }
    f = xcalloc(1, sizeof(*f) + len);
    f->file.class = &file_class;
    f->node = node;
    f->flags = flags;
    memcpy(f->path, path, len);
    sim_node_retain(node);
    node->handles++;
    node->locked |= (flags & OS_LOCK) != 0;
    sim_handle_open(sim, &f->handle, file_free);
    *out = &f->file;
    return ST_OK;
}

enum status sim_space(struct os *os, const char *path, uint64_t *free_bytes, uint64_t *total_bytes)
{
    struct sim *sim = sim_of(os);
    struct sim_node *node;
    uint64_t used = sim->disk.used_pages * IMAGE_PAGE;

    TRY(sim_node_find(sim, path, &node));
    *total_bytes = sim->options.disk_bytes;
    *free_bytes = used < *total_bytes ? *total_bytes - used : 0;
    return ST_OK;
}
