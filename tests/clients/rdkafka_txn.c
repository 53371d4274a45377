/* Transactions by a real client: rdkafka_txn HOST:PORT checks commit, abort, fencing and offsets in a
 * transaction, and ends in "N passed, N failed". For scripts that kill the server meanwhile:
 *
 *   rdkafka_txn HOST:PORT begin ID TOPIC    writes ten records in a transaction and leaves it open
 *   rdkafka_txn HOST:PORT commit ID TOPIC   the same, and commits
 *   rdkafka_txn HOST:PORT count TOPIC       how many records a read_committed consumer is given
 */
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *bootstrap;
static char why[512];

#define WANT(x, text)                                                                              \
    do {                                                                                           \
        if (!(x)) {                                                                                \
            snprintf(why, sizeof(why), "%s: %s", #x, text);                                        \
            return 0;                                                                              \
        }                                                                                          \
    } while (0)

/* Gives NULL when the call worked, else says why it did not. */
static const char *told(rd_kafka_error_t *error)
{
    static char text[256];

    if (!error)
        return NULL;
    snprintf(text, sizeof(text), "%s", rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
    return text;
}

static rd_kafka_t *client(rd_kafka_type_t type, const char *const pairs[][2], int count)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char err[256];

    rd_kafka_conf_set(conf, "bootstrap.servers", bootstrap, err, sizeof(err));
    for (int i = 0; i < count; i++) {
        if (rd_kafka_conf_set(conf, pairs[i][0], pairs[i][1], err, sizeof(err))) {
            fprintf(stderr, "%s\n", err);
            exit(1);
        }
    }
    rd_kafka_t *rk = rd_kafka_new(type, conf, err, sizeof(err));
    if (!rk) {
        fprintf(stderr, "%s\n", err);
        exit(1);
    }
    return rk;
}

static const char *unique(const char *prefix)
{
    static char names[16][64];
    static int n;
    char *name = names[n++ % 16];

    snprintf(name, 64, "%s-%lx-%d-%d", prefix, (long)time(NULL), (int)getpid(), n);
    return name;
}

static rd_kafka_t *producer(const char *id)
{
    const char *const pairs[][2] = {
        {"transactional.id", id}, {"transaction.timeout.ms", "60000"}, {"linger.ms", "1"}};
    return client(RD_KAFKA_PRODUCER, pairs, 3);
}

static int count_read(const char *topic, const char *isolation, int at_most, int seconds)
{
    const char *const pairs[][2] = {{"group.id", unique("g")},
                                    {"auto.offset.reset", "earliest"},
                                    {"isolation.level", isolation},
                                    {"enable.auto.commit", "false"}};
    rd_kafka_t *c = client(RD_KAFKA_CONSUMER, pairs, 4);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(4);
    time_t until = time(NULL) + seconds;
    int got = 0;

    rd_kafka_poll_set_consumer(c);
    for (int i = 0; i < 4; i++)
        rd_kafka_topic_partition_list_add(list, topic, i)->offset = RD_KAFKA_OFFSET_BEGINNING;
    rd_kafka_assign(c, list);
    while (got < at_most && time(NULL) < until) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(c, 200);
        got += m && !m->err;
        if (m)
            rd_kafka_message_destroy(m);
    }
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_consumer_close(c);
    rd_kafka_destroy(c);
    return got;
}

static int write_ten(rd_kafka_t *p, const char *topic)
{
    for (int i = 0; i < 10; i++) {
        rd_kafka_resp_err_t err = rd_kafka_producev(
            p, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(i % 4), RD_KAFKA_V_KEY("k", 1),
            RD_KAFKA_V_VALUE((void *)"v", 1), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
            RD_KAFKA_V_END);
        WANT(!err, rd_kafka_err2str(err));
    }
    rd_kafka_resp_err_t err = rd_kafka_flush(p, 30000);
    WANT(!err, rd_kafka_err2str(err));
    return 1;
}

static int begun(rd_kafka_t *p, const char *topic)
{
    const char *error = told(rd_kafka_begin_transaction(p));

    WANT(!error, error);
    return write_ten(p, topic);
}

static rd_kafka_t *ready(const char *id)
{
    rd_kafka_t *p = producer(id);
    const char *error = told(rd_kafka_init_transactions(p, 30000));

    if (!error)
        return p;
    fprintf(stderr, "init_transactions: %s\n", error);
    exit(1);
}

/* ---- cases ---- */

