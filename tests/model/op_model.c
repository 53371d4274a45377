/* Operators against naive twins: random rows and retractions, a save and a load between random steps; the
 * changelog, folded into a table, equals what the twin computes from scratch. */
#include <stdio.h>
#include <stdlib.h>

#include "base/rng.h"
#include "data/func.h"
#include "lib/ops.h"
#include "lib/test.h"

enum { ROWS_MAX = 400, TEXT_MAX = 120, NULL_VALUE = -1000 };

/* ---- tables of rows as text: what a changelog folds to ---- */

struct fold {
    char rows[4 * ROWS_MAX * 8][TEXT_MAX];
    int counts[4 * ROWS_MAX * 8];
    uint32_t used;
};

static void fold_add(struct fold *f, const char *row, size_t len, int by)
{
    uint32_t i = 0;

    while (i < f->used && (strncmp(f->rows[i], row, len) != 0 || f->rows[i][len]))
        i++;
    if (i == f->used) {
        EXPECT(f->used < sizeof(f->counts) / sizeof(f->counts[0]) && len < TEXT_MAX);
        memcpy(f->rows[i], row, len);
        f->rows[i][len] = 0;
        f->counts[f->used++] = 0;
    }
    f->counts[i] += by;
    if (f->counts[i] < 0)
        test_fail(__FILE__, __LINE__, "'%s' is taken back and was not there", f->rows[i]);
    if (f->counts[i] == 0) {
        f->used--;
        memmove(f->rows[i], f->rows[f->used], TEXT_MAX);
        f->counts[i] = f->counts[f->used];
    }
}

static void fold_changes(struct fold *f, const char *text)
{
    while (*text) {
        const char *end = strstr(text, " | ");
        size_t len = end ? (size_t)(end - text) : strlen(text);
        int by = strncmp(text, "+I", 2) == 0 || strncmp(text, "+U", 2) == 0 ? 1 : -1;
        fold_add(f, text + 3, len - 3, by);
        text += len + (end ? 3 : 0);
    }
}

static void fold_expect(const struct fold *got, const struct fold *want, uint64_t seed, uint32_t step)
{
    for (uint32_t i = 0; i < want->used; i++) {
        int have = 0;
        for (uint32_t k = 0; k < got->used; k++)
            if (strcmp(got->rows[k], want->rows[i]) == 0)
                have = got->counts[k];
        if (have != want->counts[i])
            test_fail(__FILE__, __LINE__, "seed %llu step %u: '%s' is there %d times, not %d",
                      (unsigned long long)seed, step, want->rows[i], have, want->counts[i]);
    }
    EXPECT_INT(got->used, want->used);
}

/* ---- live rows ---- */

struct row {
    int64_t k, n, s; /* key, number, a letter; NULL_VALUE: null */
    int64_t seq, t;
    int64_t gone;     /* the watermark + 1 when the row was taken back */
    uint32_t gone_at; /* and how many rows there were */
};
struct rows {
    struct row rows[ROWS_MAX];
    uint32_t count;
    int64_t next_seq;
};

static const char *number(char *to, int64_t v)
{
    if (v == NULL_VALUE)
        return "null";
    snprintf(to, 24, "%lld", (long long)v);
    return to;
}

static int row_text(char *to, const struct row *r)
{
    char k[24], n[24];

    return snprintf(to, TEXT_MAX, "%s %s %c", number(k, r->k), number(n, r->n), (char)('a' + r->s));
}

static struct row random_row(struct rng *rng)
{
    struct row r = {.k = rng_between(rng, 0, 5), .n = rng_between(rng, 0, 9), .s = rng_between(rng, 0, 3)};

    r.k = rng_chance(rng, 0.08) ? NULL_VALUE : r.k;
    r.n = rng_chance(rng, 0.1) ? NULL_VALUE : r.n;
    return r;
}

/* Some changes of the live rows, as text for the rig. */
static void random_changes(struct rng *rng, struct rows *live, bool retracts, char *out)
{
    uint32_t changes = 1 + (uint32_t)rng_below(rng, 12);
    char row[TEXT_MAX];

    *out = 0;
    for (uint32_t i = 0; i < changes; i++) {
        bool take = retracts && live->count && (rng_chance(rng, 0.45) || live->count > ROWS_MAX / 4);
        if (take) {
            uint32_t at = (uint32_t)rng_below(rng, live->count);
            row_text(row, &live->rows[at]);
            /* the first equal row goes: it is what the operators take as well */
            for (at = 0;; at++) {
                char other[TEXT_MAX];
                row_text(other, &live->rows[at]);
                if (strcmp(other, row) == 0)
                    break;
            }
            memmove(&live->rows[at], &live->rows[at + 1], (live->count - at - 1) * sizeof(live->rows[0]));
            live->count--;
        } else {
            if (live->count == ROWS_MAX)
                break;
            struct row r = random_row(rng);
            r.seq = live->next_seq++;
            live->rows[live->count++] = r;
            row_text(row, &r);
        }
        const char *kind = take ? (rng_chance(rng, 0.5) ? "-D " : "-U ") : (rng_chance(rng, 0.5) ? "+I " : "+U ");
        sprintf(out + strlen(out), "%s%s%s", i ? " | " : "", retracts ? kind : "", row);
    }
}

enum { ALL_CHANGES = CHANGE_UPDATE | CHANGE_UPDATE_BEFORE | CHANGE_DELETE };

struct model {
    struct arena plans;
    struct op_rig rig;
    struct rng rng;
    struct fold got, want;
    struct rows live[2];
    char text[8192];
};

static struct model *model_new(uint64_t seed)
{
    struct model *m = calloc(1, sizeof(*m));

    m->rng = rng_seed(seed);
    arena_init(&m->plans, ARENA_BUDGET_NONE);
    return m;
}

static void model_free(struct model *m)
{
    rig_close(&m->rig);
    arena_deinit(&m->plans);
    free(m);
}

static void model_out(struct model *m)
{
    fold_changes(&m->got, rig_out(&m->rig));
    if (rng_chance(&m->rng, 0.3))
        rig_reload(&m->rig);
    m->want.used = 0;
}

/* ---- groups ---- */

