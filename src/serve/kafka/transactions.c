/* The requests of transactions: what they say in each version, carried to the coordinator (txn.h)
 * and back. Versions before a code was known get the code they know. */
#include <stdlib.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/check.h"
#include "serve/kafka/face.h"

enum { PATTERN_STEPS_MAX = 100000 };

/* A fenced producer was told of an invalid epoch before there was a code of its own. */
static int16_t fenced_code(enum kafka_error error, int16_t version, int16_t since)
{
    return error == KAFKA_ERR_PRODUCER_FENCED && version < since ? KAFKA_ERR_INVALID_PRODUCER_EPOCH
                                                                 : (int16_t)error;
}

/* ---- InitProducerId ---- */

static void init_failed(struct call *call)
{
    struct kafka_init_producer_id_res *res = call->answer;

    kafka_init_producer_id_res_init(res);
    res->producer_epoch = -1;
    res->error_code = KAFKA_ERR_COORDINATOR_NOT_AVAILABLE;
}

static enum kafka_error init_error(struct call *call, const struct kafka_init_producer_id_req *req,
                                   struct kafka_init_producer_id_res *res, uint64_t *lsn)
{
    const struct txn_init init = {.id = req->transactional_id,
                                  .timeout_ms = req->transaction_timeout_ms,
                                  .producer_id = req->producer_id,
                                  .epoch = req->producer_epoch};

    if (req->transactional_id.ptr &&
        !call_may(call, ACL_WRITE, ACL_TRANSACTIONAL_ID, req->transactional_id))
        return KAFKA_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
    /* an idempotent producer: who may write to any topic may have an id */
    if (!req->transactional_id.ptr && !call_sees_cluster(call, ACL_IDEMPOTENT_WRITE) &&
        !call_may_any(call, ACL_WRITE, ACL_TOPIC))
        return KAFKA_ERR_CLUSTER_AUTHORIZATION_FAILED;
    if ((req->producer_id < 0) != (req->producer_epoch < 0))
        return KAFKA_ERR_INVALID_REQUEST;
    if (req->transactional_id.ptr && !req->transactional_id.len)
        return KAFKA_ERR_INVALID_REQUEST;
    if (req->transactional_id.ptr)
        return txn_init(&call->face->txns, &init, &res->producer_id, &res->producer_epoch, lsn);
    if (log_producer_id(call->face->log, &res->producer_id, lsn) != ST_OK)
        return KAFKA_ERR_COORDINATOR_NOT_AVAILABLE; /* retriable */
    res->producer_epoch = 0;
    return KAFKA_ERR_NONE;
}

void kafka_on_init_producer_id(struct call *call, const void *request)
{
    struct kafka_init_producer_id_res *res =
        ARENA_NEW(&call->arena, struct kafka_init_producer_id_res);
    uint64_t lsn = 0;

    kafka_init_producer_id_res_init(res);
    res->producer_epoch = -1;
    res->error_code = fenced_code(init_error(call, request, res, &lsn), call->version, 4);
    if (res->error_code) {
        res->producer_id = res->producer_epoch = -1;
        lsn = 0;
    }
    call_answer_durable(call, res, lsn, init_failed);
}

/* ---- AddPartitionsToTxn ---- */

typedef struct kafka_add_partitions_to_txn_req_topic asked_topic;
typedef struct kafka_add_partitions_to_txn_res_topic_result topic_result;

/* One transaction of the request: before version 4 there is just one. */
struct adding {
    struct bytes id;
    int64_t producer_id;
    int16_t epoch;
    bool verify_only; /* are they part of it? */
    const asked_topic *topics;
    topic_result *results; /* one for each of them */
    int32_t topics_count;
};

static void name_partitions(struct call *call, struct adding *a)
{
    a->results = kafka_add_partitions_to_txn_res_topic_result_new(&call->arena, a->topics_count);
    for (int32_t t = 0; t < a->topics_count; t++) {
        topic_result *out = &a->results[t];
        int32_t partitions = a->topics[t].partitions.count;
        out->name = arena_copy(&call->arena, a->topics[t].name);
        out->results_by_partition.count = partitions;
        out->results_by_partition.at =
            kafka_add_partitions_to_txn_res_partition_result_new(&call->arena, partitions);
        for (int32_t i = 0; i < partitions; i++)
            out->results_by_partition.at[i].partition_index = a->topics[t].partitions.at[i];
    }
}

