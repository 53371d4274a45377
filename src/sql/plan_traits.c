/* What the finished plan's nodes are told: the changes they emit, how their inputs must lie, keys of
 * sinks, and remarks for the user on growth and arrival. */
#include "sql/bind.h"

/* ---- changelogs ---- */

static unsigned own_changes(const struct plan_node *node)
{
    unsigned in = 0;
    const unsigned both = CHANGE_UPDATE | CHANGE_DELETE;

    for (uint16_t i = 0; i < node->inputs_count; i++)
        in |= node->inputs[i].node->changes & both;
    switch (node->kind) {
    case PLAN_SCAN: {
        unsigned changes = 0;
        if (node->scan.asked)
            return 0;
        table_changelog(node->scan.table, node->scan.hints, node->scan.hints_count, &changes);
        return changes;
    }
    case PLAN_GROUP_AGG:
        return (node->group_agg.aggs_count > 0 || in ? CHANGE_UPDATE : 0u) | (in ? CHANGE_DELETE : 0u);
    case PLAN_JOIN:
        if (node->join.kind == JOIN_SEMI) /* rows that are only added are only found */
            return in ? in | CHANGE_DELETE : 0u;
        return in | (node->join.kind == JOIN_INNER ? 0u : (unsigned)CHANGE_DELETE);
    case PLAN_TEMPORAL_JOIN: /* versions and what is looked up only go with the left's changes */
    case PLAN_LOOKUP_JOIN:
        return node->inputs[0].node->changes & both;
    case PLAN_RANK:
        if (node->rank.limit == 1 || node->rank.emit_rank)
            return CHANGE_UPDATE | (in ? CHANGE_DELETE : 0u);
        return CHANGE_DELETE | in;
    case PLAN_NORMALIZE:
        return both;
    case PLAN_WINDOW_AGG:
    case PLAN_WINDOW_JOIN:
    case PLAN_WINDOW_RANK:
    case PLAN_MATCH:
    case PLAN_VALUES:
        return 0;
    case PLAN_OVER: /* in an order of values a row changes those behind it */
        return node->over.time == TIME_NONE ? CHANGE_UPDATE | (in ? CHANGE_DELETE : 0u) : 0u;
    case PLAN_WINDOW: /* rows of a session are told when it is at its end */
        return node->window.kind == WINDOW_SESSION ? 0 : in;
    case PLAN_CALC:
    case PLAN_UNION:
    case PLAN_UNNEST:
    case PLAN_SINK:
    case PLAN_KINDS:
        break;
    }
    return in;
}

/* Whether the node cannot do without -U of that input. */
static bool needs_before(const struct plan_node *node, uint16_t input, bool asked)
{
    switch (node->kind) {
    case PLAN_CALC:
        return asked || node->calc.filter != NULL;
    case PLAN_WINDOW: return asked || node->window.kind == WINDOW_SESSION;
    case PLAN_UNION:
        return asked;
    case PLAN_LOOKUP_JOIN:
        return input == 1 || asked;
    case PLAN_TEMPORAL_JOIN: /* a version's time is enough */
        return input == 0 && asked;
    case PLAN_NORMALIZE: /* it keeps the old rows itself */
        return false;
    case PLAN_SINK:
        return node->sink.upsert_key_count == 0 || sink_wants_before(node->sink.table);
    default:
        return true;
    }
}

static bool emits_before(const struct plan_node *node, bool asked)
{
    bool in = false, left_alone = node->kind == PLAN_TEMPORAL_JOIN || node->kind == PLAN_LOOKUP_JOIN;

    for (uint16_t i = 0; i < (left_alone ? 1 : node->inputs_count); i++)
        in |= (node->inputs[i].node->changes & CHANGE_UPDATE_BEFORE) != 0;
    switch (node->kind) {
    case PLAN_SCAN:
        return (node->changes & CHANGE_UPDATE_BEFORE) != 0;
    case PLAN_GROUP_AGG:
    case PLAN_RANK:
    case PLAN_NORMALIZE:
        return asked && (node->changes & CHANGE_UPDATE);
    case PLAN_WINDOW_AGG:
    case PLAN_WINDOW_JOIN:
    case PLAN_WINDOW_RANK:
    case PLAN_MATCH:
    case PLAN_VALUES:
        return false;
    case PLAN_OVER:
        return node->over.time == TIME_NONE;
    case PLAN_WINDOW: return in && node->window.kind != WINDOW_SESSION;
    default:
        return in;
    }
}

