/* base64.h: RFC 4648, the standard alphabet and the one for URLs.       Layer: base. */
#ifndef QW_BASE_BASE64_H
#define QW_BASE_BASE64_H

#include "base/buf.h"

void base64_encode(struct buf *out, struct bytes in);
/* Strict: padded, nothing else between. False: out may hold a part. */
bool base64_decode(struct buf *out, struct bytes in);
/* '-' and '_', without padding. */
bool base64url_decode(struct buf *out, struct bytes in);

#endif
