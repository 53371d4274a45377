/* The Kafka face on a simulated machine: a real log on its disk, clients over its network. */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/endian.h"
#include "lib/kafka_fill.h"
#include "lib/test.h"
#include "net/conn.h"
#include "os/sim/sim.h"
#include "serve/kafka/kafka.h"
#include "wire/kafka/batch.h"

/* ---- a server and its clients ---- */

enum { RESERVE = 32 << 20 }; /* of the disk, that producers may not touch */

struct rig {
    struct os *os;
    struct loop *loop;
    struct log *log;
    struct kafka_face *face;
    struct arena arena; /* of the test */
    bool hold;          /* the log is not flushed: nothing becomes durable */
    char address[64];
};

struct peer {
    struct rig *rig;
    struct conn *conn;
    struct buf in;
    size_t at; /* of in: the first byte not taken */
    bool closed;
    int32_t next_id;
};

static bool flush(void *context)
{
    struct rig *rig = context;

    if (!rig->hold)
        (void)!log_flush(rig->log);
    return false;
}

static void rig_start(struct rig *rig)
{
    const struct kafka_options options = {.rebalance_delay_ms = -1};
    struct diag diag = {0};

    EXPECT_OK(log_open(rig->os, "data", &(struct log_options){.disk_reserve_bytes = RESERVE}, &rig->log,
                       &diag));
    EXPECT_OK(loop_create(rig->os, &rig->loop));
    loop_hook_add(rig->loop, flush, rig);
    EXPECT_OK(kafka_face_open(rig->loop, rig->log, "node:9092", &options, &rig->face));
    snprintf(rig->address, sizeof(rig->address), "%s", kafka_face_address(rig->face));
}

static void rig_stop(struct rig *rig)
{
    kafka_face_close(rig->face);
    loop_hook_remove(rig->loop, flush, rig);
    log_close(rig->log);
    loop_pass(rig->loop, 0); /* what the face has posted */
    loop_destroy(rig->loop);
}

static void rig_open(struct rig *rig)
{
    *rig = (struct rig){0};
    struct os_sim_options options = os_sim_options_quiet();
    options.net_cut = 0.3; /* frames arrive in pieces */
    options.net_delay_ns_max = 100000;
    rig->os = os_sim_create(test_seed(), &options);
    arena_init(&rig->arena, 0);
    rig_start(rig);
}

static void rig_close(struct rig *rig)
{
    rig_stop(rig);
    arena_deinit(&rig->arena);
    os_sim_destroy(rig->os);
}

static size_t peer_bytes(void *state, struct conn *conn, struct bytes in)
{
    struct peer *p = state;

    (void)conn;
    buf_bytes(&p->in, in);
    return in.len;
}

static void peer_close(void *state, struct conn *conn)
{
    struct peer *p = state;

    (void)conn;
    p->closed = true;
}

static const struct conn_handler peer_handler = {.on_bytes = peer_bytes, .on_close = peer_close};

static struct peer *peer_open(struct rig *rig)
{
    const struct conn_limits limits = {.in_bytes_max = 64 << 20,
                                       .out_bytes_pause = 64 << 20,
                                       .out_bytes_max = 64 << 20};
    struct peer *p = ARENA_NEW(&rig->arena, struct peer);

    p->rig = rig;
    buf_init(&p->in, 0);
    EXPECT_OK(conn_connect(rig->loop, rig->address, &peer_handler, p, &limits, &p->conn));
    return p;
}

static void peer_end(struct peer *p)
{
    if (!p->closed)
        conn_close(p->conn);
    for (int i = 0; i < 100 && !p->closed; i++)
        loop_pass(p->rig->loop, 1000000);
    EXPECT(p->closed);
    buf_deinit(&p->in);
}

