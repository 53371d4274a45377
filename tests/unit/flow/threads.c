/* A job's shards on several threads, on the real world and under TSan: the same answers as on one, and what
 * meets a tick that other threads are at. Every tick is given to them, however small. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/instance.h"
#include "base/check.h"
#include "flow/inner.h"
#include "lib/engines.h"

enum { PARTITIONS = 5 };

static struct engine_options threaded(uint32_t shards)
{
    return (struct engine_options){.shards = shards, .threads = shards, .crew_rows_min = 1,
                                   .pass_ns = 1, .tick_rows_max = 3000};
}

static const char *const tables =
    "CREATE TABLE events (k STRING, u INT, n INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '2' "
    "SECOND) WITH ('connector' = 'kafka', 'topic' = 'events', 'format' = 'json');"
    "CREATE TABLE odd (k STRING, n INT) WITH ('connector' = 'kafka', 'topic' = 'odd', 'format' = 'json', "
    "'topic.partitions' = '3');";

/* Aggregations of re-keyed rows, windows, joins, ranks; sinks that are views and a topic. */
static const char *const queries =
    "CREATE MATERIALIZED TABLE totals AS SELECT k, COUNT(*) AS c, SUM(n) AS s FROM events GROUP BY k;"
    "CREATE MATERIALIZED TABLE by_count AS SELECT c, COUNT(*) AS ks FROM (SELECT k, u, COUNT(*) AS c FROM "
    "events GROUP BY k, u) GROUP BY c;"
    "CREATE MATERIALIZED TABLE wins AS SELECT k, window_end, COUNT(*) AS c, MAX(n) AS m FROM TABLE("
    "TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;"
    "CREATE MATERIALIZED TABLE pairs AS SELECT a.k, a.n, b.c FROM (SELECT k, MAX(n) AS n FROM events GROUP BY "
    "k) a JOIN (SELECT k, COUNT(*) AS c FROM events WHERE n > 500 GROUP BY k) b ON a.k = b.k;"
    "CREATE MATERIALIZED TABLE top AS SELECT u, k, n FROM (SELECT u, k, n, ROW_NUMBER() OVER (PARTITION BY u "
    "ORDER BY n DESC, k) AS place FROM events) WHERE place <= 2;"
    "INSERT INTO odd SELECT k, n FROM events WHERE MOD(n, 2) = 1;";

static const char *const reads[] = {
    "SELECT * FROM totals ORDER BY k",
    "SELECT * FROM by_count ORDER BY c",
    "SELECT * FROM wins ORDER BY k, window_end",
    "SELECT * FROM pairs ORDER BY k",
    "SELECT * FROM top ORDER BY u, n DESC, k",
    "SELECT COUNT(*), SUM(n) FROM odd",
    "SELECT COUNT(*) FROM `events$errors`",
};
enum { READS = sizeof(reads) / sizeof(*reads) };

static void make_events(struct er *er)
{
    struct log_topic *topic;
    struct log_topic_options options = {0};
    EXPECT_OK(log_topic_create(er->log, BYTES_LITERAL("events"), PARTITIONS, &options, &topic, NULL,
                               &er->diag));
    er_sql(er, tables);
}

/* Event i, the same whatever partition and batch it comes in; every hundredth is no event. */
static void produce_over(struct er *er, int from, int count, int partitions)
{
    struct buf lines;
    buf_init(&lines, 0);
    for (int p = 0; p < partitions; p++) {
        buf_clear(&lines);
        for (int i = from + p; i < from + count; i += partitions) {
            int n = i * 7919 % 1009;
            if (i % 100 == 99)
                buf_str(&lines, "nonsense\n");
            else
                buf_printf(&lines, "{\"k\":\"k%d\",\"u\":%d,\"n\":%d,\"ts\":\"2026-01-01 00:%02d:%02d\"}\n",
                           n % 53, n % 11, n, i / 100 / 60 % 60, i / 100 % 60);
        }
        buf_u8(&lines, 0);
        er_produce_to(er, "events", (uint32_t)p, (const char *)lines.ptr);
    }
    buf_deinit(&lines);
}

