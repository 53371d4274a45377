/* score.c: Quickwater inside a program: scores payments against a running aggregate.
 *
 * usage: score [PAYMENTS]      build: see README.md beside this file
 *
 * A payment is suspicious when it is many times what its card usually pays. The usual is a
 * materialized table that the engine keeps; the scores are another; the program pushes payments and is
 * called for each score.
 */
#include <quickwater.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char job[] =
    "CREATE TABLE payments (id BIGINT, card STRING NOT NULL, amount DOUBLE)"
    "  WITH ('connector' = 'kafka', 'topic' = 'payments', 'format' = 'row');"
    "CREATE MATERIALIZED TABLE cards AS"
    "  SELECT card, COUNT(*) AS payments, AVG(amount) AS usual, MAX(amount) AS greatest"
    "  FROM payments GROUP BY card;";

enum { USUAL = 2, GREATEST = 3 }; /* columns of cards */

static void on_change(void *context, const qw_change *change)
{
    long *changes = context;
    qw_value usual, greatest;

    if (change->op[0] != '+' || qw_change_value(change, USUAL, QW_DOUBLE, &usual, NULL) ||
        qw_change_value(change, GREATEST, QW_DOUBLE, &greatest, NULL))
        return;
    ++*changes;
    if (greatest.as.d > 10 * usual.as.d)
        printf("suspicious: %.*s\n", (int)change->row_len, change->row); /* the row as JSON */
}

static int fail(const qw_error *error)
{
    fprintf(stderr, "score: %s\n", error->message);
    return 1;
}

/* What is pushed is durable; the view follows, a tick at a time. */
static int await_all(qw *q, int payments, qw_error *error)
{
    for (int counted = 0; counted < payments;) {
        qw_result *result;
        if (qw_sql(q, "SELECT SUM(payments) AS payments FROM cards", &result, error))
            return -1;
        const char *text = qw_result_rows(result) ? qw_result_text(result, 0, 0) : NULL;
        counted = text ? atoi(text) : 0;
        qw_result_free(result);
    }
    return 0;
}

int main(int argc, char **argv)
{
    int payments = argc > 1 ? atoi(argv[1]) : 10000;
    long changes = 0;
    char card[32];
    qw_writer *writer;
    qw_subscription *subscription;
    qw_error error;
    qw *q;

    if (qw_open(NULL, &q, &error)) /* in memory: nothing is written to disk */
        return fail(&error);
    if (qw_sql(q, job, NULL, &error) ||
        qw_subscribe(q, "cards", 0, on_change, &changes, &subscription, &error) ||
        qw_writer_open(q, "payments", &writer, &error))
        return fail(&error);
    for (int i = 0; i < payments; i++) {
        int len = snprintf(card, sizeof(card), "card-%d", i % 20);
        const qw_value row[] = {qw_int64(i), qw_text(card, (size_t)len),
                                qw_double(i % 997 == 996 ? 5000 : 10 + i % 50)};
        if (qw_push_row(writer, row, 3, NULL, NULL, &error))
            return fail(&error);
    }
    if (qw_push_wait(q, &error))
        return fail(&error);
    if (await_all(q, payments, &error))
        return fail(&error);
    printf("%d payments scored\n", payments);
    qw_writer_close(writer);
    qw_unsubscribe(subscription);
    qw_close(q);
    return changes == 0;
}
