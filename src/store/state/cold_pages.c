/* How: see the drawing in cold_pages.h. A store first plans the leaves that the entries of its page fall into, then
 * writes them all to free slots, and only then changes directory and lines. */
#include "store/state/cold_pages.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/crc32c.h"
#include "base/endian.h"
#include "base/hash.h"

void cold_pages_init(struct cold_pages *p, const struct cold_options *options)
{
    memset(p, 0, sizeof(*p));
    p->os = options->os;
    p->over = options->over;
    p->over_context = options->over_context;
    p->path = xstrdup(options->path);
    p->directory = xcalloc(1, sizeof(*p->directory));
    p->lines_cap = 16;
    p->lines = xcalloc(p->lines_cap, sizeof(*p->lines));
    p->lines[0].slot = COLD_NO_SLOT;
    p->lines_count = 1;
}

void cold_pages_deinit(struct cold_pages *p)
{
    if (p->file) {
        os_file_close(p->file);
        enum status ignored = os_remove(p->os, p->path); /* what is left of it goes with the next start */
        (void)ignored;
    }
    free(p->slots_free);
    free(p->lines);
    free(p->directory);
    free(p->path);
}

uint64_t cold_pages_bytes(const struct cold_pages *p)
{
    return sizeof(*p) + ((uint64_t)sizeof(*p->directory) << p->depth) + (uint64_t)p->lines_count * sizeof(*p->lines) +
           (uint64_t)p->slots_free_cap * sizeof(*p->slots_free);
}

static enum status io_failed(struct cold_pages *p, enum status st)
{
    snprintf(p->error, sizeof(p->error), "%s", os_error_text(p->os));
    return st;
}

/* ---- directory ---- */

static inline uint32_t top_bits(uint64_t hash, uint32_t bits)
{
    return bits ? (uint32_t)(hash >> (64 - bits)) : 0;
}

uint32_t cold_pages_find(const struct cold_pages *p, uint64_t hash)
{
    return p->directory[top_bits(hash, p->depth)];
}

uint32_t cold_pages_run(const struct cold_pages *p, const struct cold_ref *refs, uint32_t count)
{
    uint32_t line = cold_pages_find(p, refs[0].hash), n = 1;

    while (n < count && cold_pages_find(p, refs[n].hash) == line)
        n++;
    return n;
}

static void directory_deepen(struct cold_pages *p, uint32_t depth)
{
    if (depth <= p->depth)
        return;
    uint32_t more = depth - p->depth;
    uint32_t *wide = xmalloc(sizeof(*wide) << depth);
    for (uint32_t i = 0; i < 1u << depth; i++)
        wide[i] = p->directory[i >> more];
    free(p->directory);
    p->directory = wide;
    p->depth = depth;
}

/* All hashes that begin as this one does go to the line. */
static void directory_set(struct cold_pages *p, uint64_t hash, uint32_t depth, uint32_t line)
{
    uint32_t more = p->depth - depth, first = top_bits(hash, depth) << more;

    for (uint32_t i = 0; i < 1u << more; i++)
        p->directory[first + i] = line;
}

/* So deep may a page be: hashes that are made to be alike must not double the directory for nothing. */
static uint32_t depth_limit(const struct cold_pages *p, uint32_t entries)
{
    uint64_t places = 64 * ((uint64_t)p->lines_count + entries / 16) + 4096;
    uint32_t depth = 0;

    while (depth < COLD_DEPTH_MAX && (2ull << depth) <= places)
        depth++;
    return depth > p->depth ? depth : p->depth;
}

/* ---- filter ---- */

enum { FILTER_PROBES = 4, FILTER_BITS = COLD_FILTER_BYTES * 8 };

static inline uint32_t filter_bit(uint64_t hash, int probe)
{
    uint32_t part = (uint32_t)(hash * 0x9E3779B97F4A7C15u >> (16 * probe)) & 0xFFFF;

    return part * FILTER_BITS >> 16;
}

static void filter_add(struct cold_line *line, uint64_t hash)
{
    for (int i = 0; i < FILTER_PROBES; i++) {
        uint32_t bit = filter_bit(hash, i);
        line->filter[bit / 8] |= (uint8_t)(1u << bit % 8);
    }
}

bool cold_pages_maybe(const struct cold_pages *p, uint64_t hash)
{
    const struct cold_line *line = &p->lines[cold_pages_find(p, hash)];

    for (int i = 0; i < FILTER_PROBES; i++) {
        uint32_t bit = filter_bit(hash, i);
        if (!(line->filter[bit / 8] >> bit % 8 & 1))
            return false;
    }
    return line->left > 0;
}

/* ---- slots of the file ---- */

