/* redis_lookup.c: Redis as what is looked up: strings and hashes by their keys.
 *
 *     redis.type   of each key                                   a row is
 *     string       GET prefix+key                                the value, of the table's format
 *     hash         HMGET prefix+key column …, HLEN prefix+key    the fields that are asked for; one that is not there, NULL
 *
 * The keys of a call are asked in one MULTI … EXEC, so all of them are of one moment. An error that Redis gives for
 * one of them (WRONGTYPE) is that key's: it is a dead letter, and nothing is found.
 */
#include "base/json_writer.h"
#include "bridge/redis_inner.h"

enum status redis_lookup_check(const struct bridge_spec *spec, struct diag *diag)
{
    enum redis_type type = (enum redis_type)spec->values[OPT_TYPE].number;

    if (type <= REDIS_HASH)
        return ST_OK;
    diag_hint(diag, "'redis.type' = 'hash' or 'string'");
    return diag_set(diag, ST_UNSUPPORTED, DIAG_UNSUPPORTED, "'redis.type' = '%.*s' has no rows by key: `%.*s` cannot be "
                    "looked up", BYTES_FMT(spec->values[OPT_TYPE].text), BYTES_FMT(bytes_head(spec->table, 60)));
}

bool redis_answers_values(const struct bridge_spec *spec)
{
    return spec->values[OPT_TYPE].number == REDIS_STRING;
}

static bool is_asked_by(const struct bridge_asking *asking, uint16_t column)
{
    for (uint16_t k = 0; k < asking->keys_count; k++)
        if (asking->keys[k] == column)
            return true;
    return false;
}

/* The keys as columns of the table, as the sink has them. */
static struct chunk keys_of_table(struct bridge_redis_state *b, const struct bridge_lookup *lookup)
{
    const struct bridge_spec *spec = b->base.spec;
    struct column *cols = ARENA_ARRAY(lookup->arena, struct column, spec->schema.count + 1u);
    struct chunk keys = lookup->keys;

    for (uint16_t k = 0; k < spec->asking.keys_count; k++)
        cols[spec->asking.keys[k]] = lookup->keys.cols[k];
    keys.cols = cols;
    keys.col_count = spec->schema.count;
    return keys;
}

/* How many commands that is. */
static size_t ask_hash(struct bridge_redis_state *b, const struct chunk *keys, uint16_t row)
{
    const struct bridge_spec *spec = b->base.spec;
    bool fields = false;

    redis_command(b, "HMGET");
    redis_arg_key(b, keys, row);
    for (uint16_t i = 0; i < spec->asking.columns_count; i++) {
        if (is_asked_by(&spec->asking, spec->asking.columns[i]))
            continue;
        redis_arg(b, spec->schema.fields[spec->asking.columns[i]].name);
        fields = true;
    }
    if (fields)
        redis_command_end(b);
    redis_command(b, "HLEN");
    redis_arg_key(b, keys, row);
    redis_command_end(b);
    return fields ? 2 : 1;
}

static size_t ask_string(struct bridge_redis_state *b, const struct chunk *keys, uint16_t row)
{
    redis_command(b, "GET");
    redis_arg_key(b, keys, row);
    redis_command_end(b);
    return 1;
}

static bool is_text(const redisReply *r)
{
    return r->type == REDIS_REPLY_STRING;
}

static void take_error(struct bridge_lookup *lookup, struct bridge_asked *asked, const redisReply *r)
{
    if (r->type == REDIS_REPLY_ERROR && !asked->never)
        asked->never = arena_printf(lookup->arena, "Redis: %.300s", r->str);
}

static void take_string(struct bridge_lookup *lookup, struct bridge_asked *asked, redisReply *const *replies)
{
    take_error(lookup, asked, replies[0]);
    if (is_text(replies[0]))
        bridge_answer(lookup, asked, bytes_of(replies[0]->str, replies[0]->len));
}

/* The fields that are there, as an object; text all of them. */
static void write_fields(const struct bridge_spec *spec, const redisReply *fields, struct buf *out)
{
    struct json_writer w;
    size_t at = 0;

    json_writer_init(&w, out);
    json_object_begin(&w);
    for (uint16_t i = 0; fields && i < spec->asking.columns_count && at < fields->elements; i++) {
        if (is_asked_by(&spec->asking, spec->asking.columns[i]))
            continue;
        const redisReply *value = fields->element[at++];
        if (!is_text(value))
            continue;
        json_key_bytes(&w, spec->schema.fields[spec->asking.columns[i]].name);
        json_bytes(&w, bytes_of(value->str, value->len));
    }
    json_object_end(&w);
}

static void take_hash(struct bridge_redis_state *b, struct bridge_lookup *lookup, struct bridge_asked *asked,
                      redisReply *const *replies, size_t count)
{
    const redisReply *fields = count == 2 ? replies[0] : NULL, *fields_count = replies[count - 1];
    struct buf row;

    for (size_t i = 0; i < count; i++)
        take_error(lookup, asked, replies[i]);
    if (asked->never || fields_count->type != REDIS_REPLY_INTEGER || !fields_count->integer ||
        (fields && fields->type != REDIS_REPLY_ARRAY))
        return;
    buf_init(&row, 0);
    write_fields(b->base.spec, fields, &row);
    bridge_answer(lookup, asked, buf_view(&row));
    buf_deinit(&row);
}

void redis_lookup(struct bridge *bridge, struct bridge_lookup *lookup)
{
    struct bridge_redis_state *b = (struct bridge_redis_state *)bridge;
    bool hash = b->type == REDIS_HASH;
    size_t queued = 0, each = 0;

    if (!redis_connected(b, lookup->trouble))
        return;
    struct chunk keys = keys_of_table(b, lookup);
    redis_command(b, "MULTI");
    redis_command_end(b);
    for (uint32_t i = 0; i < lookup->count; i++)
        queued += each = (hash ? ask_hash : ask_string)(b, &keys, lookup->asked[i].row);
    redisReply *exec = redis_exec(b, "looking up", queued, lookup->trouble);
    if (!exec)
        return;
    if (exec->elements != queued) {
        snprintf(lookup->trouble, sizeof(lookup->trouble), "Redis gave %zu answers to %zu commands", exec->elements, queued);
        redis_disconnect(b);
    }
    for (uint32_t i = 0; i < lookup->count && exec->elements == queued; i++) {
        if (hash)
            take_hash(b, lookup, &lookup->asked[i], exec->element + i * each, each);
        else
            take_string(lookup, &lookup->asked[i], exec->element + i * each);
    }
    freeReplyObject(exec);
}
