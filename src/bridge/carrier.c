/* carrier.c: see carrier.h. */
#include "bridge/carrier.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "bridge/carrier_inner.h"

enum { DECODE_ROWS_MAX = CHUNK_ROWS, LOG_WAIT_NS = 1000000000 };

enum {
    OPT_BATCH_RECORDS, OPT_BATCH_BYTES, OPT_RATE, OPT_TIMEOUT, OPT_BACKOFF, OPT_BACKOFF_MAX, OPT_WINDOW,
    OPT_WINDOW_TIME, OPT_CALLS_MIN, OPT_FAILURES, OPT_SLOW_CALLS, OPT_SLOW, OPT_OPEN, OPT_OPEN_MAX,
    OPT_HALF_OPEN, OPTIONS
};

const struct bridge_option carrier_options[] = {
    [OPT_BATCH_RECORDS] = {"bridge.batch.records", BRIDGE_COUNT, "500", NULL, 1, DECODE_ROWS_MAX,
                           "at most so many records a call"},
    [OPT_BATCH_BYTES] = {"bridge.batch.bytes", BRIDGE_BYTES, "1mb", NULL, 1 << 10, 64 << 20,
                         "at most so many bytes a call, but at least one record"},
    [OPT_RATE] = {"bridge.rate", BRIDGE_COUNT, "", NULL, 1, 1000000000, "at most so many records a second"},
    [OPT_TIMEOUT] = {"bridge.timeout", BRIDGE_TIME, "5 s", NULL, 10, 600000,
                     "how long a call may take before it has failed"},
    [OPT_BACKOFF] = {"bridge.retry.backoff", BRIDGE_TIME, "100 ms", NULL, 1, 600000,
                     "the longest first wait after a failure; doubled with each, drawn at random"},
    [OPT_BACKOFF_MAX] = {"bridge.retry.backoff.max", BRIDGE_TIME, "30 s", NULL, 1, 3600000, "its bound"},
    [OPT_WINDOW] = {"bridge.breaker.window", BRIDGE_COUNT, "100", NULL, 1, BREAKER_WINDOW_MAX,
                    "calls that the circuit breaker judges by"},
    [OPT_WINDOW_TIME] = {"bridge.breaker.window.time", BRIDGE_TIME, "", NULL, 1000, 600000,
                         "calls older than this do not count"},
    [OPT_CALLS_MIN] = {"bridge.breaker.calls.min", BRIDGE_COUNT, "10", NULL, 1, BREAKER_WINDOW_MAX,
                       "with fewer calls it stays closed"},
    [OPT_FAILURES] = {"bridge.breaker.failure.percent", BRIDGE_COUNT, "50", NULL, 1, 100,
                      "it opens with so many failed calls"},
    [OPT_SLOW_CALLS] = {"bridge.breaker.slow.percent", BRIDGE_COUNT, "100", NULL, 1, 100,
                        "it opens with so many slow calls"},
    [OPT_SLOW] = {"bridge.breaker.slow", BRIDGE_TIME, "1 s", NULL, 1, 600000, "a call that takes longer is slow"},
    [OPT_OPEN] = {"bridge.breaker.open", BRIDGE_TIME, "1 s", NULL, 1, 3600000,
                  "how long it is open the first time; doubled each time"},
    [OPT_OPEN_MAX] = {"bridge.breaker.open.max", BRIDGE_TIME, "60 s", NULL, 1, 3600000, "its bound"},
    [OPT_HALF_OPEN] = {"bridge.breaker.half-open.calls", BRIDGE_COUNT, "3", NULL, 1, 1000,
                       "calls that must succeed before it is closed again"},
};
const unsigned carrier_options_count = OPTIONS;

/* ---- opening ---- */

static const char *const formats_own[] = {"connector", "format", "json", "csv", "raw", "value", NULL};

static enum status read_options(const struct carrier_spec *spec, struct bridge_value *shared,
                                struct bridge_value *own, struct diag *diag)
{
    const struct bridge_class *class = spec->class;

    TRY(bridge_options_known(class->name, carrier_options, OPTIONS, class->options, class->options_count,
                             formats_own, spec->options, spec->options_count, diag));
    TRY(bridge_options_read(class->name, carrier_options, OPTIONS, spec->options, spec->options_count, shared,
                            diag));
    return bridge_options_read(class->name, class->options, class->options_count, spec->options,
                               spec->options_count, own, diag);
}

enum status carrier_check(const struct carrier_spec *spec, bool *takes_rows, bool *takes_changes,
                          struct diag *diag)
{
    struct bridge_value shared[OPTIONS], own[BRIDGE_OPTIONS_MAX];
    struct bridge *bridge;

