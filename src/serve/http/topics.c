/* topics.c: topics listed, one of them with its partitions and configuration; made, changed, deleted. What
 * changes goes through the Kafka face. */
#include "base/check.h"
#include "base/json_reader.h"
#include "serve/http/broker.h"
#include "sql/catalog.h"
#include "wire/http/uri.h"

enum { CREATE_VERSION = 7, DELETE_VERSION = 5, DESCRIBE_CONFIGS_VERSION = 4, CONFIGS_MAX = 64, TOPIC = 2 };

/* ---- looking ---- */

static void write_cleanup(struct json_writer *w, unsigned cleanup)
{
    static const char *const names[] = {"delete", "delete", "compact", "compact,delete"};

    json_key_str(w, "cleanup", names[cleanup & (LOG_CLEANUP_DELETE | LOG_CLEANUP_COMPACT)]);
}

static void write_sums(struct json_writer *w, struct log_topic *topic)
{
    int64_t records = 0, written = 0;
    uint64_t bytes = 0;
    struct log_offsets o;

    for (uint32_t i = 0; i < log_topic_info(topic)->partitions; i++) {
        log_offsets(log_partition_of(topic, i), &o);
        records += o.durable - o.start;
        written += o.durable;
        bytes += o.bytes;
    }
    json_key_i64(w, "records", records);
    json_key_i64(w, "written", written);
    json_key_u64(w, "bytes", bytes);
}

static void write_partitions(struct exchange *x, struct json_writer *w, struct log_topic *topic)
{
    struct log_offsets o;

    json_key(w, "partitions");
    json_array_begin(w);
    for (uint32_t i = 0; i < log_topic_info(topic)->partitions; i++) {
        log_offsets(log_partition_of(topic, i), &o);
        json_object_begin(w);
        json_key_i64(w, "start", o.start);
        json_key_i64(w, "end", o.durable);
        json_key_i64(w, "stable", o.stable);
        json_key_u64(w, "bytes", o.bytes);
        json_key_i64(w, "leader_epoch", log_leader_epoch(x->face->log));
        json_object_end(w);
    }
    json_array_end(w);
}

static void write_topic(struct json_writer *w, struct log_topic *topic)
{
    static const char *const durability[] = {"fsync", "interval", "memory"};
    const struct log_topic_info *info = log_topic_info(topic);

    json_key_text(w, "name", info->name);
    json_key_bool(w, "internal", info->options.internal);
    json_key_str(w, "durability", durability[info->options.durability]);
    write_cleanup(w, info->options.cleanup);
    json_key_i64(w, "retention_ms", info->options.retention_ms);
    json_key_i64(w, "retention_bytes", info->options.retention_bytes);
    json_key_u64(w, "partitions_count", info->partitions);
    write_sums(w, topic);
}

void get_topics(struct exchange *x)
{
    bool admin = exchange_is_admin(x), all = query_has(x->request->query, "internal") && admin;
    bool summary = query_has(x->request->query, "summary");
    struct log_topic *topic = NULL;
    struct buf body;
    struct json_writer w;

    buf_init(&body, x->face->options.answer_bytes_max);
    json_writer_init(&w, &body);
    json_array_begin(&w);
    while ((topic = log_topic_next(x->face->log, topic))) {
        const struct log_topic_info *info = log_topic_info(topic);
        if (info->options.internal ? !all : !exchange_can(x, ACL_DESCRIBE, ACL_TOPIC, info->name))
            continue;
        json_object_begin(&w);
        write_topic(&w, topic);
        if (!summary)
            write_partitions(x, &w, topic);
        json_object_end(&w);
    }
    json_array_end(&w);
    reply_json(x, 200, &body);
}

static const char *config_type(int8_t type)
{
    static const char *const names[] = {"",     "boolean", "string", "int",   "short",
                                        "long", "double",  "list",   "class", "password"};

    return type > 0 && type < (int8_t)(sizeof names / sizeof *names) ? names[type] : "";
}

enum { SOURCE_DYNAMIC_TOPIC = 1 };

