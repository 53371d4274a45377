/* statement.c: what each statement does to the catalog, the jobs and the log.
 *
 * The same code runs a statement when it is given and when it is applied again at the start
 * (call->applied): then nothing is written, and jobs recover from their notes.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "flow/inner.h"
#include "flow/listing.h"
#include "flow/outside.h"
#include "flow/with.h"
#include "flow/table_files.h"
#include "sql/ast.h"

static struct bytes say(struct engine_result *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static struct bytes say(struct engine_result *out, const char *format, ...)
{
    char text[400];
    va_list args;
    if (!out)
        return BYTES_NONE;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    out->message = arena_str(&out->arena, bytes_str(text));
    return bytes_str(out->message);
}

static uint64_t *lsn_of(struct engine_result *out, uint64_t *spare)
{
    return out ? &out->lsn : spare;
}

/* ---- jobs from plans ---- */

struct begin_context {
    struct stored *stored;
    const struct settings *settings;
};

static void begin_kv(void *context, struct log_entry *entry)
{
    struct begin_context *begin = context;
    stored_into(begin->stored, begin->settings, entry);
}

static struct job_start start_of(const struct statement_call *call, struct bytes name,
                                 struct plan *plan)
{
    const struct settings *settings = call->settings;
    int64_t idle = settings_duration_us(
        bytes_str(settings_get(settings, "table.exec.source.idle-timeout")));
    return (struct job_start){
        .name = name, .text = call->statement->text, .take_plan = plan,
        .idle_timeout_us = idle > 0 ? idle : 0,
        .zone = settings_get(settings, "table.local-time-zone"), .host = call->engine,
    };
}

/* A new durable job, in one entry with its statement; or one that is applied again. */
static enum status job_launch(struct statement_call *call, struct bytes name, struct plan *plan,
                              char letter, struct engine_result *out, struct diag *diag)
{
    struct engine *engine = call->engine;
    struct job_start start = start_of(call, name, plan);
    struct job *job;
    if (engine_job_find(engine, name)) {
        plan_destroy(plan);
        return diag_set(diag, ST_EXISTS, DIAG_EXISTS, "there is a job '%.*s' already",
                        BYTES_FMT(name));
    }
    uint64_t spare;
    enum status made = ST_OK;
    if (!call->applied)
        made = job_forget(engine, name, out ? &out->lsn : &spare);
    if (made == ST_OK)
        made = outside_use_all(engine->options.outside, plan, name, diag);
    if (made != ST_OK) {
        plan_destroy(plan);
        return made;
    }
    TRY(job_open(engine, &start, &job, diag));
    if (job->state == JOB_RUNNING && job->tick == 0 && job->note_offset == 0) {
        struct begin_context begin = {.settings = call->settings};
        begin.stored = call->applied ? NULL
                                     : stored_make(engine, letter, name, call->statement->text);
        enum status st = job_begin(job, begin.stored ? begin_kv : NULL, &begin, diag);
        if (st != ST_OK) {
            uint64_t lsn;
            enum status ignored = stored_remove(engine, letter, name, &lsn);
            (void)ignored;
            job_close(job);
            return st;
        }
    }
    job_trial_read(job);
    struct bytes paused;
    if (log_kv_get(engine->log, LOG_KV_JOBS, name, &paused) && bytes_is(paused, "paused"))
        job->pause_wanted = true;
    engine_job_add(engine, job);
    if (out) {
        out->lsn = job->lsn > out->lsn ? job->lsn : out->lsn;
        out->job = arena_copy(&out->arena, name);
        say(out, "job '%.*s' started", BYTES_FMT(name));
    }
    return ST_OK;
}

/* A name that no job has: wanted, or wanted-2, wanted-3 … */
static struct bytes free_name(struct engine *engine, struct arena *arena, struct bytes wanted)
{
    struct bytes name = wanted;
    for (unsigned n = 2; engine_job_find(engine, name); n++)
        name = bytes_str(arena_printf(arena, "%.*s-%u", BYTES_FMT(wanted), n));
    return name;
}

/* Letters that a topic's name may not have become '_', since notes lie in a topic of the job's name. */
static struct bytes clean_name(struct arena *arena, struct bytes name)
{
    char *text = arena_str(arena, bytes_head(name, 180));
    for (char *c = text; *c; c++) {
        bool good = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                    (*c >= '0' && *c <= '9') || *c == '-' || *c == '_' || *c == '.';
        *c = good ? *c : '_';
    }
    return bytes_str(text);
}

