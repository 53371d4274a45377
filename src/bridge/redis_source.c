/* redis_source.c: Redis as a source: streams, lists, channels.
 *
 *     stream    XREAD from the id of the last entry on. A stream of 'redis.key' is a split, and a partition of the
 *               table's topic; its position is that id.
 *     list      a batch is moved by MULTI … EXEC from the list's left end to the list quickwater:taken:IDENTITY, with
 *               its number in quickwater:taken:IDENTITY:number; the position is the number of the last batch that is
 *               in our log. After a crash or a lost answer the number says whether the batch outside is in it.
 *     channel   SUBSCRIBE. What is published while nobody listens is gone: that is Redis'. No position.
 *
 * An entry of a stream is a row of its fields (as JSON, all texts), or one of its fields is a row in the table's format.
 * Its id is the record's header `id`, its stream the header `stream`, its time the record's timestamp.
 *
 * Limits: Redis' answers are held whole: of a batch that is too large half as many entries are asked for next.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/json_writer.h"
#include "bridge/redis_inner.h"

enum { STREAMS_MAX = 64 };

static struct bytes keys_of(const struct bridge_spec *spec)
{
    return spec->values[OPT_KEY].given ? spec->values[OPT_KEY].text : spec->table;
}

/* ---- opening ---- */

enum status redis_source_check(const struct bridge_spec *spec, struct diag *diag)
{
    enum redis_type type = (enum redis_type)spec->values[OPT_TYPE].number;
    struct bytes keys = keys_of(spec);
    unsigned count = 1;

    if (type < REDIS_LIST) {
        diag_hint(diag, "'redis.type' = 'stream', 'list' or 'channel' can be read");
        return diag_set(diag, ST_UNSUPPORTED, DIAG_UNSUPPORTED, "`%.*s` cannot be read: a %.*s is no sequence of rows",
                        BYTES_FMT(spec->table), BYTES_FMT(spec->values[OPT_TYPE].text));
    }
    for (size_t i = 0; i < keys.len; i++)
        count += keys.ptr[i] == ';';
    if (type == REDIS_STREAM && count > STREAMS_MAX)
        return diag_set(diag, ST_INVALID, DIAG_VALUE, "'redis.key' names %u streams: at most %d are read by a table", count,
                        STREAMS_MAX);
    if (spec->values[OPT_START].number == REDIS_TIMESTAMP && !spec->values[OPT_START_MS].given)
        return diag_set(diag, ST_INVALID, DIAG_VALUE,
                        "'scan.startup.mode' = 'timestamp' needs 'scan.startup.timestamp-millis'");
    return ST_OK;
}

static void add_stream(struct bridge_redis_state *b, struct bytes name)
{
    struct redis_stream *s;

    if (!name.len || name.len > BRIDGE_SPLIT_MAX)
        return;
    b->streams = xrealloc(b->streams, (b->streams_count + 1) * sizeof(*b->streams));
    s = &b->streams[b->streams_count++];
    *s = (struct redis_stream){.name = xcalloc(1, name.len + 1)};
    memcpy(s->name, name.ptr, name.len);
}

void redis_source_open(struct bridge_redis_state *b)
{
    struct bytes rest = keys_of(b->base.spec);

    snprintf(b->position_key, sizeof(b->position_key), "quickwater:taken:%.40s", b->base.spec->identity);
    while (b->type == REDIS_STREAM && rest.len) {
        size_t end = bytes_find(rest, ';', 0);
        add_stream(b, bytes_head(rest, end));
        rest = bytes_skip(rest, end < rest.len ? end + 1 : end);
    }
}

void redis_source_close(struct bridge_redis_state *b)
{
    for (unsigned i = 0; i < b->streams_count; i++)
        free(b->streams[i].name);
    free(b->streams);
}

enum status redis_resume(struct bridge *bridge, struct bytes split, struct bytes position)
{
    struct bridge_redis_state *b = (struct bridge_redis_state *)bridge;

    if (b->type == REDIS_LIST)
        return bytes_to_i64(position, &b->taken) ? ST_OK : ST_CORRUPT;
    for (unsigned i = 0; i < b->streams_count; i++) {
        struct redis_stream *s = &b->streams[i];
        if (!bytes_is(split, s->name))
            continue;
        if (position.len >= sizeof(s->id))
            return ST_CORRUPT;
        snprintf(s->id, sizeof(s->id), "%.*s", BYTES_FMT(position));
    }
    return ST_OK; /* a stream that the table does not name any more */
}

