/* DescribeClientQuotas, AlterClientQuotas, and holding clients to them: an answer says how long its
 * client is to wait, and its connection is not read meanwhile.
 *
 * Kept in LOG_KV_QUOTAS, one fact an entity and quota; docs/format/kafka.md has the keys.
 *
 * An answer to Fetch is sent whole and the wait comes after it (Kafka sends an empty one first); what one
 * may have is bounded by what ten seconds allow, so the mean is the same. */
#include <math.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/endian.h"
#include "serve/kafka/face.h"

enum { MATCH_EXACT, MATCH_DEFAULT, MATCH_ANY };

static const char *const types[QUOTA_TYPES] = {"user", "client-id", "ip"};

static bool type_find(struct bytes name, enum quota_type *type)
{
    for (int i = 0; i < QUOTA_TYPES; i++) {
        *type = (enum quota_type)i;
        if (bytes_is(name, types[i]))
            return true;
    }
    return false;
}

/* ---- facts ---- */

/* Of a client id alone: 'c', id, or 'd' for the default, as when there was nothing else. Of others: 'e', and for
 * user, client id and address u8 what it is, u16 length, name. Then a zero byte and the quota's name. */
static struct bytes fact_key(struct buf *key, const struct quota_entity *entity, enum quota_kind kind)
{
    const struct quota_part *client = &entity->of[QUOTA_CLIENT];

    buf_clear(key);
    if (entity->of[QUOTA_USER].is == QUOTA_NOT_NAMED && entity->of[QUOTA_IP].is == QUOTA_NOT_NAMED) {
        buf_u8(key, client->is == QUOTA_NAMED ? 'c' : 'd');
        buf_bytes(key, client->is == QUOTA_NAMED ? client->name : BYTES_NONE);
    } else {
        buf_u8(key, 'e');
        for (int i = 0; i < QUOTA_TYPES; i++) {
            struct bytes name = entity->of[i].is == QUOTA_NAMED ? entity->of[i].name : BYTES_NONE;
            buf_u8(key, (uint8_t)entity->of[i].is);
            buf_u16_be(key, (uint16_t)name.len);
            buf_bytes(key, name);
        }
    }
    buf_u8(key, 0);
    buf_str(key, quota_name(kind));
    return buf_view(key);
}

static bool entity_parse(struct bytes key, struct quota_entity *out)
{
    struct reader r = reader_of(key);
    uint8_t form = reader_u8(&r);

    *out = (struct quota_entity){0};
    if (form == 'c')
        out->of[QUOTA_CLIENT] = (struct quota_part){.is = QUOTA_NAMED, .name = reader_rest(&r)};
    else if (form == 'd')
        out->of[QUOTA_CLIENT].is = QUOTA_DEFAULT;
    if (form != 'e')
        return !r.bad && (form == 'c' || form == 'd');
    for (int i = 0; i < QUOTA_TYPES; i++) {
        uint8_t is = reader_u8(&r);
        uint16_t len = reader_u16_be(&r);
        out->of[i] = (struct quota_part){.is = is, .name = reader_bytes(&r, len)};
        if (is > QUOTA_NAMED)
            return false;
    }
    return !r.bad && reader_left(&r) == 0;
}

static bool load_fact(void *context, struct bytes key, struct bytes value)
{
    struct kafka_face *face = context;
    struct quota_entity entity;
    enum quota_kind kind;
    double number;

    size_t end = key.len;
    while (end > 0 && key.ptr[end - 1] != 0)
        end--;
    if (end < 2 || value.len != 8 || !quota_find(bytes_skip(key, end), &kind) ||
        !entity_parse(bytes_head(key, end - 1), &entity))
        return true; /* not one of ours */
    uint64_t bits = load_u64_be(value.ptr);
    memcpy(&number, &bits, sizeof(number));
    if (isfinite(number) && number > 0)
        quotas_set(face->quotas, &entity, kind, number);
    return true;
}

void face_quotas_open(struct kafka_face *face)
{
    face->quotas = quotas_create();
    log_kv_scan(face->log, LOG_KV_QUOTAS, BYTES_NONE, load_fact, face);
}

void face_quotas_close(struct kafka_face *face)
{
    quotas_destroy(face->quotas);
}

/* ---- holding clients to them ---- */

