#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/endian.h"
#include "store/log/state.h"

enum { SEGMENT_BYTES_MIN = 64 * 1024 };

bool log_topic_name_valid(struct bytes name)
{
    if (name.len == 0 || name.len > LOG_NAME_MAX || bytes_is(name, ".") || bytes_is(name, ".."))
        return false;
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && c != '.' && c != '_' && c != '-')
            return false;
    }
    return true;
}

/* Ours are kept whole, whatever is configured for those of users. */
static void internal_defaults(struct log_topic_options *o)
{
    if (o->retention_ms == 0)
        o->retention_ms = -1;
    if (o->retention_bytes == 0)
        o->retention_bytes = -1;
    if (o->message_bytes_max == 0)
        o->message_bytes_max = LOG_MESSAGE_BYTES;
}

void topic_defaults(const struct log *log, struct log_topic_options *o)
{
    if (o->internal)
        internal_defaults(o);
    if (log->options.in_memory)
        o->durability = LOG_MEMORY;
    if (o->cleanup == 0)
        o->cleanup = LOG_CLEANUP_DELETE;
    if (o->retention_ms == 0)
        o->retention_ms = log->options.retention_ms;
    if (o->retention_bytes == 0)
        o->retention_bytes = log->options.retention_bytes;
    if (o->segment_bytes == 0)
        o->segment_bytes = log->options.segment_bytes;
    if (o->segment_bytes < SEGMENT_BYTES_MIN)
        o->segment_bytes = SEGMENT_BYTES_MIN;
    if (o->message_bytes_max == 0)
        o->message_bytes_max = log->options.message_bytes_max;
    if (o->segment_ms == 0)
        o->segment_ms = LOG_RETENTION_MS;
    if (o->tombstone_ms == 0)
        o->tombstone_ms = LOG_TOMBSTONE_MS;
    if (o->timestamp_after_ms == 0)
        o->timestamp_after_ms = LOG_TIMESTAMP_AFTER_MS;
    if (o->dirty_permille == 0)
        o->dirty_permille = LOG_DIRTY_PERMILLE;
}

/* ---- in memory ---- */

void topics_reserve_numbers(struct log *log, uint32_t count)
{
    if (count > log->numbers_cap) {
        uint32_t cap = log->numbers_cap * 2 > count ? log->numbers_cap * 2 : count + 16;
        log->by_number = xrealloc(log->by_number, cap * sizeof(struct log_topic *));
        memset(log->by_number + log->numbers_cap, 0,
               (cap - log->numbers_cap) * sizeof(struct log_topic *));
        log->numbers_cap = cap;
    }
    if (count > log->numbers_count)
        log->numbers_count = count;
}

static void number_topic(struct log *log, struct log_topic *t)
{
    topics_reserve_numbers(log, t->number + 1);
    CHECK(log->by_number[t->number] == NULL);
    log->by_number[t->number] = t;
}

static void link_topic(struct log *log, struct log_topic *t)
{
    t->prev = log->last;
    if (log->last)
        log->last->next = t;
    else
        log->first = t;
    log->last = t;
    map_put(&log->names, t->info.name, t);
    map_put(&log->ids, bytes_of(t->info.id, LOG_ID_BYTES), t);
}

struct log_partition *topic_extend(struct log_topic *t)
{
    struct log_partition *p = xcalloc(1, sizeof(*p));
    uint32_t n = t->info.partitions;

    if ((n & (n - 1)) == 0) /* grown at each power of two */
        t->partitions = xrealloc(t->partitions, (n ? 2 * n : 1) * sizeof(struct log_partition *));
    p->log = t->log;
    p->topic = t;
    p->index = n;
    p->staged_end = -1;
    t->partitions[n] = p;
    t->info.partitions++;
    return p;
}

struct log_topic *topic_add(struct log *log, uint32_t number, const struct wal_topic *wal_topic)
{
    struct log_topic *t = xcalloc(1, sizeof(*t));

    CHECK(wal_topic->name.len <= LOG_NAME_MAX);
    t->log = log;
    t->number = number;
    memcpy(t->name, wal_topic->name.ptr, wal_topic->name.len);
    t->info.name = bytes_of(t->name, wal_topic->name.len);
    memcpy(t->info.id, wal_topic->id, LOG_ID_BYTES);
    t->info.options = wal_topic->options;
    while (t->info.partitions < wal_topic->partitions)
        topic_extend(t);
    number_topic(log, t);
    link_topic(log, t);
    return t;
}

