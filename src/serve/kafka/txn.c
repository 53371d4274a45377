/* A change of a transaction is made in memory at once and written to the log in the same breath; if
 * the log does not take it, it is undone. Answers wait for the log. */
#include "serve/kafka/txn.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/reader.h"

enum { VALUE_VERSION = 1, LOOK_MS = 3600 * 1000 };

const char *txn_state_name(enum txn_state state)
{
    static const char *const names[] = {"Empty", "Ongoing", "CompleteCommit", "CompleteAbort"};

    return names[state];
}

struct bytes txn_id(const struct txn *txn)
{
    return bytes_of(txn->id, txn->id_len);
}

static int64_t now_ms(const struct txns *txns)
{
    return loop_wall_us(txns->loop) / 1000;
}

/* ---- in memory ---- */

static struct txn *txn_new(struct txns *txns, struct bytes id)
{
    struct txn *txn = xcalloc(1, sizeof(*txn) + id.len);

    txn->id_len = id.len;
    memcpy(txn->id, id.ptr, id.len);
    txn->producer_id = txn->last_producer_id = -1;
    txn->epoch = txn->last_epoch = -1;
    buf_init(&txn->groups, 0);
    map_put(&txns->by_id, txn_id(txn), txn);
    return txn;
}

static void txn_free(struct txns *txns, struct txn *txn)
{
    map_remove(&txns->by_id, txn_id(txn));
    buf_deinit(&txn->groups);
    free(txn->partitions);
    free(txn);
}

static void link_ongoing(struct txns *txns, struct txn *txn)
{
    txn->prev = txns->last;
    txn->next = NULL;
    if (txns->last)
        txns->last->next = txn;
    else
        txns->first = txn;
    txns->last = txn;
}

static void unlink_ongoing(struct txns *txns, struct txn *txn)
{
    if (txn->prev)
        txn->prev->next = txn->next;
    else
        txns->first = txn->next;
    if (txn->next)
        txn->next->prev = txn->prev;
    else
        txns->last = txn->prev;
    txn->next = txn->prev = NULL;
}

static int order(const struct txn_partition *a, const uint8_t topic_id[LOG_ID_BYTES], uint32_t index)
{
    int by_topic = memcmp(a->topic_id, topic_id, LOG_ID_BYTES);

    return by_topic ? by_topic : a->index < index ? -1 : a->index > index;
}

