/* schema.c: see schema.h: sets, and FileDescriptorSet, which is Protobuf itself; its fields are few, so they are read by
 * hand. */
#include "data/protobuf/schema.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "data/protobuf/wire.h"

static const char *const type_names[PROTO_TYPES] = {
    [PROTO_DOUBLE] = "double", [PROTO_FLOAT] = "float", [PROTO_INT64] = "int64", [PROTO_UINT64] = "uint64",
    [PROTO_INT32] = "int32", [PROTO_FIXED64] = "fixed64", [PROTO_FIXED32] = "fixed32", [PROTO_BOOL] = "bool",
    [PROTO_STRING] = "string", [PROTO_GROUP] = "group", [PROTO_MESSAGE] = "message", [PROTO_BYTES] = "bytes",
    [PROTO_UINT32] = "uint32", [PROTO_ENUM] = "enum", [PROTO_SFIXED32] = "sfixed32", [PROTO_SFIXED64] = "sfixed64",
    [PROTO_SINT32] = "sint32", [PROTO_SINT64] = "sint64",
};

const char *proto_type_text(enum proto_type type)
{
    return type_names[type];
}

void proto_set_init(struct proto_set *set, struct arena *arena)
{
    *set = (struct proto_set){.arena = arena};
}

/* Room for one more pointer in an array of the arena's. */
static void *grown(struct arena *arena, void *items, uint32_t count, uint32_t *cap)
{
    if (count < *cap)
        return items;
    *cap = *cap ? *cap * 2 : 16;
    void **more = ARENA_ARRAY(arena, void *, *cap);
    if (count)
        memcpy(more, items, count * sizeof(*more));
    return more;
}

struct proto_message *proto_message_add(struct proto_set *set, struct bytes full_name, const struct proto_message *outer)
{
    struct proto_message *m = ARENA_NEW(set->arena, struct proto_message);

    m->name = full_name;
    m->file = set->file;
    m->outer = outer;
    set->messages = grown(set->arena, set->messages, set->messages_count, &set->messages_cap);
    set->messages[set->messages_count++] = m;
    return m;
}

struct proto_enum *proto_enum_add(struct proto_set *set, struct bytes full_name)
{
    struct proto_enum *e = ARENA_NEW(set->arena, struct proto_enum);

    e->name = full_name;
    e->file = set->file;
    set->enums = grown(set->arena, set->enums, set->enums_count, &set->enums_cap);
    set->enums[set->enums_count++] = e;
    return e;
}

const struct proto_message *proto_message_find(const struct proto_set *set, struct bytes full_name)
{
    for (uint32_t i = 0; i < set->messages_count; i++)
        if (bytes_equal(set->messages[i]->name, full_name))
            return set->messages[i];
    return NULL;
}

static bool counts(const struct proto_set *set, const struct proto_message *m)
{
    return !m->file && (set->described || (!m->map_entry && !m->group));
}

const struct proto_message *proto_message_at(const struct proto_set *set, const uint32_t *place, uint32_t count)
{
    const struct proto_message *found = NULL;
    uint32_t i = 0;

    /* what is in a message stands behind it */
    for (uint32_t level = 0; level < count; level++) {
        const struct proto_message *outer = found;
        uint32_t left = place[level];
        for (found = NULL; !found && i < set->messages_count; i++)
            if (set->messages[i]->outer == outer && counts(set, set->messages[i]) && !left--)
                found = set->messages[i];
        if (!found)
            return NULL;
    }
    return found;
}

uint32_t proto_message_place(const struct proto_set *set, const struct proto_message *message,
                             uint32_t place[PROTO_DEPTH_MAX])
{
    uint32_t depth = 0;

    for (const struct proto_message *m = message; m; m = m->outer)
        depth++;
    CHECK(depth <= PROTO_DEPTH_MAX);
    for (uint32_t level = depth; message; message = message->outer) {
        uint32_t before = 0;
        for (uint32_t i = 0; set->messages[i] != message; i++)
            before += set->messages[i]->outer == message->outer && counts(set, set->messages[i]);
        place[--level] = before;
    }
    return depth;
}

const struct proto_field *proto_field_named(const struct proto_message *message, struct bytes name)
{
    for (uint32_t i = 0; i < message->count; i++)
        if (bytes_equal(message->fields[i].name, name))
            return &message->fields[i];
    return NULL;
}

