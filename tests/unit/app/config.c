/* A server's settings: the file's text, the table, the page that is made of it. */
#include "app/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/test.h"

static struct diag diag;

static enum status read_text(struct config *c, const char *text)
{
    diag_clear(&diag);
    return config_read(c, bytes_str(text), &diag);
}

TEST(config_defaults_are_what_the_parts_have)
{
    struct config c;
    const struct server_options *o = &c.options;

    config_init(&c);
    EXPECT_STR(o->data_dir, "./quickwater-data");
    EXPECT_STR(o->listen[FACE_KAFKA], "127.0.0.1:9092");
    EXPECT_STR(o->listen[FACE_HTTP], "127.0.0.1:8088");
    EXPECT(!o->listen[FACE_PG] && !o->listen[FACE_REDIS] && !o->insecure);
    EXPECT_INT(o->shards, 1);
    EXPECT_INT(o->log.wal_bytes_max, LOG_WAL_BYTES);
    EXPECT_INT(o->log.memory_bytes_max, LOG_MEMORY_BYTES);
    EXPECT_INT(o->log.segment_bytes, LOG_SEGMENT_BYTES);
    EXPECT_INT(o->log.retention_ms, LOG_RETENTION_MS);
    EXPECT_INT(o->log.retention_bytes, -1);
    EXPECT_INT(o->log.message_bytes_max, LOG_MESSAGE_BYTES);
    EXPECT_INT(o->log.disk_reserve_bytes, 0);
    EXPECT_INT(o->engine.checkpoint_interval_us, ENGINE_CHECKPOINT_MS * 1000);
    EXPECT_INT(o->engine.tick_rows_max, ENGINE_TICK_ROWS);
    EXPECT_INT(o->engine.tick_bytes_max, ENGINE_TICK_BYTES);
    EXPECT_INT(o->kafka.partitions_default, KAFKA_PARTITIONS);
    EXPECT_INT(o->kafka.conns_max, KAFKA_CONNS);
    EXPECT_INT(o->kafka.rebalance_delay_ms, KAFKA_REBALANCE_DELAY_MS);
    EXPECT_INT(o->kafka.idle_ms_max, KAFKA_IDLE_MS);
    EXPECT_INT(o->kafka.frame_bytes_max, KAFKA_FRAME_BYTES);
    EXPECT(!o->kafka.no_auto_create && !o->kafka.advertised);
    EXPECT_INT(o->http.partitions_default, HTTP_PARTITIONS);
    EXPECT_INT(o->http.body_bytes_max, HTTP_BODY_BYTES);
    EXPECT_INT(o->http.answer_bytes_max, HTTP_ANSWER_BYTES);
    EXPECT_INT(o->http.conns_max, HTTP_CONNS);
    EXPECT_INT(o->http.statement_ms_max, HTTP_STATEMENT_MS);
    EXPECT_INT(o->http.idle_ms_max, HTTP_IDLE_MS);
    config_deinit(&c);
}

/* Every key has a place of its own, and its bounds hold its default. */
TEST(config_keys_do_not_overlap)
{
    for (int i = 0; i < CONFIG_KEYS; i++) {
        const struct config_key *a = &config_keys[i];
        EXPECT(a->section && a->name && a->help && a->unit != 0);
        EXPECT((a->kind == CONFIG_FLAG) == (a->shows == NULL));
        for (int k = i + 1; k < CONFIG_KEYS; k++) {
            const struct config_key *b = &config_keys[k];
            EXPECT(a->at + a->width <= b->at || b->at + b->width <= a->at);
            EXPECT(strcmp(a->section, b->section) != 0 || strcmp(a->name, b->name) != 0);
        }
    }
}

