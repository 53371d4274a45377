#include "lib/log_twin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "lib/test.h"

void twin_init(struct twin *twin, uint64_t seed)
{
    *twin = (struct twin){.rng = rng_seed(seed), .next_tag = 1, .next_entry = 1};
    for (int t = 0; t < TWIN_TOPICS; t++)
        for (int p = 0; p < TWIN_PARTITIONS; p++)
            for (int k = 0; k <= TWIN_PRODUCERS; k++)
                twin->parts[t][p].open[k] = -1;
}

void twin_deinit(struct twin *twin)
{
    for (int t = 0; t < TWIN_TOPICS; t++)
        for (int p = 0; p < TWIN_PARTITIONS; p++)
            free(twin->parts[t][p].records);
    for (int k = 0; k < TWIN_KEYS; k++)
        free(twin->keys[k].values);
}

bool twin_attach(struct twin *twin, struct log *log)
{
    twin->log = log;
    for (int t = 0; t < TWIN_TOPICS; t++) {
        char name[32];
        struct log_topic_options options = {.segment_bytes = 64 * 1024,
                                            .retention_ms = -1,
                                            .durability = t == 3 ? LOG_INTERVAL : LOG_FSYNC};
        snprintf(name, sizeof(name), "topic-%d", t);
        struct log_topic *topic = log_topic_find(log, bytes_str(name));
        if (!topic && log_topic_create(log, bytes_str(name), TWIN_PARTITIONS, &options, &topic,
                                       NULL, NULL) != ST_OK)
            return false;
        for (uint32_t p = 0; p < TWIN_PARTITIONS; p++)
            twin->partitions[t][p] = log_partition_of(topic, p);
    }
    return true;
}

/* ---- changing ---- */

static void add_record(struct twin_partition *part, struct twin_record record)
{
    if (part->end == part->cap) {
        part->cap = part->cap ? part->cap * 2 : 64;
        part->records = xrealloc(part->records, (size_t)part->cap * sizeof(*part->records));
    }
    if (record.producer && record.kind != TWIN_RECORD)
        part->open[record.producer] = -1;
    else if (record.producer && part->open[record.producer] < 0)
        part->open[record.producer] = part->end;
    if (record.producer && record.kind == TWIN_RECORD)
        part->sequence[record.producer] = record.sequence + 1;
    part->records[part->end++] = record;
}

static void add_records(struct twin_partition *part, struct batch_spec spec, uint64_t lsn,
                        uint64_t entry)
{
    for (int i = 0; i < spec.count; i++)
        add_record(part, (struct twin_record){.tag = spec.tag,
                                              .n = i,
                                              .timestamp_ms = spec.timestamp_ms + i,
                                              .lsn = lsn,
                                              .entry = entry,
                                              .producer = (int)spec.producer_id,
                                              .sequence = spec.sequence + i});
}

static void add_value(struct twin_key *key, uint64_t value, uint64_t lsn, uint64_t entry)
{
    if (key->count == key->cap) {
        key->cap = key->cap ? key->cap * 2 : 8;
        key->values = xrealloc(key->values, (size_t)key->cap * sizeof(*key->values));
    }
    key->values[key->count++] = (struct twin_value){value, lsn, entry};
}

static struct batch_spec random_batch(struct twin *twin)
{
    size_t sizes[] = {0, 10, 100, 1000, 9000};

    return (struct batch_spec){.tag = twin->next_tag++,
                               .count = (int)rng_between(&twin->rng, 1, 5),
                               .value_bytes = sizes[rng_below(&twin->rng, 5)],
                               .timestamp_ms = 1000000 + (int64_t)rng_below(&twin->rng, 100000)};
}

