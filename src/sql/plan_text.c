/* EXPLAIN: the tree, a node a line, users above what they read. */
#include "base/buf.h"
#include "sql/bind.h"

struct printer {
    struct buf out;
    struct arena *arena;
    const struct plan *plan;
    bool *shown;
    uint16_t *users; /* how many inputs a node feeds */
    bool bare;       /* without remarks and the rules of sinks */
};

static struct schema schema_of(struct arena *arena, const struct plan_node *a,
                               const struct plan_node *b)
{
    uint16_t n = a ? a->columns_count : 0, m = b ? b->columns_count : 0;
    struct type_field *fields = ARENA_ARRAY(arena, struct type_field, n + m + 1u);

    for (uint16_t i = 0; i < n; i++)
        fields[i] = (struct type_field){.name = a->columns[i].name, .type = a->columns[i].type};
    for (uint16_t i = 0; i < m; i++)
        fields[n + i] = (struct type_field){.name = b->columns[i].name, .type = b->columns[i].type};
    return (struct schema){.count = (uint16_t)(n + m), .fields = fields};
}

/* The right's names get a number where the left has them too. */
static void names_apart(struct printer *p, struct schema *schema, uint16_t left)
{
    struct type_field *fields = (struct type_field *)(uintptr_t)schema->fields;

    for (uint16_t i = left; i < schema->count; i++) {
        struct bytes name = fields[i].name;
        for (unsigned n = 0, k = 0; k < i; k++) {
            if (!bytes_equal(fields[k].name, fields[i].name))
                continue;
            fields[i].name = bytes_str(arena_printf(p->arena, "%.*s%u", BYTES_FMT(name), n++));
            k = 0;
        }
    }
}

static const char *text_of(struct printer *p, const struct plan_node *node, const struct expr *e)
{
    const struct plan_node *right = node->inputs_count > 1 && node->kind != PLAN_UNION
                                        ? node->inputs[1].node
                                        : NULL;
    struct schema schema =
        right ? schema_of(p->arena, node, /* a join's columns are its inputs', with names apart */
                          join_left_only(node->join.kind) ? right : NULL)
              : schema_of(p->arena, node->inputs_count > 0 ? node->inputs[0].node : NULL, NULL);

    if (right && join_left_only(node->join.kind))
        names_apart(p, &schema, node->columns_count);
    return expr_text(p->arena, e, &schema);
}

static struct bytes column_name(const struct plan_node *node, uint16_t i)
{
    return node->columns[i].name;
}

static void print_columns(struct printer *p, const char *label, const struct plan_node *node,
                          const uint16_t *columns, uint16_t count)
{
    buf_printf(&p->out, "%s=[", label);
    for (uint16_t i = 0; i < count; i++)
        buf_printf(&p->out, "%s%.*s", i ? ", " : "", BYTES_FMT(column_name(node, columns[i])));
    buf_str(&p->out, "]");
}

static void print_order(struct printer *p, const struct plan_node *input,
                        const struct plan_sort_key *order, uint16_t count)
{
    for (uint16_t i = 0; i < count; i++)
        buf_printf(&p->out, "%s%.*s %s", i ? ", " : "", BYTES_FMT(column_name(input, order[i].column)),
                   order[i].descending ? "DESC" : "ASC");
}

static void print_duration(struct printer *p, int64_t us)
{
    static const struct {
        int64_t us;
        const char *unit;
    } units[] = {{86400000000, "d"}, {3600000000, "h"}, {60000000, "min"}, {1000000, "s"}, {1000, "ms"}};

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (us != 0 && us % units[i].us == 0) {
            buf_printf(&p->out, "%lld %s", (long long)(us / units[i].us), units[i].unit);
            return;
        }
    }
    buf_printf(&p->out, us == 0 ? "0 s" : "%lld us", (long long)us);
}

