/* sinks.h: the classes of sinks there are, one file each.   Layer: flow. */
#ifndef QW_FLOW_SINKS_H
#define QW_FLOW_SINKS_H

#include "flow/sink.h"

extern const struct sink_class sink_topic_class;        /* kafka: append-only records of a format */
extern const struct sink_class sink_upsert_topic_class; /* upsert-kafka: by key, with tombstones */
extern const struct sink_class sink_view_class;         /* a materialized table */
extern const struct sink_class sink_filesystem_class;
extern const struct sink_class sink_print_class;
extern const struct sink_class sink_blackhole_class;
extern const struct sink_class sink_alert_class;        /* the topic `alerts` */
extern const struct sink_class sink_answer_class;       /* of a SELECT */

/* The input column that goes to a table's column; -1: none, it is NULL. */
int32_t sink_input_of(const struct plan_node *node, uint16_t table_column);

/* What a blackhole has swallowed: rows, and the hash of what they fold into, the same for any order
 * and any number of shards. */
struct sink_blackhole_figures {
    uint64_t rows, hash;
};
void sink_blackhole_read(const struct sink *sink, struct sink_blackhole_figures *out);

#endif
