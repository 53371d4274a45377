/* How: a query is a tree of relations that all have the columns k and n, so that any may stand in any;
 * those that come in order of time have ts too. What makes a relation gives how it changes. */
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
    "CREATE VIEW doubled AS SELECT k, n * 2 AS n, ts FROM versions;\n"
    "CREATE VIEW moving AS SELECT k, n FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY MOD(n, 3) ORDER BY ts "
    "DESC) AS rn FROM u) WHERE rn = 1 AND (n <> 4 OR n IS NULL);\n";

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

static unsigned relation(struct sql_maker *m);

static void used(struct sql_maker *m, enum sql_operator op, unsigned input)
{
    m->inputs[op] |= (uint8_t)(1u << input);
}

static unsigned of_both(unsigned a, unsigned b)
{
    unsigned deletes = (a | b) & SQL_DELETES;
    a &= ~(unsigned)SQL_DELETES;
    b &= ~(unsigned)SQL_DELETES;
    return (a > b ? a : b) | deletes;
}

/* What is left of a key that the planner knew where rows of several relations come together, or k is made anew. */
static unsigned without_key(unsigned change)
{
    return (change & ~(unsigned)SQL_DELETES) == SQL_UPSERT ? SQL_RETRACT | (change & SQL_DELETES) : change;
}

/* A table or view of t or u, whose rows come. */
static void scan(struct sql_maker *m, const char *name)
{
    m->scans++;
    say(m, name);
}

/* With ts, a time attribute; its rows come. */
static void timed(struct sql_maker *m)
{
    if (m->depth++ > DEPTH_MAX) {
        scan(m, "u");
        m->depth--;
        return;
    }
    switch (sql_pick(m, 5)) {
    case 1: scan(m, "t"); break;
    case 2: scan(m, "w"); break;
    case 3:
        say(m, "(SELECT "); text(m); say(m, " AS k, "); number(m); say(m, " AS n, ts FROM "); timed(m);
        say(m, " WHERE "); predicate(m); say(m, ")");
        used(m, SQL_OP_SELECT, SQL_APPEND);
        break;
    case 4:
        say(m, "(SELECT k, n, ts FROM "); timed(m); say(m, " UNION ALL SELECT k, n, ts FROM "); timed(m); say(m, ")");
        used(m, SQL_OP_UNION_ALL, SQL_APPEND);
        break;
    default: scan(m, "u");
    }
    m->depth--;
}

/* Deviations of what may be NULL: Flink takes that of one row, which is none, for a number else. */
static void aggregate(struct sql_maker *m)
{
    say(m, "CAST(");
    say(m, ONE_OF(m, "COUNT(*)", "SUM(n)", "MIN(n)", "MAX(n)", "COUNT(DISTINCT n)", "COUNT(k)", "AVG(n)",
                  "SUM(DISTINCT n)", "COUNT(*) FILTER (WHERE n > 3)", "SUM(n) FILTER (WHERE k <> 'a')",
                  "MAX(n) - MIN(n)", "CHAR_LENGTH(MAX(k))", "SUM(n) + COUNT(*)", "VAR_POP(n)", "STDDEV_SAMP(NULLIF(n, 1000))",
                  "PERCENTILE(n, 0.5)", "PERCENTILE(n, ARRAY[0.25, 0.9])[2]"));
    say(m, " AS BIGINT)");
}

/* Texts of JSON by their length: the order of what is in them is that of the rows. Keys must come once. */
static unsigned json_group(struct sql_maker *m)
{
    bool object = sql_pick(m, 2);
    say(m, "SELECT k, CAST(CHAR_LENGTH(");
    say(m, object ? "JSON_OBJECTAGG(KEY COALESCE(CAST(n AS STRING), '-') VALUE 1)"
                  : ONE_OF(m, "JSON_ARRAYAGG(n)", "JSON_ARRAYAGG(n NULL ON NULL)", "JSON_ARRAYAGG(k)"));
    say(m, object ? ") AS BIGINT) AS n FROM (SELECT DISTINCT k, n FROM " : ") AS BIGINT) AS n FROM (SELECT k, n FROM ");
    unsigned in = relation(m);
    say(m, ") GROUP BY k");
    used(m, SQL_OP_GROUP, in);
    if (object)
        used(m, SQL_OP_DISTINCT, in);
    return SQL_UPSERT | (in != SQL_APPEND ? SQL_DELETES : 0);
}

