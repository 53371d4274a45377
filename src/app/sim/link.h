/* link.h: a client's connection to a simulated server's Kafka face.       Layer: app. */
#ifndef QW_APP_SIM_LINK_H
#define QW_APP_SIM_LINK_H

#include "app/sim/client.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/reader.h"
#include "net/conn.h"

struct link {
    struct loop *loop;
    struct ledger *ledger;
    const char *address;
    struct conn *conn; /* NULL: down */
    int64_t retry_ns;
    uint32_t asked, answered; /* on this connection: correlation ids */
    struct rng rng;
    struct arena arena; /* of one answer */
    struct buf frame;
    void *owner;
    void (*on_answer)(void *owner, struct reader *answer);
    void (*on_lost)(void *owner);
};

void link_init(struct link *link, struct loop *loop, struct ledger *ledger, const char *address,
               uint64_t seed);
void link_deinit(struct link *link);
/* Dials when it is down and time has come; true: what is asked now is sent. */
bool link_up(struct link *link);
/* Gives the connection up; on_lost is called. */
void link_drop(struct link *link);
void link_ask(struct link *link, int16_t key, int16_t version, const void *message);
/* Decodes an answer into message; false: it was none, and the link is down. */
bool link_read(struct link *link, int16_t key, int16_t version, struct reader *r, void *message);

#endif
