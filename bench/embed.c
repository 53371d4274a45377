/* embed.c: the library from inside a program: from the push to the subscriber's callback, through the running
 * aggregate of examples/embed. Rows are JSON texts (qw_push, and what the callback needs is searched in the row's
 * text) or typed (qw_push_row into a table of format `row`, and the columns asked for by index and type).
 *
 * usage: embed [--rows json|typed] [--data DIR] [--rate N] [--seconds S] [--burst N]
 *
 * Paced: N pushes a second, each due at its own moment and counted from it, however late the one before
 * was. Then a burst as fast as the library takes it, timed to the last callback. Prints one JSON line.
 */
#include <quickwater.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CARDS = 1000, LINE_BYTES = 128 };

#define JOB(format)                                                                  \
    "CREATE TABLE payments (id BIGINT, card STRING, amount DOUBLE)"                  \
    "  WITH ('connector' = 'kafka', 'topic' = 'payments', 'format' = '" format "');" \
    "CREATE MATERIALIZED TABLE cards AS"                                             \
    "  SELECT card, COUNT(*) AS payments, AVG(amount) AS usual, MAX(amount) AS greatest" \
    "  FROM payments GROUP BY card;"

enum { CARD = 0, PAYMENTS = 1 }; /* columns of cards */

/* Payment i is of card i % CARDS and makes it the (i / CARDS + 1)-th: so a change says which pushes it
 * answers, also where one tick took several of a card. */
struct answers {
    const int64_t *due_ns;
    int64_t *took_ns;
    int typed;
    int64_t counted[CARDS];
    _Atomic int64_t seen;
};

static int64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Of the row's text. */
static int read_text(const qw_change *change, long *card, long *count)
{
    const char *at = strstr(change->row, "\"card-"), *n = strstr(change->row, "\"payments\":");

    if (!at || !n)
        return 0;
    *card = strtol(at + 6, NULL, 10);
    *count = strtol(n + 11, NULL, 10);
    return 1;
}

static int read_typed(const qw_change *change, long *card, long *count)
{
    qw_value name, n;

    if (qw_change_value(change, CARD, QW_TEXT, &name, NULL) || name.kind != QW_TEXT ||
        qw_change_value(change, PAYMENTS, QW_INT64, &n, NULL))
        return 0;
    const char *digits = name.as.bytes.ptr;
    *card = 0;
    for (size_t i = 5; i < name.as.bytes.len; i++) /* "card-…", not terminated */
        *card = *card * 10 + (digits[i] - '0');
    *count = (long)n.as.i;
    return 1;
}

static void on_change(void *context, const qw_change *change)
{
    struct answers *a = context;
    int64_t seen = 0;
    long c, n;

    if (change->op[0] != '+' || !(a->typed ? read_typed : read_text)(change, &c, &n))
        return;
    int64_t now = now_ns();
    for (int64_t k = a->counted[c]; k < n; k++, seen++)
        a->took_ns[k * CARDS + c] = now - a->due_ns[k * CARDS + c];
    a->counted[c] = n;
    atomic_fetch_add(&a->seen, seen);
}

static int fail(const qw_error *error)
{
    fprintf(stderr, "embed: %s\n", error->message);
    return 1;
}

struct host {
    qw *q;
    qw_writer *writer; /* NULL: rows are JSON */
};

static int push_json(qw *q, int64_t i, qw_error *error)
{
    char row[LINE_BYTES];
    int len = snprintf(row, sizeof(row), "{\"id\":%lld,\"card\":\"card-%lld\",\"amount\":%.2f}",
                       (long long)i, (long long)(i % CARDS), 10 + (double)(i % 50));

    return qw_push(q, "payments", row, (size_t)len, error);
}

static int push_typed(qw_writer *writer, int64_t i, qw_error *error)
{
    char card[24];
    int len = snprintf(card, sizeof(card), "card-%lld", (long long)(i % CARDS));
    const qw_value row[] = {qw_int64(i), qw_text(card, (size_t)len), qw_double(10 + (double)(i % 50))};

    return qw_push_row(writer, row, 3, NULL, NULL, error);
}

static int push(const struct host *host, int64_t i, qw_error *error)
{
    int code;

    while ((code = host->writer ? push_typed(host->writer, i, error)
                                : push_json(host->q, i, error)) == QW_E_LIMIT)
        nanosleep(&(struct timespec){0, 100000}, NULL);
    return code;
}

