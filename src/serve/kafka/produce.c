/* Produce. Batches are copied into the log before the handler returns; the
 * answer waits until the log has synced past the last of them. */
#include "base/check.h"
#include "serve/kafka/face.h"
#include "wire/kafka/batch.h"

static struct bytes note(struct call *call, const char *text)
{
    return arena_copy(&call->arena, bytes_str(text));
}

/* What the batch must be before the log sees it. */
static enum kafka_error batch_error(struct bytes records, const struct log_topic_info *topic,
                                    struct batch_header *h, const char **why)
{
    switch (batch_header_parse(records, h)) {
    case ST_OK: break;
    case ST_UNSUPPORTED:
        *why = "only record batches of version 2 (magic 2) are taken";
        return KAFKA_ERR_UNSUPPORTED_FOR_MESSAGE_FORMAT;
    default: *why = "this is not a record batch"; return KAFKA_ERR_CORRUPT_MESSAGE;
    }
    if (batch_size(h) > records.len)
        return KAFKA_ERR_CORRUPT_MESSAGE;
    if (batch_size(h) < records.len) {
        *why = "a partition takes one record batch a request";
        return KAFKA_ERR_INVALID_RECORD;
    }
    if (batch_size(h) > topic->options.message_bytes_max)
        return KAFKA_ERR_MESSAGE_TOO_LARGE;
    return KAFKA_ERR_NONE;
}

static enum kafka_error sequence_error(const struct log_appended *appended)
{
    switch (appended->sequence) {
    case LOG_SEQ_GAP: return KAFKA_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER;
    case LOG_SEQ_FENCED: return KAFKA_ERR_INVALID_PRODUCER_EPOCH;
    case LOG_SEQ_UNKNOWN: return KAFKA_ERR_UNKNOWN_PRODUCER_ID;
    case LOG_SEQ_TRANSACTION: return KAFKA_ERR_INVALID_TXN_STATE;
    default: return KAFKA_ERR_CORRUPT_MESSAGE;
    }
}

static enum kafka_error append(struct call *call, struct log_topic *topic, struct bytes records,
                               struct kafka_produce_res_partition *out,
                               struct log_appended *appended, const char **why)
{
    int32_t index = out->index;
    const struct log_topic_info *info = log_topic_info(topic);
    struct log_partition *partition = face_partition(topic, index);
    struct batch_header h;
    struct diag diag = {0};

    if (!partition)
        return KAFKA_ERR_UNKNOWN_TOPIC_OR_PARTITION;
    if (records.len == 0)
        return KAFKA_ERR_INVALID_RECORD;
    enum kafka_error error = batch_error(records, info, &h, why);
    if (error)
        return error;
    switch (batch_header_validate_produced(&h)) { /* the records are the log's to judge */
    case ST_OK: break;
    case ST_UNSUPPORTED: return KAFKA_ERR_UNSUPPORTED_COMPRESSION_TYPE;
    default: return KAFKA_ERR_INVALID_RECORD;
    }
    if (h.attributes & BATCH_TRANSACTIONAL) {
        const struct kafka_produce_req *req = call->state;
        const struct face_writer writer = {req->transactional_id, h.producer_id, h.producer_epoch,
                                           info->id, (uint32_t)index, call->version};
        error = face_may_write(call->face, &writer, why);
        if (error)
            return error;
    }
    error = face_admit(call, info, &h, &records, out, why);
    if (error)
        return error;
    *appended = (struct log_appended){.sequence = LOG_SEQ_NEW};
    switch (log_append(call->face->log, partition, records, appended, &diag)) {
    case ST_OK: break;
    case ST_INVALID:
        *why = diag.message[0] ? arena_printf(&call->arena, "%s", diag.message) : NULL;
        return sequence_error(appended);
    default: return KAFKA_ERR_KAFKA_STORAGE_ERROR; /* full, failed: the producer may try again */
    }
    call->face->stats.produced_batches++;
    call->face->stats.produced_bytes += records.len;
    return KAFKA_ERR_NONE;
}

/* From version 13 on a topic is named by its id. */
static enum kafka_error unknown_topic(const struct call *call)
{
    return call->version >= 13 ? KAFKA_ERR_UNKNOWN_TOPIC_ID : KAFKA_ERR_UNKNOWN_TOPIC_OR_PARTITION;
}

/* missing: what it means that topic is NULL. */
static void produce_partition(struct call *call, struct log_topic *topic, enum kafka_error missing,
                              const struct kafka_produce_req_partition *in,
                              struct kafka_produce_res_partition *out, uint64_t *lsn)
{
    struct log_appended appended = {0};
    const char *why = NULL;

    out->index = in->index;
    out->error_code = (int16_t)missing;
    if (topic)
        out->error_code = (int16_t)append(call, topic, in->records, out, &appended, &why);
    out->base_offset = -1;
    if (out->error_code) {
        if (why)
            out->error_message = note(call, why);
        return;
    }
    out->base_offset = appended.base_offset;
    out->log_append_time_ms = appended.timestamp_ms;
    out->log_start_offset = appended.start_offset;
    if (appended.lsn > *lsn)
        *lsn = appended.lsn;
}

