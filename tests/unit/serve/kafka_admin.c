/* Administration over the Kafka face: partitions, configurations, records, offsets, epochs; and that
 * what was changed is so after a restart. */
#include <stdio.h>
#include <string.h>

#include "lib/kafka_rig.h"
#include "lib/test.h"

enum { TOPIC = 2, BROKER = 4, GROUP = 32 };
enum { SET, DELETE, APPEND, SUBTRACT };

static int16_t extend(struct peer *p, const char *topic, int32_t count, int assignments,
                      bool only_check)
{
    struct kafka_create_partitions_req req;
    struct kafka_create_partitions_res res;
    static int32_t node = 1;

    kafka_create_partitions_req_init(&req);
    req.topics.at = kafka_create_partitions_req_topic_new(&p->rig->arena, 1);
    req.topics.count = 1;
    req.topics.at[0].name = bytes_str(topic);
    req.topics.at[0].count = count;
    req.topics.at[0].assignments.count = assignments;
    req.validate_only = only_check;
    if (assignments > 0)
        req.topics.at[0].assignments.at =
            kafka_create_partitions_req_assignment_new(&p->rig->arena, assignments);
    for (int i = 0; i < assignments; i++) {
        req.topics.at[0].assignments.at[i].broker_ids.at = &node;
        req.topics.at[0].assignments.at[i].broker_ids.count = 1;
    }
    peer_call(p, KAFKA_CREATE_PARTITIONS, 3, &req, &res);
    EXPECT_INT(res.results.count, 1);
    return res.results.at[0].error_code;
}

static int32_t partitions_of(struct peer *p, const char *topic)
{
    struct kafka_metadata_req req;
    struct kafka_metadata_res res;

    kafka_metadata_req_init(&req);
    req.topics.at = kafka_metadata_req_topic_new(&p->rig->arena, 1);
    req.topics.count = 1;
    req.topics.at[0].name = bytes_str(topic);
    req.allow_auto_topic_creation = false;
    peer_call(p, KAFKA_METADATA, 12, &req, &res);
    return res.topics.at[0].partitions.count;
}

TEST(kafka_partitions_are_added_and_stay)
{
    struct rig rig;

    kafka_rig_open(&rig);
    struct peer *p = peer_open(&rig);
    kafka_rig_make_topic(p, "t", 2);
    EXPECT_INT(extend(p, "t", 2, -1, false), KAFKA_ERR_INVALID_PARTITIONS);
    EXPECT_INT(extend(p, "t", 1, -1, false), KAFKA_ERR_INVALID_PARTITIONS);
    EXPECT_INT(extend(p, "t", 1000000, -1, false), KAFKA_ERR_INVALID_PARTITIONS);
    EXPECT_INT(extend(p, "none", 4, -1, false), KAFKA_ERR_UNKNOWN_TOPIC_OR_PARTITION);
    EXPECT_INT(extend(p, "t", 4, 1, false), KAFKA_ERR_INVALID_REPLICA_ASSIGNMENT);
    EXPECT_INT(extend(p, "t", 4, -1, true), 0);
    EXPECT_INT(partitions_of(p, "t"), 2);
    EXPECT_INT(extend(p, "t", 4, 2, false), 0);
    EXPECT_INT(partitions_of(p, "t"), 4);
    peer_end(p);
    kafka_rig_stop(&rig);
    kafka_rig_start(&rig);
    p = peer_open(&rig);
    EXPECT_INT(partitions_of(p, "t"), 4);
    peer_end(p);
    kafka_rig_close(&rig);
}

/* ---- configurations ---- */

struct setting {
    const char *name;
    int8_t operation;
    const char *value;
};

