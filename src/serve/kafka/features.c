/* Features: what clients use only where a level of it says so (KIP-584). The levels can be changed,
 * and are facts of the log:
 *
 *     LOG_KV_FEATURES    key  feature's name    value  u8 version 1 | i16 level
 *                        key  "epoch"           value  u8 version 1 | i64 changes so far
 *
 * Clients tell an older answer from a newer one by an epoch, which so goes up with each change (and
 * with the leader epoch, at each start). */
#include "base/check.h"
#include "base/reader.h"
#include "serve/kafka/face.h"

enum { VALUE_VERSION = 1, UPGRADE = 1, SAFE_DOWNGRADE = 2, UNSAFE_DOWNGRADE = 3 };

struct feature {
    const char *name;
    int16_t most;  /* levels are 0, which is without it, to this */
    int16_t level; /* as long as nobody has set one */
};

static const struct feature features[] = {
    {"group.version", 1, 1}, /* groups that the server assigns (KIP-848) */
    {"transaction.version", 2, 2}, /* 2: the second version of transactions (KIP-890) */
};
enum { FEATURES_COUNT = sizeof(features) / sizeof(*features) };

static const struct feature *find(struct bytes name)
{
    for (int i = 0; i < FEATURES_COUNT; i++)
        if (bytes_is(name, features[i].name))
            return &features[i];
    return NULL;
}

static int16_t level_of(const struct kafka_face *face, const struct feature *f)
{
    struct bytes value;

    if (!log_kv_get(face->log, LOG_KV_FEATURES, bytes_str(f->name), &value))
        return f->level;
    struct reader r = reader_of(value);
    bool known = reader_u8(&r) == VALUE_VERSION;
    int16_t level = (int16_t)reader_u16_be(&r);
    return known && !r.bad && level >= 0 && level <= f->most ? level : f->level;
}

static int64_t changes(const struct kafka_face *face)
{
    struct bytes value;

    if (!log_kv_get(face->log, LOG_KV_FEATURES, BYTES_LITERAL("epoch"), &value))
        return 0;
    struct reader r = reader_of(value);
    bool known = reader_u8(&r) == VALUE_VERSION;
    int64_t count = (int64_t)reader_u64_be(&r);
    return known && !r.bad ? count : 0;
}

bool features_has(const struct kafka_face *face, const char *name)
{
    return level_of(face, find(bytes_str(name))) > 0;
}

/* Clients before version 4 take a least level of 0 for nonsense: Kafka does not tell them either. A
 * level of 0 is none. */
void features_name(struct call *call, struct kafka_api_versions_res *res)
{
    res->supported_features.at =
        kafka_api_versions_res_supported_feature_new(&call->arena, FEATURES_COUNT);
    res->finalized_features.at =
        kafka_api_versions_res_finalized_feature_new(&call->arena, FEATURES_COUNT);
    res->finalized_features_epoch = log_leader_epoch(call->face->log) + changes(call->face);
    for (int i = 0; i < FEATURES_COUNT; i++) {
        int16_t level = level_of(call->face, &features[i]);
        if (call->version >= 4) {
            struct kafka_api_versions_res_supported_feature *s =
                &res->supported_features.at[res->supported_features.count++];
            s->name = bytes_str(features[i].name);
            s->max_version = features[i].most;
        }
        if (!level)
            continue;
        struct kafka_api_versions_res_finalized_feature *f =
            &res->finalized_features.at[res->finalized_features.count++];
        f->name = bytes_str(features[i].name);
        f->max_version_level = f->min_version_level = level;
    }
}

/* ---- UpdateFeatures ---- */

/* Version 0 has a flag where later ones have the kind of change. */
static int8_t upgrade_type(const struct call *call,
                           const struct kafka_update_features_req_feature_update *u)
{
    return call->version > 0 ? u->upgrade_type : u->allow_downgrade ? SAFE_DOWNGRADE : UPGRADE;
}

static const char *refusal(struct call *call, const struct kafka_update_features_req_feature_update *u,
                           enum kafka_error *error)
{
    const struct feature *f = find(u->feature);
    int8_t type = upgrade_type(call, u);

