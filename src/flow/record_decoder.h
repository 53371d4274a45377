/* record_decoder.h: from a record of a topic to a row of a scan: its value and key by their formats,
 * its metadata as columns.
 *
 * Owns: its formats' decoders.   Threads: one at a time.   Layer: flow.
 */
#ifndef QW_FLOW_RECORD_DECODER_H
#define QW_FLOW_RECORD_DECODER_H

#include "flow/with.h"
#include "wire/kafka/batch.h"

enum record_metadata { META_TOPIC, META_PARTITION, META_OFFSET, META_TIMESTAMP,
                       META_TIMESTAMP_TYPE, META_LEADER_EPOCH, META_HEADERS };

struct record_decoder {
    struct arena arena;
    struct format_decoder *value, *key;
    struct format_decoder *deleted; /* of upserts: the key's columns of a record without a value */
    bool upserts, changes;
    uint32_t row, rows; /* of changes: of the record at hand, those that are put, and all */
    uint16_t columns_count;
    struct record_meta {
        enum record_metadata kind;
        uint16_t column; /* of the scan */
        const struct type *type;
    } *metas;
    uint16_t metas_count;
    struct format_meta *value_metas; /* those that the value's format gives */
    uint16_t value_metas_count;
    struct bytes topic;
    struct format_registry *registry;
};

enum status record_decoder_open(struct record_decoder *d, const struct plan_node *scan, struct bytes topic,
                                struct format_registry *registry, struct diag *diag) MUST_CHECK;
void record_decoder_close(struct record_decoder *d);

/* Puts one value to each column builder; as format_decode. Of upserts a record without a value is a row too,
 * with *kind ROW_DELETE and NULLs but for its key; of other tables it is skipped. A record of a format of changes is
 * any number of rows: called again with it while record_rows_left, it puts the next. */
enum format_result record_decode(struct record_decoder *d, const struct batch_header *header,
                                 int32_t partition, const struct record *rec,
                                 struct column_builder *cols, uint8_t *kind, struct diag *diag);
static inline bool record_rows_left(const struct record_decoder *d)
{
    return d->row < d->rows;
}

#endif