static bool step_append(struct twin *twin)
{
    int t = (int)rng_below(&twin->rng, TWIN_TOPICS),
        p = (int)rng_below(&twin->rng, TWIN_PARTITIONS);
    struct twin_partition *part = &twin->parts[t][p];
    struct batch_spec spec = random_batch(twin);
    struct log_appended a;

    if (log_append(twin->log, twin->partitions[t][p], test_batch(spec), &a, NULL) != ST_OK)
        return false;
    EXPECT_INT(a.base_offset, part->end);
    add_records(part, spec, log_end_lsn(twin->log), 0);
    return true;
}

static struct bytes key_text(int key, char text[32])
{
    snprintf(text, 32, "key-%d", key);
    return bytes_str(text);
}

static bool step_entry(struct twin *twin)
{
    struct log_entry *entry = log_entry_begin(twin->log);
    int parts = (int)rng_between(&twin->rng, 1, 6), ts[6], ps[6], n = 0;
    struct batch_spec specs[6];
    struct log_appended appended[6];
    char text[32], value_text[24];
    uint64_t number = twin->next_entry++, lsn;
    int key = (int)rng_below(&twin->rng, TWIN_KEYS);

    for (int i = 0; i < parts; i++) {
        ts[n] = (int)rng_below(&twin->rng, TWIN_TOPICS);
        ps[n] = (int)rng_below(&twin->rng, TWIN_PARTITIONS);
        specs[n] = random_batch(twin);
        if (log_entry_append(entry, twin->partitions[ts[n]][ps[n]], test_batch(specs[n]), NULL) ==
            ST_OK)
            n++;
    }
    snprintf(value_text, sizeof(value_text), "%llu", (unsigned long long)number);
    log_entry_kv(entry, LOG_KV_TEST, key_text(key, text), bytes_str(value_text));
    if (rng_chance(&twin->rng, 0.1)) {
        log_entry_abort(entry);
        return true;
    }
    if (log_entry_commit(entry, appended, &lsn) != ST_OK)
        return false;
    for (int i = 0; i < n; i++) {
        struct twin_partition *part = &twin->parts[ts[i]][ps[i]];
        EXPECT_INT(appended[i].base_offset, part->end);
        add_records(part, specs[i], lsn, number);
    }
    add_value(&twin->keys[key], number, lsn, number);
    return true;
}

/* ---- transactions, worked out from the records ---- */

struct twin_txns {
    int64_t stable, settled; /* as of a durable end */
    struct log_aborted aborted[512];
    int count, seen;
    const char *wrong;
};

static void work_out(const struct twin_partition *part, int64_t durable, struct twin_txns *out)
{
    int64_t open[TWIN_PRODUCERS + 1];

    *out = (struct twin_txns){.stable = durable, .settled = part->end};
    memset(open, -1, sizeof(open));
    for (int64_t i = 0; i < part->end; i++) {
        const struct twin_record *r = &part->records[i];
        if (!r->producer)
            continue;
        if (r->kind == TWIN_RECORD) {
            if (open[r->producer] < 0)
                open[r->producer] = i;
            continue;
        }
        if (i >= durable && open[r->producer] < out->stable)
            out->stable = open[r->producer];
        if (r->kind == TWIN_ABORT && i >= part->start && out->count < 512)
            out->aborted[out->count++] = (struct log_aborted){r->producer, open[r->producer], i};
        open[r->producer] = -1;
    }
    for (int k = 1; k <= TWIN_PRODUCERS; k++) {
        if (open[k] >= 0 && open[k] < out->stable)
            out->stable = open[k];
        if (open[k] >= 0 && open[k] < out->settled)
            out->settled = open[k];
    }
    if (out->stable < part->start)
        out->stable = part->start;
    if (out->settled < part->start)
        out->settled = part->start;
}

static void same_aborted(void *context, const struct log_aborted *aborted)
{
    struct twin_txns *w = context;

    if (w->seen >= w->count || w->aborted[w->seen].producer_id != aborted->producer_id ||
        w->aborted[w->seen].first != aborted->first || w->aborted[w->seen].last != aborted->last)
        w->wrong = "another transaction is said to be aborted";
    w->seen++;
}

