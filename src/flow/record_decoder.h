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
    bool upserts;
    uint16_t columns_count;
    struct record_meta {
        enum record_metadata kind;
        uint16_t column; /* of the scan */
        const struct type *type;
    } *metas;
    uint16_t metas_count;
    struct bytes topic;
};

enum status record_decoder_open(struct record_decoder *d, const struct plan_node *scan,
                                struct bytes topic, struct diag *diag) MUST_CHECK;
void record_decoder_close(struct record_decoder *d);

/* Puts one value to each column builder; as format_decode. Of upserts a record without a value is a row too,
 * with *kind ROW_DELETE and NULLs but for its key; of other tables it is skipped. */
enum format_result record_decode(struct record_decoder *d, const struct batch_header *header,
                                 int32_t partition, const struct record *rec,
                                 struct column_builder *cols, uint8_t *kind, struct diag *diag);

#endif
