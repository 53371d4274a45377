/* UNNEST: each row once for each element of its array or map, in their order; LEFT: once with NULLs where there
 * is none. Of an array of ROWs those that are NULL are left out, as Flink does. A BIGINT in the list's place says how
 * often the row comes (INTERSECT ALL, EXCEPT ALL).
 *
 * Stateless: a retraction has the same elements as what it takes back. Rows are told in portions of a chunk, whose
 * memory is used again, however long the lists are. */
#include "flow/ops/ops.h"

#include "base/check.h"
#include "data/builder.h"

struct unnest {
    struct arena scratch;
};

enum { NO_ELEMENT = UINT32_MAX };

struct portion {
    const struct plan_node *node;
    struct op_ctx *ctx;
    struct arena *scratch;
    const struct chunk *in;
    uint16_t count;
    uint16_t rows[CHUNK_ROWS];
    uint32_t elements[CHUNK_ROWS]; /* of the list's children; NO_ELEMENT: padded */
    int32_t places[CHUNK_ROWS];    /* in the row's list, from 1 */
};

static enum status unnest_open(const struct plan_node *node, void *state, struct op_ctx *ctx)
{
    struct unnest *s = state;

    (void)node;
    (void)ctx;
    arena_init(&s->scratch, ARENA_BUDGET_NONE);
    return ST_OK;
}

static void unnest_close(const struct plan_node *node, void *state)
{
    struct unnest *s = state;

    (void)node;
    arena_deinit(&s->scratch);
}

static bool has_fields(const struct plan_node *node)
{
    const struct type *type = node->inputs[0].node->columns[node->unnest.column].type;

    return type->kind == TYPE_ARRAY && type->fields[0].type->kind == TYPE_ROW;
}

/* The column that has part `part` of the elements. */
static const struct column *part_of(const struct plan_node *node, const struct column *list, uint16_t part)
{
    bool fields = has_fields(node);

    return fields ? &list->children[0].children[part] : &list->children[part];
}

static void part_build(const struct portion *p, uint16_t part, struct column_builder *b)
{
    if (part == UNNEST_ORDINALITY) {
        for (uint16_t i = 0; i < p->count; i++) {
            if (p->elements[i] == NO_ELEMENT)
                column_put_null(b);
            else
                column_put_i32(b, p->places[i]);
        }
        return;
    }
    const struct column *from = part_of(p->node, &p->in->cols[p->node->unnest.column], part);
    for (uint16_t i = 0; i < p->count; i++) {
        uint32_t e = p->elements[i];
        if (e == NO_ELEMENT)
            column_put_null(b);
        else
            column_append(b, from, e);
    }
}

static enum status portion_tell(struct portion *p)
{
    const struct plan_node *node = p->node;
    const struct plan_unnest *u = &node->unnest;
    struct column *cols = ARENA_ARRAY(p->scratch, struct column, node->columns_count + 1);
    uint8_t *kinds = p->in->kinds ? arena_alloc(p->scratch, CHUNK_ROWS) : NULL;
    bool failed = false;

    if (!p->count)
        return ST_OK;
    for (uint16_t c = 0; c < node->columns_count; c++) {
        struct column_builder b;
        column_builder_init(&b, p->scratch, node->columns[c].type, p->count);
        if (c < u->kept_count)
            column_append_rows(&b, &p->in->cols[u->kept[c]], p->rows, p->count);
        else
            part_build(p, u->parts[c - u->kept_count], &b);
        failed |= column_builder_failed(&b);
        cols[c] = column_builder_done(&b);
    }
    for (uint16_t i = 0; kinds && i < p->count; i++)
        kinds[i] = p->in->kinds[p->rows[i]];
    struct chunk out = {.cols = cols, .count = p->count, .rows = p->count, .col_count = node->columns_count,
                        .kinds = kinds};
    enum status st = failed ? ST_NOSPACE : op_emit(p->ctx, &out);
    arena_reset(p->scratch);
    p->count = 0;
    return st;
}

static enum status portion_add(struct portion *p, uint16_t row, uint32_t element, int32_t place)
{
    p->rows[p->count] = row;
    p->elements[p->count] = element;
    p->places[p->count++] = place;
    return p->count == CHUNK_ROWS ? portion_tell(p) : ST_OK;
}

/* Each row as often as a BIGINT says. */
static enum status repeat_rows(struct portion *p)
{
    const struct column *times = &p->in->cols[p->node->unnest.column];

    for (uint16_t i = 0; i < p->in->count; i++) {
        uint16_t row = chunk_row(p->in, i);
        int64_t count = column_valid(times, row) ? ((const int64_t *)times->data)[row] : 0;
        for (int64_t n = 0; n < count; n++)
            TRY(portion_add(p, row, NO_ELEMENT, 0));
    }
    return portion_tell(p);
}

static enum status unnest_on_chunk(const struct plan_node *node, void *state, struct op_ctx *ctx, int input,
                                   const struct chunk *in)
{
    struct unnest *s = state;
    const struct column *list = &in->cols[node->unnest.column];
    const struct column *whole = has_fields(node) ? &list->children[0] : NULL;
    bool repeats = node->inputs[0].node->columns[node->unnest.column].type->kind == TYPE_BIGINT;
    struct portion *p = arena_alloc(ctx->arena, sizeof(*p));

    CHECK(input == 0);
    p->node = node;
    p->ctx = ctx;
    p->scratch = &s->scratch;
    p->in = in;
    p->count = 0;
    if (repeats)
        return repeat_rows(p);
    for (uint16_t i = 0; i < in->count; i++) {
        uint16_t row = chunk_row(in, i);
        bool there = column_valid(list, row);
        uint32_t from = there ? list->offsets[row] : 0, to = there ? list->offsets[row + 1] : 0;
        bool any = false;
        for (uint32_t e = from; e < to; e++) {
            if (whole && !column_valid(whole, e))
                continue;
            TRY(portion_add(p, row, e, (int32_t)(e - from + 1)));
            any = true;
        }
        if (!any && node->unnest.left)
            TRY(portion_add(p, row, NO_ELEMENT, 0));
    }
    return portion_tell(p);
}

const struct op_class op_unnest = {.name = "Unnest",
                                   .state_size = sizeof(struct unnest),
                                   .open = unnest_open,
                                   .on_chunk = unnest_on_chunk,
                                   .close = unnest_close};