/* ---- temporary jobs ---- */

static void hint(struct plan *plan, struct plan_scan *scan, const char *key, const char *value)
{
    for (uint16_t i = 0; i < scan->hints_count; i++)
        if (bytes_is(scan->hints[i].key, key))
            return; /* the query says it itself */
    struct table_option *hints = ARENA_ARRAY(&plan->arena, struct table_option,
                                             scan->hints_count + 1);
    if (scan->hints_count)
        memcpy(hints, scan->hints, scan->hints_count * sizeof(*hints));
    hints[scan->hints_count++] = (struct table_option){bytes_str(key), bytes_str(value)};
    scan->hints = hints;
}

/* A SELECT sees the rows there are now: topics to their durable end, views as they stand. */
static void plan_bound(struct plan *plan)
{
    for (uint32_t i = 0; i < plan->nodes_count; i++) {
        struct plan_node *node = plan->nodes[i];
        if (node->kind != PLAN_SCAN || node->scan.asked)
            continue;
        if (node->scan.table->kind == TABLE_MATERIALIZED) {
            hint(plan, &node->scan, "snapshot", "true");
            continue;
        }
        struct bytes connector = table_option_get(node->scan.table, "connector", "");
        if (!bytes_is(connector, "kafka") && !bytes_is(connector, "upsert-kafka"))
            continue;
        if (bytes_is(connector, "kafka")) /* upserts are always read from the start */
            hint(plan, &node->scan, "scan.startup.mode", "earliest-offset");
        hint(plan, &node->scan, "scan.bounded.mode", "latest-offset");
    }
}

static bool plan_only_values(const struct plan *plan)
{
    for (uint32_t i = 0; i < plan->nodes_count; i++)
        if (plan->nodes[i]->kind == PLAN_SCAN)
            return false;
    return true;
}

static enum status temporary_launch(struct statement_call *call, struct plan *plan,
                                    struct diag *diag)
{
    char name[40];
    struct engine *engine = call->engine;
    snprintf(name, sizeof(name), "query-%llu", (unsigned long long)++engine->runs_count);
    struct job_start start = start_of(call, bytes_str(name), plan);
    start.temporary = true;
    uint64_t lsn;
    enum status used = outside_forget_lookups(engine->options.outside, bytes_str(name), &lsn); /* a crash left them */
    if (used == ST_OK)
        used = outside_use_all(engine->options.outside, plan, bytes_str(name), diag);
    if (used != ST_OK) {
        plan_destroy(plan);
        return used;
    }
    TRY(job_open(engine, &start, call->job, diag));
    struct job *job = *call->job;
    struct sink *sink = driver_sink(job->driver, 0, 0);
    bool limited = plan->sinks[0]->sink.table == NULL && plan->sinks[0]->sink.limit >= 0 &&
                   plan->sinks[0]->changes == 0;
    (void)sink;
    if (!driver_bounded(job->driver) && !limited) {
        job_close(job);
        *call->job = NULL;
        diag_set(diag, ST_UNSUPPORTED, DIAG_UNSUPPORTED,
                 "this SELECT reads a source without an end");
        diag_hint(diag, "add a LIMIT, bound the source (number-of-rows, events.num), or use "
                        "CREATE MATERIALIZED TABLE");
        return ST_UNSUPPORTED;
    }
    TRY(job_begin(job, NULL, NULL, diag));
    return ST_AGAIN;
}

static enum status run_select(struct statement_call *call, struct diag *diag)
{
    struct plan *plan;
    TRY(sql_plan(&call->engine->catalog, call->settings, call->statement, &plan, diag));
    plan_bound(plan);
    return temporary_launch(call, plan, diag);
}

/* ---- INSERT ---- */

static bool same_text(struct engine *engine, char letter, struct bytes name, struct bytes text)
{
    const struct stored *stored = stored_find(engine, letter, name);
    return stored && bytes_equal(stored->text, text);
}

