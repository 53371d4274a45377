/* poll.c: a source's turns: what the outside gives into its topic, and where that leaves off, as one entry of the
 * log. The next poll is made when that is durable: then a bridge may acknowledge what it gave. */
#include <stdio.h>

#include "base/check.h"
#include "bridge/carrier_inner.h"

enum { TOPIC_BATCH_BYTES = 512 << 10, TOPIC_RECORD_BYTES_MAX = 16 << 20 };

/* ---- what a bridge gives ---- */

struct bridge_record *bridge_poll_record(struct bridge_poll *poll, size_t bytes)
{
    if (poll->count == poll->records_max || (poll->count && poll->bytes + bytes > poll->bytes_max))
        return NULL;
    if (!poll->records)
        poll->records = ARENA_ARRAY(poll->arena, struct bridge_record, poll->records_max);
    poll->bytes += bytes;
    return &poll->records[poll->count++];
}

void bridge_poll_header(struct bridge_poll *poll, struct bridge_record *record, struct bytes key, struct bytes value)
{
    struct buf text;

    buf_init(&text, 0);
    buf_bytes(&text, record->headers);
    record_header_put(&text, &(struct record_header){key, value});
    record->headers = arena_copy(poll->arena, buf_view(&text));
    record->headers_count++;
    buf_deinit(&text);
}

void bridge_poll_moved(struct bridge_poll *poll, struct bytes split, struct bytes position)
{
    CHECK(split.len && split.len <= BRIDGE_SPLIT_MAX && position.len && position.len <= BRIDGE_POSITION_MAX);
    if (poll->moved_count == poll->moved_cap) {
        uint32_t cap = poll->moved_cap ? poll->moved_cap * 2 : 8;
        struct bridge_moved *moved = ARENA_ARRAY(poll->arena, struct bridge_moved, cap);
        if (poll->moved_count)
            memcpy(moved, poll->moved, poll->moved_count * sizeof(*moved));
        poll->moved = moved;
        poll->moved_cap = cap;
    }
    poll->moved[poll->moved_count++] =
        (struct bridge_moved){arena_copy(poll->arena, split), arena_copy(poll->arena, position)};
}

/* ---- into the log ---- */

/* The topic has as many partitions as the records need. */
static enum status extend(struct carrier *c)
{
    uint32_t most = 0;
    struct diag diag = {0};

    for (uint32_t i = 0; i < c->poll.count; i++)
        if (!c->poll.records[i].never && c->poll.records[i].partition > most)
            most = c->poll.records[i].partition;
    if (most < log_topic_info(c->topic)->partitions)
        return ST_OK;
    return log_topic_extend(c->env.log, c->topic, most + 1, NULL, &diag);
}

static enum status flush(struct carrier *c, struct batch_builder *b, struct log_entry *entry, uint32_t partition)
{
    struct buf batch;

    if (!b->count)
        return ST_OK;
    buf_init(&batch, 0);
    enum status st = batch_builder_finish(b, &batch);
    if (st == ST_OK)
        st = log_entry_append(entry, log_partition_of(c->topic, partition), buf_view(&batch), NULL);
    batch_builder_clear(b);
    buf_deinit(&batch);
    return st;
}

static void add(struct batch_builder *b, const struct bridge_record *r)
{
    struct record rec = {.timestamp_ms = r->timestamp_ms, .key = r->key, .value = r->value,
                         .headers_count = r->headers_count, .headers = r->headers};

    batch_builder_add_record(b, &rec, RECORD_OFFSET_BY_PLACE);
}

/* The records of one partition, in order. */
static enum status append_lane(struct carrier *c, struct batch_builder *b, struct log_entry *entry,
                               uint32_t partition)
{
    for (uint32_t i = 0; i < c->poll.count; i++) {
        const struct bridge_record *r = &c->poll.records[i];
        if (r->never || r->partition != partition)
            continue;
        add(b, r);
        if (batch_builder_bytes(b) > TOPIC_BATCH_BYTES)
            TRY(flush(c, b, entry, partition));
    }
    return flush(c, b, entry, partition);
}

static enum status append_all(struct carrier *c, struct log_entry *entry)
{
    uint32_t partitions = log_topic_info(c->topic)->partitions;
    bool *has = ARENA_ARRAY(&c->batch_arena, bool, partitions);
    struct batch_builder b;
    enum status st = ST_OK;

    for (uint32_t i = 0; i < c->poll.count; i++)
        if (!c->poll.records[i].never)
            has[c->poll.records[i].partition] = true;
    batch_builder_init(&b, KAFKA_CODEC_NONE);
    for (uint32_t p = 0; p < partitions && st == ST_OK; p++)
        if (has[p])
            st = append_lane(c, &b, entry, p);
    batch_builder_deinit(&b);
    return st;
}

