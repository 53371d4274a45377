/* schema.c: see schema.h. */
#include "data/avro/schema.h"

#include <stdio.h>

#include "base/check.h"
#include "base/json_reader.h"

static const char *const kind_names[AVRO_KINDS] = {
    "null", "boolean", "int", "long", "float", "double", "bytes", "string",
    "record", "enum", "array", "map", "union", "fixed"};

struct parse {
    struct avro_names *names;
    struct diag *diag;
    struct bytes space; /* the namespace around */
    uint32_t depth;
};

const char *avro_kind_text(enum avro_kind kind)
{
    return kind_names[kind];
}

struct bytes avro_short_name(struct bytes full)
{
    size_t dot = full.len;

    while (dot && full.ptr[dot - 1] != '.')
        dot--;
    return bytes_skip(full, dot);
}

void avro_names_init(struct avro_names *names, struct arena *arena)
{
    *names = (struct avro_names){.arena = arena};
}

static struct avro_schema *wrong(struct parse *p, const char *format, struct bytes what)
{
    diag_set(p->diag, ST_INVALID, DIAG_VALUE, format, BYTES_FMT(bytes_head(what, 120)));
    return NULL;
}

/* ---- texts of JSON ---- */

/* The characters of a JSON string, in the arena; false: it is no string. */
static bool text_of(struct parse *p, struct bytes value, struct bytes *out)
{
    struct buf buf;

    if (json_kind_of(value) != JSON_STRING)
        return false;
    buf_init(&buf, 0);
    json_string_decode(value, &buf);
    *out = arena_copy(p->names->arena, buf_view(&buf));
    buf_deinit(&buf);
    return true;
}

static bool member_text(struct parse *p, struct bytes object, const char *name, struct bytes *out)
{
    struct bytes value;

    return json_member(object, name, &value) && text_of(p, value, out);
}

static bool member_i64(struct bytes object, const char *name, int64_t *out)
{
    struct bytes value;

    return json_member(object, name, &value) && json_kind_of(value) == JSON_NUMBER && bytes_to_i64(value, out);
}

static uint32_t array_count(struct bytes array)
{
    struct json_iter it = json_iter_of(array);
    struct bytes value;
    uint32_t n = 0;

    while (json_array_next(&it, &value))
        n++;
    return n;
}

/* An array of texts. */
static bool texts_of(struct parse *p, struct bytes array, struct bytes **out, uint32_t *count)
{
    struct json_iter it = json_iter_of(array);
    struct bytes value;

    if (json_kind_of(array) != JSON_ARRAY)
        return false;
    *out = ARENA_ARRAY(p->names->arena, struct bytes, array_count(array) + 1);
    for (*count = 0; json_array_next(&it, &value); (*count)++)
        if (!text_of(p, value, &(*out)[*count]))
            return false;
    return true;
}

/* ---- names ---- */

static bool name_valid(struct bytes name, bool dots)
{
    bool begins = true;

    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (c == '.' && dots && !begins) {
            begins = true;
            continue;
        }
        if (!letter && (begins || c < '0' || c > '9'))
            return false;
        begins = false;
    }
    return name.len > 0 && !begins;
}

static struct bytes full_name(struct parse *p, struct bytes name, struct bytes space)
{
    if (!space.len || bytes_find(name, '.', 0) < name.len)
        return name;
    return bytes_str(arena_printf(p->names->arena, "%.*s.%.*s", BYTES_FMT(space), BYTES_FMT(name)));
}

static struct avro_schema *find_name(const struct avro_names *names, struct bytes full)
{
    for (uint32_t i = 0; i < names->count; i++)
        if (bytes_equal(names->types[i]->name, full))
            return names->types[i];
    return NULL;
}

static void add_name(struct avro_names *names, struct avro_schema *type)
{
    if (names->count == names->cap) {
        uint32_t cap = names->cap ? names->cap * 2 : 8;
        struct avro_schema **more = ARENA_ARRAY(names->arena, struct avro_schema *, cap);
        if (names->count)
            memcpy(more, names->types, names->count * sizeof(*more));
        names->types = more;
        names->cap = cap;
    }
    names->types[names->count++] = type;
}

