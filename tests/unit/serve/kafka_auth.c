/* Who a client is: SASL over the Kafka face, users in the log, tokens, and what is refused before.
 */
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>

#include "base/base64.h"
#include "lib/kafka_auth.h"
#include "lib/test.h"

static const struct security_options all_kinds = {.sasl = "PLAIN,SCRAM-SHA-256, SCRAM-SHA-512",
                                                  .users = "users"};

static void secure_open(struct rig *rig, const struct security_options *options)
{
    kafka_rig_open(rig);
    rig_file(rig, "users", "# the first\nadmin:top secret\r\n\nbob:pass:word\n");
    rig_secure(rig, options);
}

static int16_t list_groups(struct peer *p)
{
    struct kafka_list_groups_req req;
    struct kafka_list_groups_res res;

    kafka_list_groups_req_init(&req);
    peer_call(p, KAFKA_LIST_GROUPS, 4, &req, &res);
    return res.error_code;
}

static void ask_list_groups(struct peer *p)
{
    struct kafka_list_groups_req req;

    kafka_list_groups_req_init(&req);
    (void)peer_ask(p, KAFKA_LIST_GROUPS, 4, &req);
}

TEST(kafka_auth_plain_and_scram)
{
    struct rig rig;

    secure_open(&rig, &all_kinds);
    struct peer *p = peer_open_as(&rig, "bob", "pass:word");
    EXPECT_INT(list_groups(p), 0);
    peer_end(p);
    for (int hash = SCRAM_SHA_256; hash <= SCRAM_SHA_512; hash++) {
        p = peer_open(&rig);
        EXPECT_INT(peer_scram(p, (enum scram_hash)hash, "admin", "top secret"), 0);
        EXPECT_INT(list_groups(p), 0);
        peer_end(p);
        p = peer_open(&rig);
        EXPECT_INT(peer_scram(p, (enum scram_hash)hash, "admin", "Top secret"),
                   KAFKA_ERR_SASL_AUTHENTICATION_FAILED);
        EXPECT(peer_is_closed(p));
        peer_end(p);
        p = peer_open(&rig); /* nobody learns that there is no such user */
        EXPECT_INT(peer_scram(p, (enum scram_hash)hash, "nobody", "x"),
                   KAFKA_ERR_SASL_AUTHENTICATION_FAILED);
        EXPECT(peer_is_closed(p));
        peer_end(p);
    }
    p = peer_open(&rig);
    EXPECT_INT(peer_plain(p, "bob", "pass"), KAFKA_ERR_SASL_AUTHENTICATION_FAILED);
    EXPECT(peer_is_closed(p));
    peer_end(p);
    p = peer_open(&rig);
    EXPECT_INT(peer_handshake(p, 1, "PLAIN"), 0);
    EXPECT_INT(peer_token(p, BYTES_LITERAL("admin\0bob\0pass:word")).error_code,
               KAFKA_ERR_SASL_AUTHENTICATION_FAILED);
    peer_end(p);
    p = peer_open(&rig);
    EXPECT_INT(peer_handshake(p, 1, "GSSAPI"), KAFKA_ERR_UNSUPPORTED_SASL_MECHANISM);
    EXPECT(peer_is_closed(p));
    peer_end(p);
    kafka_rig_close(&rig);
}

TEST(kafka_auth_comes_first)
{
    struct rig rig;
    struct kafka_api_versions_req versions;
    struct kafka_api_versions_res can;

    secure_open(&rig, &all_kinds);
    for (int i = 0; i < kafka_apis_count; i++) { /* each API but those three hangs up */
        int16_t key = kafka_apis[i].key;
        if (key == KAFKA_API_VERSIONS || key == KAFKA_SASL_HANDSHAKE)
            continue;
        struct peer *p = peer_open(&rig);
        void *req = arena_zalloc(&rig.arena, kafka_apis[i].request->size);
        kafka_init(kafka_apis[i].request, req);
        (void)peer_ask(p, key, kafka_apis[i].last, req);
        EXPECT(peer_is_closed(p));
        EXPECT_INT(p->in.len, 0);
        peer_end(p);
    }
    struct peer *p = peer_open(&rig);
    kafka_api_versions_req_init(&versions);
    versions.client_software_name = versions.client_software_version = BYTES_LITERAL("x");
    peer_call(p, KAFKA_API_VERSIONS, 3, &versions, &can);
    EXPECT_INT(can.error_code, 0);
    EXPECT_INT(peer_handshake(p, 1, "PLAIN"), 0);
    ask_list_groups(p); /* nor between the two */
    EXPECT(peer_is_closed(p));
    peer_end(p);
    kafka_rig_close(&rig);
}

