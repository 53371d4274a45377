/* made_queries: queries for tools/interop/flink_made.sh, made by chance from a seed, and records for them.
 *
 *     made_queries SEED QUERIES RECORDS TRAITS [CELL...]
 *
 * TRAITS is a sum of enum sql_trait. With CELLs only queries that are in one of them. Prints one object of JSON:
 * {"tables": SQL, "traits": [...], "records": {"t": lines, "u": lines}, "queries": [{"sql": ..., "cells": [...]}]}.
 * A cell is an operator and how its input changes, "group upsert", with "retractions" behind it where rows may go.
 *
 * A query's folded result over records that come in the order of a file must have one meaning: where records are
 * late, no operator that looks at time has more than one scan before it, since the order in which two files are read
 * is chance, and what is late with it.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "lib/sql_maker.h"

enum { CHOICES = 200, TRIES_MAX = 200000 };

static const char *const operators[] = {
#define NAME(name, text) [SQL_OP_##name] = text,
    SQL_OPERATORS(NAME)
#undef NAME
};
static const char *const changes[SQL_CHANGES_COUNT] = {"append", "upsert", "retract"};

static json_t *text_of(const struct buf *buf)
{
    return json_stringn((const char *)buf->ptr, buf->len);
}

static void choices_make(struct rng *rng, uint8_t *choices, size_t len)
{
    for (size_t i = 0; i < len; i++)
        choices[i] = (uint8_t)rng_below(rng, 256);
}

/* The records of one table; adds to *has what they have. */
static json_t *records_make(struct rng *rng, uint32_t count, unsigned traits, unsigned *has)
{
    uint8_t choices[4096];
    uint32_t clock_s = 0;
    struct sql_maker m;

    choices_make(rng, choices, sizeof(choices));
    sql_maker_init(&m, bytes_of(choices, sizeof(choices)));
    *has |= sql_make_records(&m, count, traits, &clock_s);
    json_t *text = text_of(&m.out);
    sql_maker_deinit(&m);
    return text;
}

static json_t *cells_of(const struct sql_maker *m)
{
    json_t *cells = json_array();

    for (int op = 0; op < SQL_OPS_COUNT; op++)
        for (unsigned input = 0; input < 8; input++) {
            if (!(m->inputs[op] >> input & 1))
                continue;
            json_array_append_new(cells, json_sprintf("%s %s%s", operators[op], changes[input & 3],
                                                      input & SQL_DELETES ? " retractions" : ""));
        }
    return cells;
}

static bool is_wanted(const json_t *cells, char **wanted, int wanted_count)
{
    size_t i;
    json_t *cell;

    json_array_foreach(cells, i, cell)
        for (int k = 0; k < wanted_count; k++)
            if (strcmp(json_string_value(cell), wanted[k]) == 0)
                return true;
    return wanted_count == 0;
}

static json_t *queries_make(struct rng *rng, uint32_t count, unsigned traits, char **wanted, int wanted_count)
{
    json_t *queries = json_array();

    for (int tries = 0; tries < TRIES_MAX && json_array_size(queries) < count; tries++) {
        uint8_t choices[CHOICES];
        struct sql_maker m;
        size_t len = 20 + rng_below(rng, sizeof(choices) - 20);

        choices_make(rng, choices, len);
        sql_maker_init(&m, bytes_of(choices, len));
        sql_make_query(&m);
        bool one_meaning = !(traits & SQL_LATE) || m.timed == 0 || m.scans == 1;
        json_t *cells = cells_of(&m);
        if (one_meaning && is_wanted(cells, wanted, wanted_count))
            json_array_append_new(queries, json_pack("{s:o, s:O}", "sql", text_of(&m.out), "cells", cells));
        json_decref(cells);
        sql_maker_deinit(&m);
    }
    return queries;
}

static json_t *traits_of(unsigned has)
{
    json_t *names = json_array();
    if (has & SQL_NULLS)
        json_array_append_new(names, json_string("nulls"));
    if (has & SQL_TIES)
        json_array_append_new(names, json_string("ties"));
    if (has & SQL_LATE)
        json_array_append_new(names, json_string("late"));
    return names;
}

int main(int argc, char **argv)
{
    if (argc < 5) {
        fprintf(stderr, "usage: made_queries SEED QUERIES RECORDS TRAITS [CELL...]\n");
        return 2;
    }
    struct rng rng = rng_seed(strtoull(argv[1], NULL, 10));
    uint32_t queries = (uint32_t)strtoul(argv[2], NULL, 10), records = (uint32_t)strtoul(argv[3], NULL, 10);
    unsigned traits = (unsigned)strtoul(argv[4], NULL, 10), has = 0;

    json_t *t = records_make(&rng, records, traits, &has), *u = records_make(&rng, records, traits, &has);
    json_t *all = json_pack("{s:s, s:{s:o, s:o}, s:o, s:o}", "tables", sql_maker_tables, "records", "t", t, "u", u,
                            "traits", traits_of(has), "queries",
                            queries_make(&rng, queries, traits, argv + 5, argc - 5));
    if (!all)
        return 1;
    json_dumpf(all, stdout, JSON_ENSURE_ASCII);
    putchar('\n');
    json_decref(all);
    return 0;
}
