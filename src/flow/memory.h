/* memory.h: what jobs hold of memory, and the ceiling of all of them together (memory.limit).
 *
 * A job is counted after each of its ticks. Under the ceiling nothing happens. Past seven eighths of it, jobs that hold more
 * than their even share move the part of their state that was not used for longest to disk, as far as their
 * operators can (op.h). Where that does not help, a job that holds
 * more than it ever did waits: its state is PAUSED, with the reason as its error. A job that stays within
 * what it had goes on, and so does one that holds less than its even share, until the last eighth of the
 * limit is used too. Those that wait go on when all hold three quarters of the limit or less.
 *
 * What a tick gives is kept to its input's bounds (tick_bytes, OP_TICK_ROWS) and to a quarter of the
 * limit in lanes, so that the sum passes the ceiling by a tick, not by a job.
 *
 * Threads: the engine's one.   Layer: flow.
 */
#ifndef QW_FLOW_MEMORY_H
#define QW_FLOW_MEMORY_H

#include "flow/job.h"

/* A new job may begin. ST_NOSPACE, with what there is to do. */
enum status memory_admits(const struct engine *engine, struct diag *diag) MUST_CHECK;
/* Counts the job; with no limit this does nothing. */
void memory_count(struct job *job);
/* The same after a live tick; the job may wait from now on (a temporary one has failed). */
void memory_after_tick(struct job *job);
/* Whether state of the job should go to disk now; sets job->moving to how much of it, in a hundred. */
bool memory_wants_move(struct job *job);
/* The move is over, with this status: what it brought is counted. ST_NOSPACE is remembered and is none; others stay. */
enum status memory_moved(struct job *job, enum status st, struct diag *diag) MUST_CHECK;
/* Both at once, waited for: behind a replayed tick, and behind a part of a checkpoint. */
enum status memory_move_now(struct job *job, struct diag *diag) MUST_CHECK;
enum status memory_loaded(void *job, struct diag *diag) MUST_CHECK; /* a checkpoint_part_fn */
/* The job holds nothing any more. */
void memory_forget(struct job *job);
/* Jobs that wait go on, if there is room again. */
void memory_release(struct engine *engine);

#endif
