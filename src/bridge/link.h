/* link.h: a connection to an outside system whose protocol is our own code: blocking, with a time for each call, plain
 * or by TLS (1.2 and later; the server's certificate and name are always checked).
 *
 * Owns:    its socket and the TLS of it.   Threads: one at a time, a bridge's helper.   Layer: bridge.
 * Errors:  in words, to `why`; then the link is to be closed.
 * Limits:  names are looked up by the system's resolver, in its own time.
 */
#ifndef QW_BRIDGE_LINK_H
#define QW_BRIDGE_LINK_H

#include "base/buf.h"
#include "base/diag.h"

enum { LINK_WHY = 160 };

struct link_options {
    const char *host;
    uint16_t port;
    bool tls;
    const char *ca_file, *cert_file, *key_file; /* PEM; NULL: the system's authorities; no certificate of ours */
};

struct link;

int64_t link_now_ms(void); /* of a clock that only goes on; what until_ms means */

/* NULL: why. */
struct link *link_connect(const struct link_options *options, int64_t until_ms, char why[LINK_WHY]);
/* A link that was connected without TLS goes on with it, as `options` say: where a protocol greets before it. */
bool link_encrypt(struct link *link, const struct link_options *options, int64_t until_ms, char why[LINK_WHY]);
void link_close(struct link *link); /* NULL: nothing */
/* All of it. */
bool link_send(struct link *link, struct bytes data, int64_t until_ms, char why[LINK_WHY]);

enum link_got { LINK_SOME, LINK_NONE, LINK_GONE };
/* What is there, up to some 64 KiB, is put to `into`. LINK_NONE: nothing until then. */
enum link_got link_receive(struct link *link, struct buf *into, int64_t until_ms, char why[LINK_WHY]);

#endif
