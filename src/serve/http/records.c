/* records.c: GET /v1/topics/{t}/records: a page of records (pages.h), from a place that the query names. */
#include "base/check.h"
#include "serve/http/broker.h"
#include "serve/http/pages.h"
#include "wire/http/uri.h"

enum { LIMIT = 50, CUT = 2048, CUT_MAX = 64 << 10, FILTER_MAX = 256 };

/* Where a page begins; one of them. */
enum seek { SEEK_END, SEEK_START, SEEK_OFFSET, SEEK_TIME, SEEK_BEFORE, SEEK_AFTER };

struct asking {
    struct exchange *x;
    struct page_options options;
    enum seek seek;
    int64_t number;       /* the offset or time */
    struct bytes cursor;
    uint32_t partitions[PAGE_PARTITIONS_MAX];
    uint32_t partitions_count; /* 0: all */
    bool whole;           /* the one record, uncut */
};

/* The query's text of that name, in the exchange's arena; ptr NULL: absent. */
static struct bytes query_text(struct exchange *x, const char *name)
{
    struct buf text;
    struct bytes out = BYTES_NONE;

    buf_init(&text, 0);
    if (query_get(x->request->query, name, &text))
        out = arena_copy(&x->arena, buf_view(&text));
    buf_deinit(&text);
    return out;
}

static bool take_seek(struct asking *a)
{
    struct exchange *x = a->x;
    struct bytes from = query_text(x, "from"), before = query_text(x, "before"), after = query_text(x, "after");
    bool offset = query_has(x->request->query, "offset"), time = query_has(x->request->query, "time");

    if ((from.ptr != NULL) + (before.ptr != NULL) + (after.ptr != NULL) + offset + time > 1) {
        reply_error(x, 400, "value", "only one of ?from=, ?offset=, ?time=, ?before= and ?after=");
        return false;
    }
    if (from.ptr && !bytes_is(from, "start") && !bytes_is(from, "end")) {
        reply_error(x, 400, "value", "?from= is start or end");
        return false;
    }
    a->seek = offset ? SEEK_OFFSET : time ? SEEK_TIME : before.ptr ? SEEK_BEFORE : after.ptr ? SEEK_AFTER
              : bytes_is(from, "start") ? SEEK_START : SEEK_END;
    a->cursor = before.ptr ? before : after;
    a->options.direction = a->seek == SEEK_END || a->seek == SEEK_BEFORE ? PAGE_BACK : PAGE_FORWARD;
    return query_int(x, "offset", 0, INT64_MAX, &a->number) && query_int(x, "time", 0, INT64_MAX, &a->number);
}

static bool bad_partition(struct asking *a)
{
    reply_error(a->x, 400, "value", "?partition= is 0 to %u, at most %d of them, each once",
                log_topic_info(a->options.topic)->partitions - 1, PAGE_PARTITIONS_MAX);
    return false;
}

static bool take_partitions(struct asking *a)
{
    struct bytes rest = a->x->request->query;
    uint32_t have = log_topic_info(a->options.topic)->partitions;
    struct buf text;
    bool ok = true;

    buf_init(&text, 0);
    while (ok && (buf_clear(&text), query_next(&rest, "partition", &text))) {
        int64_t n = -1;
        ok = a->partitions_count < PAGE_PARTITIONS_MAX && bytes_to_i64(buf_view(&text), &n) && n >= 0 && n < have;
        for (uint32_t i = 0; i < a->partitions_count; i++)
            ok &= a->partitions[i] != n;
        if (ok)
            a->partitions[a->partitions_count++] = (uint32_t)n;
    }
    buf_deinit(&text);
    if (!ok)
        return bad_partition(a);
    if (!a->partitions_count && have > PAGE_PARTITIONS_MAX && !a->cursor.ptr) {
        reply_error(a->x, 400, "limit", "the topic has %u partitions; choose up to %d by ?partition=", have,
                    PAGE_PARTITIONS_MAX);
        return false;
    }
    for (uint32_t i = 0; !a->partitions_count && !a->cursor.ptr && i < have; i++)
        a->partitions[i] = i;
    if (!a->partitions_count && !a->cursor.ptr)
        a->partitions_count = have;
    return true;
}

