#include "app/config.h"

#include <stdio.h>

#include "base/check.h"
#include "base/suggest.h"
#include "os/address.h"

struct unit {
    const char *name;
    int64_t factor;
};
static const struct unit size_units[] = {
    {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1ll << 40}, {NULL, 0}};
static const struct unit time_units[] = {{"ms", 1},      {"s", 1000},     {"min", 60000},
                                         {"h", 3600000}, {"d", 86400000}, {NULL, 0}};

/* ---- what a value may be ---- */

/* In the largest unit that divides it. */
static void put_quantity(struct buf *out, int64_t value, const struct unit *units)
{
    const struct unit *best = NULL;

    for (const struct unit *u = units; u->name; u++)
        if (value % u->factor == 0)
            best = u;
    buf_printf(out, "%lld%s", (long long)(best ? value / best->factor : value),
               best ? best->name : "");
}

static void put_bounds(struct buf *out, const struct config_key *key)
{
    const struct unit *units = key->kind == CONFIG_TIME ? time_units : size_units;

    buf_str(out, " from ");
    if (key->kind == CONFIG_COUNT)
        buf_printf(out, "%lld to %lld", (long long)key->least, (long long)key->most);
    else {
        put_quantity(out, key->least, units);
        buf_str(out, " to ");
        put_quantity(out, key->most, units);
    }
    if (key->no_bound)
        buf_printf(out, ", or \"%s\"", key->no_bound);
}

/* "a", "b" or "c" */
static void put_choices(struct buf *out, const char *choices)
{
    for (const char *at = choices; *at;) {
        int len = (int)strcspn(at, "|");
        bool last = at[len] == 0;
        buf_printf(out, "%s\"%.*s\"", at == choices ? "" : last ? " or " : ", ", len, at);
        at += len + !last;
    }
}

void config_want(const struct config_key *key, struct buf *out)
{
    switch (key->kind) {
    case CONFIG_TEXT: buf_str(out, "a \"text\""); break;
    case CONFIG_ADDRESS:
        buf_str(out, key->usual ? "\"HOST:PORT\", or \"off\"" : "\"HOST:PORT\"");
        break;
    case CONFIG_COUNT: buf_str(out, "a whole number"); break;
    case CONFIG_BYTES: buf_str(out, "bytes, or as \"64MiB\" (KiB, MiB, GiB, TiB),"); break;
    case CONFIG_TIME: buf_str(out, "a time as \"30s\" (ms, s, min, h, d),"); break;
    case CONFIG_FLAG: buf_str(out, "true or false"); break;
    case CONFIG_WORD: put_choices(out, key->shows); break;
    }
    if (key->kind == CONFIG_COUNT || key->kind == CONFIG_BYTES || key->kind == CONFIG_TIME)
        put_bounds(out, key);
}

static enum status refuse(const struct config_key *key, const struct config_value *value,
                          struct diag *diag)
{
    struct bytes text = bytes_head(value->text, 60);
    struct buf want;

    buf_init(&want, 0);
    config_want(key, &want);
    buf_u8(&want, 0);
    diag_set(diag, ST_INVALID, DIAG_VALUE, "'%.*s' is not a value of %s.%s", BYTES_FMT(text),
             key->section, key->name);
    diag_hint(diag, "%s", (const char *)want.ptr);
    snprintf(diag->near, sizeof(diag->near), "%.*s", BYTES_FMT(text));
    buf_deinit(&want);
    return ST_INVALID;
}

/* ---- taking a value ---- */

/* digits and a unit, in the smallest unit */
static bool quantity_of(struct bytes text, const struct unit *units, int64_t *out)
{
    size_t digits = 0;
    int64_t number;

    while (digits < text.len && text.ptr[digits] >= '0' && text.ptr[digits] <= '9')
        digits++;
    if (!bytes_to_i64(bytes_head(text, digits), &number))
        return false;
    for (; units->name; units++)
        if (bytes_is(bytes_skip(text, digits), units->name))
            return !__builtin_mul_overflow(number, units->factor, out);
    return false;
}

