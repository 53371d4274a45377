#include "serve/security/security.h"

#include <openssl/crypto.h>
#include <stdlib.h>

#include "base/check.h"
#include "serve/security/internal.h"

static const char *const names[SASL_MECHANISMS] = {"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512",
                                                   "OAUTHBEARER"};

const char *sasl_mechanism_name(enum sasl_mechanism mechanism)
{
    return names[mechanism];
}

bool security_serves(const struct security *s, struct bytes name, enum sasl_mechanism *out)
{
    for (int i = 0; i < SASL_MECHANISMS; i++) {
        if (bytes_is(name, names[i]) && s->serves[i]) {
            *out = (enum sasl_mechanism)i;
            return true;
        }
    }
    return false;
}

bool security_has(const struct security *s, enum sasl_mechanism mechanism)
{
    return s->serves[mechanism];
}

bool security_asks(const struct security *s)
{
    for (int i = 0; i < SASL_MECHANISMS; i++)
        if (s->serves[i])
            return true;
    return false;
}

int64_t security_reauth_ms(const struct security *s)
{
    return s->options.reauth_ms > 0 ? s->options.reauth_ms : 0;
}

int64_t security_now_us(const struct security *s)
{
    return os_wall_us(s->os);
}

void security_random(const struct security *s, void *to, size_t len)
{
    os_random(s->os, to, len);
}

/* ---- files ---- */

void security_forget(struct buf *secret)
{
    if (secret->ptr)
        OPENSSL_cleanse(secret->ptr, secret->cap);
    buf_deinit(secret);
}

enum status security_read_file(struct os *os, const char *option, const char *path, struct buf *out,
                               struct diag *diag)
{
    struct os_file *file;
    struct os_stat stat = {0};
    size_t got = 0;

    if (os_file_open(os, path, OS_READ, &file) != ST_OK)
        return diag_set(diag, ST_INVALID, DIAG_VALUE, "%s: the file '%s' cannot be read: %s",
                        option, path, os_error_text(os));
    enum status st = os_file_stat(file, &stat);
    if (st == ST_OK && stat.size <= SECURITY_FILE_BYTES_MAX) {
        st =
            os_file_read(file, 0, buf_reserve(out, (size_t)stat.size + 1), (size_t)stat.size, &got);
        buf_advance(out, got);
    }
    os_file_close(file);
    if (st != ST_OK || stat.size > SECURITY_FILE_BYTES_MAX)
        return diag_set(diag, ST_INVALID, DIAG_VALUE, "%s: the file '%s' %s", option, path,
                        st == ST_OK ? "is larger than 1 MiB" : "cannot be read");
    return ST_OK;
}

/* ---- mechanisms ---- */

static enum status switch_on(struct security *s, struct bytes name, struct diag *diag)
{
    for (int i = 0; i < SASL_MECHANISMS; i++) {
        if (!bytes_is(name, names[i]))
            continue;
        s->serves[i] = true;
        return ST_OK;
    }
    diag_hint(diag, "PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER, with commas between");
    return diag_set(diag, ST_INVALID, DIAG_VALUE, "security.sasl: there is no mechanism '%.*s'",
                    BYTES_FMT(bytes_head(name, 60)));
}

static enum status switch_all_on(struct security *s, struct diag *diag)
{
    struct bytes rest = s->options.sasl ? bytes_str(s->options.sasl) : BYTES_NONE;

    while (rest.len) {
        struct bytes name = bytes_head(rest, bytes_find(rest, ',', 0));
        rest = bytes_skip(rest, name.len + 1);
        while (name.len && name.ptr[0] == ' ')
            name = bytes_skip(name, 1);
        while (name.len && name.ptr[name.len - 1] == ' ')
            name.len--;
        TRY(switch_on(s, name, diag));
    }
    return ST_OK;
}

/* ---- rights ---- */

bool security_has_acls(const struct security *s)
{
    return s->options.acls;
}

struct acls *security_acls(struct security *s)
{
    return &s->acls;
}

/* Listed with ';' between: a certificate's subject has commas. */
static bool is_super(const struct security *s, struct bytes principal)
{
    struct bytes rest = s->options.super_users ? bytes_str(s->options.super_users) : BYTES_NONE;

    while (rest.len) {
        struct bytes one = bytes_head(rest, bytes_find(rest, ';', 0));
        rest = bytes_skip(rest, one.len + 1);
        if (bytes_equal(one, principal))
            return true;
    }
    return false;
}

static bool is_yes(const struct security *s, enum acl_answer answer)
{
    return answer == ACL_ALLOWED || (answer == ACL_NOBODY_SAID && s->options.allow_if_no_acl);
}

bool security_may(const struct security *s, const struct acl_question *q)
{
    return !s->options.acls || is_super(s, q->principal) || is_yes(s, acls_ask(&s->acls, q));
}

bool security_may_any(const struct security *s, const struct acl_question *q)
{
    return !s->options.acls || is_super(s, q->principal) || is_yes(s, acls_ask_any(&s->acls, q));
}

void security_count(struct security *s, enum security_face face, enum sasl_mechanism mechanism, bool let_in)
{
    (let_in ? s->stats.let_in : s->stats.refused)[face][mechanism]++;
}

void security_count_denied(struct security *s, enum acl_resource resource, enum acl_operation operation)
{
    CHECK(resource <= ACL_USER && operation <= ACL_OPERATION_LAST);
    s->stats.denied[resource][operation]++;
}

const struct security_stats *security_stats(const struct security *s)
{
    return &s->stats;
}

enum status security_open(struct os *os, struct log *log, const struct security_options *options,
                          struct security **out, struct diag *diag)
{
    struct security *s = xcalloc(1, sizeof(*s));

    *out = NULL;
    s->os = os;
    s->log = log;
    s->options = *options;
    map_init(&s->file_users);
    acls_open(&s->acls, log);
    os_random(os, s->decoy_key, sizeof(s->decoy_key));
    enum status st = switch_all_on(s, diag);
    if (st == ST_OK)
        st = users_open(s, diag);
    if (st == ST_OK)
        st = tokens_open(s, diag);
    if (st != ST_OK) {
        security_close(s);
        return st;
    }
    *out = s;
    return ST_OK;
}

void security_close(struct security *s)
{
    if (!s)
        return;
    acls_close(&s->acls);
    tokens_close(s);
    users_close(s);
    OPENSSL_cleanse(s->decoy_key, sizeof(s->decoy_key));
    free(s);
}
