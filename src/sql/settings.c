/* The settings of a session. Flink's keys that matter here, with their types, and a few of ours. */
#include "base/check.h"
#include "base/suggest.h"
#include "data/zone.h"
#include "sql/catalog.h"
#include "sql/parser.h"

#include <stdlib.h>

enum setting_type { SETTING_TEXT, SETTING_ZONE, SETTING_BOOL, SETTING_INTEGER, SETTING_DURATION, SETTING_CHOICE };

#define IGNORED "accepted, and without effect: "

static const struct setting {
    const char *key;
    enum setting_type type;
    const char *value, *help;
    const char *choices; /* of a CHOICE, between spaces */
} known[] = {
    {"table.exec.state.ttl", SETTING_DURATION, "0 ms",
     "how long the state of updating queries is kept without being written again; 0: for ever", NULL},
    {"table.local-time-zone", SETTING_ZONE, "UTC",
     "the zone of TIMESTAMP_LTZ where it becomes text or another time, and of its windows: a name of tzdata, or an "
     "offset such as GMT+02:00", NULL},
    {"table.exec.source.idle-timeout", SETTING_DURATION, "0 ms",
     "after how long without records a partition no longer holds the watermark back; 0: never", NULL},
    {"table.exec.sink.not-null-enforcer", SETTING_CHOICE, "ERROR",
     "a NULL for a NOT NULL column of the table that an INSERT writes: the job fails, or the row is dropped",
     " ERROR DROP "},
    {"table.exec.sink.type-length-enforcer", SETTING_CHOICE, "IGNORE",
     "a text or bytes longer than the column that an INSERT writes, or of another length than its CHAR(n) or "
     "BINARY(n): is written, cut or padded, or the job fails", " IGNORE TRIM_PAD ERROR "},
    {"table.exec.sink.nested-constraint-enforcer", SETTING_CHOICE, "IGNORE",
     "only IGNORE is built: the two above look at whole columns", " IGNORE ROWS ROWS_AND_COLLECTIONS "},
    {"pipeline.name", SETTING_TEXT, "", "the name of the jobs started from here on", NULL},
    {"parallelism.default", SETTING_INTEGER, "-1",
     IGNORED "the number of shards is the server's", NULL},
    {"pipeline.max-parallelism", SETTING_INTEGER, "-1",
     IGNORED "state is divided into a fixed number of key groups", NULL},
    {"execution.runtime-mode", SETTING_CHOICE, "STREAMING",
     "only STREAMING is built", " STREAMING BATCH AUTOMATIC "},
    {"execution.checkpointing.interval", SETTING_DURATION, "30 s",
     IGNORED "results do not wait for checkpoints; their interval is the server's", NULL},
    {"execution.checkpointing.mode", SETTING_CHOICE, "EXACTLY_ONCE",
     IGNORED "always exactly once", " EXACTLY_ONCE AT_LEAST_ONCE "},
    {"pipeline.auto-watermark-interval", SETTING_DURATION, "0 ms",
     IGNORED "watermarks follow every tick", NULL},
    {"pipeline.object-reuse", SETTING_BOOL, "true", IGNORED "rows are not objects here", NULL},
    {"table.exec.mini-batch.enabled", SETTING_BOOL, "false",
     IGNORED "every tick is a batch, and adds no latency", NULL},
    {"table.exec.mini-batch.allow-latency", SETTING_DURATION, "0 ms", IGNORED "see …enabled", NULL},
    {"table.exec.mini-batch.size", SETTING_INTEGER, "-1", IGNORED "see …enabled", NULL},
    {"table.optimizer.distinct-agg.split.enabled", SETTING_BOOL, "false",
     IGNORED "distinct values are kept by key", NULL},
    {"table.optimizer.agg-phase-strategy", SETTING_CHOICE, "AUTO", IGNORED "one phase",
     " AUTO TWO_PHASE ONE_PHASE "},
    {"table.optimizer.reuse-sub-plan-enabled", SETTING_BOOL, "true",
     IGNORED "equal sub-plans are always shared", NULL},
    {"table.dml-sync", SETTING_BOOL, "false", IGNORED "an INSERT answers when its job has begun", NULL},
    {"sql-client.execution.result-mode", SETTING_CHOICE, "TABLE",
     "how the shell shows a SELECT", " TABLE CHANGELOG TABLEAU "},
    {"sql-client.execution.max-table-result.rows", SETTING_INTEGER, "1000000",
     "rows of a result that the shell keeps", NULL},
    {"sql-client.verbose", SETTING_BOOL, "false", IGNORED "errors are always told in full", NULL},
    {"sql-client.display.max-column-width", SETTING_INTEGER, "30",
     "how wide the shell shows a column", NULL},
    {"restart-strategy.type", SETTING_TEXT, "", IGNORED "a job resumes at the last tick", NULL},
    {"state.backend.type", SETTING_TEXT, "", IGNORED "there is one", NULL},
    {"execution.target", SETTING_TEXT, "", IGNORED "jobs run in this process", NULL},
    {"execution.attached", SETTING_BOOL, "true", IGNORED "jobs run in this process", NULL},
};
enum { KNOWN = sizeof(known) / sizeof(known[0]) };