static void produce(struct er *er, int from, int count)
{
    produce_over(er, from, count, PARTITIONS);
}

static struct job *job_of(struct er *er, const char *name)
{
    struct job *job = engine_job_find(er->engine, bytes_str(name));
    EXPECT(job);
    return job;
}

static void expect_all_run(struct er *er)
{
    for (struct job *job = engine_job_next(er->engine, NULL); job; job = engine_job_next(er->engine, job))
        if (job->state != JOB_RUNNING)
            test_fail(__FILE__, __LINE__, "%s is %s: %s", job->name, job_state_text(job->state),
                      job->error);
}

/* By the answers of one shard on one thread. */
static void expect_answers(struct er *er, char *first[READS])
{
    expect_all_run(er);
    for (int q = 0; q < READS; q++) {
        const char *rows = er_rows(er, reads[q]);
        if (!first[q])
            first[q] = strdup(rows);
        else
            EXPECT_STR(rows, first[q]);
    }
}

static void free_answers(char *first[READS])
{
    for (int q = 0; q < READS; q++)
        free(first[q]);
}

TEST_SECONDS(threads_give_the_same_answers_on_any_shards, 120)
{
    static const uint32_t shards[] = {1, 2, 3, 8};
    char *first[READS] = {0};
    for (int s = 0; s < 4; s++) {
        struct er er;
        er_open(&er, os_posix(), NULL, threaded(shards[s]));
        make_events(&er);
        er_sql(&er, queries);
        for (int i = 0; i < 6; i++) {
            produce(&er, i * 2000, 2000);
            if (i % 2)
                er_settle(&er);
        }
        er_settle(&er);
        if (shards[s] > 1)
            EXPECT(er.engine->crew && crew_start(er.engine->crew)); /* there are threads */
        expect_answers(&er, first);
        er_close(&er, false);
    }
    free_answers(first);
}

/* Checkpoints are written and ticks run again on other numbers of shards and threads. */
TEST_SECONDS(threads_recover_what_others_ran, 120)
{
    static const uint32_t shards[] = {2, 3, 8, 2, 1};
    char *first[READS] = {0};
    struct er er;
    const char *dir = test_dir();
    for (int round = 0; round < 5; round++) {
        struct engine_options options = threaded(shards[round]);
        options.checkpoint_interval_us = 20000;
        if (round == 2)
            options.threads = 3; /* a thread may host several shards */
        er_open(&er, os_posix(), dir, options);
        if (round == 0) {
            make_events(&er);
            er_sql(&er, queries);
        }
        produce(&er, round * 1500, 1500);
        er_settle(&er);
        if (round == 4)
            expect_answers(&er, first);
        er_close(&er, round % 2);
    }
    er_open(&er, os_posix(), NULL, threaded(1));
    make_events(&er);
    er_sql(&er, queries);
    for (int round = 0; round < 5; round++)
        produce(&er, round * 1500, 1500);
    er_settle(&er);
    expect_answers(&er, first);
    er_close(&er, false);
    free_answers(first);
}

/* Each shard waits for its own file; the state of all goes to disk and through its saved form between ticks by chance. */
TEST_SECONDS(threads_wait_for_state_that_is_on_disk, 120)
{
    char *first[READS] = {0};
    uint64_t moves = 0;
    for (uint32_t shards = 1; shards <= 3; shards++) {
        struct engine_options options = threaded(shards);
        struct er er;
        char dir[OS_PATH_MAX];
        snprintf(dir, sizeof(dir), "%s/%u", test_dir(), shards);
        options.check_determinism = shards > 1;
        options.check_seed = shards;
        options.checkpoint_interval_us = 20000;
        er_open(&er, os_posix(), dir, options);
        make_events(&er);
        er_sql(&er, queries);
        for (int i = 0; i < 12; i++) {
            produce(&er, i * 500, 500);
            er_settle(&er);
        }
        expect_answers(&er, first);
        for (struct job *job = engine_job_next(er.engine, NULL); job; job = engine_job_next(er.engine, job))
            moves += job->moves;
        er_close(&er, true);
    }
    EXPECT(moves > 10);
    free_answers(first);
}

