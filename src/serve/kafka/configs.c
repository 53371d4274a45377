/* Configurations by Kafka's names: what there is, what values are, where they are kept, what is told
 * of them. Changing them: alter_configs.c.
 *
 * What was set is kept in the log's key-value space, each under "<owner>\0name": for a topic its
 * name, for this broker a byte 4, for a group a byte 32 and its id (no topic's name begins so). Some
 * configurations are the log's own options too and steer it; those of the broker are what topics
 * have that do not set their own. Others are kept and told again, for they change nothing that one
 * node does (docs/kafka-configs.md says which). The rest are refused by name. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "serve/kafka/face.h"

enum config_source {
    SOURCE_TOPIC = 1,
    SOURCE_DYNAMIC_BROKER = 2,
    SOURCE_STATIC_BROKER = 4,
    SOURCE_DEFAULT = 5,
    SOURCE_GROUP = 8,
};
enum { VALUE_MAX = 4096, MESSAGE_BYTES_MOST = 1 << 27 }; /* the latter: half an entry of the WAL */

static const struct config topic_configs[] = {
    {"cleanup.policy", CONFIG_CLEANUP, CONFIG_LIST, "delete", "log.cleanup.policy"},
    {"compression.type", CONFIG_CODEC, CONFIG_STRING, "producer", "compression.type"},
    {"delete.retention.ms", CONFIG_TOMBSTONE_MS, CONFIG_LONG, "86400000", NULL},
    {"file.delete.delay.ms", CONFIG_KEPT, CONFIG_LONG, "60000", NULL},
    {"flush.messages", CONFIG_KEPT, CONFIG_LONG, "9223372036854775807", NULL},
    {"flush.ms", CONFIG_KEPT, CONFIG_LONG, "9223372036854775807", NULL},
    {"index.interval.bytes", CONFIG_KEPT, CONFIG_INT, "4096", NULL},
    {"max.compaction.lag.ms", CONFIG_COMPACT_LAG_MS_MAX, CONFIG_LONG, "9223372036854775807", NULL},
    {"max.message.bytes", CONFIG_MESSAGE_BYTES, CONFIG_INT, "1048588", "message.max.bytes"},
    {"message.timestamp.after.max.ms", CONFIG_TIMESTAMP_AFTER, CONFIG_LONG, "3600000",
     "log.message.timestamp.after.max.ms"},
    {"message.timestamp.before.max.ms", CONFIG_TIMESTAMP_BEFORE, CONFIG_LONG, "9223372036854775807",
     "log.message.timestamp.before.max.ms"},
    {"message.timestamp.type", CONFIG_TIMESTAMP, CONFIG_STRING, "CreateTime",
     "log.message.timestamp.type"},
    {"min.cleanable.dirty.ratio", CONFIG_DIRTY, CONFIG_DOUBLE, "0.5", NULL},
    {"min.compaction.lag.ms", CONFIG_COMPACT_LAG_MS, CONFIG_LONG, "0", NULL},
    {"min.insync.replicas", CONFIG_KEPT, CONFIG_INT, "1", "min.insync.replicas"},
    {"preallocate", CONFIG_KEPT, CONFIG_BOOLEAN, "false", NULL},
    {"retention.bytes", CONFIG_RETENTION_BYTES, CONFIG_LONG, "-1", "log.retention.bytes"},
    {"retention.ms", CONFIG_RETENTION_MS, CONFIG_LONG, "604800000", "log.retention.ms"},
    {"segment.bytes", CONFIG_SEGMENT_BYTES, CONFIG_INT, "1073741824", "log.segment.bytes"},
    {"segment.index.bytes", CONFIG_KEPT, CONFIG_INT, "10485760", NULL},
    {"segment.jitter.ms", CONFIG_KEPT, CONFIG_LONG, "0", NULL},
    {"segment.ms", CONFIG_SEGMENT_MS, CONFIG_LONG, "604800000", NULL},
    {"unclean.leader.election.enable", CONFIG_KEPT, CONFIG_BOOLEAN, "false", NULL},
    {"quickwater.durability", CONFIG_DURABILITY, CONFIG_STRING, "fsync", NULL}, /* interval, memory */
};
enum { TOPIC_CONFIGS = sizeof(topic_configs) / sizeof(*topic_configs) };
_Static_assert((int)TOPIC_CONFIGS <= (int)CONFIG_ENTRIES_MAX, "callers make room for so many");

