/* widener.c: a client that gives topics more partitions while producers write to them and jobs read and write
 * them; when it was told that they are there they stay, over every crash. */
#include <stdlib.h>

#include "app/sim/link.h"
#include "base/check.h"
#include "wire/kafka/messages.h"

enum { VERSION = 1, TIMEOUT_MS = 30000, MORE_ONE_IN = 80 };

struct widener {
    struct link link;
    bool waiting, rest;
    enum ledger_topic asked; /* for ledger.asked_partitions of it */
};

static void on_answer(void *owner, struct reader *r)
{
    struct widener *w = owner;
    struct ledger *ledger = w->link.ledger;
    struct kafka_create_partitions_res res;

    w->waiting = false;
    if (!link_read(&w->link, KAFKA_CREATE_PARTITIONS, VERSION, r, &res))
        return;
    int16_t error = res.results.count == 1 ? res.results.at->error_code : KAFKA_ERR_UNKNOWN_SERVER_ERROR;
    if (!error || error == KAFKA_ERR_INVALID_PARTITIONS) { /* or they came by a request whose answer was lost */
        ledger->widened += ledger->asked_partitions[w->asked] - ledger->partitions[w->asked];
        ledger->partitions[w->asked] = ledger->asked_partitions[w->asked];
    } else if (error != KAFKA_ERR_KAFKA_STORAGE_ERROR) { /* that: the disk is full, or the server dies */
        ledger_fail(ledger, "%s is refused its partition %u: error %d", ledger_topics[w->asked],
                    ledger->asked_partitions[w->asked] - 1, error);
    }
}

static void on_lost(void *owner)
{
    ((struct widener *)owner)->waiting = false;
}

static void ask(struct widener *w)
{
    struct kafka_create_partitions_req req;

    arena_reset(&w->link.arena);
    kafka_create_partitions_req_init(&req);
    req.timeout_ms = TIMEOUT_MS;
    req.topics.count = 1;
    req.topics.at = kafka_create_partitions_req_topic_new(&w->link.arena, 1);
    req.topics.at->name = bytes_str(ledger_topics[w->asked]);
    req.topics.at->count = (int32_t)w->link.ledger->asked_partitions[w->asked];
    req.topics.at->assignments.count = -1;
    link_ask(&w->link, KAFKA_CREATE_PARTITIONS, VERSION, &req);
    w->waiting = true;
}

struct widener *widener_create(struct loop *loop, struct ledger *ledger, const char *address, uint64_t seed)
{
    struct widener *w = xcalloc(1, sizeof(*w));

    link_init(&w->link, loop, ledger, address, seed);
    w->link.owner = w;
    w->link.on_answer = on_answer;
    w->link.on_lost = on_lost;
    return w;
}

void widener_hang_up(struct widener *w)
{
    link_drop(&w->link);
}

void widener_destroy(struct widener *w)
{
    link_deinit(&w->link);
    free(w);
}

void widener_rest(struct widener *w, bool rest)
{
    w->rest = rest;
}

/* What no answer came for is asked for again. */
void widener_step(struct widener *w)
{
    struct ledger *ledger = w->link.ledger;

    if (!link_up(&w->link) || w->waiting)
        return;
    if (ledger->asked_partitions[w->asked] == ledger->partitions[w->asked]) {
        if (w->rest || rng_below(&w->link.rng, MORE_ONE_IN) != 0)
            return;
        w->asked = (enum ledger_topic)rng_below(&w->link.rng, LEDGER_TOPICS);
        if (ledger->partitions[w->asked] == LEDGER_PARTITIONS_MAX)
            return;
        ledger->asked_partitions[w->asked]++;
    }
    ask(w);
}
