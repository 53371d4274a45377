/* serving.h: what `serve` and `run` share: the listeners' options, the line `ready …`, signals.
 * Layer: app. */
#ifndef QW_APP_CLI_SERVING_H
#define QW_APP_CLI_SERVING_H

#include "app/cli/args.h"
#include "quickwater.h"

struct serving {
    const char *data, *config, *listen[4]; /* kafka, http, pg, redis */
    int64_t shards;
    bool insecure;
};

/* The rows of an arg table that fill it; use as  SERVING_ARGS(serving), {0}  */
#define SERVING_ARGS(s)                                                                            \
    {"--data", "DIR", "where the log and the checkpoints live", ARG_TEXT, &(s).data},              \
        {"--kafka", "HOST:PORT", "Kafka protocol; port 0: any free one; off: none", ARG_TEXT,      \
         &(s).listen[0]},                                                                          \
        {"--http", "HOST:PORT", "HTTP API and dashboard", ARG_TEXT, &(s).listen[1]},               \
        {"--pg", "HOST:PORT", "PostgreSQL protocol (not built yet)", ARG_TEXT, &(s).listen[2]},                    \
        {"--redis", "HOST:PORT", "Redis protocol (not built yet)", ARG_TEXT, &(s).listen[3]},                      \
        {"--shards", "P", "shards, each a thread's worth of work (default 1)", ARG_NUMBER,         \
         &(s).shards},                                                                             \
        {"--insecure", NULL, "listen where others can reach, without TLS or authentication",       \
         ARG_FLAG, &(s).insecure}

/* Opens and prints `ready kafka=HOST:PORT …`. Gives an exit code, 0 for open. */
int serving_open(const struct serving *serving, qw **out);

/* From here on SIGINT and SIGTERM are taken by serving_wait. Before serving_open: its threads inherit
 * the mask. */
void serving_block_signals(void);
/* Waits for SIGINT or SIGTERM, at most timeout_ms (< 0: for ever); true when one came. */
bool serving_wait_signal(int64_t timeout_ms);

/* Prints an error of the library; of a script's text with its line and a caret when text is given. */
int serving_fail(const qw_error *error, const char *file, const char *text);

#endif