/* Those that may be changed while the broker runs. */
static const struct config broker_configs[] = {
    {"background.threads", CONFIG_KEPT, CONFIG_INT, "10", NULL},
    {"compression.type", CONFIG_CODEC, CONFIG_STRING, "producer", NULL},
    {"log.cleaner.threads", CONFIG_KEPT, CONFIG_INT, "1", NULL},
    {"log.cleanup.policy", CONFIG_CLEANUP, CONFIG_LIST, "delete", NULL},
    {"log.message.timestamp.after.max.ms", CONFIG_TIMESTAMP_AFTER, CONFIG_LONG, "3600000", NULL},
    {"log.message.timestamp.before.max.ms", CONFIG_TIMESTAMP_BEFORE, CONFIG_LONG, "9223372036854775807",
     NULL},
    {"log.message.timestamp.type", CONFIG_TIMESTAMP, CONFIG_STRING, "CreateTime", NULL},
    {"log.retention.bytes", CONFIG_RETENTION_BYTES, CONFIG_LONG, "-1", NULL},
    {"log.retention.ms", CONFIG_RETENTION_MS, CONFIG_LONG, "604800000", NULL},
    {"log.segment.bytes", CONFIG_SEGMENT_BYTES, CONFIG_INT, "1073741824", NULL},
    {"message.max.bytes", CONFIG_MESSAGE_BYTES, CONFIG_INT, "1048588", NULL},
    {"min.insync.replicas", CONFIG_KEPT, CONFIG_INT, "1", NULL},
    {"num.io.threads", CONFIG_KEPT, CONFIG_INT, "8", NULL},
    {"num.network.threads", CONFIG_KEPT, CONFIG_INT, "3", NULL},
    {"sasl.kerberos.min.time.before.relogin", CONFIG_KEPT, CONFIG_LONG, "60000", NULL},
};
enum { BROKER_CONFIGS = sizeof(broker_configs) / sizeof(*broker_configs) };

/* Of groups of consumers; consumers.c asks for them. */
static const struct config group_configs[] = {
    {"consumer.heartbeat.interval.ms", CONFIG_KEPT, CONFIG_INT, "5000", NULL},
    {"consumer.session.timeout.ms", CONFIG_KEPT, CONFIG_INT, "45000", NULL},
};
enum { GROUP_CONFIGS = sizeof(group_configs) / sizeof(*group_configs) };

static const char *const durability_names[] = {"fsync", "interval", "memory"};

const struct config *configs_of(enum config_resource resource, int *count)
{
    switch (resource) {
    case CONFIG_TOPIC: *count = TOPIC_CONFIGS; return topic_configs;
    case CONFIG_BROKER: *count = BROKER_CONFIGS; return broker_configs;
    case CONFIG_GROUP: break;
    }
    *count = GROUP_CONFIGS;
    return group_configs;
}

const struct config *config_find(enum config_resource resource, struct bytes name)
{
    int count;
    const struct config *table = configs_of(resource, &count);

    for (int i = 0; i < count; i++) {
        if (bytes_is(name, table[i].name))
            return &table[i];
    }
    return NULL;
}

/* ---- values ---- */

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

static bool ratio_of(struct bytes value, double *out)
{
    char text[32], *end;

    if (value.len == 0 || value.len >= sizeof(text))
        return false;
    snprintf(text, sizeof(text), "%.*s", BYTES_FMT(value));
    *out = strtod(text, &end);
    return *end == 0 && *out >= 0 && *out <= 1;
}