static void group_twin(struct model *m)
{
    for (int64_t key = -1; key <= 5; key++) {
        int64_t k = key < 0 ? NULL_VALUE : key, rows = 0, sum = 0, some = 0, seen = 0, low = 99, high = -1;
        int64_t letters = 0, first = 99;
        char text[TEXT_MAX], a[24], b[24], c[24], d[24];
        for (uint32_t i = 0; i < m->live[0].count; i++) {
            const struct row *r = &m->live[0].rows[i];
            if (r->k != k)
                continue;
            rows++;
            letters |= 1 << r->s;
            first = r->s < first ? r->s : first;
            if (r->n == NULL_VALUE)
                continue;
            some++;
            sum += r->n;
            seen |= 1 << r->n;
            low = r->n < low ? r->n : low;
            high = r->n > high ? r->n : high;
        }
        if (!rows)
            continue;
        int len = snprintf(text, sizeof(text), "%s %lld %s %s %s %d %d %c", number(a, k), (long long)rows,
                           number(b, some ? sum : NULL_VALUE), number(c, some ? low : NULL_VALUE),
                           number(d, some ? high : NULL_VALUE), __builtin_popcountll((uint64_t)seen),
                           __builtin_popcountll((uint64_t)letters), (char)('a' + first));
        fold_add(&m->want, text, (size_t)len, 1);
    }
}

static void group_model(uint64_t seed, bool retracts)
{
    struct model *m = model_new(seed);
    struct plan_node *input = rig_input(&m->plans, "k bigint, n bigint, s text");
    struct plan_node *node =
        rig_node(&m->plans, PLAN_GROUP_AGG,
                 "k bigint, c bigint, sum bigint, lo bigint, hi bigint, d bigint, ds bigint, first text", input, NULL);
    static const struct {
        const char *name;
        int column;
    } calls[] = {{"COUNT", -1}, {"SUM", 1}, {"MIN", 1}, {"MAX", 1}, {"COUNT DISTINCT", 1}, {"COUNT DISTINCT", 2},
                 {"MIN", 2}};
    struct agg_call *aggs = ARENA_ARRAY(&m->plans, struct agg_call, 7);

    input->changes = retracts ? ALL_CHANGES : 0;
    for (int i = 0; i < 7; i++)
        aggs[i] = rig_agg(&m->plans, input, calls[i].name, calls[i].column, -1);
    node->group_agg = (struct plan_group_agg){.keys = rig_columns(&m->plans, "0"), .keys_count = 1, .aggs = aggs,
                                              .aggs_count = 7, .emit_update_before = true};
    rig_open(&m->rig, node);
    for (uint32_t step = 0; step < 60; step++) {
        random_changes(&m->rng, &m->live[0], retracts, m->text);
        rig_in(&m->rig, 0, m->text);
        if (rng_chance(&m->rng, 0.4))
            continue; /* several chunks a tick */
        model_out(m);
        group_twin(m);
        fold_expect(&m->got, &m->want, seed, step);
    }
    model_free(m);
}

TEST_SECONDS(group_aggregates_are_their_twin, 120)
{
    for (uint64_t i = 0; i < 15; i++) {
        group_model(test_seed() + i, true);
        group_model(test_seed() + i, false);
    }
}

/* ---- joins ---- */

static bool meets(const struct row *l, const struct row *r, bool condition)
{
    if (l->k == NULL_VALUE || l->k != r->k)
        return false;
    return !condition || (l->n != NULL_VALUE && r->n != NULL_VALUE && l->n <= r->n);
}

static void want_pair(struct model *m, const struct row *l, const struct row *r, bool left_only)
{
    char text[2 * TEXT_MAX] = "null null null";
    int len = l ? row_text(text, l) : 14;

    if (!left_only) {
        text[len++] = ' ';
        if (r)
            len += row_text(text + len, r);
        else
            len += sprintf(text + len, "null null null");
    }
    fold_add(&m->want, text, (size_t)len, 1);
}

static void join_twin(struct model *m, enum join_kind kind, bool condition)
{
    bool met[ROWS_MAX] = {0};

    for (uint32_t l = 0; l < m->live[0].count; l++) {
        const struct row *left = &m->live[0].rows[l];
        bool any = false;
        for (uint32_t r = 0; r < m->live[1].count; r++) {
            const struct row *right = &m->live[1].rows[r];
            if (!meets(left, right, condition))
                continue;
            any = met[r] = true;
            if (kind < JOIN_SEMI)
                want_pair(m, left, right, false);
        }
        if (kind == JOIN_SEMI ? any : kind == JOIN_ANTI ? !any : false)
            want_pair(m, left, NULL, true);
        if (!any && (kind == JOIN_LEFT || kind == JOIN_FULL))
            want_pair(m, left, NULL, false);
    }
    for (uint32_t r = 0; r < m->live[1].count; r++)
        if (!met[r] && (kind == JOIN_RIGHT || kind == JOIN_FULL))
            want_pair(m, NULL, &m->live[1].rows[r], false);
}

static void join_model(uint64_t seed, enum join_kind kind, bool condition, bool retracts)
{
    struct model *m = model_new(seed);
    struct plan_node *left = rig_input(&m->plans, "k bigint, n bigint, s text");
    struct plan_node *right = rig_input(&m->plans, "k bigint, n bigint, s text");
    struct plan_node *node = rig_node(&m->plans, PLAN_JOIN,
                                      kind >= JOIN_SEMI ? "k bigint, n bigint, s text"
                                                        : "k bigint, n bigint, s text, k2 bigint, n2 bigint, s2 text",
                                      left, right);
    struct diag diag = {0};

    left->changes = right->changes = retracts ? ALL_CHANGES : 0;
    node->changes = ALL_CHANGES;
    node->join = (struct plan_join){.kind = kind, .left_keys = rig_columns(&m->plans, "0"),
                                    .right_keys = rig_columns(&m->plans, "0"), .keys_count = 1};
    const struct expr *n[2] = {expr_column(&m->plans, 1, left->columns[1].type),
                               expr_column(&m->plans, 4, left->columns[1].type)};
    if (condition)
        node->join.condition = func_bind(&m->plans, bytes_str("<="), n, 2, &diag);
    rig_open(&m->rig, node);
    for (uint32_t step = 0; step < 25; step++) {
        int side = (int)rng_below(&m->rng, 2);
        if (!retracts && m->live[side].count > 40)
            break;
        random_changes(&m->rng, &m->live[side], retracts, m->text);
        rig_in(&m->rig, side, m->text);
        model_out(m);
        join_twin(m, kind, condition);
        fold_expect(&m->got, &m->want, seed, step);
    }
    model_free(m);
}

