/* compat.c: see compat.h. Schemas may refer to themselves, so a pair that is being compared is taken for fitting; if one was,
 * and turns out not to, all is compared again with what is known not to fit, until nothing new is (the greatest fixed point). */
#include "data/jsonschema/compat.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/json_reader.h"

enum { WHY_MAX_BYTES = 1500, DEPTH_MAX = 400, WORK_MAX = 3000000, MATCH_WORK_MAX = 10000, MATCH_WORK = 1000, CHOICES_MAX = 1000 };

struct pair {
    const struct js_schema *old, *new;
};
enum verdict { OPEN = 1, FITS, FITS_NOT };

struct compare {
    struct buf *why, path;
    size_t begin; /* of what is said */
    struct map pairs, unfit; /* by struct pair: verdicts of this pass; those that are known not to fit */
    uint32_t depth, trying;  /* trying: what does not fit is no reason yet */
    size_t work;
    bool assumed, grown; /* a pair was taken for fitting; one more is known not to */
    bool exhausted;
};
static enum verdict verdicts[] = {0, OPEN, FITS, FITS_NOT};

static bool fits(struct compare *c, const struct js_schema *old, const struct js_schema *new);

/* ---- what stands in the way ---- */

static bool cannot(struct compare *c, const char *kind, const char *text)
{
    if (c->trying || c->why->len > WHY_MAX_BYTES)
        return false;
    struct bytes path = bytes_head(buf_view(&c->path), 300);
    buf_printf(c->why, "%s%s at path '#%.*s': %s", c->why->len ? "; " : "", kind, BYTES_FMT(path.len ? path : BYTES_LITERAL("/")),
               text);
    return false;
}

static bool undecided(struct compare *c, const char *keyword)
{
    char text[120];

    snprintf(text, sizeof(text), "'%s' is another, and whether it fits is not decided", keyword);
    return cannot(c, "NOT_DECIDED", text);
}

static size_t enter(struct compare *c, struct bytes name)
{
    size_t len = c->path.len;

    buf_printf(&c->path, "/%.*s", BYTES_FMT(bytes_head(name, 100)));
    return len;
}

static bool fits_at(struct compare *c, const char *name, const struct js_schema *old, const struct js_schema *new)
{
    size_t len = enter(c, bytes_str(name));
    bool ok = fits(c, old, new);

    c->path.len = len;
    return ok;
}

static bool tries(struct compare *c, const struct js_schema *old, const struct js_schema *new)
{
    c->trying++;
    bool ok = fits(c, old, new);
    c->trying--;
    return ok;
}

static bool spend(struct compare *c, size_t work)
{
    c->work += work;
    if (c->work <= WORK_MAX)
        return true;
    c->exhausted = true;
    return false;
}

/* Two texts that are the same JSON but for blanks. */
static bool same_json(struct bytes a, struct bytes b)
{
    return a.ptr && b.ptr ? bytes_equal(a, b) : a.ptr == b.ptr;
}

/* ---- numbers ---- */

static double number_of(struct bytes text)
{
    char copy[64];

    snprintf(copy, sizeof(copy), "%.*s", BYTES_FMT(bytes_head(text, sizeof(copy) - 1)));
    return strtod(copy, NULL);
}

/* A limit from above (sign 1) or below (-1): it may go, or let more through. */
static bool limit_fits(struct compare *c, const char *keyword, struct bytes old, struct bytes new, int sign)
{
    if (!new.ptr || (old.ptr && (sign > 0 ? number_of(new) >= number_of(old) : number_of(new) <= number_of(old))))
        return true;
    char kind[60], upper[40];
    size_t n = 0;
    for (const char *k = keyword; *k && n + 2 < sizeof(upper); k++) {
        if (*k >= 'A' && *k <= 'Z')
            upper[n++] = '_';
        upper[n++] = (char)(*k >= 'a' && *k <= 'z' ? *k - 32 : *k);
    }
    upper[n] = 0;
    snprintf(kind, sizeof(kind), "%s_%s", upper, !old.ptr ? "ADDED" : sign > 0 ? "DECREASED" : "INCREASED");
    return cannot(c, kind, old.ptr ? "the limit lets less through" : "there was no such limit");
}

