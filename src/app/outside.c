/* outside.c: see outside.h. */
#include "app/outside.h"

#include <ctype.h>
#include <stdio.h>

#include "base/hash.h"

/* What a table over the carrier topic keeps of what was written: its format. */
static const char *const kept[] = {"format", "json.", "csv.", "raw.", "value.", "key.", "avro.",
                                   "debezium-json.", "canal-json.", "maxwell-json.", "ogg-json.", NULL};

/* ---- the carrier's topic ---- */

/* Other letters than a topic's name may have are '_', and then a hash tells apart what looks the same. */
static struct bytes topic_name(struct arena *arena, struct bytes table)
{
    char *text = arena_printf(arena, "bridge-%.*s", BYTES_FMT(bytes_head(table, 200)));
    bool same = table.len <= 200;

    for (char *c = text; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("._-", *c)) {
            *c = '_';
            same = false;
        }
    return bytes_str(same ? text : arena_printf(arena, "%s-%08x", text, (unsigned)hash_bytes(table)));
}

static struct log_topic *topic_of(const struct outside_tables *o, const struct table *table)
{
    return log_topic_find(o->log, table_option_get(table, "topic", ""));
}

/* Of lookups, too, which need no topic of the table's. */
static struct log_topic *dead_topic_of(const struct outside_tables *o, const struct table *table)
{
    return carrier_dead_topic(o->log, table_option_get(table, "topic", ""));
}

/* ---- from a table to a carrier ---- */

static struct carrier_spec spec_of(struct arena *arena, const struct table *table,
                                   const struct table_option *options, uint16_t count)
{
    struct type_field *fields = ARENA_ARRAY(arena, struct type_field, table->columns_count + 1u);
    struct bridge_given *given = ARENA_ARRAY(arena, struct bridge_given, count + 1u);
    uint16_t *key = ARENA_ARRAY(arena, uint16_t, table->primary_key_count + 1u), columns = 0;
    const struct bridge_class *class = NULL;

    for (uint16_t c = 0; c < table->columns_count; c++) {
        if (table->columns[c].kind != COLUMN_PHYSICAL)
            continue;
        for (uint16_t k = 0; k < table->primary_key_count; k++)
            if (table->primary_key[k] == c)
                key[k] = columns;
        fields[columns++] = (struct type_field){.name = table->columns[c].name, .type = table->columns[c].type};
    }
    for (uint16_t i = 0; i < count; i++) {
        given[i] = (struct bridge_given){options[i].key, options[i].value};
        if (bytes_is_nocase(options[i].key, "connector"))
            class = bridge_class_of(options[i].value);
    }
    if (class && class->told_by && !bridge_option_given(given, count, class->told_by))
        class = NULL;
    return (struct carrier_spec){
        .class = class, .table = table->name, .schema = {columns, fields}, .key = key,
        .key_count = table->primary_key_count, .options = given, .options_count = count};
}

static struct carrier_spec spec_of_adopted(struct arena *arena, const struct table *table, enum bridge_way way)
{
    struct carrier_spec spec = spec_of(arena, table, table->outside, table->outside_count);

    spec.way = way;
    return spec;
}

/* ---- what the engine asks ---- */

static bool is_kept(struct bytes key)
{
    for (const char *const *k = kept; *k; k++) {
        size_t len = strlen(*k);
        if ((*k)[len - 1] == '.' ? key.len > len && memcmp(key.ptr, *k, len) == 0 : bytes_is_nocase(key, *k))
            return true;
    }
    return false;
}

static void option(struct table *table, const char *key, struct bytes value)
{
    table->options[table->options_count++] = (struct table_option){bytes_str(key), value};
}

static bool says(const struct table *table, const char *key)
{
    for (uint16_t i = 0; i < table->outside_count; i++)
        if (bytes_is_nocase(table->outside[i].key, key))
            return true;
    return false;
}

