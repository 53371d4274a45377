/* schema.c: see schema.h. A schema object is read in one pass over its members; references are followed when all objects are
 * read, one after another, so that chains of them take no stack. */
#include "data/jsonschema/schema.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/json_reader.h"

/* Keywords, with the draft they begin with, and the last that has them (0: still there). */
#define KEYWORDS(X)                                                                                                       \
    X(REF, "$ref", 4, 0) X(TYPE, "type", 4, 0) X(ENUM, "enum", 4, 0) X(CONST, "const", 6, 0) X(NOT, "not", 4, 0)          \
    X(ALL_OF, "allOf", 4, 0) X(ANY_OF, "anyOf", 4, 0) X(ONE_OF, "oneOf", 4, 0)                                            \
    X(IF, "if", 7, 0) X(THEN, "then", 7, 0) X(ELSE, "else", 7, 0)                                                         \
    X(PROPERTIES, "properties", 4, 0) X(REQUIRED, "required", 4, 0) X(MIN_PROPERTIES, "minProperties", 4, 0)              \
    X(MAX_PROPERTIES, "maxProperties", 4, 0) X(PATTERN_PROPERTIES, "patternProperties", 4, 0)                             \
    X(ADDITIONAL_PROPERTIES, "additionalProperties", 4, 0) X(PROPERTY_NAMES, "propertyNames", 6, 0)                       \
    X(DEPENDENCIES, "dependencies", 4, 7) X(DEPENDENT_REQUIRED, "dependentRequired", 2019, 0)                             \
    X(DEPENDENT_SCHEMAS, "dependentSchemas", 2019, 0) X(UNEVALUATED_PROPERTIES, "unevaluatedProperties", 2019, 0)         \
    X(ITEMS, "items", 4, 0) X(PREFIX_ITEMS, "prefixItems", 2020, 0) X(ADDITIONAL_ITEMS, "additionalItems", 4, 2019)       \
    X(MIN_ITEMS, "minItems", 4, 0) X(MAX_ITEMS, "maxItems", 4, 0) X(UNIQUE_ITEMS, "uniqueItems", 4, 0)                    \
    X(CONTAINS, "contains", 6, 0) X(MIN_CONTAINS, "minContains", 2019, 0) X(MAX_CONTAINS, "maxContains", 2019, 0)         \
    X(UNEVALUATED_ITEMS, "unevaluatedItems", 2019, 0)                                                                     \
    X(MINIMUM, "minimum", 4, 0) X(MAXIMUM, "maximum", 4, 0) X(EXCLUSIVE_MINIMUM, "exclusiveMinimum", 4, 0)                \
    X(EXCLUSIVE_MAXIMUM, "exclusiveMaximum", 4, 0) X(MULTIPLE_OF, "multipleOf", 4, 0)                                     \
    X(MIN_LENGTH, "minLength", 4, 0) X(MAX_LENGTH, "maxLength", 4, 0) X(PATTERN, "pattern", 4, 0)                         \
    X(FORMAT, "format", 4, 7) X(DEFAULT, "default", 4, 0) X(CONNECT_TYPE, "connect.type", 4, 0)                           \
    X(DYNAMIC_REF, "$dynamicRef", 2020, 0) X(RECURSIVE_REF, "$recursiveRef", 2019, 0)

enum keyword {
#define X(name, text, from, to) KEY_##name,
    KEYWORDS(X)
#undef X
    KEYS
};
static const struct {
    const char *text;
    int from, to;
} keywords[KEYS] = {
#define X(name, text, from, to) {text, from, to},
    KEYWORDS(X)
#undef X
};

struct object {
    struct js_set *set;
    struct bytes json, key[KEYS]; /* values; ptr NULL: not there */
};

static bool fail(struct js_set *set, const char *keyword, const char *wanted)
{
    if (set->diag->code == DIAG_NONE)
        diag_set(set->diag, ST_INVALID, DIAG_VALUE, "'%s' of the JSON Schema is not %s", keyword, wanted);
    return false;
}

static bool has(const struct object *o, enum keyword k)
{
    return o->key[k].ptr != NULL;
}