static int16_t alter(struct peer *p, int8_t type, const char *name, const struct setting *settings,
                     int count)
{
    struct kafka_incremental_alter_configs_req req;
    struct kafka_incremental_alter_configs_res res;

    kafka_incremental_alter_configs_req_init(&req);
    req.resources.at = kafka_incremental_alter_configs_req_resource_new(&p->rig->arena, 1);
    req.resources.count = 1;
    req.resources.at[0].resource_type = type;
    req.resources.at[0].resource_name = bytes_str(name);
    req.resources.at[0].configs.at =
        kafka_incremental_alter_configs_req_config_new(&p->rig->arena, count);
    req.resources.at[0].configs.count = count;
    for (int i = 0; i < count; i++) {
        req.resources.at[0].configs.at[i].name = bytes_str(settings[i].name);
        req.resources.at[0].configs.at[i].config_operation = settings[i].operation;
        if (settings[i].value)
            req.resources.at[0].configs.at[i].value = bytes_str(settings[i].value);
    }
    peer_call(p, KAFKA_INCREMENTAL_ALTER_CONFIGS, 1, &req, &res);
    EXPECT_INT(res.responses.count, 1);
    return res.responses.at[0].error_code;
}

static int16_t alter_one(struct peer *p, const char *topic, const char *name, int8_t operation,
                         const char *value)
{
    return alter(p, TOPIC, topic, &(struct setting){name, operation, value}, 1);
}

static int16_t alter_all(struct peer *p, const char *topic, const char *name, const char *value)
{
    struct kafka_alter_configs_req req;
    struct kafka_alter_configs_res res;

    kafka_alter_configs_req_init(&req);
    req.resources.at = kafka_alter_configs_req_resource_new(&p->rig->arena, 1);
    req.resources.count = 1;
    req.resources.at[0].resource_type = TOPIC;
    req.resources.at[0].resource_name = bytes_str(topic);
    req.resources.at[0].configs.at = kafka_alter_configs_req_config_new(&p->rig->arena, 1);
    req.resources.at[0].configs.count = 1;
    req.resources.at[0].configs.at[0].name = bytes_str(name);
    req.resources.at[0].configs.at[0].value = bytes_str(value);
    peer_call(p, KAFKA_ALTER_CONFIGS, 2, &req, &res);
    return res.responses.at[0].error_code;
}

static struct kafka_describe_configs_res_config config_of(struct peer *p, int8_t type,
                                                          const char *owner, const char *name)
{
    struct kafka_describe_configs_req req;
    struct kafka_describe_configs_res res;
    struct bytes key = bytes_str(name);

    kafka_describe_configs_req_init(&req);
    req.include_synonyms = true;
    req.resources.at = kafka_describe_configs_req_resource_new(&p->rig->arena, 1);
    req.resources.count = 1;
    req.resources.at[0].resource_type = type;
    req.resources.at[0].resource_name = bytes_str(owner);
    req.resources.at[0].configuration_keys.at = &key;
    req.resources.at[0].configuration_keys.count = 1;
    peer_call(p, KAFKA_DESCRIBE_CONFIGS, 4, &req, &res);
    EXPECT_INT(res.results.at[0].error_code, 0);
    EXPECT_INT(res.results.at[0].configs.count, 1);
    return res.results.at[0].configs.at[0];
}

static void expect_config(struct peer *p, int8_t type, const char *owner, const char *name,
                          const char *value, int8_t source)
{
    struct kafka_describe_configs_res_config c = config_of(p, type, owner, name);

    EXPECT_BYTES(c.value, bytes_str(value));
    EXPECT_INT(c.config_source, source);
    EXPECT(c.synonyms.count > 0);
    EXPECT_BYTES(c.synonyms.at[0].value, bytes_str(value));
    EXPECT(!c.read_only);
}