static void infer_before(struct plan *plan)
{
    bool *asked = ARENA_ARRAY(&plan->arena, bool, plan->nodes_count + 1u);

    for (uint32_t i = plan->nodes_count; i-- > 0;) {
        const struct plan_node *node = plan->nodes[i];
        for (uint16_t k = 0; k < node->inputs_count; k++)
            asked[node->inputs[k].node->id] |= needs_before(node, k, asked[i]);
    }
    for (uint32_t i = 0; i < plan->nodes_count; i++) {
        struct plan_node *node = plan->nodes[i];
        if (emits_before(node, asked[i]))
            node->changes |= CHANGE_UPDATE_BEFORE;
        if (node->kind == PLAN_GROUP_AGG)
            node->group_agg.emit_update_before = (node->changes & CHANGE_UPDATE_BEFORE) != 0;
    }
}

/* Upserts are made a changelog as they are read (opt_scan.c), if their key can be. */
static bool check_sources(struct binder *b, const struct plan *plan, const struct token *at)
{
    for (uint32_t i = 0; i < plan->nodes_count; i++) {
        const struct plan_node *node = plan->nodes[i];
        for (uint16_t k = 0; k < node->inputs_count; k++) {
            const struct plan_node *input = node->inputs[k].node;
            if (input->kind == PLAN_SCAN && node->kind != PLAN_NORMALIZE && scan_upserts(&input->scan)) {
                bind_unsupported(b, at, "reading `%.*s`, whose primary key has computed columns,",
                                 BYTES_FMT(bytes_head(input->scan.table->name, 60)));
                return false;
            }
        }
    }
    return true;
}

/* A row that is taken back may be of a match that was told. */
static bool check_matches(struct binder *b, const struct plan *plan, const struct token *at)
{
    for (uint32_t i = 0; i < plan->nodes_count; i++) {
        const struct plan_node *node = plan->nodes[i];
        if (node->kind != PLAN_MATCH || !node->inputs[0].node->changes)
            continue;
        bind_unsupported(b, at, "MATCH_RECOGNIZE over what is updated (here by %s)",
                         plan_kind_text(node->inputs[0].node->kind));
        bind_hint(b, "aggregate in windows, or match before aggregating");
        return false;
    }
    return true;
}

/* ---- sinks ---- */

static bool same_columns(const uint16_t *a, uint16_t a_count, const uint16_t *b, uint16_t b_count)
{
    for (uint16_t i = 0; i < a_count; i++) {
        bool found = false;
        for (uint16_t k = 0; k < b_count; k++)
            found |= a[i] == b[k];
        if (!found)
            return false;
    }
    return a_count == b_count;
}

/* The query's columns that fill the table's primary key; 0: it has none, or not all are filled. */
static uint16_t declared_key(struct arena *arena, const struct plan_sink *sink, const uint16_t **out)
{
    const struct table *table = sink->table;
    uint16_t *key = ARENA_ARRAY(arena, uint16_t, (table ? table->primary_key_count : 0) + 1u);
    uint16_t count = 0;

    for (uint16_t k = 0; table && k < table->primary_key_count; k++) {
        for (uint16_t i = 0; i < sink->columns_count; i++) {
            if (sink->columns[i] == table->primary_key[k])
                key[count++] = i;
        }
    }
    *out = key;
    return table && count == table->primary_key_count ? count : 0;
}

