/* Configurations by Kafka's names. Some are the log's own options; others are taken, kept and told
 * again, for they change nothing that one node does (min.insync.replicas) or are hints
 * (segment.ms); the rest are refused by name. Kept ones live in the log's key-value space, under
 * "topic\0name". */
#include <inttypes.h>
#include <stdio.h>

#include "base/check.h"
#include "serve/kafka/face.h"

enum config_type { TYPE_BOOLEAN = 1, TYPE_STRING = 2, TYPE_INT = 3, TYPE_SHORT, TYPE_LONG = 5,
                   TYPE_DOUBLE = 6, TYPE_LIST = 7 };
enum config_source { SOURCE_TOPIC = 1, SOURCE_STATIC_BROKER = 4, SOURCE_DEFAULT = 5 };
enum resource { RESOURCE_TOPIC = 2, RESOURCE_BROKER = 4 };
enum { VALUE_MAX = 4096 };

/* The log's own. */
enum own { NOT_OWN, CLEANUP, RETENTION_MS, RETENTION_BYTES, SEGMENT_BYTES, MESSAGE_BYTES, TIMESTAMP,
           DURABILITY };

static const struct config {
    const char *name;
    enum own own;
    enum config_type type;
    const char *fallback; /* Kafka's default, for those that are only kept; NULL: none */
} topic_configs[] = {
    {"cleanup.policy", CLEANUP, TYPE_LIST, "delete"},
    {"compression.type", NOT_OWN, TYPE_STRING, "producer"},
    {"delete.retention.ms", NOT_OWN, TYPE_LONG, "86400000"},
    {"file.delete.delay.ms", NOT_OWN, TYPE_LONG, "60000"},
    {"flush.messages", NOT_OWN, TYPE_LONG, "9223372036854775807"},
    {"flush.ms", NOT_OWN, TYPE_LONG, "9223372036854775807"},
    {"index.interval.bytes", NOT_OWN, TYPE_INT, "4096"},
    {"max.compaction.lag.ms", NOT_OWN, TYPE_LONG, "9223372036854775807"},
    {"max.message.bytes", MESSAGE_BYTES, TYPE_INT, "1048588"},
    {"message.timestamp.after.max.ms", NOT_OWN, TYPE_LONG, "3600000"},
    {"message.timestamp.before.max.ms", NOT_OWN, TYPE_LONG, "9223372036854775807"},
    {"message.timestamp.type", TIMESTAMP, TYPE_STRING, "CreateTime"},
    {"min.cleanable.dirty.ratio", NOT_OWN, TYPE_DOUBLE, "0.5"},
    {"min.compaction.lag.ms", NOT_OWN, TYPE_LONG, "0"},
    {"min.insync.replicas", NOT_OWN, TYPE_INT, "1"},
    {"preallocate", NOT_OWN, TYPE_BOOLEAN, "false"},
    {"retention.bytes", RETENTION_BYTES, TYPE_LONG, "-1"},
    {"retention.ms", RETENTION_MS, TYPE_LONG, "604800000"},
    {"segment.bytes", SEGMENT_BYTES, TYPE_INT, "1073741824"},
    {"segment.index.bytes", NOT_OWN, TYPE_INT, "10485760"},
    {"segment.jitter.ms", NOT_OWN, TYPE_LONG, "0"},
    {"segment.ms", NOT_OWN, TYPE_LONG, "604800000"},
    {"unclean.leader.election.enable", NOT_OWN, TYPE_BOOLEAN, "false"},
    {"quickwater.durability", DURABILITY, TYPE_STRING, "fsync"}, /* fsync, interval, memory */
};
enum { TOPIC_CONFIGS = sizeof(topic_configs) / sizeof(*topic_configs) };
_Static_assert((int)TOPIC_CONFIGS <= (int)CONFIG_ENTRIES_MAX, "callers make room for so many");

static const char *const durability_names[] = {"fsync", "interval", "memory"};

static const struct config *config_find(struct bytes name)
{
    for (int i = 0; i < TOPIC_CONFIGS; i++) {
        if (bytes_is(name, topic_configs[i].name))
            return &topic_configs[i];
    }
    return NULL;
}

/* ---- taking ---- */

static enum kafka_error bad_value(struct bytes name, struct bytes value, const char *want,
                                  struct diag *diag)
{
    (void)diag_set(diag, ST_INVALID, DIAG_VALUE, "'%.*s' is not a value of %.*s: %s",
                   (int)(value.len < 80 ? value.len : 80), (const char *)value.ptr,
                   BYTES_FMT(name), want);
    return KAFKA_ERR_INVALID_CONFIG;
}