TEST_SECONDS(joins_are_their_twin, 120)
{
    for (uint64_t i = 0; i < 4; i++)
        for (int kind = JOIN_INNER; kind <= JOIN_ANTI; kind++)
            for (int how = 0; how < 4; how++)
                join_model(test_seed() + i, kind, how & 1, how & 2);
}

/* ---- ranks ---- */

static int rank_order(const struct row *a, const struct row *b, bool descending)
{
    if (a->n != b->n) { /* NULL first, as the plan says */
        if (a->n == NULL_VALUE || b->n == NULL_VALUE)
            return a->n == NULL_VALUE ? -1 : 1;
        return (a->n < b->n ? -1 : 1) * (descending ? -1 : 1);
    }
    return a->seq < b->seq ? -1 : 1;
}

static void rank_twin(struct model *m, int64_t limit, bool emit_rank, bool descending)
{
    for (uint32_t i = 0; i < m->live[0].count; i++) {
        const struct row *r = &m->live[0].rows[i];
        int64_t before = 0;
        for (uint32_t k = 0; k < m->live[0].count; k++) {
            const struct row *other = &m->live[0].rows[k];
            before += other != r && other->k == r->k && rank_order(other, r, descending) < 0;
        }
        if (before >= limit)
            continue;
        char text[2 * TEXT_MAX];
        int len = row_text(text, r);
        if (emit_rank)
            len += sprintf(text + len, " %lld", (long long)before + 1);
        fold_add(&m->want, text, (size_t)len, 1);
    }
}

static void rank_model(uint64_t seed, int64_t limit, bool emit_rank, bool descending, bool retracts)
{
    struct model *m = model_new(seed);
    struct plan_node *input = rig_input(&m->plans, "k bigint, n bigint, s text");
    struct plan_node *node = rig_node(&m->plans, PLAN_RANK,
                                      emit_rank ? "k bigint, n bigint, s text, r bigint" : "k bigint, n bigint, s text",
                                      input, NULL);
    struct plan_sort_key key = {.column = 1, .descending = descending};

    input->changes = retracts ? ALL_CHANGES : 0;
    node->changes = ALL_CHANGES;
    node->rank = (struct plan_rank){.partition = rig_columns(&m->plans, "0"), .partition_count = 1, .order = &key,
                                    .order_count = 1, .limit = limit, .emit_rank = emit_rank};
    rig_open(&m->rig, node);
    for (uint32_t step = 0; step < 40; step++) {
        random_changes(&m->rng, &m->live[0], retracts, m->text);
        rig_in(&m->rig, 0, m->text);
        model_out(m);
        rank_twin(m, limit, emit_rank, descending);
        fold_expect(&m->got, &m->want, seed, step);
    }
    model_free(m);
}

TEST_SECONDS(ranks_are_their_twin, 120)
{
    static const int64_t limits[] = {1, 3, 10};

    for (uint64_t i = 0; i < 3; i++)
        for (int how = 0; how < 8; how++)
            for (int l = 0; l < 3; l++)
                rank_model(test_seed() + i, limits[l], how & 1, how & 2, how & 4);
}

/* ---- windows ---- */

/* Of the window that ends there. */
static int64_t window_begin(enum window_kind kind, int64_t end, int64_t size)
{
    int64_t past = (end - 1) % size;

    return kind == WINDOW_CUMULATE ? end - 1 - (past < 0 ? past + size : past) : end - size;
}

static void window_want(struct model *m, const struct row *all, uint32_t count, enum window_kind kind, int64_t size,
                        int64_t slide)
{
    for (int64_t end = size - 40 * slide; end < 400; end += slide) /* starts are multiples of slide */
        for (int64_t key = -1; key <= 5; key++) {
            int64_t k = key < 0 ? NULL_VALUE : key, rows = 0, letters = 0, high = -1;
            char text[TEXT_MAX], a[24], b[24];
            for (uint32_t i = 0; i < count; i++) {
                if (all[i].k != k || all[i].t >= end || all[i].t < window_begin(kind, end, size) ||
                    all[i].seq >= end || all[i].gone < end)
                    continue;
                rows++;
                letters |= 1 << all[i].s;
                if (all[i].n != NULL_VALUE && all[i].n > high)
                    high = all[i].n;
            }
            if (!rows)
                continue;
            int len = snprintf(text, sizeof(text), "%s %lld %s %d %lld", number(a, k), (long long)rows,
                               number(b, high < 0 ? NULL_VALUE : high), __builtin_popcountll((uint64_t)letters),
                               (long long)end);
            fold_add(&m->want, text, (size_t)len, 1);
        }
}

/* Takes back some row that is there, or does not. */
static void take_some(struct model *m, struct row *all, uint32_t count, int64_t mark)
{
    char text[TEXT_MAX];

    if (!count || !rng_chance(&m->rng, 0.4))
        return;
    struct row *r = &all[rng_below(&m->rng, count)];
    if (r->gone != INT64_MAX)
        return;
    r->gone = mark == INT64_MIN ? -100000 : mark + 1;
    r->gone_at = count;
    row_text(text, r);
    sprintf(m->text + strlen(m->text), "%s-%c %s %lld", *m->text ? " | " : "", rng_chance(&m->rng, 0.5) ? 'U' : 'D',
            text, (long long)r->t);
}