static struct bytes insert_name(struct statement_call *call, struct arena *arena)
{
    if (call->applied)
        return call->applied->name;
    const char *wanted = settings_get(call->settings, "pipeline.name");
    if (*wanted)
        return clean_name(arena, bytes_str(wanted));
    struct bytes sink = call->statement->ast->inserts_count ? call->statement->ast->inserts[0].table
                                                            : call->statement->name;
    return clean_name(arena, bytes_str(arena_printf(arena, "insert-into_%.*s", BYTES_FMT(sink))));
}

static const char *const sink_rules[] = {"table.exec.sink.not-null-enforcer",
                                         "table.exec.sink.type-length-enforcer"};
enum { SINK_RULES = sizeof(sink_rules) / sizeof(*sink_rules) };

/* The rules of its sinks are the one thing that a script may change about a job that goes on. */
static enum status insert_goes_on(struct statement_call *call, struct bytes name,
                                  struct engine_result *out, struct diag *diag)
{
    struct engine *engine = call->engine;
    struct job *job = engine_job_find(engine, name);
    struct settings old, changed;
    uint64_t spare = 0;
    bool other = false;
    settings_init(&old);
    settings_init(&changed);
    bool known = job && stored_settings(engine, stored_find(engine, 'J', name), &old);
    enum status st = ST_OK;
    for (int i = 0; i < SINK_RULES && st == ST_OK; i++) {
        const char *value = settings_get(call->settings, sink_rules[i]);
        other |= !bytes_is_nocase(bytes_str(value), settings_get(&old, sink_rules[i]));
        st = settings_set(&changed, bytes_str(sink_rules[i]), bytes_str(value), diag);
    }
    if (st == ST_OK && known && other)
        st = job_restart(job, &changed, lsn_of(out, &spare), diag);
    settings_deinit(&old);
    settings_deinit(&changed);
    if (st == ST_OK)
        say(out, "job '%.*s' goes on", BYTES_FMT(name));
    return st;
}

static enum status run_insert_named(struct statement_call *call, struct arena *arena,
                                    struct engine_result *out, struct diag *diag)
{
    struct engine *engine = call->engine;
    struct bytes name = insert_name(call, arena);
    if (call->resumes && same_text(engine, 'J', name, call->statement->text)) {
        if (out)
            out->job = arena_copy(&out->arena, name);
        return insert_goes_on(call, name, out, diag);
    }
    struct plan *plan;
    TRY(sql_plan(&engine->catalog, call->settings, call->statement, &plan, diag));
    if (plan_only_values(plan) && !call->applied)
        return temporary_launch(call, plan, diag);
    if (!call->applied)
        name = free_name(engine, arena, name);
    return job_launch(call, name, plan, 'J', out, diag);
}

static enum status run_insert(struct statement_call *call, struct engine_result *out,
                              struct diag *diag)
{
    struct arena arena;
    arena_init(&arena, ARENA_BUDGET_NONE);
    enum status st = run_insert_named(call, &arena, out, diag);
    arena_deinit(&arena);
    return st;
}

/* ---- CREATE ---- */

/* Beside a source of topics: what came late and what could not be read, as tables. */
static void side_table(struct engine *engine, const struct table *of, const char *suffix,
                       const char *topic_suffix, const char *columns)
{
    struct bytes connector = table_option_get(of, "connector", "");
    struct bytes topic = table_option_get(of, "topic", "");
    bool topics = bytes_is(connector, "kafka") || bytes_is(connector, "upsert-kafka");
    if (of->kind != TABLE_CONNECTOR || !topics || !topic.len)
        return;
    struct arena arena;
    struct diag diag = {0};
    struct settings settings;
    struct script script;
    arena_init(&arena, ARENA_BUDGET_NONE);
    settings_init(&settings);
    struct bytes base = topic_suffix[1] == 'l' ? of->name : topic;
    char *text = arena_printf(&arena, "CREATE TABLE `%.*s%s` (%s) WITH ('connector' = 'kafka', "
                              "'topic' = '%.*s%s', 'format' = 'json', "
                              "'scan.startup.mode' = 'earliest-offset')",
                              BYTES_FMT(of->name), suffix, columns, BYTES_FMT(base), topic_suffix);
    if (sql_parse(bytes_str(text), &script, &diag) == ST_OK) {
        struct table *table = NULL;
        struct plan *plan = NULL;
        enum status st = sql_bind_create(&engine->catalog, &settings, &script.statements[0], &table,
                                         &plan, &diag);
        if (st == ST_OK)
            st = catalog_add(&engine->catalog, table, true, &diag);
        (void)st; /* a user's own table of that name stands */
        script_deinit(&script);
    }
    settings_deinit(&settings);
    arena_deinit(&arena);
}

