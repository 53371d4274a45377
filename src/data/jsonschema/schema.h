/* schema.h: JSON Schemas as they are compared (compat.h): drafts 04, 06, 07, 2019-09 and 2020-12.
 *
 * A schema object is what its keywords say together: of one kind (the keywords of objects, of arrays, of numbers, of texts,
 * `enum`, `allOf`, …) that kind; of several a combination, as if they stood in an `allOf`. A `type` of several is an `anyOf`.
 *
 * Owns:    all is the arena's; texts are views of what was given.
 * Errors:  ST_INVALID: no JSON Schema, or it refers to what is not there; ST_UNSUPPORTED: a keyword whose meaning cannot be
 *          compared ($dynamicRef, …), by its name; ST_NOSPACE: over JS_NODES_MAX.
 * Threads: pure functions.   Layer: data.
 */
#ifndef QW_DATA_JSONSCHEMA_SCHEMA_H
#define QW_DATA_JSONSCHEMA_SCHEMA_H

#include "base/arena.h"
#include "base/diag.h"
#include "base/map.h"

enum { JS_NODES_MAX = 50000 };

enum js_kind {
    JS_EMPTY, JS_TRUE, JS_FALSE, JS_STRING, JS_NUMBER, JS_BOOLEAN, JS_NULL, JS_ENUM, JS_CONST, JS_NOT, JS_COMBINED, JS_OBJECT,
    JS_ARRAY, JS_CONDITIONAL, JS_REF,
};
enum js_criterion { JS_ALL, JS_ANY, JS_ONE };

/* Numbers as they are written; ptr NULL: not there. */
struct js_object {
    struct js_property *properties, *patterns, *dependent_schemas; /* by name */
    struct js_names *dependent_required;
    struct bytes *required; /* by name */
    uint32_t properties_count, patterns_count, dependent_schemas_count, dependent_required_count, required_count;
    bool no_others; /* additionalProperties: false */
    struct js_schema *others, *unevaluated, *names; /* additionalProperties, unevaluatedProperties, propertyNames */
    struct bytes min, max;
};
struct js_property {
    struct bytes name;
    struct js_schema *schema;
};
struct js_names {
    struct bytes name, *list; /* by name */
    uint32_t count;
};
struct js_array {
    struct js_schema *all, **items, *others, *unevaluated, *contains;
    uint32_t items_count;
    bool no_others, unique;
    struct bytes min, max, min_contains, max_contains;
};
struct js_number {
    bool integer, min_excluded, max_excluded; /* excluded: draft-04's booleans */
    struct bytes min, max, above, below, multiple;
};
struct js_string {
    struct bytes min, max, pattern; /* pattern: with its quotes */
};

struct js_schema {
    enum js_kind kind;
    enum js_criterion criterion; /* of COMBINED */
    bool made;                   /* COMBINED, of what stood side by side */
    bool has_default, connect_bytes;
    struct bytes json;           /* the schema object's text */
    struct bytes value;          /* the list of ENUM, the value of CONST, the reference of REF with its quotes */
    struct js_schema **inner, *target; /* of COMBINED and NOT; of REF, once it is asked for */
    uint32_t count;
    struct js_object *object;
    struct js_array *array;
    struct js_number *number;
    struct js_string *string;
};

/* Where references go to: the text of a name; false: nobody has it. */
typedef bool js_import_fn(void *context, struct bytes name, struct bytes *text);

struct js_set {
    struct arena *arena;
    struct js_schema *root;
    struct bytes text, id; /* of the root */
    int draft;             /* 4, 6, 7, 2019, 2020 */
    struct js_schema **nodes;
    uint32_t count, cap;
    uint32_t depth;
    struct map known;   /* by the place of their text */
    struct map indexes; /* of the members of objects that references went through */
    js_import_fn *import;
    void *context;
    struct diag *diag;
};

/* The whole schema, with all that it refers to. The set is to be given back by js_deinit in any case. */
enum status js_parse(struct js_set *set, struct arena *arena, struct bytes text, js_import_fn *import, void *context,
                     struct diag *diag) MUST_CHECK;
void js_deinit(struct js_set *set);

/* What a schema is: through references. NULL: they go round in a ring. */
const struct js_schema *js_target(const struct js_schema *schema);
const struct js_property *js_property_named(const struct js_property *properties, uint32_t count, struct bytes name);
bool js_has_name(const struct bytes *names, uint32_t count, struct bytes name);

#endif