/* The first of them that is not before it: they are in order. */
static uint32_t place_of(const struct txn *txn, const uint8_t topic_id[LOG_ID_BYTES], uint32_t index)
{
    uint32_t low = 0, high = txn->partitions_count;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (order(&txn->partitions[mid], topic_id, index) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static void add_partition(struct txn *txn, const struct txn_partition *p)
{
    uint32_t at = place_of(txn, p->topic_id, p->index);

    if (at < txn->partitions_count && order(&txn->partitions[at], p->topic_id, p->index) == 0)
        return;
    if (txn->partitions_count == txn->partitions_cap) {
        txn->partitions_cap = txn->partitions_cap ? txn->partitions_cap * 2 : 4;
        txn->partitions = xrealloc(txn->partitions, txn->partitions_cap * sizeof(*txn->partitions));
    }
    memmove(txn->partitions + at + 1, txn->partitions + at,
            (txn->partitions_count - at) * sizeof(*txn->partitions));
    txn->partitions[at] = *p;
    txn->partitions_count++;
}

struct txn *txn_find(const struct txns *txns, struct bytes id)
{
    return map_get(&txns->by_id, id);
}

enum kafka_error txn_of(const struct txns *txns, struct bytes id, int64_t producer_id, int16_t epoch,
                        struct txn **out)
{
    *out = txn_find(txns, id);
    if (!*out || (*out)->producer_id != producer_id)
        return KAFKA_ERR_INVALID_PRODUCER_ID_MAPPING;
    return (*out)->epoch == epoch ? KAFKA_ERR_NONE : KAFKA_ERR_PRODUCER_FENCED;
}

bool txn_has_partition(const struct txn *txn, const uint8_t topic_id[LOG_ID_BYTES], uint32_t index)
{
    uint32_t at = place_of(txn, topic_id, index);

    return at < txn->partitions_count && order(&txn->partitions[at], topic_id, index) == 0;
}

bool txn_has_group(const struct txn *txn, struct bytes group_id)
{
    struct reader r = reader_of(buf_view(&txn->groups));

    while (reader_left(&r))
        if (bytes_equal(reader_bytes(&r, reader_u16_be(&r)), group_id))
            return true;
    return false;
}

/* ---- kept ---- */

static void txn_save(const struct txn *txn, struct log_entry *entry)
{
    struct buf value;

    buf_init(&value, 0);
    buf_u8(&value, VALUE_VERSION);
    buf_u8(&value, (uint8_t)txn->state);
    buf_u64_be(&value, (uint64_t)txn->producer_id);
    buf_u64_be(&value, (uint64_t)txn->last_producer_id);
    buf_u16_be(&value, (uint16_t)txn->epoch);
    buf_u16_be(&value, (uint16_t)txn->last_epoch);
    buf_u32_be(&value, (uint32_t)txn->timeout_ms);
    buf_u64_be(&value, (uint64_t)txn->began_ms);
    buf_u64_be(&value, (uint64_t)txn->changed_ms);
    buf_u32_be(&value, txn->partitions_count);
    for (uint32_t i = 0; i < txn->partitions_count; i++) {
        buf_append(&value, txn->partitions[i].topic_id, LOG_ID_BYTES);
        buf_u32_be(&value, txn->partitions[i].index);
    }
    buf_bytes(&value, buf_view(&txn->groups));
    log_entry_kv(entry, LOG_KV_TRANSACTIONS, txn_id(txn), buf_view(&value));
    buf_deinit(&value);
}

static bool load_value(struct txn *txn, struct bytes value)
{
    struct reader r = reader_of(value);
    bool known = reader_u8(&r) == VALUE_VERSION;

    txn->state = (enum txn_state)reader_u8(&r);
    txn->producer_id = (int64_t)reader_u64_be(&r);
    txn->last_producer_id = (int64_t)reader_u64_be(&r);
    txn->epoch = (int16_t)reader_u16_be(&r);
    txn->last_epoch = (int16_t)reader_u16_be(&r);
    txn->timeout_ms = (int32_t)reader_u32_be(&r);
    txn->began_ms = (int64_t)reader_u64_be(&r);
    txn->changed_ms = (int64_t)reader_u64_be(&r);
    uint32_t count = reader_u32_be(&r);
    for (uint32_t i = 0; i < count && !r.bad; i++) {
        struct bytes id = reader_bytes(&r, LOG_ID_BYTES);
        struct txn_partition p = {.index = reader_u32_be(&r)};
        if (r.bad)
            break;
        memcpy(p.topic_id, id.ptr, LOG_ID_BYTES);
        add_partition(txn, &p);
    }
    buf_bytes(&txn->groups, reader_rest(&r));
    return known && !r.bad && txn->state < TXN_STATES;
}

static bool load_one(void *context, struct bytes key, struct bytes value)
{
    struct txns *txns = context;
    struct txn *txn = txn_new(txns, key);

    if (!load_value(txn, value))
        txn_free(txns, txn); /* of a version to come: not ours to judge */
    else if (txn->state == TXN_ONGOING)
        link_ongoing(txns, txn);
    return true;
}

static enum kafka_error write_one(struct txns *txns, const struct txn *txn, uint64_t *lsn)
{
    struct log_entry *entry = log_entry_begin(txns->log);

    txn_save(txn, entry);
    return log_entry_commit(entry, NULL, lsn) == ST_OK ? KAFKA_ERR_NONE
                                                       : KAFKA_ERR_COORDINATOR_NOT_AVAILABLE;
}

/* ---- offsets that wait ---- */

static struct bytes pending_prefix(struct buf *buf, const struct txn *txn)
{
    buf_clear(buf);
    buf_u16_be(buf, (uint16_t)txn->id_len);
    buf_bytes(buf, txn_id(txn));
    return buf_view(buf);
}

void txn_offset_put(struct log_entry *entry, const struct txn *txn, struct bytes offset_key,
                    struct bytes value)
{
    struct buf key;

    buf_init(&key, 0);
    (void)pending_prefix(&key, txn);
    buf_bytes(&key, offset_key);
    log_entry_kv(entry, LOG_KV_TRANSACTION_OFFSETS, buf_view(&key), value);
    buf_deinit(&key);
}

bool txn_offset_pending(const struct txns *txns, struct bytes group_id, struct bytes offset_key)
{
    bool found = false;
    struct buf key;

    buf_init(&key, 0);
    for (const struct txn *txn = txns->first; txn && !found; txn = txn->next) {
        struct bytes value;
        if (!txn_has_group(txn, group_id))
            continue;
        (void)pending_prefix(&key, txn);
        buf_bytes(&key, offset_key);
        found = log_kv_get(txns->log, LOG_KV_TRANSACTION_OFFSETS, buf_view(&key), &value);
    }
    buf_deinit(&key);
    return found;
}

struct settling {
    struct buf pairs; /* key and value, sized: the space must not change in a scan */
    size_t prefix;
};

static bool note_pending(void *context, struct bytes key, struct bytes value)
{
    struct settling *s = context;

    buf_sized(&s->pairs, key);
    buf_sized(&s->pairs, value);
    return true;
}

/* Into the entry: each becomes the group's offset, or nothing. */
static void settle_offsets(struct txns *txns, const struct txn *txn, enum log_outcome outcome,
                           struct log_entry *entry)
{
    struct settling s = {0};
    struct buf prefix;

    buf_init(&prefix, 0);
    buf_init(&s.pairs, 0);
    log_kv_scan(txns->log, LOG_KV_TRANSACTION_OFFSETS, pending_prefix(&prefix, txn), note_pending,
                &s);
    struct reader r = reader_of(buf_view(&s.pairs));
    while (reader_left(&r)) {
        struct bytes key = reader_sized(&r), value = reader_sized(&r);
        if (outcome == LOG_COMMIT)
            log_entry_kv(entry, LOG_KV_GROUPS, bytes_skip(key, prefix.len), value);
        log_entry_kv(entry, LOG_KV_TRANSACTION_OFFSETS, key, BYTES_NONE);
    }
    buf_deinit(&prefix);
    buf_deinit(&s.pairs);
}

/* ---- the end ---- */

static void add_markers(struct txns *txns, const struct txn *txn, const struct log_marker *marker,
                        struct log_entry *entry)
{
    for (uint32_t i = 0; i < txn->partitions_count; i++) {
        const struct txn_partition *p = &txn->partitions[i];
        struct log_topic *topic = log_topic_by_id(txns->log, p->topic_id);
        struct log_partition *partition = topic ? log_partition_of(topic, p->index) : NULL;
        if (partition) /* else the topic was deleted, and what was written with it */
            (void)!log_entry_marker(entry, partition, marker); /* its failure is the commit's */
    }
}

static void tell_groups(struct txns *txns, const struct txn *txn)
{
    struct reader r = reader_of(buf_view(&txn->groups));

    while (reader_left(&r) && txns->committed)
        txns->committed(txns->context, reader_bytes(&r, reader_u16_be(&r)));
}

/* What an end changes, so that it can be undone when the log takes no entry. */
struct before {
    enum txn_state state;
    int64_t producer_id, last_producer_id;
    int16_t epoch, last_epoch;
    int64_t changed_ms;
    uint32_t partitions_count;
    struct buf groups;
};

static struct before before_of(const struct txn *txn)
{
    return (struct before){txn->state,      txn->producer_id, txn->last_producer_id, txn->epoch,
                           txn->last_epoch, txn->changed_ms,  txn->partitions_count, txn->groups};
}

static void undo(struct txn *txn, const struct before *before)
{
    txn->state = before->state;
    txn->producer_id = before->producer_id;
    txn->last_producer_id = before->last_producer_id;
    txn->epoch = before->epoch;
    txn->last_epoch = before->last_epoch;
    txn->changed_ms = before->changed_ms;
}

/* Who may write after an end. */
struct heir {
    int64_t producer_id;
    int16_t epoch, last_epoch;
    int16_t marker_epoch; /* of the old id: fences in each partition what is older */
};

static void inherit(struct txn *txn, const struct heir *heir)
{
    if (heir->producer_id != txn->producer_id)
        txn->last_producer_id = txn->producer_id;
    txn->producer_id = heir->producer_id;
    txn->epoch = heir->epoch;
    txn->last_epoch = heir->last_epoch;
}

/* Decision, markers, offsets: one entry. */
static enum kafka_error end(struct txns *txns, struct txn *txn, enum log_outcome outcome,
                            const struct heir *heir, uint64_t *lsn)
{
    struct log_entry *entry = log_entry_begin(txns->log);
    const struct before before = before_of(txn);
    struct log_marker marker = {.producer_id = txn->producer_id,
                                .producer_epoch = heir->marker_epoch,
                                .coordinator_epoch = log_leader_epoch(txns->log),
                                .outcome = outcome};

    inherit(txn, heir);
    txn->state = outcome == LOG_COMMIT ? TXN_COMMITTED : TXN_ABORTED;
    txn->changed_ms = now_ms(txns);
    txn->partitions_count = 0;
    buf_init(&txn->groups, 0);
    txn_save(txn, entry); /* the decision first: a cause before its effects */
    txn->partitions_count = before.partitions_count;
    add_markers(txns, txn, &marker, entry);
    settle_offsets(txns, txn, outcome, entry);
    enum status st = log_entry_commit(entry, NULL, lsn);
    buf_deinit(&txn->groups);
    txn->groups = before.groups;
    if (st != ST_OK) {
        undo(txn, &before);
        return KAFKA_ERR_COORDINATOR_NOT_AVAILABLE;
    }
    if (outcome == LOG_COMMIT)
        tell_groups(txns, txn);
    buf_clear(&txn->groups);
    txn->partitions_count = 0;
    if (before.state == TXN_ONGOING)
        unlink_ongoing(txns, txn);
    return KAFKA_ERR_NONE;
}

/* Nobody who wrote so far may go on: an epoch that was given to none. */
static enum kafka_error end_fencing(struct txns *txns, struct txn *txn, uint64_t *lsn)
{
    struct heir heir = {txn->producer_id, txn->epoch, txn->last_epoch, txn->epoch};

    CHECK(txn->state == TXN_ONGOING);
    if (txn->epoch < INT16_MAX) {
        heir.epoch = heir.marker_epoch = (int16_t)(txn->epoch + 1);
        heir.last_epoch = -1;
    }
    return end(txns, txn, LOG_ABORT, &heir, lsn);
}

enum kafka_error txn_end(struct txns *txns, struct txn *txn, enum log_outcome outcome, uint64_t *lsn)
{
    enum txn_state ended = outcome == LOG_COMMIT ? TXN_COMMITTED : TXN_ABORTED;

    const struct heir same = {txn->producer_id, txn->epoch, txn->last_epoch, txn->epoch};

    if (txn->state == TXN_ONGOING)
        return end(txns, txn, outcome, &same, lsn);
    if (txn->state != ended)
        return KAFKA_ERR_INVALID_TXN_STATE;
    *lsn = log_end_lsn(txns->log); /* asked again: the first may still be on its way to the disk */
    return KAFKA_ERR_NONE;
}

/* The end was made, but its answer was lost: the caller has the epoch that it had before. One that was
 * fenced has not (last_epoch is -1 then), though its epoch may be one less, too. */
static bool is_again(const struct txn *txn, const struct txn_ending *ending)
{
    if ((txn->state != TXN_COMMITTED && txn->state != TXN_ABORTED) || ending->epoch != txn->last_epoch)
        return false;
    if (ending->producer_id == txn->producer_id)
        return ending->epoch + 1 == txn->epoch;
    return ending->producer_id == txn->last_producer_id && ending->epoch == TXN_EPOCH_MAX &&
           txn->epoch == 0;
}

/* The next epoch, or a new producer id's first. */
static enum kafka_error bump(struct txns *txns, const struct txn *txn, struct heir *heir)
{
    uint64_t lsn;

    *heir = (struct heir){txn->producer_id, (int16_t)(txn->epoch + 1), txn->epoch,
                          (int16_t)(txn->epoch + 1)};
    if (heir->epoch <= TXN_EPOCH_MAX)
        return KAFKA_ERR_NONE;
    heir->epoch = 0;
    return log_producer_id(txns->log, &heir->producer_id, &lsn) == ST_OK
               ? KAFKA_ERR_NONE
               : KAFKA_ERR_COORDINATOR_NOT_AVAILABLE;
}

enum kafka_error txn_end_bump(struct txns *txns, const struct txn_ending *ending, struct txn **out,
                              uint64_t *lsn)
{
    struct txn *txn = txn_find(txns, ending->id);
    struct heir heir;

    *out = txn;
    *lsn = log_end_lsn(txns->log);
    if (!txn)
        return KAFKA_ERR_INVALID_PRODUCER_ID_MAPPING;
    if (is_again(txn, ending))
        return (txn->state == TXN_COMMITTED) == (ending->outcome == LOG_COMMIT)
                   ? KAFKA_ERR_NONE
                   : KAFKA_ERR_INVALID_TXN_STATE;
    if (txn->producer_id != ending->producer_id)
        return KAFKA_ERR_INVALID_PRODUCER_ID_MAPPING;
    if (txn->epoch != ending->epoch)
        return KAFKA_ERR_PRODUCER_FENCED;
    if (txn->state != TXN_ONGOING && ending->outcome == LOG_COMMIT)
        return KAFKA_ERR_INVALID_TXN_STATE;
    enum kafka_error error = bump(txns, txn, &heir);
    return error ? error : end(txns, txn, ending->outcome, &heir, lsn);
}

/* ---- the beginning ---- */

/* Time runs out for the oldest at the earliest, but timeouts differ: the timer is set for the least
 * and looks at all that are ongoing. */
static void arm(struct txns *txns, int64_t at_ms)
{
    if (at_ms >= txns->timer_ms)
        return;
    int64_t wait = at_ms - now_ms(txns);
    txns->timer_ms = at_ms;
    loop_timer_set(txns->timer, loop_mono_ns(txns->loop) + (wait > 0 ? wait + 1 : 1) * 1000000);
}

enum kafka_error txn_add(struct txns *txns, struct txn *txn, const struct txn_partition *partitions,
                         uint32_t count, struct bytes group_id, uint64_t *lsn)
{
    if (txn->groups.len + group_id.len + 2 > TXN_GROUPS_BYTES_MAX)
        return KAFKA_ERR_POLICY_VIOLATION;
    uint32_t had = txn->partitions_count;
    size_t had_groups = txn->groups.len;
    struct before before = {.state = txn->state, .changed_ms = txn->changed_ms};
    struct txn_partition *old = xmalloc((had + 1) * sizeof(*old));

    if (had)
        memcpy(old, txn->partitions, had * sizeof(*old));
    for (uint32_t i = 0; i < count; i++)
        add_partition(txn, &partitions[i]);
    if (group_id.ptr && !txn_has_group(txn, group_id)) {
        buf_u16_be(&txn->groups, (uint16_t)group_id.len);
        buf_bytes(&txn->groups, group_id);
    }
    *lsn = log_end_lsn(txns->log);
    if (txn->state == TXN_ONGOING && txn->partitions_count == had && txn->groups.len == had_groups) {
        free(old);
        return KAFKA_ERR_NONE;
    }
    txn->changed_ms = now_ms(txns);
    if (txn->state != TXN_ONGOING)
        txn->began_ms = txn->changed_ms;
    txn->state = TXN_ONGOING;
    if (write_one(txns, txn, lsn) != KAFKA_ERR_NONE) {
        txn->state = before.state;
        txn->changed_ms = before.changed_ms;
        txn->partitions_count = had;
        if (had)
            memcpy(txn->partitions, old, had * sizeof(*old));
        txn->groups.len = had_groups;
        free(old);
        return KAFKA_ERR_COORDINATOR_NOT_AVAILABLE;
    }
    free(old);
    if (before.state != TXN_ONGOING)
        link_ongoing(txns, txn);
    arm(txns, txn->began_ms + txn->timeout_ms);
    return KAFKA_ERR_NONE;
}

/* A caller that names its producer goes on from its epoch, or asks again for a bump whose answer it
 * never had. */
static enum kafka_error next_epoch(const struct txn *txn, const struct txn_init *init, int16_t *epoch,
                                   bool *again)
{
    *again = false;
    *epoch = txn->epoch < INT16_MAX ? (int16_t)(txn->epoch + 1) : INT16_MAX;
    if (init->producer_id < 0)
        return KAFKA_ERR_NONE;
    if (init->producer_id == txn->last_producer_id && init->epoch >= TXN_EPOCH_MAX) {
        *again = true; /* it was given a new producer id */
        return KAFKA_ERR_NONE;
    }
    if (init->producer_id != txn->producer_id)
        return KAFKA_ERR_PRODUCER_FENCED;
    if (init->epoch == txn->epoch)
        return KAFKA_ERR_NONE;
    *again = init->epoch == txn->last_epoch;
    return *again ? KAFKA_ERR_NONE : KAFKA_ERR_PRODUCER_FENCED;
}

/* What is ongoing is aborted under the next epoch, which the caller then has. */
static enum kafka_error take_over(struct txns *txns, struct txn *txn, const struct txn_init *init,
                                  uint64_t *lsn)
{
    int16_t epoch, last_epoch = init->producer_id < 0 ? -1 : txn->epoch; /* a stranger's is no bump */
    bool again, was_ongoing = txn->state == TXN_ONGOING;

    enum kafka_error error = next_epoch(txn, init, &epoch, &again);
    if (error || (again && !was_ongoing)) {
        *lsn = log_end_lsn(txns->log);
        return error;
    }
    if (was_ongoing)
        error = end_fencing(txns, txn, lsn);
    if (error)
        return error;
    if (epoch > TXN_EPOCH_MAX) {
        int64_t fresh;
        if (log_producer_id(txns->log, &fresh, lsn) != ST_OK)
            return KAFKA_ERR_COORDINATOR_NOT_AVAILABLE;
        txn->last_producer_id = txn->producer_id;
        txn->producer_id = fresh;
        epoch = 0;
        last_epoch = -1;
    }
    txn->epoch = epoch;
    txn->last_epoch = last_epoch;
    txn->timeout_ms = init->timeout_ms;
    txn->state = TXN_EMPTY; /* an end that comes late is no answer lost */
    txn->changed_ms = now_ms(txns);
    return write_one(txns, txn, lsn);
}

static enum kafka_error make(struct txns *txns, const struct txn_init *init, uint64_t *lsn)
{
    int64_t producer_id;

    if (map_size(&txns->by_id) >= TXN_IDS_MAX ||
        log_producer_id(txns->log, &producer_id, lsn) != ST_OK)
        return KAFKA_ERR_COORDINATOR_NOT_AVAILABLE;
    struct txn *txn = txn_new(txns, init->id);
    txn->producer_id = producer_id;
    txn->epoch = 0;
    txn->timeout_ms = init->timeout_ms;
    txn->changed_ms = now_ms(txns);
    enum kafka_error error = write_one(txns, txn, lsn);
    if (error)
        txn_free(txns, txn);
    else
        arm(txns, txn->changed_ms + LOOK_MS);
    return error;
}

enum kafka_error txn_init(struct txns *txns, const struct txn_init *init, int64_t *producer_id,
                          int16_t *epoch, uint64_t *lsn)
{
    if (init->timeout_ms <= 0 || init->timeout_ms > TXN_TIMEOUT_MS_MAX)
        return KAFKA_ERR_INVALID_TRANSACTION_TIMEOUT;
    if (init->id.len > TXN_ID_BYTES_MAX)
        return KAFKA_ERR_INVALID_REQUEST;
    struct txn *txn = txn_find(txns, init->id);
    enum kafka_error error =
        txn ? take_over(txns, txn, init, lsn) : make(txns, init, lsn);
    if (error)
        return error;
    txn = txn_find(txns, init->id);
    *producer_id = txn->producer_id;
    *epoch = txn->epoch;
    return KAFKA_ERR_NONE;
}

/* ---- time ---- */

static int64_t end_overdue(struct txns *txns, int64_t now)
{
    int64_t next = INT64_MAX;
    uint64_t lsn;

    for (struct txn *txn = txns->first, *after; txn; txn = after) {
        int64_t at = txn->began_ms + txn->timeout_ms;
        after = txn->next;
        if (at <= now && end_fencing(txns, txn, &lsn) != KAFKA_ERR_NONE)
            at = now + 1000; /* no room in the log: tried again */
        else if (at <= now)
            continue;
        next = at < next ? at : next;
    }
    return next;
}

static int64_t forget_idle(struct txns *txns, int64_t now)
{
    for (struct map_entry *e = map_first(&txns->by_id); e; e = map_next(&txns->by_id, e)) {
        struct txn *txn = e->value;
        if (txn->state != TXN_ONGOING && now - txn->changed_ms > TXN_IDLE_MS_MAX &&
            log_kv_put(txns->log, LOG_KV_TRANSACTIONS, txn_id(txn), BYTES_NONE, NULL) == ST_OK)
            txn_free(txns, txn);
    }
    return map_size(&txns->by_id) ? now + LOOK_MS : INT64_MAX;
}

static void on_time(void *context)
{
    struct txns *txns = context;
    int64_t now = now_ms(txns);

    txns->timer_ms = INT64_MAX;
    int64_t next = end_overdue(txns, now), look = forget_idle(txns, now);
    next = look < next ? look : next;
    if (next < INT64_MAX)
        arm(txns, next);
}

void txns_open(struct txns *txns, struct log *log, struct loop *loop)
{
    *txns = (struct txns){.log = log, .loop = loop, .timer_ms = INT64_MAX};
    map_init(&txns->by_id);
    txns->timer = loop_timer_create(loop, on_time, txns);
    log_kv_scan(log, LOG_KV_TRANSACTIONS, BYTES_NONE, load_one, txns);
    if (map_size(&txns->by_id))
        arm(txns, now_ms(txns)); /* what ran out while nobody looked */
}

void txns_close(struct txns *txns)
{
    for (struct map_entry *e = map_first(&txns->by_id); e; e = map_next(&txns->by_id, e))
        txn_free(txns, e->value);
    map_deinit(&txns->by_id);
    loop_timer_destroy(txns->timer);
}
