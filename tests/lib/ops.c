#include "lib/ops.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "data/builder.h"
#include "data/print_text.h"
#include "lib/test.h"

/* ---- plans ---- */

static const struct type *type_named(struct arena *arena, struct bytes name)
{
    if (bytes_is(name, "text"))
        return type_simple(TYPE_VARCHAR);
    if (bytes_is(name, "int"))
        return type_simple(TYPE_INT);
    if (bytes_is(name, "bigint"))
        return type_simple(TYPE_BIGINT);
    if (bytes_is(name, "boolean"))
        return type_simple(TYPE_BOOLEAN);
    if (bytes_is(name, "double"))
        return type_simple(TYPE_DOUBLE);
    if (bytes_is(name, "bigints"))
        return type_list(arena, TYPE_ARRAY, type_simple(TYPE_BIGINT), NULL);
    if (bytes_is(name, "texts"))
        return type_list(arena, TYPE_MULTISET, type_simple(TYPE_VARCHAR), NULL);
    EXPECT(bytes_is(name, "rowtime") || bytes_is(name, "timestamp") || bytes_is(name, "proctime"));
    return type_make(arena, TYPE_TIMESTAMP, 3, 0);
}

/* The next word of text up to a separator; false at the end. */
static bool next_word(struct bytes *text, char stop, struct bytes *out)
{
    while (text->len && (*text->ptr == ' ' || *text->ptr == ','))
        *text = bytes_skip(*text, 1);
    if (!text->len || *text->ptr == (uint8_t)stop)
        return false;
    size_t len = 0;
    while (len < text->len && text->ptr[len] != ' ' && text->ptr[len] != ',' &&
           text->ptr[len] != (uint8_t)stop)
        len++;
    *out = bytes_head(*text, len);
    *text = bytes_skip(*text, len);
    return true;
}

static void columns_parse(struct arena *arena, struct plan_node *node, const char *columns)
{
    struct bytes text = bytes_str(columns), name, type;

    node->columns = ARENA_ARRAY(arena, struct plan_column, 64);
    while (next_word(&text, 0, &name) && next_word(&text, 0, &type)) {
        struct plan_column *col = &node->columns[node->columns_count++];
        col->name = arena_copy(arena, name);
        col->type = type_named(arena, type);
        col->time = bytes_is(type, "rowtime")    ? TIME_ROW
                    : bytes_is(type, "proctime") ? TIME_PROC
                                                 : TIME_NONE;
    }
}

struct plan_node *rig_input(struct arena *arena, const char *columns)
{
    struct plan_node *node = ARENA_NEW(arena, struct plan_node);

    node->kind = PLAN_SCAN;
    columns_parse(arena, node, columns);
    return node;
}

struct plan_node *rig_node(struct arena *arena, enum plan_kind kind, const char *columns,
                           struct plan_node *left, struct plan_node *right)
{
    struct plan_node *node = rig_input(arena, columns);

    node->kind = kind;
    node->inputs = ARENA_ARRAY(arena, struct plan_input, 2);
    node->inputs[0].node = left;
    node->inputs[1].node = right;
    node->inputs_count = right ? 2 : 1;
    return node;
}

struct agg_call rig_agg(struct arena *arena, const struct plan_node *input, const char *name,
                        int column, int filter)
{
    struct bytes text = bytes_str(name), word, rest;
    struct agg_call call;
    struct diag diag = {0};

    EXPECT(next_word(&text, 0, &word));
    bool distinct = next_word(&text, 0, &rest);
    const struct expr *arg =
        column < 0 ? NULL : expr_column(arena, (uint16_t)column, input->columns[column].type);
    const struct expr *where =
        filter < 0 ? NULL : expr_column(arena, (uint16_t)filter, input->columns[filter].type);
    EXPECT(agg_bind(arena, word, arg, column < 0, distinct, where, &call, &diag));
    return call;
}

const uint16_t *rig_columns(struct arena *arena, const char *list)
{
    uint16_t *out = ARENA_ARRAY(arena, uint16_t, 64), count = 0;
    struct bytes text = bytes_str(list), word;
    int64_t v;

    while (next_word(&text, 0, &word) && bytes_to_i64(word, &v))
        out[count++] = (uint16_t)v;
    return out;
}

/* ---- rows as text ---- */

/* "1;2;3" as an ARRAY */
static void list_parse(struct column_builder *b, struct bytes word)
{
    while (word.len) {
        size_t len = bytes_find(word, ';', 0);
        int64_t v = 0;
        EXPECT(bytes_to_i64(bytes_head(word, len), &v));
        column_put_i64(&b->children[0], v);
        word = bytes_skip(word, len + (len < word.len));
    }
    column_put_list(b);
}