TEST(kafka_auth_is_bounded)
{
    struct rig rig;
    static const uint8_t large[] = {0, 8, 0, 1,
                                    0, 0, 0, 1}; /* a Produce of half a megabyte and one byte */

    secure_open(&rig, &all_kinds);
    struct peer *p = peer_open(&rig);
    conn_send(p->conn, bytes_of(large, sizeof(large)));
    EXPECT(peer_is_closed(p));
    peer_end(p);
    p = peer_open(&rig);
    kafka_rig_run_for(&rig, 29000);
    EXPECT_INT(peer_handshake(p, 1, "PLAIN"), 0);
    kafka_rig_run_for(&rig, 2000);
    EXPECT(p->closed);
    peer_end(p);
    p = peer_open_as(&rig, "bob", "pass:word");
    kafka_rig_run_for(&rig, 40000);
    EXPECT_INT(list_groups(p), 0);
    peer_end(p);
    kafka_rig_close(&rig);
}

/* Before SaslAuthenticate the messages were bare frames. */
TEST(kafka_auth_by_bare_frames)
{
    struct rig rig;
    static const uint8_t right[] = "\0\0\0\16\0bob\0pass:word";
    static const uint8_t wrong[] = "\0\0\0\16\0bob\0pass:worx";

    secure_open(&rig, &all_kinds);
    struct peer *p = peer_open(&rig);
    EXPECT_INT(peer_handshake(p, 0, "PLAIN"), 0);
    conn_send(p->conn, bytes_of(right, sizeof(right) - 1));
    for (int i = 0; i < 100 && p->in.len - p->at < 4; i++)
        loop_pass(rig.loop, 1000000);
    EXPECT_BYTES(bytes_of(p->in.ptr + p->at, p->in.len - p->at), bytes_of("\0\0\0\0", 4));
    p->at += 4;
    EXPECT_INT(list_groups(p), 0);
    peer_end(p);
    p = peer_open(&rig);
    EXPECT_INT(peer_handshake(p, 0, "PLAIN"), 0);
    size_t before = p->in.len;
    conn_send(p->conn, bytes_of(wrong, sizeof(wrong) - 1));
    EXPECT(peer_is_closed(p));
    EXPECT_INT(p->in.len, before);
    peer_end(p);
    kafka_rig_close(&rig);
}

TEST(kafka_auth_counts_for_so_long)
{
    struct rig rig;
    struct security_options options = all_kinds;

    options.reauth_ms = 10000;
    secure_open(&rig, &options);
    struct peer *p = peer_open(&rig);
    EXPECT_INT(peer_handshake(p, 1, "PLAIN"), 0);
    EXPECT_INT(peer_token(p, BYTES_LITERAL("\0bob\0pass:word")).session_lifetime_ms, 10000);
    kafka_rig_run_for(&rig, 8000);
    EXPECT_INT(peer_plain(p, "bob", "pass:word"), 0); /* again, on the same connection */
    kafka_rig_run_for(&rig, 8000);
    EXPECT_INT(list_groups(p), 0);
    kafka_rig_run_for(&rig, 3000);
    EXPECT(!p->closed); /* it is seen at the next request, as Kafka does */
    EXPECT_INT(peer_plain(p, "bob", "pass:word"), 0);
    kafka_rig_run_for(&rig, 11000);
    ask_list_groups(p);
    EXPECT(peer_is_closed(p));
    peer_end(p);
    p = peer_open_as(&rig, "bob", "pass:word");
    EXPECT_INT(peer_plain(p, "admin", "top secret"),
               KAFKA_ERR_SASL_AUTHENTICATION_FAILED); /* another one */
    EXPECT(peer_is_closed(p));
    peer_end(p);
    p = peer_open_as(&rig, "bob", "pass:word");
    EXPECT_INT(peer_handshake(p, 1, "SCRAM-SHA-256"), KAFKA_ERR_ILLEGAL_SASL_STATE);
    EXPECT(peer_is_closed(p));
    peer_end(p);
    kafka_rig_close(&rig);
}

