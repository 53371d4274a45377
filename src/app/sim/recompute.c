/* recompute.c: each view and result topic, computed anew by loops over arrays; compared as sorted
 * lines of text. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/sim/oracle.h"
#include "base/check.h"
#include "base/hash.h"
#include "flow/sink_view.h"

#define EVENTS_COLUMNS                                                                              \
    "(id BIGINT, k STRING, g INT, v INT, ts TIMESTAMP(3), src STRING,"                              \
    " WATERMARK FOR ts AS ts - INTERVAL '2' SECOND)"
#define TOPIC(name)                                                                                 \
    " WITH ('connector' = 'kafka', 'topic' = '" name "', 'format' = 'json',"                        \
    " 'topic.partitions' = '2', 'scan.startup.mode' = 'earliest-offset');\n"

/* Dropped and made anew now and then: it reads all of its input again. */
#define ORACLE_AGAIN                                                                                \
    "CREATE MATERIALIZED TABLE again AS SELECT MOD(v, 7) AS r, COUNT(*) AS n, MIN(id) AS low FROM"  \
    " events GROUP BY MOD(v, 7);\n"

/* Two re-keyings: spread (by k, then by the count), win_spread (by g and k, then by the window). The
 * sink mid has two partitions, and direct producers; chained reads it. */
const char oracle_sql[] =
    "CREATE TABLE events " EVENTS_COLUMNS TOPIC("events")
    "CREATE TABLE mid " EVENTS_COLUMNS TOPIC("mid")
    "CREATE TABLE fired (ws TIMESTAMP(3), g INT, k STRING, n BIGINT, s BIGINT, top BIGINT)" TOPIC("fired")
    "INSERT INTO mid SELECT id, k, g, v * 2, ts, 'job' FROM events WHERE MOD(v, 3) <> 0;\n"
    "CREATE MATERIALIZED TABLE totals AS SELECT k, COUNT(*) AS n, SUM(v) AS s, MAX(v) AS m,"
    " MIN(id) AS low FROM events GROUP BY k;\n"
    "CREATE MATERIALIZED TABLE spread AS SELECT b, COUNT(*) AS ks, SUM(s) AS s FROM"
    " (SELECT k, MOD(COUNT(*), 4) AS b, SUM(v) AS s FROM events GROUP BY k) GROUP BY b;\n"
    "CREATE MATERIALIZED TABLE chained AS SELECT g, COUNT(*) AS n, SUM(v) AS s, MAX(v) AS m"
    " FROM mid GROUP BY g;\n"
    "CREATE MATERIALIZED TABLE by_window AS SELECT window_start, k, COUNT(*) AS n, SUM(v) AS s,"
    " MAX(id) AS top FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '5' SECOND))"
    " GROUP BY window_start, window_end, k;\n"
    "CREATE MATERIALIZED TABLE win_spread AS SELECT window_start, COUNT(*) AS ks, SUM(n) AS n,"
    " MAX(top) AS top FROM (SELECT window_start, window_end, g, k, COUNT(*) AS n, MAX(id) AS top"
    " FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '4' SECOND))"
    " GROUP BY window_start, window_end, g, k) GROUP BY window_start, window_end;\n"
    "INSERT INTO fired SELECT window_start, g, k, COUNT(*), SUM(v), MAX(id)"
    " FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '3' SECOND))"
    " GROUP BY window_start, window_end, g, k;\n"
    "CREATE MATERIALIZED TABLE joined AS SELECT e.g, COUNT(*) AS n, SUM(m.v) AS s FROM events AS e"
    " JOIN mid AS m ON e.id = m.id GROUP BY e.g;\n"
    "CREATE MATERIALIZED TABLE best AS SELECT k, id, v FROM (SELECT k, id, v, ROW_NUMBER() OVER"
    " (PARTITION BY k ORDER BY v DESC, id) AS place FROM events) WHERE place <= 2;\n"
    ORACLE_AGAIN;

const char oracle_drop_sql[] = "DROP MATERIALIZED TABLE again;\n" ORACLE_AGAIN;

enum { BY_WINDOW_MS = 5000, WIN_SPREAD_MS = 4000, FIRED_MS = 3000 };
enum { JOB_BY_WINDOW, JOB_WIN_SPREAD, JOB_FIRED }; /* bits of found.late */

/* ---- lines ---- */

struct lines {
    struct arena arena;
    char **at;
    uint32_t count, cap;
};