static void print_window(struct printer *p, const struct plan_node *input,
                         const struct plan_window *w, bool attached)
{
    static const char *const names[] = {"TUMBLE", "HOP", "CUMULATE", "SESSION"};

    buf_printf(&p->out, "window=%s(", names[w->kind]);
    if (attached)
        buf_str(&p->out, "of the rows");
    else if (w->time == TIME_PROC)
        buf_str(&p->out, "processing time");
    else
        buf_printf(&p->out, "%.*s", BYTES_FMT(column_name(input, w->column)));
    if (w->kind == WINDOW_HOP || w->kind == WINDOW_CUMULATE) {
        buf_str(&p->out, w->kind == WINDOW_HOP ? ", slide " : ", step ");
        print_duration(p, w->slide_us);
    }
    buf_str(&p->out, w->kind == WINDOW_SESSION ? ", gap " : ", size ");
    print_duration(p, w->size_us);
    if (w->offset_us != 0) {
        buf_str(&p->out, ", offset ");
        print_duration(p, w->offset_us);
    }
    buf_str(&p->out, ")");
}

static void print_aggs(struct printer *p, const struct plan_node *node, const struct agg_call *aggs,
                       uint16_t count, uint16_t first)
{
    buf_str(&p->out, " calls=[");
    for (uint16_t i = 0; i < count; i++) {
        const struct agg_call *call = &aggs[i];
        buf_printf(&p->out, "%s%s(%s%s", i ? ", " : "", agg_name(call->kind), call->distinct ? "DISTINCT " : "",
                   call->arg                      ? text_of(p, node, call->arg)
                   : call->kind == AGG_COUNT_STAR ? "*"
                                                  : "");
        if (call->kind == AGG_LISTAGG)
            buf_printf(&p->out, ", '%.*s'", BYTES_FMT(call->separator));
        if (call->kind == AGG_LAG)
            buf_printf(&p->out, ", %d%s%s", call->offset, call->missing ? ", " : "",
                       call->missing ? text_of(p, node, call->missing) : "");
        buf_str(&p->out, ")");
        if (call->filter)
            buf_printf(&p->out, " FILTER %s", text_of(p, node, call->filter));
        buf_printf(&p->out, " AS %.*s", BYTES_FMT(column_name(node, (uint16_t)(first + i))));
    }
    buf_str(&p->out, "]");
}

static void print_asked(struct printer *p, const struct plan_node *node, const struct plan_lookup *lookup)
{
    const struct table_lookup *rules = lookup->table->lookup;

    buf_printf(&p->out, "answers of %s table=%.*s by=[", rules->connector, BYTES_FMT(lookup->table->name));
    for (uint16_t k = 0; k < lookup->keys_count; k++)
        buf_printf(&p->out, "%s%.*s", k ? ", " : "", BYTES_FMT(column_name(node, k)));
    buf_str(&p->out, "] columns=[");
    for (uint16_t i = 0; i < lookup->columns_count; i++)
        buf_printf(&p->out, "%s%.*s", i ? ", " : "", BYTES_FMT(lookup->row->fields[i].name));
    buf_str(&p->out, "]");
    if (!rules->cached)
        return;
    buf_str(&p->out, " cache=[");
    const char *between = "";
    if (rules->keys_max)
        buf_printf(&p->out, "%llu keys", (unsigned long long)rules->keys_max), between = ", ";
    for (int used = 0; used < 2; used++) {
        int64_t us = used ? rules->access_us : rules->write_us;
        if (!us)
            continue;
        buf_str(&p->out, between);
        print_duration(p, us);
        buf_str(&p->out, used ? " since used" : " since asked");
        between = ", ";
    }
    buf_str(&p->out, "]");
}

static void print_scan(struct printer *p, const struct plan_node *node)
{
    const struct plan_scan *scan = &node->scan;
    struct schema schema = schema_of(p->arena, node, NULL);

    if (scan->lookup) {
        print_asked(p, node, scan->lookup);
        return;
    }
    buf_printf(&p->out, "table=%.*s columns=[", BYTES_FMT(scan->table->name));
    for (uint16_t i = 0; i < node->columns_count; i++) {
        const struct type *type = node->columns[i].type;
        buf_printf(&p->out, "%s%.*s", i ? ", " : "", BYTES_FMT(column_name(node, i)));
        if (type->kind == TYPE_ROW &&
            type->fields_count < scan->table->columns[scan->columns[i].table_column].type->fields_count) {
            buf_str(&p->out, "(");
            for (uint16_t f = 0; f < type->fields_count; f++)
                buf_printf(&p->out, "%s%.*s", f ? ", " : "", BYTES_FMT(type->fields[f].name));
            buf_str(&p->out, ")");
        }
    }
    buf_str(&p->out, "]");
    for (uint16_t i = 0; i < scan->hints_count; i++)
        buf_printf(&p->out, "%s'%.*s' = '%.*s'", i ? ", " : " options=", BYTES_FMT(scan->hints[i].key),
                   BYTES_FMT(scan->hints[i].value));
    if (scan->first)
        buf_str(&p->out, " read=[first]");
    if (scan->watermark)
        buf_printf(&p->out, " watermark=%s", expr_text(p->arena, scan->watermark, &schema));
}

