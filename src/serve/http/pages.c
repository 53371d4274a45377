/* How it reads back: batches can only be read forward, so it reads windows that end where the last one
 * began, each twice as wide while records are few. A window counts only when it was read to its end; one
 * that would cost more than the bound is made narrower, down to one record, so that it always goes on.
 *
 * The records of a page are written as JSON when they are found, for the batch they are in goes; which of
 * them are in the page is known only when all partitions are merged. */
#include "serve/http/pages.h"

#include <stdlib.h>

#include "base/check.h"
#include "wire/kafka/batch.h"

enum { READ_BYTES = 256 << 10, WINDOW_MIN = 16, WINDOW_MAX = 1 << 20 };

struct page_found {
    int64_t offset, time_ms;
    size_t from, len; /* in page.text */
};

void page_begin(struct page *page, const struct page_options *options)
{
    *page = (struct page){.o = *options, .bytes_left = options->scan_bytes};
    CHECK(options->limit > 0 && options->limit <= PAGE_RECORDS_MAX);
    buf_init(&page->text, 0);
}

void page_end(struct page *page)
{
    for (uint32_t i = 0; i < page->parts_count; i++)
        free(page->parts[i].found);
    buf_deinit(&page->text);
}

void page_add(struct page *page, uint32_t partition, int64_t place)
{
    struct page_part *part = &page->parts[page->parts_count++];
    struct log_offsets o;

    CHECK(page->parts_count <= PAGE_PARTITIONS_MAX);
    *part = (struct page_part){.partition = log_partition_of(page->o.topic, partition), .index = partition};
    log_offsets(part->partition, &o);
    part->start = o.start;
    part->end = page->o.committed ? o.stable : o.durable;
    if (part->end < part->start)
        part->end = part->start;
    place = place < part->start ? part->start : place > part->end ? part->end : place;
    part->began = part->place = place;
}

/* ---- records of one batch ---- */

static bool has(struct bytes text, struct bytes part)
{
    return text.len >= part.len && memmem(text.ptr, text.len, part.ptr, part.len);
}

static bool matches(const struct page *page, const struct batch_header *h, const struct record *r)
{
    struct bytes filter = page->o.filter;
    struct reader at = reader_of(r->headers);
    struct record_header header;

    if (!filter.len)
        return true;
    if (h->attributes & BATCH_CONTROL)
        return false;
    if (has(r->key, filter) || has(r->value, filter))
        return true;
    while (record_headers_next(&at, &header))
        if (has(header.value, filter))
            return true;
    return false;
}

struct aborted {
    int64_t producer_id, offset;
    bool found;
};

static void look_for_abort(void *context, const struct log_aborted *a)
{
    struct aborted *look = context;

    look->found |= a->producer_id == look->producer_id && look->offset >= a->first && look->offset <= a->last;
}

static void mark(struct page *page, const struct page_part *part, const struct batch_header *h,
                 struct record_marks *marks)
{
    struct aborted look = {h->producer_id, h->base_offset, false};
    struct log_offsets o;

    *marks = (struct record_marks){.partition = part->index, .cut = page->o.cut};
    if (!(h->attributes & BATCH_TRANSACTIONAL) || h->attributes & BATCH_CONTROL)
        return;
    log_aborted(part->partition, h->base_offset, batch_last_offset(h) + 1, look_for_abort, &look);
    log_offsets(part->partition, &o);
    marks->aborted = look.found;
    marks->open = !look.found && batch_last_offset(h) >= o.stable;
}

static struct page_found *found_add(struct page *page, struct page_part *part, int64_t offset, int64_t time_ms)
{
    if (part->count == part->cap) {
        part->cap = part->cap ? part->cap * 2 : 32;
        part->found = xrealloc(part->found, part->cap * sizeof *part->found);
    }
    struct page_found *found = &part->found[part->count++];
    *found = (struct page_found){offset, time_ms, page->text.len, 0};
    return found;
}

