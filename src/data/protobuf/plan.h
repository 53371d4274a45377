/* plan.h: Protobuf messages to columns, and rows to messages, by a message's type beside the types that SQL wants.
 *
 * Reading. Fields may come in any order and more than once: the last counts, messages are merged, a member of a oneof takes
 * the others away. What is not there is its default or NULL (struct proto_rules). Unknown fields, and those of another wire
 * type, are passed over. An enum is its value's name, or its number in a column of numbers.
 *
 * Writing. Fields go out in the order of their numbers, as protobuf's own serializers write them; NULL is not written, and
 * without presence (proto3) neither is a default. Of a oneof's columns the last that is not NULL is written.
 *
 * Owns:    a plan is its arena's, but for the buffers of proto_writer.
 * Limits:  as deep as SQL's types; a record takes 256 MiB of scratch at most, and 8 bytes a field that lists hold.
 * Threads: a plan is read only; reader and writer one at a time.   Layer: data.
 */
#ifndef QW_DATA_PROTOBUF_PLAN_H
#define QW_DATA_PROTOBUF_PLAN_H

#include "base/buf.h"
#include "data/builder.h"
#include "data/protobuf/schema.h"

struct proto_rules {
    bool read_defaults;         /* what is not there is its default; else only proto3's scalars are */
    bool evolves; /* the message may be older or newer than the columns: those that are no field are NULL,
                                   numbers are widened (of 32 bits to BIGINT, float to DOUBLE), and
                                   proto3's `optional` that is not there is NULL */
    struct bytes null_literal;  /* of a text in a list that is NULL */
};

struct proto_plan;

/* Each field of `row` is a field of the message (but where rules->evolves), of a type that fits; field i is builder or chunk
 * column columns[i] (NULL: i). ST_INVALID, with the diag. */
enum status proto_plan_make(struct arena *arena, const struct proto_message *message, const struct type *row,
                            const uint16_t *columns, const struct proto_rules *rules, const struct proto_plan **out,
                            struct diag *diag) MUST_CHECK;
/* Every required field is a column that is NOT NULL. */
enum status proto_plan_writes(const struct proto_plan *plan, struct diag *diag) MUST_CHECK;

/* Scratch of reading. */
struct proto_seen;
struct proto_slot;
struct proto_reader {
    struct proto_seen *seen; /* a stack: of the messages that are being read, one in the other */
    size_t count, cap;
    struct proto_slot *slots; /* the same */
    size_t slots_count, slots_cap;
    struct arena arena; /* of one record */
};
void proto_reader_init(struct proto_reader *reader);
void proto_reader_deinit(struct proto_reader *reader);
/* A value to each column. False: there may be fewer, and the diag says why. */
bool proto_read(struct proto_reader *reader, const struct proto_plan *plan, struct bytes record, struct column_builder *cols,
                struct diag *diag) MUST_CHECK;

void proto_write(const struct proto_plan *plan, const struct column *cols, uint32_t row, struct buf *to);

#endif
