/* tokens.c: whose signature on a token counts, and whether the token is of now.
 *
 * Keys come from a file: a JWKS (RFC 7517; RSA and P-256) or PEM public keys. A token names its key
 * (kid) or is tried with each that fits its algorithm. RS256 and ES256 are served; what a token
 * says of itself chooses among our keys, never what counts as signed.
 */
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <stdlib.h>

#include "base/base64.h"
#include "base/check.h"
#include "base/json_reader.h"
#include "serve/security/internal.h"
#include "wire/sasl/jwt.h"

enum { KEYS_MAX = 64, SKEW_SECONDS = 30, RSA_BITS_MIN = 2048, P256_BYTES = 32 };

struct token_key {
    EVP_PKEY *key;
    char *kid; /* NULL: it has no name */
};

struct token_keys {
    struct token_key at[KEYS_MAX];
    int count;
};

/* ---- keys ---- */

static bool key_fits(const EVP_PKEY *key)
{
    char group[32];
    size_t len;

    if (EVP_PKEY_is_a(key, "RSA"))
        return EVP_PKEY_get_bits(key) >= RSA_BITS_MIN;
    return EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_group_name(key, group, sizeof(group), &len) &&
           strcmp(group, "prime256v1") == 0;
}

/* Takes key and kid. */
static bool keys_add(struct token_keys *keys, EVP_PKEY *key, char *kid)
{
    if (!key || keys->count == KEYS_MAX || !key_fits(key)) {
        EVP_PKEY_free(key);
        free(kid);
        return false;
    }
    keys->at[keys->count++] = (struct token_key){key, kid};
    return true;
}

static EVP_PKEY *key_from(const char *kind, OSSL_PARAM_BLD *parts)
{
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(parts);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, kind, NULL);
    EVP_PKEY *key = NULL;

    if (!params || !ctx || EVP_PKEY_fromdata_init(ctx) <= 0 ||
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) <= 0)
        key = NULL;
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    return key;
}

static bool member_decoded(struct bytes object, const char *name, struct buf *out)
{
    struct buf text;

    buf_init(&text, 0);
    bool ok = jwt_text(object, name, &text) && base64url_decode(out, buf_view(&text));
    buf_deinit(&text);
    return ok;
}

static EVP_PKEY *rsa_key(struct bytes jwk)
{
    struct buf n, e;
    EVP_PKEY *key = NULL;

    buf_init(&n, 0);
    buf_init(&e, 0);
    if (member_decoded(jwk, "n", &n) && member_decoded(jwk, "e", &e) && n.len <= 1024 &&
        e.len <= 8) {
        OSSL_PARAM_BLD *parts = OSSL_PARAM_BLD_new();
        BIGNUM *bn = BN_bin2bn(n.ptr, (int)n.len, NULL), *be = BN_bin2bn(e.ptr, (int)e.len, NULL);
        if (OSSL_PARAM_BLD_push_BN(parts, OSSL_PKEY_PARAM_RSA_N, bn) &&
            OSSL_PARAM_BLD_push_BN(parts, OSSL_PKEY_PARAM_RSA_E, be))
            key = key_from("RSA", parts);
        OSSL_PARAM_BLD_free(parts);
        BN_free(bn);
        BN_free(be);
    }
    buf_deinit(&n);
    buf_deinit(&e);
    return key;
}

static EVP_PKEY *ec_key(struct bytes jwk)
{
    struct buf point;
    EVP_PKEY *key = NULL;

    buf_init(&point, 0);
    buf_u8(&point, 4); /* uncompressed: x, y */
    if (member_decoded(jwk, "x", &point) && point.len == 1 + P256_BYTES &&
        member_decoded(jwk, "y", &point) && point.len == 1 + 2 * P256_BYTES) {
        OSSL_PARAM_BLD *parts = OSSL_PARAM_BLD_new();
        if (OSSL_PARAM_BLD_push_utf8_string(parts, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) &&
            OSSL_PARAM_BLD_push_octet_string(parts, OSSL_PKEY_PARAM_PUB_KEY, point.ptr, point.len))
            key = key_from("EC", parts);
        OSSL_PARAM_BLD_free(parts);
    }
    buf_deinit(&point);
    return key;
}

