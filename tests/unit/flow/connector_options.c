#include "flow/connector_options.h"

#include <stdio.h>

#include "base/buf.h"
#include "lib/engines.h"
#include "lib/page.h"

static void print_page(struct buf *buf)
{
    struct connector_option_info o;

    buf_str(buf, "# Options of connectors\n\n"
                 "Made from the table in `src/flow/connector_options.c`. An option that is not here is refused when the "
                 "table is\nused, not when it is made, as in Flink. Those of `datagen` and `nexmark` are checked by "
                 "themselves; those of a\nformat (`json.…`, `csv.…`, `raw.…`) by the format.\n\n"
                 "| connector | option | values | |\n| --- | --- | --- | --- |\n");
    for (unsigned i = 0; connector_option_info(i, &o); i++) {
        buf_printf(buf, "| %s | `%s` | ", o.connectors, o.key);
        for (const char *c = o.values ? o.values : "refused"; *c; c++)
            buf_printf(buf, *c == '|' ? ", " : *c == '#' ? "a number" : "%c", *c);
        buf_printf(buf, " | %s |\n", o.help);
    }
}

TEST(connector_options_page_is_up_to_date)
{
    struct buf want;

    buf_init(&want, 0);
    print_page(&want);
    page_expect("docs/sql/connectors.md", buf_view(&want));
    buf_deinit(&want);
}

static void expect_refused(struct er *er, const char *options, const char *message, const char *hint)
{
    char sql[600];
    er_sql(er, "DROP TABLE IF EXISTS x");
    snprintf(sql, sizeof(sql), "CREATE TABLE x (a INT) WITH (%s)", options);
    er_sql(er, sql); /* as in Flink, a table may be made that cannot be used */
    EXPECT(er_try(er, "SELECT * FROM x") != ST_OK);
    EXPECT_STR(er->diag.message, message);
    EXPECT_STR(er->diag.hint, hint);
}

TEST(connector_options_are_known_and_have_values_of_their_kind)
{
    struct er er;
    er_open(&er, os_sim_create(1, NULL), NULL, (struct engine_options){0});
#define KAFKA "'connector' = 'kafka', 'topic' = 'x', 'format' = 'json', "
    expect_refused(&er, KAFKA "'scan.startup.mod' = 'latest-offset'", "connector 'kafka' has no option 'scan.startup.mod'",
                   "did you mean 'scan.startup.mode'?");
    expect_refused(&er, KAFKA "'scan.startup.mode' = 'earliest'", "option 'scan.startup.mode' cannot be 'earliest'",
                   "it takes earliest-offset|latest-offset|group-offsets|timestamp|specific-offsets");
    expect_refused(&er, KAFKA "'scan.startup.mode' = 'timestamp', 'scan.startup.timestamp-millis' = 'noon'",
                   "option 'scan.startup.timestamp-millis' is not a number: 'noon'", "");
    expect_refused(&er, KAFKA "'scan.startup.mode' = 'specific-offsets', 'scan.startup.specific-offsets' = '0:1'",
                   "option 'scan.startup.specific-offsets' is '0:1'",
                   "it is like partition:0,offset:42;partition:1,offset:300");
    expect_refused(&er, "'connector' = 'kafka', 'topic-pattern' = 'x.*', 'format' = 'json'",
                   "option 'topic-pattern': a table reads one topic; UNION ALL joins several", "");
    expect_refused(&er, "'connector' = 'filesystem', 'path' = 'x', 'format' = 'json', 'sink.rolling-policy.file-size' = '1MB'",
                   "option 'sink.rolling-policy.file-size': not built yet: one file is written, of each partition, and is never rolled", "");
    er_sql(&er, "DROP TABLE x");
    er_sql(&er, "CREATE TABLE x (a INT) WITH (" KAFKA "'json.ignore-parse-errors' = 'true', 'properties.group.id' = 'g', "
                "'scan.startup.mode' = 'earliest-offset', 'sink.parallelism' = '1')");
    EXPECT_STR(er_rows(&er, "SELECT * FROM x"), "");
    EXPECT(er_try(&er, "SELECT * FROM x /*+ OPTIONS('scan.bounded.mod' = 'latest-offset') */") != ST_OK);
    EXPECT_STR(er.diag.message, "connector 'kafka' has no option 'scan.bounded.mod'");
    er_end(&er);
}

TEST(connector_durability_is_the_topics)
{
    struct er er;
    er_open(&er, os_sim_create(1, NULL), "data", (struct engine_options){0});
    er_sql(&er, "CREATE TABLE x (a INT) WITH (" KAFKA "'quickwater.durability' = 'interval')");
    EXPECT_INT(log_topic_info(log_topic_find(er.log, BYTES_LITERAL("x")))->options.durability, LOG_INTERVAL);
    EXPECT(er_try(&er, "CREATE TABLE y (a INT) WITH (" KAFKA "'quickwater.durability' = 'fsync')") != ST_OK);
    EXPECT(strstr(er.diag.message, "the topic 'x' is there already, with another durability"));
    EXPECT(er_try(&er, "CREATE TABLE z (a INT) WITH ('connector' = 'kafka', 'topic' = 'z', 'format' = 'json', "
                       "'quickwater.durability' = 'memory')") != ST_OK);
    EXPECT(strstr(er.diag.message, "is fsync or interval, not 'memory'"));
    er_sql(&er, "CREATE TABLE y (a INT) WITH ('connector' = 'kafka', 'topic' = 'x', 'format' = 'json')");
    er_sql(&er, "INSERT INTO y VALUES (1)");
    EXPECT_STR(er_rows(&er, "SELECT * FROM x"), "1");
    er_end(&er);
}
