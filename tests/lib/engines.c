#include "lib/engines.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "data/text.h"
#include "wire/kafka/batch.h"

static void printed(void *context, struct bytes text)
{
    struct er *er = context;
    buf_bytes(&er->printed, text);
}

void er_open(struct er *er, struct os *os, const char *dir, struct engine_options options)
{
    struct log_options log_options = {.wal_bytes_max = 16 << 20, .disk_reserve_bytes = 1,
                                      .in_memory = !dir};
    *er = (struct er){.os = os, .dir = dir, .options = options};
    er->options.print = printed;
    er->options.print_context = er;
    buf_init(&er->out, 0);
    buf_init(&er->printed, 0);
    if (log_open(os, dir, &log_options, &er->log, &er->diag) != ST_OK)
        test_fail(__FILE__, __LINE__, "log_open: %s", er->diag.message);
    if (engine_open(os, er->log, dir, &er->options, &er->engine, &er->diag) != ST_OK)
        test_fail(__FILE__, __LINE__, "engine_open: %s", er->diag.message);
    er->session = engine_session_open(er->engine);
}

void er_close(struct er *er, bool checkpoint)
{
    er->unsaved = engine_close(er->engine, checkpoint);
    log_close(er->log);
    buf_deinit(&er->out);
    buf_deinit(&er->printed);
}

void er_end(struct er *er)
{
    er_close(er, false);
    os_sim_destroy(er->os);
}

/* The machine does nothing any more, helpers that still have something to do included: what follows only frees memory. */
static void off(struct er *er)
{
    struct os_file *file;
    os_sim_off_at(er->os, 1, NULL, NULL);
    if (os_file_open(er->os, "off", OS_WRITE | OS_CREATE, &file) == ST_OK)
        os_file_close(file); /* the step at which it goes off; never made */
    EXPECT(os_sim_is_off(er->os));
}

void er_kill(struct er *er)
{
    off(er);
    er_close(er, false);
    os_sim_kill(er->os);
}

void er_crash(struct er *er)
{
    off(er);
    er_close(er, false);
    os_sim_crash(er->os);
}

bool er_pass(struct er *er)
{
    bool more = engine_pass(er->engine);
    enum status st = log_flush(er->log);
    (void)st;
    for (struct job *job = engine_job_next(er->engine, NULL); job; job = engine_job_next(er->engine, job)) {
        struct job_info info;
        job_info(job, &info);
        more |= info.in_tick; /* other threads may be at it */
    }
    return log_work(er->log) || more;
}

void er_settle(struct er *er)
{
    for (int calm = 0, turns = 0; calm < 3; turns++) {
        uint64_t before = log_end_lsn(er->log);
        bool more = er_pass(er);
        calm = more || log_end_lsn(er->log) != before ? 0 : calm + 1;
        if (turns > 200000)
            test_fail(__FILE__, __LINE__, "the engine does not settle");
    }
}

/* ---- SQL ---- */

static void keep_rows(void *context, struct engine_result *result)
{
    struct er *er = context;
    if (result->schema.count)
        buf_clear(&er->out);
    for (uint32_t c = 0; c < result->chunks_count; c++) {
        const struct chunk *chunk = &result->chunks[c];
        for (uint16_t i = 0; i < chunk->count; i++) {
            if (er->out.len)
                buf_str(&er->out, " | ");
            for (uint16_t k = 0; k < result->schema.count; k++) {
                if (k)
                    buf_u8(&er->out, ',');
                value_text(&er->out, result->schema.fields[k].type, &chunk->cols[k],
                           chunk_row(chunk, i), NULL);
            }
        }
    }
    engine_result_free(result);
}

static void run_done(void *context, enum status st, const struct diag *diag)
{
    struct er *er = context;
    er->done = true;
    er->st = st;
    if (diag)
        er->diag = *diag;
}

