/* json_reader.h: strict JSON (RFC 8259) cut into the texts of its values, without a tree.
 *
 * For requests and settings: small documents, and bodies whose values are passed on as they are. (The
 * format that fills columns is in data/format.) A cursor walks a run of values; what it gives are
 * views of the text, checked to be JSON as deep as they go; object and array iterators walk such a
 * view.
 *
 * Owns: nothing.   Limits: JSON_DEPTH_MAX levels.   Threads: one at a time a cursor.   Layer: base.
 */
#ifndef QW_BASE_JSON_READER_H
#define QW_BASE_JSON_READER_H

#include "base/buf.h"

enum { JSON_DEPTH_MAX = 128 };

enum json_kind { JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json_cursor {
    struct bytes text;
    size_t pos;
    const char *error; /* why json_next was false; NULL: the text has ended */
};

struct json_cursor json_cursor_of(struct bytes text);

/* The next value, whitespace around it dropped. False at the end or at an error (pos is there). */
bool json_next(struct json_cursor *c, struct bytes *value);

/* The whole text is one value; else false, and *error (where, why) is filled if it is not NULL. */
bool json_is_one(struct bytes text, struct json_cursor *error);

/* All that follow take values that json_next gave. */
enum json_kind json_kind_of(struct bytes value);

struct json_iter {
    struct bytes value;
    size_t pos;
};
struct json_iter json_iter_of(struct bytes object_or_array);
bool json_array_next(struct json_iter *it, struct bytes *value);
bool json_object_next(struct json_iter *it, struct bytes *key_with_quotes, struct bytes *value);

/* Appends a string's characters. Lone surrogates come out as U+FFFD. */
void json_string_decode(struct bytes string_value, struct buf *out);
/* A string's characters equal text. */
bool json_string_is(struct bytes string_value, const char *text);
/* The value of an object's member, the last of that name; false: none. */
bool json_member(struct bytes object, const char *name, struct bytes *value);

#endif
