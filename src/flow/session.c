/* session.c: sessions and the runs of their scripts: a statement at a time, in order. A SELECT's
 * temporary job is turned here until it has ended, and then the run goes on. */
#include <stdlib.h>

#include "base/check.h"
#include "flow/inner.h"

struct engine_run {
    struct session *session;
    char *text;
    struct script script;
    uint32_t at; /* the statement being run */
    engine_result_fn *on_result;
    engine_done_fn *on_done;
    void *context;
    struct job *job; /* whose answer is awaited */
    bool running;    /* inside its own turn */
    bool cancelled;
    struct engine_run *next;
};

struct session *engine_session_open(struct engine *engine)
{
    struct session *session = xcalloc(1, sizeof(*session));
    session->engine = engine;
    settings_init(&session->settings);
    session->next = engine->sessions;
    engine->sessions = session;
    return session;
}

static void run_free(struct engine_run *run)
{
    struct engine_run **at = &run->session->runs;
    while (*at != run)
        at = &(*at)->next;
    *at = run->next;
    if (run->job)
        job_close(run->job);
    script_deinit(&run->script);
    free(run->text);
    free(run);
}

void engine_run_cancel(struct engine_run *run)
{
    run->cancelled = true;
    if (!run->running)
        run_free(run);
}

void engine_session_resumes(struct session *session, bool resumes)
{
    session->resumes = resumes;
}

void engine_session_close(struct session *session)
{
    while (session->runs) {
        CHECK(!session->runs->running); /* not from within its own callback */
        engine_run_cancel(session->runs);
    }
    struct session **at = &session->engine->sessions;
    while (*at != session)
        at = &(*at)->next;
    *at = session->next;
    settings_deinit(&session->settings);
    free(session);
}

void engine_result_free(struct engine_result *result)
{
    arena_deinit(&result->arena);
    free(result);
}

static struct engine_result *result_new(enum statement_kind kind)
{
    struct engine_result *result = xcalloc(1, sizeof(*result));
    arena_init(&result->arena, ARENA_BUDGET_NONE);
    result->kind = kind;
    result->message = "OK";
    return result;
}

/* ---- a run's turn ---- */

static void run_give(struct engine_run *run, struct engine_result *result)
{
    if (run->cancelled || !run->on_result)
        engine_result_free(result);
    else
        run->on_result(run->context, result);
}

/* A statement's diag has positions in the whole text already; an error without one gets that of its
 * statement. */
static void run_end(struct engine_run *run, enum status st, struct diag *diag)
{
    if (st != ST_OK && diag->code == DIAG_NONE)
        diag_set(diag, st, DIAG_INTERNAL, "%s", status_text(st));
    if (st != ST_OK && !diag->line && run->at < run->script.statements_count) {
        diag->line = run->script.statements[run->at].line;
        diag->column = run->script.statements[run->at].column;
    }
    if (!run->cancelled && run->on_done)
        run->on_done(run->context, st, diag);
}

static bool job_ended(const struct job *job)
{
    return job->state == JOB_FINISHED || job->state == JOB_FAILED;
}

/* Waits for the temporary job; gives its answer. ST_AGAIN: not yet. */
static enum status run_await(struct engine_run *run, struct diag *diag)
{
    struct job *job = run->job;
    struct sink *sink = driver_sink(job->driver, 0, 0);
    bool answers = job->plan->sinks[0]->sink.table == NULL;
    if (!job_ended(job) && !(answers && answer_full(sink)))
        return ST_AGAIN;
    if (job->state == JOB_FAILED) {
        diag_set(diag, ST_INVALID, DIAG_VALUE, "%s", job->error);
        return ST_INVALID;
    }
    struct engine_result *result = result_new(run->script.statements[run->at].kind);
    result->lsn = job->lsn;
    if (answers)
        answer_take(sink, result);
    job_close(job);
    run->job = NULL;
    run_give(run, result);
    return ST_OK;
}

static enum status run_statement(struct engine_run *run, struct diag *diag)
{
    struct session *session = run->session;
    struct statement_call call = {
        .engine = session->engine, .settings = &session->settings,
        .session_settings = &session->settings, .statement = &run->script.statements[run->at],
        .resumes = session->resumes, .job = &run->job,
    };
    struct engine_result *result = result_new(call.statement->kind);
    enum status st = statement_run(&call, result, diag);
    if (st == ST_OK)
        run_give(run, result);
    else
        engine_result_free(result);
    return st;
}

/* True: it has ended and is gone. *more: it can go on at once. */
static bool run_turn(struct engine_run *run, bool *more)
{
    struct diag diag = {0};
    enum status st = ST_OK;
    run->running = true;
    while (st == ST_OK && !run->cancelled && run->at < run->script.statements_count) {
        if (!run->job)
            st = run_statement(run, &diag);
        if (run->job && (st == ST_OK || st == ST_AGAIN)) {
            *more |= job_turn(run->job, run->session->engine->until_ns);
            st = run_await(run, &diag);
        }
        if (st == ST_OK)
            run->at++;
    }
    run->running = false;
    if (st == ST_AGAIN && !run->cancelled)
        return false;
    run_end(run, st, &diag);
    run_free(run);
    return true;
}

struct engine_run *engine_run(struct session *session, struct bytes text,
                              engine_result_fn *on_result, engine_done_fn *on_done, void *context)
{
    struct engine_run *run = xcalloc(1, sizeof(*run));
    struct diag diag = {0};
    bool more = false;
    *run = (struct engine_run){.session = session, .on_result = on_result, .on_done = on_done,
                               .context = context, .next = session->runs};
    session->runs = run;
    run->text = xcalloc(1, text.len + 1);
    if (text.len)
        memcpy(run->text, text.ptr, text.len);
    enum status st = sql_parse(bytes_of(run->text, text.len), &run->script, &diag);
    if (st != ST_OK) {
        run_end(run, st, &diag);
        run_free(run);
        return NULL;
    }
    if (run_turn(run, &more))
        return NULL;
    engine_wake(session->engine);
    return run;
}

bool sessions_turn(struct engine *engine)
{
    bool more = false;
    for (struct session *session = engine->sessions, *next; session; session = next) {
        next = session->next;
        for (struct engine_run *run = session->runs, *next_run; run; run = next_run) {
            next_run = run->next;
            if (run_turn(run, &more))
                more = true;
        }
    }
    return more;
}

int64_t sessions_deadline_us(const struct engine *engine)
{
    int64_t least = INT64_MAX;
    for (const struct session *session = engine->sessions; session; session = session->next)
        for (const struct engine_run *run = session->runs; run; run = run->next) {
            int64_t one = run->job ? job_deadline_us(run->job) : INT64_MAX;
            least = one < least ? one : least;
        }
    return least;
}
