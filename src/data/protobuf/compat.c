/* compat.c: see compat.h. Sets may be large, so messages are found by sorted names, fields by sorted numbers, and a pair of
 * messages is compared once. */
#include "data/protobuf/compat.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/map.h"

enum { WHY_MAX_BYTES = 1500, TYPES_DEPTH_MAX = 100 };

struct pair {
    const struct proto_message *old, *new;
};

struct compare {
    struct buf *why, path; /* path: "/Outer/Inner/3" */
    struct map pairs;      /* of messages, of other files, that are being compared, or were */
    uint32_t depth;        /* of such messages in each other */
    bool ok;
};

/* ---- what stands in the way ---- */

static void cannot(struct compare *c, const char *kind, const char *text)
{
    c->ok = false;
    if (c->why->len > WHY_MAX_BYTES)
        return;
    struct bytes path = bytes_head(buf_view(&c->path), 300);
    buf_printf(c->why, "%s%s at path '#%.*s': %s", c->why->len ? "; " : "", kind,
               BYTES_FMT(path.len ? path : BYTES_LITERAL("/")), text);
}

/* Gives the length to go back to. */
static size_t enter(struct compare *c, struct bytes name)
{
    size_t len = c->path.len;

    buf_printf(&c->path, "/%.*s", BYTES_FMT(bytes_head(name, 100)));
    return len;
}

static size_t enter_number(struct compare *c, uint32_t number)
{
    size_t len = c->path.len;

    buf_printf(&c->path, "/%u", number);
    return len;
}

/* ---- names ---- */

/* A full name without its package. */
static struct bytes local_name(const struct proto_message *m)
{
    return m->package.len ? bytes_skip(m->name, m->package.len + 1) : m->name;
}

static struct bytes short_name(const struct proto_message *m)
{
    return m->outer ? bytes_skip(m->name, m->outer->name.len + 1) : local_name(m);
}

/* Messages of a kind, sorted: those right in `outer` of a set (NULL: those of file 0 in no other). Entries of maps and bodies
 * of groups are no types of their own. */
struct messages {
    const struct proto_message **items;
    uint32_t count;
};

static int by_short_name(const void *a, const void *b)
{
    return bytes_compare(short_name(*(const struct proto_message *const *)a), short_name(*(const struct proto_message *const *)b));
}

static int by_outer(const void *a, const void *b)
{
    const struct proto_message *x = *(const struct proto_message *const *)a, *y = *(const struct proto_message *const *)b;

    if (x->outer != y->outer)
        return (uintptr_t)x->outer < (uintptr_t)y->outer ? -1 : 1;
    return bytes_compare(short_name(x), short_name(y));
}

/* All of a set by what they are in, then by name; those in no other are of file 0 alone. */
static struct messages all_messages(const struct proto_set *set)
{
    struct messages all = {.items = xcalloc(set->messages_count + 1u, sizeof(struct proto_message *))};

    for (uint32_t i = 0; i < set->messages_count; i++) {
        const struct proto_message *m = set->messages[i];
        if (!m->map_entry && !m->group && (m->outer || !m->file))
            all.items[all.count++] = m;
    }
    qsort(all.items, all.count, sizeof(struct proto_message *), by_outer);
    return all;
}

/* The run of those that are in `outer`: its first and how many. */
static struct messages messages_in(const struct messages *all, const struct proto_message *outer)
{
    uint32_t low = 0, high = all->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if ((uintptr_t)all->items[middle]->outer < (uintptr_t)outer)
            low = middle + 1;
        else
            high = middle;
    }
    while (high < all->count && all->items[high]->outer == outer)
        high++;
    return (struct messages){all->items + low, high - low};
}

/* ---- fields ---- */

struct sides {
    struct compare *c;
    struct messages old, new; /* of the sets */
};

static void compare_messages(struct sides *s, const struct proto_message *old, const struct proto_message *new);

enum group_of_bytes { GENERAL_NUMBER, SIGNED_NUMBER, FIXED32, FIXED64, FLOAT, DOUBLE, STRING_OR_BYTES };

static enum group_of_bytes group_of(enum proto_type type)
{
    switch (type) {
    case PROTO_SINT32:
    case PROTO_SINT64: return SIGNED_NUMBER;
    case PROTO_FIXED32:
    case PROTO_SFIXED32: return FIXED32;
    case PROTO_FIXED64:
    case PROTO_SFIXED64: return FIXED64;
    case PROTO_FLOAT: return FLOAT;
    case PROTO_DOUBLE: return DOUBLE;
    case PROTO_STRING:
    case PROTO_BYTES: return STRING_OR_BYTES;
    default: return GENERAL_NUMBER;
    }
}

