/* The Kafka face on a simulated machine: frames, order, durability, waiting, every request there is. */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/endian.h"
#include "lib/kafka_fill.h"
#include "lib/kafka_rig.h"
#include "lib/test.h"

/* ---- tests ---- */

TEST(kafka_api_versions_of_an_unknown_version_is_answered_in_version_0)
{
    struct rig rig;
    struct kafka_api_versions_res res;

    kafka_rig_open(&rig);
    struct peer *p = peer_open(&rig);
    const uint8_t frame[] = {0, 0, 0, 12, 0, 18, 0, 99, 0, 0, 0, 5, 0xFF, 0xFF, 0, 0};
    conn_send(p->conn, bytes_of(frame, sizeof(frame)));
    EXPECT(peer_answer(p, 5, KAFKA_API_VERSIONS, 0, &res));
    EXPECT_INT(res.error_code, KAFKA_ERR_UNSUPPORTED_VERSION);
    EXPECT(res.api_keys.count > 15);
    peer_end(p);
    kafka_rig_close(&rig);
}

TEST(kafka_produce_is_answered_when_durable_and_in_order)
{
    struct rig rig;
    struct bytes frame;

    kafka_rig_open(&rig);
    struct peer *p = peer_open(&rig);
    kafka_rig_make_topic(p, "t", 1);
    rig.hold = true;
    int32_t a = peer_ask_produce(p, "t", kafka_rig_batch(&rig, 3, -1, -1, -1), -1);
    int32_t b = peer_ask_produce(p, "t", kafka_rig_batch(&rig, 2, -1, -1, -1), 1);
    struct kafka_metadata_req req;
    struct kafka_metadata_res res;
    kafka_metadata_req_init(&req);
    req.topics.count = -1;
    int32_t c = peer_ask(p, KAFKA_METADATA, 12, &req); /* could be answered, and must wait */
    kafka_rig_run_for(&rig, 100);
    EXPECT(!peer_take(p, &frame));
    rig.hold = false;
    loop_pass(rig.loop, 0); /* nothing else would wake it */
    EXPECT_INT(peer_produced(p, a).base_offset, 0);
    EXPECT_INT(peer_produced(p, b).base_offset, 3);
    EXPECT(peer_answer(p, c, KAFKA_METADATA, 12, &res));
    EXPECT_INT(res.topics.count, 1);
    EXPECT_INT(res.brokers.at[0].port, 9092); /* as it was dialled */
    EXPECT(res.brokers.at[0].host.len > 0);
    peer_ask_produce(p, "t", kafka_rig_batch(&rig, 1, -1, -1, -1), 0); /* acks 0: no answer, but done */
    EXPECT_INT(peer_produce(p, "t", kafka_rig_batch(&rig, 1, -1, -1, -1)).base_offset, 6);
    peer_end(p);
    kafka_rig_close(&rig);
}

TEST(kafka_produce_refuses_by_name)
{
    struct rig rig;

    kafka_rig_open(&rig);
    struct peer *p = peer_open(&rig);
    kafka_rig_make_topic(p, "t", 1);
    struct bytes good = kafka_rig_batch(&rig, 2, -1, -1, -1);
    uint8_t *bad = (uint8_t *)(uintptr_t)arena_copy(&rig.arena, good).ptr;
    bad[70] ^= 1;
    EXPECT_INT(peer_produce(p, "t", bytes_of(bad, good.len)).error_code, KAFKA_ERR_CORRUPT_MESSAGE);
    EXPECT_INT(peer_produce(p, "t", bytes_head(good, 40)).error_code, KAFKA_ERR_CORRUPT_MESSAGE);
    EXPECT_INT(peer_produce(p, "t", bytes_head(good, 70)).error_code, KAFKA_ERR_CORRUPT_MESSAGE);
    EXPECT_INT(peer_produce(p, "bad name", good).error_code, KAFKA_ERR_UNKNOWN_TOPIC_OR_PARTITION);
    EXPECT_INT(peer_produced(p, peer_ask_produce(p, "t", good, 7)).error_code,
               KAFKA_ERR_INVALID_REQUIRED_ACKS);
    EXPECT_INT(peer_produce(p, "t", kafka_rig_batch(&rig, 100000, -1, -1, -1)).error_code,
               KAFKA_ERR_MESSAGE_TOO_LARGE);
    EXPECT_INT(peer_produce(p, "t", good).base_offset, 0); /* and nothing of those is in the log */
    peer_end(p);
    kafka_rig_close(&rig);
}

