/* The catalog's names and the session's settings. */
#include "lib/test.h"
#include "sql/catalog.h"

static struct table *named(const char *name)
{
    struct table *table = table_create();

    table->name = arena_copy(&table->arena, bytes_str(name));
    return table;
}

TEST(catalog_names_are_taken_once)
{
    struct catalog catalog;
    struct diag diag;

    catalog_init(&catalog);
    diag_clear(&diag);
    EXPECT_OK(catalog_add(&catalog, named("orders"), false, &diag));
    struct table *again = named("orders");
    EXPECT_STATUS(catalog_add(&catalog, again, false, &diag), ST_EXISTS);
    EXPECT_INT(diag.code, DIAG_EXISTS);
    diag_clear(&diag);
    EXPECT_OK(catalog_add(&catalog, again, true, &diag));
    EXPECT(catalog_find(&catalog, bytes_str("orders")) == again);
    EXPECT(catalog_find(&catalog, bytes_str("Orders")) == NULL);
    EXPECT_STATUS(catalog_drop(&catalog, bytes_str("ordres"), &diag), ST_NOTFOUND);
    EXPECT_STR(diag.hint, "did you mean `orders`?");
    table_retain(again);
    diag_clear(&diag);
    EXPECT_OK(catalog_drop(&catalog, bytes_str("orders"), &diag));
    EXPECT_INT(again->refs, 1); /* who held it still does */
    table_release(again);
    catalog_deinit(&catalog);
}

TEST(catalog_functions_have_no_case)
{
    struct catalog catalog;
    struct diag diag;
    struct user_function f = {.name = bytes_str("Count_Char"), .class_name = bytes_str("x.Y"),
                              .builtin = bytes_str("COUNT_CHAR")};

    catalog_init(&catalog);
    diag_clear(&diag);
    EXPECT_OK(catalog_add_function(&catalog, &f, false, &diag));
    EXPECT(map_get(&catalog.functions, bytes_str("count_char")) != NULL);
    EXPECT_STATUS(catalog_add_function(&catalog, &f, false, &diag), ST_EXISTS);
    diag_clear(&diag);
    EXPECT_OK(catalog_drop_function(&catalog, bytes_str("COUNT_CHAR"), &diag));
    EXPECT_STATUS(catalog_drop_function(&catalog, bytes_str("COUNT_CHAR"), &diag), ST_NOTFOUND);
    catalog_deinit(&catalog);
}

TEST(settings_keep_types_and_defaults)
{
    struct settings settings;
    struct diag diag;

    settings_init(&settings);
    diag_clear(&diag);
    EXPECT_STR(settings_get(&settings, "table.exec.state.ttl"), "0 ms");
    EXPECT_OK(settings_set(&settings, bytes_str("table.exec.state.ttl"), bytes_str("1 h"), &diag));
    EXPECT_STR(settings_get(&settings, "table.exec.state.ttl"), "1 h");
    EXPECT_STATUS(settings_set(&settings, bytes_str("table.exec.state.ttl"), bytes_str("x"), &diag),
                  ST_INVALID);
    EXPECT_STR(settings_get(&settings, "table.exec.state.ttl"), "1 h");
    diag_clear(&diag);
    EXPECT_STATUS(settings_set(&settings, bytes_str("table.exec.state.tt"), bytes_str("1"), &diag),
                  ST_INVALID);
    EXPECT_STR(diag.hint, "did you mean 'table.exec.state.ttl'?");
    diag_clear(&diag);
    EXPECT_OK(settings_reset(&settings, BYTES_NONE, &diag));
    EXPECT_STR(settings_get(&settings, "table.exec.state.ttl"), "0 ms");
    settings_deinit(&settings);
}

TEST(settings_durations)
{
    static const struct {
        const char *text;
        int64_t us;
    } cases[] = {{"10 s", 10000000}, {"500ms", 500000}, {"1 min", 60000000}, {"2h", 7200000000},
                 {"1 d", 86400000000}, {"7", 7000}, {"3 us", 3}, {"", -1}, {"s", -1},
                 {"1 parsec", -1}, {"99999999999999 d", -1}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        EXPECT_INT(settings_duration_us(bytes_str(cases[i].text)), cases[i].us);
}