/* A decimal number as whole * 10^exponent. False: it has too many digits. */
static bool decimal_of(struct bytes text, int64_t *whole, int *exponent)
{
    bool point = false, digits = false;
    size_t i = 0;

    *whole = *exponent = 0;
    for (; i < text.len && text.ptr[i] != 'e' && text.ptr[i] != 'E'; i++) {
        uint8_t d = text.ptr[i];
        if (d == '.') {
            point = true;
            continue;
        }
        if (d < '0' || d > '9' || *whole > INT64_MAX / 100)
            return false;
        digits = true;
        *whole = *whole * 10 + (d - '0');
        *exponent -= point;
    }
    int64_t e = 0;
    struct bytes power = bytes_skip(text, i + 1);
    if (power.len && power.ptr[0] == '+')
        power = bytes_skip(power, 1);
    if (i < text.len && (!bytes_to_i64(power, &e) || e > 18 || e < -18))
        return false;
    *exponent += (int)e;
    return digits && *whole > 0;
}

/* Whether `old` is a multiple of `new`. */
static bool multiple_of(struct bytes old, struct bytes new)
{
    int64_t a, b;
    int ea, eb;

    if (bytes_equal(old, new))
        return true;
    if (!decimal_of(old, &a, &ea) || !decimal_of(new, &b, &eb))
        return false;
    for (; ea > eb; ea--)
        if (__builtin_mul_overflow(a, 10, &a))
            return false;
    for (; eb > ea; eb--)
        if (__builtin_mul_overflow(b, 10, &b))
            return false;
    return a % b == 0;
}

static bool numbers_fit(struct compare *c, const struct js_number *old, const struct js_number *new)
{
    bool ok = limit_fits(c, "maximum", old->max, new->max, 1);

    ok &= limit_fits(c, "minimum", old->min, new->min, -1);
    ok &= limit_fits(c, "exclusiveMaximum", old->below, new->below, 1);
    ok &= limit_fits(c, "exclusiveMinimum", old->above, new->above, -1);

    if ((new->max_excluded && !old->max_excluded) || (new->min_excluded && !old->min_excluded))
        ok = undecided(c, "exclusive limit of draft 04");
    if (new->multiple.ptr && (!old->multiple.ptr || !multiple_of(old->multiple, new->multiple)))
        ok = cannot(c, old->multiple.ptr ? "MULTIPLE_OF_CHANGED" : "MULTIPLE_OF_ADDED", "fewer numbers are multiples");
    if (new->integer && !old->integer)
        ok = cannot(c, "TYPE_NARROWED", "only whole numbers are let through");
    return ok;
}

static bool strings_fit(struct compare *c, const struct js_string *old, const struct js_string *new)
{
    bool ok = limit_fits(c, "maxLength", old->max, new->max, 1);

    ok &= limit_fits(c, "minLength", old->min, new->min, -1);

    if (new->pattern.ptr && !same_json(old->pattern, new->pattern))
        ok = cannot(c, old->pattern.ptr ? "PATTERN_CHANGED" : "PATTERN_ADDED", "the pattern was another, or there was none");
    return ok;
}

/* ---- enums ---- */

static int by_text(const void *a, const void *b)
{
    return bytes_compare(*(const struct bytes *)a, *(const struct bytes *)b);
}

static uint32_t values_of(struct bytes list, struct bytes **out)
{
    struct json_iter it = json_iter_of(list);
    struct bytes value;
    uint32_t count = 0, cap = 16;

    *out = xmalloc(cap * sizeof(**out));
    while (json_array_next(&it, &value)) {
        if (count == cap) {
            cap *= 2;
            *out = xrealloc(*out, cap * sizeof(**out));
        }
        (*out)[count++] = value;
    }
    if (count)
        qsort(*out, count, sizeof(**out), by_text);
    return count;
}

static bool enums_fit(struct compare *c, struct bytes old, struct bytes new)
{
    struct bytes *olds, *news;
    uint32_t olds_count = values_of(old, &olds), news_count = values_of(new, &news);
    bool ok = spend(c, olds_count + news_count);

    for (uint32_t i = 0; ok && i < olds_count; i++)
        ok = news_count && bsearch(&olds[i], news, news_count, sizeof(*news), by_text);
    free(olds);
    free(news);
    return ok || cannot(c, "ENUM_ARRAY_NARROWED", "a value is no longer in the enum");
}