static bool apply_codec(struct bytes value, struct log_topic_options *o)
{
    enum kafka_codec codec = KAFKA_CODEC_NONE;
    bool known = bytes_is(value, "producer") || bytes_is(value, "uncompressed") ||
                 (!bytes_is(value, "none") && kafka_codec_by_name(value, &codec));

    o->codec = bytes_is(value, "producer") ? 0 : (uint8_t)(1 + codec);
    return known;
}

/* Of times that the log counts with, what is more is as good as for ever. */
static bool is_ms(struct bytes value, int64_t least, int64_t *out)
{
    if (!number_in(value, least, INT64_MAX, out))
        return false;
    if ((uint64_t)*out > LOG_OPTION_MS_MAX)
        *out = (int64_t)LOG_OPTION_MS_MAX;
    return true;
}

/* A bound: 0 means none, or the default, to the log. */
static const char *apply_bound(enum config_own own, struct bytes value, struct log_topic_options *o)
{
    int64_t v;

    if (!is_ms(value, own == CONFIG_COMPACT_LAG_MS_MAX, &v))
        return "milliseconds";
    if (v == (int64_t)LOG_OPTION_MS_MAX && own != CONFIG_TIMESTAMP_AFTER)
        v = 0;
    else if (v == 0)
        v = 1;
    *(own == CONFIG_COMPACT_LAG_MS_MAX ? &o->compact_lag_ms_max
      : own == CONFIG_TIMESTAMP_BEFORE ? &o->timestamp_before_ms
                                       : &o->timestamp_after_ms) = v;
    return NULL;
}

/* Sets the option; NULL, or what a value is. */
static const char *apply_own(enum config_own own, struct bytes value, struct log_topic_options *o)
{
    int64_t v = 0;
    double ratio;

    switch (own) {
    case CONFIG_CLEANUP: return apply_cleanup(value, o) ? NULL : "delete, compact or both";
    case CONFIG_DURABILITY: return apply_durability(value, o) ? NULL : "fsync, interval or memory";
    case CONFIG_TIMESTAMP:
        o->append_time = bytes_is(value, "LogAppendTime");
        return o->append_time || bytes_is(value, "CreateTime") ? NULL
                                                               : "CreateTime or LogAppendTime";
    case CONFIG_RETENTION_MS:
        if (!number_in(value, -1, INT64_MAX, &v))
            return "milliseconds, or -1";
        o->retention_ms = v ? v : 1; /* 0 means the default to the log */
        return NULL;
    case CONFIG_RETENTION_BYTES:
        if (!number_in(value, -1, INT64_MAX, &v))
            return "bytes, or -1";
        o->retention_bytes = v ? v : 1;
        return NULL;
    case CONFIG_SEGMENT_BYTES:
        if (!number_in(value, 14, INT32_MAX, &v))
            return "bytes, 14 or more";
        o->segment_bytes = (uint64_t)v;
        return NULL;
    case CONFIG_MESSAGE_BYTES:
        if (!number_in(value, 0, MESSAGE_BYTES_MOST, &v))
            return "bytes, at most 134217728";
        o->message_bytes_max = v ? (uint32_t)v : 1;
        return NULL;
    case CONFIG_SEGMENT_MS:
    case CONFIG_TOMBSTONE_MS:
    case CONFIG_COMPACT_LAG_MS:
        if (!is_ms(value, own == CONFIG_SEGMENT_MS, &v))
            return "milliseconds";
        *(own == CONFIG_SEGMENT_MS     ? &o->segment_ms
          : own == CONFIG_TOMBSTONE_MS ? &o->tombstone_ms
                                       : &o->compact_lag_ms) = v || own == CONFIG_COMPACT_LAG_MS ? v : 1;
        return NULL;
    case CONFIG_COMPACT_LAG_MS_MAX:
    case CONFIG_TIMESTAMP_BEFORE:
    case CONFIG_TIMESTAMP_AFTER: return apply_bound(own, value, o);
    case CONFIG_CODEC:
        return apply_codec(value, o) ? NULL : "producer, uncompressed, gzip, snappy, lz4 or zstd";
    case CONFIG_DIRTY:
        if (!ratio_of(value, &ratio))
            return "a number from 0 to 1";
        o->dirty_permille = ratio > 0.001 ? (uint32_t)(ratio * 1000) : 1;
        return NULL;
    case CONFIG_KEPT: break;
    }
    return NULL;
}

