/* args.h: the options of a subcommand, as one table: parsing, errors and --help come from it.
 *
 * Errors go to standard error as `quickwater: …` and end in exit code 2: a mistake of the user's.
 * Layer: app.
 */
#ifndef QW_APP_CLI_ARGS_H
#define QW_APP_CLI_ARGS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/bytes.h"

struct kafka_client;

enum arg_kind { ARG_TEXT, ARG_NUMBER, ARG_FLAG };

struct arg {
    const char *name;  /* "--data" */
    const char *value; /* "DIR": how help shows it; NULL for a flag */
    const char *help;
    enum arg_kind kind;
    void *to;          /* const char **, int64_t *, bool * */
};

struct command {
    const char *name;      /* "serve" */
    const char *usage;     /* "[--data DIR] …", of the positional arguments */
    const char *help;      /* one line */
    const char *more;      /* further text of --help, or NULL */
    const char *actions;   /* "list create …": what may come first, for completion; or NULL */
    /* Of what the second argument may be, for completion, or NULL: gives each to say; silent in failure. */
    void (*names)(struct kafka_client *client, void (*say)(void *context, struct bytes name), void *context);
    const char *listed;    /* or "PATH MEMBER": what the HTTP face lists there; or NULL */
    const char *choices;   /* of what the third may be: words between spaces; or NULL */
    void (*tail)(void);    /* prints what --help ends in, or NULL */
    int (*run)(const struct command *self, int argc, char **argv); /* gives the exit code */
};

#define ARGS_WORDS "--words="

enum { EXIT_OURS = 1, EXIT_USER = 2 };

/* Takes options out of argv (argv[0] is the command's name) and leaves what is positional, in order, in
 * argv[1..]; gives their count. -1: --help was printed, exit with 0; -2: an error was printed. The table
 * ends in an entry without a name. For completion, "--words=--pa" alone prints the options that begin so: -1. */
int args_parse(const struct command *command, const struct arg *args, int argc, char **argv);

void args_help(const struct command *command, const struct arg *args);

/* What a terminal would obey is shown as '?': texts may come from a server. Line ends and tabs stay. */
void print_safely(FILE *to, const char *text);

/* "quickwater: " and the text, so printed, to standard error; gives EXIT_USER or EXIT_OURS for return. */
int fail_user(const char *format, ...) __attribute__((format(printf, 1, 2)));
int fail_ours(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
