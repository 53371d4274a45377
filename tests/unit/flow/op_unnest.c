/* UNNEST: elements in order, NULLs and empty lists, long lists in portions, retractions. */
#include "data/builder.h"
#include "lib/ops.h"
#include "lib/test.h"

static struct arena plans;

static const struct type *array_of(const struct type *element)
{
    struct type_field *field = ARENA_NEW(&plans, struct type_field);
    struct type *type = ARENA_NEW(&plans, struct type);

    field->type = element;
    *type = (struct type){.kind = TYPE_ARRAY, .fields = field, .fields_count = 1};
    return type;
}

/* k BIGINT, l ARRAY<BIGINT> -> k, element, ordinality */
static struct plan_node *unnest_node(bool left)
{
    arena_deinit(&plans);
    arena_init(&plans, ARENA_BUDGET_NONE);
    struct plan_node *input = rig_input(&plans, "k bigint, l bigint");
    struct plan_node *node = rig_node(&plans, PLAN_UNNEST, "k bigint, v bigint, o int", input, NULL);
    uint16_t *parts = ARENA_ARRAY(&plans, uint16_t, 2);

    input->columns[1].type = array_of(input->columns[0].type);
    parts[1] = UNNEST_ORDINALITY;
    node->columns[2].type = type_simple(TYPE_INT);
    node->unnest = (struct plan_unnest){.column = 1, .kept = rig_columns(&plans, "0"), .kept_count = 1,
                                        .parts = parts, .parts_count = 2, .left = left};
    return node;
}

/* Rows k = 1 .. count; list k has lengths[k - 1] elements, 10 * k + i; length -1: NULL. */
static void feed(struct op_rig *rig, const int *lengths, int count, const uint8_t *kinds)
{
    const struct plan_node *input = rig->node->inputs[0].node;
    struct column_builder keys, lists;
    struct arena arena;

    arena_init(&arena, ARENA_BUDGET_NONE);
    column_builder_init(&keys, &arena, input->columns[0].type, 8);
    column_builder_init(&lists, &arena, input->columns[1].type, 8);
    for (int row = 0; row < count; row++) {
        column_put_i64(&keys, row + 1);
        for (int i = 0; i < lengths[row]; i++) {
            if (i == 1)
                column_put_null(&lists.children[0]);
            else
                column_put_i64(&lists.children[0], 10 * (row + 1) + i);
        }
        if (lengths[row] < 0)
            column_put_null(&lists);
        else
            column_put_list(&lists);
    }
    struct column cols[2] = {column_builder_done(&keys), column_builder_done(&lists)};
    struct chunk chunk = {.cols = cols, .count = (uint16_t)count, .rows = (uint16_t)count, .col_count = 2,
                          .kinds = kinds};
    rig_chunk(rig, 0, &chunk);
    arena_deinit(&arena);
}

TEST(unnest_tells_each_element_of_each_row)
{
    static const int lengths[] = {3, 0, -1, 1};
    static const uint8_t kinds[] = {ROW_UPDATE_BEFORE, ROW_INSERT, ROW_UPDATE_AFTER, ROW_DELETE};
    struct op_rig rig;

    rig_open(&rig, unnest_node(false));
    feed(&rig, lengths, 4, NULL);
    EXPECT_STR(rig_out(&rig), "+I 1 10 1 | +I 1 null 2 | +I 1 12 3 | +I 4 40 1");
    feed(&rig, lengths, 4, kinds);
    EXPECT_STR(rig_out(&rig), "-U 1 10 1 | -U 1 null 2 | -U 1 12 3 | -D 4 40 1");
    rig_close(&rig);
}

TEST(unnest_of_a_left_join_keeps_rows_without_elements)
{
    static const int lengths[] = {1, 0, -1};
    struct op_rig rig;

    rig_open(&rig, unnest_node(true));
    feed(&rig, lengths, 3, NULL);
    EXPECT_STR(rig_out(&rig), "+I 1 10 1 | +I 2 null null | +I 3 null null");
    rig_reload(&rig);
    feed(&rig, lengths, 1, NULL);
    EXPECT_STR(rig_out(&rig), "+I 1 10 1");
    rig_close(&rig);
}

TEST(unnest_tells_long_lists_in_portions)
{
    static const int lengths[] = {3 * CHUNK_ROWS, CHUNK_ROWS / 2};
    struct op_rig rig;

    rig_open(&rig, unnest_node(false));
    rig.quiet = true;
    feed(&rig, lengths, 2, NULL);
    EXPECT_INT(rig.rows_out, 3 * CHUNK_ROWS + CHUNK_ROWS / 2);
    EXPECT_INT(rig.chunks_out, 4);
    rig_close(&rig);
}