static int32_t ask(struct peer *p, int16_t key, int16_t version, const void *request)
{
    const struct kafka_api *api = kafka_api_find(key);
    const struct kafka_request_header header = {key, version, p->next_id++, BYTES_LITERAL("test")};
    struct buf out;

    buf_init(&out, 0);
    buf_u32_be(&out, 0);
    kafka_request_header_write(&out, &header);
    kafka_encode(api->request, version, request, &out, NULL);
    buf_patch_u32_be(&out, 0, (uint32_t)out.len - 4);
    conn_send(p->conn, buf_view(&out));
    buf_deinit(&out);
    return header.correlation_id;
}

/* The next frame that has come; false: none is whole yet. */
static bool take(struct peer *p, struct bytes *frame)
{
    struct bytes in = bytes_skip(buf_view(&p->in), p->at);

    if (in.len < 4 || in.len - 4 < load_u32_be(in.ptr))
        return false;
    *frame = arena_copy(&p->rig->arena, bytes_of(in.ptr + 4, load_u32_be(in.ptr)));
    p->at += 4 + frame->len;
    return true;
}

static void run_for(struct rig *rig, int64_t ms)
{
    int64_t until = os_mono_ns(rig->os) + ms * 1000000;

    while (os_mono_ns(rig->os) < until)
        loop_pass(rig->loop, until - os_mono_ns(rig->os));
}

/* The next answer, which must be of that request and decode whole. False: the server hung up. */
static bool answer(struct peer *p, int32_t id, int16_t key, int16_t version, void *response)
{
    const struct kafka_api *api = kafka_api_find(key);
    struct bytes frame;
    int64_t until = os_mono_ns(p->rig->os) + (int64_t)400 * 1000000000;

    while (!take(p, &frame)) {
        if (p->closed)
            return false;
        EXPECT(os_mono_ns(p->rig->os) < until);
        loop_pass(p->rig->loop, until - os_mono_ns(p->rig->os));
    }
    struct reader r = reader_of(frame);
    EXPECT_INT((int32_t)reader_u32_be(&r), id);
    if (key != KAFKA_API_VERSIONS && version >= api->flexible)
        EXPECT_INT(reader_u8(&r), 0);
    EXPECT_OK(kafka_decode(api->response, version, &r, &p->rig->arena, response));
    EXPECT_INT(reader_left(&r), 0);
    return true;
}

static void call(struct peer *p, int16_t key, int16_t version, const void *request, void *response)
{
    EXPECT(answer(p, ask(p, key, version, request), key, version, response));
}

/* ---- what tests ask for ---- */

static void make_topic(struct peer *p, const char *name, int32_t partitions)
{
    struct kafka_create_topics_req req;
    struct kafka_create_topics_res res;

    kafka_create_topics_req_init(&req);
    req.topics.at = kafka_create_topics_req_topic_new(&p->rig->arena, 1);
    req.topics.count = 1;
    req.topics.at[0].name = bytes_str(name);
    req.topics.at[0].num_partitions = partitions;
    req.topics.at[0].replication_factor = 1;
    call(p, KAFKA_CREATE_TOPICS, 7, &req, &res);
    EXPECT_INT(res.topics.at[0].error_code, 0);
    EXPECT_INT(res.topics.at[0].num_partitions, partitions);
}

static struct bytes batch_of(struct rig *rig, int count, int64_t producer, int16_t epoch,
                             int32_t sequence)
{
    struct batch_builder b;
    struct buf out;

    batch_builder_init(&b, KAFKA_CODEC_NONE);
    buf_init(&out, 0);
    b.producer_id = producer;
    b.producer_epoch = epoch;
    b.base_sequence = sequence;
    for (int i = 0; i < count; i++)
        batch_builder_add(&b, 1000 + i, BYTES_LITERAL("key"), BYTES_LITERAL("value"), NULL, 0);
    EXPECT_OK(batch_builder_finish(&b, &out));
    struct bytes batch = arena_copy(&rig->arena, buf_view(&out));
    buf_deinit(&out);
    batch_builder_deinit(&b);
    return batch;
}

