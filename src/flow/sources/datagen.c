/* 'connector' = 'datagen': rows of random or counted values, as Flink's, but repeatable.
 *
 *   rows-per-second   10000; 0: as fast as they are taken (ours)
 *   number-of-rows    unbounded unless set, or until a sequence ends
 *   seed              the same seed gives the same rows (ours)       0
 *   fields.F.kind     'random' (default) or 'sequence'
 *   fields.F.min .max .start .end     numbers
 *   fields.F.length                   of random text: 100; of CHAR(n), VARCHAR(n): n if that is less
 *   fields.F.max-past                 times: from now to so far back; 0
 *   fields.F.null-rate                0
 *
 * Row n of a field is a function of (seed, field, n), and of the tick's clock for times. A position counts
 * rows. ROW, ARRAY and MAP columns are refused. */
#include "data/datetime.h"
#include "data/decimal.h"
#include "flow/sources/options.h"
#include "flow/sources/sources.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/hash.h"

enum { KEY_MAX = 200, LENGTH_DEFAULT = 100, LENGTH_MAX = 1 << 16 };

struct field {
    const struct type *type;
    enum phys phys;
    bool sequence;
    int64_t min, max;   /* of random numbers; start and end of a sequence */
    double real_min, real_max;
    int64_t length, past_us;
    double null_ratio;
    uint64_t stream;
};

struct datagen {
    struct source source;
    const struct plan_node *node;
    struct source_env *env;
    struct arena arena;
    struct field *fields;
    uint16_t fields_count;
    int64_t rows; /* INT64_MAX: unbounded */
    struct pace pace;
};

static const char *const known[] = {"rows-per-second", "number-of-rows", "seed", "scan.parallelism",
                                    "fields.", NULL};

/* ---- options ---- */

static const char *field_key(char *to, struct bytes name, const char *what)
{
    size_t len = name.len < KEY_MAX / 2 ? name.len : KEY_MAX / 2;

    memcpy(to, "fields.", 7);
    memcpy(to + 7, name.ptr, len);
    to[7 + len] = '.';
    memcpy(to + 8 + len, what, strlen(what) + 1);
    return to;
}

static int64_t least_of(enum type_kind kind)
{
    switch (kind) {
    case TYPE_TINYINT: return INT8_MIN;
    case TYPE_SMALLINT: return INT16_MIN;
    case TYPE_INT: return INT32_MIN;
    case TYPE_DATE: return 0;
    default: return INT64_MIN;
    }
}

static int64_t most_of(const struct type *type)
{
    switch (type->kind) {
    case TYPE_TINYINT: return INT8_MAX;
    case TYPE_SMALLINT: return INT16_MAX;
    case TYPE_INT: return INT32_MAX;
    default: return INT64_MAX;
    }
}

static double field_real(struct options *o, const char *key, double otherwise)
{
    struct bytes text = options_get(o, key);
    char copy[64] = {0}, *end = copy;

    if (!text.ptr)
        return otherwise;
    if (text.len < sizeof(copy))
        memcpy(copy, text.ptr, text.len);
    double v = strtod(copy, &end);
    if (end == copy || *end || v != v) {
        o->bad = true;
        (void)diag_set(o->diag, ST_INVALID, DIAG_VALUE, "option '%s' = '%.*s': it must be a number",
                       key, BYTES_FMT(text));
    }
    return v;
}

static bool type_is_real(const struct type *type)
{
    return type->kind == TYPE_FLOAT || type->kind == TYPE_DOUBLE || type->kind == TYPE_DECIMAL;
}

/* What a DECIMAL(p, s) holds before its point, and what is far from overflow for the others. */
static double real_most(const struct type *type)
{
    double most = 1.0;

    if (type->kind != TYPE_DECIMAL)
        return type->kind == TYPE_FLOAT ? 1e38 : 1e300;
    for (int32_t digits = type->precision - type->scale; digits > 0 && most < 1e15; digits--)
        most *= 10.0;
    return most - 1.0;
}

