/* posting.c: see posting.h. */
#include "serve/http/posting.h"

#include <stdlib.h>

#include "base/check.h"
#include "wire/kafka/partitioner.h"

enum { BATCH_SLACK = 512 }; /* header of the batch and the record's own framing */

void posting_init(struct posting *in, struct log *log, int64_t now_us)
{
    *in = (struct posting){.log = log, .now_us = now_us};
    buf_init(&in->bytes, 0);
}

void posting_deinit(struct posting *in)
{
    while (in->topics) {
        struct posting_topic *t = in->topics;
        in->topics = t->before;
        for (uint32_t i = 0; i < t->info->partitions; i++)
            if (t->parts[i].used)
                batch_builder_deinit(&t->parts[i].builder);
        free(t->parts);
        free(t);
    }
    free(in->batches);
    buf_deinit(&in->bytes);
}

struct posting_topic *posting_topic(struct posting *in, struct log_topic *topic, uint32_t *rotor)
{
    struct posting_topic *t = xcalloc(1, sizeof *t);

    t->topic = topic;
    t->info = log_topic_info(topic);
    t->keyless = (*rotor)++ % t->info->partitions;
    t->parts = xcalloc(t->info->partitions, sizeof *t->parts);
    t->before = in->topics;
    in->topics = t;
    return t;
}

static enum status close_batch(struct posting *in, struct posting_topic *t, uint32_t index)
{
    struct posting_part *part = &t->parts[index];
    size_t from = in->bytes.len;

    if (!part->used || part->builder.count == 0)
        return ST_OK;
    if (in->batches_count == in->batches_cap) {
        in->batches_cap = in->batches_cap ? in->batches_cap * 2 : 8;
        in->batches = xrealloc(in->batches, in->batches_cap * sizeof *in->batches);
    }
    int32_t count = part->builder.count;
    TRY(batch_builder_finish(&part->builder, &in->bytes));
    batch_builder_clear(&part->builder);
    in->batches[in->batches_count++] =
        (struct posting_batch){t->topic, index, part->next, count, from, in->bytes.len - from};
    part->next += count;
    return ST_OK;
}

enum status posting_add(struct posting *in, struct posting_topic *to, int64_t partition, struct bytes key,
                        struct bytes value, struct diag *diag)
{
    uint32_t index = partition >= 0 ? (uint32_t)partition
                     : key.ptr      ? (uint32_t)kafka_partition_of(key, (int32_t)to->info->partitions)
                                    : to->keyless;
    struct posting_part *part = &to->parts[index];
    size_t size = key.len + value.len + BATCH_SLACK, max = to->info->options.message_bytes_max;

    if (size > max)
        return diag_set(diag, ST_INVALID, DIAG_LIMIT,
                        "record %llu has %zu bytes; the topic takes messages of up to %zu",
                        (unsigned long long)in->records + 1, value.len, max);
    if (!part->used) {
        struct log_offsets offsets;
        log_offsets(log_partition_of(to->topic, index), &offsets);
        part->used = true;
        part->next = offsets.end;
        batch_builder_init(&part->builder, KAFKA_CODEC_NONE);
    }
    if (batch_builder_bytes(&part->builder) + size > max)
        TRY(close_batch(in, to, index));
    batch_builder_add(&part->builder, in->now_us / 1000, key, value, NULL, 0);
    in->records++;
    return ST_OK;
}

enum status posting_close(struct posting *in)
{
    for (struct posting_topic *t = in->topics; t; t = t->before)
        for (uint32_t i = 0; i < t->info->partitions; i++)
            TRY(close_batch(in, t, i));
    return ST_OK;
}

enum status posting_commit(struct posting *in, struct log_entry *take_entry, uint64_t *lsn, struct diag *diag)
{
    struct log_appended *appended = xcalloc(in->batches_count + 1, sizeof *appended);
    enum status st = ST_OK;

    for (uint32_t i = 0; i < in->batches_count && st == ST_OK; i++) {
        struct posting_batch *b = &in->batches[i];
        st = log_entry_append(take_entry, log_partition_of(b->topic, b->partition),
                              bytes_of(in->bytes.ptr + b->from, b->len), diag);
    }
    if (st == ST_OK)
        st = log_entry_commit(take_entry, appended, lsn);
    else
        log_entry_abort(take_entry);
    for (uint32_t i = 0; i < in->batches_count && st == ST_OK; i++)
        CHECK(appended[i].base_offset == in->batches[i].base);
    free(appended);
    return st;
}
