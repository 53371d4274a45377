/* Transactions over the Kafka face: who may write, what readers see, how a transaction ends, and that
 * all of it is so after a restart. */
#include <stdio.h>
#include <string.h>

#include "lib/kafka_rig.h"
#include "lib/test.h"

struct producer {
    struct peer *peer;
    const char *id;
    int64_t producer_id;
    int16_t epoch;
    int32_t sequence;
    bool second; /* speaks the second version of transactions */
};

static int16_t init_with(struct producer *w, int32_t timeout_ms, int64_t producer_id, int16_t epoch)
{
    struct kafka_init_producer_id_req req;
    struct kafka_init_producer_id_res res;

    kafka_init_producer_id_req_init(&req);
    req.transactional_id = bytes_str(w->id);
    req.transaction_timeout_ms = timeout_ms;
    req.producer_id = producer_id;
    req.producer_epoch = epoch;
    peer_call(w->peer, KAFKA_INIT_PRODUCER_ID, 4, &req, &res);
    if (res.error_code == 0) {
        w->producer_id = res.producer_id;
        w->epoch = res.producer_epoch;
        w->sequence = 0;
    }
    return res.error_code;
}

static struct producer producer_of(struct peer *p, const char *id)
{
    struct producer w = {.peer = p, .id = id};

    EXPECT_INT(init_with(&w, 60000, -1, -1), 0);
    return w;
}

static int16_t add(struct producer *w, const char *topic, int32_t partition)
{
    struct kafka_add_partitions_to_txn_req req;
    struct kafka_add_partitions_to_txn_res res;

    kafka_add_partitions_to_txn_req_init(&req);
    req.v3_and_below_transactional_id = bytes_str(w->id);
    req.v3_and_below_producer_id = w->producer_id;
    req.v3_and_below_producer_epoch = w->epoch;
    req.v3_and_below_topics.at = kafka_add_partitions_to_txn_req_topic_new(&w->peer->rig->arena, 1);
    req.v3_and_below_topics.count = 1;
    req.v3_and_below_topics.at[0].name = bytes_str(topic);
    req.v3_and_below_topics.at[0].partitions.at = &partition;
    req.v3_and_below_topics.at[0].partitions.count = 1;
    peer_call(w->peer, KAFKA_ADD_PARTITIONS_TO_TXN, 3, &req, &res);
    return res.results_by_topic_v3_and_below.at[0].results_by_partition.at[0].partition_error_code;
}

/* As a broker asks another one: in a request of many transactions. */
static int16_t ask(struct producer *w, int16_t version, bool verify_only, const char *topic, int32_t partition)
{
    struct kafka_add_partitions_to_txn_req req;
    struct kafka_add_partitions_to_txn_res res;
    struct kafka_add_partitions_to_txn_req_transaction one = {.transactional_id = bytes_str(w->id),
                                                              .producer_id = w->producer_id,
                                                              .producer_epoch = w->epoch,
                                                              .verify_only = verify_only};

    kafka_add_partitions_to_txn_req_init(&req);
    req.transactions.at = &one;
    req.transactions.count = 1;
    one.topics.at = kafka_add_partitions_to_txn_req_transaction_topic_new(&w->peer->rig->arena, 1);
    one.topics.count = 1;
    one.topics.at[0].name = bytes_str(topic);
    one.topics.at[0].partitions.at = &partition;
    one.topics.at[0].partitions.count = 1;
    peer_call(w->peer, KAFKA_ADD_PARTITIONS_TO_TXN, version, &req, &res);
    EXPECT_INT(res.error_code, 0);
    EXPECT_INT(res.results_by_transaction.count, 1);
    EXPECT_BYTES(res.results_by_transaction.at[0].transactional_id, bytes_str(w->id));
    EXPECT_BYTES(res.results_by_transaction.at[0].topic_results.at[0].name, bytes_str(topic));
    return res.results_by_transaction.at[0].topic_results.at[0].results_by_partition.at[0].partition_error_code;
}

static int16_t write_as(struct producer *w, const char *topic, int32_t partition, int count,
                        const char *id, bool transactional)
{
    struct rig *rig = w->peer->rig;
    struct batch_builder b;
    struct buf out;
    struct kafka_produce_req req;
    struct kafka_produce_res res;

    batch_builder_init(&b, KAFKA_CODEC_NONE);
    buf_init(&out, 0);
    b.attributes = transactional ? BATCH_TRANSACTIONAL : 0;
    b.producer_id = w->producer_id;
    b.producer_epoch = w->epoch;
    b.base_sequence = w->sequence;
    for (int i = 0; i < count; i++)
        batch_builder_add(&b, os_wall_us(rig->os) / 1000, BYTES_LITERAL("k"), BYTES_LITERAL("v"),
                          NULL, 0);
    EXPECT_OK(batch_builder_finish(&b, &out));
    kafka_produce_req_init(&req);
    req.acks = -1;
    if (id)
        req.transactional_id = bytes_str(id);
    req.topic_data.at = kafka_produce_req_topic_new(&rig->arena, 1);
    req.topic_data.count = 1;
    req.topic_data.at[0].name = bytes_str(topic);
    req.topic_data.at[0].partition_data.at = kafka_produce_req_partition_new(&rig->arena, 1);
    req.topic_data.at[0].partition_data.count = 1;
    req.topic_data.at[0].partition_data.at[0].index = partition;
    req.topic_data.at[0].partition_data.at[0].records = arena_copy(&rig->arena, buf_view(&out));
    buf_deinit(&out);
    batch_builder_deinit(&b);
    peer_call(w->peer, KAFKA_PRODUCE, w->second ? 12 : 9, &req, &res);
    int16_t error = res.responses.at[0].partition_responses.at[0].error_code;
    if (error == 0)
        w->sequence += count;
    return error;
}

static int16_t put(struct producer *w, const char *topic, int32_t partition, int count)
{
    return write_as(w, topic, partition, count, w->id, true);
}

enum outcome { ABORT, COMMIT };

static int16_t end(struct producer *w, enum outcome outcome)
{
    struct kafka_end_txn_req req;
    struct kafka_end_txn_res res;

    kafka_end_txn_req_init(&req);
    req.transactional_id = bytes_str(w->id);
    req.producer_id = w->producer_id;
    req.producer_epoch = w->epoch;
    req.committed = outcome == COMMIT;
    peer_call(w->peer, KAFKA_END_TXN, w->second ? 5 : 3, &req, &res);
    if (w->second && !res.error_code) {
        w->producer_id = res.producer_id;
        w->epoch = res.producer_epoch;
        w->sequence = 0;
    }
    return res.error_code;
}

