/* bridges.c: the carriers of tables of outside systems, as they are, and their circuit breakers by hand. */
#include "bridge/bridges.h"

#include "base/check.h"
#include "serve/http/broker.h"
#include "serve/http/face.h"
#include "serve/http/metrics.h"

/* One of a server's, with what its job counts where it is a lookup. */
struct shown {
    struct carrier_info info;
    bool lookup;
    struct lookup_counts counts;
};

static void shown_of(struct http_face *face, const struct carrier *c, struct shown *out)
{
    *out = (struct shown){0};
    carrier_info(c, &out->info);
    out->lookup = out->info.way == BRIDGE_LOOKUP;
    if (out->lookup)
        (void)engine_lookup_counts(face->engine, out->info.topic, &out->counts);
}

static void write_lookup(struct json_writer *w, const struct shown *s)
{
    json_key_u64(w, "keys", s->info.keys);
    json_key_u64(w, "instead", s->info.instead);
    json_key_u64(w, "retried", s->counts.retried);
    json_key(w, "cache");
    json_object_begin(w);
    json_key_u64(w, "hits", s->counts.hits);
    json_key_u64(w, "misses", s->counts.misses);
    json_key_u64(w, "stale", s->counts.stale);
    json_key_u64(w, "keys", s->counts.cached);
    json_object_end(w);
}

static void write_bridge(struct json_writer *w, const struct shown *s)
{
    const struct carrier_info *info = &s->info;

    json_object_begin(w);
    json_key_text(w, "table", info->table);
    json_key_text(w, "topic", info->topic);
    json_key_str(w, "connector", info->connector);
    json_key_str(w, "way", info->way == BRIDGE_SOURCE ? "source" : s->lookup ? "lookup" : "sink");
    json_key_str(w, "guarantee", info->guarantee);
    json_key_str(w, "breaker", breaker_state_text(info->breaker));
    json_key_u64(w, "failure_percent", info->failure_percent);
    json_key_u64(w, "slow_percent", info->slow_percent);
    json_key_bool(w, "busy", info->busy);
    json_key_u64(w, "delivered", info->delivered);
    json_key_u64(w, "dead", info->dead);
    json_key_u64(w, "replaying", info->replaying);
    json_key_u64(w, "held_keys", info->held_keys);
    json_key_u64(w, "lost", info->lost);
    json_key_u64(w, "lag", info->lag);
    if (s->lookup)
        write_lookup(w, s);
    json_key_u64(w, "calls", info->calls);
    json_key_u64(w, "failures", info->failures);
    json_key_f64(w, "busy_seconds", (double)info->busy_ns / 1e9);
    json_key_str(w, "trouble", info->trouble[0] ? info->trouble : NULL);
    json_object_end(w);
}

void get_bridges(struct exchange *x)
{
    struct bridges *bridges = x->face->options.bridges;
    struct shown shown;
    struct buf body;
    struct json_writer w;

    buf_init(&body, x->face->options.answer_bytes_max);
    json_writer_init(&w, &body);
    json_array_begin(&w);
    for (struct carrier *c = bridges ? bridges_next(bridges, NULL) : NULL; c; c = bridges_next(bridges, c)) {
        shown_of(x->face, c, &shown);
        write_bridge(&w, &shown);
    }
    json_array_end(&w);
    reply_json(x, 200, &body);
}

/* NULL: there is none, and that is answered. */
static struct carrier *find_bridge(struct exchange *x)
{
    struct bridges *bridges = x->face->options.bridges;
    struct carrier *c = bridges ? bridges_find(bridges, x->params[0]) : NULL;

    if (!c)
        reply_error(x, 404, "name", "no table '%.*s' is carried to or from an outside system",
                    BYTES_FMT(bytes_head(x->params[0], 200)));
    return c;
}

static void write_one(struct exchange *x, const struct carrier *c, struct buf *body)
{
    struct shown shown;
    struct json_writer w;

    shown_of(x->face, c, &shown);
    buf_init(body, 0);
    json_writer_init(&w, body);
    write_bridge(&w, &shown);
}

void get_bridge(struct exchange *x)
{
    const struct carrier *c = find_bridge(x);
    struct buf body;

    if (!c)
        return;
    write_one(x, c, &body);
    reply_json(x, 200, &body);
}

/* {"state": "FORCED_OPEN"}; false: it is none, and that is answered. */
static bool body_state(struct exchange *x, enum breaker_state *state)
{
    struct bytes object, text = BYTES_NONE;

    if (!body_object(x, "state", &object))
        return false;
    enum body there = body_text(x, object, "state", &text);
    if (there == BODY_BAD)
        return false;
    if (there == BODY_THERE && breaker_state_of(text, state))
        return true;
    struct buf states;
    buf_init(&states, 0);
    for (int i = 0; i < BREAKER_STATES; i++)
        buf_printf(&states, "%s%s", i ? ", " : "", breaker_state_text((enum breaker_state)i));
    reply_error(x, 400, "value", "\"state\" is one of %.*s, not '%.*s'", BYTES_FMT(buf_view(&states)),
                BYTES_FMT(bytes_head(text, 60)));
    buf_deinit(&states);
    return false;
}

void post_bridge_state(struct exchange *x)
{
    struct carrier *c = find_bridge(x);
    enum breaker_state state;
    struct diag diag = {0};
    struct buf body;
    uint64_t lsn = 0;

    if (!c || !body_state(x, &state))
        return;
    enum status st = carrier_force(c, state, &lsn);
    if (st != ST_OK) {
        (void)diag_set(&diag, st, DIAG_STATE, "the log takes nothing now: the state stays as it was");
        reply_diag(x, st, &diag);
        return;
    }
    write_one(x, c, &body);
    reply_when_durable(x, lsn, 200, &body);
}

