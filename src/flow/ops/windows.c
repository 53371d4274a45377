#include "flow/ops/windows.h"

#include "flow/ops/ops.h"

static int64_t gcd(int64_t a, int64_t b)
{
    while (b) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

enum status windows_make(struct windows *out, const struct plan_window *p,
                         const struct plan_node *input, const struct expr_ctx *ctx)
{
    struct diag *diag = ctx->diag;

    *out = (struct windows){.kind = p->kind, .time = p->time, .column = p->column,
                            .size = p->size_us, .slide = p->slide_us, .offset = p->offset_us};
    if (p->kind == WINDOW_TUMBLE || p->kind == WINDOW_SESSION)
        out->slide = out->size;
    if (out->size <= 0 || out->slide <= 0)
        return diag_set(diag, ST_INVALID, DIAG_VALUE, "a window's size and slide must be above zero");
    if (out->size / out->slide > WINDOWS_MOST)
        return diag_set(diag, ST_INVALID, DIAG_LIMIT, "a row would be in more than %d windows",
                        WINDOWS_MOST);
    if (p->kind == WINDOW_CUMULATE && out->size % out->slide)
        return diag_set(diag, ST_INVALID, DIAG_VALUE,
                        "the size of CUMULATE windows must be a multiple of their step");
    out->slice = p->kind == WINDOW_HOP ? gcd(out->size, out->slide) : out->slide;
    out->local = p->time == TIME_PROC ||
                 input->columns[p->column].type->kind == TYPE_TIMESTAMP_LTZ;
    out->zone = out->local ? ctx->zone : NULL;
    return ST_OK;
}

enum status windows_times(const struct windows *w, struct op_ctx *ctx, const struct chunk *in,
                          const int64_t **out)
{
    if (w->time != TIME_PROC) {
        const struct column *col = &in->cols[w->column];
        for (uint16_t i = 0; col->valid && i < in->count; i++)
            if (!column_valid(col, chunk_row(in, i)))
                return diag_set(ctx->expr.diag, ST_INVALID, DIAG_VALUE,
                                "the time of a row is NULL; a window needs one: filter such rows, "
                                "or give a default with COALESCE");
        *out = col->data;
        if (!w->zone)
            return ST_OK;
    }
    int64_t *times = arena_alloc(ctx->arena, 8u * (in->rows + 1u));
    for (uint16_t i = 0; i < in->count; i++) {
        uint16_t row = chunk_row(in, i);
        int64_t t = w->time == TIME_PROC ? ctx->expr.proctime_us : (*out)[row];
        times[row] = zone_local(w->zone, t);
    }
    *out = times;
    return ST_OK;
}

uint16_t windows_most(const struct windows *w)
{
    if (w->kind == WINDOW_CUMULATE)
        return (uint16_t)(w->size / w->slide);
    return (uint16_t)((w->size + w->slide - 1) / w->slide);
}

/* The last grid point of `step` at or before t. */
static int64_t grid(const struct windows *w, int64_t t, int64_t step)
{
    return floor_to(t - w->offset, step) + w->offset;
}

int64_t windows_slice(const struct windows *w, int64_t time)
{
    return grid(w, time, w->slice);
}

bool windows_nth(const struct windows *w, int64_t time, uint16_t nth, int64_t *start, int64_t *end)
{
    int64_t first;

    if (w->kind == WINDOW_CUMULATE) {
        *start = grid(w, time, w->size);
        *end = grid(w, time, w->slide) + (nth + 1) * w->slide;
        return *end <= *start + w->size;
    }
    first = grid(w, time - w->size, w->slide) + w->slide; /* the first start above time - size */
    *start = first + nth * w->slide;
    *end = *start + w->size;
    return *start <= time;
}

bool windows_next(const struct windows *w, int64_t slice_start, int64_t after, int64_t *start,
                  int64_t *end)
{
    if (after > INT64_MAX / 2)
        return false; /* the end of time has come */
    if (w->kind == WINDOW_CUMULATE) {
        *start = grid(w, slice_start, w->size);
        *end = slice_start + w->slice;
    } else {
        *start = grid(w, slice_start + w->slice - w->size - 1, w->slide) + w->slide;
        *end = *start + w->size;
    }
    if (*end <= after) {
        int64_t steps = (after - *end) / w->slide + 1;
        *end += steps * w->slide;
        if (w->kind != WINDOW_CUMULATE)
            *start += steps * w->slide;
    }
    if (w->kind == WINDOW_CUMULATE)
        return *end <= *start + w->size;
    return *start <= slice_start;
}

bool windows_last(const struct windows *w, int64_t slice_start, int64_t *end)
{
    if (w->kind == WINDOW_CUMULATE) {
        *end = grid(w, slice_start, w->size) + w->size;
        return true;
    }
    *end = grid(w, slice_start, w->slide) + w->size;
    return *end >= slice_start + w->slice;
}
