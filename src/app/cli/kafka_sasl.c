/* The client's side of SASL: PLAIN, and SCRAM (RFC 5802), where the server must show too that it knows the
 * password. */
#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "app/cli/kafka_node.h"
#include "base/base64.h"
#include "base/check.h"
#include "serve/security/scram.h"
#include "wire/sasl/sasl.h"

enum { NONCE_BYTES = 24 };

/* One message out, one in; *in is the server's, in the arena. */
static bool exchange(struct kafka_node *node, const struct buf *out, struct bytes *in)
{
    struct kafka_sasl_authenticate_req req;

    kafka_sasl_authenticate_req_init(&req);
    req.auth_bytes = buf_view(out);
    const struct kafka_sasl_authenticate_res *res = kafka_node_ask(node, KAFKA_SASL_AUTHENTICATE, &req);
    if (!res)
        return false;
    *in = res->auth_bytes;
    if (!res->error_code)
        return true;
    if (res->error_message.len)
        return kafka_node_fail(node, EXIT_USER, "the server at %s does not let user '%s' in: %.*s", node->address,
                               node->link->user, BYTES_FMT(res->error_message));
    return kafka_node_fail(node, EXIT_USER, "the server at %s does not let user '%s' in: %s", node->address,
                           node->link->user, kafka_error_name((enum kafka_error)res->error_code));
}

static bool plain(struct kafka_node *node)
{
    struct bytes in;
    struct buf out;

    buf_init(&out, 0);
    buf_u8(&out, 0);
    buf_str(&out, node->link->user);
    buf_u8(&out, 0);
    buf_str(&out, node->link->password);
    bool ok = exchange(node, &out, &in);
    OPENSSL_cleanse(out.ptr, out.len);
    buf_deinit(&out);
    return ok;
}

struct scram {
    struct kafka_node *node;
    enum scram_hash hash;
    struct buf nonce;       /* ours, in base64 */
    struct buf first, last; /* what we send */
    struct buf salt;
    struct buf signed_text; /* of RFC 5802: AuthMessage */
    struct bytes challenge; /* the server's first message */
    uint8_t salted[SCRAM_HASH_MAX];
};

static bool nonsense(const struct scram *s)
{
    return kafka_node_fail(s->node, EXIT_USER, "what the server at %s answers is not SCRAM", s->node->address);
}

static bool say_first(struct scram *s)
{
    uint8_t random[NONCE_BYTES];

    CHECK(RAND_bytes(random, sizeof(random)) == 1);
    base64_encode(&s->nonce, bytes_of(random, sizeof(random)));
    buf_str(&s->first, "n,,n=");
    scram_name_write(&s->first, bytes_str(s->node->link->user));
    buf_str(&s->first, ",r=");
    buf_bytes(&s->first, buf_view(&s->nonce));
    return exchange(s->node, &s->first, &s->challenge);
}

/* The password, salted as the server asks; and what is signed with it. */
static bool take_challenge(struct scram *s)
{
    struct scram_challenge c;

    if (!scram_challenge_parse(s->challenge, &c, &s->salt) || c.nonce.len <= s->nonce.len ||
        !bytes_equal(bytes_head(c.nonce, s->nonce.len), buf_view(&s->nonce)) || s->salt.len == 0)
        return nonsense(s);
    if (c.iterations > KAFKA_ITERATIONS_MAX)
        return kafka_node_fail(s->node, EXIT_USER,
                               "the server at %s asks for %u iterations of SCRAM; at most %d are done",
                               s->node->address, c.iterations, KAFKA_ITERATIONS_MAX);
    scram_salt_password(s->hash, bytes_str(s->node->link->password), buf_view(&s->salt), c.iterations, s->salted);
    buf_str(&s->last, "c=biws,r="); /* base64 of "n,," */
    buf_bytes(&s->last, c.nonce);
    buf_bytes(&s->signed_text, bytes_skip(buf_view(&s->first), 3));
    buf_str(&s->signed_text, ",");
    buf_bytes(&s->signed_text, s->challenge);
    buf_str(&s->signed_text, ",");
    buf_bytes(&s->signed_text, buf_view(&s->last));
    return true;
}

