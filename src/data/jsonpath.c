/* Step by step: the values found so far, then those that a step finds in each of them. */
#include "data/jsonpath.h"

#include "base/check.h"
#include "base/json_reader.h"

#include <stdio.h>

enum step_kind { STEP_NAME, STEP_PLACES, STEP_SLICE, STEP_ALL, STEP_DEEP_NAME, STEP_DEEP_ALL, STEP_LENGTH };

struct jsonpath_step {
    enum step_kind kind;
    struct bytes name;
    const int32_t *places; /* from the end when negative; of a slice from and to */
    uint16_t places_count;
    bool has_from, has_to;
};

/* ---- compiling ---- */

struct compiler {
    struct arena *arena;
    struct bytes text;
    size_t at;
    struct jsonpath *path;
    struct jsonpath_step steps[JSONPATH_STEPS_MAX];
    const char *why;
};

static uint8_t peek(const struct compiler *c)
{
    return c->at < c->text.len ? c->text.ptr[c->at] : 0;
}

static bool bad(struct compiler *c, const char *why)
{
    if (!c->why)
        c->why = why;
    return false;
}

static void blanks(struct compiler *c)
{
    while (peek(c) == ' ')
        c->at++;
}

static struct jsonpath_step *step_add(struct compiler *c, enum step_kind kind)
{
    if (c->path->count == JSONPATH_STEPS_MAX)
        return bad(c, "it has more than 64 steps"), NULL;
    if (c->path->count && c->steps[c->path->count - 1].kind == STEP_LENGTH)
        return bad(c, "length() is not at its end"), NULL;
    struct jsonpath_step *step = &c->steps[c->path->count++];
    *step = (struct jsonpath_step){.kind = kind};
    c->path->several |= kind == STEP_SLICE || kind == STEP_ALL || kind == STEP_DEEP_NAME || kind == STEP_DEEP_ALL;
    return step;
}

static bool name_end(uint8_t c)
{
    return c == 0 || c == '.' || c == '[' || c == ' ' || c == '(' || c == ']';
}

/* Behind a point, or two. */
static bool compile_name(struct compiler *c, bool deep)
{
    size_t from = c->at;

    if (peek(c) == '*') {
        c->at++;
        return step_add(c, deep ? STEP_DEEP_ALL : STEP_ALL) != NULL;
    }
    while (!name_end(peek(c)))
        c->at++;
    struct bytes name = bytes_of(c->text.ptr + from, c->at - from);
    if (!name.len)
        return bad(c, "a name is missing behind a point");
    if (peek(c) == ' ')
        return bad(c, "a name with a blank stands in brackets: ['a b']");
    if (peek(c) == '(') {
        if (!bytes_is(name, "length") || deep || bytes_skip(c->text, c->at).len < 2 || c->text.ptr[c->at + 1] != ')')
            return bad(c, "its only function is length()");
        c->at += 2;
        return step_add(c, STEP_LENGTH) != NULL;
    }
    if (peek(c) == ']')
        return bad(c, "there is a ] without its [");
    struct jsonpath_step *step = step_add(c, deep ? STEP_DEEP_NAME : STEP_NAME);
    if (step)
        step->name = name;
    return step != NULL;
}

/* 'name' or "name", a backslash before a sign takes it as it is */
static bool compile_quoted(struct compiler *c)
{
    uint8_t quote = peek(c);
    uint8_t *name = arena_alloc(c->arena, c->text.len);
    size_t len = 0;

    for (c->at++; c->at < c->text.len && peek(c) != quote; c->at++) {
        if (peek(c) == '\\' && c->at + 1 < c->text.len)
            c->at++;
        name[len++] = peek(c);
    }
    if (peek(c) != quote)
        return bad(c, "a quoted name does not end");
    c->at++;
    struct jsonpath_step *step = step_add(c, STEP_NAME);
    if (step)
        step->name = bytes_of(name, len);
    return step != NULL;
}

static bool read_place(struct compiler *c, int32_t *out)
{
    bool negative = peek(c) == '-';
    int64_t v = 0;

    c->at += negative;
    if (peek(c) < '0' || peek(c) > '9')
        return bad(c, "brackets hold a quoted name, positions, from:to or *; filters are not built");
    for (; peek(c) >= '0' && peek(c) <= '9' && v < INT32_MAX; c->at++)
        v = v * 10 + (peek(c) - '0');
    if (v > INT32_MAX)
        return bad(c, "a position is too large");
    *out = (int32_t)(negative ? -v : v);
    return true;
}