/* ---- objects ---- */

/* Any other property may be there, of any kind. */
static bool is_open(const struct js_object *o)
{
    return !o->no_others && !o->others && !o->patterns_count &&
           (!o->unevaluated || o->unevaluated->kind == JS_EMPTY || o->unevaluated->kind == JS_TRUE);
}

/* pattern: as it is in JSON, without quotes. False too where it cannot be read. */
static bool matches(struct bytes pattern, struct bytes name)
{
    int code;
    PCRE2_SIZE at;
    pcre2_code *re = pattern.len < 10000
                         ? pcre2_compile(pattern.ptr, pattern.len, PCRE2_UTF, &code, &at, NULL)
                         : NULL;
    pcre2_match_context *limits = re ? pcre2_match_context_create(NULL) : NULL;
    pcre2_match_data *data = re ? pcre2_match_data_create(1, NULL) : NULL;
    bool found = false;

    if (limits && data) {
        pcre2_set_match_limit(limits, MATCH_WORK_MAX);
        pcre2_set_depth_limit(limits, 1000);
        found = pcre2_match(re, name.ptr, name.len, 0, 0, data, limits) >= 0;
    }
    pcre2_match_data_free(data);
    pcre2_match_context_free(limits);
    pcre2_code_free(re);
    return found;
}

/* The schema of a property that has none by its name; NULL: it has none, or must not be. */
static const struct js_schema *schema_of_others(struct compare *c, const struct js_object *o, struct bytes name)
{
    for (uint32_t i = 0; i < o->patterns_count; i++) {
        if (!spend(c, MATCH_WORK)) /* hostile patterns take about 0.1 ms */
            return NULL;
        if (matches(o->patterns[i].name, name))
            return o->patterns[i].schema;
    }
    if (o->others)
        return o->others;
    if (!o->no_others && o->unevaluated && o->unevaluated->kind != JS_FALSE && o->unevaluated->kind != JS_EMPTY &&
        o->unevaluated->kind != JS_TRUE)
        return o->unevaluated;
    return NULL;
}

static bool removed_fits(struct compare *c, const struct js_property *old, const struct js_object *new)
{
    if (is_open(new))
        return true;
    const struct js_schema *others = schema_of_others(c, new, old->name);
    if (others)
        return fits(c, old->schema, others) || cannot(c, "PROPERTY_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL",
                                                      "the property is gone, and does not fit what others must be");
    return old->schema->kind == JS_FALSE ||
           cannot(c, "PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL", "the property is gone, and others may not be there");
}

static bool added_fits(struct compare *c, const struct js_object *old, const struct js_property *p, const struct js_object *new)
{
    bool required = js_has_name(new->required, new->required_count, p->name), ok = true;

    if (is_open(old)) {
        if (p->schema->kind == JS_EMPTY || p->schema->kind == JS_TRUE)
            return true;
        return cannot(c, required ? "REQUIRED_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL" : "OPTIONAL_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL",
                      "the property is new, and could be anything before");
    }
    const struct js_schema *others = schema_of_others(c, old, p->name);
    if (others && !fits(c, others, p->schema))
        ok = cannot(c, "PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL",
                    "the property is new, and what others had to be does not fit it");
    if (required && !p->schema->has_default)
        ok = cannot(c, "REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL", "the property is new, required, and has no default");
    return ok;
}

static bool properties_fit(struct compare *c, const struct js_object *old, const struct js_object *new)
{
    bool ok = spend(c, old->properties_count + new->properties_count);
    size_t len = enter(c, BYTES_LITERAL("properties"));

    for (uint32_t i = 0; i < old->properties_count && !c->exhausted; i++) {
        const struct js_property *was = &old->properties[i],
                                 *is = js_property_named(new->properties, new->properties_count, was->name);
        size_t inner = enter(c, was->name);
        ok &= is ? fits(c, was->schema, is->schema) : removed_fits(c, was, new);
        if (is && !js_has_name(old->required, old->required_count, was->name) &&
            js_has_name(new->required, new->required_count, was->name) && !is->schema->has_default)
            ok = cannot(c, "REQUIRED_ATTRIBUTE_ADDED", "the property was not required, and has no default");
        c->path.len = inner;
    }
    for (uint32_t i = 0; i < new->properties_count && !c->exhausted; i++) {
        const struct js_property *p = &new->properties[i];
        if (js_property_named(old->properties, old->properties_count, p->name))
            continue;
        size_t inner = enter(c, p->name);
        ok &= added_fits(c, old, p, new);
        c->path.len = inner;
    }
    c->path.len = len;
    return ok;
}

