/* oracle.c: reading the log back. The recomputation is in recompute.c. */
#include "app/sim/oracle.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/hash.h"
#include "wire/kafka/batch.h"

enum { READ_BYTES = 1 << 20 };
#define EVENTS_NONE UINT64_MAX

const struct oracle_topic oracle_topics[] = {
    {"events", LEDGER_PARTITIONS, true},  {"mid", LEDGER_PARTITIONS, true},
    {"fired", LEDGER_PARTITIONS, true},   {"totals.changes", 1, false},
    {"chained.changes", 1, false},        {NULL, 0, false},
};

void oracle_init(struct oracle *o, struct ledger *ledger, bool promises)
{
    *o = (struct oracle){.ledger = ledger, .promises = promises};
    o->found = xcalloc(ledger->events_len + 1, sizeof(*o->found));
    for (uint64_t i = 0; i < ledger->events_len; i++)
        o->found[i].offset = -1;
    for (uint32_t p = 0; p < LEDGER_PARTITIONS_MAX; p++)
        o->newest_ms[p] = -1;
}

void oracle_deinit(struct oracle *o)
{
    free(o->found);
    free(o->fired);
    free(o->lates);
    for (uint32_t p = 0; p < LEDGER_PARTITIONS_MAX; p++)
        free(o->at[p].ids);
}

/* ---- records ---- */

/* The event a record carries; NULL: none that was ever made. */
static struct event *event_of(struct oracle *o, struct bytes value, const char *topic,
                              uint64_t *id)
{
    int64_t n = ledger_number(value, "id", -1);

    if (n < 0 || (uint64_t)n >= o->ledger->events_len) {
        ledger_fail(o->ledger, "%s has a record that nobody made: %.*s", topic,
                    BYTES_FMT(bytes_head(value, 200)));
        return NULL;
    }
    *id = (uint64_t)n;
    return &o->ledger->events[n];
}

static bool value_has(struct bytes value, const char *text)
{
    return value.len && memmem(value.ptr, value.len, text, strlen(text)) != NULL;
}

static void event_at(struct oracle *o, uint32_t partition, int64_t offset, uint64_t id)
{
    struct events_at *at = &o->at[partition];

    CHECK(offset >= 0);
    if ((uint64_t)offset >= at->cap) {
        at->cap = 2 * (uint64_t)offset + 256;
        at->ids = xrealloc(at->ids, at->cap * sizeof(*at->ids));
    }
    for (; at->len <= (uint64_t)offset; at->len++)
        at->ids[at->len] = EVENTS_NONE;
    at->ids[offset] = id;
}

static void read_event(struct oracle *o, enum ledger_topic topic, uint32_t partition,
                       const struct record *rec)
{
    uint64_t id;
    char json[256];
    struct event *e = event_of(o, rec->value, ledger_topics[topic], &id);

    if (!e)
        return;
    if (topic == LEDGER_MID && value_has(rec->value, "\"src\":\"job\"")) {
        o->found[id].derived++;
        return;
    }
    if (o->found[id].seen++)
        ledger_fail(o->ledger, "event %llu is twice in %s", (unsigned long long)id,
                    ledger_topics[topic]);
    o->found[id].offset = rec->offset;
    if (topic == LEDGER_EVENTS)
        event_at(o, partition, rec->offset, id);
    size_t len = ledger_json(o->ledger, id, json, sizeof(json));
    if (e->topic != topic || e->partition != partition || !bytes_equal(rec->value, bytes_of(json, len)))
        ledger_fail(o->ledger, "%s/%u offset %lld is not as it was produced: %.*s",
                    ledger_topics[topic], partition, (long long)rec->offset,
                    BYTES_FMT(bytes_head(rec->value, 200)));
    if (topic == LEDGER_EVENTS && e->ts_ms > o->newest_ms[partition])
        o->newest_ms[partition] = e->ts_ms;
}

static void read_late(struct oracle *o, const struct record *rec)
{
    static const char *const jobs[ORACLE_WINDOW_JOBS] = {
        "\"job\":\"by_window\"", "\"job\":\"win_spread\"", "\"job\":\"insert-into_fired\"",
    };
    static const char mark[] = "\\\"k\\\":\\\"k"; /* JSON in a string of JSON */
    struct late late = {.partition = ledger_number(rec->value, "partition", -1),
                        .offset = ledger_number(rec->value, "offset", -1)};
    const uint8_t *k = memmem(rec->value.ptr, rec->value.len, mark, sizeof(mark) - 1);

    while (late.job < ORACLE_WINDOW_JOBS && !value_has(rec->value, jobs[late.job]))
        late.job++;
    if (late.job == ORACLE_WINDOW_JOBS || late.partition < 0 || late.offset < 0 || !k ||
        late.partition >= LEDGER_PARTITIONS_MAX || !value_has(rec->value, "\"topic\":\"events\"")) {
        ledger_fail(o->ledger, "events.late has a record of another form: %.*s",
                    BYTES_FMT(bytes_head(rec->value, 300)));
        return;
    }
    late.k = atoi((const char *)k + sizeof(mark) - 1); /* a quote ends it */
    if (o->lates_len == o->lates_cap) {
        o->lates_cap = o->lates_cap ? o->lates_cap * 2 : 256;
        o->lates = xrealloc(o->lates, o->lates_cap * sizeof(*o->lates));
    }
    o->lates[o->lates_len++] = late;
}