static bool finish_sink(struct binder *b, struct plan_node *node, const struct token *at)
{
    struct plan_sink *sink = &node->sink;
    const struct plan_node *input = node->inputs[0].node;
    const uint16_t *derived = NULL, *declared = NULL;
    uint16_t derived_count = 0;
    bool has_derived = input->changes != 0 || (sink->table && sink->table->kind == TABLE_MATERIALIZED)
                           ? unique_key(b->arena, input, &derived, &derived_count)
                           : false;
    uint16_t declared_count = declared_key(b->arena, sink, &declared);

    if (input->changes && sink->table && !sink_takes_updates(sink->table)) {
        bind_error(b, at, DIAG_TYPE,
                   "table sink `%.*s` takes only new rows; the query also updates or deletes rows",
                   BYTES_FMT(bytes_head(sink->table->name, 60)));
        bind_hint(b, "aggregate in windows, or write to a table with 'connector' = 'upsert-kafka' and "
                     "PRIMARY KEY (…) NOT ENFORCED, or use CREATE MATERIALIZED TABLE … AS");
        return false;
    }
    if (declared_count > 0) {
        sink->upsert_key = declared;
        sink->upsert_key_count = declared_count;
        if (input->changes &&
            !(has_derived && same_columns(declared, declared_count, derived, derived_count)))
            node->arrival = "the primary key is not the key of the query's changes: the last change of a "
                            "key wins";
    } else if (has_derived) {
        sink->upsert_key = derived;
        sink->upsert_key_count = derived_count;
    }
    if (sink->table && sink->table->kind == TABLE_MATERIALIZED && sink->upsert_key_count == 0)
        node->grows = "every row is kept; give it a key (PRIMARY KEY (…) NOT ENFORCED, GROUP BY)";
    return true;
}

/* ---- distribution ---- */

static struct dist by_keys(const uint16_t *keys, uint16_t count)
{
    if (count == 0)
        return (struct dist){.kind = DIST_SINGLE};
    return (struct dist){.kind = DIST_HASH, .keys = keys, .keys_count = count};
}

static void distribute(struct plan_node *node)
{
    switch (node->kind) {
    case PLAN_WINDOW:
        if (node->window.kind == WINDOW_SESSION)
            node->inputs[0].dist = by_keys(node->window.partition, node->window.partition_count);
        break;
    case PLAN_WINDOW_AGG:
        node->inputs[0].dist = by_keys(node->window_agg.keys, node->window_agg.keys_count);
        break;
    case PLAN_GROUP_AGG:
        node->inputs[0].dist = by_keys(node->group_agg.keys, node->group_agg.keys_count);
        break;
    case PLAN_JOIN:
    case PLAN_WINDOW_JOIN:
    case PLAN_TEMPORAL_JOIN:
    case PLAN_LOOKUP_JOIN:
        node->inputs[0].dist = by_keys(node->join.left_keys, node->join.keys_count);
        node->inputs[1].dist = by_keys(node->join.right_keys, node->join.keys_count);
        break;
    case PLAN_OVER:
        node->inputs[0].dist = by_keys(node->over.partition, node->over.partition_count);
        break;
    case PLAN_MATCH: node->inputs[0].dist = by_keys(node->match.partition, node->match.partition_count); break;
    case PLAN_NORMALIZE:
        node->inputs[0].dist = by_keys(node->normalize.keys, node->normalize.keys_count);
        break;
    case PLAN_RANK:
    case PLAN_WINDOW_RANK:
        node->inputs[0].dist = by_keys(node->rank.partition, node->rank.partition_count);
        break;
    case PLAN_SINK:
        if (node->sink.upsert_key_count > 0)
            node->inputs[0].dist = by_keys(node->sink.upsert_key, node->sink.upsert_key_count);
        else if (node->inputs[0].node->changes)
            node->inputs[0].dist.kind = DIST_SINGLE;
        if (!node->sink.table) /* an answer is gathered */
            node->inputs[0].dist = (struct dist){.kind = DIST_SINGLE};
        break;
    default:
        break;
    }
}

/* ---- remarks ---- */

static const char *clock_function(const struct expr *e)
{
    static const char *const names[] = {"PROCTIME", "CURRENT_TIMESTAMP", "NOW", "LOCALTIMESTAMP",
                                        "CURRENT_TIME", "CURRENT_DATE", "LOCALTIME",
                                        "CURRENT_ROW_TIMESTAMP", "RAND", "RAND_INTEGER", "UUID",
                                        "CURRENT_WATERMARK", "UNIX_TIMESTAMP"};
    if (!e)
        return NULL;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (expr_is_func(e, names[i]) && !(strcmp(names[i], "UNIX_TIMESTAMP") == 0 && e->args_count > 0))
            return names[i];
    }
    for (uint16_t i = 0; i < e->args_count; i++) {
        const char *found = clock_function(e->args[i]);
        if (found)
            return found;
    }
    return NULL;
}

