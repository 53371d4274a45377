/* redis.c: Redis as a sink: strings, hashes, lists, streams, channels. As a source: redis_source.c.
 *
 *     redis.type   a row is                                          a deleted row
 *     string       SET prefix+key value-of-the-format                DEL
 *     hash         the hash prefix+key, a field a column             DEL
 *     zset         ZADD redis.key score member (two columns)         ZREM
 *     list         RPUSH redis.key value-of-the-format               refused
 *     stream       XADD redis.key * field value …                    refused
 *     channel      PUBLISH redis.key value-of-the-format             refused
 *
 * The key of a row is its primary key's columns as text, joined by 'redis.key.separator'.
 *
 * A batch is one MULTI … EXEC, in which the position is written beside the rows, to the hash
 * quickwater:position:IDENTITY, a field a partition. It is read back before the first batch and after every
 * failure: what arrived before a crash or a lost answer is not given again. (PUBLISH keeps nothing, but a batch
 * goes out whole or not at all.)
 *
 * An error that Redis gives for one command (WRONGTYPE) is that record's; one for the transaction or the
 * connection is everybody's: later.   Protocol: redis.io/docs/reference/protocol-spec; library: hiredis.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "bridge/redis_inner.h"
#include "data/text.h"

static const struct bridge_option options[] = {
    [OPT_HOST] = {"redis.host", BRIDGE_TEXT, "127.0.0.1", NULL, 0, 0, "name or address"},
    [OPT_PORT] = {"redis.port", BRIDGE_COUNT, "6379", NULL, 1, 65535, "its port"},
    [OPT_USER] = {"redis.user", BRIDGE_TEXT, "", NULL, 0, 0, "of AUTH, with Redis 6 and later"},
    [OPT_PASSWORD] = {"redis.password", BRIDGE_SECRET, "", NULL, 0, 0, "of AUTH"},
    [OPT_DATABASE] = {"redis.database", BRIDGE_COUNT, "0", NULL, 0, 1000000, "of SELECT"},
    [OPT_TYPE] = {"redis.type", BRIDGE_WORD, "hash", "string|hash|zset|list|stream|channel", 0, 0,
                  "what a row becomes"},
    [OPT_KEY] = {"redis.key", BRIDGE_TEXT, "", NULL, 0, 0,
                 "of zset, list, stream and channel: its key; default: the table's name; streams that are read may be several, "
                 "by ';'"},
    [OPT_PREFIX] = {"redis.key.prefix", BRIDGE_TEXT, "", NULL, 0, 0,
                    "of string and hash: what stands before a row's key; default: the table's name and ':'"},
    [OPT_SEPARATOR] = {"redis.key.separator", BRIDGE_TEXT, ":", NULL, 0, 0, "between the columns of a key"},
    [OPT_TTL] = {"redis.ttl", BRIDGE_TIME, "", NULL, 1, 4102444800000,
                 "of string and hash: how long a row lives after it was written; default: for ever"},
    [OPT_MAXLEN] = {"redis.stream.maxlen", BRIDGE_COUNT, "", NULL, 1, INT32_MAX,
                    "of stream: about so many entries are kept; default: all"},
    [OPT_FIELD] = {"redis.stream.field", BRIDGE_TEXT, "", NULL, 0, 0,
                   "of a stream that is read: the field that holds a row in the table's format; default: a field a "
                   "column"},
    [OPT_START] = {"scan.startup.mode", BRIDGE_WORD, "earliest-offset", "earliest-offset|latest-offset|timestamp", 0,
                   0, "of a stream that is read: where to begin"},
    [OPT_START_MS] = {"scan.startup.timestamp-millis", BRIDGE_COUNT, "", NULL, 0, INT64_MAX,
                      "for scan.startup.mode = timestamp"},
};

static enum redis_type type_of(const struct bridge_spec *spec)
{
    return (enum redis_type)spec->values[OPT_TYPE].number;
}

static bool takes_rows(const struct bridge_spec *spec)
{
    enum redis_type type = type_of(spec);
    return type == REDIS_HASH || type == REDIS_ZSET || type == REDIS_STREAM || spec->key_count > 0;
}

static bool takes_changes(const struct bridge_spec *spec)
{
    return type_of(spec) <= REDIS_ZSET && spec->key_count > 0;
}

/* ---- opening ---- */

static enum status check_zset(const struct bridge_spec *spec, struct diag *diag)
{
    if (spec->schema.count == 2 && spec->key_count == 1 &&
        type_is_numeric(spec->schema.fields[1 - spec->key[0]].type->kind))
        return ST_OK;
    return diag_set(diag, ST_INVALID, DIAG_TYPE,
                    "'redis.type' = 'zset' takes a table of two columns: the member, which is the PRIMARY KEY, and "
                    "a number, its score");
}

static enum status redis_open(const struct bridge_spec *spec, struct bridge **out, struct diag *diag)
{
    enum redis_type type = type_of(spec);

