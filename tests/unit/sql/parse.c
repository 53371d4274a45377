/* Texts that parse, and texts that do not: with what is said, where, and what would be right. */
#include <stdio.h>

#include "lib/test.h"
#include "sql/ast.h"
#include "sql/sql.h"

static enum status parse(const char *text, struct script *script, struct diag *diag)
{
    diag_clear(diag);
    return sql_parse(bytes_str(text), script, diag);
}

static const char *const good[] = {
    "",
    ";;",
    "SELECT 1",
    "select a.b.c, `order`.`x``y`, t.* from t as x where a = 'it''s' -- end\n;",
    "SELECT /* not */ 1; SELECT 2",
    "SELECT * FROM t /*+ OPTIONS('a' = 'b', 'c' = 'd') */ AS t2",
    "SELECT INTERVAL '10' SECOND, INTERVAL '1' DAY, INTERVAL '1-2' YEAR TO MONTH, "
    "INTERVAL '1 02:03' DAY TO MINUTE, INTERVAL -'0.5' SECOND, INTERVAL '10' MINUTES, "
    "INTERVAL '1 10:11:12.5' DAY(3) TO SECOND(3)",
    "SELECT TIMESTAMP '2024-01-01 00:00:00.123', DATE '2024-01-01', TIME '10:00:00'",
    "SELECT CAST(a AS DECIMAL(10, 2)), TRY_CAST(b AS ROW<x INT, y VARCHAR(3) NOT NULL>), "
    "EXTRACT(YEAR FROM t), POSITION('a' IN b), SUBSTRING(a FROM 2 FOR 3), SUBSTRING(a, 2), "
    "TRIM(a), TRIM(BOTH ' ' FROM a), TRIM(LEADING FROM a), OVERLAY(a PLACING b FROM 1 FOR 2), "
    "CEIL(t TO DAY), FLOOR(x), TIMESTAMPADD(DAY, 1, t), TIMESTAMPDIFF(SECOND, a, b)",
    "SELECT CASE WHEN a THEN 1 WHEN b THEN 2 ELSE 3 END, CASE x WHEN 1 THEN 'a' END",
    "SELECT a NOT IN (1, 2), b BETWEEN 1 AND 2 AND c, d NOT LIKE 'x%' ESCAPE '!', e IS NOT NULL, "
    "f IS DISTINCT FROM g, h IS NOT TRUE",
    "SELECT ROW(1, 2), ARRAY[1, 2][1], MAP['a', 1]['a'], (a, b), f(x).y",
    "SELECT COUNT(*), COUNT(DISTINCT x) FILTER (WHERE y > 1), SUM(ALL z) FROM t GROUP BY ()",
    "SELECT ROW_NUMBER() OVER (PARTITION BY a, b ORDER BY c DESC NULLS LAST, d) AS rn FROM t",
    "SELECT * FROM a JOIN b ON a.x = b.x LEFT OUTER JOIN c USING (x, y), d CROSS JOIN e",
    "SELECT * FROM (SELECT 1 UNION ALL SELECT 2) AS t (c) ORDER BY c LIMIT 10 OFFSET 5 ROWS",
    "WITH a AS (SELECT 1), b (x) AS (VALUES (1), (2)) SELECT * FROM a, b FETCH FIRST 3 ROWS ONLY",
    "(SELECT 1) UNION ALL (SELECT 2 UNION SELECT 3)",
    "SELECT * FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE))",
    "SELECT * FROM TABLE(HOP(DATA => TABLE t, TIMECOL => DESCRIPTOR(ts), SLIDE => INTERVAL '1' "
    "MINUTE, SIZE => INTERVAL '5' MINUTES, `OFFSET` => INTERVAL '1' SECOND)) AS w",
    "SELECT * FROM CUMULATE((SELECT * FROM t), DESCRIPTOR(ts), INTERVAL '1' MINUTE, INTERVAL '1' "
    "HOUR)",
    "SELECT TUMBLE_START(ts, INTERVAL '1' MINUTE) FROM t GROUP BY TUMBLE(ts, INTERVAL '1' MINUTE)",
    "CREATE TEMPORARY TABLE IF NOT EXISTS default_catalog.default_database.t (a INT COMMENT 'x', "
    "b STRING NOT NULL, m TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL, c AS a + 1, "
    "ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND, "
    "CONSTRAINT pk PRIMARY KEY (a, b) NOT ENFORCED) COMMENT 'y' PARTITIONED BY (b) "
    "WITH ('connector' = 'kafka')",
    "CREATE TABLE t (a INT PRIMARY KEY NOT ENFORCED, r ROW<a INT, b ROW<c ARRAY<INT>, d "
    "MAP<STRING, INT>>>, e INT ARRAY) WITH ('connector' = 'print')",
    "CREATE OR REPLACE VIEW v (a, b) COMMENT 'x' AS SELECT 1, 2",
    "CREATE MATERIALIZED TABLE m (PRIMARY KEY (a) NOT ENFORCED) WITH ('x' = 'y') FRESHNESS = "
    "INTERVAL '1' SECOND REFRESH_MODE = CONTINUOUS AS SELECT a FROM t",
    "CREATE MATERIALIZED VIEW m AS SELECT a FROM t",
    "CREATE FUNCTION count_char AS 'com.github.nexmark.flink.udf.CountChar' LANGUAGE JAVA",
    "CREATE ALERT hot WITH ('url' = 'http://localhost/', 'cooldown' = '1 min') AS SELECT 1",
    "DROP TABLE IF EXISTS t; DROP MATERIALIZED TABLE m; DROP VIEW v; DROP FUNCTION f",
    "INSERT INTO t (a, b) SELECT 1, 2; INSERT INTO t VALUES (1, 'a'), (2, NULL)",
    "EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT 1; INSERT INTO b SELECT 2; END;",
    "BEGIN STATEMENT SET; INSERT INTO a SELECT 1; END",
    "EXPLAIN SELECT 1; EXPLAIN PLAN FOR SELECT 1; EXPLAIN CHANGELOG_MODE, PLAN_ADVICE SELECT 1",
    "REPLAY `t$dead`; REPLAY TABLE `t$dead`",
    "DESCRIBE t; DESC t; SHOW TABLES; SHOW VIEWS LIKE 'a%'; SHOW FUNCTIONS; SHOW JOBS; SHOW TOPICS",
    "SHOW MATERIALIZED TABLES; SHOW CREATE TABLE t; SHOW CREATE VIEW v",
    "SET 'a.b' = 'c'; SET; SET pipeline.name = x; RESET; RESET 'a.b'; USE default_database; "
    "USE CATALOG default_catalog",
    "SELECT CURRENT_TIMESTAMP, LOCALTIME, PROCTIME(), -a + +b * -1.5e3 || 'x' % 2",
    "SELECT state, type, value, key, url, hour FROM t",
};

