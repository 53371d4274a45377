/* carrier.c: see carrier.h. */
#include "bridge/carrier.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "bridge/carrier_inner.h"

enum {
    DECODE_ROWS_MAX = CHUNK_ROWS,
    POLL_WAIT_MS = 500,
    RETRY_AFTER_MS_MAX = 3600000,
    PASSED_MAX = 24,
    RECORD_BYTES_MAX = 16 << 20, /* of a source's topic */
};

enum {
    OPT_BATCH_RECORDS,
    OPT_BATCH_BYTES,
    OPT_RATE,
    OPT_TIMEOUT,
    OPT_BACKOFF,
    OPT_BACKOFF_MAX,
    OPT_WINDOW,
    OPT_WINDOW_TIME,
    OPT_CALLS_MIN,
    OPT_FAILURES,
    OPT_SLOW_CALLS,
    OPT_SLOW,
    OPT_OPEN,
    OPT_OPEN_MAX,
    OPT_HALF_OPEN,
    OPT_BACKLOG,
    OPT_INTERVAL,
    OPT_HOLD,
    OPT_CACHE,
    OPT_CACHE_ROWS,
    OPT_CACHE_WRITE,
    OPT_CACHE_ACCESS,
    OPT_CACHE_MISSING,
    OPT_RETRIES,
    OPT_FALLBACK,
    OPT_DEFAULT,
    OPTIONS
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
    [OPT_BACKLOG] = {"bridge.backlog.bytes", BRIDGE_BYTES, "1gb", NULL, 1 << 20, 1ll << 50,
                     "of a source: about so much of a partition is kept here; while jobs have not read that, "
                     "nothing more is taken"},
    [OPT_INTERVAL] = {"bridge.poll.interval", BRIDGE_TIME, "100 ms", NULL, 1, 3600000,
                      "of a source that cannot wait for records: how long it rests when there are none"},
    [OPT_HOLD] = {"bridge.dead.hold-key", BRIDGE_WORD, "false", "false|true", 0, 0,
                  "of a sink: whether records of the key of one in TABLE$dead follow it there, until REPLAY; then "
                  "a batch has no key twice"},
    [OPT_CACHE] = {"lookup.cache", BRIDGE_WORD, "NONE", "NONE|PARTIAL", 0, 0,
                   "of a lookup: whether answers are kept"},
    [OPT_CACHE_ROWS] = {"lookup.partial-cache.max-rows", BRIDGE_COUNT, "", NULL, 1, INT64_MAX,
                        "of PARTIAL: those of so many keys; the least recently used go"},
    [OPT_CACHE_WRITE] = {"lookup.partial-cache.expire-after-write", BRIDGE_TIME, "", NULL, 1, 31536000000,
                         "of PARTIAL: how long an answer is used after it came"},
    [OPT_CACHE_ACCESS] = {"lookup.partial-cache.expire-after-access", BRIDGE_TIME, "", NULL, 1, 31536000000,
                          "of PARTIAL: how long an answer is used after it was last used"},
    [OPT_CACHE_MISSING] = {"lookup.partial-cache.cache-missing-key", BRIDGE_WORD, "true", "false|true", 0, 0,
                           "of PARTIAL: whether it is kept too that there is nothing"},
    [OPT_RETRIES] =
        {"lookup.max-retries", BRIDGE_COUNT, "3", NULL, 0, 1000000,
         "of a lookup: after so many calls more that failed, lookup.fallback is told; it is at once while "
         "the circuit breaker is open"},
    [OPT_FALLBACK] =
        {"lookup.fallback", BRIDGE_WORD, "wait", "wait|stale|null|default", 0, 0,
         "of a lookup, when the system does not answer: wait for it; or tell the last answer, though it has "
         "expired; nothing; the row of lookup.default"},
    [OPT_DEFAULT] = {"lookup.default", BRIDGE_TEXT, "", NULL, 0, 0,
                     "of a lookup: a row as an object of JSON, told for a key that the system does not answer"},
};
const unsigned carrier_options_count = OPTIONS;

/* ---- opening ---- */

