/* tls_session.c: OpenSSL between two buffers.
 *
 * Its BIO is our own: reading takes from the bytes that tls_recv holds at the moment, writing
 * appends to `out`. tls_recv reads until OpenSSL wants more, so that what is readable is known from
 * the socket alone; of a record that is not whole OpenSSL keeps the beginning itself.
 */
#include "net/tls_session.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/check.h"
#include "net/tls_internal.h"

enum {
    RECORD_BYTES = 16 * 1024,
    SEND_BYTES = 64 * 1024, /* encrypted at once, before the socket is tried */
};

struct tls {
    SSL *ssl;
    struct tls_server *server;
    struct bytes feed; /* received, not taken by OpenSSL */
    struct buf out;    /* encrypted, not sent */
    size_t out_at;
    bool up, failed, finished;
    enum tls_failure why; /* of a handshake that failed */
};

/* ---- the BIO ---- */

static int feed_read(BIO *bio, char *to, int len)
{
    struct tls *t = BIO_get_data(bio);
    struct bytes take = bytes_head(t->feed, len > 0 ? (size_t)len : 0);

    BIO_clear_retry_flags(bio);
    if (take.len == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    memcpy(to, take.ptr, take.len);
    t->feed = bytes_skip(t->feed, take.len);
    return (int)take.len;
}

static int out_write(BIO *bio, const char *from, int len)
{
    struct tls *t = BIO_get_data(bio);

    BIO_clear_retry_flags(bio);
    buf_append(&t->out, from, len > 0 ? (size_t)len : 0);
    return len;
}

static long control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

/* One for the process, made by whichever thread comes first. */
static BIO_METHOD *method(void)
{
    static _Atomic(BIO_METHOD *) made;
    BIO_METHOD *m = made, *none = NULL;

    if (m)
        return m;
    m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "quickwater");
    CHECK(m && BIO_meth_set_read(m, feed_read) && BIO_meth_set_write(m, out_write) &&
          BIO_meth_set_ctrl(m, control));
    if (!atomic_compare_exchange_strong(&made, &none, m)) {
        BIO_meth_free(m);
        m = none;
    }
    return m;
}

/* ---- life ---- */

struct tls *tls_begin(struct tls_server *server, int64_t mono_ns)
{
    struct tls *t = xcalloc(1, sizeof(*t));
    BIO *bio = BIO_new(method());

    t->server = server;
    t->ssl = tls_server_session(server, mono_ns);
    if (!t->ssl || !bio) {
        BIO_free(bio);
        SSL_free(t->ssl);
        free(t);
        return NULL;
    }
    buf_init(&t->out, 0);
    BIO_set_data(bio, t);
    BIO_set_init(bio, 1);
    SSL_set_bio(t->ssl, bio, bio);
    SSL_set_accept_state(t->ssl);
    return t;
}

void tls_end(struct tls *t)
{
    if (!t)
        return;
    if (!t->up)
        tls_server_counts(t->server)->failed[t->failed ? t->why : TLS_FAILED_LEFT]++;
    SSL_free(t->ssl);
    buf_deinit(&t->out);
    free(t);
}

size_t tls_unsent(const struct tls *t)
{
    return t->out.len - t->out_at;
}

bool tls_up(const struct tls *t)
{
    return t->up;
}

const char *tls_server_name(const struct tls *t)
{
    return SSL_get_servername(t->ssl, TLSEXT_NAMETYPE_host_name);
}

bool tls_has_peer_certificate(const struct tls *t)
{
    return SSL_get0_peer_certificate(t->ssl) != NULL;
}

bool tls_peer_subject(const struct tls *t, struct buf *out)
{
    X509 *cert = SSL_get0_peer_certificate(t->ssl);
    BIO *text = cert ? BIO_new(BIO_s_mem()) : NULL;
    char *ptr;

    if (!text)
        return false;
    bool ok = X509_NAME_print_ex(text, X509_get_subject_name(cert), 0,
                                 XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB) >= 0;
    long len = BIO_get_mem_data(text, &ptr);
    ok = ok && len > 0;
    if (ok)
        buf_append(out, ptr, (size_t)len);
    BIO_free(text);
    return ok;
}

/* ---- bytes ---- */

