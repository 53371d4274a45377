/* call.h: how a kernel sees one evaluation of one function, and helpers to write it.
 *
 * Inside data/ only. A kernel of a plain function is given evaluated arguments and the rows for which
 * none of them is NULL; it fills call->data for those rows. So it never looks at validity, unless it
 * makes NULLs itself (call_null). An argument that is the same for all rows has one value, at row
 * 0: reach arguments through ARG_ROW or the ARG macros.
 *
 * Owns: results live in ctx->arena.   Errors: call_fail notes the row; call->no_memory is sticky
 * and turns into ST_NOSPACE after the kernel.   Layer: data.
 */
#ifndef QW_DATA_CALL_H
#define QW_DATA_CALL_H

#include "data/func.h"

/* A column, or one value for all rows. */
struct vec {
    struct column col;
    bool constant;
};

struct call {
    const struct expr *expr;
    struct expr_ctx *ctx;
    const struct chunk *in;
    struct vec *args;    /* NULL for lazy functions, which evaluate expr->args themselves */
    const uint16_t *sel; /* rows to compute; NULL: 0 .. count-1 */
    uint16_t count, rows;
    void *data;          /* of the result's physical kind, one a physical row */
    uint64_t *valid;     /* NULL: all valid */
    bool valid_owned, no_memory;
    struct vec whole;    /* set by kernels of functions with FUNC_WHOLE instead of data and valid */
};

typedef enum status func_kernel(struct call *call);

/* What the binder knows while it binds one call; hooks may replace args by casts. */
struct bind {
    struct arena *arena;
    const struct func *func;
    const struct expr **args;
    uint16_t args_count;
    const struct type *type;     /* set by the hook: of the result */
    const struct expr *instead;  /* set by the hook: the call is this tree, no function remains */
    const void *func_data;
    struct diag *diag;
};

enum func_flag {
    FUNC_NULLS = 1,    /* is given NULLs: sel is not narrowed, validity is the kernel's business */
    FUNC_CAREFUL = 2,  /* must not be called for rows with NULL arguments (text, division) */
    FUNC_LAZY = 4,     /* evaluates its arguments itself; implies FUNC_NULLS */
    FUNC_DYNAMIC = 8,  /* the tick decides: not folded, but one value for a chunk */
    FUNC_VOLATILE = 16, /* another value for each row */
    FUNC_WHOLE = 32,   /* the kernel sets call->whole: structured results and passed-through args */
    FUNC_INFIX = 64,   /* printed between its arguments */
    FUNC_NEVER_NULL = 128,
};

struct func {
    const char *name;
    /* Types of arguments and result, one letter each; "s?i" from '?' on optional, '*' repeats the last:
     *   b BOOLEAN, i INT, l BIGINT, d DOUBLE, s STRING, y BYTES, t TIMESTAMP(6), z TIMESTAMP_LTZ(6),
     *   D DATE, T TIME, x anything (as it is)      "ss>i": two strings give an INT
     * A hook `bind` may do all of that instead; it then checks its arguments itself. */
    const char *types;
    bool (*bind)(struct bind *b);
    func_kernel *kernel;
    unsigned flags;
    const char *signature, *help;
    int args_min, args_max; /* for functions with a hook; max -1: any */
    int variant;            /* for kernels that several entries share */
};

/* ---- families: each a file with a table that ends in an entry without a name ---- */
extern const struct func func_compare_table[], func_logic_table[], func_math_table[], func_number_table[],
    func_text_table[], func_pattern_table[], func_time_table[], func_hash_table[], func_collection_table[],
    func_array_table[], func_json_table[], func_encode_table[], func_zone_table[],
    func_url_table[], func_kept_table[], func_printf_table[];

/* FLOOR and CEIL of a time to a unit (func_time.c), for the entries of those names. */
bool bind_floor_time(struct bind *b);

/* ---- for kernels ---- */