    if (spec->way == BRIDGE_SOURCE)
        TRY(redis_source_check(spec, diag));
    if (spec->way == BRIDGE_LOOKUP)
        TRY(redis_lookup_check(spec, diag));
    if (type <= REDIS_HASH && !spec->key_count)
        return diag_set(diag, ST_INVALID, DIAG_VALUE,
                        "'redis.type' = '%.*s' needs a PRIMARY KEY (…) NOT ENFORCED: the row's key in Redis",
                        BYTES_FMT(spec->values[OPT_TYPE].text));
    if (type >= REDIS_LIST && spec->key_count) {
        diag_hint(diag, "leave the PRIMARY KEY out, or write a string, a hash or a zset");
        return diag_set(diag, ST_INVALID, DIAG_VALUE, "'redis.type' = '%.*s' only grows: it has no row to change",
                        BYTES_FMT(spec->values[OPT_TYPE].text));
    }
    if (type == REDIS_ZSET)
        TRY(check_zset(spec, diag));
    struct bridge_redis_state *b = xcalloc(1, sizeof(*b));
    b->base = (struct bridge){&bridge_redis, spec};
    b->type = type;
    buf_init(&b->text, 0);
    snprintf(b->position_key, sizeof(b->position_key), "quickwater:position:%.40s", spec->identity);
    if (spec->way == BRIDGE_SOURCE)
        redis_source_open(b);
    *out = &b->base;
    return ST_OK;
}

static void redis_close(struct bridge *bridge)
{
    struct bridge_redis_state *b = (struct bridge_redis_state *)bridge;

    redis_disconnect(b);
    redis_source_close(b);
    buf_deinit(&b->text);
    free(b->ends);
    free(b);
}

/* ---- commands ---- */

static void arg_column(struct bridge_redis_state *b, const struct chunk *rows, uint16_t row, uint16_t column)
{
    value_text(&b->text, b->base.spec->schema.fields[column].type, &rows->cols[column], row, NULL);
    redis_arg_done(b);
}

void redis_arg_key(struct bridge_redis_state *b, const struct chunk *rows, uint16_t row)
{
    const struct bridge_spec *spec = b->base.spec;

    if (spec->values[OPT_PREFIX].given)
        buf_bytes(&b->text, redis_option(b, OPT_PREFIX));
    else
        buf_printf(&b->text, "%.*s:", BYTES_FMT(spec->table));
    for (uint16_t k = 0; k < spec->key_count; k++) {
        if (k)
            buf_bytes(&b->text, redis_option(b, OPT_SEPARATOR));
        uint16_t c = spec->key[k];
        value_text(&b->text, spec->schema.fields[c].type, &rows->cols[c], row, NULL);
    }
    redis_arg_done(b);
}

/* The key of what all rows go to. */
static void arg_target(struct bridge_redis_state *b)
{
    redis_arg(b, b->base.spec->values[OPT_KEY].given ? redis_option(b, OPT_KEY) : b->base.spec->table);
}

static void put_string(struct bridge_redis_state *b, const struct bridge_record *r, const struct chunk *rows)
{
    int64_t ttl = b->base.spec->values[OPT_TTL].number;

    redis_command(b, "SET");
    redis_arg_key(b, rows, r->row);
    redis_arg(b, r->value);
    if (ttl) {
        redis_arg(b, bytes_str("PX"));
        redis_arg_number(b, ttl);
    }
    redis_command_end(b);
}

/* All fields anew: a column that is NULL now has none. */
static unsigned put_hash(struct bridge_redis_state *b, const struct bridge_record *r, const struct chunk *rows)
{
    const struct bridge_spec *spec = b->base.spec;
    int64_t ttl = spec->values[OPT_TTL].number;

    redis_command(b, "DEL");
    redis_arg_key(b, rows, r->row);
    redis_command_end(b);
    redis_command(b, "HSET");
    redis_arg_key(b, rows, r->row);
    for (uint16_t c = 0; c < spec->schema.count; c++) {
        if (!column_valid(&rows->cols[c], r->row))
            continue;
        redis_arg(b, spec->schema.fields[c].name);
        arg_column(b, rows, r->row, c);
    }
    redis_command_end(b); /* a key's columns are not NULL: there is one at least */
    if (!ttl)
        return 2;
    redis_command(b, "PEXPIRE");
    redis_arg_key(b, rows, r->row);
    redis_arg_number(b, ttl);
    redis_command_end(b);
    return 3;
}

static void put_member(struct bridge_redis_state *b, const struct bridge_record *r, const struct chunk *rows)
{
    uint16_t member = b->base.spec->key[0], score = 1 - member;
    bool gone = !r->value.ptr || !column_valid(&rows->cols[score], r->row);

    redis_command(b, gone ? "ZREM" : "ZADD");
    arg_target(b);
    if (!gone)
        arg_column(b, rows, r->row, score);
    arg_column(b, rows, r->row, member);
    redis_command_end(b);
}