    CHECK(spec->class->options_count <= BRIDGE_OPTIONS_MAX);
    TRY(read_options(spec, shared, own, diag));
    struct bridge_spec inner = {.table = spec->table, .identity = "", .schema = spec->schema, .key = spec->key,
                                .key_count = spec->key_count, .values = own,
                                .timeout_ms = shared[OPT_TIMEOUT].number};
    *takes_rows = spec->class->takes_rows(&inner);
    *takes_changes = spec->class->takes_changes(&inner);
    TRY(spec->class->open(&inner, &bridge, diag));
    spec->class->close(bridge);
    return ST_OK;
}

static struct schema schema_copy(struct arena *arena, const struct schema *schema)
{
    struct type_field *fields = ARENA_ARRAY(arena, struct type_field, schema->count + 1u);

    for (uint16_t i = 0; i < schema->count; i++)
        fields[i] = (struct type_field){.name = arena_copy(arena, schema->fields[i].name),
                                        .type = type_copy(arena, schema->fields[i].type)};
    return (struct schema){schema->count, fields};
}

static struct bridge_given *given_copy(struct arena *arena, const struct carrier_spec *spec)
{
    struct bridge_given *given = ARENA_ARRAY(arena, struct bridge_given, spec->options_count + 1u);

    for (unsigned i = 0; i < spec->options_count; i++)
        given[i] = (struct bridge_given){arena_copy(arena, spec->options[i].key),
                                         arena_copy(arena, spec->options[i].value)};
    return given;
}

static const char *identity_of(struct arena *arena, const struct log_topic *topic)
{
    const uint8_t *id = log_topic_info(topic)->id;
    char *text = arena_alloc(arena, LOG_ID_BYTES * 2 + 1);

    for (int i = 0; i < LOG_ID_BYTES; i++)
        snprintf(text + 2 * i, 3, "%02x", id[i]);
    return text;
}

static void set_pace(struct carrier *c, const struct bridge_value *v)
{
    struct breaker_options breaker = {
        .window = (uint32_t)v[OPT_WINDOW].number, .window_ms = v[OPT_WINDOW_TIME].number,
        .calls_min = (uint32_t)v[OPT_CALLS_MIN].number, .failure_percent = (uint32_t)v[OPT_FAILURES].number,
        .slow_percent = (uint32_t)v[OPT_SLOW_CALLS].number, .slow_ms = v[OPT_SLOW].number,
        .open_ms = v[OPT_OPEN].number, .open_ms_max = v[OPT_OPEN_MAX].number,
        .half_open_calls = (uint32_t)v[OPT_HALF_OPEN].number,
    };
    uint64_t seed;

    breaker_init(&c->breaker, &breaker);
    c->backoff = (struct backoff){v[OPT_BACKOFF].number, v[OPT_BACKOFF_MAX].number, 0};
    c->rate.per_second = (uint64_t)v[OPT_RATE].number;
    c->records_max = (uint32_t)v[OPT_BATCH_RECORDS].number;
    c->bytes_max = (size_t)v[OPT_BATCH_BYTES].number;
    os_random(c->env.os, &seed, sizeof(seed));
    c->rng = rng_seed(seed);
}

static void more_came(struct log_watcher *watcher, struct log_partition *partition)
{
    struct carrier *c = watcher->context;

    (void)partition;
    c->env.wake(c->env.context);
}

static void lanes_open(struct carrier *c)
{
    uint32_t count = log_topic_info(c->topic)->partitions;

    c->lanes = xcalloc(count, sizeof(*c->lanes));
    c->lanes_count = count;
    for (uint32_t p = 0; p < count; p++) {
        struct carrier_lane *lane = &c->lanes[p];
        lane->partition = log_partition_of(c->topic, p);
        lane->position = position_kept(c->env.log, c->spec.table, p);
        lane->asked = !c->class->position;
        lane->watcher = (struct log_watcher){.fn = more_came, .context = c};
        log_watch(lane->partition, LOG_ON_DURABLE, &lane->watcher);
        log_pin(lane->partition, c->owner, lane->position);
    }
}

enum status carrier_open(const struct carrier_env *env, const struct carrier_spec *spec,
                         struct log_topic *topic, struct carrier **out, struct diag *diag)
{
    struct carrier *c = xcalloc(1, sizeof(*c));
    struct bridge_value shared[OPTIONS], *own;

