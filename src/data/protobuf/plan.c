/* plan.c: a plan is made: see plan.h. */
#include "data/protobuf/plan_inner.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "data/format/format.h"
#include "data/text.h"

struct make {
    struct arena *arena;
    const struct proto_rules *rules;
    struct diag *diag;
};

enum wire_kind proto_wire_kind(enum proto_type type)
{
    switch (type) {
    case PROTO_DOUBLE:
    case PROTO_FIXED64:
    case PROTO_SFIXED64: return WIRE_64;
    case PROTO_FLOAT:
    case PROTO_FIXED32:
    case PROTO_SFIXED32: return WIRE_32;
    case PROTO_STRING:
    case PROTO_BYTES:
    case PROTO_MESSAGE: return WIRE_BYTES;
    case PROTO_GROUP: return WIRE_GROUP;
    default: return WIRE_VARINT;
    }
}

const struct proto_value *proto_value_of(const struct proto_enum *e, int32_t number)
{
    for (uint32_t i = 0; i < e->count; i++)
        if (e->values[i].number == number)
            return &e->values[i];
    return NULL;
}

/* ---- types ---- */

static bool scalar_fits(enum proto_type from, enum type_kind to)
{
    switch (to) {
    case TYPE_BOOLEAN: return from == PROTO_BOOL;
    case TYPE_TINYINT:
    case TYPE_SMALLINT: return from == PROTO_ENUM;
    case TYPE_INT:
        return from == PROTO_ENUM || from == PROTO_INT32 || from == PROTO_SINT32 || from == PROTO_SFIXED32 ||
               from == PROTO_UINT32 || from == PROTO_FIXED32;
    case TYPE_BIGINT:
        return from == PROTO_ENUM || from == PROTO_INT64 || from == PROTO_SINT64 || from == PROTO_SFIXED64 ||
               from == PROTO_UINT64 || from == PROTO_FIXED64;
    case TYPE_FLOAT: return from == PROTO_FLOAT;
    case TYPE_DOUBLE: return from == PROTO_DOUBLE;
    case TYPE_CHAR:
    case TYPE_VARCHAR: return from == PROTO_STRING || from == PROTO_ENUM;
    case TYPE_BINARY:
    case TYPE_VARBINARY: return from == PROTO_BYTES;
    default: return false;
    }
}

static bool is_32_bits(enum proto_type type)
{
    return type == PROTO_INT32 || type == PROTO_SINT32 || type == PROTO_SFIXED32 || type == PROTO_UINT32 ||
           type == PROTO_FIXED32;
}

static bool scalar_widens(enum proto_type from, enum type_kind to)
{
    return (to == TYPE_BIGINT && is_32_bits(from)) || (to == TYPE_DOUBLE && from == PROTO_FLOAT);
}

static enum status unfit(const struct make *m, const struct proto_field *f, const struct type *type)
{
    struct arena scratch;

    arena_init(&scratch, ARENA_BUDGET_NONE);
    diag_set(m->diag, ST_INVALID, DIAG_TYPE, "Protobuf's %s%s is no %s",
             proto_is_map(f) ? "map" : f->label == PROTO_REPEATED ? "repeated " : "", proto_is_map(f) ? "" : proto_type_text(f->type),
             type_text(&scratch, type));
    arena_deinit(&scratch);
    return ST_INVALID;
}

/* ---- defaults ---- */

static uint64_t number_bits(const struct proto_field *f)
{
    char text[64];
    float single;
    double d;
    uint64_t bits = 0;
    uint32_t bits32;

    snprintf(text, sizeof(text), "%.*s", BYTES_FMT(bytes_head(f->otherwise, sizeof(text) - 1)));
    switch (f->type) {
    case PROTO_DOUBLE:
        d = strtod(text, NULL);
        memcpy(&bits, &d, sizeof(bits));
        return bits;
    case PROTO_FLOAT:
        single = strtof(text, NULL);
        memcpy(&bits32, &single, sizeof(bits32));
        return bits32;
    case PROTO_BOOL: return strcmp(text, "true") == 0;
    case PROTO_UINT64:
    case PROTO_FIXED64: return strtoull(text, NULL, 0);
    case PROTO_SINT32:
    case PROTO_SINT64: { /* as the wire has it */
        int64_t n = strtoll(text, NULL, 0);
        return (uint64_t)n << 1 ^ (uint64_t)(n >> 63);
    }
    default: return (uint64_t)strtoll(text, NULL, 0);
    }
}

