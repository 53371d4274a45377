/* pages.h: a page of a topic's records: from some partitions, forward or back, bounded in records, bytes
 * and time, as JSON.
 *
 * Each partition has a place. Reading forward begins at it; reading back ends before it. A page takes up to
 * `limit` records that match, merged by their time, never out of order within a partition, and leaves in
 * each partition the place from which the next page goes on, whether the page is full or the bound of what
 * one request may look at was met first.
 *
 *     page_begin(&page, &options); page_add(&page, 0, 17); page_run(&page); page_write(&page, &w); page_end(&page);
 *
 * Limits: PAGE_*.   Threads: the loop's.   Errors: ST_CORRUPT by page_run.   Layer: serve. */
#ifndef QW_SERVE_HTTP_PAGES_H
#define QW_SERVE_HTTP_PAGES_H

#include "serve/http/face.h"

enum {
    PAGE_RECORDS_MAX = 500,
    PAGE_PARTITIONS_MAX = 64,
    PAGE_SCAN_BYTES = 4 << 20, /* looked at in one request, not counting one batch of each partition */
    PAGE_TEXT_BYTES = 4 << 20, /* limit * cut */
};
#define PAGE_SCAN_NS ((int64_t)12e6)

enum page_direction { PAGE_FORWARD, PAGE_BACK };

struct page_options {
    struct http_face *face;
    struct log_topic *topic;
    enum page_direction direction;
    uint32_t limit;
    size_t cut;          /* bytes shown of each key, value and header */
    size_t scan_bytes;   /* PAGE_SCAN_BYTES or less */
    struct bytes filter; /* bytes that key, value or a header's value must have; empty: none */
    bool committed;      /* up to the last stable offset, without what was aborted */
};

struct page_found;

struct page_part {
    struct log_partition *partition;
    uint32_t index;
    int64_t start, end;   /* that may be read */
    int64_t began, place; /* where this page's range begins and where the next one goes on */
    struct page_found *found;
    uint32_t count, cap, from, to; /* those of found that are in the page: [from, to) */
};

struct page {
    struct page_options o;
    struct page_part parts[PAGE_PARTITIONS_MAX];
    uint32_t parts_count;
    struct buf text; /* of the records found */
    uint64_t records_seen, bytes_seen;
    size_t bytes_left;
    int64_t until_ns;
};

void page_begin(struct page *page, const struct page_options *options);
/* place is moved into what may be read. */
void page_add(struct page *page, uint32_t partition, int64_t place);
enum status page_run(struct page *page) MUST_CHECK;
void page_write(const struct page *page, struct json_writer *w); /* [{record}], the oldest first */
/* "0:17,1:4": where each partition's range of this page begins, or ends. */
enum page_edge { PAGE_FROM, PAGE_TO };
void page_cursor(const struct page *page, enum page_edge edge, struct buf *out);
int64_t page_left(const struct page *page); /* offsets not looked at yet in its direction */
void page_end(struct page *page);

/* ---- a record as JSON (record_json.c) ---- */
struct batch_header;
struct record_marks {
    uint32_t partition;
    size_t cut;
    bool aborted; /* of a transaction that was */
    bool open;    /* of one that is not decided */
};
void write_record(struct json_writer *w, const struct batch_header *h, const struct record *r,
                  const struct record_marks *marks);
/* A batch that cannot be read: its place and why. */
void write_damaged(struct json_writer *w, const struct batch_header *h, uint32_t partition,
                   int64_t offset, enum status why);

#endif
