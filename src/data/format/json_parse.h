/* json_parse.h: one JSON record into columns: the seam to the one C++ file, which holds simdjson.
 *
 * What json.c prepares once (which fields, of which types, to which builders), json_parse.cc runs for
 * each record. (C++ includes this, and what it includes, as extern "C".)   Layer: data.
 */
#ifndef QW_DATA_FORMAT_JSON_PARSE_H
#define QW_DATA_FORMAT_JSON_PARSE_H

#include "data/format/format.h"

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
};

struct json_rules {
    bool ignore_errors;  /* a field that does not fit is NULL */
    bool fail_on_missing;
    bool iso_time;       /* timestamps have 'T' between */
    int32_t zone_offset_s;
};

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
