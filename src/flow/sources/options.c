#include "flow/sources/options.h"

#include "data/datetime.h"

#include <stdlib.h>

struct bytes options_get(const struct options *o, const char *key)
{
    for (uint16_t i = 0; i < o->scan->hints_count; i++)
        if (bytes_is(o->scan->hints[i].key, key))
            return o->scan->hints[i].value;
    for (uint16_t i = 0; i < o->scan->table->options_count; i++)
        if (bytes_is(o->scan->table->options[i].key, key))
            return o->scan->table->options[i].value;
    return BYTES_NONE;
}

static void bad(struct options *o, const char *key, struct bytes value, const char *want)
{
    o->bad = true;
    (void)diag_set(o->diag, ST_INVALID, DIAG_VALUE, "option '%s' = '%.*s': %s", key,
                   BYTES_FMT(value), want);
}

int64_t options_i64(struct options *o, const char *key, int64_t otherwise, int64_t least,
                    int64_t most)
{
    struct bytes text = options_get(o, key);
    int64_t v = otherwise;

    if (!text.ptr)
        return otherwise;
    if (!bytes_to_i64(text, &v)) {
        bad(o, key, text, "it must be a whole number");
    } else if (v < least || v > most) {
        o->bad = true;
        (void)diag_set(o->diag, ST_INVALID, DIAG_VALUE,
                       "option '%s' = '%.*s': it must be from %lld to %lld", key, BYTES_FMT(text),
                       (long long)least, (long long)most);
    }
    return v;
}

double options_ratio(struct options *o, const char *key, double otherwise)
{
    struct bytes text = options_get(o, key);
    char copy[32] = {0}, *end = copy;

    if (!text.ptr)
        return otherwise;
    if (text.len < sizeof(copy))
        memcpy(copy, text.ptr, text.len);
    double v = strtod(copy, &end);
    if (end == copy || *end || !(v >= 0.0 && v <= 1.0))
        bad(o, key, text, "it must be a number from 0 to 1");
    return v;
}

bool options_bool(struct options *o, const char *key, bool otherwise)
{
    struct bytes text = options_get(o, key);

    if (!text.ptr)
        return otherwise;
    if (bytes_is_nocase(text, "true"))
        return true;
    if (!bytes_is_nocase(text, "false"))
        bad(o, key, text, "it must be 'true' or 'false'");
    return false;
}

int64_t options_bytes(struct options *o, const char *key, int64_t otherwise)
{
    static const struct {
        const char *unit;
        int64_t bytes;
    } units[] = {{"", 1}, {"b", 1}, {"bytes", 1}, {"k", 1024}, {"kb", 1024}, {"m", 1 << 20},
                 {"mb", 1 << 20}};
    struct bytes text = options_get(o, key);
    size_t digits = 0;
    int64_t v;

    if (!text.ptr)
        return otherwise;
    while (digits < text.len && text.ptr[digits] >= '0' && text.ptr[digits] <= '9')
        digits++;
    struct bytes unit = bytes_skip(text, digits);
    while (unit.len && *unit.ptr == ' ')
        unit = bytes_skip(unit, 1);
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (bytes_is_nocase(unit, units[i].unit) && bytes_to_i64(bytes_head(text, digits), &v) &&
            v <= 1 << 20)
            return v * units[i].bytes;
    bad(o, key, text, "it must be a size such as '200b' or '1 kb'");
    return otherwise;
}

int64_t options_duration_us(struct options *o, const char *key, int64_t otherwise)
{
    struct bytes text = options_get(o, key);

    if (!text.ptr)
        return otherwise;
    int64_t us = settings_duration_us(text);
    if (us < 0)
        bad(o, key, text, "it must be a duration such as '10 s' or '500 ms'");
    return us;
}

int64_t options_time_us(struct options *o, const char *key, int64_t otherwise)
{
    struct bytes text = options_get(o, key);
    int64_t us = otherwise;

    if (text.ptr && !timestamp_parse(text, DAY_EXACT, &us))
        bad(o, key, text, "it must be a time such as '2020-01-01 00:00:00'");
    return us;
}

static bool known_has(const char *const *known, struct bytes key)
{
    for (; *known; known++) {
        struct bytes k = bytes_str(*known);
        bool prefix = k.len && k.ptr[k.len - 1] == '.';
        if (bytes_equal(prefix ? bytes_head(key, k.len) : key, k))
            return true;
    }
    return false;
}

static void check_known(struct options *o, const char *const *known,
                        const struct table_option *list, uint16_t count)
{
    for (uint16_t i = 0; i < count; i++) {
        if (bytes_is(list[i].key, "connector") || known_has(known, list[i].key))
            continue;
        o->bad = true;
        char names[400] = "";
        for (const char *const *k = known; *k; k++) {
            size_t have = strlen(names);
            if (have + strlen(*k) + 3 < sizeof(names)) {
                memcpy(names + have, have ? ", " : "", have ? 2 : 0);
                memcpy(names + have + (have ? 2 : 0), *k, strlen(*k) + 1);
            }
        }
        (void)diag_set(o->diag, ST_INVALID, DIAG_NAME, "unknown option '%.*s'; there are: %s",
                       BYTES_FMT(list[i].key), names);
    }
}

void options_check_known(struct options *o, const char *const *known)
{
    check_known(o, known, o->scan->table->options, o->scan->table->options_count);
    check_known(o, known, o->scan->hints, o->scan->hints_count);
}

int64_t pace_allows(struct pace *pace, int64_t position, int64_t now_us, int64_t *wake_us)
{
    if (!pace->rows_per_second)
        return INT64_MAX;
    if (!pace->started) {
        pace->started = true;
        pace->start_us = now_us;
        pace->start_position = position;
    }
    double elapsed = (double)(now_us - pace->start_us), rate = (double)pace->rows_per_second;
    int64_t allowed = pace->start_position + (int64_t)(elapsed * rate / 1e6);
    if (allowed > position)
        return allowed - position;
    /* A tick for each row would be waste at high rates: ten milliseconds' worth at a time. */
    double due = (double)(position + 1 - pace->start_position) * 1e6 / rate;
    int64_t at = pace->start_us + (int64_t)due + 1;
    *wake_us = at > now_us + 10000 ? at : now_us + 10000;
    return 0;
}