void settings_init(struct settings *settings)
{
    map_init(&settings->values);
}

static void settings_clear(struct settings *settings)
{
    for (struct map_entry *e = map_first(&settings->values); e; e = map_next(&settings->values, e)) {
        void *text = e->value;
        map_remove(&settings->values, e->key);
        free(text);
    }
}

void settings_deinit(struct settings *settings)
{
    settings_clear(settings);
    map_deinit(&settings->values);
}

static const struct setting *setting_find(struct bytes key, struct diag *diag)
{
    const char *keys[KNOWN];

    for (size_t i = 0; i < KNOWN; i++) {
        if (bytes_is(key, known[i].key))
            return &known[i];
        keys[i] = known[i].key;
    }
    diag_set(diag, ST_INVALID, DIAG_NAME, "there is no setting '%.*s'",
             BYTES_FMT(bytes_head(key, 100)));
    const char *near_key = suggest(key, keys, KNOWN);
    if (near_key)
        diag_hint(diag, "did you mean '%s'?", near_key);
    else
        diag_hint(diag, "SET; lists them");
    return NULL;
}

/* "10 s", "500ms", "1 min": microseconds; -1: none. */
int64_t settings_duration_us(struct bytes text)
{
    static const struct {
        const char *unit;
        int64_t us;
    } units[] = {
        {"", 1000},          {"ms", 1000},        {"milli", 1000},      {"millis", 1000},
        {"millisecond", 1000}, {"milliseconds", 1000}, {"s", 1000000},  {"sec", 1000000},
        {"secs", 1000000},   {"second", 1000000}, {"seconds", 1000000}, {"m", 60000000},
        {"min", 60000000},   {"minute", 60000000}, {"minutes", 60000000}, {"h", 3600000000},
        {"hour", 3600000000}, {"hours", 3600000000}, {"d", 86400000000}, {"day", 86400000000},
        {"days", 86400000000}, {"us", 1},          {"micro", 1},        {"micros", 1},
        {"microsecond", 1},  {"microseconds", 1},
    };
    size_t at = 0;
    int64_t n = 0;

    while (at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9' && n < 1000000000000)
        n = n * 10 + (text.ptr[at++] - '0');
    if (at == 0)
        return -1;
    while (at < text.len && text.ptr[at] == ' ')
        at++;
    struct bytes unit = bytes_skip(text, at);
    while (unit.len > 0 && unit.ptr[unit.len - 1] == ' ')
        unit.len--;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (bytes_is_nocase(unit, units[i].unit))
            return n > INT64_MAX / 4 / units[i].us ? -1 : n * units[i].us;
    }
    return -1;
}

