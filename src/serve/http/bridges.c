/* bridges.c: the carriers of tables of outside systems, as they are, and told by hand to pause. */
#include "bridge/bridges.h"

#include "base/check.h"
#include "serve/http/face.h"
#include "serve/http/metrics.h"

static void write_bridge(struct json_writer *w, const struct carrier_info *info)
{
    json_object_begin(w);
    json_key_text(w, "table", info->table);
    json_key_text(w, "topic", info->topic);
    json_key_str(w, "connector", info->connector);
    json_key_str(w, "way", info->way == BRIDGE_SOURCE ? "source" : info->way == BRIDGE_LOOKUP ? "lookup" : "sink");
    json_key_str(w, "guarantee", info->guarantee);
    json_key_str(w, "breaker", breaker_state_text(info->breaker));
    json_key_u64(w, "failure_percent", info->failure_percent);
    json_key_u64(w, "slow_percent", info->slow_percent);
    json_key_bool(w, "busy", info->busy);
    json_key_u64(w, "delivered", info->delivered);
    json_key_u64(w, "dead", info->dead);
    json_key_u64(w, "lost", info->lost);
    json_key_u64(w, "lag", info->lag);
    if (info->way == BRIDGE_LOOKUP) {
        json_key_u64(w, "keys", info->keys);
        json_key_u64(w, "instead", info->instead);
    }
    json_key_u64(w, "calls", info->calls);
    json_key_u64(w, "failures", info->failures);
    json_key_f64(w, "busy_seconds", (double)info->busy_ns / 1e9);
    json_key_str(w, "trouble", info->trouble[0] ? info->trouble : NULL);
    json_object_end(w);
}

void get_bridges(struct exchange *x)
{
    struct bridges *bridges = x->face->options.bridges;
    struct carrier_info info;
    struct buf body;
    struct json_writer w;

    buf_init(&body, x->face->options.answer_bytes_max);
    json_writer_init(&w, &body);
    json_array_begin(&w);
    for (struct carrier *c = bridges ? bridges_next(bridges, NULL) : NULL; c; c = bridges_next(bridges, c)) {
        carrier_info(c, &info);
        write_bridge(&w, &info);
    }
    json_array_end(&w);
    reply_json(x, 200, &body);
}

/* pause: nothing is delivered until told otherwise; resume: by the circuit breaker again; insist: whatever
 * the circuit breaker thinks. */
static bool action_of(struct bytes word, enum breaker_state *state)
{
    static const struct {
        const char *word;
        enum breaker_state state;
    } actions[] = {{"pause", BREAKER_FORCED_OPEN}, {"resume", BREAKER_CLOSED}, {"insist", BREAKER_DISABLED}};

    for (unsigned i = 0; i < sizeof actions / sizeof *actions; i++)
        if (bytes_is(word, actions[i].word)) {
            *state = actions[i].state;
            return true;
        }
    return false;
}

void post_bridge_action(struct exchange *x)
{
    struct bridges *bridges = x->face->options.bridges;
    struct carrier *c = bridges ? bridges_find(bridges, x->params[0]) : NULL;
    enum breaker_state state;
    struct carrier_info info;
    struct buf body;
    struct json_writer w;

    if (!c) {
        reply_error(x, 404, "name", "no table '%.*s' is carried to an outside system",
                    BYTES_FMT(bytes_head(x->params[0], 200)));
        return;
    }
    if (!action_of(x->params[1], &state)) {
        reply_error(x, 404, "name", "there is no '%.*s' of a bridge: pause, resume or insist",
                    BYTES_FMT(bytes_head(x->params[1], 60)));
        return;
    }
    carrier_force(c, state);
    carrier_info(c, &info);
    buf_init(&body, 0);
    json_writer_init(&w, &body);
    write_bridge(&w, &info);
    reply_json(x, 200, &body);
}

/* ---- metrics ---- */

#define BRIDGE_VALUE(fn, expr)                                                                     \
    static double fn(const struct carrier_info *c)                                                 \
    {                                                                                              \
        return (double)(expr);                                                                     \
    }
BRIDGE_VALUE(bridge_delivered, c->delivered)
BRIDGE_VALUE(bridge_dead, c->dead)
BRIDGE_VALUE(bridge_lost, c->lost)
BRIDGE_VALUE(bridge_lag, c->lag)
BRIDGE_VALUE(bridge_keys, c->keys)
BRIDGE_VALUE(bridge_instead, c->instead)
BRIDGE_VALUE(bridge_calls, c->calls)
BRIDGE_VALUE(bridge_failures, c->failures)
BRIDGE_VALUE(bridge_busy, (double)c->busy_ns / 1e9)
BRIDGE_VALUE(bridge_opened, c->opened)
BRIDGE_VALUE(bridge_open, c->breaker == BREAKER_OPEN || c->breaker == BREAKER_FORCED_OPEN)
#undef BRIDGE_VALUE

static const struct {
    const char *name, *type, *help;
    double (*value)(const struct carrier_info *);
} bridge_families[] = {
    {"bridge_delivered_records_total", "counter", "Records that the outside system has taken, or of a source given, or of a lookup answered.", bridge_delivered},
    {"bridge_dead_records_total", "counter", "Records that can never be carried, kept in TABLE$dead.", bridge_dead},
    {"bridge_lost_records_total", "counter", "Records that were deleted from the topic undelivered.", bridge_lost},
    {"bridge_lag_records", "gauge", "Records that have not arrived yet, as far as it is known.", bridge_lag},
    {"bridge_lookup_keys_total", "counter", "Keys that lookups asked for, each once a call.", bridge_keys},
    {"bridge_lookup_instead_total", "counter", "Questions of lookups that got what lookup.fallback says.", bridge_instead},
    {"bridge_calls_total", "counter", "Calls to the outside system.", bridge_calls},
    {"bridge_failed_calls_total", "counter", "Calls that failed, and were or will be made again.", bridge_failures},
    {"bridge_busy_seconds_total", "counter", "Time spent in calls.", bridge_busy},
    {"bridge_breaker_opened_total", "counter", "How often the circuit breaker opened.", bridge_opened},
    {"bridge_breaker_open", "gauge", "1 while the circuit breaker is open.", bridge_open},
};

void metrics_of_bridges(struct http_face *face, struct buf *out)
{
    struct bridges *bridges = face->options.bridges;
    struct carrier_info info;

    for (unsigned f = 0; bridges && f < sizeof bridge_families / sizeof *bridge_families; f++) {
        metrics_family(out, bridge_families[f].name, bridge_families[f].type, bridge_families[f].help);
        for (struct carrier *c = bridges_next(bridges, NULL); c; c = bridges_next(bridges, c)) {
            carrier_info(c, &info);
            buf_printf(out, "quickwater_%s{", bridge_families[f].name);
            metrics_label(out, "table", info.table);
            buf_printf(out, ",connector=\"%s\"} %.17g\n", info.connector, bridge_families[f].value(&info));
        }
    }
}
