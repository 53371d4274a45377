#include "serve/security/sasl.h"

#include <openssl/crypto.h>
#include <string.h>

#include "base/base64.h"
#include "base/json_writer.h"
#include "wire/sasl/sasl.h"

enum { NONCE_BYTES = 24, MESSAGE_MAX = 128 << 10 };

static const char bad_password[] = "no such user, or not that password";
static const char bad_message[] = "that is not a message of this mechanism";
static const char other_user[] =
    "a user may not act as another one: the authorization id must be the user's name";

void sasl_init(struct sasl *s, struct security *security, enum sasl_mechanism mechanism)
{
    *s = (struct sasl){.security = security, .mechanism = mechanism, .until_us = INT64_MAX};
    buf_init(&s->user, 0);
    buf_init(&s->message, 0);
    buf_init(&s->gs2, 0);
    buf_init(&s->nonce, 0);
}

void sasl_deinit(struct sasl *s)
{
    buf_deinit(&s->user);
    buf_deinit(&s->message);
    buf_deinit(&s->gs2);
    buf_deinit(&s->nonce);
    OPENSSL_cleanse(&s->credential, sizeof(s->credential));
    s->security = NULL;
}

static enum sasl_step fail(struct sasl *s, const char *why)
{
    s->why = why;
    return SASL_FAILED;
}

/* ---- PLAIN ---- */

static enum sasl_step take_plain(struct sasl *s, struct bytes message)
{
    struct sasl_plain m;

    if (!sasl_plain_parse(message, &m) || m.user.len > SECURITY_NAME_MAX)
        return fail(s, bad_message);
    if (m.authzid.len && !bytes_equal(m.authzid, m.user))
        return fail(s, other_user);
    if (!security_password_is(s->security, m.user, m.password))
        return fail(s, bad_password);
    buf_bytes(&s->user, m.user);
    return SASL_DONE;
}

/* ---- SCRAM ---- */

static enum scram_hash hash_of(const struct sasl *s)
{
    return s->mechanism == SASL_SCRAM_512 ? SCRAM_SHA_512 : SCRAM_SHA_256;
}

static void put_server_first(struct sasl *s, struct buf *out)
{
    buf_str(out, "r=");
    buf_bytes(out, buf_view(&s->nonce));
    buf_str(out, ",s=");
    base64_encode(out, bytes_of(s->credential.salt, s->credential.salt_len));
    buf_printf(out, ",i=%u", s->credential.iterations);
}

static enum sasl_step take_first(struct sasl *s, struct bytes message, struct buf *out)
{
    struct scram_first m;
    uint8_t random[NONCE_BYTES];
    struct buf authzid;

    buf_init(&authzid, 0);
    bool ok =
        scram_first_parse(message, &m, &s->user, &authzid) && s->user.len <= SECURITY_NAME_MAX;
    bool other = ok && authzid.len && !bytes_equal(buf_view(&authzid), buf_view(&s->user));
    buf_deinit(&authzid);
    if (!ok)
        return fail(s, bad_message);
    if (other)
        return fail(s, other_user);
    if (m.by_token)
        return fail(s, "delegation tokens are not served");
    s->known = security_credential(s->security, hash_of(s), buf_view(&s->user), &s->credential);
    if (!s->known)
        security_decoy(s->security, hash_of(s), buf_view(&s->user), &s->credential);
    security_random(s->security, random, sizeof(random));
    buf_bytes(&s->nonce, m.nonce);
    base64_encode(&s->nonce, bytes_of(random, sizeof(random)));
    base64_encode(&s->gs2, m.gs2);
    buf_bytes(&s->message, m.bare);
    buf_u8(&s->message, ',');
    put_server_first(s, &s->message);
    put_server_first(s, out);
    s->stage = 1;
    return SASL_MORE;
}

/* librdkafka 2.0 has its own nonce in front of it once more, which Kafka lets pass too: what
 * counts is that ours, of this exchange, is under the proof. */
static bool ends_with(struct bytes text, struct bytes end)
{
    return text.len >= end.len && bytes_equal(bytes_skip(text, text.len - end.len), end);
}

static enum sasl_step take_final(struct sasl *s, struct bytes message, struct buf *out)
{
    struct scram_final m;
    uint8_t signature[SCRAM_HASH_MAX];
    struct buf proof;

    buf_init(&proof, 0);
    bool ok = scram_final_parse(message, &m, &proof) && ends_with(m.nonce, buf_view(&s->nonce)) &&
              bytes_equal(m.binding, buf_view(&s->gs2));
    if (ok) {
        buf_u8(&s->message, ',');
        buf_bytes(&s->message, m.without_proof);
    }
    bool right =
        ok && scram_proof_is(hash_of(s), &s->credential, buf_view(&s->message), buf_view(&proof));
    buf_deinit(&proof);
    if (!ok)
        return fail(s, bad_message);
    if (!right || !s->known)
        return fail(s, bad_password);
    scram_server_signature(hash_of(s), &s->credential, buf_view(&s->message), signature);
    buf_str(out, "v=");
    base64_encode(out, bytes_of(signature, scram_hash_len(hash_of(s))));
    return SASL_DONE;
}

/* ---- OAUTHBEARER ---- */

static enum sasl_step take_token(struct sasl *s, struct bytes message, struct buf *out)
{
    struct oauth_first m;
    struct json_writer w;

    if (s->stage == 1)
        return fail(s, s->why); /* the client has read why not */
    if (!oauth_first_parse(message, &m))
        return fail(s, bad_message);
    bool good = security_token_is(s->security, m.token, &s->user, &s->until_us, &s->why);
    if (good && m.authzid.len && !bytes_equal(m.authzid, buf_view(&s->user)))
        return fail(s, other_user);
    if (good)
        return SASL_DONE;
    json_writer_init(&w, out);
    json_object_begin(&w);
    json_key_str(&w, "status", "invalid_token");
    json_object_end(&w);
    s->stage = 1;
    return SASL_MORE;
}

enum sasl_step sasl_take(struct sasl *s, struct bytes message, struct buf *out)
{
    if (message.len > MESSAGE_MAX)
        return fail(s, bad_message);
    switch (s->mechanism) {
    case SASL_PLAIN: return take_plain(s, message);
    case SASL_OAUTHBEARER: return take_token(s, message, out);
    default: return s->stage == 0 ? take_first(s, message, out) : take_final(s, message, out);
    }
}
