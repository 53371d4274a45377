#include "lib/sql_trial.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "lib/engines.h"
#include "lib/sql_maker.h"

enum { PORTIONS_MAX = 6 };

/* Past the end of every window: what is open then closes. */
static const char last_records[] = "{\"k\":\"z\",\"n\":1,\"ts\":\"2024-02-01 00:00:00\"}";

static const uint32_t shard_counts[] = {1, 2, 3, 8};

struct portion {
    char *lines;
    const char *topic;
    uint32_t partition;
    uint32_t end; /* what happens behind it: 0, 1 nothing; 2 kill; 3 power cut; 4 clean stop */
};

struct trial {
    char *query;
    struct portion portions[PORTIONS_MAX];
    uint32_t portions_count, tick_rows;
    uint32_t shards; /* the place among shard_counts of the first life; each later one has the next */
};

static char *taken(struct sql_maker *m)
{
    char *text = strndup((const char *)m->out.ptr, m->out.len);
    buf_clear(&m->out);
    return text;
}

static void trial_make(struct trial *trial, struct bytes choices)
{
    struct sql_maker m;
    uint32_t clock_s[3] = {0};

    *trial = (struct trial){0};
    sql_maker_init(&m, choices);
    trial->shards = sql_pick(&m, 4);
    trial->tick_rows = 1 + sql_pick(&m, 12);
    trial->portions_count = 1 + sql_pick(&m, PORTIONS_MAX);
    for (uint32_t i = 0; i < trial->portions_count; i++) {
        struct portion *p = &trial->portions[i];
        uint32_t where = sql_pick(&m, 3);
        p->topic = where < 2 ? "t" : "u";
        p->partition = where == 1;
        p->end = sql_pick(&m, 5);
        sql_make_records(&m, 2 + sql_pick(&m, 12), SQL_NULLS | SQL_TIES, &clock_s[where]);
        p->lines = taken(&m);
    }
    buf_str(&m.out, "CREATE MATERIALIZED TABLE v AS ");
    sql_make_query(&m);
    trial->query = taken(&m);
    sql_maker_deinit(&m);
}

static void trial_free(struct trial *trial)
{
    for (uint32_t i = 0; i < trial->portions_count; i++)
        free(trial->portions[i].lines);
    free(trial->query);
}

