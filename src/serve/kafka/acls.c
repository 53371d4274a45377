/* CreateAcls, DescribeAcls, DeleteAcls; and what the other handlers ask: may this client do that?
 */
#include "base/check.h"
#include "serve/kafka/face.h"

/* ---- questions ---- */

/* A denial of what the request wants, not of one of the things it would have been told of. */
static bool counted(const struct call *call, bool may, enum acl_operation operation, enum acl_resource resource)
{
    if (!may)
        security_count_denied(call->face->options.security, resource, operation);
    return may;
}

bool call_sees(const struct call *call, enum acl_operation operation, enum acl_resource resource, struct bytes name)
{
    struct security *security = call->face->options.security;
    struct auth *auth = call_auth(call);

    if (auth->trusted || !security_has_acls(security))
        return true;
    const struct acl_question q = {.principal = bytes_str(auth_principal(auth)),
                                   .host = bytes_str(auth_host(auth)),
                                   .operation = operation,
                                   .resource = resource,
                                   .name = name};
    return security_may(security, &q);
}

bool call_sees_cluster(const struct call *call, enum acl_operation operation)
{
    return call_sees(call, operation, ACL_CLUSTER, ACL_CLUSTER_NAME);
}

bool call_may(const struct call *call, enum acl_operation operation, enum acl_resource resource, struct bytes name)
{
    return counted(call, call_sees(call, operation, resource, name), operation, resource);
}

bool call_may_any(const struct call *call, enum acl_operation operation, enum acl_resource resource)
{
    struct security *security = call->face->options.security;
    struct auth *auth = call_auth(call);

    if (auth->trusted || !security_has_acls(security))
        return true;
    const struct acl_question q = {.principal = bytes_str(auth_principal(auth)),
                                   .host = bytes_str(auth_host(auth)),
                                   .operation = operation,
                                   .resource = resource};
    return counted(call, security_may_any(security, &q), operation, resource);
}

bool call_may_create(const struct call *call, struct bytes topic)
{
    return call_sees_cluster(call, ACL_CREATE) || call_may(call, ACL_CREATE, ACL_TOPIC, topic);
}

bool call_may_cluster(const struct call *call, enum acl_operation operation)
{
    return call_may(call, operation, ACL_CLUSTER, ACL_CLUSTER_NAME);
}

int32_t call_operations(const struct call *call, enum acl_resource resource, struct bytes name)
{
    static const uint32_t of[] = {
        [ACL_TOPIC] = 1 << ACL_READ | 1 << ACL_WRITE | 1 << ACL_CREATE | 1 << ACL_DELETE |
                      1 << ACL_ALTER | 1 << ACL_DESCRIBE | 1 << ACL_DESCRIBE_CONFIGS |
                      1 << ACL_ALTER_CONFIGS,
        [ACL_GROUP] = 1 << ACL_READ | 1 << ACL_DELETE | 1 << ACL_DESCRIBE |
                      1 << ACL_DESCRIBE_CONFIGS | 1 << ACL_ALTER_CONFIGS,
        [ACL_CLUSTER] = 1 << ACL_CREATE | 1 << ACL_ALTER | 1 << ACL_DESCRIBE |
                        1 << ACL_CLUSTER_ACTION | 1 << ACL_DESCRIBE_CONFIGS |
                        1 << ACL_ALTER_CONFIGS | 1 << ACL_IDEMPOTENT_WRITE,
    };
    uint32_t may = 0;

    for (int operation = ACL_READ; operation <= ACL_IDEMPOTENT_WRITE; operation++)
        if (of[resource] >> operation & 1 && call_sees(call, (enum acl_operation)operation, resource, name))
            may |= 1u << operation;
    return (int32_t)may;
}

/* ---- the requests ---- */

static const char not_on[] = "no ACLs are in use: acls = true in [security] switches them on";

static enum kafka_error refusal(const struct call *call, enum acl_operation operation,
                                const char **why)
{
    *why = not_on;
    if (!security_has_acls(call->face->options.security))
        return KAFKA_ERR_SECURITY_DISABLED;
    *why = "this may be done by who may do it to the cluster";
    return call_may_cluster(call, operation) ? KAFKA_ERR_NONE
                                             : KAFKA_ERR_CLUSTER_AUTHORIZATION_FAILED;
}

struct describing {
    struct call *call;
    struct kafka_describe_acls_res *res;
    int32_t count;
};

static void count_acl(void *context, const struct acl *acl)
{
    struct describing *d = context;

    (void)acl;
    d->count++;
}

static bool is_same_resource(const struct kafka_describe_acls_res_resource *r, const struct acl *a)
{
    return r->resource_type == (int8_t)a->resource && r->pattern_type == (int8_t)a->pattern &&
           bytes_equal(r->resource_name, a->name);
}

static struct kafka_describe_acls_res_acl *next_acl(struct arena *arena,
                                                    struct kafka_describe_acls_res_resource *r)
{
    int32_t n = r->acls.count++;

