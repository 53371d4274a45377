/* users.c: credentials, in the log and from a file.
 *
 *     key    'u' | u8 mechanism (1: SHA-256, 2: SHA-512) | name
 *     value  u8 version 1 | u32 iterations | u8 length, salt | stored key | server key big-endian
 */
#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/reader.h"
#include "serve/security/internal.h"

enum { VALUE_VERSION = 1, SALT_BYTES = 24, KEY_OF_USER = 'u' };

struct file_user {
    struct scram_credential by_hash[SCRAM_SHA_512 + 1];
};

static void put_key(struct buf *key, enum scram_hash hash, struct bytes user)
{
    buf_u8(key, KEY_OF_USER);
    buf_u8(key, (uint8_t)hash);
    buf_bytes(key, user);
}

static bool value_parse(struct bytes value, enum scram_hash hash, struct scram_credential *out)
{
    struct reader r = reader_of(value);
    size_t len = scram_hash_len(hash);

    if (reader_u8(&r) != VALUE_VERSION)
        return false;
    out->iterations = reader_u32_be(&r);
    out->salt_len = reader_u8(&r);
    struct bytes salt = reader_bytes(&r, out->salt_len);
    struct bytes stored = reader_bytes(&r, len), server = reader_bytes(&r, len);
    if (r.bad || reader_left(&r) || out->iterations < SCRAM_ITERATIONS_MIN ||
        out->iterations > SCRAM_ITERATIONS_MAX)
        return false;
    memcpy(out->salt, salt.ptr, salt.len);
    memcpy(out->stored_key, stored.ptr, len);
    memcpy(out->server_key, server.ptr, len);
    return true;
}

static bool kept(const struct security *s, enum scram_hash hash, struct bytes user,
                 struct scram_credential *out)
{
    struct bytes value;
    struct buf key;

    buf_init(&key, 0);
    put_key(&key, hash, user);
    bool found = log_kv_get(s->log, LOG_KV_SECURITY, buf_view(&key), &value) &&
                 value_parse(value, hash, out);
    buf_deinit(&key);
    return found;
}

bool security_is_kept(const struct security *s, enum scram_hash hash, struct bytes user)
{
    struct scram_credential c;
    return kept(s, hash, user, &c);
}

bool security_credential(const struct security *s, enum scram_hash hash, struct bytes user,
                         struct scram_credential *out)
{
    const struct file_user *in_file = map_get(&s->file_users, user);

    if (!in_file)
        return kept(s, hash, user, out);
    *out = in_file->by_hash[hash];
    return true;
}

void security_decoy(const struct security *s, enum scram_hash hash, struct bytes user,
                    struct scram_credential *out)
{
    uint8_t made[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    CHECK(HMAC(EVP_sha512(), s->decoy_key, sizeof(s->decoy_key), user.ptr, user.len, made, &len) &&
          len == 64);
    *out = (struct scram_credential){.iterations = SCRAM_ITERATIONS_MIN, .salt_len = SALT_BYTES};
    memcpy(out->salt, made, SALT_BYTES);
    security_random(s, out->stored_key, scram_hash_len(hash));
    security_random(s, out->server_key, scram_hash_len(hash));
}

bool security_password_is(const struct security *s, struct bytes user, struct bytes password)
{
    enum scram_hash hash = SCRAM_SHA_256;
    struct scram_credential c, mine = {0};
    uint8_t salted[SCRAM_HASH_MAX];
    bool found = security_credential(s, hash, user, &c);

    if (!found) {
        found = security_credential(s, SCRAM_SHA_512, user, &c);
        hash = found ? SCRAM_SHA_512 : SCRAM_SHA_256;
    }
    if (!found)
        security_decoy(s, hash, user, &c);
    scram_salt_password(hash, password, bytes_of(c.salt, c.salt_len), c.iterations, salted);
    scram_keys(hash, salted, &mine);
    bool same = CRYPTO_memcmp(mine.stored_key, c.stored_key, scram_hash_len(hash)) == 0;
    OPENSSL_cleanse(salted, sizeof(salted));
    OPENSSL_cleanse(&mine, sizeof(mine));
    return same && found;
}

void security_keep(struct log_entry *entry, enum scram_hash hash, struct bytes user,
                   const struct scram_credential *c)
{
    struct buf key, value;

    buf_init(&key, 0);
    buf_init(&value, 0);
    put_key(&key, hash, user);
    if (c) {
        buf_u8(&value, VALUE_VERSION);
        buf_u32_be(&value, c->iterations);
        buf_u8(&value, c->salt_len);
        buf_append(&value, c->salt, c->salt_len);
        buf_append(&value, c->stored_key, scram_hash_len(hash));
        buf_append(&value, c->server_key, scram_hash_len(hash));
    }
    log_entry_kv(entry, LOG_KV_SECURITY, buf_view(&key), buf_view(&value));
    buf_deinit(&key);
    buf_deinit(&value);
}

/* ---- listing ---- */

struct listing {
    security_user_fn *fn;
    void *context;
};

static bool list_one(void *context, struct bytes key, struct bytes value)
{
    const struct listing *l = context;
    struct scram_credential c;

    if (key.len < 3 || !value_parse(value, (enum scram_hash)key.ptr[1], &c))
        return true;
    return l->fn(l->context, bytes_skip(key, 2), (enum scram_hash)key.ptr[1], c.iterations);
}

void security_users(const struct security *s, security_user_fn *fn, void *context)
{
    const struct listing l = {fn, context};

    for (uint8_t hash = SCRAM_SHA_256; hash <= SCRAM_SHA_512; hash++) {
        const uint8_t prefix[2] = {KEY_OF_USER, hash};
        log_kv_scan(s->log, LOG_KV_SECURITY, bytes_of(prefix, 2), list_one, (void *)(uintptr_t)&l);
    }
}

/* ---- the file: 'name:password' a line; blank lines and such that begin with '#' are left out ----
 */

static struct file_user *user_new(struct security *s, struct bytes password)
{
    struct file_user *u = xcalloc(1, sizeof(*u));
    uint8_t salted[SCRAM_HASH_MAX];