enum status er_try(struct er *er, const char *sql)
{
    er->done = false;
    er->diag = (struct diag){0};
    buf_clear(&er->out);
    engine_run(er->session, bytes_str(sql), keep_rows, run_done, er);
    for (int turns = 0; !er->done; turns++) {
        er_pass(er);
        if (turns > 200000)
            test_fail(__FILE__, __LINE__, "no end of: %s", sql);
    }
    enum status st = log_flush(er->log); /* an answer is given when it is durable */
    (void)st;
    return er->st;
}

void er_sql(struct er *er, const char *sql)
{
    if (er_try(er, sql) != ST_OK)
        test_fail(__FILE__, __LINE__, "%u:%u: %s (%s) in: %s", er->diag.line, er->diag.column,
                  er->diag.message, er->diag.hint, sql);
}

const char *er_rows(struct er *er, const char *sql)
{
    er_sql(er, sql);
    buf_u8(&er->out, 0);
    return (const char *)er->out.ptr;
}

/* ---- topics ---- */

void er_produce_to(struct er *er, const char *topic, uint32_t partition, const char *lines)
{
    struct batch_builder b;
    struct buf batch;
    struct log_appended appended;
    struct log_topic *t = log_topic_find(er->log, bytes_str(topic));
    struct log_topic_options options = {0};
    if (!t)
        EXPECT_OK(log_topic_create(er->log, bytes_str(topic), 1, &options, &t, NULL, &er->diag));
    batch_builder_init(&b, KAFKA_CODEC_NONE);
    buf_init(&batch, 0);
    for (const char *at = lines; *at;) {
        size_t len = strcspn(at, "\n");
        batch_builder_add(&b, os_wall_us(er->os) / 1000, BYTES_NONE, bytes_of(at, len), NULL, 0);
        at += len + (at[len] == '\n');
    }
    EXPECT_OK(batch_builder_finish(&b, &batch));
    EXPECT_OK(log_append(er->log, log_partition_of(t, partition), buf_view(&batch), &appended,
                         &er->diag));
    batch_builder_deinit(&b);
    buf_deinit(&batch);
}

void er_produce(struct er *er, const char *topic, const char *lines)
{
    er_produce_to(er, topic, 0, lines);
}

typedef void value_fn(void *context, struct bytes value);

static void each_value(struct er *er, const char *topic, value_fn *fn, void *context)
{
    struct log_topic *t = log_topic_find(er->log, bytes_str(topic));
    if (!t)
        return;
    for (uint32_t p = 0; p < log_topic_info(t)->partitions; p++) {
        struct log_offsets o;
        log_offsets(log_partition_of(t, p), &o);
        for (int64_t at = o.start; at < o.end;) {
            struct log_view view;
            struct buf scratch;
            EXPECT_OK(log_read(er->log, log_partition_of(t, p), at, 1 << 20, LOG_TO_END, &view,
                               &er->diag));
            struct bytes run = view.bytes, batch;
            struct batch_header header;
            buf_init(&scratch, 0);
            while (batch_next(&run, &header, &batch) == ST_OK) {
                struct batch_records it;
                struct record rec;
                EXPECT_OK(batch_records_open_buf(&it, batch, &scratch));
                while (batch_records_next(&it, &rec) == ST_OK)
                    if (rec.offset >= at)
                        fn(context, rec.value);
            }
            at = view.next_offset;
            buf_deinit(&scratch);
            log_view_release(&view);
        }
    }
}

static void add_text(void *context, struct bytes value)
{
    struct buf *out = context;
    if (out->len)
        buf_str(out, " | ");
    if (value.ptr)
        buf_bytes(out, value);
    else
        buf_str(out, "(none)");
}

const char *er_topic(struct er *er, const char *topic)
{
    buf_clear(&er->out);
    each_value(er, topic, add_text, &er->out);
    buf_u8(&er->out, 0);
    return (const char *)er->out.ptr;
}

struct sum {
    uint64_t hash, count;
};

static void add_hash(void *context, struct bytes value)
{
    struct sum *sum = context;
    sum->hash += hash_bytes(value);
    sum->count++;
}

uint64_t er_topic_hash(struct er *er, const char *topic, uint64_t *count)
{
    struct sum sum = {0};
    each_value(er, topic, add_hash, &sum);
    if (count)
        *count = sum.count;
    return sum.hash;
}