TEST(config_reads_a_file)
{
    static const char text[] = "# a server\r\n"
                               "[server]\n"
                               "data = \"/var/lib/\\u0051 w\\t\\\"x\\\"\"   # where\n"
                               "shards=1_6\r\n"
                               "\t[ listen ]\n"
                               "kafka = '127.0.0.1:0'\n"
                               "http = \"off\"\n"
                               "[topics]\n"
                               "auto_create = false\n"
                               "partitions = +12\n"
                               "retention = \"forever\"\n"
                               "retention_bytes = \"2GiB\"\n"
                               "message_bytes = 2097152\n"
                               "[engine]\n"
                               "checkpoint_interval = \"2min\"\n"
                               "[kafka]\n"
                               "rebalance_delay = \"none\"";
    struct config c;
    const struct server_options *o = &c.options;

    config_init(&c);
    EXPECT_OK(read_text(&c, text));
    EXPECT_STR(o->data_dir, "/var/lib/Q w\t\"x\"");
    EXPECT_INT(o->shards, 16);
    EXPECT_STR(o->listen[FACE_KAFKA], "127.0.0.1:0");
    EXPECT(!o->listen[FACE_HTTP]);
    EXPECT(o->kafka.no_auto_create && o->http.no_auto_create);
    EXPECT_INT(o->kafka.partitions_default, 12);
    EXPECT_INT(o->http.partitions_default, 12);
    EXPECT_INT(o->log.retention_ms, -1);
    EXPECT_INT(o->log.retention_bytes, 2ll << 30);
    EXPECT_INT(o->log.message_bytes_max, 2 << 20);
    EXPECT_INT(o->engine.checkpoint_interval_us, 120000000);
    EXPECT_INT(o->kafka.rebalance_delay_ms, -1);
    config_deinit(&c);
}

TEST(config_refuses_with_place_and_what_would_be_right)
{
    static const struct {
        const char *text;
        unsigned line, column;
        const char *message, *hint;
    } cases[] = {
        {"[server]\nshard = 1", 2, 1, "there is no key in [server] 'shard'",
         "did you mean 'shards'?"},
        {"[server]\nzzzzzz = 1", 2, 1, "there is no key in [server] 'zzzzzz'",
         "one of data, shards, insecure"},
        {"\n [sever]", 2, 3, "there is no section 'sever'", "did you mean 'server'?"},
        {"[quux]", 1, 2, "there is no section 'quux'",
         "one of server, listen, tls, security, topics, log, memory, engine, kafka, http"},
        {"shards = 1", 1, 1, "there is no key outside of a section 'shards'",
         "[section] stands above its keys"},
        {"[server]\nshards = 0", 2, 10, "'0' is not a value of server.shards",
         "a whole number from 1 to 128"},
        {"[server]\nshards = \"2\"", 2, 10, "'2' is not a value of server.shards",
         "a whole number from 1 to 128"},
        {"[server]\nshards = 99999999999999999999", 2, 10,
         "'99999999999999999999' is not expected here",
         "a value is \"text\", a whole number, true or false"},
        {"[server]\nshards = 1\nshards = 2", 3, 1, "server.shards is set at line 2 already", ""},
        {"[server]\ninsecure = yes", 2, 12, "'yes' is not expected here",
         "a value is \"text\", a whole number, true or false"},
        {"[server]\ninsecure = 1", 2, 12, "'1' is not a value of server.insecure", "true or false"},
        {"[server]\ndata = \"a", 2, 8, "'\"a' is not expected here",
         "a string ends on its line with '\"'"},
        {"[server]\ndata = \"\"", 2, 8, "'' is not a value of server.data", "a \"text\""},
        {"[server]\ndata = \"a\\u0000\"", 2, 10, "'\\u0000\"' is not expected here",
         "behind a backslash: \" \\ b t n f r, uXXXX or UXXXXXXXX; a 'literal' string has none"},
        {"[server]\ndata = \"\"\"a\"\"\"", 2, 8, "'\"\"\"a\"\"\"' is not expected here",
         "texts of several lines are not read here: \"one line\""},
        {"[server]\ndata = \"a\" b", 2, 12, "'b' is not expected here",
         "an entry ends with its line; a comment begins with '#'"},
        {"[server]\nshards 3", 2, 8, "'3' is not expected here", "key = value"},
        {"[server]\nshards", 2, 7, "the file ends too early", "key = value"},
        {"[server]\nshards =\n", 2, 9, "the line ends too early",
         "a value is \"text\", a whole number, true or false"},
        {"[server]\nshards = 007", 2, 10, "'007' is not expected here",
         "a value is \"text\", a whole number, true or false"},
        {"[server]\nshards = 1__0", 2, 10, "'1__0' is not expected here",
         "a value is \"text\", a whole number, true or false"},
        {"[server]\nshards = [1]", 2, 10, "'[1' is not expected here",
         "a value is \"text\", a whole number, true or false"},
        {"server.shards = 1", 1, 7, "'.shards' is not expected here",
         "a key has no dots; its section stands above it: [section]"},
        {"[[server]]", 1, 1, "'[[server' is not expected here",
         "a section is [name]; lists of tables are not read here"},
        {"[server.x]", 1, 8, "'.x' is not expected here", "a section is [name]"},
        {"[listen]\nkafka = \"9092\"", 2, 9, "'9092' is not a value of listen.kafka",
         "\"HOST:PORT\", or \"off\""},
        {"[kafka]\nadvertised = \"off\"", 2, 14, "'off' is not a value of kafka.advertised",
         "\"HOST:PORT\""},
        {"[log]\nwal_bytes = \"64MB\"", 2, 13, "'64MB' is not a value of log.wal_bytes",
         "bytes, or as \"64MiB\" (KiB, MiB, GiB, TiB), from 1MiB to 64GiB"},
        {"[log]\nwal_bytes = \"99999999999TiB\"", 2, 13,
         "'99999999999TiB' is not a value of log.wal_bytes",
         "bytes, or as \"64MiB\" (KiB, MiB, GiB, TiB), from 1MiB to 64GiB"},
        {"[topics]\nretention = 1000", 2, 13, "'1000' is not a value of topics.retention",
         "a time as \"30s\" (ms, s, min, h, d), from 1ms to 36500d, or \"forever\""},
        {"[topics]\nretention = \"-1\"", 2, 13, "'-1' is not a value of topics.retention",
         "a time as \"30s\" (ms, s, min, h, d), from 1ms to 36500d, or \"forever\""},
        {"[tls]\nclients = \"maybe\"", 2, 11, "'maybe' is not a value of tls.clients",
         "\"any\", \"asked\" or \"required\""},
        {"\xff", 0, 0, "the file is not UTF-8", ""},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct config c;
        config_init(&c);
        EXPECT_STATUS(read_text(&c, cases[i].text), ST_INVALID);
        EXPECT_STR(diag.message, cases[i].message);
        EXPECT_STR(diag.hint, cases[i].hint);
        EXPECT_INT(diag.line, cases[i].line);
        EXPECT_INT(diag.column, cases[i].column);
        config_deinit(&c);
    }
}

