#include <inttypes.h>
#include <stdio.h>

#include "app/cli/commands.h"
#include "os/os.h"
#include "store/log/log.h"

static void report(void *context, const char *file, uint64_t pos, const char *what)
{
    (*(int *)context)++;
    printf("%s: at byte %" PRIu64 ": %s\n", file, pos, what);
}

static int run(const struct command *self, int argc, char **argv)
{
    static const struct arg args[] = {{0}};
    int count = args_parse(self, args, argc, argv), damages = 0;

    if (count < 0)
        return count == -1 ? 0 : EXIT_USER;
    if (count != 1)
        return fail_user("check needs one folder: quickwater check DIR");
    struct os_stat stat;
    if (os_path_stat(os_posix(), argv[1], &stat) != ST_OK || !stat.is_dir)
        return fail_user("there is no folder '%s'", argv[1]);
    enum status st = log_check(os_posix(), argv[1], report, &damages);
    if (st == ST_AGAIN)
        return fail_user("'%s' is open in another process; stop it first", argv[1]);
    if (st != ST_OK && damages == 0)
        return fail_ours("'%s' cannot be checked: %s", argv[1], status_text(st));
    printf("%s: %s (%d damaged place%s)\n", argv[1], damages ? "DAMAGED" : "whole", damages,
           damages == 1 ? "" : "s");
    return damages ? EXIT_OURS : 0;
}

const struct command command_check = {
    .name = "check",
    .usage = "DIR",
    .help = "verify a data directory that no server has open",
    .more = "Reads every block of the write-ahead log, every batch, index and snapshot. Exit code 1 and\n"
            "the place of each damage when anything fails its check.",
    .run = run,
};