/* What lies in [from, to), as long as `most` are not met; gives where to go on. */
static int64_t take_batch(struct page *page, struct page_part *part, struct bytes batch, int64_t from, int64_t to,
                          uint32_t most, const struct batch_header *h)
{
    struct record_marks marks;
    struct batch_records it;
    struct json_writer w;
    struct record r;
    int64_t reached = h->base_offset > from ? h->base_offset : from;
    enum status st = batch_records_open_buf(&it, batch, &page->o.face->scratch);

    size_t cost = batch.len + (st == ST_OK ? it.at.end - it.at.at : 0);
    page->bytes_seen += cost;
    page->bytes_left -= cost < page->bytes_left ? cost : page->bytes_left;
    mark(page, part, h, &marks);
    while (st == ST_OK && part->count < most && (st = batch_records_next(&it, &r)) == ST_OK) {
        if (r.offset < from)
            continue;
        if (r.offset >= to)
            return to;
        reached = r.offset + 1;
        page->records_seen++;
        if (!matches(page, h, &r) || (page->o.committed && (marks.aborted || h->attributes & BATCH_CONTROL)))
            continue;
        struct page_found *found = found_add(page, part, r.offset, r.timestamp_ms);
        json_writer_init(&w, &page->text);
        write_record(&w, h, &r, &marks);
        found->len = page->text.len - found->from;
        if (part->count == most)
            return r.offset + 1;
    }
    if (st != ST_OK && st != ST_END && reached <= batch_last_offset(h)) {
        struct page_found *found = found_add(page, part, reached, h->base_timestamp);
        json_writer_init(&w, &page->text);
        write_damaged(&w, h, part->index, reached, st);
        found->len = page->text.len - found->from;
    }
    int64_t next = batch_last_offset(h) + 1;
    return next < to ? next : to;
}

/* ---- runs of batches ---- */

static bool spent(const struct page *page)
{
    return page->bytes_left == 0 || os_mono_ns(loop_os(page->o.face->loop)) > page->until_ns;
}

/* From *at up to `to`, until `most` are found or no more may be looked at; always at least a batch. */
static enum status take_run(struct page *page, struct page_part *part, int64_t *at, int64_t to, uint32_t most)
{
    enum log_bound bound = page->o.committed ? LOG_TO_STABLE : LOG_TO_DURABLE;
    struct batch_header h;
    struct log_view view;
    struct bytes batch;
    bool any = false;

    while (*at < to && part->count < most && !(any && spent(page))) {
        TRY(log_read(page->o.face->log, part->partition, *at, READ_BYTES, bound, &view, NULL));
        struct bytes rest = view.bytes;
        int64_t before = *at;
        if (!rest.len) /* compaction left nothing up to the end */
            *at = to;
        while (*at < to && part->count < most && !(any && spent(page)) && batch_next(&rest, &h, &batch) == ST_OK) {
            *at = take_batch(page, part, batch, *at, to, most, &h);
            any = true;
        }
        log_view_release(&view);
        if (*at == before)
            return ST_CORRUPT;
    }
    return ST_OK;
}

/* Where the batch of that offset begins: it must be unfolded as a whole anyway. */
static enum status batch_begin(const struct page *page, const struct page_part *part, int64_t *low)
{
    enum log_bound bound = page->o.committed ? LOG_TO_STABLE : LOG_TO_DURABLE;
    struct log_view view;

    TRY(log_read(page->o.face->log, part->partition, *low, 1, bound, &view, NULL));
    if (view.bytes.len && view.base_offset < *low)
        *low = view.base_offset > part->start ? view.base_offset : part->start;
    log_view_release(&view);
    return ST_OK;
}

/* The window [low, part->place), and `most` records at most are kept of it: the last. */
static enum status take_window(struct page *page, struct page_part *part, int64_t low, uint32_t most, bool *whole)
{
    uint32_t had = part->count;
    size_t text_had = page->text.len;

    if (page->o.filter.len)
        TRY(batch_begin(page, part, &low));
    int64_t at = low;
    TRY(take_run(page, part, &at, part->place, UINT32_MAX));
    *whole = at >= part->place;
    if (!*whole) {
        part->count = had;
        page->text.len = text_had;
        return ST_OK;
    }
    uint32_t got = part->count - had;
    if (got > most) { /* those further back are another page's */
        low = part->found[part->count - most].offset;
        memmove(part->found + had, part->found + part->count - most, most * sizeof *part->found);
        part->count = had + most;
    }
    part->place = low;
    return ST_OK;
}

static int by_offset(const void *a, const void *b)
{
    int64_t x = ((const struct page_found *)a)->offset, y = ((const struct page_found *)b)->offset;

    return (x > y) - (x < y);
}

/* How many offsets are likely to cost no more than a quarter of the bound. */
static int64_t window_of(const struct page *page, const struct page_part *part, int64_t wanted)
{
    struct log_offsets o;

    log_offsets(part->partition, &o);
    uint64_t each = o.end > o.start ? o.bytes / (uint64_t)(o.end - o.start) : 0;
    int64_t affordable = (int64_t)(page->o.scan_bytes / 4 / (each ? each : 1));
    wanted = wanted < WINDOW_MIN ? WINDOW_MIN : wanted > WINDOW_MAX ? WINDOW_MAX : wanted;
    return wanted < affordable ? wanted : affordable > 1 ? affordable : 1;
}

static enum status read_back(struct page *page, struct page_part *part)
{
    int64_t window = window_of(page, part, page->o.limit);
    bool any = false;

