/* DescribeUserScramCredentials and AlterUserScramCredentials: the users of the log
 * (serve/security/). The client sends salted passwords; one that is not itself protected should not
 * send these. */
#include <openssl/crypto.h>

#include "base/check.h"
#include "base/map.h"
#include "serve/kafka/face.h"

/* ---- who asks what of whom: names, each once, with what is wrong with it ---- */

struct asked_user {
    struct bytes name;
    enum kafka_error error;
    const char *why;
    bool has[SCRAM_SHA_512 + 1]; /* found, or asked to change */
    uint32_t iterations[SCRAM_SHA_512 + 1];
};

struct asked_users {
    struct call *call;
    struct map by_name;
    struct asked_user **at;
    int32_t count, cap;
};

static void users_init(struct asked_users *users, struct call *call)
{
    *users = (struct asked_users){.call = call};
    map_init(&users->by_name);
}

static struct asked_user *user_of(struct asked_users *users, struct bytes name, bool *is_new)
{
    struct asked_user *u = map_get(&users->by_name, name);

    *is_new = !u;
    if (u)
        return u;
    u = ARENA_NEW(&users->call->arena, struct asked_user);
    u->name = arena_copy(&users->call->arena, name);
    if (!u->name.ptr)
        u->name = bytes_of("", 0);
    map_put(&users->by_name, u->name, u);
    if (users->count == users->cap) {
        int32_t cap = users->cap ? 2 * users->cap : 8;
        struct asked_user **more = ARENA_ARRAY(&users->call->arena, struct asked_user *, cap);
        if (users->count)
            memcpy(more, users->at, (size_t)users->count * sizeof(*more));
        users->at = more;
        users->cap = cap;
    }
    users->at[users->count++] = u;
    return u;
}

static void set_error(struct asked_user *u, enum kafka_error error, const char *why)
{
    if (u->error)
        return;
    u->error = error;
    u->why = why;
}

/* ---- Describe ---- */

struct finding {
    struct asked_users *users;
    bool all;
};

static bool find_user(void *context, struct bytes name, enum scram_hash hash, uint32_t iterations)
{
    const struct finding *f = context;
    bool is_new;

    if (!f->all && !map_get(&f->users->by_name, name))
        return true;
    struct asked_user *u = user_of(f->users, name, &is_new);
    u->has[hash] = true;
    u->iterations[hash] = iterations;
    return true;
}

static void describe_user(struct call *call, const struct asked_user *u,
                          struct kafka_describe_user_scram_credentials_res_result *out)
{
    out->user = u->name;
    out->error_code = (int16_t)u->error;
    out->error_message = u->why ? bytes_str(u->why) : BYTES_NONE;
    if (!u->error && !u->has[SCRAM_SHA_256] && !u->has[SCRAM_SHA_512]) {
        out->error_code = KAFKA_ERR_RESOURCE_NOT_FOUND;
        out->error_message = BYTES_LITERAL("there is no such user with SCRAM credentials");
    }
    if (out->error_code)
        return;
    out->credential_infos.at =
        kafka_describe_user_scram_credentials_res_credential_info_new(&call->arena, SCRAM_SHA_512);
    for (int8_t hash = SCRAM_SHA_256; hash <= SCRAM_SHA_512; hash++)
        if (u->has[hash])
            out->credential_infos.at[out->credential_infos.count++] =
                (struct kafka_describe_user_scram_credentials_res_credential_info){
                    hash, (int32_t)u->iterations[hash]};
}

void kafka_on_describe_user_scram_credentials(struct call *call, const void *request)
{
    const struct kafka_describe_user_scram_credentials_req *req = request;
    struct kafka_describe_user_scram_credentials_res res;
    struct asked_users users;
    const struct finding f = {&users, req->users.count <= 0};
    bool is_new;

    kafka_describe_user_scram_credentials_res_init(&res);
    if (!call_may_cluster(call, ACL_DESCRIBE)) {
        res.error_code = KAFKA_ERR_CLUSTER_AUTHORIZATION_FAILED;
        call_answer(call, &res);
        return;
    }
    users_init(&users, call);
    for (int32_t i = 0; i < req->users.count; i++) {
        struct asked_user *u = user_of(&users, req->users.at[i].name, &is_new);
        if (!is_new)
            set_error(u, KAFKA_ERR_DUPLICATE_RESOURCE, "the request names this user twice");
    }
    security_users(call->face->options.security, find_user, (void *)(uintptr_t)&f);
    res.results.at =
        kafka_describe_user_scram_credentials_res_result_new(&call->arena, users.count);
    for (int32_t i = 0; i < users.count; i++)
        describe_user(call, users.at[i], &res.results.at[res.results.count++]);
    map_deinit(&users.by_name);
    call_answer(call, &res);
}

/* ---- Alter ---- */

static struct asked_user *check_change(struct asked_users *users, struct bytes name,
                                       int8_t mechanism)
{
    bool is_new;
    struct asked_user *u = user_of(users, name, &is_new);

    if (mechanism != SCRAM_SHA_256 && mechanism != SCRAM_SHA_512)
        set_error(u, KAFKA_ERR_UNSUPPORTED_SASL_MECHANISM,
                  "SCRAM is with SHA-256 (1) or SHA-512 (2)");
    else if (name.len == 0 || name.len > SECURITY_NAME_MAX)
        set_error(u, KAFKA_ERR_UNACCEPTABLE_CREDENTIAL, "a user's name has 1 to 1024 bytes");
    else if (u->has[mechanism])
        set_error(u, KAFKA_ERR_DUPLICATE_RESOURCE, "the request changes this credential twice");
    else
        u->has[mechanism] = true;
    return u;
}

