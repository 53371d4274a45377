#include "lib/kafka_rig.h"

#include <stdio.h>

#include "base/endian.h"
#include "lib/test.h"

static bool flush(void *context)
{
    struct rig *rig = context;

    if (!rig->hold)
        (void)!log_flush(rig->log);
    return false;
}

static bool work(void *context)
{
    struct rig *rig = context;

    return log_work(rig->log);
}

static void helped(void *context)
{
    loop_wake(context);
}

void kafka_rig_start(struct rig *rig)
{
    struct kafka_options options = {.rebalance_delay_ms = -1, .consumer_migration = rig->migration};
    struct diag diag = {0};

    EXPECT_OK(log_open(rig->os, "data", &(struct log_options){.disk_reserve_bytes = RIG_RESERVE},
                       &rig->log, &diag));
    EXPECT_OK(loop_create(rig->os, &rig->loop));
    loop_hook_add(rig->loop, flush, rig);
    loop_background_add(rig->loop, work, rig);
    log_on_work(rig->log, helped, rig->loop);
    EXPECT_OK(security_open(rig->os, rig->log, &rig->security_options, &rig->security, &diag));
    options.security = rig->security;
    EXPECT_OK(kafka_face_open(rig->loop, rig->log, "node:9092", &options, &rig->face));
    snprintf(rig->address, sizeof(rig->address), "%s", kafka_face_address(rig->face));
}

void kafka_rig_stop(struct rig *rig)
{
    kafka_face_close(rig->face);
    security_close(rig->security);
    loop_hook_remove(rig->loop, flush, rig);
    loop_background_remove(rig->loop, work, rig);
    log_close(rig->log);
    loop_pass(rig->loop, 0); /* what the face has posted */
    loop_destroy(rig->loop);
}

void kafka_rig_open(struct rig *rig)
{
    *rig = (struct rig){0};
    struct os_sim_options options = os_sim_options_quiet();
    options.net_cut = 0.3; /* frames arrive in pieces */
    options.net_delay_ns_max = 100000;
    rig->os = os_sim_create(test_seed(), &options);
    arena_init(&rig->arena, 0);
    kafka_rig_start(rig);
}

void kafka_rig_close(struct rig *rig)
{
    kafka_rig_stop(rig);
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

struct peer *peer_open(struct rig *rig)
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

void peer_end(struct peer *p)
{
    if (!p->closed)
        conn_close(p->conn);
    for (int i = 0; i < 100 && !p->closed; i++)
        loop_pass(p->rig->loop, 1000000);
    EXPECT(p->closed);
    buf_deinit(&p->in);
}

int32_t peer_ask(struct peer *p, int16_t key, int16_t version, const void *request)
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
bool peer_take(struct peer *p, struct bytes *frame)
{
    struct bytes in = bytes_skip(buf_view(&p->in), p->at);

    if (in.len < 4 || in.len - 4 < load_u32_be(in.ptr))
        return false;
    *frame = arena_copy(&p->rig->arena, bytes_of(in.ptr + 4, load_u32_be(in.ptr)));
    p->at += 4 + frame->len;
    return true;
}

void kafka_rig_run_for(struct rig *rig, int64_t ms)
{
    int64_t until = os_mono_ns(rig->os) + ms * 1000000;

    while (os_mono_ns(rig->os) < until)
        loop_pass(rig->loop, until - os_mono_ns(rig->os));
}

/* The next answer, which must be of that request and decode whole. False: the server hung up. */
bool peer_answer(struct peer *p, int32_t id, int16_t key, int16_t version, void *response)
{
    const struct kafka_api *api = kafka_api_find(key);
    struct bytes frame;
    int64_t until = os_mono_ns(p->rig->os) + (int64_t)400 * 1000000000;

    while (!peer_take(p, &frame)) {
        if (p->rig->off && os_sim_is_off(p->rig->os))
            longjmp(*p->rig->off, 1);
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

void peer_call(struct peer *p, int16_t key, int16_t version, const void *request, void *response)
{
    EXPECT(peer_answer(p, peer_ask(p, key, version, request), key, version, response));
}

/* ---- what tests ask for ---- */

void kafka_rig_make_topic(struct peer *p, const char *name, int32_t partitions)
{
    struct kafka_create_topics_req req;
    struct kafka_create_topics_res res;

    kafka_create_topics_req_init(&req);
    req.topics.at = kafka_create_topics_req_topic_new(&p->rig->arena, 1);
    req.topics.count = 1;
    req.topics.at[0].name = bytes_str(name);
    req.topics.at[0].num_partitions = partitions;
    req.topics.at[0].replication_factor = 1;
    peer_call(p, KAFKA_CREATE_TOPICS, 7, &req, &res);
    EXPECT_INT(res.topics.at[0].error_code, 0);
    EXPECT_INT(res.topics.at[0].num_partitions, partitions);
}

struct bytes kafka_rig_batch(struct rig *rig, int count, int64_t producer, int16_t epoch,
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

int32_t peer_ask_produce(struct peer *p, const char *topic, struct bytes records, int16_t acks)
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
    return peer_ask(p, KAFKA_PRODUCE, 9, &req);
}

struct kafka_produce_res_partition peer_produced(struct peer *p, int32_t id)
{
    struct kafka_produce_res res;

    EXPECT(peer_answer(p, id, KAFKA_PRODUCE, 9, &res));
    return res.responses.at[0].partition_responses.at[0];
}

struct kafka_produce_res_partition peer_produce(struct peer *p, const char *topic,
                                                  struct bytes records)
{
    return peer_produced(p, peer_ask_produce(p, topic, records, -1));
}

int32_t peer_ask_fetch(struct peer *p, const char *topic, int64_t offset, int32_t wait_ms,
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
    return peer_ask(p, KAFKA_FETCH, 12, &req);
}

struct kafka_fetch_res_partition peer_fetched(struct peer *p, int32_t id)
{
    struct kafka_fetch_res res;

    EXPECT(peer_answer(p, id, KAFKA_FETCH, 12, &res));
    EXPECT_INT(res.session_id, 0);
    return res.responses.at[0].partitions.at[0];
}