static const char *const formats_own[] = {"connector", "format", "json", "csv", "raw", "value", "avro",
                                          "debezium-json", "canal-json", "maxwell-json", "ogg-json", NULL};

static enum status read_options(const struct carrier_spec *spec, struct bridge_value *shared,
                                struct bridge_value *own, struct diag *diag)
{
    const struct bridge_class *class = spec->class;

    const char *passed[PASSED_MAX] = {NULL};
    unsigned n = 0;
    for (const char *const *p = formats_own; *p; p++)
        passed[n++] = *p;
    for (const char *const *p = class->passed; p && *p && n < PASSED_MAX - 1; p++)
        passed[n++] = *p;
    TRY(bridge_options_known(class->name, carrier_options, OPTIONS, class->options, class->options_count,
                             passed, spec->options, spec->options_count, diag));
    TRY(bridge_options_read(class->name, carrier_options, OPTIONS, spec->options, spec->options_count, shared,
                            diag));
    return bridge_options_read(class->name, class->options, class->options_count, spec->options,
                               spec->options_count, own, diag);
}

static struct bytes format_name(const struct bridge_given *options, unsigned count)
{
    struct bytes name = BYTES_LITERAL("json");

    for (unsigned i = 0; i < count; i++)
        if (bytes_is_nocase(options[i].key, "format") || bytes_is_nocase(options[i].key, "value.format"))
            name = options[i].value;
    return name;
}

/* Of a table that has no topic yet; as long as what it is made of. */
static struct bridge_spec spec_before(const struct carrier_spec *spec, const struct bridge_value *shared,
                                      const struct bridge_value *own)
{
    return (struct bridge_spec){.table = spec->table,
                                .identity = "",
                                .schema = spec->schema,
                                .key = spec->key,
                                .key_count = spec->key_count,
                                .way = spec->way,
                                .values = own,
                                .format = format_name(spec->options, spec->options_count),
                                .given = spec->options,
                                .given_count = spec->options_count,
                                .timeout_ms = shared[OPT_TIMEOUT].number};
}

static enum status check_lookup(const struct carrier_spec *spec, const struct bridge_value *v, struct diag *diag)
{
    static const int bounds[] = {OPT_CACHE_ROWS, OPT_CACHE_WRITE, OPT_CACHE_ACCESS};
    bool given = false, bounded = false;

    for (int o = OPT_CACHE; o <= OPT_DEFAULT; o++) {
        given |= v[o].given;
        if (v[o].given && !(spec->class->ways & BRIDGE_LOOKUP))
            return diag_set(diag, ST_UNSUPPORTED, DIAG_UNSUPPORTED,
                            "connector '%s' cannot be looked up: option '%s' has no meaning", spec->class->name,
                            carrier_options[o].key);
    }
    for (int i = 0; i < 3; i++)
        bounded |= v[bounds[i]].given;
    if (v[OPT_CACHE].number && !bounded)
        return diag_set(diag, ST_INVALID, DIAG_VALUE,
                        "'lookup.cache' = 'PARTIAL' needs a bound: 'lookup.partial-cache.max-rows', "
                        "'lookup.partial-cache.expire-after-write' or 'lookup.partial-cache.expire-after-access'");
    if (v[OPT_FALLBACK].number == FALLBACK_STALE && !v[OPT_CACHE].number)
        return diag_set(diag, ST_INVALID, DIAG_VALUE,
                        "'lookup.fallback' = 'stale' tells what was kept: it needs 'lookup.cache' = 'PARTIAL'");
    if (v[OPT_FALLBACK].number == FALLBACK_DEFAULT && !v[OPT_DEFAULT].given)
        return diag_set(diag, ST_INVALID, DIAG_VALUE,
                        "'lookup.fallback' = 'default' needs the row: 'lookup.default' = '{\"column\": …}'");
    if (given && spec->class->by_primary_key && !spec->key_count)
        return diag_set(diag, ST_INVALID, DIAG_VALUE,
                        "connector '%s' looks rows up by their PRIMARY KEY (…) NOT ENFORCED: the table has none",
                        spec->class->name);
    return ST_OK;
}

