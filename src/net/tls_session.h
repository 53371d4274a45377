/* tls_session.h: the TLS of one connection, between its socket and its buffers.
 *
 * OpenSSL sees no socket: it reads what tls_recv has received and writes to a buffer that tls_send
 * and tls_recv empty, so all input and output goes through os.h.
 *
 * Owns:    its state and what is encrypted and not sent.   Threads: its loop's.
 * Errors:  ST_AGAIN would block, ST_END the peer has sent all, ST_CLOSED the socket has gone,
 * ST_INVALID not TLS, or a handshake that came to nothing: an alert may be left to send. Layer: net
 * (nobody else includes it).
 */
#ifndef QW_NET_TLS_SESSION_H
#define QW_NET_TLS_SESSION_H

#include "base/buf.h"
#include "net/tls.h"

struct tls;

/* A server's side of a new connection; looks for changed files first. NULL: out of memory. */
struct tls *tls_begin(struct tls_server *server, int64_t mono_ns);
void tls_end(struct tls *tls);

/* Receives once and appends all that can be decrypted to `in`; *full: the socket may have more. No
 * decrypted byte stays behind, so `in` may grow by a record (16 KiB) more than was received. */
enum status tls_recv(struct tls *tls, struct os_sock *sock, struct buf *in, bool *full);
/* Sends what is left over, then encrypts of parts and sends that; *sent: how much of parts is
 * taken. ST_AGAIN: nothing was, for the socket is full or the handshake is not over. */
enum status tls_send(struct tls *tls, struct os_sock *sock, const struct bytes *parts, int count,
                     size_t *sent);
/* Tells the peer that nothing more comes, if that can still be said. */
void tls_finish(struct tls *tls, struct os_sock *sock);

size_t tls_unsent(const struct tls *tls); /* encrypted, not sent */
bool tls_up(const struct tls *tls);       /* the handshake is over */
/* The name by which the client called us (SNI), or NULL. */
const char *tls_server_name(const struct tls *tls);
/* The subject of the client's certificate, as RFC 2253 writes it; false: it showed none. */
bool tls_has_peer_certificate(const struct tls *tls);
bool tls_peer_subject(const struct tls *tls, struct buf *out);

#endif