static void print_calc(struct printer *p, const struct plan_node *node)
{
    bool all = node->columns_count == node->inputs[0].node->columns_count;

    for (uint16_t i = 0; i < node->columns_count; i++) {
        uint16_t column;
        all &= expr_is_column(node->calc.exprs[i], &column) && column == i;
    }
    if (node->calc.filter)
        buf_printf(&p->out, "where=[%s]%s", text_of(p, node, node->calc.filter), all ? "" : " ");
    if (all)
        return;
    buf_str(&p->out, "select=[");
    for (uint16_t i = 0; i < node->columns_count; i++) {
        const char *text = text_of(p, node, node->calc.exprs[i]);
        struct bytes name = column_name(node, i);
        bool same = bytes_equal(bytes_str(text), name);
        buf_printf(&p->out, "%s%s", i ? ", " : "", text);
        if (!same)
            buf_printf(&p->out, " AS %.*s", BYTES_FMT(name));
    }
    buf_str(&p->out, "]");
}

static void print_lookup_hint(struct printer *p, const struct lookup_hint *hint)
{
    if (hint->unordered)
        buf_str(&p->out, " unordered");
    if (hint->capacity)
        buf_printf(&p->out, " capacity=%u", hint->capacity);
    if (hint->timeout_us) {
        buf_str(&p->out, " timeout=");
        print_duration(p, hint->timeout_us);
    }
    if (hint->retries) {
        buf_printf(&p->out, " retry=[%u each ", hint->retries);
        print_duration(p, hint->retry_us);
        buf_str(&p->out, "]");
    }
}

static void print_join(struct printer *p, const struct plan_node *node)
{
    static const char *const kinds[] = {"inner", "left", "right", "full", "semi", "anti"};
    const struct plan_join *j = &node->join;
    const struct plan_node *left = node->inputs[0].node, *right = node->inputs[1].node;

    buf_printf(&p->out, "%s on=[", kinds[j->kind]);
    for (uint16_t i = 0; i < j->keys_count; i++)
        buf_printf(&p->out, "%s%.*s = %.*s", i ? ", " : "", BYTES_FMT(column_name(left, j->left_keys[i])),
                   BYTES_FMT(column_name(right, j->right_keys[i])));
    buf_str(&p->out, "]");
    if (j->condition)
        buf_printf(&p->out, " where=[%s]", text_of(p, node, j->condition));
    if (j->bounded) {
        buf_printf(&p->out, " times=[%.*s - %.*s from ", 
                   BYTES_FMT(column_name(node, (uint16_t)(left->columns_count + j->right_time))),
                   BYTES_FMT(column_name(node, j->left_time)));
        print_duration(p, j->low_us);
        buf_str(&p->out, " to ");
        print_duration(p, j->high_us);
        buf_str(&p->out, "]");
    }
    if (node->kind == PLAN_TEMPORAL_JOIN)
        buf_printf(&p->out, " version=[%.*s at %.*s]", BYTES_FMT(column_name(right, j->right_time)),
                   BYTES_FMT(column_name(left, j->left_time)));
    if (node->kind == PLAN_WINDOW_JOIN)
        buf_printf(&p->out, " windows=[%.*s..%.*s = %.*s..%.*s]", BYTES_FMT(column_name(left, j->left_start)),
                   BYTES_FMT(column_name(left, j->left_end)), BYTES_FMT(column_name(right, j->right_start)),
                   BYTES_FMT(column_name(right, j->right_end)));
    if (j->lookup)
        print_lookup_hint(p, &j->lookup->hint);
    if (j->left_unique || j->right_unique)
        buf_printf(&p->out, " unique=[%s%s%s]", j->left_unique ? "left" : "",
                   j->left_unique && j->right_unique ? ", " : "", j->right_unique ? "right" : "");
}

