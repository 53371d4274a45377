/* client.h: the clients of a simulated server, on a machine of their own: they dial its Kafka face
 * through the simulated network, lose their connections, and come again.
 *
 * A producer has a few batches under way, each of one partition. An idempotent one sends what is not
 * acknowledged again, in its order, until it is; another gives up what was under way when the
 * connection goes: that may be there once, or not. A consumer fetches some topics from their start
 * on, and tells the ledger what it was shown.
 *
 * Owns: itself.   Threads: the clients' loop's.   Layer: app.
 */
#ifndef QW_APP_SIM_CLIENT_H
#define QW_APP_SIM_CLIENT_H

#include "app/sim/ledger.h"
#include "net/loop.h"

struct producer;
struct consumer;

struct producer_options {
    enum ledger_topic topic;
    bool idempotent;
    uint32_t batch_records_max, unanswered_max;
};

struct producer *producer_create(struct loop *loop, struct ledger *ledger, const char *address,
                                 uint64_t seed, const struct producer_options *options);
/* hang_up, then a pass of the loop, then destroy. */
void producer_hang_up(struct producer *producer);
void producer_destroy(struct producer *producer);
/* Dials, makes a batch now and then, sends: between the loop's passes. */
void producer_step(struct producer *producer);
/* No new events any more (or again). */
void producer_rest(struct producer *producer, bool rest);
bool producer_idle(const struct producer *producer); /* everything is answered */

struct consumer *consumer_create(struct loop *loop, struct ledger *ledger, const char *address,
                                 uint64_t seed, const char *const *topics,
                                 const uint32_t *partitions, uint32_t topics_count);
void consumer_hang_up(struct consumer *consumer);
void consumer_destroy(struct consumer *consumer);
void consumer_step(struct consumer *consumer);

/* What a consumer group has done of the topic `events`, whoever did it. */
struct group_place {
    int64_t acked, sent; /* offsets committed: acknowledged, at least sent */
    int64_t told;        /* to a member that asked where the group stands, last */
    int64_t done;        /* one past the last record that a member was given */
};
struct group_ledger {
    const char *name;
    struct group_place at[LEDGER_PARTITIONS_MAX];
    uint64_t commits, generations, deaths;
};

/* Members of one group, who share its ledger; now and then one dies, or leaves. */
struct member;
struct member *member_create(struct loop *loop, struct ledger *ledger, const char *address, uint64_t seed,
                             struct group_ledger *group);
void member_hang_up(struct member *member);
void member_destroy(struct member *member);
void member_step(struct member *member);
void member_rest(struct member *member, bool rest); /* it neither dies nor leaves any more */

/* Makes and deletes the topic `scratch`, and writes to it. */
struct keeper;
struct keeper *keeper_create(struct loop *loop, struct ledger *ledger, const char *address, uint64_t seed);
void keeper_hang_up(struct keeper *keeper);
void keeper_destroy(struct keeper *keeper);
void keeper_step(struct keeper *keeper);

/* Gives the topics of the ledger more partitions, now and then. */
struct widener;
struct widener *widener_create(struct loop *loop, struct ledger *ledger, const char *address, uint64_t seed);
void widener_hang_up(struct widener *widener);
void widener_destroy(struct widener *widener);
void widener_step(struct widener *widener);
void widener_rest(struct widener *widener, bool rest); /* no more of them */

/* Posts events over HTTP, each under an Idempotency-Key, again and again until it is answered and now and then
 * once more; in between it reads the view `totals`. */
struct web;
struct web *web_create(struct loop *loop, struct ledger *ledger, const char *address, uint64_t seed);
void web_hang_up(struct web *web);
void web_destroy(struct web *web);
void web_step(struct web *web);
void web_rest(struct web *web, bool rest);
bool web_idle(const struct web *web);

#endif