/* What is required without being a property by name: that it was not, may be seen by nobody but those who read. */
static bool required_fit(struct compare *c, const struct js_object *old, const struct js_object *new)
{
    for (uint32_t i = 0; i < new->required_count; i++)
        if (!js_property_named(new->properties, new->properties_count, new->required[i]) &&
            !js_has_name(old->required, old->required_count, new->required[i]))
            return undecided(c, "required");
    return true;
}

/* additionalProperties, additionalItems. */
static bool others_fit(struct compare *c, const char *keyword, const char *kind, bool old_none, const struct js_schema *old,
                       bool new_none, const struct js_schema *new)
{
    char name[60];

    if (old_none || (!new_none && !new))
        return true;
    if (new_none || !old) {
        snprintf(name, sizeof(name), "%s_%s", kind, new_none ? "REMOVED" : "NARROWED");
        return cannot(c, name, "what else was let through is so no longer");
    }
    return fits_at(c, keyword, old, new);
}

static bool is_any(const struct js_schema *s)
{
    return !s || s->kind == JS_EMPTY || s->kind == JS_TRUE;
}

static bool unevaluated_fit(struct compare *c, const char *keyword, const char *kind, const struct js_schema *old,
                            const struct js_schema *new)
{
    char name[60];

    if (!new || (old && old->kind == JS_FALSE) || (old && new->kind != JS_FALSE && is_any(new)))
        return true;
    if (old && new->kind != JS_FALSE && !is_any(old))
        return fits_at(c, keyword, old, new);
    snprintf(name, sizeof(name), "%s_%s", kind, new->kind == JS_FALSE ? "REMOVED" : "NARROWED");
    return cannot(c, name, "what else was let through is so no longer");
}

static bool dependencies_fit(struct compare *c, const struct js_object *old, const struct js_object *new)
{
    bool ok = true;

    for (uint32_t i = 0; i < new->dependent_required_count; i++) {
        const struct js_names *is = &new->dependent_required[i], *was = NULL;
        for (uint32_t k = 0; k < old->dependent_required_count && !was && spend(c, 1); k++)
            was = bytes_equal(old->dependent_required[k].name, is->name) ? &old->dependent_required[k] : NULL;
        bool all = was;
        for (uint32_t k = 0; all && k < is->count; k++)
            all = js_has_name(was->list, was->count, is->list[k]);
        if (!all)
            ok = cannot(c, was ? "DEPENDENCY_ARRAY_EXTENDED" : "DEPENDENCY_ARRAY_ADDED", "a property wants another beside it");
    }
    for (uint32_t i = 0; i < new->dependent_schemas_count; i++) {
        const struct js_property *is = &new->dependent_schemas[i],
                                 *was = js_property_named(old->dependent_schemas, old->dependent_schemas_count, is->name);
        ok &= was ? fits_at(c, "dependencies", was->schema, is->schema)
                  : cannot(c, "DEPENDENCY_SCHEMA_ADDED", "a property wants a schema of the object");
    }
    return ok;
}

/* Patterns that stay are compared; of others it is not decided, but they may go where all else may be there. */
static bool patterns_fit(struct compare *c, const struct js_object *old, const struct js_object *new)
{
    bool ok = true;

    for (uint32_t i = 0; i < new->patterns_count; i++) {
        const struct js_property *is = &new->patterns[i],
                                 *was = js_property_named(old->patterns, old->patterns_count, is->name);
        ok &= was ? fits_at(c, "patternProperties", was->schema, is->schema) : undecided(c, "patternProperties");
    }
    for (uint32_t i = 0; i < old->patterns_count && !is_open(new); i++)
        if (!js_property_named(new->patterns, new->patterns_count, old->patterns[i].name))
            ok = undecided(c, "patternProperties");
    return ok;
}

