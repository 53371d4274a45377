#include "serve/http/face.h"
#include "wire/kafka/batch.h"

enum { READ_BYTES = 256 << 10 };

struct run {
    int64_t from, next;
    uint32_t left;
    tail_fn *fn;
    void *context;
};

/* Records of one batch from run->from on. */
static enum status read_batch(struct http_face *face, struct bytes batch, const struct batch_header *h,
                              struct run *run)
{
    struct batch_records it;
    struct record rec;
    enum status st;

    if (h->attributes & BATCH_CONTROL)
        return ST_OK;
    TRY(batch_records_open_buf(&it, batch, &face->scratch));
    while (run->left && (st = batch_records_next(&it, &rec)) == ST_OK) {
        if (rec.offset < run->from)
            continue;
        run->fn(run->context, &rec);
        run->next = rec.offset + 1;
        run->left--;
    }
    return ST_OK;
}

enum status tail_read(struct http_face *face, struct log_partition *partition, int64_t *position,
                      uint32_t records_max, tail_fn *fn, void *context)
{
    struct run run = {.left = records_max, .fn = fn, .context = context};
    struct log_offsets offsets;
    struct log_view view;
    enum status st = ST_OK;

    log_offsets(partition, &offsets);
    if (*position < offsets.start || *position > offsets.end) {
        *position = offsets.start;
        return ST_NOTFOUND;
    }
    while (run.left && *position < offsets.durable) {
        struct batch_header h;
        struct bytes batch;
        TRY(log_read(face->log, partition, *position, READ_BYTES, LOG_TO_DURABLE, &view, NULL));
        struct bytes rest = view.bytes;
        if (!rest.len) {
            log_view_release(&view);
            break;
        }
        run.from = *position;
        while (run.left && st == ST_OK && batch_next(&rest, &h, &batch) == ST_OK) {
            run.next = run.from;
            st = read_batch(face, batch, &h, &run);
            *position = run.left ? batch_last_offset(&h) + 1 : run.next;
        }
        log_view_release(&view);
        if (st != ST_OK)
            return st;
    }
    return ST_OK;
}

struct log_partition *view_partition(struct http_face *face, struct bytes name)
{
    struct view *view = engine_view_find(face->engine, name);
    struct log_topic *topic = view ? view_changes(view) : NULL;

    return topic ? log_partition_of(topic, 0) : NULL;
}