    if ((n & (n - 1)) == 0) { /* full at each power of two */
        struct kafka_describe_acls_res_acl *more =
            kafka_describe_acls_res_acl_new(arena, n ? 2 * n : 1);
        if (n)
            memcpy(more, r->acls.at, (size_t)n * sizeof(*more));
        r->acls.at = more;
    }
    return &r->acls.at[n];
}

static void describe_acl(void *context, const struct acl *a)
{
    struct describing *d = context;
    struct kafka_describe_acls_res *res = d->res;
    struct kafka_describe_acls_res_resource *r =
        res->resources.count ? &res->resources.at[res->resources.count - 1] : NULL;

    if (!r || !is_same_resource(r, a)) {
        r = &res->resources.at[res->resources.count++];
        r->resource_type = (int8_t)a->resource;
        r->pattern_type = (int8_t)a->pattern;
        r->resource_name = a->name;
    }
    *next_acl(&d->call->arena, r) = (struct kafka_describe_acls_res_acl){
        a->principal, a->host, (int8_t)a->operation, (int8_t)a->permission};
}

void kafka_on_describe_acls(struct call *call, const void *request)
{
    const struct kafka_describe_acls_req *req = request;
    struct kafka_describe_acls_res res;
    struct describing d = {.call = call, .res = &res};
    const struct acl filter = {(uint8_t)req->resource_type_filter,
                               (uint8_t)req->pattern_type_filter,
                               (uint8_t)req->operation,
                               (uint8_t)req->permission_type,
                               req->resource_name_filter,
                               req->principal_filter,
                               req->host_filter};
    const char *why;

    kafka_describe_acls_res_init(&res);
    res.error_code = (int16_t)refusal(call, ACL_DESCRIBE, &why);
    if (!res.error_code && (why = acl_filter_error(&filter)) != NULL)
        res.error_code = KAFKA_ERR_INVALID_REQUEST;
    if (res.error_code) {
        res.error_message = bytes_str(why);
        call_answer(call, &res);
        return;
    }
    const struct acls *acls = security_acls(call->face->options.security);
    acls_each(acls, &filter, count_acl, &d);
    res.resources.at = kafka_describe_acls_res_resource_new(&call->arena, d.count);
    acls_each(acls, &filter, describe_acl, &d);
    call_answer(call, &res);
}

static void create_failed(struct call *call)
{
    struct kafka_create_acls_res *res = call->answer;

    for (int32_t i = 0; i < res->results.count; i++)
        res->results.at[i].error_code = KAFKA_ERR_KAFKA_STORAGE_ERROR;
}

static struct acl acl_of(const struct kafka_create_acls_req_creation *c)
{
    return (struct acl){(uint8_t)c->resource_type,
                        (uint8_t)c->resource_pattern_type,
                        (uint8_t)c->operation,
                        (uint8_t)c->permission_type,
                        c->resource_name,
                        c->principal,
                        c->host};
}

/* Those that may be kept, in one entry; counted at the index when that is taken. */
static void create_all(struct call *call, const struct kafka_create_acls_req *req,
                       struct kafka_create_acls_res *res, uint64_t *lsn)
{
    struct acls *acls = security_acls(call->face->options.security);
    struct log_entry *entry = log_entry_begin(call->face->log);
    uint32_t count = 0;

    for (int32_t i = 0; i < req->creations.count; i++) {
        const struct acl acl = acl_of(&req->creations.at[i]);
        const char *why = acl_error(&acl);
        if (!why && acls->count + count >= ACLS_MAX)
            why = "there are as many ACLs as can be";
        if (why) {
            res->results.at[i].error_code = KAFKA_ERR_INVALID_REQUEST;
            res->results.at[i].error_message = bytes_str(why);
            continue;
        }
        acl_keep(entry, &acl);
        count++;
    }
    if (!count) {
        log_entry_abort(entry);
        return;
    }
    if (log_entry_commit(entry, NULL, lsn) != ST_OK) {
        call->answer = res;
        create_failed(call);
        return;
    }
    for (int32_t i = 0; i < req->creations.count; i++) {
        const struct acl acl = acl_of(&req->creations.at[i]);
        if (!res->results.at[i].error_code)
            acls_add(acls, &acl);
    }
}

void kafka_on_create_acls(struct call *call, const void *request)
{
    const struct kafka_create_acls_req *req = request;
    struct kafka_create_acls_res *res = ARENA_NEW(&call->arena, struct kafka_create_acls_res);
    const char *why;
    uint64_t lsn = 0;

    kafka_create_acls_res_init(res);
    res->results.count = req->creations.count;
    res->results.at = kafka_create_acls_res_result_new(&call->arena, req->creations.count);
    enum kafka_error error = refusal(call, ACL_ALTER, &why);
    for (int32_t i = 0; error && i < req->creations.count; i++) {
        res->results.at[i].error_code = (int16_t)error;
        res->results.at[i].error_message = bytes_str(why);
    }
    if (!error)
        create_all(call, req, res, &lsn);
    call_answer_durable(call, res, lsn, create_failed);
}