/* NULL when the log knows the partition's transactions as they are. */
static const char *check_transactions(struct twin *twin, int t, int p)
{
    static struct twin_txns w;
    struct log_offsets o;

    log_offsets(twin->partitions[t][p], &o);
    work_out(&twin->parts[t][p], o.durable, &w);
    if (o.stable != w.stable)
        return o.stable > w.stable ? "an undecided transaction is shown"
                                   : "the last stable offset is too low";
    if (o.settled != w.settled)
        return "the settled end is wrong";
    if (w.count == 512)
        return NULL;
    log_aborted(twin->partitions[t][p], o.start, o.end, same_aborted, &w);
    return w.wrong ? w.wrong : w.seen != w.count ? "an aborted transaction is not known" : NULL;
}

/* ---- transactions ---- */

static bool step_transactional(struct twin *twin)
{
    int t = (int)rng_below(&twin->rng, TWIN_TOPICS),
        p = (int)rng_below(&twin->rng, TWIN_PARTITIONS),
        k = (int)rng_between(&twin->rng, 1, TWIN_PRODUCERS);
    struct twin_partition *part = &twin->parts[t][p];
    struct batch_spec spec = random_batch(twin);
    struct log_appended a;

    spec.producer_id = k;
    spec.transactional = true;
    spec.sequence = part->sequence[k];
    if (log_append(twin->log, twin->partitions[t][p], test_batch(spec), &a, NULL) != ST_OK)
        return false;
    EXPECT_INT(a.base_offset, part->end);
    add_records(part, spec, log_end_lsn(twin->log), 0);
    return true;
}

/* The decision as a fact, and a marker in each partition that the transaction touched. */
static bool step_end(struct twin *twin)
{
    struct log_entry *entry = log_entry_begin(twin->log);
    int k = (int)rng_between(&twin->rng, 1, TWIN_PRODUCERS), n = 0;
    int key = (int)rng_below(&twin->rng, TWIN_KEYS);
    bool commit = rng_chance(&twin->rng, 0.5);
    const struct log_marker marker = {.producer_id = k,
                                      .coordinator_epoch = 1,
                                      .outcome = commit ? LOG_COMMIT : LOG_ABORT};
    struct log_appended appended[TWIN_TOPICS * TWIN_PARTITIONS];
    struct twin_partition *ended[TWIN_TOPICS * TWIN_PARTITIONS];
    char text[32], value_text[24];
    uint64_t number = twin->next_entry++, lsn;

    snprintf(value_text, sizeof(value_text), "%llu", (unsigned long long)number);
    log_entry_kv(entry, LOG_KV_TEST, key_text(key, text), bytes_str(value_text));
    for (int t = 0; t < TWIN_TOPICS; t++)
        for (int p = 0; p < TWIN_PARTITIONS; p++)
            if (twin->parts[t][p].open[k] >= 0 &&
                log_entry_marker(entry, twin->partitions[t][p], &marker) == ST_OK)
                ended[n++] = &twin->parts[t][p];
    if (log_entry_commit(entry, appended, &lsn) != ST_OK)
        return false;
    for (int i = 0; i < n; i++) {
        EXPECT_INT(appended[i].base_offset, ended[i]->end);
        add_record(ended[i], (struct twin_record){.lsn = lsn,
                                                  .entry = number,
                                                  .producer = k,
                                                  .kind = commit ? TWIN_COMMIT : TWIN_ABORT});
    }
    add_value(&twin->keys[key], number, lsn, number);
    for (int t = 0; t < TWIN_TOPICS; t++)
        for (int p = 0; p < TWIN_PARTITIONS && !twin->wrong; p++)
            twin->wrong = check_transactions(twin, t, p);
    return true;
}

