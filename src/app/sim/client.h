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

#endif