static bool number_in(struct bytes value, int64_t least, int64_t most, int64_t *out)
{
    return bytes_to_i64(value, out) && *out >= least && *out <= most;
}

static bool apply_cleanup(struct bytes value, struct log_topic_options *o)
{
    o->cleanup = 0;
    if (bytes_is(value, "delete"))
        o->cleanup = LOG_CLEANUP_DELETE;
    else if (bytes_is(value, "compact"))
        o->cleanup = LOG_CLEANUP_COMPACT;
    else if (bytes_is(value, "compact,delete") || bytes_is(value, "delete,compact"))
        o->cleanup = LOG_CLEANUP_DELETE | LOG_CLEANUP_COMPACT;
    return o->cleanup != 0;
}

static bool apply_durability(struct bytes value, struct log_topic_options *o)
{
    for (int i = LOG_FSYNC; i <= LOG_MEMORY; i++) {
        if (bytes_is(value, durability_names[i])) {
            o->durability = (enum log_durability)i;
            return true;
        }
    }
    return false;
}

static const char *apply_own(enum own own, struct bytes value, struct log_topic_options *o)
{
    int64_t v = 0;

    switch (own) {
    case CLEANUP: return apply_cleanup(value, o) ? NULL : "delete, compact or both";
    case DURABILITY: return apply_durability(value, o) ? NULL : "fsync, interval or memory";
    case TIMESTAMP:
        o->append_time = bytes_is(value, "LogAppendTime");
        return o->append_time || bytes_is(value, "CreateTime") ? NULL
                                                               : "CreateTime or LogAppendTime";
    case RETENTION_MS:
        if (!number_in(value, -1, INT64_MAX, &v))
            return "milliseconds, or -1";
        o->retention_ms = v ? v : 1; /* 0 means the default to the log */
        return NULL;
    case RETENTION_BYTES:
        if (!number_in(value, -1, INT64_MAX, &v))
            return "bytes, or -1";
        o->retention_bytes = v ? v : 1;
        return NULL;
    case SEGMENT_BYTES:
        if (!number_in(value, 14, INT32_MAX, &v))
            return "bytes, 14 or more";
        o->segment_bytes = (uint64_t)v;
        return NULL;
    case MESSAGE_BYTES:
        if (!number_in(value, 0, INT32_MAX, &v))
            return "bytes";
        o->message_bytes_max = v ? (uint32_t)v : 1;
        return NULL;
    case NOT_OWN: break;
    }
    return NULL;
}

static const char *check_kept(const struct config *c, struct bytes value)
{
    int64_t v;

    if (c->type == TYPE_BOOLEAN && !bytes_is_nocase(value, "true") && !bytes_is_nocase(value, "false"))
        return "true or false";
    if ((c->type == TYPE_INT || c->type == TYPE_LONG) &&
        !number_in(value, -1, c->type == TYPE_INT ? INT32_MAX : INT64_MAX, &v))
        return "a number";
    if (bytes_is(bytes_str(c->name), "min.insync.replicas") && !bytes_is(value, "1"))
        return "there is one node, so 1";
    if (bytes_is(bytes_str(c->name), "compression.type") && !bytes_is(value, "producer") &&
        !bytes_is(value, "uncompressed") && !bytes_is(value, "gzip") && !bytes_is(value, "snappy") &&
        !bytes_is(value, "lz4") && !bytes_is(value, "zstd"))
        return "producer, or a codec's name";
    return NULL;
}

enum kafka_error configs_apply(struct bytes name, struct bytes value,
                               struct log_topic_options *options, bool *remember,
                               struct diag *diag)
{
    const struct config *c = config_find(name);

    *remember = false;
    if (!c) {
        (void)diag_set(diag, ST_INVALID, DIAG_NAME, "unknown topic configuration '%.*s'",
                       (int)(name.len < 200 ? name.len : 200), (const char *)name.ptr);
        return KAFKA_ERR_INVALID_CONFIG;
    }
    if (!value.ptr)
        return KAFKA_ERR_NONE; /* null asks for the default */
    const char *want = "at most 4096 bytes";
    if (value.len <= VALUE_MAX)
        want = c->own ? apply_own(c->own, value, options) : check_kept(c, value);
    if (want)
        return bad_value(name, value, want, diag);
    *remember = c->own == NOT_OWN;
    return KAFKA_ERR_NONE;
}

