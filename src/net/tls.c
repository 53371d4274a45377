/* tls.c: from files to an SSL_CTX, and again when they change. */
#include "net/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/check.h"
#include "net/tls_internal.h"

#define LOOK_AGAIN_NS ((int64_t)1000 * 1000 * 1000)

enum { FILES_MAX = 3 };

/* What a file looked like when it was last read. */
struct stamp {
    int64_t modified_us;
    uint64_t size;
};

struct tls_server {
    struct os *os;
    struct tls_options options;
    SSL_CTX *ctx;
    struct stamp stamps[FILES_MAX];
    int64_t looked_ns;
    struct tls_stats stats;
};

/* ---- files ---- */

static const char *file_at(const struct tls_options *o, int i)
{
    const char *files[FILES_MAX] = {o->certificate, o->key, o->client_ca};
    return files[i];
}

static enum status refuse_file(struct diag *diag, const char *path, const char *what,
                               const char *hint)
{
    diag_hint(diag, "%s", hint);
    return diag_set(diag, ST_INVALID, DIAG_VALUE, "TLS: the file '%s' %s", path, what);
}

/* The file's bytes; the caller cleanses them, for they may be a key. */
static enum status read_file(struct os *os, const char *path, struct buf *out, struct diag *diag)
{
    struct os_file *file;
    struct os_stat stat;
    size_t got = 0;

    if (os_file_open(os, path, OS_READ, &file) != ST_OK) {
        diag_hint(diag, "a file in PEM that the server may read");
        return diag_set(diag, ST_INVALID, DIAG_VALUE, "TLS: the file '%s' cannot be read: %s", path,
                        os_error_text(os));
    }
    enum status st = os_file_stat(file, &stat);
    if (st == ST_OK && stat.size <= TLS_FILE_BYTES_MAX && stat.size > 0)
        st = os_file_read(file, 0, buf_reserve(out, (size_t)stat.size), (size_t)stat.size, &got);
    os_file_close(file);
    buf_advance(out, got);
    if (st != ST_OK || got == 0)
        return refuse_file(diag, path,
                           stat.size > TLS_FILE_BYTES_MAX ? "is larger than 1 MiB"
                           : stat.size == 0               ? "is empty"
                                                          : "cannot be read",
                           "a file in PEM");
    return ST_OK;
}

static void forget(struct buf *secret)
{
    if (secret->ptr)
        OPENSSL_cleanse(secret->ptr, secret->cap);
    buf_deinit(secret);
}

static int no_password(char *to, int size, int writing, void *context)
{
    (void)to;
    (void)size;
    (void)writing;
    *(bool *)context = true;
    return -1;
}

static enum status use_certificate(SSL_CTX *ctx, BIO *pem, const char *path, struct diag *diag)
{
    X509 *leaf = PEM_read_bio_X509_AUX(pem, NULL, NULL, NULL), *next;

    if (!leaf)
        return refuse_file(diag, path, "holds no certificate",
                           "'-----BEGIN CERTIFICATE-----' and so on");
    int ok = SSL_CTX_use_certificate(ctx, leaf);
    X509_free(leaf);
    while (ok == 1 && (next = PEM_read_bio_X509(pem, NULL, NULL, NULL)) != NULL) {
        ok = SSL_CTX_add0_chain_cert(ctx, next) ? 1 : 0;
        if (!ok)
            X509_free(next);
    }
    if (ok != 1)
        return refuse_file(diag, path, "holds a certificate that cannot be used",
                           "an RSA key of at least 2048 bits, or an elliptic curve's");
    return ST_OK;
}

static enum status use_key(SSL_CTX *ctx, BIO *pem, const char *path, struct diag *diag)
{
    bool locked = false;
    EVP_PKEY *key = PEM_read_bio_PrivateKey(pem, NULL, no_password, &locked);

    if (!key)
        return refuse_file(diag, path,
                           locked ? "holds a key under a password" : "holds no private key",
                           locked ? "openssl pkey -in FILE -out NEW makes one without"
                                  : "'-----BEGIN PRIVATE KEY-----' and so on");
    int ok = SSL_CTX_use_PrivateKey(ctx, key);
    EVP_PKEY_free(key);
    if (ok != 1 || SSL_CTX_check_private_key(ctx) != 1)
        return refuse_file(diag, path, "holds a key that is not the certificate's",
                           "the key for which the certificate was made");
    return ST_OK;
}

static enum status use_client_ca(SSL_CTX *ctx, BIO *pem, const char *path, struct diag *diag)
{
    X509 *ca;
    int count = 0;

    while ((ca = PEM_read_bio_X509(pem, NULL, NULL, NULL)) != NULL) {
        bool ok =
            X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), ca) && SSL_CTX_add_client_CA(ctx, ca);
        X509_free(ca);
        if (!ok)
            return refuse_file(diag, path, "holds a certificate that cannot be used",
                               "authorities' certificates");
        count++;
    }
    return count
               ? ST_OK
               : refuse_file(diag, path, "holds no certificate", "those of who signs the clients'");
}

typedef enum status use_fn(SSL_CTX *ctx, BIO *pem, const char *path, struct diag *diag);

static enum status use_file(struct tls_server *s, SSL_CTX *ctx, const char *path, use_fn *use,
                            struct diag *diag)
{
    struct buf text;

