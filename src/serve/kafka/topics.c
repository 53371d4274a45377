/* Topics over the protocol: CreateTopics, DeleteTopics, CreatePartitions, DeleteRecords, and the
 * look-ups that the other handlers share. The log's internal topics are not there for clients. */
#include "base/check.h"
#include "base/map.h"
#include "serve/kafka/face.h"

struct log_topic *face_topic_visible(const struct kafka_face *face, struct bytes name,
                                     const uint8_t *id)
{
    struct log_topic *topic = NULL;

    if (name.ptr)
        topic = log_topic_find(face->log, name);
    else if (id)
        topic = log_topic_by_id(face->log, id);
    return topic && !log_topic_info(topic)->options.internal ? topic : NULL;
}

struct log_partition *face_partition(const struct log_topic *topic, int32_t index)
{
    if (index < 0 || (uint32_t)index >= log_topic_info(topic)->partitions)
        return NULL;
    return log_partition_of(topic, (uint32_t)index);
}

static enum kafka_error create_error(enum status st)
{
    switch (st) {
    case ST_OK: return KAFKA_ERR_NONE;
    case ST_EXISTS: return KAFKA_ERR_TOPIC_ALREADY_EXISTS;
    case ST_INVALID: return KAFKA_ERR_INVALID_TOPIC_EXCEPTION;
    case ST_NOSPACE: return KAFKA_ERR_POLICY_VIOLATION;
    default: return KAFKA_ERR_KAFKA_STORAGE_ERROR;
    }
}

enum kafka_error face_topic_auto_create(struct kafka_face *face, struct bytes name,
                                        struct log_topic **out, uint64_t *lsn)
{
    struct log_topic_options options = {0};
    uint64_t at = 0;

    configs_topic_defaults(face, &options);
    if (!log_topic_name_valid(name))
        return KAFKA_ERR_INVALID_TOPIC_EXCEPTION;
    if (face->options.no_auto_create || log_topic_find(face->log, name))
        return KAFKA_ERR_UNKNOWN_TOPIC_OR_PARTITION; /* off, or ours and not for clients */
    enum kafka_error error = create_error(log_topic_create(
        face->log, name, face->options.partitions_default, &options, out, &at, NULL));
    if (at > *lsn)
        *lsn = at;
    return error;
}

/* ---- CreateTopics ---- */

static struct bytes say(struct call *call, const char *text)
{
    return arena_copy(&call->arena, bytes_str(text));
}

static enum kafka_error take_configs(const struct kafka_create_topics_req_topic *asked,
                                     struct log_topic_options *options, struct diag *diag)
{
    for (int32_t i = 0; i < asked->configs.count; i++) {
        struct bytes name = asked->configs.at[i].name, value = asked->configs.at[i].value;
        const struct config *c = config_find(CONFIG_TOPIC, name);
        if (!c)
            (void)diag_set(diag, ST_INVALID, DIAG_NAME, "unknown topic configuration '%.*s'",
                           BYTES_FMT(bytes_head(name, 200)));
        const char *want = c && value.ptr ? config_apply(c, value, options) : NULL;
        if (want)
            (void)diag_set(diag, ST_INVALID, DIAG_VALUE, "'%.*s' is not a value of %s: %s",
                           BYTES_FMT(bytes_head(value, 80)), c->name, want);
        if (!c || want)
            return KAFKA_ERR_INVALID_CONFIG;
    }
    return KAFKA_ERR_NONE;
}

