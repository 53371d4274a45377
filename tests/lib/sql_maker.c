/* How: a query is a tree of relations that all have the columns k and n, so that any may stand in any;
 * those that come in order of time have ts too. */
#include "lib/sql_maker.h"

#include <string.h>

#include "data/func.h"

const char sql_maker_tables[] =
    "CREATE TABLE t (k STRING, n INT, d DECIMAL(12, 3), b BOOLEAN, x DOUBLE, ts TIMESTAMP(3), m MAP<STRING, "
    "INT>, r ROW<p INT, q STRING>, a ARRAY<INT>, WATERMARK FOR ts AS ts - INTERVAL '5' SECOND) WITH "
    "('connector' = 'kafka', 'topic' = 't', 'topic.partitions' = '2', 'format' = 'json');\n"
    "CREATE TABLE u (k STRING, n INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND) WITH "
    "('connector' = 'kafka', 'topic' = 'u', 'format' = 'json');\n"
    "CREATE VIEW w AS SELECT k, n + 1 AS n, ts FROM t WHERE n IS NOT NULL;\n"
    "CREATE VIEW versions AS SELECT k, n, ts FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY ts DESC) "
    "AS rn "
    "FROM u) WHERE rn = 1;\n"
    "CREATE VIEW doubled AS SELECT k, n * 2 AS n, ts FROM versions;\n";

enum { DEPTH_MAX = 4, TEXT_MAX = 6000 };

void sql_maker_init(struct sql_maker *m, struct bytes choices)
{
    *m = (struct sql_maker){.at = choices.ptr, .end = choices.ptr + choices.len};
    buf_init(&m->out, 0);
}

void sql_maker_deinit(struct sql_maker *m)
{
    buf_deinit(&m->out);
}

uint32_t sql_pick(struct sql_maker *m, uint32_t choices)
{
    if (m->at == m->end || m->out.len > TEXT_MAX)
        return 0;
    return *m->at++ % choices;
}

static void say(struct sql_maker *m, const char *text)
{
    buf_str(&m->out, text);
}

#define ONE_OF(m, ...)                                                                             \
    ((const char *const[]){__VA_ARGS__})[sql_pick(                                                 \
        m, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))]

/* ---- expressions over k and n, of a kind ---- */

static void number(struct sql_maker *m);

static void text(struct sql_maker *m)
{
    if (m->depth++ > DEPTH_MAX) {
        say(m, "k");
        m->depth--;
        return;
    }
    switch (sql_pick(m, 8)) {
    case 1: say(m, ONE_OF(m, "'a'", "''", "'b%'", "'Ä'", "CAST(NULL AS STRING)")); break;
    case 2: say(m, ONE_OF(m, "UPPER(", "LOWER(", "TRIM(", "REVERSE(", "MD5(", "INITCAP(")); text(m); say(m, ")"); break;
    case 3: text(m); say(m, " || "); text(m); break;
    case 4: say(m, "CAST("); number(m); say(m, " AS STRING)"); break;
    case 5: say(m, "COALESCE("); text(m); say(m, ", "); text(m); say(m, ")"); break;
    case 6: say(m, "SUBSTRING("); text(m); say(m, ONE_OF(m, ", 1, 2)", ", -1)", ", 2)", ", 0, 9)")); break;
    case 7: say(m, "CASE WHEN n > 3 THEN "); text(m); say(m, " ELSE "); text(m); say(m, " END"); break;
    default: say(m, "k");
    }
    m->depth--;
}

