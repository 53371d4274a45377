/* producer.c: batches in the order of their making: the head is the oldest without an answer, `sent`
 * of them are under way on this connection. */
#include <stdlib.h>

#include "app/sim/link.h"
#include "base/check.h"
#include "wire/kafka/batch.h"
#include "wire/kafka/messages.h"

enum { PRODUCE = 0, PRODUCE_VERSION = 8, INIT_ID = 22, INIT_ID_VERSION = 1 };
enum { LARGE_ONE_IN = 100, LARGE_BYTES_MAX = 150000 };

struct packet {
    struct packet *next;
    uint32_t partition, count;
    uint64_t *ids;
    struct buf batch;
};

struct producer {
    struct link link;
    struct producer_options options;
    struct packet *head, *last;
    uint32_t packets, sent;
    bool rest, asked_id;
    int64_t id;    /* -1: none yet */
    int16_t epoch;
    int32_t sequence[LEDGER_PARTITIONS_MAX];
    bool known[LEDGER_PARTITIONS_MAX]; /* a batch of it was acknowledged there */
};

static void packet_free(struct packet *packet)
{
    buf_deinit(&packet->batch);
    free(packet->ids);
    free(packet);
}

static void pop(struct producer *p)
{
    struct packet *packet = p->head;

    p->head = packet->next;
    if (!p->head)
        p->last = NULL;
    p->packets--;
    packet_free(packet);
}

/* Now and then a record is large, by its key, which no job reads: larger than a block, than a WAL file. */
static struct bytes make_key(struct producer *p)
{
    if (rng_below(&p->link.rng, LARGE_ONE_IN) != 0)
        return BYTES_NONE;
    size_t len = (size_t)rng_between(&p->link.rng, 3000, LARGE_BYTES_MAX);
    uint8_t *key = xmalloc(len);
    for (size_t i = 0; i < len; i++)
        key[i] = (uint8_t)(rng_next(&p->link.rng) >> 56);
    return bytes_of(key, len);
}

static void make_packet(struct producer *p)
{
    struct packet *packet = xcalloc(1, sizeof(*packet));
    struct batch_builder builder;
    char json[256];

    packet->partition = (uint32_t)rng_below(&p->link.rng, p->link.ledger->partitions[p->options.topic]);
    packet->count = 1 + (uint32_t)rng_below(&p->link.rng, p->options.batch_records_max);
    packet->ids = xcalloc(packet->count, sizeof(*packet->ids));
    buf_init(&packet->batch, 0);
    batch_builder_init(&builder, rng_below(&p->link.rng, 3) ? KAFKA_CODEC_NONE : KAFKA_CODEC_LZ4);
    if (p->options.idempotent) {
        builder.producer_id = p->id;
        builder.producer_epoch = p->epoch;
        builder.base_sequence = p->sequence[packet->partition];
        p->sequence[packet->partition] += (int32_t)packet->count;
    }
    struct bytes key = make_key(p);
    for (uint32_t i = 0; i < packet->count; i++) {
        uint64_t id = ledger_make(p->link.ledger, p->options.topic, packet->partition, &p->link.rng);
        size_t len = ledger_json(p->link.ledger, id, json, sizeof(json));
        packet->ids[i] = id;
        batch_builder_add(&builder, LEDGER_BASE_MS + p->link.ledger->events[id].ts_ms,
                          i == 0 ? key : BYTES_NONE, bytes_of(json, len), NULL, 0);
    }
    free((void *)(uintptr_t)key.ptr);
    enum status st = batch_builder_finish(&builder, &packet->batch);
    CHECK(st == ST_OK);
    batch_builder_deinit(&builder);
    if (p->last)
        p->last->next = packet;
    else
        p->head = packet;
    p->last = packet;
    p->packets++;
}

static void send_packet(struct producer *p, const struct packet *packet)
{
    struct kafka_produce_req req;
    struct arena *arena = &p->link.arena;

    arena_reset(arena);
    kafka_produce_req_init(&req);
    req.acks = -1;
    req.timeout_ms = 30000;
    req.topic_data.count = 1;
    req.topic_data.at = kafka_produce_req_topic_new(arena, 1);
    req.topic_data.at->name = bytes_str(ledger_topics[p->options.topic]);
    req.topic_data.at->partition_data.count = 1;
    req.topic_data.at->partition_data.at = kafka_produce_req_partition_new(arena, 1);
    req.topic_data.at->partition_data.at->index = (int32_t)packet->partition;
    req.topic_data.at->partition_data.at->records = buf_view(&packet->batch);
    link_ask(&p->link, PRODUCE, PRODUCE_VERSION, &req);
    p->sent++;
}

/* ---- answers ---- */

