/* sqlite_upsert.c: the peer of bench/embed.c: the same payments through SQLite, in the program's own thread.
 *
 * usage: sqlite_upsert FILE|:memory: RATE SECONDS BURST
 *
 * One prepared INSERT … ON CONFLICT DO UPDATE … RETURNING a payment, a transaction each: what a program does that keeps
 * the running aggregate of each card in SQLite. A file is in WAL mode with synchronous = FULL, so that what is
 * answered is on disk. There is no other thread, no JSON and no changelog; values are bound as numbers and
 * text. Prints the same JSON line as embed.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CARDS = 1000 };

static int64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void must(int ok, sqlite3 *db, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "sqlite_upsert: %s: %s\n", what, sqlite3_errmsg(db));
    exit(1);
}

static double greatest_usual; /* what a program would look at */

static void pay(sqlite3 *db, sqlite3_stmt *upsert, int64_t i)
{
    char card[32];

    snprintf(card, sizeof(card), "card-%lld", (long long)(i % CARDS));
    sqlite3_bind_text(upsert, 1, card, -1, SQLITE_TRANSIENT);
    sqlite3_bind_double(upsert, 2, 10 + (double)(i % 50));
    must(sqlite3_step(upsert) == SQLITE_ROW, db, "upsert");
    double usual = sqlite3_column_double(upsert, 2);
    greatest_usual = usual > greatest_usual ? usual : greatest_usual;
    must(sqlite3_step(upsert) == SQLITE_DONE, db, "upsert");
    sqlite3_reset(upsert);
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

int main(int argc, char **argv)
{
    sqlite3 *db;
    sqlite3_stmt *upsert;

    if (argc != 5)
        return fprintf(stderr, "usage: sqlite_upsert FILE|:memory: RATE SECONDS BURST\n"), 2;
    int64_t rate = atoll(argv[2]), paced = rate * atoll(argv[3]), burst = atoll(argv[4]);
    int64_t *took = calloc((size_t)paced + 1, sizeof(*took));
    must(sqlite3_open(argv[1], &db) == SQLITE_OK, db, "open");
    must(sqlite3_exec(db,
                      "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                      "CREATE TABLE cards (card TEXT PRIMARY KEY, payments INT, total REAL, greatest REAL)"
                      " WITHOUT ROWID", NULL, NULL, NULL) == SQLITE_OK, db, "schema");
    must(sqlite3_prepare_v2(db,
                            "INSERT INTO cards VALUES (?1, 1, ?2, ?2) ON CONFLICT (card) DO UPDATE SET"
                            " payments = payments + 1, total = total + ?2, greatest = MAX(greatest, ?2)"
                            " RETURNING card, payments, total / payments, greatest",
                            -1, &upsert, NULL) == SQLITE_OK, db, "prepare");
    int64_t start = now_ns() + 1000000;
    for (int64_t i = 0; i < paced; i++) {
        int64_t due = start + i * 1000000000 / rate;
        struct timespec t = {due / 1000000000, due % 1000000000};
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
        pay(db, upsert, i);
        took[i] = now_ns() - due;
    }
    int64_t from = now_ns();
    for (int64_t i = paced; i < paced + burst; i++)
        pay(db, upsert, i);
    double seconds = (double)(now_ns() - from) / 1e9;
    qsort(took, (size_t)paced, sizeof(*took), compare);
    printf("{\"pushes\":%lld,\"rate\":%lld,\"p50_us\":%.1f,\"p99_us\":%.1f,\"p999_us\":%.1f,"
           "\"p9999_us\":%.1f,\"burst\":%lld,\"events_per_second\":%.0f}\n",
           (long long)paced, (long long)rate, quantile_us(took, paced, 0.5), quantile_us(took, paced, 0.99),
           quantile_us(took, paced, 0.999), quantile_us(took, paced, 0.9999), (long long)burst,
           (double)burst / seconds);
    sqlite3_finalize(upsert);
    sqlite3_close(db);
    return greatest_usual > 0 ? 0 : 1;
}