const struct proto_field *proto_field_numbered(const struct proto_message *message, uint32_t number)
{
    for (uint32_t i = 0; i < message->count; i++)
        if (message->fields[i].number == number)
            return &message->fields[i];
    return NULL;
}

static uint8_t hex_digit(uint8_t c)
{
    return (uint8_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
}

struct bytes proto_unescape(struct arena *arena, struct bytes text)
{
    static const char codes[] = "abfnrtv\\'\"?", values[] = "\a\b\f\n\r\t\v\\'\"?";
    uint8_t *out = arena_alloc(arena, text.len + 1);
    size_t n = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] != '\\' || i + 1 == text.len) {
            out[n++] = text.ptr[i];
            continue;
        }
        uint8_t c = text.ptr[++i], v = 0;
        const char *code = c ? strchr(codes, c) : NULL;
        if (code) {
            out[n++] = (uint8_t)values[code - codes];
        } else if (c == 'x' || c == 'X') {
            for (int k = 0; k < 2 && i + 1 < text.len && strchr("0123456789abcdefABCDEF", text.ptr[i + 1]); k++)
                v = (uint8_t)(v << 4 | hex_digit(text.ptr[++i]));
            out[n++] = v;
        } else {
            for (int k = 0; k < 3 && i < text.len && text.ptr[i] >= '0' && text.ptr[i] <= '7'; k++)
                v = (uint8_t)(v << 3 | (text.ptr[i++] - '0'));
            i--;
            out[n++] = v;
        }
    }
    return bytes_of(out, n);
}

/* ---- names to types ---- */

struct named {
    struct bytes name;
    void *type;
    bool is_enum;
};

static int by_name(const void *a, const void *b)
{
    return bytes_compare(((const struct named *)a)->name, ((const struct named *)b)->name);
}

/* All types by name: sets may be large, and each field asks. */
static struct named *names_of(const struct proto_set *set, uint32_t *count)
{
    struct named *names = xcalloc(set->messages_count + set->enums_count + 1u, sizeof(*names));

    *count = 0;
    for (uint32_t i = 0; i < set->messages_count; i++)
        names[(*count)++] = (struct named){set->messages[i]->name, set->messages[i], false};
    for (uint32_t i = 0; i < set->enums_count; i++)
        names[(*count)++] = (struct named){set->enums[i]->name, set->enums[i], true};
    qsort(names, *count, sizeof(*names), by_name);
    return names;
}

static bool packable(enum proto_type type)
{
    return type != PROTO_STRING && type != PROTO_BYTES && type != PROTO_MESSAGE && type != PROTO_GROUP;
}

static const struct named *name_find(const struct named *names, uint32_t count, struct bytes name)
{
    const struct named wanted = {.name = name};

    return bsearch(&wanted, names, count, sizeof(*names), by_name);
}

/* A name as it is seen from inside a message: of the message's own types first, then of those around it. */
static const struct named *name_seen(const struct named *names, uint32_t count, struct bytes scope, struct bytes name)
{
    char text[600];
    const struct named *found = NULL;

    if (name.len && name.ptr[0] == '.')
        return name_find(names, count, bytes_skip(name, 1));
    while (!found && scope.len) {
        int n = snprintf(text, sizeof(text), "%.*s.%.*s", BYTES_FMT(scope), BYTES_FMT(name));
        if (n > 0 && n < (int)sizeof(text))
            found = name_find(names, count, bytes_of(text, (size_t)n));
        while (scope.len && scope.ptr[--scope.len] != '.')
            ;
    }
    return found ? found : name_find(names, count, name);
}

static enum status link_field(struct proto_field *f, const struct proto_message *m, const struct named *names, uint32_t count,
                              struct diag *diag)
{
    bool seen = f->type == 0;

    if (!seen && f->type != PROTO_MESSAGE && f->type != PROTO_GROUP && f->type != PROTO_ENUM)
        return ST_OK;
    const struct named *found = seen ? name_seen(names, count, m->name, f->type_name) : name_find(names, count, f->type_name);
    if (!found || (!seen && found->is_enum != (f->type == PROTO_ENUM)))
        return diag_set(diag, ST_INVALID, DIAG_NAME, "field '%.*s' of message '%.*s' is of a type '%.*s' that is not there",
                        BYTES_FMT(bytes_head(f->name, 60)), BYTES_FMT(bytes_head(m->name, 80)),
                        BYTES_FMT(bytes_head(f->type_name, 80)));
    if (seen)
        f->type = found->is_enum ? PROTO_ENUM : PROTO_MESSAGE;
    if (found->is_enum)
        f->enum_ = found->type;
    else
        f->message = found->type;
    if (f->type == PROTO_GROUP && !found->is_enum)
        ((struct proto_message *)found->type)->group = true;
    f->presence |= f->message && f->label != PROTO_REPEATED;
    if (f->enum_ && !f->enum_->count)
        return diag_set(diag, ST_INVALID, DIAG_VALUE, "the enum '%.*s' has no value", BYTES_FMT(bytes_head(f->enum_->name, 80)));
    return ST_OK;
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = (*(const struct proto_field *const *)a)->number, y = (*(const struct proto_field *const *)b)->number;