/* A schema that is not compared: it may go, or be as it was. */
static bool as_it_was(struct compare *c, const char *keyword, const struct js_schema *old, const struct js_schema *new)
{
    return !new || (old && same_json(old->json, new->json)) || undecided(c, keyword);
}

static bool objects_fit(struct compare *c, const struct js_object *old, const struct js_object *new)
{
    bool ok = properties_fit(c, old, new);

    ok &= required_fit(c, old, new);
    ok &= dependencies_fit(c, old, new);
    ok &= patterns_fit(c, old, new);
    ok &= others_fit(c, "additionalProperties", "ADDITIONAL_PROPERTIES", old->no_others, old->others,
                     new->no_others, new->others);
    ok &= unevaluated_fit(c, "unevaluatedProperties", "UNEVALUATED_PROPERTIES", old->unevaluated, new->unevaluated);
    ok &= as_it_was(c, "propertyNames", old->names, new->names);

    ok &= limit_fits(c, "maxProperties", old->max, new->max, 1);
    ok &= limit_fits(c, "minProperties", old->min, new->min, -1);
    return ok;
}

/* ---- arrays ---- */

static bool items_are_open(const struct js_array *a)
{
    return !a->no_others && !a->others && is_any(a->unevaluated);
}

static const struct js_schema *schema_of_other_items(const struct js_array *a)
{
    if (a->others)
        return a->others;
    return !a->no_others && a->unevaluated && a->unevaluated->kind != JS_FALSE && !is_any(a->unevaluated) ? a->unevaluated : NULL;
}

static bool removed_item_fits(struct compare *c, const struct js_schema *old, const struct js_array *new)
{
    const struct js_schema *others = schema_of_other_items(new);

    if (items_are_open(new) || (!others && old->kind == JS_FALSE))
        return true;
    if (!others)
        return cannot(c, "ITEM_REMOVED_FROM_CLOSED_CONTENT_MODEL", "the item is gone, and others may not be there");
    return fits(c, old, others) ||
           cannot(c, "ITEM_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL", "the item is gone, and does not fit what others must be");
}

static bool added_item_fits(struct compare *c, const struct js_array *old, const struct js_schema *new)
{
    const struct js_schema *others = schema_of_other_items(old);

    if (items_are_open(old))
        return is_any(new) || cannot(c, "ITEM_ADDED_TO_OPEN_CONTENT_MODEL", "the item is new, and could be anything before");
    return !others || fits(c, others, new) ||
           cannot(c, "ITEM_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL", "the item is new, and what others had to be does not fit it");
}

static bool items_fit(struct compare *c, const struct js_array *old, const struct js_array *new)
{
    uint32_t count = old->items_count > new->items_count ? old->items_count : new->items_count;
    bool ok = spend(c, count);

    for (uint32_t i = 0; i < count && !c->exhausted; i++) {
        char name[20];
        snprintf(name, sizeof(name), "items/%u", i);
        size_t len = enter(c, bytes_str(name));
        if (i >= new->items_count)
            ok &= removed_item_fits(c, old->items[i], new);
        else
            ok &= i >= old->items_count ? added_item_fits(c, old, new->items[i]) : fits(c, old->items[i], new->items[i]);
        c->path.len = len;
    }
    return ok;
}

static bool arrays_fit(struct compare *c, const struct js_array *old, const struct js_array *new)
{
    bool ok = true;

    if (new->all)
        ok = old->all ? fits_at(c, "items", old->all, new->all)
                      : cannot(c, "SCHEMA_ADDED", "items could be anything before");
    ok &= items_fit(c, old, new);
    ok &= others_fit(c, "additionalItems", "ADDITIONAL_ITEMS", old->no_others, old->others, new->no_others,
                     new->others);
    ok &= unevaluated_fit(c, "unevaluatedItems", "UNEVALUATED_ITEMS", old->unevaluated, new->unevaluated);
    ok &= limit_fits(c, "maxItems", old->max, new->max, 1);
    ok &= limit_fits(c, "minItems", old->min, new->min, -1);
    ok &= limit_fits(c, "maxContains", old->max_contains, new->max_contains, 1);
    ok &= limit_fits(c, "minContains", old->min_contains, new->min_contains, -1);
    ok &= as_it_was(c, "contains", old->contains, new->contains);
    if (new->unique && !old->unique)
        ok = cannot(c, "UNIQUE_ITEMS_ADDED", "items could be there twice");
    return ok;
}