TEST(config_file_too_long)
{
    struct config c;
    char *text = malloc(CONFIG_TEXT_MAX + 1);

    memset(text, '\n', CONFIG_TEXT_MAX + 1);
    config_init(&c);
    EXPECT_OK(config_read(&c, bytes_of(text, CONFIG_TEXT_MAX), &diag));
    EXPECT_STATUS(config_read(&c, bytes_of(text, CONFIG_TEXT_MAX + 1), &diag), ST_INVALID);
    config_deinit(&c);
    free(text);
}

TEST(config_the_command_line_wins)
{
    struct config c;

    config_init(&c);
    EXPECT_OK(read_text(&c, "[server]\nshards = 3\n[listen]\nkafka = \"127.0.0.1:1\"\n"));
    for (int i = 0; i < CONFIG_KEYS; i++) {
        const char *option = config_keys[i].option ? config_keys[i].option : "";
        if (strcmp(option, "--shards") == 0) {
            EXPECT_OK(config_word(&c, &config_keys[i], "5", &diag));
            EXPECT_STATUS(config_word(&c, &config_keys[i], "x", &diag), ST_INVALID);
            EXPECT_STATUS(config_word(&c, &config_keys[i], "-1", &diag), ST_INVALID);
        }
        if (strcmp(option, "--kafka") == 0)
            EXPECT_OK(config_word(&c, &config_keys[i], "off", &diag));
    }
    EXPECT_INT(c.options.shards, 5);
    EXPECT(!c.options.listen[FACE_KAFKA]);
    config_deinit(&c);
}

/* docs/config.md is the table below this line of it; QW_GOLDEN_WRITE=1 writes it again. */
static const char mark[] = "<!-- from the table in src/app/config_keys.c -->\n";

TEST(config_page_is_the_table)
{
    static char page[65536];
    FILE *file = fopen("docs/config.md", "r+");
    struct buf tables;

    EXPECT(file != NULL);
    size_t len = fread(page, 1, sizeof(page) - 1, file);
    char *at = strstr(page, mark);
    EXPECT(at != NULL && len < sizeof(page) - 1);
    at += sizeof(mark) - 1;
    buf_init(&tables, 0);
    config_tables(&tables);
    if (getenv("QW_GOLDEN_WRITE")) {
        fseek(file, at - page, SEEK_SET);
        EXPECT(fwrite(tables.ptr, 1, tables.len, file) == tables.len);
        EXPECT(truncate("docs/config.md", at - page + (long)tables.len) == 0);
    } else {
        EXPECT_BYTES(bytes_str(at), buf_view(&tables));
    }
    fclose(file);
    buf_deinit(&tables);
}