static void random_read(struct options *o, struct field *f, struct bytes name)
{
    char key[KEY_MAX];

    if (type_is_real(f->type)) {
        double most = real_most(f->type);
        f->real_min = field_real(o, field_key(key, name, "min"), -most);
        f->real_max = field_real(o, field_key(key, name, "max"), most);
        if (f->real_min > f->real_max)
            o->bad = true;
    } else if (type_is_integer(f->type->kind)) {
        int64_t least = least_of(f->type->kind), most = most_of(f->type);
        f->min = options_i64(o, field_key(key, name, "min"), least, least, most);
        f->max = options_i64(o, field_key(key, name, "max"), most, least, most);
        if (f->min > f->max)
            o->bad = true;
    }
    if (o->bad)
        (void)diag_set(o->diag, ST_INVALID, DIAG_VALUE, "fields.%.*s: min is above max",
                       BYTES_FMT(name));
    f->past_us = options_duration_us(o, field_key(key, name, "max-past"), 0);
    f->length = options_i64(o, field_key(key, name, "length"), LENGTH_DEFAULT, 1, LENGTH_MAX);
    if (f->phys == PHYS_STR && f->type->precision < f->length)
        f->length = f->type->precision;
}

static enum status field_read(struct options *o, struct field *f, const struct plan_node *node,
                              uint16_t column, uint64_t seed, int64_t *rows)
{
    const struct plan_scan_column *col = &node->scan.columns[column];
    struct bytes name = node->scan.table->columns[col->table_column].name;
    char key[KEY_MAX];

    f->type = col->type;
    f->phys = type_phys(f->type->kind);
    if (f->phys == PHYS_ROW || f->phys == PHYS_LIST || f->phys == PHYS_NULL)
        return diag_set(o->diag, ST_UNSUPPORTED, DIAG_UNSUPPORTED,
                        "column '%.*s': datagen makes no ROW, ARRAY or MAP yet", BYTES_FMT(name));
    f->stream = hash_combine(hash_u64(seed + 1), col->table_column);
    f->null_ratio = options_ratio(o, field_key(key, name, "null-rate"), 0.0);
    struct bytes kind = options_get(o, field_key(key, name, "kind"));
    f->sequence = kind.ptr && bytes_is(kind, "sequence");
    if (kind.ptr && !f->sequence && !bytes_is(kind, "random"))
        return diag_set(o->diag, ST_INVALID, DIAG_VALUE,
                        "option '%s' = '%.*s': it must be 'random' or 'sequence'", key,
                        BYTES_FMT(kind));
    if (!f->sequence) {
        random_read(o, f, name);
        return o->bad ? ST_INVALID : ST_OK;
    }
    bool counts = type_is_integer(f->type->kind) || type_is_real(f->type) || f->phys == PHYS_STR;
    f->min = options_i64(o, field_key(key, name, "start"), INT64_MIN, -INT64_MAX / 4, INT64_MAX / 4);
    f->max = options_i64(o, field_key(key, name, "end"), INT64_MIN, -INT64_MAX / 4, INT64_MAX / 4);
    if (o->bad)
        return ST_INVALID;
    if (!counts || f->min == INT64_MIN || f->max < f->min)
        return diag_set(o->diag, ST_INVALID, DIAG_VALUE,
                        "fields.%.*s: a sequence is of numbers or text and needs start and end, start not "
                        "above end",
                        BYTES_FMT(name));
    if (f->max - f->min + 1 < *rows)
        *rows = f->max - f->min + 1;
    return ST_OK;
}

static enum status datagen_make(struct datagen *s, const struct plan_node *node, struct diag *diag)
{
    struct options o = options_of(node, diag);

    options_check_known(&o, known);
    s->pace.rows_per_second = options_i64(&o, "rows-per-second", 10000, 0, INT64_C(1000000000));
    s->rows = options_i64(&o, "number-of-rows", INT64_MAX, 0, INT64_MAX);
    uint64_t seed = (uint64_t)options_i64(&o, "seed", 0, INT64_MIN, INT64_MAX);
    if (o.bad)
        return ST_INVALID;
    s->fields_count = node->columns_count;
    s->fields = xcalloc(s->fields_count + 1u, sizeof(*s->fields));
    for (uint16_t c = 0; c < s->fields_count; c++)
        TRY(field_read(&o, &s->fields[c], node, c, seed, &s->rows));
    return ST_OK;
}

