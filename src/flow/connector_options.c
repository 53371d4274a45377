/* connector_options.c: see connector_options.h. Names and meanings are Flink's, but for those that begin with
 * 'topic.' and 'quickwater.'. */
#include "flow/connector_options.h"

#include <stdio.h>

#include "base/suggest.h"

#define START "earliest-offset|latest-offset|group-offsets|timestamp|specific-offsets"
#define BOUND "unbounded|latest-offset|group-offsets|timestamp|specific-offsets"
#define TOPICS "kafka upsert-kafka"
#define NO_EFFECT "accepted, and without effect: "

/* values: words by '|'; "#" a whole number; "" any text; NULL: refused, help says why. A key that ends
 * in '*' stands for all that begin so. */
static const struct connector_option_info options[] = {
    {TOPICS, "topic", "", "the topic of the embedded log"},
    {TOPICS, "topic.partitions", "#", "how many it gets when it is made by this table; default 1"},
    {TOPICS, "quickwater.durability", "fsync|interval", "of the topic, when it is made by this table"},
    {TOPICS, "topic-pattern", NULL, "a table reads one topic; UNION ALL joins several"},
    {TOPICS, "format", "", "of the record's value"},
    {TOPICS, "value.format", "", "the same"},
    {TOPICS, "key.format", "", "of the record's key"},
    {TOPICS, "key.fields", "", "columns that stand in the key, by ';'"},
    {TOPICS, "key.fields-prefix", "", "what the names of key columns begin with, and fields of the key do not"},
    {TOPICS, "value.fields-include", "ALL|EXCEPT_KEY", "whether key columns stand in the value too"},
    {"kafka", "scan.startup.mode", START, "where a job that is new begins"},
    {"kafka", "scan.startup.specific-offsets", "", "partition:0,offset:42;partition:1,offset:300"},
    {"kafka", "scan.startup.timestamp-millis", "#", "for scan.startup.mode = timestamp"},
    {TOPICS, "scan.bounded.mode", BOUND, "where a job ends"},
    {TOPICS, "scan.bounded.specific-offsets", "", "as scan.startup.specific-offsets"},
    {TOPICS, "scan.bounded.timestamp-millis", "#", "for scan.bounded.mode = timestamp"},
    {TOPICS, "properties.bootstrap.servers", "", "names another Kafka cluster: a table of it, with other options: connectors/kafka-cluster.md"},
    {"kafka", "properties.isolation.level", "read_committed|read_uncommitted", "read_committed, the default, reads up to what is decided and leaves out what was aborted"},
    {TOPICS, "properties.*", "", NO_EFFECT "there is no client between"},
    {TOPICS, "scan.topic-partition-discovery.interval", "", "0: partitions that the topic is given later are not read; else they are, at once, whatever it is"},
    {TOPICS, "scan.watermark.emit.strategy", "on-event|on-periodic", NO_EFFECT "watermarks follow every tick"},
    {TOPICS, "scan.watermark.idle-timeout", NULL, "SET 'table.exec.source.idle-timeout' is the same for all tables"},
    {TOPICS, "scan.watermark.alignment.*", NULL, "not built yet"},
    {TOPICS, "scan.parallelism", "#", NO_EFFECT "the number of shards is the server's"},
    {TOPICS, "sink.parallelism", "#", NO_EFFECT "the number of shards is the server's"},
    {"kafka", "sink.partitioner", "default", "by the key as Kafka's producers do, or by turns without one"},
    {TOPICS, "sink.delivery-guarantee", "exactly-once|at-least-once|none", NO_EFFECT "it is always exactly once"},
    {TOPICS, "sink.transactional-id-prefix", "", NO_EFFECT "results and positions are one entry of the log"},
    {TOPICS, "sink.transaction-naming-strategy", "", NO_EFFECT "results and positions are one entry of the log"},
    {"upsert-kafka", "sink.buffer-flush.*", "", NO_EFFECT "a tick is the buffer"},
    {"filesystem", "path", "", "a file, or as a source a folder of files"},
    {"filesystem", "format", "csv|json|raw", "a record a line"},
    {"filesystem", "source.monitor-interval", NULL, "not built yet: files are read once, to their end"},
    {"filesystem", "sink.parallelism", "#", NO_EFFECT "one file is written"},
    {"filesystem", "sink.*", NULL, "not built yet: one file is written, of each partition, and is never rolled"},
    {"filesystem", "auto-compaction", NULL, "not built yet: one file is written"},
    {"filesystem", "partition.*", NULL, "not built yet: a partition has one file, and is never committed"},
    {"print", "print-identifier", "", "what stands before each row"},
    {"print", "standard-error", "false", "rows go to standard output"},
    {"print blackhole", "sink.parallelism", "#", NO_EFFECT "the number of shards is the server's"},
    {"blackhole", "fold", "true|false", "whether rows are hashed, for benchmarks"},
};
enum { OPTIONS = sizeof(options) / sizeof(*options) };

