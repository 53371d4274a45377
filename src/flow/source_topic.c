/* source_topic.c: a topic of the embedded log as a table: connector 'kafka' without
 * properties.bootstrap.servers.
 *
 * A split is a partition, a position an offset. A tick may read what is appended and not yet synced:
 * its results stand behind it in the one order of the log, so no prefix has them without their cause.
 * From the first record of an open transaction on nothing is read, and what an aborted one wrote is
 * left out, unless 'properties.isolation.level' is 'read_uncommitted'. What was aborted stands in the
 * log before the note of the tick that meets it, so a tick that is run again leaves out the same.
 *
 * A record that cannot be decoded goes to the topic TOPIC.errors and the stream goes on.
 *
 * Partitions that the topic is given while it is read are read too, from their beginning; but as in
 * Flink not by a table that is read to a bound, nor with 'scan.topic-partition-discovery.interval'
 * = '0'.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "flow/inner.h"
#include "flow/record_decoder.h"
#include "flow/sources.h"

enum { READ_BYTES = 1 << 20, PREPARE_BYTES_MAX = 16 << 20 };

/* Where a split's reading stands, between two chunks. */
struct reading {
    bool open;
    bool owned; /* the view, by this; else it is a held one */
    struct log_view view;
    int64_t began;     /* the position that it was read for */
    struct bytes left; /* its batches */
    bool in_batch;
    struct batch_header header;
    struct batch_records records;
};

/* Of a tick that another thread reads; views are counted by the log's thread alone. */
struct held_view {
    uint32_t split;
    struct log_view view;
};

struct aborted {
    uint32_t split;
    struct log_aborted of;
};

struct source_topic {
    struct source base;
    const struct plan_node *scan;
    struct source_env *env;
    struct with with;
    struct log_topic *topic;
    struct record_decoder decoder;
    struct format_decoder *changes; /* of a view's changes: op and row; NULL: a plain topic */
    const struct type **types;      /* of the builder's columns */
    uint16_t types_count;
    bool committed_only;
    bool follows; /* partitions that come are read */
    bool pinned;  /* what the job may read again is kept */
    uint32_t partitions; /* that are known */
    struct aborted *aborted; /* those that the read at hand meets, or the reads of a tick */
    uint32_t aborted_count, aborted_cap, aborted_split;
    struct log_watcher **watchers; /* of this shard's partitions: shard, shard + shards, … */
    uint32_t watchers_count;
    struct log_watcher extended; /* the topic's partition 0: more of them */
    struct arena arena, chunk_arena;
    struct buf scratch;
    struct chunk_builder builder;
    struct origin *origins; /* of the builder's rows; NULL: nobody asks */
    struct reading reading;
    struct held_view *held;
    uint32_t held_count, held_cap, held_at;
    uint64_t held_bytes;
};

static void topic_appended(struct log_watcher *watcher, struct log_partition *partition)
{
    struct source_topic *s = watcher->context;
    (void)partition;
    if (s->env->on_work)
        s->env->on_work(s->env->on_work_context);
}

/* 'partition:0,offset:42;partition:1,offset:300': that of one partition into *out, if it is named. False when
 * the text is none such. */
static bool specific_offset(struct bytes text, uint32_t partition, int64_t *out)
{
    while (text.len) {
        size_t end = bytes_find(text, ';', 0);
        char one[80];
        unsigned p;
        long long offset;
        int used = 0;
        snprintf(one, sizeof(one), "%.*s", BYTES_FMT(bytes_head(text, end)));
        if (sscanf(one, " partition:%u,offset:%lld %n", &p, &offset, &used) != 2 || one[used])
            return false;
        if (p == partition)
            *out = offset;
        text = bytes_skip(text, end < text.len ? end + 1 : end);
    }
    return true;
}

static enum status check_offsets(struct source_topic *s, const char *option, struct diag *diag)
{
    struct bytes text = with_get(&s->with, option, "");
    int64_t ignored;
    if (specific_offset(text, 0, &ignored))
        return ST_OK;
    diag_hint(diag, "it is like partition:0,offset:42;partition:1,offset:300");
    return diag_set(diag, ST_INVALID, DIAG_VALUE, "option '%s' is '%.*s'", option, BYTES_FMT(text));
}

