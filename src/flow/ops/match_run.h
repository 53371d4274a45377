/* match_run.h: the rows of partial matches, the runs that hold them, and which of them end or are dropped.
 *
 * A run is a partial match: a state of the pattern and the last of its rows. Rows of a run are links to the one
 * before, so runs that part from one another share what they had in common, and a row is kept once however many
 * runs hold it:
 *
 *      run in state 3 ──► link C ─┐
 *      run in state 2 ──► link B ─┴─► link A ─► link A          each link ─► its row
 *
 * Order. Runs stand in a heap by the row they began with, matches that wait in another; which of several that
 * began together comes first is what the order of puts and takes leaves (a binary heap's, as in Java's
 * PriorityQueue, which Flink's results show).
 *
 * Owns: links and rows are counted and live in the heap given; a key owns its runs.
 * Threads: one at a time.   Limits: MATCH_RUNS_MAX runs a key.   Layer: flow.
 */
#ifndef QW_FLOW_OPS_MATCH_RUN_H
#define QW_FLOW_OPS_MATCH_RUN_H

#include "flow/ops/match_nfa.h"
#include "flow/op.h"
#include "store/state/sorted.h"

enum { MATCH_RUNS_MAX = 100000 };

struct match_key;

struct match_row {
    struct match_key *key;
    int64_t time;
    struct origin origin;
    uint64_t seq;
    uint32_t users; /* links; and one while it waits or is looked at */
    uint32_t size;
    uint32_t mark;  /* while a checkpoint is written: its place, from 1 */
    uint32_t next;  /* in a batch: the next row of its key */
    uint8_t packed[];
};

struct match_link {
    struct match_link *before; /* the row before; NULL: this is the first */
    struct match_link *first;  /* the variable's first row of the run: itself, or an earlier one */
    struct match_row *row;
    uint32_t users;            /* links behind it, and runs */
    uint32_t number;           /* of the variable's rows, from 0 */
    uint32_t mark;
    uint16_t variable;
};

/* begun: the number of the row that it began with, counted by key; MATCH_NOT_BEGUN: of the one that waits at the
 * start, which stands behind all others. */
struct match_run {
    uint32_t state;
    uint32_t pad;
    struct match_link *last; /* a reference */
    uint64_t begun;
    int64_t begun_at;
};
#define MATCH_NOT_BEGUN UINT64_MAX

struct match_queue {
    struct match_run *items;
    uint32_t count, cap;
};

struct match_key {
    struct match_queue runs, ended; /* ended: matches that wait for runs that began earlier */
    struct sorted waiting;          /* rows behind the watermark */
    uint64_t rows_seen;             /* numbers for `begun` */
    uint64_t number;                /* of the key, in order of insertion */
    int64_t deadline;               /* when its earliest run is too old; INT64_MAX: never */
    uint32_t batch_row, pad;        /* the first of its rows in a batch that is begun */
};
enum { MATCH_LAST_OF_KEY = UINT32_MAX };

/* What all keys of an operator share. */
struct match_runs {
    const struct plan_match *plan;
    struct match_nfa nfa;
    struct state_heap heap;
    struct match_queue next, ended; /* scratch, empty between calls */
    uint64_t rows, links, count;    /* held; count: runs that have begun */
};

/* A match, a reference to its last row. `place` and the order of adding order what is emitted. */
struct match_found {
    struct match_link *last;
    int64_t time;
    uint32_t place, turn;
};
struct matches {
    struct match_found *items;
    uint32_t count, cap;
};

void match_row_release(struct match_runs *r, struct match_row *row);
/* The row behind `before`, which may be NULL; with one user, the caller. */
struct match_link *match_link_new(struct match_runs *r, struct match_link *before, struct match_row *row,
                                  uint16_t variable);
void match_link_release(struct match_runs *r, struct match_link *link);

void match_key_init(struct match_runs *r, struct match_key *key);
void match_key_deinit(struct match_runs *r, struct match_key *key);
/* Sets its deadline, from its runs. */
void match_key_due(struct match_runs *r, struct match_key *key);
/* It holds nothing: it may be forgotten. */
bool match_key_idle(const struct match_key *key);
void match_key_put(struct match_runs *r, struct match_key *key, struct match_queue *queue, struct match_run run);

/* Runs that are too old at this time are dropped; what waited for them is found. */
enum status match_advance(struct match_runs *r, struct match_key *key, int64_t time, uint32_t place,
                          struct matches *found, struct diag *diag) MUST_CHECK;
/* A row has come: steps[i] is where it carries run i. */
enum status match_apply(struct match_runs *r, struct match_key *key, struct match_row *row,
                        const struct match_steps *steps, uint32_t place, struct matches *found,
                        struct diag *diag) MUST_CHECK;

#endif
