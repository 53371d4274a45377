/* What is kept of committed offsets, and how it is forgotten. */
#include "base/endian.h"
#include "serve/kafka/offsets.h"

enum { VALUE_VERSION = 1 };

static void put_name(struct buf *buf, struct bytes name)
{
    buf_u16_be(buf, (uint16_t)name.len);
    buf_bytes(buf, name);
}

struct bytes offset_group_prefix(struct buf *buf, struct bytes group)
{
    buf_clear(buf);
    put_name(buf, group);
    return buf_view(buf);
}

struct bytes offset_key(struct buf *buf, struct bytes group, struct bytes topic,
                               int32_t partition)
{
    (void)offset_group_prefix(buf, group);
    put_name(buf, topic);
    buf_u32_be(buf, (uint32_t)partition);
    return buf_view(buf);
}

bool offset_key_parse(struct bytes key, struct bytes *group, struct bytes *topic,
                      int32_t *partition)
{
    struct reader r = reader_of(key);

    *group = reader_bytes(&r, reader_u16_be(&r));
    *topic = reader_bytes(&r, reader_u16_be(&r));
    *partition = (int32_t)reader_u32_be(&r);
    return !r.bad && reader_left(&r) == 0;
}

bool offset_value_parse(struct bytes value, struct offset_committed *out)
{
    struct reader r = reader_of(value);

    if (reader_u8(&r) != VALUE_VERSION)
        return false;
    out->offset = (int64_t)reader_u64_be(&r);
    out->leader_epoch = (int32_t)reader_u32_be(&r);
    (void)reader_u64_be(&r);
    out->metadata = reader_rest(&r);
    return !r.bad;
}

void offset_put(struct call *call, struct log_entry *entry, const struct offset_kept *put)
{
    struct buf key, value;

    buf_init(&key, 0);
    buf_init(&value, 0);
    buf_u8(&value, VALUE_VERSION);
    buf_u64_be(&value, (uint64_t)put->committed.offset);
    buf_u32_be(&value, (uint32_t)put->committed.leader_epoch);
    buf_u64_be(&value, (uint64_t)(loop_wall_us(call->face->loop) / 1000));
    buf_bytes(&value, put->committed.metadata);
    (void)offset_key(&key, put->group, put->topic, put->partition);
    if (put->txn)
        txn_offset_put(entry, put->txn, buf_view(&key), buf_view(&value));
    else
        log_entry_kv(entry, LOG_KV_GROUPS, buf_view(&key), buf_view(&value));
    buf_deinit(&key);
    buf_deinit(&value);
}

/* ---- forgetting ---- */

struct forgetting {
    struct log_entry *entry;
    struct bytes topic; /* ptr NULL: any */
    struct buf keys;    /* sized, one after the other: the space must not change in a scan */
};

static bool note_key(void *context, struct bytes key, struct bytes value)
{
    struct forgetting *f = context;
    struct bytes group, topic;
    int32_t partition;

    (void)value;
    if (offset_key_parse(key, &group, &topic, &partition) &&
        (!f->topic.ptr || bytes_equal(topic, f->topic)))
        buf_sized(&f->keys, key);
    return true;
}

static void forget_all(struct kafka_face *face, struct bytes prefix, struct bytes topic,
                       struct log_entry *entry)
{
    struct forgetting f = {.entry = entry, .topic = topic};

    buf_init(&f.keys, 0);
    log_kv_scan(face->log, LOG_KV_GROUPS, prefix, note_key, &f);
    struct reader r = reader_of(buf_view(&f.keys));
    while (reader_left(&r))
        log_entry_kv(entry, LOG_KV_GROUPS, reader_sized(&r), BYTES_NONE);
    buf_deinit(&f.keys);
}

void offsets_forget_group(struct kafka_face *face, struct bytes group_id, struct log_entry *entry)
{
    struct buf prefix;

    buf_init(&prefix, 0);
    forget_all(face, offset_group_prefix(&prefix, group_id), BYTES_NONE, entry);
    buf_deinit(&prefix);
}

void offsets_forget_topic(struct kafka_face *face, struct bytes topic)
{
    struct log_entry *entry = log_entry_begin(face->log);

    forget_all(face, BYTES_NONE, topic, entry);
    (void)!log_entry_commit(entry, NULL, NULL); /* offsets of a topic that is gone harm nobody */
}

static bool stop_at_first(void *context, struct bytes key, struct bytes value)
{
    (void)key;
    (void)value;
    *(bool *)context = true;
    return false;
}

bool offsets_any(const struct kafka_face *face, struct bytes group)
{
    bool any = false;
    struct buf prefix;

    buf_init(&prefix, 0);
    log_kv_scan(face->log, LOG_KV_GROUPS, offset_group_prefix(&prefix, group), stop_at_first, &any);
    buf_deinit(&prefix);
    return any;
}

static bool load_group(void *context, struct bytes key, struct bytes value)
{
    struct kafka_face *face = context;
    struct bytes group, topic;
    int32_t partition;

    (void)value;
    if (offset_key_parse(key, &group, &topic, &partition) && !cgroups_find(face->cgroups, group, NULL))
        groups_known(face->groups, group);
    return true;
}

void offsets_load_groups(struct kafka_face *face)
{
    log_kv_scan(face->log, LOG_KV_GROUPS, BYTES_NONE, load_group, face);
}
