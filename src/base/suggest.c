/* The nearest name, for "did you mean". */
#include "base/suggest.h"

enum { SUGGEST_LEN_MAX = 64 };

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

/* Levenshtein with swaps of neighbours counted as one; case does not count. limit + 1 when more. */
unsigned edit_distance(struct bytes a, struct bytes b, unsigned limit)
{
    unsigned rows[3][SUGGEST_LEN_MAX + 1];

    if (a.len > SUGGEST_LEN_MAX || b.len > SUGGEST_LEN_MAX)
        return limit + 1;
    for (size_t j = 0; j <= b.len; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= a.len; i++) {
        unsigned *now = rows[i % 3], *last = rows[(i - 1) % 3], *older = rows[(i + 1) % 3];
        now[0] = (unsigned)i;
        for (size_t j = 1; j <= b.len; j++) {
            uint8_t x = lower(a.ptr[i - 1]), y = lower(b.ptr[j - 1]);
            unsigned best = last[j - 1] + (x != y);
            if (last[j] + 1 < best)
                best = last[j] + 1;
            if (now[j - 1] + 1 < best)
                best = now[j - 1] + 1;
            if (i > 1 && j > 1 && x == lower(b.ptr[j - 2]) && lower(a.ptr[i - 2]) == y &&
                older[j - 2] + 1 < best)
                best = older[j - 2] + 1;
            now[j] = best;
        }
    }
    unsigned d = rows[a.len % 3][b.len];
    return d > limit ? limit + 1 : d;
}

const char *suggest(struct bytes name, const char *const *words, size_t count)
{
    const char *best = NULL;
    unsigned limit = name.len < 3 ? 1 : name.len < 6 ? 2 : 3, best_distance = limit + 1;

    for (size_t i = 0; i < count; i++) {
        unsigned d = edit_distance(name, bytes_str(words[i]), limit);
        if (d < best_distance && d < name.len) {
            best = words[i];
            best_distance = d;
        }
    }
    return best;
}