static bool step_kv(struct twin *twin)
{
    int key = (int)rng_below(&twin->rng, TWIN_KEYS);
    bool removes = rng_chance(&twin->rng, 0.2);
    char text[32], value_text[24];
    uint64_t lsn, number = twin->next_entry++;

    snprintf(value_text, sizeof(value_text), "%llu", (unsigned long long)number);
    if (log_kv_put(twin->log, LOG_KV_TEST, key_text(key, text),
                   removes ? BYTES_NONE : bytes_str(value_text), &lsn) != ST_OK)
        return false;
    add_value(&twin->keys[key], removes ? 0 : number, lsn, 0);
    return true;
}

static bool step_trim(struct twin *twin)
{
    int t = (int)rng_below(&twin->rng, TWIN_TOPICS),
        p = (int)rng_below(&twin->rng, TWIN_PARTITIONS);
    struct twin_partition *part = &twin->parts[t][p];
    struct log_offsets o;

    log_offsets(twin->partitions[t][p], &o);
    int64_t before =
        o.start + (int64_t)rng_below(&twin->rng, (uint64_t)(o.durable - o.start) / 2 + 1);
    if (log_trim(twin->log, twin->partitions[t][p], before, NULL) != ST_OK)
        return false;
    if (before > part->start)
        part->start = before;
    return true;
}

bool twin_step(struct twin *twin)
{
    uint64_t dice = rng_below(&twin->rng, 100);

    if (dice < 40)
        return step_append(twin);
    if (dice < 52)
        return step_transactional(twin);
    if (dice < 57)
        return step_end(twin);
    if (dice < 70)
        return step_entry(twin);
    if (dice < 75)
        return step_kv(twin);
    if (dice < 77)
        return step_trim(twin);
    if (dice < 90)
        return log_flush(twin->log) == ST_OK;
    for (uint64_t n = 1 + rng_below(&twin->rng, 24); n > 0; n--)
        (void)log_work(twin->log); /* so often that a cut may begin and end between two flushes */
    return true;
}

/* ---- comparing ---- */

struct cursor {
    const struct twin_partition *part;
    const char *wrong;
    int64_t next;
    bool control; /* the batch at hand */
};

/* A marker where one was written, of that outcome, and nowhere else. */
static bool marker_fits(const struct twin_record *want, bool control, const struct record *rec)
{
    if (!control)
        return want->kind == TWIN_RECORD;
    return control_type_of(rec->key) == (want->kind == TWIN_COMMIT ? CONTROL_COMMIT : CONTROL_ABORT);
}

static void same_record(void *context, const struct record *rec)
{
    struct cursor *c = context;
    const struct twin_record *want = &c->part->records[rec->offset];
    int n;

    EXPECT(rec->offset < c->part->end);
    EXPECT(marker_fits(want, c->control, rec));
    c->next = rec->offset + 1;
    if (c->control)
        return;
    EXPECT_INT(test_tag(rec->value, &n), want->tag);
    EXPECT_INT(n, want->n);
    EXPECT_INT(rec->timestamp_ms, want->timestamp_ms);
}

static void compare_from(struct twin *twin, int t, int p, int64_t from, size_t bytes_max)
{
    struct twin_partition *part = &twin->parts[t][p];
    struct cursor c = {.part = part, .next = from};
    struct log_view view;
    struct batch_header h;
    struct bytes batch;
    struct diag diag = {0};

    while (c.next < part->end) {
        int64_t asked = c.next;
        if (log_read(twin->log, twin->partitions[t][p], asked, bytes_max, LOG_TO_END, &view,
                     &diag) != ST_OK)
            test_fail(__FILE__, __LINE__, "read: %s", diag.message);
        EXPECT(view.bytes.len > 0);
        EXPECT(view.base_offset <= asked);
        EXPECT(view.next_offset > asked);
        struct bytes run = view.bytes;
        while (batch_next(&run, &h, &batch) == ST_OK) {
            struct batch_records it;
            struct record rec;
            struct buf scratch = {0};
            EXPECT_OK(batch_validate(batch, &h));
            c.control = h.attributes & BATCH_CONTROL;
            EXPECT_OK(batch_records_open_buf(&it, batch, &scratch));
            while (batch_records_next(&it, &rec) == ST_OK)
                same_record(&c, &rec);
        }
        EXPECT_INT(c.next, view.next_offset);
        log_view_release(&view);
    }
}

