/* expiry.h: state that is let go of when it was not written for a time: plan_input.ttl_us.
 *
 * What is kept has the clock of the tick that wrote it last. From ttl_us after it on it is as if it were not there, for
 * all who read it: that depends on ticks' clocks alone, so that a tick run again gives the same. Its memory is freed
 * later, by a hand that goes round the table some entries at a time when the operator's alarm rings: as often as takes it
 * round in half of the time, so that nothing stays for longer than one and a half. An operator whose state is empty
 * asks for no alarm: an idle job is woken a few times, frees what it has, and sleeps.
 *
 * Owns: nothing.   Threads: one at a time.   Layer: flow.
 */
#ifndef QW_FLOW_OPS_EXPIRY_H
#define QW_FLOW_OPS_EXPIRY_H

#include "flow/op.h"
#include "store/state/state.h"

/* Entries that one look of one table takes in. */
enum { EXPIRY_LOOK = 16384 };

struct expiry {
    int64_t ttl_us; /* 0: for ever, and nothing below is used */
    int64_t now_us; /* of this tick */
    int64_t dead_us; /* what was written at this time or before is gone; INT64_MIN for ever */
    bool armed;     /* an alarm is asked for */
};

static inline void expiry_open(struct expiry *e, const struct plan_input *input)
{
    *e = (struct expiry){.ttl_us = input->ttl_us, .dead_us = INT64_MIN};
}

/* Before anything is read in a call that was given ctx; */
static inline void expiry_at(struct expiry *e, const struct op_ctx *ctx)
{
    e->now_us = ctx->expr.now_us;
    e->dead_us = e->ttl_us ? e->now_us - e->ttl_us : INT64_MIN;
}

/* and before anything is written. */
static inline void expiry_now(struct expiry *e, struct op_ctx *ctx)
{
    expiry_at(e, ctx);
    if (!e->ttl_us || e->armed)
        return;
    e->armed = true;
    op_alarm(ctx, e->now_us + e->ttl_us);
}

static inline bool expiry_over(const struct expiry *e, int64_t written_us)
{
    return written_us <= e->dead_us;
}

/* At the alarm: some entries of a table, as state_look; fn may ask expiry_over. How far it is to go round; 0: the table
 * is empty. */
static inline uint32_t expiry_look(struct state_table *t, state_look_fn *fn, void *context)
{
    (void)state_look(t, EXPIRY_LOOK, fn, context);
    return state_count(t) ? t->used : 0;
}

/* After the looks of an alarm: asks for the next one, the longest way round being such. */
static inline void expiry_again(struct expiry *e, struct op_ctx *ctx, uint32_t way)
{
    enum { SOONEST_US = 1000 };
    int64_t wait_us = e->ttl_us / 2 / (way / EXPIRY_LOOK + 1);

    e->armed = way > 0;
    if (e->armed)
        op_alarm(ctx, e->now_us + (wait_us > SOONEST_US ? wait_us : SOONEST_US));
}

#endif