static union proto_scalar default_of(struct arena *arena, const struct proto_field *f)
{
    union proto_scalar v = {.bits = 0};

    if (f->type == PROTO_STRING || f->type == PROTO_BYTES) {
        v.bytes = f->otherwise.ptr ? f->otherwise : BYTES_LITERAL("");
        if (f->type == PROTO_BYTES)
            v.bytes = proto_unescape(arena, v.bytes);
    } else if (f->type == PROTO_ENUM) {
        v.bits = (uint64_t)(int64_t)f->enum_->values[0].number;
        for (uint32_t i = 0; f->otherwise.ptr && i < f->enum_->count; i++)
            if (bytes_equal(f->enum_->values[i].name, f->otherwise))
                v.bits = (uint64_t)(int64_t)f->enum_->values[i].number;
    } else if (f->otherwise.ptr) {
        v.bits = number_bits(f);
    }
    return v;
}

/* ---- items ---- */

static enum status make_plan(const struct make *m, const struct proto_message *message, const struct type *row,
                             const uint16_t *columns, const struct proto_plan **out);

/* A value by itself: a scalar, or a message as a ROW. */
static enum status make_single(const struct make *m, const struct proto_field *f, const struct type *type,
                               struct proto_item *out)
{
    out->element = type;
    if (f->type == PROTO_MESSAGE)
        return type->kind == TYPE_ROW ? make_plan(m, f->message, type, NULL, &out->inner) : unfit(m, f, type);
    if (!scalar_fits(f->type, type->kind) && !(m->rules->evolves && scalar_widens(f->type, type->kind)))
        return unfit(m, f, type);
    out->otherwise = default_of(m->arena, f);
    return ST_OK;
}

static enum status make_map(const struct make *m, const struct proto_field *f, const struct type *type, struct proto_item *out)
{
    struct proto_item *key = ARENA_NEW(m->arena, struct proto_item), *value = ARENA_NEW(m->arena, struct proto_item);

    if (type->kind != TYPE_MAP)
        return unfit(m, f, type);
    key->field = proto_field_numbered(f->message, 1);
    value->field = proto_field_numbered(f->message, 2);
    key->type = type->fields[0].type;
    value->type = type->fields[1].type;
    out->key = key;
    out->value = value;
    TRY(make_single(m, key->field, key->type, key));
    return make_single(m, value->field, value->type, value);
}

static enum status make_item(const struct make *m, const struct proto_field *f, const struct type *type, bool proto3,
                             struct proto_item *out)
{
    bool scalar = f->label != PROTO_REPEATED && f->type != PROTO_MESSAGE;

    out->field = f;
    out->type = type;
    bool known = m->rules->evolves && f->presence; /* that it is not there */
    out->reads_default = m->rules->read_defaults || (scalar && proto3 && !known);
    if (f->type == PROTO_GROUP)
        return diag_set(m->diag, ST_UNSUPPORTED, DIAG_UNSUPPORTED, "Protobuf's group is not read or written: leave the column out");
    if (proto_is_map(f))
        return make_map(m, f, type, out);
    if (f->label != PROTO_REPEATED)
        return make_single(m, f, type, out);
    return type->kind == TYPE_ARRAY ? make_single(m, f, type->fields[0].type, out) : unfit(m, f, type);
}

/* ---- plans ---- */

static int by_number(const void *a, const void *b)
{
    uint32_t x = ((const struct proto_number *)a)->number, y = ((const struct proto_number *)b)->number;

    return x < y ? -1 : x > y;
}

static uint16_t item_of(const struct proto_plan *plan, const struct proto_field *f)
{
    for (uint16_t i = 0; i < plan->count; i++)
        if (plan->items[i].field == f)
            return i;
    return PROTO_UNWANTED;
}