static int32_t partitions_asked(const struct adding *a)
{
    int32_t count = 0;

    for (int32_t t = 0; t < a->topics_count; t++)
        count += a->topics[t].partitions.count;
    return count;
}

/* Those that are there, and the codes of those that are not; false: some is not. */
static bool find_partitions(struct call *call, const struct adding *a, struct txn_partition *found,
                            uint32_t *count)
{
    bool all = true;

    for (int32_t t = 0; t < a->topics_count; t++) {
        struct log_topic *topic = face_topic_visible(call->face, a->topics[t].name, NULL);
        for (int32_t i = 0; i < a->topics[t].partitions.count; i++) {
            int32_t index = a->topics[t].partitions.at[i];
            if (!topic || !face_partition(topic, index)) {
                a->results[t].results_by_partition.at[i].partition_error_code =
                    KAFKA_ERR_UNKNOWN_TOPIC_OR_PARTITION;
                all = false;
                continue;
            }
            struct txn_partition *p = &found[(*count)++];
            memcpy(p->topic_id, log_topic_info(topic)->id, LOG_ID_BYTES);
            p->index = (uint32_t)index;
        }
    }
    return all;
}

/* Looked at before the transaction is; false: some topic may not be written. */
static bool may_write_all(struct call *call, const struct adding *a)
{
    bool all = true;

    for (int32_t t = 0; t < a->topics_count; t++) {
        topic_result *out = &a->results[t];
        if (call_may(call, ACL_WRITE, ACL_TOPIC, a->topics[t].name))
            continue;
        for (int32_t i = 0; i < out->results_by_partition.count; i++)
            out->results_by_partition.at[i].partition_error_code = KAFKA_ERR_TOPIC_AUTHORIZATION_FAILED;
        all = false;
    }
    return all;
}

static void set_all(topic_result *results, int32_t count, int16_t error)
{
    for (int32_t t = 0; t < count; t++)
        for (int32_t i = 0; i < results[t].results_by_partition.count; i++)
            if (!results[t].results_by_partition.at[i].partition_error_code)
                results[t].results_by_partition.at[i].partition_error_code = error;
}

static void verify(struct call *call, const struct adding *a, const struct txn *txn)
{
    int16_t none = call->version >= 5 ? KAFKA_ERR_TRANSACTION_ABORTABLE : KAFKA_ERR_INVALID_TXN_STATE;

    for (int32_t t = 0; t < a->topics_count; t++) {
        const struct log_topic *topic = face_topic_visible(call->face, a->topics[t].name, NULL);
        for (int32_t i = 0; i < a->topics[t].partitions.count; i++) {
            bool has = topic && txn->state == TXN_ONGOING &&
                       txn_has_partition(txn, log_topic_info(topic)->id,
                                         (uint32_t)a->topics[t].partitions.at[i]);
            a->results[t].results_by_partition.at[i].partition_error_code = has ? 0 : none;
        }
    }
}

static void add_partitions(struct call *call, struct adding *a, uint64_t *lsn)
{
    struct txn_partition *found =
        ARENA_ARRAY(&call->arena, struct txn_partition, (size_t)partitions_asked(a) + 1);
    uint32_t count = 0;
    uint64_t at = 0;
    struct txn *txn;

    name_partitions(call, a);
    enum kafka_error error = KAFKA_ERR_INVALID_REQUEST;
    if (call->version < 4 && !call_may(call, ACL_WRITE, ACL_TRANSACTIONAL_ID, a->id))
        error = KAFKA_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
    else if (call->version < 4 && !may_write_all(call, a))
        error = KAFKA_ERR_OPERATION_NOT_ATTEMPTED;
    else if (a->id.len)
        error = txn_of(&call->face->txns, a->id, a->producer_id, a->epoch, &txn);
    if (!error && a->verify_only) {
        verify(call, a, txn);
        return;
    }
    if (!error && !find_partitions(call, a, found, &count))
        error = KAFKA_ERR_OPERATION_NOT_ATTEMPTED;
    if (!error)
        error = txn_add(&call->face->txns, txn, found, count, BYTES_NONE, &at);
    if (error)
        set_all(a->results, a->topics_count, fenced_code(error, call->version, 2));
    if (at > *lsn)
        *lsn = at;
}