static bool has_any(const struct object *o, enum keyword first, enum keyword last)
{
    for (enum keyword k = first; k <= last; k++)
        if (has(o, k) && keywords[k].from <= o->set->draft && (!keywords[k].to || o->set->draft <= keywords[k].to))
            return true;
    return false;
}

static struct bytes decoded(struct js_set *set, struct bytes quoted)
{
    struct buf text;

    buf_init(&text, 0);
    json_string_decode(quoted, &text);
    struct bytes out = arena_copy(set->arena, text.len ? buf_view(&text) : BYTES_LITERAL(""));
    buf_deinit(&text);
    return out;
}

static bool load(struct js_set *set, struct bytes json, struct js_schema **out);

/* ---- values of keywords ---- */

static bool want_kind(const struct object *o, enum keyword k, enum json_kind kind, const char *wanted)
{
    return json_kind_of(o->key[k]) == kind || fail(o->set, keywords[k].text, wanted);
}

static bool take_number(const struct object *o, enum keyword k, struct bytes *out)
{
    *out = o->key[k];
    return !out->ptr || want_kind(o, k, JSON_NUMBER, "a number");
}

static bool take_count(const struct object *o, enum keyword k, struct bytes *out)
{
    int64_t n;

    *out = o->key[k];
    return !out->ptr || (json_kind_of(*out) == JSON_NUMBER && bytes_to_i64(*out, &n) && n >= 0) ||
           fail(o->set, keywords[k].text, "a whole number");
}

static bool take_schema(const struct object *o, enum keyword k, struct js_schema **out)
{
    return !has(o, k) || load(o->set, o->key[k], out);
}

/* true, false or a schema. */
static bool take_others(const struct object *o, enum keyword k, bool *none, struct js_schema **out)
{
    if (!has(o, k) || json_kind_of(o->key[k]) == JSON_TRUE)
        return true;
    *none = json_kind_of(o->key[k]) == JSON_FALSE;
    return *none || load(o->set, o->key[k], out);
}

static uint32_t members_of(struct bytes container)
{
    struct json_iter it = json_iter_of(container);
    struct bytes key, value;
    uint32_t count = 0;
    bool object = json_kind_of(container) == JSON_OBJECT;

    while (object ? json_object_next(&it, &key, &value) : json_array_next(&it, &value))
        count++;
    return count;
}

static bool load_list(struct js_set *set, const char *keyword, struct bytes list, struct js_schema ***out, uint32_t *count)
{
    struct json_iter it;
    struct bytes value;

    if (json_kind_of(list) != JSON_ARRAY)
        return fail(set, keyword, "a list of schemas");
    *out = ARENA_ARRAY(set->arena, struct js_schema *, members_of(list) + 1u);
    it = json_iter_of(list);
    while (json_array_next(&it, &value))
        if (!load(set, value, &(*out)[(*count)++]))
            return false;
    return true;
}

static int by_property(const void *a, const void *b)
{
    return bytes_compare(((const struct js_property *)a)->name, ((const struct js_property *)b)->name);
}

static int by_name(const void *a, const void *b)
{
    return bytes_compare(*(const struct bytes *)a, *(const struct bytes *)b);
}

/* Members whose values are schemas; where lists may be among them they are left out. */
static bool load_members(const struct object *o, enum keyword k, bool lists_too, struct js_property **out, uint32_t *count)
{
    struct bytes name, value;

    if (!has(o, k))
        return true;
    if (!want_kind(o, k, JSON_OBJECT, "an object of schemas"))
        return false;
    *out = ARENA_ARRAY(o->set->arena, struct js_property, members_of(o->key[k]) + 1u);
    struct json_iter it = json_iter_of(o->key[k]);
    while (json_object_next(&it, &name, &value)) {
        if (lists_too && json_kind_of(value) == JSON_ARRAY)
            continue;
        struct js_property *p = &(*out)[(*count)++];
        p->name = decoded(o->set, name);
        if (!load(o->set, value, &p->schema))
            return false;
    }
    if (*count)
        qsort(*out, *count, sizeof(**out), by_property);
    for (uint32_t i = 1; i < *count; i++)
        if (bytes_equal((*out)[i - 1].name, (*out)[i].name))
            return fail(o->set, keywords[k].text, "an object whose names are there once");
    return true;
}

