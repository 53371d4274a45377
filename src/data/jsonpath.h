/* jsonpath.h: paths into a JSON text, as Flink's JSON functions take them.
 *
 *   [lax | strict] $ { .name | ['name'] | [n] | [-n] | [n, m, …] | [from:to] | .* | [*] | ..name | ..* | .length() }
 *
 * strict, which is the default, makes what is not there an error; lax makes it empty. A path of names and
 * single positions names one value; one with a part that may name several gives a list of them.
 *
 * Owns: nothing; paths and results live in the arena given, results point into the text.
 * Limits: JSONPATH_TEXT_MAX bytes, JSONPATH_STEPS_MAX steps, JSONPATH_VALUES_MAX values found.   Threads: pure functions.   Layer: data.
 */
#ifndef QW_DATA_JSONPATH_H
#define QW_DATA_JSONPATH_H

#include "base/arena.h"
#include "base/bytes.h"

enum { JSONPATH_TEXT_MAX = 1024, JSONPATH_STEPS_MAX = 64, JSONPATH_VALUES_MAX = 100000 };

struct jsonpath_step;

struct jsonpath {
    bool lax, several; /* several: a list is found */
    uint16_t count;
    const struct jsonpath_step *steps;
};

/* False: *why says what is wrong with the path. */
bool jsonpath_compile(struct arena *arena, struct bytes text, struct jsonpath *out, const char **why);

enum jsonpath_status { JSONPATH_FOUND, JSONPATH_MISSING, JSONPATH_TOO_MANY };

struct jsonpath_found {
    struct bytes *values; /* one, or a list's */
    uint32_t count;
};

/* value: one that json_next gave. */
enum jsonpath_status jsonpath_find(const struct jsonpath *path, struct arena *arena, struct bytes value,
                                   struct jsonpath_found *out);

#endif