/* from ':' to, either may be missing; or positions */
static bool compile_places(struct compiler *c)
{
    struct bytes rest = bytes_skip(c->text, c->at);
    int32_t *places = arena_alloc(c->arena, sizeof(*places) * (bytes_find(rest, ']', 0) + 2));
    uint16_t count = 0;
    struct jsonpath_step step = {.kind = STEP_PLACES};

    if (peek(c) != ':') {
        if (!read_place(c, &places[count++]))
            return false;
        step.has_from = true;
        blanks(c);
    }
    if (peek(c) == ':') {
        c->at++;
        blanks(c);
        step.kind = STEP_SLICE;
        step.has_to = peek(c) != ']';
        if (step.has_to && !read_place(c, &places[1]))
            return false;
    }
    while (step.kind == STEP_PLACES && peek(c) == ',' && count < UINT16_MAX) {
        c->at++;
        blanks(c);
        if (!read_place(c, &places[count++]))
            return false;
        blanks(c);
    }
    struct jsonpath_step *into = step_add(c, step.kind);
    if (!into)
        return false;
    *into = step;
    into->places = places;
    into->places_count = count;
    c->path->several |= count > 1;
    return true;
}

static bool compile_brackets(struct compiler *c)
{
    c->at++;
    blanks(c);
    bool ok;
    if (peek(c) == '*') {
        c->at++;
        ok = step_add(c, STEP_ALL) != NULL;
    } else if (peek(c) == '\'' || peek(c) == '"') {
        ok = compile_quoted(c);
    } else {
        ok = compile_places(c);
    }
    blanks(c);
    if (ok && peek(c) != ']')
        return bad(c, "a [ without its ]");
    c->at++;
    return ok;
}

static bool compile_steps(struct compiler *c)
{
    while (c->at < c->text.len) {
        bool ok, deep = false;
        if (peek(c) == '[') {
            ok = compile_brackets(c);
        } else if (peek(c) == '.') {
            c->at++;
            deep = peek(c) == '.';
            c->at += deep;
            ok = compile_name(c, deep);
        } else {
            return bad(c, "a step begins with . or [");
        }
        if (!ok)
            return false;
    }
    return true;
}

/* The mode before a path, and blanks behind it. */
static bool take_mode(struct bytes *text, const char *mode)
{
    size_t len = strlen(mode), at = 0;

    while (at < text->len && text->ptr[at] == ' ')
        at++;
    struct bytes rest = bytes_skip(*text, at);
    if (rest.len <= len || !bytes_is_nocase(bytes_head(rest, len), mode) || rest.ptr[len] != ' ')
        return false;
    rest = bytes_skip(rest, len);
    while (rest.len && *rest.ptr == ' ')
        rest = bytes_skip(rest, 1);
    *text = rest;
    return true;
}

bool jsonpath_compile(struct arena *arena, struct bytes text, struct jsonpath *out, const char **why)
{
    struct compiler c = {.arena = arena, .path = out};

    *out = (struct jsonpath){.lax = take_mode(&text, "lax")};
    if (!out->lax)
        take_mode(&text, "strict");
    bool ok = (text.len > 0 || bad(&c, "it is empty")) &&
              (text.len <= JSONPATH_TEXT_MAX || bad(&c, "it is longer than 1,024 bytes"));
    if (ok)
        c.text = arena_copy(arena, text);
    if (ok && peek(&c) == '$')
        c.at++;
    else if (ok)
        ok = compile_name(&c, false); /* as behind "$." */
    ok = ok && compile_steps(&c);
    struct jsonpath_step *steps = ARENA_ARRAY(arena, struct jsonpath_step, out->count + 1u);
    memcpy(steps, c.steps, sizeof(*steps) * out->count);
    out->steps = steps;
    *why = c.why;
    return ok;
}

/* ---- finding ---- */

struct finder {
    struct arena *arena;
    uint32_t *budget; /* how many values may still be found, in all steps together */
    struct bytes *values;
    uint32_t count, cap;
    bool too_many;
};

static void found_add(struct finder *f, struct bytes value)
{
    if (f->count == JSONPATH_VALUES_MAX || !*f->budget) {
        f->too_many = true;
        return;
    }
    --*f->budget;
    if (f->count == f->cap) {
        uint32_t cap = f->cap ? 2 * f->cap : 4;
        struct bytes *grown = arena_try(f->arena, sizeof(*grown) * cap);
        if (!grown) {
            f->too_many = true;
            return;
        }
        if (f->count)
            memcpy(grown, f->values, sizeof(*grown) * f->count);
        f->values = grown;
        f->cap = cap;
    }
    f->values[f->count++] = value;
}

static bool key_is(struct bytes key, struct bytes name)
{
    struct bytes plain = bytes_of(key.ptr + 1, key.len - 2);
    struct buf buf;

    if (bytes_find(plain, '\\', 0) == plain.len)
        return bytes_equal(plain, name);
    buf_init(&buf, 0);
    json_string_decode(key, &buf);
    bool is = bytes_equal(buf_view(&buf), name);
    buf_deinit(&buf);
    return is;
}

/* Of equal names the last counts. */
static bool member_find(struct bytes object, struct bytes name, struct bytes *out)
{
    struct bytes key, value;
    bool found = false;

    if (json_kind_of(object) != JSON_OBJECT)
        return false;
    for (struct json_iter it = json_iter_of(object); json_object_next(&it, &key, &value);)
        if (key_is(key, name))
            *out = value, found = true;
    return found;
}

static uint32_t length_of(struct bytes array)
{
    struct bytes value;
    uint32_t n = 0;

    for (struct json_iter it = json_iter_of(array); json_array_next(&it, &value);)
        n++;
    return n;
}

