/* Any function over any values: the first bytes choose the function, then each argument's type, whether it is
 * a literal or a column, and its value. It may be refused or fail in a row, never break anything. */
#include <math.h>

#include "base/check.h"
#include "base/reader.h"
#include "data/builder.h"
#include "data/func.h"
#include "data/text.h"
#include "lib/fuzz.h"

enum { ARGS_MAX = 4, ROWS = 3 };

static const struct type *pick_type(struct arena *arena, struct reader *r)
{
    static const enum type_kind kinds[] = {
        TYPE_VARCHAR, TYPE_VARCHAR, TYPE_INT, TYPE_BIGINT, TYPE_DOUBLE, TYPE_DECIMAL, TYPE_BOOLEAN,
        TYPE_DATE, TYPE_TIME, TYPE_TIMESTAMP, TYPE_TIMESTAMP_LTZ, TYPE_INTERVAL_MONTH,
        TYPE_INTERVAL_SECOND, TYPE_VARBINARY, TYPE_FLOAT, TYPE_TINYINT, TYPE_CHAR,
    };
    enum type_kind kind = kinds[reader_u8(r) % (sizeof(kinds) / sizeof(kinds[0]))];
    const struct type *type = type_simple(kind);

    if (kind == TYPE_DECIMAL) {
        int32_t precision = 1 + reader_u8(r) % TYPE_DECIMAL_MAX;
        return type_make(arena, kind, precision, reader_u8(r) % (precision + 1));
    }
    return type;
}

/* Within what its type can be: what a cast or a decoder gives. */
static union value pick_value(const struct type *type, struct reader *r)
{
    union value v = {0};
    uint64_t bits = reader_u64_le(r);
    double d;

    memcpy(&d, &bits, sizeof(d));
    switch (type->kind) {
    case TYPE_BOOLEAN: v.b = bits & 1; break;
    case TYPE_TINYINT: v.i32 = (int8_t)bits; break;
    case TYPE_INT:
    case TYPE_INTERVAL_MONTH: v.i32 = (int32_t)bits; break;
    case TYPE_DATE: v.i32 = (int32_t)(bits % 3652059) - 719162; break;
    case TYPE_TIME: v.i64 = (int64_t)(bits % 86400000000); break;
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMP_LTZ: v.i64 = (int64_t)(bits % 315537897600000000) - 62135596800000000; break;
    case TYPE_DECIMAL: v.dec = (int64_t)bits; break;
    case TYPE_FLOAT: v.f32 = (float)d; break;
    case TYPE_DOUBLE: v.f64 = d; break;
    case TYPE_BIGINT:
    case TYPE_INTERVAL_SECOND: v.i64 = (int64_t)bits; break;
    default: {
        struct bytes text = reader_bytes(r, bits % 24 < reader_left(r) ? bits % 24 : reader_left(r));
        v.str = (struct str){(const char *)text.ptr, (uint32_t)text.len, 0};
    }
    }
    return v;
}

static void run(struct arena *arena, const char *name, const struct expr **args, uint16_t count,
                const struct column *cols)
{
    static const uint16_t sel[] = {0, 2};
    struct diag diag = {0};
    struct arena results;
    struct column out;
    struct chunk chunk = {.cols = cols, .count = ROWS, .rows = ROWS, .col_count = ARGS_MAX};
    const struct expr *e = func_bind(arena, bytes_str(name), args, count, &diag);

    CHECK((e == NULL) == (diag.code != DIAG_NONE));
    if (!e)
        return;
    arena_init(&results, 16 << 20);
    struct zone *zone = zone_fixed(BYTES_LITERAL("+01:00"), 3600);
    for (int pass = 0; pass < 2; pass++) {
        struct expr_ctx ctx = {.arena = &results, .watermark_us = INT64_MIN, .zone = zone, .diag = &diag};
        if (expr_eval(e, &ctx, &chunk, pass ? sel : NULL, pass ? 2 : ROWS, &out) != ST_OK)
            continue;
        struct buf text;
        buf_init(&text, 1 << 20);
        value_text(&text, e->type, &out, 0, NULL);
        value_json(&text, e->type, &out, 2, NULL);
        buf_deinit(&text);
    }
    zone_free(zone);
    expr_text(arena, e, NULL);
    arena_deinit(&results);
}

FUZZ(functions, data, size)
{
    struct reader r = reader_of(bytes_of(data, size));
    const struct expr *args[ARGS_MAX];
    struct column cols[ARGS_MAX];
    struct arena arena;
    unsigned functions = 0;

    while (func_info(functions))
        functions++;
    const char *name = func_info(reader_u8(&r) % functions)->name;
    uint16_t count = reader_u8(&r) % (ARGS_MAX + 1);
    arena_init(&arena, 0);
    for (uint16_t i = 0; i < ARGS_MAX; i++) {
        struct column_builder b;
        const struct type *type = pick_type(&arena, &r);
        uint8_t how = reader_u8(&r);
        union value v = {0};
        column_builder_init(&b, &arena, type, ROWS);
        for (int row = 0; row < ROWS; row++) {
            if (row == 0 || how & 4)
                v = pick_value(type, &r);
            if (how >> (4 + row) & 1)
                column_put_null(&b);
            else
                column_put_value(&b, &v);
        }
        cols[i] = column_builder_done(&b);
        args[i] = expr_column(&arena, i, type);
        if (how & 1) {
            struct expr *literal = expr_null(&arena, type);
            literal->value = v;
            literal->is_null = how & 2;
            args[i] = literal;
        }
    }
    run(&arena, name, args, count, cols);
    arena_deinit(&arena);
}
