/* Records behind a schema's number, by the formats protobuf-confluent and json-schema (avro-confluent: avro_decode.c): a schema
 * from outside, up to the first 0xff, and a record; and a record by a schema of ours. Where the types of the columns fit, what
 * is read is written and read again. */
#include "base/check.h"
#include "data/format/format.h"
#include "lib/fuzz.h"

enum { COLUMNS = 7 };

static const char ours[] =
    "syntax='proto3';message N{message B{}message A{optional int32 a=1;string b=2;double c=3;"
    "repeated int64 d=4;map<string,int32> e=5;bool f=6;optional bytes g=7;}}";

/* A registry whose schemas are the input's (1) and ours (2). */
struct two_schemas {
    struct format_registry registry;
    struct registered_schema schemas[2];
};

static void read_begin(struct format_registry *registry)
{
    (void)registry;
}

static const struct registered_schema *find(struct format_registry *registry, uint32_t id)
{
    return id == 1 || id == 2 ? &((struct two_schemas *)registry)->schemas[id - 1] : NULL;
}

static enum status put(struct format_registry *registry, struct bytes subject, enum registry_type type,
                       struct bytes text, uint32_t *id, struct diag *diag)
{
    (void)registry, (void)subject, (void)text, (void)diag;
    *id = type == REGISTRY_PROTOBUF ? 2 : 1;
    return ST_OK;
}

static const struct schema *columns(struct arena *arena)
{
    static const enum type_kind kinds[COLUMNS] = {TYPE_INT,  TYPE_VARCHAR, TYPE_DOUBLE,   TYPE_NULL,
                                                  TYPE_NULL, TYPE_BOOLEAN, TYPE_VARBINARY};
    static const char *const names[COLUMNS] = {"a", "b", "c", "d", "e", "f", "g"};
    struct type_field *fields = ARENA_ARRAY(arena, struct type_field, COLUMNS);
    struct schema *schema = ARENA_NEW(arena, struct schema);

    for (int i = 0; i < COLUMNS; i++)
        fields[i] = (struct type_field){.name = bytes_str(names[i]), .type = type_simple(kinds[i])};
    fields[3].type = type_list(arena, TYPE_ARRAY, type_simple(TYPE_BIGINT), NULL);
    fields[4].type = type_list(arena, TYPE_MAP, type_simple(TYPE_VARCHAR), type_simple(TYPE_INT));
    *schema = (struct schema){COLUMNS, fields};
    return schema;
}

static void read_one(const struct format_spec *spec, struct arena *arena, uint32_t id, struct bytes record,
                     bool writes)
{
    struct format_decoder *d;
    struct format_encoder *e;
    struct chunk_builder b;
    struct diag diag = {0};
    struct buf framed, out;

    CHECK(format_decoder_open(spec, &d, &diag) == ST_OK);
    CHECK(format_encoder_open(spec, &e, &diag) == ST_OK);
    chunk_builder_init_schema(&b, arena, spec->schema, 2);
    buf_init(&framed, 0);
    buf_init(&out, 0);
    buf_u8(&framed, 0);
    buf_u32_be(&framed, id);
    buf_bytes(&framed, record);
    for (int i = 0; i < 2; i++) { /* the second by the plan that is kept */
        diag_clear(&diag);
        bool ok = format_decode(d, buf_view(&framed), b.cols, &diag) == FORMAT_ROW;
        CHECK(ok || diag.message[0]);
        if (!ok || !i) {
            chunk_builder_undo(&b);
            continue;
        }
        chunk_builder_row(&b, ROW_INSERT);
        struct chunk chunk = chunk_builder_done(&b);
        format_encode(e, &chunk, 0, &out);
        CHECK(!writes || format_decode(d, buf_view(&out), b.cols, &diag) == FORMAT_ROW);
    }
    buf_deinit(&framed);
    buf_deinit(&out);
    format_encoder_close(e);
    format_decoder_close(d);
}

FUZZ(confluent_decode, data, size)
{
    struct arena arena;
    struct bytes input = bytes_of(data, size);
    size_t end = bytes_find(input, 0xff, 0);
    struct bytes record = bytes_skip(input, end + 1);
    struct two_schemas two = {.registry = {.read_begin = read_begin, .find = find, .put = put}};

    arena_init(&arena, ARENA_BUDGET_NONE);
    two.schemas[0] = (struct registered_schema){.id = 1, .type = REGISTRY_PROTOBUF, .text = bytes_head(input, end)};
    two.schemas[1] = (struct registered_schema){.id = 2, .type = REGISTRY_PROTOBUF, .text = bytes_str(ours)};
    static const struct format_option given[] = {
        {BYTES_LITERAL("protobuf-confluent.schema"), BYTES_LITERAL(ours)},
        {BYTES_LITERAL("protobuf-confluent.message-class-name"), BYTES_LITERAL("N.A")},
    };
    struct format_spec spec = {.name = BYTES_LITERAL("protobuf-confluent"),
                               .schema = columns(&arena),
                               .registry = &two.registry,
                               .options = given,
                               .options_count = 2};
    read_one(&spec, &arena, 1, record, true);
    read_one(&spec, &arena, 2, input, true);
    two.schemas[0].type = REGISTRY_JSON;
    spec.name = BYTES_LITERAL("json-schema");
    read_one(&spec, &arena, 1, input, false);
    arena_deinit(&arena);
}
