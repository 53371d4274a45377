#include "app/cli/bench_script.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"

static
#include "app/nexmark_sql.inc"

/* The events span this much event time at least, whatever their number, so that windows fire. */
enum { SPAN_SECONDS = 1000 };

const char *const bench_source_names[BENCH_SOURCES] = {"generator", "memory", "kafka-json"};

static const char marked[] = "'connector' = 'nexmark'";
static const char swallowing[] = "'connector' = 'blackhole'";

static const char *text_of(const char *name)
{
    for (size_t i = 0; nexmark_sql[i].name; i++)
        if (strcmp(nexmark_sql[i].name, name) == 0)
            return nexmark_sql[i].text;
    return NULL;
}

const char *bench_query_text(const char *query)
{
    return strcmp(query, "ddl") == 0 ? NULL : text_of(query);
}

static const char *find(const char *text, const char *what)
{
    const char *at = strstr(text, what);

    CHECK(at != NULL); /* the statements are ours, in bench/nexmark/ */
    return at;
}

static void add(struct buf *sql, const char *from, const char *to)
{
    buf_append(sql, from, (size_t)(to - from));
}

static void add_generator(const struct bench_script *script, struct buf *sql)
{
    int64_t rate = script->events / SPAN_SECONDS;

    rate = rate < 1 ? 1 : rate;
    buf_printf(sql,
               "'connector' = 'nexmark', 'events.num' = '%" PRId64 "', 'first-event.rate' = '%" PRId64
               "', 'next-event.rate' = '%" PRId64 "', 'rate.limited' = 'false', 'seed' = '%" PRId64 "'",
               script->events, rate, rate, script->seed);
    if (script->source == BENCH_MEMORY)
        buf_printf(sql, ", 'preload' = 'true', 'preload.bytes-max' = '%" PRIu64 "'",
                   script->preload_bytes_max);
}

void bench_script_tables(const struct bench_script *script, struct buf *sql)
{
    const char *ddl = text_of("ddl"), *mark = find(ddl, marked);

    add(sql, ddl, mark);
    if (script->source == BENCH_KAFKA_JSON)
        buf_str(sql, "'connector' = 'kafka', 'topic' = '" BENCH_TOPIC "', 'format' = 'json', "
                     "'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset'");
    else
        add_generator(script, sql);
    buf_str(sql, mark + sizeof(marked) - 1);
    buf_u8(sql, 0);
}

/* The table `datagen` again, from the generator and by another name. */
void bench_script_fill(const struct bench_script *script, struct buf *sql)
{
    const char *ddl = text_of("ddl"), *mark = find(ddl, marked);
    const char *name = find(ddl, "CREATE TABLE datagen") + strlen("CREATE TABLE ");

    buf_str(sql, "SET 'pipeline.name' = 'nexmark_fill';\n");
    add(sql, ddl, name);
    buf_str(sql, "generated");
    add(sql, name + strlen("datagen"), mark);
    add_generator(script, sql);
    buf_str(sql, ");\nINSERT INTO datagen SELECT event_type, person, auction, bid FROM generated;\n");
    buf_u8(sql, 0);
}

/* CREATE TABLE nexmark_qN_results, with the columns of the query's own sink. */
static void add_results_table(const char *text, const char *table, struct buf *sql)
{
    static const char key_mark[] = "-- key: ";
    char create[64];

    snprintf(create, sizeof(create), "CREATE TABLE %s (", table);
    const char *columns = find(text, create) + strlen(create);
    const char *end = find(columns, "WITH ("), *key = strstr(text, key_mark);
    while (*end != ')')
        end--;
    buf_printf(sql, "CREATE TABLE %s_results (", table);
    add(sql, columns, end);
    if (key) {
        key += sizeof(key_mark) - 1;
        buf_printf(sql, ", PRIMARY KEY (%.*s) NOT ENFORCED", (int)strcspn(key, "\n"), key);
    }
    buf_printf(sql, ") WITH ('topic' = '%s_results', %s);\n", table,
               key ? "'connector' = 'upsert-kafka', 'key.format' = 'json', 'value.format' = 'json'"
                   : "'connector' = 'kafka', 'format' = 'json'");
}

void bench_script_query(const struct bench_script *script, struct buf *sql)
{
    const char *text = text_of(script->query), *insert = find(text, "INSERT INTO ");
    const char *from = insert + strlen("INSERT INTO "), *end = strrchr(text, ';');
    char table[32];

    snprintf(table, sizeof(table), "nexmark_%s", script->query);
    CHECK(strncmp(from, table, strlen(table)) == 0 && strstr(text, swallowing) && end > from);
    from += strlen(table);
    buf_printf(sql, "SET 'pipeline.name' = '%s';\n", table);
    if (script->source == BENCH_GENERATOR || script->swallow) {
        buf_str(sql, text);
        buf_u8(sql, 0);
        return;
    }
    add(sql, text, insert);
    add_results_table(text, table, sql);
    buf_str(sql, "EXECUTE STATEMENT SET BEGIN\n");
    for (int i = 0; i < 2; i++) {
        buf_printf(sql, "INSERT INTO %s%s", table, i ? "_results" : "");
        add(sql, from, end);
        buf_str(sql, ";\n");
    }
    buf_str(sql, "END;\n");
    buf_u8(sql, 0);
}
