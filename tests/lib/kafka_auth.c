#include "lib/kafka_auth.h"

#include <stdio.h>

#include "base/base64.h"
#include "lib/test.h"

void rig_secure(struct rig *rig, const struct security_options *options)
{
    kafka_rig_stop(rig);
    rig->security_options = *options;
    kafka_rig_start(rig);
}

void rig_file(struct rig *rig, const char *path, const char *text)
{
    struct os_file *file;

    EXPECT_OK(os_file_open(rig->os, path, OS_WRITE | OS_CREATE | OS_TRUNCATE, &file));
    EXPECT_OK(os_file_write(file, 0, text, strlen(text)));
    os_file_close(file);
}

int16_t peer_handshake(struct peer *p, int16_t version, const char *mechanism)
{
    struct kafka_sasl_handshake_req req = {bytes_str(mechanism)};
    struct kafka_sasl_handshake_res res;

    peer_call(p, KAFKA_SASL_HANDSHAKE, version, &req, &res);
    return res.error_code;
}

struct kafka_sasl_authenticate_res peer_token(struct peer *p, struct bytes token)
{
    struct kafka_sasl_authenticate_req req = {token};
    struct kafka_sasl_authenticate_res res;

    peer_call(p, KAFKA_SASL_AUTHENTICATE, 2, &req, &res);
    return res;
}

int16_t peer_plain(struct peer *p, const char *user, const char *password)
{
    struct buf message;

    EXPECT_INT(peer_handshake(p, 1, "PLAIN"), 0);
    buf_init(&message, 0);
    buf_u8(&message, 0);
    buf_str(&message, user);
    buf_u8(&message, 0);
    buf_str(&message, password);
    int16_t error = peer_token(p, buf_view(&message)).error_code;
    buf_deinit(&message);
    return error;
}

/* "r=nonce,s=salt,i=4096" */
static void server_first(struct bytes text, struct bytes *nonce, struct buf *salt,
                         uint32_t *iterations)
{
    size_t s = bytes_find(text, ',', 0), i = bytes_find(text, ',', s + 1);
    int64_t number;

    *nonce = bytes_skip(bytes_head(text, s), 2);
    EXPECT(base64_decode(salt, bytes_skip(bytes_head(text, i), s + 3)));
    EXPECT(bytes_to_i64(bytes_skip(text, i + 3), &number));
    *iterations = (uint32_t)number;
}

/* The proof that goes out, and the server's signature that must come back, both in base64. */
static void prove(enum scram_hash hash, const char *password, struct bytes salt,
                  uint32_t iterations, struct bytes message, struct buf *proof,
                  struct buf *signature)
{
    uint8_t salted[SCRAM_HASH_MAX], raw[SCRAM_HASH_MAX], *found = raw;
    struct scram_credential c = {0};
    size_t len = scram_hash_len(hash);

    scram_salt_password(hash, bytes_str(password), salt, iterations, salted);
    scram_client_proof(hash, salted, message, found);
    scram_keys(hash, salted, &c);
    base64_encode(proof, bytes_of(raw, len));
    scram_server_signature(hash, &c, message, raw);
    base64_encode(signature, bytes_of(raw, len));
}

int16_t peer_scram(struct peer *p, enum scram_hash hash, const char *user, const char *password)
{
    struct arena *arena = &p->rig->arena;
    const char *bare = arena_printf(arena, "n=%s,r=abc", user);
    struct buf salt, proof, signature;
    struct bytes nonce;
    uint32_t iterations;

    int16_t error = peer_handshake(p, 1, hash == SCRAM_SHA_512 ? "SCRAM-SHA-512" : "SCRAM-SHA-256");
    if (error)
        return error;
    struct kafka_sasl_authenticate_res first =
        peer_token(p, bytes_str(arena_printf(arena, "n,,%s", bare)));
    if (first.error_code)
        return first.error_code;
    buf_init(&salt, 0);
    buf_init(&proof, 0);
    buf_init(&signature, 0);
    server_first(first.auth_bytes, &nonce, &salt, &iterations);
    const char *without = arena_printf(arena, "c=biws,r=%.*s", BYTES_FMT(nonce));
    const char *message =
        arena_printf(arena, "%s,%.*s,%s", bare, BYTES_FMT(first.auth_bytes), without);
    prove(hash, password, buf_view(&salt), iterations, bytes_str(message), &proof, &signature);
    struct kafka_sasl_authenticate_res last = peer_token(
        p, bytes_str(arena_printf(arena, "%s,p=%.*s", without, BYTES_FMT(buf_view(&proof)))));
    if (!last.error_code)
        EXPECT_BYTES(last.auth_bytes,
                     bytes_str(arena_printf(arena, "v=%.*s", BYTES_FMT(buf_view(&signature)))));
    buf_deinit(&salt);
    buf_deinit(&proof);
    buf_deinit(&signature);
    return last.error_code;
}

struct peer *peer_open_as(struct rig *rig, const char *user, const char *password)
{
    struct peer *p = peer_open(rig);

    EXPECT_INT(peer_plain(p, user, password), 0);
    return p;
}

bool peer_is_closed(struct peer *p)
{
    for (int i = 0; i < 2000 && !p->closed; i++)
        loop_pass(p->rig->loop, 1000000);
    return p->closed;
}

int16_t peer_put_user(struct peer *p, enum scram_hash hash, const char *user, const char *password,
                      int32_t iterations)
{
    struct kafka_alter_user_scram_credentials_req req;
    struct kafka_alter_user_scram_credentials_res res;
    uint8_t salted[SCRAM_HASH_MAX];

    scram_salt_password(hash, bytes_str(password), BYTES_LITERAL("salt"), (uint32_t)iterations,
                        salted);
    kafka_alter_user_scram_credentials_req_init(&req);
    req.upsertions.at =
        kafka_alter_user_scram_credentials_req_scram_credential_upsertion_new(&p->rig->arena, 1);
    req.upsertions.count = 1;
    req.upsertions.at[0].name = bytes_str(user);
    req.upsertions.at[0].mechanism = (int8_t)hash;
    req.upsertions.at[0].iterations = iterations;
    req.upsertions.at[0].salt = BYTES_LITERAL("salt");
    req.upsertions.at[0].salted_password = bytes_of(salted, scram_hash_len(hash));
    peer_call(p, KAFKA_ALTER_USER_SCRAM_CREDENTIALS, 0, &req, &res);
    EXPECT_INT(res.results.count, 1);
    return res.results.at[0].error_code;
}
