/* link.c: see link.h.
 *
 * OpenSSL sees no socket: it reads and writes memory, so that a peer that has gone is an error and not a SIGPIPE, in a
 * program that embeds us too.
 */
#include "bridge/link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"

enum { RECEIVE = 64 << 10 };

struct link {
    int fd;
    SSL_CTX *context; /* NULL: plain */
    SSL *ssl;
    BIO *in, *out; /* the SSL's */
    struct buf encrypted;
};

int64_t link_now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool says(char why[LINK_WHY], const char *what)
{
    snprintf(why, LINK_WHY, "%.150s", what);
    return false;
}

/* Until the socket is ready; false: the time is over. */
static bool ready(int fd, short events, int64_t until_ms)
{
    struct pollfd p = {.fd = fd, .events = events};

    for (;;) {
        int64_t left = until_ms - link_now_ms();
        int n = poll(&p, 1, left > 0 ? (int)(left < 60000 ? left : 60000) : 0);
        if (n > 0)
            return true;
        if (link_now_ms() >= until_ms)
            return false;
    }
}

/* ---- the socket ---- */

static bool socket_send(struct link *link, struct bytes data, int64_t until_ms, char why[LINK_WHY])
{
    while (data.len) {
        ssize_t n = send(link->fd, data.ptr, data.len, MSG_NOSIGNAL);
        if (n > 0)
            data = bytes_skip(data, (size_t)n);
        else if (n < 0 && errno != EAGAIN && errno != EINTR)
            return says(why, strerror(errno));
        else if (!ready(link->fd, POLLOUT, until_ms))
            return says(why, "it takes nothing in time ('bridge.timeout')");
    }
    return true;
}

static enum link_got socket_receive(struct link *link, struct buf *into, int64_t until_ms, char why[LINK_WHY])
{
    for (;;) {
        ssize_t n = recv(link->fd, buf_reserve(into, RECEIVE), RECEIVE, 0);
        if (n > 0) {
            buf_advance(into, (size_t)n);
            return LINK_SOME;
        }
        if (!n || (errno != EAGAIN && errno != EINTR)) {
            says(why, n ? strerror(errno) : "the connection was closed");
            return LINK_GONE;
        }
        if (!ready(link->fd, POLLIN, until_ms))
            return LINK_NONE;
    }
}

static int connect_to(const struct addrinfo *a, int64_t until_ms, char why[LINK_WHY])
{
    int fd = socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, a->ai_protocol), one = 1, error = 0;
    socklen_t len = sizeof(error);

    if (fd < 0) {
        says(why, strerror(errno));
        return -1;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (connect(fd, a->ai_addr, a->ai_addrlen) == 0)
        return fd;
    if (errno != EINPROGRESS)
        says(why, strerror(errno));
    else if (!ready(fd, POLLOUT, until_ms))
        says(why, "no connection in time ('bridge.timeout')");
    else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error == 0)
        return fd;
    else
        says(why, strerror(error));
    close(fd);
    return -1;
}

static int dial(const struct link_options *options, int64_t until_ms, char why[LINK_WHY])
{
    struct addrinfo wanted = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    char port[8];
    int fd = -1;

    snprintf(port, sizeof(port), "%u", options->port);
    int error = getaddrinfo(options->host, port, &wanted, &found);
    if (error) {
        says(why, gai_strerror(error));
        return -1;
    }
    for (const struct addrinfo *a = found; a && fd < 0; a = a->ai_next)
        fd = connect_to(a, until_ms, why);
    freeaddrinfo(found);
    return fd;
}

/* ---- TLS ---- */

static bool tls_trouble(const struct link *link, const char *doing, char why[LINK_WHY])
{
    unsigned long error = ERR_get_error();
    const char *reason = error ? ERR_reason_error_string(error) : NULL;
    long verified = link->ssl ? SSL_get_verify_result(link->ssl) : X509_V_OK;

    if (verified != X509_V_OK)
        reason = X509_verify_cert_error_string(verified);
    snprintf(why, LINK_WHY, "%.60s: %.80s", doing, reason ? reason : "no reason is given");
    ERR_clear_error();
    return false;
}

/* What OpenSSL wants sent. */
static bool tls_flush(struct link *link, int64_t until_ms, char why[LINK_WHY])
{
    char part[16384];
    int n;

    while ((n = BIO_read(link->out, part, sizeof(part))) > 0)
        if (!socket_send(link, bytes_of(part, (size_t)n), until_ms, why))
            return false;
    return true;
}

static enum link_got tls_fill(struct link *link, int64_t until_ms, char why[LINK_WHY])
{
    buf_clear(&link->encrypted);
    enum link_got got = socket_receive(link, &link->encrypted, until_ms, why);
    if (got == LINK_SOME)
        CHECK(BIO_write(link->in, link->encrypted.ptr, (int)link->encrypted.len) == (int)link->encrypted.len);
    return got;
}

