/* side.c: what a job could not use, kept beside its sources: rows that came too late in the topic
 * TABLE.late, records that could not be decoded in TOPIC.errors. JSON, part of the tick's entry, so
 * that each is there exactly once.
 */
#include <stdio.h>

#include "data/text.h"
#include "flow/graph.h"
#include "flow/inner.h"
#include "flow/sink_view.h"

enum { SIDE_RECORD_BYTES_MAX = 64 << 10 };

static struct log_partition *side_partition(struct task *task, struct bytes name,
                                            const char *suffix)
{
    char text[LOG_NAME_MAX + 1];
    struct log_topic *topic;
    struct diag diag = {0};
    int n = snprintf(text, sizeof(text), "%.*s%s", BYTES_FMT(bytes_head(name, 200)), suffix);
    for (int i = 0; i < n; i++)
        if (!log_topic_name_valid(bytes_of(text + i, 1)) && text[i] != '.')
            text[i] = '_';
    if (topic_ensure(task->driver->options.log, bytes_of(text, (size_t)n), 1, TOPIC_DEFAULT, &topic,
                     &diag) != ST_OK)
        return NULL; /* counted all the same */
    return log_partition_of(topic, 0);
}

/* The first source table above an input. */
static const struct table *source_table(const struct plan_node *node)
{
    while (node->kind != PLAN_SCAN) {
        if (!node->inputs_count)
            return NULL;
        node = node->inputs[0].node;
    }
    return node->scan.table;
}

static void json_field(struct buf *out, const char *name, struct bytes text)
{
    buf_printf(out, "%s\"%s\":", out->len > 1 ? "," : "", name);
    json_quoted(out, text);
}

static void late_row(struct task *task, const struct table *table,
                     const struct schema *schema, const struct chunk *in, uint16_t row,
                     struct buf *out)
{
    struct buf text;
    buf_init(&text, 0);
    buf_clear(out);
    buf_u8(out, '{');
    json_field(out, "job", bytes_str(task->driver->job));
    json_field(out, "operator", bytes_str(task->node->class->name));
    int64_t watermark = task->ctx.watermark_us;
    uint64_t valid = watermark != INT64_MIN;
    struct column col = {.data = &watermark, .valid = &valid};
    struct text_style style = {.iso_time = false};
    struct arena arena;
    arena_init(&arena, ARENA_BUDGET_NONE);
    buf_str(out, ",\"watermark\":");
    value_json(out, type_make(&arena, TYPE_TIMESTAMP_LTZ, 3, 0), &col, 0, &style);
    json_field(out, "source", table ? table->name : BYTES_NONE);
    row_json(&text, schema, in->cols, row, NULL, schema->count);
    json_field(out, "row", buf_view(&text));
    buf_u8(out, '}');
    arena_deinit(&arena);
    buf_deinit(&text);
}

void side_late(struct task *task, int input, const struct chunk *in, const uint16_t *rows,
               uint16_t count)
{
    const struct plan_node *from = task->node->plan->inputs[input].node;
    const struct table *table = source_table(from);
    struct log_partition *partition =
        table && task->driver->options.log ? side_partition(task, table->name, ".late") : NULL;
    if (!partition)
        return;
    struct arena arena;
    struct buf out;
    arena_init(&arena, ARENA_BUDGET_NONE);
    buf_init(&out, 0);
    struct type_field *fields = ARENA_ARRAY(&arena, struct type_field, from->columns_count + 1);
    for (uint16_t c = 0; c < from->columns_count; c++)
        fields[c] = (struct type_field){.name = from->columns[c].name,
                                        .type = from->columns[c].type};
    struct schema schema = {from->columns_count, fields};
    for (uint16_t i = 0; i < count; i++) {
        late_row(task, table, &schema, in, rows[i], &out);
        results_add(&task->driver->shards[task->ctx.shard].results, partition,
                    task->driver->tick.clock_us / 1000, BYTES_NONE, buf_view(&out));
    }
    buf_deinit(&out);
    arena_deinit(&arena);
}

void side_error(void *context, struct bytes topic, int32_t partition, int64_t offset,
                struct bytes record, const char *reason)
{
    struct task *task = context;
    task->driver->shards[task->ctx.shard].errors++;
    struct log_partition *to = side_partition(task, topic, ".errors");
    if (!to)
        return;
    struct buf out;
    buf_init(&out, 0);
    buf_u8(&out, '{');
    json_field(&out, "job", bytes_str(task->driver->job));
    json_field(&out, "topic", topic);
    buf_printf(&out, ",\"partition\":%d,\"offset\":%lld", partition, (long long)offset);
    json_field(&out, "reason", bytes_str(reason));
    json_field(&out, "record", bytes_head(record, SIDE_RECORD_BYTES_MAX));
    buf_u8(&out, '}');
    results_add(&task->driver->shards[task->ctx.shard].results, to,
                task->driver->tick.clock_us / 1000, BYTES_NONE, buf_view(&out));
    buf_deinit(&out);
}