TEST(kafka_configurations_change_one_by_one_and_stay)
{
    struct rig rig;

    kafka_rig_open(&rig);
    struct peer *p = peer_open(&rig);
    kafka_rig_make_topic(p, "t", 1);
    expect_config(p, TOPIC, "t", "retention.ms", "604800000", 5);
    EXPECT_INT(alter_one(p, "t", "retention.ms", SET, "1234"), 0);
    EXPECT_INT(alter_one(p, "t", "flush.ms", SET, "77"), 0);
    EXPECT_INT(alter_one(p, "t", "cleanup.policy", APPEND, "compact"), 0);
    expect_config(p, TOPIC, "t", "cleanup.policy", "delete,compact", 1);
    EXPECT_INT(log_topic_info(log_topic_find(rig.log, BYTES_LITERAL("t")))->options.retention_ms,
               1234);
    /* what is the default is told as set all the same */
    EXPECT_INT(alter_one(p, "t", "max.message.bytes", SET, "1048588"), 0);
    expect_config(p, TOPIC, "t", "max.message.bytes", "1048588", 1);
    peer_end(p);
    kafka_rig_stop(&rig);
    kafka_rig_start(&rig);
    p = peer_open(&rig);
    expect_config(p, TOPIC, "t", "retention.ms", "1234", 1);
    expect_config(p, TOPIC, "t", "flush.ms", "77", 1);
    expect_config(p, TOPIC, "t", "cleanup.policy", "delete,compact", 1);
    EXPECT_INT(alter_one(p, "t", "cleanup.policy", SUBTRACT, "compact"), 0);
    expect_config(p, TOPIC, "t", "cleanup.policy", "delete", 1);
    EXPECT_INT(alter_one(p, "t", "retention.ms", DELETE, NULL), 0);
    expect_config(p, TOPIC, "t", "retention.ms", "604800000", 5);
    /* all at once: what is not named has its default again */
    EXPECT_INT(alter_all(p, "t", "retention.ms", "99999"), 0);
    expect_config(p, TOPIC, "t", "retention.ms", "99999", 1);
    expect_config(p, TOPIC, "t", "flush.ms", "9223372036854775807", 5);
    peer_end(p);
    kafka_rig_close(&rig);
}

TEST(kafka_configurations_refuse_nonsense_and_change_nothing_by_half)
{
    struct rig rig;
    const struct setting half[] = {{"retention.ms", SET, "5"}, {"segment.bytes", SET, "x"}};
    const struct setting twice[] = {{"retention.ms", SET, "5"}, {"retention.ms", SET, "6"}};

    kafka_rig_open(&rig);
    struct peer *p = peer_open(&rig);
    kafka_rig_make_topic(p, "t", 1);
    EXPECT_INT(alter(p, TOPIC, "t", half, 2), KAFKA_ERR_INVALID_CONFIG);
    EXPECT_INT(alter(p, TOPIC, "t", twice, 2), KAFKA_ERR_INVALID_REQUEST);
    EXPECT_INT(alter_one(p, "t", "no.such", SET, "5"), KAFKA_ERR_INVALID_CONFIG);
    EXPECT_INT(alter_one(p, "t", "retention.ms", SET, NULL), KAFKA_ERR_INVALID_REQUEST);
    EXPECT_INT(alter_one(p, "t", "retention.ms", APPEND, "5"), KAFKA_ERR_INVALID_CONFIG);
    EXPECT_INT(alter_one(p, "t", "retention.ms", 9, "5"), KAFKA_ERR_INVALID_REQUEST);
    EXPECT_INT(alter_one(p, "t", "cleanup.policy", SUBTRACT, "delete"), KAFKA_ERR_INVALID_CONFIG);
    EXPECT_INT(alter_one(p, "t", "quickwater.durability", SET, "memory"), KAFKA_ERR_INVALID_CONFIG);
    EXPECT_INT(alter_one(p, "none", "retention.ms", SET, "5"), KAFKA_ERR_UNKNOWN_TOPIC_OR_PARTITION);
    EXPECT_INT(alter(p, BROKER, "7", half, 1), KAFKA_ERR_INVALID_REQUEST);
    EXPECT_INT(alter(p, GROUP, "", half, 1), KAFKA_ERR_INVALID_REQUEST);
    EXPECT_INT(alter(p, 99, "t", half, 1), KAFKA_ERR_INVALID_REQUEST);
    expect_config(p, TOPIC, "t", "retention.ms", "604800000", 5);
    peer_end(p);
    kafka_rig_close(&rig);
}