static enum status datagen_open(const struct plan_node *node, struct source_env *env,
                                struct source **out, struct diag *diag)
{
    struct datagen *s = xcalloc(1, sizeof(*s));
    enum status st = datagen_make(s, node, diag);

    if (st != ST_OK) {
        free(s->fields);
        free(s);
        return st;
    }
    s->source.class = &source_datagen;
    s->node = node;
    s->env = env;
    arena_init(&s->arena, ARENA_BUDGET_NONE);
    *out = &s->source;
    return ST_OK;
}

static void datagen_close(struct source *source)
{
    struct datagen *s = (struct datagen *)source;

    arena_deinit(&s->arena);
    free(s->fields);
    free(s);
}

/* ---- values ---- */

static inline uint64_t draw(const struct field *f, int64_t row)
{
    return hash_u64(f->stream + (uint64_t)row * 0x9E3779B97F4A7C15u);
}

static inline double unit(uint64_t r)
{
    return (double)(r >> 11) * 0x1p-53;
}

static int64_t integer_at(const struct field *f, int64_t row)
{
    if (f->sequence)
        return f->min + row;
    uint64_t span = (uint64_t)f->max - (uint64_t)f->min + 1, r = draw(f, row);
    uint64_t within = span ? (uint64_t)(((unsigned __int128)r * span) >> 64) : r;
    return (int64_t)((uint64_t)f->min + within);
}

static double real_at(const struct field *f, int64_t row)
{
    return f->sequence ? (double)(f->min + row)
                       : f->real_min + (f->real_max - f->real_min) * unit(draw(f, row));
}

static i128 decimal_at(const struct field *f, int64_t row)
{
    double scaled = 1.0;

    for (int32_t i = 0; i < f->type->scale; i++)
        scaled *= 10.0;
    if (f->sequence)
        return (i128)(f->min + row) * decimal_pow10(f->type->scale);
    return (i128)(real_at(f, row) * scaled);
}

/* Times of the day are the clock's as well. */
static int64_t time_at(const struct field *f, int64_t row, int64_t now_us)
{
    uint64_t past = (uint64_t)(f->past_us / 1000) + 1;
    int64_t us = now_us - (int64_t)(draw(f, row) % past) * 1000;

    return time_cut(f->type->kind == TYPE_TIME ? floor_mod(us, US_PER_DAY) : us, f->type->precision);
}

static struct str text_at(const struct field *f, int64_t row, struct arena *arena)
{
    static const char digits[] = "0123456789abcdef";

    if (f->sequence) {
        const char *text = arena_printf(arena, "%lld", (long long)(f->min + row));
        return (struct str){text, (uint32_t)strlen(text), 0};
    }
    char *text = arena_alloc(arena, (size_t)f->length + 1);
    uint64_t r = 0, state = draw(f, row);
    for (int64_t i = 0; i < f->length; i++, r >>= 4) {
        if (i % 16 == 0)
            r = hash_u64(state += 0x9E3779B97F4A7C15u);
        text[i] = digits[r & 15];
    }
    return (struct str){text, (uint32_t)f->length, 0};
}

#define FILL(ctype, value)                                                                         \
    do {                                                                                           \
        ctype *data = arena_alloc(arena, sizeof(ctype) * count);                                   \
        for (uint16_t i = 0; i < count; i++) {                                                     \
            int64_t row = first + i;                                                               \
            data[i] = (ctype)(value);                                                              \
        }                                                                                          \
        out->data = data;                                                                          \
    } while (0)

static void text_fill(const struct field *f, int64_t first, uint16_t count, struct arena *arena,
                      struct column *out)
{
    struct str *data = arena_alloc(arena, sizeof(*data) * count);