static void sleep_until(int64_t at_ns)
{
    struct timespec t = {at_ns / 1000000000, at_ns % 1000000000};

    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

static int await(struct answers *a, int64_t count)
{
    for (int i = 0; atomic_load(&a->seen) < count; i++) {
        if (i == 300000)
            return fprintf(stderr, "embed: only %lld of %lld changes came in 30 s\n",
                           (long long)atomic_load(&a->seen), (long long)count), 1;
        nanosleep(&(struct timespec){0, 100000}, NULL);
    }
    return 0;
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static double quantile_us(const int64_t *sorted, int64_t count, double q)
{
    int64_t at = (int64_t)(q * (double)count);

    return (double)sorted[at < count ? at : count - 1] / 1000;
}

struct plan {
    const char *data, *rows;
    int64_t rate, seconds, burst;
};

static int measure(const struct host *host, const struct plan *p, struct answers *a, int64_t *due_ns)
{
    int64_t paced = p->rate * p->seconds, all = paced + p->burst;
    qw_error error;

    int64_t start = now_ns() + 1000000;
    for (int64_t i = 0; i < paced; i++) {
        due_ns[i] = start + i * 1000000000 / p->rate;
        sleep_until(due_ns[i]);
        if (push(host, i, &error))
            return fail(&error);
    }
    if (await(a, paced))
        return 1;
    int64_t from = now_ns();
    for (int64_t i = paced; i < all; i++) {
        due_ns[i] = from;
        if (push(host, i, &error))
            return fail(&error);
    }
    if (await(a, all))
        return 1;
    double seconds = (double)(now_ns() - from) / 1e9;
    qsort(a->took_ns, (size_t)paced, sizeof(*a->took_ns), compare);
    printf("{\"rows\":\"%s\",\"pushes\":%lld,\"rate\":%lld,\"p50_us\":%.1f,\"p99_us\":%.1f,\"p999_us\":%.1f,"
           "\"p9999_us\":%.1f,\"burst\":%lld,\"events_per_second\":%.0f}\n",
           p->rows, (long long)paced, (long long)p->rate, quantile_us(a->took_ns, paced, 0.5),
           quantile_us(a->took_ns, paced, 0.99), quantile_us(a->took_ns, paced, 0.999),
           quantile_us(a->took_ns, paced, 0.9999), (long long)p->burst, (double)p->burst / seconds);
    return 0;
}

static int run(const struct plan *p)
{
    size_t all = (size_t)(p->rate * p->seconds + p->burst) + CARDS;
    int64_t *due_ns = calloc(all, sizeof(*due_ns)), *took_ns = calloc(all, sizeof(*took_ns));
    struct answers answers = {.due_ns = due_ns, .took_ns = took_ns};
    qw_options options = {.size = sizeof(options), .data_dir = p->data};
    qw_subscription *subscription;
    qw_error error;
    struct host host = {0};

    answers.typed = strcmp(p->rows, "typed") == 0;
    if (!due_ns || !took_ns)
        return fprintf(stderr, "embed: not enough memory\n"), 1;
    if (qw_open(&options, &host.q, &error))
        return fail(&error);
    int code = qw_sql(host.q, answers.typed ? JOB("row") : JOB("json"), NULL, &error) ||
                       qw_subscribe(host.q, "cards", 0, on_change, &answers, &subscription, &error) ||
                       (answers.typed && qw_writer_open(host.q, "payments", &host.writer, &error))
                   ? fail(&error)
                   : 0;
    if (!code) {
        code = measure(&host, p, &answers, due_ns);
        qw_unsubscribe(subscription);
    }
    qw_writer_close(host.writer);
    qw_close(host.q);
    free(due_ns);
    free(took_ns);
    return code;
}

int main(int argc, char **argv)
{
    struct plan p = {.rows = "json", .rate = 10000, .seconds = 10, .burst = 1000000};

    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--rows") == 0)
            p.rows = argv[i + 1];
        else if (strcmp(argv[i], "--data") == 0)
            p.data = argv[i + 1];
        else if (strcmp(argv[i], "--rate") == 0)
            p.rate = atoll(argv[i + 1]);
        else if (strcmp(argv[i], "--seconds") == 0)
            p.seconds = atoll(argv[i + 1]);
        else if (strcmp(argv[i], "--burst") == 0)
            p.burst = atoll(argv[i + 1]);
        else
            p.rate = 0;
    }
    if (strcmp(p.rows, "json") != 0 && strcmp(p.rows, "typed") != 0)
        p.rate = 0;
    if (argc % 2 == 0 || p.rate < 1 || p.seconds < 1 || p.burst < 1)
        return fprintf(stderr, "usage: embed [--rows json|typed] [--data DIR] [--rate N] [--seconds S] [--burst N]\n"), 2;
    return run(&p);
}