static void
check_upsertion(struct asked_users *users,
                const struct kafka_alter_user_scram_credentials_req_scram_credential_upsertion *up)
{
    struct asked_user *u = check_change(users, up->name, up->mechanism);

    if (up->iterations < SCRAM_ITERATIONS_MIN || up->iterations > SCRAM_ITERATIONS_MAX)
        set_error(u, KAFKA_ERR_UNACCEPTABLE_CREDENTIAL, "iterations are 4096 to 16384");
    else if (up->salt.len == 0 || up->salt.len > SCRAM_SALT_MAX)
        set_error(u, KAFKA_ERR_UNACCEPTABLE_CREDENTIAL, "a salt has 1 to 255 bytes");
    else if (!u->error && up->salted_password.len != scram_hash_len((enum scram_hash)up->mechanism))
        set_error(u, KAFKA_ERR_UNACCEPTABLE_CREDENTIAL,
                  "the salted password is not as long as its hash");
}

static void check_deletion(struct asked_users *users, struct security *security, struct bytes name,
                           int8_t mechanism)
{
    struct asked_user *u = check_change(users, name, mechanism);

    if (!u->error && !security_is_kept(security, (enum scram_hash)mechanism, name))
        set_error(u, KAFKA_ERR_RESOURCE_NOT_FOUND, "there is no such credential to delete");
}

static void
put_upsertion(struct log_entry *entry,
              const struct kafka_alter_user_scram_credentials_req_scram_credential_upsertion *up)
{
    struct scram_credential c = {.iterations = (uint32_t)up->iterations,
                                 .salt_len = (uint8_t)up->salt.len};

    memcpy(c.salt, up->salt.ptr, up->salt.len);
    scram_keys((enum scram_hash)up->mechanism, up->salted_password.ptr, &c);
    security_keep(entry, (enum scram_hash)up->mechanism, up->name, &c);
    OPENSSL_cleanse(&c, sizeof(c));
}

static void alter_failed(struct call *call)
{
    struct kafka_alter_user_scram_credentials_res *res = call->answer;

    for (int32_t i = 0; i < res->results.count; i++)
        res->results.at[i].error_code = KAFKA_ERR_KAFKA_STORAGE_ERROR;
}

/* All that can be done is one entry of the log: a user's credentials change together or not at all.
 */
static enum status carry_out(struct call *call,
                             const struct kafka_alter_user_scram_credentials_req *req,
                             const struct asked_users *users, uint64_t *lsn)
{
    struct log_entry *entry = log_entry_begin(call->face->log);
    int count = 0;

    for (int32_t i = 0; i < req->deletions.count; i++) {
        const struct asked_user *u = map_get(&users->by_name, req->deletions.at[i].name);
        if (u->error)
            continue;
        security_keep(entry, (enum scram_hash)req->deletions.at[i].mechanism, u->name, NULL);
        count++;
    }
    for (int32_t i = 0; i < req->upsertions.count; i++) {
        const struct asked_user *u = map_get(&users->by_name, req->upsertions.at[i].name);
        if (u->error)
            continue;
        put_upsertion(entry, &req->upsertions.at[i]);
        count++;
    }
    if (count)
        return log_entry_commit(entry, NULL, lsn);
    log_entry_abort(entry);
    return ST_OK;
}

void kafka_on_alter_user_scram_credentials(struct call *call, const void *request)
{
    const struct kafka_alter_user_scram_credentials_req *req = request;
    struct kafka_alter_user_scram_credentials_res *res =
        ARENA_NEW(&call->arena, struct kafka_alter_user_scram_credentials_res);
    struct security *security = call->face->options.security;
    struct asked_users users;
    uint64_t lsn = 0;

    kafka_alter_user_scram_credentials_res_init(res);
    users_init(&users, call);
    for (int32_t i = 0; i < req->deletions.count; i++)
        check_deletion(&users, security, req->deletions.at[i].name, req->deletions.at[i].mechanism);
    for (int32_t i = 0; i < req->upsertions.count; i++)
        check_upsertion(&users, &req->upsertions.at[i]);
    for (int32_t i = 0; i < users.count && !call_may_cluster(call, ACL_ALTER); i++) {
        users.at[i]->error = KAFKA_ERR_CLUSTER_AUTHORIZATION_FAILED;
        users.at[i]->why = NULL;
    }
    res->results.count = users.count;
    res->results.at = kafka_alter_user_scram_credentials_res_result_new(&call->arena, users.count);
    for (int32_t i = 0; i < users.count; i++) {
        res->results.at[i].user = users.at[i]->name;
        res->results.at[i].error_code = (int16_t)users.at[i]->error;
        if (users.at[i]->why)
            res->results.at[i].error_message = bytes_str(users.at[i]->why);
    }
    if (carry_out(call, req, &users, &lsn) != ST_OK) {
        call->answer = res;
        alter_failed(call);
    }
    map_deinit(&users.by_name);
    call_answer_durable(call, res, lsn, alter_failed);
}