    *error = KAFKA_ERR_INVALID_UPDATE_VERSION;
    if (type < UPGRADE || type > UNSAFE_DOWNGRADE) {
        *error = KAFKA_ERR_INVALID_REQUEST;
        return "the kind of change is 1 (up), 2 (safely down) or 3 (down)";
    }
    if (!f)
        return arena_printf(&call->arena, "there is no feature %.*s", BYTES_FMT(u->feature));
    int16_t level = level_of(call->face, f);
    if (u->max_version_level < 0 || u->max_version_level > f->most)
        return arena_printf(&call->arena, "the levels of %s are 0 to %d, not %d", f->name, f->most,
                            u->max_version_level);
    if (u->max_version_level < level && type == UPGRADE)
        return arena_printf(&call->arena, "%s is at level %d: to go down must be asked for as such",
                            f->name, level);
    if (u->max_version_level > level && type != UPGRADE)
        return arena_printf(&call->arena, "%s is at level %d: %d is not down", f->name, level,
                            u->max_version_level);
    *error = KAFKA_ERR_NONE;
    return NULL;
}

static void put_level(struct log_entry *entry, struct bytes name, int16_t level)
{
    struct buf value;

    buf_init(&value, 0);
    buf_u8(&value, VALUE_VERSION);
    buf_u16_be(&value, (uint16_t)level);
    log_entry_kv(entry, LOG_KV_FEATURES, name, buf_view(&value));
    buf_deinit(&value);
}

static void put_changes(struct log_entry *entry, int64_t count)
{
    struct buf value;

    buf_init(&value, 0);
    buf_u8(&value, VALUE_VERSION);
    buf_u64_be(&value, (uint64_t)count);
    log_entry_kv(entry, LOG_KV_FEATURES, BYTES_LITERAL("epoch"), buf_view(&value));
    buf_deinit(&value);
}

/* All or none, as in Kafka: the first that is refused is the answer of the whole. */
static bool is_refused(struct call *call, const struct kafka_update_features_req *req,
                       struct kafka_update_features_res *res)
{
    for (int32_t i = 0; i < req->feature_updates.count; i++) {
        enum kafka_error error;
        const char *why = refusal(call, &req->feature_updates.at[i], &error);
        if (!error)
            continue;
        res->error_code = (int16_t)error;
        res->error_message = bytes_str(why);
        return true;
    }
    return false;
}

static void update_failed(struct call *call)
{
    struct kafka_update_features_res *res = call->answer;

    kafka_update_features_res_init(res);
    res->error_code = KAFKA_ERR_COORDINATOR_NOT_AVAILABLE;
}

void kafka_on_update_features(struct call *call, const void *request)
{
    const struct kafka_update_features_req *req = request;
    struct kafka_update_features_res *res =
        ARENA_NEW(&call->arena, struct kafka_update_features_res);
    int32_t count = req->feature_updates.count;
    uint64_t lsn = 0;

    kafka_update_features_res_init(res);
    if (!call_may_cluster(call, ACL_ALTER)) {
        res->error_code = KAFKA_ERR_CLUSTER_AUTHORIZATION_FAILED;
        call_answer(call, res);
        return;
    }
    if (is_refused(call, req, res)) {
        call_answer(call, res);
        return;
    }
    res->results.count = count;
    res->results.at = kafka_update_features_res_result_new(&call->arena, count);
    for (int32_t i = 0; i < count; i++)
        res->results.at[i].feature = arena_copy(&call->arena, req->feature_updates.at[i].feature);
    if (count && !req->validate_only) {
        struct log_entry *entry = log_entry_begin(call->face->log);
        for (int32_t i = 0; i < count; i++)
            put_level(entry, req->feature_updates.at[i].feature,
                      req->feature_updates.at[i].max_version_level);
        put_changes(entry, changes(call->face) + 1);
        if (log_entry_commit(entry, NULL, &lsn) != ST_OK)
            res->error_code = KAFKA_ERR_COORDINATOR_NOT_AVAILABLE;
    }
    call_answer_durable(call, res, lsn, update_failed);
}
