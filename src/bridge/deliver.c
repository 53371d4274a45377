/* deliver.c: a sink's turns: records of its topic to the outside, and the position after them. */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "bridge/carrier_inner.h"

/* ---- lanes: the partitions of the topic ---- */

static void more_came(struct log_watcher *watcher, struct log_partition *partition)
{
    struct carrier *c = watcher->context;

    (void)partition;
    c->env.wake(c->env.context);
}

void lanes_open(struct carrier *c)
{
    uint32_t count = log_topic_info(c->topic)->partitions;

    c->lanes = xcalloc(count, sizeof(*c->lanes));
    c->lanes_count = count;
    for (uint32_t p = 0; p < count; p++) {
        struct carrier_lane *lane = &c->lanes[p];
        lane->partition = log_partition_of(c->topic, p);
        lane->position = position_kept(c->env.log, c->kept_as, p);
        lane->asked = !c->class->position || c->lookup;
        lane->watcher = (struct log_watcher){.fn = more_came, .context = c};
        log_watch(lane->partition, LOG_ON_DURABLE, &lane->watcher);
        log_pin(lane->partition, c->owner, lane->position);
    }
}

void lanes_close(struct carrier *c)
{
    for (uint32_t p = 0; p < c->lanes_count; p++) {
        log_unwatch(&c->lanes[p].watcher);
        log_pin(c->lanes[p].partition, c->owner, INT64_MAX);
    }
    free(c->lanes);
    c->lanes = NULL;
    c->lanes_count = 0;
}

uint64_t deliver_lag(const struct carrier *c)
{
    uint64_t lag = 0;

    for (uint32_t p = 0; p < c->lanes_count; p++) {
        struct log_offsets offsets;
        log_offsets(c->lanes[p].partition, &offsets);
        if (offsets.end > c->lanes[p].position)
            lag += (uint64_t)(offsets.end - c->lanes[p].position);
    }
    return lag + replay_left(c);
}

/* ---- a turn ---- */

/* On the helper. */
static bool deliver_step(struct os_work *work)
{
    struct carrier *c = (struct carrier *)work;
    int64_t began_ns = os_mono_ns(c->env.os);

    c->batch.trouble[0] = 0;
    c->batch.retry_after_ms = 0;
    if (c->asking)
        c->asked_status = c->class->position(c->bridge, c->batch.partition, &c->asked_position,
                                             c->batch.trouble);
    else {
        rows_decode(c);
        c->class->deliver(c->bridge, &c->batch);
    }
    c->took_ns = os_mono_ns(c->env.os) - began_ns;
    return false;
}

static void submit(struct carrier *c, bool asking)
{
    c->asking = asking;
    carrier_submit(c, deliver_step);
}

/* The outside knows better than we what has arrived: after a crash of ours, or an answer that was lost. But what
 * we never had cannot have arrived: then this data directory is an older copy, and twice is better than never. */
static void asked(struct carrier *c, struct carrier_lane *lane, int64_t now_ns)
{
    struct log_offsets offsets;

    if (c->asked_status != ST_OK) {
        carrier_failed(c, c->batch.trouble, now_ns);
        return;
    }
    if (lane == &c->replay) {
        replay_asked(c, c->asked_position);
        return;
    }
    lane->asked = true;
    log_offsets(lane->partition, &offsets);
    if (c->asked_position > lane->position && c->asked_position <= offsets.end)
        lane->position = c->asked_position;
}

static struct carrier_lane *lane_of(struct carrier *c)
{
    return c->batch.partition >= BRIDGE_REPLAYED ? &c->replay : &c->lanes[c->batch.partition];
}