static uint32_t slot_take(struct cold_pages *p)
{
    return p->slots_free_count ? p->slots_free[--p->slots_free_count] : p->slots_count++;
}

static void slot_give(struct cold_pages *p, uint32_t slot)
{
    if (slot == COLD_NO_SLOT)
        return;
    if (p->slots_free_count == p->slots_free_cap) {
        p->slots_free_cap = p->slots_free_cap ? 2 * p->slots_free_cap : 64;
        p->slots_free = xrealloc(p->slots_free, p->slots_free_cap * sizeof(*p->slots_free));
    }
    p->slots_free[p->slots_free_count++] = slot;
}

/* ---- a page ---- */

static inline uint64_t slot_pos(uint32_t slot)
{
    return (uint64_t)slot * COLD_PAGE_BYTES;
}

void cold_pages_ahead(const struct cold_pages *p, uint32_t line)
{
    if (p->file && p->lines[line].slot != COLD_NO_SLOT)
        os_file_ahead(p->file, slot_pos(p->lines[line].slot), COLD_PAGE_BYTES);
}

/* An entry of the page in p->in. */
struct entry_at {
    uint64_t hash;
    struct bytes bytes;
};

/* The entry at *pos, which moves behind it; false: it does not fit into its page. */
static bool entry_read(const uint8_t *page, uint32_t end, uint32_t *pos, struct entry_at *out)
{
    if (*pos + COLD_ENTRY_HEAD > end)
        return false;
    out->hash = load_u64_le(page + *pos);
    uint32_t len = load_u16_le(page + *pos + 8);
    out->bytes = bytes_of(page + *pos + COLD_ENTRY_HEAD, len);
    *pos += COLD_ENTRY_HEAD + len;
    return *pos <= end;
}

static bool page_is_whole(const uint8_t *page, const struct cold_line *line)
{
    uint32_t count = load_u16_le(page + 8), end = load_u16_le(page + 10), pos = COLD_PAGE_HEAD;
    struct entry_at entry;

    if (load_u32_le(page) != crc32c(0, page + 4, COLD_PAGE_BYTES - 4) || load_u32_le(page + 4) != line->slot ||
        count != line->count || end > COLD_PAGE_BYTES)
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (!entry_read(page, end, &pos, &entry))
            return false;
    return pos == end;
}

static enum status page_read(struct cold_pages *p, const struct cold_line *line)
{
    size_t got = 0;
    enum status st = os_file_read(p->file, slot_pos(line->slot), p->in, COLD_PAGE_BYTES, &got);

    if (st != ST_OK)
        return io_failed(p, st);
    if (got == COLD_PAGE_BYTES && page_is_whole(p->in, line))
        return ST_OK;
    snprintf(p->error, sizeof(p->error), "page %u of %s is damaged", line->slot, p->path);
    return ST_CORRUPT;
}

static enum status page_write(struct cold_pages *p, uint32_t slot, const struct cold_ref *refs, uint32_t count)
{
    uint32_t pos = COLD_PAGE_HEAD;

    for (uint32_t i = 0; i < count; i++) {
        store_u64_le(p->out + pos, refs[i].hash);
        store_u16_le(p->out + pos + 8, (uint16_t)refs[i].bytes.len);
        memcpy(p->out + pos + COLD_ENTRY_HEAD, refs[i].bytes.ptr, refs[i].bytes.len);
        pos += COLD_ENTRY_HEAD + (uint32_t)refs[i].bytes.len;
    }
    CHECK(pos <= COLD_PAGE_BYTES);
    memset(p->out + pos, 0, COLD_PAGE_BYTES - pos);
    store_u32_le(p->out + 4, slot);
    store_u16_le(p->out + 8, (uint16_t)count);
    store_u16_le(p->out + 10, (uint16_t)pos);
    store_u32_le(p->out, crc32c(0, p->out + 4, COLD_PAGE_BYTES - 4));
    enum status st = os_file_write(p->file, slot_pos(slot), p->out, COLD_PAGE_BYTES);
    return st == ST_OK ? ST_OK : io_failed(p, st);
}

static inline bool is_taken(const struct cold_line *line, uint32_t i)
{
    return line->taken[i / 64] >> i % 64 & 1;
}

/* Not taken out, and still worth something. */
static inline bool is_kept(const struct cold_pages *p, const struct cold_line *line, uint32_t i, struct bytes entry)
{
    return !is_taken(line, i) && !(p->over && p->over(p->over_context, entry));
}

static void line_clear(struct cold_line *line, uint8_t depth)
{
    *line = (struct cold_line){.slot = COLD_NO_SLOT, .depth = depth};
}

