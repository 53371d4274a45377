/* describe.c: see describe.h. */
#include "data/protobuf/describe.h"

#include "base/check.h"
#include "base/map.h"

struct describe {
    const struct proto_set *set;
    struct map messages; /* of file 0, by name */
};

static void put_bytes(struct buf *to, uint32_t number, struct bytes value)
{
    buf_uvarint(to, number << 3 | 2);
    buf_sized(to, value);
}

static void put_number(struct buf *to, uint32_t number, uint64_t value)
{
    buf_uvarint(to, number << 3);
    buf_uvarint(to, value);
}

/* A message within one: its buffer's content, which is then given back. */
static void put_inner(struct buf *to, uint32_t number, struct buf *inner)
{
    put_bytes(to, number, inner->len ? buf_view(inner) : BYTES_LITERAL(""));
    buf_deinit(inner);
}

static struct bytes last_name(struct bytes full)
{
    size_t at = full.len;

    while (at && full.ptr[at - 1] != '.')
        at--;
    return bytes_skip(full, at);
}

static struct bytes outer_name(struct bytes full)
{
    size_t last = last_name(full).len;

    return last < full.len ? bytes_head(full, full.len - last - 1) : BYTES_LITERAL("");
}

/* ---- enums ---- */

static void describe_enum(struct buf *to, uint32_t number, const struct proto_enum *e)
{
    struct buf out, value;

    buf_init(&out, 0);
    put_bytes(&out, 1, last_name(e->name));
    for (uint32_t i = 0; i < e->count; i++) {
        buf_init(&value, 0);
        put_bytes(&value, 1, e->values[i].name);
        put_number(&value, 2, (uint64_t)(int64_t)e->values[i].number);
        put_inner(&out, 2, &value);
    }
    put_inner(to, number, &out);
}

/* Those that are in a message, or (NULL) in none. */
static void describe_enums(const struct describe *d, struct buf *to, uint32_t number, const struct proto_message *outer)
{
    for (uint32_t i = 0; i < d->set->enums_count; i++) {
        const struct proto_enum *e = d->set->enums[i];
        if (!e->file && map_get(&d->messages, outer_name(e->name)) == outer)
            describe_enum(to, number, e);
    }
}

/* ---- fields ---- */

/* proto3's `optional` of a scalar is a oneof of its own. */
static bool is_alone(const struct proto_message *m, const struct proto_field *f)
{
    return m->proto3 && f->presence && f->oneof < 0 && !f->message;
}

static void describe_field(struct buf *to, const struct proto_message *m, const struct proto_field *f, uint32_t *oneofs)
{
    struct buf out, name, options;
    bool packs = f->label == PROTO_REPEATED && f->type != PROTO_STRING && f->type != PROTO_BYTES && !f->message;

    buf_init(&out, 0);
    put_bytes(&out, 1, f->name);
    put_number(&out, 3, f->number);
    put_number(&out, 4, f->label);
    put_number(&out, 5, f->type);
    if (f->message || f->enum_) {
        buf_init(&name, 0);
        buf_u8(&name, '.');
        buf_bytes(&name, f->message ? f->message->name : f->enum_->name);
        put_inner(&out, 6, &name);
    }
    if (f->otherwise.ptr)
        put_bytes(&out, 7, f->otherwise);
    if (packs && f->packed != m->proto3) {
        buf_init(&options, 0);
        put_number(&options, 2, f->packed);
        put_inner(&out, 8, &options);
    }
    if (f->oneof >= 0 || is_alone(m, f))
        put_number(&out, 9, f->oneof >= 0 ? (uint32_t)f->oneof : (*oneofs)++);
    if (is_alone(m, f))
        put_number(&out, 17, 1);
    put_inner(to, 2, &out);
}

static void put_oneof(struct buf *to, const char *before, struct bytes name)
{
    struct buf out, text;

    buf_init(&out, 0);
    buf_init(&text, 0);
    buf_str(&text, before);
    buf_bytes(&text, name);
    put_bytes(&out, 1, buf_view(&text));
    buf_deinit(&text);
    put_inner(to, 8, &out);
}

/* ---- messages ---- */

static void describe_messages(const struct describe *d, struct buf *to, uint32_t number, const struct proto_message *outer);

static void describe_message(const struct describe *d, struct buf *to, uint32_t number, const struct proto_message *m)
{
    struct buf out, options;
    uint32_t oneofs = m->oneofs_count;

    buf_init(&out, 0);
    put_bytes(&out, 1, last_name(m->name));
    for (uint32_t i = 0; i < m->count; i++)
        describe_field(&out, m, &m->fields[i], &oneofs);
    describe_messages(d, &out, 3, m);
    describe_enums(d, &out, 4, m);
    if (m->map_entry) {
        buf_init(&options, 0);
        put_number(&options, 7, 1);
        put_inner(&out, 7, &options);
    }
    for (uint32_t i = 0; i < m->oneofs_count; i++)
        put_oneof(&out, "", m->oneofs[i]);
    for (uint32_t i = 0; i < m->count; i++)
        if (is_alone(m, &m->fields[i]))
            put_oneof(&out, "_", m->fields[i].name);
    put_inner(to, number, &out);
}

/* Those that are in one, or in none; what no record can name stands behind. */
static void describe_messages(const struct describe *d, struct buf *to, uint32_t number, const struct proto_message *outer)
{
    for (int behind = 0; behind < 2; behind++)
        for (uint32_t i = 0; i < d->set->messages_count; i++) {
            const struct proto_message *m = d->set->messages[i];
            if (!m->file && m->outer == outer && (m->map_entry || m->group) == behind)
                describe_message(d, to, number, m);
        }
}

void proto_describe(const struct proto_set *set, struct buf *out)
{
    struct describe d = {.set = set};
    bool proto3 = set->proto3;

    map_init(&d.messages);
    for (uint32_t i = 0; i < set->messages_count; i++)
        if (!set->messages[i]->file)
            map_put(&d.messages, set->messages[i]->name, set->messages[i]);
    if (set->package.len)
        put_bytes(out, 2, set->package);
    for (uint32_t i = 0; i < set->imports_count; i++)
        put_bytes(out, 3, set->imports[i]);
    describe_messages(&d, out, 4, NULL);
    describe_enums(&d, out, 5, NULL);
    if (proto3)
        put_bytes(out, 12, BYTES_LITERAL("proto3"));
    map_deinit(&d.messages);
}