/* ---- keeping ---- */

static struct bytes kept_key(struct buf *buf, struct bytes topic, struct bytes name)
{
    buf_clear(buf);
    buf_bytes(buf, topic);
    buf_u8(buf, 0);
    buf_bytes(buf, name);
    return buf_view(buf);
}

void configs_remember(struct kafka_face *face, struct bytes topic, struct bytes name,
                      struct bytes value)
{
    struct buf key;

    buf_init(&key, 0);
    (void)!log_kv_put(face->log, LOG_KV_CONFIG, kept_key(&key, topic, name), value, NULL);
    buf_deinit(&key);
}

void configs_forget(struct kafka_face *face, struct bytes topic)
{
    for (int i = 0; i < TOPIC_CONFIGS; i++) {
        struct bytes old;
        struct buf key;
        buf_init(&key, 0);
        struct bytes k = kept_key(&key, topic, bytes_str(topic_configs[i].name));
        if (log_kv_get(face->log, LOG_KV_CONFIG, k, &old))
            (void)!log_kv_put(face->log, LOG_KV_CONFIG, k, BYTES_NONE, NULL);
        buf_deinit(&key);
    }
}

/* ---- telling ---- */

static struct bytes number(struct arena *arena, int64_t v)
{
    return bytes_str(arena_printf(arena, "%" PRId64, v));
}

static struct bytes own_value(const struct log_topic_options *o, enum own own, struct arena *arena)
{
    switch (own) {
    case CLEANUP:
        if ((o->cleanup & LOG_CLEANUP_COMPACT) && (o->cleanup & LOG_CLEANUP_DELETE))
            return BYTES_LITERAL("compact,delete");
        return o->cleanup & LOG_CLEANUP_COMPACT ? BYTES_LITERAL("compact") : BYTES_LITERAL("delete");
    case RETENTION_MS: return number(arena, o->retention_ms);
    case RETENTION_BYTES: return number(arena, o->retention_bytes ? o->retention_bytes : -1);
    case SEGMENT_BYTES: return number(arena, (int64_t)o->segment_bytes);
    case MESSAGE_BYTES: return number(arena, o->message_bytes_max);
    case TIMESTAMP:
        return o->append_time ? BYTES_LITERAL("LogAppendTime") : BYTES_LITERAL("CreateTime");
    case DURABILITY: return bytes_str(durability_names[o->durability]);
    case NOT_OWN: break;
    }
    return BYTES_NONE;
}

static struct bytes kept_value(const struct kafka_face *face, const struct log_topic *topic,
                               const struct config *c, struct arena *arena)
{
    struct bytes value;
    struct buf key;

    buf_init(&key, 0);
    bool found = log_kv_get(face->log, LOG_KV_CONFIG,
                            kept_key(&key, log_topic_info(topic)->name, bytes_str(c->name)), &value);
    buf_deinit(&key);
    if (found)
        return arena_copy(arena, value);
    return c->fallback ? bytes_str(c->fallback) : BYTES_NONE;
}

int configs_of_topic(const struct kafka_face *face, const struct log_topic *topic,
                     struct arena *arena, struct config_entry out[CONFIG_ENTRIES_MAX])
{
    const struct log_topic_options *o = &log_topic_info(topic)->options;

    for (int i = 0; i < TOPIC_CONFIGS; i++) {
        const struct config *c = &topic_configs[i];
        out[i] = (struct config_entry){.name = c->name, .type = (int8_t)c->type};
        out[i].value = c->own ? own_value(o, c->own, arena) : kept_value(face, topic, c, arena);
        out[i].is_default = c->fallback && bytes_is(out[i].value, c->fallback);
    }
    return TOPIC_CONFIGS;
}