static void value_parse(struct column_builder *b, struct bytes word)
{
    int64_t v = 0;

    if (bytes_is(word, "null")) {
        column_put_null(b);
        return;
    }
    if (b->phys != PHYS_STR && b->phys != PHYS_LIST)
        EXPECT(bytes_to_i64(word, &v));
    switch (b->phys) {
    case PHYS_STR: column_put_text(b, word); break;
    case PHYS_BOOL: column_put_bool(b, v != 0); break;
    case PHYS_I32: column_put_i32(b, (int32_t)v); break;
    case PHYS_F64: column_put_f64(b, (double)v); break;
    case PHYS_LIST: list_parse(b, word); break;
    case PHYS_I64: column_put_i64(b, type_is_time_point(b->type->kind) ? v * 1000 : v); break;
    default: UNREACHABLE();
    }
}

static bool kind_parse(struct bytes word, uint8_t *kind)
{
    for (*kind = 0; *kind < 4; ++*kind)
        if (bytes_is(word, row_kind_text(*kind)))
            return true;
    *kind = ROW_INSERT;
    return false;
}

struct chunk *rig_rows(struct arena *arena, const struct plan_node *of, const char *rows)
{
    const struct type *types[64];
    struct chunk_builder b;
    struct bytes text = bytes_str(rows), word;

    for (uint16_t c = 0; c < of->columns_count; c++)
        types[c] = of->columns[c].type;
    chunk_builder_init(&b, arena, types, of->columns_count, CHUNK_ROWS);
    while (text.len) {
        uint8_t kind;
        bool have = next_word(&text, '|', &word);
        if (have && kind_parse(word, &kind))
            have = next_word(&text, '|', &word);
        for (uint16_t c = 0; have && c < of->columns_count; c++) {
            value_parse(&b.cols[c], word);
            if (c + 1 < of->columns_count)
                EXPECT(next_word(&text, '|', &word));
        }
        if (have)
            chunk_builder_row(&b, kind);
        while (text.len && *text.ptr == ' ')
            text = bytes_skip(text, 1);
        EXPECT(!text.len || *text.ptr == '|');
        text = bytes_skip(text, 1);
    }
    struct chunk *out = ARENA_NEW(arena, struct chunk);
    *out = chunk_builder_done(&b);
    return out;
}

void rig_print(struct buf *out, const struct plan_node *of, const struct chunk *chunk, uint16_t row)
{
    for (uint16_t c = 0; c < of->columns_count; c++) {
        const struct column *col = &chunk->cols[c];
        const struct type *type = of->columns[c].type;
        buf_str(out, c ? " " : "");
        if (!column_valid(col, row)) {
            buf_str(out, "null");
            continue;
        }
        switch (type_phys(type->kind)) {
        case PHYS_STR: {
            const struct str *s = &((const struct str *)col->data)[row];
            buf_append(out, s->ptr, s->len);
            break;
        }
        case PHYS_BOOL: buf_printf(out, "%d", ((const uint8_t *)col->data)[row]); break;
        case PHYS_I32: buf_printf(out, "%d", ((const int32_t *)col->data)[row]); break;
        case PHYS_F64: buf_printf(out, "%g", ((const double *)col->data)[row]); break;
        case PHYS_I64: {
            int64_t v = ((const int64_t *)col->data)[row];
            buf_printf(out, "%lld", (long long)(type_is_time_point(type->kind) ? v / 1000 : v));
            break;
        }
        case PHYS_LIST: value_print(out, type, col, row); break;
        default: buf_str(out, "?"); break;
        }
    }
}

/* ---- the operator's surroundings ---- */

static enum status rig_emit(struct op_ctx *ctx, const struct chunk *out)
{
    struct op_rig *rig = (struct op_rig *)ctx;

    EXPECT_INT(out->col_count, rig->node->columns_count);
    EXPECT(out->count <= out->rows && out->rows <= CHUNK_ROWS);
    rig->rows_out += out->count;
    rig->chunks_out++;
    for (uint16_t i = 0; !rig->quiet && i < out->count; i++) {
        uint16_t row = chunk_row(out, i);
        EXPECT(row < out->rows);
        buf_printf(&rig->out, "%s%s ", rig->out.len ? " | " : "",
                   row_kind_text(chunk_kind(out, row)));
        rig_print(&rig->out, rig->node, out, row);
    }
    return ST_OK;
}

static void rig_late(struct op_ctx *ctx, int input, const struct chunk *in, const uint16_t *rows,
                     uint16_t count)
{
    (void)input;
    for (uint16_t i = 0; i < count; i++)
        EXPECT(rows[i] < in->rows);
    ((struct op_rig *)ctx)->late += count;
}

static void rig_alarm(struct op_ctx *ctx, int64_t at_us)
{
    struct op_rig *rig = (struct op_rig *)ctx;

    if (at_us < rig->alarm_us)
        rig->alarm_us = at_us;
}

static void rig_ask(struct op_ctx *ctx, struct bytes key, struct bytes question)
{
    struct op_rig *rig = (struct op_rig *)ctx;

    EXPECT(key.len > 2 && memcmp(key.ptr, question.ptr, key.len - 1) == 0);
    buf_printf(&rig->out, "%s? %.*s", rig->out.len ? " | " : "", BYTES_FMT(question));
}