static bool load_names(struct js_set *set, const char *keyword, struct bytes list, struct bytes **out, uint32_t *count)
{
    struct bytes value;

    if (json_kind_of(list) != JSON_ARRAY)
        return fail(set, keyword, "a list of names");
    *out = ARENA_ARRAY(set->arena, struct bytes, members_of(list) + 1u);
    struct json_iter it = json_iter_of(list);
    while (json_array_next(&it, &value)) {
        if (json_kind_of(value) != JSON_STRING)
            return fail(set, keyword, "a list of names");
        (*out)[(*count)++] = decoded(set, value);
    }
    if (*count)
        qsort(*out, *count, sizeof(**out), by_name);
    return true;
}

/* Members whose values are lists of names; schemas may be among them, which are left out. */
static bool load_dependent(const struct object *o, enum keyword k, struct js_object *out)
{
    struct bytes name, value;

    if (!has(o, k))
        return true;
    if (!want_kind(o, k, JSON_OBJECT, "an object"))
        return false;
    out->dependent_required = ARENA_ARRAY(o->set->arena, struct js_names, members_of(o->key[k]) + 1u);
    struct json_iter it = json_iter_of(o->key[k]);
    while (json_object_next(&it, &name, &value)) {
        if (json_kind_of(value) != JSON_ARRAY)
            continue;
        struct js_names *n = &out->dependent_required[out->dependent_required_count++];
        n->name = decoded(o->set, name);
        if (!load_names(o->set, keywords[k].text, value, &n->list, &n->count))
            return false;
    }
    if (out->dependent_required_count)
        qsort(out->dependent_required, out->dependent_required_count, sizeof(*out->dependent_required), by_name); /* name is first */
    for (uint32_t i = 1; i < out->dependent_required_count; i++)
        if (bytes_equal(out->dependent_required[i - 1].name, out->dependent_required[i].name))
            return fail(o->set, keywords[k].text, "an object whose names are there once");
    return true;
}

/* ---- kinds ---- */

static bool load_object(const struct object *o, struct js_schema *s)
{
    struct js_object *out = ARENA_NEW(o->set->arena, struct js_object);
    bool modern = o->set->draft >= 2019;
    enum keyword dependent = modern ? KEY_DEPENDENT_REQUIRED : KEY_DEPENDENCIES;

    s->kind = JS_OBJECT;
    s->object = out;
    return load_members(o, KEY_PROPERTIES, false, &out->properties, &out->properties_count) &&
           load_members(o, KEY_PATTERN_PROPERTIES, false, &out->patterns, &out->patterns_count) &&
           load_members(o, modern ? KEY_DEPENDENT_SCHEMAS : KEY_DEPENDENCIES, !modern, &out->dependent_schemas,
                        &out->dependent_schemas_count) &&
           load_dependent(o, dependent, out) &&
           (!has(o, KEY_REQUIRED) ||
            load_names(o->set, "required", o->key[KEY_REQUIRED], &out->required, &out->required_count)) &&
           take_others(o, KEY_ADDITIONAL_PROPERTIES, &out->no_others, &out->others) &&
           (o->set->draft < 6 || take_schema(o, KEY_PROPERTY_NAMES, &out->names)) &&
           (!modern || take_schema(o, KEY_UNEVALUATED_PROPERTIES, &out->unevaluated)) &&
           take_count(o, KEY_MIN_PROPERTIES, &out->min) && take_count(o, KEY_MAX_PROPERTIES, &out->max);
}

/* Up to draft 2019 a list of `items` stands for the first ones, later `prefixItems`. */
static bool load_items(const struct object *o, struct js_array *out)
{
    bool listed = has(o, KEY_ITEMS) && json_kind_of(o->key[KEY_ITEMS]) == JSON_ARRAY;

    if (o->set->draft < 2020) {
        if (listed)
            return load_list(o->set, "items", o->key[KEY_ITEMS], &out->items, &out->items_count) &&
                   take_others(o, KEY_ADDITIONAL_ITEMS, &out->no_others, &out->others);
        return take_schema(o, KEY_ITEMS, &out->all) && take_others(o, KEY_ADDITIONAL_ITEMS, &out->no_others, &out->others);
    }
    if (listed)
        return fail(o->set, "items", "a schema: in draft 2020-12 a list is in 'prefixItems'");
    if (has(o, KEY_PREFIX_ITEMS))
        return load_list(o->set, "prefixItems", o->key[KEY_PREFIX_ITEMS], &out->items, &out->items_count) &&
               take_others(o, KEY_ITEMS, &out->no_others, &out->others);
    return take_others(o, KEY_ITEMS, &out->no_others, &out->all);
}

