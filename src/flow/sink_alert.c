/* sink_alert.c: the rows of a CREATE ALERT, as records of the topic `alerts`:
 * {"alert":"NAME","time":"2026-01-01 00:00:00.000","row":{…}}. Rows that are taken back are not told.
 */
#include <stdlib.h>

#include "base/check.h"
#include "data/text.h"
#include "flow/inner.h"
#include "flow/sink_view.h"

struct sink_alert {
    struct sink base;
    const struct plan_node *node;
    struct schema schema;
    struct arena arena;
    struct log_topic *topic;
    struct buf value;
};

static enum status alert_open(const struct plan_node *node, struct sink_env *env,
                              struct sink **out, struct diag *diag)
{
    const struct plan_node *input = node->inputs[0].node;
    struct log_topic *topic;
    TRY(topic_ensure(env->log, BYTES_LITERAL("alerts"), 1, TOPIC_DEFAULT, &topic, diag));
    struct sink_alert *s = xcalloc(1, sizeof(*s));
    s->base = (struct sink){&sink_alert_class, env};
    s->node = node;
    s->topic = topic;
    arena_init(&s->arena, ARENA_BUDGET_NONE);
    buf_init(&s->value, 0);
    struct type_field *fields = ARENA_ARRAY(&s->arena, struct type_field, input->columns_count + 1);
    for (uint16_t c = 0; c < input->columns_count; c++)
        fields[c] = (struct type_field){.name = input->columns[c].name,
                                        .type = input->columns[c].type};
    s->schema = (struct schema){input->columns_count, fields};
    *out = &s->base;
    return ST_OK;
}

static enum status alert_chunk(struct sink *sink, const struct chunk *in)
{
    struct sink_alert *s = (struct sink_alert *)sink;
    struct column clock = {.data = &sink->env->clock_us};
    const struct type *time = type_make(sink->env->ctx->arena, TYPE_TIMESTAMP, 3, 0);
    for (uint16_t i = 0; i < in->count; i++) {
        uint16_t row = chunk_row(in, i);
        if (row_kind_retracts(chunk_kind(in, row)))
            continue;
        buf_clear(&s->value);
        buf_str(&s->value, "{\"alert\":");
        json_quoted(&s->value, s->node->sink.table->name);
        buf_str(&s->value, ",\"time\":");
        value_json(&s->value, time, &clock, 0, NULL);
        buf_str(&s->value, ",\"row\":");
        row_json(&s->value, &s->schema, in->cols, row, NULL, s->schema.count);
        buf_u8(&s->value, '}');
        sink_record(sink->env, log_partition_of(s->topic, 0), s->node->sink.table->name,
                    buf_view(&s->value));
    }
    return ST_OK;
}

static void alert_close(struct sink *sink)
{
    struct sink_alert *s = (struct sink_alert *)sink;
    buf_deinit(&s->value);
    arena_deinit(&s->arena);
    free(s);
}

const struct sink_class sink_alert_class = {
    .connector = "alert", .single = true,
    .open = alert_open, .on_chunk = alert_chunk, .close = alert_close,
};