/* The options of a table over the topic, in the place of those that were written. */
static void rewrite(struct table *table, bool changes)
{
    table->outside = table->options;
    table->outside_count = table->options_count;
    table->options = ARENA_ARRAY(&table->arena, struct table_option, table->outside_count + 5u);
    table->options_count = 0;
    option(table, "connector", bytes_str(changes ? "upsert-kafka" : "kafka"));
    option(table, "topic", topic_name(&table->arena, table->name));
    if (changes && !says(table, "key.format"))
        option(table, "key.format", bytes_str("json"));
    if (!changes)
        option(table, "scan.startup.mode", bytes_str("earliest-offset")); /* what is outside before that is the bridge's */
    for (uint16_t i = 0; i < table->outside_count; i++) {
        struct bytes key = table->outside[i].key;
        if (is_kept(key))
            table->options[table->options_count++] =
                (struct table_option){bytes_is_nocase(key, "format") ? bytes_str("value.format") : key,
                                      table->outside[i].value};
    }
    if (!says(table, "format") && !says(table, "value.format"))
        option(table, "value.format", bytes_str("json"));
}

/* That its rows can be asked for, and how long answers are kept. */
static enum status set_lookup(struct table *table, const struct carrier_spec *spec, struct diag *diag)
{
    struct carrier_cache cache;
    bool by_key = spec->class->by_primary_key;

    if (!(spec->class->ways & BRIDGE_LOOKUP) || (by_key && !table->primary_key_count))
        return ST_OK;
    TRY(carrier_cache(spec, &cache, diag));
    struct table_lookup *lookup = ARENA_NEW(&table->arena, struct table_lookup);
    *lookup = (struct table_lookup){
        .connector = spec->class->name, .by_primary_key = by_key, .cached = cache.cached, .keys_max = cache.keys_max,
        .write_us = cache.write_us, .access_us = cache.access_us, .keep_missing = cache.keep_missing, .stale = cache.stale};
    table->lookup = lookup;
    return ST_OK;
}

static enum status check(struct table *table, bool *outside, bool *changes, struct diag *diag)
{
    struct arena arena;
    bool rows;

    arena_init(&arena, ARENA_BUDGET_NONE);
    struct carrier_spec spec = spec_of(&arena, table, table->options, table->options_count);
    *outside = spec.class != NULL;
    enum status st = *outside ? carrier_check(&spec, &rows, changes, diag) : ST_OK;
    if (st == ST_OK && *outside)
        st = set_lookup(table, &spec, diag);
    arena_deinit(&arena);
    return st;
}

static enum status adopt(void *context, struct table *table, struct diag *diag)
{
    bool outside, changes;

    (void)context;
    if (table->kind != TABLE_CONNECTOR)
        return ST_OK;
    TRY(check(table, &outside, &changes, diag));
    if (outside)
        rewrite(table, changes);
    return ST_OK;
}

static enum status start(struct outside_tables *o, const struct table *table, struct log_topic *topic,
                         enum bridge_way way, struct diag *diag)
{
    struct arena arena;

    arena_init(&arena, ARENA_BUDGET_NONE);
    struct carrier_spec spec = spec_of_adopted(&arena, table, way);
    enum status st = bridges_start(o->bridges, &spec, topic, diag);
    arena_deinit(&arena);
    return st;
}

static enum status resume(void *context, const struct table *table, struct diag *diag)
{
    struct outside_tables *o = context;
    struct log_topic *topic = topic_of(o, table);

    return topic ? start(o, table, topic, carrier_way(o->log, table->name), diag) : ST_OK;
}

static const char *done_by(enum bridge_way way)
{
    return way == BRIDGE_SOURCE ? "read" : "written";
}

/* Whether it can go that way, and what its topic is made with. */
static enum status check_way(const struct table *table, enum bridge_way way, struct log_topic_options *options,
                             struct diag *diag)
{
    struct arena arena;
    bool rows, changes;

    arena_init(&arena, ARENA_BUDGET_NONE);
    struct carrier_spec spec = spec_of_adopted(&arena, table, way);
    enum status st = ST_OK;
    if (!(spec.class->ways & way))
        st = diag_set(diag, ST_UNSUPPORTED, DIAG_UNSUPPORTED, "connector '%s' of `%.*s` can be %s, not %s",
                      spec.class->name, BYTES_FMT(table->name), done_by(BRIDGE_SOURCE + BRIDGE_SINK - way),
                      done_by(way));
    if (st == ST_OK)
        st = carrier_check(&spec, &rows, &changes, diag);
    if (st == ST_OK)
        st = carrier_topic_options(&spec, options, diag);
    arena_deinit(&arena);
    return st;
}

static enum status use(void *context, const struct table *table, enum outside_use how, struct diag *diag)
{
    struct outside_tables *o = context;
    enum bridge_way way = how == OUTSIDE_READ ? BRIDGE_SOURCE : BRIDGE_SINK;
    struct log_topic *topic = topic_of(o, table);
    struct log_topic_options options;