TEST(kafka_a_topic_has_the_brokers_configuration_unless_it_sets_its_own)
{
    struct rig rig;
    const struct setting set = {"log.retention.ms", SET, "5000"};
    const struct setting unset = {"log.retention.ms", DELETE, NULL};
    const struct setting group = {"consumer.session.timeout.ms", SET, "50000"};

    kafka_rig_open(&rig);
    struct peer *p = peer_open(&rig);
    kafka_rig_make_topic(p, "own", 1);
    kafka_rig_make_topic(p, "plain", 1);
    EXPECT_INT(alter_one(p, "own", "retention.ms", SET, "1234"), 0);
    EXPECT_INT(alter(p, BROKER, "1", &set, 1), 0);
    EXPECT_INT(alter(p, GROUP, "g", &group, 1), 0);
    kafka_rig_make_topic(p, "later", 1);
    expect_config(p, BROKER, "1", "log.retention.ms", "5000", 2);
    expect_config(p, GROUP, "g", "consumer.session.timeout.ms", "50000", 8);
    expect_config(p, TOPIC, "own", "retention.ms", "1234", 1);
    expect_config(p, TOPIC, "plain", "retention.ms", "5000", 2);
    expect_config(p, TOPIC, "later", "retention.ms", "5000", 2);
    EXPECT_INT(alter_one(p, "own", "retention.ms", DELETE, NULL), 0);
    expect_config(p, TOPIC, "own", "retention.ms", "5000", 2);
    peer_end(p);
    kafka_rig_stop(&rig);
    kafka_rig_start(&rig);
    p = peer_open(&rig);
    expect_config(p, TOPIC, "plain", "retention.ms", "5000", 2);
    EXPECT_INT(alter(p, BROKER, "1", &unset, 1), 0);
    expect_config(p, TOPIC, "plain", "retention.ms", "604800000", 5);
    expect_config(p, TOPIC, "later", "retention.ms", "604800000", 5);
    peer_end(p);
    kafka_rig_close(&rig);
}

TEST(kafka_a_smaller_bound_of_messages_and_an_append_time_count_at_once)
{
    struct rig rig;

    kafka_rig_open(&rig);
    struct peer *p = peer_open(&rig);
    kafka_rig_make_topic(p, "t", 1);
    EXPECT_INT(peer_produce(p, "t", kafka_rig_batch(&rig, 20, -1, -1, -1)).log_append_time_ms, -1);
    EXPECT_INT(alter_one(p, "t", "max.message.bytes", SET, "100"), 0);
    EXPECT_INT(peer_produce(p, "t", kafka_rig_batch(&rig, 20, -1, -1, -1)).error_code,
               KAFKA_ERR_MESSAGE_TOO_LARGE);
    EXPECT_INT(alter_one(p, "t", "max.message.bytes", DELETE, NULL), 0);
    EXPECT_INT(alter_one(p, "t", "message.timestamp.type", SET, "LogAppendTime"), 0);
    EXPECT(peer_produce(p, "t", kafka_rig_batch(&rig, 20, -1, -1, -1)).log_append_time_ms > 1000000);
    peer_end(p);
    kafka_rig_close(&rig);
}

/* Four records of 200 bytes, with headers, from `timestamp_ms` on. */
static struct bytes batch_of(struct rig *rig, enum kafka_codec codec, int64_t timestamp_ms)
{
    const struct record_header header = {BYTES_LITERAL("h"), BYTES_LITERAL("x")};
    static uint8_t value[200];
    struct batch_builder b;
    struct buf out;

    batch_builder_init(&b, codec);
    buf_init(&out, 0);
    b.producer_id = 77;
    b.producer_epoch = 0;
    b.base_sequence = 0;
    for (int i = 0; i < 4; i++)
        batch_builder_add(&b, timestamp_ms + i, i == 2 ? BYTES_NONE : BYTES_LITERAL("key"),
                          bytes_of(value, sizeof(value)), &header, 1);
    EXPECT_OK(batch_builder_finish(&b, &out));
    struct bytes batch = arena_copy(&rig->arena, buf_view(&out));
    buf_deinit(&out);
    batch_builder_deinit(&b);
    return batch;
}

