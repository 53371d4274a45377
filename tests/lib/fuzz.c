/* Replays a fuzz target's corpus: see lib/fuzz.h. Each input is copied to memory of exactly its size, so
 * that AddressSanitizer sees a read past its end. */
#include "lib/fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INPUT_MAX = 1 << 20 };

static void replay_file(const char *path, fuzz_fn *target)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        test_fail(__FILE__, __LINE__, "%s: %s", path, strerror(errno));
    uint8_t *whole = malloc(INPUT_MAX);
    size_t size = fread(whole, 1, INPUT_MAX, file);
    fclose(file);
    uint8_t *exact = malloc(size ? size : 1);
    memcpy(exact, whole, size);
    free(whole);
    fprintf(stderr, "  input %s\n", path); /* the last one said is the one that broke it */
    target(exact, size);
    free(exact);
}

static void replay_folder(const char *path, fuzz_fn *target)
{
    DIR *dir = opendir(path);
    struct dirent *entry;

    if (!dir && errno == ENOENT)
        return; /* nothing has been found yet */
    if (!dir)
        test_fail(__FILE__, __LINE__, "%s: %s", path, strerror(errno));
    while ((entry = readdir(dir))) {
        char *file;
        if (entry->d_name[0] == '.')
            continue;
        if (asprintf(&file, "%s/%s", path, entry->d_name) < 0)
            abort();
        replay_file(file, target);
        free(file);
    }
    closedir(dir);
}

void fuzz_replay(const char *name, fuzz_fn *target)
{
    const char *one = getenv("FUZZ_INPUT");
    char path[128];

    if (one) {
        replay_file(one, target);
        return;
    }
    target((const uint8_t *)"", 0);
    snprintf(path, sizeof(path), "tests/fuzz/corpus/%s", name);
    replay_folder(path, target);
}