/* An explicit assignment names each partition from 0 and this node as its only replica. */
static enum kafka_error count_partitions(const struct kafka_face *face,
                                         const struct kafka_create_topics_req_topic *asked,
                                         int32_t *partitions, struct diag *diag)
{
    int32_t assigned = asked->assignments.count;

    *partitions = asked->num_partitions == -1 ? (int32_t)face->options.partitions_default
                                              : asked->num_partitions;
    if (assigned > 0) {
        if (asked->num_partitions != -1 || asked->replication_factor != -1) {
            (void)diag_set(diag, ST_INVALID, DIAG_VALUE,
                           "with an assignment, partitions and replication factor must be -1");
            return KAFKA_ERR_INVALID_REQUEST;
        }
        for (int32_t i = 0; i < assigned; i++) {
            const struct kafka_create_topics_req_assignment *a = &asked->assignments.at[i];
            if (a->partition_index < 0 || a->partition_index >= assigned ||
                a->broker_ids.count != 1 || a->broker_ids.at[0] != face->options.node_id) {
                (void)diag_set(diag, ST_INVALID, DIAG_VALUE,
                               "node %d is the only one, and partitions count from 0",
                               face->options.node_id);
                return KAFKA_ERR_INVALID_REPLICA_ASSIGNMENT;
            }
        }
        *partitions = assigned;
        return KAFKA_ERR_NONE;
    }
    if (*partitions < 1 || *partitions > LOG_PARTITIONS_MAX) {
        (void)diag_set(diag, ST_INVALID, DIAG_VALUE, "partitions must be 1 to %d, or -1 for %u",
                       LOG_PARTITIONS_MAX, face->options.partitions_default);
        return KAFKA_ERR_INVALID_PARTITIONS;
    }
    if (asked->replication_factor != -1 && asked->replication_factor != 1) {
        (void)diag_set(diag, ST_INVALID, DIAG_VALUE,
                       "there is one node: the replication factor is 1 (or -1)");
        return KAFKA_ERR_INVALID_REPLICATION_FACTOR;
    }
    return KAFKA_ERR_NONE;
}

/* How often each name is asked for, as a pointer into this. */
static const char once_or_more[2];

static void count_name(struct map *names, struct bytes name)
{
    if (map_put(names, name, (void *)(uintptr_t)&once_or_more[0]))
        map_put(names, name, (void *)(uintptr_t)&once_or_more[1]);
}

static bool is_twice(const struct map *names, struct bytes name)
{
    return map_get(names, name) == &once_or_more[1];
}

static enum kafka_error check_topic(struct call *call,
                                    const struct kafka_create_topics_req_topic *asked, bool twice,
                                    struct log_topic_options *options, int32_t *partitions,
                                    struct diag *diag)
{
    if (twice) {
        (void)diag_set(diag, ST_INVALID, DIAG_NAME, "the request names this topic twice");
        return KAFKA_ERR_INVALID_REQUEST;
    }
    if (!log_topic_name_valid(asked->name)) {
        (void)diag_set(diag, ST_INVALID, DIAG_NAME,
                       "a topic's name is 1 to %d of a-z A-Z 0-9 . _ - (and not . or ..)",
                       LOG_NAME_MAX);
        return KAFKA_ERR_INVALID_TOPIC_EXCEPTION;
    }
    if (log_topic_find(call->face->log, asked->name)) {
        (void)diag_set(diag, ST_EXISTS, DIAG_EXISTS, "topic '%.*s' already exists",
                       BYTES_FMT(asked->name));
        return KAFKA_ERR_TOPIC_ALREADY_EXISTS;
    }
    enum kafka_error error = count_partitions(call->face, asked, partitions, diag);
    return error ? error : take_configs(asked, options, diag);
}

static void keep_configs(struct kafka_face *face, const struct kafka_create_topics_req_topic *asked)
{
    struct log_entry *entry = log_entry_begin(face->log);
    int kept = 0;

    for (int32_t i = 0; i < asked->configs.count; i++) {
        if (!asked->configs.at[i].value.ptr)
            continue;
        config_keep(entry, CONFIG_TOPIC, asked->name,
                    config_find(CONFIG_TOPIC, asked->configs.at[i].name), asked->configs.at[i].value);
        kept++;
    }
    if (kept)
        (void)!log_entry_commit(entry, NULL, NULL); /* the options themselves are the topic's */
    else
        log_entry_abort(entry);
}

static void describe_created(struct call *call, struct log_topic *topic,
                             struct kafka_create_topics_res_topic *out)
{
    struct config_entry *entries =
        ARENA_ARRAY(&call->arena, struct config_entry, CONFIG_ENTRIES_MAX);
    int count = configs_of_topic(call->face, topic, &call->arena, entries);