static void number(struct sql_maker *m)
{
    if (m->depth++ > DEPTH_MAX) {
        say(m, "n");
        m->depth--;
        return;
    }
    switch (sql_pick(m, 9)) {
    case 1: say(m, ONE_OF(m, "0", "1", "-7", "1000", "CAST(NULL AS INT)")); break;
    case 2: say(m, "("); number(m); say(m, ONE_OF(m, " + ", " - ")); number(m); say(m, ")"); break;
    case 3: say(m, "("); number(m); say(m, " * 3)"); break;
    case 4: say(m, "MOD("); number(m); say(m, ", 7)"); break;
    case 5: say(m, "CHAR_LENGTH("); text(m); say(m, ")"); break;
    case 6: say(m, "COALESCE("); number(m); say(m, ", "); number(m); say(m, ")"); break;
    case 7: say(m, "ABS("); number(m); say(m, ")"); break;
    case 8: say(m, "CASE WHEN k = 'a' THEN "); number(m); say(m, " WHEN n IS NULL THEN -1 ELSE "); number(m); say(m, " END"); break;
    default: say(m, "n");
    }
    m->depth--;
}

static void predicate(struct sql_maker *m)
{
    if (m->depth++ > DEPTH_MAX) {
        say(m, "n > 0");
        m->depth--;
        return;
    }
    switch (sql_pick(m, 8)) {
    case 1: text(m); say(m, ONE_OF(m, " = ", " <> ", " < ", " IS DISTINCT FROM ")); text(m); break;
    case 2: text(m); say(m, " LIKE "); say(m, ONE_OF(m, "'a%'", "'%_'", "'%'")); break;
    case 3: say(m, "("); predicate(m); say(m, ONE_OF(m, " AND ", " OR ")); predicate(m); say(m, ")"); break;
    case 4: say(m, "NOT ("); predicate(m); say(m, ")"); break;
    case 5: number(m); say(m, ONE_OF(m, " IS NULL", " IS NOT NULL", " BETWEEN 1 AND 4")); break;
    case 6: number(m); say(m, " IN (1, 2, 5)"); break;
    case 7: number(m); say(m, ONE_OF(m, " = ", " <= ", " <> ")); number(m); break;
    default: number(m); say(m, " > 2");
    }
    m->depth--;
}

/* ---- relations of k and n ---- */

static void relation(struct sql_maker *m);

/* With ts, a time attribute. */
static void timed(struct sql_maker *m)
{
    if (m->depth++ > DEPTH_MAX) {
        say(m, "u");
        m->depth--;
        return;
    }
    switch (sql_pick(m, 5)) {
    case 1: say(m, "t"); break;
    case 2: say(m, "w"); break;
    case 3:
        say(m, "(SELECT "); text(m); say(m, " AS k, "); number(m); say(m, " AS n, ts FROM "); timed(m);
        say(m, " WHERE "); predicate(m); say(m, ")");
        break;
    case 4:
        say(m, "(SELECT k, n, ts FROM "); timed(m); say(m, " UNION ALL SELECT k, n, ts FROM "); timed(m); say(m, ")");
        break;
    default: say(m, "u");
    }
    m->depth--;
}

static void aggregate(struct sql_maker *m)
{
    say(m, "CAST(");
    say(m, ONE_OF(m, "COUNT(*)", "SUM(n)", "MIN(n)", "MAX(n)", "COUNT(DISTINCT n)", "COUNT(k)", "AVG(n)",
                  "SUM(DISTINCT n)", "COUNT(*) FILTER (WHERE n > 3)", "SUM(n) FILTER (WHERE k <> 'a')",
                  "MAX(n) - MIN(n)", "CHAR_LENGTH(MAX(k))", "SUM(n) + COUNT(*)", "VAR_POP(n)", "STDDEV_SAMP(n)"));
    say(m, " AS BIGINT)");
}

static void group(struct sql_maker *m)
{
    bool having = sql_pick(m, 3) == 1;
    say(m, "SELECT k, ");
    aggregate(m);
    say(m, " AS n FROM ");
    relation(m);
    if (sql_pick(m, 3) == 1) {
        say(m, " WHERE ");
        predicate(m);
    }
    say(m, " GROUP BY k");
    if (having)
        say(m, ONE_OF(m, " HAVING COUNT(*) > 1", " HAVING SUM(n) > 5", " HAVING MAX(n) IS NOT NULL"));
}

