/* sink_topic.c: a topic of the embedded log as a sink: connectors 'kafka' (rows that only come in, or with a format of
 * changes any) and 'upsert-kafka' (the key is the primary key, a deleted row is a record without a value).
 *
 * A record with a key goes to the partition that Kafka's own producers would choose; without one
 * all of a tick's records go to one partition, the next tick's to the next. The partitions are
 * those that the topic has when the tick begins. A tick that is run again writes nothing, and a
 * note's hashes know keys and values alone: so what a tick gave stays where it went, though the
 * topic has more of them by then.
 */
#include <stdlib.h>

#include "base/check.h"
#include "flow/inner.h"
#include "flow/latest.h"
#include "flow/row_encoder.h"
#include "flow/sinks.h"
#include "wire/kafka/partitioner.h"

struct sink_topic {
    struct sink base;
    struct row_encoder rows;
    struct log_topic *topic;
    struct log_partition **partitions; /* as many as there were when the tick began */
    uint32_t partitions_count;
    bool changes; /* the format has them */
    bool mixed;   /* of upserts: rows that go are told, and come from other shards than those that come */
    struct latest latest;
    struct buf key, value, headers;
};

static enum status topic_open_as(const struct sink_class *class, const struct plan_node *node,
                                 struct sink_env *env, struct sink **out,
                                 struct diag *diag)
{
    struct with with = with_table(node->sink.table);
    struct bytes name = with_get(&with, "topic", "");
    if (with_get(&with, "properties.bootstrap.servers", "").len)
        return diag_set(diag, ST_UNSUPPORTED, DIAG_UNSUPPORTED,
                        "writing to an outside Kafka: leave 'properties.bootstrap.servers' out for a "
                        "topic of the embedded log");
    if (!log_topic_name_valid(name))
        return diag_set(diag, ST_INVALID, DIAG_VALUE, "option 'topic' of `%.*s` must name a topic",
                        BYTES_FMT(node->sink.table->name));
    struct sink_topic *s = xcalloc(1, sizeof(*s));
    s->base = (struct sink){class, env};
    s->changes = with_takes_changes(&with);
    s->mixed = (node->inputs[0].node->changes & CHANGE_UPDATE_BEFORE) != 0;
    latest_init(&s->latest);
    enum status st = row_encoder_open(&s->rows, node, env->registry, diag);
    if (st == ST_OK)
        st = topic_of_table(env->log, &with, &s->topic, diag);
    buf_init(&s->key, 0);
    buf_init(&s->value, 0);
    buf_init(&s->headers, 0);
    *out = &s->base;
    if (st != ST_OK) {
        class->close(&s->base);
        return st;
    }
    return ST_OK;
}

static void topic_tick_begin(struct sink *sink)
{
    struct sink_topic *s = (struct sink_topic *)sink;
    uint32_t count = log_topic_info(s->topic)->partitions;
    latest_clear(&s->latest);
    if (count == s->partitions_count)
        return;
    s->partitions = xrealloc(s->partitions, count * sizeof(struct log_partition *));
    for (uint32_t p = s->partitions_count; p < count; p++)
        s->partitions[p] = log_partition_of(s->topic, p);
    s->partitions_count = count;
}

static enum status topic_open(const struct plan_node *node, struct sink_env *env,
                              struct sink **out, struct diag *diag)
{
    struct with with = with_table(node->sink.table);
    if (node->inputs[0].node->changes && !with_takes_changes(&with)) {
        diag_set(diag, ST_INVALID, DIAG_TYPE, "sink `%.*s` takes rows that only come in, and the query "
                 "changes or deletes rows", BYTES_FMT(node->sink.table->name));
        diag_hint(diag, "'connector' = 'upsert-kafka' with a PRIMARY KEY takes changes, and a format such as debezium-json");
        return ST_INVALID;
    }
    return topic_open_as(&sink_topic_class, node, env, out, diag);
}

static enum status upsert_open(const struct plan_node *node, struct sink_env *env,
                               struct sink **out, struct diag *diag)
{
    const struct table *table = node->sink.table;
    if (!table->primary_key_count)
        return diag_set(diag, ST_INVALID, DIAG_VALUE, "upsert-kafka needs a PRIMARY KEY in `%.*s`",
                        BYTES_FMT(table->name));
    return topic_open_as(&sink_upsert_topic_class, node, env, out, diag);
}

static void write_record(struct sink_topic *s, const struct record *rec)
{
    struct sink_env *env = s->base.env;
    uint32_t partition = rec->key.ptr ? (uint32_t)kafka_partition_of(rec->key, (int32_t)s->partitions_count)
                                      : (uint32_t)((env->tick + env->ctx->shard) % s->partitions_count);

    sink_record_whole(env, s->partitions[partition], rec);
}

