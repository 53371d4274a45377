/* plan_inner.h: what a plan is made of: plan.c makes it, read.c and write.c go by it.   Layer: data. */
#ifndef QW_DATA_PROTOBUF_PLAN_INNER_H
#define QW_DATA_PROTOBUF_PLAN_INNER_H

#include "data/protobuf/plan.h"
#include "data/protobuf/wire.h"

/* A scalar: its bits, or its bytes. */
union proto_scalar {
    uint64_t bits;
    struct bytes bytes;
};

/* A column and its field. */
struct proto_item {
    const struct proto_field *field;
    const struct type *type;       /* of the column; of lists below: the element's */
    const struct type *element;    /* of a repeated field: its element's type, of a map its value's; else = type */
    uint16_t column;
    bool reads_default;
    const struct proto_plan *inner; /* of messages; of maps: of the value, if it is a message */
    const struct proto_item *key, *value; /* of maps */
    union proto_scalar otherwise;
};

struct proto_number {
    uint32_t number;
    uint16_t item;  /* PROTO_UNWANTED: it is in a oneof with others that are wanted */
    int32_t oneof;
};

enum { PROTO_UNWANTED = UINT16_MAX, PROTO_NUMBERS_NEAR = 64 };

struct proto_plan {
    const struct proto_message *message;
    struct proto_item *items; /* as the columns stand */
    uint16_t count;
    uint16_t *by_number;      /* items in the order of their fields' numbers */
    struct proto_number *numbers; /* in order */
    uint32_t numbers_count;
    uint16_t near[PROTO_NUMBERS_NEAR]; /* of small numbers: index into numbers + 1, or 0 */
    const struct proto_rules *rules;
};

enum wire_kind proto_wire_kind(enum proto_type type);
/* The value of an enum; NULL: it has none of this number. */
const struct proto_value *proto_value_of(const struct proto_enum *e, int32_t number);

#endif