static bool load_array(const struct object *o, struct js_schema *s)
{
    struct js_array *out = ARENA_NEW(o->set->arena, struct js_array);
    bool modern = o->set->draft >= 2019;

    s->kind = JS_ARRAY;
    s->array = out;
    if (has(o, KEY_UNIQUE_ITEMS)) {
        out->unique = json_kind_of(o->key[KEY_UNIQUE_ITEMS]) == JSON_TRUE;
        if (!out->unique && !want_kind(o, KEY_UNIQUE_ITEMS, JSON_FALSE, "true or false"))
            return false;
    }
    if (modern && has(o, KEY_CONTAINS))
        out->min_contains = BYTES_LITERAL("1");
    return load_items(o, out) && (o->set->draft < 6 || take_schema(o, KEY_CONTAINS, &out->contains)) &&
           take_count(o, KEY_MIN_ITEMS, &out->min) && take_count(o, KEY_MAX_ITEMS, &out->max) &&
           (!modern || (take_schema(o, KEY_UNEVALUATED_ITEMS, &out->unevaluated) &&
                        (!has(o, KEY_MIN_CONTAINS) || take_count(o, KEY_MIN_CONTAINS, &out->min_contains)) &&
                        take_count(o, KEY_MAX_CONTAINS, &out->max_contains)));
}

static bool load_number(const struct object *o, struct js_schema *s)
{
    struct js_number *out = ARENA_NEW(o->set->arena, struct js_number);

    s->kind = JS_NUMBER;
    s->number = out;
    if (!take_number(o, KEY_MINIMUM, &out->min) || !take_number(o, KEY_MAXIMUM, &out->max) ||
        !take_number(o, KEY_MULTIPLE_OF, &out->multiple))
        return false;
    if (o->set->draft >= 6)
        return take_number(o, KEY_EXCLUSIVE_MINIMUM, &out->above) && take_number(o, KEY_EXCLUSIVE_MAXIMUM, &out->below);
    out->min_excluded = has(o, KEY_EXCLUSIVE_MINIMUM) && json_kind_of(o->key[KEY_EXCLUSIVE_MINIMUM]) == JSON_TRUE;
    out->max_excluded = has(o, KEY_EXCLUSIVE_MAXIMUM) && json_kind_of(o->key[KEY_EXCLUSIVE_MAXIMUM]) == JSON_TRUE;
    return true;
}

static bool load_string(const struct object *o, struct js_schema *s)
{
    struct js_string *out = ARENA_NEW(o->set->arena, struct js_string);

    s->kind = JS_STRING;
    s->string = out;
    out->pattern = o->key[KEY_PATTERN];
    return take_count(o, KEY_MIN_LENGTH, &out->min) && take_count(o, KEY_MAX_LENGTH, &out->max) &&
           (!out->pattern.ptr || want_kind(o, KEY_PATTERN, JSON_STRING, "a text"));
}

/* Kinds that a type took the keywords of. */
enum { TOOK_OBJECT = 1, TOOK_ARRAY = 2, TOOK_NUMBER = 4, TOOK_STRING = 8 };

static bool load_type(const struct object *o, struct bytes name, struct js_schema *s, uint32_t *took)
{
    if (json_string_is(name, "object")) {
        *took |= TOOK_OBJECT;
        return load_object(o, s);
    }
    if (json_string_is(name, "array")) {
        *took |= TOOK_ARRAY;
        return load_array(o, s);
    }
    if (json_string_is(name, "string")) {
        *took |= TOOK_STRING;
        return load_string(o, s);
    }
    if (json_string_is(name, "number") || json_string_is(name, "integer")) {
        *took |= TOOK_NUMBER;
        bool ok = load_number(o, s);
        s->number->integer = json_string_is(name, "integer");
        return ok;
    }
    s->kind = json_string_is(name, "boolean") ? JS_BOOLEAN : JS_NULL;
    return json_string_is(name, "boolean") || json_string_is(name, "null") ||
           fail(o->set, "type", "one of string, number, integer, boolean, null, array and object");
}