    return x < y ? -1 : x > y;
}

static int by_field_name(const void *a, const void *b)
{
    return bytes_compare((*(const struct proto_field *const *)a)->name, (*(const struct proto_field *const *)b)->name);
}

/* Two fields that are the same by an order; NULL: there are none. */
static const struct proto_field *twice(const struct proto_field **sorted, uint32_t count, int (*order)(const void *, const void *))
{
    qsort(sorted, count, sizeof(*sorted), order);
    for (uint32_t i = 1; i < count; i++)
        if (order(&sorted[i - 1], &sorted[i]) == 0)
            return sorted[i];
    return NULL;
}

static enum status check_fields(const struct proto_message *m, struct diag *diag)
{
    const struct proto_field **sorted = xcalloc(m->count + 1u, sizeof(*sorted)), *bad = NULL;

    for (uint32_t i = 0; i < m->count; i++) {
        sorted[i] = &m->fields[i];
        if (!m->fields[i].number || m->fields[i].number > PROTO_NUMBER_MAX || !m->fields[i].name.len)
            bad = &m->fields[i];
    }
    const char *what = bad ? "no name, or no number that can be" : "the name or the number of another";
    if (!bad)
        bad = twice(sorted, m->count, by_number);
    if (!bad)
        bad = twice(sorted, m->count, by_field_name);
    free(sorted);
    if (!bad)
        return ST_OK;
    return diag_set(diag, ST_INVALID, DIAG_VALUE, "field '%.*s' = %u of message '%.*s' has %s",
                    BYTES_FMT(bytes_head(bad->name, 60)), bad->number, BYTES_FMT(bytes_head(m->name, 80)), what);
}

static enum status check_map(const struct proto_message *m, struct diag *diag)
{
    if (!m->map_entry || (m->count == 2 && proto_field_numbered(m, 1) && proto_field_numbered(m, 2) &&
                          m->fields[0].label != PROTO_REPEATED && m->fields[1].label != PROTO_REPEATED))
        return ST_OK;
    return diag_set(diag, ST_INVALID, DIAG_VALUE, "message '%.*s' is an entry of a map, and has not a key and a value",
                    BYTES_FMT(bytes_head(m->name, 80)));
}

enum status proto_link(struct proto_set *set, struct diag *diag)
{
    enum status st = ST_OK;
    uint32_t count;
    struct named *names = names_of(set, &count);

    for (uint32_t i = 1; st == ST_OK && i < count; i++)
        if (bytes_equal(names[i - 1].name, names[i].name))
            st = diag_set(diag, ST_INVALID, DIAG_NAME, "the type '%.*s' is there twice", BYTES_FMT(bytes_head(names[i].name, 80)));
    for (uint32_t i = 0; st == ST_OK && i < set->messages_count; i++) {
        struct proto_message *m = set->messages[i];
        st = check_fields(m, diag);
        for (uint32_t f = 0; st == ST_OK && f < m->count; f++) {
            st = link_field(&m->fields[f], m, names, count, diag);
            m->fields[f].packed &= m->fields[f].label == PROTO_REPEATED && packable(m->fields[f].type);
        }
        if (st == ST_OK)
            st = check_map(m, diag);
    }
    free(names);
    return st;
}

/* ---- FileDescriptorSet ---- */

struct parse {
    struct proto_set *set;
    struct diag *diag;
    bool proto3;
    struct bytes package;
    uint32_t depth;
    enum status st;
};

static bool fail(struct parse *p, const char *why)
{
    p->st = diag_set(p->diag, ST_INVALID, DIAG_SYNTAX, "the descriptors are not what protoc --descriptor_set_out writes: %s", why);
    return false;
}

static bool spend(struct parse *p)
{
    if (++p->set->parts <= PROTO_PARTS_MAX)
        return true;
    p->st = diag_set(p->diag, ST_NOSPACE, DIAG_LIMIT, "the descriptors have more than %d messages, fields, enums and values",
                     PROTO_PARTS_MAX);
    return false;
}