    memcpy(out->topic_id, log_topic_info(topic)->id, LOG_ID_BYTES);
    if (!call_may(call, ACL_DESCRIBE_CONFIGS, ACL_TOPIC, log_topic_info(topic)->name)) {
        out->topic_config_error_code = KAFKA_ERR_TOPIC_AUTHORIZATION_FAILED;
        return;
    }
    out->configs.at = kafka_create_topics_res_config_new(&call->arena, count);
    out->configs.count = count;
    for (int i = 0; i < count; i++) {
        out->configs.at[i].name = bytes_str(entries[i].name);
        out->configs.at[i].value = entries[i].value;
        out->configs.at[i].config_source = entries[i].source;
    }
}

enum create { CREATE, CREATE_CHECKED_ONLY };

static enum kafka_error may_mutate(struct call *call, int16_t strict_from, int64_t partitions,
                                   struct diag *diag)
{
    enum kafka_error error = face_may_mutate(call, strict_from, partitions);

    if (error)
        (void)diag_set(diag, ST_NOSPACE, DIAG_VALUE,
                       "the client changes topics faster than its controller_mutation_rate allows");
    return error;
}

static void create_topic(struct call *call, const struct kafka_create_topics_req_topic *asked,
                         bool twice, enum create create,
                         struct kafka_create_topics_res_topic *out, uint64_t *lsn)
{
    struct log_topic_options options = {0};
    struct log_topic *topic = NULL;
    struct diag diag = {0};
    uint64_t at = 0;
    int32_t partitions = 0;

    out->name = arena_copy(&call->arena, asked->name);
    configs_topic_defaults(call->face, &options);
    enum kafka_error error =
        call_may_create(call, asked->name)
            ? check_topic(call, asked, twice, &options, &partitions, &diag)
            : KAFKA_ERR_TOPIC_AUTHORIZATION_FAILED;
    if (!error && create == CREATE)
        error = may_mutate(call, 6, partitions, &diag);
    if (!error && create == CREATE) {
        error = create_error(log_topic_create(call->face->log, asked->name, (uint32_t)partitions,
                                              &options, &topic, &at, &diag));
        if (at > *lsn)
            *lsn = at;
    }
    out->error_code = (int16_t)error;
    if (error == KAFKA_ERR_TOPIC_ALREADY_EXISTS) /* told when the making of it, by whomever, is durable */
        *lsn = log_end_lsn(call->face->log);
    if (error) {
        out->error_message = say(call, diag.message);
        return;
    }
    out->num_partitions = partitions;
    out->replication_factor = 1;
    if (topic) {
        keep_configs(call->face, asked);
        describe_created(call, topic, out);
        uint64_t end = log_end_lsn(call->face->log); /* what was remembered, too */
        if (end > *lsn)
            *lsn = end;
    }
}

static void create_failed(struct call *call)
{
    struct kafka_create_topics_res *res = call->answer;

    for (int32_t i = 0; i < res->topics.count; i++)
        res->topics.at[i].error_code = KAFKA_ERR_KAFKA_STORAGE_ERROR;
}

void kafka_on_create_topics(struct call *call, const void *request)
{
    const struct kafka_create_topics_req *req = request;
    struct kafka_create_topics_res *res = ARENA_NEW(&call->arena, struct kafka_create_topics_res);
    struct map names;
    uint64_t lsn = 0;

    kafka_create_topics_res_init(res);
    res->topics.count = req->topics.count;
    res->topics.at = kafka_create_topics_res_topic_new(&call->arena, req->topics.count);
    map_init(&names);
    for (int32_t i = 0; i < req->topics.count; i++)
        count_name(&names, req->topics.at[i].name);
    for (int32_t i = 0; i < req->topics.count; i++) {
        create_topic(call, &req->topics.at[i], is_twice(&names, req->topics.at[i].name),
                     req->validate_only ? CREATE_CHECKED_ONLY : CREATE, &res->topics.at[i], &lsn);
    }
    map_deinit(&names);
    call_answer_durable(call, res, lsn, create_failed);
}

