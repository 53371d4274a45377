/* redis_link.c: see redis_inner.h. */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "bridge/redis_inner.h"

struct bytes redis_option(const struct bridge_redis_state *b, int option)
{
    return b->base.spec->values[option].text;
}

/* ---- commands ---- */

void redis_arg_done(struct bridge_redis_state *b)
{
    if (b->args == b->args_cap) {
        b->args_cap = b->args_cap ? b->args_cap * 2 : 16;
        b->ends = xrealloc(b->ends, (size_t)b->args_cap * sizeof(*b->ends));
    }
    b->ends[b->args++] = b->text.len;
}

void redis_arg(struct bridge_redis_state *b, struct bytes text)
{
    buf_bytes(&b->text, text);
    redis_arg_done(b);
}

void redis_command(struct bridge_redis_state *b, const char *name)
{
    buf_clear(&b->text);
    b->args = 0;
    redis_arg(b, bytes_str(name));
}

void redis_arg_number(struct bridge_redis_state *b, long long n)
{
    buf_printf(&b->text, "%lld", n);
    redis_arg_done(b);
}

void redis_command_end(struct bridge_redis_state *b)
{
    const char **argv = xmalloc((size_t)b->args * sizeof(*argv));
    size_t *lens = xmalloc((size_t)b->args * sizeof(*lens)), from = 0;

    buf_reserve(&b->text, 1); /* so that ptr is not NULL */
    for (int i = 0; i < b->args; i++) {
        argv[i] = (const char *)b->text.ptr + from;
        lens[i] = b->ends[i] - from;
        from = b->ends[i];
    }
    redisAppendCommandArgv(b->connection, b->args, argv, lens);
    free(argv);
    free(lens);
}

void redis_disconnect(struct bridge_redis_state *b)
{
    if (b->connection)
        redisFree(b->connection);
    b->connection = NULL;
}

/* ---- the connection ---- */

bool redis_trouble(struct bridge_redis_state *b, char to[200], const char *doing, const redisReply *reply)
{
    const char *why = reply ? reply->str : b->connection ? b->connection->errstr : "no memory";

    snprintf(to, 200, "%.60s: %.120s", doing, why && why[0] ? why : "the connection was closed");
    redis_disconnect(b);
    return false;
}

redisReply *redis_answer(struct bridge_redis_state *b, const char *doing, char to[200])
{
    redisReply *reply = NULL;

    redis_command_end(b);
    if (redisGetReply(b->connection, (void **)&reply) == REDIS_OK && reply && reply->type != REDIS_REPLY_ERROR)
        return reply;
    redis_trouble(b, to, doing, reply);
    if (reply)
        freeReplyObject(reply);
    return NULL;
}

bool redis_simple(struct bridge_redis_state *b, const char *doing, char to[200])
{
    redisReply *reply = redis_answer(b, doing, to);

    if (reply)
        freeReplyObject(reply);
    return reply != NULL;
}

static bool greet(struct bridge_redis_state *b, char to[200])
{
    const struct bridge_value *v = b->base.spec->values;

    if (v[OPT_PASSWORD].given) {
        redis_command(b, "AUTH");
        if (v[OPT_USER].given)
            redis_arg(b, v[OPT_USER].text);
        redis_arg(b, v[OPT_PASSWORD].text);
        if (!redis_simple(b, "AUTH", to))
            return false;
    }
    if (!v[OPT_DATABASE].number)
        return true;
    redis_command(b, "SELECT");
    redis_arg_number(b, v[OPT_DATABASE].number);
    return redis_simple(b, "SELECT", to);
}

bool redis_connected(struct bridge_redis_state *b, char to[200])
{
    const struct bridge_spec *spec = b->base.spec;
    struct timeval limit = {spec->timeout_ms / 1000, spec->timeout_ms % 1000 * 1000};
    char host[256], doing[120];

    if (b->connection)
        return true;
    snprintf(host, sizeof(host), "%.*s", BYTES_FMT(redis_option(b, OPT_HOST)));
    b->connection = redisConnectWithTimeout(host, (int)spec->values[OPT_PORT].number, limit);
    snprintf(doing, sizeof(doing), "Redis at %.80s:%lld", host, (long long)spec->values[OPT_PORT].number);
    if (!b->connection || b->connection->err)
        return redis_trouble(b, to, doing, NULL);
    if (redisSetTimeout(b->connection, limit) != REDIS_OK)
        return redis_trouble(b, to, doing, NULL);
    return greet(b, to);
}

redisReply *redis_exec(struct bridge_redis_state *b, const char *doing, size_t queued, char to[200])
{
    redisReply *reply = NULL;
    char refused[160] = "";

    redis_command(b, "EXEC");
    redis_command_end(b);
    for (size_t i = 0; i <= queued + 1; i++) {
        if (reply)
            freeReplyObject(reply);
        reply = NULL;
        if (redisGetReply(b->connection, (void **)&reply) != REDIS_OK || !reply) {
            redis_trouble(b, to, doing, NULL);
            return NULL;
        }
        if (reply->type == REDIS_REPLY_ERROR && !refused[0])
            snprintf(refused, sizeof(refused), "%s", reply->str);
    }
    if (reply->type == REDIS_REPLY_ARRAY)
        return reply;
    snprintf(to, 200, "Redis refuses the batch: %s", refused[0] ? refused : "EXEC gave nothing");
    freeReplyObject(reply);
    redis_disconnect(b);
    return NULL;
}
