/* stored.c: statements in force, in the log's small facts.
 *
 *     key:   sequence u64 big-endian
 *     value: version u8 · class letter u8 · name sized · text sized · settings uvarint, of each key and
 *            value sized
 *
 * A statement whose objects are gone or that no longer binds does not stop the server: a job is
 * kept as FAILED with the reason, others are left out of the catalog.
 */
#include <stdlib.h>

#include "base/check.h"
#include "base/endian.h"
#include "base/reader.h"
#include "flow/inner.h"

enum { STORED_VERSION = 1, SETTINGS_MAX = 1000 };

static struct bytes map_key(char letter, struct bytes name, struct buf *scratch)
{
    buf_clear(scratch);
    buf_u8(scratch, (uint8_t)letter);
    buf_bytes(scratch, name);
    return buf_view(scratch);
}

const struct stored *stored_find(const struct engine *engine, char letter, struct bytes name)
{
    struct buf scratch;
    buf_init(&scratch, 0);
    struct stored *stored = map_get(&engine->stored, map_key(letter, name, &scratch));
    buf_deinit(&scratch);
    return stored;
}

static void stored_free_one(struct stored *stored)
{
    arena_deinit(&stored->arena);
    free(stored);
}

static struct stored *stored_add(struct engine *engine, uint64_t seq, char letter,
                                 struct bytes name, struct bytes text)
{
    struct stored *stored = xcalloc(1, sizeof(*stored));
    struct buf scratch;
    buf_init(&scratch, 0);
    arena_init(&stored->arena, ARENA_BUDGET_NONE);
    stored->seq = seq;
    stored->letter = letter;
    stored->name = arena_copy(&stored->arena, name);
    stored->text = arena_copy(&stored->arena, text);
    struct stored *old = map_put(&engine->stored, map_key(letter, name, &scratch), stored);
    buf_deinit(&scratch);
    if (old) {
        stored->seq = old->seq; /* CREATE OR REPLACE keeps its place in the order */
        stored_free_one(old);
    }
    if (seq > engine->statement_seq)
        engine->statement_seq = seq;
    return stored;
}

struct stored *stored_make(struct engine *engine, char letter, struct bytes name,
                           struct bytes text)
{
    return stored_add(engine, engine->statement_seq + 1, letter, name, text);
}

static void settings_encode(struct buf *out, const struct settings *settings)
{
    uint64_t count = 0;
    for (struct map_entry *e = map_first(&settings->values); e; e = map_next(&settings->values, e))
        count++;
    buf_uvarint(out, count);
    for (struct map_entry *e = map_first(&settings->values); e;
         e = map_next(&settings->values, e)) {
        buf_sized(out, e->key);
        buf_sized(out, bytes_str(e->value));
    }
}

static void stored_encode(struct buf *out, const struct stored *stored,
                          const struct settings *settings)
{
    buf_u8(out, STORED_VERSION);
    buf_u8(out, (uint8_t)stored->letter);
    buf_sized(out, stored->name);
    buf_sized(out, stored->text);
    settings_encode(out, settings);
}

void stored_into(const struct stored *stored, const struct settings *settings,
                 struct log_entry *entry)
{
    uint8_t key[8];
    struct buf value;
    buf_init(&value, 0);
    store_u64_be(key, stored->seq);
    stored_encode(&value, stored, settings);
    log_entry_kv(entry, LOG_KV_STATEMENTS, bytes_of(key, sizeof(key)), buf_view(&value));
    buf_deinit(&value);
}

enum status stored_put(struct engine *engine, char letter, struct bytes name, struct bytes text,
                       const struct settings *settings, uint64_t *lsn)
{
    uint8_t key[8];
    struct buf value;
    struct stored *stored = stored_make(engine, letter, name, text);
    buf_init(&value, 0);
    store_u64_be(key, stored->seq);
    stored_encode(&value, stored, settings);
    enum status st = log_kv_put(engine->log, LOG_KV_STATEMENTS, bytes_of(key, sizeof(key)),
                                buf_view(&value), lsn);
    buf_deinit(&value);
    return st;
}

enum status stored_remove(struct engine *engine, char letter, struct bytes name, uint64_t *lsn)
{
    struct buf scratch;
    buf_init(&scratch, 0);
    struct stored *stored = map_remove(&engine->stored, map_key(letter, name, &scratch));
    buf_deinit(&scratch);
    if (!stored)
        return ST_OK;
    uint8_t key[8];
    store_u64_be(key, stored->seq);
    stored_free_one(stored);
    return log_kv_put(engine->log, LOG_KV_STATEMENTS, bytes_of(key, sizeof(key)), BYTES_NONE, lsn);
}

