/* kafka_sink.c: another Kafka cluster as a sink, exactly once.
 *
 * A batch is one transaction: its records, and the position after them as an offset of the consumer group
 * PREFIX-IDENTITY for partition 0 of the topic. The transactional id is the same word, so whoever goes on fences what
 * was before: after any trouble the client is thrown away, the next one's init_transactions ends what that left open,
 * and the group's offset says whether it counts.
 *
 * A record that the cluster can never take (too large, refused by the topic's rules) fails all that went in one batch
 * of the wire with it. Then the transaction is given up and made again with each record by itself, and once more without
 * those that are refused so.
 */
#include <stdio.h>

#include "base/check.h"
#include "bridge/kafka_inner.h"

/* ---- the position ---- */

static bool producer(struct bridge_kafka_state *b, char trouble[200])
{
    char id[KAFKA_GROUP_BYTES], limit[32];
    long long timeout = kafka_timeout(b);

    if (b->client)
        return true;
    kafka_group(b, id);
    snprintf(limit, sizeof(limit), "%lld", timeout < 1000 ? 1000ll : timeout);
    const char *const more[] = {"transactional.id", id, "message.timeout.ms", limit,
                                "batch.num.messages", b->alone ? "1" : "10000", NULL};
    b->client = kafka_client(b, RD_KAFKA_PRODUCER, more, trouble);
    if (!b->client)
        return false;
    rd_kafka_error_t *error = rd_kafka_init_transactions(b->client, (int)timeout);
    if (!error)
        return true;
    rd_kafka_poll(b->client, 0); /* what it has to say of itself */
    kafka_trouble(b, trouble, "init_transactions", rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
    kafka_drop(b);
    return false;
}

/* What is put back has a position, and so a group, of its own. */
static void position_group(const struct bridge_kafka_state *b, uint32_t partition, char out[KAFKA_GROUP_BYTES])
{
    kafka_group(b, out);
    if (partition >= BRIDGE_REPLAYED)
        snprintf(out + strlen(out), KAFKA_GROUP_BYTES - strlen(out), "-replay%u", partition - BRIDGE_REPLAYED);
}

/* Of the group, behind all transactions that are decided. */
static enum status ask(struct bridge_kafka_state *b, rd_kafka_t *consumer, int64_t *out, char trouble[200])
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);

    rd_kafka_topic_partition_list_add(list, b->topic, 0);
    rd_kafka_resp_err_t err = rd_kafka_committed(consumer, list, kafka_timeout(b));
    if (!err)
        err = list->elems[0].err;
    if (!err)
        *out = list->elems[0].offset >= 0 ? list->elems[0].offset : -1;
    else
        kafka_trouble(b, trouble, "reading the position", rd_kafka_err2str(err));
    rd_kafka_topic_partition_list_destroy(list);
    return err ? ST_AGAIN : ST_OK;
}

enum status kafka_position(struct bridge *bridge, uint32_t partition, int64_t *out, char trouble[200])
{
    struct bridge_kafka_state *b = (struct bridge_kafka_state *)bridge;
    char group[KAFKA_GROUP_BYTES];