static void produce_topic(struct call *call, const struct kafka_produce_req_topic *in,
                          struct kafka_produce_res_topic *out, uint64_t *lsn)
{
    struct log_topic *topic = face_topic_visible(call->face, in->name, in->topic_id);
    struct bytes name = topic ? log_topic_info(topic)->name : in->name;
    enum kafka_error missing = unknown_topic(call);

    if (name.ptr && (!call_may(call, ACL_WRITE, ACL_TOPIC, name) || (!topic && !call_may_create(call, name)))) {
        topic = NULL;
        missing = KAFKA_ERR_TOPIC_AUTHORIZATION_FAILED;
    }
    /* Clients look a topic up before they produce, and that makes it; this is for those who do not. */
    if (!topic && in->name.ptr && missing != KAFKA_ERR_TOPIC_AUTHORIZATION_FAILED)
        (void)face_topic_auto_create(call->face, in->name, &topic, lsn);
    out->name = arena_copy(&call->arena, in->name);
    memcpy(out->topic_id, in->topic_id, LOG_ID_BYTES);
    out->partition_responses.count = in->partition_data.count;
    out->partition_responses.at =
        kafka_produce_res_partition_new(&call->arena, in->partition_data.count);
    for (int32_t i = 0; i < in->partition_data.count; i++)
        produce_partition(call, topic, missing, &in->partition_data.at[i],
                          &out->partition_responses.at[i], lsn);
}

static void set_all_errors(struct kafka_produce_res *res, enum kafka_error error)
{
    for (int32_t t = 0; t < res->responses.count; t++) {
        struct kafka_produce_res_topic *topic = &res->responses.at[t];
        for (int32_t i = 0; i < topic->partition_responses.count; i++) {
            struct kafka_produce_res_partition *p = &topic->partition_responses.at[i];
            if (p->error_code)
                continue;
            p->error_code = (int16_t)error;
            p->base_offset = -1;
        }
    }
}

static bool any_error(const struct kafka_produce_res *res)
{
    for (int32_t t = 0; t < res->responses.count; t++) {
        const struct kafka_produce_res_topic *topic = &res->responses.at[t];
        for (int32_t i = 0; i < topic->partition_responses.count; i++) {
            if (topic->partition_responses.at[i].error_code)
                return true;
        }
    }
    return false;
}

static void produce_failed(struct call *call)
{
    set_all_errors(call->answer, KAFKA_ERR_KAFKA_STORAGE_ERROR);
}

/* The request is answered without being done: every partition gets the error. */
static void refuse_all(struct call *call, const struct kafka_produce_req *req,
                       struct kafka_produce_res *res, enum kafka_error error, const char *why)
{
    for (int32_t t = 0; t < req->topic_data.count; t++) {
        const struct kafka_produce_req_topic *in = &req->topic_data.at[t];
        struct kafka_produce_res_topic *out = &res->responses.at[t];
        out->name = arena_copy(&call->arena, in->name);
        memcpy(out->topic_id, in->topic_id, LOG_ID_BYTES);
        out->partition_responses.count = in->partition_data.count;
        out->partition_responses.at =
            kafka_produce_res_partition_new(&call->arena, in->partition_data.count);
        for (int32_t i = 0; i < in->partition_data.count; i++) {
            struct kafka_produce_res_partition *p = &out->partition_responses.at[i];
            p->index = in->partition_data.at[i].index;
            p->error_code = (int16_t)error;
            p->base_offset = -1;
            p->error_message = bytes_str(why);
        }
    }
}

void kafka_on_produce(struct call *call, const void *request)
{
    const struct kafka_produce_req *req = request;
    struct kafka_produce_res *res = ARENA_NEW(&call->arena, struct kafka_produce_res);
    uint64_t lsn = 0;

    kafka_produce_res_init(res);
    res->responses.count = req->topic_data.count;
    res->responses.at = kafka_produce_res_topic_new(&call->arena, req->topic_data.count);
    if (req->acks < -1 || req->acks > 1) {
        refuse_all(call, req, res, KAFKA_ERR_INVALID_REQUIRED_ACKS, "acks is -1, 0 or 1");
    } else if (req->transactional_id.ptr &&
               !call_may(call, ACL_WRITE, ACL_TRANSACTIONAL_ID, req->transactional_id)) {
        refuse_all(call, req, res, KAFKA_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
                   "the transactional id may not be written under");
    } else {
        call->state = (void *)(uintptr_t)req;
        face_make_room(call->face);
        for (int32_t t = 0; t < req->topic_data.count; t++)
            produce_topic(call, &req->topic_data.at[t], &res->responses.at[t], &lsn);
    }
    if (req->acks == 0 && any_error(res))
        call_hang_up(call); /* as Kafka does: it is the only way to say that something is wrong */
    else if (req->acks == 0)
        call_no_answer(call);
    else
        call_answer_durable(call, res, lsn, produce_failed);
}