static void refuse_large(struct carrier *c)
{
    for (uint32_t i = 0; i < c->poll.count; i++) {
        struct bridge_record *r = &c->poll.records[i];
        size_t bytes = r->key.len + r->value.len + r->headers.len;
        if (bytes > TOPIC_RECORD_BYTES_MAX && !r->never)
            r->never = arena_printf(&c->batch_arena, "it is of %zu bytes, and more than %d are not taken", bytes,
                                    TOPIC_RECORD_BYTES_MAX);
    }
}

static enum status put(struct carrier *c, struct log_entry *entry, uint64_t *dead)
{
    refuse_large(c);
    TRY(dead_letters(c, entry, c->poll.records, c->poll.count, dead));
    TRY(append_all(c, entry));
    for (uint32_t i = 0; i < c->poll.moved_count; i++)
        split_keep(entry, c->kept_as, &c->poll.moved[i]);
    return ST_OK;
}

void poll_keep(struct carrier *c, int64_t now_ns)
{
    struct log_entry *entry;
    uint64_t dead = 0, lsn;
    enum status st = extend(c);

    if (st == ST_OK) {
        entry = log_entry_begin(c->env.log);
        st = put(c, entry, &dead);
        if (st != ST_OK)
            log_entry_abort(entry);
        else
            st = log_entry_commit(entry, ARENA_ARRAY(&c->batch_arena, struct log_appended, c->poll.count + 1),
                                  &lsn);
    }
    if (st != ST_OK) {
        snprintf(c->trouble, sizeof(c->trouble), "the log takes no records now: %s", status_text(st));
        c->not_before_ns = now_ns + CARRIER_LOG_WAIT_NS;
        return;
    }
    c->outcome_kept = false;
    c->dead += dead;
    c->delivered += c->poll.count - dead;
    carrier_wait(c, lsn);
    if (c->poll.trouble[0])
        carrier_failed(c, c->poll.trouble, now_ns);
    else
        carrier_went_well(c);
}

/* ---- a turn ---- */

/* On the helper. */
static bool poll_step(struct os_work *work)
{
    struct carrier *c = (struct carrier *)work;
    int64_t began_ns = os_mono_ns(c->env.os);

    c->class->poll(c->bridge, &c->poll);
    c->took_ns = os_mono_ns(c->env.os) - began_ns;
    return false;
}

void poll_finish(struct carrier *c, int64_t now_ns)
{
    bool bad = c->poll.trouble[0], nothing = !c->poll.count && !c->poll.moved_count;

    c->behind = c->poll.behind > 0 ? (uint64_t)c->poll.behind : 0;
    c->rate.tokens += (double)(c->poll.records_max - c->poll.count);
    /* one that waited for records was not slow */
    breaker_note(&c->breaker, now_ns, nothing && !bad ? 0 : c->took_ns, bad);
    if (!nothing) {
        c->outcome_kept = true;
        poll_keep(c, now_ns);
        return;
    }
    if (bad) {
        carrier_failed(c, c->poll.trouble, now_ns);
        return;
    }
    carrier_went_well(c);
    if (c->poll.rest)
        c->not_before_ns = now_ns + c->interval_ms * 1000000;
}

/* Why nothing may be taken now; NULL: it may. */
static const char *held(struct carrier *c)
{
    struct log_stats stats;
    struct log_offsets offsets;
    bool full = false, by_key = log_topic_info(c->topic)->options.cleanup & LOG_CLEANUP_COMPACT;

    log_stats(c->env.log, &stats);
    if (stats.refusing)
        return "the disk is full: nothing more is taken until there is room";
    for (uint32_t p = 0; p < log_topic_info(c->topic)->partitions; p++) {
        struct log_partition *partition = log_partition_of(c->topic, p);
        log_offsets(partition, &offsets);
        full |= (by_key ? log_pinned_bytes(partition) : offsets.bytes) >= c->backlog_max;
    }
    return full ? "jobs are behind by 'bridge.backlog.bytes': nothing more is taken until they have read it"
                : NULL;
}

void poll_begin(struct carrier *c, int64_t now_ns)
{
    if (c->waits)
        return;
    const char *why = held(c);
    if (why) {
        snprintf(c->trouble, sizeof(c->trouble), "%s", why);
        c->not_before_ns = now_ns + CARRIER_LOG_WAIT_NS;
        return;
    }
    if (!breaker_may(&c->breaker, now_ns, &c->not_before_ns))
        return;
    uint64_t may = rate_take(&c->rate, now_ns, c->records_max, &c->not_before_ns);
    if (!may)
        return;
    arena_reset(&c->batch_arena);
    c->poll = (struct bridge_poll){.arena = &c->batch_arena, .records_max = (uint32_t)may, .bytes_max = c->bytes_max,
                                   .wait_ms = c->wait_ms, .behind = -1};
    carrier_submit(c, poll_step);
}
