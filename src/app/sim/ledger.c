/* ledger.c: see ledger.h. */
#include "app/sim/ledger.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

#include "app/sim/sim.h"
#include "base/check.h"
#include "base/hash.h"

const char *const ledger_topics[LEDGER_TOPICS] = {"events", "mid"};

void ledger_init(struct ledger *ledger, uint64_t seed, FILE *out, FILE *trace)
{
    *ledger = (struct ledger){.seed = seed, .out = out, .trace = trace};
    for (int t = 0; t < LEDGER_TOPICS; t++)
        ledger->partitions[t] = ledger->asked_partitions[t] = LEDGER_PARTITIONS;
}

void ledger_deinit(struct ledger *ledger)
{
    for (uint32_t i = 0; i < ledger->shown_len; i++) {
        free(ledger->shown[i].topic);
        free(ledger->shown[i].hashes);
    }
    free(ledger->shown);
    free(ledger->events);
}

void ledger_fail(struct ledger *ledger, const char *format, ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (ledger->failures++ == 0)
        memcpy(ledger->first_failure, text, sizeof(text));
    if (ledger->out && ledger->failures <= SIM_FAILURES_MAX)
        fprintf(ledger->out, "FAIL %s\n", text);
    if (ledger->trace && ledger->trace != ledger->out)
        fprintf(ledger->trace, "FAIL %s\n", text);
}

void ledger_trace(struct ledger *ledger, const char *format, ...)
{
    va_list args;

    if (!ledger->trace)
        return;
    va_start(args, format);
    vfprintf(ledger->trace, format, args);
    va_end(args);
    fputc('\n', ledger->trace);
    fflush(ledger->trace);
}

/* ---- events ---- */

uint32_t ledger_partitions(const struct ledger *ledger, const char *topic)
{
    for (int t = 0; t < LEDGER_TOPICS; t++)
        if (!strcmp(topic, ledger_topics[t]))
            return ledger->partitions[t];
    return UINT32_MAX;
}

/* Time goes on by about LEDGER_STEP_MS an event; a few come early, one in thirty very late. */
uint64_t ledger_make(struct ledger *ledger, enum ledger_topic topic, uint32_t partition,
                     struct rng *rng)
{
    if (ledger->events_len == ledger->events_cap) {
        ledger->events_cap = ledger->events_cap ? ledger->events_cap * 2 : 1024;
        ledger->events = xrealloc(ledger->events, ledger->events_cap * sizeof(struct event));
    }
    uint64_t id = ledger->events_len++;
    int64_t back = rng_between(rng, 0, 1500);
    if (rng_below(rng, 30) == 0)
        back += rng_between(rng, 1000, LEDGER_LATE_MS_MAX);
    int64_t ms = (int64_t)id * LEDGER_STEP_MS - back;
    ledger->events[id] = (struct event){
        .topic = topic, .partition = partition, .offset = -1,
        .k = (int32_t)rng_below(rng, LEDGER_KEYS), .g = (int32_t)rng_below(rng, LEDGER_GROUPS),
        .v = (int32_t)rng_below(rng, 1000), .ts_ms = ms > 0 ? ms : 0,
    };
    return id;
}

size_t ledger_json(const struct ledger *ledger, uint64_t id, char *to, size_t size)
{
    const struct event *e = &ledger->events[id];
    int64_t s = e->ts_ms / 1000;

    CHECK(id < ledger->events_len);
    CHECK(s < 86400); /* one day is enough */
    int n = snprintf(to, size,
                     "{\"id\":%" PRIu64 ",\"k\":\"k%d\",\"g\":%d,\"v\":%d,"
                     "\"ts\":\"2026-01-01 %02d:%02d:%02d.%03d\",\"src\":\"%s\"}",
                     id, e->k, e->g, e->v, (int)(s / 3600), (int)(s / 60 % 60), (int)(s % 60),
                     (int)(e->ts_ms % 1000), e->topic == LEDGER_MID ? "direct" : "client");
    CHECK(n > 0 && (size_t)n < size);
    return (size_t)n;
}

int64_t ledger_number(struct bytes json, const char *name, int64_t fallback)
{
    char text[64];
    int n = snprintf(text, sizeof(text), "\"%s\":", name);
    const uint8_t *at = json.len ? memmem(json.ptr, json.len, text, (size_t)n) : NULL;
    if (!at)
        return fallback;
    struct bytes rest = bytes_skip(json, (size_t)(at - json.ptr) + (size_t)n);
    size_t len = 0;
    while (len < rest.len && (rest.ptr[len] == '-' || (rest.ptr[len] >= '0' && rest.ptr[len] <= '9')))
        len++;
    int64_t value;
    return bytes_to_i64(bytes_head(rest, len), &value) ? value : fallback;
}

/* ---- what was shown ---- */

static struct shown *shown_of(struct ledger *ledger, const char *topic, uint32_t partition)
{
    for (uint32_t i = 0; i < ledger->shown_len; i++)
        if (ledger->shown[i].partition == partition && !strcmp(ledger->shown[i].topic, topic))
            return &ledger->shown[i];
    ledger->shown = xrealloc(ledger->shown, (ledger->shown_len + 1) * sizeof(struct shown));
    struct shown *s = &ledger->shown[ledger->shown_len++];
    *s = (struct shown){.topic = xstrdup(topic), .partition = partition};
    return s;
}

uint64_t ledger_shown_end(struct ledger *ledger, const char *topic, uint32_t partition)
{
    return shown_of(ledger, topic, partition)->len;
}

void ledger_total(struct ledger *ledger, uint32_t k, int64_t n, int64_t s)
{
    struct shown_total *t = &ledger->totals[k];

    ledger->totals_shown++;
    if (n < t->n || s < t->s)
        ledger_fail(ledger,
                    "the view totals shows k%u with n %lld, s %lld, and has shown n %lld, s %lld before", k,
                    (long long)n, (long long)s, (long long)t->n, (long long)t->s);
    t->n = n;
    t->s = s;
}

void ledger_forget(struct ledger *ledger, const char *topic)
{
    for (uint32_t i = 0; i < ledger->shown_len; i++) {
        struct shown *s = &ledger->shown[i];
        if (strcmp(s->topic, topic) != 0)
            continue;
        s->len = s->cap = 0;
        free(s->hashes);
        s->hashes = NULL;
    }
}

void ledger_shown(struct ledger *ledger, const char *topic, uint32_t partition, int64_t offset,
                  struct bytes key, struct bytes value)
{
    struct shown *s = shown_of(ledger, topic, partition);
    uint64_t hash = hash_combine(hash_bytes(key), hash_bytes(value)) | 1;
    CHECK(offset >= 0);
    uint64_t at = (uint64_t)offset;

    while (at >= s->cap) {
        uint64_t cap = s->cap ? s->cap * 2 : 256;
        s->hashes = xrealloc(s->hashes, cap * sizeof(*s->hashes));
        memset(s->hashes + s->cap, 0, (cap - s->cap) * sizeof(*s->hashes));
        s->cap = cap;
    }
    if (s->hashes[at] && s->hashes[at] != hash)
        ledger_fail(ledger, "%s/%u offset %" PRIu64 " was shown with other bytes before; now %.*s", topic,
                    partition, at, BYTES_FMT(bytes_head(value, 200)));
    s->hashes[at] = hash;
    if (at >= s->len)
        s->len = at + 1;
}