static bool is_number_in(const struct config *c, struct bytes value, int64_t least, int64_t most)
{
    int64_t v;

    (void)c;
    return number_in(value, least, most, &v);
}

static const char *check_kept(const struct config *c, struct bytes value)
{
    if (c->type == CONFIG_BOOLEAN && !bytes_is_nocase(value, "true") &&
        !bytes_is_nocase(value, "false"))
        return "true or false";
    if (strcmp(c->name, "consumer.session.timeout.ms") == 0)
        return is_number_in(c, value, 45000, 60000) ? NULL : "45000 to 60000";
    if (strcmp(c->name, "consumer.heartbeat.interval.ms") == 0)
        return is_number_in(c, value, 5000, 15000) ? NULL : "5000 to 15000";
    if ((c->type == CONFIG_INT || c->type == CONFIG_LONG) &&
        !is_number_in(c, value, -1, c->type == CONFIG_INT ? INT32_MAX : INT64_MAX))
        return "a number";
    if (strcmp(c->name, "min.insync.replicas") == 0 && !bytes_is(value, "1"))
        return "there is one node, so 1";
    return NULL;
}

const char *config_apply(const struct config *c, struct bytes value,
                         struct log_topic_options *options)
{
    struct log_topic_options unused = {0};

    if (value.len > VALUE_MAX)
        return "at most 4096 bytes";
    return c->own ? apply_own(c->own, value, options ? options : &unused) : check_kept(c, value);
}

/* ---- keeping ---- */

static struct bytes kept_key(struct buf *buf, enum config_resource resource, struct bytes owner,
                             const char *name)
{
    buf_clear(buf);
    if (resource != CONFIG_TOPIC)
        buf_u8(buf, (uint8_t)resource);
    if (resource != CONFIG_BROKER)
        buf_bytes(buf, owner);
    buf_u8(buf, 0);
    buf_append(buf, name, strlen(name));
    return buf_view(buf);
}

void config_keep(struct log_entry *entry, enum config_resource resource, struct bytes owner,
                 const struct config *c, struct bytes value)
{
    static const uint8_t empty_value = 0; /* an empty value would remove: it is kept as a zero byte */
    struct buf key;

    if (value.ptr && !value.len)
        value = bytes_of(&empty_value, 1);
    buf_init(&key, 0);
    log_entry_kv(entry, LOG_KV_CONFIG, kept_key(&key, resource, owner, c->name), value);
    buf_deinit(&key);
}

bool config_kept(const struct kafka_face *face, enum config_resource resource, struct bytes owner,
                 const struct config *c, struct bytes *value)
{
    struct buf key;

    buf_init(&key, 0);
    bool found = log_kv_get(face->log, LOG_KV_CONFIG, kept_key(&key, resource, owner, c->name), value);
    buf_deinit(&key);
    if (found && value->len == 1 && value->ptr[0] == 0)
        value->len = 0;
    return found;
}

void configs_forget(struct kafka_face *face, struct bytes topic)
{
    struct log_entry *entry = log_entry_begin(face->log);
    struct bytes old;
    int found = 0;

    for (int i = 0; i < TOPIC_CONFIGS; i++) {
        if (!config_kept(face, CONFIG_TOPIC, topic, &topic_configs[i], &old))
            continue;
        config_keep(entry, CONFIG_TOPIC, topic, &topic_configs[i], BYTES_NONE);
        found++;
    }
    if (found)
        (void)!log_entry_commit(entry, NULL, NULL); /* a new topic of the name keeps its own */
    else
        log_entry_abort(entry);
}

