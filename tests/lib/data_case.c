#include "lib/data_case.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "data/builder.h"
#include "data/text.h"
#include "lib/test.h"

enum { ARGS_MAX = 8, ROWS = 7 };

static const char *where_file;
static int where_line;

static struct bytes trim(struct bytes t)
{
    while (t.len && t.ptr[0] == ' ')
        t = bytes_skip(t, 1);
    while (t.len && t.ptr[t.len - 1] == ' ')
        t.len--;
    return t;
}

static struct bytes word(struct bytes *text)
{
    size_t n = 0;

    *text = trim(*text);
    while (n < text->len && (text->ptr[n] == '_' || (text->ptr[n] | 32) >= 'a') && text->ptr[n] != '<')
        n++;
    struct bytes w = bytes_head(*text, n);
    *text = bytes_skip(*text, n);
    return w;
}

static bool take(struct bytes *text, char c)
{
    *text = trim(*text);
    if (!text->len || text->ptr[0] != (uint8_t)c)
        return false;
    *text = bytes_skip(*text, 1);
    return true;
}

static int number(struct bytes *text)
{
    int v = 0;

    *text = trim(*text);
    for (; text->len && text->ptr[0] >= '0' && text->ptr[0] <= '9'; *text = bytes_skip(*text, 1))
        v = v * 10 + (text->ptr[0] - '0');
    return v;
}

static enum type_kind kind_of(struct bytes name)
{
    static const struct {
        const char *name;
        enum type_kind kind;
    } names[] = {
        {"BOOLEAN", TYPE_BOOLEAN}, {"TINYINT", TYPE_TINYINT}, {"SMALLINT", TYPE_SMALLINT},
        {"INT", TYPE_INT}, {"BIGINT", TYPE_BIGINT}, {"FLOAT", TYPE_FLOAT}, {"DOUBLE", TYPE_DOUBLE},
        {"DECIMAL", TYPE_DECIMAL}, {"CHAR", TYPE_CHAR}, {"VARCHAR", TYPE_VARCHAR},
        {"STRING", TYPE_VARCHAR}, {"BINARY", TYPE_BINARY}, {"VARBINARY", TYPE_VARBINARY},
        {"BYTES", TYPE_VARBINARY}, {"DATE", TYPE_DATE}, {"TIME", TYPE_TIME},
        {"TIMESTAMP", TYPE_TIMESTAMP}, {"TIMESTAMP_LTZ", TYPE_TIMESTAMP_LTZ},
        {"MONTHS", TYPE_INTERVAL_MONTH}, {"MILLIS", TYPE_INTERVAL_SECOND}, {"ROW", TYPE_ROW},
        {"ARRAY", TYPE_ARRAY}, {"MAP", TYPE_MAP}, {"NULL", TYPE_NULL},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (bytes_is(name, names[i].name))
            return names[i].kind;
    test_fail(where_file, where_line, "no type '%.*s'", BYTES_FMT(name));
}

const struct type *case_type(struct arena *arena, struct bytes *text)
{
    enum type_kind kind = kind_of(word(text));
    struct type *type = ARENA_NEW(arena, struct type);

    *type = *type_simple(kind);
    if (take(text, '(')) {
        type->precision = number(text);
        if (take(text, ','))
            type->scale = number(text);
        take(text, ')');
    }
    if (take(text, '<')) {
        struct type_field *fields = ARENA_ARRAY(arena, struct type_field, 16);
        do {
            if (kind == TYPE_ROW)
                fields[type->fields_count].name = word(text);
            fields[type->fields_count++].type = case_type(arena, text);
        } while (take(text, ','));
        take(text, '>');
        type->fields = fields;
    }
    static const char not_null[] = "NOT NULL";
    *text = trim(*text);
    type->not_null = text->len >= sizeof(not_null) - 1 && memcmp(text->ptr, not_null, sizeof(not_null) - 1) == 0;
    if (type->not_null)
        *text = bytes_skip(*text, sizeof(not_null) - 1);
    return type;
}

static struct bytes unquote(struct bytes t)
{
    t = trim(t);
    if (t.len >= 2 && t.ptr[0] == '\'')
        return bytes_of(t.ptr + 1, t.len - 2);
    return t;
}

const struct expr *case_literal(struct arena *arena, struct bytes text)
{
    struct diag diag = {0};
    const struct type *type = case_type(arena, &text);
    const struct expr *e;

    text = trim(text);
    if (type->kind == TYPE_NULL || bytes_is(text, "NULL"))
        return expr_null(arena, type);
    if (type->kind == TYPE_INTERVAL_MONTH || type->kind == TYPE_INTERVAL_SECOND) {
        const struct type *big = type_simple(TYPE_BIGINT);
        int64_t v;
        if (!bytes_to_i64(text, &v))
            test_fail(where_file, where_line, "bad interval");
        e = func_cast(arena, expr_i64(arena, v, big), type, false, false, &diag);
    } else {
        e = func_cast(arena, expr_str(arena, unquote(text), type_simple(TYPE_VARCHAR)), type, false,
                      false, &diag);
    }
    if (!e || e->kind != EXPR_LITERAL)
        test_fail(where_file, where_line, "bad literal '%.*s': %s", BYTES_FMT(text), diag.message);
    return e;
}

static int split(struct bytes text, struct bytes *parts)
{
    int count = 0, depth = 0;
    size_t from = 0;
    bool quoted = false;

    if (trim(text).len == 0)
        return 0;
    for (size_t i = 0; i <= text.len; i++) {
        char c = i < text.len ? (char)text.ptr[i] : ',';
        if (c == '\'')
            quoted = !quoted;
        if (!quoted)
            depth += (c == '(' || c == '<') - (c == ')' || c == '>');
        if (c != ',' || quoted || (depth && i < text.len))
            continue;
        parts[count++] = bytes_of(text.ptr + from, i - from);
        from = i + 1;
    }
    return count;
}

/* Rows: 0 the value, 1 unselected, 2 NULL, 3 the value, 4 unselected, 5 the value, 6 the value. */
static const uint16_t selected[] = {0, 2, 3, 5, 6};

static struct column value_column(struct arena *arena, const struct expr *literal)
{
    struct column_builder b;