static unsigned group(struct sql_maker *m)
{
    if (sql_pick(m, 6) == 5)
        return json_group(m);
    bool having = sql_pick(m, 3) == 1;
    say(m, "SELECT k, ");
    aggregate(m);
    say(m, " AS n FROM ");
    unsigned in = relation(m);
    if (sql_pick(m, 3) == 1) {
        say(m, " WHERE ");
        predicate(m);
    }
    say(m, " GROUP BY k");
    if (having)
        say(m, ONE_OF(m, " HAVING COUNT(*) > 1", " HAVING SUM(n) > 5", " HAVING MAX(n) IS NOT NULL"));
    used(m, SQL_OP_GROUP, in);
    return SQL_UPSERT | (having || in != SQL_APPEND ? SQL_DELETES : 0);
}

/* The windows of a table, by which two may be joined; the table function needs a name. */
static void plain_windows(struct sql_maker *m, const char *name, uint32_t kind, uint32_t size)
{
    static const char *const heads[] = {"TABLE(TUMBLE(TABLE ", "TABLE(HOP(TABLE ", "TABLE(CUMULATE(TABLE "};
    static const char *const sizes[][3] = {
        {"INTERVAL '10' SECOND))", "INTERVAL '7' SECOND))", "INTERVAL '1' MINUTE))"},
        {"INTERVAL '5' SECOND, INTERVAL '10' SECOND))", "INTERVAL '2' SECOND, INTERVAL '6' SECOND))",
         "INTERVAL '3' SECOND, INTERVAL '9' SECOND))"},
    };
    say(m, heads[kind]);
    scan(m, name);
    say(m, ", DESCRIPTOR(ts), ");
    say(m, sizes[kind > 0][size]);
}

static void windows(struct sql_maker *m, const char *name)
{
    uint32_t kind = sql_pick(m, 4);
    if (kind < 3) {
        plain_windows(m, name, kind, sql_pick(m, 3));
        return;
    }
    say(m, "TABLE(SESSION(TABLE ");
    scan(m, name);
    say(m, sql_pick(m, 3) ? " PARTITION BY k, DESCRIPTOR(ts), " : ", DESCRIPTOR(ts), ");
    say(m, ONE_OF(m, "INTERVAL '3' SECOND))", "INTERVAL '1' SECOND))"));
}

static unsigned window_group(struct sql_maker *m)
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
    m->timed++;
    used(m, SQL_OP_WINDOW_GROUP, SQL_APPEND);
    return SQL_APPEND;
}

static unsigned join(struct sql_maker *m)
{
    uint32_t kind = sql_pick(m, 5);
    say(m, "SELECT COALESCE(x.k, y.k) AS k, ");
    say(m, ONE_OF(m, "CAST(COALESCE(x.n, 0) + COALESCE(y.n, 0) AS BIGINT)", "CAST(x.n AS BIGINT)", "CAST(y.n AS BIGINT)"));
    say(m, " AS n FROM (SELECT k, n FROM ");
    unsigned in = relation(m);
    say(m, ")");
    say(m, ((const char *const[]){" x JOIN ", " x LEFT JOIN ", " x RIGHT JOIN ", " x FULL JOIN ", " x INNER JOIN "})[kind]);
    say(m, "(SELECT k, n FROM ");
    in = of_both(in, relation(m));
    say(m, ") y ON x.k = y.k");
    if (sql_pick(m, 2))
        say(m, ONE_OF(m, " AND x.n < y.n", " AND x.n = y.n", " AND y.n > 2", " AND x.n IS NOT NULL"));
    bool inner = kind == 0 || kind == 4;
    used(m, inner ? SQL_OP_JOIN : SQL_OP_OUTER_JOIN, in);
    return inner ? without_key(in) : SQL_RETRACT | SQL_DELETES;
}