/* Elements from .. to - 1. */
static bool elements_add(struct finder *f, struct bytes array, int64_t from, int64_t to)
{
    struct bytes value;
    int64_t i = 0;

    for (struct json_iter it = json_iter_of(array); i < to && !f->too_many && json_array_next(&it, &value); i++)
        if (i >= from)
            found_add(f, value);
    return i > from;
}

static int64_t from_end(int64_t place, uint32_t length)
{
    return place < 0 ? place + length : place;
}

/* False: one of the positions is not there. */
static bool places_add(struct finder *f, const struct jsonpath_step *step, struct bytes value)
{
    bool all = true;

    if (json_kind_of(value) != JSON_ARRAY)
        return false;
    uint32_t length = length_of(value);
    for (uint16_t i = 0; i < step->places_count; i++) {
        int64_t at = from_end(step->places[i], length);
        bool there = at >= 0 && at < length;
        if (there)
            elements_add(f, value, at, at + 1);
        all = all && there;
    }
    return all || step->places_count > 1;
}

static bool slice_add(struct finder *f, const struct jsonpath_step *step, struct bytes value)
{
    if (json_kind_of(value) != JSON_ARRAY)
        return false;
    uint32_t length = length_of(value);
    int64_t from = step->has_from ? from_end(step->places[0], length) : 0;
    int64_t to = step->has_to ? from_end(step->places[1], length) : length;
    elements_add(f, value, from < 0 ? 0 : from, to > length ? length : to);
    return true;
}

static void children_add(struct finder *f, struct bytes value)
{
    struct bytes key, child;
    enum json_kind kind = json_kind_of(value);

    if (kind == JSON_ARRAY)
        elements_add(f, value, 0, INT64_MAX);
    if (kind != JSON_OBJECT)
        return;
    for (struct json_iter it = json_iter_of(value); !f->too_many && json_object_next(&it, &key, &child);)
        found_add(f, child);
}

/* The value and all below it, in the order of the text; json_reader bounds how deep that is. */
static void below_add(struct finder *f, struct bytes value)
{
    struct finder children = {.arena = f->arena, .budget = f->budget};

    found_add(f, value);
    children_add(&children, value);
    f->too_many |= children.too_many;
    for (uint32_t i = 0; i < children.count && !f->too_many; i++)
        below_add(f, children.values[i]);
}

static bool deep_add(struct finder *f, const struct jsonpath_step *step, struct bytes value)
{
    struct finder all = {.arena = f->arena, .budget = f->budget};
    struct bytes member;

    below_add(&all, value);
    f->too_many |= all.too_many;
    for (uint32_t i = 0; i < all.count && !f->too_many; i++) {
        if (step->kind == STEP_DEEP_ALL)
            children_add(f, all.values[i]);
        else if (member_find(all.values[i], step->name, &member))
            found_add(f, member);
    }
    return true;
}

static bool length_add(struct finder *f, struct bytes value)
{
    if (json_kind_of(value) != JSON_ARRAY)
        return false;
    char *text = arena_try(f->arena, 12);
    if (!text)
        return f->too_many = true;
    found_add(f, bytes_of(text, (size_t)snprintf(text, 12, "%u", length_of(value))));
    return true;
}

/* False: what the step names is not there. */
static bool step_apply(struct finder *f, const struct jsonpath_step *step, struct bytes value)
{
    struct bytes member;

    switch (step->kind) {
    case STEP_NAME:
        if (!member_find(value, step->name, &member))
            return false;
        found_add(f, member);
        return true;
    case STEP_PLACES: return places_add(f, step, value);
    case STEP_SLICE: return slice_add(f, step, value);
    case STEP_ALL: children_add(f, value); return true;
    case STEP_DEEP_NAME:
    case STEP_DEEP_ALL: return deep_add(f, step, value);
    case STEP_LENGTH: return length_add(f, value);
    }
    UNREACHABLE();
}

enum jsonpath_status jsonpath_find(const struct jsonpath *path, struct arena *arena, struct bytes value,
                                   struct jsonpath_found *out)
{
    uint32_t budget = 10 * JSONPATH_VALUES_MAX;
    struct finder have = {.arena = arena, .budget = &budget};
    bool several = false;

    found_add(&have, value);
    if (have.too_many)
        return JSONPATH_TOO_MANY;
    for (uint16_t s = 0; s < path->count; s++) {
        const struct jsonpath_step *step = &path->steps[s];
        struct finder next = {.arena = arena, .budget = &budget};
        for (uint32_t i = 0; i < have.count && !next.too_many; i++) {
            bool there = step_apply(&next, step, have.values[i]);
            if (!there && !several) /* behind a step that names several, those that lack it are left out */
                return JSONPATH_MISSING;
        }
        if (next.too_many)
            return JSONPATH_TOO_MANY;
        several |= step->kind != STEP_NAME && step->kind != STEP_LENGTH && (step->kind != STEP_PLACES || step->places_count > 1);
        have = next;
    }
    *out = (struct jsonpath_found){have.values, have.count};
    return JSONPATH_FOUND;
}
