/* tls_peer.h: certificates made for a test, and a client that speaks TLS over a plain connection.
 */
#ifndef QW_TESTS_TLS_PEER_H
#define QW_TESTS_TLS_PEER_H

#include "net/conn.h"
#include "net/tls.h"

struct evp_pkey_st;
struct x509_st;
struct ssl_st;

/* Somebody with a key and a certificate. */
struct party {
    struct evp_pkey_st *key;
    struct x509_st *cert;
};

/* CN=name, signed by ca; NULL: by itself. */
void party_make(struct party *party, const char *name, const struct party *ca);
void party_free(struct party *party);
/* As PEM to files of os. */
void party_save(const struct party *party, struct os *os, const char *cert_path,
                const char *key_path);

struct tls_peer {
    struct conn *conn;
    struct ssl_st *ssl;
    struct buf got; /* decrypted */
    bool up, failed, closed, ended;
    char server[64]; /* the CN of the server's certificate */
};

/* who NULL: without a certificate; ca: whom to trust. */
void tls_peer_open(struct tls_peer *p, struct loop *loop, const char *address,
                   const struct party *who, const struct party *ca);
void tls_peer_send(struct tls_peer *p, struct bytes data); /* once up */
void tls_peer_close(struct tls_peer *p, struct loop *loop);

#endif