/* A window's rows: the table function needs a name, so the relation gets one. */
static void windows(struct sql_maker *m, const char *name)
{
    uint32_t kind = sql_pick(m, 4);
    say(m, ((const char *const[]){"TABLE(TUMBLE(TABLE ", "TABLE(HOP(TABLE ", "TABLE(CUMULATE(TABLE ",
                                  "TABLE(SESSION(TABLE "})[kind]);
    say(m, name);
    say(m, kind == 3 && sql_pick(m, 3) ? " PARTITION BY k, DESCRIPTOR(ts), " : ", DESCRIPTOR(ts), ");
    if (kind == 3)
        say(m, ONE_OF(m, "INTERVAL '3' SECOND))", "INTERVAL '1' SECOND))"));
    else if (kind)
        say(m, ONE_OF(m, "INTERVAL '5' SECOND, INTERVAL '10' SECOND))", "INTERVAL '2' SECOND, INTERVAL '6' SECOND))"));
    else
        say(m, ONE_OF(m, "INTERVAL '10' SECOND))", "INTERVAL '7' SECOND))", "INTERVAL '1' MINUTE))"));
}

static void window_group(struct sql_maker *m)
{
    const char *name = ONE_OF(m, "u", "t", "w");
    say(m, "SELECT k, ");
    aggregate(m);
    say(m, " AS n FROM ");
    windows(m, name);
    if (sql_pick(m, 3) == 1) {
        say(m, " WHERE ");
        predicate(m);
    }
    say(m, " GROUP BY window_start, window_end, k");
}

static void join(struct sql_maker *m)
{
    uint32_t kind = sql_pick(m, 5);
    say(m, "SELECT COALESCE(x.k, y.k) AS k, ");
    say(m, ONE_OF(m, "CAST(COALESCE(x.n, 0) + COALESCE(y.n, 0) AS BIGINT)", "CAST(x.n AS BIGINT)", "CAST(y.n AS BIGINT)"));
    say(m, " AS n FROM (SELECT k, n FROM ");
    relation(m);
    say(m, ")");
    say(m, ((const char *const[]){" x JOIN ", " x LEFT JOIN ", " x RIGHT JOIN ", " x FULL JOIN ", " x INNER JOIN "})[kind]);
    say(m, "(SELECT k, n FROM ");
    relation(m);
    say(m, ") y ON x.k = y.k");
    if (sql_pick(m, 2))
        say(m, ONE_OF(m, " AND x.n < y.n", " AND x.n = y.n", " AND y.n > 2", " AND x.n IS NOT NULL"));
}

static void timed_join(struct sql_maker *m)
{
    const char *left = ONE_OF(m, "u", "t", "w"), *right = ONE_OF(m, "u", "t", "w");
    say(m, "SELECT x.k AS k, CAST(x.n + y.n AS BIGINT) AS n FROM ");
    say(m, left);
    say(m, " x JOIN ");
    say(m, right);
    say(m, " y ON x.k = y.k AND x.ts BETWEEN y.ts - INTERVAL '3' SECOND AND y.ts + INTERVAL '2' SECOND");
}

/* With the newest row of the key at the row's time. */
static void temporal_join(struct sql_maker *m)
{
    bool left = sql_pick(m, 2);
    say(m, "SELECT x.k AS k, CAST(COALESCE(y.n, 0) + x.n AS BIGINT) AS n FROM ");
    timed(m);
    say(m, left ? " x LEFT JOIN " : " x JOIN ");
    say(m, ONE_OF(m, "versions", "doubled"));
    say(m, " FOR SYSTEM_TIME AS OF x.ts AS y ON x.k = y.k");
    say(m, ONE_OF(m, "", " AND y.n > 2", " AND x.n > y.n", " AND x.n > 2"));
}

/* Ordered by all that comes out, so that ties are equal rows. */
static void ranking(struct sql_maker *m)
{
    bool by_key = sql_pick(m, 2) == 0;
    say(m, "SELECT k, CAST(");
    say(m, sql_pick(m, 2) ? "rn" : "n");
    say(m, " AS BIGINT) AS n FROM (SELECT k, n, ROW_NUMBER() OVER (");
    if (by_key)
        say(m, "PARTITION BY k ");
    say(m, ONE_OF(m, "ORDER BY n, k", "ORDER BY n DESC, k", "ORDER BY k DESC, n DESC"));
    say(m, ") AS rn FROM ");
    relation(m);
    say(m, ") WHERE rn <= ");
    say(m, ONE_OF(m, "1", "2", "3", "10"));
}

