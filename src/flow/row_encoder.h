/* row_encoder.h: rows of a sink as records of its table's formats: value, and key where there is one.
 *
 * Columns of the table that the query does not give are NULL.   Owns: its encoders.   Layer: flow.
 */
#ifndef QW_FLOW_ROW_ENCODER_H
#define QW_FLOW_ROW_ENCODER_H

#include "flow/sink.h"
#include "flow/with.h"

struct row_encoder {
    struct arena arena;
    const struct plan_node *node;
    uint16_t columns_count;   /* of the table */
    int32_t *inputs;          /* a table column: of the input, or -1 */
    struct format_encoder *value, *key; /* key NULL: none */
    struct chunk chunk;       /* of table columns; set by row_encoder_chunk */
    struct column *cols;
    struct format_registry *registry;
    int32_t timestamp, headers; /* the table's columns for the record's time and headers, or -1 */
    int32_t raw_key, raw_value; /* those that are the key, the value as they are (format `raw`), or -1 */
};

enum status row_encoder_open(struct row_encoder *e, const struct plan_node *node, struct format_registry *registry,
                             struct diag *diag) MUST_CHECK;
void row_encoder_close(struct row_encoder *e);

void row_encoder_chunk(struct row_encoder *e, const struct chunk *in);
/* Whether the record has a key, a value: as with Flink, a NULL that would be it by the format `raw` is none. */
bool row_has_key(const struct row_encoder *e, uint16_t row);
bool row_has_value(const struct row_encoder *e, uint16_t row);
void row_encode_value(struct row_encoder *e, uint16_t row, struct buf *to);
void row_encode_key(struct row_encoder *e, uint16_t row, struct buf *to);
/* The record's time in ms, or otherwise. */
int64_t row_timestamp_ms(const struct row_encoder *e, uint16_t row, int64_t otherwise);
/* The record's headers as they stand in it (wire/kafka/batch.h), added to `to`; how many. As with Flink, one whose
 * name or value is NULL is left out. */
uint32_t row_headers(const struct row_encoder *e, uint16_t row, struct buf *to);

#endif
