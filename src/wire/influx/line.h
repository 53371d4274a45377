/* line.h: InfluxDB's line protocol, both ways.
 *
 *     weather,city=Ulm,place=roof\ 2 temperature=21.5,wet=t,count=3i,text="a \"b\"" 1700000000000000000
 *     `-----' `--------------------' `--------------------------------------------' `----------------'
 *     measurement      tags                            fields                         time, may be absent
 *
 * Names and values of tags have a backslash before ',', ' ' and '='; a backslash before anything else is itself, so
 * none can end in one. Texts of fields are in quotes, with a backslash before '"' and '\', and may span lines. Lines
 * that begin with '#' are comments.
 *
 * As InfluxDB 1.6 reads it, but stricter where JSON is made of a line: a name is there once among tags and fields
 * together, and all is UTF-8. A carriage return before the end of a line is dropped.
 *
 * Owns:    nothing; all are views of what is read.   Threads: pure functions.   Layer: wire.
 * Limits:  LINE_NAMES_MAX tags and fields a line.
 */
#ifndef QW_WIRE_INFLUX_LINE_H
#define QW_WIRE_INFLUX_LINE_H

#include "base/buf.h"

enum { LINE_NAMES_MAX = 2000 };

enum line_kind { LINE_FLOAT, LINE_INTEGER, LINE_UNSIGNED, LINE_BOOLEAN, LINE_STRING };

struct line {
    struct bytes text;        /* of the whole line */
    const char *bad;          /* why it is none: then only text is there */
    struct bytes measurement; /* escaped, as names and tags' values are */
    struct bytes series;      /* measurement and tags */
    struct bytes tags, fields;
    bool has_time;
    int64_t time;
};

struct line_field {
    struct bytes name;
    enum line_kind kind;
    struct bytes value; /* of numbers their digits, without 'i' and 'u'; of a text what is between its quotes */
    bool yes;           /* of a boolean */
};

/* Cuts off the next line, good or bad; false: there is none. */
bool line_next(struct bytes *rest, struct line *out);
/* Of a good line, one after the other; false at the end. */
bool line_tag_next(struct bytes *tags, struct bytes *name, struct bytes *value);
bool line_field_next(struct bytes *fields, struct line_field *out);
/* Appends without the escapes: of a measurement, a name, a tag's value; of a field's text. */
void line_plain(struct bytes escaped, struct buf *out);
void line_plain_text(struct bytes escaped, struct buf *out);

/* Append. NULL, or why a line cannot have it: then nothing was appended. */
const char *line_put_measurement(struct buf *out, struct bytes name);
const char *line_put_name(struct buf *out, struct bytes name);   /* of a tag or a field */
const char *line_put_value(struct buf *out, struct bytes value); /* of a tag */
void line_put_text(struct buf *out, struct bytes text);        /* with its quotes */

#endif
