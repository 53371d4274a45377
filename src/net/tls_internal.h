/* tls_internal.h: what tls.c and tls_session.c share.       Layer: net (nobody else includes it).
 */
#ifndef QW_NET_TLS_INTERNAL_H
#define QW_NET_TLS_INTERNAL_H

#include "net/tls.h"

struct ssl_st;
/* A new SSL under the certificate of the moment; NULL: out of memory. */
struct ssl_st *tls_server_session(struct tls_server *server, int64_t mono_ns);
struct tls_stats *tls_server_counts(struct tls_server *server);

#endif
