/* From statements to plans: bind, rewrite, finish. */
#include "sql/plan.h"

#include <stdlib.h>

#include "sql/bind.h"

const char *plan_kind_text(enum plan_kind kind)
{
    static const char *const names[PLAN_KINDS] = {
        [PLAN_SCAN] = "Scan",
        [PLAN_VALUES] = "Values",
        [PLAN_CALC] = "Calc",
        [PLAN_WINDOW] = "Window",
        [PLAN_WINDOW_AGG] = "WindowAggregate",
        [PLAN_GROUP_AGG] = "GroupAggregate",
        [PLAN_JOIN] = "Join",
        [PLAN_WINDOW_JOIN] = "WindowJoin",
        [PLAN_TEMPORAL_JOIN] = "TemporalJoin",
        [PLAN_LOOKUP_JOIN] = "LookupJoin",
        [PLAN_UNION] = "Union",
        [PLAN_UNNEST] = "Unnest",
        [PLAN_RANK] = "Rank",
        [PLAN_WINDOW_RANK] = "WindowRank",
        [PLAN_OVER] = "OverAggregate",
        [PLAN_MATCH] = "Match",
        [PLAN_NORMALIZE] = "ChangelogNormalize",
        [PLAN_SINK] = "Sink",
    };
    return names[kind];
}

static struct plan *plan_create(void)
{
    struct plan *plan = xcalloc(1, sizeof(*plan));

    arena_init(&plan->arena, ARENA_BUDGET_NONE);
    return plan;
}

void plan_destroy(struct plan *plan)
{
    if (!plan)
        return;
    for (uint16_t i = 0; i < plan->sinks_count; i++) { /* one that was put there afterwards */
        struct table *table = plan->sinks[i]->sink.table;
        bool listed = !table;
        for (uint32_t k = 0; k < plan->tables_count; k++)
            listed |= plan->tables[k] == table;
        if (!listed)
            table_release(table);
    }
    for (uint32_t i = 0; i < plan->tables_count; i++)
        table_release(plan->tables[i]);
    arena_deinit(&plan->arena);
    free(plan);
}

/* ROW_NUMBER() and no bound on it: rows are numbered as they come in the order of time, or as they stand. */
static void number_rows(struct arena *arena, struct plan_node *node)
{
    const struct plan_rank rank = node->rank;

    for (uint16_t i = 0; i < node->inputs_count; i++)
        number_rows(arena, node->inputs[i].node);
    if (node->kind != PLAN_RANK || rank.limit != INT64_MAX || rank.order_count != 1 || rank.order[0].descending ||
        rank.order[0].nulls_last)
        return;
    struct agg_call *count = ARENA_NEW(arena, struct agg_call);
    *count = (struct agg_call){.kind = AGG_COUNT_STAR, .type = node->columns[node->columns_count - 1].type};
    node->kind = PLAN_OVER;
    node->over = (struct plan_over){.partition = rank.partition, .partition_count = rank.partition_count,
                                    .column = rank.order[0].column, .rows = true, .aggs = count,
                                    .time = node->inputs[0].node->columns[rank.order[0].column].time,
                                    .aggs_count = rank.emit_rank};
    over_end_times(node);
}

/* What no rule has made plannable. */
bool plan_check(struct binder *b, const struct plan_node *node, const struct token *at)
{
    if (node->kind == PLAN_RANK && node->rank.limit == INT64_MAX) {
        bind_unsupported(b, at, "ROW_NUMBER() without a bound");
        bind_hint(b, "filter it outside: SELECT … FROM (SELECT …, ROW_NUMBER() OVER (…) AS rn …) WHERE "
                     "rn <= 10");
        return false;
    }
    for (uint16_t i = 0; i < node->inputs_count; i++) {
        if (!plan_check(b, node->inputs[i].node, at))
            return false;
    }
    return true;
}

static struct plan_node *optimise(struct arena *arena, struct plan_node *sink)
{
    sink = opt_push_filters(arena, sink);
    sink = opt_join_keys(arena, sink);
    sink = opt_merge_calcs(arena, sink);
    sink = opt_fold_windows(arena, sink);
    sink = opt_prune(arena, sink);
    sink = opt_merge_calcs(arena, sink);
    sink = opt_constants(arena, sink);
    sink = opt_merge_calcs(arena, sink); /* what was costly to repeat may be a field now */
    return opt_fold_values(arena, sink);
}

enum status plan_finish(struct binder *b, struct plan_node **sinks, const struct token **at,
                        uint16_t count)
{
    struct plan *plan = b->plan;

    for (uint16_t i = 0; i < count; i++) {
        sinks[i] = optimise(b->arena, sinks[i]);
        number_rows(b->arena, sinks[i]);
        if (!plan_check(b, sinks[i], at[i]))
            return b->status;
    }
    opt_scans(plan, sinks, count);
    if (!opt_lookups(b, sinks, at, count))
        return b->status;
    for (uint16_t i = 0; i < count; i++)
        sinks[i] = opt_drop_identity(sinks[i]);
    opt_share(plan, sinks, count);
    plan->sinks = sinks;
    plan->sinks_count = count;
    return plan_traits(b, at) ? ST_OK : b->status;
}

static const struct statement *explained(const struct statement *statement)
{
    while (statement->kind == STMT_EXPLAIN)
        statement = statement->ast->explained;
    return statement;
}

