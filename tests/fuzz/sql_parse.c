/* Any text: parsed, and what parses is bound and planned against a small catalog. */
#include "sql/sql.h"
#include "lib/fuzz.h"

static const char setup[] =
    "CREATE TABLE t (a INT, b STRING, r ROW<x INT, y ROW<z STRING>>, d DECIMAL(10, 2), ts TIMESTAMP(3), "
    "c AS a + 1, WATERMARK FOR ts AS ts - INTERVAL '5' SECOND) WITH ('connector' = 'kafka', 'format' = "
    "'json');"
    "CREATE TABLE s (a INT, b STRING, PRIMARY KEY (a) NOT ENFORCED) WITH ('connector' = 'print');"
    "CREATE VIEW v AS SELECT a, b, ts FROM t WHERE a > 1;"
    "CREATE VIEW w AS SELECT b, COUNT(*) AS n, window_start, window_end FROM TABLE(TUMBLE(TABLE t, "
    "DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY b, window_start, window_end;";

static struct catalog catalog;
static struct settings settings;

static void run(struct bytes text, bool keep)
{
    struct script script;
    struct diag diag;
    struct arena arena;

    diag_clear(&diag);
    arena_init(&arena, ARENA_BUDGET_NONE);
    if (sql_parse(text, &script, &diag) != ST_OK) {
        sql_error_text(&arena, text, &diag);
        arena_deinit(&arena);
        return;
    }
    for (uint32_t i = 0; i < script.statements_count; i++) {
        const struct statement *s = &script.statements[i];
        struct table *table = NULL;
        struct plan *plan = NULL;
        enum status st = ST_OK;
        diag_clear(&diag);
        if (s->kind == STMT_CREATE_TABLE || s->kind == STMT_CREATE_VIEW ||
            s->kind == STMT_CREATE_MATERIALIZED || s->kind == STMT_CREATE_ALERT)
            st = sql_bind_create(&catalog, &settings, s, &table, &plan, &diag);
        else if (s->kind == STMT_SELECT || s->kind == STMT_INSERT || s->kind == STMT_STATEMENT_SET ||
                 s->kind == STMT_EXPLAIN)
            st = sql_plan(&catalog, &settings, s, &plan, &diag);
        if (st != ST_OK)
            sql_error_text(&arena, text, &diag);
        else if (plan)
            plan_text(&arena, plan);
        plan_destroy(plan);
        if (table && (!keep || catalog_add(&catalog, table, true, &diag) != ST_OK))
            table_release(table);
    }
    script_deinit(&script);
    arena_deinit(&arena);
}

FUZZ(sql_parse, data, size)
{
    static bool ready;

    if (!ready) {
        ready = true;
        catalog_init(&catalog);
        settings_init(&settings);
        run(bytes_of(setup, sizeof(setup) - 1), true);
    }
    if (size <= 20000)
        run(bytes_of(data, size), false);
}
