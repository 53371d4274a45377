#include "lib/batches.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "lib/test.h"

struct bytes test_batch(struct batch_spec spec)
{
    static struct batch_builder builder;
    static struct buf out;
    static char value[1 << 16];

    if (!out.ptr) {
        batch_builder_init(&builder, KAFKA_CODEC_NONE);
        buf_init(&out, 0);
    }
    batch_builder_clear(&builder);
    buf_clear(&out);
    builder.attributes = spec.transactional ? BATCH_TRANSACTIONAL : 0;
    builder.producer_id = spec.producer_id ? spec.producer_id : -1;
    builder.producer_epoch = spec.producer_id ? spec.epoch : -1;
    builder.base_sequence = spec.producer_id ? spec.sequence : -1;
    for (int i = 0; i < (spec.count ? spec.count : 1); i++) {
        CHECK(spec.value_bytes < sizeof(value));
        int len = snprintf(value, sizeof(value), "%llu-%d", (unsigned long long)spec.tag, i);
        if ((size_t)len < spec.value_bytes) {
            memset(value + len, '.', spec.value_bytes - (size_t)len);
            len = (int)spec.value_bytes;
        }
        batch_builder_add(&builder, spec.timestamp_ms + i, BYTES_NONE, bytes_of(value, (size_t)len),
                          NULL, 0);
    }
    EXPECT_OK(batch_builder_finish(&builder, &out));
    return buf_view(&out);
}

uint64_t test_tag(struct bytes value, int *n)
{
    unsigned long long tag;
    char text[48];

    snprintf(text, sizeof(text), "%.*s", value.len < 47 ? (int)value.len : 47,
             (const char *)value.ptr);
    return sscanf(text, "%llu-%d", &tag, n) == 2 ? tag : UINT64_MAX;
}

struct log_appended test_append(struct log *log, struct log_partition *p, struct batch_spec spec)
{
    struct log_appended out;
    struct diag diag = {0};
    enum status st = log_append(log, p, test_batch(spec), &out, &diag);

    if (st != ST_OK)
        test_fail(__FILE__, __LINE__, "append: %s: %s", status_text(st), diag.message);
    return out;
}

static int64_t read_batch(struct bytes batch, int64_t next, test_record_fn *fn, void *context)
{
    struct batch_records it;
    struct batch_header h;
    struct record rec;
    struct buf scratch;

    buf_init(&scratch, 0);
    EXPECT_OK(batch_validate(batch, &h));
    EXPECT_INT(h.base_offset, next);
    EXPECT_OK(batch_records_open_buf(&it, batch, &scratch));
    while (batch_records_next(&it, &rec) == ST_OK) {
        EXPECT_INT(rec.offset, next);
        next++;
        if (fn)
            fn(context, &rec);
    }
    buf_deinit(&scratch);
    return next;
}

void test_read_all(struct log *log, struct log_partition *p, int64_t from, enum log_bound bound,
                   size_t bytes_max, test_record_fn *fn, void *context)
{
    struct log_view view;
    struct batch_header h;
    struct bytes batch;
    int64_t next = from;

    for (;;) {
        EXPECT_OK(log_read(log, p, next, bytes_max, bound, &view, NULL));
        if (view.bytes.len == 0)
            break;
        struct bytes run = view.bytes;
        EXPECT_INT(view.base_offset, next);
        while (batch_next(&run, &h, &batch) == ST_OK)
            next = read_batch(batch, next, fn, context);
        EXPECT_INT(run.len, 0);
        EXPECT_INT(view.next_offset, next);
        log_view_release(&view);
    }
}