    column_builder_init(&b, arena, literal->type, ROWS);
    for (int i = 0; i < ROWS; i++) {
        if (literal->is_null || i == 2 || i == 1)
            column_put_null(&b);
        else
            column_put_value(&b, &literal->value);
    }
    return column_builder_done(&b);
}

static const char *result_text(struct arena *arena, const struct expr *e, enum status st,
                               const struct column *col, uint32_t row, const struct diag *diag)
{
    struct buf buf;

    if (st != ST_OK)
        return arena_printf(arena, "error %s", diag->message);
    buf_init(&buf, 0);
    buf_str(&buf, type_text(arena, type_not_null(arena, e->type, false)));
    buf_str(&buf, " ");
    value_text(&buf, e->type, col, row, NULL);
    const char *text = arena_str(arena, buf_view(&buf));
    buf_deinit(&buf);
    return text;
}

static void expect(const char *how, const char *got, const char *want)
{
    size_t len = strlen(want);

    /* "error x": the message begins so */
    if (!strncmp(want, "error", 5) ? strncmp(got, want, len) : strcmp(got, want))
        test_fail(where_file, where_line, "%s: got \"%s\", expected \"%s\"", how, got, want);
}

struct made {
    const struct expr *literals[ARGS_MAX];
    const struct expr *columns[ARGS_MAX];
    struct column cols[ARGS_MAX];
    uint16_t count;
};

typedef const struct expr *binder(struct arena *arena, void *context, const struct expr **args,
                                  uint16_t count, struct diag *diag);

static struct expr_ctx make_ctx(struct arena *arena, struct diag *diag)
{
    return (struct expr_ctx){.arena = arena, .now_us = 1600000000123456, .proctime_us = 1600000000123456,
                             .watermark_us = INT64_MIN, .random_seed = 1,
                             .diag = diag};
}

/* mask: which arguments are columns. */
static void run(struct arena *arena, const struct made *m, unsigned mask, binder *bind, void *context,
                const char *want)
{
    struct diag diag = {0};
    const struct expr *args[ARGS_MAX];
    struct expr_ctx ctx = make_ctx(arena, &diag);
    struct chunk chunk = {.cols = m->cols, .sel = selected, .count = 5, .rows = ROWS,
                          .col_count = m->count};
    struct column out;
    char how[32];

    snprintf(how, sizeof(how), "columns %#x", mask);
    for (uint16_t i = 0; i < m->count; i++)
        args[i] = mask >> i & 1 ? m->columns[i] : m->literals[i];
    const struct expr *e = bind(arena, context, args, m->count, &diag);
    if (!e) {
        expect(how, result_text(arena, e, ST_INVALID, NULL, 0, &diag), want);
        return;
    }
    enum status st = expr_eval(e, &ctx, &chunk, selected, 5, &out);
    expect(how, result_text(arena, e, st, &out, 0, &diag), want);
    if (st != ST_OK)
        return;
    for (int i = 2; i < 5; i++)
        expect(how, result_text(arena, e, st, &out, selected[i], &diag), want);
    /* all rows at once, the dense way, NULLs and all */
    chunk.sel = NULL;
    chunk.count = ROWS;
    if (expr_eval(e, &ctx, &chunk, NULL, ROWS, &out) == ST_OK)
        expect(how, result_text(arena, e, st, &out, 3, &diag), want);
}

static void run_all(struct arena *arena, struct made *m, binder *bind, void *context, const char *want)
{
    for (uint16_t i = 0; i < m->count; i++) {
        m->cols[i] = value_column(arena, m->literals[i]);
        m->columns[i] = expr_column(arena, i, type_not_null(arena, m->literals[i]->type, false));
    }
    unsigned all = (1u << m->count) - 1;
    run(arena, m, 0, bind, context, want);
    if (m->count == 0)
        return;
    run(arena, m, all, bind, context, want);
    for (uint16_t i = 0; i < m->count && m->count > 1; i++)
        run(arena, m, 1u << i, bind, context, want);
}

static const struct expr *bind_call(struct arena *arena, void *context, const struct expr **args,
                                    uint16_t count, struct diag *diag)
{
    return func_bind(arena, bytes_str(context), args, count, diag);
}

static const struct expr *bind_cast_to(struct arena *arena, void *context, const struct expr **args,
                                       uint16_t count, struct diag *diag)
{
    (void)count;
    return func_cast(arena, args[0], context, false, false, diag);
}

static void read_args(struct arena *arena, const char *args, struct made *m)
{
    struct bytes parts[ARGS_MAX];

    m->count = (uint16_t)split(bytes_str(args), parts);
    for (uint16_t i = 0; i < m->count; i++)
        m->literals[i] = case_literal(arena, parts[i]);
}

void call_case_at(const char *file, int line, const char *name, const char *args, const char *want)
{
    struct arena arena;
    struct made m = {0};

    where_file = file;
    where_line = line;
    arena_init(&arena, 0);
    read_args(&arena, args, &m);
    run_all(&arena, &m, bind_call, (void *)(uintptr_t)name, want);
    arena_deinit(&arena);
}

void literal_case_at(const char *file, int line, const char *name, const char *args, const char *want)
{
    struct arena arena;
    struct made m = {0};

    where_file = file;
    where_line = line;
    arena_init(&arena, 0);
    read_args(&arena, args, &m);
    run(&arena, &m, 0, bind_call, (void *)(uintptr_t)name, want);
    arena_deinit(&arena);
}

void cast_case_at(const char *file, int line, const char *value, const char *type, const char *want)
{
    struct arena arena;
    struct made m = {.count = 1};
    struct bytes text = bytes_str(type);

    where_file = file;
    where_line = line;
    arena_init(&arena, 0);
    m.literals[0] = case_literal(&arena, bytes_str(value));
    run_all(&arena, &m, bind_cast_to, (void *)(uintptr_t)case_type(&arena, &text), want);
    arena_deinit(&arena);
}