enum field_kind { KIND_SCALAR, KIND_MAP, KIND_MESSAGE, KIND_GROUP };

static enum field_kind kind_of(const struct proto_field *f)
{
    if (!f->message)
        return KIND_SCALAR;
    return f->type == PROTO_GROUP ? KIND_GROUP : proto_is_map(f) ? KIND_MAP : KIND_MESSAGE;
}

/* Whether a label is written: in proto3, and in a oneof, it need not be. */
static bool label_is_said(const struct proto_field *f)
{
    return f->label != PROTO_OPTIONAL || (f->presence && f->oneof < 0);
}

static void compare_scalars(struct compare *c, const struct proto_field *old, const struct proto_field *new, bool labels)
{
    if (group_of(old->type) != group_of(new->type))
        cannot(c, "FIELD_SCALAR_KIND_CHANGED", "the field's type has other bytes than it had");
    else if (labels && label_is_said(old) && label_is_said(new) && old->label != new->label &&
             group_of(old->type) != STRING_OR_BYTES)
        cannot(c, "FIELD_NUMERIC_LABEL_CHANGED", "the label of a field of numbers is another");
}

static bool seen_before(struct compare *c, const struct proto_message *old, const struct proto_message *new)
{
    const struct pair pair = {old, new};

    return map_put(&c->pairs, bytes_of(&pair, sizeof(pair)), c) != NULL;
}

/* Types of the schema itself are compared with their file. */
static void compare_types(struct sides *s, const struct proto_message *old, const struct proto_message *new)
{
    bool was_ok = s->c->ok;

    if (!bytes_equal(local_name(old), local_name(new))) {
        cannot(s->c, "FIELD_NAMED_TYPE_CHANGED", "the field is of another message");
        return;
    }
    if ((!old->file && !new->file) || seen_before(s->c, old, new))
        return;
    s->c->ok = true;
    if (++s->c->depth <= TYPES_DEPTH_MAX)
        compare_messages(s, old, new);
    else
        cannot(s->c, "TOO_DEEP", "more messages of other files are in each other than are compared");
    s->c->depth--;
    if (!s->c->ok)
        cannot(s->c, "FIELD_NAMED_TYPE_CHANGED", "the message that the field is of has changed");
    s->c->ok &= was_ok;
}

static void compare_fields(struct sides *s, const struct proto_field *old, const struct proto_field *new, bool labels)
{
    enum field_kind kind = kind_of(old);

    if (kind != kind_of(new)) {
        cannot(s->c, "FIELD_KIND_CHANGED", "of a scalar, a map, a message and a group it was one and is another");
        return;
    }
    switch (kind) {
    case KIND_SCALAR: compare_scalars(s->c, old, new, labels); break;
    case KIND_MESSAGE: compare_types(s, old->message, new->message); break;
    case KIND_GROUP: compare_messages(s, old->message, new->message); break;
    case KIND_MAP:
        for (uint32_t part = 1; part <= 2; part++)
            compare_fields(s, proto_field_numbered(old->message, part), proto_field_numbered(new->message, part), false);
        break;
    }
}

/* ---- messages ---- */

struct numbered {
    const struct proto_field **items; /* by number */
    uint32_t count;
};

static int by_number(const void *a, const void *b)
{
    uint32_t x = (*(const struct proto_field *const *)a)->number, y = (*(const struct proto_field *const *)b)->number;

    return x < y ? -1 : x > y;
}

static struct numbered numbered_of(const struct proto_message *m)
{
    struct numbered n = {xcalloc(m->count + 1u, sizeof(struct proto_field *)), m->count};

    for (uint32_t i = 0; i < m->count; i++)
        n.items[i] = &m->fields[i];
    qsort(n.items, n.count, sizeof(struct proto_field *), by_number);
    return n;
}

static const struct proto_field *field_numbered(const struct numbered *n, uint32_t number)
{
    const struct proto_field wanted = {.number = number}, *key = &wanted;
    const struct proto_field **found = bsearch(&key, n->items, n->count, sizeof(struct proto_field *), by_number);

    return found ? *found : NULL;
}

/* What the members of a new oneof were, of those that were there. */
struct members {
    const struct proto_field *first;
    uint32_t alone; /* were in no oneof */
    bool several;   /* could be set together */
};

