/* consumer.c: one Fetch under way at a time, of all its partitions, from where the last one ended. */
#include <stdlib.h>

#include "app/sim/link.h"
#include "base/check.h"
#include "wire/kafka/batch.h"
#include "wire/kafka/messages.h"

enum { FETCH = 1, FETCH_VERSION = 11, WAIT_MS = 20, FETCH_BYTES = 256 << 10 };

struct position {
    const char *topic;
    uint32_t partition;
    int64_t offset;
};

struct consumer {
    struct link link;
    struct position *at;
    uint32_t at_count;
    bool waiting;
    struct arena arena; /* of one request */
};

static void records(struct consumer *c, struct position *at, struct bytes run)
{
    struct batch_header header;
    struct bytes batch;
    struct buf scratch;

    buf_init(&scratch, 0);
    /* the last one may be cut short, as Kafka's are: asked for again */
    while (batch_next(&run, &header, &batch) == ST_OK && batch.len == batch_size(&header)) {
        struct batch_records it;
        struct record rec;
        if (batch_validate(batch, &header) != ST_OK ||
            batch_records_open_buf(&it, batch, &scratch) != ST_OK) {
            ledger_fail(c->link.ledger, "%s/%u: a damaged batch was fetched", at->topic, at->partition);
            break;
        }
        while (batch_records_next(&it, &rec) == ST_OK)
            if (rec.offset >= at->offset)
                ledger_shown(c->link.ledger, at->topic, at->partition, rec.offset, rec.key, rec.value);
        at->offset = batch_last_offset(&header) + 1;
    }
    buf_deinit(&scratch);
}

static struct position *position_of(struct consumer *c, struct bytes topic, int32_t partition)
{
    for (uint32_t i = 0; i < c->at_count; i++)
        if (bytes_is(topic, c->at[i].topic) && c->at[i].partition == (uint32_t)partition)
            return &c->at[i];
    return NULL;
}

static void on_answer(void *owner, struct reader *r)
{
    struct consumer *c = owner;
    struct kafka_fetch_res res;

    c->waiting = false;
    if (!link_read(&c->link, FETCH, FETCH_VERSION, r, &res))
        return;
    for (int32_t t = 0; t < res.responses.count; t++)
        for (int32_t i = 0; i < res.responses.at[t].partitions.count; i++) {
            const struct kafka_fetch_res_partition *p = &res.responses.at[t].partitions.at[i];
            struct position *at = position_of(c, res.responses.at[t].topic, p->partition_index);
            if (!at)
                ledger_fail(c->link.ledger, "a partition was fetched that was not asked for");
            else if (p->error_code == KAFKA_ERR_OFFSET_OUT_OF_RANGE)
                ledger_fail(c->link.ledger, "%s/%u: what was shown up to %lld is not there any more",
                            at->topic, at->partition, (long long)at->offset);
            else if (!p->error_code)
                records(c, at, p->records);
        }
}

static void on_lost(void *owner)
{
    ((struct consumer *)owner)->waiting = false;
}

static void ask(struct consumer *c)
{
    struct kafka_fetch_req req;

    arena_reset(&c->arena);
    kafka_fetch_req_init(&req);
    req.max_wait_ms = WAIT_MS;
    req.min_bytes = 1;
    req.max_bytes = 4 * FETCH_BYTES;
    req.topics.at = kafka_fetch_req_topic_new(&c->arena, (int32_t)c->at_count);
    for (uint32_t i = 0; i < c->at_count; i++) {
        if (c->at[i].partition >= ledger_partitions(c->link.ledger, c->at[i].topic))
            continue; /* not there yet */
        struct kafka_fetch_req_topic *topic = &req.topics.at[req.topics.count++];
        topic->topic = bytes_str(c->at[i].topic);
        topic->partitions.count = 1;
        topic->partitions.at = kafka_fetch_req_partition_new(&c->arena, 1);
        topic->partitions.at->partition = (int32_t)c->at[i].partition;
        topic->partitions.at->fetch_offset = c->at[i].offset;
        topic->partitions.at->partition_max_bytes = FETCH_BYTES;
    }
    link_ask(&c->link, FETCH, FETCH_VERSION, &req);
    c->waiting = true;
}

struct consumer *consumer_create(struct loop *loop, struct ledger *ledger, const char *address,
                                 uint64_t seed, const char *const *topics,
                                 const uint32_t *partitions, uint32_t topics_count)
{
    struct consumer *c = xcalloc(1, sizeof(*c));

    link_init(&c->link, loop, ledger, address, seed);
    c->link.owner = c;
    c->link.on_answer = on_answer;
    c->link.on_lost = on_lost;
    arena_init(&c->arena, ARENA_BUDGET_NONE);
    for (uint32_t t = 0; t < topics_count; t++)
        for (uint32_t p = 0; p < partitions[t]; p++) {
            c->at = xrealloc(c->at, (c->at_count + 1) * sizeof(*c->at));
            c->at[c->at_count++] = (struct position){topics[t], p, 0};
        }
    return c;
}

void consumer_hang_up(struct consumer *c)
{
    link_drop(&c->link);
}

void consumer_destroy(struct consumer *c)
{
    link_deinit(&c->link);
    arena_deinit(&c->arena);
    free(c->at);
    free(c);
}

void consumer_step(struct consumer *c)
{
    if (link_up(&c->link) && !c->waiting)
        ask(c);
}
