/* JOIN t FOR SYSTEM_TIME AS OF time: by event time the version of the right that held then, by processing time
 * what the right holds now. */
#include "sql/bind.h"

/* The time of the left: a column of it that is a time attribute. */
static bool as_of_column(struct binder *b, const struct ast_from *right, const struct rel *left, uint16_t *column)
{
    struct scope scope = left->scope;

    scope.no_aggs = "in FOR SYSTEM_TIME AS OF";
    const struct expr *e = bind_expr(b, &scope, right->as_of);
    if (!e)
        return false;
    if (expr_is_column(e, column) && left->node->columns[*column].time != TIME_NONE)
        return true;
    bind_error(b, right->as_of->at, DIAG_TYPE, "FOR SYSTEM_TIME AS OF takes a time attribute of the left side");
    bind_hint(b, "a column with a WATERMARK, or one that is PROCTIME(); casts and computations end a time attribute");
    return false;
}

/* Which columns of the right the condition equates, as they are, to what the left has. */
static uint16_t equated(struct binder *b, const struct plan_node *join, uint8_t *right)
{
    struct conjuncts list = {0};
    uint16_t n = join->inputs[0].node->columns_count, found = 0;

    conjuncts_add(b->arena, &list, join->join.condition);
    for (uint16_t i = 0; i < list.count; i++) {
        const struct expr *e = list.items[i];
        for (int side = 0; side < 2 && expr_is_func(e, "="); side++) {
            uint8_t *used = ARENA_ARRAY(b->arena, uint8_t, join_width(join) + 1u);
            uint16_t column, of_right = 0, of_left = 0;
            expr_columns(e->args[1 - side], used);
            for (uint16_t c = 0; c < join_width(join); c++) {
                of_left += c < n && used[c];
                of_right += c >= n && used[c];
            }
            if (!expr_is_column(e->args[side], &column) || column < n || of_right || !of_left)
                continue;
            right[column - n] = 1;
            found++;
        }
    }
    return found;
}

static void want_key(struct binder *b, const struct ast_from *right, const struct plan_node *join)
{
    struct plan_node *node = join->inputs[1].node;
    uint8_t *have = ARENA_ARRAY(b->arena, uint8_t, node->columns_count + 1u);
    const uint16_t *key;
    uint16_t count;

    (void)equated(b, join, have);
    if (!version_key(b->arena, node, &key, &count)) {
        bind_error(b, right->at, DIAG_TYPE, "`%.*s` has no primary key: its rows are not versions of anything",
                   BYTES_FMT(bytes_head(right->name, 60)));
        bind_hint(b, "give it PRIMARY KEY (…) NOT ENFORCED, or join a view that keeps the last row of each key: "
                     "SELECT … FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY ts DESC) AS rn FROM t) "
                     "WHERE rn = 1");
        return;
    }
    for (uint16_t k = 0; k < count; k++) {
        if (have[key[k]])
            continue;
        bind_error(b, right->at, DIAG_TYPE,
                   "ON must equate all of the primary key of `%.*s` with columns of the left: `%.*s` is not there",
                   BYTES_FMT(bytes_head(right->name, 60)), BYTES_FMT(bytes_head(node->columns[key[k]].name, 60)));
        return;
    }
}

/* The column by which the right's rows are versions. */
static bool version_column(struct binder *b, const struct ast_from *right, const struct plan_node *join,
                           const struct plan_column *as_of, uint16_t *column)
{
    const struct plan_node *node = join->inputs[1].node;
    uint16_t found = 0;

    for (uint16_t i = 0; i < node->columns_count; i++) {
        if (node->columns[i].time != TIME_ROW)
            continue;
        *column = i;
        found++;
    }
    if (found != 1) {
        bind_error(b, right->at, DIAG_TYPE, "`%.*s` has %s: it is not known since when a row holds",
                   BYTES_FMT(bytes_head(right->name, 60)),
                   found ? "several columns with a watermark" : "no column with a watermark");
        bind_hint(b, found ? "select one of them in a view" : "declare WATERMARK FOR a time of it in CREATE TABLE");
        return false;
    }
    const struct type *mine = as_of->type, *theirs = node->columns[*column].type;
    if (mine->kind == theirs->kind)
        return true;
    bind_error(b, right->as_of->at, DIAG_TYPE, "the times of both sides are of one type; `%.*s` is %s, `%.*s` is %s",
               BYTES_FMT(bytes_head(as_of->name, 60)), type_text(b->arena, mine),
               BYTES_FMT(bytes_head(node->columns[*column].name, 60)), type_text(b->arena, theirs));
    return false;
}

/* A version that a filter leaves out would let the one before it hold on. */
static void refuse_filter(struct binder *b, const struct ast_from *right, const struct plan_node *node)
{
    bool filters = false;

    for (; node->kind == PLAN_CALC; node = node->inputs[0].node)
        filters |= node->calc.filter != NULL;
    if (!filters)
        return;
    bind_error(b, right->at, DIAG_TYPE, "`%.*s` filters versions: where one is left out, the one before would hold on",
               BYTES_FMT(bytes_head(right->name, 60)));
    bind_hint(b, "filter behind the join, or by what comes of it: ON … AND r.rate > 1");
}

static void by_event_time(struct binder *b, const struct ast_from *right, struct plan_node *join, uint16_t as_of)
{
    uint16_t time;

    if (!version_column(b, right, join, &join->inputs[0].node->columns[as_of], &time))
        return;
    want_key(b, right, join);
    if (!b->failed)
        refuse_filter(b, right, join->inputs[1].node);
    join->kind = PLAN_TEMPORAL_JOIN;
    join->join.left_time = as_of;
    join->join.right_time = time;
}