/* Of the rows of windows, or of groups by window. Ordered by all that comes out. */
static void window_ranking(struct sql_maker *m)
{
    const char *name = ONE_OF(m, "u", "t", "w");
    bool grouped = sql_pick(m, 2), by_key = sql_pick(m, 2);
    say(m, "SELECT k, CAST(");
    say(m, sql_pick(m, 2) ? "rn" : "n");
    say(m, " AS BIGINT) AS n FROM (SELECT k, n, ROW_NUMBER() OVER (PARTITION BY window_start, window_end");
    say(m, by_key ? ", k" : "");
    say(m, ONE_OF(m, " ORDER BY n, k", " ORDER BY n DESC, k", " ORDER BY k DESC, n DESC"));
    say(m, ") AS rn FROM ");
    if (grouped) {
        say(m, "(SELECT window_start, window_end, k, ");
        aggregate(m);
        say(m, " AS n FROM ");
        windows(m, name);
        say(m, " GROUP BY window_start, window_end, k)");
    } else {
        windows(m, name);
    }
    say(m, ") WHERE rn <= ");
    say(m, ONE_OF(m, "1", "2", "5"));
}

/* By RANGE the order of equal times is not seen; by ROWS only the number of rows is asked. */
static void over(struct sql_maker *m)
{
    bool by_key = sql_pick(m, 3) != 0, rows = sql_pick(m, 2), numbers = rows && sql_pick(m, 2);
    say(m, "SELECT k, CAST(");
    if (rows)
        say(m, numbers ? "ROW_NUMBER()" : "COUNT(*)");
    else
        say(m, ONE_OF(m, "COUNT(*)", "SUM(n)", "MIN(n)", "MAX(n)", "COUNT(DISTINCT n)", "AVG(n)"));
    say(m, by_key ? " OVER (PARTITION BY k ORDER BY ts" : " OVER (ORDER BY ts");
    if (rows && !numbers)
        say(m, ONE_OF(m, " ROWS UNBOUNDED PRECEDING", " ROWS BETWEEN 2 PRECEDING AND CURRENT ROW"));
    else if (!rows)
        say(m, ONE_OF(m, "", " RANGE UNBOUNDED PRECEDING", " RANGE BETWEEN INTERVAL '3' SECOND PRECEDING AND CURRENT ROW"));
    say(m, ") AS BIGINT) AS n FROM ");
    timed(m);
}

static void condition(struct sql_maker *m)
{
    say(m, ONE_OF(m, "TRUE", "n > 2", "n > LAST(n, 1) OR LAST(n, 1) IS NULL", "k <> 'a'", "SUM(n) < 20", "n >= FIRST(n)",
                  "COUNT(*) < 4", "n < MAX(n) OR n IS NULL"));
}

/* Ordered by all that is looked at, so that ties are equal rows. */
static void matching(struct sql_maker *m)
{
    bool by_key = sql_pick(m, 4) != 0;
    say(m, "SELECT k, CAST(v AS BIGINT) AS n FROM ");
    timed(m);
    say(m, by_key ? " MATCH_RECOGNIZE (PARTITION BY k ORDER BY ts, n MEASURES "
                  : " MATCH_RECOGNIZE (ORDER BY ts, k, n MEASURES FIRST(k) AS k, ");
    say(m, ONE_OF(m, "COUNT(*)", "SUM(A.n)", "FIRST(n)", "LAST(A.n, 1)", "B.n + 1", "MAX(n) - COUNT(B.n)"));
    say(m, ONE_OF(m, " AS v", " AS v AFTER MATCH SKIP PAST LAST ROW", " AS v AFTER MATCH SKIP TO NEXT ROW",
                  " AS v AFTER MATCH SKIP TO LAST B"));
    say(m, ONE_OF(m, " PATTERN (A B)", " PATTERN (A+ B)", " PATTERN (A+? B)", " PATTERN (A{2,3} B)", " PATTERN (A B+?)",
                  " PATTERN (A C* B)", " PATTERN (A C{0,2}? B)", " PATTERN (C? A B)"));
    say(m, ONE_OF(m, "", " WITHIN INTERVAL '3' SECOND", " WITHIN INTERVAL '1' SECOND"));
    say(m, " DEFINE A AS ");
    condition(m);
    say(m, ", B AS ");
    condition(m);
    if (sql_pick(m, 2)) {
        say(m, ", C AS ");
        condition(m);
    }
    say(m, ")");
}

