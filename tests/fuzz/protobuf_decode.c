/* Protobuf: types from outside, a .proto text or descriptors (by the first byte, up to the first 0xff), and a message behind
 * them, read as the columns that the first message's scalars are; and a message of a type of ours, which must be written and
 * read again. The types are compared with themselves and with ours. */
#include "base/check.h"
#include "data/protobuf/compat.h"
#include "data/protobuf/plan.h"
#include "data/protobuf/text.h"
#include "lib/fuzz.h"

static const char ours[] =
    "syntax=\"proto3\";message A{int32 i=1;string s=2;repeated sint64 l=3;map<string,A> m=4;A a=5;oneof o{bytes x=6;double y=7;}"
    "E e=8;repeated E es=9;enum E{Z=0;Y=1;}optional bool b=10;}";

static void read_as(struct arena *arena, const struct proto_message *message, const struct type *row, struct bytes record,
                    bool defaults)
{
    const struct proto_rules rules = {.read_defaults = defaults, .null_literal = BYTES_LITERAL("")};
    const struct schema schema = {row->fields_count, row->fields};
    const struct proto_plan *plan;
    struct proto_reader reader;
    struct chunk_builder b;
    struct diag diag = {0};
    struct buf out;

    if (proto_plan_make(arena, message, row, NULL, &rules, &plan, &diag) != ST_OK) {
        CHECK(diag.message[0]);
        return;
    }
    proto_reader_init(&reader);
    chunk_builder_init_schema(&b, arena, &schema, 2);
    buf_init(&out, 0);
    if (proto_read(&reader, plan, record, b.cols, &diag)) {
        for (uint16_t c = 0; c < row->fields_count; c++)
            CHECK(b.cols[c].rows == 1);
        chunk_builder_row(&b, ROW_INSERT);
        struct chunk chunk = chunk_builder_done(&b);
        proto_write(plan, chunk.cols, 0, &out);
        if (proto_plan_writes(plan, &diag) == ST_OK)
            CHECK(proto_read(&reader, plan, buf_view(&out), b.cols, &diag));
    } else {
        CHECK(diag.message[0]);
        chunk_builder_undo(&b);
    }
    buf_deinit(&out);
    proto_reader_deinit(&reader);
}

/* A column a scalar of the message, at most eight. */
static const struct type *row_of(struct arena *arena, const struct proto_message *m)
{
    static const enum type_kind kinds[PROTO_TYPES] = {
        [PROTO_DOUBLE] = TYPE_DOUBLE, [PROTO_FLOAT] = TYPE_FLOAT, [PROTO_INT64] = TYPE_BIGINT, [PROTO_UINT64] = TYPE_BIGINT,
        [PROTO_INT32] = TYPE_INT, [PROTO_BOOL] = TYPE_BOOLEAN, [PROTO_STRING] = TYPE_VARCHAR, [PROTO_BYTES] = TYPE_VARBINARY,
        [PROTO_ENUM] = TYPE_VARCHAR, [PROTO_SINT32] = TYPE_INT, [PROTO_FIXED32] = TYPE_INT, [PROTO_SFIXED64] = TYPE_BIGINT,
    };
    struct type_field *fields = ARENA_ARRAY(arena, struct type_field, 8);
    uint16_t n = 0;

    for (uint32_t i = 0; i < m->count && n < 8; i++) {
        const struct proto_field *f = &m->fields[i];
        if (!kinds[f->type])
            continue;
        const struct type *type = type_simple(kinds[f->type]);
        fields[n++] = (struct type_field){
            .name = f->name, .type = f->label == PROTO_REPEATED ? type_list(arena, TYPE_ARRAY, type, NULL) : type};
    }
    return n ? type_row(arena, fields, n) : NULL;
}

static void from_outside(struct arena *arena, const struct proto_set *ours_set, struct bytes input)
{
    struct proto_set set;
    struct diag diag = {0};
    size_t end = bytes_find(input, 0xff, 0);
    struct bytes types = bytes_head(input, end);

    proto_set_init(&set, arena);
    bool text = types.len && types.ptr[0] == 't';
    enum status st = text ? proto_text(&set, bytes_skip(types, 1), NULL, NULL, &diag) : proto_descriptors(&set, types, &diag);
    if (st != ST_OK) {
        CHECK(diag.message[0]);
        return;
    }
    struct buf why;
    buf_init(&why, 4096);
    CHECK(proto_can_read(&set, &set, &why)); /* itself */
    buf_clear(&why);
    CHECK(proto_can_read(ours_set, &set, &why) || why.len);
    CHECK(proto_can_read(&set, ours_set, &why) || why.len);
    buf_deinit(&why);
    const struct type *row = set.messages_count ? row_of(arena, set.messages[0]) : NULL;
    if (row)
        read_as(arena, set.messages[0], row, bytes_skip(input, end + 1), true);
}

static const struct type *our_row(struct arena *arena)
{
    struct type_field *in = ARENA_ARRAY(arena, struct type_field, 2), *fields = ARENA_ARRAY(arena, struct type_field, 10);
    const struct type *text = type_simple(TYPE_VARCHAR);

    in[0] = (struct type_field){.name = BYTES_LITERAL("i"), .type = type_simple(TYPE_INT)};
    in[1] = (struct type_field){.name = BYTES_LITERAL("l"), .type = type_list(arena, TYPE_ARRAY, type_simple(TYPE_BIGINT), NULL)};
    const struct type *inner = type_row(arena, in, 2);
    fields[0] = in[0];
    fields[1] = (struct type_field){.name = BYTES_LITERAL("s"), .type = text};
    fields[2] = in[1];
    fields[3] = (struct type_field){.name = BYTES_LITERAL("m"), .type = type_list(arena, TYPE_MAP, text, inner)};
    fields[4] = (struct type_field){.name = BYTES_LITERAL("a"), .type = inner};
    fields[5] = (struct type_field){.name = BYTES_LITERAL("x"), .type = type_simple(TYPE_VARBINARY)};
    fields[6] = (struct type_field){.name = BYTES_LITERAL("y"), .type = type_simple(TYPE_DOUBLE)};
    fields[7] = (struct type_field){.name = BYTES_LITERAL("e"), .type = text};
    fields[8] = (struct type_field){.name = BYTES_LITERAL("es"), .type = type_list(arena, TYPE_ARRAY, type_simple(TYPE_INT), NULL)};
    fields[9] = (struct type_field){.name = BYTES_LITERAL("b"), .type = type_simple(TYPE_BOOLEAN)};
    return type_row(arena, fields, 10);
}

FUZZ(protobuf_decode, data, size)
{
    struct arena arena;
    struct proto_set set;
    struct diag diag = {0};

    arena_init(&arena, ARENA_BUDGET_NONE);
    proto_set_init(&set, &arena);
    CHECK(proto_text(&set, bytes_str(ours), NULL, NULL, &diag) == ST_OK);
    from_outside(&arena, &set, bytes_of(data, size));
    const struct proto_message *a = proto_message_find(&set, BYTES_LITERAL("A"));
    read_as(&arena, a, our_row(&arena), bytes_of(data, size), false);
    read_as(&arena, a, our_row(&arena), bytes_of(data, size), true);
    arena_deinit(&arena);
}
