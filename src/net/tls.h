/* tls.h: TLS for a listener's connections: whose certificate is shown, and whose is asked for.
 *
 * TLS 1.2 and 1.3, no renegotiation, no compression, no resumption (a connection lives for hours; a
 * ticket would outlive the certificate it was given under). The files are read through os.h and
 * again when they have changed, looked at when a connection comes, at most once a second:
 * connections from then on have the new certificate, those that are open keep theirs. Files that do
 * not fit (half written, say) leave the old ones in use; on_trouble is told once for each such
 * state of the files.
 *
 * Owns:    keys and certificates.   Threads: one loop's.   Layer: net.
 * Errors:  of open: ST_INVALID with a diag that names the file and what is wrong in it.
 * Limits:  TLS_FILE_BYTES_MAX a file; a client's chain TLS_CHAIN_BYTES_MAX; a handshake
 *          TLS_HANDSHAKE_NS (net/conn.c closes what takes longer).
 */
#ifndef QW_NET_TLS_H
#define QW_NET_TLS_H

#include "base/diag.h"
#include "os/os.h"

struct tls_server;

enum { TLS_FILE_BYTES_MAX = 1 << 20, TLS_CHAIN_BYTES_MAX = 32 << 10 };
#define TLS_HANDSHAKE_NS ((int64_t)10 * 1000 * 1000 * 1000)

enum tls_clients {
    TLS_CLIENTS_ANY,      /* no certificate is asked for */
    TLS_CLIENTS_ASKED,    /* one that is shown must be good; none will do */
    TLS_CLIENTS_REQUIRED, /* no connection without a good one */
};

struct tls_options {
    const char *certificate; /* PEM: the server's, then those between it and the root */
    const char *key;       /* PEM, without a password; NULL: it stands in the certificate's file */
    const char *client_ca; /* PEM: who may sign clients' certificates; needed unless ANY */
    enum tls_clients clients;
    /* The files have changed and cannot be used; NULL: nobody is told. */
    void (*on_trouble)(void *context, const char *what);
    void *context;
};

/* The texts of options must outlive it. */
enum status tls_server_open(struct os *os, const struct tls_options *options,
                            struct tls_server **out, struct diag *diag) MUST_CHECK;
/* When the connections that were made with it are gone. */
void tls_server_close(struct tls_server *server);

enum tls_failure {                         /* of a handshake */
                   TLS_FAILED_NOT_TLS,     /* what came is something else: plain text, HTTP */
                   TLS_FAILED_VERSION,     /* no version or cipher that both speak */
                   TLS_FAILED_CERTIFICATE, /* the client's: missing, or not of our authorities */
                   TLS_FAILED_REFUSED,     /* the client does not take ours, or ends it for a reason of its own */
                   TLS_FAILED_LEFT,        /* gone, or too slow, before its end */
                   TLS_FAILED_OTHER,
                   TLS_FAILURES
};
const char *tls_failure_name(enum tls_failure failure); /* "not_tls" */

struct tls_stats {
    uint64_t handshakes, reloads;
    uint64_t failed[TLS_FAILURES];
    int64_t expires_s; /* when the certificate in use ends, seconds since 1970 */
};
void tls_server_stats(const struct tls_server *server, struct tls_stats *out);

#endif