enum status carrier_check(const struct carrier_spec *spec, bool *takes_rows, bool *takes_changes,
                          struct diag *diag)
{
    struct bridge_value shared[OPTIONS], own[BRIDGE_OPTIONS_MAX];
    struct bridge *bridge;

    CHECK(spec->class->options_count <= BRIDGE_OPTIONS_MAX);
    TRY(read_options(spec, shared, own, diag));
    struct bridge_spec inner = spec_before(spec, shared, own);
    TRY(check_lookup(spec, shared, diag));
    *takes_rows = spec->class->takes_rows(&inner);
    *takes_changes = spec->class->takes_changes(&inner);
    struct arena arena;
    struct chunk row;
    arena_init(&arena, ARENA_BUDGET_NONE);
    enum status st = lookup_default(&inner, shared[OPT_DEFAULT].text, &arena, &row, diag);
    arena_deinit(&arena);
    TRY(st);
    TRY(spec->class->open(&inner, &bridge, diag));
    spec->class->close(bridge);
    return ST_OK;
}

enum status carrier_cache(const struct carrier_spec *spec, struct carrier_cache *out, struct diag *diag)
{
    struct bridge_value v[OPTIONS], own[BRIDGE_OPTIONS_MAX];

    TRY(read_options(spec, v, own, diag));
    *out = (struct carrier_cache){.cached = v[OPT_CACHE].number, .keep_missing = v[OPT_CACHE_MISSING].number,
                                  .stale = v[OPT_FALLBACK].number == FALLBACK_STALE,
                                  .keys_max = (uint64_t)v[OPT_CACHE_ROWS].number,
                                  .write_us = v[OPT_CACHE_WRITE].number * 1000,
                                  .access_us = v[OPT_CACHE_ACCESS].number * 1000};
    return ST_OK;
}

/* Old segments of a source's topic go at half of its bound, if jobs have read them. Of changes that a source gives by
 * key the last of each is kept for ever: a job that begins later needs the whole table. */
enum status carrier_topic_options(const struct carrier_spec *spec, struct log_topic_options *out,
                                  struct diag *diag)
{
    struct bridge_value shared[OPTIONS], own[BRIDGE_OPTIONS_MAX];

    *out = (struct log_topic_options){.internal = true};
    if (spec->way == BRIDGE_SINK)
        return ST_OK;
    TRY(read_options(spec, shared, own, diag));
    int64_t bytes = shared[OPT_BACKLOG].number;
    uint64_t segment = (uint64_t)bytes / 8;
    struct bridge_spec inner = spec_before(spec, shared, own);
    if (spec->way == BRIDGE_SOURCE && spec->class->takes_changes(&inner))
        out->cleanup = LOG_CLEANUP_COMPACT;
    else
        out->retention_bytes = bytes / 2;
    out->segment_bytes = segment < LOG_SEGMENT_BYTES ? segment : LOG_SEGMENT_BYTES;
    out->message_bytes_max = RECORD_BYTES_MAX + (1 << 20);
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

static struct bridge_asking asking_copy(struct arena *arena, const struct bridge_asking *from)
{
    uint16_t *keys = ARENA_ARRAY(arena, uint16_t, from->keys_count + 1u);
    uint16_t *columns = ARENA_ARRAY(arena, uint16_t, from->columns_count + 1u);