void topic_drop(struct log *log, struct log_topic *t)
{
    CHECK(!t->deleted);
    t->deleted = true;
    map_remove(&log->names, t->info.name);
    map_remove(&log->ids, bytes_of(t->info.id, LOG_ID_BYTES));
    if (t->prev)
        t->prev->next = t->next;
    else
        log->first = t->next;
    if (t->next)
        t->next->prev = t->prev;
    else
        log->last = t->prev;
    for (uint32_t i = 0; i < t->info.partitions; i++)
        partition_deinit(t->partitions[i]);
}

void topics_deinit(struct log *log)
{
    for (uint32_t i = 0; i < log->numbers_count; i++) {
        struct log_topic *t = log->by_number[i];
        if (!t)
            continue;
        if (!t->deleted)
            topic_drop(log, t);
        for (uint32_t k = 0; k < t->info.partitions; k++)
            free(t->partitions[k]);
        free(t->partitions);
        free(t);
    }
    free(log->by_number);
    log->by_number = NULL;
    log->numbers_count = log->numbers_cap = 0;
    log->first = log->last = NULL;
    map_deinit(&log->names);
    map_deinit(&log->ids);
}

struct log_topic *topic_by_number(const struct log *log, uint32_t number)
{
    struct log_topic *t = number < log->numbers_count ? log->by_number[number] : NULL;

    return t && !t->deleted ? t : NULL;
}

/* ---- asked for ---- */

static enum status check_options(const struct log_topic_options *o, struct diag *diag)
{
    if (o->durability > LOG_MEMORY)
        return diag_set(diag, ST_INVALID, DIAG_VALUE, "durability %d is not known", o->durability);
    if (o->cleanup > (LOG_CLEANUP_DELETE | LOG_CLEANUP_COMPACT))
        return diag_set(diag, ST_INVALID, DIAG_VALUE, "cleanup policy %u is not known", o->cleanup);
    if (o->retention_ms < -1 || o->retention_bytes < -1)
        return diag_set(diag, ST_INVALID, DIAG_VALUE, "retention must be -1 (for ever) or more");
    if ((uint64_t)o->segment_ms > LOG_OPTION_MS_MAX || (uint64_t)o->tombstone_ms > LOG_OPTION_MS_MAX ||
        (uint64_t)o->compact_lag_ms > LOG_OPTION_MS_MAX ||
        (uint64_t)o->compact_lag_ms_max > LOG_OPTION_MS_MAX ||
        (uint64_t)o->timestamp_before_ms > LOG_OPTION_MS_MAX ||
        (uint64_t)o->timestamp_after_ms > LOG_OPTION_MS_MAX)
        return diag_set(diag, ST_INVALID, DIAG_VALUE,
                        "times of compaction and bounds of timestamps must be 0 to %llu ms",
                        LOG_OPTION_MS_MAX);
    if (o->codec > KAFKA_CODEC_COUNT)
        return diag_set(diag, ST_INVALID, DIAG_VALUE, "codec %u is not known", o->codec);
    if (o->message_bytes_max > WAL_ENTRY_BYTES_MAX / 2)
        return diag_set(diag, ST_INVALID, DIAG_VALUE, "max.message.bytes %u is above the bound %d",
                        o->message_bytes_max, WAL_ENTRY_BYTES_MAX / 2);
    return ST_OK;
}

static enum status check_new(const struct log *log, struct bytes name, uint32_t partitions,
                             const struct log_topic_options *o, struct diag *diag)
{
    if (!log_topic_name_valid(name))
        return diag_set(diag, ST_INVALID, DIAG_NAME,
                        "a topic's name is 1 to %d of a-z A-Z 0-9 . _ -", LOG_NAME_MAX);
    if (partitions == 0 || partitions > LOG_PARTITIONS_MAX)
        return diag_set(diag, ST_INVALID, DIAG_VALUE, "a topic has 1 to %d partitions, not %u",
                        LOG_PARTITIONS_MAX, partitions);
    TRY(check_options(o, diag));
    if (map_get(&log->names, name))
        return diag_set(diag, ST_EXISTS, DIAG_EXISTS, "topic %.*s exists", BYTES_FMT(name));
    return ST_OK;
}

static enum status write_create(struct log *log, uint32_t number, const struct wal_topic *topic,
                                uint64_t *lsn)
{
    struct buf payload;

    buf_init(&payload, 0);
    wal_topic_write(&payload, topic);
    enum status st = log_write_entry(log,
                                     &(struct wal_entry){.type = WAL_TOPIC_CREATE,
                                                         .topic = number,
                                                         .payload = buf_view(&payload)},
                                     lsn);
    buf_deinit(&payload);
    return st;
}