/* ---- types ---- */

static struct avro_schema *parse_type(struct parse *p, struct bytes json);

/* One more type, field or symbol. */
static bool spend(struct parse *p)
{
    if (++p->names->nodes <= AVRO_TYPES_MAX)
        return true;
    diag_set(p->diag, ST_NOSPACE, DIAG_LIMIT, "an Avro schema has at most %d types, fields and symbols", AVRO_TYPES_MAX);
    return false;
}

static struct avro_schema *node(struct parse *p, enum avro_kind kind)
{
    if (!spend(p))
        return NULL;
    struct avro_schema *s = ARENA_NEW(p->names->arena, struct avro_schema);
    *s = (struct avro_schema){.kind = kind};
    return s;
}

static struct avro_schema *parse_name(struct parse *p, struct bytes name)
{
    for (int kind = 0; kind <= AVRO_STRING; kind++)
        if (bytes_is(name, kind_names[kind]))
            return node(p, (enum avro_kind)kind);
    struct avro_schema *type = find_name(p->names, full_name(p, name, p->space));
    if (!type)
        type = find_name(p->names, name);
    return type ? type : wrong(p, "the Avro schema names a type '%.*s' that it does not define", name);
}

static struct avro_schema *parse_union(struct parse *p, struct bytes json)
{
    struct json_iter it = json_iter_of(json);
    struct bytes value;
    struct avro_schema *s = node(p, AVRO_UNION);

    if (!s)
        return NULL;
    s->inner = ARENA_ARRAY(p->names->arena, const struct avro_schema *, array_count(json) + 1);
    while (json_array_next(&it, &value)) {
        struct avro_schema *branch = parse_type(p, value);
        if (!branch)
            return NULL;
        if (branch->kind == AVRO_UNION)
            return wrong(p, "a union in an Avro schema holds another union: %.*s", json);
        for (uint32_t i = 0; i < s->count; i++)
            if (s->inner[i]->kind == branch->kind && bytes_equal(s->inner[i]->name, branch->name))
                return wrong(p, "a union in an Avro schema holds a type twice: %.*s", json);
        s->inner[s->count++] = branch;
    }
    return s;
}

static bool parse_aliases(struct parse *p, struct bytes json, struct bytes space, struct bytes **out, uint32_t *count)
{
    struct bytes value;

    *count = 0;
    if (!json_member(json, "aliases", &value))
        return true;
    if (!texts_of(p, value, out, count)) {
        wrong(p, "'aliases' in an Avro schema is a list of names, not %.*s", value);
        return false;
    }
    for (uint32_t i = 0; i < *count; i++)
        (*out)[i] = full_name(p, (*out)[i], space);
    return true;
}

static bool parse_field(struct parse *p, struct bytes json, struct avro_schema *record)
{
    struct avro_field *f = &record->fields[record->count];
    struct bytes value;

    *f = (struct avro_field){0};
    if (!spend(p))
        return false;
    if (json_kind_of(json) != JSON_OBJECT || !member_text(p, json, "name", &f->name) || !name_valid(f->name, false)) {
        wrong(p, "a field of a record in an Avro schema has no name, or none that is valid: %.*s", json);
        return false;
    }
    for (uint32_t i = 0; i < record->count; i++)
        if (bytes_equal(record->fields[i].name, f->name)) {
            wrong(p, "a record in an Avro schema has two fields '%.*s'", f->name);
            return false;
        }
    if (!json_member(json, "type", &value)) {
        wrong(p, "field '%.*s' in an Avro schema has no type", f->name);
        return false;
    }
    f->type = parse_type(p, value);
    if (json_member(json, "default", &value))
        f->otherwise = arena_copy(p->names->arena, value);
    record->count++;
    return f->type && parse_aliases(p, json, BYTES_NONE, &f->aliases, &f->aliases_count);
}

