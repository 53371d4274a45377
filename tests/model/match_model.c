/* MATCH_RECOGNIZE against a naive twin: random patterns and rows, a save and a load between random steps. The twin
 * tries each row of a partition as the first of a match, and follows every way through the pattern by recursion. */
#include <stdio.h>
#include <stdlib.h>

#include "base/rng.h"
#include "data/func.h"
#include "lib/ops.h"
#include "lib/test.h"

enum { ROWS_MAX = 300, VARIABLES_MAX = 4, KEYS = 3, NOBODY = -1 };

struct row {
    int64_t k, n, id, t; /* n -1: null */
};

/* What a variable asks of a row. */
enum ask { ASK_NOTHING, ASK_ABOVE, ASK_RISES, ASK_SUM, ASK_FIRST, ASKS };

struct variable {
    uint32_t least, most;
    bool greedy, single;
    enum ask ask;
    int64_t number;
    int of; /* of whose last row: ASK_RISES */
};

struct pattern {
    struct variable v[VARIABLES_MAX];
    int count;
    enum match_skip skip;
    int64_t within;
};

/* ---- random patterns, as the binder lets them through ---- */

static void random_variable(struct rng *rng, struct pattern *p, int i, bool last)
{
    static const struct {
        uint32_t least, most;
    } often[] = {{1, 1}, {1, 1}, {0, 1}, {1, MATCH_UNBOUNDED}, {0, MATCH_UNBOUNDED}, {2, 2}, {1, 3}, {0, 2},
                 {2, MATCH_UNBOUNDED}};
    struct variable *v = &p->v[i];

    size_t pick = rng_below(rng, sizeof(often) / sizeof(often[0]));
    *v = (struct variable){.least = often[pick].least, .most = often[pick].most};
    v->single = v->most == 1;
    v->greedy = !v->single && v->least != v->most && !last && rng_chance(rng, 0.5);
    if (i && p->v[i - 1].greedy && v->least == 0 && (v->most == 1 || v->most == MATCH_UNBOUNDED))
        v->least = 1, v->greedy = v->greedy && v->most != 1;
    v->ask = rng_below(rng, ASKS);
    v->number = v->ask == ASK_SUM ? rng_between(rng, 5, 25) : rng_between(rng, 0, 6);
    v->of = (int)rng_below(rng, (uint64_t)i + 1);
}

static struct pattern random_pattern(struct rng *rng)
{
    struct pattern p = {.count = 1 + (int)rng_below(rng, VARIABLES_MAX)};
    bool some = false;

    for (int i = 0; i < p.count; i++) {
        random_variable(rng, &p, i, i == p.count - 1);
        some |= p.v[i].least > 0;
    }
    if (!some)
        p.v[0].least = 1, p.v[0].greedy &= p.v[0].most > 1 && p.count > 1;
    for (int i = 1; i < p.count; i++) /* the first may have become greedy's neighbour */
        if (p.v[i - 1].greedy && p.v[i].least == 0 && (p.v[i].most == 1 || p.v[i].most == MATCH_UNBOUNDED))
            p.v[i - 1].greedy = false;
    p.skip = rng_chance(rng, 0.5) ? SKIP_PAST_LAST : SKIP_TO_NEXT;
    p.within = rng_chance(rng, 0.4) ? rng_between(rng, 1, 12) : 0;
    return p;
}

/* ---- the plan: rows are k, n, id, t ---- */

static const struct expr *call(struct arena *arena, const char *name, const struct expr *x, const struct expr *y)
{
    const struct expr *args[2] = {x, y};
    struct diag diag = {0};

    return func_bind(arena, bytes_str(name), args, 2, &diag);
}

/* Values of `defines`: refs 0 .. VARIABLES_MAX - 1 the last n of each variable before the row, then FIRST(n); aggs
 * the sum of each. */