static void compare_keys(struct twin *twin)
{
    for (int k = 0; k < TWIN_KEYS; k++) {
        struct twin_key *key = &twin->keys[k];
        uint64_t want = key->count ? key->values[key->count - 1].value : 0;
        char text[32], want_text[24];
        struct bytes value;
        bool there = log_kv_get(twin->log, LOG_KV_TEST, key_text(k, text), &value);
        EXPECT_INT(there, want != 0);
        snprintf(want_text, sizeof(want_text), "%llu", (unsigned long long)want);
        if (there)
            EXPECT_BYTES(value, bytes_str(want_text));
    }
}

static void compare_bounds(struct twin *twin, int t, int p, struct log_offsets *o)
{
    log_offsets(twin->partitions[t][p], o);
    EXPECT_INT(o->end, twin->parts[t][p].end);
    EXPECT_INT(o->start, twin->parts[t][p].start);
    EXPECT(o->durable <= o->end);
}

static void compare_time(struct twin *twin, int t, int p, const struct log_offsets *o)
{
    struct twin_partition *part = &twin->parts[t][p];
    int64_t ms = 1000000 + (int64_t)rng_below(&twin->rng, 100010), want = o->start, offset, found;

    /* markers have the time of their writing, which is later than any here */
    while (want < o->durable && part->records[want].kind == TWIN_RECORD &&
           part->records[want].timestamp_ms < ms)
        want++;
    enum status st = log_offset_for_time(twin->log, twin->partitions[t][p], ms, &offset, &found);
    EXPECT_INT(st, want < o->durable ? ST_OK : ST_NOTFOUND);
    if (st == ST_OK) {
        EXPECT_INT(offset, want);
        if (part->records[want].kind == TWIN_RECORD)
            EXPECT_INT(found, part->records[want].timestamp_ms);
    }
}

void twin_compare(struct twin *twin)
{
    struct log_offsets o;

    for (int t = 0; t < TWIN_TOPICS; t++) {
        for (int p = 0; p < TWIN_PARTITIONS; p++) {
            compare_bounds(twin, t, p, &o);
            compare_from(twin, t, p, o.start, 1 + rng_below(&twin->rng, 100000));
            compare_time(twin, t, p, &o);
            const char *wrong = check_transactions(twin, t, p);
            if (wrong)
                test_fail(__FILE__, __LINE__, "topic %d, partition %d: %s", t, p, wrong);
        }
    }
    compare_keys(twin);
}

void twin_compare_some(struct twin *twin)
{
    int t = (int)rng_below(&twin->rng, TWIN_TOPICS),
        p = (int)rng_below(&twin->rng, TWIN_PARTITIONS);
    struct log_offsets o;

    compare_bounds(twin, t, p, &o);
    int64_t from = o.start + (int64_t)rng_below(&twin->rng, (uint64_t)(o.end - o.start) + 1);
    if (o.end - from > 40)
        from = o.end - (int64_t)rng_below(&twin->rng, 40);
    compare_from(twin, t, p, from, 1 + rng_below(&twin->rng, 20000));
    compare_time(twin, t, p, &o);
    compare_keys(twin);
    const char *wrong = check_transactions(twin, t, p);
    if (wrong)
        test_fail(__FILE__, __LINE__, "topic %d, partition %d: %s", t, p, wrong);
}

/* ---- after a crash ---- */