static void write_configs(struct exchange *x, struct json_writer *w, struct bytes name)
{
    struct kafka_describe_configs_req_resource resource = {
        .resource_type = TOPIC, .resource_name = name, .configuration_keys = {.count = -1}};
    const struct kafka_describe_configs_req req = {.resources = {.at = &resource, .count = 1}};
    struct kafka_ask ask;
    const struct kafka_describe_configs_res *res =
        broker_look(x, KAFKA_DESCRIBE_CONFIGS, DESCRIBE_CONFIGS_VERSION, &req, &ask);
    const struct kafka_describe_configs_res_result *r = &res->results.at[0];

    if (r->error_code)
        json_key_str(w, "configs_error", kafka_error_meaning(r->error_code));
    json_key(w, "configs");
    json_array_begin(w);
    for (int32_t i = 0; i < r->configs.count; i++) {
        const struct kafka_describe_configs_res_config *c = &r->configs.at[i];
        json_object_begin(w);
        json_key_text(w, "name", c->name);
        json_key(w, "value");
        if (c->value.ptr)
            json_bytes(w, c->value);
        else
            json_put_null(w);
        json_key_str(w, "type", config_type(c->config_type));
        json_key_bool(w, "set", c->config_source == SOURCE_DYNAMIC_TOPIC);
        json_key_bool(w, "read_only", c->read_only);
        json_object_end(w);
    }
    json_array_end(w);
    kafka_ask_end(&ask);
}

static struct bytes option_of(const struct table *table, const char *key)
{
    for (uint16_t i = 0; i < table->options_count; i++)
        if (bytes_is(table->options[i].key, key))
            return table->options[i].value;
    return BYTES_NONE;
}

struct bytes table_topic(const struct table *table)
{
    bool ours = table->kind == TABLE_CONNECTOR && bytes_is(option_of(table, "connector"), "kafka") &&
                !option_of(table, "properties.bootstrap.servers").ptr;

    return ours ? option_of(table, "topic") : BYTES_NONE;
}

/* Those tables whose rows are this topic's records, for who may ask SQL. */
static void write_tables(struct exchange *x, struct json_writer *w, struct bytes topic)
{
    const struct map *tables = &engine_catalog(x->face->engine)->tables;

    json_key(w, "tables");
    json_array_begin(w);
    for (struct map_entry *e = map_first(tables); e && exchange_is_admin(x); e = map_next(tables, e)) {
        const struct table *table = e->value;
        if (bytes_equal(table_topic(table), topic))
            json_bytes(w, table->name);
    }
    json_array_end(w);
}

void get_topic(struct exchange *x)
{
    struct log_topic *topic = find_topic(x, x->params[0], ACL_DESCRIBE);
    struct buf body;
    struct json_writer w;

    if (!topic)
        return;
    const struct log_topic_info *info = log_topic_info(topic);
    buf_init(&body, x->face->options.answer_bytes_max);
    json_writer_init(&w, &body);
    json_object_begin(&w);
    write_topic(&w, topic);
    write_partitions(x, &w, topic);
    struct job *job = engine_topic_job(x->face->engine, info->name);
    struct job_info job_is = {0};
    if (job) {
        job_info(job, &job_is);
        json_key_text(&w, "job", job_is.name);
    }
    write_tables(x, &w, info->name);
    if (!info->options.internal)
        write_configs(x, &w, info->name);
    json_object_end(&w);
    reply_json(x, 200, &body);
}

/* ---- changing ---- */

static void reply_done(struct exchange *x, unsigned status)
{
    struct buf body;

    buf_init(&body, 0);
    buf_str(&body, "{\"done\":true}");
    reply_json(x, status, &body);
}

/* {"name": value, …}; a number or a bool is its text, null is null. False: it is answered. */
struct config_pair {
    struct bytes name, value;
};

static bool take_configs(struct exchange *x, struct bytes object, struct config_pair *out, int32_t *count)
{
    struct bytes key, value;

    *count = 0;
    if (json_kind_of(object) != JSON_OBJECT) {
        reply_error(x, 400, "value", "configs are {\"name\": value}");
        return false;
    }
    struct json_iter it = json_iter_of(object);
    while (json_object_next(&it, &key, &value)) {
        enum json_kind kind = json_kind_of(value);
        if (*count == CONFIGS_MAX || kind == JSON_OBJECT || kind == JSON_ARRAY) {
            reply_error(x, 400, "value", "a config's value is a text, a number, true, false or null; at most %d",
                        CONFIGS_MAX);
            return false;
        }
        out[(*count)++] = (struct config_pair){body_decoded(x, key), kind == JSON_STRING ? body_decoded(x, value)
                                                                     : kind == JSON_NULL ? BYTES_NONE
                                                                                         : value};
    }
    return true;
}

static void created(struct exchange *x, const void *response)
{
    const struct kafka_create_topics_res *res = response;

    if (res->topics.at[0].error_code)
        reply_kafka(x, res->topics.at[0].error_code, res->topics.at[0].error_message);
    else
        reply_done(x, 201);
}

