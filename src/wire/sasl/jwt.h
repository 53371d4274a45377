/* jwt.h: a JSON web token (RFC 7519) in its compact form, taken apart. That it is signed by whom it
 * says: serve/security/oauth.h.
 *
 * Owns:    what is decoded, until jwt_deinit.
 * Errors:  false: not a token, or more than JWT_BYTES_MAX.   Threads: any.   Layer: wire.
 */
#ifndef QW_WIRE_SASL_JWT_H
#define QW_WIRE_SASL_JWT_H

#include "base/buf.h"

enum { JWT_BYTES_MAX = 64 << 10 };

struct jwt {
    struct bytes signed_part; /* of the token: header.payload */
    struct buf header, payload, signature;
};

bool jwt_parse(struct jwt *jwt, struct bytes token); /* then jwt_deinit, whatever it gives */
void jwt_deinit(struct jwt *jwt);

/* A claim that is a text, appended decoded; false: it is not there, or something else. */
bool jwt_text(struct bytes object, const char *name, struct buf *out);
/* Seconds since 1970, a number with or without a fraction; false as above, or out of range. */
bool jwt_seconds(struct bytes object, const char *name, int64_t *out);
/* The claim is that text, or a list that has it. */
bool jwt_has(struct bytes object, const char *name, const char *text);

#endif