static void side_tables(struct engine *engine, const struct table *table)
{
    side_table(engine, table, "$late", ".late",
               "job STRING, operator STRING, `watermark` TIMESTAMP_LTZ(3), topic STRING, "
               "`partition` INT, `offset` BIGINT, `row` STRING");
    side_table(engine, table, "$errors", ".errors",
               "job STRING, topic STRING, `partition` INT, `offset` BIGINT, reason STRING, "
               "record STRING, `key` BYTES, bytes BYTES");
    if (table->outside)
        side_table(engine, table, "$dead", ".dead",
                   "`table` STRING, connector STRING, `partition` INT, `offset` BIGINT, reason STRING, "
                   "`key` STRING, record STRING, record_bytes BIGINT");
}

/* The topic of a table is there as soon as the table is, with as many partitions as it says. */
static enum status table_topic(struct engine *engine, const struct table *table, struct diag *diag)
{
    struct bytes connector = table_option_get(table, "connector", "");
    struct bytes topic = table_option_get(table, "topic", "");
    struct with with = with_table(table);
    struct log_topic *made;
    bool ours = (bytes_is(connector, "kafka") || bytes_is(connector, "upsert-kafka")) &&
                !with_get(&with, "properties.bootstrap.servers", "").len;
    if (table->kind != TABLE_CONNECTOR || !ours || !log_topic_name_valid(topic))
        return ST_OK; /* what is wrong is said where it is used */
    return topic_of_table(engine->log, &with, &made, diag);
}

static enum status existing(struct statement_call *call, struct engine_result *out, bool *done,
                            struct diag *diag)
{
    const struct statement *s = call->statement;
    struct engine *engine = call->engine;
    *done = false;
    if (!catalog_find(&engine->catalog, s->name) || s->or_replace)
        return ST_OK;
    *done = true;
    if (s->if_not_exists || (call->resumes && same_text(engine, 'T', s->name, s->text))) {
        say(out, "`%.*s` is there already", BYTES_FMT(s->name));
        return ST_OK;
    }
    return diag_set(diag, ST_EXISTS, DIAG_EXISTS, "there is a table or view `%.*s` already",
                    BYTES_FMT(s->name));
}

static enum status in_use(struct engine *engine, const struct table *table, struct diag *diag)
{
    for (struct job *job = engine->jobs; job; job = job->next)
        for (uint32_t i = 0; i < job->plan->nodes_count; i++) {
            const struct plan_node *node = job->plan->nodes[i];
            bool uses = (node->kind == PLAN_SCAN && node->scan.table == table) ||
                        (node->kind == PLAN_SCAN && node->scan.lookup && node->scan.lookup->table == table) ||
                        (node->kind == PLAN_SINK && node->sink.table == table);
            if (uses)
                return diag_set(diag, ST_INVALID, DIAG_STATE, "`%.*s` is used by job '%s'",
                                BYTES_FMT(table->name), job->name);
        }
    return ST_OK;
}

/* A table, or a view of a query, into the catalog, with what belongs to it. */
static enum status create_table(struct statement_call *call, struct table *table, struct table *old,
                                struct diag *diag)
{
    struct engine *engine = call->engine;
    const struct outside *outside = engine->options.outside;
    enum status st = outside ? outside->adopt(outside->context, table, diag) : ST_OK;

    if (st == ST_OK && !call->applied && !table->outside)
        st = table_topic(engine, table, diag);
    if (st == ST_OK && !call->applied)
        st = table_files_keep(engine->os, engine->log, table, diag);
    if (st != ST_OK) { /* then there is no table either */
        table_release(table);
        return st;
    }
    if (old && old->outside)
        outside->replace(outside->context, old);
    TRY(catalog_add(&engine->catalog, table, call->statement->or_replace, diag));
    side_tables(engine, table);
    return table->outside ? outside->resume(outside->context, table, diag) : ST_OK;
}