static bool number_of(const struct config_key *key, const struct config_value *value, int64_t *out)
{
    bool text = value->type == CONFIG_STRING;

    if (text && key->no_bound && bytes_is(value->text, key->no_bound)) {
        *out = -1;
        return true;
    }
    *out = value->number;
    if (key->kind == CONFIG_TIME) {
        if (!text || !quantity_of(value->text, time_units, out))
            return false;
    } else if (text) {
        if (key->kind != CONFIG_BYTES || !quantity_of(value->text, size_units, out))
            return false;
    } else if (value->type != CONFIG_INTEGER) {
        return false;
    }
    return *out >= key->least && *out <= key->most;
}

static void store_number(struct config *c, const struct config_key *key, int64_t number)
{
    char *at = (char *)&c->options + key->at;

    if (number > 0)
        number *= key->unit;
    if (key->width == 4)
        *(int32_t *)at = (int32_t)number;
    else
        *(int64_t *)at = number;
}

static bool take_text(struct config *c, const struct config_key *key, struct bytes text)
{
    const char **at = (const char **)(void *)((char *)&c->options + key->at);
    const char *copy = arena_str(&c->arena, text);
    char host[OS_HOST_MAX];
    uint16_t port;

    if (memchr(text.ptr, 0, text.len) || text.len == 0)
        return false;
    if (key->kind == CONFIG_ADDRESS && key->usual && strcmp(copy, "off") == 0)
        copy = NULL;
    else if (key->kind == CONFIG_ADDRESS && !os_address_split(copy, host, &port))
        return false;
    *at = copy;
    return true;
}

static bool take_choice(struct config *c, const struct config_key *key, struct bytes text)
{
    int place = 0;

    for (const char *at = key->shows; *at; place++) {
        size_t len = strcspn(at, "|");
        if (bytes_equal(text, bytes_of(at, len))) {
            *(int32_t *)(void *)((char *)&c->options + key->at) = place;
            return true;
        }
        at += len + (at[len] == '|');
    }
    return false;
}

static enum status take(struct config *c, const struct config_key *key,
                        const struct config_value *value, struct diag *diag)
{
    int64_t number;
    bool ok;

    switch (key->kind) {
    case CONFIG_TEXT:
    case CONFIG_ADDRESS: ok = value->type == CONFIG_STRING && take_text(c, key, value->text); break;
    case CONFIG_WORD: ok = value->type == CONFIG_STRING && take_choice(c, key, value->text); break;
    case CONFIG_FLAG:
        ok = value->type == CONFIG_BOOLEAN;
        if (ok)
            *((bool *)&c->options + key->at) = (key->unit < 0) != (value->number != 0);
        break;
    default:
        ok = number_of(key, value, &number);
        if (ok)
            store_number(c, key, number);
    }
    if (!ok)
        return refuse(key, value, diag);
    c->options.http.partitions_default = c->options.kafka.partitions_default;
    c->options.http.no_auto_create = c->options.kafka.no_auto_create;
    return ST_OK;
}

enum status config_word(struct config *c, const struct config_key *key, const char *word,
                        struct diag *diag)
{
    struct config_value value = {.text = bytes_str(word)};

    if (key->kind == CONFIG_FLAG) {
        value.number = strcmp(word, "true") == 0;
        if (value.number || strcmp(word, "false") == 0)
            value.type = CONFIG_BOOLEAN;
    } else if (key->kind == CONFIG_COUNT || key->kind == CONFIG_BYTES) {
        if (bytes_to_i64(value.text, &value.number))
            value.type = CONFIG_INTEGER;
    }
    return take(c, key, &value, diag);
}

void config_init(struct config *c)
{
    *c = (struct config){0};
    arena_init(&c->arena, ARENA_BUDGET_NONE);
    for (int i = 0; i < CONFIG_KEYS; i++)
        if (config_keys[i].usual)
            CHECK(config_word(c, &config_keys[i], config_keys[i].usual, NULL) == ST_OK);
}

void config_deinit(struct config *c)
{
    arena_deinit(&c->arena);
}

/* ---- a file ---- */

static enum status unknown(struct diag *diag, const struct config_entry *entry, const char *what,
                           struct bytes name, const char *const *words, size_t count)
{
    struct buf all;
    const char *near_word = suggest(name, words, count);