static struct bytes joined(struct parse *p, struct bytes scope, struct bytes name)
{
    if (!scope.len)
        return arena_copy(p->set->arena, name);
    return bytes_str(arena_printf(p->set->arena, "%.*s.%.*s", BYTES_FMT(scope), BYTES_FMT(name)));
}

/* How many fields of this number there are. */
static uint32_t count_of(struct bytes message, uint32_t number)
{
    struct wire w = wire_of(message);
    uint32_t n = 0;

    while (wire_next(&w))
        n += w.number == number && w.kind == WIRE_BYTES;
    return n;
}

static struct bytes bytes_field(struct bytes message, uint32_t number)
{
    struct wire w = wire_of(message);
    struct bytes found = BYTES_NONE;

    while (wire_next(&w))
        if (w.number == number && w.kind == WIRE_BYTES)
            found = w.bytes;
    return found;
}

static bool parse_enum(struct parse *p, struct bytes text, struct bytes scope)
{
    struct wire w = wire_of(text), v;
    struct proto_enum *e;

    if (!spend(p))
        return false;
    e = proto_enum_add(p->set, joined(p, scope, bytes_field(text, 1)));
    e->values = ARENA_ARRAY(p->set->arena, struct proto_value, count_of(text, 2) + 1u);
    e->closed = !p->proto3;
    while (wire_next(&w)) {
        if (w.number != 2 || w.kind != WIRE_BYTES)
            continue;
        if (!spend(p))
            return false;
        struct proto_value *value = &e->values[e->count++];
        for (v = wire_of(w.bytes); wire_next(&v);) {
            if (v.number == 1 && v.kind == WIRE_BYTES)
                value->name = arena_copy(p->set->arena, v.bytes);
            else if (v.number == 2 && v.kind == WIRE_VARINT)
                value->number = (int32_t)v.value;
        }
        if (v.bad)
            return fail(p, "a value of an enum is cut off");
    }
    return !w.bad || fail(p, "an enum is cut off");
}

struct field_options {
    bool packed_is_said, packed;
};

static void parse_field_options(struct bytes text, struct field_options *o)
{
    for (struct wire w = wire_of(text); wire_next(&w);)
        if (w.number == 2 && w.kind == WIRE_VARINT)
            *o = (struct field_options){true, w.value != 0};
}

static bool parse_field(struct parse *p, struct bytes text, struct proto_field *f)
{
    struct arena *arena = p->set->arena;
    struct field_options options = {0};
    bool proto3_optional = false;
    struct wire w;

    if (!spend(p))
        return false;
    *f = (struct proto_field){.oneof = -1, .label = PROTO_OPTIONAL};
    for (w = wire_of(text); wire_next(&w);) {
        bool is_bytes = w.kind == WIRE_BYTES;
        switch (w.number) {
        case 1: f->name = is_bytes ? arena_copy(arena, w.bytes) : f->name; break;
        case 3: f->number = (uint32_t)w.value; break;
        case 4: f->label = (enum proto_label)(w.value & 3); break;
        case 5: f->type = (enum proto_type)(w.value < PROTO_TYPES ? w.value : 0); break;
        case 6:
            f->type_name = is_bytes ? arena_copy(arena, w.bytes) : f->type_name;
            if (f->type_name.len && f->type_name.ptr[0] == '.')
                f->type_name = bytes_skip(f->type_name, 1);
            break;
        case 7: f->otherwise = is_bytes ? arena_copy(arena, w.bytes) : f->otherwise; break;
        case 8: parse_field_options(is_bytes ? w.bytes : BYTES_NONE, &options); break;
        case 9: f->oneof = (int32_t)w.value; break;
        case 17: proto3_optional = w.value != 0; break;
        default: break;
        }
    }
    if (w.bad || !f->type || !f->label)
        return fail(p, "a field is cut off, or has no type or label");
    f->presence = f->label != PROTO_REPEATED &&
                  (!p->proto3 || proto3_optional || f->oneof >= 0 || f->type == PROTO_MESSAGE || f->type == PROTO_GROUP);
    f->packed = options.packed_is_said ? options.packed : p->proto3;
    if (proto3_optional)
        f->oneof = -1; /* it is in one of its own */
    return true;
}

