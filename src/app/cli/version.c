#include <stdio.h>

#include "app/cli/commands.h"
#include "app/version.h"

static int run(const struct command *self, int argc, char **argv)
{
    static const struct arg args[] = {{0}};
    int count = args_parse(self, args, argc, argv);

    if (count < 0)
        return count == -1 ? 0 : EXIT_USER;
    if (count > 0)
        return fail_user("version takes no argument '%s'", argv[1]);
    printf("quickwater %s (%s)\n", version_number(), version_commit());
    return 0;
}

const struct command command_version = {
    .name = "version", .usage = "", .help = "print version and commit", .run = run};