    if (topic && carrier_way(o->log, table->name) != way) {
        diag_hint(diag, "make another table for the other way");
        return diag_set(diag, ST_UNSUPPORTED, DIAG_UNSUPPORTED,
                        "`%.*s` is %s: a table of an outside system goes one way", BYTES_FMT(table->name),
                        done_by(carrier_way(o->log, table->name)));
    }
    if (topic && bridges_find(o->bridges, table->name))
        return ST_OK;
    TRY(check_way(table, way, &options, diag));
    if (!topic) {
        TRY(carrier_set_way(o->log, table->name, way));
        TRY(log_topic_create(o->log, table_option_get(table, "topic", ""), 1, &options, &topic, NULL, diag));
    }
    return start(o, table, topic, way, diag);
}

/* ---- lookups ---- */

/* "customers@job", and ":2" behind it for the third lookup of a job. */
static struct bytes lookup_name(struct arena *arena, struct bytes table, struct bytes job, uint32_t index)
{
    struct bytes head = bytes_head(table, 100);

    if (index)
        return bytes_str(arena_printf(arena, "%.*s@%.*s:%u", BYTES_FMT(head), BYTES_FMT(job), index));
    return bytes_str(arena_printf(arena, "%.*s@%.*s", BYTES_FMT(head), BYTES_FMT(job)));
}

/* Columns of the table as those of the carrier's schema, which has the physical ones. */
static const uint16_t *physical(struct arena *arena, const struct table *table, const uint16_t *columns, uint16_t count)
{
    uint16_t *out = ARENA_ARRAY(arena, uint16_t, count + 1u);

    for (uint16_t i = 0; i < count; i++)
        for (uint16_t c = 0; c < columns[i]; c++)
            out[i] = (uint16_t)(out[i] + (table->columns[c].kind == COLUMN_PHYSICAL));
    return out;
}

static enum status lookup_topics(struct outside_tables *o, const struct carrier_spec *spec, struct bytes job,
                                 uint32_t index, struct log_topic *out[2], struct diag *diag)
{
    struct log_topic_options options;
    char name[LOG_NAME_MAX + 1];

    TRY(carrier_topic_options(spec, &options, diag));
    for (int which = LOOKUP_ANSWERS; which <= LOOKUP_QUESTIONS; which++) {
        (void)lookup_topic_name(job, index, which, name);
        out[which] = log_topic_find(o->log, bytes_str(name));
        if (!out[which])
            TRY(log_topic_create(o->log, bytes_str(name), 1, &options, &out[which], NULL, diag));
    }
    return ST_OK;
}

/* The hint's time limit of a call, in the place of the table's. */
static void set_timeout(struct arena *arena, struct carrier_spec *spec, int64_t timeout_us)
{
    struct bridge_given *given = ARENA_ARRAY(arena, struct bridge_given, spec->options_count + 1u);

    if (!timeout_us)
        return;
    memcpy(given, spec->options, spec->options_count * sizeof(*given));
    given[spec->options_count] = (struct bridge_given){
        BYTES_LITERAL("bridge.timeout"), bytes_str(arena_printf(arena, "%lld ms", (long long)timeout_us / 1000))};
    spec->options = given;
    spec->options_count++;
}

static enum status look_up(void *context, struct bytes job, const struct plan_lookup *lookup, struct diag *diag)
{
    struct outside_tables *o = context;
    const struct table *table = lookup->table;
    struct log_topic *topics[2];
    struct arena arena;
    bool rows, changes;

    arena_init(&arena, ARENA_BUDGET_NONE);
    struct carrier_spec spec = spec_of_adopted(&arena, table, BRIDGE_LOOKUP);
    spec.name = lookup_name(&arena, table->name, job, lookup->index);
    spec.dead = table_option_get(table, "topic", "");
    set_timeout(&arena, &spec, lookup->hint.timeout_us);
    spec.asking = (struct bridge_asking){physical(&arena, table, lookup->keys, lookup->keys_count),
                                         physical(&arena, table, lookup->columns, lookup->columns_count),
                                         lookup->keys_count, lookup->columns_count};
    enum status st = ST_OK;
    if (!bridges_find(o->bridges, spec.name)) {
        st = carrier_check(&spec, &rows, &changes, diag);
        if (st == ST_OK)
            st = lookup_topics(o, &spec, job, lookup->index, topics, diag);
        if (st == ST_OK) {
            spec.answers = log_partition_of(topics[LOOKUP_ANSWERS], 0);
            st = bridges_start(o->bridges, &spec, topics[LOOKUP_QUESTIONS], diag);
        }
    }
    arena_deinit(&arena);
    return st;
}

