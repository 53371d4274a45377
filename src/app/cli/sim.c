#include "app/cli/commands.h"

static int run(const struct command *self, int argc, char **argv)
{
    (void)self;
    (void)argc;
    (void)argv;
    return fail_user("sim is not built yet");
}

const struct command command_sim = {
    .name = "sim",
    .usage = "--seed S [--ticks N]",
    .help = "one simulated run with faults (not built yet)",
    .run = run,
};
