/* kafka_source.c: another Kafka cluster as a source, exactly once: the offsets are in our log, with the records.
 *
 * A split is a partition, by its number, and goes to the partition of that number in the table's topic; its position is
 * the next offset. Partitions that are added are looked for every 'scan.topic-partition-discovery.interval'. The
 * consumer is in no group: it is told what to read. What it has read ahead is bounded.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/check.h"
#include "bridge/kafka_inner.h"

struct kafka_split {
    bool known;
    int64_t next;
};

/* ---- options ---- */

/* 'partition:0,offset:42;…': that of one partition, else -1. False when the text is none such. */
static bool specific(struct bytes text, uint32_t partition, int64_t *out)
{
    *out = -1;
    while (text.len) {
        size_t end = bytes_find(text, ';', 0);
        char one[80];
        unsigned p;
        long long offset;
        int used = 0;
        snprintf(one, sizeof(one), "%.*s", BYTES_FMT(bytes_head(text, end < 79 ? end : 79)));
        if (sscanf(one, " partition:%u,offset:%lld %n", &p, &offset, &used) != 2 || one[used] || offset < 0)
            return false;
        if (p == partition)
            *out = offset;
        text = bytes_skip(text, end < text.len ? end + 1 : end);
    }
    return true;
}

bool kafka_is_upsert(const struct bridge_kafka_state *b)
{
    return b->base.class == &bridge_upsert_kafka;
}

static enum status check_start(const struct bridge_spec *spec, struct diag *diag)
{
    const struct bridge_value *v = spec->values;
    int64_t ignored;

    if (!specific(v[OPT_OFFSETS].text, 0, &ignored)) {
        diag_hint(diag, "it is like partition:0,offset:42;partition:1,offset:300");
        return diag_set(diag, ST_INVALID, DIAG_VALUE, "option 'scan.startup.specific-offsets' is '%.*s'",
                        BYTES_FMT(bytes_head(v[OPT_OFFSETS].text, 100)));
    }
    if (spec->way != BRIDGE_SOURCE || v[OPT_START].number == KAFKA_EARLIEST || v[OPT_START].number == KAFKA_LATEST)
        return ST_OK;
    if (v[OPT_START].number == KAFKA_SPECIFIC && !v[OPT_OFFSETS].text.len)
        return diag_set(diag, ST_INVALID, DIAG_VALUE,
                        "'scan.startup.mode' = 'specific-offsets' needs 'scan.startup.specific-offsets'");
    if (v[OPT_START].number == KAFKA_TIMESTAMP && !v[OPT_START_MS].given)
        return diag_set(diag, ST_INVALID, DIAG_VALUE,
                        "'scan.startup.mode' = 'timestamp' needs 'scan.startup.timestamp-millis'");
    if (v[OPT_START].number == KAFKA_GROUP && !kafka_property(spec, "group.id", "").len) {
        diag_hint(diag, "or say 'scan.startup.mode' = 'earliest-offset'");
        return diag_set(diag, ST_INVALID, DIAG_VALUE,
                        "'scan.startup.mode' is 'group-offsets', as it is by default: that needs 'properties.group.id'");
    }
    return ST_OK;
}

enum status kafka_source_check(const struct bridge_kafka_state *b, struct diag *diag)
{
    struct bytes reset = kafka_property(b->base.spec, "auto.offset.reset", "none");

    if (!bytes_is(reset, "none") && !bytes_is(reset, "earliest") && !bytes_is(reset, "latest"))
        return diag_set(diag, ST_INVALID, DIAG_VALUE,
                        "'properties.auto.offset.reset' is earliest, latest or none, not '%.*s'",
                        BYTES_FMT(bytes_head(reset, 60)));
    return kafka_is_upsert(b) ? ST_OK : check_start(b->base.spec, diag);
}

/* ---- splits ---- */

static void splits_room(struct bridge_kafka_state *b, uint32_t count)
{
    if (count <= b->splits_count)
        return;
    b->splits = xrealloc(b->splits, count * sizeof(*b->splits));
    memset(b->splits + b->splits_count, 0, (count - b->splits_count) * sizeof(*b->splits));
    b->splits_count = count;
}

enum status kafka_resume(struct bridge *bridge, struct bytes split, struct bytes position)
{
    struct bridge_kafka_state *b = (struct bridge_kafka_state *)bridge;
    int64_t p, next;

