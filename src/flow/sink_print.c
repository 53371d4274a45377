/* sink_print.c: rows to standard output, as Flink's print connector shows them: +I[1, abc].
 *
 * Printed when their tick is durable; a replay prints nothing, so what was on its way when the
 * process died is not shown again (print is for people, not exactly once).
 */
#include <stdlib.h>

#include "base/check.h"
#include "data/print_text.h"
#include "flow/held.h"
#include "flow/inner.h"
#include "flow/sinks.h"

struct print {
    struct sink base;
    const struct plan_node *node;
    struct held held; /* of ticks that are not durable yet */
    struct buf prefix;
};

static enum status print_open(const struct plan_node *node, struct sink_env *env,
                              struct sink **out, struct diag *diag)
{
    (void)diag;
    struct print *p = xcalloc(1, sizeof(*p));
    p->base = (struct sink){&sink_print_class, env};
    p->node = node;
    buf_init(&p->held.text, 0);
    buf_init(&p->prefix, 0);
    struct bytes name = table_option_get(node->sink.table, "print-identifier", "");
    if (name.len) {
        buf_bytes(&p->prefix, name);
        buf_str(&p->prefix, "> ");
    }
    *out = &p->base;
    return ST_OK;
}

/* In the table's order, whatever the query's: columns that INSERT does not name are null. */
static void print_columns(struct print *p, const struct chunk *in, uint16_t row)
{
    const struct plan_node *input = p->node->inputs[0].node;
    const struct table *table = p->node->sink.table;
    const char *between = "";
    for (uint16_t c = 0; c < table->columns_count; c++) {
        const struct table_column *column = &table->columns[c];
        if (column->kind == COLUMN_COMPUTED || (column->kind == COLUMN_METADATA && column->is_virtual))
            continue;
        int32_t from = sink_input_of(p->node, c);
        buf_str(&p->held.text, between);
        between = ", ";
        if (from < 0)
            buf_str(&p->held.text, "null");
        else
            value_print(&p->held.text, input->columns[from].type, &in->cols[from], row);
    }
}

static enum status print_chunk(struct sink *sink, const struct chunk *in)
{
    struct print *p = (struct print *)sink;
    if (sink->env->replaying)
        return ST_OK;
    for (uint16_t i = 0; i < in->count; i++) {
        uint16_t row = chunk_row(in, i);
        buf_bytes(&p->held.text, buf_view(&p->prefix));
        buf_str(&p->held.text, row_kind_text(chunk_kind(in, row)));
        buf_u8(&p->held.text, '[');
        print_columns(p, in, row);
        buf_str(&p->held.text, "]\n");
    }
    return ST_OK;
}

static enum status print_tick_end(struct sink *sink)
{
    held_tick_end(&((struct print *)sink)->held, sink->env->tick);
    return ST_OK;
}

static enum status print_publish(struct sink *sink, uint64_t tick)
{
    struct print *p = (struct print *)sink;
    const struct engine *engine = sink->env->host;
    struct bytes ready = held_ready(&p->held, tick);
    if (engine && engine->options.print && ready.len)
        engine->options.print(engine->options.print_context, ready);
    held_done(&p->held, tick);
    return ST_OK;
}

static void print_close(struct sink *sink)
{
    struct print *p = (struct print *)sink;
    held_deinit(&p->held);
    buf_deinit(&p->prefix);
    free(p);
}

const struct sink_class sink_print_class = {
    .connector = "print",
    .open = print_open, .on_chunk = print_chunk, .on_tick_end = print_tick_end,
    .publish = print_publish, .close = print_close,
};