/* Sends what is encrypted; ST_AGAIN when some is left. */
static enum status push(struct tls *t, struct os_sock *sock)
{
    while (tls_unsent(t) > 0) {
        struct bytes rest = bytes_of(t->out.ptr + t->out_at, tls_unsent(t));
        size_t sent;
        enum status st = os_sock_send(sock, &rest, 1, &sent);
        if (st != ST_OK)
            return st;
        t->out_at += sent;
    }
    t->out_at = 0;
    buf_deinit(&t->out); /* a quiet connection holds no buffer */
    buf_init(&t->out, 0);
    return ST_OK;
}

static enum tls_failure failure_of(unsigned long error)
{
    int reason = ERR_GET_REASON(error);

    if (reason >= SSL_AD_REASON_OFFSET) /* an alert of the client's */
        return TLS_FAILED_REFUSED;
    switch (reason) {
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
    case SSL_R_WRONG_VERSION_NUMBER: /* the first bytes are no record's */
    case SSL_R_UNKNOWN_PROTOCOL:
    case SSL_R_UNEXPECTED_MESSAGE:
    case SSL_R_BAD_RECORD_TYPE: return TLS_FAILED_NOT_TLS;
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_NO_PROTOCOLS_AVAILABLE: return TLS_FAILED_VERSION;
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
    case SSL_R_CERTIFICATE_VERIFY_FAILED: return TLS_FAILED_CERTIFICATE;
    default: return TLS_FAILED_OTHER;
    }
}

/* What an SSL_… call that gave `got` means. */
static enum status outcome(struct tls *t, int got)
{
    int error = SSL_get_error(t->ssl, got);
    unsigned long first = ERR_peek_error();

    ERR_clear_error();
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
        return ST_AGAIN;
    if (error == SSL_ERROR_ZERO_RETURN)
        return ST_END;
    t->failed = true;
    t->why = failure_of(first);
    return ST_INVALID;
}

/* All that the feed decrypts to; the handshake happens in here too. */
static enum status decrypt(struct tls *t, struct buf *in)
{
    for (;;) {
        int got = SSL_read(t->ssl, buf_reserve(in, RECORD_BYTES), RECORD_BYTES);
        if (!t->up && SSL_is_init_finished(t->ssl)) {
            t->up = true;
            tls_server_counts(t->server)->handshakes++;
        }
        if (got <= 0)
            return outcome(t, got);
        buf_advance(in, (size_t)got);
    }
}

enum status tls_recv(struct tls *t, struct os_sock *sock, struct buf *in, bool *full)
{
    uint8_t raw[RECORD_BYTES];
    size_t got;

    *full = false;
    if (t->failed)
        return ST_INVALID;
    enum status st = os_sock_recv(sock, raw, sizeof(raw), &got);
    if (st != ST_OK)
        return st;
    *full = got == sizeof(raw);
    t->feed = bytes_of(raw, got);
    st = decrypt(t, in);
    t->feed = BYTES_NONE;
    return st == ST_AGAIN ? ST_OK : st;
}

enum status tls_send(struct tls *t, struct os_sock *sock, const struct bytes *parts, int count,
                     size_t *sent)
{
    *sent = 0;
    TRY(push(t, sock));
    if (!t->up || t->failed)
        return count > 0 ? ST_AGAIN : ST_OK;
    for (int i = 0; i < count && *sent < SEND_BYTES; i++) {
        struct bytes part = parts[i];
        while (part.len > 0 && *sent < SEND_BYTES) {
            int took =
                SSL_write(t->ssl, part.ptr, part.len < RECORD_BYTES ? (int)part.len : RECORD_BYTES);
            if (took <= 0)
                return outcome(t, took) == ST_AGAIN ? ST_OK : ST_CLOSED;
            part = bytes_skip(part, (size_t)took);
            *sent += (size_t)took;
        }
    }
    enum status st = push(t, sock);
    return st == ST_AGAIN ? ST_OK : st;
}

void tls_finish(struct tls *t, struct os_sock *sock)
{
    if (!t->up || t->failed || t->finished)
        return;
    t->finished = true;
    (void)SSL_shutdown(t->ssl);
    ERR_clear_error();
    (void)push(t, sock);
}