bool connector_option_info(unsigned i, struct connector_option_info *out)
{
    if (i >= OPTIONS)
        return false;
    *out = options[i];
    return true;
}

/* Whether `word` is one of those in `words`, which `separator` divides. */
static bool among(const char *words, char separator, struct bytes word)
{
    struct bytes rest = bytes_str(words);
    while (rest.len) {
        size_t end = bytes_find(rest, (uint8_t)separator, 0);
        if (bytes_equal(bytes_head(rest, end), word))
            return true;
        rest = bytes_skip(rest, end < rest.len ? end + 1 : end);
    }
    return false;
}

static bool key_matches(const char *key, struct bytes given)
{
    size_t len = strlen(key);
    if (len && key[len - 1] == '*')
        return given.len >= len - 1 && memcmp(given.ptr, key, len - 1) == 0;
    return bytes_is_nocase(given, key);
}

/* 'json.…', 'value.csv.…': the format's. */
static bool is_formats(const struct with *with, struct bytes key)
{
    static const char *const names[] = {"format", "value.format", "key.format"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        struct bytes format = with_get(with, names[i], ""), at = key;
        if (!format.len)
            continue;
        if (at.len > 6 && memcmp(at.ptr, "value.", 6) == 0)
            at = bytes_skip(at, 6);
        else if (at.len > 4 && memcmp(at.ptr, "key.", 4) == 0)
            at = bytes_skip(at, 4);
        if (at.len > format.len && at.ptr[format.len] == '.' && memcmp(at.ptr, format.ptr, format.len) == 0)
            return true;
    }
    return false;
}

static enum status unknown(struct bytes connector, struct bytes key, struct diag *diag)
{
    const char *words[OPTIONS];
    size_t count = 0;
    for (size_t i = 0; i < OPTIONS; i++)
        if (among(options[i].connectors, ' ', connector) && options[i].values && !strchr(options[i].key, '*'))
            words[count++] = options[i].key;
    const char *near = suggest(key, words, count);
    if (near)
        diag_hint(diag, "did you mean '%s'?", near);
    return diag_set(diag, ST_INVALID, DIAG_NAME, "connector '%.*s' has no option '%.*s'",
                    BYTES_FMT(connector), BYTES_FMT(bytes_head(key, 100)));
}

static enum status value_check(const struct connector_option_info *o, struct bytes key, struct bytes value,
                               struct diag *diag)
{
    int64_t number;
    if (!o->values)
        return diag_set(diag, ST_UNSUPPORTED, DIAG_UNSUPPORTED, "option '%.*s': %s",
                        BYTES_FMT(bytes_head(key, 100)), o->help);
    if (!*o->values || among(o->values, '|', value) || (*o->values == '#' && bytes_to_i64(value, &number)))
        return ST_OK;
    if (*o->values == '#')
        return diag_set(diag, ST_INVALID, DIAG_VALUE, "option '%s' is not a number: '%.*s'", o->key,
                        BYTES_FMT(bytes_head(value, 100)));
    diag_hint(diag, "it takes %s", o->values);
    return diag_set(diag, ST_INVALID, DIAG_VALUE, "option '%s' cannot be '%.*s'", o->key,
                    BYTES_FMT(bytes_head(value, 100)));
}

static enum status option_check(const struct with *with, struct bytes connector, struct bytes key,
                                struct bytes value, struct diag *diag)
{
    if (bytes_is(key, "connector") || is_formats(with, key))
        return ST_OK;
    for (size_t i = 0; i < OPTIONS; i++)
        if (among(options[i].connectors, ' ', connector) && key_matches(options[i].key, key))
            return value_check(&options[i], key, value, diag);
    return unknown(connector, key, diag);
}

enum status connector_options_check(const struct with *with, struct diag *diag)
{
    struct bytes connector = with_get(with, "connector", "");
    bool known = false;
    for (size_t i = 0; i < OPTIONS && !known; i++)
        known = among(options[i].connectors, ' ', connector);
    if (!known)
        return ST_OK;
    for (uint16_t i = 0; i < with->hints_count; i++)
        TRY(option_check(with, connector, with->hints[i].key, with->hints[i].value, diag));
    for (uint16_t i = 0; i < with->table->options_count; i++)
        TRY(option_check(with, connector, with->table->options[i].key, with->table->options[i].value, diag));
    return ST_OK;
}
