/* with.c: see with.h. */
#include "flow/with.h"

struct bytes with_get(const struct with *with, const char *key, const char *otherwise)
{
    for (uint16_t i = 0; i < with->hints_count; i++)
        if (bytes_is_nocase(with->hints[i].key, key))
            return with->hints[i].value;
    return table_option_get(with->table, key, otherwise);
}

bool with_is(const struct with *with, const char *key, const char *value)
{
    return bytes_is(with_get(with, key, ""), value);
}

struct bytes with_value_format(const struct with *with)
{
    struct bytes format = with_get(with, "value.format", "");
    return format.len ? format : with_get(with, "format", "");
}

bool with_takes_changes(const struct with *with)
{
    return format_has_changes(with_value_format(with));
}

enum status with_i64(const struct with *with, const char *key, int64_t otherwise, int64_t *out,
                     struct diag *diag)
{
    struct bytes text = with_get(with, key, "");
    *out = otherwise;
    if (!text.len || bytes_to_i64(text, out))
        return ST_OK;
    return diag_set(diag, ST_INVALID, DIAG_VALUE, "option '%s' is not a number: '%.*s'", key,
                    BYTES_FMT(text));
}

/* Options of a part come as part.NAME.option; those of the value also as NAME.option. */
static bool strip(struct bytes key, const char *part, struct bytes *out)
{
    size_t len = strlen(part);
    if (key.len > len + 1 && memcmp(key.ptr, part, len) == 0 && key.ptr[len] == '.') {
        *out = bytes_skip(key, len + 1);
        return true;
    }
    *out = key;
    return strcmp(part, "value") == 0;
}

void with_format(const struct with *with, const char *part, struct arena *arena,
                 struct format_spec *out)
{
    const struct table *table = with->table;
    bool value = strcmp(part, "value") == 0;
    struct format_option *options = ARENA_ARRAY(arena, struct format_option,
                                                table->options_count + with->hints_count + 1);
    *out = (struct format_spec){0};
    out->name = with_get(with, value ? "value.format" : "key.format", "");
    if (!out->name.len && value)
        out->name = with_get(with, "format", "");
    uint32_t n = 0;
    for (uint16_t i = 0; i < with->hints_count; i++)
        if (strip(with->hints[i].key, part, &options[n].key))
            options[n++].value = with->hints[i].value;
    for (uint16_t i = 0; i < table->options_count; i++)
        if (strip(table->options[i].key, part, &options[n].key))
            options[n++].value = table->options[i].value;
    out->options = options;
    out->options_count = n;
}

enum status with_format_fits(const struct with *with, const char *part, const struct format_spec *spec,
                             struct diag *diag)
{
    bool is_key = strcmp(part, "key") == 0, upserts = with_is(with, "connector", "upsert-kafka");
    if (!spec->name.len)
        return diag_set(diag, ST_INVALID, DIAG_VALUE, "table `%.*s` needs the option '%s'",
                        BYTES_FMT(with->table->name), is_key ? "key.format" : "format");
    if (!format_has_changes(spec->name) || !(is_key || upserts))
        return ST_OK;
    if (upserts)
        diag_hint(diag, "the key says what changes; use 'connector' = 'kafka' with this format, or another format");
    return diag_set(diag, ST_INVALID, DIAG_VALUE, "'%.*s' of `%.*s` is a format of changes, and %s takes rows alone",
                    BYTES_FMT(spec->name), BYTES_FMT(with->table->name), is_key ? "a key" : "upsert-kafka");
}

static int32_t column_named(const struct table *table, struct bytes name)
{
    for (uint16_t c = 0; c < table->columns_count; c++)
        if (bytes_equal(table->columns[c].name, name))
            return c;
    return -1;
}

enum status with_key_fields(const struct with *with, struct arena *arena, bool **in_key,
                            bool **in_value, struct diag *diag)
{
    const struct table *table = with->table;
    struct bytes list = with_get(with, "key.fields", "");
    bool except = with_is(with, "value.fields-include", "EXCEPT_KEY");
    *in_key = ARENA_ARRAY(arena, bool, table->columns_count + 1);
    *in_value = ARENA_ARRAY(arena, bool, table->columns_count + 1);
    while (list.len) {
        size_t end = bytes_find(list, ';', 0);
        struct bytes name = bytes_head(list, end);
        int32_t c = column_named(table, name);
        if (c < 0 || table->columns[c].kind != COLUMN_PHYSICAL)
            return diag_set(diag, ST_INVALID, DIAG_NAME, "'key.fields' names '%.*s', which is no "
                            "physical column of `%.*s`", BYTES_FMT(name), BYTES_FMT(table->name));
        (*in_key)[c] = true;
        list = bytes_skip(list, end < list.len ? end + 1 : end);
    }
    for (uint16_t k = 0; with_is(with, "connector", "upsert-kafka") && k < table->primary_key_count; k++)
        (*in_key)[table->primary_key[k]] = true;
    for (uint16_t c = 0; c < table->columns_count; c++)
        (*in_value)[c] = table->columns[c].kind == COLUMN_PHYSICAL && !(except && (*in_key)[c]) &&
                         !table_partitions_by(table, c);
    return ST_OK;
}

struct bytes with_key_name(const struct with *with, struct bytes column)
{
    struct bytes prefix = with_get(with, "key.fields-prefix", "");
    if (prefix.len && column.len > prefix.len && memcmp(column.ptr, prefix.ptr, prefix.len) == 0)
        return bytes_skip(column, prefix.len);
    return column;
}

bool with_headers_type(const struct type *type)
{
    return type->kind == TYPE_MAP && type_phys(type->fields[0].type->kind) == PHYS_STR &&
           type_phys(type->fields[1].type->kind) == PHYS_STR;
}