static enum status check_discovery(struct source_topic *s, struct diag *diag)
{
    static const char option[] = "scan.topic-partition-discovery.interval";
    struct bytes text = with_get(&s->with, option, "5 min");
    int64_t interval = settings_duration_us(text);

    if (interval < 0)
        return diag_set(diag, ST_INVALID, DIAG_VALUE,
                        "option '%s' takes a duration such as 10 s, not '%.*s'", option,
                        BYTES_FMT(bytes_head(text, 60)));
    s->follows =
        interval > 0 && bytes_is(with_get(&s->with, "scan.bounded.mode", "unbounded"), "unbounded");
    return ST_OK;
}

static enum status check_options(struct source_topic *s, struct diag *diag)
{
    struct bytes servers = with_get(&s->with, "properties.bootstrap.servers", "");
    struct bytes topic = with_get(&s->with, "topic", "");
    if (servers.len)
        return diag_set(diag, ST_UNSUPPORTED, DIAG_UNSUPPORTED,
                        "reading an outside Kafka ('properties.bootstrap.servers' = '%.*s'): leave the "
                        "option out for a topic of the embedded log", BYTES_FMT(servers));
    if (!topic.len || !log_topic_name_valid(topic))
        return diag_set(diag, ST_INVALID, DIAG_VALUE,
                        "option 'topic' of `%.*s` must name one topic, not '%.*s'",
                        BYTES_FMT(s->with.table->name), BYTES_FMT(topic));
    TRY(check_discovery(s, diag));
    TRY(check_offsets(s, "scan.startup.specific-offsets", diag));
    return check_offsets(s, "scan.bounded.specific-offsets", diag);
}

static struct source_topic *source_new(const struct source_class *class,
                                       const struct plan_node *scan, struct source_env *env)
{
    struct source_topic *s = xcalloc(1, sizeof(*s));
    s->base.class = class;
    s->scan = scan;
    s->env = env;
    s->with = with_scan(&scan->scan);
    s->committed_only =
        bytes_is(with_get(&s->with, "properties.isolation.level", "read_committed"), "read_committed");
    arena_init(&s->arena, ARENA_BUDGET_NONE);
    arena_init(&s->chunk_arena, ARENA_BUDGET_NONE);
    buf_init(&s->scratch, 256u << 20);
    return s;
}

/* Partitions of this shard wake the job when something is appended. */
static void watch_partitions(struct source_topic *s)
{
    const struct op_ctx *ctx = s->env->ctx;
    uint32_t count = log_topic_info(s->topic)->partitions;
    for (uint32_t p; (p = ctx->shard + s->watchers_count * ctx->shards) < count;) {
        struct log_watcher *w = ARENA_NEW(&s->arena, struct log_watcher);
        *w = (struct log_watcher){.fn = topic_appended, .context = s};
        log_watch(log_partition_of(s->topic, p), LOG_ON_APPEND, w);
        s->watchers = xrealloc(s->watchers, (s->watchers_count + 1) * sizeof(struct log_watcher *));
        s->watchers[s->watchers_count++] = w;
    }
}

static void topic_release(struct source *source, uint32_t split, int64_t position);

/* What comes is pinned at once, though the job may be paused; by shard 0's source, which always has a partition. */
static void topic_extended(struct log_watcher *watcher, struct log_partition *partition)
{
    struct source_topic *s = watcher->context;
    uint32_t count = log_topic_info(s->topic)->partitions;
    for (uint32_t p = s->partitions; s->pinned && s->env->ctx->shard == 0 && p < count; p++)
        topic_release(&s->base, p, 0);
    s->partitions = count;
    watch_partitions(s);
    topic_appended(watcher, partition);
}

static void watch_topic(struct source_topic *s)
{
    watch_partitions(s);
    s->partitions = log_topic_info(s->topic)->partitions;
    s->extended = (struct log_watcher){.fn = topic_extended, .context = s};
    if (s->follows)
        log_watch(log_partition_of(s->topic, 0), LOG_ON_EXTEND, &s->extended);
}

