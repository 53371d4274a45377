/* json_parse.h: one JSON record into columns: the seam to the one C++ file, which holds simdjson.
 *
 * What json.c prepares once (which fields, of which types, to which builders), json_parse.cc runs for
 * each record. (C++ includes this, and what it includes, as extern "C".)   Layer: data.
 */
#ifndef QW_DATA_FORMAT_JSON_PARSE_H
#define QW_DATA_FORMAT_JSON_PARSE_H

#include "data/format/format.h"
#include "data/text.h"

struct json_value {
    const struct type *type;
    const struct json_object *object;   /* of a ROW */
    const struct json_value *elements;  /* of ARRAY one, of MAP two */
};

struct json_field {
    struct bytes name;
    struct json_value value;
    uint16_t column; /* builder among the object's */
};

struct json_object {
    const struct json_field *fields;
    uint16_t count;
    uint16_t named; /* not 0: BOOLEAN column named + i says whether the object has the key of field i */
};

struct json_rules {
    bool ignore_errors;  /* a field that does not fit is NULL */
    bool fail_on_missing;
    bool iso_time;       /* timestamps have 'T' between */
};

/* Options that formats made of JSON share. */
struct json_options {
    struct json_rules rules;
    bool ignore_nulls; /* when writing */
    bool decimal_plain;
};
struct json_options json_options_default(void);
/* Takes 'NAME.key' of the spec's format, if it is one of them. */
enum status json_option_take(const struct format_spec *spec, struct bytes key, struct bytes value,
                             struct json_options *o, bool *taken, struct diag *diag) MUST_CHECK;

/* How fields are to be read; field i goes to column i, or the spec's. ST_INVALID: a type that JSON does not have. */
enum status json_plan(struct arena *arena, const struct type_field *fields, uint16_t count,
                      const struct format_spec *spec, struct json_object *out, struct diag *diag) MUST_CHECK;

/* Writes rows of a schema, the spec's or its record's, as objects. */
struct json_rows {
    struct arena arena;
    const struct type *row;
    const uint16_t *columns; /* of field i */
    struct text_style style;
    bool ignore_nulls;
};
void json_rows_init(struct json_rows *w, const struct format_spec *spec, const struct schema *schema,
                    const struct json_options *options);
void json_rows_deinit(struct json_rows *w);
void json_rows_write(const struct json_rows *w, const struct column *cols, uint16_t row, struct buf *to);

struct json_parser;

struct json_parser *json_parser_create(void);
void json_parser_destroy(struct json_parser *parser);
/* Puts one value to cols[f.column] of each field; on false there may be fewer, and the diag says why. */
bool json_parse_record(struct json_parser *parser, const struct json_object *object,
                       const struct json_rules *rules, struct bytes record,
                       struct column_builder *cols, struct diag *diag);

/* Text of a JSON string as a DATE, TIME, TIMESTAMP or TIMESTAMP_LTZ value (json.c). */
bool json_time(const struct json_rules *rules, const struct type *type, struct bytes text, int64_t *out);
bool json_base64(struct column_builder *b, struct bytes text);

#endif