/* ---- what an answer holds ---- */

static struct bytes text_of(const redisReply *reply)
{
    return bytes_of(reply->str, reply->len);
}

static bool is_text(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_STRING;
}

/* The answers are held whole: of what was too much less is asked for next. */
static void pace(struct bridge_redis_state *b, const struct bridge_poll *poll, bool too_large)
{
    if (too_large)
        b->count = b->count > 1 ? b->count / 2 : 1;
    else if (b->count < poll->records_max)
        b->count = b->count ? b->count * 2 : poll->records_max;
    if (b->count > poll->records_max)
        b->count = poll->records_max;
}

/* ---- streams ---- */

static bool is_entry(const redisReply *e)
{
    return e->type == REDIS_REPLY_ARRAY && e->elements == 2 && is_text(e->element[0]) && e->element[0]->len < 48 &&
           (e->element[1]->type == REDIS_REPLY_NIL ||
            (e->element[1]->type == REDIS_REPLY_ARRAY && e->element[1]->elements % 2 == 0));
}

static struct bytes row_of(const redisReply *fields, struct bridge_poll *poll)
{
    struct buf text;
    struct json_writer w;

    buf_init(&text, 0);
    json_writer_init(&w, &text);
    json_object_begin(&w);
    for (size_t i = 0; i + 1 < fields->elements; i += 2) {
        json_key_bytes(&w, text_of(fields->element[i]));
        json_bytes(&w, text_of(fields->element[i + 1]));
    }
    json_object_end(&w);
    struct bytes row = arena_copy(poll->arena, buf_view(&text));
    buf_deinit(&text);
    return row;
}

static const redisReply *field_of(const redisReply *fields, struct bytes name)
{
    for (size_t i = 0; i + 1 < fields->elements; i += 2)
        if (bytes_equal(text_of(fields->element[i]), name))
            return fields->element[i + 1];
    return NULL;
}

static size_t size_of(const redisReply *fields)
{
    size_t bytes = 0;

    for (size_t i = 0; i < fields->elements; i++)
        bytes += fields->element[i]->len;
    return bytes;
}

/* False: the poll is full. */
static bool give_entry(struct bridge_redis_state *b, struct bridge_poll *poll, unsigned stream, const redisReply *e)
{
    const redisReply *fields = e->element[1];
    struct bytes id = text_of(e->element[0]), field = redis_option(b, OPT_FIELD);
    struct bridge_record *r = bridge_poll_record(poll, size_of(fields));

    if (!r)
        return false;
    r->partition = stream;
    (void)bytes_to_i64(bytes_head(id, bytes_find(id, '-', 0)), &r->timestamp_ms);
    bridge_poll_header(poll, r, BYTES_LITERAL("id"), arena_copy(poll->arena, id));
    bridge_poll_header(poll, r, BYTES_LITERAL("stream"), bytes_str(b->streams[stream].name));
    if (!field.len) {
        r->value = row_of(fields, poll);
        return true;
    }
    const redisReply *value = field_of(fields, field);
    r->value = value ? arena_copy(poll->arena, text_of(value)) : row_of(fields, poll);
    if (!value)
        r->never = arena_printf(poll->arena, "entry %.*s of `%.60s` has no field '%.*s'", BYTES_FMT(id),
                                b->streams[stream].name, BYTES_FMT(bytes_head(field, 60)));
    return true;
}

/* False: it is not what XREAD answers. */
static bool give_entries(struct bridge_redis_state *b, struct bridge_poll *poll, unsigned stream,
                         const redisReply *entries, bool *full)
{
    struct redis_stream *s = &b->streams[stream];
    bool moved = false;

    for (size_t i = 0; i < entries->elements; i++) {
        const redisReply *e = entries->element[i];
        if (!is_entry(e))
            return false;
        if (e->element[1]->type == REDIS_REPLY_ARRAY && !give_entry(b, poll, stream, e)) {
            *full = true;
            break;
        }
        snprintf(s->id, sizeof(s->id), "%.*s", (int)e->element[0]->len, e->element[0]->str);
        moved = true;
    }
    if (moved)
        bridge_poll_moved(poll, bytes_str(s->name), bytes_str(s->id));
    return true;
}