/* ---- DeleteTopics ---- */

static struct bytes topic_user(const struct kafka_face *face, struct bytes topic)
{
    const struct kafka_options *o = &face->options;
    return o->topic_user ? o->topic_user(o->topic_user_context, topic) : BYTES_NONE;
}

static void delete_topic(struct call *call, struct bytes name, const uint8_t *id,
                         struct kafka_delete_topics_res_topic *out, uint64_t *lsn)
{
    struct log_topic *topic = face_topic_visible(call->face, name, id);
    uint64_t at = 0;

    struct bytes real = topic ? log_topic_info(topic)->name : name;

    out->name = arena_copy(&call->arena, name);
    if (id)
        memcpy(out->topic_id, id, LOG_ID_BYTES);
    if (real.ptr && !call_may(call, ACL_DELETE, ACL_TOPIC, real)) {
        out->error_code = KAFKA_ERR_TOPIC_AUTHORIZATION_FAILED; /* there or not */
        return;
    }
    if (!topic) { /* told when its deletion, by whomever, is durable */
        *lsn = log_end_lsn(call->face->log);
        out->error_code =
            name.ptr ? KAFKA_ERR_UNKNOWN_TOPIC_OR_PARTITION : KAFKA_ERR_UNKNOWN_TOPIC_ID;
        return;
    }
    out->name = arena_copy(&call->arena, log_topic_info(topic)->name);
    memcpy(out->topic_id, log_topic_info(topic)->id, LOG_ID_BYTES);
    struct bytes user = topic_user(call->face, out->name);
    if (user.len) {
        out->error_code = KAFKA_ERR_POLICY_VIOLATION;
        out->error_message = bytes_str(
            arena_printf(&call->arena, "job '%.*s' uses the topic: drop it first", BYTES_FMT(user)));
        return;
    }
    struct diag diag = {0};
    out->error_code = (int16_t)may_mutate(call, 5, log_topic_info(topic)->partitions, &diag);
    if (out->error_code) {
        out->error_message = say(call, diag.message);
        return;
    }
    offsets_forget_topic(call->face, out->name);
    configs_forget(call->face, out->name);
    if (log_topic_delete(call->face->log, topic, &at) != ST_OK) {
        out->error_code = KAFKA_ERR_KAFKA_STORAGE_ERROR;
        out->error_message = say(call, "the topic could not be deleted");
        return;
    }
    if (at > *lsn)
        *lsn = at;
}

static void delete_failed(struct call *call)
{
    struct kafka_delete_topics_res *res = call->answer;

    for (int32_t i = 0; i < res->responses.count; i++)
        res->responses.at[i].error_code = KAFKA_ERR_KAFKA_STORAGE_ERROR;
}

void kafka_on_delete_topics(struct call *call, const void *request)
{
    const struct kafka_delete_topics_req *req = request;
    struct kafka_delete_topics_res *res = ARENA_NEW(&call->arena, struct kafka_delete_topics_res);
    uint64_t lsn = 0;
    int32_t count = call->version >= 6 ? req->topics.count : req->topic_names.count;

    kafka_delete_topics_res_init(res);
    res->responses.count = count;
    res->responses.at = kafka_delete_topics_res_topic_new(&call->arena, count);
    for (int32_t i = 0; i < count; i++) {
        if (call->version >= 6)
            delete_topic(call, req->topics.at[i].name, req->topics.at[i].topic_id,
                         &res->responses.at[i], &lsn);
        else
            delete_topic(call, req->topic_names.at[i], NULL, &res->responses.at[i], &lsn);
    }
    call_answer_durable(call, res, lsn, delete_failed);
}

/* ---- CreatePartitions ---- */