/* The request of many transactions has its topics in structs of the same fields. */
_Static_assert(sizeof(struct kafka_add_partitions_to_txn_req_transaction_topic) == sizeof(asked_topic) &&
                   sizeof(struct kafka_add_partitions_to_txn_res_transaction_topic_result) ==
                       sizeof(topic_result),
               "a topic is the same in every version");

static void add_to_one(struct call *call, const struct kafka_add_partitions_to_txn_req_transaction *asked,
                       struct kafka_add_partitions_to_txn_res_transaction_result *out, uint64_t *lsn)
{
    struct adding a = {asked->transactional_id, asked->producer_id,
                       asked->producer_epoch,   asked->verify_only,
                       .topics_count = asked->topics.count};
    asked_topic *topics = kafka_add_partitions_to_txn_req_topic_new(&call->arena, a.topics_count);

    for (int32_t t = 0; t < a.topics_count; t++) {
        topics[t].name = asked->topics.at[t].name;
        topics[t].partitions.at = asked->topics.at[t].partitions.at;
        topics[t].partitions.count = asked->topics.at[t].partitions.count;
    }
    a.topics = topics;
    add_partitions(call, &a, lsn);
    out->transactional_id = arena_copy(&call->arena, asked->transactional_id);
    out->topic_results.count = a.topics_count;
    out->topic_results.at =
        kafka_add_partitions_to_txn_res_transaction_topic_result_new(&call->arena, a.topics_count);
    if (a.topics_count)
        memcpy(out->topic_results.at, a.results, (size_t)a.topics_count * sizeof(*a.results));
}

static void add_failed(struct call *call)
{
    struct kafka_add_partitions_to_txn_res *res = call->answer;

    set_all(res->results_by_topic_v3_and_below.at, res->results_by_topic_v3_and_below.count,
            KAFKA_ERR_COORDINATOR_NOT_AVAILABLE);
    if (call->version >= 4)
        res->error_code = KAFKA_ERR_COORDINATOR_NOT_AVAILABLE;
}

void kafka_on_add_partitions_to_txn(struct call *call, const void *request)
{
    const struct kafka_add_partitions_to_txn_req *req = request;
    struct kafka_add_partitions_to_txn_res *res =
        ARENA_NEW(&call->arena, struct kafka_add_partitions_to_txn_res);
    struct adding a = {req->v3_and_below_transactional_id, req->v3_and_below_producer_id,
                       req->v3_and_below_producer_epoch, false, req->v3_and_below_topics.at,
                       .topics_count = req->v3_and_below_topics.count};
    uint64_t lsn = 0;

    kafka_add_partitions_to_txn_res_init(res);
    if (call->version < 4) {
        add_partitions(call, &a, &lsn);
        res->results_by_topic_v3_and_below.at = a.results;
        res->results_by_topic_v3_and_below.count = a.topics_count;
    } else if (!call_may_cluster(call, ACL_CLUSTER_ACTION)) { /* brokers ask so, for their clients */
        res->error_code = KAFKA_ERR_CLUSTER_AUTHORIZATION_FAILED;
    } else {
        res->results_by_transaction.count = req->transactions.count;
        res->results_by_transaction.at = kafka_add_partitions_to_txn_res_transaction_result_new(
            &call->arena, req->transactions.count);
        for (int32_t i = 0; i < req->transactions.count; i++)
            add_to_one(call, &req->transactions.at[i], &res->results_by_transaction.at[i], &lsn);
    }
    call_answer_durable(call, res, lsn, add_failed);
}

/* ---- AddOffsetsToTxn, EndTxn ---- */

static void add_offsets_failed(struct call *call)
{
    struct kafka_add_offsets_to_txn_res *res = call->answer;

    res->error_code = KAFKA_ERR_COORDINATOR_NOT_AVAILABLE;
}

