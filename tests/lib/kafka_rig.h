/* kafka_rig.h: the Kafka face on a simulated machine: a real log on its disk, clients (peers) over
 * its network. What answers hold lives in the rig's arena. */
#ifndef QW_TESTS_KAFKA_RIG_H
#define QW_TESTS_KAFKA_RIG_H

#include <setjmp.h>

#include "base/arena.h"
#include "net/conn.h"
#include "os/sim/sim.h"
#include "serve/kafka/kafka.h"
#include "serve/security/security.h"
#include "wire/kafka/batch.h"
#include "wire/kafka/messages.h"

enum { RIG_RESERVE = 32 << 20 }; /* of the disk, that producers may not touch */

struct rig {
    struct os *os;
    struct loop *loop;
    struct log *log;
    struct kafka_face *face;
    struct security *security;
    struct security_options security_options; /* of the next kafka_rig_start */
    enum kafka_migration migration;            /* likewise */
    struct arena arena; /* of the test */
    bool hold;          /* the log is not flushed: nothing becomes durable */
    char address[64];
    jmp_buf *off; /* where a peer that waits for an answer goes when the power fails; NULL: nowhere */
};

struct peer {
    struct rig *rig;
    struct conn *conn;
    struct buf in;
    size_t at; /* of in: the first byte not taken */
    bool closed;
    int32_t next_id;
};

void kafka_rig_start(struct rig *rig);
void kafka_rig_stop(struct rig *rig);
void kafka_rig_open(struct rig *rig);
void kafka_rig_close(struct rig *rig);
struct peer *peer_open(struct rig *rig);
void peer_end(struct peer *p);
int32_t peer_ask(struct peer *p, int16_t key, int16_t version, const void *request);
bool peer_take(struct peer *p, struct bytes *frame);
void kafka_rig_run_for(struct rig *rig, int64_t ms);
bool peer_answer(struct peer *p, int32_t id, int16_t key, int16_t version, void *response);
void peer_call(struct peer *p, int16_t key, int16_t version, const void *request, void *response);
void kafka_rig_make_topic(struct peer *p, const char *name, int32_t partitions);
struct bytes kafka_rig_batch(struct rig *rig, int count, int64_t producer, int16_t epoch,
                             int32_t sequence);
int32_t peer_ask_produce(struct peer *p, const char *topic, struct bytes records, int16_t acks);
struct kafka_produce_res_partition peer_produced(struct peer *p, int32_t id);
struct kafka_produce_res_partition peer_produce(struct peer *p, const char *topic,
                                                  struct bytes records);
int32_t peer_ask_fetch(struct peer *p, const char *topic, int64_t offset, int32_t wait_ms,
                         int32_t max_bytes);
struct kafka_fetch_res_partition peer_fetched(struct peer *p, int32_t id);

#endif