struct bytes config_initial(const struct kafka_face *face, const struct config *c,
                            struct arena *arena)
{
    struct log_topic_options options;

    if (!c->own)
        return bytes_str(c->fallback);
    log_topic_defaults(face->log, &options);
    return config_value(&options, c->own, arena);
}

struct bytes config_default(const struct kafka_face *face, const struct config *c,
                            struct arena *arena)
{
    struct bytes value;

    if (c->broker &&
        config_kept(face, CONFIG_BROKER, BYTES_NONE,
                    config_find(CONFIG_BROKER, bytes_str(c->broker)), &value))
        return arena_copy(arena, value);
    return config_initial(face, c, arena);
}

void configs_topic_defaults(const struct kafka_face *face, struct log_topic_options *options)
{
    for (int i = 0; i < TOPIC_CONFIGS; i++) {
        const struct config *c = &topic_configs[i];
        struct bytes value;
        if (c->own && c->broker &&
            config_kept(face, CONFIG_BROKER, BYTES_NONE,
                        config_find(CONFIG_BROKER, bytes_str(c->broker)), &value))
            (void)config_apply(c, value, options); /* checked when it was set */
    }
}

/* ---- telling ---- */

static struct bytes number(struct arena *arena, int64_t v)
{
    return bytes_str(arena_printf(arena, "%" PRId64, v));
}

static struct bytes bound(struct arena *arena, int64_t ms)
{
    return number(arena, ms && ms < (int64_t)LOG_OPTION_MS_MAX ? ms : INT64_MAX);
}

struct bytes config_value(const struct log_topic_options *o, enum config_own own,
                          struct arena *arena)
{
    switch (own) {
    case CONFIG_CLEANUP:
        if ((o->cleanup & LOG_CLEANUP_COMPACT) && (o->cleanup & LOG_CLEANUP_DELETE))
            return BYTES_LITERAL("compact,delete");
        return o->cleanup & LOG_CLEANUP_COMPACT ? BYTES_LITERAL("compact") : BYTES_LITERAL("delete");
    case CONFIG_RETENTION_MS: return number(arena, o->retention_ms);
    case CONFIG_RETENTION_BYTES:
        return number(arena, o->retention_bytes ? o->retention_bytes : -1);
    case CONFIG_SEGMENT_BYTES: return number(arena, (int64_t)o->segment_bytes);
    case CONFIG_MESSAGE_BYTES: return number(arena, o->message_bytes_max);
    case CONFIG_TIMESTAMP:
        return o->append_time ? BYTES_LITERAL("LogAppendTime") : BYTES_LITERAL("CreateTime");
    case CONFIG_DURABILITY: return bytes_str(durability_names[o->durability]);
    case CONFIG_SEGMENT_MS: return number(arena, o->segment_ms);
    case CONFIG_TOMBSTONE_MS: return number(arena, o->tombstone_ms);
    case CONFIG_COMPACT_LAG_MS: return number(arena, o->compact_lag_ms);
    case CONFIG_COMPACT_LAG_MS_MAX: return bound(arena, o->compact_lag_ms_max);
    case CONFIG_TIMESTAMP_BEFORE: return bound(arena, o->timestamp_before_ms);
    case CONFIG_TIMESTAMP_AFTER: return bound(arena, o->timestamp_after_ms);
    case CONFIG_CODEC:
        return bytes_str(o->codec == 0   ? "producer"
                         : o->codec == 1 ? "uncompressed"
                                         : kafka_codec_name((enum kafka_codec)(o->codec - 1)));
    case CONFIG_DIRTY: return bytes_str(arena_printf(arena, "%g", o->dirty_permille / 1000.0));
    case CONFIG_KEPT: break;
    }
    return BYTES_NONE;
}

