/* producers.c: kills the server with SIGKILL under three kinds of producers at once, again and again.
 *
 * usage: producers QUICKWATER ROUNDS [SEED]
 *
 * A round: start the server; one producer with acks=all, one idempotent, one transactional write, each to a
 * topic of its own; kill at a random moment; start again; read what is committed, and compare:
 *   - acks=all: what was acknowledged is there (once or more: such a producer may send again);
 *   - idempotent: what was acknowledged is there once, nothing is there twice;
 *   - transactional: what was committed is there once, what was aborted or never came to its end is not
 *     there, and of a transaction whose end was under way all is there or nothing.
 * Ends in a line `N passed, N failed`, a check of a round being one.
 */
#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/rng.h"
#include "lib/child.h"

enum kind { ACKS_ALL, IDEMPOTENT, TRANSACTIONAL, KINDS };
static const char *const topics[KINDS] = {"acks-all", "idempotent", "transactional"};

enum {
    RECORDS_MAX = 4000000, ROUND_RECORDS_MAX = 2000, /* of a kind */
    TRANSACTION_RECORDS = 5, ABORT_EVERY = 4, PARTITIONS_MAX = 64,
    POLL_MS = 1000, POLLS_EMPTY_MAX = 60, /* counted in polls: a machine that stands still is not held against anybody */
    CALL_MS = 300, /* a call of a client that a dead server does not answer */
};

enum { PARTITIONS = 2 }; /* of each topic */

enum fate { OPEN, ENDING, COMMITTED, ABORTED };

struct stream {
    enum kind kind;
    const struct child *child;
    rd_kafka_t *rk; /* the transactional one of the coming round */
    _Atomic uint8_t *acked;
    uint8_t *seen, *fates; /* fates: by transaction */
    long next_id;
    int64_t next_offset[PARTITIONS_MAX];
    pthread_t thread;
    int failures; /* told by whoever works on it: one thread at a time */
};

static struct stream streams[KINDS];
static atomic_bool producing;
static int passes;

static void failed(struct stream *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void failed(struct stream *s, const char *format, ...)
{
    char what[256];
    va_list args;

    s->failures++;
    va_start(args, format);
    vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    printf("FAIL %s: %s\n", topics[s->kind], what);
    fflush(stdout);
}

static int failures(void)
{
    return streams[ACKS_ALL].failures + streams[IDEMPOTENT].failures + streams[TRANSACTIONAL].failures;
}

/* ---- clients ---- */

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
    (void)rk;
    struct stream *s = opaque;
    if (!message->err)
        s->acked[(intptr_t)message->_private] = 1;
}

static rd_kafka_t *client(rd_kafka_type_t type, struct stream *s, const char *const (*pairs)[2], int count)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char error[256];

    rd_kafka_conf_set(conf, "bootstrap.servers", s->child->kafka, NULL, 0);
    rd_kafka_conf_set(conf, "log_level", "0", NULL, 0);
    for (int i = 0; i < count; i++)
        if (rd_kafka_conf_set(conf, pairs[i][0], pairs[i][1], error, sizeof(error)))
            give_up("%s: %s", pairs[i][0], error);
    if (type == RD_KAFKA_PRODUCER)
        rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rd_kafka_conf_set_opaque(conf, s);
    rd_kafka_t *rk = rd_kafka_new(type, conf, error, sizeof(error));
    if (!rk)
        give_up("client of %s: %s", topics[s->kind], error);
    return rk;
}

static rd_kafka_t *producer(struct stream *s)
{
    static const char *const pairs[KINDS][2][2] = {
        {{"acks", "all"}, {"linger.ms", "1"}},
        {{"enable.idempotence", "true"}, {"linger.ms", "1"}},
        {{"transactional.id", "killed"}, {"linger.ms", "1"}},
    };

    return client(RD_KAFKA_PRODUCER, s, pairs[s->kind], 2);
}

/* NULL: the call worked. */
static bool worked(rd_kafka_error_t *error)
{
    if (error)
        rd_kafka_error_destroy(error);
    return !error;
}