/* Times in ms; a row's seq is what the windows must end after to see it: the watermark + 1. */
static void window_model(uint64_t seed, enum window_kind kind, int64_t size, int64_t slide, bool retracts)
{
    struct model *m = model_new(seed);
    struct plan_node *input = rig_input(&m->plans, "k bigint, n bigint, s text, t rowtime");
    struct plan_node *node = rig_node(&m->plans, PLAN_WINDOW_AGG, "k bigint, c bigint, hi bigint, d bigint, e timestamp",
                                      input, NULL);
    struct agg_call *aggs = ARENA_ARRAY(&m->plans, struct agg_call, 3);
    struct row all[ROWS_MAX];
    uint32_t count = 0;
    int64_t mark = INT64_MIN, now = 0;

    aggs[0] = rig_agg(&m->plans, input, "COUNT", -1, -1);
    aggs[1] = rig_agg(&m->plans, input, "MAX", 1, -1);
    aggs[2] = rig_agg(&m->plans, input, "COUNT DISTINCT", 2, -1);
    node->window_agg = (struct plan_window_agg){
        .window = {.kind = kind, .time = TIME_ROW, .column = 3, .size_us = size * 1000, .slide_us = slide * 1000},
        .keys = rig_columns(&m->plans, "0"), .keys_count = 1, .aggs = aggs, .aggs_count = 3, .emit_end = true};
    input->changes = retracts ? ALL_CHANGES : 0;
    rig_open(&m->rig, node);
    for (uint32_t step = 0; step < 40 && count + 12 < ROWS_MAX; step++) {
        *m->text = 0;
        for (uint64_t n = rng_below(&m->rng, 12); n > 0; n--) {
            struct row r = random_row(&m->rng);
            r.t = now + rng_between(&m->rng, -25, 10);
            r.seq = mark == INT64_MIN ? -100000 : mark + 2; /* ends after the closed ones: end - 1 > mark */
            r.gone = INT64_MAX;
            char text[TEXT_MAX];
            row_text(text, &r);
            sprintf(m->text + strlen(m->text), "%s%s %lld", *m->text ? " | " : "", text, (long long)r.t);
            all[count++] = r;
            if (retracts)
                take_some(m, all, count, mark);
        }
        if (*m->text)
            rig_in(&m->rig, 0, m->text);
        now += rng_between(&m->rng, 0, 8);
        if (rng_chance(&m->rng, 0.5) && now - 12 > mark) {
            mark = now - 12;
            rig_mark(&m->rig, mark);
        }
        model_out(m);
    }
    rig_mark(&m->rig, INT64_MAX);
    model_out(m);
    for (uint32_t i = 0; i < count; i++)
        all[i].seq--; /* `seq >= end` leaves out; a window of end = mark + 1 was closed */
    window_want(m, all, count, kind, size, slide);
    fold_expect(&m->got, &m->want, seed, 0);
    model_free(m);
}

TEST_SECONDS(window_aggregates_are_their_twin, 120)
{
    for (uint64_t i = 0; i < 25; i++) {
        window_model(test_seed() + i, WINDOW_TUMBLE, 10, 10, false);
        window_model(test_seed() + i, WINDOW_TUMBLE, 10, 10, true);
        window_model(test_seed() + i, WINDOW_HOP, 20, 5, false);
        window_model(test_seed() + i, WINDOW_HOP, 20, 5, true);
        window_model(test_seed() + i, WINDOW_HOP, 15, 10, false);
        window_model(test_seed() + i, WINDOW_HOP, 15, 10, true);
        window_model(test_seed() + i, WINDOW_CUMULATE, 20, 5, false);
        window_model(test_seed() + i, WINDOW_CUMULATE, 20, 5, true);
    }
}

/* ---- sessions ---- */

/* The twin: a row at a time, as Flink's merging windows: what it touches is merged, unless it was told. */
struct twin_session {
    int64_t key, start, end;
    bool told;
};

static void session_want(struct model *m, const struct row *all, uint32_t count, int64_t gap)
{
    static struct twin_session sessions[ROWS_MAX];
    static uint32_t of[ROWS_MAX];
    uint32_t used = 0;

    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t k = 0; k < i; k++) /* those that were taken back between the two, of sessions not told */
            if (all[k].gone_at == i && of[k] != ROWS_MAX && sessions[of[k]].end > all[k].gone)
                of[k] = ROWS_MAX;
        struct twin_session one = {all[i].k, all[i].t, all[i].t + gap, false};
        bool any = false;
        for (uint32_t s = 0; s < used; s++) { /* seq: the watermark + 1 when the row came */
            struct twin_session *x = &sessions[s];
            if (x->key != one.key || x->told || x->end <= all[i].seq || x->start > all[i].t + gap || all[i].t > x->end)
                continue;
            any = true;
            one.start = x->start < one.start ? x->start : one.start;
            one.end = x->end > one.end ? x->end : one.end;
            x->told = true; /* its rows go with the new one */
            for (uint32_t r = 0; r < i; r++)
                of[r] = of[r] == s ? used : of[r];
        }
        of[i] = any || one.end > all[i].seq ? used : ROWS_MAX; /* or late */
        sessions[used++] = one;
    }
    for (uint32_t k = 0; k < count; k++)
        if (all[k].gone_at == count && of[k] != ROWS_MAX && sessions[of[k]].end > all[k].gone)
            of[k] = ROWS_MAX;
    for (uint32_t i = 0; i < count; i++) {
        char text[3 * TEXT_MAX];
        if (of[i] == ROWS_MAX)
            continue;
        const struct twin_session *s = &sessions[of[i]];
        int len = row_text(text, &all[i]);
        len += sprintf(text + len, " %lld %lld %lld %lld", (long long)all[i].t, (long long)s->start, (long long)s->end,
                       (long long)s->end - 1);
        fold_add(&m->want, text, (size_t)len, 1);
    }
}

static void session_model(uint64_t seed, int64_t gap, bool retracts)
{
    struct model *m = model_new(seed);
    struct plan_node *input = rig_input(&m->plans, "k bigint, n bigint, s text, t rowtime");
    struct plan_node *node = rig_node(&m->plans, PLAN_WINDOW, "k bigint, n bigint, s text, t rowtime, ws timestamp, "
                                                              "we timestamp, wt timestamp", input, NULL);
    struct row all[ROWS_MAX];
    uint32_t count = 0;
    int64_t mark = INT64_MIN, now = 0;

    node->window = (struct plan_window){.kind = WINDOW_SESSION, .time = TIME_ROW, .column = 3, .size_us = gap * 1000,
                                        .partition = rig_columns(&m->plans, "0"), .partition_count = 1};
    input->changes = retracts ? ALL_CHANGES : 0;
    rig_open(&m->rig, node);
    for (uint32_t step = 0; step < 40 && count + 12 < ROWS_MAX; step++) {
        *m->text = 0;
        for (uint64_t n = rng_below(&m->rng, 9); n > 0; n--) {
            struct row r = random_row(&m->rng);
            char text[TEXT_MAX];
            r.t = now + rng_between(&m->rng, -25, 10);
            r.seq = mark == INT64_MIN ? -100000 : mark + 1;
            r.gone = INT64_MAX;
            r.n = count;
            row_text(text, &r);
            sprintf(m->text + strlen(m->text), "%s%s %lld", *m->text ? " | " : "", text, (long long)r.t);
            all[count++] = r;
            if (retracts)
                take_some(m, all, count, mark);
        }
        if (*m->text)
            rig_in(&m->rig, 0, m->text);
        now += rng_between(&m->rng, 0, 20);
        if (rng_chance(&m->rng, 0.5) && now - 12 > mark) {
            mark = now - 12;
            rig_mark(&m->rig, mark);
        }
        model_out(m);
    }
    rig_mark(&m->rig, INT64_MAX);
    model_out(m);
    session_want(m, all, count, gap);
    fold_expect(&m->got, &m->want, seed, 0);
    uint64_t rows = 1, bytes;
    m->rig.class->measure(node, m->rig.state, &rows, &bytes);
    EXPECT_INT(rows, 0);
    model_free(m);
}