static bool is_choice(const char *choices, struct bytes value)
{
    const char *at = choices + 1;

    while (*at) {
        const char *end = strchr(at, ' ');
        char word[40] = {0};
        memcpy(word, at, (size_t)(end - at));
        if (bytes_is_nocase(value, word))
            return true;
        at = end + 1;
    }
    return false;
}

/* Whether there is such a zone is for those to say who may read files. */
static bool is_zone(struct bytes value)
{
    int32_t offset_s;
    return zone_offset_parse(value, &offset_s) || zone_name_valid(value);
}

static enum status setting_check(const struct setting *setting, struct bytes value,
                                 struct diag *diag)
{
    const char *wanted = NULL;
    int64_t n;

    if (setting->type == SETTING_BOOL && !bytes_is_nocase(value, "true") &&
        !bytes_is_nocase(value, "false"))
        wanted = "true or false";
    else if (setting->type == SETTING_INTEGER && !bytes_to_i64(value, &n))
        wanted = "an integer";
    else if (setting->type == SETTING_DURATION && settings_duration_us(value) < 0)
        wanted = "a duration such as 10 s, 500 ms, 1 h";
    else if (setting->type == SETTING_ZONE && !is_zone(value))
        wanted = "a zone such as America/Los_Angeles or GMT+02:00";
    else if (setting->type == SETTING_CHOICE && !is_choice(setting->choices, value))
        wanted = setting->choices;
    if (wanted)
        return diag_set(diag, ST_INVALID, DIAG_VALUE, "'%s' takes %s, not '%.*s'", setting->key,
                        wanted, BYTES_FMT(bytes_head(value, 60)));
    if (strcmp(setting->key, "execution.runtime-mode") == 0 && bytes_is_nocase(value, "BATCH"))
        return diag_set(diag, ST_UNSUPPORTED, DIAG_UNSUPPORTED,
                        "the runtime mode BATCH is not built yet");
    if (strcmp(setting->key, "table.exec.sink.nested-constraint-enforcer") == 0 &&
        !bytes_is_nocase(value, "IGNORE"))
        return diag_set(
            diag, ST_UNSUPPORTED, DIAG_UNSUPPORTED,
            "constraints inside of rows and collections are not built yet: only IGNORE");
    if (value.len > 1000)
        return diag_set(diag, ST_INVALID, DIAG_LIMIT, "a setting may have 1000 bytes");
    return ST_OK;
}

enum status settings_set(struct settings *settings, struct bytes key, struct bytes value,
                         struct diag *diag)
{
    const struct setting *setting = setting_find(key, diag);

    if (!setting)
        return ST_INVALID;
    TRY(setting_check(setting, value, diag));
    char *text = xmalloc(value.len + 1);
    if (value.len > 0)
        memcpy(text, value.ptr, value.len);
    text[value.len] = 0;
    free(map_put(&settings->values, key, text));
    return ST_OK;
}

const char *settings_get(const struct settings *settings, const char *key)
{
    const char *value = map_get(&settings->values, bytes_str(key));

    if (value)
        return value;
    for (size_t i = 0; i < KNOWN; i++) {
        if (strcmp(known[i].key, key) == 0)
            return known[i].value;
    }
    UNREACHABLE(); /* only keys of the table are asked for */
}

enum status settings_reset(struct settings *settings, struct bytes key, struct diag *diag)
{
    if (key.len == 0) {
        settings_clear(settings);
        return ST_OK;
    }
    if (!setting_find(key, diag))
        return ST_INVALID;
    free(map_remove(&settings->values, key));
    return ST_OK;
}

bool settings_info(unsigned i, const char **key, const char **otherwise, const char **help)
{
    if (i >= KNOWN)
        return false;
    *key = known[i].key;
    *otherwise = known[i].value;
    *help = known[i].help;
    return true;
}