static struct bytes stored(struct peer *p, const char *topic)
{
    return peer_fetched(p, peer_ask_fetch(p, topic, 0, 0, 1 << 20)).records;
}

static void expect_same_records(struct rig *rig, struct bytes got, struct bytes sent)
{
    struct batch_records a, b;
    struct record ra, rb;

    EXPECT_OK(batch_records_open(&a, got, &rig->arena, 1 << 20));
    EXPECT_OK(batch_records_open(&b, sent, &rig->arena, 1 << 20));
    EXPECT_INT(a.header.records_count, 4);
    EXPECT_INT(a.header.producer_id, 77);
    EXPECT_INT(a.header.base_sequence, 0);
    EXPECT_INT(a.header.max_timestamp, b.header.max_timestamp);
    for (int i = 0; i < 4; i++) {
        EXPECT_OK(batch_records_next(&a, &ra));
        EXPECT_OK(batch_records_next(&b, &rb));
        EXPECT_INT(ra.timestamp_ms, rb.timestamp_ms);
        EXPECT_INT(ra.offset, i);
        EXPECT_INT(ra.key.ptr == NULL, i == 2);
        EXPECT_BYTES(ra.value, rb.value);
        EXPECT_BYTES(ra.headers, rb.headers);
    }
}

TEST(kafka_a_topics_compression_is_that_of_its_records)
{
    static const char *const names[] = {"uncompressed", "gzip", "snappy", "lz4", "zstd"};
    struct rig rig;

    kafka_rig_open(&rig);
    struct peer *p = peer_open(&rig);
    for (int codec = 0; codec < KAFKA_CODEC_COUNT; codec++) {
        kafka_rig_make_topic(p, names[codec], 1);
        EXPECT_INT(alter_one(p, names[codec], "compression.type", SET, names[codec]), 0);
        EXPECT_INT(alter_one(p, names[codec], "retention.ms", SET, "-1"), 0); /* the records are of 1970 */
        for (int from = 0; from < KAFKA_CODEC_COUNT; from++) {
            struct bytes batch = batch_of(&rig, (enum kafka_codec)from, 1000);
            EXPECT_INT(peer_produce(p, names[codec], batch).error_code, 0); /* the first, then sent again */
            EXPECT_INT(peer_produce(p, names[codec], batch).base_offset, 0);
        }
        struct batch_header h;
        struct bytes got = stored(p, names[codec]);
        EXPECT_OK(batch_validate(got, &h));
        EXPECT_INT(batch_codec(&h), codec);
        EXPECT_INT((int64_t)batch_size(&h), (int64_t)got.len);
        expect_same_records(&rig, got, batch_of(&rig, KAFKA_CODEC_NONE, 1000));
    }
    EXPECT_INT(alter_one(p, "gzip", "compression.type", SET, "brotli"), KAFKA_ERR_INVALID_CONFIG);
    EXPECT_INT(alter_one(p, "gzip", "compression.type", SET, "none"), KAFKA_ERR_INVALID_CONFIG);
    EXPECT_INT(alter_one(p, "gzip", "compression.type", SET, "producer"), 0);
    /* it must fit as it will be kept */
    EXPECT_INT(alter_one(p, "uncompressed", "max.message.bytes", SET, "500"), 0);
    EXPECT_INT(peer_produce(p, "uncompressed", batch_of(&rig, KAFKA_CODEC_ZSTD, 1000)).error_code,
               KAFKA_ERR_MESSAGE_TOO_LARGE);
    peer_end(p);
    kafka_rig_close(&rig);
}

