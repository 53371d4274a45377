/* AlterConfigs and IncrementalAlterConfigs: a resource's changes are checked as a whole, then the
 * topic's options change in the log and what was set is kept, both before the answer. */
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/map.h"
#include "serve/kafka/face.h"

enum operation { SET, DELETE, APPEND, SUBTRACT };

/* One change that is asked for. */
struct change {
    struct bytes name;
    int8_t operation; /* enum operation */
    struct bytes value;
};

/* What a configuration of the resource's table is to be; found: it changes. */
struct wish {
    bool found;
    struct bytes value; /* ptr NULL: the default again */
};

struct altering {
    struct call *call;
    struct config_target target;
    struct bytes owner;
    const struct config *table;
    int count;
    struct wish wishes[CONFIG_ENTRIES_MAX];
    struct diag diag;
};

static enum kafka_error refuse(struct altering *a, enum kafka_error error, const char *name_format,
                               struct bytes name)
{
    char text[80];

    snprintf(text, sizeof(text), "%.*s", (int)(name.len < 79 ? name.len : 79),
             name.ptr ? (const char *)name.ptr : "");
    (void)diag_set(&a->diag, ST_INVALID, DIAG_VALUE, "%s: %s", name_format, text);
    return error;
}

/* ---- lists ---- */

static bool list_has(struct bytes list, struct bytes item)
{
    while (list.len) {
        size_t end = bytes_find(list, ',', 0);
        if (bytes_equal(bytes_head(list, end), item))
            return true;
        list = bytes_skip(list, end < list.len ? end + 1 : end);
    }
    return false;
}

static void list_add(struct buf *to, struct bytes list, struct bytes without)
{
    while (list.len) {
        size_t end = bytes_find(list, ',', 0);
        struct bytes item = bytes_head(list, end);
        list = bytes_skip(list, end < list.len ? end + 1 : end);
        if (!item.len || list_has(without, item) || list_has(buf_view(to), item))
            continue;
        if (to->len)
            buf_u8(to, ',');
        buf_bytes(to, item);
    }
}

static struct bytes value_now(struct altering *a, const struct config *c)
{
    struct bytes value;

    if (config_kept(a->call->face, a->target.resource, a->owner, c, &value))
        return value;
    if (a->target.resource == CONFIG_TOPIC && c->own)
        return config_value(&log_topic_info(a->target.topic)->options, c->own, &a->call->arena);
    return config_default(a->call->face, c, &a->call->arena);
}

static struct bytes list_value(struct altering *a, const struct config *c,
                               const struct change *change)
{
    struct bytes now = value_now(a, c);
    struct buf list;

    buf_init(&list, 0);
    list_add(&list, now, change->operation == SUBTRACT ? change->value : BYTES_NONE);
    if (change->operation == APPEND)
        list_add(&list, change->value, BYTES_NONE);
    struct bytes value = arena_copy(&a->call->arena, buf_view(&list));
    buf_deinit(&list);
    return value;
}

/* ---- one resource ---- */

static enum kafka_error take_change(struct altering *a, const struct change *change)
{
    const struct config *c = config_find(a->target.resource, change->name);

    if (!c)
        return refuse(a, KAFKA_ERR_INVALID_CONFIG, "unknown configuration, or not one to be changed",
                      change->name);
    struct wish *wish = &a->wishes[c - a->table];
    if (wish->found)
        return refuse(a, KAFKA_ERR_INVALID_REQUEST, "named twice", change->name);
    if (change->operation < SET || change->operation > SUBTRACT)
        return refuse(a, KAFKA_ERR_INVALID_REQUEST, "unknown operation on", change->name);
    wish->found = true;
    if (change->operation == DELETE)
        return KAFKA_ERR_NONE;
    if (!change->value.ptr)
        return refuse(a, KAFKA_ERR_INVALID_REQUEST, "a null value is not supported", change->name);
    if (change->operation != SET && c->type != CONFIG_LIST)
        return refuse(a, KAFKA_ERR_INVALID_CONFIG, "only lists can be appended to", change->name);
    wish->value = change->operation == SET ? arena_copy(&a->call->arena, change->value)
                                           : list_value(a, c, change);
    const char *want = config_apply(c, wish->value, NULL);
    if (!want)
        return KAFKA_ERR_NONE;
    (void)diag_set(&a->diag, ST_INVALID, DIAG_VALUE, "'%.*s' is not a value of %s: %s",
                   (int)(wish->value.len < 80 ? wish->value.len : 80),
                   (const char *)wish->value.ptr, c->name, want);
    return KAFKA_ERR_INVALID_CONFIG;
}

/* AlterConfigs sets all at once: what it does not name has its default again. How durable a topic
 * is stays unless it is named; Kafka's tools do not know of it. */
static void drop_others(struct altering *a)
{
    struct bytes value;

    for (int i = 0; i < a->count; i++) {
        const struct config *c = &a->table[i];
        if (!a->wishes[i].found && c->own != CONFIG_DURABILITY &&
            (c->own || config_kept(a->call->face, a->target.resource, a->owner, c, &value)))
            a->wishes[i].found = true;
    }
}