static void select_from(struct sql_maker *m)
{
    say(m, sql_pick(m, 4) == 1 ? "SELECT DISTINCT " : "SELECT ");
    text(m);
    say(m, " AS k, CAST(");
    number(m);
    say(m, " AS BIGINT) AS n FROM ");
    relation(m);
    if (sql_pick(m, 2)) {
        say(m, " WHERE ");
        predicate(m);
    }
}

/* Rows that others let pass: NULLs count in NOT IN. */
static void passing(struct sql_maker *m)
{
    say(m, "SELECT k, CAST(n AS BIGINT) AS n FROM (SELECT k, n FROM ");
    relation(m);
    say(m, ") x WHERE ");
    say(m, ONE_OF(m, "k IN (SELECT k FROM ", "k NOT IN (SELECT k FROM ", "n NOT IN (SELECT n FROM ",
                  "(k, n) IN (SELECT k, n FROM ", "EXISTS (SELECT * FROM ", "NOT EXISTS (SELECT * FROM "));
    relation(m);
    say(m, " y WHERE ");
    say(m, ONE_OF(m, "x.k = y.k", "x.k = y.k AND x.n < y.n", "x.k = y.k AND y.n > 2", "x.n < y.n", "y.n IS NOT NULL",
                  "x.n = y.n AND x.k <> y.k"));
    say(m, ")");
    if (sql_pick(m, 3) == 1)
        say(m, " AND n > 1");
}

/* Values that others have: of all rows, or of those with the same key. */
static void looking(struct sql_maker *m)
{
    bool by_key = sql_pick(m, 2);
    say(m, "SELECT k, CAST(");
    say(m, ONE_OF(m, "COALESCE(n, 1) + (SELECT ", "n * (SELECT ", "(SELECT "));
    say(m, ONE_OF(m, "MAX(n)", "COUNT(*)", "COALESCE(SUM(n), -1)", "COUNT(n) + 1"));
    say(m, " FROM ");
    relation(m);
    say(m, by_key ? " y WHERE x.k = y.k) AS BIGINT) AS n FROM (SELECT k, n FROM " : ") AS BIGINT) AS n FROM (SELECT k, n FROM ");
    relation(m);
    say(m, ") x");
    if (sql_pick(m, 2)) {
        say(m, ONE_OF(m, " WHERE n > 5 OR k IN (SELECT k FROM ", " WHERE n = 1 OR n NOT IN (SELECT n FROM ",
                      " WHERE k = 'a' OR EXISTS (SELECT * FROM "));
        relation(m);
        say(m, ONE_OF(m, " z)", " z WHERE z.k = x.k)"));
    }
}

static void both(struct sql_maker *m)
{
    say(m, "SELECT k, CAST(n AS BIGINT) AS n FROM ");
    relation(m);
    say(m, ONE_OF(m, " UNION ALL", " UNION", " INTERSECT", " INTERSECT ALL", " EXCEPT", " EXCEPT ALL"));
    say(m, " SELECT k, CAST(n AS BIGINT) FROM ");
    relation(m);
}