static const struct expr *define(struct arena *arena, const struct variable *v, int i)
{
    const struct type *type = type_simple(TYPE_BIGINT);
    const struct expr *n = expr_column(arena, 1, type), *number = expr_i64(arena, v->number, type);
    const struct expr *first = expr_column(arena, (uint16_t)(4 + VARIABLES_MAX), type);

    switch (v->ask) {
    case ASK_ABOVE: return call(arena, ">", n, number);
    case ASK_RISES: return call(arena, ">=", n, expr_column(arena, (uint16_t)(4 + v->of), type));
    case ASK_SUM: return call(arena, "<", expr_column(arena, (uint16_t)(5 + VARIABLES_MAX + i), type), number);
    case ASK_FIRST: return call(arena, "<=", first, n);
    default: return NULL;
    }
}

static struct plan_node *match_node(struct arena *plans, const struct pattern *p)
{
    static const struct plan_match_ref measures[] = {{.variable = MATCH_ALL, .first = true, .column = 2},
                                                     {.variable = MATCH_ALL, .column = 2}};
    struct plan_node *input = rig_input(plans, "k bigint, n bigint, id bigint, t rowtime");
    struct plan_node *node = rig_node(plans, PLAN_MATCH, "k bigint, a bigint, b bigint, c bigint", input, NULL);
    struct plan_match_variable *variables = ARENA_ARRAY(plans, struct plan_match_variable, (uint32_t)p->count);
    struct plan_match_ref *refs = ARENA_ARRAY(plans, struct plan_match_ref, VARIABLES_MAX + 1);
    struct plan_match_agg *sums = ARENA_ARRAY(plans, struct plan_match_agg, VARIABLES_MAX);
    struct plan_match_agg *count = ARENA_NEW(plans, struct plan_match_agg);

    for (uint16_t i = 0; i < VARIABLES_MAX; i++) {
        /* of its own variable it is the row itself, of which it is never below */
        refs[i] = (struct plan_match_ref){.variable = i, .column = 1};
        sums[i] = (struct plan_match_agg){.variable = i, .current = true, .call = rig_agg(plans, input, "SUM", 1, -1)};
    }
    refs[VARIABLES_MAX] = (struct plan_match_ref){.variable = MATCH_ALL, .first = true, .current = true, .column = 1};
    *count = (struct plan_match_agg){.variable = MATCH_ALL, .call = rig_agg(plans, input, "COUNT", -1, -1)};
    for (int i = 0; i < p->count; i++)
        variables[i] = (struct plan_match_variable){.name = BYTES_LITERAL("V"), .least = p->v[i].least,
                                                    .most = p->v[i].most, .greedy = p->v[i].greedy,
                                                    .single = p->v[i].single,
                                                    .define = define(plans, &p->v[i], i)};
    node->match = (struct plan_match){.partition = rig_columns(plans, "0"), .partition_count = 1, .column = 3,
                                      .time = TIME_ROW, .variables = variables,
                                      .variables_count = (uint16_t)p->count,
                                      .defines = {refs, VARIABLES_MAX + 1, sums, VARIABLES_MAX},
                                      .measures = {measures, 2, count, 1}, .skip = p->skip,
                                      .within_us = p->within * 1000};
    return node;
}

/* ---- the twin ---- */

struct twin {
    const struct pattern *p;
    const struct row *rows; /* of one key, in order */
    int count;
    int of[ROWS_MAX];       /* the variable of each row of the way that is followed */
    int start;
    bool ends[ROWS_MAX];    /* the rows that may be the last of a match from there */
    int first_end, died;    /* the least of them, or count; the last row that some way looked at */
    bool open;              /* some way goes on behind the last row */
};

static bool holds(const struct twin *w, int variable, int row)
{
    const struct variable *v = &w->p->v[variable];
    int64_t n = w->rows[row].n, sum = 0, last = -1;
    bool some = n >= 0;

    for (int i = w->start; i < row; i++) {
        if (w->of[i] == v->of)
            last = w->rows[i].n;
        if (w->of[i] == variable && w->rows[i].n >= 0)
            sum += w->rows[i].n, some = true;
    }
    int64_t first = w->start < row ? w->rows[w->start].n : n;
    switch (v->ask) {
    case ASK_ABOVE: return n > v->number;
    case ASK_RISES: return n >= 0 && last >= 0 && n >= last;
    case ASK_SUM: return some && sum + (n > 0 ? n : 0) < v->number;
    case ASK_FIRST: return first >= 0 && n >= first;
    default: return true;
    }
}