/* A key that is not for signatures, or of a kind that is not served, is passed over. */
static bool take_jwk(struct token_keys *keys, struct bytes jwk)
{
    struct buf kid;
    bool ok = true;

    if (json_kind_of(jwk) != JSON_OBJECT)
        return false;
    bool rsa = jwt_has(jwk, "kty", "RSA"),
         ec = jwt_has(jwk, "kty", "EC") && jwt_has(jwk, "crv", "P-256");
    if (jwt_has(jwk, "use", "enc") || (!rsa && !ec))
        return true;
    buf_init(&kid, 0);
    bool named = jwt_text(jwk, "kid", &kid);
    buf_u8(&kid, 0);
    ok = keys_add(keys, rsa ? rsa_key(jwk) : ec_key(jwk),
                  named ? xstrdup((const char *)kid.ptr) : NULL);
    buf_deinit(&kid);
    return ok;
}

static bool take_jwks(struct token_keys *keys, struct bytes text)
{
    struct json_cursor c = json_cursor_of(text);
    struct bytes whole, list, jwk;

    if (!json_is_one(text, NULL) || !json_next(&c, &whole) || json_kind_of(whole) != JSON_OBJECT)
        return false;
    if (!json_member(whole, "keys", &list))
        return take_jwk(keys, whole);
    if (json_kind_of(list) != JSON_ARRAY)
        return false;
    struct json_iter it = json_iter_of(list);
    while (json_array_next(&it, &jwk))
        if (!take_jwk(keys, jwk))
            return false;
    return true;
}

static bool take_pem(struct token_keys *keys, struct bytes text)
{
    BIO *bio = BIO_new_mem_buf(text.ptr, (int)text.len);
    EVP_PKEY *key;
    bool ok = true;

    CHECK(bio);
    while (ok && (key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL)) != NULL)
        ok = keys_add(keys, key, NULL);
    BIO_free(bio);
    return ok;
}

enum status tokens_open(struct security *s, struct diag *diag)
{
    struct buf text;

    s->keys = xcalloc(1, sizeof(*s->keys));
    if (!s->options.token_keys) {
        if (!s->serves[SASL_OAUTHBEARER] || s->options.token_unsigned)
            return ST_OK;
        diag_hint(diag, "security.token_keys = \"FILE\", a JWKS or PEM");
        return diag_set(diag, ST_INVALID, DIAG_VALUE,
                        "OAUTHBEARER is switched on, and there are no keys to hold tokens against");
    }
    buf_init(&text, 0);
    enum status st =
        security_read_file(s->os, "security.token_keys", s->options.token_keys, &text, diag);
    struct bytes whole = buf_view(&text);
    bool pem = bytes_equal(bytes_head(whole, 5), BYTES_LITERAL("-----"));
    if (st == ST_OK &&
        (!(pem ? take_pem(s->keys, whole) : take_jwks(s->keys, whole)) || !s->keys->count)) {
        diag_hint(diag, "a JWKS or PEM public keys: RSA of at least 2048 bits, P-256; at most %d",
                  KEYS_MAX);
        st = diag_set(diag, ST_INVALID, DIAG_VALUE, "security.token_keys: the file '%s' %s",
                      s->options.token_keys,
                      s->keys->count ? "holds a key that cannot be used" : "holds no usable key");
    }
    ERR_clear_error();
    buf_deinit(&text);
    return st;
}

void tokens_close(struct security *s)
{
    for (int i = 0; s->keys && i < s->keys->count; i++) {
        EVP_PKEY_free(s->keys->at[i].key);
        free(s->keys->at[i].kid);
    }
    free(s->keys);
}