static const char *ordered_arrival(const struct plan_node *node, const struct agg_call *aggs,
                                   uint16_t count)
{
    for (uint16_t i = 0; i < count; i++) {
        if (!agg_is_ordered(aggs[i].kind) || plan_orders_by_origin(node))
            continue;
        return agg_is_list(aggs[i].kind) ? "LISTAGG, ARRAY_AGG and COLLECT follow the order of arrival"
                                         : "FIRST_VALUE and LAST_VALUE follow the order of arrival";
    }
    return NULL;
}

/* Rows that ORDER BY leaves equal stand as they came, unless it does not leave any, or they have origins. */
static const char *rank_arrival(struct binder *b, const struct plan_node *node)
{
    const struct plan_rank *rank = &node->rank;
    const struct plan_node *input = node->inputs[0].node;
    const uint16_t *key;
    uint16_t count, found = 0;

    if (rank->order_count == 0)
        return "LIMIT without ORDER BY takes the first rows that come";
    for (uint16_t i = 0; i < rank->order_count; i++) {
        if (input->columns[rank->order[i].column].time == TIME_PROC)
            return "processing time: rows stand in the order in which they arrive";
    }
    if (plan_orders_by_origin(node))
        return NULL;
    if (unique_key(b->arena, input, &key, &count)) {
        for (uint16_t k = 0; k < count; k++) {
            bool has = false;
            for (uint16_t i = 0; i < rank->partition_count; i++)
                has |= rank->partition[i] == key[k];
            for (uint16_t i = 0; i < rank->order_count; i++)
                has |= rank->order[i].column == key[k];
            found = (uint16_t)(found + has);
        }
        if (found == count)
            return NULL;
    }
    return "rows that ORDER BY leaves equal stand as they came";
}

static const char *arrival_of(struct binder *b, const struct plan_node *node)
{
    const char *clock = NULL;

    switch (node->kind) {
    case PLAN_CALC:
        clock = clock_function(node->calc.filter);
        for (uint16_t i = 0; i < node->columns_count && !clock; i++)
            clock = clock_function(node->calc.exprs[i]);
        return clock ? arena_printf(b->arena, "%s() differs from run to run", clock) : NULL;
    case PLAN_WINDOW:
    case PLAN_WINDOW_AGG: {
        const struct plan_window *w = node->kind == PLAN_WINDOW ? &node->window : &node->window_agg.window;
        if (w->time == TIME_PROC)
            return w->kind == WINDOW_SESSION
                       ? "processing time: a session lasts while rows arrive"
                       : "processing time: a row is in the window that is open when it arrives";
        if (settings_duration_us(bytes_str(settings_get(b->settings, "table.exec.source.idle-timeout"))) > 0)
            return "idleness: a partition that pauses may make its next rows late";
        return node->kind == PLAN_WINDOW_AGG
                   ? ordered_arrival(node, node->window_agg.aggs, node->window_agg.aggs_count)
                   : NULL;
    }
    case PLAN_RANK:
    case PLAN_WINDOW_RANK:
        return rank_arrival(b, node);
    case PLAN_LOOKUP_JOIN:
        return node->join.lookup ? "processing time: a row meets what the outside holds when it is asked"
                                 : "processing time: a row meets what is there when it arrives";
    case PLAN_TEMPORAL_JOIN:
        return node->inputs[0].node->changes
                   ? "the left is updated: what takes back a row behind the watermark may find its version forgotten"
                   : NULL;
    case PLAN_OVER:
        if (node->over.time == TIME_NONE)
            return node->over.rows ? "rows that ORDER BY leaves equal stand as they came"
                                   : ordered_arrival(node, node->over.aggs, node->over.aggs_count);
        if (node->over.time == TIME_PROC)
            return "processing time: rows stand in the order in which they arrive";
        return node->over.rows && !plan_orders_by_origin(node) ? "rows of equal times stand as they came" : NULL;
    case PLAN_MATCH:
        if (node->match.time == TIME_PROC)
            return "processing time: rows stand in the order in which they arrive";
        return plan_orders_by_origin(node) ? NULL : "rows that ORDER BY leaves equal stand as they came";
    case PLAN_GROUP_AGG:
        return ordered_arrival(node, node->group_agg.aggs, node->group_agg.aggs_count);
    default:
        return NULL;
    }
}