/* All behind `have` rows of a variable may be missing, as seen at the row just taken. */
static bool may_end(const struct twin *w, int variable, uint32_t have, const bool *greedy_holds)
{
    if (have < w->p->v[variable].least)
        return false;
    for (int i = variable + 1; i < w->p->count; i++) {
        if (w->p->v[i].least || (w->p->v[i - 1].greedy && greedy_holds[i - 1]))
            return false;
    }
    return true;
}

static void follow(struct twin *w, int variable, uint32_t have, int row);

/* The row as one of a variable that has so many already. */
static void take(struct twin *w, int variable, uint32_t have, int row)
{
    bool greedy_holds[VARIABLES_MAX];

    for (int i = 0; i < w->p->count; i++)
        greedy_holds[i] = holds(w, i, row);
    w->of[row] = variable;
    if (may_end(w, variable, have + 1, greedy_holds)) {
        w->ends[row] = true;
        w->first_end = row < w->first_end ? row : w->first_end;
    }
    bool whole = variable == w->p->count - 1 && have + 1 == w->p->v[variable].most;
    if (!whole)
        follow(w, variable, have + 1, row + 1);
    w->of[row] = NOBODY;
}

/* All ways for a row, when a variable has so many. */
static void follow(struct twin *w, int variable, uint32_t have, int row)
{
    if (row == w->count) {
        w->open = true;
        return;
    }
    w->died = row > w->died ? row : w->died;
    if (w->p->within && w->rows[row].t - w->rows[w->start].t >= w->p->within)
        return;
    if (have < w->p->v[variable].most && holds(w, variable, row) &&
        !(have == 0 && variable && w->p->v[variable - 1].greedy && holds(w, variable - 1, row)))
        take(w, variable, have, row);
    for (int i = variable; i + 1 < w->p->count && have >= w->p->v[i].least; i++, have = 0) {
        /* the next one: a greedy one before it must not want the row */
        bool wanted = w->p->v[i].greedy && holds(w, i, row);
        if (!wanted && holds(w, i + 1, row))
            take(w, i + 1, 0, row);
        if (wanted)
            break;
    }
}

/* What was told of a key is what the twin finds, one start after another. A match is told when no run that began
 * earlier is left; of several that end before that, from one start, which one is told is what the operator's heaps
 * leave (as Flink's): it must be one of them. NULL: it is right. */
static const char *key_wrong(const struct pattern *p, const struct row *rows, int count, int64_t key, const char *got)
{
    static char why[200];
    static struct twin w;
    int told = -1, start = 0; /* told: when the last one was, or when what is left of earlier starts is gone */

    while (start < count) {
        w = (struct twin){.p = p, .rows = rows, .count = count, .start = start, .first_end = count, .died = start};
        for (int i = 0; i < count; i++)
            w.of[i] = NOBODY;
        follow(&w, 0, 0, start);
        if (w.first_end == count && w.open && !p->within)
            break; /* it may still be one, and goes before those behind it */
        if (w.first_end == count) {
            told = w.died > told ? w.died : told;
            start++;
            continue;
        }
        told = w.first_end > told ? w.first_end : told;
        int end = w.first_end, used = 0;
        for (int e = w.first_end; e < count && e <= told; e++) {
            snprintf(why, sizeof(why), "%lld %lld %lld %d\n", (long long)key, (long long)rows[start].id,
                     (long long)rows[e].id, e - start + 1);
            if (w.ends[e] && strncmp(got, why, strlen(why)) == 0)
                end = e, used = (int)strlen(why);
        }
        if (!used) {
            snprintf(why, sizeof(why), "from %lld a match to %lld is missing, where '%.30s' is",
                     (long long)rows[start].id, (long long)rows[w.first_end].id, got);
            return why;
        }
        got += used;
        start = p->skip == SKIP_PAST_LAST ? end + 1 : start + 1;
    }
    if (!*got)
        return NULL;
    snprintf(why, sizeof(why), "there is no such match: '%.30s'", got);
    return why;
}

