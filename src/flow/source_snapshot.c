/* source_snapshot.c: a materialized table as it stands, for the answer of a SELECT.
 *
 * The rows are copied when the query begins, all at one tick of the view; a position is a row.
 */
#include <stdlib.h>

#include "base/check.h"
#include "flow/gather.h"
#include "flow/inner.h"
#include "flow/sources.h"

struct source_snapshot {
    struct source base;
    const struct plan_node *scan;
    struct source_env *env;
    struct engine_result rows; /* of the view, all columns */
    uint16_t *columns;         /* of the view's for each of the scan's */
};

static enum status snapshot_columns(struct source_snapshot *s, struct diag *diag)
{
    const struct table *table = s->scan->scan.table;
    s->columns = ARENA_ARRAY(&s->rows.arena, uint16_t, s->scan->columns_count + 1);
    for (uint16_t i = 0; i < s->scan->columns_count; i++) {
        struct bytes name = table->columns[s->scan->scan.columns[i].table_column].name;
        uint16_t c = 0;
        while (c < s->rows.schema.count && !bytes_equal(s->rows.schema.fields[c].name, name))
            c++;
        if (c == s->rows.schema.count)
            return diag_set(diag, ST_INVALID, DIAG_NAME, "`%.*s` has no column `%.*s`",
                            BYTES_FMT(table->name), BYTES_FMT(name));
        s->columns[i] = c;
    }
    return ST_OK;
}

static enum status snapshot_open(const struct plan_node *scan, struct source_env *env,
                                 struct source **out, struct diag *diag)
{
    struct engine *engine = env->host;
    struct view *view = engine ? engine_view_find(engine, scan->scan.table->name) : NULL;
    struct bytes next;
    if (!view)
        return diag_set(diag, ST_NOTFOUND, DIAG_NAME, "there is no materialized table `%.*s`",
                        BYTES_FMT(scan->scan.table->name));
    struct source_snapshot *s = xcalloc(1, sizeof(*s));
    s->base.class = &source_snapshot_class;
    s->scan = scan;
    s->env = env;
    enum status st = view_scan(view, BYTES_NONE, UINT64_MAX, &s->rows, &next, diag);
    if (st != ST_OK) {
        free(s);
        return st;
    }
    st = snapshot_columns(s, diag);
    if (st != ST_OK) {
        arena_deinit(&s->rows.arena);
        free(s);
        return st;
    }
    *out = &s->base;
    return ST_OK;
}

static uint32_t snapshot_splits(struct source *source)
{
    (void)source;
    return 1;
}

static int64_t snapshot_start(struct source *source, uint32_t split)
{
    (void)source;
    (void)split;
    return 0;
}

static int64_t snapshot_bound(struct source *source, uint32_t split)
{
    (void)split;
    return ((struct source_snapshot *)source)->rows.chunks_count;
}

static int64_t snapshot_take(struct source *source, uint32_t split, int64_t position,
                             uint32_t rows_max, uint64_t bytes_max, int64_t now_us,
                             int64_t *wake_us)
{
    (void)bytes_max;
    (void)now_us;
    (void)wake_us;
    int64_t most = position + rows_max / CHUNK_ROWS + 1, end = snapshot_bound(source, split);
    return most < end ? most : end;
}

static enum status snapshot_run(struct source *source, uint32_t split, int64_t *position,
                                int64_t end)
{
    struct source_snapshot *s = (struct source_snapshot *)source;
    struct chunk chunk = s->rows.chunks[(*position)++];
    struct column *cols = ARENA_ARRAY(s->env->ctx->arena, struct column,
                                      s->scan->columns_count + 1);
    (void)split;
    (void)end;
    for (uint16_t c = 0; c < s->scan->columns_count; c++)
        cols[c] = chunk.cols[s->columns[c]];
    chunk.cols = cols;
    chunk.col_count = s->scan->columns_count;
    return op_emit(s->env->ctx, &chunk);
}

static void snapshot_close(struct source *source)
{
    struct source_snapshot *s = (struct source_snapshot *)source;
    arena_deinit(&s->rows.arena);
    free(s);
}

const struct source_class source_snapshot_class = {
    .connector = "snapshot",
    .open = snapshot_open, .splits = snapshot_splits, .start = snapshot_start,
    .take = snapshot_take, .run = snapshot_run, .bound = snapshot_bound, .close = snapshot_close,
};
