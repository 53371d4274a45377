/* Rows as lines; ./dev interop bridge_influxdb gives them to a real InfluxDB. */
#include "bridge/influx_point.h"

#include <math.h>

#include "data/builder.h"
#include "lib/test.h"

static const struct type_field fields[] = {{.name = BYTES_LITERAL("t")},   {.name = BYTES_LITERAL("z")},
                                           {.name = BYTES_LITERAL("a b")}, {.name = BYTES_LITERAL("n")},
                                           {.name = BYTES_LITERAL("d")},   {.name = BYTES_LITERAL("s")}};

/* One row: time, two tags, and fields of an integer, a DOUBLE and a text. */
struct place {
    struct arena arena;
    struct type_field fields[6];
    struct schema schema;
    struct chunk_builder rows;
    struct influx_point point;
};

static void place_open(struct place *p, enum influx_unit unit)
{
    static const enum type_kind kinds[] = {TYPE_TIMESTAMP, TYPE_VARCHAR, TYPE_INT,
                                           TYPE_BIGINT,    TYPE_DOUBLE,  TYPE_VARCHAR};
    struct influx_roles roles = {.measurement = BYTES_LITERAL("the, m"),
                                 .tags = BYTES_LITERAL(" z , a b"),
                                 .time_column = BYTES_LITERAL("t"),
                                 .unit = unit};
    struct diag diag = {0};

    arena_init(&p->arena, ARENA_BUDGET_NONE);
    for (int i = 0; i < 6; i++) {
        p->fields[i] = fields[i];
        p->fields[i].type = type_simple(kinds[i]);
    }
    p->schema = (struct schema){6, p->fields};
    EXPECT_OK(influx_point_open(&roles, &p->schema, &p->arena, &p->point, &diag));
    chunk_builder_init_schema(&p->rows, &p->arena, &p->schema, 1);
}

static void expect_point(struct place *p, const char *want, const char *why)
{
    struct buf out;

    chunk_builder_row(&p->rows, ROW_INSERT);
    struct chunk rows = chunk_builder_done(&p->rows);
    buf_init(&out, 0);
    const char *got = influx_point_write(&p->point, &rows, 0, &p->arena, &out);
    EXPECT_STR(got ? got : "", why);
    EXPECT_BYTES(buf_view(&out), bytes_str(want));
    buf_deinit(&out);
    arena_deinit(&p->arena);
}

TEST(influx_point_has_tags_in_order_of_name_and_what_is_not_null)
{
    struct place p;

    place_open(&p, INFLUX_MS);
    column_put_i64(&p.rows.cols[0], -1);
    column_put_str(&p.rows.cols[1], BYTES_LITERAL("x=y"));
    column_put_i32(&p.rows.cols[2], 7);
    column_put_i64(&p.rows.cols[3], INT64_MIN);
    column_put_null(&p.rows.cols[4]);
    column_put_str(&p.rows.cols[5], BYTES_LITERAL("\"\n\\"));
    expect_point(&p, "the\\,\\ m,a\\ b=7,z=x\\=y n=-9223372036854775808i,s=\"\\\"\n\\\\\" -1\n", "");
}

TEST(influx_point_leaves_nothing_of_a_row_that_cannot_be)
{
    struct place p;

    place_open(&p, INFLUX_NS);
    column_put_i64(&p.rows.cols[0], 0);
    column_put_str(&p.rows.cols[1], BYTES_LITERAL(""));
    column_put_null(&p.rows.cols[2]);
    column_put_i64(&p.rows.cols[3], 1);
    column_put_f64(&p.rows.cols[4], NAN);
    column_put_null(&p.rows.cols[5]);
    expect_point(&p, "", "column `d` is no finite number, and InfluxDB takes no other");
    place_open(&p, INFLUX_NS);
    column_put_i64(&p.rows.cols[0], INT64_MAX / 1000 + 1);
    for (int c = 1; c < 6; c++)
        if (c == 4)
            column_put_f64(&p.rows.cols[4], 2.5);
        else
            column_put_null(&p.rows.cols[c]);
    expect_point(&p, "", "column `t` is a time that InfluxDB does not reach: 1677 to 2262");
    place_open(&p, INFLUX_S);
    for (int c = 0; c < 6; c++)
        column_put_null(&p.rows.cols[c]);
    expect_point(&p, "", "all of its fields are NULL: a point has one at least");
}