static bool in_a_tick(const struct job *job)
{
    return job->ticking && driver_elsewhere(job->driver);
}

/* The topics that jobs read and write are given partitions while other threads are at a tick of them. */
TEST_SECONDS(threads_meet_partitions_that_come, 120)
{
    char *first[READS] = {0};
    int met = 0;
    for (uint32_t shards = 3; shards > 0; shards -= 2) {
        struct er er;
        struct log_topic *topic;
        er_open(&er, os_posix(), shards > 1 ? test_dir() : NULL, threaded(shards));
        EXPECT_OK(log_topic_create(er.log, BYTES_LITERAL("events"), 1, NULL, &topic, NULL, &er.diag));
        er_sql(&er, tables);
        er_sql(&er, queries);
        for (int round = 0; round < PARTITIONS; round++) {
            struct log_topic *odd = log_topic_find(er.log, BYTES_LITERAL("odd"));
            struct job *into_odd = job_of(&er, "insert-into_odd"), *wins = job_of(&er, "wins");
            produce_over(&er, round * 2000, 1000, round + 1);
            for (int i = 0; i < 5000 && !in_a_tick(round % 2 ? into_odd : wins); i++)
                er_pass(&er);
            met += in_a_tick(into_odd) || in_a_tick(wins);
            if (round + 1 < PARTITIONS)
                EXPECT_OK(log_topic_extend(er.log, topic, (uint32_t)round + 2, NULL, &er.diag));
            EXPECT_OK(log_topic_extend(er.log, odd, (uint32_t)round + 4, NULL, &er.diag));
            produce_over(&er, round * 2000 + 1000, 1000, round + 1 < PARTITIONS ? round + 2 : PARTITIONS);
        }
        er_settle(&er);
        expect_answers(&er, first);
        er_close(&er, false);
        if (shards == 1)
            break;
        er_open(&er, os_posix(), test_dir(), threaded(2));
        er_settle(&er);
        expect_answers(&er, first); /* all of it run again */
        er_close(&er, false);
    }
    EXPECT(met > 0);
    free_answers(first);
}

/* Passes until the job is in the middle of a tick that other threads are at. */
static void into_a_tick(struct er *er, struct job *job)
{
    static int from;
    for (int i = 0; !in_a_tick(job); i++) {
        if (i % 50 == 0)
            produce(er, from += 3000, 3000);
        er_pass(er);
        EXPECT(i < 20000);
    }
}

TEST_SECONDS(threads_are_left_by_a_job_that_is_dropped_in_the_middle, 60)
{
    struct er er;
    er_open(&er, os_posix(), test_dir(), threaded(3));
    make_events(&er);
    for (int round = 0; round < 8; round++) {
        uint64_t lsn;
        er_sql(&er, queries);
        into_a_tick(&er, job_of(&er, "insert-into_odd"));
        EXPECT_OK(job_drop(job_of(&er, "insert-into_odd"), &lsn));
        into_a_tick(&er, job_of(&er, "pairs"));
        er_sql(&er, "DROP MATERIALIZED TABLE pairs; DROP MATERIALIZED TABLE totals; DROP MATERIALIZED TABLE "
                    "by_count; DROP MATERIALIZED TABLE wins;");
        into_a_tick(&er, job_of(&er, "top"));
        er_sql(&er, "DROP MATERIALIZED TABLE top;");
    }
    er_close(&er, true);
}

