/* bytes.h: a view of bytes that somebody else owns.
 *
 * Passed by value, never freed, never stored past the call unless the owner is retained (or it is a copy of
 * one's own: bytes_keep). Text is
 * UTF-8 and is not terminated by a zero.       Layer: base.
 */
#ifndef QW_BASE_BYTES_H
#define QW_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
    const uint8_t *ptr;
    size_t len;
};

#define BYTES_LITERAL(text) ((struct bytes){(const uint8_t *)(text), sizeof(text) - 1})
#define BYTES_NONE          ((struct bytes){NULL, 0})
/* for printf: printf("%.*s", BYTES_FMT(name)) */
#define BYTES_FMT(b) (int)(b).len, (const char *)(b).ptr

static inline struct bytes bytes_of(const void *ptr, size_t len)
{
    return (struct bytes){(const uint8_t *)ptr, len}; /* the cast: for C++ */
}

static inline struct bytes bytes_str(const char *text)
{
    return bytes_of(text, strlen(text));
}

static inline bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool bytes_is(struct bytes a, const char *text)
{
    return bytes_equal(a, bytes_str(text));
}

/* ASCII letters are equal in either case; for SQL keywords and HTTP header names. */
bool bytes_is_nocase(struct bytes a, const char *text);

/* By unsigned bytes, a prefix first: less than, equal to or greater than zero. */
int bytes_compare(struct bytes a, struct bytes b);

/* The first len bytes, or all there are; and what is left after dropping len. */
struct bytes bytes_head(struct bytes a, size_t len);
struct bytes bytes_skip(struct bytes a, size_t len);

/* Position of the first byte c at or after from; a.len when there is none. */
size_t bytes_find(struct bytes a, uint8_t c, size_t from);

/* The whole of a as a decimal integer with an optional sign. False: not one, or out of range. */
bool bytes_to_i64(struct bytes a, int64_t *out);

/* A copy on the heap, which bytes_drop frees (and leaves nothing); of nothing (ptr NULL): nothing. */
struct bytes bytes_keep(struct bytes b);
void bytes_drop(struct bytes *b);
void bytes_keep_over(struct bytes *old, struct bytes b); /* old is dropped; b may be a view of it */

/* Valid UTF-8 per RFC 3629 (no surrogates, no overlong forms). */
bool bytes_is_utf8(struct bytes a);

#endif
