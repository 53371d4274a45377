/* recovery.h: from the last checkpoint and the notes behind it to where the job stood.
 *
 * The ticks that the notes name are run again on the noted layout with emission suppressed; what each
 * sink gives is hashed and held against the note. A difference stops the job as DIVERGED, with the
 * tick and the sink; a note whose bytes are damaged stops it as FAILED. Neither touches another job.
 *                                                                                    Layer: flow. */
#ifndef QW_FLOW_RECOVERY_H
#define QW_FLOW_RECOVERY_H

#include "flow/job.h"

/* The job has notes. */
bool recovery_needed(struct job *job);
/* Opens the driver from a checkpoint or for the first note; the job is RECOVERING, or FAILED with its
 * error. */
enum status recovery_begin(struct job *job, struct diag *diag) MUST_CHECK;
/* Some of the noted ticks; true while there are more. At the end the job is RUNNING. */
bool recovery_turn(struct job *job);

#endif
