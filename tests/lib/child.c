#include "lib/child.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

void give_up(const char *format, ...)
{
    va_list args;

    fputs("FAIL ", stdout);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("\n0 passed, 1 failed\n");
    exit(1);
}

static void run_child(const struct child *child, int out)
{
    char shards[16];
    snprintf(shards, sizeof(shards), "%u", child->shards ? child->shards : 1);
    dup2(out, 1);
    execl(child->binary, child->binary, "serve", "--data", child->dir, "--kafka", "127.0.0.1:0",
          "--http", "127.0.0.1:0", "--pg", "off", "--redis", "off", "--shards", shards, (char *)NULL);
    _exit(127);
}

static void take_address(const char *line, const char *name, char *to, size_t size)
{
    const char *at = strstr(line, name);
    if (!at)
        give_up("no %s in '%s'", name, line);
    at += strlen(name);
    snprintf(to, size, "%.*s", (int)strcspn(at, " \n"), at);
}

void child_start(struct child *child)
{
    int ends[2];
    char line[512] = "";

    if (pipe(ends))
        give_up("no pipe");
    child->pid = fork();
    if (child->pid == 0) {
        close(ends[0]);
        run_child(child, ends[1]);
    }
    close(ends[1]);
    FILE *out = fdopen(ends[0], "r");
    if (!fgets(line, sizeof(line), out) || strncmp(line, "ready", 5) != 0)
        give_up("the server does not get ready: '%s'", line);
    fclose(out); /* it prints nothing more */
    take_address(line, "kafka=", child->kafka, sizeof(child->kafka));
    take_address(line, "http=", child->http, sizeof(child->http));
}

void child_kill(struct child *child)
{
    kill(child->pid, SIGKILL);
    waitpid(child->pid, NULL, 0);
}

int child_stop(struct child *child)
{
    int code = -1;

    kill(child->pid, SIGTERM);
    waitpid(child->pid, &code, 0);
    return WIFEXITED(code) ? WEXITSTATUS(code) : 128 + WTERMSIG(code);
}

void child_forget(const struct child *child)
{
    char command[512];

    snprintf(command, sizeof(command), "rm -rf '%s'", child->dir);
    if (system(command) != 0)
        fprintf(stderr, "left behind: %s\n", child->dir);
}

bool child_alive(const struct child *child)
{
    return waitpid(child->pid, NULL, WNOHANG) == 0;
}

char *child_sql(const struct child *child, const char *format, const char *sql)
{
    char command[8192];
    char *text = NULL;
    size_t size = 0;

    snprintf(command, sizeof(command), "%s sql --url http://%s --format %s -c \"%s\"", child->binary,
             child->http, format, sql);
    FILE *out = popen(command, "r");
    if (!out)
        give_up("no shell");
    if (getdelim(&text, &size, 0, out) < 0 && text)
        text[0] = 0;
    if (pclose(out) != 0)
        give_up("failed: %s", sql);
    return text ? text : strdup("");
}
