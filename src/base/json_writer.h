/* json_writer.h: JSON text, written in order into a buf.
 *
 * Commas and colons are its business; that objects and arrays nest is the caller's (CHECKed). Bytes
 * that are not UTF-8 come out as U+FFFD, so what is written is always valid JSON.
 *
 * Owns: nothing; the buf is the caller's (its limit, and its sticky `failed`, are the bound).
 * Threads: one at a time.   Layer: base.
 */
#ifndef QW_BASE_JSON_WRITER_H
#define QW_BASE_JSON_WRITER_H

#include "base/buf.h"

enum { JSON_WRITER_DEPTH_MAX = 64 };

struct json_writer {
    struct buf *out;
    uint64_t filled; /* bit d: the container at depth d has a member already */
    uint64_t object; /* bit d: it is an object */
    unsigned depth;
    bool after_key;
};

void json_writer_init(struct json_writer *w, struct buf *out);

void json_object_begin(struct json_writer *w);
void json_object_end(struct json_writer *w);
void json_array_begin(struct json_writer *w);
void json_array_end(struct json_writer *w);
void json_key(struct json_writer *w, const char *key);
void json_key_bytes(struct json_writer *w, struct bytes key);

void json_str(struct json_writer *w, const char *text); /* NULL: null */
void json_bytes(struct json_writer *w, struct bytes text);
void json_i64(struct json_writer *w, int64_t v);
void json_u64(struct json_writer *w, uint64_t v);
void json_f64(struct json_writer *w, double v); /* shortest that reads back; NaN and Inf: null */
void json_bool(struct json_writer *w, bool v);
void json_put_null(struct json_writer *w);
void json_raw(struct json_writer *w, struct bytes json); /* is JSON already */

/* key and value in one */
void json_key_str(struct json_writer *w, const char *key, const char *text);
void json_key_text(struct json_writer *w, const char *key, struct bytes text);
void json_key_i64(struct json_writer *w, const char *key, int64_t v);
void json_key_u64(struct json_writer *w, const char *key, uint64_t v);
void json_key_f64(struct json_writer *w, const char *key, double v);
void json_key_bool(struct json_writer *w, const char *key, bool v);

/* The string with its quotes, without a writer around it. */
void json_quote(struct buf *out, struct bytes text);

#endif