/* Where a topic's default comes from. */
static int8_t default_source(const struct kafka_face *face, const struct config *c,
                             struct bytes fallback, struct arena *arena)
{
    if (!bytes_equal(fallback, config_initial(face, c, arena)))
        return SOURCE_DYNAMIC_BROKER;
    return bytes_is(fallback, c->fallback) ? SOURCE_DEFAULT : SOURCE_STATIC_BROKER;
}

static void describe_topic_config(const struct kafka_face *face, const struct log_topic *topic,
                                  const struct config *c, struct arena *arena,
                                  struct config_entry *out)
{
    struct bytes owner = log_topic_info(topic)->name, value;
    struct bytes fallback = config_default(face, c, arena);

    out->source = default_source(face, c, fallback, arena);
    out->value = fallback;
    if (config_kept(face, CONFIG_TOPIC, owner, c, &value)) {
        out->value = arena_copy(arena, value);
        out->source = SOURCE_TOPIC;
    } else if (c->own) { /* a topic that SQL made has options that nobody set by these names */
        out->value = config_value(&log_topic_info(topic)->options, c->own, arena);
        if (!bytes_equal(out->value, fallback))
            out->source = SOURCE_TOPIC;
    }
}

int configs_of_topic(const struct kafka_face *face, const struct log_topic *topic,
                     struct arena *arena, struct config_entry out[CONFIG_ENTRIES_MAX])
{
    for (int i = 0; i < TOPIC_CONFIGS; i++) {
        const struct config *c = &topic_configs[i];
        out[i] = (struct config_entry){.name = c->name, .type = (int8_t)c->type, .config = c};
        describe_topic_config(face, topic, c, arena, &out[i]);
        out[i].is_default = out[i].source != SOURCE_TOPIC;
    }
    return TOPIC_CONFIGS;
}

static int static_of_broker(const struct kafka_face *face, struct arena *arena,
                            struct config_entry *out)
{
    const struct kafka_options *o = &face->options;
    const struct config_entry entries[] = {
        {.name = "auto.create.topics.enable",
         .value = o->no_auto_create ? BYTES_LITERAL("false") : BYTES_LITERAL("true"),
         .is_default = !o->no_auto_create,
         .type = CONFIG_BOOLEAN},
        {.name = "broker.id", .value = number(arena, o->node_id), .type = CONFIG_INT},
        {.name = "default.replication.factor", .value = BYTES_LITERAL("1"), .is_default = true, .type = CONFIG_INT},
        {.name = "delete.topic.enable", .value = BYTES_LITERAL("true"), .is_default = true, .type = CONFIG_BOOLEAN},
        {.name = "group.consumer.assignors",
         .value = BYTES_LITERAL("uniform,range"),
         .is_default = true,
         .type = CONFIG_LIST},
        {.name = "group.consumer.heartbeat.interval.ms",
         .value = number(arena, o->consumer_heartbeat_ms),
         .is_default = o->consumer_heartbeat_ms == KAFKA_CONSUMER_HEARTBEAT_MS,
         .type = CONFIG_INT},
        {.name = "group.consumer.migration.policy",
         .value = bytes_str(face_migration_name(o->consumer_migration)),
         .is_default = o->consumer_migration == KAFKA_MIGRATE_BIDIRECTIONAL,
         .type = CONFIG_STRING},
        {.name = "group.consumer.session.timeout.ms",
         .value = number(arena, o->consumer_session_ms),
         .is_default = o->consumer_session_ms == KAFKA_CONSUMER_SESSION_MS,
         .type = CONFIG_INT},
        {.name = "group.initial.rebalance.delay.ms",
         .value = number(arena, o->rebalance_delay_ms),
         .type = CONFIG_INT},
        {.name = "max.incremental.fetch.session.cache.slots",
         .value = number(arena, o->fetch_sessions_max),
         .is_default = o->fetch_sessions_max == KAFKA_FETCH_SESSIONS,
         .type = CONFIG_INT},
        {.name = "num.partitions", .value = number(arena, o->partitions_default), .type = CONFIG_INT},
        {.name = "offsets.topic.replication.factor", .value = BYTES_LITERAL("1"), .type = CONFIG_SHORT},
        {.name = "transaction.max.timeout.ms",
         .value = number(arena, TXN_TIMEOUT_MS_MAX),
         .is_default = true,
         .type = CONFIG_INT},
        {.name = "transactional.id.expiration.ms",
         .value = number(arena, TXN_IDLE_MS_MAX),
         .is_default = true,
         .type = CONFIG_INT},
        {.name = "socket.request.max.bytes", .value = number(arena, o->frame_bytes_max), .type = CONFIG_INT},
    };
    int count = sizeof(entries) / sizeof(*entries);

