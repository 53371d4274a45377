/* read.c: messages to columns: see plan.h. A message is gone through once, and where each wanted field stands is noted; then
 * columns are filled in their order. A list's fields are a chain of places. */
#include <stdlib.h>

#include "base/check.h"
#include "base/hash.h"
#include "data/format/format.h"
#include "data/protobuf/plan_inner.h"

/* A field's place in its message, and the next of its chain; of a slot: the first and the last of a chain. */
struct proto_seen {
    uint32_t at;   /* of its tag, from the message's begin */
    uint32_t next; /* index + 1; 0: the end */
};
struct proto_slot {
    uint32_t first, last; /* of a chain: index + 1; of a single scalar `last` is its place + 1; 0: it is not there */
};

struct context {
    struct proto_reader *reader;
    struct diag *diag;
    bool absent; /* a message that is not there is read, as its defaults */
};

enum { SCRATCH_MAX = 256 << 20, SCRATCH_KEPT = 1 << 20, PROBES_MAX = 256 };

static bool read_message(struct context *c, const struct proto_plan *plan, struct bytes message, struct column_builder *cols);

static bool bad(struct context *c, const char *why)
{
    diag_set(c->diag, ST_INVALID, DIAG_VALUE, "%s", why);
    return false;
}

void proto_reader_init(struct proto_reader *reader)
{
    *reader = (struct proto_reader){0};
    arena_init(&reader->arena, ARENA_BUDGET_NONE);
}

void proto_reader_deinit(struct proto_reader *reader)
{
    free(reader->seen);
    free(reader->slots);
    arena_deinit(&reader->arena);
}

/* ---- scalars ---- */

