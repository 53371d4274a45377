/* expr.h: bound expressions, and their evaluation over a chunk.
 *
 * The binder (sql/) makes a tree in which every name is a column index, every function an entry of
 * the function table (func.h) and every conversion an explicit CAST; it is immutable and shared.
 * Evaluation goes node by node, a column at a time. CASE, COALESCE, AND and OR evaluate their later
 * arguments only for the rows that need them, so `CASE WHEN b <> 0 THEN a / b END` is safe.
 *
 * Owns: trees live in the arena of their plan; results in the arena given to expr_eval.
 * Errors: a row that cannot be evaluated (division by zero, a cast of 'x' to INT) gives ST_INVALID
 *         with its physical row in ctx->bad_row and a diag.   Layer: data.
 */
#ifndef QW_DATA_EXPR_H
#define QW_DATA_EXPR_H

#include "data/chunk.h"
#include "data/zone.h"

enum expr_kind {
    EXPR_COLUMN,  /* column `index` of the input */
    EXPR_LITERAL, /* `value` */
    EXPR_FIELD,   /* field `index` of the ROW args[0] */
    EXPR_CALL,    /* func over args */
    EXPR_CASE,    /* WHEN args[0] THEN args[1] WHEN args[2] … ; an odd last one is ELSE */
    EXPR_CAST,    /* args[0] to type; TRY_CAST gives NULL where CAST fails */
    EXPR_ROW,     /* ROW(args…) */
};

struct func; /* func.h */

union value {
    bool b;
    int32_t i32;
    int64_t i64;
    i128 dec;
    float f32;
    double f64;
    struct str str;
};

struct expr {
    enum expr_kind kind;
    const struct type *type; /* of the result */
    uint16_t index;
    uint16_t args_count;
    bool try_cast;
    bool is_null;            /* of a literal */
    union value value;
    const struct func *func;
    const void *func_data;   /* what func's prepare made of literal arguments (a compiled pattern) */
    const struct expr **args;
};

/* What an evaluation knows beyond its row; all from the tick, so that a replay sees the same. */
struct expr_ctx {
    struct arena *arena;      /* for results; reset by the caller between chunks */
    int64_t now_us;           /* CURRENT_TIMESTAMP: the tick's clock */
    int64_t proctime_us;      /* PROCTIME() */
    int64_t watermark_us;     /* CURRENT_WATERMARK; INT64_MIN: none yet */
    uint64_t random_seed;     /* RAND, UUID: from tick and operator; advanced by use */
    const struct zone *zone;  /* table.local-time-zone; NULL: UTC */
    struct zone_finder *zones; /* by name; NULL: only fixed offsets are known */
    struct diag *diag;
    uint32_t bad_row;
};

/* Evaluates for the rows sel[0..count-1] (sel NULL: 0..count-1) of a chunk with `rows` physical rows. The
 * result has a value at each of those physical rows; others are undefined. Columns pass through without
 * a copy. */
enum status expr_eval(const struct expr *expr, struct expr_ctx *ctx, const struct chunk *in,
                      const uint16_t *sel, uint16_t count, struct column *out) MUST_CHECK;

/* Rows for which a BOOLEAN expression is true (not NULL), into out_sel; *out_count of them. */
enum status expr_filter(const struct expr *expr, struct expr_ctx *ctx, const struct chunk *in,
                        const uint16_t *sel, uint16_t count, uint16_t *out_sel,
                        uint16_t *out_count) MUST_CHECK;

/* No column in it, and nothing that changes from call to call. */
bool expr_is_constant(const struct expr *expr);
/* The same tree: same nodes, columns and literals. */
bool expr_equal(const struct expr *a, const struct expr *b);
/* As SQL, with the input's column names: for EXPLAIN. */
const char *expr_text(struct arena *arena, const struct expr *expr, const struct schema *input);

/* Trees, for the binder and tests. */
struct expr *expr_column(struct arena *arena, uint16_t index, const struct type *type);
struct expr *expr_field(struct arena *arena, const struct expr *row, uint16_t index);
struct expr *expr_null(struct arena *arena, const struct type *type);
struct expr *expr_i64(struct arena *arena, int64_t v, const struct type *type); /* any I32/I64 type */
struct expr *expr_str(struct arena *arena, struct bytes text, const struct type *type);
struct expr *expr_bool(struct arena *arena, bool v);

#endif