TEST_SECONDS(sessions_are_their_twin, 120)
{
    for (uint64_t i = 0; i < 25; i++) {
        for (int retracts = 0; retracts < 2; retracts++) {
            session_model(test_seed() + i, 3, retracts);
            session_model(test_seed() + i, 12, retracts);
        }
    }
}

/* ---- OVER ---- */

struct over_case {
    bool rows, bounded;
    int64_t preceding;
};

/* Of the rows of its key that are not late, those of the frame of row i, in the order of time, then of coming. */
static void over_want_row(struct model *m, const struct row *all, uint32_t count, uint32_t i, const struct over_case *c)
{
    int64_t rows = 0, some = 0, sum = 0, low = 99, seen = 0, behind = 0;
    char text[2 * TEXT_MAX], a[24], b[24];

    for (uint32_t k = 0; k < count; k++) /* rows between it and row i */
        behind += all[k].k == all[i].k && (all[k].t < all[i].t || (all[k].t == all[i].t && k < i));
    for (uint32_t k = 0; k < count; k++) {
        if (all[k].k != all[i].k || all[k].t > all[i].t || (c->rows && all[k].t == all[i].t && k > i))
            continue;
        int64_t place = 0;
        for (uint32_t o = 0; o < count; o++)
            place += all[o].k == all[k].k && (all[o].t < all[k].t || (all[o].t == all[k].t && o < k));
        if (c->bounded && (c->rows ? behind - place > c->preceding : all[k].t < all[i].t - c->preceding))
            continue;
        rows++;
        if (all[k].n == NULL_VALUE)
            continue;
        some++;
        sum += all[k].n;
        seen |= 1 << all[k].n;
        low = all[k].n < low ? all[k].n : low;
    }
    int len = row_text(text, &all[i]);
    len += sprintf(text + len, " %lld %lld %s %s %d", (long long)all[i].t, (long long)rows,
                   number(a, some ? sum : NULL_VALUE), number(b, some ? low : NULL_VALUE),
                   __builtin_popcountll((uint64_t)seen));
    fold_add(&m->want, text, (size_t)len, 1);
}

/* No row is late: what is late has its own story in op_over.c. */
static void over_model(uint64_t seed, struct over_case c)
{
    struct model *m = model_new(seed);
    struct plan_node *input = rig_input(&m->plans, "k bigint, n bigint, s text, t rowtime");
    struct plan_node *node = rig_node(&m->plans, PLAN_OVER, "k bigint, n bigint, s text, t rowtime, c bigint, "
                                                            "sum bigint, lo bigint, d bigint", input, NULL);
    struct agg_call *aggs = ARENA_ARRAY(&m->plans, struct agg_call, 4);
    struct row all[ROWS_MAX];
    uint32_t count = 0;
    int64_t mark = -1000, now = 0;

    aggs[0] = rig_agg(&m->plans, input, "COUNT", -1, -1);
    aggs[1] = rig_agg(&m->plans, input, "SUM", 1, -1);
    aggs[2] = rig_agg(&m->plans, input, "MIN", 1, -1);
    aggs[3] = rig_agg(&m->plans, input, "COUNT DISTINCT", 1, -1);
    node->over = (struct plan_over){.partition = rig_columns(&m->plans, "0"), .partition_count = 1, .column = 3,
                                    .time = TIME_ROW, .rows = c.rows, .bounded = c.bounded,
                                    .preceding = c.rows ? c.preceding : c.preceding * 1000, .aggs = aggs,
                                    .aggs_count = 4};
    rig_open(&m->rig, node);
    for (uint32_t step = 0; step < 40 && count + 12 < ROWS_MAX; step++) {
        *m->text = 0;
        for (uint64_t n = rng_below(&m->rng, 12); n > 0; n--) {
            struct row r = random_row(&m->rng);
            char text[TEXT_MAX];
            r.t = now + rng_between(&m->rng, -8, 8);
            r.t = r.t > mark ? r.t : mark + 1;
            row_text(text, &r);
            sprintf(m->text + strlen(m->text), "%s%s %lld", *m->text ? " | " : "", text, (long long)r.t);
            all[count++] = r;
        }
        if (*m->text)
            rig_in(&m->rig, 0, m->text);
        now += rng_between(&m->rng, 0, 8);
        if (rng_chance(&m->rng, 0.5) && now - 6 > mark) {
            mark = now - 6;
            rig_mark(&m->rig, mark);
        }
        model_out(m);
    }
    rig_mark(&m->rig, INT64_MAX);
    model_out(m);
    for (uint32_t i = 0; i < count; i++)
        over_want_row(m, all, count, i, &c);
    fold_expect(&m->got, &m->want, seed, 0);
    model_free(m);
}

TEST_SECONDS(over_aggregates_are_their_twin, 120)
{
    static const struct over_case cases[] = {{true, false, 0}, {false, false, 0}, {true, true, 2}, {true, true, 0},
                                             {false, true, 5}, {false, true, 0}};

    for (uint64_t i = 0; i < 12; i++)
        for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++)
            over_model(test_seed() + i, cases[c]);
}

static bool stands_before(const struct row *a, const struct row *b)
{
    return a->n != b->n && (a->n == NULL_VALUE || (b->n != NULL_VALUE && a->n < b->n));
}

