/* auth.c: who asks, where the server wants to know: the users and tokens of serve/security/, by
 * HTTP's Basic and Bearer (RFC 7617, 6750), and by what InfluxDB's clients send: "Token NAME:PASSWORD",
 * "Token TOKEN", and at its older addresses ?u=&p=. Where it has ACLs alone, who the client's certificate says.
 *
 * A password costs PBKDF2, so a connection remembers the digest of the header that was right: for
 * the same header on the same connection it is paid once. With ACLs most of the face is for who may
 * alter the cluster, since what it does (SQL, jobs) is not held against ACLs one by one. Topics, groups and
 * transactions are: there everybody may what the Kafka face lets them. */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/base64.h"
#include "base/check.h"
#include "serve/http/face.h"
#include "serve/security/security.h"
#include "wire/http/uri.h"

enum { HEADER_MAX = 64 << 10 };

static bool takes_passwords(const struct security *security)
{
    return security_has(security, SASL_PLAIN) || security_has(security, SASL_SCRAM_256) ||
           security_has(security, SASL_SCRAM_512);
}

static bool scheme_is(struct bytes header, const char *scheme, struct bytes *rest)
{
    size_t len = strlen(scheme);

    if (header.len <= len || !bytes_is_nocase(bytes_head(header, len), scheme))
        return false;
    *rest = bytes_skip(header, len);
    return true;
}

/* "NAME:PASSWORD" */
static bool pair_is(const struct security *security, struct bytes pair, struct buf *user)
{
    size_t colon = bytes_find(pair, ':', 0);
    struct bytes name = bytes_head(pair, colon);
    bool ok = takes_passwords(security) && name.len > 0 && name.len <= SECURITY_NAME_MAX && colon < pair.len &&
              security_password_is(security, name, bytes_skip(pair, colon + 1));

    if (ok)
        buf_bytes(user, name);
    return ok;
}

static bool basic_is(const struct security *security, struct bytes coded, struct buf *user)
{
    struct buf pair;

    buf_init(&pair, 0);
    bool ok = base64_decode(&pair, coded) && pair_is(security, buf_view(&pair), user);
    if (pair.ptr)
        OPENSSL_cleanse(pair.ptr, pair.cap);
    buf_deinit(&pair);
    return ok;
}

static void digest_of(struct bytes header, uint8_t out[HTTP_DIGEST_BYTES])
{
    CHECK(EVP_Digest(header.ptr, header.len, out, NULL, EVP_sha256(), NULL));
}

void known_forget(struct http_known *known)
{
    free(known->principal);
    *known = (struct http_known){0};
}

static void name_principal(struct http_known *known, struct bytes user)
{
    known->principal = xcalloc(1, user.len + 6);
    snprintf(known->principal, user.len + 6, "User:%.*s", BYTES_FMT(user));
}

static void remember(struct http_known *known, const uint8_t *digest, struct bytes user,
                     int64_t until_us)
{
    known_forget(known);
    memcpy(known->digest, digest, HTTP_DIGEST_BYTES);
    known->until_us = until_us;
    name_principal(known, user);
}

/* Where no user or token is asked for: who the certificate says, or nobody in particular. */
static void know_by_certificate(struct exchange *x)
{
    struct buf subject;

    if (x->session->known.principal)
        return;
    buf_init(&subject, 0);
    bool known = conn_peer_subject(x->session->conn, &subject);
    name_principal(&x->session->known, known ? buf_view(&subject) : BYTES_LITERAL("ANONYMOUS"));
    buf_deinit(&subject);
}

/* How the header says who asks, and what it says behind that. */
enum scheme { SCHEME_NONE, SCHEME_BASIC, SCHEME_PAIR, SCHEME_TOKEN };

static enum scheme scheme_of(struct bytes header, struct bytes *rest)
{
    if (scheme_is(header, "Basic ", rest))
        return SCHEME_BASIC;
    if (scheme_is(header, "Bearer ", rest))
        return SCHEME_TOKEN;
    if (scheme_is(header, "Token ", rest))
        return bytes_find(*rest, ':', 0) < rest->len ? SCHEME_PAIR : SCHEME_TOKEN;
    return SCHEME_NONE;
}

/* Whoever the header says, if it is so. */
static bool is_known(struct exchange *x, struct bytes header)
{
    struct security *security = x->face->options.security;
    struct http_known *known = &x->session->known;
    uint8_t digest[HTTP_DIGEST_BYTES];
    int64_t until_us = INT64_MAX;
    const char *why;
    struct bytes rest;
    struct buf user;

    if (!header.ptr || header.len > HEADER_MAX)
        return false;
    digest_of(header, digest);
    if (known->principal && CRYPTO_memcmp(known->digest, digest, sizeof(digest)) == 0 &&
        security_now_us(security) < known->until_us)
        return true;
    buf_init(&user, 0);
    bool ok = false;
    enum scheme scheme = scheme_of(header, &rest);
    if (scheme == SCHEME_BASIC)
        ok = basic_is(security, rest, &user);
    else if (scheme == SCHEME_PAIR)
        ok = pair_is(security, rest, &user);
    else if (scheme == SCHEME_TOKEN && security_has(security, SASL_OAUTHBEARER))
        ok = security_token_is(security, rest, &user, &until_us, &why);
    bool bearer = scheme == SCHEME_TOKEN || scheme == SCHEME_NONE;
    security_count(security, SECURITY_HTTP, bearer ? SASL_OAUTHBEARER : SASL_PLAIN, ok);
    if (ok)
        remember(known, digest, buf_view(&user), until_us);
    else
        known_forget(known);
    buf_deinit(&user);
    return ok;
}