/* ---- combinations ---- */

/* Those of a combination, each once. */
struct choices {
    const struct js_schema **items;
    uint32_t count;
};

static struct choices choices_of(struct compare *c, const struct js_schema *s)
{
    struct choices out = {xcalloc(s->count + 1u, sizeof(struct js_schema *)), 0};

    for (uint32_t i = 0; i < s->count; i++) {
        bool twice = false;
        for (uint32_t k = 0; k < out.count && !s->made && !twice && spend(c, 1); k++)
            twice = same_json(out.items[k]->json, s->inner[i]->json);
        if (!twice)
            out.items[out.count++] = s->inner[i];
    }
    return out;
}

struct matching {
    struct compare *c;
    struct choices old, new;
    bool *edges;     /* old * new.count + new */
    uint32_t *taken; /* of each new: the old + 1 that has it */
    bool *seen;
};

/* Finds one for an old schema, where need be by moving others (Kuhn's method). */
static bool match_one(struct matching *m, uint32_t old)
{
    for (uint32_t i = 0; i < m->new.count; i++) {
        if (!m->edges[old * m->new.count + i] || m->seen[i] || !spend(m->c, 1))
            continue;
        m->seen[i] = true;
        if (!m->taken[i] || match_one(m, m->taken[i] - 1)) {
            m->taken[i] = old + 1;
            return true;
        }
    }
    return false;
}

static bool choices_match(struct compare *c, const struct choices *old, const struct choices *new)
{
    struct matching m = {c, *old, *new, xcalloc((size_t)old->count * new->count + 1, sizeof(bool)),
                         xcalloc(new->count + 1u, sizeof(uint32_t)), xcalloc(new->count + 1u, sizeof(bool))};
    uint32_t found = 0;

    for (uint32_t i = 0; i < old->count && !c->exhausted; i++)
        for (uint32_t k = 0; k < new->count && !c->exhausted; k++)
            m.edges[i * new->count + k] = tries(c, old->items[i], new->items[k]);
    for (uint32_t i = 0; i < old->count && !c->exhausted; i++) {
        memset(m.seen, 0, new->count * sizeof(bool));
        found += match_one(&m, i);
    }
    free(m.edges);
    free(m.taken);
    free(m.seen);
    return found >= (old->count < new->count ? old->count : new->count) ||
           cannot(c, "COMBINED_TYPE_SUBSCHEMAS_CHANGED", "not every schema has one to go to");
}

static bool combinations_fit(struct compare *c, const struct js_schema *old, const struct js_schema *new)
{
    bool ok = true;

    if (old->criterion != new->criterion &&
        !(new->criterion == JS_ANY || (old->count == 1 && new->count == 1) || (old->count == 1 && new->criterion == JS_ONE) ||
          (new->count == 1 && old->criterion == JS_ALL)))
        return cannot(c, "COMBINED_TYPE_CHANGED", "of allOf, anyOf and oneOf it is another");
    struct choices olds = choices_of(c, old), news = choices_of(c, new);
    if (olds.count > CHOICES_MAX || news.count > CHOICES_MAX)
        ok = cannot(c, "TOO_LARGE", "there are more schemas side by side than are compared");
    else if (olds.count < news.count && new->criterion == JS_ALL)
        ok = cannot(c, "PRODUCT_TYPE_EXTENDED", "there are more schemas that all must fit");
    else if (olds.count > news.count && old->criterion != JS_ALL)
        ok = cannot(c, "SUM_TYPE_NARROWED", "there are fewer schemas to choose from");
    ok = ok && choices_match(c, &olds, &news);
    free(olds.items);
    free(news.items);
    return ok;
}

