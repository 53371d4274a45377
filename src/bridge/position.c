/* position.c: what a carrier keeps in the log: how far it is, and what could not be delivered.
 *
 * Key of a position: the table's name, a zero, the partition (big-endian), in LOG_KV_BRIDGES; value: the offset
 * of the first record that has not arrived.
 */
#include <stdio.h>

#include "base/check.h"
#include "base/json_writer.h"
#include "bridge/carrier_inner.h"

enum { DEAD_RECORD_BYTES_MAX = 64 << 10, DEAD_BATCH_BYTES = 256 << 10, NAME_MAX_KEPT = 240 };

struct key {
    uint8_t bytes[NAME_MAX_KEPT + 5];
    size_t len;
};

static struct bytes key_of(struct key *key, struct bytes table, uint32_t partition)
{
    struct bytes name = bytes_head(table, NAME_MAX_KEPT);
    uint32_t be = __builtin_bswap32(partition);

    memcpy(key->bytes, name.ptr, name.len);
    key->bytes[name.len] = 0;
    memcpy(key->bytes + name.len + 1, &be, 4);
    key->len = name.len + 5;
    return bytes_of(key->bytes, key->len);
}

int64_t position_kept(const struct log *log, struct bytes table, uint32_t partition)
{
    struct key key;
    struct bytes value;
    int64_t position = 0;

    if (log_kv_get(log, LOG_KV_BRIDGES, key_of(&key, table, partition), &value) && value.len == 8)
        memcpy(&position, value.ptr, 8);
    return position;
}

void position_keep(struct log_entry *entry, struct bytes table, uint32_t partition, int64_t position)
{
    struct key key;

    log_entry_kv(entry, LOG_KV_BRIDGES, key_of(&key, table, partition), bytes_of(&position, 8));
}

struct found {
    struct key keys[64];
    unsigned count;
};

static bool collect(void *context, struct bytes key, struct bytes value)
{
    struct found *found = context;

    (void)value;
    found->keys[found->count].len = key.len;
    memcpy(found->keys[found->count++].bytes, key.ptr, key.len);
    return found->count < 64;
}

enum status carrier_forget(struct log *log, struct bytes table, uint64_t *lsn)
{
    struct found found;
    struct key prefix;

    key_of(&prefix, table, 0);
    do {
        found.count = 0;
        log_kv_scan(log, LOG_KV_BRIDGES, bytes_of(prefix.bytes, prefix.len - 4), collect, &found);
        for (unsigned i = 0; i < found.count; i++)
            TRY(log_kv_put(log, LOG_KV_BRIDGES, bytes_of(found.keys[i].bytes, found.keys[i].len), BYTES_NONE,
                           lsn));
    } while (found.count == 64);
    return ST_OK;
}

/* ---- dead letters ---- */

static enum status dead_topic(struct carrier *c, struct log_topic **out)
{
    struct log_topic_options options = {.retention_ms = -1, .retention_bytes = -1};
    char name[LOG_NAME_MAX + 1];

    struct bytes topic = log_topic_info(c->topic)->name;
    snprintf(name, sizeof(name), "%.*s.dead", BYTES_FMT(bytes_head(topic, 240)));
    *out = log_topic_find(c->env.log, bytes_str(name));
    return *out ? ST_OK : log_topic_create(c->env.log, bytes_str(name), 1, &options, out, NULL, NULL);
}

static void write_text(struct json_writer *w, const char *key, struct bytes text)
{
    json_key(w, key);
    if (text.ptr)
        json_bytes(w, bytes_head(text, DEAD_RECORD_BYTES_MAX));
    else
        json_put_null(w);
}

static void write_dead(const struct carrier *c, const struct bridge_record *r, struct buf *out)
{
    struct json_writer w;

    json_writer_init(&w, out);
    json_object_begin(&w);
    json_key_text(&w, "table", c->spec.table);
    json_key_str(&w, "connector", c->class->name);
    json_key_i64(&w, "partition", r->partition);
    json_key_i64(&w, "offset", r->offset);
    json_key_str(&w, "reason", r->never);
    write_text(&w, "key", r->key);
    write_text(&w, "record", r->value);
    if (r->value.len > DEAD_RECORD_BYTES_MAX) /* the whole is in the table's topic, for as long as it is kept */
        json_key_u64(&w, "record_bytes", r->value.len);
    json_object_end(&w);
}

/* Ends the batch under construction, if there is one, as a part of the entry. */
static enum status dead_flush(struct batch_builder *b, struct log_topic *topic, struct log_entry *entry)
{
    struct buf batch;

    if (!b->count)
        return ST_OK;
    buf_init(&batch, 0);
    enum status st = batch_builder_finish(b, &batch);
    if (st == ST_OK)
        st = log_entry_append(entry, log_partition_of(topic, 0), buf_view(&batch), NULL);
    batch_builder_clear(b);
    buf_deinit(&batch);
    return st;
}

static enum status dead_all(struct carrier *c, struct batch_builder *b, struct buf *text, struct log_entry *entry,
                            uint64_t *count)
{
    struct log_topic *topic = NULL;

    for (uint32_t i = 0; i < c->batch.settled; i++) {
        const struct bridge_record *r = &c->batch.records[i];
        if (!r->never)
            continue;
        if (!topic)
            TRY(dead_topic(c, &topic));
        buf_clear(text);
        write_dead(c, r, text);
        if (batch_builder_bytes(b) + text->len > DEAD_BATCH_BYTES)
            TRY(dead_flush(b, topic, entry));
        batch_builder_add(b, r->timestamp_ms, r->key, buf_view(text), NULL, 0);
        (*count)++;
    }
    return dead_flush(b, topic, entry);
}

enum status dead_letters(struct carrier *c, struct log_entry *entry, uint64_t *count)
{
    struct batch_builder b;
    struct buf text;

    batch_builder_init(&b, KAFKA_CODEC_NONE);
    buf_init(&text, 0);
    enum status st = dead_all(c, &b, &text, entry, count);
    batch_builder_deinit(&b);
    buf_deinit(&text);
    return st;
}