static void produce_last(struct er *er)
{
    er_produce_to(er, "t", 0, last_records);
    er_produce_to(er, "t", 1, last_records);
    er_produce_to(er, "u", 0, last_records);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The rows in order of their text, which no order of arrival changes. */
static char *sorted_rows(const char *joined)
{
    char *text = strdup(joined), *save = NULL, *out = NULL;
    size_t count = 0, size = 0;
    char **rows = calloc(strlen(text) / 2 + 2, sizeof(*rows));
    FILE *to = open_memstream(&out, &size);

    for (char *row = strtok_r(text, "|", &save); row; row = strtok_r(NULL, "|", &save)) {
        row += *row == ' ';
        if (*row && row[strlen(row) - 1] == ' ')
            row[strlen(row) - 1] = 0;
        rows[count++] = row;
    }
    qsort(rows, count, sizeof(*rows), by_text);
    for (size_t i = 0; i < count; i++)
        fprintf(to, "%s\n", rows[i]);
    fclose(to);
    free(rows);
    free(text);
    return out;
}

/* The view's rows, or why there are none. */
static char *outcome(struct er *er)
{
    struct job *job = engine_job_find(er->engine, BYTES_LITERAL("v"));
    struct job_info info;

    if (!job)
        return strdup("no job");
    job_info(job, &info);
    if (info.state != JOB_RUNNING) {
        char *text = NULL;
        if (asprintf(&text, "%s: %s", job_state_text(info.state), info.error) < 0)
            abort();
        return text;
    }
    return sorted_rows(er_rows(er, "SELECT * FROM v"));
}

static void tables_make(struct er *er)
{
    er_sql(er, sql_maker_tables);
    er_sql(er, "SELECT * FROM t"); /* makes the topics */
    er_sql(er, "SELECT * FROM u");
}

static char *run_plain(const struct trial *trial, bool *refused)
{
    struct er er;
    char *rows = NULL;

    er_open(&er, os_sim_create(1, NULL), NULL, (struct engine_options){0});
    tables_make(&er);
    *refused = er_try(&er, trial->query) != ST_OK;
    for (uint32_t i = 0; !*refused && i < trial->portions_count; i++)
        er_produce_to(&er, trial->portions[i].topic, trial->portions[i].partition,
                      trial->portions[i].lines);
    if (!*refused) {
        er_settle(&er);
        produce_last(&er);
        er_settle(&er);
        rows = outcome(&er);
    } else if (!er.diag.message[0])
        test_fail(__FILE__, __LINE__, "refused without a reason: %s", trial->query);
    er_end(&er);
    return rows;
}

static void end_life(struct er *er, struct os *os, uint32_t end, const struct engine_options *options)
{
    if (end < 2)
        return;
    er_settle(er); /* what was produced here is acknowledged */
    if (end == 2)
        er_kill(er);
    else if (end == 3)
        er_crash(er);
    else
        er_close(er, true);
    er_open(er, os, "data", *options);
}

static char *run_hard(const struct trial *trial, uint64_t seed)
{
    struct engine_options options = {.shards = shard_counts[trial->shards],
                                     .tick_rows_max = trial->tick_rows,
                                     .check_determinism = true, .check_seed = seed};
    struct os *os = os_sim_create(seed, NULL);
    struct er er;

    er_open(&er, os, "data", options);
    tables_make(&er);
    er_sql(&er, trial->query);
    for (uint32_t i = 0; i < trial->portions_count; i++) {
        const struct portion *p = &trial->portions[i];
        er_produce_to(&er, p->topic, p->partition, p->lines);
        er_pass(&er);
        options.shards = shard_counts[(trial->shards + (p->end >= 2 ? i + 1 : 0)) % 4];
        end_life(&er, os, p->end, &options);
    }
    er_settle(&er);
    produce_last(&er);
    er_settle(&er);
    char *rows = outcome(&er);
    er_end(&er);
    return rows;
}

void sql_trial_query(struct bytes choices)
{
    struct trial trial;
    bool refused;

    trial_make(&trial, choices);
    char *plain = run_plain(&trial, &refused), *hard = NULL;
    if (!refused) {
        hard = run_hard(&trial, 1 + hash_bytes(choices) % 1000);
        if (strcmp(plain, hard))
            test_fail(__FILE__, __LINE__, "%s\n-- %u shards at first, %u rows a tick gave\n%s-- not\n%s", trial.query,
                      shard_counts[trial.shards], trial.tick_rows, hard, plain);
    }
    free(plain);
    free(hard);
    trial_free(&trial);
}

/* ---- scripts of any kind ---- */

static void try_statement(struct er *er, struct sql_maker *m)
{
    sql_make_statement(m);
    char *text = taken(m);
    if (er_try(er, text) != ST_OK && !er->diag.message[0])
        test_fail(__FILE__, __LINE__, "refused without a reason: %s", text);
    free(text);
}

void sql_trial_script(struct bytes choices)
{
    struct engine_options options = {.shards = 0};
    struct os *os = os_sim_create(1 + hash_bytes(choices) % 1000, NULL);
    struct sql_maker m;
    struct er er;
    uint32_t clock_s = 0;

    sql_maker_init(&m, choices);
    options.shards = 1 + sql_pick(&m, 3);
    er_open(&er, os, "data", options);
    tables_make(&er);
    for (int turn = 0; turn < 6 && m.at != m.end; turn++) {
        try_statement(&er, &m);
        sql_make_records(&m, sql_pick(&m, 6), SQL_NULLS | SQL_TIES | SQL_WILD, &clock_s);
        char *lines = taken(&m);
        if (*lines && log_topic_find(er.log, BYTES_LITERAL("t")))
            er_produce(&er, "t", lines);
        free(lines);
        er_settle(&er);
        end_life(&er, os, sql_pick(&m, 9), &options);
    }
    sql_maker_deinit(&m);
    er_end(&er);
}
