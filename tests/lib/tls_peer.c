#include "lib/tls_peer.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "lib/test.h"

void party_make(struct party *p, const char *name, const struct party *ca)
{
    X509_NAME *subject = X509_NAME_new();

    p->key = EVP_EC_gen("P-256");
    p->cert = X509_new();
    EXPECT(p->key && p->cert && subject);
    EXPECT(X509_set_version(p->cert, 2) && ASN1_INTEGER_set(X509_get_serialNumber(p->cert), 7));
    X509_gmtime_adj(X509_getm_notBefore(p->cert), -86400);
    X509_gmtime_adj(X509_getm_notAfter(p->cert), 86400);
    EXPECT(
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const uint8_t *)name, -1, -1, 0));
    EXPECT(X509_set_subject_name(p->cert, subject) && X509_set_pubkey(p->cert, p->key));
    EXPECT(X509_set_issuer_name(p->cert, ca ? X509_get_subject_name(ca->cert) : subject));
    X509_NAME_free(subject);
    if (!ca) {
        X509_EXTENSION *is_ca =
            X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, "critical,CA:TRUE");
        EXPECT(is_ca && X509_add_ext(p->cert, is_ca, -1));
        X509_EXTENSION_free(is_ca);
    }
    EXPECT(X509_sign(p->cert, ca ? ca->key : p->key, EVP_sha256()) > 0);
}

void party_free(struct party *p)
{
    X509_free(p->cert);
    EVP_PKEY_free(p->key);
}

static void save(struct os *os, const char *path, BIO *pem)
{
    struct os_file *file;
    char *text;
    long len = BIO_get_mem_data(pem, &text);

    EXPECT_OK(os_file_open(os, path, OS_WRITE | OS_CREATE | OS_TRUNCATE, &file));
    EXPECT_OK(os_file_write(file, 0, text, (size_t)len));
    os_file_close(file);
    BIO_free(pem);
}

void party_save(const struct party *p, struct os *os, const char *cert_path, const char *key_path)
{
    BIO *pem = BIO_new(BIO_s_mem());

    EXPECT(PEM_write_bio_X509(pem, p->cert));
    save(os, cert_path, pem);
    if (!key_path)
        return;
    pem = BIO_new(BIO_s_mem());
    EXPECT(PEM_write_bio_PrivateKey(pem, p->key, NULL, NULL, 0, NULL, NULL));
    save(os, key_path, pem);
}

/* ---- the client ---- */

static void push(struct tls_peer *p)
{
    char *text;
    long len = BIO_get_mem_data(SSL_get_wbio(p->ssl), &text);

    if (len > 0 && p->conn)
        conn_send(p->conn, bytes_of(text, (size_t)len));
    (void)BIO_reset(SSL_get_wbio(p->ssl));
}

static void step(struct tls_peer *p)
{
    uint8_t plain[4096];
    int got;

    if (p->failed)
        return;
    while ((got = SSL_read(p->ssl, plain, sizeof(plain))) > 0)
        buf_append(&p->got, plain, (size_t)got);
    int error = SSL_get_error(p->ssl, got);
    p->ended = p->ended || error == SSL_ERROR_ZERO_RETURN;
    p->failed = error != SSL_ERROR_WANT_READ && error != SSL_ERROR_ZERO_RETURN;
    ERR_clear_error();
    if (!p->up && SSL_is_init_finished(p->ssl)) {
        p->up = true;
        X509_NAME_get_text_by_NID(X509_get_subject_name(SSL_get0_peer_certificate(p->ssl)),
                                  NID_commonName, p->server, sizeof(p->server));
    }
    push(p);
}

static size_t on_bytes(void *state, struct conn *conn, struct bytes in)
{
    struct tls_peer *p = state;

    (void)conn;
    EXPECT(BIO_write(SSL_get_rbio(p->ssl), in.ptr, (int)in.len) == (int)in.len);
    step(p);
    return in.len;
}

static void on_close(void *state, struct conn *conn)
{
    struct tls_peer *p = state;

    (void)conn;
    p->closed = true;
    p->conn = NULL;
}

static const struct conn_handler handler = {.on_bytes = on_bytes, .on_close = on_close};

void tls_peer_open(struct tls_peer *p, struct loop *loop, const char *address,
                   const struct party *who, const struct party *ca)
{
    static const struct conn_limits limits = {
        .in_bytes_max = 64 << 20, .out_bytes_pause = 64 << 20, .out_bytes_max = 64 << 20};
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    *p = (struct tls_peer){0};
    buf_init(&p->got, 0);
    EXPECT(X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), ca->cert));
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    if (who)
        EXPECT(SSL_CTX_use_certificate(ctx, who->cert) && SSL_CTX_use_PrivateKey(ctx, who->key));
    p->ssl = SSL_new(ctx);
    SSL_CTX_free(ctx);
    SSL_set_bio(p->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    BIO_set_mem_eof_return(SSL_get_rbio(p->ssl), -1);
    SSL_set_tlsext_host_name(p->ssl, "node");
    SSL_set_connect_state(p->ssl);
    EXPECT_OK(conn_connect(loop, address, &handler, p, &limits, &p->conn));
    step(p);
}

void tls_peer_send(struct tls_peer *p, struct bytes data)
{
    EXPECT(SSL_write(p->ssl, data.ptr, (int)data.len) == (int)data.len);
    push(p);
}

void tls_peer_close(struct tls_peer *p, struct loop *loop)
{
    if (p->conn)
        conn_close(p->conn);
    for (int i = 0; i < 100 && !p->closed; i++)
        loop_pass(loop, 1000000);
    SSL_free(p->ssl);
    buf_deinit(&p->got);
}
