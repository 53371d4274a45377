#include "sql/catalog.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/suggest.h"
#include "sql/parser.h"

void catalog_init(struct catalog *catalog)
{
    map_init(&catalog->tables);
    map_init(&catalog->functions);
}

void catalog_deinit(struct catalog *catalog)
{
    for (struct map_entry *e = map_first(&catalog->tables); e; e = map_next(&catalog->tables, e))
        table_release(e->value);
    for (struct map_entry *e = map_first(&catalog->functions); e;
         e = map_next(&catalog->functions, e))
        free(e->value);
    map_deinit(&catalog->tables);
    map_deinit(&catalog->functions);
}

bool table_partitions_by(const struct table *table, uint16_t column)
{
    for (uint16_t i = 0; i < table->partition_count; i++) {
        if (table->partition[i] == column)
            return true;
    }
    return false;
}

struct table *table_create(void)
{
    struct table *table = xcalloc(1, sizeof(*table));

    arena_init(&table->arena, ARENA_BUDGET_NONE);
    table->refs = 1;
    table->watermark_column = -1;
    return table;
}

void table_retain(struct table *table)
{
    CHECK(table->refs > 0);
    table->refs++;
}

void table_release(struct table *table)
{
    CHECK(table->refs > 0);
    if (--table->refs > 0)
        return;
    arena_deinit(&table->arena);
    free(table);
}

struct table *catalog_find(const struct catalog *catalog, struct bytes name)
{
    return map_get(&catalog->tables, name);
}

enum status catalog_add(struct catalog *catalog, struct table *take_table, bool replace,
                        struct diag *diag)
{
    struct bytes name = take_table->name;

    if (!replace && catalog_find(catalog, name)) {
        diag_set(diag, ST_EXISTS, DIAG_EXISTS, "there is a table or view `%.*s` already",
                 BYTES_FMT(bytes_head(name, 100)));
        diag_hint(diag, "drop it first, or write CREATE … IF NOT EXISTS");
        return ST_EXISTS;
    }
    struct table *old = map_put(&catalog->tables, name, take_table);
    if (old)
        table_release(old);
    return ST_OK;
}

/* The nearest name in a map, for "did you mean"; NULL: none is near. */
static void hint_nearest(const struct map *map, struct bytes name, struct diag *diag)
{
    struct bytes best = BYTES_NONE;
    unsigned best_distance = name.len < 3 ? 2 : name.len < 6 ? 3 : 4;

    for (struct map_entry *e = map_first(map); e; e = map_next(map, e)) {
        unsigned d = edit_distance(name, e->key, best_distance);
        if (d < best_distance && d < name.len) {
            best = e->key;
            best_distance = d;
        }
    }
    if (best.len > 0)
        diag_hint(diag, "did you mean `%.*s`?", BYTES_FMT(bytes_head(best, 100)));
}

void catalog_hint(const struct catalog *catalog, struct bytes name, struct diag *diag)
{
    hint_nearest(&catalog->tables, name, diag);
}

enum status catalog_drop(struct catalog *catalog, struct bytes name, struct diag *diag)
{
    struct table *table = map_remove(&catalog->tables, name);

    if (!table) {
        diag_set(diag, ST_NOTFOUND, DIAG_NAME, "there is no table or view `%.*s`",
                 BYTES_FMT(bytes_head(name, 100)));
        hint_nearest(&catalog->tables, name, diag);
        return ST_NOTFOUND;
    }
    table_release(table);
    return ST_OK;
}

struct bytes table_option_get(const struct table *table, const char *key, const char *otherwise)
{
    for (uint16_t i = 0; i < table->options_count; i++) {
        if (bytes_is_nocase(table->options[i].key, key))
            return table->options[i].value;
    }
    return otherwise ? bytes_str(otherwise) : BYTES_NONE;
}

/* ---- functions ---- */

enum status catalog_add_function(struct catalog *catalog, const struct user_function *function,
                                 bool replace, struct diag *diag)
{
    size_t size = sizeof(*function) + function->name.len + function->class_name.len +
                  function->builtin.len;
    uint8_t *block, *at;

    block = xmalloc(size); /* the struct and its texts in one piece */
    at = block + sizeof(*function);
    const struct bytes from[3] = {function->name, function->class_name, function->builtin};
    struct bytes to[3];
    for (int i = 0; i < 3; i++) {
        if (from[i].len > 0)
            memcpy(at, from[i].ptr, from[i].len);
        to[i] = bytes_of(at, from[i].len);
        at += from[i].len;
    }
    for (size_t i = 0; i < to[0].len; i++) { /* functions are found whatever their case */
        uint8_t *c = (uint8_t *)(uintptr_t)&to[0].ptr[i];
        *c = (uint8_t)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
    }
    if (!replace && map_get(&catalog->functions, to[0])) {
        free(block);
        return diag_set(diag, ST_EXISTS, DIAG_EXISTS, "there is a function `%.*s` already",
                        BYTES_FMT(bytes_head(function->name, 100)));
    }
    struct user_function *copy = (struct user_function *)(void *)block;
    *copy = (struct user_function){.name = to[0], .class_name = to[1], .builtin = to[2]};
    free(map_put(&catalog->functions, copy->name, copy));
    return ST_OK;
}

enum status catalog_drop_function(struct catalog *catalog, struct bytes name, struct diag *diag)
{
    char lower[128];
    size_t len = name.len < sizeof(lower) ? name.len : sizeof(lower);

    for (size_t i = 0; i < len; i++)
        lower[i] = (char)(name.ptr[i] >= 'A' && name.ptr[i] <= 'Z' ? name.ptr[i] + 32 : name.ptr[i]);
    struct user_function *function = map_remove(&catalog->functions, bytes_of(lower, len));
    if (!function) {
        diag_set(diag, ST_NOTFOUND, DIAG_NAME, "there is no function `%.*s`",
                 BYTES_FMT(bytes_head(name, 100)));
        hint_nearest(&catalog->functions, name, diag);
        return ST_NOTFOUND;
    }
    free(function);
    return ST_OK;
}