static bool give_stream(struct bridge_redis_state *b, struct bridge_poll *poll, const redisReply *one, bool *full)
{
    if (one->type != REDIS_REPLY_ARRAY || one->elements != 2 || !is_text(one->element[0]) ||
        one->element[1]->type != REDIS_REPLY_ARRAY)
        return false;
    for (unsigned i = 0; i < b->streams_count; i++)
        if (bytes_is(text_of(one->element[0]), b->streams[i].name))
            return give_entries(b, poll, i, one->element[1], full);
    return false;
}

/* Where a stream without a position begins: that is kept too, so that a restart begins there. */
static bool begin_stream(struct bridge_redis_state *b, struct bridge_poll *poll, struct redis_stream *s)
{
    const struct bridge_value *v = b->base.spec->values;

    if (v[OPT_START].number == REDIS_LATEST) {
        redis_command(b, "XREVRANGE");
        redis_arg(b, bytes_str(s->name));
        redis_arg(b, bytes_str("+"));
        redis_arg(b, bytes_str("-"));
        redis_arg(b, bytes_str("COUNT"));
        redis_arg_number(b, 1);
        redisReply *reply = redis_answer(b, "XREVRANGE", poll->trouble);
        if (!reply)
            return false;
        snprintf(s->id, sizeof(s->id), "0-0");
        if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 1 && is_entry(reply->element[0]))
            snprintf(s->id, sizeof(s->id), "%.*s", (int)reply->element[0]->element[0]->len,
                     reply->element[0]->element[0]->str);
        freeReplyObject(reply);
    } else if (v[OPT_START].number == REDIS_TIMESTAMP && v[OPT_START_MS].number > 0) /* the last id before it */
        snprintf(s->id, sizeof(s->id), "%lld-18446744073709551615", (long long)v[OPT_START_MS].number - 1);
    else
        snprintf(s->id, sizeof(s->id), "0-0");
    bridge_poll_moved(poll, bytes_str(s->name), bytes_str(s->id));
    return true;
}

static void xread(struct bridge_redis_state *b, const struct bridge_poll *poll)
{
    int64_t wait_ms = b->base.spec->timeout_ms / 2 < poll->wait_ms ? b->base.spec->timeout_ms / 2 : poll->wait_ms;

    redis_command(b, "XREAD");
    redis_arg(b, bytes_str("COUNT"));
    redis_arg_number(b, b->count);
    redis_arg(b, bytes_str("BLOCK"));
    redis_arg_number(b, wait_ms);
    redis_arg(b, bytes_str("STREAMS"));
    for (unsigned i = 0; i < b->streams_count; i++)
        redis_arg(b, bytes_str(b->streams[i].name));
    for (unsigned i = 0; i < b->streams_count; i++)
        redis_arg(b, bytes_str(b->streams[i].id));
}

static void poll_streams(struct bridge_redis_state *b, struct bridge_poll *poll)
{
    bool full = false, good = true;

    for (unsigned i = 0; i < b->streams_count; i++)
        if (!b->streams[i].id[0] && !begin_stream(b, poll, &b->streams[i]))
            return;
    if (poll->moved_count)
        return;
    pace(b, poll, false);
    xread(b, poll);
    redisReply *reply = redis_answer(b, "XREAD", poll->trouble);
    if (!reply)
        return;
    for (size_t i = 0; reply->type == REDIS_REPLY_ARRAY && i < reply->elements && good; i++)
        good = give_stream(b, poll, reply->element[i], &full);
    if (full && poll->count < poll->records_max)
        pace(b, poll, true);
    good &= reply->type == REDIS_REPLY_ARRAY || reply->type == REDIS_REPLY_NIL;
    freeReplyObject(reply);
    if (good)
        return;
    snprintf(poll->trouble, sizeof(poll->trouble), "the answer to XREAD is none of its kind");
    redis_disconnect(b);
}

/* ---- lists ---- */

static void arg_number_key(struct bridge_redis_state *b)
{
    buf_printf(&b->text, "%s:number", b->position_key);
    redis_arg_done(b);
}