void kafka_on_add_offsets_to_txn(struct call *call, const void *request)
{
    const struct kafka_add_offsets_to_txn_req *req = request;
    struct kafka_add_offsets_to_txn_res *res =
        ARENA_NEW(&call->arena, struct kafka_add_offsets_to_txn_res);
    struct txn *txn;
    uint64_t lsn = 0;

    kafka_add_offsets_to_txn_res_init(res);
    enum kafka_error error =
        !call_may(call, ACL_WRITE, ACL_TRANSACTIONAL_ID, req->transactional_id)
            ? KAFKA_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED
        : !call_may(call, ACL_READ, ACL_GROUP, req->group_id) ? KAFKA_ERR_GROUP_AUTHORIZATION_FAILED
        : req->transactional_id.len == 0
            ? KAFKA_ERR_INVALID_REQUEST
            : txn_of(&call->face->txns, req->transactional_id, req->producer_id,
                     req->producer_epoch, &txn);
    if (!error && !req->group_id.len)
        error = KAFKA_ERR_INVALID_GROUP_ID;
    if (!error)
        error = txn_add(&call->face->txns, txn, NULL, 0, req->group_id, &lsn);
    res->error_code = fenced_code(error, call->version, 2);
    call_answer_durable(call, res, lsn, add_offsets_failed);
}

static void end_failed(struct call *call)
{
    struct kafka_end_txn_res *res = call->answer;

    kafka_end_txn_res_init(res);
    res->error_code = KAFKA_ERR_COORDINATOR_NOT_AVAILABLE;
}

/* From version 5 on the client speaks the second version of transactions. */
static enum kafka_error end_bumping(struct call *call, const struct kafka_end_txn_req *req,
                                    struct kafka_end_txn_res *res, uint64_t *lsn)
{
    const struct txn_ending ending = {req->transactional_id, req->producer_id, req->producer_epoch,
                                      req->committed ? LOG_COMMIT : LOG_ABORT};
    struct txn *txn;
    enum kafka_error error = txn_end_bump(&call->face->txns, &ending, &txn, lsn);

    if (!error) {
        res->producer_id = txn->producer_id;
        res->producer_epoch = txn->epoch;
    }
    return error;
}

static enum kafka_error end_as_asked(struct call *call, const struct kafka_end_txn_req *req,
                                     struct kafka_end_txn_res *res, uint64_t *lsn)
{
    struct txn *txn;

    if (!call_may(call, ACL_WRITE, ACL_TRANSACTIONAL_ID, req->transactional_id))
        return KAFKA_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
    if (!req->transactional_id.len)
        return KAFKA_ERR_INVALID_REQUEST;
    if (call->version >= 5)
        return end_bumping(call, req, res, lsn);
    enum kafka_error error = txn_of(&call->face->txns, req->transactional_id, req->producer_id,
                                    req->producer_epoch, &txn);
    if (error)
        return error;
    return txn_end(&call->face->txns, txn, req->committed ? LOG_COMMIT : LOG_ABORT, lsn);
}

void kafka_on_end_txn(struct call *call, const void *request)
{
    struct kafka_end_txn_res *res = ARENA_NEW(&call->arena, struct kafka_end_txn_res);
    uint64_t lsn = 0;

    kafka_end_txn_res_init(res);
    res->error_code = fenced_code(end_as_asked(call, request, res, &lsn), call->version, 2);
    call_answer_durable(call, res, lsn, end_failed);
}

/* ---- may a producer write? ---- */

/* A produce of version 12 adds its partition, which begins the transaction when none is open. The fact
 * stands in the log before the records, so it is durable when they are. */
static enum kafka_error add_implied(struct kafka_face *face, struct txn *txn,
                                    const struct face_writer *w)
{
    struct txn_partition partition = {.index = w->partition};
    uint64_t lsn;

    memcpy(partition.topic_id, w->topic_id, LOG_ID_BYTES);
    return txn_add(&face->txns, txn, &partition, 1, BYTES_NONE, &lsn);
}

enum kafka_error face_may_write(struct kafka_face *face, const struct face_writer *w, const char **why)
{
    struct txn *txn;

