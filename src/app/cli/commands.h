/* commands.h: the subcommands, one file each.       Layer: app. */
#ifndef QW_APP_CLI_COMMANDS_H
#define QW_APP_CLI_COMMANDS_H

#include "app/cli/args.h"

extern const struct command command_serve, command_run, command_sql, command_topic, command_group, command_txn,
    command_acl, command_user, command_job, command_bridge, command_bench, command_replay, command_check, command_sim,
    command_completion, command_version;

extern const struct command *const commands[]; /* all of them, then NULL */

#endif