    for (int hash = SCRAM_SHA_256; hash <= SCRAM_SHA_512; hash++) {
        struct scram_credential *c = &u->by_hash[hash];
        c->iterations = SCRAM_ITERATIONS_MIN;
        c->salt_len = SALT_BYTES;
        security_random(s, c->salt, SALT_BYTES);
        scram_salt_password((enum scram_hash)hash, password, bytes_of(c->salt, SALT_BYTES),
                            c->iterations, salted);
        scram_keys((enum scram_hash)hash, salted, c);
    }
    OPENSSL_cleanse(salted, sizeof(salted));
    return u;
}

static enum status take_line(struct security *s, struct bytes line, unsigned number,
                             struct diag *diag)
{
    size_t colon = bytes_find(line, ':', 0);
    struct bytes name = bytes_head(line, colon), password = bytes_skip(line, colon + 1);

    if (colon >= line.len || name.len == 0 || password.len == 0 || name.len > SECURITY_NAME_MAX) {
        diag_hint(diag, "a line is name:password");
        return diag_set(diag, ST_INVALID, DIAG_VALUE, "security.users: '%s', line %u is no user",
                        s->options.users, number);
    }
    if (map_size(&s->file_users) >= SECURITY_USERS_FILE_MAX)
        return diag_set(
            diag, ST_INVALID, DIAG_LIMIT,
            "security.users: '%s' has more than %d users; the others can be made over the "
            "protocol (kafka-configs)",
            s->options.users, SECURITY_USERS_FILE_MAX);
    if (map_get(&s->file_users, name))
        return diag_set(diag, ST_INVALID, DIAG_EXISTS,
                        "security.users: '%s', line %u: the user '%.*s' again", s->options.users,
                        number, BYTES_FMT(bytes_head(name, 60)));
    map_put(&s->file_users, name, user_new(s, password));
    return ST_OK;
}

enum status users_open(struct security *s, struct diag *diag)
{
    struct buf text;

    if (!s->options.users)
        return ST_OK;
    buf_init(&text, 0);
    enum status st = security_read_file(s->os, "security.users", s->options.users, &text, diag);
    struct bytes rest = buf_view(&text);
    for (unsigned number = 1; st == ST_OK && rest.len; number++) {
        struct bytes line = bytes_head(rest, bytes_find(rest, '\n', 0));
        rest = bytes_skip(rest, line.len + 1);
        if (line.len && line.ptr[line.len - 1] == '\r')
            line.len--;
        if (line.len && line.ptr[0] != '#')
            st = take_line(s, line, number, diag);
    }
    security_forget(&text);
    return st;
}

void users_close(struct security *s)
{
    for (struct map_entry *e = map_first(&s->file_users); e; e = map_next(&s->file_users, e)) {
        OPENSSL_cleanse(e->value, sizeof(struct file_user));
        free(e->value);
    }
    map_deinit(&s->file_users);
}