/* When all is read: each late row is the event at the place it names, with its key. */
static void find_lates(struct oracle *o)
{
    for (uint64_t i = 0; i < o->lates_len; i++) {
        const struct late *late = &o->lates[i];
        const struct events_at *at = &o->at[late->partition];
        uint64_t id = (uint64_t)late->offset < at->len ? at->ids[late->offset] : EVENTS_NONE;
        if (id == EVENTS_NONE || o->ledger->events[id].k != late->k) {
            ledger_fail(o->ledger, "a late row of k%d is said to be at events/%lld offset %lld",
                        late->k, (long long)late->partition, (long long)late->offset);
            continue;
        }
        if (o->found[id].late & (1u << late->job))
            ledger_fail(o->ledger, "event %llu was late twice for one job", (unsigned long long)id);
        o->found[id].late |= (uint8_t)(1u << late->job);
        o->late++;
    }
}

static void read_fired(struct oracle *o, const struct record *rec)
{
    int hour = 0, minute = 0, second = 0, k = 0;
    char text[256];
    size_t len = rec->value.len < sizeof(text) - 1 ? rec->value.len : sizeof(text) - 1;

    memcpy(text, rec->value.ptr, len);
    text[len] = 0;
    if (sscanf(text, "{\"ws\":\"2026-01-01 %d:%d:%d", &hour, &minute, &second) != 3 ||
        !strstr(text, "\"k\":\"k") || sscanf(strstr(text, "\"k\":\"k") + 6, "%d", &k) != 1) {
        ledger_fail(o->ledger, "fired has a record of another form: %s", text);
        return;
    }
    if (o->fired_len == o->fired_cap) {
        o->fired_cap = o->fired_cap ? o->fired_cap * 2 : 256;
        o->fired = xrealloc(o->fired, o->fired_cap * sizeof(*o->fired));
    }
    o->fired[o->fired_len++] = (struct fired){
        .start_ms = ((hour * 60 + minute) * 60 + second) * INT64_C(1000), .k = k,
        .g = (int32_t)ledger_number(rec->value, "g", -1),
        .n = ledger_number(rec->value, "n", -1), .s = ledger_number(rec->value, "s", -1),
        .top = ledger_number(rec->value, "top", -1),
    };
}

/* Of the topic as it is now, not of one that was deleted. */
static void read_scratch(struct oracle *o, const struct record *rec)
{
    const struct ledger_scratch *s = &o->ledger->scratch;
    uint64_t made = (uint64_t)ledger_number(rec->value, "made", -1);

    if (made != s->made && made != s->maybe)
        ledger_fail(o->ledger, "scratch was made %llu times and has a record of time %lld",
                    (unsigned long long)s->made, (long long)made);
}

static void check_scratch(struct oracle *o, struct log *log)
{
    bool there = log_topic_find(log, bytes_str("scratch")) != NULL;

    if (there ? o->ledger->scratch.state == SCRATCH_GONE : o->ledger->scratch.state == SCRATCH_THERE)
        ledger_fail(o->ledger, "the topic scratch is %s, and its %s was acknowledged", there ? "there" : "not there",
                    there ? "deletion" : "making");
}

static void read_record(struct oracle *o, const char *topic, uint32_t partition,
                        const struct record *rec)
{
    o->hash = hash_combine(o->hash, hash_bytes(rec->key));
    o->hash = hash_combine(o->hash, hash_bytes(rec->value));
    if (o->promises)
        ledger_shown(o->ledger, topic, partition, rec->offset, rec->key, rec->value);
    if (!strcmp(topic, "events"))
        read_event(o, LEDGER_EVENTS, partition, rec);
    else if (!strcmp(topic, "mid"))
        read_event(o, LEDGER_MID, partition, rec);
    else if (!strcmp(topic, "fired"))
        read_fired(o, rec);
    else if (!strcmp(topic, "scratch"))
        read_scratch(o, rec);
    else if (!strcmp(topic, "events.late"))
        read_late(o, rec);
    else if (strstr(topic, ".errors"))
        ledger_fail(o->ledger, "%s has %.*s", topic, BYTES_FMT(bytes_head(rec->value, 300)));
}

/* ---- partitions ---- */

static void read_batch(struct oracle *o, const char *topic, uint32_t partition, struct bytes batch,
                       int64_t *next)
{
    struct batch_header header;
    struct batch_records it;
    struct record rec;
    struct buf scratch;

    buf_init(&scratch, 0);
    if (batch_validate(batch, &header) != ST_OK ||
        batch_records_open_buf(&it, batch, &scratch) != ST_OK) {
        ledger_fail(o->ledger, "%s/%u: the batch at %lld is damaged", topic, partition,
                    (long long)*next);
        buf_deinit(&scratch);
        return;
    }
    while (batch_records_next(&it, &rec) == ST_OK) {
        if (rec.offset < *next) /* an earlier one of the batch, below the start */
            continue;
        if (rec.offset != *next)
            ledger_fail(o->ledger, "%s/%u: offset %lld follows %lld", topic, partition,
                        (long long)rec.offset, (long long)*next - 1);
        *next = rec.offset + 1;
        read_record(o, topic, partition, &rec);
    }
    buf_deinit(&scratch);
}

