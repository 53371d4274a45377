/* How: a request is its items, by hash, and what they gave; its step, on the helper, does some pages at a time. */
#include "store/state/cold.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/endian.h"
#include "base/hash.h"
#include "store/state/cold_pages.h"

enum { STEP_PAGES = 8, SCAN_PAGES = 256 };

enum request { REQUEST_NONE, REQUEST_TAKE, REQUEST_STORE, REQUEST_SCAN };

struct item {
    uint64_t hash;
    size_t at; /* in `bytes` */
    uint32_t len;
};

struct cold {
    struct os_work work; /* first */
    struct os_helper *helper;
    struct cold_pages pages;
    uint64_t reserve_bytes;

    /* The request; the helper's from its submission until it is done. */
    enum request request;
    struct item *items;
    uint32_t items_count, items_cap;
    struct buf bytes;      /* keys or entries of the items */
    struct cold_ref *refs; /* the items, by hash; NULL: not begun */
    bool asked_ahead;
    uint32_t at;       /* of refs, or of pages to scan */
    uint32_t scan_end; /* of this part */
    struct buf out;    /* entries given */
    uint32_t given;
    enum status status;

    /* The owner's */
    bool *stored; /* by put */
    size_t out_at;
    enum status failed; /* for good */
    uint64_t count, memory_bytes, disk_bytes;
};

static uint64_t mix(uint64_t hash)
{
    return hash_u64(hash ^ 0xD6E8FEB86659FD93u); /* key groups and slots go by bits of the hash as it is */
}

/* ---- on the helper ---- */

static int ref_compare(const void *a, const void *b)
{
    const struct cold_ref *x = a, *y = b;

    return x->hash < y->hash ? -1 : x->hash > y->hash ? 1 : x->index < y->index ? -1 : x->index > y->index;
}

static void refs_make(struct cold *c)
{
    c->refs = xmalloc((c->items_count + 1ul) * sizeof(*c->refs));
    for (uint32_t i = 0; i < c->items_count; i++) {
        const struct item *item = &c->items[i];
        c->refs[i] = (struct cold_ref){.hash = item->hash, .bytes = bytes_of(c->bytes.ptr + item->at, item->len),
                                       .index = i};
    }
    qsort(c->refs, c->items_count, sizeof(*c->refs), ref_compare);
}

/* The disk is told of all pages before the first is waited for. */
static uint32_t ask_ahead(struct cold *c)
{
    uint32_t pages = 0;

    for (uint32_t i = 0; i < c->items_count; pages++) {
        cold_pages_ahead(&c->pages, cold_pages_find(&c->pages, c->refs[i].hash));
        i += cold_pages_run(&c->pages, c->refs + i, c->items_count - i);
    }
    return pages;
}

static uint64_t reserve_of(const struct cold *c, uint64_t total_bytes)
{
    uint64_t least = total_bytes / 10 < COLD_RESERVE_BYTES ? total_bytes / 10 : COLD_RESERVE_BYTES;

    return c->reserve_bytes ? c->reserve_bytes : least;
}

/* Twice the pages, as some are split. */
static enum status ask_room(struct cold *c, uint32_t pages)
{
    uint64_t free_bytes, total_bytes, need = 2ull * pages * COLD_PAGE_BYTES;
    char folder[OS_PATH_MAX];

    snprintf(folder, sizeof(folder), "%s", c->pages.path);
    char *slash = strrchr(folder, '/');
    if (!slash)
        return ST_OK;
    *slash = 0;
    enum status st = os_space(c->pages.os, folder, &free_bytes, &total_bytes);
    if (st == ST_OK && free_bytes >= reserve_of(c, total_bytes) + need)
        return ST_OK;
    if (st == ST_OK)
        snprintf(c->pages.error, sizeof(c->pages.error), "%s: the disk has %llu bytes left", folder,
                 (unsigned long long)free_bytes);
    else
        snprintf(c->pages.error, sizeof(c->pages.error), "%s", os_error_text(c->pages.os));
    return st == ST_OK ? ST_NOSPACE : st;
}

static enum status begin(struct cold *c)
{
    refs_make(c);
    uint32_t pages = ask_ahead(c);
    c->asked_ahead = true;
    return c->request == REQUEST_STORE ? ask_room(c, pages) : ST_OK;
}

/* The entries of one page. */
static enum status run_step(struct cold *c)
{
    struct cold_ref *refs = c->refs + c->at;
    uint32_t line = cold_pages_find(&c->pages, refs->hash);
    uint32_t count = cold_pages_run(&c->pages, refs, c->items_count - c->at);

    c->at += count;
    if (c->request == REQUEST_STORE)
        return cold_pages_store(&c->pages, line, refs, count);
    return cold_pages_take(&c->pages, line, refs, count, &c->out, &c->given);
}

static enum status scan_step(struct cold *c)
{
    if (!c->asked_ahead)
        for (uint32_t i = c->at; i < c->scan_end; i++)
            cold_pages_ahead(&c->pages, i);
    c->asked_ahead = true;
    return cold_pages_scan(&c->pages, c->at++, &c->out, &c->given);
}

static bool is_over(const struct cold *c)
{
    return c->at == (c->request == REQUEST_SCAN ? c->scan_end : c->items_count);
}

static bool cold_step(struct os_work *work)
{
    struct cold *c = (struct cold *)work;

    if (c->request != REQUEST_SCAN && !c->asked_ahead) {
        c->status = begin(c);
        return c->status == ST_OK && !is_over(c);
    }
    for (int i = 0; i < STEP_PAGES && c->status == ST_OK && !is_over(c); i++)
        c->status = c->request == REQUEST_SCAN ? scan_step(c) : run_step(c);
    return c->status == ST_OK && !is_over(c);
}