/* ---- the model ---- */

static int row_order(const void *a, const void *b)
{
    const struct row *x = a, *y = b;

    if (x->t != y->t)
        return x->t < y->t ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

/* What has come out, with that of key, in order of coming. */
static void got_add(char got[KEYS][ROWS_MAX * 40], const char *text)
{
    while (*text) {
        const char *end = strstr(text, " | ");
        size_t len = end ? (size_t)(end - text) : strlen(text);
        EXPECT(strncmp(text, "+I ", 3) == 0);
        int key = text[3] - '0';
        sprintf(got[key] + strlen(got[key]), "%.*s\n", (int)(len - 3), text + 3);
        text += len + (end ? 3 : 0);
    }
}

static void pattern_text(const struct pattern *p, char *out)
{
    *out = 0;
    for (int i = 0; i < p->count; i++)
        sprintf(out + strlen(out), "{%u,%d}%s ask %d number %lld of %d  ", p->v[i].least, (int)p->v[i].most,
                p->v[i].greedy ? "" : "?", (int)p->v[i].ask, (long long)p->v[i].number, p->v[i].of);
    sprintf(out + strlen(out), "skip %d within %lld", (int)p->skip, (long long)p->within);
}

static void match_model(uint64_t seed)
{
    static char got[KEYS][ROWS_MAX * 40];
    struct rng rng;
    struct arena plans;
    struct op_rig rig;
    struct row all[ROWS_MAX];
    int64_t now = 0, mark = -1000, count = 0;
    char text[4000], how[400];

    memset(got, 0, sizeof(got));
    rng = rng_seed(seed);
    arena_init(&plans, ARENA_BUDGET_NONE);
    struct pattern p = random_pattern(&rng);
    pattern_text(&p, how);
    rig_open(&rig, match_node(&plans, &p));
    for (int step = 0; step < 30; step++) {
        *text = 0;
        for (uint64_t n = rng_below(&rng, 8); n > 0 && count < ROWS_MAX; n--) {
            struct row r = {.k = rng_between(&rng, 0, KEYS - 1), .n = rng_between(&rng, -1, 9), .id = count};
            char number[24] = "null";
            r.t = now + rng_between(&rng, -6, 6);
            if (r.n >= 0)
                snprintf(number, sizeof(number), "%lld", (long long)r.n);
            sprintf(text + strlen(text), "%s%lld %s %lld %lld", *text ? " | " : "", (long long)r.k, number,
                    (long long)r.id, (long long)r.t);
            if (r.t > mark)
                all[count++] = r;
        }
        if (*text)
            rig_in(&rig, 0, text);
        now += rng_between(&rng, 0, 6);
        if (rng_chance(&rng, 0.5) && now - 4 > mark) {
            mark = now - 4;
            rig_mark(&rig, mark);
        }
        got_add(got, rig_out(&rig));
        if (rng_chance(&rng, 0.3))
            rig_reload(&rig);
    }
    rig_mark(&rig, INT64_MAX);
    got_add(got, rig_out(&rig));
    qsort(all, (size_t)count, sizeof(all[0]), row_order);
    for (int64_t k = 0; k < KEYS; k++) {
        struct row own[ROWS_MAX];
        int n = 0;
        for (int64_t i = 0; i < count; i++)
            if (all[i].k == k)
                own[n++] = all[i];
        const char *wrong = key_wrong(&p, own, n, k, got[k]);
        if (wrong)
            test_fail(__FILE__, __LINE__, "seed %llu: %s: %s", (unsigned long long)seed, how, wrong);
    }
    rig_close(&rig);
    arena_deinit(&plans);
}

TEST_SECONDS(matches_are_their_twin, 120)
{
    for (uint64_t i = 0; i < 400; i++)
        match_model(1000 * test_seed() + i);
}