/* Each row once for each of some values that it has. */
static void elements(struct sql_maker *m)
{
    uint32_t left = sql_pick(m, 2), text_keys = sql_pick(m, 2);
    say(m, text_keys ? "SELECT v AS k, CAST(n + o AS BIGINT) AS n" : "SELECT k, CAST(v + o AS BIGINT) AS n");
    say(m, " FROM (SELECT k, n FROM ");
    relation(m);
    say(m, left ? ") x LEFT JOIN UNNEST(" : ") x CROSS JOIN UNNEST(");
    say(m, text_keys ? ONE_OF(m, "ARRAY[k, 'b', UPPER(k)]", "CASE WHEN n > 2 THEN ARRAY[k] END")
                     : ONE_OF(m, "ARRAY[n, 1, n + 1]", "CASE WHEN n > 2 THEN ARRAY[n, n] END"));
    say(m, left ? ") WITH ORDINALITY AS y (v, o) ON TRUE" : ") WITH ORDINALITY AS y (v, o)");
}

void sql_make_query(struct sql_maker *m)
{
    static void (*const forms[])(struct sql_maker *) = {select_from,   group,   window_group, join,  ranking,
                                                        temporal_join, both,    timed_join,   group, window_ranking,
                                                        passing,       looking, elements,     over,       matching};
    forms[sql_pick(m, sizeof(forms) / sizeof(*forms))](m);
}

static void relation(struct sql_maker *m)
{
    if (m->depth++ > DEPTH_MAX - 1 || sql_pick(m, 3) == 0)
        timed(m);
    else {
        say(m, "(");
        sql_make_query(m);
        say(m, ")");
    }
    m->depth--;
}

/* ---- anything ---- */

static void anything(struct sql_maker *m);

static void type(struct sql_maker *m)
{
    say(m, ONE_OF(m, "INT", "STRING", "DECIMAL(38, 10)", "DECIMAL(5, 5)", "TIMESTAMP(3)", "TIMESTAMP_LTZ(6)", "DATE",
                  "TIME", "BOOLEAN", "TINYINT", "SMALLINT", "BIGINT", "DOUBLE", "FLOAT", "BYTES", "CHAR(3)",
                  "VARCHAR(2)", "ROW<a INT, b STRING>", "ARRAY<INT>", "MAP<STRING, INT>", "ARRAY<ARRAY<STRING>>",
                  "INTERVAL DAY TO SECOND", "INTERVAL YEAR TO MONTH"));
}

static void literal(struct sql_maker *m)
{
    say(m, ONE_OF(m, "1", "NULL", "''", "-1", "2147483647", "-2147483648", "9223372036854775807", "1e308", "1e-308",
                  "0.1", "99999999999999999999999999999999999999", "'äöü€'", "'2024-02-29'", "DATE '2024-02-29'",
                  "TIMESTAMP '2024-02-29 23:59:59.999'", "TIMESTAMP '0001-01-01 00:00:00'", "DATE '9999-12-31'",
                  "TIME '23:59:59'", "INTERVAL '1' DAY", "INTERVAL '99' YEAR", "TRUE", "FALSE", "'%'", "'\\'", "'['",
                  "'{\"a\":[1,{\"b\":null}]}'", "'$.a[1].b'", "'(a+)+$'", "'yyyy-MM-dd HH:mm:ss.SSS'", "'UTC'",
                  "'Europe/Berlin'", "ARRAY[1, 2]", "MAP['a', 1]", "ROW(1, 'x')", "x''", "x'ff00'", "0", "1000000"));
}

static void column(struct sql_maker *m)
{
    say(m, ONE_OF(m, "n", "k", "d", "b", "x", "ts", "m", "r", "a", "m['a']", "a[1]", "r.p", "r.q", "nosuch"));
}

static void call(struct sql_maker *m)
{
    unsigned count = 0;
    while (func_info(count))
        count++;
    unsigned chosen = sql_pick(m, 255) + (sql_pick(m, 2) ? 255 : 0);
    const struct func_info *f = func_info(chosen % count);
    bool named = f->name[0] >= 'A' && f->name[0] <= 'Z' && !strchr(f->name, ' ');
    if (!named) {
        say(m, "(");
        anything(m);
        say(m, ONE_OF(m, " + ", " - ", " * ", " / ", " % ", " || ", " = ", " < ", " LIKE ", " IS DISTINCT FROM ",
                      " AND ", " SIMILAR TO ", " NOT LIKE "));
        anything(m);
        say(m, ")");
        return;
    }
    say(m, f->name);
    say(m, "(");
    uint32_t args = sql_pick(m, 5);
    for (uint32_t i = 0; i < args; i++) {
        say(m, i ? ", " : "");
        anything(m);
    }
    say(m, ")");
}