static enum status topic_open(const struct plan_node *scan, struct source_env *env,
                              struct source **out, struct diag *diag)
{
    struct source_topic *s = source_new(&source_topic_class, scan, env);
    enum status st = check_options(s, diag);
    struct bytes name = with_get(&s->with, "topic", "");
    if (st == ST_OK)
        st = topic_of_table(env->log, &s->with, &s->topic, diag);
    if (st == ST_OK)
        st = record_decoder_open(&s->decoder, scan, name, env->registry, diag);
    *out = &s->base;
    if (st != ST_OK) {
        s->base.class->close(&s->base);
        return st;
    }
    s->types = ARENA_ARRAY(&s->arena, const struct type *, scan->columns_count + 1);
    for (uint16_t c = 0; c < scan->columns_count; c++)
        s->types[c] = scan->columns[c].type;
    s->types_count = scan->columns_count;
    if (scan->origins)
        s->origins = ARENA_ARRAY(&s->arena, struct origin, CHUNK_ROWS);
    watch_topic(s);
    return ST_OK;
}

/* A view's topic of changes: {"op":"+U","row":{…}}, the row cut to the columns that are wanted. */
static enum status changes_decoder(struct source_topic *s, struct diag *diag)
{
    const struct table *table = s->with.table;
    uint16_t count = s->scan->columns_count;
    struct type_field *row = ARENA_ARRAY(&s->arena, struct type_field, count + 1);
    for (uint16_t i = 0; i < count; i++) {
        row[i].name = table->columns[s->scan->scan.columns[i].table_column].name;
        row[i].type = s->scan->scan.columns[i].type;
    }
    struct type_field *fields = ARENA_ARRAY(&s->arena, struct type_field, 2);
    fields[0] = (struct type_field){.name = BYTES_LITERAL("op"), .type = type_simple(TYPE_VARCHAR)};
    fields[1] = (struct type_field){.name = BYTES_LITERAL("row"),
                                    .type = type_row(&s->arena, row, count)};
    s->types = ARENA_ARRAY(&s->arena, const struct type *, 2);
    s->types[0] = fields[0].type;
    s->types[1] = fields[1].type;
    s->types_count = 2;
    struct schema *schema = ARENA_NEW(&s->arena, struct schema);
    *schema = (struct schema){2, fields};
    struct format_spec spec = {.name = BYTES_LITERAL("json"), .schema = schema};
    return format_decoder_open(&spec, &s->changes, diag);
}

static enum status view_open(const struct plan_node *scan, struct source_env *env,
                             struct source **out, struct diag *diag)
{
    struct source_topic *s = source_new(&source_view_class, scan, env);
    char name[LOG_NAME_MAX + 16];
    snprintf(name, sizeof(name), "%.*s.changes", BYTES_FMT(bytes_head(scan->scan.table->name, 240)));
    s->topic = log_topic_find(env->log, bytes_str(name));
    enum status st = ST_OK;
    if (!s->topic)
        st = diag_set(diag, ST_NOTFOUND, DIAG_NAME, "there is no topic '%s'", name);
    arena_init(&s->decoder.arena, ARENA_BUDGET_NONE);
    s->decoder.topic = arena_copy(&s->decoder.arena, bytes_str(name));
    if (st == ST_OK)
        st = changes_decoder(s, diag);
    *out = &s->base;
    if (st != ST_OK) {
        s->base.class->close(&s->base);
        return st;
    }
    watch_partitions(s);
    return ST_OK;
}

static void topic_settle(struct source *source);

static void topic_close(struct source *source)
{
    struct source_topic *s = (struct source_topic *)source;
    for (uint32_t i = 0; i < s->watchers_count; i++)
        log_unwatch(s->watchers[i]);
    log_unwatch(&s->extended);
    free(s->watchers);
    topic_settle(source);
    free(s->held);
    record_decoder_close(&s->decoder);
    format_decoder_close(s->changes);
    free(s->aborted);
    buf_deinit(&s->scratch);
    arena_deinit(&s->chunk_arena);
    arena_deinit(&s->arena);
    free(s);
}