static void ask_who(struct exchange *x)
{
    struct security *security = x->face->options.security;
    struct buf body;
    struct json_writer w;
    const char *lines =
        arena_printf(&x->arena, "%s%s",
                     takes_passwords(security)
                         ? "WWW-Authenticate: Basic realm=\"quickwater\", charset=\"UTF-8\"\r\n"
                         : "",
                     security_has(security, SASL_OAUTHBEARER)
                         ? "WWW-Authenticate: Bearer realm=\"quickwater\"\r\n"
                         : "");

    buf_init(&body, 0);
    json_writer_init(&w, &body);
    json_object_begin(&w);
    write_error(&w, "who", "this server asks who you are: a user's name and password, or a token",
                NULL);
    json_object_end(&w);
    reply_take(x, 401, "application/json", lines, &body);
}

/* Without its port; of an IPv6 address without its brackets. */
static void peer_host(const struct exchange *x, char host[HTTP_ADDRESS_MAX])
{
    char local[HTTP_ADDRESS_MAX];

    conn_address(x->session->conn, local, host, HTTP_ADDRESS_MAX);
    char *colon = strrchr(host, ':');
    if (colon)
        *colon = 0;
    size_t len = strlen(host);
    if (len >= 2 && host[0] == '[' && host[len - 1] == ']') {
        memmove(host, host + 1, len - 2);
        host[len - 2] = 0;
    }
}

struct kafka_who exchange_who(struct exchange *x, char *host)
{
    peer_host(x, host);
    return (struct kafka_who){x->face->options.security ? x->session->known.principal : NULL, host};
}

bool exchange_can(struct exchange *x, enum acl_operation operation, enum acl_resource resource, struct bytes name)
{
    char host[HTTP_ADDRESS_MAX];

    if (!x->face->options.security)
        return true;
    peer_host(x, host);
    const struct acl_question q = {.principal = bytes_str(x->session->known.principal),
                                   .host = bytes_str(host),
                                   .operation = operation,
                                   .resource = resource,
                                   .name = name};
    return security_may(x->face->options.security, &q);
}

bool exchange_may(struct exchange *x, enum acl_operation operation, enum acl_resource resource, struct bytes name)
{
    if (exchange_can(x, operation, resource, name))
        return true;
    security_count_denied(x->face->options.security, resource, operation);
    reply_error(x, 403, "rights", "%.200s may not %s the %s '%.*s'", x->session->known.principal,
                acl_operation_name(operation), acl_resource_name(resource),
                BYTES_FMT(bytes_head(name, LOG_NAME_MAX)));
    return false;
}

bool exchange_is_admin(struct exchange *x)
{
    return exchange_can(x, ACL_ALTER, ACL_CLUSTER, ACL_CLUSTER_NAME);
}

bool exchange_may_all(struct exchange *x)
{
    if (exchange_is_admin(x))
        return true;
    security_count_denied(x->face->options.security, ACL_CLUSTER, ACL_ALTER);
    reply_error(x, 403, "rights", "%.200s may not: with ACLs, this is for who may alter the cluster",
                x->session->known.principal);
    return false;
}

/* The header; or what says the same in the query of InfluxDB's older addresses. */
static struct bytes credentials(struct exchange *x)
{
    struct bytes header = http_header_get(x->request, "authorization"), path = x->request->path;
    struct buf text;

    if (header.ptr || !(bytes_is(path, "/write") || bytes_is(path, "/query")))
        return header;
    buf_init(&text, 0);
    buf_str(&text, "Token ");
    if (query_get(x->request->query, "u", &text)) {
        buf_u8(&text, ':');
        (void)query_get(x->request->query, "p", &text);
        header = arena_copy(&x->arena, buf_view(&text));
    }
    if (text.ptr)
        OPENSSL_cleanse(text.ptr, text.cap);
    buf_deinit(&text);
    return header;
}

bool exchange_knows(struct exchange *x)
{
    if (!x->face->options.security || bytes_is(x->request->path, "/health") || bytes_is(x->request->path, "/ping"))
        return true;
    if (!security_asks(x->face->options.security)) {
        know_by_certificate(x);
        return true;
    }
    if (is_known(x, credentials(x)))
        return true;
    ask_who(x);
    return false;
}