/* ---- schema objects ---- */

struct parts {
    struct js_schema *items[16];
    uint32_t count;
};

static struct js_schema *part_add(const struct object *o, struct parts *parts)
{
    struct js_schema *s = ARENA_NEW(o->set->arena, struct js_schema);

    s->json = o->json;
    CHECK(parts->count < 16);
    parts->items[parts->count++] = s;
    return s;
}

static bool add_types(const struct object *o, struct parts *parts, uint32_t *took)
{
    struct bytes type = o->key[KEY_TYPE], one;

    if (!type.ptr)
        return true;
    if (json_kind_of(type) == JSON_STRING)
        return load_type(o, type, part_add(o, parts), took);
    if (json_kind_of(type) != JSON_ARRAY)
        return fail(o->set, "type", "a name or a list of names");
    struct js_schema *any = part_add(o, parts);
    any->kind = JS_COMBINED;
    any->criterion = JS_ANY;
    any->made = true;
    any->inner = ARENA_ARRAY(o->set->arena, struct js_schema *, members_of(type) + 1u);
    struct json_iter it = json_iter_of(type);
    while (json_array_next(&it, &one)) {
        struct js_schema *s = ARENA_NEW(o->set->arena, struct js_schema);
        s->json = o->json;
        any->inner[any->count++] = s;
        if (any->count > 20 || json_kind_of(one) != JSON_STRING)
            return fail(o->set, "type", "a list of at most 20 names");
        if (!load_type(o, one, s, took))
            return false;
    }
    return true;
}

static bool add_combined(const struct object *o, struct parts *parts, enum keyword k, enum js_criterion criterion)
{
    if (!has(o, k))
        return true;
    struct js_schema *s = part_add(o, parts);
    s->kind = JS_COMBINED;
    s->criterion = criterion;
    return load_list(o->set, keywords[k].text, o->key[k], &s->inner, &s->count);
}

static bool add_value(const struct object *o, struct parts *parts, enum keyword k, enum js_kind kind)
{
    if (!has(o, k) || (k == KEY_CONST && o->set->draft < 6))
        return true;
    struct js_schema *s = part_add(o, parts);
    s->kind = kind;
    s->value = o->key[k];
    return kind != JS_ENUM || want_kind(o, k, JSON_ARRAY, "a list");
}

static bool add_not(const struct object *o, struct parts *parts)
{
    if (!has(o, KEY_NOT))
        return true;
    struct js_schema *s = part_add(o, parts);
    s->kind = JS_NOT;
    s->inner = ARENA_ARRAY(o->set->arena, struct js_schema *, 1);
    s->count = 1;
    return load(o->set, o->key[KEY_NOT], &s->inner[0]);
}

/* Keywords of a kind without its type: what is of another kind is let through. */
static bool add_untyped(const struct object *o, struct parts *parts, uint32_t took)
{
    if (!(took & TOOK_ARRAY) && has_any(o, KEY_ITEMS, KEY_UNEVALUATED_ITEMS) && !load_array(o, part_add(o, parts)))
        return false;
    if (!(took & TOOK_OBJECT) && has_any(o, KEY_PROPERTIES, KEY_UNEVALUATED_PROPERTIES) && !load_object(o, part_add(o, parts)))
        return false;
    if (!(took & TOOK_NUMBER) && has_any(o, KEY_MINIMUM, KEY_MULTIPLE_OF) && !load_number(o, part_add(o, parts)))
        return false;
    if (!(took & TOOK_STRING) && has_any(o, KEY_MIN_LENGTH, KEY_FORMAT) && !load_string(o, part_add(o, parts)))
        return false;
    if (has_any(o, KEY_IF, KEY_ELSE))
        part_add(o, parts)->kind = JS_CONDITIONAL;
    return true;
}