    CHECK(partition == 0 || partition >= BRIDGE_REPLAYED); /* a sink's topic of ours has one */
    *out = -1;
    if (!producer(b, trouble))
        return ST_AGAIN;
    position_group(b, partition, group);
    const char *const more[] = {"group.id", group, "enable.auto.commit", "false", "isolation.level", "read_committed",
                                NULL};
    rd_kafka_t *consumer = kafka_client(b, RD_KAFKA_CONSUMER, more, trouble);
    if (!consumer)
        return ST_AGAIN;
    enum status st = ask(b, consumer, out, trouble);
    rd_kafka_destroy_flags(consumer, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    return st;
}

/* ---- a batch ---- */

static bool is_never(rd_kafka_resp_err_t err)
{
    return err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE || err == RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE ||
           err == RD_KAFKA_RESP_ERR_INVALID_RECORD || err == RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP ||
           err == RD_KAFKA_RESP_ERR_INVALID_MSG;
}

static void refuse(struct bridge_kafka_state *b, struct bridge_record *r, rd_kafka_resp_err_t err)
{
    r->never = arena_printf(b->batch->arena, "Kafka: %.200s", rd_kafka_err2str(err));
}

/* Called by our own calls of the client. */
void kafka_delivered(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque)
{
    struct bridge_kafka_state *b = opaque;

    (void)client;
    if (!message->err || !b->batch)
        return;
    if (!is_never(message->err)) {
        snprintf(b->said, sizeof(b->said), "%.150s", rd_kafka_err2str(message->err));
        return;
    }
    b->refused++;
    if (b->alone)
        refuse(b, message->_private, message->err);
}

static rd_kafka_headers_t *headers_of(const struct bridge_record *r)
{
    struct reader at = reader_of(r->headers);
    struct record_header h;
    rd_kafka_headers_t *headers;

    if (!r->headers_count)
        return NULL;
    headers = rd_kafka_headers_new(r->headers_count);
    for (uint32_t i = 0; i < r->headers_count && record_headers_next(&at, &h); i++)
        rd_kafka_header_add(headers, (const char *)h.key.ptr, (ssize_t)h.key.len, h.value.ptr, (ssize_t)h.value.len);
    return headers;
}

static rd_kafka_resp_err_t produce(struct bridge_kafka_state *b, struct bridge_record *r)
{
    rd_kafka_headers_t *headers = headers_of(r);
    int64_t timestamp_ms = r->timestamp_ms > 0 ? r->timestamp_ms : 0; /* 0: now */
    rd_kafka_resp_err_t err = rd_kafka_producev(
        b->client, RD_KAFKA_V_TOPIC(b->topic), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
        RD_KAFKA_V_KEY(r->key.ptr, r->key.len), RD_KAFKA_V_VALUE((void *)(uintptr_t)r->value.ptr, r->value.len),
        RD_KAFKA_V_TIMESTAMP(timestamp_ms), RD_KAFKA_V_OPAQUE(r), RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END);

    if (err && headers)
        rd_kafka_headers_destroy(headers);
    return err;
}

/* Waits for room in the client's queue, as long as a call may take. */
static bool send_one(struct bridge_kafka_state *b, struct bridge_record *r)
{
    rd_kafka_resp_err_t err;
    int waited_ms = 0;

    while ((err = produce(b, r)) == RD_KAFKA_RESP_ERR__QUEUE_FULL && waited_ms < kafka_timeout(b)) {
        rd_kafka_poll(b->client, 10);
        waited_ms += 10;
    }
    if (is_never(err)) { /* the client's own limit: nothing was sent */
        refuse(b, r, err);
        return true;
    }
    return err ? kafka_trouble(b, b->batch->trouble, "sending", rd_kafka_err2str(err)) : true;
}

/* False: with trouble. */
static bool done(struct bridge_kafka_state *b, const char *doing, rd_kafka_error_t *error)
{
    if (!error)
        return true;
    kafka_trouble(b, b->batch->trouble, doing, rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
    return false;
}

static bool send_position(struct bridge_kafka_state *b)
{
    char group[KAFKA_GROUP_BYTES];

    position_group(b, b->batch->partition, group);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, b->topic, 0)->offset = b->batch->next_offset;
    rd_kafka_consumer_group_metadata_t *of = rd_kafka_consumer_group_metadata_new(group);
    rd_kafka_error_t *error = rd_kafka_send_offsets_to_transaction(b->client, list, of, kafka_timeout(b));
    rd_kafka_consumer_group_metadata_destroy(of);
    rd_kafka_topic_partition_list_destroy(list);
    return done(b, "sending the position", error);
}

/* True: it counts. False: trouble, or records were refused. */
static bool transaction(struct bridge_kafka_state *b)
{
    struct bridge_batch *batch = b->batch;

    b->refused = 0;
    b->said[0] = 0;
    if (!done(b, "begin_transaction", rd_kafka_begin_transaction(b->client)))
        return false;
    for (uint32_t i = 0; i < batch->count; i++)
        if (!batch->records[i].never && !send_one(b, &batch->records[i]))
            return false;
    rd_kafka_resp_err_t err = rd_kafka_flush(b->client, kafka_timeout(b));
    if (b->refused || err || b->said[0])
        return kafka_trouble(b, batch->trouble, "sending", b->refused ? "records were refused" : rd_kafka_err2str(err));
    return send_position(b) &&
           done(b, "commit_transaction", rd_kafka_commit_transaction(b->client, kafka_timeout(b)));
}

/* After a refusal: the transaction is given up by the next client's init_transactions, and goes record by record. */
static bool give_up(struct bridge_kafka_state *b)
{
    kafka_drop(b);
    b->alone = true;
    return producer(b, b->batch->trouble);
}

static bool deliver(struct bridge_kafka_state *b)
{
    if (!producer(b, b->batch->trouble))
        return false;
    while (!transaction(b))
        if (!b->refused || !give_up(b))
            return false;
    return true;
}

void kafka_deliver(struct bridge *bridge, struct bridge_batch *batch)
{
    struct bridge_kafka_state *b = (struct bridge_kafka_state *)bridge;

    b->batch = batch;
    bool good = deliver(b);
    if (!good || b->alone)
        kafka_drop(b);
    b->alone = false;
    b->batch = NULL;
    if (!good)
        return;
    batch->trouble[0] = 0;
    batch->settled = batch->count;
}
