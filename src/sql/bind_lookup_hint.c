/* The hint LOOKUP('table' = 'c', 'async' = 'true', …) behind SELECT: how the rows of a lookup join are asked for. The name is
 * that of the join's right side in FROM: its alias, or else the table or view. What each option means: docs/sql/statements.md. */
#include "base/suggest.h"
#include "sql/bind.h"

enum { CAPACITY_MAX = 10000000, ATTEMPTS_MAX = 1000000 };
#define DELAY_US_MAX   (86400 * (int64_t)1000000)
#define TIMEOUT_US_MIN (10 * (int64_t)1000)
#define TIMEOUT_US_MAX (600 * (int64_t)1000000)

enum lookup_option {
    TABLE, ASYNC, OUTPUT_MODE, CAPACITY, TIMEOUT, RETRY_PREDICATE, RETRY_STRATEGY, FIXED_DELAY, MAX_ATTEMPTS, SHUFFLE,
    LOOKUP_OPTIONS
};

static const char *const names[LOOKUP_OPTIONS] = {
    "table",          "async",       "output-mode",  "capacity", "timeout", "retry-predicate",
    "retry-strategy", "fixed-delay", "max-attempts", "shuffle"};

struct reading {
    struct binder *b;
    const struct ast_option *given[LOOKUP_OPTIONS]; /* of one name the last counts; NULL: not said */
};

static void wrong_value(const struct reading *r, enum lookup_option which, const char *wanted)
{
    const struct ast_option *o = r->given[which];

    bind_error(r->b, o->at, DIAG_VALUE, "LOOKUP: '%s' takes %s, not '%.*s'", names[which], wanted,
               BYTES_FMT(bytes_head(o->value, 60)));
}

/* One of two words, the second or not; not said: false. */
static bool word(const struct reading *r, enum lookup_option which, const char *first, const char *second)
{
    const struct ast_option *o = r->given[which];

    if (!o || (first && bytes_is_nocase(o->value, first)))
        return false;
    if (bytes_is_nocase(o->value, second))
        return true;
    wrong_value(r, which, first ? arena_printf(r->b->arena, "'%s' or '%s'", first, second)
                                : arena_printf(r->b->arena, "'%s'", second));
    return false;
}

static uint32_t number(const struct reading *r, enum lookup_option which, int64_t max)
{
    int64_t n = 0;

    if (!r->given[which])
        return 0;
    if (!bytes_to_i64(r->given[which]->value, &n) || n < 1 || n > max)
        wrong_value(r, which, arena_printf(r->b->arena, "a whole number from 1 to %lld", (long long)max));
    return (uint32_t)n;
}

static int64_t duration(const struct reading *r, enum lookup_option which, int64_t min_us, int64_t max_us,
                        const char *wanted)
{
    int64_t us = r->given[which] ? settings_duration_us(r->given[which]->value) : 0;

    if (r->given[which] && (us < min_us || us > max_us))
        wrong_value(r, which, wanted);
    return us;
}

static void read_retry(const struct reading *r, struct lookup_hint *out)
{
    unsigned said = 0;

    for (int o = RETRY_PREDICATE; o <= MAX_ATTEMPTS; o++)
        said += r->given[o] != NULL;
    if (!said)
        return;
    if (said < MAX_ATTEMPTS - RETRY_PREDICATE + 1) {
        bind_error(r->b, r->given[TABLE]->at, DIAG_VALUE, "LOOKUP: what it says of asking again is not whole");
        bind_hint(r->b, "'retry-predicate' = 'lookup_miss', 'retry-strategy' = 'fixed_delay', 'fixed-delay' = '10 s', "
                        "'max-attempts' = '3': all four or none");
        return;
    }
    (void)word(r, RETRY_PREDICATE, NULL, "lookup_miss");
    (void)word(r, RETRY_STRATEGY, NULL, "fixed_delay");
    out->retry_us = duration(r, FIXED_DELAY, 1000, DELAY_US_MAX, "a time such as 500 ms or 10 s, from 1 ms to 1 day");
    out->retries = number(r, MAX_ATTEMPTS, ATTEMPTS_MAX);
}