static void read_partition(struct oracle *o, struct log *log, const char *topic,
                           struct log_partition *partition, uint32_t index)
{
    struct log_offsets offsets;
    log_offsets(partition, &offsets);
    int64_t next = offsets.start;

    while (next < offsets.durable) {
        struct log_view view;
        struct diag diag = {0};
        int64_t before = next;
        enum status st = log_read(log, partition, next, READ_BYTES, LOG_TO_DURABLE, &view, &diag);
        if (st != ST_OK) {
            ledger_fail(o->ledger, "%s/%u cannot be read at %lld: %s (%s)", topic, index,
                        (long long)next, status_text(st), diag.message);
            return;
        }
        struct bytes run = view.bytes, batch;
        struct batch_header header;
        while (batch_next(&run, &header, &batch) == ST_OK)
            read_batch(o, topic, index, batch, &next);
        log_view_release(&view);
        if (next == before) {
            ledger_fail(o->ledger, "%s/%u cannot be read past %lld", topic, index, (long long)next);
            return;
        }
    }
    if (o->promises && ledger_shown_end(o->ledger, topic, index) > (uint64_t)offsets.durable)
        ledger_fail(o->ledger, "%s/%u ends at %lld, and records up to %llu were shown", topic, index,
                    (long long)offsets.durable,
                    (unsigned long long)ledger_shown_end(o->ledger, topic, index));
}

/* One past the last offset that was acknowledged. */
static int64_t acked_end(const struct ledger *ledger, const char *topic, uint32_t partition)
{
    int64_t end = 0;

    for (uint64_t id = 0; id < ledger->events_len; id++) {
        const struct event *e = &ledger->events[id];
        if (e->offset >= end && e->partition == partition && !strcmp(ledger_topics[e->topic], topic))
            end = e->offset + 1;
    }
    return end;
}

void oracle_check_ends(struct ledger *ledger, struct log *log)
{
    for (struct log_topic *t = log_topic_next(log, NULL); t; t = log_topic_next(log, t)) {
        const struct log_topic_info *info = log_topic_info(t);
        char name[LOG_NAME_MAX + 1];
        snprintf(name, sizeof(name), "%.*s", BYTES_FMT(info->name));
        uint32_t promised = ledger_partitions(ledger, name);
        if (promised != UINT32_MAX && info->partitions < promised)
            ledger_fail(ledger, "%s has %u partitions after a crash, and %u were acknowledged", name,
                        info->partitions, promised);
        for (uint32_t p = 0; p < info->partitions; p++) {
            struct log_offsets offsets;
            log_offsets(log_partition_of(t, p), &offsets);
            int64_t shown = (int64_t)ledger_shown_end(ledger, name, p), acked = acked_end(ledger, name, p);
            if (acked > offsets.end)
                ledger_fail(ledger, "%s/%u ends at %lld after a crash, and records up to %lld were acknowledged",
                            name, p, (long long)offsets.end, (long long)acked);
            if (shown > offsets.end)
                ledger_fail(ledger, "%s/%u ends at %lld after a crash, and records up to %lld were shown", name,
                            p, (long long)offsets.end, (long long)shown);
        }
    }
}

static void check_promises(struct oracle *o)
{
    for (uint64_t id = 0; id < o->ledger->events_len; id++) {
        const struct event *e = &o->ledger->events[id];
        if (e->offset < 0)
            continue;
        if (!o->found[id].seen)
            ledger_fail(o->ledger, "event %llu was acknowledged at %s/%u offset %lld and is not there",
                        (unsigned long long)id, ledger_topics[e->topic], e->partition,
                        (long long)e->offset);
        else if (o->found[id].offset != e->offset)
            ledger_fail(o->ledger, "event %llu was acknowledged at offset %lld and is at %lld",
                        (unsigned long long)id, (long long)e->offset, (long long)o->found[id].offset);
    }
}

void oracle_read(struct oracle *o, struct log *log)
{
    for (struct log_topic *t = log_topic_next(log, NULL); t; t = log_topic_next(log, t)) {
        const struct log_topic_info *info = log_topic_info(t);
        char name[LOG_NAME_MAX + 1];
        snprintf(name, sizeof(name), "%.*s", BYTES_FMT(info->name));
        o->hash = hash_combine(o->hash, hash_bytes(info->name));
        if (bytes_is(info->name, ledger_topics[LEDGER_EVENTS]))
            o->partitions = info->partitions;
        for (uint32_t p = 0; p < info->partitions; p++)
            read_partition(o, log, name, log_partition_of(t, p), p);
    }
    find_lates(o);
    if (o->promises) {
        check_promises(o);
        check_scratch(o, log);
    }
}
