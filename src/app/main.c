/* The quickwater command: finds the subcommand and runs it. */
#include <stdio.h>
#include <string.h>

#include "app/cli/commands.h"

const struct command *const commands[] = {
    &command_serve, &command_run,        &command_sql,     &command_topic, &command_group,  &command_txn,
    &command_acl,   &command_user,       &command_job,     &command_bridge, &command_bench, &command_replay, &command_check,
    &command_sim,   &command_completion, &command_version, NULL,
};

static void help(FILE *to)
{
    fprintf(to, "Quickwater: events in, streaming SQL, answers out; one program, one log.\n\n"
                "usage: quickwater COMMAND [OPTIONS]\n\n");
    for (int i = 0; commands[i]; i++)
        fprintf(to, "  %-10s %s\n", commands[i]->name, commands[i]->help);
    fprintf(to, "\nquickwater COMMAND --help tells more of one.\n");
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        help(stderr);
        return EXIT_USER;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        help(stdout);
        return 0;
    }
    if (strcmp(argv[1], "--version") == 0)
        return command_version.run(&command_version, argc - 1, argv + 1);
    for (int i = 0; commands[i]; i++)
        if (strcmp(argv[1], commands[i]->name) == 0)
            return commands[i]->run(commands[i], argc - 1, argv + 1);
    return fail_user("there is no command '%s'; see quickwater --help", argv[1]);
}
