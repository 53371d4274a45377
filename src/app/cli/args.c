#include "app/cli/args.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

void print_safely(FILE *to, const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        fputc((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f ? '?' : c, to);
    }
}

static void say(const char *format, va_list args)
{
    char *text = NULL;

    fputs("quickwater: ", stderr);
    if (vasprintf(&text, format, args) >= 0)
        print_safely(stderr, text);
    free(text);
    fputc('\n', stderr);
}

int fail_user(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say(format, args);
    va_end(args);
    return EXIT_USER;
}

int fail_ours(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say(format, args);
    va_end(args);
    return EXIT_OURS;
}

void args_help(const struct command *command, const struct arg *args)
{
    printf("usage: quickwater %s %s\n\n%s\n", command->name, command->usage, command->help);
    if (command->more)
        printf("\n%s\n", command->more);
    printf("\noptions:\n");
    for (; args->name; args++) {
        char left[48];
        snprintf(left, sizeof(left), "%s%s%s", args->name, args->value ? " " : "",
                 args->value ? args->value : "");
        printf("  %-24s %s\n", left, args->help);
    }
    printf("  %-24s %s\n", "--help", "this text");
    if (command->tail)
        command->tail();
}

static const struct arg *find(const struct arg *args, const char *name, size_t len)
{
    for (; args->name; args++)
        if (strlen(args->name) == len && memcmp(args->name, name, len) == 0)
            return args;
    return NULL;
}

static int store(const struct command *command, const struct arg *arg, const char *value)
{
    int64_t number;

    if (arg->kind == ARG_FLAG) {
        *(bool *)arg->to = true;
        return 0;
    }
    if (!value) {
        fail_user("%s: option %s needs a value: %s %s", command->name, arg->name, arg->name,
                  arg->value);
        return -2;
    }
    if (arg->kind == ARG_TEXT) {
        *(const char **)arg->to = value;
        return 0;
    }
    if (!bytes_to_i64(bytes_str(value), &number) || number < 0) {
        fail_user("%s: option %s: '%s' is not a whole number of 0 or more", command->name,
                  arg->name, value);
        return -2;
    }
    *(int64_t *)arg->to = number;
    return 0;
}

static void print_words(const struct arg *args, const char *begin)
{
    for (; args->name; args++)
        if (strncmp(args->name, begin, strlen(begin)) == 0)
            puts(args->name);
    if (strncmp("--help", begin, strlen(begin)) == 0)
        puts("--help");
}

int args_parse(const struct command *command, const struct arg *args, int argc, char **argv)
{
    int kept = 0;
    bool only_positional = false;

    if (argc == 2 && strncmp(argv[1], ARGS_WORDS, strlen(ARGS_WORDS)) == 0) {
        print_words(args, argv[1] + strlen(ARGS_WORDS));
        return -1;
    }
    for (int i = 1; i < argc; i++) {
        char *word = argv[i];
        if (only_positional || word[0] != '-' || word[1] == 0) {
            argv[++kept] = word;
            continue;
        }
        if (strcmp(word, "--") == 0) {
            only_positional = true;
            continue;
        }
        if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
            args_help(command, args);
            return -1;
        }
        char *equals = strncmp(word, "--", 2) == 0 ? strchr(word, '=') : NULL;
        const struct arg *arg = find(args, word, equals ? (size_t)(equals - word) : strlen(word));
        if (!arg) {
            fail_user("%s: there is no option '%s'; see quickwater %s --help", command->name, word,
                      command->name);
            return -2;
        }
        const char *value = equals ? equals + 1 : NULL;
        if (!value && arg->kind != ARG_FLAG && i + 1 < argc)
            value = argv[++i];
        int st = store(command, arg, value);
        if (st < 0)
            return st;
    }
    return kept;
}