static struct avro_schema *parse_fields(struct parse *p, struct bytes json, struct avro_schema *record)
{
    struct bytes fields, value;

    if (!json_member(json, "fields", &fields) || json_kind_of(fields) != JSON_ARRAY)
        return wrong(p, "the record '%.*s' in an Avro schema has no list of fields", record->name);
    record->fields = ARENA_ARRAY(p->names->arena, struct avro_field, array_count(fields) + 1);
    struct json_iter it = json_iter_of(fields);
    while (json_array_next(&it, &value))
        if (!parse_field(p, value, record))
            return NULL;
    return record;
}

static struct avro_schema *parse_symbols(struct parse *p, struct bytes json, struct avro_schema *s)
{
    struct bytes value;

    if (!json_member(json, "symbols", &value) || !texts_of(p, value, &s->symbols, &s->count))
        return wrong(p, "the enum '%.*s' in an Avro schema has no list of symbols", s->name);
    for (uint32_t i = 0; i < s->count; i++) {
        if (!spend(p))
            return NULL;
        if (!name_valid(s->symbols[i], false))
            return wrong(p, "'%.*s' is no symbol of an enum in an Avro schema", s->symbols[i]);
        for (uint32_t k = 0; k < i; k++)
            if (bytes_equal(s->symbols[i], s->symbols[k]))
                return wrong(p, "an enum in an Avro schema has the symbol '%.*s' twice", s->symbols[i]);
    }
    member_text(p, json, "default", &s->otherwise);
    return s;
}

/* A record, enum or fixed. Its name is known before its fields are read: they may use it. */
static struct avro_schema *parse_named(struct parse *p, struct bytes json, enum avro_kind kind)
{
    struct bytes name, space = p->space, outer = p->space;
    int64_t size = 0;
    struct avro_schema *s = node(p, kind);

    if (!s)
        return NULL;
    if (!member_text(p, json, "name", &name) || !name_valid(name, true))
        return wrong(p, "a named type in an Avro schema has no name, or none that is valid: %.*s", json);
    member_text(p, json, "namespace", &space);
    s->name = full_name(p, name, space);
    p->space = bytes_head(s->name, s->name.len - avro_short_name(s->name).len);
    if (p->space.len)
        p->space.len--; /* the dot */
    if (find_name(p->names, s->name))
        return wrong(p, "an Avro schema defines '%.*s' twice", s->name);
    add_name(p->names, s);
    if (!parse_aliases(p, json, p->space, &s->aliases, &s->aliases_count))
        return NULL;
    if (kind == AVRO_RECORD)
        s = parse_fields(p, json, s);
    else if (kind == AVRO_ENUM)
        s = parse_symbols(p, json, s);
    else if (!member_i64(json, "size", &size) || size < 0 || size > INT32_MAX)
        s = wrong(p, "the fixed '%.*s' in an Avro schema has no size that is a number", s->name);
    else
        s->size = (uint32_t)size;
    p->space = outer;
    return s;
}

/* A logical type that does not fit what is under it has no meaning, as the specification says. */
static void parse_logical(struct parse *p, struct bytes json, struct avro_schema *s)
{
    static const struct {
        const char *name;
        enum avro_kind kind;
        enum avro_logical logical;
    } known[] = {
        {"date", AVRO_INT, AVRO_DATE},
        {"time-millis", AVRO_INT, AVRO_TIME_MILLIS},
        {"time-micros", AVRO_LONG, AVRO_TIME_MICROS},
        {"timestamp-millis", AVRO_LONG, AVRO_TIMESTAMP_MILLIS},
        {"timestamp-micros", AVRO_LONG, AVRO_TIMESTAMP_MICROS},
        {"local-timestamp-millis", AVRO_LONG, AVRO_LOCAL_TIMESTAMP_MILLIS},
        {"local-timestamp-micros", AVRO_LONG, AVRO_LOCAL_TIMESTAMP_MICROS},
    };
    struct bytes name;
    int64_t precision, scale = 0;

    if (!member_text(p, json, "logicalType", &name))
        return;
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
        if (bytes_is(name, known[i].name) && s->kind == known[i].kind)
            s->logical = known[i].logical;
    if (!bytes_is(name, "decimal") || (s->kind != AVRO_BYTES && s->kind != AVRO_FIXED) ||
        !member_i64(json, "precision", &precision))
        return;
    member_i64(json, "scale", &scale);
    if (precision < 1 || precision > INT32_MAX || scale < 0 || scale > precision)
        return;
    s->logical = AVRO_DECIMAL;
    s->precision = (int32_t)precision;
    s->scale = (int32_t)scale;
}

