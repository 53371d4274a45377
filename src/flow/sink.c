/* sink.c: what sinks share, and which there are. */
#include "flow/sink.h"

#include "base/hash.h"
#include "flow/connector_options.h"
#include "flow/sinks.h"

void sink_hash(struct sink_env *env, struct bytes bytes)
{
    env->hash = hash_combine(env->hash, hash_bytes(bytes));
}

void sink_record_whole(struct sink_env *env, struct log_partition *partition, const struct record *rec)
{
    uint64_t parts =
        hash_combine(rec->key.ptr ? hash_bytes(rec->key) : 1, rec->value.ptr ? hash_bytes(rec->value) : 1);
    if (rec->headers_count)
        parts = hash_combine(parts, hash_bytes(rec->headers));
    env->hash = hash_combine(env->hash, parts);
    results_add(env->results, partition, rec);
}

void sink_record(struct sink_env *env, struct log_partition *partition, struct bytes key,
                 struct bytes value)
{
    const struct record rec = {.timestamp_ms = env->clock_us / 1000, .key = key, .value = value};
    sink_record_whole(env, partition, &rec);
}

const struct sink_class *sink_class_of(const struct plan_node *node, struct diag *diag)
{
    static const struct sink_class *const classes[] = {
        &sink_topic_class, &sink_upsert_topic_class, &sink_filesystem_class, &sink_print_class,
        &sink_blackhole_class,
    };
    const struct table *table = node->sink.table;
    if (!table)
        return &sink_answer_class;
    if (table->alert)
        return &sink_alert_class;
    if (table->kind == TABLE_MATERIALIZED)
        return &sink_view_class;
    struct with with = with_table(table);
    if (connector_options_check(&with, diag) != ST_OK)
        return NULL;
    struct bytes connector = with_get(&with, "connector", "");
    for (size_t i = 0; i < sizeof(classes) / sizeof(*classes); i++)
        if (bytes_is(connector, classes[i]->connector))
            return classes[i];
    diag_set(diag, ST_UNSUPPORTED, DIAG_UNSUPPORTED, "there is no sink with connector '%.*s'",
             BYTES_FMT(connector));
    diag_hint(diag, "there are kafka, upsert-kafka, filesystem, print and blackhole, and outside systems: docs/connectors/");
    return NULL;
}

int32_t sink_input_of(const struct plan_node *node, uint16_t table_column)
{
    for (uint16_t i = 0; i < node->sink.columns_count; i++)
        if (node->sink.columns[i] == table_column)
            return i;
    return -1;
}
