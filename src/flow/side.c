/* side.c: what a job could not use, kept beside its sources: rows that came too late in the topic
 * TABLE.late, records that could not be decoded in TOPIC.errors. JSON, part of the tick's entry, so
 * that each is there exactly once. Whole, so that SQL can put them back: a row as the format `json`
 * reads it, a record as its bytes.
 */
#include <stdio.h>

#include "base/base64.h"
#include "data/text.h"
#include "flow/graph.h"
#include "flow/inner.h"
#include "flow/sink_view.h"
#include "flow/with.h"

enum {
    SIDE_SHOWN_BYTES_MAX = 64 << 10,
    SIDE_WHOLE_BYTES_MAX = 32 << 20, /* 4/3 of it in base 64, and what is shown, fit TOPIC_SIDE */
    SIDE_ROW_BYTES_MAX = 28 << 20,   /* as a text in JSON it may be twice that */
};

/* The topic is made at the commit: where it cannot be, what goes there is counted all the same. */
static void side_add(struct task *task, struct bytes name, const char *suffix, struct bytes value)
{
    char text[LOG_NAME_MAX + 1];
    int n = snprintf(text, sizeof(text), "%.*s%s", BYTES_FMT(bytes_head(name, 200)), suffix);
    for (int i = 0; i < n; i++)
        if (!log_topic_name_valid(bytes_of(text + i, 1)) && text[i] != '.')
            text[i] = '_';
    results_add_named(&task->driver->shards[task->ctx.shard].results, text,
                      task->driver->tick.clock_us / 1000, value);
}

static void json_field(struct buf *out, const char *name, struct bytes text)
{
    buf_printf(out, "%s\"%s\":", out->len > 1 ? "," : "", name);
    json_quoted(out, text);
}

/* Where late rows of one input go, and what is the same for all of them. */
struct late {
    struct task *task;
    struct schema schema;
    struct arena arena;
    struct buf out, text;
};

/* The scan that read a row; of a row that has no origin the first one above. */
static const struct plan_node *row_scan(const struct task *task, const struct plan_node *from,
                                        const struct origin *origin)
{
    if (origin)
        return task->driver->plan->nodes[origin_scan(origin)];
    while (from->kind != PLAN_SCAN && from->inputs_count)
        from = from->inputs[0].node;
    return from->kind == PLAN_SCAN ? from : NULL;
}

static void late_row(struct late *l, const struct plan_node *scan, const struct chunk *in,
                     uint16_t row)
{
    const struct origin *origin = in->origins ? &in->origins[row] : NULL;
    struct with with = with_scan(&scan->scan);
    struct bytes topic = with_get(&with, "topic", "");
    int64_t watermark = l->task->ctx.watermark_us;
    uint64_t valid = watermark != INT64_MIN;
    struct column col = {.data = &watermark, .valid = &valid};
    struct text_style style = {.iso_time = false};

    buf_clear(&l->out);
    buf_clear(&l->text);
    buf_u8(&l->out, '{');
    json_field(&l->out, "job", bytes_str(l->task->driver->job));
    json_field(&l->out, "operator", bytes_str(l->task->node->class->name));
    buf_str(&l->out, ",\"watermark\":");
    value_json(&l->out, type_make(&l->arena, TYPE_TIMESTAMP_LTZ, 3, 0), &col, 0, &style);
    if (origin && topic.len)
        json_field(&l->out, "topic", topic);
    if (origin)
        buf_printf(&l->out, ",\"partition\":%u,\"offset\":%lld", origin_partition(origin),
                   (long long)origin->offset);
    row_json(&l->text, &l->schema, in->cols, row, NULL, l->schema.count);
    if (l->text.len <= SIDE_ROW_BYTES_MAX)
        json_field(&l->out, "row", buf_view(&l->text));
    buf_u8(&l->out, '}');
}

void side_late(struct task *task, int input, const struct chunk *in, const uint16_t *rows,
               uint16_t count)
{
    const struct plan_node *from = task->node->plan->inputs[input].node;
    struct late l = {.task = task};

    if (!task->driver->options.log)
        return;
    arena_init(&l.arena, ARENA_BUDGET_NONE);
    buf_init(&l.out, 0);
    buf_init(&l.text, 0);
    struct type_field *fields = ARENA_ARRAY(&l.arena, struct type_field, from->columns_count + 1);
    for (uint16_t c = 0; c < from->columns_count; c++)
        fields[c] = (struct type_field){.name = from->columns[c].name,
                                        .type = from->columns[c].type};
    l.schema = (struct schema){from->columns_count, fields};
    for (uint16_t i = 0; i < count; i++) {
        const struct plan_node *of =
            row_scan(task, from, in->origins ? &in->origins[rows[i]] : NULL);
        if (!of)
            continue;
        late_row(&l, of, in, rows[i]);
        side_add(task, of->scan.table->name, ".late", buf_view(&l.out));
    }
    buf_deinit(&l.text);
    buf_deinit(&l.out);
    arena_deinit(&l.arena);
}

/* Bytes as JSON has them for a column BYTES. */
static void bytes_field(struct buf *out, const char *name, struct bytes bytes)
{
    buf_printf(out, ",\"%s\":\"", name);
    base64_encode(out, bytes);
    buf_u8(out, '"');
}

void side_error(void *context, const struct source_error *error)
{
    struct task *task = context;
    task->driver->shards[task->ctx.shard].errors++;
    struct buf out;
    buf_init(&out, 0);
    buf_u8(&out, '{');
    json_field(&out, "job", bytes_str(task->driver->job));
    json_field(&out, "topic", error->topic);
    buf_printf(&out, ",\"partition\":%d,\"offset\":%lld", error->partition, (long long)error->offset);
    json_field(&out, "reason", bytes_str(error->reason));
    if (error->record.ptr)
        json_field(&out, "record", bytes_head(error->record, SIDE_SHOWN_BYTES_MAX));
    if (error->key.ptr && error->key.len + error->record.len <= SIDE_WHOLE_BYTES_MAX)
        bytes_field(&out, "key", error->key);
    if (error->record.ptr && error->key.len + error->record.len <= SIDE_WHOLE_BYTES_MAX)
        bytes_field(&out, "bytes", error->record);
    buf_u8(&out, '}');
    side_add(task, error->topic, ".errors", buf_view(&out));
    buf_deinit(&out);
}
