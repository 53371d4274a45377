#include "serve/kafka/auth.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "serve/kafka/face.h"

static void on_time(void *context)
{
    struct auth *a = context;
    conn_close(a->conn);
}

void auth_open(struct auth *a, struct security *security, struct conn *conn)
{
    *a = (struct auth){.security = security, .conn = conn, .expires_ns = INT64_MAX};
    if (!security || !security_asks(security))
        return;
    a->state = AUTH_WANTED;
    a->timer = loop_timer_create(conn_loop(conn), on_time, a);
    loop_timer_set(a->timer, loop_mono_ns(conn_loop(conn)) + KAFKA_AUTH_MS_MAX * (int64_t)1000000);
}

static void drop_sasl(struct auth *a)
{
    if (a->sasl.security)
        sasl_deinit(&a->sasl);
}

static void drop_timer(struct auth *a)
{
    if (a->timer)
        loop_timer_destroy(a->timer);
    a->timer = NULL;
}

void auth_close(struct auth *a)
{
    drop_sasl(a);
    drop_timer(a);
    free(a->principal);
    free(a->host);
}

bool auth_is_over(const struct auth *a)
{
    return a->state == AUTH_OPEN || a->state == AUTH_DONE;
}

bool auth_allows(const struct auth *a, int16_t key)
{
    switch (a->state) {
    case AUTH_OPEN: return true;
    case AUTH_WANTED: return key == KAFKA_API_VERSIONS || key == KAFKA_SASL_HANDSHAKE;
    case AUTH_RAW: return false;
    case AUTH_TOKENS:
        if (key == KAFKA_SASL_AUTHENTICATE || !a->again)
            return key == KAFKA_SASL_AUTHENTICATE;
        break; /* what was on its way already */
    case AUTH_DONE:
        if (key == KAFKA_SASL_HANDSHAKE)
            return true;
        break;
    }
    return loop_mono_ns(conn_loop(a->conn)) < a->expires_ns;
}

/* ---- principals ---- */

static char *principal_of(struct bytes name)
{
    char *text = xcalloc(1, name.len + 6);

    snprintf(text, name.len + 6, "User:%.*s", BYTES_FMT(name));
    return text;
}

const char *auth_principal(struct auth *a)
{
    struct buf subject;

    if (a->principal)
        return a->principal;
    CHECK(a->state == AUTH_OPEN);
    buf_init(&subject, 0);
    bool known = conn_peer_subject(a->conn, &subject);
    a->principal = principal_of(known ? buf_view(&subject) : BYTES_LITERAL("ANONYMOUS"));
    buf_deinit(&subject);
    return a->principal;
}

struct bytes auth_user(struct auth *a)
{
    if (!a->principal && a->state != AUTH_OPEN)
        return BYTES_LITERAL("ANONYMOUS"); /* it has not said yet */
    return bytes_skip(bytes_str(auth_principal(a)), strlen("User:"));
}

const char *auth_host(struct auth *a)
{
    char host[KAFKA_HOST_MAX];

    if (!a->host) {
        conn_host(a->conn, host);
        a->host = xstrdup(host);
    }
    return a->host;
}

const char *call_principal(const struct call *call)
{
    return auth_principal(call_auth(call));
}

/* ---- steps ---- */

/* How long it counts: the shorter of the setting and the token's own end. 0: for ever. */
static int64_t lifetime_ms(const struct auth *a)
{
    int64_t ms = security_reauth_ms(a->security);

    if (a->sasl.until_us == INT64_MAX)
        return ms;
    int64_t left_ms = (a->sasl.until_us - security_now_us(a->security)) / 1000;
    left_ms = left_ms > 0 ? left_ms : 1;
    return ms > 0 && ms < left_ms ? ms : left_ms;
}

/* The last message was right; NULL, or why it will not do all the same. */
static const char *finish(struct auth *a, int64_t *ms)
{
    char *principal = principal_of(buf_view(&a->sasl.user));

    if (a->again && strcmp(principal, a->principal) != 0) {
        free(principal);
        return "who a connection is stays the same when it authenticates again";
    }
    free(a->principal);
    a->principal = principal;
    *ms = lifetime_ms(a);
    a->expires_ns = *ms ? loop_mono_ns(conn_loop(a->conn)) + *ms * 1000000 : INT64_MAX;
    a->state = AUTH_DONE;
    security_count(a->security, SECURITY_KAFKA, a->mechanism, true);
    drop_sasl(a);
    drop_timer(a);
    return NULL;
}