static int32_t ask_produce(struct peer *p, const char *topic, struct bytes records, int16_t acks)
{
    struct kafka_produce_req req;

    kafka_produce_req_init(&req);
    req.acks = acks;
    req.topic_data.at = kafka_produce_req_topic_new(&p->rig->arena, 1);
    req.topic_data.count = 1;
    req.topic_data.at[0].name = bytes_str(topic);
    req.topic_data.at[0].partition_data.at = kafka_produce_req_partition_new(&p->rig->arena, 1);
    req.topic_data.at[0].partition_data.count = 1;
    req.topic_data.at[0].partition_data.at[0].records = records;
    return ask(p, KAFKA_PRODUCE, 9, &req);
}

static struct kafka_produce_res_partition produced(struct peer *p, int32_t id)
{
    struct kafka_produce_res res;

    EXPECT(answer(p, id, KAFKA_PRODUCE, 9, &res));
    return res.responses.at[0].partition_responses.at[0];
}

static struct kafka_produce_res_partition produce(struct peer *p, const char *topic,
                                                  struct bytes records)
{
    return produced(p, ask_produce(p, topic, records, -1));
}

static int32_t ask_fetch(struct peer *p, const char *topic, int64_t offset, int32_t wait_ms,
                         int32_t max_bytes)
{
    struct kafka_fetch_req req;

    kafka_fetch_req_init(&req);
    req.max_wait_ms = wait_ms;
    req.min_bytes = 1;
    req.max_bytes = max_bytes;
    req.topics.at = kafka_fetch_req_topic_new(&p->rig->arena, 1);
    req.topics.count = 1;
    req.topics.at[0].topic = bytes_str(topic);
    req.topics.at[0].partitions.at = kafka_fetch_req_partition_new(&p->rig->arena, 1);
    req.topics.at[0].partitions.count = 1;
    req.topics.at[0].partitions.at[0].fetch_offset = offset;
    req.topics.at[0].partitions.at[0].partition_max_bytes = 1 << 20;
    return ask(p, KAFKA_FETCH, 12, &req);
}

static struct kafka_fetch_res_partition fetched(struct peer *p, int32_t id)
{
    struct kafka_fetch_res res;

    EXPECT(answer(p, id, KAFKA_FETCH, 12, &res));
    EXPECT_INT(res.session_id, 0);
    return res.responses.at[0].partitions.at[0];
}

/* ---- tests ---- */

TEST(kafka_api_versions_of_an_unknown_version_is_answered_in_version_0)
{
    struct rig rig;
    struct kafka_api_versions_res res;

    rig_open(&rig);
    struct peer *p = peer_open(&rig);
    const uint8_t frame[] = {0, 0, 0, 12, 0, 18, 0, 99, 0, 0, 0, 5, 0xFF, 0xFF, 0, 0};
    conn_send(p->conn, bytes_of(frame, sizeof(frame)));
    EXPECT(answer(p, 5, KAFKA_API_VERSIONS, 0, &res));
    EXPECT_INT(res.error_code, KAFKA_ERR_UNSUPPORTED_VERSION);
    EXPECT(res.api_keys.count > 15);
    peer_end(p);
    rig_close(&rig);
}

TEST(kafka_produce_is_answered_when_durable_and_in_order)
{
    struct rig rig;
    struct bytes frame;

    rig_open(&rig);
    struct peer *p = peer_open(&rig);
    make_topic(p, "t", 1);
    rig.hold = true;
    int32_t a = ask_produce(p, "t", batch_of(&rig, 3, -1, -1, -1), -1);
    int32_t b = ask_produce(p, "t", batch_of(&rig, 2, -1, -1, -1), 1);
    struct kafka_metadata_req req;
    struct kafka_metadata_res res;
    kafka_metadata_req_init(&req);
    req.topics.count = -1;
    int32_t c = ask(p, KAFKA_METADATA, 12, &req); /* could be answered, and must wait */
    run_for(&rig, 100);
    EXPECT(!take(p, &frame));
    rig.hold = false;
    loop_pass(rig.loop, 0); /* nothing else would wake it */
    EXPECT_INT(produced(p, a).base_offset, 0);
    EXPECT_INT(produced(p, b).base_offset, 3);
    EXPECT(answer(p, c, KAFKA_METADATA, 12, &res));
    EXPECT_INT(res.topics.count, 1);
    EXPECT_INT(res.brokers.at[0].port, 9092); /* as it was dialled */
    EXPECT(res.brokers.at[0].host.len > 0);
    ask_produce(p, "t", batch_of(&rig, 1, -1, -1, -1), 0); /* acks 0: no answer, but done */
    EXPECT_INT(produce(p, "t", batch_of(&rig, 1, -1, -1, -1)).base_offset, 6);
    peer_end(p);
    rig_close(&rig);
}