    for (uint16_t k = 0; k < from->keys_count; k++)
        keys[k] = from->keys[k];
    for (uint16_t i = 0; i < from->columns_count; i++)
        columns[i] = from->columns[i];
    return (struct bridge_asking){keys, columns, from->keys_count, from->columns_count};
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
    c->backlog_max = (uint64_t)v[OPT_BACKLOG].number;
    c->hold = v[OPT_HOLD].number == 1 && c->spec.way == BRIDGE_SINK;
    c->interval_ms = v[OPT_INTERVAL].number;
    c->wait_ms = v[OPT_SLOW].number / 2 < POLL_WAIT_MS ? v[OPT_SLOW].number / 2 + 1 : POLL_WAIT_MS;
    os_random(c->env.os, &seed, sizeof(seed));
    c->rng = rng_seed(seed);
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
            .way = spec->way, .values = own, .asking = asking_copy(&c->arena, &spec->asking), .format = format_name(c->options, c->options_count),
            .given = c->options, .given_count = c->options_count, .timeout_ms = shared[OPT_TIMEOUT].number};
        c->name = spec->name.len ? arena_copy(&c->arena, spec->name) : c->spec.table;
        c->kept_as = spec->way == BRIDGE_LOOKUP ? arena_copy(&c->arena, log_topic_info(topic)->name) : c->spec.table;
        c->dead_topic = arena_copy(&c->arena, spec->dead.len ? spec->dead : log_topic_info(topic)->name);
        c->owner = bytes_str(arena_printf(&c->arena, "bridge %.*s", BYTES_FMT(c->name)));
        st = spec->class->open(&c->spec, &c->bridge, diag);
    }
    if (st == ST_OK && spec->way == BRIDGE_SINK && spec->class->takes_rows(&c->spec))
        st = rows_open(c, diag);
    if (st == ST_OK && spec->way == BRIDGE_LOOKUP)
        st = lookup_open(c, spec, (enum fallback)shared[OPT_FALLBACK].number, shared[OPT_RETRIES].number,
                         shared[OPT_DEFAULT].text, diag);
    if (st == ST_OK && spec->way == BRIDGE_SOURCE) {
        st = splits_resume(c);
        if (st != ST_OK)
            diag_set(diag, st, DIAG_VALUE, "what is kept of where `%.*s` stands is damaged", BYTES_FMT(spec->table));
    }
    if (st != ST_OK) {
        carrier_close(c);
        return st;
    }
    set_pace(c, shared);
    breaker_force(&c->breaker, forced_kept(env->log, c->kept_as), 0);
    if (spec->way != BRIDGE_SOURCE)
        lanes_open(c);
    if (spec->way == BRIDGE_SINK)
        replay_open(c);
    os_helper_open(env->os, "bridge", env->wake, env->context, &c->helper);
    *out = c;
    return ST_OK;
}

void carrier_close(struct carrier *c)
{
    carrier_leave(c);
    if (c->helper)
        os_helper_close(c->helper);
    if (c->bridge && !c->closing)
        c->class->close(c->bridge);
    rows_close(c);
    lookup_close(c);
    breaker_deinit(&c->breaker);
    held_deinit(&c->held);
    held_deinit(&c->loaded);
    arena_deinit(&c->arena);
    arena_deinit(&c->batch_arena);
    buf_deinit(&c->scratch);
    free(c);
}

void carrier_leave(struct carrier *c)
{
    if (c->waits)
        log_wait_cancel(c->env.log, &c->durable);
    c->waits = false;
    lanes_close(c);
    c->leaving = true;
}

/* On the helper. */
static bool close_step(struct os_work *work)
{
    struct carrier *c = (struct carrier *)work;

    c->class->close(c->bridge);
    return false;
}

bool carrier_gone(struct carrier *c)
{
    if (c->under_way && !os_helper_done(c->helper, &c->work))
        return false;
    c->under_way = false;
    if (c->closing)
        return true;
    c->closing = true;
    carrier_submit(c, close_step);
    return false;
}

/* ---- a turn ---- */

void carrier_submit(struct carrier *c, bool (*step)(struct os_work *))
{
    c->under_way = true;
    c->work = (struct os_work){.step = step};
    os_helper_submit(c->helper, &c->work);
}

static void now_durable(struct log_waiter *waiter, bool failed)
{
    struct carrier *c = (struct carrier *)((char *)waiter - offsetof(struct carrier, durable));

    if (failed)
        return; /* the log takes nothing any more */
    c->waits = false;
    c->env.wake(c->env.context);
}

void carrier_wait(struct carrier *c, uint64_t lsn)
{
    if (c->waits)
        log_wait_cancel(c->env.log, &c->durable);
    c->waits = true;
    c->durable = (struct log_waiter){.fn = now_durable};
    log_wait(c->env.log, &c->durable, lsn);
}