TEST(parse_takes_the_dialect)
{
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct script script;
        struct diag diag;
        enum status st = parse(good[i], &script, &diag);
        if (st != ST_OK)
            test_fail(__FILE__, __LINE__, "%s\n%u:%u %s (near %s)", good[i], diag.line, diag.column,
                      diag.message, diag.near);
        script_deinit(&script);
    }
}

struct bad_case {
    const char *text, *error;
};

static const struct bad_case bad[] = {
    {"SELEC 1", "line 1, column 1: expected CREATE, DROP, INSERT, SELECT, WITH, VALUES, EXPLAIN, "
                "SHOW, SET or DESCRIBE, found `SELEC`\n  SELEC 1\n  ^\nhint: did you mean `SELECT`?\n"},
    {"SELECT a FORM t WERE x",
     "line 1, column 15: expected ',', FROM, WHERE, GROUP, HAVING, WINDOW, INTERSECT, UNION, EXCEPT, ORDER, LIMIT, "
     "OFFSET, FETCH, "
     "the end of the statement or ';', found `t`\n  SELECT a FORM t WERE x\n                ^\n"
     "hint: did you mean `FROM` instead of `FORM`?\n"},
    {"SELECT a\nFROM t\nGRUOP BY a",
     "line 3, column 7: expected JOIN, INNER, CROSS, LEFT, RIGHT, FULL, WHERE, GROUP, HAVING, WINDOW, INTERSECT, "
     "UNION, EXCEPT, "
     "ORDER, LIMIT, OFFSET, FETCH, the end of the statement or ';', found `BY`\n  GRUOP BY a\n        "
     "^\nhint: did you mean `GROUP` instead of `GRUOP`?\n"},
    {"SELECT 'abc", "line 1, column 8: this string does not end\n  SELECT 'abc\n         ^\nhint: end "
                    "it with ', and write '' for a quote inside\n"},
    {"SELECT 1 /* x", "line 1, column 10: this comment does not end\n  SELECT 1 /* x\n           "
                      "^\nhint: end it with */\n"},
    {"SELECT \"a\" FROM t", "line 1, column 8: \" does not quote here\n  SELECT \"a\" FROM t\n         "
                            "^\nhint: names are quoted with back-ticks, texts with single quotes\n"},
    {"SELECT INTERVAL 10 SECOND", "line 1, column 17: the amount of an INTERVAL is a text\n  SELECT "
                                  "INTERVAL 10 SECOND\n                  ^\nhint: write INTERVAL '10' "
                                  "…\n"},
    {"SELECT INTERVAL '1:2' DAY", "line 1, column 17: '1:2' is not an interval of DAY\n  SELECT "
                                  "INTERVAL '1:2' DAY\n                  ^\nhint: such as INTERVAL "
                                  "'10' SECOND, '1-2' YEAR TO MONTH, '1 02:03' DAY TO MINUTE\n"},
    {"CREATE TABLE t (a STRNG)", "line 1, column 19: there is no type `STRNG`\n  CREATE TABLE t (a "
                                 "STRNG)\n                    ^\nhint: did you mean `STRING`?\n"},
    {"CREATE TABLE t (order INT)",
     "line 1, column 17: expected a column's name, found `order`\n  CREATE TABLE t (order INT)\n      "
     "            ^\nhint: `order` is a reserved word: as a name it is written in back-ticks\n"},
    {"SELECT a FROM (SELECT 1", "line 1, column 24: expected AS, ',', FROM, WHERE"},
    {"SELECT * FROM t MATCH_RECOGNIZE (x)",
     "line 1, column 34: expected PARTITION, ORDER, MEASURES, ONE, AFTER or PATTERN, found `x`"},
    {"SELECT * FROM a, LATERAL TABLE(f(x))", "line 1, column 18: LATERAL is not built yet"},
    {"SELECT a FROM t GROUP BY ROLLUP (a)", "line 1, column 26: ROLLUP is not built yet"},
    {"REPLAY", "line 1, column 7: expected the name of a table `…$dead`"},
    {"REPLAY `t$dead` WHERE a = 1",
     "line 1, column 17: REPLAY … WHERE is not built yet\n  REPLAY `t$dead` WHERE a = 1\n                  ^\n"
     "hint: all of them are put back, in order; INSERT INTO … SELECT … FROM `…$dead` WHERE … takes some\n"},
    {"ALTER TABLE t ADD x INT", "line 1, column 1: ALTER is not built yet"},
    {"CREATE TABLE t LIKE s", "line 1, column 16: CREATE TABLE … LIKE is not built yet"},
    {"SELECT 1; SELECT (2", "line 1, column 20: expected"},
    {"USE other", "line 1, column 5: there is only the database `default_database`"},
    {"SELECT 1a FROM t", "line 1, column 8: this is neither a number nor a name"},
    {"SELECT * FROM TUMBLE(TABLE t, DESCRIPTOR(ts))", "line 1, column 15: TUMBLE lacks an argument"},
    {"SELECT DECIMAL_, CAST(a AS DECIMAL(40, 2))",
     "line 1, column 36: DECIMAL(p, s) needs 1 <= p <= 38 and 0 <= s <= p"},
};