TEST(kafka_idempotent_producer_is_held_to_its_sequence)
{
    struct rig rig;
    struct kafka_init_producer_id_req req;
    struct kafka_init_producer_id_res id;

    kafka_rig_open(&rig);
    struct peer *p = peer_open(&rig);
    kafka_rig_make_topic(p, "t", 1);
    kafka_init_producer_id_req_init(&req);
    peer_call(p, KAFKA_INIT_PRODUCER_ID, 4, &req, &id);
    EXPECT_INT(id.error_code, 0);
    EXPECT(id.producer_id >= 0);
    struct bytes first = kafka_rig_batch(&rig, 3, id.producer_id, 0, 0);
    EXPECT_INT(peer_produce(p, "t", first).base_offset, 0);
    EXPECT_INT(peer_produce(p, "t", kafka_rig_batch(&rig, 2, id.producer_id, 0, 3)).base_offset, 3);
    struct kafka_produce_res_partition again = peer_produce(p, "t", first);
    EXPECT_INT(again.error_code, 0);
    EXPECT_INT(again.base_offset, 0); /* a duplicate: its first offset, nothing appended */
    EXPECT_INT(peer_produce(p, "t", kafka_rig_batch(&rig, 1, id.producer_id, 0, 9)).error_code,
               KAFKA_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER);
    EXPECT_INT(peer_produce(p, "t", kafka_rig_batch(&rig, 1, id.producer_id, 1, 0)).base_offset, 5);
    EXPECT_INT(peer_produce(p, "t", kafka_rig_batch(&rig, 1, id.producer_id, 0, 5)).error_code,
               KAFKA_ERR_INVALID_PRODUCER_EPOCH);
    req.transactional_id = BYTES_LITERAL("tx");
    peer_call(p, KAFKA_INIT_PRODUCER_ID, 4, &req, &id);
    EXPECT(id.error_code != 0);
    peer_end(p);
    kafka_rig_close(&rig);
}

TEST(kafka_fetch_gives_whole_batches_and_says_what_is_out_of_range)
{
    struct rig rig;
    struct batch_header h;

    kafka_rig_open(&rig);
    struct peer *p = peer_open(&rig);
    kafka_rig_make_topic(p, "t", 1);
    EXPECT_INT(peer_produce(p, "t", kafka_rig_batch(&rig, 10, -1, -1, -1)).base_offset, 0);
    EXPECT_INT(peer_produce(p, "t", kafka_rig_batch(&rig, 10, -1, -1, -1)).base_offset, 10);
    struct kafka_fetch_res_partition part = peer_fetched(p, peer_ask_fetch(p, "t", 4, 0, 1 << 20));
    EXPECT_OK(batch_validate(part.records, &h)); /* the one that holds offset 4, whole */
    EXPECT_INT(h.base_offset, 0);
    EXPECT_INT(part.high_watermark, 20);
    EXPECT(part.records.len > batch_size(&h));
    part = peer_fetched(p, peer_ask_fetch(p, "t", 4, 0, 1)); /* too little for any: one comes all the same */
    EXPECT_INT(part.records.len, batch_size(&h));
    EXPECT_INT(peer_fetched(p, peer_ask_fetch(p, "t", 20, 0, 1000)).records.len, 0);
    EXPECT_INT(peer_fetched(p, peer_ask_fetch(p, "t", 21, 500, 1000)).error_code,
               KAFKA_ERR_OFFSET_OUT_OF_RANGE);
    EXPECT_INT(peer_fetched(p, peer_ask_fetch(p, "none", 0, 500, 1000)).error_code,
               KAFKA_ERR_UNKNOWN_TOPIC_OR_PARTITION);
    peer_end(p);
    kafka_rig_close(&rig);
}

/* Gives the number of batches. */
static int read_history(struct peer *p, int64_t from, int64_t end)
{
    struct batch_header h;
    struct bytes batch;
    int count = 0;

    while (from < end) {
        struct bytes run = peer_fetched(p, peer_ask_fetch(p, "t", from, 0, 150000)).records;
        EXPECT(run.len > 0);
        while (batch_next(&run, &h, &batch) == ST_OK) {
            EXPECT_OK(batch_validate(batch, &h));
            EXPECT_INT(h.base_offset, from);
            from += h.last_offset_delta + 1;
            count++;
        }
        EXPECT_INT(run.len, 0);
    }
    return count;
}

TEST(kafka_fetch_of_history_waits_for_the_disk_and_gives_the_same)
{
    struct rig rig;

    kafka_rig_open(&rig);
    struct peer *p = peer_open(&rig);
    kafka_rig_make_topic(p, "t", 1);
    EXPECT_OK(log_topic_configure(rig.log, log_topic_find(rig.log, BYTES_LITERAL("t")),
                                  &(struct log_topic_options){.retention_ms = -1}, NULL, NULL));
    for (int i = 0; i < 40; i++)
        EXPECT_INT(peer_produce(p, "t", kafka_rig_batch(&rig, 2000, -1, -1, -1)).base_offset, i * 2000);
    peer_end(p);
    kafka_rig_stop(&rig);
    kafka_rig_start(&rig); /* all of it is in files that nobody has looked at */
    p = peer_open(&rig);
    EXPECT_INT(read_history(p, 0, 80000), 40);
    EXPECT_INT(read_history(p, 0, 80000), 40);
    (void)peer_ask_fetch(p, "t", 0, 0, 150000); /* one that goes before its answer */
    peer_end(p);
    p = peer_open(&rig);
    EXPECT_INT(read_history(p, 2000, 80000), 39);
    peer_end(p);
    kafka_rig_close(&rig);
}

