/* replay.c: a sink's dead letters put back in order, and keys whose records wait behind a letter.
 *
 * What is put back is a lane of its own, that goes before all others: the letters below `to` are delivered, in order,
 * while the table's topic waits. So each comes before whatever came later, and those that die again are letters behind
 * `to`, in order. How far it is stands in the log with the letters that died again (LOG_KV_BRIDGES), and outside, where
 * that keeps a position, as one of the partition BRIDGE_REPLAYED + generation: so a kill anywhere doubles nothing. What
 * is put back is then deleted from the topic.
 *
 * A held key is one of a letter that is not put back. The letters are in the log, so the set is read from there when the
 * carrier opens, a piece a pass, before anything is delivered.
 */
#include <stdio.h>

#include "base/check.h"
#include "bridge/carrier_inner.h"

enum { SCAN_BYTES = 1 << 20 };

/* Letters of another topic than the one with that id have other offsets: it was deleted by hand. */
static bool is_of(const uint8_t id[LOG_ID_BYTES], const struct log_topic *topic)
{
    return topic && memcmp(id, log_topic_info(topic)->id, LOG_ID_BYTES) == 0;
}

/* Where the letters stand that the replay is of; NULL, and all zeros: they are gone. */
static struct log_partition *letters_of(const struct carrier *c, struct log_offsets *offsets)
{
    struct log_topic *topic = carrier_dead_topic(c->env.log, c->dead_topic);

    *offsets = (struct log_offsets){0};
    if (!is_of(c->replayed.topic, topic))
        return NULL;
    log_offsets(log_partition_of(topic, 0), offsets);
    return log_partition_of(topic, 0);
}

void replay_open(struct carrier *c)
{
    struct log_topic *topic = carrier_dead_topic(c->env.log, c->dead_topic);

    replay_read(c->env.log, c->kept_as, &c->replayed);
    if (!is_of(c->replayed.topic, topic))
        c->replayed.next = c->replayed.to = 0;
    c->replay.asked = !c->class->position;
    memcpy(c->held_of, c->replayed.topic, LOG_ID_BYTES);
    c->held_next = c->replayed.to; /* below it are those that are put back */
}

uint32_t replay_partition(const struct carrier *c)
{
    return BRIDGE_REPLAYED + c->replayed.generation;
}

/* The lane is where the letters stand; if they are those of another topic, or deleted, nothing is left of the replay. */
static void follow(struct carrier *c, struct log_offsets *offsets)
{
    c->replay.partition = letters_of(c, offsets);
    if (!c->replay.partition)
        c->replayed.next = c->replayed.to;
    else if (c->replayed.next < offsets->start)
        c->replayed.next = offsets->start;
    c->replay.position = c->replayed.next;
}

bool replay_under_way(struct carrier *c)
{
    struct log_offsets offsets;

    follow(c, &offsets);
    return c->replayed.next < c->replayed.to && c->replayed.next < offsets.end;
}

/* There was nothing to put back up to here but markers of transactions; or what is there is not decided yet. */
void replay_pass_over(struct carrier *c)
{
    if (c->replay.position == c->replayed.next) {
        if (c->not_before_ns == INT64_MIN)
            c->not_before_ns = os_mono_ns(c->env.os) + CARRIER_LOG_WAIT_NS;
        return;
    }
    c->replayed.next = c->replay.position;
    c->env.wake(c->env.context);
}

void replay_asked(struct carrier *c, int64_t position)
{
    struct log_offsets offsets;

    follow(c, &offsets);
    c->replay.asked = true;
    if (position > c->replayed.next && position <= c->replayed.to)
        c->replay.position = c->replayed.next = position;
}

uint64_t replay_left(const struct carrier *c)
{
    return c->replayed.next < c->replayed.to ? (uint64_t)(c->replayed.to - c->replayed.next) : 0;
}

void replay_keep(struct carrier *c, struct log_entry *entry, int64_t position)
{
    struct replay_kept kept = c->replayed;

    kept.next = position;
    replay_write(entry, c->kept_as, &kept);
}

/* As far as no job that reads them still needs them; the rest goes the next time. */
void replay_trim(struct carrier *c)
{
    struct log_offsets offsets;
    struct log_partition *partition = letters_of(c, &offsets);

    if (partition && c->replayed.next > offsets.start && c->replayed.next <= offsets.durable)
        (void)!log_trim(c->env.log, partition, c->replayed.next, NULL);
}

/* ---- asked for ---- */

static enum status refuse(const struct carrier *c, const struct log_topic *topic, struct diag *diag)
{
    if (c->spec.way == BRIDGE_SOURCE) {
        diag_hint(diag,
                  "they are whole in the outside system; INSERT INTO … SELECT … FROM `%.*s$dead` takes what is "
                  "shown of them",
                  BYTES_FMT(bytes_head(c->spec.table, 60)));
        return diag_set(diag, ST_UNSUPPORTED, DIAG_UNSUPPORTED,
                        "`%.*s` is read: the records in `%.*s$dead` are none that could be put back",
                        BYTES_FMT(bytes_head(c->spec.table, 60)), BYTES_FMT(bytes_head(c->spec.table, 60)));
    }
    if (is_of(c->replayed.topic, topic) && replay_left(c))
        return diag_set(diag, ST_INVALID, DIAG_STATE, "`%.*s$dead` is being put back: %llu records are left",
                        BYTES_FMT(bytes_head(c->spec.table, 60)), (unsigned long long)replay_left(c));
    if (c->outcome_kept) /* letters of a batch are not in the log yet: they belong behind those that are */
        return diag_set(diag, ST_AGAIN, DIAG_STATE, "the log takes nothing now: say it again when it does");
    return ST_OK;
}