TEST(kafka_auth_without_sasl)
{
    struct rig rig;

    kafka_rig_open(&rig);
    struct peer *p = peer_open(&rig);
    EXPECT_INT(peer_handshake(p, 1, "PLAIN"), KAFKA_ERR_ILLEGAL_SASL_STATE);
    EXPECT_INT(peer_token(p, BYTES_LITERAL("x")).error_code, KAFKA_ERR_ILLEGAL_SASL_STATE);
    EXPECT_INT(list_groups(p), 0);
    peer_end(p);
    kafka_rig_close(&rig);
}

/* ---- users in the log ---- */

static struct kafka_describe_user_scram_credentials_res describe(struct peer *p, const char *a,
                                                                 const char *b)
{
    struct kafka_describe_user_scram_credentials_req req;
    struct kafka_describe_user_scram_credentials_res res;

    kafka_describe_user_scram_credentials_req_init(&req);
    req.users.at = kafka_describe_user_scram_credentials_req_user_name_new(&p->rig->arena, 2);
    req.users.at[0].name = bytes_str(a ? a : "");
    req.users.at[1].name = bytes_str(b ? b : "");
    req.users.count = a ? b ? 2 : 1 : -1;
    peer_call(p, KAFKA_DESCRIBE_USER_SCRAM_CREDENTIALS, 0, &req, &res);
    return res;
}

static int16_t drop_user(struct peer *p, enum scram_hash hash, const char *user, int times)
{
    struct kafka_alter_user_scram_credentials_req req;
    struct kafka_alter_user_scram_credentials_res res;

    kafka_alter_user_scram_credentials_req_init(&req);
    req.deletions.at =
        kafka_alter_user_scram_credentials_req_scram_credential_deletion_new(&p->rig->arena, 2);
    req.deletions.count = times;
    for (int i = 0; i < times; i++) {
        req.deletions.at[i].name = bytes_str(user);
        req.deletions.at[i].mechanism = (int8_t)hash;
    }
    peer_call(p, KAFKA_ALTER_USER_SCRAM_CREDENTIALS, 0, &req, &res);
    EXPECT_INT(res.results.count, 1);
    return res.results.at[0].error_code;
}