static void found_record(void *context, const struct record *rec)
{
    struct cursor *c = context;
    int n;

    if (rec->offset < c->part->start)
        return; /* of the batch that holds the start */
    if (rec->offset >= c->part->end)
        c->wrong = "a record that was never appended";
    else if (!marker_fits(&c->part->records[rec->offset], c->control, rec))
        c->wrong = "another marker than was appended there";
    else if (c->control)
        c->next = rec->offset + 1;
    else if (test_tag(rec->value, &n) != c->part->records[rec->offset].tag ||
             n != c->part->records[rec->offset].n)
        c->wrong = "another record than was appended there";
    c->next = rec->offset + 1;
}

enum { READ_BYTES = 1 << 16 };

static enum status read_copied(struct twin *twin, struct log_partition *p, int64_t from, struct log_view *view)
{
    return log_read(twin->log, p, from, READ_BYTES, LOG_TO_DURABLE, view, NULL);
}

static void on_warm(struct log_warming *warming)
{
    *(bool *)warming->context = true;
}

/* As a fetch of history goes: what is not in memory is brought there first, what was looked at is left in its file,
 * and here taken from it. */
static enum status read_sent(struct twin *twin, struct log_partition *p, int64_t from, struct log_view *view)
{
    static uint8_t sent[LOG_SEND_BYTES];
    bool told = false;
    struct log_warming warming = {.fn = on_warm, .context = &told};
    size_t got;

    if (!log_warm(p, from, READ_BYTES, LOG_TO_DURABLE, &warming))
        while (!told)
            (void)log_work(twin->log);
    TRY(log_read_to_send(p, from, READ_BYTES, LOG_TO_DURABLE, view, NULL));
    if (!view->file)
        return ST_OK;
    enum status st = os_file_read(view->file, view->file_pos, sent, view->bytes.len, &got);
    view->bytes = bytes_of(sent, got);
    twin->sent_from_files += st == ST_OK;
    return st;
}

typedef enum status read_way(struct twin *, struct log_partition *, int64_t from, struct log_view *);

/* Reads all the log has of the partition; NULL when each is as it was appended. */
static const char *read_back(struct twin *twin, int t, int p, const struct log_offsets *o, read_way *way)
{
    struct cursor c = {.part = &twin->parts[t][p], .next = o->start};
    struct log_view view;
    struct batch_header h;
    struct bytes batch;

    while (c.next < o->end && !c.wrong) {
        int64_t asked = c.next;
        if (way(twin, twin->partitions[t][p], asked, &view) != ST_OK)
            return "a read fails";
        struct bytes run = view.bytes;
        while (!c.wrong && batch_next(&run, &h, &batch) == ST_OK) {
            struct batch_records it;
            struct record rec;
            struct buf scratch = {0};
            c.control = false;
            if (batch_header_parse(batch, &h) == ST_OK)
                c.control = h.attributes & BATCH_CONTROL;
            if (batch_validate(batch, &h) != ST_OK ||
                batch_records_open_buf(&it, batch, &scratch) != ST_OK)
                c.wrong = "a batch is damaged";
            else
                while (!c.wrong && batch_records_next(&it, &rec) == ST_OK)
                    found_record(&c, &rec);
        }
        log_view_release(&view);
        if (!c.wrong && c.next <= asked)
            return "offsets are not dense";
    }
    return c.wrong;
}

/* Which value of its history the key has now; -1: none of them. */
static int value_now(struct twin *twin, int k, uint64_t durable_lsn)
{
    struct twin_key *key = &twin->keys[k];
    char text[32];
    struct bytes value;
    uint64_t now = 0;

    if (log_kv_get(twin->log, LOG_KV_TEST, key_text(k, text), &value)) {
        char copy[24];
        snprintf(copy, sizeof(copy), "%.*s", (int)(value.len < 23 ? value.len : 23),
                 (const char *)value.ptr);
        now = strtoull(copy, NULL, 10);
    }
    for (int i = key->count - 1; i >= 0; i--) {
        if (key->values[i].value == now)
            return i + 1;
        if (key->values[i].lsn <= durable_lsn)
            return -1; /* an acknowledged value is gone */
    }
    return now == 0 ? 0 : -1;
}