static enum status plan_inserts(struct binder *b, const struct ast *ast)
{
    struct plan_node **sinks = ARENA_ARRAY(b->arena, struct plan_node *, ast->inserts_count);
    const struct token **at = ARENA_ARRAY(b->arena, const struct token *, ast->inserts_count);

    for (uint16_t i = 0; i < ast->inserts_count; i++) {
        sinks[i] = bind_insert(b, &ast->inserts[i]);
        at[i] = ast->inserts[i].table_at;
        if (b->failed)
            return b->status;
    }
    return plan_finish(b, sinks, at, ast->inserts_count);
}

static enum status plan_answer(struct binder *b, const struct ast *ast)
{
    struct plan_node **sinks = ARENA_ARRAY(b->arena, struct plan_node *, 1);
    const struct token **at = ARENA_ARRAY(b->arena, const struct token *, 1);

    sinks[0] = bind_answer(b, ast->query);
    at[0] = ast->query->at;
    if (b->failed)
        return b->status;
    return plan_finish(b, sinks, at, 1);
}

enum status sql_plan(const struct catalog *catalog, const struct settings *settings,
                     const struct statement *statement, struct plan **out, struct diag *diag)
{
    struct plan *plan = NULL;
    enum status st;

    *out = NULL;
    statement = explained(statement);
    if (statement->kind == STMT_CREATE_MATERIALIZED || statement->kind == STMT_CREATE_ALERT) {
        struct table *table = NULL;
        st = sql_bind_create(catalog, settings, statement, &table, out, diag);
        if (st == ST_OK)
            table_release(table); /* the plan holds it */
        return st;
    }
    if (statement->kind != STMT_SELECT && statement->kind != STMT_INSERT &&
        statement->kind != STMT_STATEMENT_SET)
        return diag_set(diag, ST_INVALID, DIAG_SYNTAX, "this statement has no plan");
    plan = plan_create();
    struct binder b = {.arena = &plan->arena, .catalog = catalog, .settings = settings,
                       .plan = plan, .diag = diag};
    st = statement->kind == STMT_SELECT ? plan_answer(&b, statement->ast)
                                        : plan_inserts(&b, statement->ast);
    if (st != ST_OK) {
        plan_destroy(plan);
        return st;
    }
    *out = plan;
    return ST_OK;
}

/* The plan of a materialized table's query, with a sink on the table, whose columns and key it sets. */
static enum status plan_materialized(struct binder *b, const struct statement *statement,
                                     struct table *table)
{
    struct plan_node **sinks = ARENA_ARRAY(b->arena, struct plan_node *, 1);
    const struct token **at = ARENA_ARRAY(b->arena, const struct token *, 1);

    at[0] = statement->ast->name_at;
    struct rel rel = bind_query(b, statement->ast->query);
    if (b->failed)
        return b->status;
    struct plan_node *calc = bind_table_query(b, statement->ast, table, rel.node);
    if (b->failed)
        return b->status;
    sinks[0] = bind_sink(b, table, calc, NULL);
    TRY(plan_finish(b, sinks, at, 1));
    const struct plan_sink *sink = &b->plan->sinks[0]->sink;
    if (table->primary_key_count == 0 && sink->upsert_key_count > 0) {
        table->primary_key = ARENA_ARRAY(&table->arena, uint16_t, sink->upsert_key_count);
        for (uint16_t i = 0; i < sink->upsert_key_count; i++)
            table->primary_key[i] = sink->columns[sink->upsert_key[i]];
        table->primary_key_count = sink->upsert_key_count;
    }
    unsigned changes = b->plan->sinks[0]->inputs[0].node->changes;
    bool keyed = table->primary_key_count > 0;
    if (changes || keyed) /* a view tells old rows, whatever its query does */
        table->changes = changes ? changes | CHANGE_UPDATE_BEFORE : CHANGE_UPDATE | CHANGE_UPDATE_BEFORE;
    const uint16_t *key;
    uint16_t count;
    if (!changes && !plan_forgets(b->plan) && unique_key(b->arena, b->plan->sinks[0]->inputs[0].node, &key, &count))
        table->changes = 0; /* each key comes once */
    return ST_OK;
}

enum status sql_bind_create(const struct catalog *catalog, const struct settings *settings,
                            const struct statement *statement, struct table **out,
                            struct plan **plan_out, struct diag *diag)
{
    struct table *table = table_create();
    struct plan *plan = plan_create();
    struct binder b = {.arena = &plan->arena, .catalog = catalog, .settings = settings,
                       .plan = plan, .diag = diag};
    bool materialized = statement->kind == STMT_CREATE_MATERIALIZED ||
                        statement->kind == STMT_CREATE_ALERT;

    *out = NULL;
    if (plan_out)
        *plan_out = NULL;
    bind_table_head(&b, statement, table);
    enum status st = b.failed ? b.status : ST_OK;
    if (st == ST_OK && materialized)
        st = plan_materialized(&b, statement, table);
    else if (st == ST_OK && statement->kind == STMT_CREATE_VIEW)
        st = bind_view(&b, statement, table);
    else if (st == ST_OK)
        st = bind_create_table(&b, statement, table);
    if (st != ST_OK || !materialized || !plan_out) {
        plan_destroy(plan);
        plan = NULL;
    }
    if (st != ST_OK) {
        table_release(table);
        return st;
    }
    if (plan_out)
        *plan_out = plan;
    *out = table;
    return ST_OK;
}