    while (part->place > part->start && part->count < page->o.limit && !(any && spent(page))) {
        bool whole;
        int64_t low = part->place - window > part->start ? part->place - window : part->start;
        TRY(take_window(page, part, low, page->o.limit - part->count, &whole));
        any |= whole;
        window = whole ? window_of(page, part, window * 2) : window > 8 ? window / 8 : 1;
    }
    if (part->count)
        qsort(part->found, part->count, sizeof *part->found, by_offset);
    return ST_OK;
}

/* ---- merging ---- */

static const struct page_found *edge_of(const struct page *page, const struct page_part *part)
{
    if (page->o.direction == PAGE_FORWARD)
        return part->to < part->count ? &part->found[part->to] : NULL;
    return part->from > 0 ? &part->found[part->from - 1] : NULL;
}

/* The partition whose next record is the oldest (back: the newest). */
static struct page_part *next_part(struct page *page)
{
    struct page_part *best = NULL;
    const struct page_found *best_found = NULL;

    for (uint32_t i = 0; i < page->parts_count; i++) {
        const struct page_found *found = edge_of(page, &page->parts[i]);
        if (!found)
            continue;
        bool better = !best || (page->o.direction == PAGE_FORWARD ? found->time_ms < best_found->time_ms
                                                                  : found->time_ms >= best_found->time_ms);
        if (better) {
            best = &page->parts[i];
            best_found = found;
        }
    }
    return best;
}

/* Chooses the page's records; what is left out is the next page's, so places go back to it. */
static void choose(struct page *page)
{
    bool forward = page->o.direction == PAGE_FORWARD;
    struct page_part *part;

    for (uint32_t i = 0; i < page->parts_count; i++)
        page->parts[i].from = page->parts[i].to = forward ? 0 : page->parts[i].count;
    for (uint32_t n = 0; n < page->o.limit && (part = next_part(page)); n++) {
        if (forward)
            part->to++;
        else
            part->from--;
    }
    for (uint32_t i = 0; i < page->parts_count; i++) {
        part = &page->parts[i];
        if (forward && part->to < part->count)
            part->place = part->found[part->to].offset;
        if (!forward && part->from > 0)
            part->place = part->found[part->from - 1].offset + 1;
    }
}

enum status page_run(struct page *page)
{
    struct http_face *face = page->o.face;
    uint32_t first = page->parts_count ? face->rotor++ % page->parts_count : 0;

    page->until_ns = os_mono_ns(loop_os(face->loop)) + PAGE_SCAN_NS;
    for (uint32_t i = 0; i < page->parts_count; i++) {
        struct page_part *part = &page->parts[(first + i) % page->parts_count];
        if (i && spent(page))
            break; /* another one is first the next time */
        size_t share = page->bytes_left / (page->parts_count - i), others = page->bytes_left - share;
        page->bytes_left = share;
        if (page->o.direction == PAGE_BACK)
            TRY(read_back(page, part));
        else
            TRY(take_run(page, part, &part->place, part->end, page->o.limit));
        page->bytes_left += others;
    }
    choose(page);
    return ST_OK;
}

/* ---- writing ---- */

/* Of those chosen and not written: the oldest. */
static int next_written(const struct page *page, const uint32_t *at)
{
    int best = -1;

    for (uint32_t i = 0; i < page->parts_count; i++)
        if (at[i] < page->parts[i].to &&
            (best < 0 || page->parts[i].found[at[i]].time_ms < page->parts[best].found[at[best]].time_ms))
            best = (int)i;
    return best;
}

void page_write(const struct page *page, struct json_writer *w)
{
    uint32_t at[PAGE_PARTITIONS_MAX];
    int next;

    for (uint32_t i = 0; i < page->parts_count; i++)
        at[i] = page->parts[i].from;
    json_array_begin(w);
    while ((next = next_written(page, at)) >= 0) {
        const struct page_found *found = &page->parts[next].found[at[next]++];
        json_raw(w, bytes_of(page->text.ptr + found->from, found->len));
    }
    json_array_end(w);
}

void page_cursor(const struct page *page, enum page_edge edge, struct buf *out)
{
    bool at_place = (page->o.direction == PAGE_FORWARD) == (edge == PAGE_TO);

    for (uint32_t i = 0; i < page->parts_count; i++) {
        const struct page_part *part = &page->parts[i];
        buf_printf(out, "%s%u:%lld", i ? "," : "", part->index, (long long)(at_place ? part->place : part->began));
    }
}

int64_t page_left(const struct page *page)
{
    int64_t left = 0;

    for (uint32_t i = 0; i < page->parts_count; i++) {
        const struct page_part *part = &page->parts[i];
        left += page->o.direction == PAGE_FORWARD ? part->end - part->place : part->place - part->start;
    }
    return left;
}