enum { DELETED_MAX = 2 * ACLS_MAX }; /* of one answer: filters may name the same again and again */

struct deleting {
    struct call *call;
    int32_t *left;
    struct log_entry *entry;
    struct kafka_delete_acls_res_filter_result *out;
};

static void delete_acl(void *context, const struct acl *a)
{
    struct deleting *d = context;
    struct arena *arena = &d->call->arena;

    if (--*d->left < 0)
        return;
    int32_t n = d->out->matching_acls.count++;

    if ((n & (n - 1)) == 0) {
        struct kafka_delete_acls_res_matching_acl *more =
            kafka_delete_acls_res_matching_acl_new(arena, n ? 2 * n : 1);
        if (n)
            memcpy(more, d->out->matching_acls.at, (size_t)n * sizeof(*more));
        d->out->matching_acls.at = more;
    }
    struct kafka_delete_acls_res_matching_acl *m = &d->out->matching_acls.at[n];
    m->resource_type = (int8_t)a->resource;
    m->pattern_type = (int8_t)a->pattern;
    m->operation = (int8_t)a->operation;
    m->permission_type = (int8_t)a->permission;
    m->resource_name = arena_copy(arena, a->name);
    m->principal = arena_copy(arena, a->principal);
    m->host = arena_copy(arena, a->host);
    acl_drop(d->entry, a);
}

static void delete_failed(struct call *call)
{
    struct kafka_delete_acls_res *res = call->answer;

    for (int32_t i = 0; i < res->filter_results.count; i++) {
        res->filter_results.at[i].error_code = KAFKA_ERR_KAFKA_STORAGE_ERROR;
        res->filter_results.at[i].matching_acls.count = 0;
    }
}

/* The index changes when the log has taken it; the answer holds what goes. */
static void remove_deleted(struct acls *acls, const struct kafka_delete_acls_res *res)
{
    for (int32_t i = 0; i < res->filter_results.count; i++)
        for (int32_t k = 0; k < res->filter_results.at[i].matching_acls.count; k++) {
            const struct kafka_delete_acls_res_matching_acl *m =
                &res->filter_results.at[i].matching_acls.at[k];
            const struct acl acl = {(uint8_t)m->resource_type,
                                    (uint8_t)m->pattern_type,
                                    (uint8_t)m->operation,
                                    (uint8_t)m->permission_type,
                                    m->resource_name,
                                    m->principal,
                                    m->host};
            acls_remove(acls, &acl);
        }
}

static void delete_all(struct call *call, const struct kafka_delete_acls_req *req,
                       struct kafka_delete_acls_res *res, uint64_t *lsn)
{
    struct acls *acls = security_acls(call->face->options.security);
    struct log_entry *entry = log_entry_begin(call->face->log);
    int32_t left = DELETED_MAX;
    bool any = false;

    for (int32_t i = 0; i < req->filters.count; i++) {
        const struct kafka_delete_acls_req_filter *f = &req->filters.at[i];
        const struct acl filter = {(uint8_t)f->resource_type_filter,
                                   (uint8_t)f->pattern_type_filter,
                                   (uint8_t)f->operation,
                                   (uint8_t)f->permission_type,
                                   f->resource_name_filter,
                                   f->principal_filter,
                                   f->host_filter};
        struct deleting d = {call, &left, entry, &res->filter_results.at[i]};
        const char *why =
            left > 0 ? acl_filter_error(&filter) : "the filters before it name too many already";
        if (why) {
            d.out->error_code = KAFKA_ERR_INVALID_REQUEST;
            d.out->error_message = bytes_str(why);
            continue;
        }
        acls_each(acls, &filter, delete_acl, &d);
        any = any || d.out->matching_acls.count > 0;
    }
    if (!any) {
        log_entry_abort(entry);
    } else if (log_entry_commit(entry, NULL, lsn) != ST_OK) {
        call->answer = res;
        delete_failed(call);
    } else {
        remove_deleted(acls, res);
    }
}

void kafka_on_delete_acls(struct call *call, const void *request)
{
    const struct kafka_delete_acls_req *req = request;
    struct kafka_delete_acls_res *res = ARENA_NEW(&call->arena, struct kafka_delete_acls_res);
    const char *why;
    uint64_t lsn = 0;

    kafka_delete_acls_res_init(res);
    res->filter_results.count = req->filters.count;
    res->filter_results.at =
        kafka_delete_acls_res_filter_result_new(&call->arena, req->filters.count);
    enum kafka_error error = refusal(call, ACL_ALTER, &why);
    for (int32_t i = 0; error && i < req->filters.count; i++) {
        res->filter_results.at[i].error_code = (int16_t)error;
        res->filter_results.at[i].error_message = bytes_str(why);
    }
    if (!error)
        delete_all(call, req, res, &lsn);
    call_answer_durable(call, res, lsn, delete_failed);
}