static uint64_t topic_bytes(const struct source *source)
{
    const struct source_topic *s = (const struct source_topic *)source;
    return sizeof(*s) + s->arena.used_bytes + s->chunk_arena.used_bytes + s->scratch.cap +
           s->held_cap * sizeof(*s->held) + s->aborted_cap * sizeof(*s->aborted);
}

static uint32_t topic_splits(struct source *source)
{
    return log_topic_info(((struct source_topic *)source)->topic)->partitions;
}

/* The changes of a materialized table are one stream, in one partition. */
static uint32_t view_splits(struct source *source)
{
    (void)source;
    return 1;
}

/* ---- where it starts, how far it may be read ---- */

static int64_t readable_end(const struct source_topic *s, const struct log_offsets *offsets)
{
    return s->committed_only ? offsets->settled : offsets->end;
}

static int64_t offset_at_time(struct source_topic *s, struct log_partition *partition,
                              const char *option, int64_t otherwise)
{
    int64_t millis = 0, offset, found;
    struct diag diag = {0};
    if (with_i64(&s->with, option, 0, &millis, &diag) != ST_OK ||
        log_offset_for_time(s->env->log, partition, millis, &offset, &found) != ST_OK)
        return otherwise;
    return offset;
}

static int64_t topic_start(struct source *source, uint32_t split)
{
    struct source_topic *s = (struct source_topic *)source;
    struct log_partition *partition = log_partition_of(s->topic, split);
    struct log_offsets offsets;
    log_offsets(partition, &offsets);
    struct bytes mode = with_get(&s->with, "scan.startup.mode", "group-offsets"); /* a view: all */
    int64_t start = offsets.start;
    if (bytes_is(mode, "latest-offset"))
        start = readable_end(s, &offsets);
    else if (bytes_is(mode, "timestamp"))
        start = offset_at_time(s, partition, "scan.startup.timestamp-millis", offsets.end);
    else if (bytes_is(mode, "specific-offsets"))
        specific_offset(with_get(&s->with, "scan.startup.specific-offsets", ""), split, &start);
    start = start < offsets.start ? offsets.start : start;
    return start > offsets.end ? offsets.end : start;
}

static bool topic_join(struct source *source, uint32_t split, int64_t *position)
{
    struct source_topic *s = (struct source_topic *)source;
    struct log_offsets offsets;
    log_offsets(log_partition_of(s->topic, split), &offsets);
    *position = offsets.start;
    return s->follows;
}

static int64_t topic_bound(struct source *source, uint32_t split)
{
    struct source_topic *s = (struct source_topic *)source;
    struct log_partition *partition = log_partition_of(s->topic, split);
    struct log_offsets offsets;
    struct bytes mode = with_get(&s->with, "scan.bounded.mode", "unbounded");
    log_offsets(partition, &offsets);
    int64_t last = s->committed_only ? offsets.stable : offsets.durable;
    if (bytes_is(mode, "latest-offset") || bytes_is(mode, "group-offsets"))
        return last;
    if (bytes_is(mode, "timestamp"))
        return offset_at_time(s, partition, "scan.bounded.timestamp-millis", last);
    int64_t bound = INT64_MAX;
    if (bytes_is(mode, "specific-offsets"))
        specific_offset(with_get(&s->with, "scan.bounded.specific-offsets", ""), split, &bound);
    return bound;
}

static int64_t topic_take(struct source *source, uint32_t split, int64_t position,
                          uint32_t rows_max, uint64_t bytes_max, int64_t now_us, int64_t *wake_us)
{
    struct source_topic *s = (struct source_topic *)source;
    struct log_offsets offsets;
    (void)now_us;
    (void)wake_us;
    log_offsets(log_partition_of(s->topic, split), &offsets);
    int64_t end = readable_end(s, &offsets), kept = offsets.end - offsets.start;
    uint64_t row_bytes = kept > 0 ? offsets.bytes / (uint64_t)kept + 1 : 1;
    uint64_t most = bytes_max / row_bytes + 1;
    most = most < rows_max ? most : rows_max;
    if (end <= position)
        return position;
    return end - position > (int64_t)most ? position + (int64_t)most : end;
}