/* preceding: -1: no bound. */
struct values_case {
    bool rows, retracts;
    int64_t preceding;
};

/* How many live rows of its key stand before row i; by ROWS, equal ones that came first do too. */
static int64_t place_among(const struct rows *live, uint32_t i, bool rows)
{
    int64_t place = 0;

    for (uint32_t k = 0; k < live->count; k++)
        place += live->rows[k].k == live->rows[i].k &&
                 (stands_before(&live->rows[k], &live->rows[i]) || (rows && live->rows[k].n == live->rows[i].n && k < i));
    return place;
}

/* In the order of n: each live row with what stands before it, and by RANGE beside it. */
static void over_values_twin(struct model *m, const struct values_case *c)
{
    const struct rows *live = &m->live[0];

    for (uint32_t i = 0; i < live->count; i++) {
        const struct row *row = &live->rows[i];
        int64_t count = 0, sum = 0, some = 0, letters = 0, numbers = 0, place = place_among(live, i, c->rows);
        char text[2 * TEXT_MAX], a[24];
        for (uint32_t k = 0; k < live->count; k++) {
            const struct row *other = &live->rows[k];
            if (other->k != row->k || place_among(live, k, c->rows) > place ||
                (c->preceding >= 0 && place - place_among(live, k, c->rows) > c->preceding))
                continue;
            count++;
            letters |= 1 << other->s;
            numbers |= 1 << (other->n == NULL_VALUE ? 30 : other->n);
            some += other->n != NULL_VALUE;
            sum += other->n == NULL_VALUE ? 0 : other->n;
        }
        int len = row_text(text, row);
        len += sprintf(text + len, " %lld %s %d", (long long)count, number(a, some ? sum : NULL_VALUE),
                       __builtin_popcountll((uint64_t)letters));
        if (!c->rows)
            len += sprintf(text + len, " %lld %d", (long long)place + 1, __builtin_popcountll((uint64_t)numbers));
        fold_add(&m->want, text, (size_t)len, 1);
    }
}

static void over_values_model(uint64_t seed, struct values_case c)
{
    struct model *m = model_new(seed);
    struct plan_node *input = rig_input(&m->plans, "k bigint, n bigint, s text");
    struct plan_node *node = rig_node(&m->plans, PLAN_OVER,
                                      c.rows ? "k bigint, n bigint, s text, c bigint, sum bigint, d bigint"
                                             : "k bigint, n bigint, s text, c bigint, sum bigint, d bigint, r bigint, dr bigint",
                                      input, NULL);
    struct agg_call *aggs = ARENA_ARRAY(&m->plans, struct agg_call, 5);

    aggs[0] = rig_agg(&m->plans, input, "COUNT", -1, -1);
    aggs[1] = rig_agg(&m->plans, input, "SUM", 1, -1);
    aggs[2] = rig_agg(&m->plans, input, "COUNT DISTINCT", 2, -1);
    aggs[3] = rig_agg(&m->plans, input, "RANK", 1, -1);
    aggs[4] = rig_agg(&m->plans, input, "DENSE_RANK", 1, -1);
    node->over = (struct plan_over){.partition = rig_columns(&m->plans, "0"), .partition_count = 1, .column = 1,
                                    .rows = c.rows, .bounded = c.preceding >= 0, .preceding = c.preceding, .aggs = aggs,
                                    .aggs_count = c.rows ? 3 : 5};
    input->changes = c.retracts ? ALL_CHANGES : 0;
    rig_open(&m->rig, node);
    for (uint32_t step = 0; step < 40; step++) {
        if (!c.retracts && m->live[0].count > 60)
            break;
        random_changes(&m->rng, &m->live[0], c.retracts, m->text);
        rig_in(&m->rig, 0, m->text);
        model_out(m);
        m->want.used = 0;
        over_values_twin(m, &c);
        fold_expect(&m->got, &m->want, seed, step);
    }
    model_free(m);
}

TEST_SECONDS(over_values_are_their_twin, 120)
{
    static const struct values_case cases[] = {{false, false, -1}, {false, true, -1}, {true, false, -1}, {true, true, -1},
                                               {true, true, 2},    {true, false, 0},  {true, true, 5}};

    for (uint64_t i = 0; i < 25; i++)
        for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++)
            over_values_model(test_seed() + i, cases[c]);
}

/* ---- windows' ranks ---- */

/* Rows carry windows of 10; the watermark closes some on the way, and rows for those are late. */
static void window_rank_model(uint64_t seed, int64_t limit, bool emit_rank, bool descending)
{
    struct model *m = model_new(seed);
    const char *in = "k bigint, n bigint, s text, ws timestamp, we timestamp";
    struct plan_node *input = rig_input(&m->plans, in);
    char out[100];
    snprintf(out, sizeof(out), "%s%s", in, emit_rank ? ", r bigint" : "");
    struct plan_node *node = rig_node(&m->plans, PLAN_WINDOW_RANK, out, input, NULL);
    struct plan_sort_key key = {.column = 1, .descending = descending};
    struct rows *live = &m->live[0];
    int64_t mark = INT64_MIN;

    node->rank = (struct plan_rank){.partition = rig_columns(&m->plans, "3 4 0"), .partition_count = 3, .order = &key,
                                    .order_count = 1, .limit = limit, .emit_rank = emit_rank,
                                    .start_column = 3, .end_column = 4};
    rig_open(&m->rig, node);
    for (int64_t step = 0; step < 30; step++) {
        *m->text = 0;
        for (uint64_t i = rng_below(&m->rng, 12); i > 0 && live->count < ROWS_MAX; i--) {
            struct row r = random_row(&m->rng);
            char text[TEXT_MAX];
            r.t = 10 * ((step + rng_between(&m->rng, -15, 20)) / 10);
            r.seq = live->next_seq++;
            row_text(text, &r);
            sprintf(m->text + strlen(m->text), "%s%s %lld %lld", *m->text ? " | " : "", text, (long long)r.t,
                    (long long)r.t + 10);
            if (mark == INT64_MIN || r.t + 10 > mark + 1)
                live->rows[live->count++] = r;
        }
        if (*m->text)
            rig_in(&m->rig, 0, m->text);
        if (rng_chance(&m->rng, 0.3) && step - 3 > mark) {
            mark = step - 3;
            rig_mark(&m->rig, mark);
        }
        model_out(m);
    }
    rig_mark(&m->rig, INT64_MAX);
    model_out(m);
    for (uint32_t i = 0; i < live->count; i++) {
        const struct row *r = &live->rows[i];
        int64_t before = 0;
        char text[2 * TEXT_MAX];
        for (uint32_t k = 0; k < live->count; k++) {
            const struct row *other = &live->rows[k];
            before += other != r && other->k == r->k && other->t == r->t && rank_order(other, r, descending) < 0;
        }
        if (before >= limit)
            continue;
        int len = row_text(text, r);
        len += sprintf(text + len, " %lld %lld", (long long)r->t, (long long)r->t + 10);
        if (emit_rank)
            len += sprintf(text + len, " %lld", (long long)before + 1);
        fold_add(&m->want, text, (size_t)len, 1);
    }
    fold_expect(&m->got, &m->want, seed, 0);
    model_free(m);
}

