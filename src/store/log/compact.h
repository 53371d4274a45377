/* compact.h: compaction of topics with cleanup.policy=compact: of the records of a key the last one
 * stays, and a tombstone stays for delete.retention.ms after it was first met.
 *
 * A partition is done in slices:  look --dirty enough--> MAP --all keys met--> REWRITE --each segment--> done
 *
 * MAP remembers for each key its last offset over the part that is not clean yet. REWRITE writes each
 * segment up to there to a new file, without what is superseded, aborted or expired; when the
 * file is synced an entry in the WAL puts it in the place of the old one, which goes once that is
 * durable. Offsets stay: a batch keeps its first and last, a segment's last batch stays, if empty.
 *
 * Left alone: what is pinned, undecided, younger than min.compaction.lag.ms, in memory or in the
 * segment that is being written.
 *
 * Owns: the work at hand.   Threads: those of one shard.   Layer: store.
 * Limits: COMPACT_KEYS_MAX keys a pass; what does not fit is the next pass's. */
#ifndef QW_STORE_LOG_COMPACT_H
#define QW_STORE_LOG_COMPACT_H

#include "store/log/log.h"

enum { COMPACT_KEYS_MAX = 1 << 20 };

struct compaction;

bool compact_work(struct log *log); /* a slice, when it is due; true: there is more */
void compact_soon(struct log *log); /* a compacted topic has something new */
/* The partition or the log goes: what is being done with it is dropped. */
void compact_forget(struct log *log, const struct log_partition *p);
/* Files that were replaced, once that is durable; true: one went. */
bool compact_sweep(struct log *log);

#endif