/* An assignment names this node as the only replica of each partition that is added. */
static bool assignment_fits(const struct kafka_face *face,
                            const struct kafka_create_partitions_req_topic *asked, uint32_t has)
{
    if (asked->assignments.count < 0)
        return true;
    if (asked->assignments.count != asked->count - (int32_t)has)
        return false;
    for (int32_t i = 0; i < asked->assignments.count; i++) {
        const struct kafka_create_partitions_req_assignment *a = &asked->assignments.at[i];
        if (a->broker_ids.count != 1 || a->broker_ids.at[0] != face->options.node_id)
            return false;
    }
    return true;
}

static enum kafka_error check_extension(struct call *call,
                                        const struct kafka_create_partitions_req_topic *asked,
                                        struct log_topic *topic, struct diag *diag)
{
    uint32_t has = log_topic_info(topic)->partitions;
    const struct kafka_options *o = &call->face->options;

    if (asked->count <= (int32_t)has || asked->count > LOG_PARTITIONS_MAX) {
        (void)diag_set(diag, ST_INVALID, DIAG_VALUE,
                       "topic '%.*s' has %u partitions; it can be given more, up to %d",
                       BYTES_FMT(asked->name), has, LOG_PARTITIONS_MAX);
        return KAFKA_ERR_INVALID_PARTITIONS;
    }
    if (!assignment_fits(call->face, asked, has)) {
        (void)diag_set(diag, ST_INVALID, DIAG_VALUE,
                       "an assignment has one list for each of the %d partitions that are added, and "
                       "node %d is the only one",
                       asked->count - (int32_t)has, call->face->options.node_id);
        return KAFKA_ERR_INVALID_REPLICA_ASSIGNMENT;
    }
    if (o->topic_may_have && o->topic_may_have(o->topic_user_context, asked->name,
                                               (uint32_t)asked->count, diag) != ST_OK)
        return KAFKA_ERR_POLICY_VIOLATION;
    return KAFKA_ERR_NONE;
}

static enum kafka_error extend_topic(struct call *call,
                                     const struct kafka_create_partitions_req_topic *asked,
                                     enum create create, uint64_t *lsn, struct diag *diag)
{
    struct log_topic *topic = face_topic_visible(call->face, asked->name, NULL);
    uint64_t at = 0;

    if (!call_may(call, ACL_ALTER, ACL_TOPIC, asked->name))
        return KAFKA_ERR_TOPIC_AUTHORIZATION_FAILED;
    if (!topic) {
        (void)diag_set(diag, ST_NOTFOUND, DIAG_NAME, "there is no such topic");
        return KAFKA_ERR_UNKNOWN_TOPIC_OR_PARTITION;
    }
    enum kafka_error error = check_extension(call, asked, topic, diag);
    if (!error && create == CREATE)
        error = may_mutate(call, 3, asked->count - (int64_t)log_topic_info(topic)->partitions, diag);
    if (error || create == CREATE_CHECKED_ONLY)
        return error;
    enum status st =
        log_topic_extend(call->face->log, topic, (uint32_t)asked->count, &at, diag);
    if (st != ST_OK)
        return st == ST_INVALID ? KAFKA_ERR_INVALID_PARTITIONS : KAFKA_ERR_KAFKA_STORAGE_ERROR;
    if (at > *lsn)
        *lsn = at;
    return KAFKA_ERR_NONE;
}

static void extend_failed(struct call *call)
{
    struct kafka_create_partitions_res *res = call->answer;

    for (int32_t i = 0; i < res->results.count; i++)
        res->results.at[i].error_code = KAFKA_ERR_KAFKA_STORAGE_ERROR;
}

