/* Values as PostgreSQL reads them; ./dev interop bridge_postgres gives them to a real one. */
#include "bridge/pg_value.h"

#include "lib/test.h"

static const struct pg_type text_column = {"text", 'S'}, array_column = {"text[]", 'A'}, json_column = {"jsonb", 'U'};

static struct column texts(const struct str *values, const uint64_t *valid)
{
    return (struct column){.data = values, .valid = valid};
}

#define STR(text) {text, sizeof(text) - 1, 0}

static void expect_value(const struct type *type, const struct pg_type *to, const struct column *col,
                         struct bytes want)
{
    struct buf buf;

    buf_init(&buf, 0);
    EXPECT(pg_value(&buf, type, to, col, 0));
    EXPECT_INT(buf.ptr[buf.len - 1], 0);
    EXPECT_BYTES(bytes_head(buf_view(&buf), buf.len - 1), want);
    buf_deinit(&buf);
}

TEST(pg_value_writes_arrays_so_that_nothing_in_them_is_taken_for_syntax)
{
    static const struct str values[] = {STR("a,b"), STR("\"\\"), STR("never seen"), STR("NULL"), STR("")};
    static const uint64_t valid[] = {0x1b};
    static const uint32_t offsets[] = {0, 5}, none[] = {0, 0};
    struct arena arena;

    arena_init(&arena, ARENA_BUDGET_NONE);
    const struct type *type = type_list(&arena, TYPE_ARRAY, type_simple(TYPE_VARCHAR), NULL);
    struct column element = texts(values, valid);
    struct column list = {.children = &element, .offsets = offsets}, empty = {.children = &element, .offsets = none};
    expect_value(type, &array_column, &list, BYTES_LITERAL("{\"a,b\",\"\\\"\\\\\",NULL,\"NULL\",\"\"}"));
    expect_value(type, &json_column, &list, BYTES_LITERAL("[\"a,b\",\"\\\"\\\\\",null,\"NULL\",\"\"]"));
    expect_value(type, &array_column, &empty, BYTES_LITERAL("{}"));
    arena_deinit(&arena);
}

TEST(pg_value_writes_bytes_as_hex_and_refuses_a_zero_in_text)
{
    static const struct str bytes[] = {STR("\0\xff")}, zero[] = {STR("a\0b")};
    struct column col = texts(bytes, NULL), bad = texts(zero, NULL);
    struct buf buf;

    expect_value(type_simple(TYPE_VARBINARY), &(struct pg_type){"bytea", 'U'}, &col, BYTES_LITERAL("\\x00ff"));
    buf_init(&buf, 0);
    EXPECT(!pg_value(&buf, type_simple(TYPE_VARCHAR), &text_column, &bad, 0));
    buf_deinit(&buf);
}

TEST(pg_value_knows_which_column_takes_which_type)
{
    static const struct {
        enum type_kind kind;
        struct pg_type to;
        bool fits;
    } cases[] = {
        {TYPE_INT, {"integer", 'N'}, true},      {TYPE_INT, {"uuid", 'U'}, false},
        {TYPE_INT, {"boolean", 'B'}, false},     {TYPE_BOOLEAN, {"boolean", 'B'}, true},
        {TYPE_VARCHAR, {"uuid", 'U'}, true},     {TYPE_VARCHAR, {"bytea", 'U'}, false},
        {TYPE_VARBINARY, {"text", 'S'}, false},  {TYPE_VARBINARY, {"bytea", 'U'}, true},
        {TYPE_TIMESTAMP, {"date", 'D'}, true},   {TYPE_TIMESTAMP, {"bigint", 'N'}, false},
        {TYPE_DECIMAL, {"text", 'S'}, true},     {TYPE_MAP, {"jsonb", 'U'}, true},
        {TYPE_MAP, {"text[]", 'A'}, false},      {TYPE_ARRAY, {"integer[]", 'A'}, true},
    };

    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct type type = {.kind = cases[i].kind};
        EXPECT_INT(pg_value_fits(&type, &cases[i].to), cases[i].fits);
    }
    EXPECT(!pg_value_can(type_simple(TYPE_INTERVAL_SECOND)));
}