static const struct op_way rig_way = {rig_emit, rig_late, rig_alarm, rig_ask};

static void rig_expect(struct op_rig *rig, enum status st, const char *what)
{
    if (st != ST_OK)
        test_fail(__FILE__, __LINE__, "%s: %s: %s", what, status_text(st), rig->diag.message);
    arena_reset(&rig->call_arena);
}

static void state_open(struct op_rig *rig)
{
    rig->state = xcalloc(1, rig->class->state_size + 16);
    if (rig->class->open)
        rig_expect(rig, rig->class->open(rig->node, rig->state, &rig->ctx), "open");
}

void rig_open(struct op_rig *rig, struct plan_node *node)
{
    memset(rig, 0, sizeof(*rig));
    rig->class = op_class_of(node, &rig->diag);
    if (!rig->class)
        test_fail(__FILE__, __LINE__, "%s", rig->diag.message);
    rig->node = node;
    arena_init(&rig->arena, ARENA_BUDGET_NONE);
    arena_init(&rig->call_arena, ARENA_BUDGET_NONE);
    buf_init(&rig->out, 0);
    rig->ctx = (struct op_ctx){.arena = &rig->call_arena, .shards = 1, .watermark_us = INT64_MIN,
                               .way = &rig_way};
    rig->ctx.expr = (struct expr_ctx){.arena = &rig->call_arena, .watermark_us = INT64_MIN,
                                      .diag = &rig->diag};
    rig->alarm_us = INT64_MAX;
    state_open(rig);
}

static void state_close(struct op_rig *rig)
{
    if (rig->class->close)
        rig->class->close(rig->node, rig->state);
    free(rig->state);
}

void rig_close(struct op_rig *rig)
{
    state_close(rig);
    arena_deinit(&rig->arena);
    arena_deinit(&rig->call_arena);
    buf_deinit(&rig->out);
}

void rig_reload(struct op_rig *rig)
{
    struct snap_writer w = {0}, again = {0};

    if (!rig->class->save)
        return;
    rig->class->save(rig->node, rig->state, &w);
    state_close(rig);
    state_open(rig);
    struct reader r = reader_of(buf_view(&w.buf));
    rig_expect(rig, rig->class->load(rig->node, rig->state, &rig->ctx, &r), "load");
    EXPECT_INT(reader_left(&r), 0);
    rig->class->save(rig->node, rig->state, &again); /* what was loaded is what was saved */
    EXPECT_INT(again.buf.len, w.buf.len);
    buf_deinit(&again.buf);
    buf_deinit(&w.buf);
}

void rig_chunk(struct op_rig *rig, int input, const struct chunk *in)
{
    rig_expect(rig, rig->class->on_chunk(rig->node, rig->state, &rig->ctx, input, in), "on_chunk");
}

void rig_in(struct op_rig *rig, int input, const char *rows)
{
    struct arena arena;

    arena_init(&arena, ARENA_BUDGET_NONE);
    rig_chunk(rig, input, rig_rows(&arena, rig->node->inputs[input].node, rows));
    arena_deinit(&arena); /* an operator that kept a view is found out */
}

static void rig_done(struct op_rig *rig, enum status st, const char *what)
{
    rig->again = st == ST_AGAIN;
    rig_expect(rig, rig->again ? ST_OK : st, what);
    rig_tick(rig);
}

void rig_mark(struct op_rig *rig, int64_t watermark_ms)
{
    int64_t us = watermark_ms == INT64_MAX ? INT64_MAX : watermark_ms * 1000;

    rig->ctx.watermark_us = rig->ctx.expr.watermark_us = us;
    if (rig->class->on_watermark)
        rig_done(rig, rig->class->on_watermark(rig->node, rig->state, &rig->ctx, us),
                 "on_watermark");
}

void rig_clock(struct op_rig *rig, int64_t now_ms)
{
    rig->ctx.expr.now_us = rig->ctx.expr.proctime_us = now_ms * 1000;
    if (rig->alarm_us > now_ms * 1000 || !rig->class->on_clock)
        return;
    rig->alarm_us = INT64_MAX;
    rig_done(rig, rig->class->on_clock(rig->node, rig->state, &rig->ctx, now_ms * 1000), "on_clock");
}

void rig_tick(struct op_rig *rig)
{
    enum status end = rig->class->on_tick_end ? ST_AGAIN : ST_OK;
    while (end == ST_AGAIN)
        end = rig->class->on_tick_end(rig->node, rig->state, &rig->ctx);
    rig_expect(rig, end, "on_tick_end");
}

const char *rig_out(struct op_rig *rig)
{
    static char *text;

    rig_tick(rig);
    free(text);
    text = xmalloc(rig->out.len + 1);
    memcpy(text, rig->out.len ? (const char *)rig->out.ptr : "", rig->out.len);
    text[rig->out.len] = 0;
    buf_clear(&rig->out);
    return text;
}