TEST_SECONDS(threads_end_a_tick_that_is_paused_saved_read_or_closed, 60)
{
    struct er er;
    struct diag diag = {0};
    const char *path;
    uint64_t lsn;
    const char *dir = test_dir();
    er_open(&er, os_posix(), dir, threaded(3));
    make_events(&er);
    er_sql(&er, queries);
    struct job *job = job_of(&er, "totals");

    into_a_tick(&er, job);
    uint64_t tick = job->tick;
    EXPECT_OK(job_pause(job, &lsn));
    er_settle(&er);
    EXPECT_INT(job->state, JOB_PAUSED);
    EXPECT_INT(job->tick, tick + 1);
    EXPECT_OK(job_resume(job, &lsn));

    into_a_tick(&er, job);
    tick = job->tick;
    EXPECT_OK(job_savepoint(job, &path, &diag));
    EXPECT_INT(job->checkpoint_tick, tick + 1);

    into_a_tick(&er, job);
    tick = job->tick;
    struct job_info info; /* figures do not wait */
    job_info(job, &info);
    EXPECT(driver_elsewhere(job->driver) && info.rows_in > 0);
    struct engine_result result;
    struct bytes next;
    EXPECT_OK(view_scan(engine_view_find(er.engine, BYTES_LITERAL("totals")), BYTES_NONE, 1000, &result,
                        &next, &diag));
    EXPECT(!job->ticking && job->tick == tick + 1); /* a whole tick is read */
    uint64_t sum = 0, rows_in = 0;
    for (uint32_t c = 0; c < result.chunks_count; c++)
        for (uint16_t i = 0; i < result.chunks[c].count; i++)
            sum += (uint64_t)((const int64_t *)result.chunks[c].cols[1].data)[i];
    job_info(job, &info);
    for (uint32_t n = 0; n < info.ops_count; n++) {
        struct op_info op;
        job_op_info(job, n, &op);
        rows_in += strcmp(op.name, "GroupAggregate") == 0 ? op.rows_in : 0;
    }
    EXPECT_INT(sum, rows_in);
    arena_deinit(&result.arena);

    into_a_tick(&er, job);
    er_close(&er, true);
    er_open(&er, os_posix(), dir, threaded(2));
    EXPECT(engine_job_find(er.engine, BYTES_LITERAL("totals")));
    er_settle(&er);
    expect_all_run(&er);
    er_close(&er, false);
}

TEST(threads_leave_a_tick_that_fails)
{
    struct er er;
    er_open(&er, os_posix(), NULL, threaded(3));
    make_events(&er);
    er_sql(&er, queries);
    er_sql(&er, "CREATE MATERIALIZED TABLE bad AS SELECT k, SUM(CAST(SUBSTRING(k, 2) AS INT) / (n - 512)) AS s "
                "FROM events GROUP BY k;");
    for (int i = 0; i < 4; i++)
        produce(&er, i * 2000, 2000);
    er_settle(&er);
    EXPECT_INT(job_of(&er, "bad")->state, JOB_FAILED);
    EXPECT(strstr(job_of(&er, "bad")->error, "zero"));
    EXPECT_INT(job_of(&er, "totals")->state, JOB_RUNNING);
    EXPECT_STR(er_rows(&er, "SELECT SUM(c) FROM totals"), "7920");
    er_close(&er, false);
}

TEST(threads_print_every_row_once)
{
    struct er er;
    er_open(&er, os_posix(), test_dir(), threaded(3));
    make_events(&er);
    er_sql(&er, "CREATE TABLE p (k STRING, n INT) WITH ('connector' = 'print');"
                "INSERT INTO p SELECT k, n FROM events;");
    for (int i = 0; i < 5; i++) {
        produce(&er, i * 1000, 1000);
        er_pass(&er);
    }
    er_settle(&er);
    size_t lines = 0;
    for (size_t i = 0; i < er.printed.len; i++)
        lines += er.printed.ptr[i] == '\n';
    EXPECT_INT(lines, 5 * 990);
    er_close(&er, true);
}

/* ---- the crew ---- */

struct sick {
    struct crew_work work;
    struct crew *crew;
};