TEST_SECONDS(window_ranks_are_their_twin, 120)
{
    static const int64_t limits[] = {1, 3, 10};

    for (uint64_t i = 0; i < 5; i++)
        for (int how = 0; how < 4; how++)
            for (int l = 0; l < 3; l++)
                window_rank_model(test_seed() + i, limits[l], how & 1, how & 2);
}

/* ---- window joins ---- */

static void window_join_model(uint64_t seed, enum join_kind kind, bool condition)
{
    struct model *m = model_new(seed);
    const char *in = "k bigint, n bigint, s text, ws timestamp, we timestamp";
    struct plan_node *left = rig_input(&m->plans, in), *right = rig_input(&m->plans, in);
    struct plan_node *node =
        rig_node(&m->plans, PLAN_WINDOW_JOIN,
                 kind >= JOIN_SEMI ? in : "k bigint, n bigint, s text, ws timestamp, we timestamp, k bigint, n bigint, "
                                          "s text, ws timestamp, we timestamp",
                 left, right);
    struct diag diag = {0};

    node->join = (struct plan_join){.kind = kind, .left_keys = rig_columns(&m->plans, "0"),
                                    .right_keys = rig_columns(&m->plans, "0"), .keys_count = 1,
                                    .left_start = 3, .left_end = 4, .right_start = 3, .right_end = 4};
    const struct expr *n[2] = {expr_column(&m->plans, 1, left->columns[1].type),
                               expr_column(&m->plans, 6, left->columns[1].type)};
    if (condition)
        node->join.condition = func_bind(&m->plans, bytes_str("<="), n, 2, &diag);
    rig_open(&m->rig, node);
    for (uint32_t step = 0; step < 20; step++) {
        int side = (int)rng_below(&m->rng, 2);
        *m->text = 0;
        for (uint64_t i = rng_below(&m->rng, 10); i > 0 && m->live[side].count < ROWS_MAX; i--) {
            struct row r = random_row(&m->rng);
            r.t = 10 * rng_between(&m->rng, 0, 2);
            char text[TEXT_MAX];
            row_text(text, &r);
            sprintf(m->text + strlen(m->text), "%s%s %lld %lld", *m->text ? " | " : "", text, (long long)r.t,
                    (long long)r.t + 10);
            m->live[side].rows[m->live[side].count++] = r;
        }
        if (*m->text)
            rig_in(&m->rig, side, m->text);
        model_out(m);
    }
    rig_mark(&m->rig, 9);
    model_out(m);
    rig_mark(&m->rig, INT64_MAX);
    model_out(m);
    const struct rows *l = &m->live[0], *r = &m->live[1];
    bool met[ROWS_MAX] = {0};
    char text[3 * TEXT_MAX];
    static const char none[] = "null null null null null";
    for (uint32_t i = 0; i < l->count; i++) {
        bool any = false;
        int at = row_text(text, &l->rows[i]);
        at += sprintf(text + at, " %lld %lld", (long long)l->rows[i].t, (long long)l->rows[i].t + 10);
        for (uint32_t k = 0; k < r->count; k++) {
            if (l->rows[i].t != r->rows[k].t || !meets(&l->rows[i], &r->rows[k], condition))
                continue;
            any = met[k] = true;
            text[at] = ' ';
            int len = at + 1 + row_text(text + at + 1, &r->rows[k]);
            len += sprintf(text + len, " %lld %lld", (long long)r->rows[k].t, (long long)r->rows[k].t + 10);
            if (kind < JOIN_SEMI)
                fold_add(&m->want, text, (size_t)len, 1);
        }
        if (kind == JOIN_SEMI ? any : kind == JOIN_ANTI ? !any : false)
            fold_add(&m->want, text, (size_t)at, 1);
        if (!any && (kind == JOIN_LEFT || kind == JOIN_FULL))
            fold_add(&m->want, text, (size_t)(at + sprintf(text + at, " %s", none)), 1);
    }
    for (uint32_t k = 0; k < r->count; k++) {
        int at = sprintf(text, "%s ", none);
        at += row_text(text + at, &r->rows[k]);
        at += sprintf(text + at, " %lld %lld", (long long)r->rows[k].t, (long long)r->rows[k].t + 10);
        if (!met[k] && (kind == JOIN_RIGHT || kind == JOIN_FULL))
            fold_add(&m->want, text, (size_t)at, 1);
    }
    fold_expect(&m->got, &m->want, seed, 0);
    model_free(m);
}

TEST_SECONDS(window_joins_are_their_twin, 120)
{
    for (uint64_t i = 0; i < 4; i++)
        for (int kind = JOIN_INNER; kind <= JOIN_ANTI; kind++)
            for (int condition = 0; condition < 2; condition++)
                window_join_model(test_seed() + i, kind, condition);
}

/* ---- temporal joins ---- */

enum { GONE = 100 }; /* s of a version that says that there is no row */

/* Since when the row of its key holds that holds at `time`; NULL: there is none. Of one time the last. */
static const struct row *version_of(const struct rows *versions, int64_t k, int64_t time)
{
    const struct row *found = NULL;

    for (uint32_t i = 0; i < versions->count; i++) {
        const struct row *v = &versions->rows[i];
        if (v->k == k && k != NULL_VALUE && v->t <= time && (!found || v->t >= found->t))
            found = v;
    }
    return found;
}

