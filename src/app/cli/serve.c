#include <stdio.h>

#include "app/cli/commands.h"
#include "app/cli/serving.h"

static int serve(const struct serving *serving)
{
    qw *q;

    serving_block_signals();
    int code = serving_open(serving, &q);
    if (code)
        return code;
    serving_wait_signal(-1);
    qw_close(q);
    return 0;
}

static int run(const struct command *self, int argc, char **argv)
{
    struct serving serving;
    int count = serving_init(&serving, self, "./quickwater-data", argc, argv), code;

    if (count < 0)
        code = count == -1 ? 0 : EXIT_USER;
    else if (count > 0)
        code = fail_user("serve takes no argument '%s'", argv[1]);
    else
        code = serve(&serving);
    serving_deinit(&serving);
    return code;
}

const struct command command_serve = {
    .name = "serve",
    .usage = "[--data DIR] [--config FILE]",
    .help = "the server",
    .more = "Listens on 127.0.0.1 unless told otherwise. When all listeners accept it prints one line\n"
            "'ready kafka=HOST:PORT http=HOST:PORT …'. SIGTERM and SIGINT stop it cleanly.",
    .tail = serving_help,
    .run = run,
};