static enum crew_turn fail_a_check(struct crew_work *work)
{
    CHECK(work == NULL);
    return CREW_DONE;
}

static void sicken(struct call *call, struct server *server)
{
    struct sick *sick = call->context;
    struct crew *crew = server_engine(server)->crew;
    EXPECT(crew && crew_start(crew));
    sick->work.turn = fail_a_check;
    crew_post(crew, 1, &sick->work);
    call_done(call, ST_OK);
}

static void answer(struct call *call, struct server *server)
{
    (void)server;
    call_done(call, ST_OK);
}

struct failure {
    int count;
    char what[80];
};

static void on_failure(void *context, const char *what, const char *file, int line)
{
    struct failure *failure = context;
    (void)file;
    (void)line;
    failure->count++;
    snprintf(failure->what, sizeof(failure->what), "%s", what);
}

TEST(threads_of_an_instance_whose_check_fails_are_its_own)
{
    struct server_options options = {.shards = 3};
    struct instance *sick, *well;
    struct diag diag = {0};
    struct failure failure = {0};
    static struct sick work;
    EXPECT_OK(instance_open(&options, on_failure, &failure, &sick, &diag));
    EXPECT_OK(instance_open(&options, on_failure, &failure, &well, &diag));
    EXPECT_OK(instance_call(sick, sicken, &work));
    for (int i = 0; i < 5000 && !instance_poisoned(sick); i++)
        usleep(1000);
    EXPECT(instance_poisoned(sick));
    EXPECT_INT(failure.count, 1);
    EXPECT_STR(failure.what, "work == NULL");
    EXPECT_STATUS(instance_call(sick, answer, NULL), ST_CLOSED);
    EXPECT_OK(instance_call(well, answer, NULL));
    instance_close(well);
    instance_close(sick); /* joins all its threads */
    _exit(0); /* what the poisoned instance held is left as it was, on purpose: no leak check */
}

static atomic_uint rung;

static void ring_home(void *context)
{
    (void)context;
    atomic_fetch_add(&rung, 1);
}

struct counting {
    struct crew_work work;
    atomic_uint *left;
    struct crew *crew;
    unsigned turns;
};

static enum crew_turn count_turn(struct crew_work *work)
{
    struct counting *c = (struct counting *)work;
    return ++c->turns < 100 ? CREW_MOVED : CREW_DONE;
}

static void count_left(struct crew_work *work)
{
    struct counting *c = (struct counting *)work;
    struct crew *crew = c->crew;
    if (atomic_fetch_sub(c->left, 1) == 1)
        crew_ring(crew, 0);
}

TEST(threads_of_a_crew_turn_their_works_and_ring)
{
    struct crew *crew = crew_create(os_posix(), 4, ring_home, NULL);
    atomic_uint left = 9;
    struct counting works[9];
    EXPECT(crew_start(crew));
    for (int round = 0; round < 200; round++) {
        atomic_store(&left, 9);
        for (uint32_t i = 0; i < 9; i++) {
            works[i] = (struct counting){.work = {count_turn, count_left, NULL}, .left = &left, .crew = crew};
            crew_post(crew, 1 + i % 3, &works[i].work);
        }
        for (;;) {
            unsigned seen = crew_home_seen(crew);
            if (!atomic_load(&left))
                break;
            crew_home_wait(crew, seen);
        }
        for (uint32_t i = 0; i < 9; i++)
            EXPECT_INT(works[i].turns, 100);
    }
    crew_destroy(crew);
}

TEST(threads_of_an_idle_engine_use_no_cpu)
{
    struct er er;
    er_open(&er, os_posix(), NULL, threaded(8));
    make_events(&er);
    er_sql(&er, queries);
    produce(&er, 0, 2000);
    er_settle(&er);
    usleep(20000);
    int64_t cpu = os_cpu_ns(os_posix());
    usleep(300000);
    EXPECT(os_cpu_ns(os_posix()) - cpu < 20000000);
    er_close(&er, false);
}