/* Synchronous calls have no order to leave and none under way beside them: then those options say nothing, as in Flink. */
static void read_async(const struct reading *r, struct lookup_hint *out)
{
    bool sync = r->given[ASYNC] && !word(r, ASYNC, "false", "true");

    out->unordered = word(r, OUTPUT_MODE, "ordered", "allow_unordered") && !sync;
    out->capacity = number(r, CAPACITY, CAPACITY_MAX);
    out->timeout_us = duration(r, TIMEOUT, TIMEOUT_US_MIN, TIMEOUT_US_MAX, "a time from 10 ms to 10 min");
    if (sync)
        out->capacity = 0, out->timeout_us = 0;
    (void)word(r, SHUFFLE, "false", "true");
}

static bool sort_options(struct reading *r, const struct ast_lookup_hint *hint)
{
    for (uint16_t i = 0; i < hint->options.count; i++) {
        const struct ast_option *o = &hint->options.items[i];
        int which = 0;
        while (which < LOOKUP_OPTIONS && !bytes_is(o->key, names[which]))
            which++;
        if (which == LOOKUP_OPTIONS) {
            const char *near_name = suggest(o->key, names, LOOKUP_OPTIONS);
            bind_error(r->b, o->at, DIAG_NAME, "LOOKUP has no option '%.*s'", BYTES_FMT(bytes_head(o->key, 60)));
            if (near_name)
                bind_hint(r->b, "did you mean '%s'?", near_name);
            return false;
        }
        r->given[which] = o;
    }
    if (!r->given[TABLE]) {
        bind_error(r->b, hint->at, DIAG_SYNTAX, "LOOKUP does not say of which table: 'table' = 'its name or alias in FROM'");
        return false;
    }
    return true;
}

/* ---- names ---- */

static bool is_looked_up(const struct ast_from *from, struct bytes name)
{
    if (from->kind == FROM_JOIN)
        return is_looked_up(from->left, name) || is_looked_up(from->right, name);
    return from->kind == FROM_TABLE && from->as_of && bytes_equal(input_name(from), name);
}

static bool check_name(struct binder *b, const struct ast_option *table, const struct ast_from *from)
{
    if (from && is_looked_up(from, table->value))
        return true;
    bind_error(b, table->at, DIAG_NAME, "LOOKUP: nothing that FROM looks up is called `%.*s`",
               BYTES_FMT(bytes_head(table->value, 60)));
    bind_hint(b, "it is the alias of what stands before FOR SYSTEM_TIME AS OF, or else the table's or view's name; those "
                 "within a view or a query in brackets have hints of their own");
    return false;
}

struct lookup_hints *bind_lookup_hints(struct binder *b, const struct ast_select *s)
{
    struct lookup_hints *out = ARENA_NEW(b->arena, struct lookup_hints);

    out->items = ARENA_ARRAY(b->arena, struct named_hint, s->lookups_count + 1u);
    for (uint16_t i = 0; i < s->lookups_count && !b->failed; i++) {
        struct reading r = {.b = b};
        struct named_hint *named = &out->items[out->count++];
        if (!sort_options(&r, &s->lookups[i]) || !check_name(b, r.given[TABLE], s->from))
            break;
        *named = (struct named_hint){.at = r.given[TABLE]->at, .table = r.given[TABLE]->value};
        read_async(&r, &named->hint);
        if (!b->failed)
            read_retry(&r, &named->hint);
    }
    return out;
}

/* Of several for one name the first counts. */
const struct named_hint *lookup_hint_of(const struct lookup_hints *hints, const struct ast_from *right)
{
    for (uint16_t i = 0; hints && i < hints->count; i++)
        if (bytes_equal(hints->items[i].table, input_name(right)))
            return &hints->items[i];
    return NULL;
}