static unsigned timed_join(struct sql_maker *m)
{
    const char *left = ONE_OF(m, "u", "t", "w"), *right = ONE_OF(m, "u", "t", "w");
    say(m, "SELECT x.k AS k, CAST(x.n + y.n AS BIGINT) AS n FROM ");
    scan(m, left);
    say(m, " x JOIN ");
    scan(m, right);
    say(m, " y ON x.k = y.k AND x.ts BETWEEN y.ts - INTERVAL '3' SECOND AND y.ts + INTERVAL '2' SECOND");
    m->timed++;
    used(m, SQL_OP_INTERVAL_JOIN, SQL_APPEND);
    return SQL_APPEND;
}

/* Of the rows of a window with those of the same one. */
static unsigned window_join(struct sql_maker *m)
{
    const char *left = ONE_OF(m, "u", "t", "w"), *right = ONE_OF(m, "u", "t", "w");
    uint32_t kind = sql_pick(m, 3), size = sql_pick(m, 3);
    say(m, "SELECT COALESCE(x.k, y.k) AS k, CAST(COALESCE(x.n, 0) - COALESCE(y.n, 0) AS BIGINT) AS n FROM (SELECT * FROM ");
    plain_windows(m, left, kind, size);
    say(m, ONE_OF(m, ") x JOIN ", ") x LEFT JOIN ", ") x RIGHT JOIN ", ") x FULL JOIN "));
    say(m, "(SELECT * FROM ");
    plain_windows(m, right, kind, size);
    say(m, ") y ON x.window_start = y.window_start AND x.window_end = y.window_end AND x.k = y.k");
    say(m, ONE_OF(m, "", " AND x.n < y.n", " AND y.n > 2"));
    m->timed++;
    used(m, SQL_OP_WINDOW_JOIN, SQL_APPEND);
    return SQL_APPEND;
}

/* With the newest row of the key at the row's time. */
static unsigned temporal_join(struct sql_maker *m)
{
    bool left = sql_pick(m, 2);
    say(m, "SELECT x.k AS k, CAST(COALESCE(y.n, 0) + x.n AS BIGINT) AS n FROM ");
    timed(m);
    say(m, left ? " x LEFT JOIN " : " x JOIN ");
    scan(m, ONE_OF(m, "versions", "doubled"));
    say(m, " FOR SYSTEM_TIME AS OF x.ts AS y ON x.k = y.k");
    say(m, ONE_OF(m, "", " AND y.n > 2", " AND x.n > y.n", " AND x.n > 2"));
    say(m, ONE_OF(m, "", " WHERE x.k IS NOT NULL"));
    m->timed++;
    used(m, SQL_OP_TEMPORAL_JOIN, SQL_APPEND);
    return SQL_APPEND;
}

/* Ordered by all that comes out, so that ties are equal rows. */
static unsigned ranking(struct sql_maker *m)
{
    bool by_key = sql_pick(m, 2) == 0;
    say(m, "SELECT k, CAST(");
    say(m, sql_pick(m, 2) ? "rn" : "n");
    say(m, " AS BIGINT) AS n FROM (SELECT k, n, ROW_NUMBER() OVER (");
    if (by_key)
        say(m, "PARTITION BY k ");
    say(m, ONE_OF(m, "ORDER BY n, k", "ORDER BY n DESC, k", "ORDER BY k DESC, n DESC"));
    say(m, ") AS rn FROM ");
    used(m, SQL_OP_RANK, relation(m));
    say(m, ") WHERE rn <= ");
    say(m, ONE_OF(m, "1", "2", "3", "10"));
    return SQL_RETRACT | SQL_DELETES;
}

/* Of the rows of windows, or of groups by window. Ordered by all that comes out. */
static unsigned window_ranking(struct sql_maker *m)
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
    m->timed++;
    used(m, SQL_OP_WINDOW_RANK, SQL_APPEND);
    return SQL_APPEND;
}

/* By RANGE the order of equal times is not seen; by ROWS only the number of rows is asked. Below another query its
 * result is looked at, which may leave it unread: Flink then plans none, and drops no late rows. */
static unsigned over(struct sql_maker *m)
{
    bool by_key = sql_pick(m, 3) != 0, rows = sql_pick(m, 2), numbers = rows && sql_pick(m, 2), below = m->depth > 0;
    say(m, below ? "SELECT k, n FROM (SELECT k, CAST(" : "SELECT k, CAST(");
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
    say(m, below ? ") WHERE n IS NULL OR n <> 1000" : "");
    m->timed++;
    used(m, SQL_OP_OVER, SQL_APPEND);
    return SQL_APPEND;
}