    if (!bytes_to_i64(split, &p) || !bytes_to_i64(position, &next) || p < 0 || p >= 10000 || next < 0)
        return ST_CORRUPT;
    splits_room(b, (uint32_t)p + 1);
    b->splits[p] = (struct kafka_split){true, next};
    b->resumed = true;
    return ST_OK;
}

static void moved(struct bridge_kafka_state *b, struct bridge_poll *poll, uint32_t p)
{
    bridge_poll_moved(poll, bytes_str(arena_printf(poll->arena, "%u", p)),
                      bytes_str(arena_printf(poll->arena, "%lld", (long long)b->splits[p].next)));
}

/* ---- where to begin ---- */

static bool edges(struct bridge_kafka_state *b, uint32_t p, int64_t *low, int64_t *high, char trouble[200])
{
    rd_kafka_resp_err_t err = rd_kafka_query_watermark_offsets(b->client, b->topic, (int32_t)p, low, high,
                                                               kafka_timeout(b));
    return err ? kafka_trouble(b, trouble, "asking for offsets", rd_kafka_err2str(err)) : true;
}

/* By one of the calls that fill in a list; `at` of each is what was asked for, and becomes an offset. */
static bool look_up(struct bridge_kafka_state *b, uint32_t p, int64_t at,
                    rd_kafka_resp_err_t (*call)(rd_kafka_t *, rd_kafka_topic_partition_list_t *, int), int64_t *out,
                    char trouble[200])
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);

    rd_kafka_topic_partition_list_add(list, b->topic, (int32_t)p)->offset = at;
    rd_kafka_resp_err_t err = call(b->client, list, kafka_timeout(b));
    if (!err)
        err = list->elems[0].err;
    *out = list->elems[0].offset;
    rd_kafka_topic_partition_list_destroy(list);
    return err ? kafka_trouble(b, trouble, "asking for offsets", rd_kafka_err2str(err)) : true;
}

static bool reset(struct bridge_kafka_state *b, uint32_t p, int64_t low, int64_t high, int64_t *out,
                  char trouble[200])
{
    struct bytes how = kafka_property(b->base.spec, "auto.offset.reset", "none");

    *out = bytes_is(how, "earliest") ? low : high;
    if (!bytes_is(how, "none"))
        return true;
    snprintf(trouble, 200, "group '%.*s' has no offset of partition %u of '%.60s': 'properties.auto.offset.reset' says "
             "where to begin then", BYTES_FMT(bytes_head(kafka_property(b->base.spec, "group.id", ""), 40)), p, b->topic);
    return false;
}

static bool start_of(struct bridge_kafka_state *b, uint32_t p, int64_t *out, char trouble[200])
{
    const struct bridge_spec *spec = b->base.spec;
    int64_t low, high;

    if (!edges(b, p, &low, &high, trouble))
        return false;
    *out = low;
    if (b->resumed || kafka_is_upsert(b)) /* it was added since, or is a table's history */
        return true;
    switch ((enum kafka_start)spec->values[OPT_START].number) {
    case KAFKA_EARLIEST:
        return true;
    case KAFKA_LATEST:
        *out = high;
        return true;
    case KAFKA_SPECIFIC:
        specific(spec->values[OPT_OFFSETS].text, p, out);
        *out = *out < 0 ? low : *out;
        return true;
    case KAFKA_TIMESTAMP:
        if (!look_up(b, p, spec->values[OPT_START_MS].number, rd_kafka_offsets_for_times, out, trouble))
            return false;
        *out = *out < 0 ? high : *out;
        return true;
    case KAFKA_GROUP:
        if (!look_up(b, p, 0, rd_kafka_committed, out, trouble))
            return false;
        return *out >= 0 || reset(b, p, low, high, out, trouble);
    }
    UNREACHABLE();
}

/* ---- partitions ---- */

