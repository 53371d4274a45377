/* format.h: records' bytes to values, and back.
 *
 * A decoder is opened for the columns that are wanted and puts one value to each of their builders for a
 * record; the caller then closes the row (chunk_builder_row), or on anything but FORMAT_ROW takes it
 * back (chunk_builder_undo). An encoder writes one row of a chunk.
 *
 *     name   options (Flink's)
 *     json   json.ignore-parse-errors, json.fail-on-missing-field, json.timestamp-format.standard
 *            (SQL, ISO-8601), json.map-null-key.mode, json.map-null-key.literal,
 *            json.encode.decimal-as-plain-number, json.encode.ignore-null-fields
 *     csv    csv.field-delimiter, csv.disable-quote-character, csv.quote-character,
 *            csv.allow-comments, csv.ignore-parse-errors, csv.array-element-delimiter,
 *            csv.escape-character, csv.null-literal
 *     raw    raw.charset (UTF-8), raw.endianness
 *     debezium-json, canal-json, maxwell-json, ogg-json (changelog.c)
 *            json's but fail-on-missing-field; debezium-json.schema-include; canal-json.database.include,
 *            canal-json.table.include
 *     avro   avro.timestamp_mapping.legacy (true), avro.encoding (binary)
 *     avro-confluent  avro-confluent.url, .subject, .schema (confluent.h)
 *     protobuf  protobuf.message-class-name, .descriptor-file, .ignore-parse-errors, .read-default-values,
 *            .write-null-string-literal
 *     protobuf-confluent  avro-confluent's; .message-class-name, and those of protobuf from ignore-parse-errors on
 *     json-schema  avro-confluent's, and json's
 *     row    none: typed values (our own; row.c draws the bytes)
 *
 * Owns:    a decoder owns its plan and scratch; text it puts is copied into the builders' arena.
 * Errors:  opening: ST_INVALID with a diag for a format, option or column type that is not known. A bad
 *          record is a result, with the field and the reason in the diag, never a failure of ours.
 * Limits:  a record of at most FORMAT_RECORD_MAX bytes.
 * Threads: one at a time each.   Layer: data.
 */
#ifndef QW_DATA_FORMAT_FORMAT_H
#define QW_DATA_FORMAT_FORMAT_H

#include "base/buf.h"
#include "data/builder.h"
#include "data/format/registry.h"

enum { FORMAT_RECORD_MAX = 64 << 20 };

enum format_result {
    FORMAT_ROW,  /* one value was put to each column */
    FORMAT_SKIP, /* ignored, as an ignore-parse-errors option asks */
    FORMAT_BAD,  /* cannot be decoded: the diag says why */
};

struct format_option {
    struct bytes key, value; /* "json.ignore-parse-errors", "true" */
};

struct format_spec {
    struct bytes name;                    /* "json" */
    const struct format_option *options;  /* those not of this format (another prefix) are passed by */
    uint32_t options_count;
    const struct schema *schema;          /* decoder: the wanted columns, ROWs cut to what is wanted;
                                             encoder: all columns, in order */
    const uint16_t *columns;              /* schema column i is builder or chunk column columns[i];
                                             NULL: i */
    const uint16_t *positions;            /* csv and row decoders: which field of the record; NULL: i */
    uint16_t record_fields;               /* csv and row decoders: how many there are; 0: schema->count */
    const struct schema *record;          /* avro: all fields of the record, of the table's types; NULL: schema */
    struct format_registry *registry;     /* of schemas by number; NULL: there is none */
    struct bytes table;                   /* whose records they are, for registry->file */
    struct bytes subject;                 /* under which an encoder registers its schema, unless an option says another */
    const struct format_meta *metas;      /* what a decoder of changes gives beside the schema's columns */
    uint16_t metas_count;
};

/* What a record says of itself: 'ingestion-timestamp', to a builder column. */
struct format_meta {
    struct bytes key;
    const struct type *type;
    uint16_t column;
};

struct format_decoder;
struct format_encoder;

bool format_exists(struct bytes name);
/* Its records are changes: any number of rows each, read with format_read and format_put; its encoder
 * writes a row's kind too. */
bool format_has_changes(struct bytes name);
/* Whether `key` is metadata that its records have; into *type what it is (TYPE_ROW never). */
bool format_has_meta(struct bytes name, struct bytes key, const struct type **type);

enum status format_decoder_open(const struct format_spec *spec, struct format_decoder **out,
                                struct diag *diag) MUST_CHECK;
enum format_result format_decode(struct format_decoder *decoder, struct bytes record,
                                 struct column_builder *cols, struct diag *diag) MUST_CHECK;
/* Of a format of changes: reads a record; FORMAT_ROW: *count rows are to be put (there may be none). */
enum format_result format_read(struct format_decoder *decoder, struct bytes record, uint32_t *count,
                               struct diag *diag) MUST_CHECK;
/* Puts row i of the record that was read last; gives its kind. */
uint8_t format_put(struct format_decoder *decoder, uint32_t i, struct column_builder *cols);
void format_decoder_close(struct format_decoder *decoder);

enum status format_encoder_open(const struct format_spec *spec, struct format_encoder **out,
                                struct diag *diag) MUST_CHECK;
/* Appends one record. Fails only by the buf's own limit (buf->failed). */
void format_encode(struct format_encoder *encoder, const struct chunk *chunk, uint16_t row,
                   struct buf *to);
void format_encoder_close(struct format_encoder *encoder);

/* ---- for the formats' own files ---- */

struct format_decoder {
    const struct format_class *class_;
};
struct format_encoder {
    const struct format_class *class_;
};

struct format_class {
    const char *name;
    enum status (*decoder_open)(const struct format_spec *, struct format_decoder **, struct diag *);
    enum format_result (*decode)(struct format_decoder *, struct bytes, struct column_builder *,
                                 struct diag *);
    /* of formats of changes, instead of decode */
    enum format_result (*read)(struct format_decoder *, struct bytes, uint32_t *, struct diag *);
    uint8_t (*put)(struct format_decoder *, uint32_t, struct column_builder *);
    const struct type *(*meta)(const struct format_class *, struct bytes key); /* NULL: it has none such */
    void (*decoder_close)(struct format_decoder *);
    enum status (*encoder_open)(const struct format_spec *, struct format_encoder **, struct diag *);
    void (*encode)(struct format_encoder *, const struct chunk *, uint16_t, struct buf *);
    void (*encoder_close)(struct format_encoder *);
};

extern const struct format_class format_json, format_csv, format_raw, format_row;
extern const struct format_class format_avro, format_avro_confluent, format_protobuf, format_protobuf_confluent,
    format_json_schema;
extern const struct format_class format_debezium, format_canal, format_maxwell, format_ogg;

/* Options "NAME.key" of a spec, one after another: true and its key without the prefix while there are. */
bool format_option_next(const struct format_spec *spec, uint32_t *at, struct bytes *key,
                        struct bytes *value);
enum status format_option_bool(struct bytes key, struct bytes value, bool *out, struct diag *diag);
/* "field 'a': field 'b': a string that is no INT": the outer names of a bad value are put before its reason. */
void format_within_field(struct diag *diag, struct bytes name);
enum status format_option_unknown(const struct format_spec *spec, struct bytes key, struct diag *diag);

static inline uint16_t format_column(const struct format_spec *spec, uint16_t i)
{
    return spec->columns ? spec->columns[i] : i;
}

#endif