static void print_sink_rules(struct printer *p, const struct plan_sink *sink)
{
    const char *between = "";

    if (sink->nulls == SINK_NULLS_PASS || p->bare)
        return;
    for (uint16_t i = 0; i < sink->columns_count; i++) {
        const struct table_column *column = &sink->table->columns[sink->columns[i]];
        if (!column->type->not_null)
            continue;
        buf_printf(&p->out, "%s%.*s", *between ? between : " not-null=[", BYTES_FMT(column->name));
        between = ", ";
    }
    if (*between)
        buf_str(&p->out, sink->nulls == SINK_NULLS_DROP ? "] else dropped" : "] else fails");
    if (sink->lengths != SINK_LENGTHS_PASS)
        buf_str(&p->out,
                sink->lengths == SINK_LENGTHS_FIT ? " lengths=fitted" : " lengths=checked");
}

static void print_sink(struct printer *p, const struct plan_node *node)
{
    const struct plan_sink *sink = &node->sink;
    const struct plan_node *input = node->inputs[0].node;

    if (sink->table)
        buf_printf(&p->out, "table=%.*s ", BYTES_FMT(sink->table->name));
    else
        buf_str(&p->out, "answer ");
    buf_str(&p->out, "columns=[");
    for (uint16_t i = 0; i + sink->hidden < input->columns_count; i++)
        buf_printf(&p->out, "%s%.*s", i ? ", " : "", BYTES_FMT(node->columns[i].name));
    buf_str(&p->out, "]");
    if (sink->upsert_key_count > 0) {
        buf_str(&p->out, " ");
        print_columns(p, "key", node, sink->upsert_key, sink->upsert_key_count);
    }
    if (sink->order_count > 0) {
        buf_str(&p->out, " order=[");
        print_order(p, input, sink->order, sink->order_count);
        buf_str(&p->out, "]");
    }
    if (sink->limit >= 0)
        buf_printf(&p->out, " limit=%lld", (long long)sink->limit);
    if (sink->skip > 0)
        buf_printf(&p->out, " offset=%lld", (long long)sink->skip);
    print_sink_rules(p, sink);
}

static void print_values(struct printer *p, const struct plan_node *node)
{
    enum { SHOWN = 4 };

    buf_printf(&p->out, "rows=%u [", node->values.rows_count);
    for (uint32_t r = 0; r < node->values.rows_count && r < SHOWN; r++) {
        buf_str(&p->out, r ? ", (" : "(");
        for (uint16_t i = 0; i < node->columns_count; i++)
            buf_printf(&p->out, "%s%s", i ? ", " : "", text_of(p, node, node->values.rows[r][i]));
        buf_str(&p->out, ")");
    }
    buf_str(&p->out, node->values.rows_count > SHOWN ? ", …]" : "]");
}

static void print_rank(struct printer *p, const struct plan_node *node)
{
    const struct plan_node *input = node->inputs[0].node;
    const struct plan_rank *rank = &node->rank;

    print_columns(p, "partition", input, rank->partition, rank->partition_count);
    buf_str(&p->out, " order=[");
    print_order(p, input, rank->order, rank->order_count);
    buf_printf(&p->out, "] first=%lld%s", (long long)rank->limit, rank->emit_rank ? " with rank" : "");
}

static void print_over(struct printer *p, const struct plan_node *node)
{
    const struct plan_node *input = node->inputs[0].node;
    const struct plan_over *over = &node->over;

    print_columns(p, "partition", input, over->partition, over->partition_count);
    if (over->time == TIME_PROC)
        buf_str(&p->out, " order=[processing time]");
    else
        buf_printf(&p->out, " order=[%.*s]", BYTES_FMT(column_name(input, over->column)));
    buf_printf(&p->out, " frame=[%s ", over->rows ? "ROWS" : "RANGE");
    if (!over->bounded)
        buf_str(&p->out, "UNBOUNDED");
    else if (over->rows)
        buf_printf(&p->out, "%lld", (long long)over->preceding);
    else
        print_duration(p, over->preceding);
    buf_str(&p->out, " PRECEDING]");
    print_aggs(p, node, over->aggs, over->aggs_count, input->columns_count);
}