static void acknowledge(struct producer *p, int64_t base_offset)
{
    struct ledger *ledger = p->link.ledger;

    for (uint32_t i = 0; i < p->head->count; i++) {
        struct event *e = &ledger->events[p->head->ids[i]];
        e->offset = base_offset + i;
        ledger->acked++;
    }
    p->known[p->head->partition] = true;
    if (base_offset < 0)
        ledger_fail(ledger, "a batch was acknowledged at offset %lld", (long long)base_offset);
    pop(p);
    p->sent--;
}

/* Refused: try again on a new connection. A gap at the head of what is under way means that something
 * acknowledged is not known any more. */
static void refused(struct producer *p, int16_t error)
{
    if (error == KAFKA_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER || error == KAFKA_ERR_UNKNOWN_PRODUCER_ID ||
        error == KAFKA_ERR_INVALID_PRODUCER_EPOCH)
        ledger_fail(p->link.ledger, "%s/%u: an idempotent producer's next batch is refused: error %d",
                    ledger_topics[p->options.topic], p->head->partition, error);
    else if (error != KAFKA_ERR_KAFKA_STORAGE_ERROR)
        ledger_fail(p->link.ledger, "a good batch is refused with an error that clients do not retry: %d", error);
    link_drop(&p->link);
}

static void on_produced(struct producer *p, struct reader *r)
{
    struct kafka_produce_res res;

    CHECK(p->head && p->sent > 0);
    if (!link_read(&p->link, PRODUCE, PRODUCE_VERSION, r, &res))
        return;
    if (res.responses.count != 1 || res.responses.at->partition_responses.count != 1) {
        ledger_fail(p->link.ledger, "an answer to Produce lacks its partition");
        link_drop(&p->link);
        return;
    }
    const struct kafka_produce_res_partition *part = res.responses.at->partition_responses.at;
    if (part->error_code)
        refused(p, part->error_code);
    else
        acknowledge(p, part->base_offset);
}

static void on_answer(void *owner, struct reader *r)
{
    struct producer *p = owner;
    struct kafka_init_producer_id_res res;

    if (p->id >= 0 || !p->options.idempotent) {
        on_produced(p, r);
        return;
    }
    if (!link_read(&p->link, INIT_ID, INIT_ID_VERSION, r, &res))
        return;
    if (res.error_code) {
        link_drop(&p->link);
        return;
    }
    p->id = res.producer_id;
    p->epoch = res.producer_epoch;
}

static void on_lost(void *owner)
{
    struct producer *p = owner;

    for (; !p->options.idempotent && p->sent; p->sent--)
        pop(p); /* never known: there once, or not */
    p->sent = 0;
    p->asked_id = false;
}

/* ---- life ---- */

struct producer *producer_create(struct loop *loop, struct ledger *ledger, const char *address,
                                 uint64_t seed, const struct producer_options *options)
{
    struct producer *p = xcalloc(1, sizeof(*p));

    link_init(&p->link, loop, ledger, address, seed);
    p->link.owner = p;
    p->link.on_answer = on_answer;
    p->link.on_lost = on_lost;
    p->options = *options;
    p->id = -1;
    return p;
}

void producer_hang_up(struct producer *p)
{
    link_drop(&p->link);
}

void producer_destroy(struct producer *p)
{
    while (p->head)
        pop(p);
    link_deinit(&p->link);
    free(p);
}

static void ask_id(struct producer *p)
{
    struct kafka_init_producer_id_req req;

    kafka_init_producer_id_req_init(&req);
    req.transactional_id = BYTES_NONE;
    req.transaction_timeout_ms = 60000;
    link_ask(&p->link, INIT_ID, INIT_ID_VERSION, &req);
    p->asked_id = true;
}

/* A partition that does not know the producer yet takes whatever number comes first, as Kafka's do: if it refused
 * the first batch and took the next, the first would never be taken. */
static bool may_send(const struct producer *p, const struct packet *packet)
{
    return !p->options.idempotent || p->known[packet->partition] || p->sent == 0;
}

void producer_step(struct producer *p)
{
    if (!link_up(&p->link))
        return;
    if (p->options.idempotent && p->id < 0) {
        if (!p->asked_id)
            ask_id(p);
        return;
    }
    if (!p->rest && p->packets < p->options.unanswered_max && rng_chance(&p->link.rng, 0.7))
        make_packet(p);
    struct packet *packet = p->head;
    for (uint32_t i = 0; i < p->sent; i++)
        packet = packet->next;
    for (; packet && may_send(p, packet); packet = packet->next)
        send_packet(p, packet);
}

void producer_rest(struct producer *p, bool rest)
{
    p->rest = rest;
}

bool producer_idle(const struct producer *p)
{
    return p->packets == 0;
}