    c->env = *env;
    c->class = spec->class;
    c->topic = topic;
    c->not_before_ns = INT64_MIN;
    arena_init(&c->arena, ARENA_BUDGET_NONE);
    arena_init(&c->batch_arena, ARENA_BUDGET_NONE);
    buf_init(&c->scratch, 0);
    struct carrier_spec copy = *spec;
    copy.options = c->options = given_copy(&c->arena, spec);
    c->options_count = spec->options_count;
    own = ARENA_ARRAY(&c->arena, struct bridge_value, spec->class->options_count + 1);
    enum status st = read_options(&copy, shared, own, diag);
    if (st == ST_OK) {
        uint16_t *key = ARENA_ARRAY(&c->arena, uint16_t, spec->key_count + 1u);
        for (uint16_t k = 0; k < spec->key_count; k++)
            key[k] = spec->key[k];
        c->spec = (struct bridge_spec){
            .table = arena_copy(&c->arena, spec->table), .identity = identity_of(&c->arena, topic),
            .schema = schema_copy(&c->arena, &spec->schema), .key = key, .key_count = spec->key_count,
            .values = own, .timeout_ms = shared[OPT_TIMEOUT].number};
        c->owner = bytes_str(arena_printf(&c->arena, "bridge %.*s", BYTES_FMT(spec->table)));
        st = spec->class->open(&c->spec, &c->bridge, diag);
    }
    if (st == ST_OK && spec->class->takes_rows(&c->spec))
        st = rows_open(c, diag);
    if (st != ST_OK) {
        carrier_close(c);
        return st;
    }
    set_pace(c, shared);
    lanes_open(c);
    os_helper_open(env->os, "bridge", env->wake, env->context, &c->helper);
    *out = c;
    return ST_OK;
}

void carrier_close(struct carrier *c)
{
    if (c->helper)
        os_helper_close(c->helper);
    for (uint32_t p = 0; p < c->lanes_count; p++) {
        log_unwatch(&c->lanes[p].watcher);
        log_pin(c->lanes[p].partition, c->owner, INT64_MAX);
    }
    if (c->bridge)
        c->class->close(c->bridge);
    rows_close(c);
    breaker_deinit(&c->breaker);
    arena_deinit(&c->arena);
    arena_deinit(&c->batch_arena);
    buf_deinit(&c->scratch);
    free(c->lanes);
    free(c);
}

/* ---- a turn ---- */

/* On the helper. */
static bool deliver_step(struct os_work *work)
{
    struct carrier *c = (struct carrier *)work;
    int64_t began_ns = os_mono_ns(c->env.os);

    c->batch.trouble[0] = 0;
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
    c->under_way = true;
    c->work = (struct os_work){.step = deliver_step};
    os_helper_submit(c->helper, &c->work);
}

static void failed(struct carrier *c, int64_t now_ns)
{
    bool first = !c->trouble[0];

    c->failures++;
    c->not_before_ns = now_ns + backoff_next_ns(&c->backoff, &c->rng);
    snprintf(c->trouble, sizeof(c->trouble), "%s", c->batch.trouble[0] ? c->batch.trouble : "it gave no reason");
    if (first && c->env.on_trouble)
        c->env.on_trouble(c->env.context, c->spec.table, c->trouble);
}

static void went_well(struct carrier *c)
{
    bool was_not = c->trouble[0];

    backoff_reset(&c->backoff);
    c->trouble[0] = 0;
    if (was_not && c->env.on_trouble)
        c->env.on_trouble(c->env.context, c->spec.table, NULL);
}

/* The outside knows better than we what has arrived: after a crash of ours, or an answer that was lost. But what
 * we never had cannot have arrived: then this data directory is an older copy, and twice is better than never. */
static void asked(struct carrier *c, struct carrier_lane *lane, int64_t now_ns)
{
    struct log_offsets offsets;

    if (c->asked_status != ST_OK) {
        failed(c, now_ns);
        return;
    }
    lane->asked = true;
    log_offsets(lane->partition, &offsets);
    if (c->asked_position > lane->position && c->asked_position <= offsets.end)
        lane->position = c->asked_position;
}

/* False: the log takes nothing now; the outcome is kept and tried again. */
static bool move_position(struct carrier *c, struct carrier_lane *lane)
{
    const struct bridge_batch *batch = &c->batch;
    bool all = batch->settled == batch->count;
    int64_t to = all ? batch->next_offset : batch->records[batch->settled].offset;
    uint64_t dead = 0, lsn;

    struct log_entry *entry = log_entry_begin(c->env.log);
    enum status st = dead_letters(c, entry, &dead);
    if (st != ST_OK) {
        log_entry_abort(entry);
        return false;
    }
    position_keep(entry, c->spec.table, batch->partition, to);
    struct log_appended *appended = ARENA_ARRAY(&c->batch_arena, struct log_appended, dead + 1);
    if (log_entry_commit(entry, appended, &lsn) != ST_OK)
        return false;
    lane->position = to;
    log_pin(lane->partition, c->owner, to);
    c->dead += dead;
    c->delivered += batch->settled - dead;
    return true;
}