TEST(kafka_users_are_made_kept_and_dropped)
{
    struct rig rig;
    struct kafka_describe_user_scram_credentials_res res;

    secure_open(&rig, &all_kinds);
    struct peer *p = peer_open_as(&rig, "admin", "top secret");
    EXPECT_INT(peer_put_user(p, SCRAM_SHA_256, "carl", "first", 4096), 0);
    EXPECT_INT(peer_put_user(p, SCRAM_SHA_512, "carl", "second", 8192), 0);
    EXPECT_INT(peer_put_user(p, SCRAM_SHA_512, "dora", "third", 4096), 0);
    peer_end(p);
    rig_secure(&rig, &all_kinds); /* a restart */
    p = peer_open(&rig);
    EXPECT_INT(peer_scram(p, SCRAM_SHA_256, "carl", "first"), 0);
    res = describe(p, NULL, NULL);
    EXPECT_INT(res.results.count, 2);
    EXPECT(bytes_is(res.results.at[0].user, "carl") && bytes_is(res.results.at[1].user, "dora"));
    EXPECT_INT(res.results.at[0].credential_infos.count, 2);
    EXPECT_INT(res.results.at[0].credential_infos.at[1].mechanism, SCRAM_SHA_512);
    EXPECT_INT(res.results.at[0].credential_infos.at[1].iterations, 8192);
    peer_end(p);
    p = peer_open(&rig);
    EXPECT_INT(peer_scram(p, SCRAM_SHA_512, "carl", "first"), KAFKA_ERR_SASL_AUTHENTICATION_FAILED);
    peer_end(p);
    p = peer_open_as(&rig, "dora", "third"); /* PLAIN with the credential that there is */
    EXPECT_INT(describe(p, "dora", "dora").results.at[0].error_code, KAFKA_ERR_DUPLICATE_RESOURCE);
    EXPECT_INT(describe(p, "erik", NULL).results.at[0].error_code, KAFKA_ERR_RESOURCE_NOT_FOUND);
    EXPECT_INT(describe(p, "admin", NULL).results.at[0].error_code, KAFKA_ERR_RESOURCE_NOT_FOUND);
    EXPECT_INT(peer_put_user(p, SCRAM_SHA_256, "", "x", 4096), KAFKA_ERR_UNACCEPTABLE_CREDENTIAL);
    EXPECT_INT(peer_put_user(p, SCRAM_SHA_256, "f", "x", 4095), KAFKA_ERR_UNACCEPTABLE_CREDENTIAL);
    EXPECT_INT(peer_put_user(p, SCRAM_SHA_256, "f", "x", 16385), KAFKA_ERR_UNACCEPTABLE_CREDENTIAL);
    EXPECT_INT(peer_put_user(p, (enum scram_hash)3, "f", "x", 4096),
               KAFKA_ERR_UNSUPPORTED_SASL_MECHANISM);
    EXPECT_INT(drop_user(p, SCRAM_SHA_256, "dora", 1), KAFKA_ERR_RESOURCE_NOT_FOUND);
    EXPECT_INT(drop_user(p, SCRAM_SHA_512, "dora", 2), KAFKA_ERR_DUPLICATE_RESOURCE);
    EXPECT_INT(drop_user(p, SCRAM_SHA_512, "dora", 1), 0);
    EXPECT_INT(describe(p, NULL, NULL).results.count, 1);
    peer_end(p);
    p = peer_open(&rig);
    EXPECT_INT(peer_plain(p, "dora", "third"), KAFKA_ERR_SASL_AUTHENTICATION_FAILED);
    peer_end(p);
    kafka_rig_close(&rig);
}

TEST(security_files_are_checked)
{
    struct rig rig;
    struct security *s;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"bob", "security.users: 'users', line 1 is no user"},
        {"a:b\n:c", "security.users: 'users', line 2 is no user"},
        {"a:", "security.users: 'users', line 1 is no user"},
        {"a:b\na:c", "security.users: 'users', line 2: the user 'a' again"},
    };

    kafka_rig_open(&rig);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct diag diag = {0};
        rig_file(&rig, "users", cases[i].text);
        EXPECT_STATUS(security_open(rig.os, rig.log, &all_kinds, &s, &diag), ST_INVALID);
        EXPECT_STR(diag.message, cases[i].message);
    }
    struct diag no_mechanism = {0}, no_keys = {0};
    EXPECT_STATUS(security_open(rig.os, rig.log, &(struct security_options){.sasl = "PLAIN,NTLM"},
                                &s, &no_mechanism),
                  ST_INVALID);
    EXPECT_STR(no_mechanism.message, "security.sasl: there is no mechanism 'NTLM'");
    EXPECT_STATUS(security_open(rig.os, rig.log, &(struct security_options){.sasl = "OAUTHBEARER"},
                                &s, &no_keys),
                  ST_INVALID);
    EXPECT_STR(no_keys.message,
               "OAUTHBEARER is switched on, and there are no keys to hold tokens against");
    kafka_rig_close(&rig);
}

/* ---- tokens ---- */

static void put_part(struct buf *out, struct bytes part)
{
    size_t from = out->len;

    base64_encode(out, part);
    for (size_t i = from; i < out->len; i++)
        out->ptr[i] = out->ptr[i] == '+' ? '-' : out->ptr[i] == '/' ? '_' : out->ptr[i];
    while (out->len > from && out->ptr[out->len - 1] == '=')
        out->len--;
}

/* r and s of 32 bytes each, from OpenSSL's DER. */
static void put_raw_signature(struct buf *out, const uint8_t *der, size_t len)
{
    const uint8_t *at = der;
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &at, (long)len);
    uint8_t raw[64];

    EXPECT(sig && BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, 32) == 32 &&
           BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + 32, 32) == 32);
    put_part(out, bytes_of(raw, 64));
    ECDSA_SIG_free(sig);
}

