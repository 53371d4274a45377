#include "app/cli/commands.h"

static int run(const struct command *self, int argc, char **argv)
{
    static const struct arg args[] = {{0}};
    int count = args_parse(self, args, argc, argv);

    if (count < 0)
        return count == -1 ? 0 : EXIT_USER;
    return fail_user("replay is not built yet: a job's ticks are noted and kept, the command that "
                     "shows one again is still to come");
}

const struct command command_replay = {
    .name = "replay",
    .usage = "JOB --from TICK [--to TICK]",
    .help = "run a moment again (not built yet)",
    .run = run,
};