/* How many the topic has; 0: trouble. */
static uint32_t partitions(struct bridge_kafka_state *b, char trouble[200])
{
    const struct rd_kafka_metadata *metadata;
    rd_kafka_topic_t *topic = rd_kafka_topic_new(b->client, b->topic, NULL);
    rd_kafka_resp_err_t err = rd_kafka_metadata(b->client, 0, topic, &metadata, kafka_timeout(b));
    uint32_t count = 0;

    rd_kafka_topic_destroy(topic);
    if (err && !b->assigned) { /* nothing is read yet: what the client has to say of itself */
        rd_kafka_message_t *none = rd_kafka_consumer_poll(b->client, 0);
        if (none)
            rd_kafka_message_destroy(none);
    }
    if (!err) {
        err = metadata->topic_cnt == 1 ? metadata->topics[0].err : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
        count = err ? 0 : (uint32_t)metadata->topics[0].partition_cnt;
        rd_kafka_metadata_destroy(metadata);
    }
    if (!count || count > 10000)
        kafka_trouble(b, trouble, "asking for the topic", err ? rd_kafka_err2str(err) : "it has too many partitions");
    return count > 10000 ? 0 : count;
}

static int64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Those that are not known yet: where they begin is kept before anything of them is read. All, or none. */
static bool discover(struct bridge_kafka_state *b, struct bridge_poll *poll)
{
    int64_t every_ms = b->base.spec->values[OPT_DISCOVERY].number;
    uint32_t count = partitions(b, poll->trouble);
    int64_t *starts = ARENA_ARRAY(poll->arena, int64_t, count + 1u);

    if (!count)
        return false;
    splits_room(b, count);
    for (uint32_t p = 0; p < count; p++)
        if (!b->splits[p].known && !start_of(b, p, &starts[p], poll->trouble))
            return false;
    for (uint32_t p = 0; p < count; p++)
        if (!b->splits[p].known) {
            b->splits[p] = (struct kafka_split){true, starts[p]};
            moved(b, poll, p);
            b->assigned = false;
        }
    b->resumed = true;
    b->look_at_ns = every_ms ? now_ns() + every_ms * 1000000 : INT64_MAX;
    return true;
}

static bool assign(struct bridge_kafka_state *b, char trouble[200])
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)b->splits_count);

    for (uint32_t p = 0; p < b->splits_count; p++)
        if (b->splits[p].known)
            rd_kafka_topic_partition_list_add(list, b->topic, (int32_t)p)->offset = b->splits[p].next;
    rd_kafka_resp_err_t err = rd_kafka_assign(b->client, list);
    rd_kafka_topic_partition_list_destroy(list);
    b->assigned = !err;
    return err ? kafka_trouble(b, trouble, "assigning partitions", rd_kafka_err2str(err)) : true;
}

static bool consumer(struct bridge_kafka_state *b, char trouble[200])
{
    struct bytes reset_to = kafka_property(b->base.spec, "auto.offset.reset", "none");
    char group[KAFKA_GROUP_BYTES], to[32];

    if (b->client)
        return true;
    kafka_group(b, group);
    struct bytes given = kafka_property(b->base.spec, "group.id", "");
    if (given.len)
        snprintf(group, sizeof(group), "%.*s", BYTES_FMT(bytes_head(given, 250)));
    snprintf(to, sizeof(to), "%.*s", BYTES_FMT(bytes_head(reset_to, 20)));
    /* Where more is queued than either bound says, librdkafka looks again only when a second is over: one fetch of small
     * records is far more than a bound of some thousand, and the source would stand still between them. */
    const char *const more[] = {"group.id", group, "enable.auto.commit", "false", "auto.offset.reset",
                                bytes_is(reset_to, "none") ? "error" : to, "queued.max.messages.kbytes", "16384",
                                "queued.min.messages", "100000", "fetch.wait.max.ms", "100", NULL};
    b->client = kafka_client(b, RD_KAFKA_CONSUMER, more, trouble);
    if (!b->client)
        return false;
    rd_kafka_poll_set_consumer(b->client);
    b->look_at_ns = 0;
    return true;
}

void kafka_source_drop(struct bridge_kafka_state *b)
{
    if (b->kept)
        rd_kafka_message_destroy(b->kept);
    b->kept = NULL;
    b->assigned = false;
}

/* ---- records ---- */

static struct bytes copy_of(struct bridge_poll *poll, const void *ptr, size_t len)
{
    return ptr ? len ? arena_copy(poll->arena, bytes_of(ptr, len)) : bytes_of("", 0) : BYTES_NONE;
}