/* What is under way when the server dies stays unanswered: it may be there or not. */
static void end_client(rd_kafka_t *rk)
{
    rd_kafka_purge(rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_poll(rk, 10);
    rd_kafka_destroy_flags(rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

/* ---- producing ---- */

static void send_one(struct stream *s, rd_kafka_t *rk)
{
    long id = s->next_id++;
    char value[32];
    int len = snprintf(value, sizeof(value), "%ld", id);

    while (producing &&
           rd_kafka_producev(rk, RD_KAFKA_V_TOPIC(topics[s->kind]), RD_KAFKA_V_VALUE(value, (size_t)len),
                             RD_KAFKA_V_PARTITION((int32_t)(id % 2)),
                             RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                             RD_KAFKA_V_OPAQUE((void *)(intptr_t)id), RD_KAFKA_V_END))
        rd_kafka_poll(rk, 5);
}

static void *produce(void *context)
{
    struct stream *s = context;
    rd_kafka_t *rk = producer(s);

    for (long until = s->next_id + ROUND_RECORDS_MAX; producing;) {
        if (s->next_id < until && rd_kafka_outq_len(rk) < 500)
            send_one(s, rk);
        rd_kafka_poll(rk, s->next_id % 20 == 0 || s->next_id >= until);
    }
    end_client(rk);
    return NULL;
}

/* Until it has ended or the server is dead. */
static void end_transaction(struct stream *s, uint8_t *fate, bool commit)
{
    if (!commit)
        rd_kafka_flush(s->rk, CALL_MS); /* else it is never written, and nothing is aborted */
    *fate = commit ? ENDING : ABORTED; /* an abort that was not told is one all the same */
    while (producing) {
        if (worked(commit ? rd_kafka_commit_transaction(s->rk, CALL_MS)
                          : rd_kafka_abort_transaction(s->rk, CALL_MS))) {
            *fate = commit ? COMMITTED : ABORTED;
            return;
        }
    }
}

static void *produce_transactions(void *context)
{
    struct stream *s = context;

    for (long until = s->next_id + ROUND_RECORDS_MAX; producing;) {
        if (s->next_id >= until) {
            usleep(1000);
            continue;
        }
        long transaction = s->next_id / TRANSACTION_RECORDS;
        if (!worked(rd_kafka_begin_transaction(s->rk)))
            break;
        for (int i = 0; i < TRANSACTION_RECORDS; i++)
            send_one(s, s->rk);
        end_transaction(s, &s->fates[transaction], transaction % ABORT_EVERY != 0);
    }
    end_client(s->rk);
    s->rk = NULL;
    return NULL;
}

/* Ends by abort what the one before has left open, so that all can be read. */
static void begin_life(struct stream *s)
{
    if (s->kind != TRANSACTIONAL)
        return;
    s->rk = producer(s);
    if (!worked(rd_kafka_init_transactions(s->rk, 30000)))
        give_up("the transactional producer cannot begin again");
}

/* ---- reading back ---- */

static void take(struct stream *s, const rd_kafka_message_t *message)
{
    char text[32];
    size_t len = message->len < sizeof(text) - 1 ? message->len : sizeof(text) - 1;

    memcpy(text, message->payload, len);
    text[len] = 0;
    long id = strtol(text, NULL, 10);
    s->next_offset[message->partition] = message->offset + 1;
    if (id < 0 || id >= s->next_id)
        failed(s, "a record that nobody made: %s", text);
    else if (s->seen[id] < UINT8_MAX)
        s->seen[id]++;
}

static rd_kafka_t *reader(struct stream *s)
{
    static const char *const pairs[][2] = {{"group.id", "producers"},
                                           {"enable.partition.eof", "true"},
                                           {"auto.offset.reset", "error"},
                                           {"isolation.level", "read_committed"}};
    rd_kafka_t *rk = client(RD_KAFKA_CONSUMER, s, pairs, 4);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(PARTITIONS);

    rd_kafka_poll_set_consumer(rk);
    for (int p = 0; p < PARTITIONS; p++)
        rd_kafka_topic_partition_list_add(list, topics[s->kind], p)->offset = s->next_offset[p];
    rd_kafka_assign(rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    return rk;
}

/* Goes on where the last round ended, to the end of what is committed. */
static void *read_back(void *context)
{
    struct stream *s = context;
    rd_kafka_t *rk = reader(s);

    for (int ended = 0, empty = 0; ended < PARTITIONS;) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(rk, POLL_MS);
        if (!message && ++empty > POLLS_EMPTY_MAX)
            give_up("%s cannot be read to its end", topics[s->kind]);
        if (!message)
            continue;
        if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
            ended++;
        else if (message->err)
            give_up("reading %s: %s", topics[s->kind], rd_kafka_message_errstr(message));
        else
            take(s, message);
        rd_kafka_message_destroy(message);
    }
    rd_kafka_consumer_close(rk);
    rd_kafka_destroy(rk);
    return NULL;
}

/* ---- comparing ---- */

static void check_records(struct stream *s)
{
    for (long id = 0; id < s->next_id; id++) {
        if (s->acked[id] && !s->seen[id])
            failed(s, "record %ld was acknowledged and is not there", id);
        if (s->kind == IDEMPOTENT && s->seen[id] > 1)
            failed(s, "record %ld is there %d times", id, s->seen[id]);
    }
}

static void check_transactions(struct stream *s)
{
    for (long t = 0; t * TRANSACTION_RECORDS < s->next_id; t++) {
        const uint8_t *seen = s->seen + t * TRANSACTION_RECORDS;
        uint8_t fate = s->fates[t], expected = fate == COMMITTED || (fate == ENDING && seen[0]);
        for (int i = 0; i < TRANSACTION_RECORDS; i++)
            if (seen[i] != expected)
                failed(s, "transaction %ld (%s): record %d is there %d times, not %d", t,
                       fate == COMMITTED ? "committed" : fate == ENDING ? "its end under way"
                       : fate == ABORTED ? "aborted" : "open", i, seen[i], expected);
    }
}

static void check_round(int round)
{
    int before[KINDS];

    for (int k = 0; k < KINDS; k++) {
        before[k] = streams[k].failures;
        pthread_create(&streams[k].thread, NULL, read_back, &streams[k]);
    }
    for (int k = 0; k < KINDS; k++)
        pthread_join(streams[k].thread, NULL);
    for (int k = 0; k < KINDS; k++) {
        if (k == TRANSACTIONAL)
            check_transactions(&streams[k]);
        else
            check_records(&streams[k]);
        passes += streams[k].failures == before[k];
    }
    printf("round %d: %ld, %ld and %ld records made\n", round, streams[ACKS_ALL].next_id,
           streams[IDEMPOTENT].next_id, streams[TRANSACTIONAL].next_id);
    fflush(stdout);
}

static void run_round(struct child *child, useconds_t life)
{
    producing = true;
    for (int k = 0; k < KINDS; k++)
        pthread_create(&streams[k].thread, NULL, k == TRANSACTIONAL ? produce_transactions : produce,
                       &streams[k]);
    usleep(life);
    child_kill(child);
    producing = false;
    for (int k = 0; k < KINDS; k++)
        pthread_join(streams[k].thread, NULL);
    /* a transaction that was cut short still has its place */
    struct stream *t = &streams[TRANSACTIONAL];
    t->next_id = (t->next_id + TRANSACTION_RECORDS - 1) / TRANSACTION_RECORDS * TRANSACTION_RECORDS;
    child_start(child);
    begin_life(t);
}

static void make_topic(const struct child *child, const char *name)
{
    char command[512];

    snprintf(command, sizeof(command), "%s topic create %s --partitions %d --kafka %s >/dev/null",
             child->binary, name, PARTITIONS, child->kafka);
    if (system(command) != 0)
        give_up("%s", command);
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return fprintf(stderr, "usage: producers QUICKWATER ROUNDS [SEED]\n"), 2;
    char dir[] = "/tmp/quickwater-producers-XXXXXX";
    struct child child = {.binary = argv[1], .dir = mkdtemp(dir)};
    uint64_t seed = argc > 3 ? strtoull(argv[3], NULL, 0) : 1;
    struct rng when = rng_seed(seed);

    printf("seed %" PRIu64 ", data in %s\n", seed, dir);
    child_start(&child);
    for (int k = 0; k < KINDS; k++)
        streams[k] = (struct stream){.kind = (enum kind)k,
                                     .child = &child,
                                     .acked = calloc(RECORDS_MAX, 1),
                                     .seen = calloc(RECORDS_MAX, 1),
                                     .fates = calloc(RECORDS_MAX, 1)};
    for (int k = 0; k < KINDS; k++)
        make_topic(&child, topics[k]);
    begin_life(&streams[TRANSACTIONAL]);
    for (int round = 1; round <= atoi(argv[2]) && failures() < 20; round++) {
        run_round(&child, (useconds_t)rng_below(&when, 900000) + 30000);
        check_round(round);
    }
    end_client(streams[TRANSACTIONAL].rk);
    int stopped = child_stop(&child);
    if (stopped != 0)
        printf("FAIL a clean stop ends with exit code %d\n", stopped);
    if (failures() == 0 && stopped == 0)
        child_forget(&child);
    printf("%d passed, %d failed\n", passes, failures() + (stopped != 0));
    return failures() != 0 || stopped != 0;
}