static enum status run_create(struct statement_call *call, struct engine_result *out,
                              struct diag *diag)
{
    const struct statement *s = call->statement;
    struct engine *engine = call->engine;
    struct table *table = NULL;
    struct plan *plan = NULL;
    uint64_t spare = 0;
    bool done;
    TRY(existing(call, out, &done, diag));
    if (done)
        return ST_OK;
    struct table *old = catalog_find(&engine->catalog, s->name);
    if (old) {
        TRY(in_use(engine, old, diag));
        if (old->kind == TABLE_MATERIALIZED || s->kind == STMT_CREATE_MATERIALIZED)
            return diag_set(diag, ST_UNSUPPORTED, DIAG_UNSUPPORTED,
                            "OR REPLACE of a materialized table: drop `%.*s` first",
                            BYTES_FMT(s->name));
    }
    TRY(sql_bind_create(&engine->catalog, call->settings, s, &table, &plan, diag));
    if (s->kind != STMT_CREATE_MATERIALIZED) {
        TRY(create_table(call, table, old, diag));
        say(out, "`%.*s` made", BYTES_FMT(s->name));
        return call->applied ? ST_OK
                             : stored_put(engine, 'T', s->name, s->text, call->settings,
                                          lsn_of(out, &spare));
    }
    /* the table first, since its job's sink is the view */
    table_retain(table);
    enum status st = catalog_add(&engine->catalog, table, false, diag);
    if (st == ST_OK)
        st = job_launch(call, s->name, plan, 'T', out, diag);
    if (st == ST_OK)
        view_add(engine, table);
    else if (catalog_find(&engine->catalog, s->name) == table) {
        struct diag ignored = {0};
        enum status dropped = catalog_drop(&engine->catalog, s->name, &ignored);
        (void)dropped;
    }
    table_release(table);
    return st;
}

static enum status run_create_function(struct statement_call *call, struct engine_result *out,
                                       struct diag *diag)
{
    const struct statement *s = call->statement;
    struct user_function function;
    uint64_t spare = 0;
    TRY(sql_bind_function(&call->engine->catalog, s, &function, diag));
    enum status st = catalog_add_function(&call->engine->catalog, &function, s->or_replace, diag);
    if (st == ST_EXISTS && (s->if_not_exists || (call->resumes && same_text(call->engine, 'F', s->name, s->text)))) {
        diag_clear(diag);
        return ST_OK;
    }
    TRY(st);
    say(out, "function `%.*s` made", BYTES_FMT(s->name));
    return call->applied ? ST_OK
                         : stored_put(call->engine, 'F', s->name, s->text, call->settings,
                                      lsn_of(out, &spare));
}

/* An alert is a job whose answer goes to the topic `alerts`: each row as {"alert","time","row"}. */
static enum status run_create_alert(struct statement_call *call, struct engine_result *out,
                                    struct diag *diag)
{
    const struct statement *s = call->statement;
    struct plan *plan;
    if (s->ast->options.count)
        return diag_set(diag, ST_UNSUPPORTED, DIAG_UNSUPPORTED,
                        "options of an alert (a webhook): alerts go to the topic 'alerts'");
    if (engine_job_find(call->engine, s->name)) {
        if (s->if_not_exists || (call->resumes && same_text(call->engine, 'A', s->name, s->text)))
            return ST_OK;
        return diag_set(diag, ST_EXISTS, DIAG_EXISTS, "there is a job '%.*s' already",
                        BYTES_FMT(s->name));
    }
    struct table *table;
    TRY(sql_bind_create(&call->engine->catalog, call->settings, s, &table, &plan, diag));
    table_release(table); /* the plan holds it */
    return job_launch(call, s->name, plan, 'A', out, diag);
}

/* ---- DROP ---- */

static enum status not_there(const struct statement *s, struct engine_result *out,
                             struct diag *diag)
{
    if (s->if_exists) {
        say(out, "there was no `%.*s`", BYTES_FMT(s->name));
        return ST_OK;
    }
    return diag_set(diag, ST_NOTFOUND, DIAG_NAME, "there is no `%.*s`", BYTES_FMT(s->name));
}

static void drop_side(struct engine *engine, struct bytes name, const char *suffix)
{
    char text[300];
    struct diag ignored = {0};
    snprintf(text, sizeof(text), "%.*s%s", BYTES_FMT(bytes_head(name, 250)), suffix);
    if (!catalog_find(&engine->catalog, bytes_str(text)))
        return;
    enum status st = catalog_drop(&engine->catalog, bytes_str(text), &ignored);
    (void)st;
}