static struct kafka_fetch_res_partition get(struct peer *p, const char *topic, int32_t partition,
                                            int64_t offset, bool committed)
{
    struct kafka_fetch_req req;
    struct kafka_fetch_res res;

    kafka_fetch_req_init(&req);
    req.max_bytes = 1 << 20;
    req.isolation_level = committed;
    req.topics.at = kafka_fetch_req_topic_new(&p->rig->arena, 1);
    req.topics.count = 1;
    req.topics.at[0].topic = bytes_str(topic);
    req.topics.at[0].partitions.at = kafka_fetch_req_partition_new(&p->rig->arena, 1);
    req.topics.at[0].partitions.count = 1;
    req.topics.at[0].partitions.at[0].partition = partition;
    req.topics.at[0].partitions.at[0].fetch_offset = offset;
    req.topics.at[0].partitions.at[0].partition_max_bytes = 1 << 20;
    peer_call(p, KAFKA_FETCH, 12, &req, &res);
    return res.responses.at[0].partitions.at[0];
}

/* The aborted transaction that the batch is part of, or ends: not one that has ended before. */
static int32_t aborted_of(const struct kafka_fetch_res_partition *f, const struct batch_header *h,
                          const bool *ended)
{
    for (int32_t i = 0; i < f->aborted_transactions.count; i++)
        if (f->aborted_transactions.at[i].producer_id == h->producer_id && !ended[i] &&
            f->aborted_transactions.at[i].first_offset <= h->base_offset &&
            (h->attributes & BATCH_TRANSACTIONAL))
            return i;
    return -1;
}

/* The records that a client with read_committed gives to its user. */
static int visible(struct peer *p, const char *topic, int32_t partition)
{
    int64_t offset = 0;
    int count = 0;

    for (;;) {
        struct kafka_fetch_res_partition f = get(p, topic, partition, offset, true);
        struct bytes run = f.records, batch;
        struct batch_header h;
        bool ended[16] = {false};
        EXPECT(f.aborted_transactions.count <= 16);
        if (!run.len)
            return count;
        while (batch_next(&run, &h, &batch) == ST_OK) {
            int32_t aborted = aborted_of(&f, &h, ended);
            if (h.attributes & BATCH_CONTROL && aborted >= 0)
                ended[aborted] = true;
            if (!(h.attributes & BATCH_CONTROL) && aborted < 0)
                count += h.records_count;
            offset = batch_last_offset(&h) + 1;
        }
    }
}

static void expect_ends(struct peer *p, const char *topic, int64_t stable, int64_t high)
{
    struct kafka_fetch_res_partition f = get(p, topic, 0, 0, true);

    EXPECT_INT(f.error_code, 0);
    EXPECT_INT(f.last_stable_offset, stable);
    EXPECT_INT(f.high_watermark, high);
}

static void restart(struct rig *rig, struct peer **p)
{
    peer_end(*p);
    kafka_rig_stop(rig);
    kafka_rig_start(rig);
    *p = peer_open(rig);
}

