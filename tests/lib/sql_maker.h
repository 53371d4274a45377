/* sql_maker.h: statements made from a string of bytes, each byte a choice: a fuzzer's input, or chance.
 *
 * The same bytes make the same text. Bytes that have run out choose the first and simplest form, so a
 * short string makes a short statement and recursion ends.
 *
 *     struct sql_maker m;
 *     sql_maker_init(&m, bytes);
 *     sql_make_query(&m);          "SELECT …" in m.out, over the tables of sql_maker_tables
 *     sql_maker_deinit(&m);
 */
#ifndef QW_TESTS_SQL_MAKER_H
#define QW_TESTS_SQL_MAKER_H

#include "base/buf.h"

/* What a query is made of, by name; a row of the table that the comparison with Flink fills. */
#define SQL_OPERATORS(X)                                                                                           \
    X(SELECT, "select")                                                                                            \
    X(DISTINCT, "distinct")                                                                                        \
    X(GROUP, "group")                                                                                              \
    X(WINDOW_GROUP, "window-group")                                                                                \
    X(JOIN, "join")                                                                                                \
    X(OUTER_JOIN, "outer-join")                                                                                    \
    X(INTERVAL_JOIN, "interval-join")                                                                              \
    X(WINDOW_JOIN, "window-join")                                                                                  \
    X(TEMPORAL_JOIN, "temporal-join")                                                                              \
    X(RANK, "rank")                                                                                                \
    X(WINDOW_RANK, "window-rank")                                                                                  \
    X(OVER, "over")                                                                                                \
    X(OVER_VALUES, "over-values")                                                                                  \
    X(MATCH, "match")                                                                                              \
    X(UNION_ALL, "union-all")                                                                                      \
    X(SET, "set")                                                                                                  \
    X(SEMI_JOIN, "semi-join")                                                                                      \
    X(ANTI_JOIN, "anti-join")                                                                                      \
    X(SCALAR, "scalar")                                                                                            \
    X(UNNEST, "unnest")

enum sql_operator {
#define SQL_OPERATOR(name, text) SQL_OP_##name,
    SQL_OPERATORS(SQL_OPERATOR)
#undef SQL_OPERATOR
        SQL_OPS_COUNT,
};

/* How a relation changes: rows come; rows of a key that the planner knows change; any row changes. With
 * SQL_DELETES rows may go and not come again. */
enum sql_change { SQL_APPEND, SQL_UPSERT, SQL_RETRACT, SQL_CHANGES_COUNT, SQL_DELETES = 4 };

struct sql_maker {
    const uint8_t *at, *end;
    struct buf out;
    int depth;
    /* of the query that was made last: a set of enum sql_change for each operator in it (of its inputs, the one that
     * changes most; bit of the sum with SQL_DELETES), how often a table is read, how many operators look at time */
    uint8_t inputs[SQL_OPS_COUNT];
    unsigned scans, timed;
};

/* What records have: each given makes some of them so. */
enum sql_trait {
    SQL_NULLS = 1, /* in k and in n */
    SQL_TIES = 2,  /* equal times; else no two records of one call and the next have the same */
    SQL_LATE = 4,  /* up to 20 seconds behind, where the watermark is 5 behind */
    SQL_WILD = 8,  /* what cannot be decoded */
};

/* CREATE TABLE of `t` (k, n, d, b, ts, m, r, a) and `u` (k, n, ts), both topics of JSON with a watermark
 * five seconds behind, and views: `w` over `t`; `versions` and `doubled` of the newest row of each k; `moving` of
 * rows of u whose k and n change, and which go. */
extern const char sql_maker_tables[];

void sql_maker_init(struct sql_maker *m, struct bytes choices);
void sql_maker_deinit(struct sql_maker *m);
uint32_t sql_pick(struct sql_maker *m, uint32_t choices); /* 0 … choices - 1 */

/* A query of columns k STRING and n BIGINT whose folded result is a function of the multiset of its rows:
 * filters, groups, windows, joins, rankings, unions, one in another. */
void sql_make_query(struct sql_maker *m);
/* Any statement, most of them wrong somewhere: functions with any arguments, casts, options, names. */
void sql_make_statement(struct sql_maker *m);
/* JSON records for t or u, a line each, times in order within five seconds, with traits. *clock_s goes on from call
 * to call. Gives those of the traits that the records do have. */
unsigned sql_make_records(struct sql_maker *m, uint32_t count, unsigned traits, uint32_t *clock_s);

#endif
