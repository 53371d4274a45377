/* options.c: see options.h. */
#include "bridge/options.h"

#include <ctype.h>
#include <stdio.h>

#include "base/suggest.h"

enum { KNOWN_MAX = 128 };

struct unit {
    const char *name;
    int64_t factor;
};

static const struct unit times[] = {{"ms", 1}, {"s", 1000}, {"sec", 1000}, {"min", 60000}, {"m", 60000},
                                    {"h", 3600000}, {"d", 86400000}, {NULL, 0}};
static const struct unit sizes[] = {{"", 1}, {"b", 1}, {"k", 1 << 10}, {"kb", 1 << 10}, {"m", 1 << 20},
                                    {"mb", 1 << 20}, {"g", 1 << 30}, {"gb", 1 << 30}, {NULL, 0}};
static const struct unit counts[] = {{"", 1}, {NULL, 0}};

static bool read_number(struct bytes text, const struct unit *units, int64_t *out)
{
    size_t digits = 0;
    int64_t n = 0;

    while (digits < text.len && isdigit(text.ptr[digits]))
        digits++;
    if (!digits || !bytes_to_i64(bytes_head(text, digits), &n))
        return false;
    struct bytes unit = bytes_skip(text, digits);
    while (unit.len && unit.ptr[0] == ' ')
        unit = bytes_skip(unit, 1);
    for (; units->name; units++)
        if (bytes_is_nocase(unit, units->name))
            return !__builtin_mul_overflow(n, units->factor, out);
    return false;
}

static bool read_word(struct bytes text, const char *words, int64_t *out)
{
    struct bytes rest = bytes_str(words);

    for (int64_t i = 0; rest.len; i++) {
        size_t end = bytes_find(rest, '|', 0);
        *out = i;
        if (bytes_equal(bytes_head(rest, end), text))
            return true;
        rest = bytes_skip(rest, end < rest.len ? end + 1 : end);
    }
    return false;
}

static const struct unit *units_of(enum bridge_option_type type)
{
    return type == BRIDGE_TIME ? times : type == BRIDGE_BYTES ? sizes : counts;
}

static void hint_of(const struct bridge_option *o, struct diag *diag)
{
    static const char *const units[] = {[BRIDGE_COUNT] = "a whole number",
                                        [BRIDGE_TIME] = "a time such as 500 ms, 10 s, 1 min",
                                        [BRIDGE_BYTES] = "a size such as 64 kb, 1 mb"};

    if (o->type == BRIDGE_WORD)
        diag_hint(diag, "it is one of %s", o->words);
    else if (o->type == BRIDGE_TIME)
        diag_hint(diag, "%s, from %lld ms to %lld ms", units[o->type], (long long)o->min, (long long)o->max);
    else
        diag_hint(diag, "%s, from %lld to %lld", units[o->type], (long long)o->min, (long long)o->max);
}

static enum status read_value(const char *name, const struct bridge_option *o, struct bridge_value *v,
                              struct diag *diag)
{
    bool good = true;

    if (o->type == BRIDGE_WORD)
        good = read_word(v->text, o->words, &v->number);
    else if (o->type > BRIDGE_SECRET && v->text.len) /* none of an optional number: 0 */
        good = read_number(v->text, units_of(o->type), &v->number) && v->number >= o->min &&
               v->number <= o->max;
    if (good)
        return ST_OK;
    hint_of(o, diag);
    return diag_set(diag, ST_INVALID, DIAG_VALUE, "option '%s' of connector '%s' is '%.*s'", o->key, name,
                    BYTES_FMT(bytes_head(v->text, 100)));
}

enum status bridge_options_read(const char *name, const struct bridge_option *table, unsigned count,
                                const struct bridge_given *given, unsigned given_count,
                                struct bridge_value *values, struct diag *diag)
{
    for (unsigned i = 0; i < count; i++) {
        const struct bridge_option *o = &table[i];
        values[i] = (struct bridge_value){bytes_str(o->otherwise ? o->otherwise : ""), 0, false};
        for (unsigned g = 0; g < given_count; g++)
            if (bytes_is_nocase(given[g].key, o->key))
                values[i] = (struct bridge_value){given[g].value, 0, true};
        if (!values[i].given && !o->otherwise) {
            diag_hint(diag, "'%s': %s", o->key, o->help);
            return diag_set(diag, ST_INVALID, DIAG_VALUE, "connector '%s' needs the option '%s'", name, o->key);
        }
        TRY(read_value(name, o, &values[i], diag));
    }
    return ST_OK;
}

bool bridge_option_given(const struct bridge_given *given, unsigned count, const char *key)
{
    for (unsigned i = 0; i < count; i++)
        if (bytes_is_nocase(given[i].key, key) && given[i].value.len)
            return true;
    return false;
}

static bool passes(struct bytes key, const char *const *passed)
{
    for (; *passed; passed++) {
        size_t len = strlen(*passed);
        if (key.len >= len && memcmp(key.ptr, *passed, len) == 0 && (key.len == len || key.ptr[len] == '.'))
            return true;
    }
    return false;
}

static bool among(struct bytes key, const struct bridge_option *table, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (bytes_is_nocase(key, table[i].key))
            return true;
    return false;
}

enum status bridge_options_known(const char *name, const struct bridge_option *a, unsigned a_count,
                                 const struct bridge_option *b, unsigned b_count,
                                 const char *const *passed, const struct bridge_given *given,
                                 unsigned given_count, struct diag *diag)
{
    const char *words[KNOWN_MAX];
    unsigned n = 0;

    for (unsigned i = 0; i < a_count && n < KNOWN_MAX; i++)
        words[n++] = a[i].key;
    for (unsigned i = 0; i < b_count && n < KNOWN_MAX; i++)
        words[n++] = b[i].key;
    for (unsigned g = 0; g < given_count; g++) {
        struct bytes key = given[g].key;
        if (among(key, a, a_count) || among(key, b, b_count) || passes(key, passed))
            continue;
        const char *near = suggest(key, words, n);
        if (near)
            diag_hint(diag, "did you mean '%s'?", near);
        return diag_set(diag, ST_INVALID, DIAG_NAME, "connector '%s' has no option '%.*s'", name,
                        BYTES_FMT(bytes_head(key, 100)));
    }
    return ST_OK;
}
