/* quickwater completion: a script for the shell, which asks `quickwater completion words -- WORD…` what may
 * stand for the last of them. Names of topics, groups, jobs and so on come from the server, if one answers. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/cli/client.h"
#include "app/cli/commands.h"
#include "app/cli/kafka_client.h"

static const struct {
    const char *shell, *script;
} scripts[] = {
    {"bash", "_quickwater() {\n"
             "    local IFS=$'\\n'\n"
             "    COMPREPLY=($(quickwater completion words -- \"${COMP_WORDS[@]:1:COMP_CWORD}\" 2>/dev/null))\n"
             "}\n"
             "complete -o default -F _quickwater quickwater\n"},
    {"zsh", "#compdef quickwater\n"
            "_quickwater() {\n"
            "    local -a found\n"
            "    found=(\"${(@f)$(quickwater completion words -- \"${(@)words[2,CURRENT]}\" 2>/dev/null)}\")\n"
            "    if [[ -n $found[1] ]]; then compadd -- $found; else _files; fi\n"
            "}\n"
            "compdef _quickwater quickwater\n"},
    {"fish", "function __quickwater_words\n"
             "    set -l typed (commandline -opc)\n"
             "    quickwater completion words -- $typed[2..-1] (commandline -ct) 2>/dev/null\n"
             "end\n"
             "complete -c quickwater -a '(__quickwater_words)'\n"},
};

static void say_if(const char *word, const char *begin)
{
    if (strncmp(word, begin, strlen(begin)) == 0)
        puts(word);
}

static void say_actions(const char *actions, const char *begin)
{
    char *copy = strdup(actions), *state = NULL;

    for (char *word = strtok_r(copy, " ", &state); word; word = strtok_r(NULL, " ", &state))
        say_if(word, begin);
    free(copy);
}

/* A name with what a shell or a terminal would not take as it is stays unsaid. */
static void say_name(void *context, struct bytes name)
{
    const char *begin = context;

    for (size_t i = 0; i < name.len; i++)
        if (name.ptr[i] <= ' ' || name.ptr[i] >= 0x7f || strchr("\"'\\$`", name.ptr[i]))
            return;
    if (name.len >= strlen(begin) && memcmp(name.ptr, begin, strlen(begin)) == 0)
        printf("%.*s\n", BYTES_FMT(name));
}

/* The server that the words name, or the usual one; what they say of who we are comes from the environment. */
static void say_names(const struct command *command, char **words, int count)
{
    struct kafka_link link = {.quiet = true};
    struct kafka_client *client = NULL;

    for (int i = 0; i + 1 < count; i++) {
        if (strcmp(words[i], "--kafka") == 0)
            link.servers = words[i + 1];
        if (strcmp(words[i], "--tls") == 0)
            link.tls = true;
    }
    if (kafka_link_settle(&link) == 0)
        client = kafka_client_open(&link);
    if (client) {
        command->names(client, say_name, words[count - 1]);
        kafka_client_close(client);
    }
    kafka_link_forget(&link);
}

/* What "PATH MEMBER" of the server lists. */
static void say_listed(const struct command *command, char **words, int count)
{
    const char *url = CLIENT_URL_DEFAULT, *member = strchr(command->listed, ' ') + 1;
    char *path = strndup(command->listed, (size_t)(member - command->listed - 1));
    struct client_answer answer;
    size_t i;
    json_t *row;

    for (int k = 0; k + 1 < count; k++)
        if (strcmp(words[k], "--url") == 0)
            url = words[k + 1];
    client_request(url, "GET", path, NULL, NULL, 0, &answer);
    json_array_foreach(answer.json, i, row)
    {
        const char *name = json_string_value(json_object_get(row, member));
        if (name)
            say_name(words[count - 1], bytes_str(name));
    }
    client_free(&answer);
    free(path);
}

/* Which of the words that is typed at the end is, options and what belongs to them not counted. */
static int place_of(char **words, int count)
{
    int place = 0;

    for (int i = 1; i + 1 < count; i++) {
        bool option = words[i][0] == '-' && words[i][1];
        place += !option;
        i += option && !strchr(words[i], '='); /* its value; no command that has choices has flags */
    }
    return place;
}

static bool is_action(const struct command *command, const char *word)
{
    const char *at = strstr(command->actions, word);
    size_t len = strlen(word);

    return len && at && (at == command->actions || at[-1] == ' ') && (at[len] == ' ' || !at[len]);
}

/* words[0] is the command's name, the last what is being typed. */
static int say_words(char **words, int count)
{
    const struct command *command = NULL;
    const char *typed = count ? words[count - 1] : "";
    char *option = NULL;

    for (int i = 0; commands[i]; i++) {
        if (count <= 1)
            say_if(commands[i]->name, typed);
        else if (strcmp(commands[i]->name, words[0]) == 0)
            command = commands[i];
    }
    if (!command)
        return 0;
    if (typed[0] == '-' && asprintf(&option, ARGS_WORDS "%s", typed) >= 0) {
        char *argv[] = {words[0], option, NULL};
        command->run(command, 2, argv);
        free(option);
    } else if (count == 2 && command->actions) {
        say_actions(command->actions, typed);
    } else if (count > 2 && command->actions && is_action(command, words[1]) && words[count - 2][0] != '-') {
        if (command->choices && place_of(words, count) == 2)
            say_actions(command->choices, typed);
        else if (command->listed)
            say_listed(command, words, count);
        else if (command->names)
            say_names(command, words, count);
    }
    return 0;
}

static int run(const struct command *self, int argc, char **argv)
{
    static const struct arg args[] = {{0}};

    if (argc >= 3 && strcmp(argv[1], "words") == 0 && strcmp(argv[2], "--") == 0) {
        int null = open("/dev/null", O_WRONLY);
        if (null >= 0)
            dup2(null, STDERR_FILENO); /* a Tab says nothing of what is wrong */
        return say_words(argv + 3, argc - 3);
    }
    int count = args_parse(self, args, argc, argv);
    if (count < 0)
        return count == -1 ? 0 : EXIT_USER;
    for (size_t i = 0; count == 1 && i < sizeof(scripts) / sizeof(*scripts); i++)
        if (strcmp(argv[1], scripts[i].shell) == 0) {
            fputs(scripts[i].script, stdout);
            return 0;
        }
    return count == 1 ? fail_user("completion: there is none for '%s'; one of bash, zsh, fish", argv[1])
                      : fail_user("completion needs one shell: quickwater completion bash");
}

const struct command command_completion = {
    .name = "completion",
    .usage = "bash | zsh | fish",
    .help = "a script that completes commands, options and names in a shell",
    .more = "bash: source <(quickwater completion bash)\n"
            "zsh:  source <(quickwater completion zsh)\n"
            "fish: quickwater completion fish | source",
    .actions = "bash zsh fish",
    .run = run,
};