TEST(kafka_fetch_waits_without_polling_and_is_woken)
{
    struct rig rig;
    struct bytes frame;
    struct kafka_stats stats;

    kafka_rig_open(&rig);
    struct peer *reader = peer_open(&rig), *writer = peer_open(&rig);
    kafka_rig_make_topic(writer, "t", 1);
    int64_t begun = os_mono_ns(rig.os);
    int32_t id = peer_ask_fetch(reader, "t", 0, 60000, 1 << 20);
    kafka_rig_run_for(&rig, 5000);
    EXPECT(!peer_take(reader, &frame));
    kafka_face_stats(rig.face, &stats);
    EXPECT_INT(stats.fetches_waiting, 1);
    EXPECT_INT(peer_produce(writer, "t", kafka_rig_batch(&rig, 1, -1, -1, -1)).error_code, 0);
    struct kafka_fetch_res_partition part = peer_fetched(reader, id);
    EXPECT(part.records.len > 0);
    EXPECT((os_mono_ns(rig.os) - begun) / 1000000 < 30000);
    begun = os_mono_ns(rig.os);
    part = peer_fetched(reader, peer_ask_fetch(reader, "t", 1, 700, 1 << 20)); /* and the time runs out */
    EXPECT_INT(part.records.len, 0);
    EXPECT((os_mono_ns(rig.os) - begun) / 1000000 >= 700);
    peer_ask_fetch(reader, "t", 1, 60000, 1 << 20);
    kafka_rig_run_for(&rig, 10);
    peer_end(reader); /* hangs up while it waits */
    EXPECT_INT(peer_produce(writer, "t", kafka_rig_batch(&rig, 1, -1, -1, -1)).error_code, 0);
    kafka_face_stats(rig.face, &stats);
    EXPECT_INT(stats.fetches_waiting, 0);
    peer_end(writer);
    kafka_rig_close(&rig);
}

TEST(kafka_nonsense_closes_its_connection_alone)
{
    struct rig rig;
    const char *const nonsense[] = {"\377\377\377\377", "\0\0\0\4abcd",
                                    "\0\0\0\12\0\3\0\1\0\0\0\1\0\377"};
    const size_t sizes[] = {4, 8, 14};

    kafka_rig_open(&rig);
    struct peer *good = peer_open(&rig);
    for (int i = 0; i < 3; i++) {
        struct peer *bad = peer_open(&rig);
        conn_send(bad->conn, bytes_of(nonsense[i], sizes[i]));
        kafka_rig_run_for(&rig, 100);
        EXPECT(bad->closed);
        EXPECT_INT(bad->in.len, 0);
        peer_end(bad);
    }
    kafka_rig_make_topic(good, "t", 2);
    peer_end(good);
    kafka_rig_close(&rig);
}

TEST(kafka_full_disk_is_a_retriable_error_and_reading_goes_on)
{
    struct rig rig;

    kafka_rig_open(&rig);
    struct peer *p = peer_open(&rig);
    kafka_rig_make_topic(p, "t", 1);
    EXPECT_INT(peer_produce(p, "t", kafka_rig_batch(&rig, 3, -1, -1, -1)).base_offset, 0);
    uint64_t disk = os_sim_options(rig.os)->disk_bytes, left, total;
    EXPECT_OK(os_space(rig.os, "data", &left, &total));
    os_sim_options(rig.os)->disk_bytes = total - left + RIG_RESERVE / 2; /* others have filled it */
    int16_t error = 0;
    for (int i = 0; i < 30 && !error; i++) {
        kafka_rig_run_for(&rig, 1000); /* the log looks at the disk now and then */
        error = peer_produce(p, "t", kafka_rig_batch(&rig, 20000, -1, -1, -1)).error_code;
    }
    EXPECT_INT(error, KAFKA_ERR_KAFKA_STORAGE_ERROR);
    EXPECT(peer_fetched(p, peer_ask_fetch(p, "t", 0, 0, 1 << 20)).records.len > 0);
    os_sim_options(rig.os)->disk_bytes = disk;
    kafka_rig_run_for(&rig, 60000);
    EXPECT(!log_failure(rig.log));
    EXPECT_INT(peer_produce(p, "t", kafka_rig_batch(&rig, 1, -1, -1, -1)).error_code, 0);
    peer_end(p);
    kafka_rig_close(&rig);
}