    buf_init(&text, 0);
    enum status st = read_file(s->os, path, &text, diag);
    if (st == ST_OK) {
        BIO *pem = BIO_new_mem_buf(text.ptr, (int)text.len);
        CHECK(pem);
        st = use(ctx, pem, path, diag);
        BIO_free(pem);
    }
    forget(&text);
    ERR_clear_error();
    return st;
}

/* ---- the context ---- */

static SSL_CTX *context_new(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    /* in 1.2 only what has forward secrecy and authenticated encryption; 1.3 has nothing else */
    static const char ciphers[] = "ECDHE+AESGCM:ECDHE+CHACHA20";

    CHECK(ctx && SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) &&
          SSL_CTX_set_cipher_list(ctx, ciphers) && SSL_CTX_set_num_tickets(ctx, 0));
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_max_cert_list(ctx, TLS_CHAIN_BYTES_MAX);
    return ctx;
}

static enum status context_load(struct tls_server *s, SSL_CTX **out, struct diag *diag)
{
    const struct tls_options *o = &s->options;
    SSL_CTX *ctx = context_new();
    enum status st = use_file(s, ctx, o->certificate, use_certificate, diag);

    if (st == ST_OK)
        st = use_file(s, ctx, o->key ? o->key : o->certificate, use_key, diag);
    if (st == ST_OK && o->clients != TLS_CLIENTS_ANY)
        st = use_file(s, ctx, o->client_ca, use_client_ca, diag);
    if (st != ST_OK) {
        SSL_CTX_free(ctx);
        return st;
    }
    if (o->clients != TLS_CLIENTS_ANY)
        SSL_CTX_set_verify(
            ctx,
            SSL_VERIFY_PEER |
                (o->clients == TLS_CLIENTS_REQUIRED ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
            NULL);
    *out = ctx;
    return ST_OK;
}

/* True when a file is not as it was; its new stamp is kept. */
static bool files_changed(struct tls_server *s)
{
    bool changed = false;

    for (int i = 0; i < FILES_MAX; i++) {
        struct os_stat stat = {0};
        const char *path = file_at(&s->options, i);
        if (!path || os_path_stat(s->os, path, &stat) != ST_OK)
            stat = (struct os_stat){0};
        struct stamp now = {stat.modified_us, stat.size};
        changed =
            changed || now.modified_us != s->stamps[i].modified_us || now.size != s->stamps[i].size;
        s->stamps[i] = now;
    }
    return changed;
}

static void look_again(struct tls_server *s, int64_t mono_ns)
{
    struct diag diag = {0};
    SSL_CTX *fresh;

    if (mono_ns - s->looked_ns < LOOK_AGAIN_NS)
        return;
    s->looked_ns = mono_ns;
    if (!files_changed(s))
        return;
    if (context_load(s, &fresh, &diag) != ST_OK) {
        if (s->options.on_trouble)
            s->options.on_trouble(s->options.context, diag.message);
        return;
    }
    SSL_CTX_free(s->ctx); /* sessions hold theirs */
    s->ctx = fresh;
    s->stats.reloads++;
}

struct ssl_st *tls_server_session(struct tls_server *s, int64_t mono_ns)
{
    look_again(s, mono_ns);
    return SSL_new(s->ctx);
}

struct tls_stats *tls_server_counts(struct tls_server *s)
{
    return &s->stats;
}

/* ---- life ---- */

enum status tls_server_open(struct os *os, const struct tls_options *options,
                            struct tls_server **out, struct diag *diag)
{
    struct tls_server *s = xcalloc(1, sizeof(*s));

    *out = NULL;
    s->os = os;
    s->options = *options;
    s->looked_ns = os_mono_ns(os);
    if (options->clients != TLS_CLIENTS_ANY && !options->client_ca) {
        free(s);
        diag_hint(diag, "name the file of who signs the clients' certificates: client_ca");
        return diag_set(
            diag, ST_INVALID, DIAG_VALUE,
            "TLS: clients' certificates are asked for, and there is nothing to hold them against");
    }
    (void)files_changed(s);
    enum status st = context_load(s, &s->ctx, diag);
    if (st != ST_OK) {
        free(s);
        return st;
    }
    *out = s;
    return ST_OK;
}

void tls_server_close(struct tls_server *s)
{
    if (!s)
        return;
    SSL_CTX_free(s->ctx);
    free(s);
}

const char *tls_failure_name(enum tls_failure failure)
{
    static const char *const names[TLS_FAILURES] = {
        [TLS_FAILED_NOT_TLS] = "not_tls",
        [TLS_FAILED_VERSION] = "version",
        [TLS_FAILED_CERTIFICATE] = "client_certificate",
        [TLS_FAILED_REFUSED] = "refused_by_client",
        [TLS_FAILED_LEFT] = "left",
        [TLS_FAILED_OTHER] = "other",
    };
    return names[failure];
}

/* 0 for a date that cannot be read, which OpenSSL has refused before. */
static int64_t expires_s(const SSL_CTX *ctx)
{
    X509 *leaf = SSL_CTX_get0_certificate(ctx);
    struct tm tm = {0};

    return leaf && ASN1_TIME_to_tm(X509_get0_notAfter(leaf), &tm) ? (int64_t)timegm(&tm) : 0;
}

void tls_server_stats(const struct tls_server *s, struct tls_stats *out)
{
    *out = s->stats;
    out->expires_s = expires_s(s->ctx);
}