void kafka_on_create_partitions(struct call *call, const void *request)
{
    const struct kafka_create_partitions_req *req = request;
    struct kafka_create_partitions_res *res =
        ARENA_NEW(&call->arena, struct kafka_create_partitions_res);
    enum create create = req->validate_only ? CREATE_CHECKED_ONLY : CREATE;
    uint64_t lsn = 0;
    struct map names;

    kafka_create_partitions_res_init(res);
    res->results.count = req->topics.count;
    res->results.at = kafka_create_partitions_res_result_new(&call->arena, req->topics.count);
    map_init(&names);
    for (int32_t i = 0; i < req->topics.count; i++)
        count_name(&names, req->topics.at[i].name);
    for (int32_t i = 0; i < req->topics.count; i++) {
        struct kafka_create_partitions_res_result *out = &res->results.at[i];
        struct diag diag = {0};
        out->name = arena_copy(&call->arena, req->topics.at[i].name);
        if (is_twice(&names, out->name)) {
            out->error_code = KAFKA_ERR_INVALID_REQUEST;
            out->error_message = BYTES_LITERAL("the request names this topic twice");
            continue;
        }
        out->error_code =
            (int16_t)extend_topic(call, &req->topics.at[i], create, &lsn, &diag);
        if (out->error_code == KAFKA_ERR_INVALID_PARTITIONS) /* told when those it has, by whomever, are durable */
            lsn = log_end_lsn(call->face->log);
        if (out->error_code)
            out->error_message = say(call, diag.message);
    }
    map_deinit(&names);
    call_answer_durable(call, res, lsn, extend_failed);
}

/* ---- DeleteRecords ---- */

static void delete_records(struct call *call, struct log_topic *topic, bool may,
                           const struct kafka_delete_records_req_partition *asked,
                           struct kafka_delete_records_res_partition *out, uint64_t *lsn)
{
    struct log_partition *partition =
        topic ? face_partition(topic, asked->partition_index) : NULL;
    struct log_offsets o;
    uint64_t at = 0;

    out->partition_index = asked->partition_index;
    out->low_watermark = -1;
    out->error_code =
        may ? KAFKA_ERR_UNKNOWN_TOPIC_OR_PARTITION : KAFKA_ERR_TOPIC_AUTHORIZATION_FAILED;
    if (!partition || !may)
        return;
    log_offsets(partition, &o);
    int64_t before = asked->offset == -1 ? o.durable : asked->offset;
    out->error_code = KAFKA_ERR_OFFSET_OUT_OF_RANGE;
    if (before < 0 || before > o.durable)
        return;
    out->error_code = KAFKA_ERR_KAFKA_STORAGE_ERROR;
    if (before > o.start && log_trim(call->face->log, partition, before, &at) != ST_OK)
        return;
    log_offsets(partition, &o);
    out->error_code = KAFKA_ERR_NONE;
    out->low_watermark = o.start;
    if (at > *lsn)
        *lsn = at;
}

static void delete_records_failed(struct call *call)
{
    struct kafka_delete_records_res *res = call->answer;

    for (int32_t t = 0; t < res->topics.count; t++)
        for (int32_t i = 0; i < res->topics.at[t].partitions.count; i++)
            res->topics.at[t].partitions.at[i].error_code = KAFKA_ERR_KAFKA_STORAGE_ERROR;
}

void kafka_on_delete_records(struct call *call, const void *request)
{
    const struct kafka_delete_records_req *req = request;
    struct kafka_delete_records_res *res = ARENA_NEW(&call->arena, struct kafka_delete_records_res);
    uint64_t lsn = 0;

    kafka_delete_records_res_init(res);
    res->topics.count = req->topics.count;
    res->topics.at = kafka_delete_records_res_topic_new(&call->arena, req->topics.count);
    for (int32_t t = 0; t < req->topics.count; t++) {
        const struct kafka_delete_records_req_topic *asked = &req->topics.at[t];
        struct kafka_delete_records_res_topic *out = &res->topics.at[t];
        struct log_topic *topic = face_topic_visible(call->face, asked->name, NULL);
        bool may = call_may(call, ACL_DELETE, ACL_TOPIC, asked->name);
        out->name = arena_copy(&call->arena, asked->name);
        out->partitions.count = asked->partitions.count;
        out->partitions.at =
            kafka_delete_records_res_partition_new(&call->arena, asked->partitions.count);
        for (int32_t i = 0; i < asked->partitions.count; i++)
            delete_records(call, topic, may, &asked->partitions.at[i], &out->partitions.at[i], &lsn);
    }
    call_answer_durable(call, res, lsn, delete_records_failed);
}