static void put_signature(struct buf *out, EVP_PKEY *key)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint8_t signature[1024];
    size_t len = sizeof(signature);

    EXPECT(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
           EVP_DigestSign(ctx, signature, &len, out->ptr, out->len) == 1);
    buf_u8(out, '.');
    if (EVP_PKEY_is_a(key, "EC"))
        put_raw_signature(out, signature, len);
    else
        put_part(out, bytes_of(signature, len));
    EVP_MD_CTX_free(ctx);
}

/* key NULL: signed by nobody. */
static struct bytes make_token(struct rig *rig, const char *header, const char *claims,
                               EVP_PKEY *key)
{
    struct buf out;

    buf_init(&out, 0);
    put_part(&out, bytes_str(header));
    buf_u8(&out, '.');
    put_part(&out, bytes_str(claims));
    if (key)
        put_signature(&out, key);
    else
        buf_u8(&out, '.');
    struct bytes copy = arena_copy(&rig->arena, buf_view(&out));
    buf_deinit(&out);
    return copy;
}

/* What OAUTHBEARER with it comes to; *lifetime_ms when it is let in. */
static int16_t try_token(struct rig *rig, struct bytes token, int64_t *lifetime_ms)
{
    struct peer *p = peer_open(rig);
    const char *message = arena_printf(&rig->arena, "n,,\1auth=Bearer %.*s\1\1", BYTES_FMT(token));

    EXPECT_INT(peer_handshake(p, 1, "OAUTHBEARER"), 0);
    struct kafka_sasl_authenticate_res res = peer_token(p, bytes_str(message));
    *lifetime_ms = res.session_lifetime_ms;
    if (!res.error_code && res.auth_bytes.len) {
        EXPECT_BYTES(res.auth_bytes, BYTES_LITERAL("{\"status\":\"invalid_token\"}"));
        res = peer_token(p, BYTES_LITERAL("\1"));
        EXPECT_INT(res.error_code, KAFKA_ERR_SASL_AUTHENTICATION_FAILED);
        EXPECT(peer_is_closed(p));
    } else {
        EXPECT_INT(list_groups(p), 0);
    }
    peer_end(p);
    return res.error_code;
}

static void save_keys(struct rig *rig, EVP_PKEY *const *keys, int count)
{
    BIO *pem = BIO_new(BIO_s_mem());
    char *text;

    for (int i = 0; i < count; i++)
        EXPECT(PEM_write_bio_PUBKEY(pem, keys[i]));
    long len = BIO_get_mem_data(pem, &text);
    rig_file(rig, "keys", arena_str(&rig->arena, bytes_of(text, (size_t)len)));
    BIO_free(pem);
}

static const char *claims(struct rig *rig, const char *sub, const char *iss, const char *aud,
                          int64_t in_seconds)
{
    return arena_printf(&rig->arena,
                        "{\"sub\":\"%s\",\"iss\":\"%s\",\"aud\":[\"x\",\"%s\"],\"exp\":%lld}", sub,
                        iss, aud, (long long)(os_wall_us(rig->os) / 1000000 + in_seconds));
}

static const struct security_options by_token = {.sasl = "OAUTHBEARER",
                                                 .token_keys = "keys",
                                                 .token_issuer = "https://id",
                                                 .token_audience = "logs"};