TEST(kafka_produce_refuses_by_name)
{
    struct rig rig;

    rig_open(&rig);
    struct peer *p = peer_open(&rig);
    make_topic(p, "t", 1);
    struct bytes good = batch_of(&rig, 2, -1, -1, -1);
    uint8_t *bad = (uint8_t *)(uintptr_t)arena_copy(&rig.arena, good).ptr;
    bad[70] ^= 1;
    EXPECT_INT(produce(p, "t", bytes_of(bad, good.len)).error_code, KAFKA_ERR_CORRUPT_MESSAGE);
    EXPECT_INT(produce(p, "t", bytes_head(good, 40)).error_code, KAFKA_ERR_CORRUPT_MESSAGE);
    EXPECT_INT(produce(p, "t", bytes_head(good, 70)).error_code, KAFKA_ERR_CORRUPT_MESSAGE);
    EXPECT_INT(produce(p, "bad name", good).error_code, KAFKA_ERR_UNKNOWN_TOPIC_OR_PARTITION);
    EXPECT_INT(produced(p, ask_produce(p, "t", good, 7)).error_code,
               KAFKA_ERR_INVALID_REQUIRED_ACKS);
    EXPECT_INT(produce(p, "t", batch_of(&rig, 100000, -1, -1, -1)).error_code,
               KAFKA_ERR_MESSAGE_TOO_LARGE);
    EXPECT_INT(produce(p, "t", good).base_offset, 0); /* and nothing of those is in the log */
    peer_end(p);
    rig_close(&rig);
}

TEST(kafka_idempotent_producer_is_held_to_its_sequence)
{
    struct rig rig;
    struct kafka_init_producer_id_req req;
    struct kafka_init_producer_id_res id;

    rig_open(&rig);
    struct peer *p = peer_open(&rig);
    make_topic(p, "t", 1);
    kafka_init_producer_id_req_init(&req);
    call(p, KAFKA_INIT_PRODUCER_ID, 4, &req, &id);
    EXPECT_INT(id.error_code, 0);
    EXPECT(id.producer_id >= 0);
    struct bytes first = batch_of(&rig, 3, id.producer_id, 0, 0);
    EXPECT_INT(produce(p, "t", first).base_offset, 0);
    EXPECT_INT(produce(p, "t", batch_of(&rig, 2, id.producer_id, 0, 3)).base_offset, 3);
    struct kafka_produce_res_partition again = produce(p, "t", first);
    EXPECT_INT(again.error_code, 0);
    EXPECT_INT(again.base_offset, 0); /* a duplicate: its first offset, nothing appended */
    EXPECT_INT(produce(p, "t", batch_of(&rig, 1, id.producer_id, 0, 9)).error_code,
               KAFKA_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER);
    EXPECT_INT(produce(p, "t", batch_of(&rig, 1, id.producer_id, 1, 0)).base_offset, 5);
    EXPECT_INT(produce(p, "t", batch_of(&rig, 1, id.producer_id, 0, 5)).error_code,
               KAFKA_ERR_INVALID_PRODUCER_EPOCH);
    req.transactional_id = BYTES_LITERAL("tx");
    call(p, KAFKA_INIT_PRODUCER_ID, 4, &req, &id);
    EXPECT(id.error_code != 0);
    peer_end(p);
    rig_close(&rig);
}