static bool server_knows(const struct scram *s, struct bytes verdict)
{
    struct scram_credential keys = {0};
    uint8_t want[SCRAM_HASH_MAX];
    struct buf signature;
    struct bytes error;

    buf_init(&signature, 0);
    bool read = scram_verdict_parse(verdict, &signature, &error);
    scram_keys(s->hash, s->salted, &keys);
    scram_server_signature(s->hash, &keys, buf_view(&s->signed_text), want);
    bool same =
        read && signature.len == scram_hash_len(s->hash) && CRYPTO_memcmp(signature.ptr, want, signature.len) == 0;
    buf_deinit(&signature);
    OPENSSL_cleanse(&keys, sizeof(keys));
    if (read && error.len)
        return kafka_node_fail(s->node, EXIT_USER, "the server at %s does not let user '%s' in: %.*s",
                               s->node->address, s->node->link->user, BYTES_FMT(error));
    return same ||
           kafka_node_fail(s->node, EXIT_USER,
                           "the server at %s does not know the password of '%s' itself: it is another server "
                           "than it seems",
                           s->node->address, s->node->link->user);
}

static bool say_last(struct scram *s)
{
    uint8_t proof[SCRAM_HASH_MAX];
    struct bytes verdict;

    scram_client_proof(s->hash, s->salted, buf_view(&s->signed_text), proof);
    buf_str(&s->last, ",p=");
    base64_encode(&s->last, bytes_of(proof, scram_hash_len(s->hash)));
    return exchange(s->node, &s->last, &verdict) && server_knows(s, verdict);
}

static bool scram(struct kafka_node *node, enum scram_hash hash)
{
    struct scram s = {.node = node, .hash = hash};
    struct buf *bufs[] = {&s.nonce, &s.first, &s.last, &s.salt, &s.signed_text};

    for (size_t i = 0; i < sizeof(bufs) / sizeof(*bufs); i++)
        buf_init(bufs[i], 0);
    bool ok = say_first(&s) && take_challenge(&s) && say_last(&s);
    OPENSSL_cleanse(s.salted, sizeof(s.salted));
    for (size_t i = 0; i < sizeof(bufs) / sizeof(*bufs); i++)
        buf_deinit(bufs[i]);
    return ok;
}

static bool refused(struct kafka_node *node, const struct kafka_sasl_handshake_res *res)
{
    struct buf names;

    buf_init(&names, 0);
    for (int32_t i = 0; i < res->mechanisms.count; i++)
        buf_printf(&names, "%s%.*s", i ? ", " : "", BYTES_FMT(res->mechanisms.at[i]));
    if (names.len)
        kafka_node_fail(node, EXIT_USER, "the server at %s does not take %s; --sasl may be one of %.*s",
                        node->address, node->link->mechanism, (int)names.len, names.ptr);
    else
        kafka_node_fail(node, EXIT_USER, "the server at %s asks nobody who they are: leave --user out",
                        node->address);
    buf_deinit(&names);
    return false;
}

bool kafka_node_authenticate(struct kafka_node *node)
{
    const char *mechanism = node->link->mechanism;
    struct kafka_sasl_handshake_req req;

    kafka_sasl_handshake_req_init(&req);
    req.mechanism = bytes_str(mechanism);
    const struct kafka_sasl_handshake_res *res = kafka_node_ask(node, KAFKA_SASL_HANDSHAKE, &req);
    if (!res)
        return false;
    if (res->error_code)
        return refused(node, res);
    if (strcmp(mechanism, "PLAIN") == 0)
        return plain(node);
    return scram(node, strcmp(mechanism, "SCRAM-SHA-512") == 0 ? SCRAM_SHA_512 : SCRAM_SHA_256);
}