/* One of a match's rows' values, as it would be written. */
static const char *match_ref_text(struct printer *p, const struct plan_node *node, const struct plan_match_ref *ref)
{
    const struct plan_node *input = node->inputs[0].node;
    const char *of = ref->variable == MATCH_ALL
                         ? ""
                         : arena_printf(p->arena, "%.*s.", BYTES_FMT(node->match.variables[ref->variable].name));
    const char *offset = ref->offset ? arena_printf(p->arena, ", %u", ref->offset) : "";

    return arena_printf(p->arena, "%s(%s%.*s%s)", ref->first ? "FIRST" : "LAST", of,
                        BYTES_FMT(column_name(input, ref->column)), offset);
}

static const char *match_agg_text(struct printer *p, const struct plan_node *node, const struct plan_match_agg *agg)
{
    const struct bytes of =
        agg->variable == MATCH_ALL ? BYTES_LITERAL("*") : node->match.variables[agg->variable].name;

    return arena_printf(p->arena, "%s(%.*s: %s)", agg_name(agg->call.kind), BYTES_FMT(of),
                        agg->call.arg ? text_of(p, node, agg->call.arg) : "*");
}

static const char *define_text(struct printer *p, const struct plan_node *node, const struct expr *e)
{
    const struct plan_match_values *v = &node->match.defines;
    struct schema in = schema_of(p->arena, node->inputs[0].node, NULL);
    uint16_t n = in.count, at = n;
    struct type_field *fields = ARENA_ARRAY(p->arena, struct type_field, n + v->refs_count + v->aggs_count + 1u);

    memcpy(fields, in.fields, n * sizeof(*fields));
    for (uint16_t i = 0; i < v->refs_count; i++)
        fields[at++] = (struct type_field){.name = bytes_str(match_ref_text(p, node, &v->refs[i])),
                                           .type = in.fields[v->refs[i].column].type};
    for (uint16_t i = 0; i < v->aggs_count; i++)
        fields[at++] = (struct type_field){.name = bytes_str(match_agg_text(p, node, &v->aggs[i])),
                                           .type = v->aggs[i].call.type};
    struct schema schema = {.count = at, .fields = fields};
    return expr_text(p->arena, e, &schema);
}

static void print_quantifier(struct printer *p, const struct plan_match_variable *v)
{
    if (v->most == MATCH_UNBOUNDED)
        buf_printf(&p->out, "{%u,}", v->least);
    else if (v->least != 1 || v->most != 1)
        buf_printf(&p->out, v->least == v->most ? "{%u}" : "{%u,%u}", v->least, v->most);
    if (!v->single && !v->greedy && v->least != v->most)
        buf_str(&p->out, "?");
}

static void print_match(struct printer *p, const struct plan_node *node)
{
    static const char *const skips[] = {"to next row", "past last row", "to first", "to last"};
    const struct plan_node *input = node->inputs[0].node;
    const struct plan_match *m = &node->match;
    uint16_t at = m->partition_count;

    print_columns(p, "partition", input, m->partition, m->partition_count);
    if (m->time == TIME_PROC)
        buf_str(&p->out, " order=[processing time");
    else
        buf_printf(&p->out, " order=[%.*s", BYTES_FMT(column_name(input, m->column)));
    buf_str(&p->out, m->order_count ? ", " : "");
    print_order(p, input, m->order, m->order_count);
    buf_str(&p->out, "] pattern=[");
    for (uint16_t i = 0; i < m->variables_count; i++) {
        buf_printf(&p->out, "%s%.*s", i ? " " : "", BYTES_FMT(m->variables[i].name));
        print_quantifier(p, &m->variables[i]);
    }
    buf_printf(&p->out, "] skip=[%s", skips[m->skip]);
    if (m->skip == SKIP_TO_FIRST || m->skip == SKIP_TO_LAST)
        buf_printf(&p->out, " %.*s", BYTES_FMT(m->variables[m->skip_to].name));
    buf_str(&p->out, "]");
    if (m->within_us) {
        buf_str(&p->out, " within=[");
        print_duration(p, m->within_us);
        buf_str(&p->out, "]");
    }
    buf_str(&p->out, " define=[");
    for (uint16_t i = 0, n = 0; i < m->variables_count; i++) {
        if (m->variables[i].define)
            buf_printf(&p->out, "%s%.*s: %s", n++ ? ", " : "", BYTES_FMT(m->variables[i].name),
                       define_text(p, node, m->variables[i].define));
    }
    buf_str(&p->out, "] values=[");
    for (uint16_t i = 0; i < m->measures.refs_count; i++, at++)
        buf_printf(&p->out, "%s%s AS %.*s", i ? ", " : "", match_ref_text(p, node, &m->measures.refs[i]),
                   BYTES_FMT(column_name(node, at)));
    for (uint16_t i = 0; i < m->measures.aggs_count; i++, at++)
        buf_printf(&p->out, "%s%s AS %.*s", i || m->measures.refs_count ? ", " : "",
                   match_agg_text(p, node, &m->measures.aggs[i]), BYTES_FMT(column_name(node, at)));
    buf_str(&p->out, "]");
}