static bool add_parts(const struct object *o, struct parts *parts)
{
    uint32_t took = 0;

    return add_value(o, parts, KEY_ENUM, JS_ENUM) && add_combined(o, parts, KEY_ALL_OF, JS_ALL) &&
           add_combined(o, parts, KEY_ANY_OF, JS_ANY) && add_combined(o, parts, KEY_ONE_OF, JS_ONE) && add_not(o, parts) &&
           add_value(o, parts, KEY_CONST, JS_CONST) && add_types(o, parts, &took) && add_untyped(o, parts, took);
}

static bool load_parts(const struct object *o, struct js_schema *s)
{
    struct parts parts = {0};

    if (has(o, KEY_REF)) {
        struct js_schema *ref = part_add(o, &parts);
        ref->kind = JS_REF;
        ref->value = o->key[KEY_REF];
        if (!want_kind(o, KEY_REF, JSON_STRING, "a text"))
            return false;
    }
    if ((!has(o, KEY_REF) || o->set->draft >= 2019) && !add_parts(o, &parts)) /* before, what stands beside it is not looked at */
        return false;
    if (parts.count == 1) {
        *s = *parts.items[0];
    } else if (parts.count) {
        s->kind = JS_COMBINED;
        s->criterion = JS_ALL;
        s->made = true;
        s->inner = ARENA_ARRAY(o->set->arena, struct js_schema *, parts.count);
        memcpy(s->inner, parts.items, parts.count * sizeof(*parts.items));
        s->count = parts.count;
    }
    s->json = o->json;
    s->has_default = has(o, KEY_DEFAULT);
    s->connect_bytes = has(o, KEY_CONNECT_TYPE) && json_kind_of(o->key[KEY_CONNECT_TYPE]) == JSON_STRING &&
                       json_string_is(o->key[KEY_CONNECT_TYPE], "bytes");
    return true;
}

static bool read_keywords(struct object *o)
{
    struct json_iter it = json_iter_of(o->json);
    struct bytes key, value;

    while (json_object_next(&it, &key, &value))
        for (enum keyword k = 0; k < KEYS; k++)
            if (json_string_is(key, keywords[k].text)) {
                o->key[k] = value;
                break;
            }
    for (enum keyword k = KEY_DYNAMIC_REF; k <= KEY_RECURSIVE_REF; k++)
        if (has_any(o, k, k)) {
            diag_set(o->set->diag, ST_UNSUPPORTED, DIAG_UNSUPPORTED,
                     "JSON Schema's '%s' is not compared: use '$ref', or set the subject's level to NONE", keywords[k].text);
            return false;
        }
    return true;
}

static void node_add(struct js_set *set, struct js_schema *s)
{
    if (set->count == set->cap) {
        set->cap = set->cap ? set->cap * 2 : 64;
        struct js_schema **more = ARENA_ARRAY(set->arena, struct js_schema *, set->cap);
        if (set->count)
            memcpy(more, set->nodes, set->count * sizeof(*more));
        set->nodes = more;
    }
    set->nodes[set->count++] = s;
}

static bool load(struct js_set *set, struct bytes json, struct js_schema **out)
{
    struct bytes place = bytes_of(&json.ptr, sizeof(json.ptr));
    enum json_kind kind = json_kind_of(json);

    *out = map_get(&set->known, place);
    if (*out)
        return true;
    if (set->count == JS_NODES_MAX) {
        diag_set(set->diag, ST_NOSPACE, DIAG_LIMIT, "the JSON Schema has more than %d schemas in it", JS_NODES_MAX);
        return false;
    }
    if (kind != JSON_OBJECT && kind != JSON_TRUE && kind != JSON_FALSE)
        return fail(set, "a schema", "an object, true or false");
    struct js_schema *s = ARENA_NEW(set->arena, struct js_schema);
    s->json = json;
    map_put(&set->known, place, s);
    node_add(set, s);
    *out = s;
    if (kind != JSON_OBJECT) {
        s->kind = kind == JSON_TRUE ? JS_TRUE : JS_FALSE;
        return true;
    }
    struct object *o = ARENA_NEW(set->arena, struct object); /* too large for the stack of what is nested */
    *o = (struct object){.set = set, .json = json};
    return read_keywords(o) && load_parts(o, s);
}