/* {"name", "partitions", "configs"} */
void post_topics(struct exchange *x)
{
    struct config_pair pairs[CONFIGS_MAX];
    struct kafka_create_topics_req_config configs[CONFIGS_MAX];
    struct bytes object, set;
    int64_t partitions = -1;
    int32_t count = 0;
    struct kafka_create_topics_req_topic topic = {.replication_factor = -1};

    if (!body_object(x, "name partitions configs", &object))
        return;
    enum body name = body_text(x, object, "name", &topic.name);
    if (name == BODY_BAD || body_int(x, object, "partitions", &partitions) == BODY_BAD)
        return;
    if (name != BODY_THERE || partitions < -1 || partitions > LOG_PARTITIONS_MAX) {
        reply_error(x, 400, "value", "a topic has a \"name\", and 1 to %d \"partitions\"", LOG_PARTITIONS_MAX);
        return;
    }
    if (json_member(object, "configs", &set) && !take_configs(x, set, pairs, &count))
        return;
    for (int32_t i = 0; i < count; i++)
        configs[i] = (struct kafka_create_topics_req_config){.name = pairs[i].name, .value = pairs[i].value};
    topic.num_partitions = (int32_t)partitions;
    topic.configs.at = configs;
    topic.configs.count = count;
    const struct kafka_create_topics_req req = {.topics = {.at = &topic, .count = 1}};
    broker_change(x, KAFKA_CREATE_TOPICS, CREATE_VERSION, &req, created);
}

static void deleted(struct exchange *x, const void *response)
{
    const struct kafka_delete_topics_res *res = response;

    if (res->responses.at[0].error_code)
        reply_kafka(x, res->responses.at[0].error_code, res->responses.at[0].error_message);
    else
        reply_done(x, 200);
}

void delete_topic(struct exchange *x)
{
    struct bytes name = x->params[0];
    const struct kafka_delete_topics_req req = {.topic_names = {.at = &name, .count = 1}};

    broker_change(x, KAFKA_DELETE_TOPICS, DELETE_VERSION, &req, deleted);
}

static void configured(struct exchange *x, const void *response)
{
    const struct kafka_incremental_alter_configs_res *res = response;

    if (res->responses.at[0].error_code)
        reply_kafka(x, res->responses.at[0].error_code, res->responses.at[0].error_message);
    else
        reply_done(x, 200);
}

enum { CONFIG_SET = 0, CONFIG_DELETE = 1 };

/* {"retention.ms": 60000, "segment.bytes": null}; null: the default again */
static void configure(struct exchange *x)
{
    struct config_pair pairs[CONFIGS_MAX];
    struct kafka_incremental_alter_configs_req_config configs[CONFIGS_MAX];
    struct bytes object;
    int32_t count;

    if (!body_object(x, NULL, &object) || !take_configs(x, object, pairs, &count))
        return;
    for (int32_t i = 0; i < count; i++)
        configs[i] = (struct kafka_incremental_alter_configs_req_config){
            .name = pairs[i].name,
            .config_operation = pairs[i].value.ptr ? CONFIG_SET : CONFIG_DELETE,
            .value = pairs[i].value};
    struct kafka_incremental_alter_configs_req_resource resource = {
        .resource_type = TOPIC, .resource_name = x->params[0], .configs = {.at = configs, .count = count}};
    const struct kafka_incremental_alter_configs_req req = {.resources = {.at = &resource, .count = 1}};
    broker_change(x, KAFKA_INCREMENTAL_ALTER_CONFIGS, 1, &req, configured);
}

static void extended(struct exchange *x, const void *response)
{
    const struct kafka_create_partitions_res *res = response;

    if (res->results.at[0].error_code)
        reply_kafka(x, res->results.at[0].error_code, res->results.at[0].error_message);
    else
        reply_done(x, 200);
}

/* {"count": N} */
static void extend(struct exchange *x)
{
    struct bytes object;
    int64_t count = 0;

    if (!body_object(x, "count", &object) || body_int(x, object, "count", &count) == BODY_BAD)
        return;
    if (count < 1 || count > LOG_PARTITIONS_MAX) {
        reply_error(x, 400, "value", "\"count\" is how many partitions there are to be, up to %d",
                    LOG_PARTITIONS_MAX);
        return;
    }
    struct kafka_create_partitions_req_topic topic = {
        .name = x->params[0], .count = (int32_t)count, .assignments = {.count = -1}};
    const struct kafka_create_partitions_req req = {.topics = {.at = &topic, .count = 1}};
    broker_change(x, KAFKA_CREATE_PARTITIONS, 3, &req, extended);
}

void post_topic_action(struct exchange *x)
{
    if (bytes_is(x->params[1], "configs"))
        configure(x);
    else if (bytes_is(x->params[1], "partitions"))
        extend(x);
    else
        reply_error(x, 404, "not_found", "a topic has records, configs and partitions");
}
