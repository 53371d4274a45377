/* uri.h: percent-encoding and query strings (RFC 3986, and HTML forms' '+').   Layer: wire. */
#ifndef QW_WIRE_HTTP_URI_H
#define QW_WIRE_HTTP_URI_H

#include "base/buf.h"

enum uri_plus { URI_PLUS_LITERAL, URI_PLUS_SPACE }; /* of a path; of a query */

/* Appends the decoded bytes. False: a '%' without two hexadecimal digits. */
bool uri_decode(struct bytes in, enum uri_plus plus, struct buf *out);

/* Appends the decoded value of the first `name` of a query. False: it is not there, or broken. */
bool query_get(struct bytes query, const char *name, struct buf *out);
bool query_has(struct bytes query, const char *name);
/* All of that name, one a call: appends the next decoded value and moves *rest past it. */
bool query_next(struct bytes *rest, const char *name, struct buf *out);

/* Cuts the first segment off a path that begins with '/': "/a/b" gives "a" and leaves "/b". False at
 * the end ("" or "/"). Still encoded. */
bool path_next(struct bytes *path, struct bytes *segment);

#endif
