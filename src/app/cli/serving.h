/* serving.h: what `serve` and `run` share: a server's settings from file and command line, the line
 * `ready …`, signals.       Layer: app. */
#ifndef QW_APP_CLI_SERVING_H
#define QW_APP_CLI_SERVING_H

#include "app/cli/args.h"
#include "app/config.h"
#include "quickwater.h"

struct serving {
    struct config config;
    const char *file;                /* --config */
    const char *words[CONFIG_KEYS];  /* of the command line; NULL: not given */
    bool flags[CONFIG_KEYS];
    struct arg args[CONFIG_KEYS + 2];
};

/* Parses the command line, then applies defaults, file and command line, in that order. Gives what
 * args_parse gives, the count of positional arguments or a negative. data_usual: --data unless it is
 * said; NULL: in memory. serving_deinit in any case. */
int serving_init(struct serving *serving, const struct command *command, const char *data_usual,
                 int argc, char **argv);
void serving_deinit(struct serving *serving);
/* Of --help: the settings of a file. */
void serving_help(void);

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