static void anything(struct sql_maker *m)
{
    uint32_t form = m->depth++ > DEPTH_MAX + 1 ? 0 : sql_pick(m, 9);
    switch (form) {
    case 1: literal(m); break;
    case 2: case 3: case 4: call(m); break;
    case 5: say(m, ONE_OF(m, "CAST(", "TRY_CAST(")); anything(m); say(m, " AS "); type(m); say(m, ")"); break;
    case 6: say(m, "CASE WHEN "); anything(m); say(m, " THEN "); anything(m); say(m, " ELSE "); anything(m); say(m, " END"); break;
    case 7: anything(m); say(m, ONE_OF(m, " IS NULL", " IN (1, 2)", " BETWEEN 1 AND 2", "[1]", ".p")); break;
    case 8:
        say(m, ONE_OF(m, "SUM(", "COUNT(DISTINCT ", "MIN(", "MAX(", "AVG(", "FIRST_VALUE(", "LAST_VALUE(", "COLLECT(",
                      "LISTAGG(", "STDDEV_POP(", "VAR_SAMP("));
        anything(m);
        say(m, ")");
        break;
    default: column(m);
    }
    m->depth--;
}

static void wild_select(struct sql_maker *m)
{
    uint32_t columns = 1 + sql_pick(m, 3);
    say(m, "SELECT ");
    for (uint32_t i = 0; i < columns; i++) {
        say(m, i ? ", " : "");
        anything(m);
        if (sql_pick(m, 2))
            say(m, ONE_OF(m, " AS p", " AS q", " AS k"));
    }
    say(m, " FROM ");
    say(m, ONE_OF(m, "t", "u", "w", "t, u", "t JOIN u ON t.k = u.k", "(VALUES (1, 'a'), (2, NULL)) AS v (n, k)", "g", "e",
                  "TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' SECOND))", "t /*+ OPTIONS('scan.startup.mode' = 'latest-offset') */",
                  "`t$errors`", "`t$late`", "TABLE(HOP(TABLE t, DESCRIPTOR(ts), INTERVAL '1' SECOND, INTERVAL '9' DAY))"));
    if (sql_pick(m, 3) == 1) {
        say(m, " WHERE ");
        anything(m);
    }
    if (sql_pick(m, 3) == 1) {
        say(m, " GROUP BY ");
        say(m, ONE_OF(m, "k", "k, n", "window_start, window_end", "r", "a", "m", "1", "ts", "d, x, b"));
    }
    if (sql_pick(m, 5) == 1)
        say(m, ONE_OF(m, " ORDER BY 1", " ORDER BY k DESC", " LIMIT 3", " ORDER BY 2 LIMIT 1 OFFSET 1", " HAVING COUNT(*) > 1"));
}

static void wild_table(struct sql_maker *m)
{
    uint32_t columns = 1 + sql_pick(m, 4);
    say(m, ONE_OF(m, "CREATE TABLE g (", "CREATE TABLE IF NOT EXISTS g (", "CREATE TEMPORARY TABLE e ("));
    for (uint32_t i = 0; i < columns; i++) {
        say(m, ONE_OF(m, "k ", "n ", "c ", "`order` "));
        if (sql_pick(m, 5) == 1) {
            say(m, "AS ");
            anything(m);
        } else
            type(m);
        say(m, ", ");
    }
    say(m, ONE_OF(m, "ts TIMESTAMP(3)", "ts TIMESTAMP_LTZ(3) METADATA FROM 'timestamp'", "p AS PROCTIME()",
                  "ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND", "`offset` BIGINT METADATA VIRTUAL",
                  "z INT, PRIMARY KEY (z) NOT ENFORCED", "WATERMARK FOR n AS n"));
    say(m, ") WITH ('connector' = ");
    say(m, ONE_OF(m, "'kafka', 'topic' = 't'", "'upsert-kafka', 'topic' = 'up', 'key.format' = 'json', 'value.format' = 'json'",
                  "'datagen', 'number-of-rows' = '5'", "'print'", "'blackhole'", "'filesystem', 'path' = 'data/f'",
                  "'nexmark', 'events.num' = '10'", "'kafka', 'topic' = ''", "'nosuch'", "'datagen', 'fields.k.length' = '3'"));
    say(m, ONE_OF(m, ", 'format' = 'json')", ", 'format' = 'csv')", ", 'format' = 'raw')", ")", ", 'format' = 'jsn')",
                  ", 'format' = 'csv', 'csv.field-delimiter' = '||')", ", 'format' = 'json', 'json.ignore-parse-errors' = 'maybe')"));
}

