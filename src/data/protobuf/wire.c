/* wire.c: see wire.h. */
#include "data/protobuf/wire.h"

/* Reads a tag. False: it is none. */
static bool tag(struct wire *w)
{
    uint64_t tag = reader_uvarint(&w->r);

    w->number = (uint32_t)(tag >> 3);
    w->kind = (enum wire_kind)(tag & 7);
    return !w->r.bad && tag <= UINT32_MAX && w->number && w->kind <= WIRE_32;
}

static bool scalar(struct wire *w)
{
    switch (w->kind) {
    case WIRE_VARINT: w->value = reader_uvarint(&w->r); break;
    case WIRE_64: w->value = reader_u64_le(&w->r); break;
    case WIRE_32: w->value = reader_u32_le(&w->r); break;
    case WIRE_BYTES: w->bytes = reader_bytes(&w->r, (size_t)reader_uvarint(&w->r)); break;
    default: return false;
    }
    return !w->r.bad;
}

/* To the end of the group that has begun; its fields are its bytes. */
static bool group(struct wire *w)
{
    struct wire in = {.r = w->r};
    uint32_t numbers[WIRE_GROUPS_MAX], depth = 0;
    const uint8_t *begin = w->r.at, *end = begin;

    numbers[depth++] = w->number;
    while (depth) {
        end = in.r.at;
        if (!tag(&in))
            return false;
        if (in.kind == WIRE_GROUP_END) {
            if (in.number != numbers[--depth])
                return false;
        } else if (in.kind == WIRE_GROUP) {
            if (depth == WIRE_GROUPS_MAX)
                return false;
            numbers[depth++] = in.number;
        } else if (!scalar(&in)) {
            return false;
        }
    }
    w->r = in.r;
    w->bytes = bytes_of(begin, (size_t)(end - begin));
    return true;
}

bool wire_read(struct wire *w)
{
    w->bad = !tag(w) || !(w->kind == WIRE_GROUP ? group(w) : scalar(w));
    return !w->bad;
}