/* In the order of a value, where equal rows have one result, or numbers that nobody can tell apart; ranks where no two
 * are equal, as Flink counts those that are (docs/sql/differences.md). Not below another query: Flink does not take
 * back all that it has told. */
static unsigned over_values(struct sql_maker *m)
{
    uint32_t kind = sql_pick(m, 3);
    say(m, "SELECT k, CAST(");
    if (kind == 0)
        say(m, ONE_OF(m, "COUNT(*)", "SUM(n)", "MIN(n)", "COUNT(DISTINCT n)", "AVG(n)", "LAST_VALUE(n)"));
    else
        say(m, kind == 1 ? "ROW_NUMBER()" : ONE_OF(m, "RANK()", "DENSE_RANK()"));
    say(m, kind == 0 && sql_pick(m, 2) ? " OVER (ORDER BY n" : " OVER (PARTITION BY k ORDER BY n");
    say(m, kind == 0 ? ONE_OF(m, "", " RANGE UNBOUNDED PRECEDING") : "");
    say(m, ") AS BIGINT) AS n FROM (SELECT ");
    say(m, kind == 2 ? "DISTINCT k, n FROM " : "k, n FROM ");
    unsigned in = relation(m);
    say(m, ")");
    used(m, SQL_OP_OVER_VALUES, in);
    if (kind == 2)
        used(m, SQL_OP_DISTINCT, in);
    return SQL_RETRACT | SQL_DELETES;
}

static void condition(struct sql_maker *m)
{
    say(m, ONE_OF(m, "TRUE", "n > 2", "n > LAST(n, 1) OR LAST(n, 1) IS NULL", "k <> 'a'", "SUM(n) < 20", "n >= FIRST(n)",
                  "COUNT(*) < 4", "n < MAX(n) OR n IS NULL"));
}

/* Ordered by all that is looked at, so that ties are equal rows. */
static unsigned matching(struct sql_maker *m)
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
    m->timed++;
    used(m, SQL_OP_MATCH, SQL_APPEND);
    return SQL_APPEND;
}

static unsigned select_from(struct sql_maker *m)
{
    bool distinct = sql_pick(m, 4) == 1;
    say(m, distinct ? "SELECT DISTINCT " : "SELECT ");
    text(m);
    say(m, " AS k, CAST(");
    number(m);
    say(m, " AS BIGINT) AS n FROM ");
    unsigned in = relation(m), out = without_key(in);
    if (sql_pick(m, 2)) {
        say(m, " WHERE ");
        predicate(m);
        out |= out == SQL_APPEND ? 0 : SQL_DELETES;
    }
    used(m, distinct ? SQL_OP_DISTINCT : SQL_OP_SELECT, in);
    return distinct && in != SQL_APPEND ? SQL_RETRACT | SQL_DELETES : out;
}

/* Rows that others let pass: NULLs count in NOT IN. */
static unsigned passing(struct sql_maker *m)
{
    static const char *const tests[] = {"k IN (SELECT k FROM ",     "k NOT IN (SELECT k FROM ",
                                        "n NOT IN (SELECT n FROM ", "(k, n) IN (SELECT k, n FROM ",
                                        "EXISTS (SELECT * FROM ",   "NOT EXISTS (SELECT * FROM "};
    say(m, "SELECT k, CAST(n AS BIGINT) AS n FROM (SELECT k, n FROM ");
    unsigned in = relation(m), test = sql_pick(m, sizeof(tests) / sizeof(*tests));
    bool anti = strstr(tests[test], "NOT") != NULL;
    say(m, ") x WHERE ");
    say(m, tests[test]);
    in = of_both(in, relation(m));
    say(m, " y WHERE ");
    say(m, ONE_OF(m, "x.k = y.k", "x.k = y.k AND x.n < y.n", "x.k = y.k AND y.n > 2", "x.n < y.n", "y.n IS NOT NULL",
                  "x.n = y.n AND x.k <> y.k"));
    say(m, ")");
    if (sql_pick(m, 3) == 1)
        say(m, " AND n > 1");
    used(m, anti ? SQL_OP_ANTI_JOIN : SQL_OP_SEMI_JOIN, in);
    return in == SQL_APPEND && !anti ? SQL_APPEND : SQL_RETRACT | SQL_DELETES;
}