void carrier_failed(struct carrier *c, const char *why, int64_t now_ns)
{
    bool first = !c->trouble[0];
    int64_t asked_ms = c->batch.retry_after_ms < RETRY_AFTER_MS_MAX ? c->batch.retry_after_ms : RETRY_AFTER_MS_MAX;
    int64_t wait_ns = backoff_next_ns(&c->backoff, &c->rng);

    c->failures++;
    c->not_before_ns = now_ns + (wait_ns > asked_ms * 1000000 ? wait_ns : asked_ms * 1000000);
    snprintf(c->trouble, sizeof(c->trouble), "%s", why[0] ? why : "it gave no reason");
    if (first && c->env.on_trouble)
        c->env.on_trouble(c->env.context, c->name, c->trouble);
}

void carrier_went_well(struct carrier *c)
{
    bool was_not = c->trouble[0];

    backoff_reset(&c->backoff);
    c->trouble[0] = 0;
    if (was_not && c->env.on_trouble)
        c->env.on_trouble(c->env.context, c->name, NULL);
}

/* finish: the outcome of a call; keep: one that the log did not take; begin: what is next. */
struct turns {
    void (*finish)(struct carrier *c, int64_t now_ns);
    void (*keep)(struct carrier *c, int64_t now_ns);
    void (*begin)(struct carrier *c, int64_t now_ns);
};

static const struct turns *turns_of(const struct carrier *c)
{
    static const struct turns sink = {deliver_finish, deliver_keep, deliver_begin},
                              source = {poll_finish, poll_keep, poll_begin},
                              lookup = {lookup_finish, lookup_keep, lookup_begin};

    return c->lookup ? &lookup : c->spec.way == BRIDGE_SOURCE ? &source : &sink;
}

bool carrier_pass(struct carrier *c)
{
    int64_t now_ns = os_mono_ns(c->env.os);
    const struct turns *turns = turns_of(c);
    bool appended = false; /* then the log is to be flushed again */

    if (c->under_way) {
        if (!os_helper_done(c->helper, &c->work))
            return false;
        c->under_way = false;
        c->calls++;
        c->busy_ns += c->took_ns;
        turns->finish(c, now_ns);
        appended = true;
    }
    if (now_ns < c->not_before_ns)
        return appended;
    c->not_before_ns = INT64_MIN;
    if (c->outcome_kept) {
        turns->keep(c, now_ns);
        appended = true;
    }
    if (!c->outcome_kept && now_ns >= c->not_before_ns)
        turns->begin(c, now_ns);
    return appended; /* the helper, the log or the clock brings the next turn */
}

int64_t carrier_deadline_ns(const struct carrier *c)
{
    if (c->under_way || c->not_before_ns == INT64_MIN)
        return INT64_MAX;
    return c->not_before_ns;
}

enum status carrier_force(struct carrier *c, enum breaker_state state, uint64_t *lsn)
{
    TRY(forced_keep(c->env.log, c->kept_as, state, lsn));
    breaker_force(&c->breaker, state, os_mono_ns(c->env.os));
    if (!c->outcome_kept)
        c->not_before_ns = INT64_MIN;
    c->env.wake(c->env.context);
    return ST_OK;
}

void carrier_info(const struct carrier *c, struct carrier_info *out)
{
    *out = (struct carrier_info){
        .table = c->name,
        .topic = log_topic_info(c->topic)->name,
        .way = c->spec.way,
        .connector = c->class->name,
        .guarantee = c->class->guarantee,
        .trouble = c->trouble,
        .breaker = c->breaker.state,
        .failure_percent = breaker_failure_percent(&c->breaker),
        .slow_percent = breaker_slow_percent(&c->breaker),
        .busy = c->under_way,
        .delivered = c->delivered,
        .dead = c->dead,
        .calls = c->calls,
        .failures = c->failures,
        .opened = c->breaker.opened,
        .lost = c->lost,
        .busy_ns = c->busy_ns,
        .replaying = replay_left(c),
        .held_keys = c->held.count,
    };
    if (c->lookup) {
        out->keys = c->lookup->keys_asked;
        out->instead = c->lookup->instead;
    }
    out->lag = c->spec.way != BRIDGE_SOURCE ? deliver_lag(c) : c->behind;
}