TEST(parse_errors_say_where_and_what)
{
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct script script;
        struct diag diag;
        struct arena arena;
        if (parse(bad[i].text, &script, &diag) == ST_OK)
            test_fail(__FILE__, __LINE__, "parsed: %s", bad[i].text);
        arena_init(&arena, ARENA_BUDGET_NONE);
        const char *got = sql_error_text(&arena, bytes_str(bad[i].text), &diag);
        if (strncmp(got, bad[i].error, strlen(bad[i].error)) != 0)
            test_fail(__FILE__, __LINE__, "got\n%swanted\n%s", got, bad[i].error);
        arena_deinit(&arena);
    }
}

TEST(parse_bounds_depth)
{
    char text[20000];
    struct script script;
    struct diag diag;

    strcpy(text, "SELECT ");
    memset(text + 7, '(', 10000);
    text[10007] = 0;
    EXPECT_STATUS(parse(text, &script, &diag), ST_INVALID);
    EXPECT_INT(diag.code, DIAG_LIMIT);

    size_t len = 7;
    while (len < 18000)
        len += (size_t)sprintf(text + len, "1+");
    strcpy(text + len, "1");
    EXPECT_STATUS(parse(text, &script, &diag), ST_INVALID);
    EXPECT_INT(diag.code, DIAG_LIMIT);
}

TEST(parse_keeps_precedence)
{
    struct script script;
    struct diag diag;

    EXPECT_OK(parse("SELECT NOT a = b OR c + d * e < f AND g", &script, &diag));
    const struct ast_expr *e = script.statements[0].ast->query->select->items[0].expr;
    EXPECT_BYTES(e->name, bytes_str("OR"));
    EXPECT_BYTES(e->args[0]->name, bytes_str("NOT"));
    EXPECT_BYTES(e->args[0]->args[0]->name, bytes_str("="));
    EXPECT_BYTES(e->args[1]->name, bytes_str("AND"));
    EXPECT_BYTES(e->args[1]->args[0]->name, bytes_str("<"));
    EXPECT_BYTES(e->args[1]->args[0]->text, bytes_str("c + d * e < f"));
    script_deinit(&script);

    EXPECT_OK(parse("INSERT INTO t SELECT INTERVAL -'1 02:03:04.5' DAY TO SECOND", &script, &diag));
    e = script.statements[0].ast->inserts[0].query->select->items[0].expr;
    EXPECT_INT(e->value, -((((24 + 2) * 60 + 3) * 60 + 4) * INT64_C(1000000) + 500000));
    EXPECT_INT(e->type->kind, TYPE_INTERVAL_SECOND);
    script_deinit(&script);
}