/* The carrier whose topic that is, if it runs, and what it keeps; then the topic. */
static enum status forget_lookup(struct outside_tables *o, struct log_topic *questions, uint64_t *lsn)
{
    struct carrier_info info;
    struct bytes topic = log_topic_info(questions)->name;

    for (struct carrier *c = bridges_next(o->bridges, NULL); c; c = bridges_next(o->bridges, c)) {
        carrier_info(c, &info);
        if (!bytes_equal(info.topic, topic))
            continue;
        bridges_stop(o->bridges, info.table);
        break;
    }
    TRY(carrier_forget(o->log, topic, lsn));
    return log_topic_delete(o->log, questions, lsn);
}

static enum status forget_lookups(void *context, struct bytes job, uint64_t *lsn)
{
    struct outside_tables *o = context;
    char name[LOG_NAME_MAX + 1];

    for (uint32_t index = 0;; index++) {
        bool any = false;
        for (int which = LOOKUP_QUESTIONS; which >= LOOKUP_ANSWERS; which--) {
            struct log_topic *topic =
                lookup_topic_name(job, index, which, name) ? log_topic_find(o->log, bytes_str(name)) : NULL;
            if (!topic)
                continue;
            any = true;
            TRY(which == LOOKUP_QUESTIONS ? forget_lookup(o, topic, lsn) : log_topic_delete(o->log, topic, lsn));
        }
        if (!any)
            return ST_OK;
    }
}

static enum status replay(void *context, const struct table *table, uint64_t *count, uint64_t *lsn,
                          struct diag *diag)
{
    struct outside_tables *o = context;
    struct carrier *c = bridges_find(o->bridges, table->name);
    struct log_topic *dead = dead_topic_of(o, table);
    struct log_offsets offsets = {0};

    *count = 0;
    if (c)
        return carrier_replay(c, count, lsn, diag);
    if (dead)
        log_offsets(log_partition_of(dead, 0), &offsets);
    if (offsets.start == offsets.end)
        return ST_OK;
    return diag_set(diag, ST_INVALID, DIAG_STATE, "nothing is written to `%.*s` now that could take them back",
                    BYTES_FMT(bytes_head(table->name, 200)));
}

static enum status drop(void *context, const struct table *table, uint64_t *lsn)
{
    struct outside_tables *o = context;
    struct log_topic *topic = topic_of(o, table);

    bridges_stop(o->bridges, table->name);
    TRY(carrier_forget(o->log, table->name, lsn));
    struct log_topic *dead = dead_topic_of(o, table);
    if (dead)
        TRY(log_topic_delete(o->log, dead, lsn));
    return topic ? log_topic_delete(o->log, topic, lsn) : ST_OK;
}

static void replace(void *context, const struct table *table)
{
    struct outside_tables *o = context;

    bridges_stop(o->bridges, table->name);
}

static bool secret(void *context, const struct table *table, struct bytes key)
{
    struct arena arena;

    (void)context;
    arena_init(&arena, ARENA_BUDGET_NONE);
    const struct bridge_class *class = spec_of_adopted(&arena, table, BRIDGE_SINK).class; /* of either way */
    arena_deinit(&arena);
    for (unsigned i = 0; i < class->options_count; i++)
        if (class->options[i].type == BRIDGE_SECRET && bytes_is_nocase(key, class->options[i].key))
            return true;
    return class->secret && class->secret(key);
}

void outside_open(struct outside_tables *o, const struct carrier_env *env)
{
    *o = (struct outside_tables){
        .outside = {.context = o,
                    .adopt = adopt,
                    .resume = resume,
                    .use = use,
                    .drop = drop,
                    .replace = replace,
                    .replay = replay,
                    .look_up = look_up,
                    .forget_lookups = forget_lookups,
                    .secret = secret},
        .log = env->log,
        .bridges = bridges_open(env),
    };
}

void outside_close(struct outside_tables *o)
{
    bridges_close(o->bridges);
    o->bridges = NULL;
}
