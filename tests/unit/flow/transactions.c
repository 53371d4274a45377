/* Jobs over topics that transactions write to: nothing open is read, nothing aborted counts, and a
 * job that is killed in the middle of a transaction gives the same as one that was not. */
#include "lib/engines.h"
#include "wire/kafka/batch.h"

struct writer {
    struct er *er;
    int64_t id;
    int32_t sequence;
};

static struct log_partition *partition(struct er *er)
{
    return log_partition_of(log_topic_find(er->log, BYTES_LITERAL("s")), 0);
}

static void put(struct writer *w, const char *line)
{
    struct batch_builder b;
    struct log_appended a;
    struct buf out;

    batch_builder_init(&b, KAFKA_CODEC_NONE);
    buf_init(&out, 0);
    b.attributes = BATCH_TRANSACTIONAL;
    b.producer_id = w->id;
    b.producer_epoch = 0;
    b.base_sequence = w->sequence++;
    batch_builder_add(&b, os_wall_us(w->er->os) / 1000, BYTES_NONE, bytes_str(line), NULL, 0);
    EXPECT_OK(batch_builder_finish(&b, &out));
    EXPECT_OK(log_append(w->er->log, partition(w->er), buf_view(&out), &a, NULL));
    buf_deinit(&out);
    batch_builder_deinit(&b);
}

static void end(struct writer *w, enum log_outcome outcome)
{
    struct log_entry *entry = log_entry_begin(w->er->log);
    const struct log_marker marker = {.producer_id = w->id, .outcome = outcome};

    EXPECT_OK(log_entry_marker(entry, partition(w->er), &marker));
    EXPECT_OK(log_entry_commit(entry, NULL, NULL));
}

static const char *sums(struct er *er)
{
    return er_rows(er, "SELECT k, n FROM v ORDER BY k");
}

static void open_job(struct er *er, struct os *os)
{
    er_open(er, os, "data", (struct engine_options){0});
    er_sql(er, "CREATE TABLE s (k STRING, n INT) WITH ('connector' = 'kafka', 'topic' = 's', "
               "'format' = 'json');");
    er_sql(er, "CREATE MATERIALIZED TABLE v AS SELECT k, SUM(n) AS n FROM s GROUP BY k;");
}

TEST(job_reads_what_has_committed_and_leaves_out_what_was_aborted)
{
    struct er er;

    open_job(&er, os_sim_create(test_seed(), NULL));
    struct writer a = {&er, 1, 0}, b = {&er, 2, 0};
    put(&a, "{\"k\":\"a\",\"n\":1}");
    put(&b, "{\"k\":\"b\",\"n\":10}");
    er_produce(&er, "s", "{\"k\":\"plain\",\"n\":5}");
    er_settle(&er);
    EXPECT_STR(sums(&er), "");
    end(&b, LOG_COMMIT); /* a still holds back what stands behind it */
    er_settle(&er);
    EXPECT_STR(sums(&er), "");
    put(&a, "{\"k\":\"a\",\"n\":2}");
    end(&a, LOG_ABORT);
    er_settle(&er);
    EXPECT_STR(sums(&er), "b,10 | plain,5");
    put(&a, "{\"k\":\"a\",\"n\":100}");
    end(&a, LOG_COMMIT);
    er_settle(&er);
    EXPECT_STR(sums(&er), "a,100 | b,10 | plain,5");
    er_end(&er);
}

TEST(job_is_killed_in_the_middle_of_a_transaction)
{
    struct os *os = os_sim_create(test_seed(), NULL);
    struct er er;

    open_job(&er, os);
    struct writer a = {&er, 1, 0}, b = {&er, 2, 0};
    put(&b, "{\"k\":\"x\",\"n\":1000}");
    end(&b, LOG_ABORT);
    er_produce(&er, "s", "{\"k\":\"x\",\"n\":1}");
    put(&a, "{\"k\":\"x\",\"n\":10}");
    er_settle(&er);
    EXPECT_STR(sums(&er), "x,1");
    for (int i = 0; i < 3; i++) { /* its ticks are run again, over the aborted one too */
        er_kill(&er);
        er_open(&er, os, "data", (struct engine_options){0});
        er_settle(&er);
        EXPECT_STR(sums(&er), "x,1");
    }
    put(&a, "{\"k\":\"x\",\"n\":20}");
    end(&a, LOG_COMMIT);
    er_settle(&er);
    EXPECT_STR(sums(&er), "x,31");
    er_kill(&er);
    er_open(&er, os, "data", (struct engine_options){0});
    er_settle(&er);
    EXPECT_STR(sums(&er), "x,31");
    er_end(&er);
}

TEST(job_that_asks_for_it_reads_what_is_not_committed)
{
    struct er er;

    er_open(&er, os_sim_create(test_seed(), NULL), "data", (struct engine_options){0});
    er_sql(&er, "CREATE TABLE s (k STRING, n INT) WITH ('connector' = 'kafka', 'topic' = 's', "
                "'format' = 'json', 'properties.isolation.level' = 'read_uncommitted');");
    er_sql(&er, "CREATE MATERIALIZED TABLE v AS SELECT k, SUM(n) AS n FROM s GROUP BY k;");
    struct writer a = {&er, 1, 0};
    put(&a, "{\"k\":\"a\",\"n\":1}");
    er_settle(&er);
    EXPECT_STR(sums(&er), "a,1");
    end(&a, LOG_ABORT);
    er_settle(&er);
    EXPECT_STR(sums(&er), "a,1");
    EXPECT(er_try(&er, "CREATE TABLE s2 (k STRING) WITH ('connector' = 'kafka', 'topic' = 's', "
                              "'format' = 'json', 'properties.isolation.level' = 'sometimes');"
                              "CREATE MATERIALIZED TABLE v2 AS SELECT k FROM s2;") !=
           ST_OK);
    er_end(&er);
}
