/* embed.c: the library from inside a program: from qw_push to the subscriber's callback, through the running
 * aggregate of examples/embed.
 *
 * usage: embed [--data DIR] [--rate N] [--seconds S] [--burst N]
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

static const char job[] =
    "CREATE TABLE payments (id BIGINT, card STRING, amount DOUBLE)"
    "  WITH ('connector' = 'kafka', 'topic' = 'payments', 'format' = 'json');"
    "CREATE MATERIALIZED TABLE cards AS"
    "  SELECT card, COUNT(*) AS payments, AVG(amount) AS usual, MAX(amount) AS greatest"
    "  FROM payments GROUP BY card;";

/* Payment i is of card i % CARDS and makes it the (i / CARDS + 1)-th: so a change says which pushes it
 * answers, also where one tick took several of a card. */
struct answers {
    const int64_t *due_ns;
    int64_t *took_ns;
    int64_t counted[CARDS];
    _Atomic int64_t seen;
};

static int64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void on_change(void *context, const qw_change *change)
{
    struct answers *a = context;
    const char *card = strstr(change->row, "\"card-"), *count = strstr(change->row, "\"payments\":");
    int64_t now = now_ns(), seen = 0;

    if (change->op[0] != '+' || !card || !count)
        return;
    long c = strtol(card + 6, NULL, 10), n = strtol(count + 11, NULL, 10);
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

static int push(qw *q, int64_t i, qw_error *error)
{
    char row[LINE_BYTES];
    int len = snprintf(row, sizeof(row), "{\"id\":%lld,\"card\":\"card-%lld\",\"amount\":%.2f}",
                       (long long)i, (long long)(i % CARDS), 10 + (double)(i % 50));
    int code;

    while ((code = qw_push(q, "payments", row, (size_t)len, error)) == QW_E_LIMIT)
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
    const char *data;
    int64_t rate, seconds, burst;
};

static int measure(qw *q, const struct plan *p, struct answers *a, int64_t *due_ns)
{
    int64_t paced = p->rate * p->seconds, all = paced + p->burst;
    qw_error error;

    int64_t start = now_ns() + 1000000;
    for (int64_t i = 0; i < paced; i++) {
        due_ns[i] = start + i * 1000000000 / p->rate;
        sleep_until(due_ns[i]);
        if (push(q, i, &error))
            return fail(&error);
    }
    if (await(a, paced))
        return 1;
    int64_t from = now_ns();
    for (int64_t i = paced; i < all; i++) {
        due_ns[i] = from;
        if (push(q, i, &error))
            return fail(&error);
    }
    if (await(a, all))
        return 1;
    double seconds = (double)(now_ns() - from) / 1e9;
    qsort(a->took_ns, (size_t)paced, sizeof(*a->took_ns), compare);
    printf("{\"pushes\":%lld,\"rate\":%lld,\"p50_us\":%.1f,\"p99_us\":%.1f,\"p999_us\":%.1f,"
           "\"p9999_us\":%.1f,\"burst\":%lld,\"events_per_second\":%.0f}\n",
           (long long)paced, (long long)p->rate, quantile_us(a->took_ns, paced, 0.5),
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
    qw *q;

    if (!due_ns || !took_ns)
        return fprintf(stderr, "embed: not enough memory\n"), 1;
    if (qw_open(&options, &q, &error))
        return fail(&error);
    int code = qw_sql(q, job, NULL, &error) ||
                       qw_subscribe(q, "cards", 0, on_change, &answers, &subscription, &error)
                   ? fail(&error)
                   : 0;
    if (!code) {
        code = measure(q, p, &answers, due_ns);
        qw_unsubscribe(subscription);
    }
    qw_close(q);
    free(due_ns);
    free(took_ns);
    return code;
}

int main(int argc, char **argv)
{
    struct plan p = {.rate = 10000, .seconds = 10, .burst = 1000000};

    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--data") == 0)
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
    if (argc % 2 == 0 || p.rate < 1 || p.seconds < 1 || p.burst < 1)
        return fprintf(stderr, "usage: embed [--data DIR] [--rate N] [--seconds S] [--burst N]\n"), 2;
    return run(&p);
}
