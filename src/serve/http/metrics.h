/* metrics.h: what the files that write /metrics share: a family's head, then its samples.
 *
 * Names come without "quickwater_".       Layer: serve (private to serve/http).
 */
#ifndef QW_SERVE_HTTP_METRICS_H
#define QW_SERVE_HTTP_METRICS_H

#include "base/buf.h"

struct http_face;

void metrics_family(struct buf *out, const char *name, const char *type, const char *help);
void metrics_one_u64(struct buf *out, const char *name, const char *type, const char *help, uint64_t v);
void metrics_one_f64(struct buf *out, const char *name, const char *type, const char *help, double v);
void metrics_label(struct buf *out, const char *name, struct bytes value);

/* metrics_clients.c: connections, TLS, who was let in, what was denied. */
void metrics_of_clients(struct http_face *face, struct buf *out);

/* bridges.c */
void metrics_of_bridges(struct http_face *face, struct buf *out);

#endif