TEST(kafka_auth_tokens)
{
    struct rig rig;
    EVP_PKEY *keys[3] = {EVP_RSA_gen(2048), EVP_EC_gen("P-256"), EVP_EC_gen("P-256")};
    const char *rs = "{\"alg\":\"RS256\"}", *es = "{\"alg\":\"ES256\"}";
    const int16_t failed = KAFKA_ERR_SASL_AUTHENTICATION_FAILED;
    int64_t ms;

    kafka_rig_open(&rig);
    save_keys(&rig, keys, 2);
    rig_secure(&rig, &by_token);
    const char *good = claims(&rig, "ann", "https://id", "logs", 100);
    EXPECT_INT(try_token(&rig, make_token(&rig, rs, good, keys[0]), &ms), 0);
    EXPECT(ms > 99000 && ms <= 100000);
    EXPECT_INT(try_token(&rig, make_token(&rig, es, good, keys[1]), &ms), 0);
    EXPECT_INT(try_token(&rig, make_token(&rig, es, good, keys[2]), &ms), failed);
    EXPECT_INT(try_token(&rig, make_token(&rig, rs, good, keys[1]), &ms), failed);
    EXPECT_INT(try_token(&rig, make_token(&rig, "{\"alg\":\"none\"}", good, NULL), &ms), failed);
    EXPECT_INT(try_token(&rig, make_token(&rig, "{\"alg\":\"HS256\"}", good, keys[1]), &ms),
               failed);
    EXPECT_INT(try_token(&rig, make_token(&rig, "{}", good, keys[1]), &ms), failed);
    EXPECT_INT(
        try_token(&rig,
                  make_token(&rig, es, claims(&rig, "ann", "https://id", "logs", -31), keys[1]),
                  &ms),
        failed);
    EXPECT_INT(
        try_token(&rig, make_token(&rig, es, claims(&rig, "ann", "https://no", "logs", 9), keys[1]),
                  &ms),
        failed);
    EXPECT_INT(
        try_token(&rig, make_token(&rig, es, claims(&rig, "ann", "https://id", "rest", 9), keys[1]),
                  &ms),
        failed);
    EXPECT_INT(try_token(&rig,
                         make_token(&rig, es, claims(&rig, "", "https://id", "logs", 9), keys[1]),
                         &ms),
               failed);
    EXPECT_INT(
        try_token(&rig,
                  make_token(&rig, es, "{\"sub\":\"a\",\"iss\":\"https://id\",\"aud\":\"logs\"}",
                             keys[1]),
                  &ms),
        failed);
    EXPECT_INT(try_token(&rig, BYTES_LITERAL("junk"), &ms), failed);
    struct bytes token = make_token(&rig, es, good, keys[1]);
    ((uint8_t *)(uintptr_t)token.ptr)[token.len - 3] ^= 1; /* one bit of the signature */
    EXPECT_INT(try_token(&rig, token, &ms), failed);
    struct security_options loose = {.sasl = "OAUTHBEARER", .token_unsigned = true};
    rig_secure(&rig, &loose);
    EXPECT_INT(try_token(&rig, make_token(&rig, "{\"alg\":\"none\"}", good, NULL), &ms), 0);
    EXPECT_INT(try_token(&rig, make_token(&rig, es, good, keys[1]), &ms), failed);
    kafka_rig_close(&rig);
    for (int i = 0; i < 3; i++)
        EVP_PKEY_free(keys[i]);
}

/* The example keys of RFC 7517 (A.1) and what must not be taken. */
TEST(security_token_keys_as_jwks)
{
    static const char ec[] =
        "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\","
        "\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\",\"use\":\"%s\",\"kid\":\"1\"}";
    static const struct {
        const char *head, *use, *tail;
        enum status st;
    } cases[] = {
        {"{\"keys\":[{\"kty\":\"oct\",\"k\":\"AA\"},", "sig", "]}", ST_OK},
        {"", "sig", "", ST_OK},
        {"{\"keys\":[", "enc", "]}", ST_INVALID},
        {"{\"keys\":[{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"},", "sig", "]}", ST_INVALID},
        {"{\"keys\":[1,", "sig", "]}", ST_INVALID},
        {"{\"keys\":{\"a\":", "sig", "}}", ST_INVALID},
        {"junk ", "sig", "", ST_INVALID},
    };
    struct rig rig;

    kafka_rig_open(&rig);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct diag diag = {0};
        struct security *s = NULL;
        const char *key = arena_printf(&rig.arena, ec, cases[i].use);
        rig_file(&rig, "keys",
                 arena_printf(&rig.arena, "%s%s%s", cases[i].head, key, cases[i].tail));
        EXPECT_STATUS(security_open(rig.os, rig.log, &by_token, &s, &diag), cases[i].st);
        security_close(s);
    }
    kafka_rig_close(&rig);
}