/* ---- the owner's side ---- */

static void note_figures(struct cold *c)
{
    c->count = c->pages.count;
    c->memory_bytes = sizeof(*c) + cold_pages_bytes(&c->pages);
    c->disk_bytes = (uint64_t)c->pages.slots_count * COLD_PAGE_BYTES;
}

struct cold *cold_open(const struct cold_options *options)
{
    struct cold *c = xcalloc(1, sizeof(*c));

    c->work.step = cold_step;
    c->reserve_bytes = options->reserve_bytes;
    cold_pages_init(&c->pages, options);
    buf_init(&c->bytes, 0);
    buf_init(&c->out, 0);
    os_helper_open(options->os, "quickwater-cold", options->wake, options->context, &c->helper);
    note_figures(c);
    return c;
}

void cold_close(struct cold *c)
{
    if (c->request != REQUEST_NONE)
        os_helper_wait(c->helper, &c->work);
    os_helper_close(c->helper);
    cold_pages_deinit(&c->pages);
    free(c->items);
    free(c->refs);
    free(c->stored);
    buf_deinit(&c->bytes);
    buf_deinit(&c->out);
    free(c);
}

uint64_t cold_count(const struct cold *c)
{
    return c->count;
}

uint64_t cold_bytes(const struct cold *c)
{
    return c->memory_bytes;
}

uint64_t cold_disk_bytes(const struct cold *c)
{
    return c->disk_bytes;
}

const char *cold_error(const struct cold *c)
{
    return c->pages.error;
}

bool cold_maybe(const struct cold *c, uint64_t hash)
{
    CHECK(c->request == REQUEST_NONE);
    return cold_pages_maybe(&c->pages, mix(hash));
}

static void item_add(struct cold *c, uint64_t hash, struct bytes bytes)
{
    CHECK(c->request == REQUEST_NONE);
    CHECK(c->items_count < COLD_BATCH);
    if (c->items_count == c->items_cap) {
        c->items_cap = c->items_cap ? 2 * c->items_cap : 64;
        c->items = xrealloc(c->items, c->items_cap * sizeof(*c->items));
    }
    c->items[c->items_count++] = (struct item){mix(hash), c->bytes.len, (uint32_t)bytes.len};
    buf_bytes(&c->bytes, bytes);
}

void cold_want(struct cold *c, uint64_t hash, struct bytes key)
{
    item_add(c, hash, key);
}

void cold_put(struct cold *c, uint64_t hash, struct bytes entry)
{
    CHECK(entry.len <= COLD_ENTRY_MAX);
    item_add(c, hash, entry);
}

static void submit(struct cold *c, enum request request)
{
    CHECK(c->request == REQUEST_NONE);
    c->request = request;
    c->asked_ahead = false;
    c->given = 0;
    c->out_at = 0;
    buf_deinit(&c->out);
    buf_init(&c->out, 0);
    c->status = c->failed;
    if (c->failed == ST_OK)
        os_helper_submit(c->helper, &c->work);
}

void cold_take(struct cold *c)
{
    c->at = 0;
    submit(c, REQUEST_TAKE);
}

void cold_store(struct cold *c)
{
    c->at = 0;
    submit(c, REQUEST_STORE);
}

void cold_scan_begin(struct cold *c)
{
    CHECK(c->request == REQUEST_NONE);
    c->at = c->scan_end = 0;
}

bool cold_scan(struct cold *c)
{
    uint32_t left = c->pages.lines_count - c->scan_end;

    if (!left)
        return false;
    c->at = c->scan_end;
    c->scan_end += left < SCAN_PAGES ? left : SCAN_PAGES;
    submit(c, REQUEST_SCAN);
    return true;
}

bool cold_busy(const struct cold *c)
{
    return c->request != REQUEST_NONE;
}

/* What of the puts is here now. */
static void note_stored(struct cold *c)
{
    free(c->stored);
    c->stored = xcalloc(c->items_count + 1ul, sizeof(*c->stored));
    for (uint32_t i = 0; c->refs && i < c->items_count; i++)
        c->stored[c->refs[i].index] = c->refs[i].done;
}

/* A request's memory is not kept. */
static void request_clear(struct cold *c)
{
    c->request = REQUEST_NONE;
    free(c->refs);
    free(c->items);
    c->refs = NULL;
    c->items = NULL;
    c->items_count = c->items_cap = 0;
    buf_deinit(&c->bytes);
    buf_init(&c->bytes, 0);
}

enum status cold_poll(struct cold *c)
{
    CHECK(c->request != REQUEST_NONE);
    if (!os_helper_done(c->helper, &c->work))
        return ST_AGAIN;
    if (c->request == REQUEST_STORE)
        note_stored(c);
    request_clear(c);
    note_figures(c);
    if (c->status != ST_OK && c->status != ST_NOSPACE)
        c->failed = c->status;
    return c->status;
}

void cold_wait(struct cold *c)
{
    if (c->request != REQUEST_NONE)
        os_helper_wait(c->helper, &c->work);
}

bool cold_next(struct cold *c, struct bytes *entry)
{
    if (c->out_at == c->out.len)
        return false;
    uint32_t len = load_u32_le(c->out.ptr + c->out_at);
    *entry = bytes_of(c->out.ptr + c->out_at + 4, len);
    c->out_at += 4 + len;
    return true;
}

uint32_t cold_given(const struct cold *c)
{
    return c->given;
}

bool cold_is_stored(const struct cold *c, uint32_t n)
{
    return c->stored[n];
}