    if (!w->transactional_id.ptr)
        return KAFKA_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
    enum kafka_error error =
        txn_of(&face->txns, w->transactional_id, w->producer_id, w->epoch, &txn);
    if (error == KAFKA_ERR_PRODUCER_FENCED)
        return KAFKA_ERR_INVALID_PRODUCER_EPOCH;
    if (error)
        return error;
    if (txn->state == TXN_ONGOING && txn_has_partition(txn, w->topic_id, w->partition))
        return KAFKA_ERR_NONE;
    if (w->version >= 12)
        return add_implied(face, txn, w);
    *why = "the partition was not added to the transaction";
    return w->version >= 11 ? KAFKA_ERR_TRANSACTION_ABORTABLE : KAFKA_ERR_INVALID_TXN_STATE;
}

/* ---- WriteTxnMarkers: an administrator ends what hangs ---- */

static void write_marker(struct call *call, const struct kafka_write_txn_markers_req_marker *asked,
                         struct log_topic *topic,
                         struct kafka_write_txn_markers_res_partition_result *out, uint64_t *lsn)
{
    struct log_partition *partition =
        topic ? face_partition(topic, out->partition_index) : NULL;
    const struct log_marker marker = {.producer_id = asked->producer_id,
                                      .producer_epoch = asked->producer_epoch,
                                      .coordinator_epoch = asked->coordinator_epoch,
                                      .outcome =
                                          asked->transaction_result ? LOG_COMMIT : LOG_ABORT};
    uint64_t at = 0;

    out->error_code = KAFKA_ERR_CLUSTER_AUTHORIZATION_FAILED;
    if (!call_sees_cluster(call, ACL_CLUSTER_ACTION) && !call_may_cluster(call, ACL_ALTER))
        return;
    out->error_code = KAFKA_ERR_UNKNOWN_TOPIC_OR_PARTITION;
    if (!partition)
        return;
    out->error_code = KAFKA_ERR_INVALID_PRODUCER_EPOCH;
    if (asked->producer_id < 0 || asked->producer_epoch < 0 ||
        asked->producer_epoch < log_producer_epoch(partition, asked->producer_id))
        return;
    out->error_code = KAFKA_ERR_TRANSACTION_COORDINATOR_FENCED;
    if (asked->coordinator_epoch > log_leader_epoch(call->face->log))
        return;
    struct log_entry *entry = log_entry_begin(call->face->log);
    enum status st = log_entry_marker(entry, partition, &marker);
    if (st == ST_OK)
        st = log_entry_commit(entry, NULL, &at);
    else
        log_entry_abort(entry);
    out->error_code = st == ST_OK ? KAFKA_ERR_NONE : KAFKA_ERR_KAFKA_STORAGE_ERROR;
    if (at > *lsn)
        *lsn = at;
}

static void markers_failed(struct call *call)
{
    struct kafka_write_txn_markers_res *res = call->answer;

    for (int32_t m = 0; m < res->markers.count; m++)
        for (int32_t t = 0; t < res->markers.at[m].topics.count; t++) {
            struct kafka_write_txn_markers_res_topic_result *topic = &res->markers.at[m].topics.at[t];
            for (int32_t i = 0; i < topic->partitions.count; i++)
                topic->partitions.at[i].error_code = KAFKA_ERR_KAFKA_STORAGE_ERROR;
        }
}

static void write_markers(struct call *call, const struct kafka_write_txn_markers_req_marker *asked,
                          struct kafka_write_txn_markers_res_marker_result *out, uint64_t *lsn)
{
    out->producer_id = asked->producer_id;
    out->topics.count = asked->topics.count;
    out->topics.at = kafka_write_txn_markers_res_topic_result_new(&call->arena, asked->topics.count);
    for (int32_t t = 0; t < asked->topics.count; t++) {
        struct kafka_write_txn_markers_res_topic_result *topic = &out->topics.at[t];
        int32_t count = asked->topics.at[t].partition_indexes.count;
        topic->name = arena_copy(&call->arena, asked->topics.at[t].name);
        topic->partitions.count = count;
        topic->partitions.at =
            kafka_write_txn_markers_res_partition_result_new(&call->arena, count);
        for (int32_t i = 0; i < count; i++) {
            topic->partitions.at[i].partition_index = asked->topics.at[t].partition_indexes.at[i];
            write_marker(call, asked, face_topic_visible(call->face, topic->name, NULL),
                         &topic->partitions.at[i], lsn);
        }
    }
}