TEST(kafka_timestamps_are_held_to_the_topics_bounds)
{
    struct rig rig;

    kafka_rig_open(&rig);
    struct peer *p = peer_open(&rig);
    int64_t now_ms = os_wall_us(rig.os) / 1000;
    kafka_rig_make_topic(p, "t", 1);
    struct kafka_produce_res_partition r =
        peer_produce(p, "t", batch_of(&rig, KAFKA_CODEC_LZ4, now_ms + 3600000 + 2000000));
    EXPECT_INT(r.error_code, KAFKA_ERR_INVALID_TIMESTAMP); /* more than an hour ahead */
    EXPECT_INT(r.record_errors.count, 4);
    EXPECT_INT(alter_one(p, "t", "message.timestamp.after.max.ms", SET, "10000000"), 0);
    EXPECT_INT(alter_one(p, "t", "message.timestamp.before.max.ms", SET, "60000"), 0);
    r = peer_produce(p, "t", batch_of(&rig, KAFKA_CODEC_GZIP, now_ms - 90000));
    EXPECT_INT(r.error_code, KAFKA_ERR_INVALID_TIMESTAMP);
    EXPECT_INT(alter_one(p, "t", "message.timestamp.type", SET, "LogAppendTime"), 0);
    EXPECT_INT(peer_produce(p, "t", batch_of(&rig, KAFKA_CODEC_GZIP, now_ms - 90000)).error_code, 0);
    EXPECT_INT(alter_one(p, "t", "message.timestamp.after.max.ms", SET, "soon"), KAFKA_ERR_INVALID_CONFIG);
    peer_end(p);
    kafka_rig_close(&rig);
}

TEST(kafka_a_shorter_retention_counts_at_once)
{
    struct rig rig;
    struct log_offsets o;

    kafka_rig_open(&rig);
    struct peer *p = peer_open(&rig);
    kafka_rig_make_topic(p, "t", 1);
    for (int i = 0; i < 5; i++) /* records of the year 1970, kept as long as nobody looks */
        peer_produce(p, "t", kafka_rig_batch(&rig, 10, -1, -1, -1));
    EXPECT_INT(alter_one(p, "t", "retention.ms", SET, "60000"), 0);
    for (int i = 0; i < 10; i++) {
        kafka_rig_run_for(&rig, 500);
        while (log_work(rig.log))
            ;
    }
    log_offsets(log_partition_of(log_topic_find(rig.log, BYTES_LITERAL("t")), 0), &o);
    EXPECT_INT(o.start, 50);
    EXPECT_INT(o.end, 50);
    peer_end(p);
    kafka_rig_close(&rig);
}

/* ---- epochs ---- */

static struct kafka_offset_for_leader_epoch_res_partition epoch_end(struct peer *p, int32_t epoch,
                                                                    int32_t current)
{
    struct kafka_offset_for_leader_epoch_req req;
    struct kafka_offset_for_leader_epoch_res res;

    kafka_offset_for_leader_epoch_req_init(&req);
    req.topics.at = kafka_offset_for_leader_epoch_req_topic_new(&p->rig->arena, 1);
    req.topics.count = 1;
    req.topics.at[0].topic = BYTES_LITERAL("t");
    req.topics.at[0].partitions.at =
        kafka_offset_for_leader_epoch_req_partition_new(&p->rig->arena, 1);
    req.topics.at[0].partitions.count = 1;
    req.topics.at[0].partitions.at[0].leader_epoch = epoch;
    req.topics.at[0].partitions.at[0].current_leader_epoch = current;
    peer_call(p, KAFKA_OFFSET_FOR_LEADER_EPOCH, 4, &req, &res);
    return res.topics.at[0].partitions.at[0];
}

static void expect_epoch(struct peer *p, int32_t epoch, int32_t found, int64_t end)
{
    struct kafka_offset_for_leader_epoch_res_partition e = epoch_end(p, epoch, -1);

    EXPECT_INT(e.error_code, 0);
    EXPECT_INT(e.leader_epoch, found);
    EXPECT_INT(e.end_offset, end);
}