static void delivered(struct carrier *c, struct carrier_lane *lane, int64_t now_ns)
{
    bool whole = c->batch.settled == c->batch.count;

    if (c->batch.settled && !move_position(c, lane)) {
        snprintf(c->trouble, sizeof(c->trouble), "the log takes no positions now");
        c->not_before_ns = now_ns + LOG_WAIT_NS;
        return;
    }
    c->outcome_kept = false;
    if (whole) {
        went_well(c);
        return;
    }
    failed(c, now_ns);
    lane->asked = !c->class->position;
}

static void finish(struct carrier *c, int64_t now_ns)
{
    struct carrier_lane *lane = &c->lanes[c->batch.partition];
    bool bad = c->asking ? c->asked_status != ST_OK : c->batch.settled < c->batch.count;

    c->under_way = false;
    c->calls++;
    c->busy_ns += c->took_ns;
    breaker_note(&c->breaker, now_ns, c->took_ns, bad);
    if (c->asking) {
        asked(c, lane, now_ns);
        return;
    }
    c->outcome_kept = true;
    delivered(c, lane, now_ns);
}

/* Begins what is next, if there is something and it may be now. */
static void begin(struct carrier *c, int64_t now_ns)
{
    if (!breaker_may(&c->breaker, now_ns, &c->not_before_ns))
        return;
    for (uint32_t i = 0; i < c->lanes_count; i++) {
        uint32_t p = (c->turn + i) % c->lanes_count;
        struct carrier_lane *lane = &c->lanes[p];
        if (!lane_has_more(lane))
            continue;
        c->turn = p + 1;
        c->batch.partition = p;
        if (!lane->asked) {
            submit(c, true);
            return;
        }
        uint64_t may = rate_take(&c->rate, now_ns, c->records_max, &c->not_before_ns);
        if (!may)
            return;
        if (!batch_load(c, lane, (uint32_t)may))
            continue;
        c->rate.tokens += (double)(may - c->batch.count);
        submit(c, false);
        return;
    }
}

bool carrier_pass(struct carrier *c)
{
    int64_t now_ns = os_mono_ns(c->env.os);
    bool appended = false; /* then the log is to be flushed again */

    if (c->under_way) {
        if (!os_helper_done(c->helper, &c->work))
            return false;
        finish(c, now_ns);
        appended = true;
    }
    if (now_ns < c->not_before_ns)
        return appended;
    c->not_before_ns = INT64_MIN;
    if (c->outcome_kept) {
        delivered(c, &c->lanes[c->batch.partition], now_ns);
        appended = true;
    }
    if (!c->outcome_kept && now_ns >= c->not_before_ns)
        begin(c, now_ns);
    return appended; /* the helper, the log or the clock brings the next turn */
}

int64_t carrier_deadline_ns(const struct carrier *c)
{
    if (c->under_way || c->not_before_ns == INT64_MIN)
        return INT64_MAX;
    return c->not_before_ns;
}

void carrier_force(struct carrier *c, enum breaker_state state)
{
    breaker_force(&c->breaker, state);
    if (!c->outcome_kept)
        c->not_before_ns = INT64_MIN;
    c->env.wake(c->env.context);
}

void carrier_info(const struct carrier *c, struct carrier_info *out)
{
    *out = (struct carrier_info){
        .table = c->spec.table, .connector = c->class->name, .guarantee = c->class->guarantee,
        .trouble = c->trouble, .breaker = c->breaker.state,
        .failure_percent = breaker_failure_percent(&c->breaker),
        .slow_percent = breaker_slow_percent(&c->breaker), .busy = c->under_way, .delivered = c->delivered,
        .dead = c->dead, .calls = c->calls, .failures = c->failures, .opened = c->breaker.opened,
        .lost = c->lost, .busy_ns = c->busy_ns,
    };
    for (uint32_t p = 0; p < c->lanes_count; p++) {
        struct log_offsets offsets;
        log_offsets(c->lanes[p].partition, &offsets);
        if (offsets.end > c->lanes[p].position)
            out->lag += (uint64_t)(offsets.end - c->lanes[p].position);
    }
}
