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

struct sql_maker {
    const uint8_t *at, *end;
    struct buf out;
    int depth;
};

/* CREATE TABLE of `t` (k, n, d, b, ts, m, r, a) and `u` (k, n, ts), both topics of JSON with a watermark
 * five seconds behind, and a view `w` over `t`. */
extern const char sql_maker_tables[];

void sql_maker_init(struct sql_maker *m, struct bytes choices);
void sql_maker_deinit(struct sql_maker *m);
uint32_t sql_pick(struct sql_maker *m, uint32_t choices); /* 0 … choices - 1 */

/* A query of columns k STRING and n BIGINT whose folded result is a function of the multiset of its rows:
 * filters, groups, windows, joins, rankings, unions, one in another. */
void sql_make_query(struct sql_maker *m);
/* Any statement, most of them wrong somewhere: functions with any arguments, casts, options, names. */
void sql_make_statement(struct sql_maker *m);
/* JSON records for t or u, a line each, times in order within five seconds; some with NULLs and ties, and
 * where wild some that cannot be decoded. *clock_s goes on from call to call. */
void sql_make_records(struct sql_maker *m, uint32_t count, bool wild, uint32_t *clock_s);

#endif