/* ---- signatures ---- */

/* JWS has r and s as they are; OpenSSL wants them in DER. */
static bool es256_to_der(struct bytes raw, struct buf *out)
{
    ECDSA_SIG *sig = ECDSA_SIG_new();
    uint8_t *der = NULL;

    if (!sig || raw.len != 2 * P256_BYTES ||
        !ECDSA_SIG_set0(sig, BN_bin2bn(raw.ptr, P256_BYTES, NULL),
                        BN_bin2bn(raw.ptr + P256_BYTES, P256_BYTES, NULL))) {
        ECDSA_SIG_free(sig);
        return false;
    }
    int len = i2d_ECDSA_SIG(sig, &der);
    if (len > 0)
        buf_append(out, der, (size_t)len);
    OPENSSL_free(der);
    ECDSA_SIG_free(sig);
    return len > 0;
}

static bool signature_is(EVP_PKEY *key, struct bytes text, struct bytes signature)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    struct buf der;

    buf_init(&der, 0);
    bool ok = true;
    if (EVP_PKEY_is_a(key, "EC")) {
        ok = es256_to_der(signature, &der);
        signature = buf_view(&der);
    }
    ok = ok && EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
         EVP_DigestVerify(ctx, signature.ptr, signature.len, text.ptr, text.len) == 1;
    buf_deinit(&der);
    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    return ok;
}

static bool is_signed(const struct security *s, const struct jwt *jwt)
{
    struct bytes header = buf_view(&jwt->header);
    const char *kind = jwt_has(header, "alg", "RS256")   ? "RSA"
                       : jwt_has(header, "alg", "ES256") ? "EC"
                                                         : NULL;
    struct buf kid;
    bool good = false;

    if (s->options.token_unsigned && jwt_has(header, "alg", "none"))
        return jwt->signature.len == 0;
    if (!kind)
        return false;
    buf_init(&kid, 0);
    bool named = jwt_text(header, "kid", &kid);
    for (int i = 0; i < s->keys->count && !good; i++) {
        const struct token_key *k = &s->keys->at[i];
        if (!EVP_PKEY_is_a(k->key, kind) || (named && k->kid && !bytes_is(buf_view(&kid), k->kid)))
            continue;
        good = signature_is(k->key, jwt->signed_part, buf_view(&jwt->signature));
    }
    buf_deinit(&kid);
    return good;
}

/* ---- claims ---- */

static const char *claims_error(const struct security *s, struct bytes claims, struct buf *user,
                                int64_t *until_us)
{
    const struct security_options *o = &s->options;
    int64_t now = security_now_us(s) / 1000000, at;

    if (!jwt_seconds(claims, "exp", &at))
        return "the token does not say when it ends (exp)";
    if (at + SKEW_SECONDS <= now)
        return "the token has expired";
    *until_us = at * 1000000;
    if (jwt_seconds(claims, "nbf", &at) && at - SKEW_SECONDS > now)
        return "the token is not valid yet";
    if (o->token_issuer && !jwt_has(claims, "iss", o->token_issuer))
        return "the token is another issuer's";
    if (o->token_audience && !jwt_has(claims, "aud", o->token_audience))
        return "the token is for another audience";
    if (!jwt_text(claims, o->token_user ? o->token_user : "sub", user) || user->len == 0 ||
        user->len > SECURITY_NAME_MAX)
        return "the token does not say whose it is";
    return NULL;
}

bool security_token_is(const struct security *s, struct bytes token, struct buf *user,
                       int64_t *until_us, const char **why)
{
    struct jwt jwt;

    *why = NULL;
    if (!jwt_parse(&jwt, token))
        *why = "that is not a token (RFC 7519, compact)";
    else if (!is_signed(s, &jwt))
        *why = "the token's signature is not that of a key known here";
    else
        *why = claims_error(s, buf_view(&jwt.payload), user, until_us);
    jwt_deinit(&jwt);
    return *why == NULL;
}