/* The batch that is outside, as that number. */
static void give_taken(struct bridge_redis_state *b, struct bridge_poll *poll, const redisReply *items, int64_t number)
{
    size_t bytes = 0;

    for (size_t i = 0; i < items->elements; i++)
        bytes += items->element[i]->len;
    if (items->elements > poll->records_max) /* it was taken when batches were larger */
        poll->records_max = (uint32_t)items->elements;
    if (bytes > poll->bytes_max)
        poll->bytes_max = bytes;
    for (size_t i = 0; i < items->elements; i++) {
        struct bridge_record *r = bridge_poll_record(poll, items->element[i]->len);
        r->timestamp_ms = -1;
        r->value = arena_copy(poll->arena, text_of(items->element[i]));
    }
    b->taken = number;
    if (items->elements)
        bridge_poll_moved(poll, BYTES_LITERAL("list"),
                          bytes_str(arena_printf(poll->arena, "%lld", (long long)number)));
}

static redisReply *taken_items(struct bridge_redis_state *b, char trouble[200])
{
    redis_command(b, "LRANGE");
    redis_arg(b, bytes_str(b->position_key));
    redis_arg_number(b, 0);
    redis_arg_number(b, -1);
    return redis_answer(b, "LRANGE", trouble);
}

/* After a crash or a lost answer: a batch that is outside and not in our log. */
static void recover_taken(struct bridge_redis_state *b, struct bridge_poll *poll)
{
    int64_t number = 0;

    redis_command(b, "GET");
    arg_number_key(b);
    redisReply *reply = redis_answer(b, "GET", poll->trouble);
    if (!reply)
        return;
    bool good = reply->type == REDIS_REPLY_NIL || (is_text(reply) && bytes_to_i64(text_of(reply), &number));
    freeReplyObject(reply);
    if (!good) {
        snprintf(poll->trouble, sizeof(poll->trouble), "%s:number is no number", b->position_key);
        redis_disconnect(b);
        return;
    }
    if (number <= b->taken) {
        b->taken_known = true;
        return;
    }
    reply = taken_items(b, poll->trouble);
    if (!reply)
        return;
    if (reply->type == REDIS_REPLY_ARRAY)
        give_taken(b, poll, reply, number);
    b->taken_known = true;
    freeReplyObject(reply);
}

static int64_t list_length(struct bridge_redis_state *b, char trouble[200])
{
    redis_command(b, "LLEN");
    redis_arg(b, keys_of(b->base.spec));
    redisReply *reply = redis_answer(b, "LLEN", trouble);
    int64_t length = reply && reply->type == REDIS_REPLY_INTEGER ? reply->integer : 0;

    if (reply)
        freeReplyObject(reply);
    return length;
}

static void send_move(struct bridge_redis_state *b, int64_t number, int64_t count)
{
    redis_command(b, "MULTI");
    redis_command_end(b);
    redis_command(b, "DEL");
    redis_arg(b, bytes_str(b->position_key));
    redis_command_end(b);
    redis_command(b, "SET");
    arg_number_key(b);
    redis_arg_number(b, number);
    redis_command_end(b);
    for (int64_t i = 0; i < count; i++) {
        redis_command(b, "LMOVE");
        redis_arg(b, keys_of(b->base.spec));
        redis_arg(b, bytes_str(b->position_key));
        redis_arg(b, bytes_str("LEFT"));
        redis_arg(b, bytes_str("RIGHT"));
        redis_command_end(b);
    }
    redis_command(b, "EXEC");
}

/* The last of the answers to what was sent; NULL: trouble. */
static redisReply *last_answer(struct bridge_redis_state *b, int64_t before, char trouble[200])
{
    redisReply *reply = NULL;
    char refused[120] = "";

    redis_command_end(b);
    for (int64_t i = 0; i <= before; i++) {
        if (reply)
            freeReplyObject(reply);
        reply = NULL;
        if (redisGetReply(b->connection, (void **)&reply) != REDIS_OK || !reply) {
            redis_trouble(b, trouble, "taking from the list", NULL);
            return NULL;
        }
        if (reply->type == REDIS_REPLY_ERROR && !refused[0])
            snprintf(refused, sizeof(refused), "%s", reply->str);
    }
    if (reply->type == REDIS_REPLY_ARRAY)
        return reply;
    snprintf(trouble, 200, "Redis refuses to move from the list: %s", refused[0] ? refused : "EXEC gave nothing");
    freeReplyObject(reply);
    redis_disconnect(b);
    return NULL;
}