    memcpy(out, entries, sizeof(entries));
    for (int i = 0; i < count; i++) {
        out[i].read_only = true; /* set when the server starts */
        out[i].source = out[i].is_default ? SOURCE_DEFAULT : SOURCE_STATIC_BROKER;
    }
    return count;
}

/* Of this broker, or of a group: what is kept, or the default. */
static int configs_kept(const struct kafka_face *face, enum config_resource resource,
                        struct bytes owner, struct arena *arena, struct config_entry *out)
{
    int count;
    const struct config *table = configs_of(resource, &count);

    for (int i = 0; i < count; i++) {
        const struct config *c = &table[i];
        struct bytes value;
        bool kept = config_kept(face, resource, owner, c, &value);
        out[i] = (struct config_entry){
            .name = c->name, .type = (int8_t)c->type, .config = c, .is_default = !kept};
        out[i].value = kept ? arena_copy(arena, value) : config_initial(face, c, arena);
        out[i].source = !kept                      ? default_source(face, c, out[i].value, arena)
                        : resource == CONFIG_GROUP ? SOURCE_GROUP
                                                   : SOURCE_DYNAMIC_BROKER;
    }
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

static void add_synonym(struct kafka_describe_configs_res_config *c, const char *name,
                        struct bytes value, int8_t source)
{
    c->synonyms.at[c->synonyms.count++] =
        (struct kafka_describe_configs_res_synonym){bytes_str(name), value, source};
}

/* Where its value may come from, the one that counts first. */
static void add_synonyms(struct call *call, const struct config_entry *e,
                         struct kafka_describe_configs_res_config *c)
{
    c->synonyms.at = kafka_describe_configs_res_synonym_new(&call->arena, 3);
    add_synonym(c, e->name, e->value, e->source);
    if (!e->config || e->source == SOURCE_DEFAULT)
        return;
    struct bytes fallback = config_default(call->face, e->config, &call->arena);
    int8_t source = default_source(call->face, e->config, fallback, &call->arena);
    const char *name = e->config->broker ? e->config->broker : e->name;
    if (source != SOURCE_DEFAULT && source != e->source)
        add_synonym(c, name, fallback, source);
    add_synonym(c, name, bytes_str(e->config->fallback), SOURCE_DEFAULT);
}

static int describe_resource(struct call *call, const struct kafka_describe_configs_req_resource *r,
                             const struct config_target *target, struct config_entry *entries)
{
    const struct kafka_face *face = call->face;

    if (target->resource == CONFIG_TOPIC)
        return configs_of_topic(face, target->topic, &call->arena, entries);
    int count = configs_kept(face, target->resource, r->resource_name, &call->arena, entries);
    if (target->resource == CONFIG_BROKER)
        count += static_of_broker(face, &call->arena, entries + count);
    return count;
}

static void describe(struct call *call, const struct kafka_describe_configs_req *req,
                     const struct kafka_describe_configs_req_resource *asked,
                     struct kafka_describe_configs_res_result *out)
{
    struct config_entry *entries =
        ARENA_ARRAY(&call->arena, struct config_entry, CONFIG_ENTRIES_MAX);
    struct config_target target;
    struct diag diag = {0};