bool auth_take_raw(struct auth *a, struct bytes frame)
{
    struct buf out;
    int64_t ms;

    buf_init(&out, 0);
    buf_u32_be(&out, 0);
    enum sasl_step step = sasl_take(&a->sasl, frame, &out);
    buf_patch_u32_be(&out, 0, (uint32_t)out.len - 4);
    bool ok = step == SASL_MORE || (step == SASL_DONE && !finish(a, &ms));
    if (ok)
        conn_send(a->conn, buf_view(&out));
    else
        security_count(a->security, SECURITY_KAFKA, a->mechanism, false);
    buf_deinit(&out);
    return ok;
}

/* ---- SaslHandshake ---- */

static void name_mechanisms(struct call *call, const struct security *security,
                            struct kafka_sasl_handshake_res *res)
{
    res->mechanisms.at = ARENA_ARRAY(&call->arena, struct bytes, SASL_MECHANISMS);
    for (int i = 0; security && i < SASL_MECHANISMS; i++)
        if (security_has(security, (enum sasl_mechanism)i))
            res->mechanisms.at[res->mechanisms.count++] =
                bytes_str(sasl_mechanism_name((enum sasl_mechanism)i));
}

static enum kafka_error begin(struct auth *a, int16_t version, struct bytes name)
{
    enum sasl_mechanism mechanism;

    if (a->state == AUTH_OPEN)
        return KAFKA_ERR_ILLEGAL_SASL_STATE;
    if (!security_serves(a->security, name, &mechanism))
        return KAFKA_ERR_UNSUPPORTED_SASL_MECHANISM;
    bool again = a->state == AUTH_DONE;
    if (again && (version == 0 || mechanism != a->mechanism))
        return KAFKA_ERR_ILLEGAL_SASL_STATE;
    a->again = again;
    a->mechanism = mechanism;
    a->state = version == 0 ? AUTH_RAW : AUTH_TOKENS;
    sasl_init(&a->sasl, a->security, mechanism);
    return KAFKA_ERR_NONE;
}

void kafka_on_sasl_handshake(struct call *call, const void *request)
{
    const struct kafka_sasl_handshake_req *req = request;
    struct auth *a = call_auth(call);
    struct kafka_sasl_handshake_res res;

    kafka_sasl_handshake_res_init(&res);
    name_mechanisms(call, a->security, &res);
    res.error_code = (int16_t)begin(a, call->version, req->mechanism);
    if (res.error_code && a->state != AUTH_OPEN)
        call_last(call);
    call_answer(call, &res);
}

/* ---- SaslAuthenticate ---- */

static void refuse(struct call *call, struct kafka_sasl_authenticate_res *res,
                   enum kafka_error error, const char *why)
{
    res->error_code = (int16_t)error;
    res->error_message = bytes_str(why);
    if (error == KAFKA_ERR_SASL_AUTHENTICATION_FAILED)
        call_last(call);
    call->face->stats.auth_failures++;
}

void kafka_on_sasl_authenticate(struct call *call, const void *request)
{
    const struct kafka_sasl_authenticate_req *req = request;
    struct auth *a = call_auth(call);
    struct kafka_sasl_authenticate_res res;
    struct buf out;

    kafka_sasl_authenticate_res_init(&res);
    res.auth_bytes = bytes_of("", 0);
    buf_init(&out, 0);
    if (a->state != AUTH_TOKENS) {
        refuse(call, &res, KAFKA_ERR_ILLEGAL_SASL_STATE,
               "a SaslHandshake comes first, where there is SASL");
    } else {
        enum sasl_step step = sasl_take(&a->sasl, req->auth_bytes, &out);
        const char *why = step == SASL_FAILED ? a->sasl.why
                          : step == SASL_DONE ? finish(a, &res.session_lifetime_ms)
                                              : NULL;
        if (why) {
            security_count(a->security, SECURITY_KAFKA, a->mechanism, false);
            refuse(call, &res, KAFKA_ERR_SASL_AUTHENTICATION_FAILED, why);
        } else {
            res.auth_bytes = arena_copy(&call->arena, buf_view(&out));
        }
    }
    if (!res.auth_bytes.ptr)
        res.auth_bytes = bytes_of("", 0);
    buf_deinit(&out);
    call_answer(call, &res);
}
