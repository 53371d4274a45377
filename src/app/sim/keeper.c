/* keeper.c: a client that makes the topic `scratch`, writes to it, deletes it, and makes it again: what it was
 * told stands after any crash, and a topic made anew has nothing of the one before. */
#include <stdlib.h>

#include "app/sim/link.h"
#include "base/check.h"
#include "wire/kafka/batch.h"
#include "wire/kafka/messages.h"

enum { CREATE_VERSION = 4, DELETE_VERSION = 3, PRODUCE_VERSION = 8, TIMEOUT_MS = 30000 };

struct keeper {
    struct link link;
    int16_t asked; /* -1: nothing is under way */
    struct buf batch;
};

static struct ledger_scratch *scratch_of(struct keeper *k)
{
    return &k->link.ledger->scratch;
}

static void on_created(struct keeper *k, struct reader *r)
{
    struct kafka_create_topics_res res;

    if (!link_read(&k->link, KAFKA_CREATE_TOPICS, CREATE_VERSION, r, &res) || res.topics.count != 1)
        return;
    if (!res.topics.at->error_code || res.topics.at->error_code == KAFKA_ERR_TOPIC_ALREADY_EXISTS)
        scratch_of(k)->state = SCRATCH_THERE;
}

static void on_deleted(struct keeper *k, struct reader *r)
{
    struct kafka_delete_topics_res res;

    if (!link_read(&k->link, KAFKA_DELETE_TOPICS, DELETE_VERSION, r, &res) || res.responses.count != 1)
        return;
    if (!res.responses.at->error_code || res.responses.at->error_code == KAFKA_ERR_UNKNOWN_TOPIC_OR_PARTITION)
        scratch_of(k)->state = SCRATCH_GONE;
}

static void on_produced(struct keeper *k, struct reader *r)
{
    struct kafka_produce_res res;

    if (!link_read(&k->link, KAFKA_PRODUCE, PRODUCE_VERSION, r, &res) || res.responses.count != 1 ||
        res.responses.at->partition_responses.count != 1)
        return;
    if (res.responses.at->partition_responses.at->error_code == KAFKA_ERR_UNKNOWN_TOPIC_OR_PARTITION)
        ledger_fail(k->link.ledger, "the topic scratch was made, and is not known");
}

static void on_answer(void *owner, struct reader *r)
{
    struct keeper *k = owner;
    int16_t asked = k->asked;

    k->asked = -1;
    switch (asked) {
    case KAFKA_CREATE_TOPICS: on_created(k, r); return;
    case KAFKA_DELETE_TOPICS: on_deleted(k, r); return;
    case KAFKA_PRODUCE: on_produced(k, r); return;
    default: UNREACHABLE();
    }
}

static void on_lost(void *owner)
{
    struct keeper *k = owner;

    if (k->asked == KAFKA_PRODUCE) /* may come late, as the network will have it */
        scratch_of(k)->maybe = scratch_of(k)->made;
    k->asked = -1;
}

static void ask_create(struct keeper *k)
{
    struct kafka_create_topics_req req;

    kafka_create_topics_req_init(&req);
    req.timeout_ms = TIMEOUT_MS;
    req.topics.count = 1;
    req.topics.at = kafka_create_topics_req_topic_new(&k->link.arena, 1);
    req.topics.at->name = BYTES_LITERAL("scratch");
    req.topics.at->num_partitions = 1;
    req.topics.at->replication_factor = 1;
    k->asked = KAFKA_CREATE_TOPICS;
    link_ask(&k->link, k->asked, CREATE_VERSION, &req);
}

static void ask_delete(struct keeper *k)
{
    struct kafka_delete_topics_req req;
    static struct bytes name = {(const uint8_t *)"scratch", 7};

    kafka_delete_topics_req_init(&req);
    req.timeout_ms = TIMEOUT_MS;
    req.topic_names.count = 1;
    req.topic_names.at = &name;
    ledger_forget(k->link.ledger, "scratch");
    scratch_of(k)->state = SCRATCH_GOING;
    k->asked = KAFKA_DELETE_TOPICS;
    link_ask(&k->link, k->asked, DELETE_VERSION, &req);
}

static void ask_produce(struct keeper *k)
{
    struct kafka_produce_req req;
    struct batch_builder builder;
    char json[64];
    int n = snprintf(json, sizeof(json), "{\"made\":%llu}", (unsigned long long)scratch_of(k)->made);

    buf_clear(&k->batch);
    batch_builder_init(&builder, KAFKA_CODEC_NONE);
    batch_builder_add(&builder, LEDGER_BASE_MS, BYTES_NONE, bytes_of(json, (size_t)n), NULL, 0);
    enum status st = batch_builder_finish(&builder, &k->batch);
    CHECK(st == ST_OK);
    batch_builder_deinit(&builder);
    kafka_produce_req_init(&req);
    req.acks = -1;
    req.timeout_ms = TIMEOUT_MS;
    req.topic_data.count = 1;
    req.topic_data.at = kafka_produce_req_topic_new(&k->link.arena, 1);
    req.topic_data.at->name = BYTES_LITERAL("scratch");
    req.topic_data.at->partition_data.count = 1;
    req.topic_data.at->partition_data.at = kafka_produce_req_partition_new(&k->link.arena, 1);
    req.topic_data.at->partition_data.at->records = buf_view(&k->batch);
    k->asked = KAFKA_PRODUCE;
    link_ask(&k->link, k->asked, PRODUCE_VERSION, &req);
}

/* What is not certain, as no answer came, is asked for again; what it was told never changes by itself. */
void keeper_step(struct keeper *k)
{
    struct ledger_scratch *scratch = scratch_of(k);

    if (!link_up(&k->link) || k->asked >= 0 || !rng_chance(&k->link.rng, 0.2))
        return;
    arena_reset(&k->link.arena);
    switch (scratch->state) {
    case SCRATCH_GONE:
        scratch->made++;
        scratch->state = SCRATCH_COMING;
        ask_create(k);
        return;
    case SCRATCH_COMING: ask_create(k); return;
    case SCRATCH_GOING: ask_delete(k); return;
    case SCRATCH_THERE:
        if (rng_below(&k->link.rng, 4) == 0)
            ask_delete(k);
        else
            ask_produce(k);
        return;
    }
}

struct keeper *keeper_create(struct loop *loop, struct ledger *ledger, const char *address, uint64_t seed)
{
    struct keeper *k = xcalloc(1, sizeof(*k));

    link_init(&k->link, loop, ledger, address, seed);
    k->link.owner = k;
    k->link.on_answer = on_answer;
    k->link.on_lost = on_lost;
    k->asked = -1;
    buf_init(&k->batch, 0);
    return k;
}

void keeper_hang_up(struct keeper *k)
{
    link_drop(&k->link);
}

void keeper_destroy(struct keeper *k)
{
    link_deinit(&k->link);
    buf_deinit(&k->batch);
    free(k);
}