/* By what the rows of the same key are together. */
static unsigned passing_groups(struct sql_maker *m)
{
    static const char *const tests[] = {"n IN (SELECT MAX(n) FROM ", "n NOT IN (SELECT MIN(n) FROM ", "n <= (SELECT AVG(n) FROM ",
                                        "EXISTS (SELECT k FROM ", "NOT EXISTS (SELECT k FROM "};
    uint32_t test = sql_pick(m, sizeof(tests) / sizeof(*tests));
    say(m, "SELECT k, CAST(n AS BIGINT) AS n FROM (SELECT k, n FROM ");
    unsigned in = relation(m);
    say(m, ") x WHERE ");
    say(m, tests[test]);
    in = of_both(in, relation(m));
    say(m, " y WHERE y.k = x.k");
    if (test < 3)
        say(m, ONE_OF(m, "", " GROUP BY k"));
    else
        say(m, ONE_OF(m, " GROUP BY k HAVING COUNT(*) > 1", " GROUP BY k HAVING MAX(n) > 4", " GROUP BY k"));
    say(m, ")");
    used(m, test == 2 ? SQL_OP_SCALAR : strstr(tests[test], "NOT") ? SQL_OP_ANTI_JOIN : SQL_OP_SEMI_JOIN, in);
    return SQL_RETRACT | SQL_DELETES;
}

/* Values that others have: of all rows, or of those with the same key. */
static unsigned looking(struct sql_maker *m)
{
    bool by_key = sql_pick(m, 2);
    say(m, "SELECT k, CAST(");
    say(m, ONE_OF(m, "COALESCE(n, 1) + (SELECT ", "n * (SELECT ", "(SELECT "));
    say(m, ONE_OF(m, "MAX(n)", "COUNT(*)", "COALESCE(SUM(n), -1)", "COUNT(n) + 1"));
    say(m, " FROM ");
    unsigned in = relation(m);
    say(m, by_key ? " y WHERE x.k = y.k) AS BIGINT) AS n FROM (SELECT k, n FROM " : ") AS BIGINT) AS n FROM (SELECT k, n FROM ");
    in = of_both(in, relation(m));
    say(m, ") x");
    if (sql_pick(m, 2)) {
        say(m, ONE_OF(m, " WHERE n > 5 OR k IN (SELECT k FROM ", " WHERE n = 1 OR n NOT IN (SELECT n FROM ",
                      " WHERE k = 'a' OR EXISTS (SELECT * FROM "));
        in = of_both(in, relation(m));
        say(m, ONE_OF(m, " z)", " z WHERE z.k = x.k)"));
    }
    used(m, SQL_OP_SCALAR, in);
    return SQL_RETRACT | SQL_DELETES;
}

static unsigned both(struct sql_maker *m)
{
    static const char *const words[] = {" UNION ALL",     " UNION",  " INTERSECT",
                                        " INTERSECT ALL", " EXCEPT", " EXCEPT ALL"};
    say(m, "SELECT k, CAST(n AS BIGINT) AS n FROM ");
    unsigned in = relation(m), word = sql_pick(m, sizeof(words) / sizeof(*words));
    say(m, words[word]);
    say(m, " SELECT k, CAST(n AS BIGINT) FROM ");
    in = of_both(in, relation(m));
    used(m, word ? SQL_OP_SET : SQL_OP_UNION_ALL, in);
    return word == 0 || (word == 1 && in == SQL_APPEND) ? without_key(in) : SQL_RETRACT | SQL_DELETES;
}

/* Each row once for each of some values that it has. */
static unsigned elements(struct sql_maker *m)
{
    uint32_t left = sql_pick(m, 2), text_keys = sql_pick(m, 2);
    say(m, text_keys ? "SELECT v AS k, CAST(n + o AS BIGINT) AS n" : "SELECT k, CAST(v + o AS BIGINT) AS n");
    say(m, " FROM (SELECT k, n FROM ");
    unsigned in = relation(m);
    say(m, left ? ") x LEFT JOIN UNNEST(" : ") x CROSS JOIN UNNEST(");
    say(m, text_keys ? ONE_OF(m, "ARRAY[k, 'b', UPPER(k)]", "CASE WHEN n > 2 THEN ARRAY[k] END")
                     : ONE_OF(m, "ARRAY[n, 1, n + 1]", "CASE WHEN n > 2 THEN ARRAY[n, n] END"));
    say(m, left ? ") WITH ORDINALITY AS y (v, o) ON TRUE" : ") WITH ORDINALITY AS y (v, o)");
    used(m, SQL_OP_UNNEST, in);
    return without_key(in);
}