static void say_wait(const struct call *call, void *response, int64_t wait_ms)
{
    const struct kafka_struct *type = call->api->response;

    for (int i = 0; i < type->fields_count; i++) {
        if (strcmp(type->fields[i].name, "throttle_time_ms") == 0)
            *(int32_t *)(void *)((char *)response + type->fields[i].at) = (int32_t)wait_ms;
    }
}

static double bytes_of_views(const struct call *call)
{
    double bytes = 0;

    for (uint32_t i = 0; i < call->views_count; i++)
        bytes += (double)call->views[i].bytes.len;
    return bytes;
}

static int64_t longer(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

int64_t face_charge(struct call *call, void *response)
{
    struct quota_client *c = call->quota;
    int64_t now_ms = face_now_ms(call->face), wait_ms = call->wait_ms;

    if (!c)
        return 0;
    if (call->api->key == KAFKA_PRODUCE)
        wait_ms = longer(wait_ms, quota_charge(c, QUOTA_PRODUCE, call->request_bytes, now_ms));
    if (call->api->key == KAFKA_FETCH)
        wait_ms = longer(wait_ms, quota_charge(c, QUOTA_CONSUME, bytes_of_views(call), now_ms));
    if (quota_is_set(c, QUOTA_REQUEST)) {
        int64_t ns = os_mono_ns(loop_os(call->face->loop)) - call->begun_ns;
        if (!call->running)
            ns = call->ran_ns;
        wait_ms = longer(wait_ms, quota_charge(c, QUOTA_REQUEST, (double)ns / 1e7, now_ms));
    }
    if (wait_ms && response)
        say_wait(call, response, wait_ms);
    return wait_ms;
}

enum kafka_error face_may_mutate(struct call *call, int16_t strict_from, int64_t partitions)
{
    struct quota_client *c = call->quota;
    int64_t now_ms = face_now_ms(call->face);

    if (!c || !quota_is_set(c, QUOTA_MUTATION))
        return KAFKA_ERR_NONE;
    int64_t debt_ms = quota_debt(c, now_ms);
    if (debt_ms && call->version >= strict_from) {
        call->wait_ms = longer(call->wait_ms, debt_ms);
        return KAFKA_ERR_THROTTLING_QUOTA_EXCEEDED;
    }
    call->wait_ms = longer(call->wait_ms, quota_charge(c, QUOTA_MUTATION, (double)partitions, now_ms));
    return KAFKA_ERR_NONE;
}

/* ---- DescribeClientQuotas ---- */

struct describing {
    const struct kafka_describe_client_quotas_req *req;
    struct kafka_describe_client_quotas_res *res;
    struct call *call;
    int32_t room;
};

static bool component_matches(const struct kafka_describe_client_quotas_req_component *c,
                              const struct quota_part *part)
{
    switch (c->match_type) {
    case MATCH_EXACT: return part->is == QUOTA_NAMED && bytes_equal(c->match, part->name);
    case MATCH_DEFAULT: return part->is == QUOTA_DEFAULT;
    default: return part->is != QUOTA_NOT_NAMED;
    }
}

/* Each component fits; strict: the entity has no other types than theirs. */
static bool matches(const struct kafka_describe_client_quotas_req *req, const struct quota_entity *entity)
{
    enum quota_type type;
    int32_t named = 0;

    for (int32_t i = 0; i < req->components.count; i++) {
        const struct kafka_describe_client_quotas_req_component *c = &req->components.at[i];
        if (!type_find(c->entity_type, &type) || !component_matches(c, &entity->of[type]))
            return false;
    }
    for (int i = 0; i < QUOTA_TYPES; i++)
        named += entity->of[i].is != QUOTA_NOT_NAMED;
    return !req->strict || named == req->components.count;
}

static void count_entry(void *context, const struct quota_entity *entity, const double values[QUOTA_KINDS])
{
    struct describing *d = context;

    (void)values;
    d->room += matches(d->req, entity);
}

static void describe_entry(void *context, const struct quota_entity *entity, const double values[QUOTA_KINDS])
{
    struct describing *d = context;
    struct arena *arena = &d->call->arena;

    if (!matches(d->req, entity))
        return;
    struct kafka_describe_client_quotas_res_entry *e = &d->res->entries.at[d->res->entries.count++];
    e->entity.at = kafka_describe_client_quotas_res_entity_new(arena, QUOTA_TYPES);
    for (int i = 0; i < QUOTA_TYPES; i++) {
        if (entity->of[i].is == QUOTA_NOT_NAMED)
            continue;
        struct kafka_describe_client_quotas_res_entity *out = &e->entity.at[e->entity.count++];
        out->entity_type = bytes_str(types[i]);
        out->entity_name = entity->of[i].is == QUOTA_NAMED ? entity->of[i].name : BYTES_NONE;
    }
    e->values.at = kafka_describe_client_quotas_res_value_new(arena, QUOTA_KINDS);
    for (int i = 0; i < QUOTA_KINDS; i++) {
        if (values[i] <= 0)
            continue;
        struct kafka_describe_client_quotas_res_value *v = &e->values.at[e->values.count++];
        v->key = bytes_str(quota_name((enum quota_kind)i));
        v->value = values[i];
    }
}

/* NULL: they are right. */
static const char *components_error(const struct kafka_describe_client_quotas_req *req, enum kafka_error *error)
{
    bool named[QUOTA_TYPES] = {false};
    enum quota_type type;

    *error = KAFKA_ERR_INVALID_REQUEST;
    for (int32_t i = 0; i < req->components.count; i++) {
        const struct kafka_describe_client_quotas_req_component *c = &req->components.at[i];
        if (!type_find(c->entity_type, &type)) {
            *error = KAFKA_ERR_UNSUPPORTED_VERSION;
            return "entities are client-id, user and ip";
        }
        if (c->match_type < MATCH_EXACT || c->match_type > MATCH_ANY ||
            (c->match_type == MATCH_EXACT) != (c->match.ptr != NULL))
            return "a match is exact (0) with a name, or default (1) or any (2) without";
        if (named[type])
            return "an entity's type is named twice";
        named[type] = true;
    }
    if (named[QUOTA_IP] && (named[QUOTA_USER] || named[QUOTA_CLIENT]))
        return "ip goes with neither user nor client-id";
    return NULL;
}

void kafka_on_describe_client_quotas(struct call *call, const void *request)
{
    struct kafka_describe_client_quotas_res res;
    struct describing d = {request, &res, call, 0};
    enum kafka_error error = KAFKA_ERR_CLUSTER_AUTHORIZATION_FAILED;
    const char *why = call_may_cluster(call, ACL_DESCRIBE_CONFIGS)
                          ? components_error(request, &error)
                          : "DESCRIBE_CONFIGS of the cluster is needed";

    kafka_describe_client_quotas_res_init(&res);
    if (why) {
        res.error_code = (int16_t)error;
        res.error_message = bytes_str(why);
        res.entries.count = -1;
        call_answer(call, &res);
        return;
    }
    quotas_each(call->face->quotas, count_entry, &d);
    res.entries.at = kafka_describe_client_quotas_res_entry_new(&call->arena, d.room);
    quotas_each(call->face->quotas, describe_entry, &d);
    call_answer(call, &res);
}

/* ---- AlterClientQuotas ---- */

static const char *entity_error(const struct kafka_alter_client_quotas_req_entry *e, struct quota_entity *out)
{
    enum quota_type type;

    *out = (struct quota_entity){0};
    if (e->entity.count == 0)
        return "the entity is empty";
    for (int32_t i = 0; i < e->entity.count; i++) {
        struct bytes name = e->entity.at[i].entity_name;
        if (!type_find(e->entity.at[i].entity_type, &type))
            return "entities are client-id, user and ip";
        if (out->of[type].is != QUOTA_NOT_NAMED)
            return "an entity's type is named twice";
        if (name.ptr && (name.len == 0 || name.len > INT16_MAX))
            return "an entity's name is empty or too long";
        out->of[type] = (struct quota_part){.is = name.ptr ? QUOTA_NAMED : QUOTA_DEFAULT, .name = name};
    }
    if (out->of[QUOTA_IP].is != QUOTA_NOT_NAMED && e->entity.count > 1)
        return "ip goes with neither user nor client-id";
    return NULL;
}

static const char *op_error(const struct kafka_alter_client_quotas_req_op *op, bool of_ip)
{
    enum quota_kind kind;

    if (!quota_find(op->key, &kind) || (kind == QUOTA_CONNECT) != of_ip)
        return of_ip ? "an address has connection_creation_rate"
                     : "quotas are producer_byte_rate, consumer_byte_rate, request_percentage and "
                       "controller_mutation_rate";
    if (op->remove)
        return NULL;
    if (!(isfinite(op->value) && op->value > 0))
        return "a quota is a number above 0";
    if ((kind == QUOTA_PRODUCE || kind == QUOTA_CONSUME || kind == QUOTA_CONNECT) &&
        op->value != floor(op->value))
        return "a rate of bytes or connections is a whole number";
    return NULL;
}

static const char *entry_error(const struct kafka_alter_client_quotas_req_entry *e, struct quota_entity *entity)
{
    const char *why = entity_error(e, entity);

    for (int32_t i = 0; i < e->ops.count && !why; i++)
        why = op_error(&e->ops.at[i], entity->of[QUOTA_IP].is != QUOTA_NOT_NAMED);
    return why;
}

static void keep_ops(struct call *call, const struct kafka_alter_client_quotas_req_entry *e,
                     const struct quota_entity *entity, struct log_entry *entry)
{
    enum quota_kind kind;
    struct buf key;

    buf_init(&key, 0);
    for (int32_t i = 0; i < e->ops.count; i++) {
        const struct kafka_alter_client_quotas_req_op *op = &e->ops.at[i];
        uint8_t value[8];
        uint64_t bits;
        CHECK(quota_find(op->key, &kind));
        memcpy(&bits, &op->value, sizeof(bits));
        store_u64_be(value, bits);
        log_entry_kv(entry, LOG_KV_QUOTAS, fact_key(&key, entity, kind),
                     op->remove ? BYTES_NONE : bytes_of(value, sizeof(value)));
        quotas_set(call->face->quotas, entity, kind, op->remove ? 0 : op->value);
    }
    buf_deinit(&key);
}

static void alter_failed(struct call *call)
{
    struct kafka_alter_client_quotas_res *res = call->answer;

    for (int32_t i = 0; i < res->entries.count; i++) {
        if (!res->entries.at[i].error_code)
            res->entries.at[i].error_code = KAFKA_ERR_KAFKA_STORAGE_ERROR;
    }
}

void kafka_on_alter_client_quotas(struct call *call, const void *request)
{
    const struct kafka_alter_client_quotas_req *req = request;
    struct kafka_alter_client_quotas_res *res =
        ARENA_NEW(&call->arena, struct kafka_alter_client_quotas_res);
    struct log_entry *entry = log_entry_begin(call->face->log);
    bool allowed = call_may_cluster(call, ACL_ALTER_CONFIGS);
    uint64_t lsn = 0;

    kafka_alter_client_quotas_res_init(res);
    res->entries.count = req->entries.count;
    res->entries.at = kafka_alter_client_quotas_res_entry_new(&call->arena, req->entries.count);
    for (int32_t i = 0; i < req->entries.count; i++) {
        const struct kafka_alter_client_quotas_req_entry *asked = &req->entries.at[i];
        struct kafka_alter_client_quotas_res_entry *out = &res->entries.at[i];
        struct quota_entity entity;
        const char *why = allowed ? entry_error(asked, &entity) : "ALTER_CONFIGS of the cluster is needed";
        out->entity.count = asked->entity.count;
        out->entity.at = kafka_alter_client_quotas_res_entity_new(&call->arena, asked->entity.count);
        for (int32_t k = 0; k < asked->entity.count; k++) {
            out->entity.at[k].entity_type = arena_copy(&call->arena, asked->entity.at[k].entity_type);
            if (asked->entity.at[k].entity_name.ptr)
                out->entity.at[k].entity_name =
                    arena_copy(&call->arena, asked->entity.at[k].entity_name);
        }
        out->error_code = !allowed ? KAFKA_ERR_CLUSTER_AUTHORIZATION_FAILED
                          : why    ? KAFKA_ERR_INVALID_REQUEST
                                   : KAFKA_ERR_NONE;
        out->error_message = why ? bytes_str(why) : BYTES_NONE;
        if (!why && !req->validate_only)
            keep_ops(call, asked, &entity, entry);
    }
    if (req->validate_only) {
        log_entry_abort(entry);
    } else if (log_entry_commit(entry, NULL, &lsn) != ST_OK) {
        call->answer = res;
        alter_failed(call);
    }
    call_answer_durable(call, res, lsn, alter_failed);
}