static bool tls_files(struct link *link, const struct link_options *o, char why[LINK_WHY])
{
    if (o->ca_file ? SSL_CTX_load_verify_locations(link->context, o->ca_file, NULL) != 1
                   : SSL_CTX_set_default_verify_paths(link->context) != 1)
        return tls_trouble(link, "the file of the authorities", why);
    if (o->cert_file && SSL_CTX_use_certificate_chain_file(link->context, o->cert_file) != 1)
        return tls_trouble(link, "the file of our certificate", why);
    if (o->cert_file && SSL_CTX_use_PrivateKey_file(link->context, o->key_file ? o->key_file : o->cert_file,
                                                    SSL_FILETYPE_PEM) != 1)
        return tls_trouble(link, "the file of our certificate's key", why);
    return true;
}

static bool tls_name(struct link *link, const char *host)
{
    X509_VERIFY_PARAM *verify = SSL_get0_param(link->ssl);
    uint8_t address[16];

    if (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1)
        return X509_VERIFY_PARAM_set1_ip_asc(verify, host) == 1;
    return SSL_set_tlsext_host_name(link->ssl, host) == 1 && SSL_set1_host(link->ssl, host) == 1;
}

static bool tls_begin(struct link *link, const struct link_options *o, char why[LINK_WHY])
{
    ERR_clear_error();
    link->context = SSL_CTX_new(TLS_client_method());
    CHECK(link->context && SSL_CTX_set_min_proto_version(link->context, TLS1_2_VERSION) == 1);
    SSL_CTX_set_verify(link->context, SSL_VERIFY_PEER, NULL);
    if (!tls_files(link, o, why))
        return false;
    link->ssl = SSL_new(link->context);
    link->in = BIO_new(BIO_s_mem());
    link->out = BIO_new(BIO_s_mem());
    CHECK(link->ssl && link->in && link->out);
    SSL_set_bio(link->ssl, link->in, link->out);
    return tls_name(link, o->host) || tls_trouble(link, "the server's name", why);
}

static bool tls_connect(struct link *link, const struct link_options *o, int64_t until_ms, char why[LINK_WHY])
{
    if (!tls_begin(link, o, why))
        return false;
    for (;;) {
        int n = SSL_connect(link->ssl);
        int error = SSL_get_error(link->ssl, n);
        bool sent = tls_flush(link, until_ms, why); /* also of an alert */
        if (n == 1)
            return sent;
        if (error != SSL_ERROR_WANT_READ)
            return tls_trouble(link, "TLS", why);
        if (!sent)
            return false;
        enum link_got got = tls_fill(link, until_ms, why);
        if (got != LINK_SOME)
            return got == LINK_GONE ? false : says(why, "TLS: no answer in time ('bridge.timeout')");
    }
}

static enum link_got tls_receive(struct link *link, struct buf *into, int64_t until_ms, char why[LINK_WHY])
{
    for (;;) {
        ERR_clear_error();
        int n = SSL_read(link->ssl, buf_reserve(into, RECEIVE), RECEIVE);
        int error = SSL_get_error(link->ssl, n);
        if (!tls_flush(link, until_ms, why)) /* a key update wants an answer */
            return LINK_GONE;
        if (n > 0) {
            buf_advance(into, (size_t)n);
            return LINK_SOME;
        }
        if (error != SSL_ERROR_WANT_READ) {
            if (error == SSL_ERROR_ZERO_RETURN)
                says(why, "the connection was closed");
            else
                tls_trouble(link, "TLS", why);
            return LINK_GONE;
        }
        enum link_got got = tls_fill(link, until_ms, why);
        if (got != LINK_SOME)
            return got;
    }
}

static bool tls_send(struct link *link, struct bytes data, int64_t until_ms, char why[LINK_WHY])
{
    while (data.len) {
        int part = data.len < RECEIVE ? (int)data.len : RECEIVE;
        ERR_clear_error();
        if (SSL_write(link->ssl, data.ptr, part) != part) /* to memory: all of it, or TLS is broken */
            return tls_trouble(link, "TLS", why);
        if (!tls_flush(link, until_ms, why))
            return false;
        data = bytes_skip(data, (size_t)part);
    }
    return true;
}

/* ---- both ---- */

struct link *link_connect(const struct link_options *options, int64_t until_ms, char why[LINK_WHY])
{
    int fd = dial(options, until_ms, why);

    if (fd < 0)
        return NULL;
    struct link *link = xcalloc(1, sizeof(*link));
    link->fd = fd;
    buf_init(&link->encrypted, 0);
    if (!options->tls || tls_connect(link, options, until_ms, why))
        return link;
    link_close(link);
    return NULL;
}

bool link_encrypt(struct link *link, const struct link_options *options, int64_t until_ms, char why[LINK_WHY])
{
    CHECK(!link->ssl);
    return tls_connect(link, options, until_ms, why);
}

void link_close(struct link *link)
{
    if (!link)
        return;
    SSL_free(link->ssl); /* with what it reads and writes; NULL: nothing */
    SSL_CTX_free(link->context);
    close(link->fd);
    buf_deinit(&link->encrypted);
    free(link);
}

bool link_send(struct link *link, struct bytes data, int64_t until_ms, char why[LINK_WHY])
{
    return link->ssl ? tls_send(link, data, until_ms, why) : socket_send(link, data, until_ms, why);
}

enum link_got link_receive(struct link *link, struct buf *into, int64_t until_ms, char why[LINK_WHY])
{
    return link->ssl ? tls_receive(link, into, until_ms, why) : socket_receive(link, into, until_ms, why);
}