void stored_free(struct engine *engine)
{
    for (struct map_entry *e = map_first(&engine->stored); e; e = map_next(&engine->stored, e))
        stored_free_one(e->value);
    map_deinit(&engine->stored);
}

/* ---- at the start ---- */

static bool settings_decode(struct reader *r, struct settings *settings)
{
    uint64_t count = reader_uvarint(r);
    for (uint64_t i = 0; !r->bad && i < count && i < SETTINGS_MAX; i++) {
        struct bytes key = reader_sized(r), value = reader_sized(r);
        if (r->bad)
            break;
        enum status st = settings_set(settings, key, value, NULL);
        (void)st; /* a setting that is gone has no meaning now */
    }
    return !r->bad;
}

static enum status apply_text(struct engine *engine, const struct stored *stored,
                              const struct settings *settings, struct diag *diag)
{
    struct script script;
    TRY(sql_parse(stored->text, &script, diag));
    enum status st = ST_OK;
    for (uint32_t i = 0; i < script.statements_count && st == ST_OK; i++) {
        struct job *job = NULL;
        struct statement_call call = {.engine = engine, .settings = settings,
                                      .statement = &script.statements[i], .applied = stored,
                                      .job = &job};
        st = statement_run(&call, NULL, diag);
    }
    script_deinit(&script);
    return st;
}

bool stored_settings(struct engine *engine, const struct stored *stored, struct settings *settings)
{
    uint8_t key[8];
    struct bytes value;
    store_u64_be(key, stored->seq);
    if (!log_kv_get(engine->log, LOG_KV_STATEMENTS, bytes_of(key, sizeof(key)), &value))
        return false;
    struct reader r = reader_of(value);
    (void)reader_u8(&r); /* version, letter, name and text: as in apply_one */
    (void)reader_u8(&r);
    (void)reader_sized(&r);
    (void)reader_sized(&r);
    return !r.bad && settings_decode(&r, settings);
}

void stored_apply(struct engine *engine, const struct stored *stored,
                  const struct settings *settings)
{
    struct diag diag = {0};
    if (apply_text(engine, stored, settings, &diag) != ST_OK)
        broken_add(engine, stored, &diag);
}

static bool apply_one(void *context, struct bytes key, struct bytes value)
{
    struct engine *engine = context;
    struct reader r = reader_of(value);
    struct settings settings;
    if (key.len != 8 || reader_u8(&r) != STORED_VERSION)
        return true;
    char letter = (char)reader_u8(&r);
    struct bytes name = reader_sized(&r), text = reader_sized(&r);
    settings_init(&settings);
    if (!r.bad && settings_decode(&r, &settings)) {
        stored_apply(engine, stored_add(engine, load_u64_be(key.ptr), letter, name, text),
                     &settings);
    }
    settings_deinit(&settings);
    return true;
}

struct scan_copy {
    struct arena arena;
    struct bytes *keys, *values;
    uint32_t count, cap;
};

static bool copy_one(void *context, struct bytes key, struct bytes value)
{
    struct scan_copy *copy = context;
    if (copy->count == copy->cap) {
        copy->cap = copy->cap ? copy->cap * 2 : 16;
        copy->keys = xrealloc(copy->keys, copy->cap * sizeof(*copy->keys));
        copy->values = xrealloc(copy->values, copy->cap * sizeof(*copy->values));
    }
    copy->keys[copy->count] = arena_copy(&copy->arena, key);
    copy->values[copy->count++] = arena_copy(&copy->arena, value);
    return true;
}

/* Applying may itself write facts, so the scan is over before it begins. */
enum status stored_apply_all(struct engine *engine, struct diag *diag)
{
    (void)diag;
    struct scan_copy copy = {0};
    arena_init(&copy.arena, ARENA_BUDGET_NONE);
    log_kv_scan(engine->log, LOG_KV_STATEMENTS, BYTES_NONE, copy_one, &copy);
    for (uint32_t i = 0; i < copy.count; i++)
        apply_one(engine, copy.keys[i], copy.values[i]);
    free(copy.keys);
    free(copy.values);
    arena_deinit(&copy.arena);
    return ST_OK;
}