static void topic_release(struct source *source, uint32_t split, int64_t position)
{
    struct source_topic *s = (struct source_topic *)source;
    char owner[300];
    snprintf(owner, sizeof(owner), "job %.*s", BYTES_FMT(bytes_head(s->env->job, 250)));
    log_pin(log_partition_of(s->topic, split), bytes_str(owner), position);
    s->pinned = position != INT64_MAX;
}

/* The greatest time of the batch before a position: when it was written, or as its producer has it. */
static int64_t topic_clock(struct source *source, uint32_t split, int64_t position)
{
    struct source_topic *s = (struct source_topic *)source;
    struct log_partition *partition = log_partition_of(s->topic, split);
    struct log_offsets offsets;
    struct log_view view;
    struct batch_header header;
    struct bytes run, batch;
    int64_t clock_us = INT64_MIN;
    log_offsets(partition, &offsets);
    if (position <= offsets.start ||
        log_read(s->env->log, partition, position - 1, 1, LOG_TO_END, &view, NULL) != ST_OK)
        return clock_us;
    run = view.bytes;
    if (run.len && batch_next(&run, &header, &batch) == ST_OK)
        clock_us = header.max_timestamp * 1000;
    log_view_release(&view);
    return clock_us;
}

/* ---- reading ---- */

/* For as many rows as there are records, a chunk of them at most: a job that now and then reads one keeps no room for 2048. */
static void builder_fresh(struct source_topic *s, int64_t records)
{
    uint16_t rows = records < 1 ? 1 : records < CHUNK_ROWS ? (uint16_t)records : CHUNK_ROWS;
    arena_reset(&s->chunk_arena);
    chunk_builder_init(&s->builder, &s->chunk_arena, s->types, s->types_count, rows);
}

static enum status builder_emit(struct source_topic *s)
{
    if (!s->builder.rows)
        return ST_OK;
    struct chunk chunk = chunk_builder_done(&s->builder);
    chunk.origins = s->origins;
    if (s->changes) { /* the row's fields are the scan's columns */
        chunk.cols = chunk.cols[1].children;
        chunk.col_count = s->scan->columns_count;
    }
    return op_emit(s->env->ctx, &chunk);
}

/* Of the op that was put last. */
static uint8_t last_kind(const struct column_builder *op)
{
    const struct str *text = &((const struct str *)op->data)[op->rows - 1];
    for (uint8_t kind = ROW_INSERT; kind <= ROW_DELETE; kind++)
        if (text->len == 2 && memcmp(text->ptr, row_kind_text(kind), 2) == 0)
            return kind;
    return ROW_INSERT;
}

/* A row of a record to the builder; false: it gave none. */
static bool one_row(struct source_topic *s, const struct batch_header *header, uint32_t split,
                    const struct record *rec)
{
    struct diag diag = {0};
    uint8_t kind = ROW_INSERT;
    enum format_result result =
        s->changes ? format_decode(s->changes, rec->value, s->builder.cols, &diag)
                   : record_decode(&s->decoder, header, (int32_t)split, rec, s->builder.cols, &kind, &diag);
    if (result == FORMAT_ROW) {
        if (s->origins)
            s->origins[s->builder.rows] = origin_of(s->scan->id, split, rec->offset);
        chunk_builder_row(&s->builder, s->changes ? last_kind(&s->builder.cols[0]) : kind);
        return true;
    }
    if (result == FORMAT_BAD)
        s->env->on_error(s->env->on_error_context,
                         &(struct source_error){s->decoder.topic, (int32_t)split, rec->offset, rec->key, rec->value,
                                                diag.message});
    chunk_builder_undo(&s->builder);
    return false;
}

