/* outside.c: see outside.h. */
#include "flow/outside.h"

#include <stdio.h>

bool lookup_topic_name(struct bytes job, uint32_t index, enum lookup_topic which, char out[LOG_NAME_MAX + 1])
{
    int n = snprintf(out, LOG_NAME_MAX + 1, "lookup-%.*s-%u%s", BYTES_FMT(job), index,
                     which == LOOKUP_QUESTIONS ? ".asked" : "");

    return n > 0 && n <= LOG_NAME_MAX;
}

static void option(struct table *table, const char *key, struct bytes value)
{
    table->options[table->options_count++] = (struct table_option){bytes_str(key), arena_copy(&table->arena, value)};
}

/* A table over the topic of the answers, with the columns of the scan. */
static struct table *answers_table(const struct plan_node *scan, const char *topic)
{
    struct table *table = table_create();

    table->kind = TABLE_CONNECTOR;
    table->name = arena_copy(&table->arena, scan->scan.lookup->table->name);
    table->watermark_column = -1;
    table->columns_count = scan->columns_count;
    table->columns = ARENA_ARRAY(&table->arena, struct table_column, scan->columns_count + 1u);
    for (uint16_t i = 0; i < scan->columns_count; i++)
        table->columns[i] = (struct table_column){.name = arena_copy(&table->arena, scan->columns[i].name),
                                                  .type = type_copy(&table->arena, scan->columns[i].type)};
    table->options = ARENA_ARRAY(&table->arena, struct table_option, 4);
    option(table, "connector", bytes_str("kafka"));
    option(table, "topic", bytes_str(topic));
    option(table, "format", bytes_str("json"));
    option(table, "scan.startup.mode", bytes_str("earliest-offset"));
    return table;
}

/* The plan holds it, as its other tables. */
static void hold(struct plan *plan, struct table *table)
{
    struct table **grown = ARENA_ARRAY(&plan->arena, struct table *, plan->tables_count + 1u);

    if (plan->tables_count)
        memcpy(grown, plan->tables, plan->tables_count * sizeof(*grown));
    grown[plan->tables_count++] = table;
    plan->tables = grown;
}

static enum status look_up(const struct outside *outside, struct plan *plan, struct plan_node *scan, struct bytes job,
                           struct diag *diag)
{
    const struct plan_lookup *lookup = scan->scan.lookup;
    char topic[LOG_NAME_MAX + 1];

    if (!lookup_topic_name(job, lookup->index, LOOKUP_QUESTIONS, topic))
        return diag_set(diag, ST_INVALID, DIAG_LIMIT,
                        "the name of job '%.*s' is too long for a lookup join: at most %d letters",
                        BYTES_FMT(bytes_head(job, 60)), LOG_NAME_MAX - 24);
    TRY(outside->look_up(outside->context, job, lookup, diag));
    (void)lookup_topic_name(job, lookup->index, LOOKUP_ANSWERS, topic);
    scan->scan.table = answers_table(scan, topic);
    hold(plan, scan->scan.table);
    return ST_OK;
}

static enum status use_node(const struct outside *outside, struct plan *plan, struct plan_node *node,
                            struct bytes job, struct diag *diag)
{
    const struct table *table = node->kind == PLAN_SCAN   ? node->scan.table
                                : node->kind == PLAN_SINK ? node->sink.table
                                                          : NULL;

    if (!table || !table->outside)
        return ST_OK;
    if (node->kind == PLAN_SCAN && node->scan.lookup)
        return look_up(outside, plan, node, job, diag);
    return outside->use(outside->context, table, node->kind == PLAN_SCAN ? OUTSIDE_READ : OUTSIDE_WRITTEN, diag);
}

enum status outside_use_all(const struct outside *outside, struct plan *plan, struct bytes job, struct diag *diag)
{
    for (uint32_t i = 0; outside && i < plan->nodes_count; i++)
        TRY(use_node(outside, plan, plan->nodes[i], job, diag));
    return ST_OK;
}

enum status outside_forget_lookups(const struct outside *outside, struct bytes job, uint64_t *lsn)
{
    return outside && outside->forget_lookups ? outside->forget_lookups(outside->context, job, lsn) : ST_OK;
}