    for (uint16_t i = 0; i < count; i++)
        data[i] = text_at(f, first + i, arena);
    out->data = data;
}

static void field_fill(const struct field *f, int64_t first, uint16_t count, int64_t now_us,
                       struct arena *arena, struct column *out)
{
    *out = (struct column){0};
    if (f->null_ratio > 0) {
        uint64_t *valid = arena_zalloc(arena, ((size_t)count + 63) / 64 * 8);
        for (uint16_t i = 0; i < count; i++) {
            bool null = unit(hash_u64(draw(f, first + i))) < f->null_ratio;
            valid[i >> 6] |= (uint64_t)!null << (i & 63);
        }
        out->valid = valid;
    }
    switch (f->type->kind) {
    case TYPE_BOOLEAN: FILL(uint8_t, draw(f, row) & 1); break;
    case TYPE_TINYINT:
    case TYPE_SMALLINT:
    case TYPE_INT: FILL(int32_t, integer_at(f, row)); break;
    case TYPE_BIGINT: FILL(int64_t, integer_at(f, row)); break;
    case TYPE_FLOAT: FILL(float, real_at(f, row)); break;
    case TYPE_DOUBLE: FILL(double, real_at(f, row)); break;
    case TYPE_DECIMAL: FILL(i128, decimal_at(f, row)); break;
    case TYPE_DATE: FILL(int32_t, floor_div(time_at(f, row, now_us), US_PER_DAY)); break;
    case TYPE_INTERVAL_MONTH: FILL(int32_t, draw(f, row) % 120000); break;
    case TYPE_INTERVAL_SECOND: FILL(int64_t, draw(f, row) % (US_PER_DAY * 365)); break;
    case TYPE_TIME:
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMP_LTZ: FILL(int64_t, time_at(f, row, now_us)); break;
    default: text_fill(f, first, count, arena, out); break;
    }
}

/* ---- the source ---- */

static uint32_t datagen_splits(struct source *source)
{
    (void)source;
    return 1;
}

static int64_t datagen_start(struct source *source, uint32_t split)
{
    (void)source;
    (void)split;
    return 0;
}

static int64_t datagen_bound(struct source *source, uint32_t split)
{
    (void)split;
    return ((struct datagen *)source)->rows;
}

static int64_t datagen_take(struct source *source, uint32_t split, int64_t position,
                            uint32_t rows_max, uint64_t bytes_max, int64_t now_us, int64_t *wake_us)
{
    struct datagen *s = (struct datagen *)source;
    int64_t most = (int64_t)(bytes_max / (16 * (s->fields_count + 1u))) + 1;

    (void)split;
    if (position >= s->rows)
        return position;
    most = most < rows_max ? most : rows_max;
    most = most < s->rows - position ? most : s->rows - position;
    int64_t paced = pace_allows(&s->pace, position, now_us, wake_us);
    return position + (paced < most ? paced : most);
}

static enum status datagen_run(struct source *source, uint32_t split, int64_t *position, int64_t end)
{
    struct datagen *s = (struct datagen *)source;
    uint16_t count = end - *position < CHUNK_ROWS ? (uint16_t)(end - *position) : CHUNK_ROWS;
    struct column *cols = ARENA_ARRAY(&s->arena, struct column, s->fields_count + 1);

    for (uint16_t c = 0; c < s->fields_count; c++)
        field_fill(&s->fields[c], *position, count, s->env->ctx->expr.now_us, &s->arena, &cols[c]);
    struct chunk chunk = {.cols = cols, .count = count, .rows = count,
                          .col_count = s->fields_count,
                          .origins = source_origins(s->node, &s->arena, split, *position, count)};
    enum status st = op_emit(s->env->ctx, &chunk);
    arena_reset(&s->arena);
    *position += count;
    return st;
}

const struct source_class source_datagen = {
    .connector = "datagen",
    .open = datagen_open,
    .splits = datagen_splits,
    .start = datagen_start,
    .take = datagen_take,
    .run = datagen_run,
    .bound = datagen_bound,
    .close = datagen_close,
};
