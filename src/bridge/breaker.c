/* breaker.c: see breaker.h. */
#include "bridge/breaker.h"

#include <stdlib.h>

#include "base/check.h"

static const int64_t MS = 1000000;

void breaker_init(struct breaker *b, const struct breaker_options *options)
{
    *b = (struct breaker){.options = *options, .open_ms = options->open_ms};
    CHECK(options->window >= 1 && options->window <= BREAKER_WINDOW_MAX);
    b->calls = xcalloc(options->window, sizeof(*b->calls));
}

void breaker_deinit(struct breaker *b)
{
    free(b->calls);
}

static void forget_first(struct breaker *b)
{
    const struct breaker_call *call = &b->calls[b->first];

    b->failed -= call->failed;
    b->slow -= call->slow;
    b->first = (b->first + 1) % b->options.window;
    b->count--;
}

static void forget_all(struct breaker *b)
{
    b->first = b->count = b->failed = b->slow = b->trials = 0;
}

static void remember(struct breaker *b, struct breaker_call call)
{
    if (b->count == b->options.window)
        forget_first(b);
    b->calls[(b->first + b->count++) % b->options.window] = call;
    b->failed += call.failed;
    b->slow += call.slow;
}

static void forget_old(struct breaker *b, int64_t now_ns)
{
    while (b->options.window_ms && b->count &&
           now_ns - b->calls[b->first].at_ns > b->options.window_ms * MS)
        forget_first(b);
}

static uint32_t share(const struct breaker *b, uint32_t of)
{
    return b->count ? of * 100 / b->count : 0;
}

uint32_t breaker_failure_percent(const struct breaker *b)
{
    return share(b, b->failed);
}

uint32_t breaker_slow_percent(const struct breaker *b)
{
    return share(b, b->slow);
}

static void open(struct breaker *b, int64_t now_ns)
{
    b->state = BREAKER_OPEN;
    b->until_ns = now_ns + b->open_ms * MS;
    b->open_ms = b->open_ms * 2 < b->options.open_ms_max ? b->open_ms * 2 : b->options.open_ms_max;
    b->opened++;
    forget_all(b);
}

bool breaker_may(struct breaker *b, int64_t now_ns, int64_t *at_ns)
{
    if (b->state == BREAKER_OPEN && now_ns >= b->until_ns)
        b->state = BREAKER_HALF_OPEN;
    if (b->state != BREAKER_OPEN && b->state != BREAKER_FORCED_OPEN)
        return true;
    *at_ns = b->state == BREAKER_OPEN ? b->until_ns : INT64_MAX;
    b->held_back++;
    return false;
}

static void note_trial(struct breaker *b, int64_t now_ns, bool bad)
{
    if (bad) {
        open(b, now_ns);
        return;
    }
    if (++b->trials < b->options.half_open_calls)
        return;
    breaker_force(b, BREAKER_CLOSED, now_ns);
}

void breaker_note(struct breaker *b, int64_t now_ns, int64_t took_ns, bool failed)
{
    bool slow = took_ns >= b->options.slow_ms * MS;

    if (b->state == BREAKER_HALF_OPEN)
        note_trial(b, now_ns, failed || (slow && b->options.slow_percent < 100));
    if (b->state != BREAKER_CLOSED && b->state != BREAKER_METRICS_ONLY)
        return;
    remember(b, (struct breaker_call){now_ns, failed, slow});
    forget_old(b, now_ns);
    if (b->state == BREAKER_CLOSED && b->count >= b->options.calls_min && (share(b, b->failed) >= b->options.failure_percent ||
                                             share(b, b->slow) >= b->options.slow_percent))
        open(b, now_ns);
}

void breaker_force(struct breaker *b, enum breaker_state state, int64_t now_ns)
{
    CHECK(state < BREAKER_STATES);
    forget_all(b);
    b->open_ms = b->options.open_ms;
    b->state = state;
    if (state == BREAKER_OPEN)
        open(b, now_ns);
}

bool breaker_is_automatic(enum breaker_state state)
{
    return state <= BREAKER_HALF_OPEN;
}

static const char *const texts[BREAKER_STATES] = {"CLOSED",      "OPEN",     "HALF_OPEN",
                                                  "FORCED_OPEN", "DISABLED", "METRICS_ONLY"};

const char *breaker_state_text(enum breaker_state state)
{
    return texts[state];
}

bool breaker_state_of(struct bytes text, enum breaker_state *out)
{
    for (unsigned i = 0; i < BREAKER_STATES; i++)
        if (bytes_is_nocase(text, texts[i])) {
            *out = (enum breaker_state)i;
            return true;
        }
    return false;
}