static enum kafka_error change_topic(struct altering *a)
{
    struct log_topic_options options = log_topic_info(a->target.topic)->options;

    for (int i = 0; i < a->count; i++) {
        const struct config *c = &a->table[i];
        const struct wish *wish = &a->wishes[i];
        if (wish->found && c->own)
            (void)config_apply(c,
                               wish->value.ptr
                                   ? wish->value
                                   : config_default(a->call->face, c, &a->call->arena),
                               &options);
    }
    switch (log_topic_configure(a->call->face->log, a->target.topic, &options, NULL, &a->diag)) {
    case ST_OK: return KAFKA_ERR_NONE;
    case ST_INVALID: return KAFKA_ERR_INVALID_CONFIG;
    default: return KAFKA_ERR_KAFKA_STORAGE_ERROR;
    }
}

/* Topics that have what the broker gave them get what it gives now. */
static void change_inheritors(struct altering *a, const struct config *c, struct bytes was,
                              struct bytes is)
{
    struct log *log = a->call->face->log;
    struct bytes kept;

    for (struct log_topic *t = log_topic_next(log, NULL); t; t = log_topic_next(log, t)) {
        struct log_topic_options options = log_topic_info(t)->options;
        if (options.internal ||
            config_kept(a->call->face, CONFIG_TOPIC, log_topic_info(t)->name, c, &kept) ||
            !bytes_equal(config_value(&options, c->own, &a->call->arena), was))
            continue;
        (void)config_apply(c, is, &options);
        (void)!log_topic_configure(log, t, &options, NULL, NULL); /* full: it keeps what it has */
    }
}

static void change_broker_defaults(struct altering *a)
{
    int topics;
    const struct config *table = configs_of(CONFIG_TOPIC, &topics);

    for (int i = 0; i < a->count; i++) {
        const struct config *c = &a->table[i];
        if (!a->wishes[i].found || !c->own)
            continue;
        struct bytes was = arena_copy(&a->call->arena, value_now(a, c));
        struct bytes is = a->wishes[i].value.ptr ? a->wishes[i].value
                                                   : config_initial(a->call->face, c, &a->call->arena);
        for (int k = 0; k < topics; k++)
            if (table[k].broker && strcmp(table[k].broker, c->name) == 0 && !bytes_equal(was, is))
                change_inheritors(a, &table[k], was, is);
    }
}

static enum kafka_error keep_wishes(struct altering *a)
{
    struct log_entry *entry = log_entry_begin(a->call->face->log);
    struct bytes old;
    int count = 0;

    for (int i = 0; i < a->count; i++) {
        const struct wish *wish = &a->wishes[i];
        if (!wish->found ||
            (!wish->value.ptr && !config_kept(a->call->face, a->target.resource, a->owner,
                                              &a->table[i], &old)))
            continue;
        config_keep(entry, a->target.resource, a->owner, &a->table[i], wish->value);
        count++;
    }
    if (!count) {
        log_entry_abort(entry);
        return KAFKA_ERR_NONE;
    }
    return log_entry_commit(entry, NULL, NULL) == ST_OK ? KAFKA_ERR_NONE
                                                        : KAFKA_ERR_KAFKA_STORAGE_ERROR;
}

static enum kafka_error carry_out(struct altering *a)
{
    if (a->target.resource == CONFIG_TOPIC) {
        enum kafka_error error = change_topic(a);
        if (error)
            return error;
    }
    if (a->target.resource == CONFIG_BROKER)
        change_broker_defaults(a); /* compares with what is kept now */
    return keep_wishes(a);
}

enum others { OTHERS_STAY, OTHERS_GO };

struct request {
    int8_t type;
    struct bytes name;
    const struct change *changes;
    int32_t count;
    enum others others;
    bool only_check, twice;
};

static enum kafka_error alter(struct call *call, const struct request *r, struct bytes *message)
{
    struct altering *a = ARENA_NEW(&call->arena, struct altering);

    *a = (struct altering){.call = call, .owner = r->name};
    enum kafka_error error = config_right(call, ACL_ALTER_CONFIGS, r->type, r->name);
    if (!error)
        error = config_target(call->face, r->type, r->name, &a->target, &a->diag);
    if (!error && r->twice)
        error = refuse(a, KAFKA_ERR_INVALID_REQUEST, "a resource may be named once", r->name);
    if (!error)
        a->table = configs_of(a->target.resource, &a->count);
    for (int32_t i = 0; i < r->count && !error; i++)
        error = take_change(a, &r->changes[i]);
    if (!error && r->others == OTHERS_GO)
        drop_others(a);
    if (!error && !r->only_check)
        error = carry_out(a);
    if (error)
        *message = arena_copy(&call->arena, bytes_str(a->diag.message));
    return error;
}