/* What could not be delivered goes with its table. */
static enum status dead_in_use(struct engine *engine, struct bytes name, struct diag *diag)
{
    char text[300];

    snprintf(text, sizeof(text), "%.*s$dead", BYTES_FMT(bytes_head(name, 250)));
    struct table *dead = catalog_find(&engine->catalog, bytes_str(text));
    return dead ? in_use(engine, dead, diag) : ST_OK;
}

static enum status drop_table(struct statement_call *call, struct engine_result *out,
                              struct diag *diag)
{
    const struct statement *s = call->statement;
    struct engine *engine = call->engine;
    uint64_t spare = 0, *lsn = lsn_of(out, &spare);
    struct table *table = catalog_find(&engine->catalog, s->name);
    if (!table)
        return not_there(s, out, diag);
    static const enum table_kind kinds[] = {[OBJECT_TABLE] = TABLE_CONNECTOR,
                                            [OBJECT_VIEW] = TABLE_VIEW,
                                            [OBJECT_MATERIALIZED] = TABLE_MATERIALIZED};
    bool fits = kinds[s->object] == table->kind ||
                (s->object != OBJECT_MATERIALIZED && table->kind == TABLE_MATERIALIZED);
    if (!fits)
        return diag_set(diag, ST_INVALID, DIAG_NAME, "`%.*s` is not that kind of table",
                        BYTES_FMT(s->name));
    if (table->kind == TABLE_MATERIALIZED) {
        struct job *own = engine_job_find(engine, s->name);
        for (struct job *job = engine->jobs; job; job = job->next)
            for (uint32_t i = 0; job != own && i < job->plan->nodes_count; i++)
                if (job->plan->nodes[i]->kind == PLAN_SCAN &&
                    job->plan->nodes[i]->scan.table == table)
                    return diag_set(diag, ST_INVALID, DIAG_STATE, "`%.*s` is used by job '%s'",
                                    BYTES_FMT(s->name), job->name);
        view_remove(engine, s->name);
        TRY(stored_remove(engine, 'T', s->name, lsn)); /* before its job: never a table that starts anew */
        if (own)
            TRY(job_drop(own, lsn));
    } else {
        TRY(in_use(engine, table, diag));
        TRY(dead_in_use(engine, s->name, diag));
        TRY(stored_remove(engine, 'T', s->name, lsn));
        TRY(table_files_forget(engine->log, s->name));
        if (table->outside)
            TRY(engine->options.outside->drop(engine->options.outside->context, table, lsn));
    }
    drop_side(engine, s->name, "$dead");
    drop_side(engine, s->name, "$late");
    drop_side(engine, s->name, "$errors");
    TRY(catalog_drop(&engine->catalog, s->name, diag));
    say(out, "`%.*s` dropped", BYTES_FMT(s->name));
    return ST_OK;
}

static enum status run_drop(struct statement_call *call, struct engine_result *out,
                            struct diag *diag)
{
    const struct statement *s = call->statement;
    struct engine *engine = call->engine;
    uint64_t spare = 0, *lsn = lsn_of(out, &spare);
    switch (s->object) {
    case OBJECT_TABLE:
    case OBJECT_VIEW:
    case OBJECT_MATERIALIZED:
        return drop_table(call, out, diag);
    case OBJECT_FUNCTION: {
        enum status st = catalog_drop_function(&engine->catalog, s->name, diag);
        if (st == ST_NOTFOUND || (st != ST_OK && s->if_exists)) {
            diag_clear(diag);
            return not_there(s, out, diag);
        }
        TRY(st);
        return stored_remove(engine, 'F', s->name, lsn);
    }
    default: {
        struct job *job = engine_job_find(engine, s->name);
        if (!job)
            return not_there(s, out, diag);
        if (engine_view_find(engine, s->name))
            return diag_set(diag, ST_INVALID, DIAG_STATE,
                            "job '%.*s' keeps a materialized table: drop that", BYTES_FMT(s->name));
        say(out, "job '%.*s' dropped", BYTES_FMT(s->name));
        TRY(stored_remove(engine, 'A', s->name, lsn));
        return job_drop(job, lsn);
    }
    }
}

/* ---- settings, and the rest ---- */