#define ROW_AT(call, k)  ((call)->sel ? (call)->sel[k] : (k))
#define FOR_ROWS(call, row)                                                                        \
    for (uint32_t k_ = 0, row; k_ < (call)->count && ((row) = ROW_AT(call, k_), 1); k_++)
#define ARG_ROW(call, a, row) ((call)->args[a].constant ? 0 : (row))
#define ARG(call, a, ctype, row) (((const ctype *)(call)->args[a].col.data)[ARG_ROW(call, a, row)])
#define OUT(call, ctype)      ((ctype *)(call)->data)

static inline struct bytes arg_bytes(const struct call *call, unsigned a, uint32_t row)
{
    const struct str *s = &ARG(call, a, struct str, row);
    return bytes_of(s->len ? s->ptr : "", s->len); /* never NULL: kernels step through it */
}

static inline bool arg_valid(const struct call *call, unsigned a, uint32_t row)
{
    return column_valid(&call->args[a].col, ARG_ROW(call, a, row));
}

static inline enum phys arg_phys(const struct call *call, unsigned a)
{
    return type_phys(call->expr->args[a]->type->kind);
}

static inline struct str str_of(struct bytes b)
{
    return (struct str){(const char *)b.ptr, (uint32_t)b.len, 0};
}

/* The result at row is NULL. */
void call_null(struct call *call, uint32_t row);
/* Notes the row and what is wrong; returns ST_INVALID. */
enum status call_fail(struct call *call, uint32_t row, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Memory for a text result; when there is none, no_memory is set and NULL returned. */
char *call_text(struct call *call, size_t len);
/* Sets a text result that is a copy, or a view of an argument. */
void call_copy(struct call *call, uint32_t row, struct bytes text);
static inline void call_view(struct call *call, uint32_t row, struct bytes text)
{
    OUT(call, struct str)[row] = str_of(text);
}

/* ---- for lazy functions and the evaluator ---- */

enum status vec_eval(const struct expr *expr, struct expr_ctx *ctx, const struct chunk *in,
                     const uint16_t *sel, uint16_t count, struct vec *out) MUST_CHECK;
/* A NULL of the type for all rows. */
struct vec vec_null(struct arena *arena, const struct type *type);
uint64_t *valid_all(struct arena *arena, uint32_t rows); /* bits set for rows */

static inline void valid_clear(uint64_t *valid, uint32_t row)
{
    valid[row >> 6] &= ~(1ull << (row & 63));
}

static inline void valid_set(uint64_t *valid, uint32_t row)
{
    valid[row >> 6] |= 1ull << (row & 63);
}

/* Builds a column out of rows of several: CASE, COALESCE. */
struct merge {
    struct arena *arena;
    const struct type *type;
    uint32_t rows;
    struct vec *parts;  /* the columns merged so far */
    uint16_t parts_count, parts_cap;
    uint16_t *part_of;  /* by row: index into parts */
};
void merge_init(struct merge *m, struct arena *arena, const struct type *type, uint32_t rows,
                uint16_t parts_max);
void merge_rows(struct merge *m, struct vec part, const uint16_t *sel, uint16_t count);
struct vec merge_done(struct merge *m);

/* ---- for binding ---- */

bool bind_cast(struct bind *b, unsigned arg, const struct type *type); /* implicit; diag on false */
bool bind_force(struct bind *b, unsigned arg, const struct type *type); /* any cast that exists */
bool bind_fail(struct bind *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
const struct type *bind_type(const struct bind *b, unsigned arg);
bool bind_any_null(const struct bind *b); /* some argument may be NULL */
const struct func *func_find(struct bytes name);
/* A literal's text, for patterns and units that are made ready once; false: not a literal. */
bool bind_literal(const struct bind *b, unsigned arg, struct bytes *out);

/* The evaluated cast (cast.c). */
enum status cast_eval(struct call *call, const struct type *from, const struct type *to, bool try_cast);
/* The values are the same in memory: only the type's name or bound changes. */
bool cast_is_view(const struct type *from, const struct type *to);
bool cast_exists(const struct type *from, const struct type *to, bool implicit);

#endif
