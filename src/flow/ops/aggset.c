#include "flow/ops/agg_parts.h"

#include "base/check.h"

static bool call_of_values(const struct agg_call *call)
{
    return call->kind == AGG_MIN || call->kind == AGG_MAX || call_by_order(call);
}

static uint16_t expr_intern(const struct expr **list, uint16_t *count, const struct expr *e)
{
    for (uint16_t i = 0; i < *count; i++)
        if (expr_equal(list[i], e))
            return i;
    list[*count] = e;
    return (*count)++;
}

static uint16_t distinct_of(struct aggset *set, uint16_t arg, enum phys phys)
{
    for (uint16_t i = 0; i < set->distincts_count; i++)
        if (set->distincts[i].arg == arg && set->distincts[i].members < AGG_MEMBERS_MAX)
            return i;
    struct agg_distinct *d = &set->distincts[set->distincts_count];
    *d = (struct agg_distinct){.arg = arg};
    d->words = phys == PHYS_STR ? 0 : phys == PHYS_I128 ? 3 : 2;
    return set->distincts_count++;
}

static enum agg_mode mode_of(const struct aggset *set, const struct agg_call *call, enum phys phys)
{
    if (agg_is_list(call->kind))
        return call->distinct || call->kind == AGG_COLLECT ? AGG_BAG : AGG_LIST;
    if (call->distinct && !call_of_values(call))
        return AGG_DISTINCT;
    if (!call_of_values(call))
        return AGG_PLAIN;
    if (set->retracts)
        return AGG_MULTISET;
    if (call_by_order(call) && set->by_origin)
        return AGG_KEPT;
    return phys == PHYS_STR || agg_needs_values(call, false) ? AGG_KEPT : AGG_PLAIN;
}

static struct row_codec codec_of(struct arena *arena, const struct type *type)
{
    const struct type **types = ARENA_ARRAY(arena, const struct type *, 1);

    types[0] = type;
    return row_codec_make(types, NULL, 1);
}

/* A literal as a row of one column. */
static struct bytes literal_row(struct arena *arena, const struct row_codec *codec, const struct expr *literal)
{
    struct column_builder b;
    struct buf buf;

    column_builder_init(&b, arena, codec->types[0], 1);
    if (literal->is_null)
        column_put_null(&b);
    else
        column_put_value(&b, &literal->value);
    struct column col = column_builder_done(&b);
    buf_init(&buf, 0);
    row_encode(codec, &col, 0, &buf);
    struct bytes row = arena_copy(arena, buf_view(&buf));
    buf_deinit(&buf);
    return row;
}

static void list_make(struct agg_part *p, struct arena *arena)
{
    p->value = codec_of(arena, p->call.arg->type);
    p->result = codec_of(arena, p->call.type);
    if (p->call.missing)
        p->missing = literal_row(arena, &p->result, p->call.missing);
}

static enum status part_make(struct aggset *set, struct arena *arena, const struct agg_call *call,
                             struct agg_part *p, uint32_t *pos, struct diag *diag)
{
    p->call = *call;
    p->phys = call->arg ? type_phys(call->arg->type->kind) : PHYS_NULL;
    bool list = agg_is_list(call->kind);
    if ((p->phys == PHYS_LIST || p->phys == PHYS_ROW) && !list && (call->distinct || call->kind != AGG_COUNT))
        return diag_set(diag, ST_UNSUPPORTED, DIAG_UNSUPPORTED,
                        "%s over ROW, ARRAY, MAP and MULTISET is not built yet",
                        agg_name(call->kind));
    p->filter = (int16_t)(call->filter ? expr_intern(set->filters, &set->filters_count, call->filter)
                                       : -1);
    p->arg = call->arg ? expr_intern(set->args, &set->args_count, call->arg) : AGG_NO_ARG;
    p->mode = mode_of(set, call, p->phys);
    if (list)
        list_make(p, arena);
    p->once = call->distinct;
    p->call.distinct = false;
    if (p->mode == AGG_DISTINCT) {
        p->distinct = distinct_of(set, p->arg, p->phys);
        p->member = set->distincts[p->distinct].members++;
    }
    p->pos = *pos;
    bool plain = p->mode == AGG_PLAIN || p->mode == AGG_DISTINCT;
    set->has_kept = set->has_kept || !plain;
    *pos += plain ? (agg_state_size(&p->call) + 7) & ~7u : 16;
    return ST_OK;
}

/* How it takes rows is known. */
static enum status calls_take(struct aggset *set, struct arena *arena, const struct agg_call *calls, uint16_t count,
                              uint32_t head, struct diag *diag)
{
    CHECK(head % 8 == 0);
    set->count = count;
    set->head = head;
    set->parts = ARENA_ARRAY(arena, struct agg_part, count);
    set->args = ARENA_ARRAY(arena, const struct expr *, count);
    set->filters = ARENA_ARRAY(arena, const struct expr *, count);
    set->distincts = ARENA_ARRAY(arena, struct agg_distinct, count);
    set->rows_pos = head;
    set->id_pos = head + 8;
    uint32_t pos = head + 16;
    for (uint16_t i = 0; i < count; i++)
        TRY(part_make(set, arena, &calls[i], &set->parts[i], &pos, diag));
    set->value_size = pos;
    return ST_OK;
}

enum status aggset_make(struct aggset *set, struct arena *arena, const struct plan_node *node, uint32_t head,
                        struct diag *diag)
{
    bool windows = node->kind == PLAN_WINDOW_AGG, over = node->kind == PLAN_OVER;
    const struct agg_call *calls = over ? node->over.aggs : windows ? node->window_agg.aggs : node->group_agg.aggs;
    uint16_t count = over      ? node->over.aggs_count
                     : windows ? node->window_agg.aggs_count
                               : node->group_agg.aggs_count;

    *set = (struct aggset){.retracts = over ? node->over.bounded : node->inputs[0].node->changes != 0,
                           .by_origin = !over && plan_orders_by_origin(node), /* a frame has its order */
                           .expires = node->inputs[0].ttl_us != 0};
    return calls_take(set, arena, calls, count, head, diag);
}

enum status aggset_of_calls(struct aggset *set, struct arena *arena, const struct agg_call *calls, uint16_t count,
                            uint32_t head, struct diag *diag)
{
    *set = (struct aggset){0};
    return calls_take(set, arena, calls, count, head, diag);
}

enum status aggset_eval(const struct aggset *set, struct expr_ctx *ctx, const struct chunk *in,
                        struct agg_inputs *out)
{
    out->origins = set->by_origin ? in->origins : NULL;
    out->peers = NULL;
    out->args = ARENA_ARRAY(ctx->arena, struct column, set->args_count);
    out->pass = ARENA_ARRAY(ctx->arena, uint8_t *, set->filters_count);
    for (uint16_t i = 0; i < set->args_count; i++)
        TRY(expr_eval(set->args[i], ctx, in, in->sel, in->count, &out->args[i]));
    uint16_t *sel = set->filters_count ? arena_alloc(ctx->arena, 2 * CHUNK_ROWS) : NULL;
    for (uint16_t i = 0; i < set->filters_count; i++) {
        uint16_t count = 0;
        TRY(expr_filter(set->filters[i], ctx, in, in->sel, in->count, sel, &count));
        out->pass[i] = arena_zalloc(ctx->arena, in->rows + 1u);
        for (uint16_t k = 0; k < count; k++)
            out->pass[i][sel[k]] = 1;
    }
    return ST_OK;
}