/* A table whose rows end, as they are made or read. */
static bool ends(const struct table *table)
{
    struct bytes connector = table_option_get(table, "connector", "");

    if (!bytes_is(connector, "datagen"))
        return bytes_is(connector, "filesystem");
    for (uint16_t i = 0; i < table->options_count; i++) {
        if (bytes_is(table->options[i].key, "number-of-rows") || bytes_is(table->options[i].value, "sequence"))
            return true;
    }
    return false;
}

/* What can be looked up: tables that end, and those that are kept here: what is there of them is read before the
 * left; and those of outside systems that can be asked. Gives the first that cannot be. */
static const struct table *not_kept(struct plan_node *node)
{
    if (node->kind == PLAN_SCAN) {
        const struct table *table = node->scan.table;
        node->scan.asked = table->lookup != NULL;
        node->scan.first = !node->scan.asked;
        return table->kind == TABLE_MATERIALIZED || table->lookup || ends(table) ? NULL : table;
    }
    for (uint16_t i = 0; i < node->inputs_count; i++) {
        const struct table *table = not_kept(node->inputs[i].node);
        if (table)
            return table;
    }
    return NULL;
}

static bool looks_up(const struct plan_node *node)
{
    bool found = node->kind == PLAN_LOOKUP_JOIN;

    for (uint16_t i = 0; i < node->inputs_count; i++)
        found |= looks_up(node->inputs[i].node);
    return found;
}

static bool asks_outside(const struct plan_node *node)
{
    bool asks = node->kind == PLAN_SCAN && node->scan.asked;

    for (uint16_t i = 0; i < node->inputs_count; i++)
        asks |= asks_outside(node->inputs[i].node);
    return asks;
}

/* What is asked for by its key is a table, or a view that selects from one. */
static const struct table *asked_within(const struct plan_node *node, bool deep)
{
    if (node->kind == PLAN_SCAN)
        return node->scan.asked && deep ? node->scan.table : NULL;
    deep |= node->kind != PLAN_CALC;
    for (uint16_t i = 0; i < node->inputs_count; i++) {
        const struct table *table = asked_within(node->inputs[i].node, deep);
        if (table)
            return table;
    }
    return NULL;
}

/* What is kept here is not asked for: there is nothing to wait for, and nothing that comes of asking again. */
static void take_hint(struct binder *b, const struct ast_from *right, struct plan_node *join)
{
    const struct named_hint *named = lookup_hint_of(b->lookups, right);

    join->join.hint = named ? &named->hint : NULL;
    if (!named || !named->hint.retries || asks_outside(join->inputs[1].node))
        return;
    bind_unsupported(b, named->at, "'retry-predicate' of the hint LOOKUP for `%.*s`, which is kept here,",
                     BYTES_FMT(bytes_head(right->name, 60)));
    bind_hint(b, "tables of redis and postgres are asked again; what is kept here is read before the rows that look it up");
}

static void by_processing_time(struct binder *b, const struct ast_from *right, struct plan_node *join)
{
    const struct table *table = not_kept(join->inputs[1].node);
    uint8_t *have = ARENA_ARRAY(b->arena, uint8_t, join->inputs[1].node->columns_count + 1u);

    if (table) {
        bind_unsupported(b, right->at, "looking up rows of `%.*s`, whose connector cannot be asked for them,",
                         BYTES_FMT(bytes_head(table->name, 60)));
        bind_hint(b, "materialized tables, files, and tables of redis and postgres can be looked up: CREATE "
                     "MATERIALIZED TABLE … AS SELECT …; or join by event time");
    } else if (asked_within(join->inputs[1].node, false)) {
        table = asked_within(join->inputs[1].node, false);
        bind_unsupported(b, right->at, "a lookup join on a view that does more than select from `%.*s`",
                         BYTES_FMT(bytes_head(table->name, 60)));
    } else if (looks_up(join->inputs[1].node)) {
        bind_unsupported(b, right->at, "a lookup join on a view that is a lookup join itself");
    } else if (!equated(b, join, have)) {
        bind_error(b, right->at, DIAG_TYPE, "a lookup join needs an equality of a column of `%.*s` in ON",
                   BYTES_FMT(bytes_head(right->name, 60)));
    }
    join->kind = PLAN_LOOKUP_JOIN;
    if (!b->failed)
        take_hint(b, right, join);
}

void bind_temporal(struct binder *b, const struct ast_from *join, const struct rel *left, struct rel *rel)
{
    uint16_t as_of;

    if (b->failed || !as_of_column(b, join->right, left, &as_of))
        return;
    if (join->join != JOIN_INNER && join->join != JOIN_LEFT) {
        bind_error(b, join->at, DIAG_SYNTAX, "a join FOR SYSTEM_TIME AS OF is an inner or a LEFT JOIN");
        return;
    }
    struct plan_node *node = rel->node;
    enum time_attr time = left->node->columns[as_of].time;
    node->inputs[1].node = opt_push_filters(b->arena, node->inputs[1].node); /* rn = 1 of a view gives it a key */
    if (time == TIME_ROW)
        by_event_time(b, join->right, node, as_of);
    else
        by_processing_time(b, join->right, node);
    for (uint16_t i = 0; i < left->node->columns_count; i++) { /* rows come before the watermark passes them */
        node->columns[i].time = rel->scope.columns[i].time = left->node->columns[i].time;
    }
}