enum status carrier_replay(struct carrier *c, uint64_t *count, uint64_t *lsn, struct diag *diag)
{
    struct log_topic *topic = carrier_dead_topic(c->env.log, c->dead_topic);
    struct replay_kept kept = c->replayed;
    struct log_offsets offsets;

    *count = 0;
    TRY(refuse(c, topic, diag));
    if (!topic)
        return ST_OK;
    log_offsets(log_partition_of(topic, 0), &offsets);
    if (!is_of(kept.topic, topic)) {
        memcpy(kept.topic, log_topic_info(topic)->id, LOG_ID_BYTES);
        kept.generation++;
        kept.next = 0;
    }
    kept.next = kept.next < offsets.start ? offsets.start : kept.next;
    kept.to = offsets.end;
    *count = kept.to > kept.next ? (uint64_t)(kept.to - kept.next) : 0;
    if (!*count)
        return ST_OK;
    struct log_entry *entry = log_entry_begin(c->env.log);
    replay_write(entry, c->kept_as, &kept);
    enum status st = log_entry_commit(entry, NULL, lsn);
    if (st != ST_OK)
        return diag_set(diag, st, DIAG_STATE, "the log takes nothing now: %s", status_text(st));
    c->replayed = kept;
    c->replay.asked = !c->class->position;
    held_clear(&c->held); /* each of them is put back before anything else, or dies again */
    memcpy(c->held_of, kept.topic, LOG_ID_BYTES);
    c->held_next = kept.to;
    carrier_wait(c, *lsn);
    return ST_OK;
}

/* ---- held keys ---- */

static void hold_batch(struct carrier *c, struct bytes batch)
{
    struct batch_records it;
    struct record letter;

    if (batch_records_open_buf(&it, batch, &c->scratch) != ST_OK)
        return;
    struct record as_it_was;
    struct carrier_place place;
    while (batch_records_next(&it, &letter) == ST_OK)
        if (letter.offset >= c->held_next && letter.key.ptr && dead_open(&letter, &as_it_was, &place))
            held_add(&c->held, letter.key);
}

/* Where letters begin that are not in the set, if there are any; what was deleted by hand holds nothing. */
static struct log_partition *not_held_yet(struct carrier *c)
{
    struct log_topic *topic = carrier_dead_topic(c->env.log, c->dead_topic);
    struct log_offsets offsets = {0};

    if (topic)
        log_offsets(log_partition_of(topic, 0), &offsets);
    if (offsets.start == offsets.end || !is_of(c->held_of, topic)) {
        held_clear(&c->held);
        c->held_next = offsets.start;
        memcpy(c->held_of, topic ? log_topic_info(topic)->id : (uint8_t[LOG_ID_BYTES]){0}, LOG_ID_BYTES);
    }
    if (c->held_next < offsets.start)
        c->held_next = offsets.start;
    return c->held_next < offsets.end ? log_partition_of(topic, 0) : NULL;
}

bool held_known(struct carrier *c)
{
    struct log_partition *partition = c->hold ? not_held_yet(c) : NULL;
    struct log_view view;
    struct batch_header h;
    struct bytes batch;
    struct diag diag = {0};

    if (!partition)
        return true;
    enum status st = log_read(c->env.log, partition, c->held_next, SCAN_BYTES, LOG_TO_END, &view, &diag);
    if (st != ST_OK) {
        snprintf(c->trouble, sizeof(c->trouble), "its dead letters cannot be read at offset %lld: %.130s",
                 (long long)c->held_next, diag.message[0] ? diag.message : status_text(st));
        c->not_before_ns = os_mono_ns(c->env.os) + CARRIER_LOG_WAIT_NS;
        return false;
    }
    struct bytes rest = view.bytes;
    while (batch_next(&rest, &h, &batch) == ST_OK)
        hold_batch(c, batch);
    c->held_next = view.next_offset;
    log_view_release(&view);
    c->env.wake(c->env.context); /* the next piece */
    return false;
}

bool held_full(struct carrier *c)
{
    if (!c->hold || c->held.count < HELD_KEYS_MAX)
        return false;
    snprintf(c->trouble, sizeof(c->trouble),
             "records of %u keys wait in `%.*s$dead`: nothing more is delivered until "
             "REPLAY puts them back",
             c->held.count, BYTES_FMT(bytes_head(c->spec.table, 60)));
    c->not_before_ns = os_mono_ns(c->env.os) + CARRIER_LOG_WAIT_NS;
    return true;
}