TEST(kafka_fetch_gives_whole_batches_and_says_what_is_out_of_range)
{
    struct rig rig;
    struct batch_header h;

    rig_open(&rig);
    struct peer *p = peer_open(&rig);
    make_topic(p, "t", 1);
    EXPECT_INT(produce(p, "t", batch_of(&rig, 10, -1, -1, -1)).base_offset, 0);
    EXPECT_INT(produce(p, "t", batch_of(&rig, 10, -1, -1, -1)).base_offset, 10);
    struct kafka_fetch_res_partition part = fetched(p, ask_fetch(p, "t", 4, 0, 1 << 20));
    EXPECT_OK(batch_validate(part.records, &h)); /* the one that holds offset 4, whole */
    EXPECT_INT(h.base_offset, 0);
    EXPECT_INT(part.high_watermark, 20);
    EXPECT(part.records.len > batch_size(&h));
    part = fetched(p, ask_fetch(p, "t", 4, 0, 1)); /* too little for any: one comes all the same */
    EXPECT_INT(part.records.len, batch_size(&h));
    EXPECT_INT(fetched(p, ask_fetch(p, "t", 20, 0, 1000)).records.len, 0);
    EXPECT_INT(fetched(p, ask_fetch(p, "t", 21, 500, 1000)).error_code,
               KAFKA_ERR_OFFSET_OUT_OF_RANGE);
    EXPECT_INT(fetched(p, ask_fetch(p, "none", 0, 500, 1000)).error_code,
               KAFKA_ERR_UNKNOWN_TOPIC_OR_PARTITION);
    peer_end(p);
    rig_close(&rig);
}

TEST(kafka_fetch_waits_without_polling_and_is_woken)
{
    struct rig rig;
    struct bytes frame;
    struct kafka_stats stats;

    rig_open(&rig);
    struct peer *reader = peer_open(&rig), *writer = peer_open(&rig);
    make_topic(writer, "t", 1);
    int64_t begun = os_mono_ns(rig.os);
    int32_t id = ask_fetch(reader, "t", 0, 60000, 1 << 20);
    run_for(&rig, 5000);
    EXPECT(!take(reader, &frame));
    kafka_face_stats(rig.face, &stats);
    EXPECT_INT(stats.fetches_waiting, 1);
    EXPECT_INT(produce(writer, "t", batch_of(&rig, 1, -1, -1, -1)).error_code, 0);
    struct kafka_fetch_res_partition part = fetched(reader, id);
    EXPECT(part.records.len > 0);
    EXPECT((os_mono_ns(rig.os) - begun) / 1000000 < 30000);
    begun = os_mono_ns(rig.os);
    part = fetched(reader, ask_fetch(reader, "t", 1, 700, 1 << 20)); /* and the time runs out */
    EXPECT_INT(part.records.len, 0);
    EXPECT((os_mono_ns(rig.os) - begun) / 1000000 >= 700);
    ask_fetch(reader, "t", 1, 60000, 1 << 20);
    run_for(&rig, 10);
    peer_end(reader); /* hangs up while it waits */
    EXPECT_INT(produce(writer, "t", batch_of(&rig, 1, -1, -1, -1)).error_code, 0);
    kafka_face_stats(rig.face, &stats);
    EXPECT_INT(stats.fetches_waiting, 0);
    peer_end(writer);
    rig_close(&rig);
}

TEST(kafka_nonsense_closes_its_connection_alone)
{
    struct rig rig;
    const char *const nonsense[] = {"\377\377\377\377", "\0\0\0\4abcd",
                                    "\0\0\0\12\0\3\0\1\0\0\0\1\0\377"};
    const size_t sizes[] = {4, 8, 14};

    rig_open(&rig);
    struct peer *good = peer_open(&rig);
    for (int i = 0; i < 3; i++) {
        struct peer *bad = peer_open(&rig);
        conn_send(bad->conn, bytes_of(nonsense[i], sizes[i]));
        run_for(&rig, 100);
        EXPECT(bad->closed);
        EXPECT_INT(bad->in.len, 0);
        peer_end(bad);
    }
    make_topic(good, "t", 2);
    peer_end(good);
    rig_close(&rig);
}