/* The names of oneofs; of a proto3 'optional' there is one of its own, which is none. */
static void parse_oneofs(struct parse *p, struct bytes text, struct proto_message *m)
{
    m->oneofs = ARENA_ARRAY(p->set->arena, struct bytes, count_of(text, 8) + 1u);
    for (struct wire w = wire_of(text); wire_next(&w);)
        if (w.number == 8 && w.kind == WIRE_BYTES)
            m->oneofs[m->oneofs_count++] = arena_copy(p->set->arena, bytes_field(w.bytes, 1));
}

static bool is_map_entry(struct bytes options)
{
    bool entry = false;

    for (struct wire w = wire_of(options); wire_next(&w);)
        if (w.number == 7 && w.kind == WIRE_VARINT)
            entry = w.value != 0;
    return entry;
}

static bool parse_message(struct parse *p, struct bytes text, struct bytes scope, const struct proto_message *outer)
{
    struct proto_message *m;
    struct wire w;
    bool ok = spend(p);

    if (ok && p->depth == PROTO_DEPTH_MAX)
        ok = fail(p, "messages in messages are too deep");
    if (!ok)
        return false;
    p->depth++;
    m = proto_message_add(p->set, joined(p, scope, bytes_field(text, 1)), outer);
    m->proto3 = p->proto3;
    m->package = p->package;
    m->map_entry = is_map_entry(bytes_field(text, 7));
    m->fields = ARENA_ARRAY(p->set->arena, struct proto_field, count_of(text, 2) + 1u);
    parse_oneofs(p, text, m);
    for (w = wire_of(text); ok && wire_next(&w);) {
        if (w.kind != WIRE_BYTES)
            continue;
        if (w.number == 2)
            ok = parse_field(p, w.bytes, &m->fields[m->count++]);
        else if (w.number == 3)
            ok = parse_message(p, w.bytes, m->name, m);
        else if (w.number == 4)
            ok = parse_enum(p, w.bytes, m->name);
    }
    for (uint32_t i = 0; ok && i < m->count; i++)
        if (m->fields[i].oneof >= (int32_t)m->oneofs_count)
            ok = fail(p, "a field is in a oneof that is not there");
    p->depth--;
    return ok && (!w.bad || fail(p, "a message is cut off"));
}

static bool parse_file(struct parse *p, struct bytes text)
{
    struct bytes package = arena_copy(p->set->arena, bytes_field(text, 2)), syntax = bytes_field(text, 12);
    struct wire w;
    bool ok = true;

    p->package = package;
    p->proto3 = bytes_is(syntax, "proto3");
    if (syntax.len && !p->proto3 && !bytes_is(syntax, "proto2")) {
        p->st = diag_set(p->diag, ST_UNSUPPORTED, DIAG_UNSUPPORTED,
                         "Protobuf's syntax '%.*s' is not built yet: proto2 and proto3 are", BYTES_FMT(bytes_head(syntax, 40)));
        return false;
    }
    for (w = wire_of(text); ok && wire_next(&w);) {
        if (w.kind != WIRE_BYTES)
            continue;
        if (w.number == 4)
            ok = parse_message(p, w.bytes, package, NULL);
        else if (w.number == 5)
            ok = parse_enum(p, w.bytes, package);
    }
    return ok && (!w.bad || fail(p, "a file is cut off"));
}

enum status proto_descriptor(struct proto_set *set, struct bytes file, struct bytes *package, struct diag *diag)
{
    struct parse p = {.set = set, .diag = diag};
    bool ok = parse_file(&p, file);

    *package = p.package;
    return ok ? ST_OK : p.st;
}

bool proto_descriptor_import(struct bytes file, uint32_t i, struct bytes *path)
{
    struct wire w = wire_of(file);

    while (wire_next(&w))
        if (w.number == 3 && w.kind == WIRE_BYTES && !i--) {
            *path = w.bytes;
            return true;
        }
    return false;
}

enum status proto_descriptors(struct proto_set *set, struct bytes descriptors, struct diag *diag)
{
    struct parse p = {.set = set, .diag = diag};
    struct wire w;
    bool ok = true;

    for (w = wire_of(descriptors); ok && wire_next(&w);)
        if (w.number == 1 && w.kind == WIRE_BYTES) {
            ok = parse_file(&p, w.bytes);
            set->file = ++set->files;
        }
    if (ok && w.bad)
        ok = fail(&p, "the end is cut off");
    if (ok && !set->messages_count)
        ok = fail(&p, "there is no message");
    return ok ? proto_link(set, diag) : p.st;
}