static int64_t zigzag(uint64_t v)
{
    return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

/* As the type's own number, with its sign. */
static int64_t integer_of(enum proto_type type, uint64_t bits)
{
    switch (type) {
    case PROTO_SINT32: return zigzag((uint32_t)bits);
    case PROTO_SINT64: return zigzag(bits);
    case PROTO_INT32:
    case PROTO_ENUM:
    case PROTO_UINT32: /* as Java has it, which Flink gives: of its bits */
    case PROTO_FIXED32:
    case PROTO_SFIXED32: return (int32_t)bits;
    default: return (int64_t)bits;
    }
}

/* Of an enum in a column of text or numbers. */
static bool put_enum(struct context *c, const struct proto_item *item, int32_t number, struct column_builder *b)
{
    const struct proto_value *value = proto_value_of(item->field->enum_, number);
    enum type_kind kind = item->element->kind;

    if (type_is_text(kind)) {
        column_put_text(b, value ? value->name : BYTES_LITERAL("UNRECOGNIZED"));
        return true;
    }
    if ((kind == TYPE_TINYINT && number != (int8_t)number) || (kind == TYPE_SMALLINT && number != (int16_t)number))
        return bad(c, "the number is out of the range of the column's type");
    if (b->phys == PHYS_I32)
        column_put_i32(b, number);
    else
        column_put_i64(b, number);
    return true;
}

static bool put_scalar(struct context *c, const struct proto_item *item, union proto_scalar v, struct column_builder *b)
{
    enum proto_type type = item->field->type;
    uint32_t bits32 = (uint32_t)v.bits;
    float f;
    double d;

    switch (type) {
    case PROTO_ENUM: return put_enum(c, item, (int32_t)v.bits, b);
    case PROTO_BOOL: column_put_bool(b, v.bits != 0); break;
    case PROTO_FLOAT:
        memcpy(&f, &bits32, sizeof(f));
        if (b->phys == PHYS_F32)
            column_put_f32(b, f);
        else
            column_put_f64(b, (double)f);
        break;
    case PROTO_DOUBLE:
        memcpy(&d, &v.bits, sizeof(d));
        column_put_f64(b, d);
        break;
    case PROTO_STRING:
        if (!bytes_is_utf8(v.bytes))
            return bad(c, "the text is not UTF-8");
        column_put_text(b, v.bytes);
        break;
    case PROTO_BYTES: column_put_text(b, v.bytes); break;
    default:
        if (b->phys == PHYS_I32)
            column_put_i32(b, (int32_t)integer_of(type, v.bits));
        else if (type == PROTO_UINT32 || type == PROTO_FIXED32)
            column_put_i64(b, bits32); /* there is room for all of them */
        else
            column_put_i64(b, integer_of(type, v.bits));
    }
    return true;
}

static union proto_scalar scalar_of(const struct wire *w)
{
    return w->kind == WIRE_BYTES ? (union proto_scalar){.bytes = w->bytes} : (union proto_scalar){.bits = w->value};
}

/* ---- what is where ---- */

/* A value of an enum that proto2 does not know: as if it were not there. */
static bool is_unknown(const struct proto_field *f, uint64_t bits)
{
    return f->enum_ && f->enum_->closed && !proto_value_of(f->enum_, (int32_t)bits);
}

/* Whether the field at hand is written as its type is; repeated ones may be packed. */
static bool kind_fits(const struct proto_field *f, enum wire_kind kind)
{
    enum wire_kind own = proto_wire_kind(f->type);

    return kind == own || (kind == WIRE_BYTES && f->label == PROTO_REPEATED && own != WIRE_GROUP);
}

static const struct proto_number *number_of(const struct proto_plan *plan, uint32_t number)
{
    uint32_t low = 0, high = plan->numbers_count;

    if (number < PROTO_NUMBERS_NEAR)
        return plan->near[number] ? &plan->numbers[plan->near[number] - 1] : NULL;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (plan->numbers[middle].number == number)
            return &plan->numbers[middle];
        if (plan->numbers[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static void chain(struct proto_reader *r, struct proto_slot *slot, uint32_t at)
{
    if (r->count == r->cap) {
        r->cap = r->cap ? r->cap * 2 : 64;
        r->seen = xrealloc(r->seen, r->cap * sizeof(*r->seen));
    }
    r->seen[r->count++] = (struct proto_seen){at, 0};
    if (slot->last)
        r->seen[slot->last - 1].next = (uint32_t)r->count;
    else
        slot->first = (uint32_t)r->count;
    slot->last = (uint32_t)r->count;
}

/* A message's slots on the reader's stack, which may move: an item each, then a oneof each, of which `first` is the number
 * that was last set. */
static struct proto_slot *slots_push(struct proto_reader *r, uint32_t count)
{
    if (r->slots_count + count > r->slots_cap) {
        r->slots_cap = (r->slots_count + count) * 2;
        r->slots = xrealloc(r->slots, r->slots_cap * sizeof(*r->slots));
    }
    struct proto_slot *slots = r->slots + r->slots_count;
    memset(slots, 0, count * sizeof(*slots));
    r->slots_count += count;
    return slots;
}

static void note_field(struct context *c, const struct proto_plan *plan, const struct wire *w, uint32_t at,
                       struct proto_slot *slots)
{
    const struct proto_number *n = number_of(plan, w->number);

    if (!n)
        return;
    const struct proto_item *item = n->item == PROTO_UNWANTED ? NULL : &plan->items[n->item];
    if (item && !kind_fits(item->field, w->kind))
        return;
    if (item && item->field->label != PROTO_REPEATED && is_unknown(item->field, w->value))
        return;
    struct proto_slot *oneof = n->oneof >= 0 ? &slots[plan->count + n->oneof] : NULL;
    if (oneof && oneof->first != n->number) {
        oneof->first = n->number;
        if (item)
            slots[n->item] = (struct proto_slot){0};
    }
    if (!item)
        return;
    if (item->field->label == PROTO_REPEATED || item->inner)
        chain(c->reader, &slots[n->item], at);
    else
        slots[n->item].last = at + 1;
}

static bool note_fields(struct context *c, const struct proto_plan *plan, struct bytes message, struct proto_slot *slots)
{
    struct wire w = wire_of(message);
    const uint8_t *begin = w.r.at, *at = begin;

    while (wire_next(&w)) {
        note_field(c, plan, &w, (uint32_t)(at - begin), slots);
        at = w.r.at;
    }
    return !w.bad || bad(c, "the record is no Protobuf message, or is cut off");
}

/* Scratch of a record, within bounds; NULL: it is too much. */
static void *scratch(struct context *c, size_t bytes)
{
    struct arena *arena = &c->reader->arena;

    if (bytes <= SCRATCH_MAX && arena->used_bytes <= SCRATCH_MAX - bytes)
        return arena_zalloc(arena, bytes + 1);
    bad(c, "the record takes more memory to be read than 256 MiB");
    return NULL;
}

static struct wire field_at(struct bytes message, uint32_t at)
{
    struct wire w = wire_of(bytes_skip(message, at));
    bool read = wire_next(&w);

    CHECK(read); /* it was read before */
    return w;
}

/* ---- columns ---- */

static bool put_message(struct context *c, const struct proto_plan *plan, struct bytes message, struct column_builder *b)
{
    uint32_t rows = b->rows;

    if (read_message(c, plan, message, b->children)) {
        column_put_row(b);
        return true;
    }
    for (uint16_t i = 0; i < b->type->fields_count && !b->failed; i++)
        column_truncate(&b->children[i], rows);
    return false;
}

/* All of a chain behind each other: to read them so is to merge them. */
static struct bytes merged(struct context *c, struct bytes message, const struct proto_slot *slot)
{
    struct proto_reader *r = c->reader;
    struct bytes one = field_at(message, r->seen[slot->first - 1].at).bytes;
    size_t len = 0;

    if (slot->first == slot->last)
        return one.ptr ? one : BYTES_LITERAL("");
    for (uint32_t i = slot->first; i; i = r->seen[i - 1].next)
        len += field_at(message, r->seen[i - 1].at).bytes.len;
    uint8_t *all = scratch(c, len), *to = all;
    if (!all)
        return BYTES_NONE;
    for (uint32_t i = slot->first; i; i = r->seen[i - 1].next) {
        one = field_at(message, r->seen[i - 1].at).bytes;
        if (one.len)
            memcpy(to, one.ptr, one.len);
        to += one.len;
    }
    return bytes_of(all, len);
}

static bool put_element(struct context *c, const struct proto_item *item, union proto_scalar v, struct column_builder *b)
{
    if (item->inner)
        return put_message(c, item->inner, v.bytes, b);
    return is_unknown(item->field, v.bits) || put_scalar(c, item, v, b);
}

static bool put_packed(struct context *c, const struct proto_item *item, struct bytes packed, struct column_builder *b)
{
    struct reader r = reader_of(packed);
    enum wire_kind kind = proto_wire_kind(item->field->type);

    while (r.at != r.end) {
        union proto_scalar v = {.bits = kind == WIRE_VARINT ? reader_uvarint(&r)
                                        : kind == WIRE_64   ? reader_u64_le(&r)
                                                            : reader_u32_le(&r)};
        if (r.bad)
            return bad(c, "a list ends in the middle of a value");
        if (!put_element(c, item, v, b))
            return false;
    }
    return true;
}

static bool put_list(struct context *c, const struct proto_item *item, struct bytes message, const struct proto_slot *slot,
                     struct column_builder *b)
{
    enum wire_kind kind = proto_wire_kind(item->field->type);
    bool ok = true;

    for (uint32_t i = slot->first, next; ok && i; i = next) {
        struct wire w = field_at(message, c->reader->seen[i - 1].at);
        next = c->reader->seen[i - 1].next; /* read now: what is below may move the chains */
        ok = w.kind == kind ? put_element(c, item, scalar_of(&w), &b->children[0]) : put_packed(c, item, w.bytes, &b->children[0]);
    }
    if (ok)
        column_put_list(b);
    return ok;
}

/* ---- maps ---- */

static union proto_scalar entry_part(const struct proto_item *item, struct bytes entry, bool *there)
{
    union proto_scalar v = item->otherwise;

    *there = false;
    for (struct wire w = wire_of(entry); wire_next(&w);)
        if (w.number == item->field->number && w.kind == proto_wire_kind(item->field->type)) {
            v = scalar_of(&w);
            *there = true;
        }
    return v;
}

static bool keys_equal(const struct proto_item *key, union proto_scalar a, union proto_scalar b)
{
    return key->field->type == PROTO_STRING ? bytes_equal(a.bytes, b.bytes) : a.bits == b.bits;
}

/* The entries of a map, of each key the last, where its first stood: *count of them, as places. */
static uint32_t *map_entries(struct context *c, const struct proto_item *item, struct bytes message, const struct proto_slot *slot,
                             uint32_t *count)
{
    struct proto_reader *r = c->reader;
    uint32_t all = 0, slots = 4;
    bool there;

    for (uint32_t i = slot->first; i; i = r->seen[i - 1].next)
        all++;
    while (slots < all * 2)
        slots *= 2;
    uint32_t *places = scratch(c, all * sizeof(*places)), *table = scratch(c, slots * sizeof(*table));
    *count = 0;
    if (!places || !table)
        return NULL;
    for (uint32_t i = slot->first; i; i = r->seen[i - 1].next) {
        uint32_t at = r->seen[i - 1].at;
        union proto_scalar key = entry_part(item->key, field_at(message, at).bytes, &there);
        uint64_t hash = item->key->field->type == PROTO_STRING ? hash_bytes(key.bytes) : hash_u64(key.bits);
        uint32_t s = (uint32_t)hash & (slots - 1), probes = 0;
        while (table[s] && probes++ < PROBES_MAX &&
               !keys_equal(item->key, key, entry_part(item->key, field_at(message, places[table[s] - 1]).bytes, &there)))
            s = (s + 1) & (slots - 1);
        if (probes > PROBES_MAX) {
            bad(c, "a map has keys that are made to be slow to tell apart");
            return NULL;
        }
        if (!table[s])
            table[s] = ++*count;
        places[table[s] - 1] = at;
    }
    return places;
}

/* What its message cannot be read of is bad, whichever field it is in. */
static bool entry_ends(struct context *c, struct bytes entry)
{
    struct wire w = wire_of(entry);

    while (wire_next(&w))
        ;
    return !w.bad || bad(c, "an entry of a map is cut off");
}

static bool put_map(struct context *c, const struct proto_item *item, struct bytes message, const struct proto_slot *slot,
                    struct column_builder *b)
{
    uint32_t count;
    uint32_t *places = map_entries(c, item, message, slot, &count);
    bool there, ok = places != NULL;

    for (uint32_t i = 0; ok && i < count; i++) {
        struct bytes entry = field_at(message, places[i]).bytes;
        union proto_scalar key = entry_part(item->key, entry, &there), value = entry_part(item->value, entry, &there);
        if (item->value->inner && !there)
            value.bytes = BYTES_LITERAL("");
        ok = entry_ends(c, entry) && put_scalar(c, item->key, key, &b->children[0]);
        if (ok && is_unknown(item->value->field, value.bits))
            value = item->value->otherwise;
        ok = ok && put_element(c, item->value, value, &b->children[1]);
    }
    if (ok)
        column_put_list(b);
    return ok;
}

/* ---- messages ---- */

static bool put_missing(struct context *c, const struct proto_item *item, struct column_builder *b)
{
    if (item->field->label == PROTO_REQUIRED && !c->absent)
        return bad(c, "it is required, and the record does not have it");
    if (!item->reads_default) {
        if (item->type->not_null)
            return bad(c, "the record does not have it, and the column is NOT NULL");
        column_put_null(b);
    } else if (item->field->label == PROTO_REPEATED) {
        column_put_list(b);
    } else if (item->inner) {
        bool was = c->absent;
        c->absent = true;
        bool ok = put_message(c, item->inner, BYTES_LITERAL(""), b);
        c->absent = was;
        return ok;
    } else {
        return put_scalar(c, item, item->otherwise, b);
    }
    return true;
}

static bool put_item(struct context *c, const struct proto_item *item, struct bytes message, const struct proto_slot *slot,
                     struct column_builder *b)
{
    if (!slot->last)
        return put_missing(c, item, b);
    if (item->key)
        return put_map(c, item, message, slot, b);
    if (item->field->label == PROTO_REPEATED)
        return put_list(c, item, message, slot, b);
    if (item->inner) {
        struct bytes whole = merged(c, message, slot);
        return whole.ptr && put_message(c, item->inner, whole, b);
    }
    struct wire w = field_at(message, slot->last - 1);
    return put_scalar(c, item, scalar_of(&w), b);
}

static bool read_message(struct context *c, const struct proto_plan *plan, struct bytes message, struct column_builder *cols)
{
    struct proto_reader *r = c->reader;
    size_t count = r->count, base = r->slots_count;
    uint32_t oneofs = plan->message->oneofs_count;
    bool ok = note_fields(c, plan, message, slots_push(r, plan->count + oneofs));

    for (uint16_t i = 0; ok && i < plan->count; i++) {
        const struct proto_item *item = &plan->items[i];
        struct proto_slot slot = r->slots[base + i];
        int32_t oneof = item->field->oneof;
        if (oneof >= 0 && r->slots[base + plan->count + (size_t)oneof].first != item->field->number)
            slot = (struct proto_slot){0};
        ok = put_item(c, item, message, &slot, &cols[item->column]);
        if (!ok)
            format_within_field(c->diag, item->field->name);
    }
    r->count = count;
    r->slots_count = base;
    return ok;
}

bool proto_read(struct proto_reader *reader, const struct proto_plan *plan, struct bytes record, struct column_builder *cols,
                struct diag *diag)
{
    struct context c = {reader, diag, false};
    bool ok = read_message(&c, plan, record, cols);

    if (reader->arena.used_bytes > SCRATCH_KEPT || reader->cap > SCRATCH_KEPT / sizeof(struct proto_seen)) {
        proto_reader_deinit(reader);
        proto_reader_init(reader);
    }
    arena_reset(&reader->arena);
    return ok;
}