/* ---- metrics ---- */

#define BRIDGE_VALUE(fn, expr)                                                                     \
    static double fn(const struct shown *s)                                                        \
    {                                                                                              \
        return (double)(expr);                                                                     \
    }
BRIDGE_VALUE(bridge_delivered, s->info.delivered)
BRIDGE_VALUE(bridge_dead, s->info.dead)
BRIDGE_VALUE(bridge_held_keys, s->info.held_keys)
BRIDGE_VALUE(bridge_lost, s->info.lost)
BRIDGE_VALUE(bridge_lag, s->info.lag)
BRIDGE_VALUE(bridge_calls, s->info.calls)
BRIDGE_VALUE(bridge_failures, s->info.failures)
BRIDGE_VALUE(bridge_busy, (double)s->info.busy_ns / 1e9)
BRIDGE_VALUE(bridge_opened, s->info.opened)
BRIDGE_VALUE(bridge_open, s->info.breaker == BREAKER_OPEN || s->info.breaker == BREAKER_FORCED_OPEN)
BRIDGE_VALUE(lookup_keys, s->info.keys)
BRIDGE_VALUE(lookup_instead, s->info.instead)
BRIDGE_VALUE(lookup_hits, s->counts.hits)
BRIDGE_VALUE(lookup_misses, s->counts.misses)
BRIDGE_VALUE(lookup_stale, s->counts.stale)
BRIDGE_VALUE(lookup_cached, s->counts.cached)
#undef BRIDGE_VALUE

static const struct {
    const char *name, *type, *help;
    double (*value)(const struct shown *);
    bool lookups; /* of these alone */
} bridge_families[] = {
    {"bridge_delivered_records_total", "counter", "Records that the outside system has taken, or of a source given, or of a lookup answered.", bridge_delivered, false},
    {"bridge_dead_records_total", "counter", "Records that can never be carried, kept in TABLE$dead.", bridge_dead, false},
    {"bridge_held_keys", "gauge", "Keys of which records wait in TABLE$dead, until REPLAY.", bridge_held_keys, false},
    {"bridge_lost_records_total", "counter", "Records that were deleted from the topic undelivered.", bridge_lost, false},
    {"bridge_lag_records", "gauge", "Records that have not arrived yet, as far as it is known.", bridge_lag, false},
    {"bridge_calls_total", "counter", "Calls to the outside system.", bridge_calls, false},
    {"bridge_failed_calls_total", "counter", "Calls that failed, and were or will be made again.", bridge_failures, false},
    {"bridge_busy_seconds_total", "counter", "Time spent in calls.", bridge_busy, false},
    {"bridge_breaker_opened_total", "counter", "How often the circuit breaker opened.", bridge_opened, false},
    {"bridge_breaker_open", "gauge", "1 while the circuit breaker is open.", bridge_open, false},
    {"bridge_lookup_keys_total", "counter", "Keys that lookups asked for, each once a call.", lookup_keys, true},
    {"bridge_lookup_instead_total", "counter", "Questions of lookups that got what lookup.fallback says.", lookup_instead, true},
    {"bridge_lookup_cache_hits_total", "counter", "Rows of lookup joins that the cache answered.", lookup_hits, true},
    {"bridge_lookup_cache_misses_total", "counter", "Rows of lookup joins that the cache did not answer.", lookup_misses, true},
    {"bridge_lookup_stale_total", "counter", "Answers of lookups that were the last one though it had expired.", lookup_stale, true},
    {"bridge_lookup_cached_keys", "gauge", "Keys that the caches of lookup joins hold.", lookup_cached, true},
};

static void write_labels(struct buf *out, const struct shown *s)
{
    metrics_label(out, "table", s->info.table);
    buf_printf(out, ",connector=\"%s\"", s->info.connector);
}

/* As resilience4j_circuitbreaker_state: a sample a state, 1 of that in which it is. */
static void write_states(struct http_face *face, struct bridges *bridges, struct buf *out)
{
    struct shown shown;

    metrics_family(out, "bridge_breaker_state", "gauge", "1 for the state of the circuit breaker, 0 for the others.");
    for (struct carrier *c = bridges_next(bridges, NULL); c; c = bridges_next(bridges, c)) {
        shown_of(face, c, &shown);
        for (int i = 0; i < BREAKER_STATES; i++) {
            buf_str(out, "quickwater_bridge_breaker_state{");
            write_labels(out, &shown);
            buf_printf(out, ",state=\"%s\"} %d\n", breaker_state_text((enum breaker_state)i),
                       shown.info.breaker == (enum breaker_state)i);
        }
    }
}

void metrics_of_bridges(struct http_face *face, struct buf *out)
{
    struct bridges *bridges = face->options.bridges;
    struct shown shown;

    if (!bridges)
        return;
    for (unsigned f = 0; f < sizeof bridge_families / sizeof *bridge_families; f++) {
        metrics_family(out, bridge_families[f].name, bridge_families[f].type, bridge_families[f].help);
        for (struct carrier *c = bridges_next(bridges, NULL); c; c = bridges_next(bridges, c)) {
            shown_of(face, c, &shown);
            if (bridge_families[f].lookups && !shown.lookup)
                continue;
            buf_printf(out, "quickwater_%s{", bridge_families[f].name);
            write_labels(out, &shown);
            buf_printf(out, "} %.17g\n", bridge_families[f].value(&shown));
        }
    }
    write_states(face, bridges, out);
}
