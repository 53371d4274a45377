/* produce.c: POST /v1/topics/{t}/records: one record as a client would produce it: key, headers, a null
 * value, its own time. It goes through the Kafka face, so that the topic's configuration and the ACLs say
 * what they say to everybody. */
#include "base/json_reader.h"
#include "serve/http/broker.h"
#include "wire/kafka/batch.h"
#include "wire/kafka/partitioner.h"

enum { HEADERS_MAX = 100, PRODUCE_VERSION = 9 };

struct one_record {
    struct bytes key, value; /* ptr NULL: null */
    int64_t partition;       /* -1: by key */
    int64_t time_ms;
    struct record_header headers[HEADERS_MAX];
    uint32_t headers_count;
};

/* "headers": [{"key": …, "value": …}] */
static bool take_headers(struct exchange *x, struct bytes object, struct one_record *r)
{
    struct bytes list, item;

    if (!json_member(object, "headers", &list))
        return true;
    bool ok = json_kind_of(list) == JSON_ARRAY;
    struct json_iter it = json_iter_of(list);
    while (ok && json_array_next(&it, &item)) {
        struct record_header *h = &r->headers[r->headers_count];
        if (r->headers_count++ == HEADERS_MAX) {
            reply_error(x, 400, "limit", "a record has at most %d headers here", HEADERS_MAX);
            return false;
        }
        ok = json_kind_of(item) == JSON_OBJECT;
        if (!ok)
            break;
        enum body key = body_text(x, item, "key", &h->key);
        enum body value = key == BODY_BAD ? BODY_BAD : body_bytes(x, item, "value", &h->value);
        if (value == BODY_BAD)
            return false;
        ok = key == BODY_THERE;
    }
    if (!ok)
        reply_error(x, 400, "value", "\"headers\" is [{\"key\": text, \"value\": text or null}]");
    return ok;
}

static bool take_record(struct exchange *x, struct one_record *r)
{
    struct bytes object;

    if (!body_object(x, "key key_base64 value value_base64 headers partition time_ms", &object))
        return false;
    enum body value;
    if (body_bytes(x, object, "key", &r->key) == BODY_BAD ||
        (value = body_bytes(x, object, "value", &r->value)) == BODY_BAD ||
        body_int(x, object, "partition", &r->partition) == BODY_BAD ||
        body_int(x, object, "time_ms", &r->time_ms) == BODY_BAD || !take_headers(x, object, r))
        return false;
    if (value == BODY_ABSENT)
        reply_error(x, 400, "value", "there is no \"value\"; null makes a tombstone");
    return value != BODY_ABSENT;
}

/* The record's partition; false: it is answered. */
static bool choose_partition(struct exchange *x, struct log_topic *topic, struct one_record *r)
{
    uint32_t have = log_topic_info(topic)->partitions;

    if (r->partition >= 0 && r->partition < have)
        return true;
    if (r->partition != -1) {
        reply_error(x, 400, "value", "\"partition\" is 0 to %u", have - 1);
        return false;
    }
    r->partition = r->key.ptr ? kafka_partition_of(r->key, (int32_t)have) : (int32_t)(x->face->rotor++ % have);
    return true;
}

static void produced(struct exchange *x, const void *response)
{
    const struct kafka_produce_res *res = response;
    const struct kafka_produce_res_partition *p = &res->responses.at[0].partition_responses.at[0];
    struct buf body;
    struct json_writer w;

    if (p->error_code) {
        reply_kafka(x, p->error_code, p->error_message);
        return;
    }
    x->face->counts.posted_records++;
    buf_init(&body, 0);
    json_writer_init(&w, &body);
    json_object_begin(&w);
    json_key_text(&w, "topic", x->params[0]);
    json_key_i64(&w, "partition", p->index);
    json_key_i64(&w, "offset", p->base_offset);
    json_object_end(&w);
    reply_json(x, 200, &body);
}

static void produce(struct exchange *x, const struct one_record *r, struct bytes batch)
{
    struct kafka_produce_req_partition partition = {.index = (int32_t)r->partition, .records = batch};
    struct kafka_produce_req_topic topic = {.name = x->params[0],
                                            .partition_data = {.at = &partition, .count = 1}};
    struct kafka_produce_req req = {.acks = -1, .topic_data = {.at = &topic, .count = 1}};

    broker_change(x, KAFKA_PRODUCE, PRODUCE_VERSION, &req, produced);
}

void post_record(struct exchange *x)
{
    struct one_record r = {.partition = -1, .time_ms = loop_wall_us(x->face->loop) / 1000};
    struct log_topic *topic = find_topic(x, x->params[0], ACL_WRITE);
    struct batch_builder builder;
    struct buf batch;

    if (!topic || !take_record(x, &r) || !choose_partition(x, topic, &r))
        return;
    if (log_topic_info(topic)->options.internal) {
        reply_error(x, 409, "state", "the topic is the server's own: it is read, not written, by others");
        return;
    }
    batch_builder_init(&builder, KAFKA_CODEC_NONE);
    batch_builder_add(&builder, r.time_ms, r.key, r.value, r.headers, r.headers_count);
    buf_init(&batch, 0);
    if (batch_builder_finish(&builder, &batch) == ST_OK)
        produce(x, &r, buf_view(&batch));
    else
        reply_error(x, 413, "limit", "the record is too large");
    buf_deinit(&batch);
    batch_builder_deinit(&builder);
}