static void print_ttl_of(struct printer *p, const struct plan_input *input)
{
    if (input->ttl_us)
        print_duration(p, input->ttl_us);
    else
        buf_str(&p->out, "none");
}

/* Of a join that of each side, if they differ. */
static void print_ttl(struct printer *p, const struct plan_node *node)
{
    const struct plan_input *inputs = node->inputs;
    bool differ = node->inputs_count > 1 && inputs[0].ttl_us != inputs[1].ttl_us;

    if (!node->inputs_count || (!inputs[0].ttl_us && !differ))
        return;
    buf_str(&p->out, differ ? " ttl=[" : " ttl=");
    print_ttl_of(p, &inputs[0]);
    if (!differ)
        return;
    buf_str(&p->out, ", ");
    print_ttl_of(p, &inputs[1]);
    buf_str(&p->out, "]");
}

static void print_detail(struct printer *p, const struct plan_node *node)
{
    const struct plan_node *input = node->inputs_count > 0 ? node->inputs[0].node : NULL;

    switch (node->kind) {
    case PLAN_SCAN:
        print_scan(p, node);
        break;
    case PLAN_VALUES:
        print_values(p, node);
        break;
    case PLAN_CALC:
        print_calc(p, node);
        break;
    case PLAN_WINDOW:
        print_window(p, input, &node->window, false);
        if (node->window.kind == WINDOW_SESSION) {
            buf_str(&p->out, " ");
            print_columns(p, "partition", input, node->window.partition, node->window.partition_count);
        }
        break;
    case PLAN_WINDOW_AGG:
        print_window(p, input, &node->window_agg.window, node->window_agg.attached);
        buf_str(&p->out, " ");
        print_columns(p, "keys", input, node->window_agg.keys, node->window_agg.keys_count);
        print_aggs(p, node, node->window_agg.aggs, node->window_agg.aggs_count,
                   node->window_agg.keys_count);
        break;
    case PLAN_GROUP_AGG:
        print_columns(p, "keys", input, node->group_agg.keys, node->group_agg.keys_count);
        print_aggs(p, node, node->group_agg.aggs, node->group_agg.aggs_count,
                   node->group_agg.keys_count);
        break;
    case PLAN_JOIN:
    case PLAN_WINDOW_JOIN:
    case PLAN_TEMPORAL_JOIN:
    case PLAN_LOOKUP_JOIN:
        print_join(p, node);
        break;
    case PLAN_WINDOW_RANK:
        buf_printf(&p->out, "window=[%.*s..%.*s] ", BYTES_FMT(column_name(input, node->rank.start_column)),
                   BYTES_FMT(column_name(input, node->rank.end_column)));
        print_rank(p, node);
        break;
    case PLAN_RANK:
        print_rank(p, node);
        break;
    case PLAN_UNNEST:
        buf_printf(&p->out, "%s%s(%.*s) columns=[", node->unnest.left ? "left " : "",
                   node->unnest.parts_count ? "UNNEST" : "times", BYTES_FMT(column_name(input, node->unnest.column)));
        for (uint16_t i = 0; i < node->columns_count; i++)
            buf_printf(&p->out, "%s%.*s", i ? ", " : "", BYTES_FMT(column_name(node, i)));
        buf_str(&p->out, "]");
        break;
    case PLAN_OVER:
        print_over(p, node);
        break;
    case PLAN_MATCH: print_match(p, node); break;
    case PLAN_NORMALIZE:
        print_columns(p, "key", input, node->normalize.keys, node->normalize.keys_count);
        break;
    case PLAN_SINK:
        print_sink(p, node);
        break;
    case PLAN_UNION:
    case PLAN_KINDS:
        break;
    }
    print_ttl(p, node);
}