static void poll_list(struct bridge_redis_state *b, struct bridge_poll *poll)
{
    if (!b->taken_known) {
        recover_taken(b, poll);
        return;
    }
    int64_t length = list_length(b, poll->trouble);
    pace(b, poll, false);
    int64_t count = length < b->count ? length : b->count;
    poll->rest = !count;
    if (!count)
        return;
    b->taken_known = false; /* until the answer says so */
    send_move(b, b->taken + 1, count);
    redisReply *reply = last_answer(b, count + 3, poll->trouble);
    if (!reply)
        return;
    freeReplyObject(reply);
    reply = taken_items(b, poll->trouble);
    if (!reply)
        return;
    size_t bytes_max = poll->bytes_max;
    if (reply->type == REDIS_REPLY_ARRAY) {
        give_taken(b, poll, reply, b->taken + 1);
        b->taken_known = true;
    }
    freeReplyObject(reply);
    if (poll->bytes > bytes_max)
        pace(b, poll, true);
    poll->behind = length - count;
}

/* ---- channels ---- */

static bool readable(int fd, int wait_ms)
{
    struct pollfd of = {.fd = fd, .events = POLLIN};

    return poll(&of, 1, wait_ms) != 0;
}

static bool subscribed(struct bridge_redis_state *b, char trouble[200])
{
    if (b->connection)
        return true;
    if (!redis_connected(b, trouble))
        return false;
    b->asked = false;
    redis_command(b, "SUBSCRIBE");
    redis_arg(b, keys_of(b->base.spec));
    return redis_simple(b, "SUBSCRIBE", trouble);
}

static void give_message(struct bridge_redis_state *b, struct bridge_poll *poll, const redisReply *reply)
{
    b->asked = false; /* it lives */
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 3 || !is_text(reply->element[0]) ||
        !bytes_is(text_of(reply->element[0]), "message") || !is_text(reply->element[2]))
        return; /* an answer to PING */
    struct bridge_record *r = bridge_poll_record(poll, reply->element[2]->len);
    if (!r) { /* the bytes' bound, by this one alone */
        poll->bytes_max += reply->element[2]->len;
        r = bridge_poll_record(poll, reply->element[2]->len);
    }
    r->timestamp_ms = -1;
    r->value = arena_copy(poll->arena, text_of(reply->element[2]));
}

/* What has been read; false: the connection is at its end. */
static bool drain_messages(struct bridge_redis_state *b, struct bridge_poll *poll)
{
    while (poll->count < poll->records_max && poll->bytes < poll->bytes_max) {
        redisReply *reply = NULL;
        if (redisGetReplyFromReader(b->connection, (void **)&reply) != REDIS_OK)
            return redis_trouble(b, poll->trouble, "SUBSCRIBE", NULL);
        if (!reply)
            break;
        give_message(b, poll, reply);
        freeReplyObject(reply);
    }
    return true;
}

/* A connection that nothing comes from is asked whether it lives. */
static void ping(struct bridge_redis_state *b, struct bridge_poll *poll)
{
    int done = 0;

    if (b->asked) {
        snprintf(poll->trouble, sizeof(poll->trouble), "Redis does not answer PING");
        redis_disconnect(b);
        return;
    }
    b->asked = true;
    redis_command(b, "PING");
    redis_command_end(b);
    while (!done)
        if (redisBufferWrite(b->connection, &done) != REDIS_OK) {
            redis_trouble(b, poll->trouble, "PING", NULL);
            return;
        }
}

static void poll_channel(struct bridge_redis_state *b, struct bridge_poll *poll)
{
    if (!subscribed(b, poll->trouble) || !drain_messages(b, poll) || poll->count)
        return;
    int64_t wait_ms = b->asked ? b->base.spec->timeout_ms : poll->wait_ms;
    if (wait_ms > 2000)
        wait_ms = 2000;
    if (!readable(b->connection->fd, (int)wait_ms)) {
        ping(b, poll);
        return;
    }
    if (redisBufferRead(b->connection) != REDIS_OK)
        redis_trouble(b, poll->trouble, "SUBSCRIBE", NULL);
    else
        (void)drain_messages(b, poll);
}

void redis_poll(struct bridge *bridge, struct bridge_poll *poll)
{
    struct bridge_redis_state *b = (struct bridge_redis_state *)bridge;

    if (b->type == REDIS_CHANNEL) {
        poll_channel(b, poll);
        return;
    }
    if (!redis_connected(b, poll->trouble))
        return;
    if (b->type == REDIS_LIST)
        poll_list(b, poll);
    else
        poll_streams(b, poll);
}