static bool take_shape(struct asking *a)
{
    struct exchange *x = a->x;
    int64_t limit = LIMIT, cut = CUT;
    struct bytes query = x->request->query;

    a->whole = query_has(query, "whole");
    if (a->whole && (a->seek != SEEK_OFFSET || a->partitions_count != 1)) {
        reply_error(x, 400, "value", "?whole is of one record: with ?partition= and ?offset=");
        return false;
    }
    if (!query_int(x, "limit", 1, PAGE_RECORDS_MAX, &limit) || !query_int(x, "cut", 0, CUT_MAX, &cut))
        return false;
    if (limit * cut > PAGE_TEXT_BYTES) {
        reply_error(x, 400, "limit", "?limit= times ?cut= is at most %d", PAGE_TEXT_BYTES);
        return false;
    }
    a->options.filter = query_text(x, "filter");
    if (a->options.filter.len > FILTER_MAX) {
        reply_error(x, 400, "limit", "?filter= is at most %d bytes", FILTER_MAX);
        return false;
    }
    a->options.committed = query_has(query, "committed");
    a->options.limit = a->whole ? 1 : (uint32_t)limit;
    a->options.cut = a->whole ? SIZE_MAX : (size_t)cut;
    return true;
}

/* "0:17,1:4" */
static bool add_cursor(struct page *page, struct bytes cursor)
{
    uint32_t have = log_topic_info(page->o.topic)->partitions;
    uint64_t last = 0;

    while (cursor.len) {
        int64_t partition, offset;
        size_t comma = bytes_find(cursor, ',', 0), colon = bytes_find(cursor, ':', 0);
        if (colon >= comma || page->parts_count == PAGE_PARTITIONS_MAX ||
            !bytes_to_i64(bytes_head(cursor, colon), &partition) ||
            !bytes_to_i64(bytes_head(bytes_skip(cursor, colon + 1), comma - colon - 1), &offset) || partition < 0 ||
            partition >= have || offset < 0 || (page->parts_count && (uint64_t)partition <= last))
            return false;
        page_add(page, (uint32_t)partition, offset);
        last = (uint64_t)partition;
        if (comma + 1 == cursor.len)
            return false;
        cursor = bytes_skip(cursor, comma + 1);
    }
    return page->parts_count > 0;
}

static int64_t place_of_time(const struct asking *a, uint32_t partition)
{
    int64_t offset, found_ms;
    struct log_partition *p = log_partition_of(a->options.topic, partition);

    return log_offset_for_time(a->x->face->log, p, a->number, &offset, &found_ms) == ST_OK ? offset : INT64_MAX;
}

static bool add_parts(struct page *page, const struct asking *a)
{
    if (a->cursor.ptr)
        return add_cursor(page, a->cursor);
    for (uint32_t i = 0; i < a->partitions_count; i++) {
        uint32_t n = a->partitions[i];
        page_add(page, n, a->seek == SEEK_START    ? 0
                          : a->seek == SEEK_OFFSET ? a->number
                          : a->seek == SEEK_TIME   ? place_of_time(a, n)
                                                   : INT64_MAX);
    }
    return true;
}

static void write_edge(struct json_writer *w, const struct page *page, const char *name, enum page_edge edge)
{
    struct buf cursor;

    buf_init(&cursor, 0);
    page_cursor(page, edge, &cursor);
    json_key_text(w, name, buf_view(&cursor));
    buf_deinit(&cursor);
}

static void answer(struct exchange *x, const struct page *page)
{
    struct buf body;
    struct json_writer w;

    buf_init(&body, x->face->options.answer_bytes_max);
    json_writer_init(&w, &body);
    json_object_begin(&w);
    json_key(&w, "records");
    page_write(page, &w);
    write_edge(&w, page, "from", PAGE_FROM);
    write_edge(&w, page, "to", PAGE_TO);
    json_key_i64(&w, "left", page_left(page));
    json_key(&w, "scanned");
    json_object_begin(&w);
    json_key_u64(&w, "records", page->records_seen);
    json_key_u64(&w, "bytes", page->bytes_seen);
    json_object_end(&w);
    json_object_end(&w);
    reply_json(x, 200, &body);
}

static bool found_it(const struct page *page, int64_t offset)
{
    const struct page_part *part = &page->parts[0];

    return part->to > part->from && part->place == offset + 1;
}

void get_records(struct exchange *x)
{
    struct asking a = {.x = x, .options = {.face = x->face, .scan_bytes = PAGE_SCAN_BYTES}};
    struct page page;

    a.options.topic = find_topic(x, x->params[0], ACL_READ);
    if (!a.options.topic || !take_seek(&a) || !take_partitions(&a) || !take_shape(&a))
        return;
    page_begin(&page, &a.options);
    if (!add_parts(&page, &a))
        reply_error(x, 400, "value", "a cursor is what an answer gave as \"from\" or \"to\"");
    else if (page_run(&page) != ST_OK)
        reply_error(x, 500, "damaged", "the log is damaged there: quickwater check says where");
    else if (a.whole && !found_it(&page, a.number))
        reply_error(x, 404, "name", "there is no record at offset %lld", (long long)a.number);
    else
        answer(x, &page);
    page_end(&page);
}
