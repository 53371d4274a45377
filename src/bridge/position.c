/* position.c: what a carrier keeps in the log: which way it goes, how far it is, and what could not be delivered.
 *
 * In LOG_KV_BRIDGES; the key begins with the table's name and a zero, and goes on with
 *
 *     the partition (4 bytes, big-endian)   of a sink: the offset of the first record that has not arrived
 *     's' and the split's name              of a source: where it goes on, as its bridge has it
 *     's'                                   it is a source
 *     'b'                                   of both: the state that its circuit breaker was forced into, as text
 *
 * A partition's number is below LOG_PARTITIONS_MAX, so its first byte is no letter.
 */
#include <stdio.h>

#include "base/check.h"
#include "base/json_writer.h"
#include "bridge/carrier_inner.h"

enum { DEAD_RECORD_BYTES_MAX = 64 << 10, DEAD_BATCH_BYTES = 256 << 10, NAME_MAX_KEPT = 240 };

struct key {
    uint8_t bytes[NAME_MAX_KEPT + 2 + BRIDGE_SPLIT_MAX];
    size_t len;
};

static struct bytes key_make(struct key *key, struct bytes table, struct bytes rest)
{
    struct bytes name = bytes_head(table, NAME_MAX_KEPT);

    memcpy(key->bytes, name.ptr, name.len);
    key->bytes[name.len] = 0;
    if (rest.len)
        memcpy(key->bytes + name.len + 1, rest.ptr, rest.len);
    key->len = name.len + 1 + rest.len;
    return bytes_of(key->bytes, key->len);
}

static struct bytes key_of(struct key *key, struct bytes table, uint32_t partition)
{
    uint32_t be = __builtin_bswap32(partition);

    return key_make(key, table, bytes_of(&be, 4));
}

/* An empty one: of the table as a source. */
static struct bytes key_of_split(struct key *key, struct bytes table, struct bytes split)
{
    uint8_t rest[1 + BRIDGE_SPLIT_MAX] = {'s'};

    CHECK(split.len <= BRIDGE_SPLIT_MAX);
    if (split.len)
        memcpy(rest + 1, split.ptr, split.len);
    return key_make(key, table, bytes_of(rest, 1 + split.len));
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

/* ---- of a source ---- */

void split_keep(struct log_entry *entry, struct bytes table, const struct bridge_moved *moved)
{
    struct key key;

    log_entry_kv(entry, LOG_KV_BRIDGES, key_of_split(&key, table, moved->split), moved->position);
}

struct resuming {
    struct carrier *c;
    size_t prefix;
    enum status status;
};

static bool resume_one(void *context, struct bytes key, struct bytes value)
{
    struct resuming *r = context;

    if (key.len > r->prefix)
        r->status = r->c->class->resume(r->c->bridge, bytes_skip(key, r->prefix), value);
    return r->status == ST_OK;
}

enum status splits_resume(struct carrier *c)
{
    struct key key;
    struct bytes prefix = key_of_split(&key, c->kept_as, BYTES_NONE);
    struct resuming r = {c, prefix.len, ST_OK};

    log_kv_scan(c->env.log, LOG_KV_BRIDGES, prefix, resume_one, &r);
    return r.status;
}

enum bridge_way carrier_way(const struct log *log, struct bytes table)
{
    struct key key;
    struct bytes value;

    if (log_kv_get(log, LOG_KV_BRIDGES, key_of_split(&key, table, BYTES_NONE), &value))
        return BRIDGE_SOURCE;
    return BRIDGE_SINK;
}

enum status carrier_set_way(struct log *log, struct bytes table, enum bridge_way way)
{
    struct key key;
    uint64_t lsn;

    return log_kv_put(log, LOG_KV_BRIDGES, key_of_split(&key, table, BYTES_NONE),
                      way == BRIDGE_SOURCE ? BYTES_LITERAL("1") : BYTES_NONE, &lsn);
}

/* ---- of both ---- */

enum breaker_state forced_kept(const struct log *log, struct bytes table)
{
    enum breaker_state state = BREAKER_CLOSED;
    struct key key;
    struct bytes text;

    if (log_kv_get(log, LOG_KV_BRIDGES, key_make(&key, table, BYTES_LITERAL("b")), &text))
        (void)breaker_state_of(text, &state);
    return state;
}

enum status forced_keep(struct log *log, struct bytes table, enum breaker_state state, uint64_t *lsn)
{
    struct key key;

    return log_kv_put(log, LOG_KV_BRIDGES, key_make(&key, table, BYTES_LITERAL("b")),
                      breaker_is_automatic(state) ? BYTES_NONE : bytes_str(breaker_state_text(state)), lsn);
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

    key_make(&prefix, table, BYTES_NONE);
    do {
        found.count = 0;
        log_kv_scan(log, LOG_KV_BRIDGES, bytes_of(prefix.bytes, prefix.len), collect, &found);
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

    snprintf(name, sizeof(name), "%.*s.dead", BYTES_FMT(bytes_head(c->dead_topic, 240)));
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
    if (c->spec.way != BRIDGE_SOURCE) /* then it has none of ours */
        json_key_i64(&w, "offset", r->offset);
    json_key_str(&w, "reason", r->never);
    write_text(&w, "key", r->key);
    write_text(&w, "record", r->value);
    if (r->value.len > DEAD_RECORD_BYTES_MAX) /* the whole is where it came from, for as long as it is kept */
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

struct dead {
    struct carrier *c;
    struct batch_builder b;
    struct buf text;
    uint64_t count;
};

static enum status dead_all(struct dead *d, struct log_entry *entry, const struct bridge_record *records,
                            uint32_t records_count)
{
    struct log_topic *topic = NULL;
    struct batch_builder *b = &d->b;

    for (uint32_t i = 0; i < records_count; i++) {
        const struct bridge_record *r = &records[i];
        if (!r->never)
            continue;
        if (!topic)
            TRY(dead_topic(d->c, &topic));
        buf_clear(&d->text);
        write_dead(d->c, r, &d->text);
        if (batch_builder_bytes(b) + d->text.len > DEAD_BATCH_BYTES)
            TRY(dead_flush(b, topic, entry));
        batch_builder_add(b, r->timestamp_ms, bytes_head(r->key, DEAD_RECORD_BYTES_MAX), buf_view(&d->text), NULL, 0);
        d->count++;
    }
    return dead_flush(b, topic, entry);
}

enum status dead_letters(struct carrier *c, struct log_entry *entry, const struct bridge_record *records,
                         uint32_t records_count, uint64_t *count)
{
    struct dead d = {.c = c};

    batch_builder_init(&d.b, KAFKA_CODEC_NONE);
    buf_init(&d.text, 0);
    enum status st = dead_all(&d, entry, records, records_count);
    batch_builder_deinit(&d.b);
    buf_deinit(&d.text);
    *count = d.count;
    return st;
}