    out->resource_type = asked->resource_type;
    out->resource_name = asked->resource_name;
    out->error_code =
        (int16_t)config_right(call, ACL_DESCRIBE_CONFIGS, asked->resource_type, asked->resource_name);
    if (!out->error_code)
        out->error_code = (int16_t)config_target(call->face, asked->resource_type,
                                                 asked->resource_name, &target, &diag);
    if (out->error_code) {
        out->error_message = arena_copy(&call->arena, bytes_str(diag.message));
        return;
    }
    int count = describe_resource(call, asked, &target, entries);
    out->configs.at = kafka_describe_configs_res_config_new(&call->arena, count);
    for (int i = 0; i < count; i++) {
        if (!is_asked(asked, entries[i].name))
            continue;
        struct kafka_describe_configs_res_config *c = &out->configs.at[out->configs.count++];
        c->name = bytes_str(entries[i].name);
        c->value = entries[i].value;
        c->read_only = entries[i].read_only;
        c->is_default = entries[i].is_default;
        c->config_source = entries[i].source;
        c->config_type = entries[i].type;
        if (req->include_synonyms)
            add_synonyms(call, &entries[i], c);
    }
}

/* The broker's are the cluster's. What is no kind of resource is config_target's to refuse. */
enum kafka_error config_right(const struct call *call, enum acl_operation operation, int8_t type,
                              struct bytes name)
{
    switch (type) {
    case CONFIG_TOPIC:
        return call_may(call, operation, ACL_TOPIC, name) ? KAFKA_ERR_NONE
                                                          : KAFKA_ERR_TOPIC_AUTHORIZATION_FAILED;
    case CONFIG_GROUP:
        return call_may(call, operation, ACL_GROUP, name) ? KAFKA_ERR_NONE
                                                          : KAFKA_ERR_GROUP_AUTHORIZATION_FAILED;
    default:
        return call_may_cluster(call, operation) ? KAFKA_ERR_NONE
                                                 : KAFKA_ERR_CLUSTER_AUTHORIZATION_FAILED;
    }
}

enum kafka_error config_target(const struct kafka_face *face, int8_t type, struct bytes name,
                               struct config_target *out, struct diag *diag)
{
    int64_t node = -1;

    *out = (struct config_target){.resource = (enum config_resource)type};
    switch (type) {
    case CONFIG_TOPIC:
        out->topic = face_topic_visible(face, name, NULL);
        if (out->topic)
            return KAFKA_ERR_NONE;
        (void)diag_set(diag, ST_NOTFOUND, DIAG_NAME, "there is no topic '%.*s'",
                       BYTES_FMT(bytes_head(name, 200)));
        return log_topic_name_valid(name) ? KAFKA_ERR_UNKNOWN_TOPIC_OR_PARTITION
                                          : KAFKA_ERR_INVALID_TOPIC_EXCEPTION;
    case CONFIG_BROKER:
        if (!name.len || (bytes_to_i64(name, &node) && node == face->options.node_id))
            return KAFKA_ERR_NONE;
        (void)diag_set(diag, ST_INVALID, DIAG_VALUE, "broker %d is the only one, or '' for all",
                       face->options.node_id);
        return KAFKA_ERR_INVALID_REQUEST;
    case CONFIG_GROUP:
        if (name.len)
            return KAFKA_ERR_NONE;
        (void)diag_set(diag, ST_INVALID, DIAG_VALUE, "a group's id is not empty");
        return KAFKA_ERR_INVALID_REQUEST;
    default: break;
    }
    (void)diag_set(diag, ST_INVALID, DIAG_VALUE,
                   "topics (2), this broker (4) and groups (32) have configurations");
    return KAFKA_ERR_INVALID_REQUEST;
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