TEST(kafka_full_disk_is_a_retriable_error_and_reading_goes_on)
{
    struct rig rig;

    rig_open(&rig);
    struct peer *p = peer_open(&rig);
    make_topic(p, "t", 1);
    EXPECT_INT(produce(p, "t", batch_of(&rig, 3, -1, -1, -1)).base_offset, 0);
    uint64_t disk = os_sim_options(rig.os)->disk_bytes, left, total;
    EXPECT_OK(os_space(rig.os, "data", &left, &total));
    os_sim_options(rig.os)->disk_bytes = total - left + RESERVE / 2; /* others have filled it */
    int16_t error = 0;
    for (int i = 0; i < 30 && !error; i++) {
        run_for(&rig, 1000); /* the log looks at the disk now and then */
        error = produce(p, "t", batch_of(&rig, 20000, -1, -1, -1)).error_code;
    }
    EXPECT_INT(error, KAFKA_ERR_KAFKA_STORAGE_ERROR);
    EXPECT(fetched(p, ask_fetch(p, "t", 0, 0, 1 << 20)).records.len > 0);
    os_sim_options(rig.os)->disk_bytes = disk;
    run_for(&rig, 60000);
    EXPECT(!log_failure(rig.log));
    EXPECT_INT(produce(p, "t", batch_of(&rig, 1, -1, -1, -1)).error_code, 0);
    peer_end(p);
    rig_close(&rig);
}

TEST(kafka_failed_sync_acknowledges_nothing)
{
    struct rig rig;

    rig_open(&rig);
    struct peer *p = peer_open(&rig);
    make_topic(p, "t", 1);
    EXPECT_INT(produce(p, "t", batch_of(&rig, 3, -1, -1, -1)).base_offset, 0);
    os_sim_options(rig.os)->sync_error = 1;
    EXPECT_INT(produce(p, "t", batch_of(&rig, 2, -1, -1, -1)).error_code,
               KAFKA_ERR_KAFKA_STORAGE_ERROR);
    struct kafka_fetch_res_partition part = fetched(p, ask_fetch(p, "t", 0, 0, 1 << 20));
    EXPECT_INT(part.high_watermark, 3); /* what was not synced is not shown */
    os_sim_options(rig.os)->sync_error = 0;
    EXPECT_INT(produce(p, "t", batch_of(&rig, 2, -1, -1, -1)).error_code,
               KAFKA_ERR_KAFKA_STORAGE_ERROR); /* nor is a failed log trusted again */
    peer_end(p);
    rig_close(&rig);
}

/* What librdkafka 2.15 sends for all topics in version 13: four zeros where one belongs. */
TEST(kafka_bytes_after_a_request_are_let_pass)
{
    const uint8_t frame[] = {0, 0, 0, 18, 0, 3, 0, 13, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0, 0, 1, 0, 0};
    struct kafka_metadata_res res;
    struct rig rig;

    rig_open(&rig);
    struct peer *p = peer_open(&rig);
    conn_send(p->conn, bytes_of(frame, sizeof(frame)));
    EXPECT(answer(p, 0, KAFKA_METADATA, 13, &res));
    EXPECT_INT(res.error_code, 0);
    peer_end(p);
    rig_close(&rig);
}