static enum status run_set(struct statement_call *call, struct engine_result *out,
                           struct diag *diag)
{
    const struct statement *s = call->statement;
    if (s->kind == STMT_RESET)
        return settings_reset(call->session_settings, s->key, diag);
    if (!s->key.len) {
        listing_settings(call->settings, out);
        return ST_OK;
    }
    const struct zone *zone;
    if (bytes_is(s->key, "table.local-time-zone")) /* said here, not by the first query after it */
        TRY(zones_find(&call->engine->zones, s->value, &zone, diag));
    return settings_set(call->session_settings, s->key, s->value, diag);
}

static enum status run_explain(struct statement_call *call, struct engine_result *out,
                               struct diag *diag)
{
    struct plan *plan;
    TRY(sql_plan(&call->engine->catalog, call->settings, call->statement, &plan, diag));
    listing_text(out, "result", plan_text(&out->arena, plan));
    plan_destroy(plan);
    return ST_OK;
}

/* ---- REPLAY ---- */

static bool ends_with(struct bytes name, const char *suffix)
{
    size_t len = strlen(suffix);

    return name.len > len && bytes_is(bytes_skip(name, name.len - len), suffix);
}

static enum status no_letters(const struct statement *s, struct diag *diag)
{
    bool side = ends_with(s->name, "$late") || ends_with(s->name, "$errors");

    if (side)
        diag_hint(diag, "INSERT INTO … SELECT … FROM `%.*s` puts such rows where you want them",
                  BYTES_FMT(bytes_head(s->name, 60)));
    else
        diag_hint(diag, "the records of a table `t` that could not be delivered are in `t$dead`");
    return diag_set(diag, ST_INVALID, DIAG_NAME,
                    "REPLAY takes the table `…$dead` of an outside system's, not `%.*s`",
                    BYTES_FMT(bytes_head(s->name, 200)));
}

static enum status run_replay(struct statement_call *call, struct engine_result *out, struct diag *diag)
{
    const struct statement *s = call->statement;
    const struct outside *outside = call->engine->options.outside;
    uint64_t spare = 0, count = 0;

    if (!ends_with(s->name, "$dead"))
        return no_letters(s, diag);
    struct table *table = catalog_find(&call->engine->catalog, bytes_head(s->name, s->name.len - strlen("$dead")));
    if (!table)
        return not_there(s, out, diag);
    if (!table->outside)
        return no_letters(s, diag);
    TRY(outside->replay(outside->context, table, &count, lsn_of(out, &spare), diag));
    if (count)
        say(out, "%llu record%s of `%.*s` will go out again", (unsigned long long)count, count == 1 ? "" : "s",
            BYTES_FMT(bytes_head(s->name, 200)));
    else
        say(out, "`%.*s` is empty", BYTES_FMT(bytes_head(s->name, 200)));
    return ST_OK;
}

enum status statement_run(struct statement_call *call, struct engine_result *out,
                          struct diag *diag)
{
    switch (call->statement->kind) {
    case STMT_CREATE_TABLE:
    case STMT_CREATE_VIEW:
    case STMT_CREATE_MATERIALIZED:
        return run_create(call, out, diag);
    case STMT_CREATE_FUNCTION:
        return run_create_function(call, out, diag);
    case STMT_CREATE_ALERT:
        return run_create_alert(call, out, diag);
    case STMT_DROP:
        return run_drop(call, out, diag);
    case STMT_INSERT:
    case STMT_STATEMENT_SET:
        return run_insert(call, out, diag);
    case STMT_SELECT:
        return run_select(call, diag);
    case STMT_EXPLAIN:
        return run_explain(call, out, diag);
    case STMT_DESCRIBE:
        return listing_describe(call, out, diag);
    case STMT_SHOW:
        return listing_show(call, out, diag);
    case STMT_SET:
    case STMT_RESET:
        return run_set(call, out, diag);
    case STMT_REPLAY: return run_replay(call, out, diag);
    case STMT_USE:
        return ST_OK;
    }
    UNREACHABLE();
}

void broken_add(struct engine *engine, const struct stored *stored, const struct diag *diag)
{
    engine->broken = xrealloc(engine->broken, (engine->broken_count + 1) * sizeof(char *));
    struct buf text;
    buf_init(&text, 0);
    buf_printf(&text, "%.*s: %s", BYTES_FMT(stored->name), diag->message);
    buf_u8(&text, 0);
    engine->broken[engine->broken_count++] = (char *)text.ptr;
}