void kafka_on_write_txn_markers(struct call *call, const void *request)
{
    const struct kafka_write_txn_markers_req *req = request;
    struct kafka_write_txn_markers_res *res =
        ARENA_NEW(&call->arena, struct kafka_write_txn_markers_res);
    uint64_t lsn = 0;

    kafka_write_txn_markers_res_init(res);
    res->markers.count = req->markers.count;
    res->markers.at =
        kafka_write_txn_markers_res_marker_result_new(&call->arena, req->markers.count);
    for (int32_t i = 0; i < req->markers.count; i++)
        write_markers(call, &req->markers.at[i], &res->markers.at[i], &lsn);
    call_answer_durable(call, res, lsn, markers_failed);
}

/* ---- DescribeTransactions ---- */

/* Its partitions by topic: they are in order of the topics' ids. */
static void describe_topics(struct call *call, const struct txn *txn,
                            struct kafka_describe_transactions_res_state *out)
{
    struct kafka_describe_transactions_res_topic *topic = NULL;

    out->topics.at = kafka_describe_transactions_res_topic_new(
        &call->arena, txn->state == TXN_ONGOING ? (int32_t)txn->partitions_count : 0);
    for (uint32_t i = 0; i < txn->partitions_count && txn->state == TXN_ONGOING; i++) {
        const struct txn_partition *p = &txn->partitions[i];
        struct log_topic *found = log_topic_by_id(call->face->log, p->topic_id);
        if (!found || !call_sees(call, ACL_DESCRIBE, ACL_TOPIC, log_topic_info(found)->name))
            continue;
        if (!topic || !bytes_equal(topic->topic, log_topic_info(found)->name)) {
            topic = &out->topics.at[out->topics.count++];
            topic->topic = log_topic_info(found)->name;
            topic->partitions.at =
                ARENA_ARRAY(&call->arena, int32_t, log_topic_info(found)->partitions);
        }
        topic->partitions.at[topic->partitions.count++] = (int32_t)p->index;
    }
}

void kafka_on_describe_transactions(struct call *call, const void *request)
{
    const struct kafka_describe_transactions_req *req = request;
    struct kafka_describe_transactions_res res;
    int32_t count = req->transactional_ids.count;

    kafka_describe_transactions_res_init(&res);
    res.transaction_states.count = count;
    res.transaction_states.at = kafka_describe_transactions_res_state_new(&call->arena, count);
    for (int32_t i = 0; i < count; i++) {
        struct kafka_describe_transactions_res_state *out = &res.transaction_states.at[i];
        const struct txn *txn = txn_find(&call->face->txns, req->transactional_ids.at[i]);
        out->transactional_id = req->transactional_ids.at[i];
        if (!call_may(call, ACL_DESCRIBE, ACL_TRANSACTIONAL_ID, out->transactional_id)) {
            out->error_code = KAFKA_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
            continue;
        }
        if (!txn) {
            out->error_code = KAFKA_ERR_TRANSACTIONAL_ID_NOT_FOUND;
            continue;
        }
        out->transaction_state = bytes_str(txn_state_name(txn->state));
        out->transaction_timeout_ms = txn->timeout_ms;
        out->transaction_start_time_ms = txn->state == TXN_ONGOING ? txn->began_ms : -1;
        out->producer_id = txn->producer_id;
        out->producer_epoch = txn->epoch;
        describe_topics(call, txn, out);
    }
    call_answer(call, &res);
}

/* ---- ListTransactions ---- */

static bool any_state(const struct kafka_list_transactions_req *req, enum txn_state state)
{
    for (int32_t i = 0; i < req->state_filters.count; i++)
        if (bytes_is(req->state_filters.at[i], txn_state_name(state)))
            return true;
    return req->state_filters.count <= 0;
}

static bool any_producer(const struct kafka_list_transactions_req *req, int64_t id)
{
    for (int32_t i = 0; i < req->producer_id_filters.count; i++)
        if (req->producer_id_filters.at[i] == id)
            return true;
    return req->producer_id_filters.count <= 0;
}