static struct avro_schema *parse_inner(struct parse *p, struct bytes json, enum avro_kind kind)
{
    const char *member = kind == AVRO_ARRAY ? "items" : "values";
    struct bytes value;
    struct avro_schema *s = node(p, kind);

    if (!s)
        return NULL;
    if (!json_member(json, member, &value))
        return wrong(p, kind == AVRO_ARRAY ? "an array in an Avro schema has no 'items': %.*s"
                                           : "a map in an Avro schema has no 'values': %.*s", json);
    s->inner = ARENA_ARRAY(p->names->arena, const struct avro_schema *, 1);
    s->inner[0] = parse_type(p, value);
    return s->inner[0] ? s : NULL;
}

static struct avro_schema *parse_object(struct parse *p, struct bytes json)
{
    struct bytes type, name;
    struct avro_schema *s = NULL;

    if (!json_member(json, "type", &type))
        return wrong(p, "a type in an Avro schema has no 'type': %.*s", json);
    if (!text_of(p, type, &name))
        return parse_type(p, type);
    if (bytes_is(name, "record") || bytes_is(name, "error"))
        return parse_named(p, json, AVRO_RECORD);
    if (bytes_is(name, "enum"))
        return parse_named(p, json, AVRO_ENUM);
    if (bytes_is(name, "fixed"))
        s = parse_named(p, json, AVRO_FIXED);
    else if (bytes_is(name, "array"))
        return parse_inner(p, json, AVRO_ARRAY);
    else if (bytes_is(name, "map"))
        return parse_inner(p, json, AVRO_MAP);
    else
        s = parse_name(p, name);
    if (s && (s->kind <= AVRO_STRING || bytes_is(name, "fixed")))
        parse_logical(p, json, s);
    return s;
}

static struct avro_schema *parse_type(struct parse *p, struct bytes json)
{
    struct bytes name;
    struct avro_schema *s;

    if (p->depth == AVRO_DEPTH_MAX) {
        diag_set(p->diag, ST_NOSPACE, DIAG_LIMIT, "an Avro schema has at most %d levels", AVRO_DEPTH_MAX);
        return NULL;
    }
    p->depth++;
    switch (json_kind_of(json)) {
    case JSON_STRING: s = text_of(p, json, &name) ? parse_name(p, name) : NULL; break;
    case JSON_ARRAY: s = parse_union(p, json); break;
    case JSON_OBJECT: s = parse_object(p, json); break;
    default: s = wrong(p, "a type in an Avro schema is a text, a list or an object, not %.*s", json);
    }
    p->depth--;
    return s;
}

enum status avro_parse(struct avro_names *names, struct bytes json, const struct avro_schema **out, struct diag *diag)
{
    struct parse p = {.names = names, .diag = diag};
    struct json_cursor cursor = json_cursor_of(json);
    struct bytes value;

    if (!json_is_one(json, &cursor) || (cursor = json_cursor_of(json), !json_next(&cursor, &value)))
        return diag_set(diag, ST_INVALID, DIAG_SYNTAX, "the Avro schema is not JSON: %s at %zu",
                        cursor.error ? cursor.error : "it is empty", cursor.pos);
    *out = parse_type(&p, value);
    if (*out)
        return ST_OK;
    return names->nodes > AVRO_TYPES_MAX ? ST_NOSPACE : ST_INVALID;
}