static void put_entry(struct bridge_redis_state *b, const struct bridge_record *r, const struct chunk *rows)
{
    const struct bridge_spec *spec = b->base.spec;
    unsigned fields = 0;

    redis_command(b, "XADD");
    arg_target(b);
    if (spec->values[OPT_MAXLEN].number) {
        redis_arg(b, bytes_str("MAXLEN"));
        redis_arg(b, bytes_str("~"));
        redis_arg_number(b, spec->values[OPT_MAXLEN].number);
    }
    redis_arg(b, bytes_str("*"));
    for (uint16_t c = 0; c < spec->schema.count; c++) {
        if (!column_valid(&rows->cols[c], r->row))
            continue;
        redis_arg(b, spec->schema.fields[c].name);
        arg_column(b, rows, r->row, c);
        fields++;
    }
    if (!fields) { /* an entry has a field at least: a row of NULLs is an empty one */
        redis_arg(b, spec->schema.fields[0].name);
        redis_arg(b, BYTES_NONE);
    }
    redis_command_end(b);
}

static void put_message(struct bridge_redis_state *b, const struct bridge_record *r)
{
    redis_command(b, b->type == REDIS_LIST ? "RPUSH" : "PUBLISH");
    arg_target(b);
    redis_arg(b, r->value);
    redis_command_end(b);
}

/* How many commands the record took. */
static unsigned put(struct bridge_redis_state *b, const struct bridge_record *r, const struct chunk *rows)
{
    if (!r->value.ptr && b->type <= REDIS_HASH) {
        redis_command(b, "DEL");
        redis_arg_key(b, rows, r->row);
        redis_command_end(b);
        return 1;
    }
    switch (b->type) {
    case REDIS_STRING:
        put_string(b, r, rows);
        return 1;
    case REDIS_HASH:
        return put_hash(b, r, rows);
    case REDIS_ZSET:
        put_member(b, r, rows);
        return 1;
    case REDIS_STREAM:
        put_entry(b, r, rows);
        return 1;
    case REDIS_LIST:
    case REDIS_CHANNEL:
        put_message(b, r);
        return 1;
    }
    UNREACHABLE();
}

static enum status redis_position(struct bridge *bridge, uint32_t partition, int64_t *out, char to[200])
{
    struct bridge_redis_state *b = (struct bridge_redis_state *)bridge;

    *out = -1;
    if (!redis_connected(b, to))
        return ST_AGAIN;
    redis_command(b, "HGET");
    redis_arg(b, bytes_str(b->position_key));
    redis_arg_number(b, partition);
    redisReply *reply = redis_answer(b, "reading the position", to);
    if (!reply)
        return ST_AGAIN;
    bool known = reply->type == REDIS_REPLY_STRING;
    bool good = known ? bytes_to_i64(bytes_of(reply->str, reply->len), out) : reply->type == REDIS_REPLY_NIL;
    freeReplyObject(reply);
    if (good)
        return ST_OK;
    snprintf(to, 200, "the position in %s is no number", b->position_key); /* or the connection garbles */
    redis_disconnect(b);
    return ST_AGAIN;
}

/* ---- a batch ---- */

/* What EXEC says of each command, in order, beside the records that they were for. */
static void judge(struct bridge_batch *batch, const redisReply *exec, const uint8_t *commands)
{
    size_t at = 0;

    for (uint32_t i = 0; i < batch->count; i++) {
        struct bridge_record *r = &batch->records[i];
        for (uint8_t k = 0; k < commands[i] && at < exec->elements; k++, at++)
            if (exec->element[at]->type == REDIS_REPLY_ERROR && !r->never)
                r->never = arena_printf(batch->arena, "Redis: %.300s", exec->element[at]->str);
    }
}

static void redis_deliver(struct bridge *bridge, struct bridge_batch *batch)
{
    struct bridge_redis_state *b = (struct bridge_redis_state *)bridge;
    uint8_t *commands = ARENA_ARRAY(batch->arena, uint8_t, batch->count);
    size_t queued = 0;

    if (!redis_connected(b, batch->trouble))
        return;
    redis_command(b, "MULTI");
    redis_command_end(b);
    for (uint32_t i = 0; i < batch->count; i++) {
        if (batch->records[i].never)
            continue;
        commands[i] = (uint8_t)put(b, &batch->records[i], &batch->rows);
        queued += commands[i];
    }
    redis_command(b, "HSET");
    redis_arg(b, bytes_str(b->position_key));
    redis_arg_number(b, batch->partition);
    redis_arg_number(b, batch->next_offset);
    redis_command_end(b);
    queued++;
    redisReply *exec = redis_exec(b, "sending rows", queued, batch->trouble);
    if (!exec)
        return;
    judge(batch, exec, commands);
    batch->settled = batch->count;
    freeReplyObject(exec);
}

const struct bridge_class bridge_redis = {
    .name = "redis",
    .ways = BRIDGE_SINK | BRIDGE_SOURCE | BRIDGE_LOOKUP,
    .guarantee = "exactly once: written, the rows of a batch and its position are one transaction; read, likewise here, "
                 "but for channels, which keep nothing",
    .options = options,
    .options_count = OPTIONS,
    .takes_rows = takes_rows,
    .takes_changes = takes_changes,
    .open = redis_open,
    .position = redis_position,
    .deliver = redis_deliver,
    .resume = redis_resume,
    .poll = redis_poll,
    .lookup = redis_lookup,
    .by_primary_key = true,
    .answers_values = redis_answers_values,
    .close = redis_close,
};