/* ---- the requests ---- */

/* Which resources a request names more than once. */
struct seen {
    struct map names; /* type and name, to the place plus one */
    bool *twice;
};

static void seen_init(struct seen *seen, struct call *call, int32_t count)
{
    map_init(&seen->names);
    seen->twice = arena_zalloc(&call->arena, (size_t)count + 1);
}

static void seen_note(struct seen *seen, struct call *call, int8_t type, struct bytes name,
                      int32_t place)
{
    uint8_t *key = arena_alloc(&call->arena, name.len + 1);

    key[0] = (uint8_t)type;
    if (name.len)
        memcpy(key + 1, name.ptr, name.len);
    uintptr_t before = (uintptr_t)map_put(&seen->names, bytes_of(key, name.len + 1),
                                          (void *)((uintptr_t)place + 1));
    if (before)
        seen->twice[place] = seen->twice[before - 1] = true;
}

static void alter_failed(struct call *call)
{
    struct kafka_alter_configs_res *res = call->answer;

    for (int32_t i = 0; i < res->responses.count; i++)
        res->responses.at[i].error_code = KAFKA_ERR_KAFKA_STORAGE_ERROR;
}

void kafka_on_alter_configs(struct call *call, const void *request)
{
    const struct kafka_alter_configs_req *req = request;
    struct kafka_alter_configs_res *res = ARENA_NEW(&call->arena, struct kafka_alter_configs_res);

    struct seen seen;

    seen_init(&seen, call, req->resources.count);
    for (int32_t i = 0; i < req->resources.count; i++)
        seen_note(&seen, call, req->resources.at[i].resource_type,
                  req->resources.at[i].resource_name, i);
    map_deinit(&seen.names);
    kafka_alter_configs_res_init(res);
    res->responses.count = req->resources.count;
    res->responses.at = kafka_alter_configs_res_resource_new(&call->arena, req->resources.count);
    for (int32_t i = 0; i < req->resources.count; i++) {
        const struct kafka_alter_configs_req_resource *asked = &req->resources.at[i];
        struct kafka_alter_configs_res_resource *out = &res->responses.at[i];
        struct change *changes =
            ARENA_ARRAY(&call->arena, struct change, (size_t)asked->configs.count + 1);
        struct request r = {asked->resource_type, arena_copy(&call->arena, asked->resource_name),
                            changes,              asked->configs.count,
                            OTHERS_GO,            req->validate_only,
                            seen.twice[i]};
        for (int32_t k = 0; k < r.count; k++)
            changes[k] = (struct change){asked->configs.at[k].name, SET, asked->configs.at[k].value};
        out->resource_type = asked->resource_type;
        out->resource_name = r.name;
        out->error_code = (int16_t)alter(call, &r, &out->error_message);
    }
    call_answer_durable(call, res, log_end_lsn(call->face->log), alter_failed);
}

static void incremental_failed(struct call *call)
{
    struct kafka_incremental_alter_configs_res *res = call->answer;

    for (int32_t i = 0; i < res->responses.count; i++)
        res->responses.at[i].error_code = KAFKA_ERR_KAFKA_STORAGE_ERROR;
}

void kafka_on_incremental_alter_configs(struct call *call, const void *request)
{
    const struct kafka_incremental_alter_configs_req *req = request;
    struct kafka_incremental_alter_configs_res *res =
        ARENA_NEW(&call->arena, struct kafka_incremental_alter_configs_res);

    struct seen seen;

    seen_init(&seen, call, req->resources.count);
    for (int32_t i = 0; i < req->resources.count; i++)
        seen_note(&seen, call, req->resources.at[i].resource_type,
                  req->resources.at[i].resource_name, i);
    map_deinit(&seen.names);
    kafka_incremental_alter_configs_res_init(res);
    res->responses.count = req->resources.count;
    res->responses.at =
        kafka_incremental_alter_configs_res_resource_new(&call->arena, req->resources.count);
    for (int32_t i = 0; i < req->resources.count; i++) {
        const struct kafka_incremental_alter_configs_req_resource *asked = &req->resources.at[i];
        struct kafka_incremental_alter_configs_res_resource *out = &res->responses.at[i];
        struct change *changes =
            ARENA_ARRAY(&call->arena, struct change, (size_t)asked->configs.count + 1);
        struct request r = {asked->resource_type, arena_copy(&call->arena, asked->resource_name),
                            changes,              asked->configs.count,
                            OTHERS_STAY,          req->validate_only,
                            seen.twice[i]};
        for (int32_t k = 0; k < r.count; k++)
            changes[k] = (struct change){asked->configs.at[k].name,
                                         asked->configs.at[k].config_operation,
                                         asked->configs.at[k].value};
        out->resource_type = asked->resource_type;
        out->resource_name = r.name;
        out->error_code = (int16_t)alter(call, &r, &out->error_message);
    }
    call_answer_durable(call, res, log_end_lsn(call->face->log), incremental_failed);
}