TEST(kafka_a_transaction_is_seen_when_it_has_committed)
{
    struct rig rig;

    kafka_rig_open(&rig);
    struct peer *p = peer_open(&rig);
    kafka_rig_make_topic(p, "t", 2);
    struct producer w = producer_of(p, "tx");
    EXPECT_INT(w.epoch, 0);
    EXPECT_INT(end(&w, COMMIT), KAFKA_ERR_INVALID_TXN_STATE);
    EXPECT_INT(put(&w, "t", 0, 3), KAFKA_ERR_INVALID_TXN_STATE); /* not added */
    EXPECT_INT(add(&w, "t", 0), 0);
    EXPECT_INT(add(&w, "none", 0), KAFKA_ERR_UNKNOWN_TOPIC_OR_PARTITION);
    EXPECT_INT(put(&w, "t", 0, 3), 0);
    EXPECT_INT(put(&w, "t", 0, 2), 0);
    EXPECT_INT(put(&w, "t", 1, 2), KAFKA_ERR_INVALID_TXN_STATE);
    EXPECT_INT(write_as(&w, "t", 0, 1, w.id, false), KAFKA_ERR_INVALID_TXN_STATE);
    EXPECT_INT(write_as(&w, "t", 0, 1, NULL, true), KAFKA_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
    EXPECT_INT(visible(p, "t", 0), 0);
    expect_ends(p, "t", 0, 5);
    EXPECT_INT(get(p, "t", 0, 0, false).records.len > 0, 1); /* uncommitted is shown to who asks */
    EXPECT_INT(end(&w, COMMIT), 0);
    EXPECT_INT(end(&w, COMMIT), 0); /* again: the answer may have been lost */
    EXPECT_INT(end(&w, ABORT), KAFKA_ERR_INVALID_TXN_STATE);
    EXPECT_INT(visible(p, "t", 0), 5);
    expect_ends(p, "t", 6, 6);
    peer_end(p);
    kafka_rig_close(&rig);
}

TEST(kafka_partitions_of_many_transactions_are_added_or_verified)
{
    struct rig rig;

    kafka_rig_open(&rig);
    struct peer *p = peer_open(&rig);
    kafka_rig_make_topic(p, "t", 2);
    struct producer w = producer_of(p, "tx");
    EXPECT_INT(ask(&w, 4, true, "t", 0), KAFKA_ERR_INVALID_TXN_STATE);
    EXPECT_INT(ask(&w, 5, true, "t", 0), KAFKA_ERR_TRANSACTION_ABORTABLE);
    EXPECT_INT(ask(&w, 5, true, "none", 0), KAFKA_ERR_TRANSACTION_ABORTABLE);
    EXPECT_INT(ask(&w, 5, false, "none", 0), KAFKA_ERR_UNKNOWN_TOPIC_OR_PARTITION);
    EXPECT_INT(ask(&w, 5, false, "t", 0), 0);
    EXPECT_INT(ask(&w, 5, true, "t", 0), 0);
    EXPECT_INT(ask(&w, 5, true, "t", 1), KAFKA_ERR_TRANSACTION_ABORTABLE);
    EXPECT_INT(put(&w, "t", 0, 1), 0);
    struct producer old = w;
    w = producer_of(p, "tx");
    EXPECT_INT(ask(&old, 4, true, "t", 0), KAFKA_ERR_PRODUCER_FENCED);
    peer_end(p);
    kafka_rig_close(&rig);
}

TEST(kafka_an_aborted_transaction_is_named_to_readers_after_restarts_too)
{
    struct rig rig;

    kafka_rig_open(&rig);
    struct peer *p = peer_open(&rig);
    kafka_rig_make_topic(p, "t", 1);
    struct producer a = producer_of(p, "a"), b = producer_of(p, "b");
    EXPECT_INT(add(&a, "t", 0), 0);
    EXPECT_INT(add(&b, "t", 0), 0);
    EXPECT_INT(put(&a, "t", 0, 2), 0); /* 0, 1 */
    EXPECT_INT(put(&b, "t", 0, 3), 0); /* 2..4 */
    EXPECT_INT(put(&a, "t", 0, 1), 0); /* 5 */
    EXPECT_INT(end(&a, ABORT), 0);     /* 6 */
    expect_ends(p, "t", 2, 7);
    EXPECT_INT(end(&b, COMMIT), 0); /* 7 */
    expect_ends(p, "t", 8, 8);
    for (int i = 0; i < 3; i++) {
        struct kafka_fetch_res_partition f = get(p, "t", 0, 0, true);
        EXPECT_INT(f.aborted_transactions.count, 1);
        EXPECT_INT(f.aborted_transactions.at[0].producer_id, a.producer_id);
        EXPECT_INT(f.aborted_transactions.at[0].first_offset, 0);
        EXPECT_INT(get(p, "t", 0, 7, true).aborted_transactions.count, 0);
        EXPECT_INT(get(p, "t", 0, 0, false).aborted_transactions.count, -1);
        restart(&rig, &p);
    }
    a.peer = b.peer = p;
    EXPECT_INT(end(&a, ABORT), 0); /* from a new connection, to a new life of the server */
    EXPECT_INT(end(&b, COMMIT), 0);
    peer_end(p);
    kafka_rig_close(&rig);
}

TEST(kafka_an_open_transaction_goes_on_after_a_restart)
{
    struct rig rig;

    kafka_rig_open(&rig);
    struct peer *p = peer_open(&rig);
    kafka_rig_make_topic(p, "t", 1);
    struct producer w = producer_of(p, "tx");
    EXPECT_INT(add(&w, "t", 0), 0);
    EXPECT_INT(put(&w, "t", 0, 2), 0);
    restart(&rig, &p);
    w.peer = p;
    expect_ends(p, "t", 0, 2);
    EXPECT_INT(put(&w, "t", 0, 2), 0); /* the same transaction */
    EXPECT_INT(end(&w, COMMIT), 0);
    EXPECT_INT(visible(p, "t", 0), 4);
    peer_end(p);
    kafka_rig_close(&rig);
}

TEST(kafka_a_new_producer_of_an_id_fences_the_old_one)
{
    struct rig rig;

    kafka_rig_open(&rig);
    struct peer *p = peer_open(&rig);
    kafka_rig_make_topic(p, "t", 1);
    struct producer old = producer_of(p, "tx");
    EXPECT_INT(add(&old, "t", 0), 0);
    EXPECT_INT(put(&old, "t", 0, 2), 0);
    struct producer fresh = producer_of(p, "tx");
    EXPECT_INT(fresh.producer_id, old.producer_id);
    EXPECT(fresh.epoch > old.epoch);
    EXPECT_INT(visible(p, "t", 0), 0); /* aborted */
    expect_ends(p, "t", 3, 3);
    EXPECT_INT(put(&old, "t", 0, 1), KAFKA_ERR_INVALID_PRODUCER_EPOCH);
    EXPECT_INT(add(&old, "t", 0), KAFKA_ERR_PRODUCER_FENCED);
    EXPECT_INT(end(&old, COMMIT), KAFKA_ERR_PRODUCER_FENCED);
    EXPECT_INT(init_with(&old, 60000, old.producer_id, old.epoch), KAFKA_ERR_PRODUCER_FENCED);
    EXPECT_INT(add(&fresh, "t", 0), 0);
    EXPECT_INT(put(&fresh, "t", 0, 1), 0);
    EXPECT_INT(end(&fresh, COMMIT), 0);
    EXPECT_INT(visible(p, "t", 0), 1);
    /* the same producer goes on from its epoch, and may ask twice (KIP-360) */
    struct producer again = fresh;
    EXPECT_INT(init_with(&fresh, 60000, fresh.producer_id, fresh.epoch), 0);
    EXPECT_INT(fresh.epoch, again.epoch + 1);
    EXPECT_INT(init_with(&again, 60000, again.producer_id, again.epoch), 0);
    EXPECT_INT(again.epoch, fresh.epoch);
    peer_end(p);
    kafka_rig_close(&rig);
}

/* In what is kept of "tx" (docs/format/kafka.md): seen after a restart. */
static void set_epoch(struct rig *rig, int16_t epoch)
{
    struct bytes value;

    EXPECT(log_kv_get(rig->log, LOG_KV_TRANSACTIONS, BYTES_LITERAL("tx"), &value));
    uint8_t *old = memcpy(arena_alloc(&rig->arena, value.len), value.ptr, value.len);
    old[18] = (uint8_t)(epoch >> 8);
    old[19] = (uint8_t)epoch;
    EXPECT_OK(log_kv_put(rig->log, LOG_KV_TRANSACTIONS, BYTES_LITERAL("tx"),
                         bytes_of(old, value.len), NULL));
}

TEST(kafka_epochs_that_run_out_give_a_new_producer_id)
{
    struct rig rig;

    kafka_rig_open(&rig);
    struct peer *p = peer_open(&rig);
    struct producer w = producer_of(p, "tx");
    int64_t first = w.producer_id;
    set_epoch(&rig, 32765);
    restart(&rig, &p);
    w.peer = p;
    EXPECT_INT(init_with(&w, 60000, -1, -1), 0);
    EXPECT_INT(w.epoch, 32766);
    EXPECT_INT(w.producer_id, first);
    EXPECT_INT(init_with(&w, 60000, first, 32766), 0);
    EXPECT_INT(w.epoch, 0);
    EXPECT(w.producer_id != first);
    int64_t second = w.producer_id;
    EXPECT_INT(init_with(&w, 60000, first, 32766), 0); /* asked again */
    EXPECT_INT(w.producer_id, second);
    EXPECT_INT(w.epoch, 0);
    peer_end(p);
    kafka_rig_close(&rig);
}

TEST(kafka_a_transaction_that_takes_too_long_is_aborted)
{
    struct rig rig;

    kafka_rig_open(&rig);
    struct peer *p = peer_open(&rig);
    kafka_rig_make_topic(p, "t", 1);
    struct producer w = {.peer = p, .id = "tx"};
    EXPECT_INT(init_with(&w, 0, -1, -1), KAFKA_ERR_INVALID_TRANSACTION_TIMEOUT);
    EXPECT_INT(init_with(&w, 900001, -1, -1), KAFKA_ERR_INVALID_TRANSACTION_TIMEOUT);
    EXPECT_INT(init_with(&w, 5000, -1, -1), 0);
    EXPECT_INT(add(&w, "t", 0), 0);
    EXPECT_INT(put(&w, "t", 0, 2), 0);
    kafka_rig_run_for(&rig, 4000);
    expect_ends(p, "t", 0, 2);
    kafka_rig_run_for(&rig, 2000);
    expect_ends(p, "t", 3, 3);
    EXPECT_INT(visible(p, "t", 0), 0);
    EXPECT_INT(put(&w, "t", 0, 1), KAFKA_ERR_INVALID_PRODUCER_EPOCH);
    EXPECT_INT(end(&w, COMMIT), KAFKA_ERR_PRODUCER_FENCED);
    /* and one whose time ran out while the server was down */
    EXPECT_INT(init_with(&w, 5000, -1, -1), 0);
    EXPECT_INT(add(&w, "t", 0), 0);
    EXPECT_INT(put(&w, "t", 0, 2), 0);
    peer_end(p);
    kafka_rig_stop(&rig);
    os_sim_advance(rig.os, 6000000000);
    kafka_rig_start(&rig);
    p = peer_open(&rig);
    kafka_rig_run_for(&rig, 100);
    expect_ends(p, "t", 6, 6);
    peer_end(p);
    kafka_rig_close(&rig);
}

TEST(kafka_a_transactional_id_that_is_idle_for_a_week_is_forgotten)
{
    static const int64_t day_ns = (int64_t)24 * 3600 * 1000000000;
    struct rig rig;

    kafka_rig_open(&rig);
    struct peer *p = peer_open(&rig);
    kafka_rig_make_topic(p, "t", 1);
    struct producer w = producer_of(p, "tx");
    EXPECT_INT(add(&w, "t", 0), 0);
    EXPECT_OK(log_topic_configure(rig.log, log_topic_find(rig.log, BYTES_LITERAL("t")),
                                  &(struct log_topic_options){.retention_ms = -1}, NULL, NULL));
    EXPECT_INT(put(&w, "t", 0, 1), 0);
    EXPECT_INT(end(&w, COMMIT), 0);
    for (int round = 0; round < 2; round++) {
        peer_end(p);
        os_sim_advance(rig.os, round ? 2 * day_ns : 6 * day_ns);
        kafka_rig_run_for(&rig, 2 * 3600 * 1000);
        p = w.peer = peer_open(&rig);
        EXPECT_INT(end(&w, COMMIT), round ? KAFKA_ERR_INVALID_PRODUCER_ID_MAPPING : 0);
    }
    struct bytes value;
    EXPECT(!log_kv_get(rig.log, LOG_KV_TRANSACTIONS, BYTES_LITERAL("tx"), &value));
    EXPECT_INT(visible(p, "t", 0), 1);
    peer_end(p);
    kafka_rig_close(&rig);
}

/* ---- offsets ---- */

static int16_t add_group(struct producer *w, const char *group)
{
    struct kafka_add_offsets_to_txn_req req;
    struct kafka_add_offsets_to_txn_res res;

    kafka_add_offsets_to_txn_req_init(&req);
    req.transactional_id = bytes_str(w->id);
    req.producer_id = w->producer_id;
    req.producer_epoch = w->epoch;
    req.group_id = bytes_str(group);
    peer_call(w->peer, KAFKA_ADD_OFFSETS_TO_TXN, 3, &req, &res);
    return res.error_code;
}

static int16_t commit_offset_of(struct producer *w, const char *group, const char *topic, int64_t offset,
                                const char *member)
{
    struct kafka_txn_offset_commit_req req;
    struct kafka_txn_offset_commit_res res;

    kafka_txn_offset_commit_req_init(&req);
    req.transactional_id = bytes_str(w->id);
    req.group_id = bytes_str(group);
    req.producer_id = w->producer_id;
    req.producer_epoch = w->epoch;
    req.member_id = bytes_str(member);
    req.generation_id = member[0] ? 5 : -1;
    req.topics.at = kafka_txn_offset_commit_req_topic_new(&w->peer->rig->arena, 1);
    req.topics.count = 1;
    req.topics.at[0].name = bytes_str(topic);
    req.topics.at[0].partitions.at =
        kafka_txn_offset_commit_req_partition_new(&w->peer->rig->arena, 1);
    req.topics.at[0].partitions.count = 1;
    req.topics.at[0].partitions.at[0].committed_offset = offset;
    req.topics.at[0].partitions.at[0].committed_metadata = BYTES_LITERAL("note");
    peer_call(w->peer, KAFKA_TXN_OFFSET_COMMIT, w->second ? 5 : 3, &req, &res);
    return res.topics.at[0].partitions.at[0].error_code;
}

static int16_t commit_offset(struct producer *w, const char *group, int64_t offset,
                             const char *member)
{
    return commit_offset_of(w, group, "t", offset, member);
}

static void expect_offset(struct peer *p, const char *group, bool stable, int64_t offset,
                          int16_t error)
{
    struct kafka_offset_fetch_req req;
    struct kafka_offset_fetch_res res;
    int32_t partition = 0;

    kafka_offset_fetch_req_init(&req);
    req.require_stable = stable;
    req.groups.at = kafka_offset_fetch_req_group_new(&p->rig->arena, 1);
    req.groups.count = 1;
    req.groups.at[0].group_id = bytes_str(group);
    req.groups.at[0].topics.at = kafka_offset_fetch_req_group_topic_new(&p->rig->arena, 1);
    req.groups.at[0].topics.count = 1;
    req.groups.at[0].topics.at[0].name = BYTES_LITERAL("t");
    req.groups.at[0].topics.at[0].partition_indexes.at = &partition;
    req.groups.at[0].topics.at[0].partition_indexes.count = 1;
    peer_call(p, KAFKA_OFFSET_FETCH, 8, &req, &res);
    EXPECT_INT(res.groups.at[0].topics.at[0].partitions.at[0].committed_offset, offset);
    EXPECT_INT(res.groups.at[0].topics.at[0].partitions.at[0].error_code, error);
}

TEST(kafka_offsets_of_a_transaction_count_when_it_has_committed)
{
    struct rig rig;

    kafka_rig_open(&rig);
    struct peer *p = peer_open(&rig);
    kafka_rig_make_topic(p, "t", 1);
    struct producer w = producer_of(p, "tx");
    EXPECT_INT(commit_offset(&w, "g", 7, ""), KAFKA_ERR_INVALID_TXN_STATE);
    EXPECT_INT(add_group(&w, "g"), 0);
    EXPECT_INT(commit_offset(&w, "g", 7, ""), 0);
    EXPECT_INT(commit_offset(&w, "g", 7, "nobody"), KAFKA_ERR_ILLEGAL_GENERATION);
    expect_offset(p, "g", false, -1, 0);
    expect_offset(p, "g", true, -1, KAFKA_ERR_UNSTABLE_OFFSET_COMMIT);
    restart(&rig, &p);
    w.peer = p;
    expect_offset(p, "g", true, -1, KAFKA_ERR_UNSTABLE_OFFSET_COMMIT);
    EXPECT_INT(end(&w, COMMIT), 0);
    expect_offset(p, "g", true, 7, 0);
    EXPECT_INT(add_group(&w, "g"), 0);
    EXPECT_INT(commit_offset(&w, "g", 99, ""), 0);
    EXPECT_INT(end(&w, ABORT), 0);
    expect_offset(p, "g", true, 7, 0);
    restart(&rig, &p);
    expect_offset(p, "g", true, 7, 0);
    peer_end(p);
    kafka_rig_close(&rig);
}

/* ---- the second version (KIP-890) ---- */

static struct producer second_of(struct peer *p, const char *id)
{
    struct producer w = producer_of(p, id);

    w.second = true;
    return w;
}

TEST(kafka_the_second_version_adds_partitions_by_writing_and_bumps_at_each_end)
{
    struct rig rig;

    kafka_rig_open(&rig);
    struct peer *p = peer_open(&rig);
    kafka_rig_make_topic(p, "t", 2);
    struct producer w = second_of(p, "tx"), old;
    EXPECT_INT(end(&w, COMMIT), KAFKA_ERR_INVALID_TXN_STATE); /* nothing is open */
    EXPECT_INT(put(&w, "t", 0, 3), 0);
    EXPECT_INT(put(&w, "t", 1, 2), 0);
    EXPECT_INT(put(&w, "none", 0, 2), 0); /* made by writing: auto.create.topics.enable */
    expect_ends(p, "t", 0, 3);
    old = w;
    EXPECT_INT(end(&w, COMMIT), 0);
    EXPECT_INT(w.producer_id, old.producer_id);
    EXPECT_INT(w.epoch, old.epoch + 1);
    EXPECT_INT(visible(p, "t", 0), 3);
    EXPECT_INT(visible(p, "t", 1), 2);
    EXPECT_INT(visible(p, "none", 0), 2);
    /* what was sent before the end comes late: it is no part of the next transaction */
    EXPECT_INT(put(&old, "t", 0, 1), KAFKA_ERR_INVALID_PRODUCER_EPOCH);
    /* the answer was lost: asked again with the epoch before, from a new connection after a restart */
    restart(&rig, &p);
    old.peer = w.peer = p;
    struct producer again = old;
    EXPECT_INT(end(&again, ABORT), KAFKA_ERR_INVALID_TXN_STATE);
    EXPECT_INT(end(&again, COMMIT), 0);
    EXPECT_INT(again.epoch, w.epoch);
    EXPECT_INT(end(&w, COMMIT), KAFKA_ERR_INVALID_TXN_STATE); /* the next one's end: none is open */
    EXPECT_INT(put(&w, "t", 0, 2), 0); /* sequences begin again with the epoch */
    EXPECT_INT(end(&old, COMMIT), KAFKA_ERR_PRODUCER_FENCED); /* too late to ask */
    EXPECT_INT(end(&w, ABORT), 0);
    EXPECT_INT(visible(p, "t", 0), 3);
    /* an abort with nothing to abort: the client cannot know whether its writes came through */
    int16_t before = w.epoch;
    EXPECT_INT(end(&w, ABORT), 0);
    EXPECT_INT(w.epoch, before + 1);
    EXPECT_INT(put(&w, "t", 0, 1), 0);
    EXPECT_INT(end(&w, COMMIT), 0);
    EXPECT_INT(visible(p, "t", 0), 4);
    peer_end(p);
    kafka_rig_close(&rig);
}

TEST(kafka_both_versions_of_transactions_stand_side_by_side)
{
    struct rig rig;

    kafka_rig_open(&rig);
    struct peer *p = peer_open(&rig);
    kafka_rig_make_topic(p, "t", 1);
    struct producer one = producer_of(p, "one"), two = second_of(p, "two");
    EXPECT_INT(put(&one, "t", 0, 1), KAFKA_ERR_INVALID_TXN_STATE); /* not added: of the first version */
    EXPECT_INT(add(&one, "t", 0), 0);
    EXPECT_INT(put(&one, "t", 0, 1), 0);
    EXPECT_INT(put(&two, "t", 0, 2), 0);
    EXPECT_INT(end(&two, COMMIT), 0);
    EXPECT_INT(end(&one, COMMIT), 0);
    EXPECT_INT(one.epoch, 0);
    EXPECT_INT(end(&one, COMMIT), 0);
    EXPECT_INT(visible(p, "t", 0), 3);
    /* an id goes on in the other version, as after an upgrade of its client */
    one.second = true;
    EXPECT_INT(put(&one, "t", 0, 4), 0);
    EXPECT_INT(end(&one, COMMIT), 0);
    EXPECT_INT(one.epoch, 1);
    one.second = false;
    EXPECT_INT(add(&one, "t", 0), 0);
    EXPECT_INT(put(&one, "t", 0, 8), 0);
    EXPECT_INT(end(&one, COMMIT), 0);
    EXPECT_INT(one.epoch, 1);
    EXPECT_INT(visible(p, "t", 0), 15);
    peer_end(p);
    kafka_rig_close(&rig);
}

TEST(kafka_the_second_version_gives_a_new_producer_id_when_epochs_run_out)
{
    struct rig rig;

    kafka_rig_open(&rig);
    struct peer *p = peer_open(&rig);
    kafka_rig_make_topic(p, "t", 1);
    struct producer w = second_of(p, "tx");
    set_epoch(&rig, 32766);
    restart(&rig, &p);
    w.peer = p;
    w.epoch = 32766;
    EXPECT_INT(put(&w, "t", 0, 1), 0);
    struct producer old = w, again = w;
    EXPECT_INT(end(&w, COMMIT), 0);
    EXPECT(w.producer_id != old.producer_id);
    EXPECT_INT(w.epoch, 0);
    restart(&rig, &p);
    w.peer = old.peer = again.peer = p;
    EXPECT_INT(end(&again, COMMIT), 0);
    EXPECT_INT(again.producer_id, w.producer_id);
    EXPECT_INT(again.epoch, 0);
    EXPECT_INT(put(&old, "t", 0, 1), KAFKA_ERR_INVALID_PRODUCER_ID_MAPPING);
    EXPECT_INT(put(&w, "t", 0, 1), 0);
    EXPECT_INT(end(&w, COMMIT), 0);
    EXPECT_INT(end(&old, COMMIT), KAFKA_ERR_INVALID_PRODUCER_ID_MAPPING);
    EXPECT_INT(visible(p, "t", 0), 2);
    peer_end(p);
    kafka_rig_close(&rig);
}

/* The epoch of one that was fenced is one less than the server's, too; that is no answer lost. */
TEST(kafka_the_second_version_fences_as_the_first_does)
{
    struct rig rig;

    kafka_rig_open(&rig);
    struct peer *p = peer_open(&rig);
    kafka_rig_make_topic(p, "t", 1);
    struct producer w = {.peer = p, .id = "tx", .second = true};
    EXPECT_INT(init_with(&w, 5000, -1, -1), 0);
    EXPECT_INT(put(&w, "t", 0, 2), 0);
    kafka_rig_run_for(&rig, 6000); /* its time runs out */
    expect_ends(p, "t", 3, 3);
    EXPECT_INT(end(&w, ABORT), KAFKA_ERR_PRODUCER_FENCED);
    EXPECT_INT(end(&w, COMMIT), KAFKA_ERR_PRODUCER_FENCED);
    EXPECT_INT(put(&w, "t", 0, 1), KAFKA_ERR_INVALID_PRODUCER_EPOCH);
    EXPECT_INT(init_with(&w, 5000, -1, -1), 0);
    EXPECT_INT(put(&w, "t", 0, 2), 0);
    struct producer fresh = second_of(p, "tx"); /* another instance */
    EXPECT_INT(end(&w, ABORT), KAFKA_ERR_PRODUCER_FENCED);
    EXPECT_INT(put(&fresh, "t", 0, 1), 0);
    /* the same producer begins again (KIP-360): its end of before comes late */
    struct producer old = fresh;
    EXPECT_INT(init_with(&fresh, 60000, fresh.producer_id, fresh.epoch), 0);
    EXPECT_INT(end(&old, ABORT), KAFKA_ERR_PRODUCER_FENCED);
    EXPECT_INT(visible(p, "t", 0), 0);
    peer_end(p);
    kafka_rig_close(&rig);
}

TEST(kafka_the_second_version_adds_groups_by_committing_offsets)
{
    struct rig rig;

    kafka_rig_open(&rig);
    struct peer *p = peer_open(&rig);
    kafka_rig_make_topic(p, "t", 1);
    struct producer w = second_of(p, "tx");
    EXPECT_INT(commit_offset(&w, "g", 7, "nobody"), KAFKA_ERR_ILLEGAL_GENERATION);
    EXPECT_INT(end(&w, COMMIT), KAFKA_ERR_INVALID_TXN_STATE); /* which began nothing */
    EXPECT_INT(commit_offset_of(&w, "g", "gone", 7, ""), KAFKA_ERR_UNKNOWN_TOPIC_OR_PARTITION);
    EXPECT_INT(end(&w, COMMIT), KAFKA_ERR_INVALID_TXN_STATE); /* nor that: nothing of it was left to put */
    EXPECT_INT(commit_offset(&w, "g", 7, ""), 0);
    expect_offset(p, "g", true, -1, KAFKA_ERR_UNSTABLE_OFFSET_COMMIT);
    EXPECT_INT(end(&w, COMMIT), 0);
    expect_offset(p, "g", true, 7, 0);
    EXPECT_INT(commit_offset(&w, "g", 9, ""), 0);
    EXPECT_INT(end(&w, ABORT), 0);
    expect_offset(p, "g", true, 7, 0);
    peer_end(p);
    kafka_rig_close(&rig);
}

TEST(kafka_offsets_are_told_when_they_are_durable)
{
    struct rig rig;
    struct kafka_offset_fetch_req req;
    struct kafka_end_txn_req commit;
    struct kafka_offset_fetch_res res;
    struct bytes frame;

    kafka_rig_open(&rig);
    struct peer *p = peer_open(&rig), *reader = peer_open(&rig);
    kafka_rig_make_topic(p, "t", 1);
    struct producer w = second_of(p, "tx");
    EXPECT_INT(commit_offset(&w, "g", 7, ""), 0);
    kafka_end_txn_req_init(&commit);
    commit.transactional_id = bytes_str(w.id);
    commit.producer_id = w.producer_id;
    commit.producer_epoch = w.epoch;
    commit.committed = true;
    kafka_offset_fetch_req_init(&req);
    req.require_stable = true;
    req.groups.at = kafka_offset_fetch_req_group_new(&rig.arena, 1);
    req.groups.count = 1;
    req.groups.at[0].group_id = BYTES_LITERAL("g");
    req.groups.at[0].topics.count = -1;
    rig.hold = true; /* a power cut now would abort the transaction */
    (void)peer_ask(p, KAFKA_END_TXN, 5, &commit);
    kafka_rig_run_for(&rig, 100);
    int32_t id = peer_ask(reader, KAFKA_OFFSET_FETCH, 8, &req);
    kafka_rig_run_for(&rig, 100);
    EXPECT(!peer_take(reader, &frame));
    rig.hold = false;
    kafka_rig_run_for(&rig, 100);
    EXPECT(peer_answer(reader, id, KAFKA_OFFSET_FETCH, 8, &res));
    EXPECT_INT(res.groups.at[0].topics.at[0].partitions.at[0].committed_offset, 7);
    peer_end(reader);
    peer_end(p);
    kafka_rig_close(&rig);
}

/* What a client does that was told as much as `w` before the power failed: three records and an offset
 * in one transaction, then one record that is aborted. */
struct told {
    bool put, asked_end, committed, done; /* asked_end: of the first, told or not */
};

static void work(struct producer *w, struct told *told)
{
    EXPECT_INT(put(w, "t", 0, 3), 0);
    told->put = true;
    EXPECT_INT(commit_offset(w, "g", 7, ""), 0);
    told->asked_end = true;
    EXPECT_INT(end(w, COMMIT), 0);
    told->committed = true;
    EXPECT_INT(put(w, "t", 0, 1), 0);
    EXPECT_INT(end(w, ABORT), 0);
    told->done = true;
}

/* Whatever was told is so; what was asked for can be asked for again; records and offset go together. */
static void go_on(struct producer *w, const struct told *told)
{
    struct producer again = *w;
    bool ended = told->committed;

    if (told->asked_end && !told->committed) {
        EXPECT_INT(end(&again, COMMIT), 0);
        EXPECT_INT(again.epoch, w->epoch + 1);
        ended = true;
    }
    int16_t error = init_with(&again, 60000, again.producer_id, again.epoch);
    EXPECT_INT(error, 0);
    EXPECT_INT(visible(w->peer, "t", 0), ended ? 3 : 0);
    expect_offset(w->peer, "g", true, ended ? 7 : -1, 0);
    EXPECT_INT(put(&again, "t", 0, 1), 0);
    EXPECT_INT(end(&again, COMMIT), 0);
    EXPECT_INT(visible(w->peer, "t", 0), ended ? 4 : 1);
}

/* False: all was done before the power could fail. */
static bool live_twice(uint64_t step)
{
    static struct rig rig; /* of before the jump, as what follows is */
    static struct told told;
    static struct producer w;
    jmp_buf off;

    told = (struct told){0};
    kafka_rig_open(&rig);
    struct peer *p = peer_open(&rig);
    kafka_rig_make_topic(p, "t", 1);
    w = second_of(p, "tx");
    rig.off = &off;
    os_sim_off_at(rig.os, step, NULL, NULL);
    if (setjmp(off) == 0)
        work(&w, &told);
    rig.off = NULL;
    peer_end(w.peer);
    kafka_rig_stop(&rig);
    os_sim_crash(rig.os);
    kafka_rig_start(&rig);
    w.peer = peer_open(&rig);
    go_on(&w, &told);
    peer_end(w.peer);
    kafka_rig_close(&rig);
    return !told.done;
}

TEST_SECONDS(kafka_the_second_version_survives_a_power_cut_at_every_step, 120)
{
    uint64_t step = 1;

    while (live_twice(step))
        step++;
    EXPECT(step > 10); /* each of the five requests is written and synced */
}

/* ---- features ---- */

static int16_t set_feature(struct peer *p, const char *name, int16_t level, int8_t type,
                           bool validate_only)
{
    struct kafka_update_features_req req;
    struct kafka_update_features_res res;

    kafka_update_features_req_init(&req);
    req.feature_updates.at = kafka_update_features_req_feature_update_new(&p->rig->arena, 1);
    req.feature_updates.count = 1;
    req.feature_updates.at[0].feature = bytes_str(name);
    req.feature_updates.at[0].max_version_level = level;
    req.feature_updates.at[0].upgrade_type = type;
    req.validate_only = validate_only;
    peer_call(p, KAFKA_UPDATE_FEATURES, 1, &req, &res);
    EXPECT_INT(res.results.count, res.error_code ? 0 : 1);
    return res.error_code;
}

static struct kafka_api_versions_res versions(struct peer *p, int16_t version)
{
    struct kafka_api_versions_req req;
    struct kafka_api_versions_res res;

    kafka_api_versions_req_init(&req);
    req.client_software_name = req.client_software_version = BYTES_LITERAL("test");
    peer_call(p, KAFKA_API_VERSIONS, version, &req, &res);
    EXPECT_INT(res.error_code, 0);
    return res;
}

static int16_t level_of(const struct kafka_api_versions_res *res, const char *name)
{
    for (int32_t i = 0; i < res->finalized_features.count; i++)
        if (bytes_is(res->finalized_features.at[i].name, name))
            return res->finalized_features.at[i].max_version_level;
    return 0;
}

static int16_t beat(struct peer *p)
{
    struct kafka_consumer_group_heartbeat_req req;
    struct kafka_consumer_group_heartbeat_res res;

    kafka_consumer_group_heartbeat_req_init(&req);
    req.group_id = BYTES_LITERAL("g");
    req.member_id = BYTES_LITERAL("m");
    req.rebalance_timeout_ms = 1000;
    req.subscribed_topic_names.at = &(struct bytes){(const uint8_t *)"t", 1};
    req.subscribed_topic_names.count = 1;
    req.topic_partitions.count = 0;
    peer_call(p, KAFKA_CONSUMER_GROUP_HEARTBEAT, 1, &req, &res);
    return res.error_code;
}

TEST(kafka_groups_of_consumers_are_not_served_where_their_feature_is_off)
{
    struct rig rig;

    kafka_rig_open(&rig);
    struct peer *p = peer_open(&rig);
    kafka_rig_make_topic(p, "t", 1);
    EXPECT_INT(beat(p), 0);
    EXPECT_INT(set_feature(p, "group.version", 0, 3, false), 0);
    EXPECT_INT(beat(p), KAFKA_ERR_UNSUPPORTED_VERSION);
    EXPECT_INT(set_feature(p, "group.version", 1, 1, false), 0);
    EXPECT_INT(beat(p), 0);
    peer_end(p);
    kafka_rig_close(&rig);
}

TEST(kafka_features_have_levels_that_can_be_changed)
{
    static const char name[] = "transaction.version";
    struct rig rig;

    kafka_rig_open(&rig);
    struct peer *p = peer_open(&rig);
    struct kafka_api_versions_res res = versions(p, 4);
    EXPECT_INT(level_of(&res, name), 2);
    int64_t epoch = res.finalized_features_epoch;
    EXPECT(res.supported_features.count > 0);
    EXPECT_INT(versions(p, 3).supported_features.count, 0); /* a least level of 0 is nonsense to them */
    EXPECT_INT(set_feature(p, "none", 1, 1, false), KAFKA_ERR_INVALID_UPDATE_VERSION);
    EXPECT_INT(set_feature(p, name, 3, 1, false), KAFKA_ERR_INVALID_UPDATE_VERSION);
    EXPECT_INT(set_feature(p, name, -1, 2, false), KAFKA_ERR_INVALID_UPDATE_VERSION);
    EXPECT_INT(set_feature(p, name, 1, 1, false), KAFKA_ERR_INVALID_UPDATE_VERSION); /* that is down */
    EXPECT_INT(set_feature(p, name, 1, 7, false), KAFKA_ERR_INVALID_REQUEST);
    EXPECT_INT(set_feature(p, name, 1, 2, true), 0);
    res = versions(p, 3);
    EXPECT_INT(level_of(&res, name), 2);
    EXPECT_INT(set_feature(p, name, 1, 2, false), 0);
    restart(&rig, &p);
    res = versions(p, 3);
    EXPECT_INT(level_of(&res, name), 1);
    EXPECT(res.finalized_features_epoch > epoch);
    epoch = res.finalized_features_epoch;
    EXPECT_INT(set_feature(p, name, 2, 2, false), KAFKA_ERR_INVALID_UPDATE_VERSION); /* that is up */
    EXPECT_INT(set_feature(p, name, 0, 3, false), 0);
    res = versions(p, 4);
    EXPECT_INT(level_of(&res, name), 0);
    EXPECT_INT(set_feature(p, name, 2, 1, false), 0);
    res = versions(p, 4);
    EXPECT_INT(level_of(&res, name), 2);
    EXPECT_INT(res.finalized_features_epoch, epoch + 2);
    peer_end(p);
    kafka_rig_close(&rig);
}

/* ---- looking, and ending what hangs ---- */

static int listed(struct peer *p, const char *state, const char *pattern)
{
    struct kafka_list_transactions_req req;
    struct kafka_list_transactions_res res;
    struct bytes filter = state ? bytes_str(state) : BYTES_NONE;

    kafka_list_transactions_req_init(&req);
    req.state_filters.at = &filter;
    req.state_filters.count = state != NULL;
    if (pattern)
        req.transactional_id_pattern = bytes_str(pattern);
    peer_call(p, KAFKA_LIST_TRANSACTIONS, 2, &req, &res);
    return res.error_code ? -res.error_code : res.transaction_states.count;
}

TEST(kafka_transactions_are_listed_described_and_ended_by_hand)
{
    struct rig rig;
    struct kafka_describe_transactions_req req;
    struct kafka_describe_transactions_res res;
    struct bytes ids[2] = {BYTES_LITERAL("tx-1"), BYTES_LITERAL("nobody")};

    kafka_rig_open(&rig);
    struct peer *p = peer_open(&rig);
    kafka_rig_make_topic(p, "t", 2);
    struct producer a = producer_of(p, "tx-1"), b = producer_of(p, "other");
    EXPECT_INT(add(&a, "t", 1), 0);
    EXPECT_INT(put(&a, "t", 1, 1), 0);
    EXPECT_INT(listed(p, NULL, NULL), 2);
    EXPECT_INT(listed(p, "Ongoing", NULL), 1);
    EXPECT_INT(listed(p, "Empty", NULL), 1);
    EXPECT_INT(listed(p, NULL, "tx.*"), 1);
    EXPECT_INT(listed(p, NULL, "tx"), 0);
    EXPECT_INT(listed(p, NULL, "("), -KAFKA_ERR_INVALID_REGULAR_EXPRESSION);
    kafka_describe_transactions_req_init(&req);
    req.transactional_ids.at = ids;
    req.transactional_ids.count = 2;
    peer_call(p, KAFKA_DESCRIBE_TRANSACTIONS, 0, &req, &res);
    EXPECT_BYTES(res.transaction_states.at[0].transaction_state, BYTES_LITERAL("Ongoing"));
    EXPECT_INT(res.transaction_states.at[0].producer_id, a.producer_id);
    EXPECT_INT(res.transaction_states.at[0].topics.at[0].partitions.at[0], 1);
    EXPECT_INT(res.transaction_states.at[1].error_code, KAFKA_ERR_TRANSACTIONAL_ID_NOT_FOUND);

    struct kafka_write_txn_markers_req markers;
    struct kafka_write_txn_markers_res done;
    int32_t partition = 1;
    kafka_write_txn_markers_req_init(&markers);
    markers.markers.at = kafka_write_txn_markers_req_marker_new(&rig.arena, 1);
    markers.markers.count = 1;
    markers.markers.at[0].producer_id = a.producer_id;
    markers.markers.at[0].producer_epoch = a.epoch;
    markers.markers.at[0].topics.at = kafka_write_txn_markers_req_topic_new(&rig.arena, 1);
    markers.markers.at[0].topics.count = 1;
    markers.markers.at[0].topics.at[0].name = BYTES_LITERAL("t");
    markers.markers.at[0].topics.at[0].partition_indexes.at = &partition;
    markers.markers.at[0].topics.at[0].partition_indexes.count = 1;
    EXPECT_INT(get(p, "t", 1, 0, true).last_stable_offset, 0);
    peer_call(p, KAFKA_WRITE_TXN_MARKERS, 1, &markers, &done);
    EXPECT_INT(done.markers.at[0].topics.at[0].partitions.at[0].error_code, 0);
    EXPECT_INT(get(p, "t", 1, 0, true).last_stable_offset, 2);
    EXPECT_INT(visible(p, "t", 1), 0);
    EXPECT_INT(b.epoch, 0);
    peer_end(p);
    kafka_rig_close(&rig);
}

TEST(kafka_records_deleted_under_an_open_transaction_move_the_stable_end)
{
    struct rig rig;
    struct log_offsets o;

    kafka_rig_open(&rig);
    struct peer *p = peer_open(&rig);
    kafka_rig_make_topic(p, "t", 1);
    struct producer w = producer_of(p, "tx");
    EXPECT_INT(add(&w, "t", 0), 0);
    EXPECT_INT(put(&w, "t", 0, 2), 0);
    EXPECT_INT(put(&w, "t", 0, 2), 0);
    struct log_partition *partition =
        log_partition_of(log_topic_find(rig.log, BYTES_LITERAL("t")), 0);
    EXPECT_OK(log_trim(rig.log, partition, 2, NULL));
    log_offsets(partition, &o);
    EXPECT_INT(o.start, 2);
    EXPECT_INT(o.stable, 2);
    EXPECT_INT(end(&w, ABORT), 0);
    struct kafka_fetch_res_partition f = get(p, "t", 0, 2, true);
    EXPECT_INT(f.last_stable_offset, 5);
    EXPECT_INT(f.aborted_transactions.count, 1);
    peer_end(p);
    kafka_rig_close(&rig);
}