/* ---- references ---- */

/* The members of an object by name, or the elements of a list by number. */
static struct map *index_of(struct js_set *set, struct bytes container)
{
    struct bytes place = bytes_of(&container.ptr, sizeof(container.ptr)), key, value;
    struct map *index = map_get(&set->indexes, place);
    struct json_iter it = json_iter_of(container);
    bool object = json_kind_of(container) == JSON_OBJECT;
    uint32_t n = 0;

    if (index)
        return index;
    index = ARENA_NEW(set->arena, struct map);
    map_init(index);
    map_put(&set->indexes, place, index);
    while (object ? json_object_next(&it, &key, &value) : json_array_next(&it, &value)) {
        struct bytes *copy = ARENA_NEW(set->arena, struct bytes);
        *copy = value;
        map_put(index, object ? decoded(set, key) : bytes_str(arena_printf(set->arena, "%u", n++)), copy);
    }
    return index;
}

static uint8_t hex_of(uint8_t c)
{
    return (uint8_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
}

/* A part of a pointer in an URL: %41, ~1 and ~0. */
static struct bytes token_of(struct js_set *set, struct bytes part)
{
    struct buf out;
    static const char digits[] = "0123456789abcdefABCDEF";

    buf_init(&out, 0);
    for (size_t i = 0; i < part.len; i++) {
        uint8_t c = part.ptr[i];
        if (c == '%' && i + 2 < part.len && part.ptr[i + 1] && part.ptr[i + 2] && strchr(digits, part.ptr[i + 1]) &&
            strchr(digits, part.ptr[i + 2])) {
            c = (uint8_t)(hex_of(part.ptr[i + 1]) << 4 | hex_of(part.ptr[i + 2]));
            i += 2;
        }
        if (c == '~' && i + 1 < part.len && (part.ptr[i + 1] == '0' || part.ptr[i + 1] == '1'))
            c = part.ptr[++i] == '0' ? '~' : '/';
        buf_u8(&out, c);
    }
    struct bytes token = arena_copy(set->arena, out.len ? buf_view(&out) : BYTES_LITERAL(""));
    buf_deinit(&out);
    return token;
}

static bool walk(struct js_set *set, struct bytes document, struct bytes pointer, struct bytes *out)
{
    *out = document;
    while (pointer.len) {
        if (pointer.ptr[0] != '/' || (json_kind_of(*out) != JSON_OBJECT && json_kind_of(*out) != JSON_ARRAY))
            return false;
        pointer = bytes_skip(pointer, 1);
        size_t end = bytes_find(pointer, '/', 0);
        struct bytes token = token_of(set, bytes_head(pointer, end));
        struct bytes *found = map_get(index_of(set, *out), token);
        if (!found && out->ptr == document.ptr && bytes_is(token, "$defs")) /* whichever of the two it is called */
            found = map_get(index_of(set, *out), BYTES_LITERAL("definitions"));
        if (!found)
            return false;
        *out = *found;
        pointer = bytes_skip(pointer, end);
    }
    return true;
}

static bool document_of(struct js_set *set, struct bytes name, struct bytes *out)
{
    struct json_cursor cursor;
    struct bytes text;

    *out = set->text;
    if (!name.len || (set->id.len && bytes_equal(name, set->id)))
        return true;
    if (!set->import || !set->import(set->context, name, &text))
        return false;
    cursor = json_cursor_of(text);
    return json_is_one(text, NULL) && json_next(&cursor, out);
}

static bool resolve(struct js_set *set, struct js_schema *s)
{
    struct bytes ref = decoded(set, s->value), document, found;
    size_t hash = bytes_find(ref, '#', 0);

    if (!document_of(set, bytes_head(ref, hash), &document) || !walk(set, document, bytes_skip(ref, hash + 1), &found)) {
        diag_set(set->diag, ST_INVALID, DIAG_NAME, "the JSON Schema refers to '%.*s', which is neither in it nor in a reference",
                 BYTES_FMT(bytes_head(ref, 200)));
        return false;
    }
    return load(set, found, &s->target);
}

static bool resolve_all(struct js_set *set)
{
    for (uint32_t i = 0; i < set->count; i++) { /* they grow */
        struct js_schema *s = set->nodes[i];
        if (s->kind == JS_REF && !resolve(set, s))
            return false;
        for (uint32_t k = 0; s->kind == JS_COMBINED && s->made && k < s->count; k++)
            if (s->inner[k]->kind == JS_REF && !s->inner[k]->target && !resolve(set, s->inner[k]))
                return false;
    }
    return true;
}

/* ---- the whole ---- */

static bool begins(struct bytes text, const char *with)
{
    return bytes_is(bytes_head(text, strlen(with)), with);
}

/* Which draft $schema names; without it 07. */
static bool read_draft(struct js_set *set)
{
    static const struct {
        const char *path;
        int draft;
    } drafts[] = {{"json-schema.org/draft-04/schema", 4}, {"json-schema.org/schema", 4}, {"json-schema.org/draft-06/schema", 6},
                  {"json-schema.org/draft-07/schema", 7}, {"json-schema.org/draft/2019-09/schema", 2019},
                  {"json-schema.org/draft/2020-12/schema", 2020}};
    struct bytes value;

    set->draft = 7;
    if (json_kind_of(set->text) != JSON_OBJECT || !json_member(set->text, "$schema", &value))
        return true;
    struct bytes url = json_kind_of(value) == JSON_STRING ? decoded(set, value) : BYTES_LITERAL("");
    struct bytes path = begins(url, "https://") ? bytes_skip(url, 8) : begins(url, "http://") ? bytes_skip(url, 7) : url;
    for (size_t i = 0; i < sizeof(drafts) / sizeof(*drafts); i++)
        if (begins(path, drafts[i].path)) {
            set->draft = drafts[i].draft;
            return true;
        }
    diag_set(set->diag, ST_UNSUPPORTED, DIAG_UNSUPPORTED,
             "'$schema' = '%.*s' is no draft that is known: 04, 06, 07, 2019-09 and 2020-12 are", BYTES_FMT(bytes_head(url, 100)));
    return false;
}

enum status js_parse(struct js_set *set, struct arena *arena, struct bytes text, js_import_fn *import, void *context,
                     struct diag *diag)
{
    struct json_cursor cursor = json_cursor_of(text);
    struct bytes id;
    struct diag own = {0};

    *set = (struct js_set){.arena = arena, .import = import, .context = context, .diag = &own};
    map_init(&set->known);
    map_init(&set->indexes);
    bool ok = json_is_one(text, NULL) && json_next(&cursor, &set->text);
    if (!ok)
        diag_set(&own, ST_INVALID, DIAG_SYNTAX, "the schema is not JSON");
    ok = ok && read_draft(set);
    if (ok && json_kind_of(set->text) == JSON_OBJECT && json_member(set->text, set->draft == 4 ? "id" : "$id", &id) &&
        json_kind_of(id) == JSON_STRING)
        set->id = decoded(set, id);
    ok = ok && load(set, set->text, &set->root) && resolve_all(set);
    set->diag = NULL;
    if (ok)
        return ST_OK;
    if (diag)
        *diag = own;
    return own.code == DIAG_UNSUPPORTED ? ST_UNSUPPORTED : own.code == DIAG_LIMIT ? ST_NOSPACE : ST_INVALID;
}

void js_deinit(struct js_set *set)
{
    for (struct map_entry *e = map_first(&set->indexes); e; e = map_next(&set->indexes, e))
        map_deinit(e->value);
    map_deinit(&set->indexes);
    map_deinit(&set->known);
}

const struct js_schema *js_target(const struct js_schema *schema)
{
    for (uint32_t i = 0; i < JS_NODES_MAX; i++) {
        if (schema->kind != JS_REF)
            return schema;
        schema = schema->target;
    }
    return NULL;
}

const struct js_property *js_property_named(const struct js_property *properties, uint32_t count, struct bytes name)
{
    const struct js_property wanted = {.name = name};

    return count ? bsearch(&wanted, properties, count, sizeof(*properties), by_property) : NULL;
}

bool js_has_name(const struct bytes *names, uint32_t count, struct bytes name)
{
    return count && bsearch(&name, names, count, sizeof(*names), by_name);
}