/* A record of a format of changes may be more rows than there is room for: the chunk goes, and the next begins. */
static enum status one_record(struct source_topic *s, const struct batch_header *header, uint32_t split,
                              const struct record *rec)
{
    while (one_row(s, header, split, rec) && record_rows_left(&s->decoder)) {
        if (!chunk_builder_full(&s->builder))
            continue;
        TRY(builder_emit(s));
        builder_fresh(s, CHUNK_ROWS);
    }
    return ST_OK;
}

static void note_aborted(void *context, const struct log_aborted *aborted)
{
    struct source_topic *s = context;

    if (s->aborted_count == s->aborted_cap) {
        s->aborted_cap = s->aborted_cap ? s->aborted_cap * 2 : 16;
        s->aborted = xrealloc(s->aborted, s->aborted_cap * sizeof(*s->aborted));
    }
    s->aborted[s->aborted_count++] = (struct aborted){s->aborted_split, *aborted};
}

static bool is_aborted(const struct source_topic *s, uint32_t split,
                       const struct batch_header *header)
{
    if (!(header->attributes & BATCH_TRANSACTIONAL))
        return false;
    for (uint32_t i = 0; i < s->aborted_count; i++) {
        const struct log_aborted *of = &s->aborted[i].of;
        if (s->aborted[i].split == split && of->producer_id == header->producer_id &&
            of->first <= header->base_offset && header->base_offset <= of->last)
            return true;
    }
    return false;
}

static enum status read_view(struct source_topic *s, uint32_t split, int64_t position,
                             struct log_view *out)
{
    struct diag *diag = s->env->ctx->expr.diag;
    enum status st = log_read(s->env->log, log_partition_of(s->topic, split), position, READ_BYTES,
                              LOG_TO_END, out, diag);
    if (st != ST_OK)
        return diag_set(diag, st, DIAG_INTERNAL, "topic '%.*s' partition %u at offset %lld: %s",
                        BYTES_FMT(s->decoder.topic), split, (long long)position, status_text(st));
    s->aborted_split = split;
    if (s->committed_only)
        log_aborted(log_partition_of(s->topic, split), position, out->next_offset, note_aborted, s);
    return ST_OK;
}

static void reading_end(struct source_topic *s)
{
    struct reading *r = &s->reading;
    if (r->owned)
        log_view_release(&r->view);
    *r = (struct reading){0};
}

/* The view that holds *position, prepared or read now. */
static enum status next_view(struct source_topic *s, uint32_t split, int64_t position)
{
    reading_end(s);
    struct reading *r = &s->reading;
    while (s->held_at < s->held_count && s->held[s->held_at].split != split)
        s->held_at++;
    r->owned = !s->held_count;
    if (r->owned) {
        s->aborted_count = 0;
        TRY(read_view(s, split, position, &r->view));
    } else if (s->held_at < s->held_count) {
        r->view = s->held[s->held_at++].view;
    }
    r->open = true;
    r->began = position;
    r->left = r->view.bytes;
    return ST_OK;
}

/* The view is read: where it had nothing of use, its end is where to go on. */
static void view_over(struct source_topic *s, int64_t *position, int64_t end)
{
    struct reading *r = &s->reading;
    if (*position == r->began)
        *position = r->view.next_offset > r->began && r->view.next_offset < end
                        ? r->view.next_offset : end;
    reading_end(s);
}

/* The next batch, left out or begun. */
static enum status next_batch(struct source_topic *s, uint32_t split, int64_t *position, int64_t end)
{
    struct reading *r = &s->reading;
    struct bytes batch;
    TRY(batch_next(&r->left, &r->header, &batch));
    int64_t next = batch_last_offset(&r->header) + 1;
    if (r->header.attributes & BATCH_CONTROL || next <= *position ||
        is_aborted(s, split, &r->header)) {
        next = next < end ? next : end;
        *position = next > *position ? next : *position;
        return ST_OK;
    }
    r->in_batch = true;
    return batch_records_open_buf(&r->records, batch, &s->scratch);
}