/* The entries whose traces were found and not found: one is in both when it was torn. */
struct traces {
    uint64_t *found, *missing;
    int found_count, missing_count;
};

static void trace(uint64_t **list, int *count, uint64_t entry)
{
    if (entry == 0)
        return;
    *list = xrealloc(*list, (size_t)(*count + 1) * sizeof(**list));
    (*list)[(*count)++] = entry;
}

static bool torn(const struct traces *s)
{
    for (int i = 0; i < s->found_count; i++)
        for (int k = 0; k < s->missing_count; k++)
            if (s->found[i] == s->missing[k])
                return true;
    return false;
}

/* What is open and comes next, anew from the records that are left. */
static void settle_producers(struct twin_partition *part)
{
    for (int k = 0; k <= TWIN_PRODUCERS; k++) {
        part->open[k] = -1;
        part->sequence[k] = 0;
    }
    for (int64_t i = 0; i < part->end; i++) {
        const struct twin_record *r = &part->records[i];
        if (r->kind != TWIN_RECORD)
            part->open[r->producer] = -1;
        else if (r->producer) {
            if (part->open[r->producer] < 0)
                part->open[r->producer] = i;
            part->sequence[r->producer] = r->sequence + 1;
        }
    }
}

static const char *reconcile_partition(struct twin *twin, int t, int p, uint64_t durable_lsn,
                                       struct traces *traces)
{
    struct twin_partition *part = &twin->parts[t][p];
    struct log_offsets o;

    log_offsets(twin->partitions[t][p], &o);
    if (o.end > part->end)
        return "more records than were appended";
    if (o.start > part->start)
        return "the start is further than was asked";
    if (o.durable != o.end)
        return "recovered records are not shown";
    if (o.end < part->end && part->records[o.end].lsn <= durable_lsn)
        return "an acknowledged record is gone";
    part->start = o.start;
    const char *wrong = read_back(twin, t, p, &o, read_sent); /* nobody has looked at it yet */
    if (!wrong)
        wrong = read_back(twin, t, p, &o, read_copied);
    if (wrong)
        return wrong;
    for (int64_t i = o.start; i < part->end; i++) {
        if (part->records[i].lsn <= durable_lsn && i < o.end)
            continue;
        if (i < o.end)
            trace(&traces->found, &traces->found_count, part->records[i].entry);
        else
            trace(&traces->missing, &traces->missing_count, part->records[i].entry);
    }
    part->end = o.end;
    settle_producers(part);
    return check_transactions(twin, t, p);
}

static const char *reconcile_key(struct twin *twin, int k, uint64_t durable_lsn,
                                 struct traces *traces)
{
    struct twin_key *key = &twin->keys[k];
    int now = value_now(twin, k, durable_lsn);

    if (now < 0)
        return "a key has a value that was never put, or lost an acknowledged one";
    for (int i = now; i < key->count; i++)
        trace(&traces->missing, &traces->missing_count, key->values[i].entry);
    if (now > 0)
        trace(&traces->found, &traces->found_count, key->values[now - 1].entry);
    key->count = now;
    return NULL;
}

const char *twin_reconcile(struct twin *twin, uint64_t durable_lsn)
{
    struct traces traces = {0};
    const char *wrong = NULL;

    for (int t = 0; t < TWIN_TOPICS && !wrong; t++)
        for (int p = 0; p < TWIN_PARTITIONS && !wrong; p++)
            wrong = reconcile_partition(twin, t, p, durable_lsn, &traces);
    for (int k = 0; k < TWIN_KEYS && !wrong; k++)
        wrong = reconcile_key(twin, k, durable_lsn, &traces);
    if (!wrong && torn(&traces))
        wrong = "half of an atomic entry";
    free(traces.found);
    free(traces.missing);
    return wrong;
}