static void lines_init(struct lines *l)
{
    *l = (struct lines){.cap = 64, .at = xmalloc(64 * sizeof(*l->at))};
    arena_init(&l->arena, ARENA_BUDGET_NONE);
}

static void lines_deinit(struct lines *l)
{
    arena_deinit(&l->arena);
    free(l->at);
}

static void line_add(struct lines *l, struct bytes text)
{
    if (l->count == l->cap) {
        l->cap *= 2;
        l->at = xrealloc(l->at, l->cap * sizeof(*l->at));
    }
    l->at[l->count++] = arena_str(&l->arena, text);
}

static void line(struct lines *l, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void line(struct lines *l, const char *format, ...)
{
    char text[256];
    va_list args;

    va_start(args, format);
    int n = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    CHECK(n > 0 && (size_t)n < sizeof(text));
    line_add(l, bytes_of(text, (size_t)n));
}

static int line_order(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void lines_compare(struct oracle *o, const char *what, struct lines *expected,
                          struct lines *got)
{
    uint32_t e = 0, g = 0;

    qsort(expected->at, expected->count, sizeof(*expected->at), line_order);
    qsort(got->at, got->count, sizeof(*got->at), line_order);
    while (e < expected->count || g < got->count) {
        int order = e == expected->count ? 1
                    : g == got->count    ? -1
                                         : strcmp(expected->at[e], got->at[g]);
        if (order == 0) {
            e++;
            g++;
            continue;
        }
        ledger_fail(o->ledger, "%s: a recomputation gives %s, the job %s (%u rows, %u expected)", what,
                    order < 0 ? expected->at[e] : "no such row", order > 0 ? got->at[g] : "has no such row",
                    got->count, expected->count);
        return;
    }
}

/* "2026-01-01 00:00:05" */
static const char *time_text(char *to, size_t size, int64_t ms)
{
    int64_t s = ms / 1000;

    snprintf(to, size, "2026-01-01 %02d:%02d:%02d.%03d", (int)(s / 3600), (int)(s / 60 % 60),
             (int)(s % 60), (int)(ms % 1000));
    return to;
}

/* ---- what the views have ---- */

static bool view_lines(struct oracle *o, struct engine *engine, const char *name,
                       struct lines *out)
{
    struct view *view = engine_view_find(engine, bytes_str(name));
    struct engine_result result;
    struct bytes next;
    struct diag diag = {0};

    if (!view || view_scan(view, BYTES_NONE, UINT64_MAX, &result, &next, &diag) != ST_OK) {
        ledger_fail(o->ledger, "the view %s cannot be read: %s", name, view ? diag.message : "not there");
        return false;
    }
    struct buf text;
    buf_init(&text, 0);
    for (uint32_t c = 0; c < result.chunks_count; c++)
        for (uint16_t i = 0; i < result.chunks[c].count; i++) {
            buf_clear(&text);
            row_json(&text, &result.schema, result.chunks[c].cols, chunk_row(&result.chunks[c], i),
                     NULL, result.schema.count);
            o->hash = hash_combine(o->hash, hash_bytes(buf_view(&text)));
            line_add(out, buf_view(&text));
        }
    buf_deinit(&text);
    arena_deinit(&result.arena);
    return true;
}

enum kind { FOLDED, WINDOWED };

static void compare_view(struct oracle *o, struct engine *engine, const char *name, enum kind kind,
                         struct lines *expected)
{
    struct lines got;

    lines_init(&got);
    if (view_lines(o, engine, name, &got))
        lines_compare(o, name, expected, &got);
    for (uint32_t i = 0; kind == FOLDED && i < got.count; i++)
        o->folded = hash_combine(o->folded, hash_bytes(bytes_str(got.at[i])));
    lines_deinit(&got);
}

/* ---- sums ---- */

struct sums {
    int64_t n, s, max, low, top;
};

static void add(struct sums *t, int64_t id, int64_t v)
{
    t->s += v;
    t->max = t->n == 0 || v > t->max ? v : t->max;
    t->low = t->n == 0 || id < t->low ? id : t->low;
    t->top = t->n == 0 || id > t->top ? id : t->top;
    t->n++;
}

static bool is_input(const struct oracle *o, uint64_t id)
{
    return o->ledger->events[id].topic == LEDGER_EVENTS && o->found[id].seen;
}

static void compare_totals(struct oracle *o, struct engine *engine)
{
    struct sums totals[LEDGER_KEYS] = {0}, spread[4] = {0};
    struct lines expected, expected_spread;

    lines_init(&expected);
    lines_init(&expected_spread);
    for (uint64_t id = 0; id < o->ledger->events_len; id++)
        if (is_input(o, id))
            add(&totals[o->ledger->events[id].k], (int64_t)id, o->ledger->events[id].v);
    for (int k = 0; k < LEDGER_KEYS; k++) {
        const struct sums *t = &totals[k];
        if (!t->n)
            continue;
        line(&expected, "{\"k\":\"k%d\",\"n\":%lld,\"s\":%lld,\"m\":%lld,\"low\":%lld}", k,
             (long long)t->n, (long long)t->s, (long long)t->max, (long long)t->low);
        add(&spread[t->n % 4], 0, t->s);
    }
    for (int b = 0; b < 4; b++)
        if (spread[b].n)
            line(&expected_spread, "{\"b\":%d,\"ks\":%lld,\"s\":%lld}", b, (long long)spread[b].n,
                 (long long)spread[b].s);
    compare_view(o, engine, "totals", FOLDED, &expected);
    compare_view(o, engine, "spread", FOLDED, &expected_spread);
    lines_deinit(&expected);
    lines_deinit(&expected_spread);
}

/* The first job's output: each event that passes the filter, once. Then what is chained to it. */
static void compare_mid(struct oracle *o, struct engine *engine)
{
    struct sums groups[LEDGER_GROUPS] = {0};
    struct lines expected;

    lines_init(&expected);
    for (uint64_t id = 0; id < o->ledger->events_len; id++) {
        const struct event *e = &o->ledger->events[id];
        uint32_t wanted = is_input(o, id) && e->v % 3 != 0;
        if (o->found[id].derived != wanted)
            ledger_fail(o->ledger, "event %llu is %u times in the first job's output, not %u",
                        (unsigned long long)id, o->found[id].derived, wanted);
        if (wanted)
            add(&groups[e->g], (int64_t)id, (int64_t)e->v * 2);
        if (e->topic == LEDGER_MID && o->found[id].seen)
            add(&groups[e->g], (int64_t)id, e->v);
    }
    for (int g = 0; g < LEDGER_GROUPS; g++)
        if (groups[g].n)
            line(&expected, "{\"g\":%d,\"n\":%lld,\"s\":%lld,\"m\":%lld}", g, (long long)groups[g].n,
                 (long long)groups[g].s, (long long)groups[g].max);
    compare_view(o, engine, "chained", FOLDED, &expected);
    lines_deinit(&expected);
}

/* Each event with what the first job made of it. */
static void compare_joined(struct oracle *o, struct engine *engine)
{
    struct sums groups[LEDGER_GROUPS] = {0};
    struct lines expected;

    lines_init(&expected);
    for (uint64_t id = 0; id < o->ledger->events_len; id++) {
        const struct event *e = &o->ledger->events[id];
        if (is_input(o, id) && e->v % 3 != 0)
            add(&groups[e->g], (int64_t)id, (int64_t)e->v * 2);
    }
    for (int g = 0; g < LEDGER_GROUPS; g++)
        if (groups[g].n)
            line(&expected, "{\"g\":%d,\"n\":%lld,\"s\":%lld}", g, (long long)groups[g].n,
                 (long long)groups[g].s);
    compare_view(o, engine, "joined", FOLDED, &expected);
    lines_deinit(&expected);
}

static bool is_better(const struct ledger *ledger, int64_t a, int64_t b)
{
    int32_t va = ledger->events[a].v, vb = b < 0 ? -1 : ledger->events[b].v;

    return va > vb; /* of equals the earlier number, which came first */
}

/* The two greatest of each key. */
static void compare_best(struct oracle *o, struct engine *engine)
{
    int64_t best[LEDGER_KEYS][2];
    struct lines expected;

    lines_init(&expected);
    memset(best, -1, sizeof(best));
    for (int64_t id = 0; id < (int64_t)o->ledger->events_len; id++) {
        int64_t *of = best[o->ledger->events[id].k];
        if (!is_input(o, (uint64_t)id))
            continue;
        if (is_better(o->ledger, id, of[0])) {
            of[1] = of[0];
            of[0] = id;
        } else if (is_better(o->ledger, id, of[1])) {
            of[1] = id;
        }
    }
    for (int k = 0; k < LEDGER_KEYS; k++)
        for (int i = 0; i < 2; i++)
            if (best[k][i] >= 0)
                line(&expected, "{\"k\":\"k%d\",\"id\":%lld,\"v\":%d}", k, (long long)best[k][i],
                     o->ledger->events[best[k][i]].v);
    compare_view(o, engine, "best", FOLDED, &expected);
    lines_deinit(&expected);
}

/* A job that is dropped and made anew gives what one gives that was never dropped. */
static void compare_again(struct oracle *o, struct engine *engine)
{
    struct sums rests[7] = {0};
    struct lines expected;

    lines_init(&expected);
    for (uint64_t id = 0; id < o->ledger->events_len; id++)
        if (is_input(o, id))
            add(&rests[o->ledger->events[id].v % 7], (int64_t)id, 0);
    for (int r = 0; r < 7; r++)
        if (rests[r].n)
            line(&expected, "{\"r\":%d,\"n\":%lld,\"low\":%lld}", r, (long long)rests[r].n,
                 (long long)rests[r].low);
    compare_view(o, engine, "again", FOLDED, &expected);
    lines_deinit(&expected);
}

/* ---- windows ---- */

/* By so many partitions of the input: every window that ends at or before this is closed; -1: none can be. */
static int64_t closed_by(const struct oracle *o, uint32_t partitions)
{
    int64_t least = INT64_MAX;

    for (uint32_t p = 0; p < partitions; p++) {
        if (o->newest_ms[p] < 0)
            return -1;
        least = o->newest_ms[p] < least ? o->newest_ms[p] : least;
    }
    return least < LEDGER_DELAY_MS ? -1 : least - LEDGER_DELAY_MS + 1;
}

struct window_job {
    const char *name;
    int bit; /* of found.late */
    int64_t size_ms;
};
static const struct window_job by_window = {"by_window", JOB_BY_WINDOW, BY_WINDOW_MS},
                               win_spread = {"win_spread", JOB_WIN_SPREAD, WIN_SPREAD_MS},
                               into_fired = {"insert-into_fired", JOB_FIRED, FIRED_MS};

/* The watermark of the job's windows; -1: none yet. */
static int64_t told_ms(struct engine *engine, const struct window_job *of)
{
    struct job *job = engine_job_find(engine, bytes_str(of->name));
    struct job_info info;
    struct op_info op;

    if (!job)
        return -1;
    job_info(job, &info);
    for (uint32_t i = 0; i < info.ops_count; i++) {
        job_op_info(job, i, &op);
        if (!strcmp(op.name, "WindowAggregate"))
            return op.watermark_us < LEDGER_BASE_MS * 1000 ? -1 : op.watermark_us / 1000 + 1 - LEDGER_BASE_MS;
    }
    return -1;
}

/* How many windows a job has closed. A partition that came when the watermark was past its events has not set
 * it back: from then until it has caught up the job alone knows where it stands, between what all partitions give
 * and what those give that were there from the start. */
static uint64_t windows_count(const struct oracle *o, struct engine *engine, const struct window_job *of)
{
    int64_t least = closed_by(o, o->partitions), most = closed_by(o, LEDGER_PARTITIONS), closed = least;

    if (o->promises && least < most) /* a twin has had all from its start */
        closed = told_ms(engine, of);
    if (closed < least || closed > most) {
        ledger_fail(o->ledger, "%s: windows are closed up to %lld, which should be from %lld to %lld", of->name,
                    (long long)closed, (long long)least, (long long)most);
        closed = least;
    }
    return closed > 0 ? (uint64_t)(closed / of->size_ms) : 0;
}

/* Calls add for each event of a closed window that was not late; the cell is window * per + cell. */
typedef uint32_t cell_fn(const struct event *e);

static struct sums *window_sums(struct oracle *o, const struct window_job *of, uint64_t windows, uint32_t per,
                                cell_fn *cell_of)
{
    struct sums *sums = xcalloc(windows * per + 1, sizeof(*sums));

    for (uint64_t id = 0; id < o->ledger->events_len; id++) {
        const struct event *e = &o->ledger->events[id];
        uint64_t w = (uint64_t)(e->ts_ms / of->size_ms);
        bool late = o->found[id].late >> of->bit & 1;
        if (late && !is_input(o, id))
            ledger_fail(o->ledger, "event %llu was late and is not in the log", (unsigned long long)id);
        if (late && w >= windows)
            ledger_fail(o->ledger, "event %llu was late for a window that is open",
                        (unsigned long long)id);
        if (is_input(o, id) && !late && w < windows)
            add(&sums[w * per + cell_of(e)], (int64_t)id, e->v);
    }
    return sums;
}

static uint32_t cell_k(const struct event *e)
{
    return (uint32_t)e->k;
}

static uint32_t cell_gk(const struct event *e)
{
    return (uint32_t)(e->g * LEDGER_KEYS + e->k);
}

static void compare_by_window(struct oracle *o, struct engine *engine)
{
    uint64_t windows = windows_count(o, engine, &by_window);
    struct sums *sums = window_sums(o, &by_window, windows, LEDGER_KEYS, cell_k);
    struct lines expected;
    char when[32];

    lines_init(&expected);
    for (uint64_t c = 0; c < windows * LEDGER_KEYS; c++)
        if (sums[c].n)
            line(&expected, "{\"window_start\":\"%s\",\"k\":\"k%d\",\"n\":%lld,\"s\":%lld,\"top\":%lld}",
                 time_text(when, sizeof(when), (int64_t)(c / LEDGER_KEYS) * BY_WINDOW_MS),
                 (int)(c % LEDGER_KEYS), (long long)sums[c].n, (long long)sums[c].s,
                 (long long)sums[c].top);
    compare_view(o, engine, "by_window", WINDOWED, &expected);
    lines_deinit(&expected);
    free(sums);
}

static void compare_win_spread(struct oracle *o, struct engine *engine)
{
    enum { CELLS = LEDGER_KEYS * LEDGER_GROUPS };
    uint64_t windows = windows_count(o, engine, &win_spread);
    struct sums *sums = window_sums(o, &win_spread, windows, CELLS, cell_gk);
    struct lines expected;
    char when[32];

    lines_init(&expected);
    for (uint64_t w = 0; w < windows; w++) {
        struct sums all = {0};
        for (uint32_t c = 0; c < CELLS; c++) {
            const struct sums *t = &sums[w * CELLS + c];
            if (t->n)
                add(&all, t->top, t->n);
        }
        if (all.n)
            line(&expected, "{\"window_start\":\"%s\",\"ks\":%lld,\"n\":%lld,\"top\":%lld}",
                 time_text(when, sizeof(when), (int64_t)w * WIN_SPREAD_MS), (long long)all.n,
                 (long long)all.s, (long long)all.top);
    }
    compare_view(o, engine, "win_spread", WINDOWED, &expected);
    lines_deinit(&expected);
    free(sums);
}

static void fired_line(struct lines *out, const struct fired *f)
{
    char when[32];

    line(out, "%s g %d k %d n %lld s %lld top %lld", time_text(when, sizeof(when), f->start_ms), f->g,
         f->k, (long long)f->n, (long long)f->s, (long long)f->top);
}

/* A result topic: each closed window's rows, once. */
static void compare_fired(struct oracle *o, struct engine *engine)
{
    enum { CELLS = LEDGER_KEYS * LEDGER_GROUPS };
    uint64_t windows = windows_count(o, engine, &into_fired);
    struct sums *sums = window_sums(o, &into_fired, windows, CELLS, cell_gk);
    struct lines expected, got;

    lines_init(&expected);
    lines_init(&got);
    for (uint64_t c = 0; c < windows * CELLS; c++) {
        struct fired f = {.start_ms = (int64_t)(c / CELLS) * FIRED_MS,
                          .g = (int32_t)(c % CELLS / LEDGER_KEYS), .k = (int32_t)(c % LEDGER_KEYS),
                          .n = sums[c].n, .s = sums[c].s, .top = sums[c].top};
        if (f.n)
            fired_line(&expected, &f);
    }
    for (uint64_t i = 0; i < o->fired_len; i++)
        fired_line(&got, &o->fired[i]);
    lines_compare(o, "fired", &expected, &got);
    lines_deinit(&expected);
    lines_deinit(&got);
    free(sums);
}

void oracle_compare(struct oracle *o, struct engine *engine)
{
    compare_totals(o, engine);
    compare_mid(o, engine);
    compare_joined(o, engine);
    compare_best(o, engine);
    compare_again(o, engine);
    compare_by_window(o, engine);
    compare_win_spread(o, engine);
    compare_fired(o, engine);
}