static unsigned query(struct sql_maker *m)
{
    static unsigned (*const forms[])(struct sql_maker *) = {
        select_from, group,          window_group, join,           ranking, temporal_join, both,    timed_join, group,
        window_join, window_ranking, passing,      passing_groups, looking, elements,      over,    matching,   over_values};
    uint32_t count = sizeof(forms) / sizeof(*forms);
    return forms[sql_pick(m, m->depth ? count - 1 : count)](m);
}

void sql_make_query(struct sql_maker *m)
{
    memset(m->inputs, 0, sizeof(m->inputs));
    m->scans = m->timed = 0;
    query(m);
}

static unsigned relation(struct sql_maker *m)
{
    unsigned change = SQL_APPEND, form = m->depth++ > DEPTH_MAX - 1 ? 0 : sql_pick(m, 8);

    if (form < 3)
        timed(m);
    else if (form == 3) {
        scan(m, "versions");
        change = SQL_UPSERT;
    } else if (form == 4) {
        scan(m, "moving");
        change = SQL_RETRACT | SQL_DELETES;
    } else {
        say(m, "(");
        change = query(m);
        say(m, ")");
    }
    m->depth--;
    return change;
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

static const char wild_records[][96] = {
    "{\"n\":\"x\"}\n",
    "{\n",
    "null\n",
    "[]\n",
    "{\"ts\":\"never\"}\n",
    "{\"a\":[1,null],\"m\":{\"a\":null}}\n",
    "{\"r\":{\"p\":9,\"q\":\"z\"},\"d\":123456789.999,\"x\":1e999}\n",
    "{\"k\":\"\\ud800\"}\n",
};

/* Without ties the clock moves on for each record, and its seconds are the milliseconds too: no other has both. */
static unsigned made_record(struct sql_maker *m, unsigned traits, uint32_t *clock_s)
{
    uint32_t jitter = sql_pick(m, 5), n = sql_pick(m, 9), step = sql_pick(m, 3), ms = 0;
    const char *k = ONE_OF(m, "\"a\"", "\"b\"", "\"c\"", "null", "\"\"", "\"ab\"");
    unsigned has = 0;

    if (!(traits & SQL_TIES)) {
        step += !step;
        ms = *clock_s % 1000;
    }
    if (traits & SQL_LATE && *clock_s > 10 && sql_pick(m, 4) == 1) {
        jitter += 10 + sql_pick(m, 6);
        has |= SQL_LATE;
    }
    if (!(traits & SQL_NULLS)) {
        n = n < 8 ? n : 0;
        k = *k == 'n' ? "\"d\"" : k;
    }
    has |= n == 8 || *k == 'n' ? SQL_NULLS : 0;
    has |= step == 0 ? SQL_TIES : 0;
    uint32_t at = *clock_s + 20 - jitter;
    *clock_s += step;
    buf_printf(&m->out, "{\"k\":%s,", k);
    if (n < 8)
        buf_printf(&m->out, "\"n\":%u,\"d\":%u.25,\"x\":%u.5,\"b\":%s,", n, n, n, n & 1 ? "true" : "false");
    buf_printf(&m->out, "\"ts\":\"2024-01-01 %02u:%02u:%02u.%03u\"}\n", at / 3600 % 24, at / 60 % 60, at % 60, ms);
    return has;
}

unsigned sql_make_records(struct sql_maker *m, uint32_t count, unsigned traits, uint32_t *clock_s)
{
    unsigned has = 0;

    for (uint32_t i = 0; i < count; i++) {
        if (traits & SQL_WILD && sql_pick(m, 6) == 1) {
            say(m, wild_records[sql_pick(m, sizeof(wild_records) / sizeof(*wild_records))]);
            has |= SQL_WILD;
        } else {
            has |= made_record(m, traits, clock_s);
        }
    }
    return has;
}