TEST(kafka_says_where_an_epoch_ended_after_restarts)
{
    struct rig rig;

    kafka_rig_open(&rig);
    struct peer *p = peer_open(&rig);
    kafka_rig_make_topic(p, "t", 1);
    EXPECT_INT(alter_one(p, "t", "retention.ms", SET, "-1"), 0); /* the records are of 1970 */
    peer_produce(p, "t", kafka_rig_batch(&rig, 10, -1, -1, -1));
    int32_t first = log_leader_epoch(rig.log);
    for (int i = 0; i < 3; i++) { /* the second life writes nothing */
        peer_end(p);
        kafka_rig_stop(&rig);
        kafka_rig_start(&rig);
        p = peer_open(&rig);
        if (i != 0)
            peer_produce(p, "t", kafka_rig_batch(&rig, 5, -1, -1, -1));
    }
    expect_epoch(p, first, first, 10);
    expect_epoch(p, first + 1, first, 10);
    expect_epoch(p, first + 2, first + 2, 15);
    expect_epoch(p, first + 3, first + 3, 20);
    expect_epoch(p, first + 4, -1, -1);
    EXPECT_INT(epoch_end(p, first, first).error_code, KAFKA_ERR_FENCED_LEADER_EPOCH);
    EXPECT_INT(epoch_end(p, first, first + 4).error_code, KAFKA_ERR_UNKNOWN_LEADER_EPOCH);
    peer_end(p);
    kafka_rig_close(&rig);
}

/* ---- paging, directories ---- */

TEST(kafka_topics_are_described_page_by_page)
{
    struct rig rig;
    struct kafka_describe_topic_partitions_req req;
    struct kafka_describe_topic_partitions_res res;
    struct kafka_describe_topic_partitions_req_cursor cursor;
    char seen[32] = "";

    kafka_rig_open(&rig);
    struct peer *p = peer_open(&rig);
    kafka_rig_make_topic(p, "b", 4);
    kafka_rig_make_topic(p, "a", 3);
    kafka_describe_topic_partitions_req_init(&req);
    req.response_partition_limit = 2;
    for (int page = 0; page < 5; page++) {
        peer_call(p, KAFKA_DESCRIBE_TOPIC_PARTITIONS, 0, &req, &res);
        for (int32_t t = 0; t < res.topics.count; t++) {
            EXPECT_INT(res.topics.at[t].error_code, 0);
            for (int32_t i = 0; i < res.topics.at[t].partitions.count; i++)
                snprintf(seen + strlen(seen), sizeof(seen) - strlen(seen), "%c%d",
                         res.topics.at[t].name.ptr[0],
                         res.topics.at[t].partitions.at[i].partition_index);
        }
        if (!res.next_cursor)
            break;
        cursor = (struct kafka_describe_topic_partitions_req_cursor){
            res.next_cursor->topic_name, res.next_cursor->partition_index};
        req.cursor = &cursor;
    }
    EXPECT(!res.next_cursor);
    EXPECT(strcmp(seen, "a0a1a2b0b1b2b3") == 0);
    peer_end(p);
    kafka_rig_close(&rig);
}

TEST(kafka_log_directories_have_sizes)
{
    struct rig rig;
    struct kafka_describe_log_dirs_req req;
    struct kafka_describe_log_dirs_res res;

    kafka_rig_open(&rig);
    struct peer *p = peer_open(&rig);
    kafka_rig_make_topic(p, "t", 2);
    peer_produce(p, "t", kafka_rig_batch(&rig, 10, -1, -1, -1));
    kafka_describe_log_dirs_req_init(&req);
    req.topics.count = -1;
    peer_call(p, KAFKA_DESCRIBE_LOG_DIRS, 4, &req, &res);
    EXPECT_INT(res.results.count, 1);
    EXPECT_BYTES(res.results.at[0].log_dir, BYTES_LITERAL("data"));
    EXPECT_INT(res.results.at[0].topics.at[0].partitions.count, 2);
    EXPECT(res.results.at[0].topics.at[0].partitions.at[0].partition_size > 100);
    EXPECT_INT(res.results.at[0].topics.at[0].partitions.at[1].partition_size, 0);
    EXPECT(res.results.at[0].total_bytes >= res.results.at[0].usable_bytes);
    peer_end(p);
    kafka_rig_close(&rig);
}