enum status log_topic_create(struct log *log, struct bytes name, uint32_t partitions,
                             const struct log_topic_options *options, struct log_topic **out,
                             uint64_t *lsn, struct diag *diag)
{
    struct wal_topic topic = {.partitions = partitions, .name = name};
    uint32_t number = log->numbers_count ? log->numbers_count : 1;

    if (options)
        topic.options = *options;
    TRY(check_new(log, name, partitions, &topic.options, diag));
    if (number >= LOG_NUMBERS_MAX)
        return diag_set(diag, ST_NOSPACE, DIAG_LIMIT, "%d topics were made here: no more", number);
    topic_defaults(log, &topic.options);
    os_random(log->os, topic.id, LOG_ID_BYTES);
    topic.id[6] = (uint8_t)(0x40 | (topic.id[6] & 0x0F)); /* a random UUID, RFC 9562 */
    topic.id[8] = (uint8_t)(0x80 | (topic.id[8] & 0x3F));
    enum status st = write_create(log, number, &topic, lsn);
    if (st != ST_OK)
        return diag_set(diag, st, DIAG_LIMIT, "cannot create topic %.*s: %s", BYTES_FMT(name),
                        status_text(st));
    *out = topic_add(log, number, &topic);
    return ST_OK;
}

enum status log_topic_delete(struct log *log, struct log_topic *topic, uint64_t *lsn)
{
    if (topic->deleted)
        return ST_NOTFOUND;
    TRY(log_write_entry(log, &(struct wal_entry){.type = WAL_TOPIC_DELETE, .topic = topic->number},
                        lsn));
    topic_drop(log, topic);
    topic->files_left = log->wal != NULL;
    retain_sweep_later(log);
    return ST_OK;
}

void log_topic_defaults(const struct log *log, struct log_topic_options *out)
{
    *out = (struct log_topic_options){0};
    topic_defaults(log, out);
}

enum status log_topic_configure(struct log *log, struct log_topic *topic,
                                const struct log_topic_options *options, uint64_t *lsn,
                                struct diag *diag)
{
    struct log_topic_options o = *options, *was = &topic->info.options;
    struct buf payload;

    if (topic->deleted)
        return ST_NOTFOUND;
    TRY(check_options(&o, diag));
    topic_defaults(log, &o);
    if (o.internal != was->internal ||
        (o.durability != was->durability &&
         (o.durability == LOG_MEMORY || was->durability == LOG_MEMORY)))
        return diag_set(diag, ST_INVALID, DIAG_VALUE,
                        "topic %s cannot change to or from 'memory', nor become internal",
                        topic->name);
    buf_init(&payload, 0);
    wal_options_write(&payload, &o);
    enum status st = log_write_entry(log,
                                     &(struct wal_entry){.type = WAL_TOPIC_CONFIG,
                                                         .topic = topic->number,
                                                         .payload = buf_view(&payload)},
                                     lsn);
    buf_deinit(&payload);
    if (st != ST_OK)
        return st;
    *was = o;
    retain_tails(log, true); /* it may ask for less than is there */
    if (o.cleanup & LOG_CLEANUP_COMPACT)
        compact_soon(log);
    return ST_OK;
}

enum status log_topic_extend(struct log *log, struct log_topic *topic, uint32_t partitions,
                             uint64_t *lsn, struct diag *diag)
{
    uint8_t payload[8];

    if (topic->deleted)
        return ST_NOTFOUND;
    if (partitions <= topic->info.partitions || partitions > LOG_PARTITIONS_MAX)
        return diag_set(diag, ST_INVALID, DIAG_VALUE,
                        "topic %s has %u partitions; it can be given more, up to %d", topic->name,
                        topic->info.partitions, LOG_PARTITIONS_MAX);
    store_u64_le(payload, partitions);
    TRY(log_write_entry(log,
                        &(struct wal_entry){.type = WAL_TOPIC_EXTEND,
                                            .topic = topic->number,
                                            .payload = bytes_of(payload, 8)},
                        lsn));
    uint32_t had = topic->info.partitions;
    while (topic->info.partitions < partitions)
        topic_extend(topic);
    for (uint32_t i = 0; i < had; i++)
        if (topic->partitions[i]->watchers[LOG_ON_EXTEND])
            log_fire(topic->partitions[i], LOG_ON_EXTEND);
    return ST_OK;
}

struct log_topic *log_topic_find(const struct log *log, struct bytes name)
{
    return map_get(&log->names, name);
}

struct log_topic *log_topic_by_id(const struct log *log, const uint8_t id[LOG_ID_BYTES])
{
    return map_get(&log->ids, bytes_of(id, LOG_ID_BYTES));
}

const struct log_topic_info *log_topic_info(const struct log_topic *topic)
{
    return &topic->info;
}

struct log_topic *log_topic_next(const struct log *log, const struct log_topic *topic)
{
    return topic ? topic->next : log->first;
}

struct log_partition *log_partition_of(const struct log_topic *topic, uint32_t index)
{
    return index < topic->info.partitions ? topic->partitions[index] : NULL;
}
