#include <stdio.h>

#include "app/cli/commands.h"
#include "app/cli/serving.h"

static int run(const struct command *self, int argc, char **argv)
{
    struct serving serving = {
        .data = "./quickwater-data",
        .listen = {"127.0.0.1:9092", "127.0.0.1:8088"},
    };
    const struct arg args[] = {
        SERVING_ARGS(serving),
        {"--config", "FILE", "options as lines 'name = value' (not built yet)", ARG_TEXT,
         &serving.config},
        {0}};
    int count = args_parse(self, args, argc, argv);
    qw *q;

    if (count < 0)
        return count == -1 ? 0 : EXIT_USER;
    if (count > 0)
        return fail_user("serve takes no argument '%s'", argv[1]);
    if (serving.config)
        return fail_user("serve: --config is not built yet; give its options on the command line");
    serving_block_signals();
    int code = serving_open(&serving, &q);
    if (code)
        return code;
    serving_wait_signal(-1);
    qw_close(q);
    return 0;
}

const struct command command_serve = {
    .name = "serve",
    .usage = "[--data DIR] [--config FILE]",
    .help = "the server",
    .more = "Listens on 127.0.0.1 unless told otherwise. When all listeners accept it prints one line\n"
            "'ready kafka=HOST:PORT http=HOST:PORT …'. SIGTERM and SIGINT stop it cleanly.",
    .run = run,
};
