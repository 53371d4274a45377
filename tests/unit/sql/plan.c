/* Golden plans: tests/golden/plan/NAME.test has statements and what EXPLAIN (or the error) says.
 *
 *     statements, or: @file PATH
 *     ----
 *     what is expected, nothing for statements that only make things
 *     ====
 *
 * Cases of a file share a catalog. QW_GOLDEN_WRITE=1 in the environment writes what came out. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "lib/test.h"
#include "sql/sql.h"

struct world {
    struct catalog catalog;
    struct settings settings;
    struct buf out;
};

static void read_file(const char *path, struct buf *out)
{
    FILE *f = fopen(path, "rb");
    char block[4096];
    size_t n;

    if (!f)
        test_fail(__FILE__, __LINE__, "cannot read %s", path);
    while ((n = fread(block, 1, sizeof(block), f)) > 0)
        buf_append(out, block, n);
    fclose(f);
}

/* As the engine has it of bridges: "by key", or by any column with a cache. */
static void set_lookup(struct table *table)
{
    struct bytes how = table_option_get(table, "lookup", "");
    struct table_lookup *lookup = ARENA_NEW(&table->arena, struct table_lookup);

    if (!how.len)
        return;
    bool by_key = bytes_is(how, "by key");
    *lookup = (struct table_lookup){.connector = by_key ? "redis" : "postgres", .by_primary_key = by_key,
                                    .cached = !by_key, .keys_max = 1000, .write_us = 60000000, .access_us = 500000};
    table->lookup = lookup;
}

static bool run_create(struct world *w, const struct statement *s, struct diag *diag)
{
    struct table *table = NULL;
    struct plan *plan = NULL;

    if (s->kind == STMT_CREATE_FUNCTION) {
        struct user_function f;
        return sql_bind_function(&w->catalog, s, &f, diag) == ST_OK &&
               catalog_add_function(&w->catalog, &f, true, diag) == ST_OK;
    }
    if (sql_bind_create(&w->catalog, &w->settings, s, &table, &plan, diag) != ST_OK)
        return false;
    set_lookup(table);
    if (plan) {
        struct arena arena;
        arena_init(&arena, ARENA_BUDGET_NONE);
        buf_str(&w->out, plan_text(&arena, plan));
        arena_deinit(&arena);
        plan_destroy(plan);
    }
    if (catalog_add(&w->catalog, table, s->or_replace, diag) != ST_OK) {
        table_release(table);
        return false;
    }
    return true;
}

static bool run_statement(struct world *w, const struct statement *s, struct diag *diag)
{
    struct plan *plan = NULL;
    struct arena arena;

    switch (s->kind) {
    case STMT_CREATE_TABLE:
    case STMT_CREATE_VIEW:
    case STMT_CREATE_MATERIALIZED:
    case STMT_CREATE_FUNCTION:
    case STMT_CREATE_ALERT:
        return run_create(w, s, diag);
    case STMT_DROP:
        return catalog_drop(&w->catalog, s->name, diag) == ST_OK;
    case STMT_SET:
        return settings_set(&w->settings, s->key, s->value, diag) == ST_OK;
    case STMT_RESET:
        return settings_reset(&w->settings, s->key, diag) == ST_OK;
    default:
        break;
    }
    if (sql_plan(&w->catalog, &w->settings, s, &plan, diag) != ST_OK)
        return false;
    arena_init(&arena, ARENA_BUDGET_NONE);
    buf_str(&w->out, plan_text(&arena, plan));
    arena_deinit(&arena);
    plan_destroy(plan);
    return true;
}

static void run_text(struct world *w, struct bytes text)
{
    struct script script;
    struct diag diag;
    struct arena arena;
    bool parsed, ok;

    diag_clear(&diag);
    ok = parsed = sql_parse(text, &script, &diag) == ST_OK;
    for (uint32_t i = 0; ok && i < script.statements_count; i++)
        ok = run_statement(w, &script.statements[i], &diag);
    if (parsed)
        script_deinit(&script);
    if (!ok) {
        arena_init(&arena, ARENA_BUDGET_NONE);
        buf_str(&w->out, sql_error_text(&arena, text, &diag));
        arena_deinit(&arena);
    }
}

static struct bytes until_line(struct bytes *text, const char *line)
{
    struct bytes rest = *text;
    size_t at = 0;

    while (at < rest.len) {
        size_t end = bytes_find(rest, '\n', at);
        if (bytes_is(bytes_of(rest.ptr + at, end - at), line)) {
            *text = bytes_skip(rest, end + 1 > rest.len ? rest.len : end + 1);
            return bytes_head(rest, at);
        }
        at = end + 1;
    }
    *text = bytes_skip(rest, rest.len);
    return rest;
}

/* The statements of a case, or the files that it names. */
static void run_case(struct world *w, struct bytes sql)
{
    if (sql.len > 6 && memcmp(sql.ptr, "@file ", 6) == 0) {
        struct buf file;
        char path[256];
        struct bytes name = bytes_skip(sql, 6);
        snprintf(path, sizeof(path), "%.*s", (int)bytes_find(name, '\n', 0), (const char *)name.ptr);
        buf_init(&file, 0);
        read_file(path, &file);
        run_text(w, buf_view(&file));
        buf_deinit(&file);
        return;
    }
    run_text(w, sql);
}

static bool run_file(const char *path)
{
    struct world w;
    struct buf file, written;
    bool same = true;

    buf_init(&file, 0);
    buf_init(&written, 0);
    buf_init(&w.out, 0);
    catalog_init(&w.catalog);
    settings_init(&w.settings);
    read_file(path, &file);
    struct bytes text = buf_view(&file);
    while (text.len > 0) {
        struct bytes sql = until_line(&text, "----"), expected = until_line(&text, "====");
        buf_clear(&w.out);
        run_case(&w, sql);
        if (!bytes_equal(buf_view(&w.out), expected)) {
            same = false;
            if (!getenv("QW_GOLDEN_WRITE"))
                fprintf(stderr, "%s:\n%.*sgave\n%.*swanted\n%.*s\n", path, BYTES_FMT(sql),
                        BYTES_FMT(buf_view(&w.out)), BYTES_FMT(expected));
        }
        buf_printf(&written, "%.*s----\n%.*s====\n", BYTES_FMT(sql), BYTES_FMT(buf_view(&w.out)));
    }
    if (getenv("QW_GOLDEN_WRITE") && !same) {
        FILE *f = fopen(path, "wb");
        EXPECT(f && fwrite(written.ptr, 1, written.len, f) == written.len);
        fclose(f);
        same = true;
    }
    settings_deinit(&w.settings);
    catalog_deinit(&w.catalog);
    buf_deinit(&w.out);
    buf_deinit(&written);
    buf_deinit(&file);
    return same;
}

TEST_SECONDS(golden_plans, 60)
{
    static const char *const folder = "tests/golden/plan";
    struct dirent **names = NULL;
    int count = scandir(folder, &names, NULL, alphasort);
    bool same = true;

    EXPECT(count > 2);
    for (int i = 0; i < count; i++) {
        char path[300];
        size_t len = strlen(names[i]->d_name);
        if (len > 5 && strcmp(names[i]->d_name + len - 5, ".test") == 0) {
            snprintf(path, sizeof(path), "%s/%s", folder, names[i]->d_name);
            same &= run_file(path);
        }
        free(names[i]);
    }
    free(names);
    if (!same)
        test_fail(__FILE__, __LINE__, "plans differ; see above, or rewrite: QW_GOLDEN_WRITE=1");
}