TEST(kafka_failed_sync_acknowledges_nothing)
{
    struct rig rig;

    kafka_rig_open(&rig);
    struct peer *p = peer_open(&rig);
    kafka_rig_make_topic(p, "t", 1);
    EXPECT_INT(peer_produce(p, "t", kafka_rig_batch(&rig, 3, -1, -1, -1)).base_offset, 0);
    os_sim_options(rig.os)->sync_error = 1;
    EXPECT_INT(peer_produce(p, "t", kafka_rig_batch(&rig, 2, -1, -1, -1)).error_code,
               KAFKA_ERR_KAFKA_STORAGE_ERROR);
    struct kafka_fetch_res_partition part = peer_fetched(p, peer_ask_fetch(p, "t", 0, 0, 1 << 20));
    EXPECT_INT(part.high_watermark, 3); /* what was not synced is not shown */
    os_sim_options(rig.os)->sync_error = 0;
    EXPECT_INT(peer_produce(p, "t", kafka_rig_batch(&rig, 2, -1, -1, -1)).error_code,
               KAFKA_ERR_KAFKA_STORAGE_ERROR); /* nor is a failed log trusted again */
    peer_end(p);
    kafka_rig_close(&rig);
}

/* What librdkafka 2.15 sends for all topics in version 13: four zeros where one belongs. */
TEST(kafka_metadata_by_id_beside_an_empty_name)
{
    struct rig rig;
    struct kafka_metadata_req req;
    struct kafka_metadata_res res;

    kafka_rig_open(&rig);
    struct peer *p = peer_open(&rig);
    kafka_rig_make_topic(p, "t", 1);
    kafka_metadata_req_init(&req);
    req.topics.count = 1;
    req.topics.at = kafka_metadata_req_topic_new(&rig.arena, 1);
    memcpy(req.topics.at[0].topic_id, log_topic_info(log_topic_find(rig.log, BYTES_LITERAL("t")))->id,
           LOG_ID_BYTES);
    req.topics.at[0].name = BYTES_LITERAL(""); /* as Java's client writes it */
    peer_call(p, KAFKA_METADATA, 12, &req, &res);
    EXPECT_INT(res.topics.at[0].error_code, 0);
    EXPECT_BYTES(res.topics.at[0].name, BYTES_LITERAL("t"));
    req.topics.at[0].topic_id[0] ^= 1;
    peer_call(p, KAFKA_METADATA, 12, &req, &res);
    EXPECT_INT(res.topics.at[0].error_code, KAFKA_ERR_UNKNOWN_TOPIC_ID);
    peer_end(p);
    kafka_rig_close(&rig);
}

TEST(kafka_bytes_after_a_request_are_let_pass)
{
    const uint8_t frame[] = {0, 0, 0, 18, 0, 3, 0, 13, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0, 0, 1, 0, 0};
    struct kafka_metadata_res res;
    struct rig rig;

    kafka_rig_open(&rig);
    struct peer *p = peer_open(&rig);
    conn_send(p->conn, bytes_of(frame, sizeof(frame)));
    EXPECT(peer_answer(p, 0, KAFKA_METADATA, 13, &res));
    EXPECT_INT(res.error_code, 0);
    peer_end(p);
    kafka_rig_close(&rig);
}

TEST(kafka_committed_offsets_survive_in_every_version)
{
    struct rig rig;

    kafka_rig_open(&rig);
    struct peer *p = peer_open(&rig);
    kafka_rig_make_topic(p, "t", 2);
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
        peer_call(p, KAFKA_OFFSET_COMMIT, v, &req, &res);
        EXPECT_INT(res.topics.at[0].partitions.at[0].error_code, 0);
        EXPECT_INT(res.topics.at[0].partitions.at[1].error_code,
                   KAFKA_ERR_UNKNOWN_TOPIC_OR_PARTITION);
        if (v % 3 == 0) { /* the server is started anew */
            peer_end(p);
            kafka_rig_stop(&rig);
            kafka_rig_start(&rig);
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
        peer_call(p, KAFKA_OFFSET_FETCH, v, &ask_for, &got);
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
    kafka_rig_close(&rig);
}

/* Whatever a request says, its answer decodes, and the next one is answered too. */
TEST_SECONDS(kafka_answers_any_request_in_every_version, 60)
{
    struct rng rng = rng_seed(test_seed());
    struct rig rig;

    kafka_rig_open(&rig);
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
                int32_t id = peer_ask(p, api->key, v, req);
                EXPECT(peer_answer(p, id, api->key, v, res));
            }
            peer_end(p);
        }
    }
    kafka_rig_close(&rig);
}