static void compare_oneofs(struct compare *c, const struct proto_message *new, const struct numbered *olds)
{
    struct members *oneofs = xcalloc(new->oneofs_count + 1u, sizeof(*oneofs));

    for (uint32_t i = 0; i < new->count; i++) {
        const struct proto_field *f = &new->fields[i], *old = f->oneof < 0 ? NULL : field_numbered(olds, f->number);
        struct members *m = old ? &oneofs[f->oneof] : NULL;
        if (!m)
            continue;
        m->alone += old->oneof < 0;
        m->several |= m->first && (m->first->oneof < 0 || m->first->oneof != old->oneof);
        m->first = old;
    }
    for (uint32_t i = 0; i < new->oneofs_count; i++) {
        size_t len = enter(c, new->oneofs[i]);
        if (oneofs[i].several && oneofs[i].alone > 1)
            cannot(c, "MULTIPLE_FIELDS_MOVED_TO_ONEOF", "fields that could be set together are members of one oneof");
        else if (oneofs[i].several)
            cannot(c, "FIELD_MOVED_TO_EXISTING_ONEOF", "a field that could be set beside a oneof's members is one of them");
        c->path.len = len;
    }
    free(oneofs);
}

/* Which oneofs are gone with all that was in them: an array of the caller's. */
static bool *gone_oneofs(const struct proto_message *old, const struct proto_message *new, const struct numbered *news)
{
    bool *gone = xcalloc(old->oneofs_count + 1u, sizeof(*gone));
    struct map names;

    map_init(&names);
    for (uint32_t i = 0; i < new->oneofs_count; i++)
        map_put(&names, new->oneofs[i], gone);
    for (uint32_t i = 0; i < old->oneofs_count; i++)
        gone[i] = !map_get(&names, old->oneofs[i]);
    for (uint32_t i = 0; i < old->count; i++)
        if (old->fields[i].oneof >= 0 && field_numbered(news, old->fields[i].number))
            gone[old->fields[i].oneof] = false;
    map_deinit(&names);
    return gone;
}

static void compare_numbered(struct sides *s, const struct proto_message *old, const struct proto_message *new)
{
    struct numbered olds = numbered_of(old), news = numbered_of(new);
    bool *gone = gone_oneofs(old, new, &news);
    struct compare *c = s->c;

    compare_oneofs(c, new, &olds);
    for (uint32_t i = 0; i < olds.count; i++) {
        const struct proto_field *was = olds.items[i], *is = field_numbered(&news, was->number);
        size_t len = enter_number(c, was->number);
        if (is)
            compare_fields(s, was, is, true);
        else if (was->oneof >= 0 && !gone[was->oneof])
            cannot(c, "ONEOF_FIELD_REMOVED", "a member of a oneof is gone");
        else if (was->label == PROTO_REQUIRED)
            cannot(c, "REQUIRED_FIELD_REMOVED", "a required field is gone");
        c->path.len = len;
    }
    for (uint32_t i = 0; i < news.count; i++) {
        if (news.items[i]->label != PROTO_REQUIRED || field_numbered(&olds, news.items[i]->number))
            continue;
        size_t len = enter_number(c, news.items[i]->number);
        cannot(c, "REQUIRED_FIELD_ADDED", "a required field was not there");
        c->path.len = len;
    }
    free(gone);
    free(olds.items);
    free(news.items);
}

/* Those that are in one, or in none. */
static void compare_inner(struct sides *s, const struct proto_message *old_outer, const struct proto_message *new_outer)
{
    struct messages olds = messages_in(&s->old, old_outer), news = messages_in(&s->new, new_outer);

    for (uint32_t i = 0; i < olds.count; i++) {
        const struct proto_message **found =
            bsearch(&olds.items[i], news.items, news.count, sizeof(struct proto_message *), by_short_name);
        size_t len = enter(s->c, short_name(olds.items[i]));
        if (found)
            compare_messages(s, olds.items[i], *found);
        else
            cannot(s->c, "MESSAGE_REMOVED", "the message is gone");
        s->c->path.len = len;
    }
}

static void compare_messages(struct sides *s, const struct proto_message *old, const struct proto_message *new)
{
    compare_numbered(s, old, new);
    compare_inner(s, old, new);
}

bool proto_can_read(const struct proto_set *reader, const struct proto_set *writer, struct buf *why)
{
    struct compare c = {.why = why, .ok = true};
    struct sides s = {&c, all_messages(writer), all_messages(reader)};

    buf_init(&c.path, 0);
    map_init(&c.pairs);
    if (!bytes_equal(reader->package, writer->package))
        cannot(&c, "PACKAGE_CHANGED", "the package is another");
    compare_inner(&s, NULL, NULL);
    buf_deinit(&c.path);
    map_deinit(&c.pairs);
    free(s.old.items);
    free(s.new.items);
    return c.ok;
}