static void out_add(struct buf *out, struct bytes entry, uint32_t *given)
{
    buf_u32_le(out, (uint32_t)entry.len);
    buf_bytes(out, entry);
    (*given)++;
}

/* ---- taking out ---- */

static struct cold_ref *ref_of(struct cold_ref *refs, uint32_t count, const struct entry_at *entry)
{
    for (uint32_t i = 0; i < count; i++)
        if (refs[i].hash == entry->hash && refs[i].bytes.len <= entry->bytes.len &&
            !memcmp(refs[i].bytes.ptr, entry->bytes.ptr, refs[i].bytes.len))
            return &refs[i];
    return NULL;
}

enum status cold_pages_take(struct cold_pages *p, uint32_t index, struct cold_ref *refs, uint32_t count, struct buf *out,
                            uint32_t *given)
{
    struct cold_line *line = &p->lines[index];
    uint32_t pos = COLD_PAGE_HEAD;

    if (!line->left)
        return ST_OK;
    TRY(page_read(p, line));
    for (uint32_t i = 0; i < line->count; i++) {
        struct entry_at entry;
        CHECK(entry_read(p->in, COLD_PAGE_BYTES, &pos, &entry));
        struct cold_ref *ref = is_taken(line, i) ? NULL : ref_of(refs, count, &entry);
        if (!ref || ref->done)
            continue;
        ref->done = true;
        out_add(out, entry.bytes, given);
        line->taken[i / 64] |= 1ull << i % 64;
        line->left--;
        p->count--;
    }
    if (!line->left) {
        slot_give(p, line->slot);
        line_clear(line, line->depth);
    }
    return ST_OK;
}

enum status cold_pages_scan(struct cold_pages *p, uint32_t index, struct buf *out, uint32_t *given)
{
    const struct cold_line *line = &p->lines[index];
    uint32_t pos = COLD_PAGE_HEAD;

    if (!line->left)
        return ST_OK;
    TRY(page_read(p, line));
    for (uint32_t i = 0; i < line->count; i++) {
        struct entry_at entry;
        CHECK(entry_read(p->in, COLD_PAGE_BYTES, &pos, &entry));
        if (is_kept(p, line, i, entry.bytes))
            out_add(out, entry.bytes, given);
    }
    return ST_OK;
}

/* ---- storing ---- */

struct leaf {
    uint32_t from, count; /* of the plan's refs; none: an empty page */
    uint64_t hash;        /* one of its hashes */
    uint32_t depth, slot;
};

struct plan {
    struct cold_ref *refs; /* of the page and new, by hash */
    uint32_t count;
    struct leaf *leaves;
    uint32_t leaves_count, leaves_cap;
    uint32_t depth_max;
    uint32_t over_count; /* left out */
};

static int ref_compare(const void *a, const void *b)
{
    const struct cold_ref *x = a, *y = b;

    return x->hash < y->hash ? -1 : x->hash > y->hash ? 1 : x->index < y->index ? -1 : x->index > y->index;
}

static bool refs_fit(const struct cold_ref *refs, uint32_t count)
{
    size_t bytes = COLD_PAGE_HEAD;

    for (uint32_t i = 0; i < count && bytes <= COLD_PAGE_BYTES; i++)
        bytes += COLD_ENTRY_HEAD + refs[i].bytes.len;
    return count <= COLD_PAGE_ENTRIES && bytes <= COLD_PAGE_BYTES;
}

static void leaf_add(struct plan *plan, uint32_t from, uint32_t count, uint64_t hash, uint32_t depth)
{
    if (plan->leaves_count == plan->leaves_cap) {
        plan->leaves_cap = plan->leaves_cap ? 2 * plan->leaves_cap : 8;
        plan->leaves = xrealloc(plan->leaves, plan->leaves_cap * sizeof(*plan->leaves));
    }
    plan->leaves[plan->leaves_count++] = (struct leaf){from, count, hash, depth, COLD_NO_SLOT};
}

/* Those that are there already, in front: they fit, as they did. */
static uint32_t keep_old(struct cold_ref *refs, uint32_t count)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < count; i++)
        if (refs[i].old) {
            struct cold_ref old = refs[i];
            refs[i] = refs[n];
            refs[n++] = old;
        }
    return n;
}

/* The leaves of the refs, which all begin with the same `depth` bits. At most COLD_DEPTH_MAX calls deep. */
static void plan_leaves(struct plan *plan, uint32_t from, uint32_t count, uint64_t prefix, uint32_t depth)
{
    struct cold_ref *refs = plan->refs + from;

    if (refs_fit(refs, count)) {
        leaf_add(plan, from, count, prefix, depth);
        return;
    }
    if (depth == plan->depth_max) {
        leaf_add(plan, from, keep_old(refs, count), prefix, depth);
        return;
    }
    uint64_t bit = 1ull << (63 - depth);
    uint32_t low = 0;
    while (low < count && !(refs[low].hash & bit))
        low++;
    plan_leaves(plan, from, low, prefix, depth + 1);
    plan_leaves(plan, from + low, count - low, prefix | bit, depth + 1);
}

