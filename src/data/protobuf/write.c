/* write.c: rows to messages: see plan.h. A message in a message is written behind where it goes, and moved when its length
 * is known. */
#include "base/check.h"
#include "data/protobuf/plan_inner.h"

static void write_message(const struct proto_plan *plan, const struct column *cols, uint32_t row,
                          struct buf *to);

static void write_tag(struct buf *to, uint32_t number, enum wire_kind kind)
{
    buf_uvarint(to, (uint64_t)number << 3 | (uint64_t)kind);
}

/* What was written from `from` on gets its length before it. */
static void close_sized(struct buf *to, size_t from)
{
    size_t len = to->len - from;
    uint8_t head[10];
    size_t n = 0;

    for (uint64_t v = len; n == 0 || v; v >>= 7)
        head[n++] = (uint8_t)((v & 0x7f) | (v >> 7 ? 0x80 : 0));
    if (!buf_reserve(to, n))
        return;
    memmove(to->ptr + from + n, to->ptr + from, len);
    memcpy(to->ptr + from, head, n);
    to->len += n;
}

/* ---- scalars ---- */

static int32_t enum_number(const struct proto_enum *e, const struct column *col, enum phys phys, uint32_t at)
{
    const struct str *s = col->data;

    if (phys == PHYS_STR) {
        for (uint32_t i = 0; i < e->count; i++)
            if (bytes_equal(e->values[i].name, bytes_of(s[at].ptr, s[at].len)))
                return e->values[i].number;
        return e->values[0].number;
    }
    int64_t n = phys == PHYS_I32 ? ((const int32_t *)col->data)[at] : ((const int64_t *)col->data)[at];
    return n == (int32_t)n && proto_value_of(e, (int32_t)n) ? (int32_t)n : e->values[0].number;
}

static union proto_scalar scalar_at(const struct proto_item *item, const struct column *col, uint32_t at)
{
    enum phys phys = type_phys(item->element->kind);
    union proto_scalar v = {.bits = 0};
    const struct str *s = col->data;
    uint32_t bits32;

    if (item->field->type == PROTO_ENUM) {
        v.bits = (uint64_t)(int64_t)enum_number(item->field->enum_, col, phys, at);
        return v;
    }
    switch (phys) {
    case PHYS_BOOL: v.bits = ((const uint8_t *)col->data)[at] != 0; break;
    case PHYS_I32: v.bits = (uint64_t)(int64_t)((const int32_t *)col->data)[at]; break;
    case PHYS_I64: v.bits = (uint64_t)((const int64_t *)col->data)[at]; break;
    case PHYS_F32:
        memcpy(&bits32, (const float *)col->data + at, sizeof(bits32));
        v.bits = bits32;
        break;
    case PHYS_F64: memcpy(&v.bits, (const double *)col->data + at, sizeof(v.bits)); break;
    default: v.bytes = bytes_of(s[at].ptr, s[at].len);
    }
    return v;
}

static uint64_t varint_bits(enum proto_type type, uint64_t bits)
{
    int64_t n = (int64_t)bits;

    switch (type) {
    case PROTO_SINT32:
    case PROTO_SINT64: return (uint64_t)n << 1 ^ (uint64_t)(n >> 63);
    case PROTO_UINT32: return (uint32_t)bits;
    default: return bits;
    }
}

static void write_scalar(const struct proto_field *f, union proto_scalar v, struct buf *to)
{
    switch (proto_wire_kind(f->type)) {
    case WIRE_32: buf_u32_le(to, (uint32_t)v.bits); break;
    case WIRE_64: buf_u64_le(to, v.bits); break;
    case WIRE_BYTES: buf_sized(to, v.bytes); break;
    default: buf_uvarint(to, varint_bits(f->type, v.bits));
    }
}

/* What stands for a NULL where there can be none: in lists and maps. */
static union proto_scalar instead_of_null(const struct proto_item *item, const struct proto_rules *rules)
{
    union proto_scalar v = {.bits = 0};

