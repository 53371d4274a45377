/* source_values.c: VALUES: literal rows, one split, a position is a row.   Layer: flow. */
#include <stdlib.h>

#include "base/check.h"
#include "data/builder.h"
#include "flow/sources.h"

struct source_values {
    struct source base;
    const struct plan_node *node;
    struct source_env *env;
    const struct type **types;
    struct arena arena;
};

static enum status values_open(const struct plan_node *node, struct source_env *env,
                               struct source **out, struct diag *diag)
{
    (void)diag;
    struct source_values *s = xcalloc(1, sizeof(*s));
    s->base.class = &source_values_class;
    s->node = node;
    s->env = env;
    arena_init(&s->arena, ARENA_BUDGET_NONE);
    s->types = ARENA_ARRAY(&s->arena, const struct type *, node->columns_count + 1);
    for (uint16_t c = 0; c < node->columns_count; c++)
        s->types[c] = node->columns[c].type;
    *out = &s->base;
    return ST_OK;
}

static uint32_t values_splits(struct source *source)
{
    (void)source;
    return 1;
}

static int64_t values_start(struct source *source, uint32_t split)
{
    (void)source;
    (void)split;
    return 0;
}

static int64_t values_bound(struct source *source, uint32_t split)
{
    (void)split;
    return ((struct source_values *)source)->node->values.rows_count;
}

static int64_t values_take(struct source *source, uint32_t split, int64_t position,
                           uint32_t rows_max, uint64_t bytes_max, int64_t now_us, int64_t *wake_us)
{
    (void)bytes_max;
    (void)now_us;
    (void)wake_us;
    int64_t end = values_bound(source, split);
    return end - position > rows_max ? position + rows_max : end;
}

static enum status values_chunk(struct source_values *s, int64_t from, int64_t to)
{
    struct chunk_builder b;
    struct arena *arena = s->env->ctx->arena;
    struct expr_ctx ctx = s->env->ctx->expr;
    struct chunk one = {.count = 1, .rows = 1};
    ctx.arena = arena;
    chunk_builder_init(&b, arena, s->types, s->node->columns_count, (uint16_t)(to - from));
    for (int64_t row = from; row < to; row++) {
        for (uint16_t c = 0; c < s->node->columns_count; c++) {
            struct column col;
            TRY(expr_eval(s->node->values.rows[row][c], &ctx, &one, NULL, 1, &col));
            column_append(&b.cols[c], &col, 0);
        }
        chunk_builder_row(&b, ROW_INSERT);
    }
    struct chunk chunk = chunk_builder_done(&b);
    return op_emit(s->env->ctx, &chunk);
}

static enum status values_run(struct source *source, uint32_t split, int64_t *position, int64_t end)
{
    struct source_values *s = (struct source_values *)source;
    int64_t from = *position;
    (void)split;
    *position = end - from < CHUNK_ROWS ? end : from + CHUNK_ROWS;
    return values_chunk(s, from, *position);
}

static void values_close(struct source *source)
{
    struct source_values *s = (struct source_values *)source;
    arena_deinit(&s->arena);
    free(s);
}

const struct source_class source_values_class = {
    .connector = "values",
    .open = values_open, .splits = values_splits, .start = values_start, .take = values_take,
    .run = values_run, .bound = values_bound, .close = values_close,
};