/* Records of the batch in [*position, end), until a chunk is full. */
static enum status batch_rows(struct source_topic *s, uint32_t split, int64_t *position, int64_t end)
{
    struct reading *r = &s->reading;
    struct record rec;
    enum status st;
    while ((st = batch_records_next(&r->records, &rec)) == ST_OK && rec.offset < end) {
        if (rec.offset < *position)
            continue;
        TRY(one_record(s, &r->header, split, &rec));
        *position = rec.offset + 1;
        if (chunk_builder_full(&s->builder))
            return ST_OK;
    }
    if (st != ST_OK && st != ST_END)
        return st;
    int64_t next = batch_last_offset(&r->header) + 1;
    *position = next < end ? next : end;
    r->in_batch = false;
    return ST_OK;
}

static enum status read_on(struct source_topic *s, uint32_t split, int64_t *position, int64_t end)
{
    struct reading *r = &s->reading;
    enum status st = ST_OK;
    if (!r->open)
        TRY(next_view(s, split, *position));
    if (r->in_batch)
        st = batch_rows(s, split, position, end);
    else if (r->left.len)
        st = next_batch(s, split, position, end);
    else
        view_over(s, position, end);
    if (st == ST_CORRUPT)
        return diag_set(s->env->ctx->expr.diag, st, DIAG_INTERNAL,
                        "topic '%.*s' partition %u: the batch at offset %lld is damaged",
                        BYTES_FMT(s->decoder.topic), split, (long long)*position);
    return st;
}

static enum status topic_run(struct source *source, uint32_t split, int64_t *position, int64_t end)
{
    struct source_topic *s = (struct source_topic *)source;
    builder_fresh(s, end - *position);
    while (*position < end && !chunk_builder_full(&s->builder))
        TRY(read_on(s, split, position, end));
    if (*position >= end)
        reading_end(s);
    return builder_emit(s);
}

/* ---- read ahead ---- */

static enum status topic_prepare(struct source *source, uint32_t split, int64_t position,
                                 int64_t end)
{
    struct source_topic *s = (struct source_topic *)source;
    while (position < end) {
        struct log_view view;
        if (s->held_bytes > PREPARE_BYTES_MAX)
            return ST_AGAIN;
        TRY(read_view(s, split, position, &view));
        if (s->held_count == s->held_cap) {
            s->held_cap = s->held_cap ? s->held_cap * 2 : 16;
            s->held = xrealloc(s->held, s->held_cap * sizeof(*s->held));
        }
        s->held[s->held_count++] = (struct held_view){split, view};
        s->held_bytes += view.bytes.len;
        if (view.next_offset <= position)
            break;
        position = view.next_offset;
    }
    return ST_OK;
}

static void topic_settle(struct source *source)
{
    struct source_topic *s = (struct source_topic *)source;
    reading_end(s); /* a tick may have been left in the middle */
    for (uint32_t i = 0; i < s->held_count; i++)
        log_view_release(&s->held[i].view);
    s->held_count = s->held_at = s->aborted_count = 0;
    s->held_bytes = 0;
}

const struct source_class source_topic_class = {
    .connector = "kafka",
    .open = topic_open, .splits = topic_splits, .join = topic_join, .start = topic_start, .take = topic_take,
    .prepare = topic_prepare, .settle = topic_settle, .run = topic_run, .bound = topic_bound,
    .clock_us = topic_clock, .release = topic_release, .bytes = topic_bytes, .close = topic_close,
};

/* The same, each record a change of its key's row: the plan has a node that knows the rows. */
const struct source_class source_upsert_class = {
    .connector = "upsert-kafka",
    .open = topic_open, .splits = topic_splits, .join = topic_join, .start = topic_start, .take = topic_take,
    .run = topic_run, .bound = topic_bound, .release = topic_release, .bytes = topic_bytes, .close = topic_close,
};

const struct source_class source_view_class = {
    .connector = "view",
    .open = view_open, .splits = view_splits, .start = topic_start, .take = topic_take,
    .prepare = topic_prepare, .settle = topic_settle, .run = topic_run, .bound = topic_bound, .release = topic_release, .bytes = topic_bytes, .close = topic_close,
};