/* States of Kafka's that never show here are known all the same. */
static bool state_is_known(struct bytes name)
{
    static const char *const others[] = {"PrepareCommit", "PrepareAbort", "Dead",
                                         "PrepareEpochFence"};

    for (int i = 0; i < TXN_STATES; i++)
        if (bytes_is(name, txn_state_name((enum txn_state)i)))
            return true;
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
        if (bytes_is(name, others[i]))
            return true;
    return false;
}

static void note_unknown_states(struct call *call, const struct kafka_list_transactions_req *req,
                                struct kafka_list_transactions_res *res)
{
    int32_t count = req->state_filters.count > 0 ? req->state_filters.count : 0;

    res->unknown_state_filters.at = ARENA_ARRAY(&call->arena, struct bytes, (size_t)count + 1);
    for (int32_t i = 0; i < count; i++)
        if (!state_is_known(req->state_filters.at[i]))
            res->unknown_state_filters.at[res->unknown_state_filters.count++] =
                req->state_filters.at[i];
}

/* The whole id must match, in few steps: the pattern is a stranger's. */
struct pattern {
    pcre2_code *code;
    pcre2_match_data *data;
    pcre2_match_context *context;
};

static bool pattern_open(struct pattern *p, struct bytes text)
{
    int error;
    PCRE2_SIZE at;

    *p = (struct pattern){0};
    if (!text.ptr || !text.len)
        return true;
    p->code = pcre2_compile(text.ptr, text.len, PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_NEVER_BACKSLASH_C,
                            &error, &at, NULL);
    if (!p->code)
        return false;
    p->data = pcre2_match_data_create_from_pattern(p->code, NULL);
    p->context = pcre2_match_context_create(NULL);
    pcre2_set_match_limit(p->context, PATTERN_STEPS_MAX);
    pcre2_set_heap_limit(p->context, 1024);
    return true;
}

static bool pattern_matches(const struct pattern *p, struct bytes id)
{
    return !p->code || pcre2_match(p->code, id.ptr, id.len, 0, 0, p->data, p->context) >= 0;
}

static void pattern_close(struct pattern *p)
{
    pcre2_match_context_free(p->context);
    pcre2_match_data_free(p->data);
    pcre2_code_free(p->code);
}

static bool is_asked(const struct kafka_list_transactions_req *req, const struct txn *txn,
                     int64_t now_ms)
{
    if (!any_state(req, txn->state) || !any_producer(req, txn->producer_id))
        return false;
    return req->duration_filter < 0 ||
           (txn->state == TXN_ONGOING && now_ms - txn->began_ms > req->duration_filter);
}

void kafka_on_list_transactions(struct call *call, const void *request)
{
    const struct kafka_list_transactions_req *req = request;
    const struct txns *txns = &call->face->txns;
    struct kafka_list_transactions_res res;
    int64_t now_ms = loop_wall_us(call->face->loop) / 1000;
    struct pattern pattern;

    kafka_list_transactions_res_init(&res);
    note_unknown_states(call, req, &res);
    if (!pattern_open(&pattern, req->transactional_id_pattern)) {
        res.error_code = KAFKA_ERR_INVALID_REGULAR_EXPRESSION;
        call_answer(call, &res);
        return;
    }
    res.transaction_states.at =
        kafka_list_transactions_res_state_new(&call->arena, (int32_t)map_size(&txns->by_id));
    for (struct map_entry *e = map_first(&txns->by_id); e; e = map_next(&txns->by_id, e)) {
        const struct txn *txn = e->value;
        if (!is_asked(req, txn, now_ms) || !pattern_matches(&pattern, txn_id(txn)) ||
            !call_sees(call, ACL_DESCRIBE, ACL_TRANSACTIONAL_ID, txn_id(txn)))
            continue;
        struct kafka_list_transactions_res_state *s =
            &res.transaction_states.at[res.transaction_states.count++];
        s->transactional_id = txn_id(txn);
        s->producer_id = txn->producer_id;
        s->transaction_state = bytes_str(txn_state_name(txn->state));
    }
    pattern_close(&pattern);
    call_answer(call, &res);
}
