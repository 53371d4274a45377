#include "app/cli/bench_dir.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/cli/args.h"

enum { DEPTH_MAX = 4 }; /* of folders below a data directory */

static void count_entry(void *context, const char *name, const struct os_stat *stat)
{
    (void)name;
    (void)stat;
    ++*(int *)context;
}

static int use_given(struct bench_dir *dir, struct os *os, const char *given)
{
    int entries = 0;

    if (strlen(given) >= sizeof(dir->path))
        return fail_user("bench: --data: the path is too long");
    strcpy(dir->path, given);
    if (os_mkdir(os, given) != ST_OK || os_list(os, given, count_entry, &entries) != ST_OK)
        return fail_user("bench: --data '%s' cannot be used: %s", given, os_error_text(os));
    if (entries)
        return fail_user("bench: --data '%s' is not empty: a benchmark needs a new directory", given);
    return 0;
}

int bench_dir_open(struct bench_dir *dir, struct os *os, const char *given)
{
    const char *tmp = getenv("TMPDIR");

    *dir = (struct bench_dir){.temporary = given == NULL};
    if (given)
        return use_given(dir, os, given);
    int n = snprintf(dir->path, sizeof(dir->path), "%s/quickwater-bench-XXXXXX",
                     tmp && tmp[0] ? tmp : "/tmp");
    if (n < 0 || n >= (int)sizeof(dir->path) || !mkdtemp(dir->path))
        return fail_ours("bench: no temporary directory '%s': name one with --data", dir->path);
    return 0;
}

int bench_dir_need(const struct bench_dir *dir, struct os *os, uint64_t need)
{
    uint64_t free_bytes, total_bytes;

    if (os_space(os, dir->path, &free_bytes, &total_bytes) != ST_OK || free_bytes >= need)
        return 0;
    return fail_user("bench: topic and results take up to %" PRIu64 " MB in '%s', and %" PRIu64
                     " MB are free: fewer --events, or --data on another disk",
                     need >> 20, dir->path, free_bytes >> 20);
}

struct removal {
    struct os *os;
    char path[OS_PATH_MAX];
    int depth;
};

static void remove_tree(struct removal *r);

static void remove_entry(void *context, const char *name, const struct os_stat *stat)
{
    struct removal *r = context;
    size_t len = strlen(r->path);

    (void)stat;
    if (len + strlen(name) + 2 > sizeof(r->path))
        return;
    sprintf(r->path + len, "/%s", name);
    remove_tree(r);
    r->path[len] = 0;
}

static void remove_tree(struct removal *r)
{
    if (os_remove(r->os, r->path) == ST_OK || r->depth == DEPTH_MAX)
        return;
    r->depth++;
    enum status st = os_list(r->os, r->path, remove_entry, r);
    if (st == ST_OK)
        st = os_remove(r->os, r->path);
    r->depth--;
    (void)st; /* what stays is in the temporary folder */
}

void bench_dir_close(struct bench_dir *dir, struct os *os)
{
    struct removal r = {.os = os};

    if (!dir->temporary)
        return;
    memcpy(r.path, dir->path, sizeof(r.path));
    remove_tree(&r);
}
