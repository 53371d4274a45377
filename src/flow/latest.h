/* latest.h: which rows a sink by key has written in a tick, so that one that goes takes no other with it.
 *
 * Rows of a key may come from several shards, each in order, but not among each other: +I new before -D old. At a tick's
 * end a key has one row at most. So a row that goes is the last one that its sender has written under its key, or one that another
 * has replaced, or of an earlier tick: then, if one was written in this, it was replaced by that. The sender counts, as
 * the new row may be the same as the old one.
 *
 * What this cannot know: two rows that are the same, which came and went through one sender, but were made by two others
 * further up. For that a sink would have to keep its rows, as Flink's SinkUpsertMaterializer does.
 *
 * Owns: copies of what was written.   Threads: one.   Limits: a tick's rows.   Layer: flow.
 */
#ifndef QW_FLOW_LATEST_H
#define QW_FLOW_LATEST_H

#include "base/arena.h"
#include "wire/kafka/batch.h"

struct latest_key;

struct latest {
    struct arena arena;
    struct latest_key **slots; /* open addressing; NULL: free */
    uint32_t cap, count;
};

void latest_init(struct latest *latest);
void latest_deinit(struct latest *latest);
void latest_clear(struct latest *latest); /* a tick begins */

/* The record, with a key, was written; sender: the shard that gave it. */
void latest_put(struct latest *latest, const struct record *rec, uint32_t sender);

enum latest_then {
    LATEST_GONE,    /* nothing is left under the key */
    LATEST_NOTHING, /* another row had its place already */
    LATEST_AGAIN,   /* that which it had replaced is there again */
};
/* The row with that key and value goes. again: until latest_clear. */
enum latest_then latest_take(struct latest *latest, const struct record *rec, uint32_t sender, struct record *again);

#endif
