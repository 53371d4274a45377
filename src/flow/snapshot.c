/* snapshot.c: a task's part of a checkpoint, and that of the splits.
 *
 *   task:   alarm i64 · owed watermark i64 · owes clock u8 · out watermark i64 · out idle u8 ·
 *           operator's watermark i64 · then what the operator or sink itself saves
 *   splits: sources uvarint, of each its splits uvarint, of each
 *           position varint · bound i64 · watermark i64 · active i64 · idle u8
 */
#include "base/check.h"
#include "flow/graph.h"

void driver_save_task(struct driver *d, uint32_t node, uint32_t shard, struct snap_writer *w)
{
    struct task *task = &d->nodes[node].tasks[shard];
    buf_u64_le(&w->buf, (uint64_t)task->alarm_us);
    buf_u64_le(&w->buf, (uint64_t)task->owed_us);
    buf_u8(&w->buf, task->owes_clock);
    buf_u64_le(&w->buf, (uint64_t)task->out_us);
    buf_u8(&w->buf, task->out_idle);
    buf_u64_le(&w->buf, (uint64_t)task->ctx.watermark_us);
    if (task->sink && task->sink->class->save)
        task->sink->class->save(task->sink, w);
    else if (task->state && task->node->class->save)
        task->node->class->save(task->node->plan, task->state, w);
}

static int64_t lesser(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

enum status driver_load_task(struct driver *d, uint32_t node, uint32_t shard, struct reader *r,
                             struct diag *diag)
{
    struct task *task = &d->nodes[node].tasks[shard];
    int64_t alarm = (int64_t)reader_u64_le(r);
    int64_t owed = (int64_t)reader_u64_le(r);
    bool owes_clock = reader_u8(r);
    int64_t out = (int64_t)reader_u64_le(r);
    bool idle = reader_u8(r);
    int64_t own = (int64_t)reader_u64_le(r);
    if (r->bad)
        return ST_CORRUPT;
    task->alarm_us = lesser(task->alarm_us, alarm);
    task->owed_us = owed > task->owed_us ? owed : task->owed_us;
    task->owes_clock |= owes_clock;
    task->out_us = op_load_time(&task->ctx, task->out_us, out);
    task->out_idle = idle;
    task->ctx.watermark_us = task->ctx.expr.watermark_us =
        op_load_time(&task->ctx, task->ctx.watermark_us, own);
    enum status st = ST_OK;
    if (!reader_left(r)) {
        task->ctx.loaded++;
        return ST_OK; /* nothing was saved: no state, or none of this shard */
    }
    if (task->sink && task->sink->class->load)
        st = task->sink->class->load(task->sink, r);
    else if (task->state && task->node->class->load)
        st = task->node->class->load(task->node->plan, task->state, &task->ctx, r);
    task->ctx.loaded++;
    arena_reset(&task->arena);
    if (st != ST_OK && diag)
        *diag = task->diag;
    return r->bad ? ST_CORRUPT : st;
}

void driver_save_splits(struct driver *d, struct snap_writer *w)
{
    buf_uvarint(&w->buf, d->sources_count);
    for (uint32_t i = 0; i < d->sources_count; i++) {
        buf_uvarint(&w->buf, d->sources[i].splits_count);
        for (uint32_t s = 0; s < d->sources[i].splits_count; s++) {
            const struct driver_split *split = &d->sources[i].splits[s];
            buf_varint(&w->buf, split->position);
            buf_u64_le(&w->buf, (uint64_t)split->bound);
            buf_u64_le(&w->buf, (uint64_t)split->watermark_us);
            buf_u64_le(&w->buf, (uint64_t)split->active_us);
            buf_u8(&w->buf, split->idle);
        }
    }
}

enum status driver_load_splits(struct driver *d, struct reader *r)
{
    if (reader_uvarint(r) != d->sources_count)
        return ST_CORRUPT;
    for (uint32_t i = 0; i < d->sources_count; i++) {
        uint64_t count = reader_uvarint(r);
        if (r->bad)
            return ST_CORRUPT;
        TRY(driver_splits_set(d, i, count)); /* those that it had then */
        for (uint32_t s = 0; s < count; s++) {
            struct driver_split *split = &d->sources[i].splits[s];
            split->position = split->end = reader_varint(r);
            split->bound = (int64_t)reader_u64_le(r);
            split->watermark_us = (int64_t)reader_u64_le(r);
            split->active_us = (int64_t)reader_u64_le(r);
            split->idle = reader_u8(r);
        }
    }
    return r->bad ? ST_CORRUPT : ST_OK;
}