    if (item->field->type == PROTO_STRING)
        v.bytes = rules->null_literal;
    else if (item->field->type == PROTO_BYTES)
        v.bytes = BYTES_NONE;
    else if (item->field->type == PROTO_ENUM)
        v.bits = (uint64_t)(int64_t)item->field->enum_->values[0].number;
    return v;
}

static bool is_zero(const struct proto_field *f, union proto_scalar v)
{
    return proto_wire_kind(f->type) == WIRE_BYTES ? v.bytes.len == 0 : v.bits == 0;
}

/* ---- fields ---- */

/* An element of a list, a key or a value; NULL has a form of its own. */
static void write_element(const struct proto_item *item, const struct proto_rules *rules, const struct column *col,
                          uint32_t at, struct buf *to)
{
    bool valid = column_valid(col, at);

    if (!item->inner) {
        write_scalar(item->field, valid ? scalar_at(item, col, at) : instead_of_null(item, rules), to);
        return;
    }
    size_t from = to->len;
    if (valid)
        write_message(item->inner, col->children, at, to);
    close_sized(to, from);
}

static void write_list(const struct proto_item *item, const struct proto_rules *rules, const struct column *col, uint32_t at,
                       struct buf *to)
{
    const struct proto_field *f = item->field;
    uint32_t from = col->offsets[at], end = col->offsets[at + 1];

    if (f->packed && end > from) {
        write_tag(to, f->number, WIRE_BYTES);
        size_t begin = to->len;
        for (uint32_t i = from; i < end; i++)
            write_element(item, rules, &col->children[0], i, to);
        close_sized(to, begin);
        return;
    }
    for (uint32_t i = from; i < end; i++) {
        write_tag(to, f->number, proto_wire_kind(f->type));
        write_element(item, rules, &col->children[0], i, to);
    }
}

static void write_map(const struct proto_item *item, const struct proto_rules *rules, const struct column *col, uint32_t at,
                      struct buf *to)
{
    for (uint32_t i = col->offsets[at]; i < col->offsets[at + 1]; i++) {
        write_tag(to, item->field->number, WIRE_BYTES);
        size_t begin = to->len;
        write_tag(to, 1, proto_wire_kind(item->key->field->type));
        write_element(item->key, rules, &col->children[0], i, to);
        write_tag(to, 2, proto_wire_kind(item->value->field->type));
        write_element(item->value, rules, &col->children[1], i, to);
        close_sized(to, begin);
    }
}

static void write_item(const struct proto_item *item, const struct proto_rules *rules, const struct column *col, uint32_t at,
                       struct buf *to)
{
    const struct proto_field *f = item->field;

    if (item->key) {
        write_map(item, rules, col, at, to);
        return;
    }
    if (f->label == PROTO_REPEATED) {
        write_list(item, rules, col, at, to);
        return;
    }
    if (!item->inner && !f->presence && is_zero(f, scalar_at(item, col, at)))
        return;
    write_tag(to, f->number, proto_wire_kind(f->type));
    write_element(item, rules, col, at, to);
}

/* Another column of the same oneof, further on, is not NULL. */
static bool is_taken(const struct proto_plan *plan, uint16_t item, const struct column *cols, uint32_t row)
{
    int32_t oneof = plan->items[item].field->oneof;

    for (uint16_t i = (uint16_t)(item + 1); oneof >= 0 && i < plan->count; i++)
        if (plan->items[i].field->oneof == oneof && column_valid(&cols[plan->items[i].column], row))
            return true;
    return false;
}

static void write_message(const struct proto_plan *plan, const struct column *cols, uint32_t row,
                          struct buf *to)
{
    for (uint16_t n = 0; n < plan->count; n++) {
        uint16_t i = plan->by_number[n];
        const struct proto_item *item = &plan->items[i];
        const struct column *col = &cols[item->column];
        if (column_valid(col, row) && !is_taken(plan, i, cols, row))
            write_item(item, plan->rules, col, row, to);
    }
}

void proto_write(const struct proto_plan *plan, const struct column *cols, uint32_t row, struct buf *to)
{
    write_message(plan, cols, row, to);
}
