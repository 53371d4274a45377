/* States are made from the end of the pattern to its start, so that what follows is there to point to. */
#include "flow/ops/match_nfa.h"

#include "base/check.h"

static uint32_t add(struct match_nfa *nfa, uint16_t variable, uint32_t take, uint32_t proceed)
{
    nfa->states[nfa->count] = (struct match_state){take, proceed, variable, MATCH_NO_VARIABLE};
    return nfa->count++;
}

static uint64_t states_most(const struct plan_match *plan)
{
    uint64_t count = 0;

    for (uint16_t i = 0; i < plan->variables_count; i++) {
        const struct plan_match_variable *v = &plan->variables[i];
        count += v->most == MATCH_UNBOUNDED ? (uint64_t)v->least + 2 : v->most;
    }
    return count;
}

/* The first state of a variable, before `next`: its optional rows are the last ones, but where there may be
 * none at all, as Flink has it. */
static uint32_t add_variable(struct match_nfa *nfa, const struct plan_match_variable *v, uint16_t variable,
                             uint32_t next)
{
    uint32_t least = v->least ? v->least : 1, most = v->most, to = next;

    if (v->greedy && next != MATCH_NOWHERE)
        nfa->states[next].unless = variable;
    if (most == MATCH_UNBOUNDED) {
        to = add(nfa, variable, 0, next);
        nfa->states[to].take = to;
        most = least;
    }
    for (uint32_t i = least; i < most; i++)
        to = add(nfa, variable, to, next);
    for (uint32_t i = 1; i < least; i++)
        to = add(nfa, variable, to, MATCH_NOWHERE);
    return add(nfa, variable, to, v->least ? MATCH_NOWHERE : next);
}

void match_nfa_make(struct match_nfa *out, struct arena *arena, const struct plan_match *plan)
{
    *out = (struct match_nfa){.variables = plan->variables_count};
    out->states = ARENA_ARRAY(arena, struct match_state, states_most(plan) + 1);
    uint32_t next = add(out, MATCH_NO_VARIABLE, MATCH_NOWHERE, MATCH_NOWHERE); /* state 0 is the end */
    out->end = next;
    for (uint16_t i = plan->variables_count; i-- > 0;)
        next = add_variable(out, &plan->variables[i], i, next);
    out->start = next;
}

uint32_t match_steps_most(const struct match_nfa *nfa)
{
    return nfa->variables + 1u; /* one for each variable that may be left out, and one more */
}

/* Whether the end is reached without another row; `ask` as match_walk. */
static bool ends_at(const struct match_nfa *nfa, uint32_t state, const uint8_t *known, uint16_t *ask)
{
    for (;;) {
        const struct match_state *s = &nfa->states[state];
        if (state == nfa->end || s->proceed == MATCH_NOWHERE)
            return false;
        if (s->unless != MATCH_NO_VARIABLE) {
            if (known[s->unless] == MATCH_UNKNOWN)
                *ask = s->unless;
            if (known[s->unless] != MATCH_FALSE)
                return false;
        }
        state = s->proceed;
        if (state == nfa->end)
            return true;
    }
}

/* Whether a row is taken: its own condition first, then that of the greedy variable before. */
static bool takes(const struct match_state *s, const uint8_t *known, uint16_t *ask)
{
    if (known[s->variable] == MATCH_UNKNOWN)
        *ask = s->variable;
    if (known[s->variable] != MATCH_TRUE)
        return false;
    if (s->unless == MATCH_NO_VARIABLE)
        return true;
    if (known[s->unless] == MATCH_UNKNOWN)
        *ask = s->unless;
    return known[s->unless] == MATCH_FALSE;
}

uint16_t match_walk(const struct match_nfa *nfa, uint32_t state, const uint8_t *known, struct match_steps *out)
{
    uint16_t ask = MATCH_NO_VARIABLE;

    out->count = 0;
    for (; state != nfa->end && ask == MATCH_NO_VARIABLE;) {
        const struct match_state *s = &nfa->states[state];
        if (takes(s, known, &ask)) {
            CHECK(out->count < match_steps_most(nfa));
            bool ends = ends_at(nfa, s->take, known, &ask);
            out->items[out->count++] = (struct match_step){s->take, s->variable, ends};
        }
        if (ask != MATCH_NO_VARIABLE || s->proceed == MATCH_NOWHERE)
            break;
        if (s->unless != MATCH_NO_VARIABLE && known[s->unless] == MATCH_UNKNOWN)
            ask = s->unless;
        else if (s->unless != MATCH_NO_VARIABLE && known[s->unless] == MATCH_TRUE)
            break;
        state = s->proceed;
    }
    return ask;
}
