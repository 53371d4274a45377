/* position.c: what a carrier keeps in the log: which way it goes, and how far it is.
 *
 * In LOG_KV_BRIDGES; the key begins with the table's name and a zero, and goes on with
 *
 *     the partition (4 bytes, big-endian)   of a sink: the offset of the first record that has not arrived
 *     's' and the split's name              of a source: where it goes on, as its bridge has it
 *     's'                                   it is a source
 *     'b'                                   of both: the state that its circuit breaker was forced into, as text
 *     'r'                                   of a sink: how far what is in TABLE.dead is put back: struct replay_kept
 *
 * A partition's number is below LOG_PARTITIONS_MAX, so its first byte is no letter.
 */
#include <stdio.h>

#include "base/check.h"
#include "bridge/carrier_inner.h"

enum { NAME_MAX_KEPT = 240 };

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

void replay_read(const struct log *log, struct bytes table, struct replay_kept *out)
{
    struct key key;
    struct bytes value;

    *out = (struct replay_kept){0};
    if (log_kv_get(log, LOG_KV_BRIDGES, key_make(&key, table, BYTES_LITERAL("r")), &value) &&
        value.len == sizeof(*out))
        memcpy(out, value.ptr, sizeof(*out));
}

void replay_write(struct log_entry *entry, struct bytes table, const struct replay_kept *kept)
{
    struct key key;

    log_entry_kv(entry, LOG_KV_BRIDGES, key_make(&key, table, BYTES_LITERAL("r")), bytes_of(kept, sizeof(*kept)));
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