static const char *key_names(struct binder *b, const struct plan_node *input, const uint16_t *keys,
                             uint16_t count)
{
    const char *text = "";

    for (uint16_t i = 0; i < count; i++)
        text = arena_printf(b->arena, "%s%s%.*s", text, i ? ", " : "",
                            BYTES_FMT(input->columns[keys[i]].name));
    return text;
}

#define FORGET_IDLE "SET 'table.exec.state.ttl' = '…' lets idle state go"

static const char *join_grows(struct binder *b, const struct plan_node *node)
{
    bool left = node->inputs[0].ttl_us == 0, right = node->inputs[1].ttl_us == 0;

    return arena_printf(b->arena,
                        "every row of %s is kept; bound the difference of their times in ON, or join by windows; "
                        FORGET_IDLE, left && right ? "both sides" : left ? "the left" : "the right");
}

/* What DISTINCT has seen is a table an argument. */
static bool distincts_go(const struct plan_group_agg *p)
{
    uint16_t distincts = 0;

    for (uint16_t i = 0; i < p->aggs_count; i++)
        distincts = (uint16_t)(distincts + p->aggs[i].distinct);
    return distincts < PLAN_DISK_TABLES;
}

bool plan_goes_to_disk(const struct plan_node *node)
{
    switch (node->kind) {
    case PLAN_GROUP_AGG: return distincts_go(&node->group_agg);
    case PLAN_JOIN: return !node->join.bounded || node->join.high_us < node->join.low_us;
    case PLAN_LOOKUP_JOIN: return !node->join.lookup;
    case PLAN_RANK: return true;
    case PLAN_NORMALIZE: return true;
    default: return false;
    }
}

static bool all_expires(const struct plan_node *node)
{
    for (uint16_t i = 0; i < node->inputs_count; i++)
        if (node->inputs[i].ttl_us == 0)
            return false;
    return node->inputs_count > 0;
}

/* The call keeps all values that it is given. */
static bool keeps_values(const struct agg_call *call, bool taken_back)
{
    bool one_of = call->kind == AGG_MIN || call->kind == AGG_MAX || call->kind == AGG_FIRST_VALUE ||
                  call->kind == AGG_LAST_VALUE;

    return one_of ? taken_back : call->distinct || agg_is_list(call->kind);
}

/* Of the one group of a query without GROUP BY. */
static const char *values_grow(struct binder *b, const struct plan_node *node)
{
    const struct plan_group_agg *p = &node->group_agg;

    for (uint16_t i = 0; i < p->aggs_count; i++)
        if (keeps_values(&p->aggs[i], node->inputs[0].node->changes))
            return arena_printf(b->arena, "every value given to %s%s is kept; group by a window; " FORGET_IDLE,
                                agg_name(p->aggs[i].kind), p->aggs[i].distinct ? " DISTINCT" : "");
    return NULL;
}

