/* func.h: the table of scalar functions and operators: names, types and kernels.
 *
 * Operators are functions too, named by their SQL sign ("+", "=", "AND", "LIKE", "IS NULL",
 * "NOT", "[]"). The binder asks func_bind, which chooses the entry, the casts of its arguments and
 * the type of the result by Flink's rules. Aggregates are in agg.h.   Layer: data.
 */
#ifndef QW_DATA_FUNC_H
#define QW_DATA_FUNC_H

#include "data/expr.h"

/* A bound call: arguments cast as needed, or folded into a literal when all of them are constant. NULL
 * with a diag (unknown function with a suggestion of the nearest name, wrong count, wrong types). The name
 * is matched without regard to case. */
const struct expr *func_bind(struct arena *arena, struct bytes name, const struct expr **args,
                             uint16_t args_count, struct diag *diag);

/* CAST(arg AS type) by Flink's table of casts; NULL with a diag for a pair that has none. Gives arg itself
 * when nothing changes. implicit: only the casts that Flink makes by itself. */
const struct expr *func_cast(struct arena *arena, const struct expr *arg, const struct type *type,
                             bool try_cast, bool implicit, struct diag *diag);

/* CASE with its branches cast to their common type. args as in EXPR_CASE. */
const struct expr *func_case(struct arena *arena, const struct expr **args, uint16_t args_count,
                             struct diag *diag);

bool func_exists(struct bytes name);
/* Entry i of the table, for SHOW FUNCTIONS and the docs; NULL past the end. */
struct func_info {
    const char *name, *signature, *help;
};
const struct func_info *func_info(unsigned i);
/* A function of Flink's that is not built, and what to do without it: entry i, NULL past the end; by name, NULL. */
struct func_refused {
    const char *name, *instead;
};
const struct func_refused *func_refused_info(unsigned i);
const struct func_refused *func_refused_find(struct bytes name);
const char *func_name(const struct func *func);

#endif