static size_t size_of(const rd_kafka_message_t *m, const rd_kafka_headers_t *headers)
{
    size_t bytes = m->len + m->key_len, size;
    const char *name;
    const void *value;

    for (size_t i = 0; headers && !rd_kafka_header_get_all(headers, i, &name, &value, &size); i++)
        bytes += strlen(name) + size;
    return bytes;
}

/* False: it does not fit any more. */
static bool give(struct bridge_kafka_state *b, struct bridge_poll *poll, const rd_kafka_message_t *m)
{
    rd_kafka_headers_t *headers = NULL;
    rd_kafka_timestamp_type_t type;
    const char *name;
    const void *value;
    size_t size;

    if (rd_kafka_message_headers(m, &headers))
        headers = NULL;
    struct bridge_record *r = bridge_poll_record(poll, size_of(m, headers));
    if (!r)
        return false;
    r->partition = (uint32_t)m->partition;
    r->timestamp_ms = rd_kafka_message_timestamp(m, &type);
    r->key = copy_of(poll, m->key, m->key_len);
    r->value = copy_of(poll, m->payload, m->len);
    for (size_t i = 0; headers && !rd_kafka_header_get_all(headers, i, &name, &value, &size); i++)
        bridge_poll_header(poll, r, bytes_str(name), value ? bytes_of(value, size) : BYTES_NONE);
    b->splits[m->partition].next = m->offset + 1;
    return true;
}

/* An event beside records. False: trouble. */
static bool event(struct bridge_kafka_state *b, struct bridge_poll *poll, const rd_kafka_message_t *m)
{
    if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
        return true;
    if (m->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET)
        snprintf(poll->trouble, sizeof(poll->trouble),
                 "offset %lld of partition %d is not in '%.50s' any more: 'properties.auto.offset.reset' would go on",
                 (long long)b->splits[m->partition].next, m->partition, b->topic);
    else
        kafka_trouble(b, poll->trouble, "reading", rd_kafka_message_errstr(m));
    b->assigned = false; /* the client has stopped reading there */
    return false;
}

static void take(struct bridge_kafka_state *b, struct bridge_poll *poll)
{
    int wait_ms = (int)poll->wait_ms;

    for (;;) {
        rd_kafka_message_t *m = b->kept ? b->kept : rd_kafka_consumer_poll(b->client, wait_ms);
        b->kept = NULL;
        wait_ms = 0;
        if (!m)
            return;
        bool mine = !m->err && m->partition >= 0 && (uint32_t)m->partition < b->splits_count;
        if (mine && !give(b, poll, m)) {
            b->kept = m;
            return;
        }
        bool good = !m->err || event(b, poll, m);
        rd_kafka_message_destroy(m);
        if (!good)
            return;
    }
}

static int64_t behind(const struct bridge_kafka_state *b)
{
    int64_t sum = 0, low, high;

    for (uint32_t p = 0; p < b->splits_count; p++)
        if (!rd_kafka_get_watermark_offsets(b->client, b->topic, (int32_t)p, &low, &high) && high > b->splits[p].next)
            sum += high - b->splits[p].next;
    return sum;
}

static void poll_records(struct bridge_kafka_state *b, struct bridge_poll *poll)
{
    int64_t *before = ARENA_ARRAY(poll->arena, int64_t, b->splits_count + 1u);

    for (uint32_t p = 0; p < b->splits_count; p++)
        before[p] = b->splits[p].next;
    b->said[0] = 0;
    take(b, poll);
    for (uint32_t p = 0; p < b->splits_count; p++)
        if (b->splits[p].next != before[p])
            moved(b, poll, p);
    poll->behind = behind(b);
    if (!poll->count && b->said[0] && !poll->trouble[0])
        snprintf(poll->trouble, sizeof(poll->trouble), "%.190s", b->said);
}

void kafka_poll(struct bridge *bridge, struct bridge_poll *poll)
{
    struct bridge_kafka_state *b = (struct bridge_kafka_state *)bridge;

    if (!consumer(b, poll->trouble))
        return;
    if (now_ns() >= b->look_at_ns && !discover(b, poll))
        return;
    if (poll->moved_count) /* kept first */
        return;
    if (!b->assigned) {
        kafka_source_drop(b);
        if (!assign(b, poll->trouble))
            return;
    }
    poll_records(b, poll);
}