static int configs_of_broker(const struct kafka_face *face, struct arena *arena,
                             struct config_entry out[CONFIG_ENTRIES_MAX])
{
    const struct kafka_options *o = &face->options;
    const struct config_entry entries[] = {
        {"auto.create.topics.enable",
         o->no_auto_create ? BYTES_LITERAL("false") : BYTES_LITERAL("true"), !o->no_auto_create,
         TYPE_BOOLEAN},
        {"broker.id", number(arena, o->node_id), false, TYPE_INT},
        {"compression.type", BYTES_LITERAL("producer"), true, TYPE_STRING},
        {"default.replication.factor", BYTES_LITERAL("1"), true, TYPE_INT},
        {"delete.topic.enable", BYTES_LITERAL("true"), true, TYPE_BOOLEAN},
        {"group.initial.rebalance.delay.ms", number(arena, o->rebalance_delay_ms), false, TYPE_INT},
        {"log.cleanup.policy", BYTES_LITERAL("delete"), true, TYPE_LIST},
        {"log.retention.ms", BYTES_LITERAL("604800000"), true, TYPE_LONG},
        {"message.max.bytes", BYTES_LITERAL("1048588"), true, TYPE_INT},
        {"min.insync.replicas", BYTES_LITERAL("1"), true, TYPE_INT},
        {"num.partitions", number(arena, o->partitions_default), false, TYPE_INT},
        {"offsets.topic.replication.factor", BYTES_LITERAL("1"), false, TYPE_SHORT},
        {"socket.request.max.bytes", number(arena, o->frame_bytes_max), false, TYPE_INT},
    };
    int count = sizeof(entries) / sizeof(*entries);

    memcpy(out, entries, sizeof(entries));
    return count;
}

static bool is_asked(const struct kafka_describe_configs_req_resource *asked, const char *name)
{
    if (asked->configuration_keys.count < 0)
        return true;
    for (int32_t i = 0; i < asked->configuration_keys.count; i++) {
        if (bytes_is(asked->configuration_keys.at[i], name))
            return true;
    }
    return false;
}

static void add_synonym(struct call *call, struct kafka_describe_configs_res_config *c)
{
    c->synonyms.at = kafka_describe_configs_res_synonym_new(&call->arena, 1);
    c->synonyms.count = 1;
    c->synonyms.at[0].name = c->name;
    c->synonyms.at[0].value = c->value;
    c->synonyms.at[0].source = c->config_source;
}

static void describe(struct call *call, const struct kafka_describe_configs_req *req,
                     const struct kafka_describe_configs_req_resource *asked,
                     struct kafka_describe_configs_res_result *out)
{
    struct config_entry *entries =
        ARENA_ARRAY(&call->arena, struct config_entry, CONFIG_ENTRIES_MAX);
    bool is_topic = asked->resource_type == RESOURCE_TOPIC;
    struct log_topic *topic =
        is_topic ? face_topic_visible(call->face, asked->resource_name, NULL) : NULL;
    int64_t node = -1;

    out->resource_type = asked->resource_type;
    out->resource_name = asked->resource_name;
    if (is_topic && !topic) {
        out->error_code = KAFKA_ERR_UNKNOWN_TOPIC_OR_PARTITION;
        return;
    }
    if (!is_topic && (asked->resource_type != RESOURCE_BROKER ||
                      (asked->resource_name.len && (!bytes_to_i64(asked->resource_name, &node) ||
                                                    node != call->face->options.node_id)))) {
        out->error_code = KAFKA_ERR_INVALID_REQUEST;
        out->error_message = BYTES_LITERAL("topics (2) and this broker (4) have configurations");
        return;
    }
    int count = is_topic ? configs_of_topic(call->face, topic, &call->arena, entries)
                         : configs_of_broker(call->face, &call->arena, entries);
    out->configs.at = kafka_describe_configs_res_config_new(&call->arena, count);
    for (int i = 0; i < count; i++) {
        if (!is_asked(asked, entries[i].name))
            continue;
        struct kafka_describe_configs_res_config *c = &out->configs.at[out->configs.count++];
        c->name = bytes_str(entries[i].name);
        c->value = entries[i].value;
        c->read_only = true; /* they are set when the topic is made */
        c->is_default = entries[i].is_default;
        c->config_source = entries[i].is_default ? SOURCE_DEFAULT
                           : is_topic            ? SOURCE_TOPIC
                                                 : SOURCE_STATIC_BROKER;
        c->config_type = entries[i].type;
        if (req->include_synonyms)
            add_synonym(call, c);
    }
}

void kafka_on_describe_configs(struct call *call, const void *request)
{
    const struct kafka_describe_configs_req *req = request;
    struct kafka_describe_configs_res res;

    kafka_describe_configs_res_init(&res);
    res.results.count = req->resources.count;
    res.results.at = kafka_describe_configs_res_result_new(&call->arena, req->resources.count);
    for (int32_t i = 0; i < req->resources.count; i++)
        describe(call, req, &req->resources.at[i], &res.results.at[i]);
    call_answer(call, &res);
}
