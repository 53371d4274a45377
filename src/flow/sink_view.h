/* sink_view.h: a materialized table's rows, as its job's sink keeps them, for those who read it.
 *                                                                               Layer: flow. */
#ifndef QW_FLOW_SINK_VIEW_H
#define QW_FLOW_SINK_VIEW_H

#include "flow/rowset.h"
#include "flow/sinks.h"

struct sink_view {
    struct sink base;
    const struct plan_node *node;
    struct arena arena;
    struct schema schema;      /* of the table's columns, in its order */
    const struct type **types;
    uint16_t *columns;         /* input column of each */
    uint16_t *key;             /* positions in the schema */
    uint16_t key_count;
    struct rowset rows;
    struct log_topic *changes;
    struct buf key_text, value_text;
};

/* The row as a JSON object. */
void row_json(struct buf *out, const struct schema *schema, const struct column *cols, uint32_t row,
              const uint16_t *columns, uint16_t count);

#endif