static bool is_past(const struct model *m, const struct row *r, int64_t mark)
{
    const struct row *v = r->t <= mark ? version_of(&m->live[1], r->k, mark) : NULL;

    return v && v->t > r->t;
}

/* What is due and not told: seq 0. */
static void temporal_want(struct model *m, bool padded, bool condition, int64_t mark)
{
    for (uint32_t i = 0; i < m->live[0].count; i++) {
        struct row *l = &m->live[0].rows[i];
        char text[3 * TEXT_MAX];
        if (l->seq || l->t > mark)
            continue;
        l->seq = 1;
        const struct row *v = version_of(&m->live[1], l->k, l->t);
        bool met = v && v->s != GONE && meets(l, v, condition);
        int len = row_text(text, l);
        len += sprintf(text + len, " %lld ", (long long)l->t);
        if (met) {
            len += row_text(text + len, v);
            len += sprintf(text + len, " %lld", (long long)v->t);
        } else {
            len += sprintf(text + len, "null null null null");
        }
        if (met || padded)
            fold_add(&m->want, text, (size_t)len, 1);
    }
}

static void temporal_rows(struct model *m, int side, int64_t now, int64_t mark, uint64_t *late)
{
    *m->text = 0;
    for (uint64_t n = rng_below(&m->rng, 8); n > 0 && m->live[side].count < ROWS_MAX; n--) {
        struct row r = random_row(&m->rng);
        char text[TEXT_MAX];
        bool gone = side == 1 && rng_chance(&m->rng, 0.2);
        r.t = now + rng_between(&m->rng, -25, 10);
        row_text(text, &r);
        const char *kind = gone ? "-D " : side == 1 && rng_chance(&m->rng, 0.3) ? "+U " : "";
        sprintf(m->text + strlen(m->text), "%s%s%s %lld", *m->text ? " | " : "", kind, text, (long long)r.t);
        if (is_past(m, &r, mark)) {
            ++*late;
            continue;
        }
        r.s = gone ? GONE : r.s;
        m->live[side].rows[m->live[side].count++] = r;
    }
    if (*m->text)
        rig_in(&m->rig, side, m->text);
}

static void temporal_model(uint64_t seed, bool padded, bool condition)
{
    struct model *m = model_new(seed);
    const char *in = "k bigint, n bigint, s text, t rowtime";
    struct plan_node *left = rig_input(&m->plans, in), *right = rig_input(&m->plans, in);
    struct plan_node *node = rig_node(&m->plans, PLAN_TEMPORAL_JOIN, "k bigint, n bigint, s text, t rowtime, k2 bigint, "
                                                                     "n2 bigint, s2 text, t2 rowtime", left, right);
    int64_t mark = INT64_MIN, now = 0;
    uint64_t late = 0;
    struct diag diag = {0};

    right->changes = CHANGE_UPDATE | CHANGE_DELETE;
    node->join = (struct plan_join){.kind = padded ? JOIN_LEFT : JOIN_INNER, .left_keys = rig_columns(&m->plans, "0"),
                                    .right_keys = rig_columns(&m->plans, "0"), .keys_count = 1, .left_time = 3,
                                    .right_time = 3};
    const struct expr *n[2] = {expr_column(&m->plans, 1, left->columns[1].type),
                               expr_column(&m->plans, 5, left->columns[1].type)};
    if (condition)
        node->join.condition = func_bind(&m->plans, bytes_str("<="), n, 2, &diag);
    rig_open(&m->rig, node);
    for (uint32_t step = 0; step < 60; step++) {
        temporal_rows(m, (int)rng_below(&m->rng, 2), now, mark, &late);
        now += rng_between(&m->rng, 0, 5);
        if (rng_chance(&m->rng, 0.4) && now - 12 > mark) {
            mark = now - 12;
            rig_mark(&m->rig, mark);
            temporal_want(m, padded, condition, mark);
        }
        fold_changes(&m->got, rig_out(&m->rig));
        if (rng_chance(&m->rng, 0.3))
            rig_reload(&m->rig);
    }
    EXPECT_INT(m->rig.late, late);
    rig_mark(&m->rig, INT64_MAX);
    temporal_want(m, padded, condition, INT64_MAX);
    fold_changes(&m->got, rig_out(&m->rig));
    fold_expect(&m->got, &m->want, seed, 0);
    model_free(m);
}

TEST_SECONDS(temporal_joins_are_their_twin, 120)
{
    for (uint64_t i = 0; i < 20; i++)
        for (int how = 0; how < 4; how++)
            temporal_model(test_seed() + i, how & 1, how & 2);
}

/* ---- lookup joins ---- */

/* What the left's row met when it came is what the right held then. */
static void lookup_model(uint64_t seed, enum join_kind kind)
{
    struct model *m = model_new(seed);
    const char *in = "k bigint, n bigint, s text";
    struct plan_node *left = rig_input(&m->plans, in), *right = rig_input(&m->plans, in);
    struct plan_node *node = rig_node(&m->plans, PLAN_LOOKUP_JOIN, "k bigint, n bigint, s text, k2 bigint, n2 bigint, "
                                                                   "s2 text", left, right);

    right->changes = ALL_CHANGES;
    node->join = (struct plan_join){.kind = kind, .left_keys = rig_columns(&m->plans, "0"),
                                    .right_keys = rig_columns(&m->plans, "0"), .keys_count = 1};
    rig_open(&m->rig, node);
    for (uint32_t step = 0; step < 60; step++) {
        random_changes(&m->rng, &m->live[1], true, m->text);
        rig_in(&m->rig, 1, m->text);
        m->live[0].count = 0;
        random_changes(&m->rng, &m->live[0], false, m->text);
        rig_in(&m->rig, 0, m->text);
        join_twin(m, kind, false);
        fold_changes(&m->got, rig_out(&m->rig));
        if (rng_chance(&m->rng, 0.3))
            rig_reload(&m->rig);
        fold_expect(&m->got, &m->want, seed, step);
        m->got.used = m->want.used = 0;
    }
    model_free(m);
}

TEST_SECONDS(lookup_joins_are_their_twin, 120)
{
    for (uint64_t i = 0; i < 10; i++) {
        lookup_model(test_seed() + i, JOIN_INNER);
        lookup_model(test_seed() + i, JOIN_LEFT);
    }
}