void sql_make_statement(struct sql_maker *m)
{
    switch (sql_pick(m, 14)) {
    case 1: case 2: say(m, "CREATE MATERIALIZED TABLE v AS "); wild_select(m); break;
    case 3: case 4: wild_table(m); break;
    case 5: say(m, "INSERT INTO "); say(m, ONE_OF(m, "u ", "g ", "t ", "e ")); wild_select(m); break;
    case 6: say(m, "INSERT INTO g VALUES ("); anything(m); say(m, ", "); anything(m); say(m, ")"); break;
    case 7: say(m, "EXPLAIN "); wild_select(m); break;
    case 8: say(m, ONE_OF(m, "DROP TABLE g", "DROP MATERIALIZED TABLE v", "DROP VIEW w", "DROP TABLE t", "DROP JOB v", "DROP TABLE IF EXISTS e")); break;
    case 9: say(m, ONE_OF(m, "SHOW JOBS", "SHOW TABLES", "DESCRIBE g", "SHOW CREATE TABLE t", "SHOW FUNCTIONS LIKE 'A%'", "SET", "SET 'table.exec.state.ttl' = '1 s'", "SET 'table.local-time-zone' = 'Asia/Tokyo'", "RESET")); break;
    case 10: say(m, "CREATE ALERT al AS "); wild_select(m); break;
    case 11: say(m, "EXECUTE STATEMENT SET BEGIN INSERT INTO g "); wild_select(m); say(m, "; INSERT INTO u "); wild_select(m); say(m, "; END"); break;
    case 12: say(m, "CREATE OR REPLACE VIEW w AS "); wild_select(m); break;
    case 13: say(m, "CREATE MATERIALIZED TABLE v AS "); sql_make_query(m); break;
    default: wild_select(m);
    }
    say(m, ";\n");
}

/* ---- records ---- */

void sql_make_records(struct sql_maker *m, uint32_t count, bool wild, uint32_t *clock_s)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t jitter = sql_pick(m, 5), at = *clock_s + 5 - jitter, n = sql_pick(m, 9);
        *clock_s += sql_pick(m, 3);
        if (wild && sql_pick(m, 6) == 1) {
            say(m, ONE_OF(m, "{\"n\":\"x\"}\n", "{\n", "null\n", "[]\n", "{\"ts\":\"never\"}\n", "{\"a\":[1,null],\"m\":{\"a\":null}}\n",
                          "{\"r\":{\"p\":9,\"q\":\"z\"},\"d\":123456789.999,\"x\":1e999}\n", "{\"k\":\"\\ud800\"}\n"));
            continue;
        }
        buf_printf(&m->out, "{\"k\":%s,", ONE_OF(m, "\"a\"", "\"b\"", "\"c\"", "null", "\"\"", "\"ab\""));
        if (n < 8)
            buf_printf(&m->out, "\"n\":%u,\"d\":%u.25,\"x\":%u.5,\"b\":%s,", n, n, n, n & 1 ? "true" : "false");
        buf_printf(&m->out, "\"ts\":\"2024-01-01 %02u:%02u:%02u\"}\n", at / 3600 % 24, at / 60 % 60, at % 60);
    }
}