/* False: the log takes nothing now; the outcome is kept and tried again. */
static bool move_position(struct carrier *c, struct carrier_lane *lane)
{
    const struct bridge_batch *batch = &c->batch;
    bool all = batch->settled == batch->count;
    int64_t to = all ? batch->next_offset : batch->records[batch->settled].offset;
    uint64_t dead = 0, lsn;

    struct log_entry *entry = log_entry_begin(c->env.log);
    enum status st = dead_letters(c, entry, batch->records, batch->settled, &dead);
    if (st != ST_OK) {
        log_entry_abort(entry);
        return false;
    }
    bool replay = lane == &c->replay;
    if (replay)
        replay_keep(c, entry, to);
    else
        position_keep(entry, c->kept_as, batch->partition, to);
    struct log_appended *appended = ARENA_ARRAY(&c->batch_arena, struct log_appended, dead + 1);
    if (log_entry_commit(entry, appended, &lsn) != ST_OK)
        return false;
    lane->position = to;
    if (replay)
        c->replayed.next = to;
    else
        log_pin(lane->partition, c->owner, to);
    replay_trim(c);
    if (dead) /* what comes behind them may move the position outside: then they are nowhere else */
        carrier_wait(c, lsn);
    c->dead += dead;
    c->delivered += batch->settled - dead;
    return true;
}

/* Not all of a batch in one call is no failure, if something was settled and nothing is wrong. */
static bool was_well(const struct bridge_batch *batch)
{
    return batch->settled == batch->count || (batch->settled && !batch->trouble[0]);
}

static void delivered(struct carrier *c, struct carrier_lane *lane, int64_t now_ns)
{
    if (c->batch.settled && !move_position(c, lane)) {
        snprintf(c->trouble, sizeof(c->trouble), "the log takes no positions now");
        c->not_before_ns = now_ns + CARRIER_LOG_WAIT_NS;
        return;
    }
    c->outcome_kept = false;
    if (was_well(&c->batch)) {
        carrier_went_well(c);
        return;
    }
    carrier_failed(c, c->batch.trouble, now_ns);
    lane->asked = !c->class->position;
}

void deliver_keep(struct carrier *c, int64_t now_ns)
{
    delivered(c, lane_of(c), now_ns);
}

void deliver_finish(struct carrier *c, int64_t now_ns)
{
    struct carrier_lane *lane = lane_of(c);
    bool bad = c->asking ? c->asked_status != ST_OK : !was_well(&c->batch);

    breaker_note(&c->breaker, now_ns, c->took_ns, bad);
    if (c->asking) {
        asked(c, lane, now_ns);
        return;
    }
    c->outcome_kept = true;
    delivered(c, lane, now_ns);
}

/* Records that wait behind a letter follow it without a call: so no answer that is lost can lose them. */
static void set_aside(struct carrier *c, int64_t now_ns)
{
    c->batch.settled = c->batch.count;
    c->outcome_kept = true;
    delivered(c, lane_of(c), now_ns);
}

/* The next of a lane, which is that partition for the bridge. False: there is nothing, after all. */
static bool begin_lane(struct carrier *c, struct carrier_lane *lane, uint32_t partition, int64_t now_ns)
{
    c->batch.partition = partition;
    if (!lane->asked) {
        submit(c, true);
        return true;
    }
    uint64_t may = rate_take(&c->rate, now_ns, c->records_max, &c->not_before_ns);
    if (!may)
        return true;
    bool loaded = batch_load(c, lane, (uint32_t)may);
    c->rate.tokens += (double)(may - c->batch.count);
    if (loaded && c->waiting)
        set_aside(c, now_ns);
    else if (loaded)
        submit(c, false);
    return loaded;
}

/* Begins what is next, if there is something and it may be now. */
void deliver_begin(struct carrier *c, int64_t now_ns)
{
    if (c->waits || !breaker_may(&c->breaker, now_ns, &c->not_before_ns) || !held_known(c))
        return;
    if (replay_under_way(c)) {
        if (!begin_lane(c, &c->replay, replay_partition(c), now_ns))
            replay_pass_over(c);
        return;
    }
    if (held_full(c))
        return;
    for (uint32_t i = 0; i < c->lanes_count; i++) {
        uint32_t p = (c->turn + i) % c->lanes_count;
        if (!lane_has_more(&c->lanes[p]))
            continue;
        c->turn = p + 1;
        if (begin_lane(c, &c->lanes[p], p, now_ns))
            return;
    }
}