static void print_changes(struct printer *p, const struct plan_node *node)
{
    buf_str(&p->out, "+I");
    if (node->changes & CHANGE_UPDATE_BEFORE)
        buf_str(&p->out, ",-U");
    if (node->changes & CHANGE_UPDATE)
        buf_str(&p->out, ",+U");
    if (node->changes & CHANGE_DELETE)
        buf_str(&p->out, ",-D");
}

static void print_dist(struct printer *p, const struct plan_node *node, const struct dist *dist)
{
    if (dist->kind == DIST_ANY)
        return;
    buf_str(&p->out, "  <- ");
    if (dist->kind == DIST_SINGLE) {
        buf_str(&p->out, "one shard");
        return;
    }
    print_columns(p, "hash", node, dist->keys, dist->keys_count);
}

/* `prefix` is drawn before the lines of the children and remarks. */
static void print_node(struct printer *p, const struct plan_node *node, const char *prefix, bool last,
                       const struct dist *dist, bool root)
{
    const char *branch = root ? "" : last ? "+- " : "|- ";
    const char *below = root ? prefix : arena_printf(p->arena, "%s%s", prefix, last ? "   " : "|  ");

    buf_printf(&p->out, "%s%s%s", prefix, branch, plan_kind_text(node->kind));
    if (p->users[node->id] > 1)
        buf_printf(&p->out, " #%u", node->id);
    if (p->shown[node->id]) {
        buf_str(&p->out, " (shared, see above)");
        if (dist)
            print_dist(p, node, dist);
        buf_str(&p->out, "\n");
        return;
    }
    p->shown[node->id] = true;
    size_t before = p->out.len;
    buf_str(&p->out, " ");
    print_detail(p, node);
    if (p->out.len == before + 1)
        p->out.len = before;
    if (node->kind != PLAN_SINK) {
        buf_str(&p->out, "  ");
        print_changes(p, node);
    }
    if (dist)
        print_dist(p, node, dist);
    buf_str(&p->out, "\n");
    bool children = node->inputs_count > 0;
    if (node->grows && !p->bare)
        buf_printf(&p->out, "%s%s grows: %s%s\n", below, children ? "| " : "  ", node->grows,
                   plan_goes_to_disk(node) ? "" : "; it stays in memory");
    if (node->arrival && !p->bare)
        buf_printf(&p->out, "%s%s depends on arrival: %s\n", below, children ? "| " : "  ", node->arrival);
    for (uint16_t i = 0; i < node->inputs_count; i++)
        print_node(p, node->inputs[i].node, below, i + 1 == node->inputs_count,
                   &node->inputs[i].dist, false);
}

static const char *text_whole(struct arena *arena, const struct plan *plan, bool bare)
{
    struct printer p = {.arena = arena, .plan = plan, .bare = bare};

    buf_init(&p.out, 0);
    p.shown = ARENA_ARRAY(arena, bool, plan->nodes_count + 1u);
    p.users = ARENA_ARRAY(arena, uint16_t, plan->nodes_count + 1u);
    for (uint32_t i = 0; i < plan->nodes_count; i++) {
        for (uint16_t k = 0; k < plan->nodes[i]->inputs_count; k++)
            p.users[plan->nodes[i]->inputs[k].node->id]++;
    }
    for (uint16_t i = 0; i < plan->sinks_count; i++)
        print_node(&p, plan->sinks[i], "", true, NULL, true);
    const char *text = arena_str(arena, buf_view(&p.out));
    buf_deinit(&p.out);
    return text;
}

const char *plan_text(struct arena *arena, const struct plan *plan)
{
    return text_whole(arena, plan, false);
}

const char *plan_text_bare(struct arena *arena, const struct plan *plan)
{
    return text_whole(arena, plan, true);
}

const char *plan_node_text(struct arena *arena, const struct plan *plan, const struct plan_node *node)
{
    struct printer p = {.arena = arena, .plan = plan};

    buf_init(&p.out, 0);
    print_detail(&p, node);
    const char *text = arena_str(arena, buf_view(&p.out));
    buf_deinit(&p.out);
    return text;
}
