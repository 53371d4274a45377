/* inner.h: the engine's insides, shared by engine.c (life, pass), stored.c (statements that outlive
 * the process), session.c and statement.c (SQL), job.c, view.c. Nobody outside flow/ includes it.
 *                                                                               Layer: flow.
 */
#ifndef QW_FLOW_INNER_H
#define QW_FLOW_INNER_H

#include "base/map.h"
#include "flow/crew.h"
#include "flow/engine.h"
#include "flow/job.h"
#include "flow/known_schemas.h"
#include "flow/zones.h"

struct engine {
    struct os *os;
    struct log *log;
    char *dir; /* NULL: no checkpoints */
    struct os_helper *helper; /* writes them */
    char *cold_folder;        /* for state that memory has no room for: emptied at the start; NULL: none */
    uint64_t cold_files;      /* were named there */
    struct engine_options options;
    struct catalog catalog;
    struct job *jobs;          /* durable ones, in the order they were made */
    struct map views;          /* name → struct view */
    struct map stored;         /* class letter and name → struct stored */
    struct session *sessions;
    uint64_t statement_seq;    /* the last given */
    uint64_t runs_count;       /* names of temporary jobs */
    uint32_t turn;             /* which job begins the next pass */
    int64_t until_ns;          /* of this pass */
    struct zones zones;        /* that were asked for */
    struct known_schemas schemas;
    struct crew *crew;         /* threads beside the caller's; NULL: none */
    void (*on_work)(void *context);
    void *on_work_context;
    char **broken;             /* statements in force that do not bind any more, and why */
    uint32_t broken_count;
    uint64_t memory_bytes;     /* of all jobs, temporary ones too, where there is a limit */
    bool memory_waiting;       /* some job waits for room */
    bool closing;
};

enum { UNSETTLED_RETRY_US = 100000, WAKE_US_MIN = 5000, PASS_NS = 200000 };
#define CLOSE_NS INT64_C(10000000000)

void engine_wake(struct engine *engine);
void engine_disk_done(void *engine); /* an os_wake_fn */
void engine_job_add(struct engine *engine, struct job *job);

/* ---- stored.c ---- */

/* A statement that is in force: kept in the log's LOG_KV_STATEMENTS by sequence, applied again at
 * the start in that order. Classes: 'T' tables and views, 'F' functions, 'J' jobs (the job of a
 * materialized table or an alert has its own statement's entry). */
struct stored {
    uint64_t seq;
    char letter;
    struct bytes name, text;
    struct arena arena;
};

/* A stored statement that does not bind any more: named in the list of jobs as failed, if it was one. */
void broken_add(struct engine *engine, const struct stored *stored, const struct diag *diag);

enum status stored_apply_all(struct engine *engine, struct diag *diag) MUST_CHECK;
void stored_free(struct engine *engine);
const struct stored *stored_find(const struct engine *engine, char letter, struct bytes name);
/* Remembers a statement, now or as a part of an entry. settings: those that its plan depends on. */
struct stored *stored_make(struct engine *engine, char letter, struct bytes name,
                           struct bytes text);
void stored_into(const struct stored *stored, const struct settings *settings,
                 struct log_entry *entry);
enum status stored_put(struct engine *engine, char letter, struct bytes name, struct bytes text,
                       const struct settings *settings, uint64_t *lsn) MUST_CHECK;
enum status stored_remove(struct engine *engine, char letter, struct bytes name,
                          uint64_t *lsn) MUST_CHECK;
/* Those it was made with, into settings (initialised); false: there are none to read. */
bool stored_settings(struct engine *engine, const struct stored *stored, struct settings *settings);
/* Runs it again as at the start, with the settings now kept with it; broken_add where it does not
 * bind. */
void stored_apply(struct engine *engine, const struct stored *stored,
                  const struct settings *settings);
/* Takes a job out of the engine's list and closes it. */
void engine_job_close(struct job *job);

/* ---- session.c ---- */

struct session {
    struct engine *engine;
    struct settings settings;
    struct engine_run *runs;
    struct session *next;
    bool resumes; /* statements in force already are taken as done */
};

bool sessions_turn(struct engine *engine); /* true while there is more */
int64_t sessions_deadline_us(const struct engine *engine); /* of the SELECTs that are awaited; INT64_MAX: none */

/* ---- statement.c ---- */

/* What a statement does, live or at the start (out NULL: nobody waits for an answer). ST_AGAIN: it
 * has begun a temporary job whose answer comes later. */
struct statement_call {
    struct engine *engine;
    const struct settings *settings;
    struct settings *session_settings; /* of SET; NULL at the start */
    const struct statement *statement;
    const struct stored *applied;      /* at the start: the entry being applied */
    bool resumes;
    struct job **job;                  /* of ST_AGAIN */
};
enum status statement_run(struct statement_call *call, struct engine_result *out,
                          struct diag *diag) MUST_CHECK;

/* ---- view.c ---- */

struct view;
void view_add(struct engine *engine, struct table *table);
void view_remove(struct engine *engine, struct bytes name);
void view_free(struct view *view);

/* ---- sink_answer.c: the answer of a temporary job ---- */
void answer_take(struct sink *sink, struct engine_result *out);
bool answer_full(const struct sink *sink); /* its LIMIT is reached, whatever comes */

/* ---- topics.c ---- */
/* For the default time; for ever; for that time, with records of what was a record, however large. */
enum topic_keep { TOPIC_DEFAULT, TOPIC_KEPT, TOPIC_SIDE };
enum { TOPIC_SIDE_BYTES_MAX = 64 << 20 };
/* Found, or made with so many partitions. */
enum status topic_ensure(struct log *log, struct bytes name, uint32_t partitions,
                         enum topic_keep keep, struct log_topic **out,
                         struct diag *diag) MUST_CHECK;
/* The topic that a table over the log names; made, if need be, as its options say. */
struct with;
enum status topic_of_table(struct log *log, const struct with *with, struct log_topic **out,
                           struct diag *diag) MUST_CHECK;

#endif