/* The numbers that reading looks at: those of columns, and those that take a oneof from them. */
static void make_numbers(const struct make *m, struct proto_plan *plan)
{
    const struct proto_message *message = plan->message;
    uint16_t sorted = 0;

    plan->numbers = ARENA_ARRAY(m->arena, struct proto_number, message->count + 1u);
    plan->by_number = ARENA_ARRAY(m->arena, uint16_t, plan->count + 1u);
    for (uint32_t i = 0; i < message->count; i++) {
        const struct proto_field *f = &message->fields[i];
        uint16_t item = item_of(plan, f);
        if (item != PROTO_UNWANTED || f->oneof >= 0)
            plan->numbers[plan->numbers_count++] = (struct proto_number){f->number, item, f->oneof};
    }
    qsort(plan->numbers, plan->numbers_count, sizeof(*plan->numbers), by_number);
    for (uint32_t i = 0; i < plan->numbers_count; i++) {
        const struct proto_number *n = &plan->numbers[i];
        if (n->number < PROTO_NUMBERS_NEAR)
            plan->near[n->number] = (uint16_t)(i + 1);
        if (n->item != PROTO_UNWANTED)
            plan->by_number[sorted++] = n->item;
    }
}

/* A field that no record has. */
static const struct proto_field *field_of_nobody(const struct make *m, struct bytes name)
{
    struct proto_field *f = ARENA_NEW(m->arena, struct proto_field);

    *f = (struct proto_field){.name = name, .type = PROTO_INT32, .label = PROTO_OPTIONAL, .oneof = -1};
    return f;
}

static enum status make_plan(const struct make *m, const struct proto_message *message, const struct type *row,
                             const uint16_t *columns, const struct proto_plan **out)
{
    struct proto_plan *plan = ARENA_NEW(m->arena, struct proto_plan);

    *plan = (struct proto_plan){.message = message, .count = row->fields_count, .rules = m->rules};
    plan->items = ARENA_ARRAY(m->arena, struct proto_item, row->fields_count + 1u);
    for (uint16_t i = 0; i < row->fields_count; i++) {
        struct bytes name = row->fields[i].name;
        const struct proto_field *f = proto_field_named(message, name);
        if (!f && m->rules->evolves) {
            plan->items[i] = (struct proto_item){
                .field = field_of_nobody(m, name), .type = row->fields[i].type, .column = columns ? columns[i] : i};
            continue;
        }
        if (!f)
            return diag_set(m->diag, ST_INVALID, DIAG_NAME, "the message '%.*s' has no field '%.*s'",
                            BYTES_FMT(bytes_head(message->name, 80)), BYTES_FMT(bytes_head(name, 60)));
        plan->items[i].column = columns ? columns[i] : i;
        enum status st = make_item(m, f, row->fields[i].type, message->proto3, &plan->items[i]);
        if (st == ST_OK)
            continue;
        format_within_field(m->diag, name);
        return st;
    }
    make_numbers(m, plan);
    *out = plan;
    return ST_OK;
}

enum status proto_plan_make(struct arena *arena, const struct proto_message *message, const struct type *row,
                            const uint16_t *columns, const struct proto_rules *rules, const struct proto_plan **out,
                            struct diag *diag)
{
    const struct make m = {arena, rules, diag};

    return make_plan(&m, message, row, columns, out);
}

enum status proto_plan_writes(const struct proto_plan *plan, struct diag *diag)
{
    for (uint32_t i = 0; i < plan->message->count; i++) {
        const struct proto_field *f = &plan->message->fields[i];
        uint16_t item = item_of(plan, f);
        if (f->label == PROTO_REQUIRED && (item == PROTO_UNWANTED || !plan->items[item].type->not_null))
            return diag_set(diag, ST_INVALID, DIAG_TYPE,
                            "field '%.*s' of the message '%.*s' is required, so its column must be there and be NOT NULL",
                            BYTES_FMT(bytes_head(f->name, 60)), BYTES_FMT(bytes_head(plan->message->name, 80)));
    }
    for (uint16_t i = 0; i < plan->count; i++) {
        const struct proto_item *item = plan->items[i].value ? plan->items[i].value : &plan->items[i];
        if (item->inner)
            TRY(proto_plan_writes(item->inner, diag));
    }
    return ST_OK;
}
