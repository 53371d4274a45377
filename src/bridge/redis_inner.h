/* redis_inner.h: what redis.c (the sink, and the table of options), redis_source.c and redis_link.c (connection,
 * commands) share. Nobody else includes it.   Layer: bridge.
 */
#ifndef QW_BRIDGE_REDIS_INNER_H
#define QW_BRIDGE_REDIS_INNER_H

#include <hiredis/hiredis.h>

#include "base/buf.h"
#include "bridge/systems.h"

enum { OPT_HOST, OPT_PORT, OPT_USER, OPT_PASSWORD, OPT_DATABASE, OPT_TYPE, OPT_KEY, OPT_PREFIX, OPT_SEPARATOR,
       OPT_TTL, OPT_MAXLEN, OPT_FIELD, OPT_START, OPT_START_MS, OPTIONS };
enum redis_type { REDIS_STRING, REDIS_HASH, REDIS_ZSET, REDIS_LIST, REDIS_STREAM, REDIS_CHANNEL };
enum redis_start { REDIS_EARLIEST, REDIS_LATEST, REDIS_TIMESTAMP };

/* A stream that is read. */
struct redis_stream {
    char *name;
    char id[48]; /* of the last entry that was given; empty: none yet */
};

struct bridge_redis_state {
    struct bridge base;
    enum redis_type type;
    redisContext *connection; /* NULL: none */
    struct buf text;          /* of one command's arguments */
    size_t *ends;             /* of each in text */
    int args, args_cap;
    char position_key[80];
    /* of a source */
    struct redis_stream *streams;
    unsigned streams_count;
    uint32_t count;          /* entries asked for at a time: fewer where they are large */
    int64_t taken;           /* of a list: the number of the last batch that is in our log */
    bool taken_known, asked; /* what of it is outside; of a channel: a PING is under way */
};

struct bytes redis_option(const struct bridge_redis_state *b, int option);

/* One command: its name, arguments, and into the connection's output. */
void redis_command(struct bridge_redis_state *b, const char *name);
void redis_arg(struct bridge_redis_state *b, struct bytes text);
void redis_arg_number(struct bridge_redis_state *b, long long n);
void redis_arg_done(struct bridge_redis_state *b); /* what was written to text is an argument */
void redis_command_end(struct bridge_redis_state *b);

/* False, all of them, with what went wrong: then there is no connection any more. */
bool redis_connected(struct bridge_redis_state *b, char to[200]);
bool redis_trouble(struct bridge_redis_state *b, char to[200], const char *doing, const redisReply *reply);
bool redis_simple(struct bridge_redis_state *b, const char *doing, char to[200]); /* ends the command */
/* The answer to the command, which is ended here; NULL: trouble, also where Redis says that it is an error. */
redisReply *redis_answer(struct bridge_redis_state *b, const char *doing, char to[200]);
/* Sends EXEC behind MULTI and so many commands: what it answers, an array; NULL: trouble. */
redisReply *redis_exec(struct bridge_redis_state *b, const char *doing, size_t queued, char to[200]);
void redis_disconnect(struct bridge_redis_state *b);
/* The key of a row's string or hash: rows has the table's columns. */
void redis_arg_key(struct bridge_redis_state *b, const struct chunk *rows, uint16_t row);

/* ---- redis_source.c ---- */
enum status redis_source_check(const struct bridge_spec *spec, struct diag *diag) MUST_CHECK;
void redis_source_open(struct bridge_redis_state *b);
void redis_source_close(struct bridge_redis_state *b);
enum status redis_resume(struct bridge *bridge, struct bytes split, struct bytes position);
void redis_poll(struct bridge *bridge, struct bridge_poll *poll);

/* ---- redis_lookup.c ---- */
enum status redis_lookup_check(const struct bridge_spec *spec, struct diag *diag) MUST_CHECK;
bool redis_answers_values(const struct bridge_spec *spec);
void redis_lookup(struct bridge *bridge, struct bridge_lookup *lookup);

#endif