static const char *grows_of(struct binder *b, const struct plan_node *node)
{
    if (all_expires(node))
        return NULL;
    switch (node->kind) {
    case PLAN_GROUP_AGG:
        if (node->group_agg.keys_count == 0)
            return values_grow(b, node);
        return arena_printf(b->arena, "one group for each (%s); group by a window; " FORGET_IDLE,
                            key_names(b, node->inputs[0].node, node->group_agg.keys,
                                      node->group_agg.keys_count));
    case PLAN_JOIN:
        return node->join.bounded ? NULL : join_grows(b, node);
    case PLAN_MATCH:
        return node->match.within_us > 0 ? NULL
                                         : "a partial match waits without bound for its next row; bound it with "
                                           "WITHIN INTERVAL '…' behind PATTERN (…)";
    case PLAN_OVER:
        if (node->over.time == TIME_NONE)
            return "every row is kept, and told again when one comes before it; order by a time";
        if (node->over.partition_count == 0)
            return NULL;
        return arena_printf(b->arena, "%s of each (%s) %s kept%s",
                            !node->over.bounded ? "the aggregates" : node->over.rows ? "the last rows" : "the last time",
                            key_names(b, node->inputs[0].node, node->over.partition, node->over.partition_count),
                            node->over.bounded && !node->over.rows ? "is" : "are",
                            plan_expires(node) ? "; " FORGET_IDLE : "");
    case PLAN_TEMPORAL_JOIN:
        return arena_printf(b->arena, "the newest version of each (%s) is kept",
                            key_names(b, node->inputs[1].node, node->join.right_keys, node->join.keys_count));
    case PLAN_NORMALIZE:
        return arena_printf(b->arena, "the last row of each (%s) is kept until it is deleted; " FORGET_IDLE,
                            key_names(b, node->inputs[0].node, node->normalize.keys,
                                      node->normalize.keys_count));
    case PLAN_RANK:
        if (node->rank.partition_count == 0)
            return node->inputs[0].node->changes ? "every row is kept, as one may be taken back; " FORGET_IDLE : NULL;
        for (uint16_t i = 0; i < node->rank.partition_count; i++) {
            if (never_late(node->inputs[0].node, node->rank.partition[i]))
                return "rows of windows that are past are kept; " FORGET_IDLE;
        }
        return arena_printf(b->arena, "%s for each (%s); partition by a window; " FORGET_IDLE,
                            node->rank.limit == 1 ? "one row" : "rows",
                            key_names(b, node->inputs[0].node, node->rank.partition,
                                      node->rank.partition_count));
    default:
        return NULL;
    }
}

/* Of rows that are never taken back, the first of a window are known when it ends. */
static void infer_window_rank(struct plan_node *node)
{
    uint16_t start = 0, end = 0;

    if (node->kind != PLAN_RANK || node->inputs[0].node->changes || !rank_windows(node, &start, &end))
        return;
    node->kind = PLAN_WINDOW_RANK;
    node->rank.start_column = start;
    node->rank.end_column = end;
    node->rank.window_local = window_prop(node->inputs[0].node, start).window->local;
}

bool plan_traits(struct binder *b, const struct token **sinks_at)
{
    struct plan *plan = b->plan;
    uint16_t sink = 0;

    for (uint32_t i = 0; i < plan->nodes_count; i++) {
        struct plan_node *node = plan->nodes[i];
        infer_window_rank(node);
        node->changes = own_changes(node);
        bool joins = node->kind == PLAN_JOIN || node->kind == PLAN_WINDOW_JOIN || node->kind == PLAN_LOOKUP_JOIN;
        if (joins && !node->join.lookup) {
            node->join.left_unique = join_side_unique(b->arena, node, 0);
            node->join.right_unique = join_side_unique(b->arena, node, 1);
            for (uint16_t k = 0; k < 2; k++) /* what is dropped early cannot be taken back later */
                node->join.bounded &= node->inputs[k].node->changes == 0;
        }
        if (node->kind == PLAN_SINK)
            sink++;
    }
    CHECK(sink == plan->sinks_count);
    for (uint16_t i = 0; i < plan->sinks_count; i++) {
        if (!finish_sink(b, plan->sinks[i], sinks_at[i]))
            return false;
    }
    infer_ttl(b, plan);
    infer_before(plan);
    infer_origins(plan);
    if (!check_sources(b, plan, sinks_at[0]) || !check_matches(b, plan, sinks_at[0]))
        return false;
    for (uint32_t i = 0; i < plan->nodes_count; i++) {
        struct plan_node *node = plan->nodes[i];
        distribute(node);
        if (!node->arrival)
            node->arrival = arrival_of(b, node);
        if (!node->grows)
            node->grows = grows_of(b, node);
    }
    return true;
}