    buf_init(&all, 0);
    for (size_t i = 0; i < count; i++)
        buf_printf(&all, "%s%s", i ? ", " : "", words[i]);
    buf_u8(&all, 0);
    diag_set(diag, ST_INVALID, DIAG_NAME, "there is no %s '%.*s'", what,
             BYTES_FMT(bytes_head(name, 60)));
    if (near_word)
        diag_hint(diag, "did you mean '%s'?", near_word);
    else
        diag_hint(diag, "one of %s", (const char *)all.ptr);
    diag->line = entry->line;
    diag->column = entry->column;
    snprintf(diag->near, sizeof(diag->near), "%.*s", BYTES_FMT(bytes_head(name, 60)));
    buf_deinit(&all);
    return ST_INVALID;
}

static enum status check_section(const struct config_entry *entry, struct diag *diag)
{
    const char *names[CONFIG_KEYS];
    size_t count = 0;

    for (int i = 0; i < CONFIG_KEYS; i++) {
        if (bytes_is(entry->section, config_keys[i].section))
            return ST_OK;
        if (count == 0 || strcmp(names[count - 1], config_keys[i].section) != 0)
            names[count++] = config_keys[i].section;
    }
    return unknown(diag, entry, "section", entry->section, names, count);
}

static enum status find_key(const struct config_entry *entry, int *index, struct diag *diag)
{
    const char *names[CONFIG_KEYS];
    size_t count = 0;
    char what[80];

    for (*index = 0; *index < CONFIG_KEYS; ++*index) {
        const struct config_key *key = &config_keys[*index];
        if (!bytes_is(entry->section, key->section))
            continue;
        if (bytes_is(entry->key, key->name))
            return ST_OK;
        names[count++] = key->name;
    }
    if (entry->section.len == 0) {
        diag_hint(diag, "[section] stands above its keys");
        return unknown(diag, entry, "key outside of a section", entry->key, names, count);
    }
    snprintf(what, sizeof(what), "key in [%.*s]", BYTES_FMT(entry->section));
    return unknown(diag, entry, what, entry->key, names, count);
}

static enum status take_entry(struct config *c, const struct config_entry *entry, struct diag *diag)
{
    int i;

    if (entry->key.len == 0)
        return check_section(entry, diag);
    TRY(find_key(entry, &i, diag));
    if (c->seen[i]) {
        diag_set(diag, ST_INVALID, DIAG_EXISTS, "%s.%s is set at line %u already",
                 config_keys[i].section, config_keys[i].name, c->seen[i]);
        diag->line = entry->line;
        diag->column = entry->column;
        return ST_INVALID;
    }
    c->seen[i] = entry->line;
    enum status st = take(c, &config_keys[i], &entry->value, diag);
    if (st != ST_OK) {
        diag->line = entry->value.line;
        diag->column = entry->value.column;
    }
    return st;
}

enum status config_read(struct config *c, struct bytes text, struct diag *diag)
{
    struct config_reader r;
    struct config_entry entry;
    enum status st = config_reader_init(&r, text, &c->arena, diag);

    while (st == ST_OK) {
        st = config_next(&r, &entry, diag);
        if (st == ST_OK)
            st = take_entry(c, &entry, diag);
    }
    return st == ST_NOTFOUND ? ST_OK : st;
}

/* ---- docs/config.md ---- */

static void put_row(struct buf *out, const struct config_key *key)
{
    bool quoted =
        key->kind == CONFIG_TEXT || key->kind == CONFIG_ADDRESS || key->kind == CONFIG_TIME ||
        key->kind == CONFIG_WORD ||
        (key->kind == CONFIG_BYTES && key->usual && key->usual[strspn(key->usual, "0123456789")]);

    buf_printf(out, "| `%s` | ", key->name);
    config_want(key, out);
    if (key->usual)
        buf_printf(out, quoted ? " | `\"%s\"` | " : " | `%s` | ", key->usual);
    else
        buf_str(out, " | | ");
    buf_printf(out, "%s%s%s%s |\n", key->help, key->option ? " (`" : "",
               key->option ? key->option : "", key->option ? "`)" : "");
}

void config_tables(struct buf *out)
{
    const char *section = "";

    for (int i = 0; i < CONFIG_KEYS; i++) {
        const struct config_key *key = &config_keys[i];
        if (strcmp(section, key->section) != 0)
            buf_printf(out, "\n## [%s]\n\n| key | value | default | |\n| --- | --- | --- | --- |\n",
                       key->section);
        section = key->section;
        put_row(out, key);
    }
}
