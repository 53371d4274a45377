/* results.c: one batch builder a partition; a full one is finished and another begun. */
#include "flow/results.h"

#include <stdlib.h>

#include "base/check.h"
#include "flow/inner.h"

void results_init(struct results *results)
{
    *results = (struct results){0};
}

void results_deinit(struct results *results)
{
    for (uint32_t i = 0; i < results->parts_count; i++) {
        batch_builder_deinit(&results->parts[i].builder);
        buf_deinit(&results->parts[i].done);
        free(results->parts[i].ends);
        free(results->parts[i].topic);
    }
    free(results->parts);
    *results = (struct results){0};
}

void results_clear(struct results *results)
{
    for (uint32_t i = 0; i < results->parts_count; i++) {
        struct results_part *part = &results->parts[i];
        if (!part->used)
            continue;
        batch_builder_clear(&part->builder);
        buf_clear(&part->done);
        part->ends_count = 0;
        part->used = false;
    }
    results->records = results->bytes = 0;
}

static bool part_is(const struct results_part *part, const struct log_partition *partition,
                    const char *topic)
{
    if (topic)
        return part->topic && strcmp(part->topic, topic) == 0;
    return part->partition == partition && !part->topic;
}

static struct results_part *part_of(struct results *results, struct log_partition *partition,
                                    const char *topic)
{
    for (uint32_t i = 0; i < results->parts_count; i++)
        if (part_is(&results->parts[i], partition, topic))
            return &results->parts[i];
    if (results->parts_count == results->parts_cap) {
        results->parts_cap = results->parts_cap ? results->parts_cap * 2 : 4;
        results->parts = xrealloc(results->parts, results->parts_cap * sizeof(*results->parts));
    }
    struct results_part *part = &results->parts[results->parts_count++];
    *part = (struct results_part){.partition = partition, .topic = topic ? xstrdup(topic) : NULL};
    batch_builder_init(&part->builder, KAFKA_CODEC_NONE);
    buf_init(&part->done, 0);
    return part;
}

static enum status part_finish_batch(struct results_part *part)
{
    TRY(batch_builder_finish(&part->builder, &part->done));
    batch_builder_clear(&part->builder);
    if (part->ends_count == part->ends_cap) {
        part->ends_cap = part->ends_cap ? part->ends_cap * 2 : 4;
        part->ends = xrealloc(part->ends, part->ends_cap * sizeof(*part->ends));
    }
    part->ends[part->ends_count++] = part->done.len;
    return ST_OK;
}

static void add(struct results *results, struct log_partition *partition, const char *topic,
                const struct record *rec)
{
    size_t more = rec->key.len + rec->value.len + rec->headers.len;

    results->records++;
    results->bytes += more;
    if (results->suppressed)
        return;
    struct results_part *part = part_of(results, partition, topic);
    part->used = true;
    if (part->builder.count && batch_builder_bytes(&part->builder) + more > RESULTS_BATCH_BYTES) {
        enum status st = part_finish_batch(part);
        CHECK(st == ST_OK); /* buffers without a limit */
    }
    batch_builder_add_record(&part->builder, rec, RECORD_OFFSET_BY_PLACE);
}

void results_add(struct results *results, struct log_partition *partition, const struct record *rec)
{
    add(results, partition, NULL, rec);
}

void results_add_named(struct results *results, const char *topic, int64_t timestamp_ms,
                       struct bytes value)
{
    add(results, NULL, topic, &(struct record){.timestamp_ms = timestamp_ms, .value = value});
}

bool results_empty(const struct results *results)
{
    return results->records == 0;
}

enum status results_finish(struct results *results)
{
    for (uint32_t i = 0; i < results->parts_count; i++)
        if (results->parts[i].used && results->parts[i].builder.count)
            TRY(part_finish_batch(&results->parts[i]));
    return ST_OK;
}

static struct log_partition *part_partition(const struct results_part *part, struct log *log)
{
    struct log_topic *topic;
    struct diag diag = {0};
    if (!part->topic)
        return part->partition;
    if (topic_ensure(log, bytes_str(part->topic), 1, TOPIC_SIDE, &topic, &diag) != ST_OK)
        return NULL;
    return log_partition_of(topic, 0);
}

enum status results_commit(struct results *results, struct log *log, struct log_entry *entry,
                           struct diag *diag)
{
    for (uint32_t i = 0; i < results->parts_count; i++) {
        const struct results_part *part = &results->parts[i];
        struct log_partition *partition = part->used ? part_partition(part, log) : NULL;
        size_t from = 0;
        for (uint32_t b = 0; partition && b < part->ends_count; b++) {
            struct bytes batch = bytes_of(part->done.ptr + from, part->ends[b] - from);
            TRY(log_entry_append(entry, partition, batch, diag));
            from = part->ends[b];
        }
    }
    return ST_OK;
}

uint64_t results_memory(const struct results *results)
{
    uint64_t bytes = results->parts_cap * sizeof(*results->parts);

    for (uint32_t i = 0; i < results->parts_count; i++) {
        const struct results_part *part = &results->parts[i];
        bytes += part->builder.records.cap + part->builder.headers.cap + part->done.cap +
                 part->ends_cap * sizeof(*part->ends);
    }
    return bytes;
}