/* The entries of the page and those that come, by hash; the page's stay in p->in meanwhile. */
static enum status plan_make(struct cold_pages *p, const struct cold_line *line, const struct cold_ref *refs,
                             uint32_t count, struct plan *plan)
{
    uint32_t pos = COLD_PAGE_HEAD;

    *plan = (struct plan){.depth_max = depth_limit(p, count)};
    if (line->left)
        TRY(page_read(p, line));
    plan->refs = xmalloc((count + line->left) * sizeof(*plan->refs));
    for (uint32_t i = 0; line->left && i < line->count; i++) {
        struct entry_at entry;
        CHECK(entry_read(p->in, COLD_PAGE_BYTES, &pos, &entry));
        if (is_kept(p, line, i, entry.bytes))
            plan->refs[plan->count++] = (struct cold_ref){.hash = entry.hash, .bytes = entry.bytes, .old = true};
    }
    plan->over_count = line->left - plan->count;
    for (uint32_t i = 0; i < count; i++) {
        plan->refs[plan->count] = refs[i];
        plan->refs[plan->count++].index = i;
    }
    qsort(plan->refs, plan->count, sizeof(*plan->refs), ref_compare);
    plan_leaves(plan, 0, plan->count, line->depth ? refs[0].hash & ~(UINT64_MAX >> line->depth) : 0,
                line->depth);
    return ST_OK;
}

static enum status plan_write(struct cold_pages *p, struct plan *plan)
{
    for (uint32_t i = 0; i < plan->leaves_count; i++) {
        struct leaf *leaf = &plan->leaves[i];
        if (!leaf->count)
            continue;
        leaf->slot = slot_take(p);
        TRY(page_write(p, leaf->slot, plan->refs + leaf->from, leaf->count));
    }
    return ST_OK;
}

static void plan_undo(struct cold_pages *p, struct plan *plan)
{
    for (uint32_t i = 0; i < plan->leaves_count; i++)
        slot_give(p, plan->leaves[i].slot);
}

static uint32_t line_new(struct cold_pages *p)
{
    if (p->lines_count == p->lines_cap) {
        p->lines_cap *= 2;
        p->lines = xrealloc(p->lines, p->lines_cap * sizeof(*p->lines));
    }
    return p->lines_count++;
}

static void leaf_become(struct cold_pages *p, const struct plan *plan, const struct leaf *leaf, uint32_t index,
                        struct cold_ref *refs)
{
    struct cold_line *line = &p->lines[index];

    line_clear(line, (uint8_t)leaf->depth);
    line->slot = leaf->slot;
    line->count = line->left = (uint8_t)leaf->count;
    for (uint32_t i = 0; i < leaf->count; i++) {
        const struct cold_ref *ref = &plan->refs[leaf->from + i];
        filter_add(line, ref->hash);
        if (ref->old)
            continue;
        refs[ref->index].done = true;
        p->count++;
    }
    directory_set(p, leaf->hash, leaf->depth, index);
}

static void plan_commit(struct cold_pages *p, const struct plan *plan, uint32_t index, struct cold_ref *refs)
{
    slot_give(p, p->lines[index].slot);
    p->count -= plan->over_count;
    for (uint32_t i = 0; i < plan->leaves_count; i++)
        directory_deepen(p, plan->leaves[i].depth);
    for (uint32_t i = 0; i < plan->leaves_count; i++)
        leaf_become(p, plan, &plan->leaves[i], i ? line_new(p) : index, refs);
}

static enum status file_make(struct cold_pages *p)
{
    if (p->file)
        return ST_OK;
    enum status st = os_file_open(p->os, p->path, OS_WRITE | OS_CREATE | OS_TRUNCATE | OS_EXACT, &p->file);
    return st == ST_OK ? ST_OK : io_failed(p, st);
}

enum status cold_pages_store(struct cold_pages *p, uint32_t index, struct cold_ref *refs, uint32_t count)
{
    struct plan plan;

    TRY(file_make(p));
    enum status st = plan_make(p, &p->lines[index], refs, count, &plan);
    if (st == ST_OK)
        st = plan_write(p, &plan);
    if (st == ST_OK)
        plan_commit(p, &plan, index, refs);
    else
        plan_undo(p, &plan);
    free(plan.refs);
    free(plan.leaves);
    return st;
}
