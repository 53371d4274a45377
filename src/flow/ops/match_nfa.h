/* match_nfa.h: a pattern of MATCH_RECOGNIZE as states, as Flink's CEP library makes them of strict sequences.
 *
 * Each state waits for a row of one variable. With one whose condition holds a run goes to `take`; without one
 * it may go on as if it were at `proceed`. A state behind a greedy variable looks only at rows that are not
 * that variable's (`unless`). So one row can carry a run into several states: each is a run of its own.
 *
 *   A+ B (greedy)      0 A --take--> 1 A --take--> 1
 *                                    1 --proceed--> 2 B (unless A) --take--> end
 *   A{1,3}? B          0 A -> 1 A -> 2 A -> 3 B; 1 and 2 proceed to 3
 *
 * Owns: states live in the arena given.   Threads: read-only.   Layer: flow.
 * Limits: the binder bounds the states of a pattern.
 */
#ifndef QW_FLOW_OPS_MATCH_NFA_H
#define QW_FLOW_OPS_MATCH_NFA_H

#include "sql/plan.h"

enum { MATCH_NOWHERE = UINT32_MAX, MATCH_NO_VARIABLE = UINT16_MAX };

struct match_state {
    uint32_t take, proceed; /* states; proceed may be MATCH_NOWHERE */
    uint16_t variable;
    uint16_t unless;        /* a greedy variable before it; MATCH_NO_VARIABLE: none */
};

struct match_nfa {
    struct match_state *states;
    uint32_t count, start;
    uint32_t end;           /* = count: a match */
    uint16_t variables;
};

void match_nfa_make(struct match_nfa *out, struct arena *arena, const struct plan_match *plan);

/* What is known of the conditions on one row for one run. */
enum match_known { MATCH_UNKNOWN, MATCH_TRUE, MATCH_FALSE };

/* Where a row carries a run: the next states, in order. */
struct match_step {
    uint32_t to;
    uint16_t variable; /* that takes the row */
    bool ends; /* it is a match there as well: what follows may be left out */
};
struct match_steps {
    struct match_step *items; /* room for match_steps_most */
    uint32_t count;
};
uint32_t match_steps_most(const struct match_nfa *nfa);

/* The steps from a state with what is known by variable. A condition that must be known first is asked for: its
 * variable is returned, and `out` means nothing. MATCH_NO_VARIABLE: done. */
uint16_t match_walk(const struct match_nfa *nfa, uint32_t state, const uint8_t *known, struct match_steps *out);

#endif