/* One beside a combination: a single one of it, or any that fits. */
static bool fits_a_choice(struct compare *c, const struct js_schema *old, const struct js_schema *new)
{
    const struct js_schema *many = new->kind == JS_COMBINED ? new : old;
    bool chooses = many == new ? new->criterion != JS_ALL : old->criterion == JS_ALL;

    for (uint32_t i = 0; i < many->count && (chooses || many->count == 1); i++)
        if (many == new ? tries(c, old, new->inner[i]) : tries(c, old->inner[i], new))
            return true;
    return false;
}

/* ---- schemas ---- */

static bool same_kind_fits(struct compare *c, const struct js_schema *old, const struct js_schema *new)
{
    switch (old->kind) {
    case JS_STRING: return strings_fit(c, old->string, new->string);
    case JS_NUMBER: return numbers_fit(c, old->number, new->number);
    case JS_ENUM: return enums_fit(c, old->value, new->value);
    case JS_CONST: return same_json(old->value, new->value) || cannot(c, "ENUM_ARRAY_CHANGED", "'const' is another value");
    case JS_NOT:
        return tries(c, new->inner[0], old->inner[0]) || cannot(c, "NOT_TYPE_EXTENDED", "'not' lets less through");
    case JS_COMBINED: return combinations_fit(c, old, new);
    case JS_OBJECT: return objects_fit(c, old->object, new->object);
    case JS_ARRAY: return arrays_fit(c, old->array, new->array);
    case JS_CONDITIONAL: return same_json(old->json, new->json) || undecided(c, "if");
    default: return true;
    }
}

static bool compare_kinds(struct compare *c, const struct js_schema *old, const struct js_schema *new)
{
    if ((old->kind == JS_COMBINED) != (new->kind == JS_COMBINED) && fits_a_choice(c, old, new))
        return true;
    if (old->kind == new->kind)
        return same_kind_fits(c, old, new);
    if (old->kind == JS_FALSE || new->kind == JS_EMPTY || new->kind == JS_TRUE || (old->connect_bytes && new->connect_bytes))
        return true;
    return cannot(c, "TYPE_CHANGED", "the type is another");
}

static bool fits(struct compare *c, const struct js_schema *old, const struct js_schema *new)
{
    const struct pair pair = {js_target(old), js_target(new)};
    struct bytes key = bytes_of(&pair, sizeof(pair));

    if (!spend(c, 1))
        return false;
    if (!pair.old || !pair.new)
        return cannot(c, "REFERENCE_RING", "a reference leads back to itself");
    enum verdict *known = map_get(&c->pairs, key);
    if (known && *known == OPEN) {
        if (map_get(&c->unfit, key))
            return false;
        c->assumed = true;
        return true;
    }
    if (known && (*known == FITS || c->trying || c->why->len > c->begin)) /* again only to say why */
        return *known == FITS;
    if (c->depth == DEPTH_MAX) {
        c->exhausted = true;
        return false;
    }
    c->depth++;
    map_put(&c->pairs, key, &verdicts[OPEN]);
    bool ok = compare_kinds(c, pair.old, pair.new);
    map_put(&c->pairs, key, &verdicts[ok ? FITS : FITS_NOT]);
    c->grown |= !ok && !map_put(&c->unfit, key, &verdicts[FITS_NOT]);
    c->depth--;
    return ok;
}

bool js_can_read(const struct js_set *reader, const struct js_set *writer, struct buf *why)
{
    struct compare c = {.why = why, .begin = why->len};
    bool ok;

    buf_init(&c.path, 0);
    map_init(&c.unfit);
    do {
        map_init(&c.pairs);
        c.assumed = c.grown = false;
        why->len = c.begin;
        c.path.len = 0;
        ok = fits(&c, writer->root, reader->root);
        map_deinit(&c.pairs);
    } while (c.assumed && c.grown && !c.exhausted);
    if (c.exhausted) {
        why->len = c.begin; /* no verdict is one */
        ok = cannot(&c, "TOO_LARGE", "the schemas are too large, or too deep, to be compared");
    } else if (!ok && why->len == c.begin) {
        ok = cannot(&c, "TYPE_CHANGED", "what it refers to does not fit");
    }
    map_deinit(&c.unfit);
    buf_deinit(&c.path);
    return ok;
}