TEST(kafka_committed_offsets_survive_in_every_version)
{
    struct rig rig;

    rig_open(&rig);
    struct peer *p = peer_open(&rig);
    make_topic(p, "t", 2);
    for (int16_t v = 0; v <= 9; v++) {
        struct kafka_offset_commit_req req;
        struct kafka_offset_commit_res res;
        struct kafka_offset_fetch_req ask_for;
        struct kafka_offset_fetch_res got;
        int32_t index = 1;
        char group[8] = "group-0";
        group[6] = (char)('0' + v);
        kafka_offset_commit_req_init(&req);
        req.group_id = arena_copy(&rig.arena, bytes_str(group));
        req.topics.at = kafka_offset_commit_req_topic_new(&rig.arena, 1);
        req.topics.count = 1;
        req.topics.at[0].name = BYTES_LITERAL("t");
        req.topics.at[0].partitions.at = kafka_offset_commit_req_partition_new(&rig.arena, 2);
        req.topics.at[0].partitions.count = 2;
        req.topics.at[0].partitions.at[0].partition_index = 1;
        req.topics.at[0].partitions.at[0].committed_offset = 42 + v;
        req.topics.at[0].partitions.at[0].committed_metadata = BYTES_LITERAL("why");
        req.topics.at[0].partitions.at[1].partition_index = 7;
        call(p, KAFKA_OFFSET_COMMIT, v, &req, &res);
        EXPECT_INT(res.topics.at[0].partitions.at[0].error_code, 0);
        EXPECT_INT(res.topics.at[0].partitions.at[1].error_code,
                   KAFKA_ERR_UNKNOWN_TOPIC_OR_PARTITION);
        if (v % 3 == 0) { /* the server is started anew */
            peer_end(p);
            rig_stop(&rig);
            rig_start(&rig);
            p = peer_open(&rig);
        }
        kafka_offset_fetch_req_init(&ask_for);
        ask_for.group_id = req.group_id;
        ask_for.topics.at = kafka_offset_fetch_req_topic_new(&rig.arena, 1);
        ask_for.topics.count = 1;
        ask_for.topics.at[0].name = BYTES_LITERAL("t");
        ask_for.topics.at[0].partition_indexes.at = &index;
        ask_for.topics.at[0].partition_indexes.count = 1;
        ask_for.groups.at = kafka_offset_fetch_req_group_new(&rig.arena, 1);
        ask_for.groups.count = 1;
        ask_for.groups.at[0].group_id = req.group_id;
        ask_for.groups.at[0].topics.count = -1; /* all that it has */
        call(p, KAFKA_OFFSET_FETCH, v, &ask_for, &got);
        if (v < 8) {
            EXPECT_INT(got.topics.at[0].partitions.at[0].committed_offset, 42 + v);
            EXPECT(bytes_is(got.topics.at[0].partitions.at[0].metadata, "why"));
        } else {
            EXPECT_INT(got.groups.at[0].topics.count, 1);
            EXPECT_INT(got.groups.at[0].topics.at[0].partitions.at[0].committed_offset, 42 + v);
            EXPECT(bytes_is(got.groups.at[0].topics.at[0].partitions.at[0].metadata, "why"));
        }
    }
    peer_end(p);
    rig_close(&rig);
}

/* Whatever a request says, its answer decodes, and the next one is answered too. */
TEST_SECONDS(kafka_answers_any_request_in_every_version, 60)
{
    struct rng rng = rng_seed(test_seed());
    struct rig rig;

    rig_open(&rig);
    for (int i = 0; i < kafka_apis_count; i++) {
        const struct kafka_api *api = &kafka_apis[i];
        for (int16_t v = api->first; v <= api->last; v++) {
            struct peer *p = peer_open(&rig);
            for (int round = 0; round < 4; round++) {
                void *req = arena_zalloc(&rig.arena, api->request->size);
                void *res = arena_zalloc(&rig.arena, api->response->size);
                kafka_fill(&rng, &rig.arena, api->request, req);
                if (api->key == KAFKA_PRODUCE && v < 3)
                    continue; /* refused with two bytes */
                int32_t id = ask(p, api->key, v, req);
                EXPECT(answer(p, id, api->key, v, res));
            }
            peer_end(p);
        }
    }
    rig_close(&rig);
}