static int case_commit_and_abort(void)
{
    const char *topic = unique("txn");
    rd_kafka_t *p = ready(unique("id"));

    for (int round = 0; round < 3; round++) {
        if (!begun(p, topic))
            return 0;
        const char *error = told(round == 1 ? rd_kafka_abort_transaction(p, 30000)
                                            : rd_kafka_commit_transaction(p, 30000));
        WANT(!error, error);
    }
    if (!begun(p, topic)) /* and one that stays open */
        return 0;
    WANT(count_read(topic, "read_committed", 21, 4) == 20, "read_committed");
    WANT(count_read(topic, "read_uncommitted", 40, 20) == 40, "read_uncommitted");
    const char *error = told(rd_kafka_commit_transaction(p, 30000));
    WANT(!error, error);
    WANT(count_read(topic, "read_committed", 30, 20) == 30, "read_committed, all");
    rd_kafka_destroy(p);
    return 1;
}

static int case_fencing(void)
{
    const char *topic = unique("txn"), *id = unique("id");
    rd_kafka_t *old = ready(id);

    if (!begun(old, topic))
        return 0;
    rd_kafka_t *fresh = ready(id);
    rd_kafka_error_t *error = rd_kafka_commit_transaction(old, 30000);
    WANT(error && rd_kafka_error_is_fatal(error), "the old producer commits");
    rd_kafka_error_destroy(error);
    if (!begun(fresh, topic))
        return 0;
    const char *text = told(rd_kafka_commit_transaction(fresh, 30000));
    WANT(!text, text);
    WANT(count_read(topic, "read_committed", 11, 4) == 10, "only what the new one wrote");
    rd_kafka_destroy(old);
    rd_kafka_destroy(fresh);
    return 1;
}

static int64_t committed(rd_kafka_t *c, const char *topic)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);

    rd_kafka_topic_partition_list_add(list, topic, 0);
    rd_kafka_resp_err_t err = rd_kafka_committed(c, list, 10000);
    int64_t offset = err ? -2 : list->elems[0].offset;
    rd_kafka_topic_partition_list_destroy(list);
    return offset;
}

static int case_offsets(void)
{
    const char *topic = unique("txn"), *group = unique("g");
    const char *const pairs[][2] = {{"group.id", group}, {"enable.auto.commit", "false"}};
    rd_kafka_t *p = ready(unique("id")), *c = client(RD_KAFKA_CONSUMER, pairs, 2);
    rd_kafka_consumer_group_metadata_t *metadata = rd_kafka_consumer_group_metadata(c);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);

    for (int round = 0; round < 2; round++) {
        if (!begun(p, topic))
            return 0;
        list->cnt = 0;
        rd_kafka_topic_partition_list_add(list, topic, 0)->offset = round ? 2 : 1;
        const char *error = told(rd_kafka_send_offsets_to_transaction(p, list, metadata, 30000));
        WANT(!error, error);
        error = told(round ? rd_kafka_abort_transaction(p, 30000)
                           : rd_kafka_commit_transaction(p, 30000));
        WANT(!error, error);
        WANT(committed(c, topic) == 1, "the offset that was committed");
    }
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_consumer_group_metadata_destroy(metadata);
    rd_kafka_consumer_close(c);
    rd_kafka_destroy(c);
    rd_kafka_destroy(p);
    return 1;
}

static int case_timeout_is_bounded(void)
{
    const char *const pairs[][2] = {{"transactional.id", unique("id")},
                                    {"transaction.timeout.ms", "2000000"}};
    rd_kafka_t *p = client(RD_KAFKA_PRODUCER, pairs, 2);
    rd_kafka_error_t *error = rd_kafka_init_transactions(p, 10000);

    WANT(error && rd_kafka_error_code(error) == RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT,
         "a transaction may take longer than 15 minutes");
    rd_kafka_error_destroy(error);
    rd_kafka_destroy(p);
    return 1;
}

static const struct {
    const char *name;
    int (*run)(void);
} cases[] = {{"txn_commit_and_abort", case_commit_and_abort},
             {"txn_fencing", case_fencing},
             {"txn_offsets", case_offsets},
             {"txn_timeout_is_bounded", case_timeout_is_bounded}};

static int script(int argc, char **argv)
{
    if (strcmp(argv[2], "count") == 0) {
        printf("%d\n", count_read(argv[3], "read_committed", 1000000, 4));
        return 0;
    }
    if (argc < 5)
        return 2;
    rd_kafka_t *p = ready(argv[3]);
    if (!begun(p, argv[4])) {
        fprintf(stderr, "%s\n", why);
        return 1;
    }
    if (strcmp(argv[2], "begin") == 0)
        _exit(0); /* without a word: closing would abort it */
    const char *error = told(rd_kafka_commit_transaction(p, 30000));
    if (error)
        fprintf(stderr, "%s\n", error);
    rd_kafka_destroy(p);
    return error != NULL;
}

int main(int argc, char **argv)
{
    int passed = 0, failed = 0;

    if (argc < 2)
        return 2;
    bootstrap = argv[1];
    if (argc > 3)
        return script(argc, argv);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        int ok = cases[i].run();
        printf(ok ? "ok %s\n" : "FAILED %s: %s\n", cases[i].name, why);
        passed += ok;
        failed += !ok;
    }
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