/* Valid until the next one's. */
static struct record record_of(struct sink_topic *s, uint16_t row, bool tombstone)
{
    struct sink_env *env = s->base.env;
    struct record rec = {.timestamp_ms = row_timestamp_ms(&s->rows, row, env->clock_us / 1000)};
    buf_clear(&s->key);
    buf_clear(&s->value);
    buf_reserve(&s->value, 1); /* so that an empty value is not a null one */
    if (row_has_key(&s->rows, row)) {
        buf_reserve(&s->key, 1);
        row_encode_key(&s->rows, row, &s->key);
        rec.key = buf_view(&s->key);
    }
    if (!tombstone && row_has_value(&s->rows, row)) {
        row_encode_value(&s->rows, row, &s->value);
        rec.value = buf_view(&s->value);
    }
    buf_clear(&s->headers);
    rec.headers_count = row_headers(&s->rows, row, &s->headers);
    rec.headers = buf_view(&s->headers);
    return rec;
}

static void one_row(struct sink_topic *s, uint16_t row, bool tombstone)
{
    struct record rec = record_of(s, row, tombstone);

    write_record(s, &rec);
}

static enum status topic_chunk(struct sink *sink, const struct chunk *in)
{
    struct sink_topic *s = (struct sink_topic *)sink;
    row_encoder_chunk(&s->rows, in);
    for (uint16_t i = 0; i < in->count; i++) {
        uint16_t row = chunk_row(in, i);
        CHECK(s->changes || chunk_kind(in, row) == ROW_INSERT); /* the plan's changes say so */
        one_row(s, row, false);
    }
    return ST_OK;
}

/* The old row of an update whose new one follows: that replaces it. Without one (a filter took it) the row
 * goes. */
static bool is_replaced(struct sink_topic *s, const struct chunk *in, uint16_t i)
{
    if (i + 1u == in->count || chunk_kind(in, chunk_row(in, i + 1)) != ROW_UPDATE_AFTER)
        return false;
    buf_clear(&s->key);
    buf_clear(&s->value);
    row_encode_key(&s->rows, chunk_row(in, i), &s->key);
    row_encode_key(&s->rows, chunk_row(in, i + 1), &s->value);
    return bytes_equal(buf_view(&s->key), buf_view(&s->value));
}

/* A row that comes or goes, where another of its key may stand in the wrong order to it. */
static void mixed_row(struct sink_topic *s, const struct chunk *in, uint16_t i)
{
    uint16_t row = chunk_row(in, i);
    uint8_t kind = chunk_kind(in, row);
    uint32_t sender = s->base.env->ctx->sender;
    bool replaced = kind == ROW_UPDATE_BEFORE && is_replaced(s, in, i);
    struct record rec = record_of(s, row, false), again;

    if (!row_kind_retracts(kind)) {
        write_record(s, &rec);
        latest_put(&s->latest, &rec, sender);
        return;
    }
    enum latest_then then = latest_take(&s->latest, &rec, sender, &again);
    if (replaced || then == LATEST_NOTHING)
        return;
    if (then == LATEST_AGAIN)
        write_record(s, &again);
    else
        one_row(s, row, true);
}

static enum status upsert_chunk(struct sink *sink, const struct chunk *in)
{
    struct sink_topic *s = (struct sink_topic *)sink;
    row_encoder_chunk(&s->rows, in);
    for (uint16_t i = 0; i < in->count; i++) {
        uint16_t row = chunk_row(in, i);
        uint8_t kind = chunk_kind(in, row);
        if (s->mixed)
            mixed_row(s, in, i);
        else if (kind != ROW_UPDATE_BEFORE || !is_replaced(s, in, i))
            one_row(s, row, row_kind_retracts(kind));
    }
    return ST_OK;
}

static void topic_close(struct sink *sink)
{
    struct sink_topic *s = (struct sink_topic *)sink;
    row_encoder_close(&s->rows);
    latest_deinit(&s->latest);
    buf_deinit(&s->key);
    buf_deinit(&s->value);
    buf_deinit(&s->headers);
    free(s->partitions);
    free(s);
}

const struct sink_class sink_topic_class = {
    .connector = "kafka",
    .open = topic_open, .on_tick_begin = topic_tick_begin, .on_chunk = topic_chunk, .close = topic_close,
};

const struct sink_class sink_upsert_topic_class = {
    .connector = "upsert-kafka",
    .open = upsert_open, .on_tick_begin = topic_tick_begin, .on_chunk = upsert_chunk, .close = topic_close,
};
