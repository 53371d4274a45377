/* schema_settings.c: the registry's levels of compatibility, its modes, and whether a schema would fit. */
#include <stdio.h>

#include "base/check.h"
#include "base/json_reader.h"
#include "serve/http/registry.h"

/* The two settings are alike: a word of a subject, or of all. */
struct setting {
    const char *member, *asked; /* in the answer; in the request */
    int count;
    const char *(*name)(int value);
    int (*get)(const struct log *log, struct bytes subject, bool *own);
    enum status (*set)(struct log *log, struct bytes subject, int value, uint64_t *lsn);
    enum schema_error bad, none;
    const char *what;
};

static const char *level_name(int value)
{
    return schema_level_name((enum schema_level)value);
}
static const char *mode_name(int value)
{
    return schema_mode_name((enum schema_mode)value);
}
static int level_get(const struct log *log, struct bytes subject, bool *own)
{
    return (int)schema_level_of(log, subject, own);
}
static int mode_get(const struct log *log, struct bytes subject, bool *own)
{
    return (int)schema_mode_of(log, subject, own);
}

static const struct setting level = {
    "compatibilityLevel", "compatibility", SCHEMA_LEVELS, level_name, level_get, schema_level_set, SCHEMA_BAD_LEVEL,
    SCHEMA_NO_LEVEL,      "subject-level compatibility"};
static const struct setting mode = {"mode", "mode", SCHEMA_MODES, mode_name, mode_get, schema_mode_set, SCHEMA_BAD_MODE,
                                    SCHEMA_NO_MODE, "subject-level mode"};

static void answer_word(struct exchange *x, uint64_t lsn, const char *member, const char *word)
{
    struct buf body;

    buf_init(&body, 0);
    buf_printf(&body, "{\"%s\":\"%s\"}", member, word);
    registry_answer(x, lsn, &body);
}

/* What is of all subjects is the cluster's. */
static bool may_set(struct exchange *x)
{
    return x->params[0].len ? registry_may(x, ACL_ALTER_CONFIGS, x->params[0]) : exchange_may_all(x);
}

static void setting_get(struct exchange *x, const struct setting *s)
{
    bool own;
    int value = s->get(x->face->log, x->params[0], &own);
    struct diag diag = {0};

    if (x->params[0].len && !registry_may(x, ACL_DESCRIBE, x->params[0]))
        return;
    if (x->params[0].len && !own && !registry_flag(x, "defaultToGlobal")) {
        diag_set(&diag, ST_NOTFOUND, DIAG_NAME, "Subject '%.*s' does not have %s configured",
                 BYTES_FMT(bytes_head(x->params[0], 200)), s->what);
        registry_refuse(x, s->none, &diag);
        return;
    }
    answer_word(x, 0, s->member, s->name(value));
}

static void setting_store(struct exchange *x, const struct setting *s, int value, const char *member, const char *word)
{
    uint64_t lsn = 0;
    struct diag diag = {0};

    enum status st = s->set(x->face->log, x->params[0], value, &lsn);
    if (st == ST_OK) {
        answer_word(x, lsn, member, word);
        return;
    }
    diag_set(&diag, st, DIAG_STATE, "%s", st == ST_INVALID ? "A subject is a text of 1 to 400 bytes"
                                                           : "The registry or the disk is full, or the log has failed");
    registry_refuse(x, st == ST_INVALID ? SCHEMA_BAD : SCHEMA_STORE, &diag);
}

static void setting_put(struct exchange *x, const struct setting *s)
{
    struct json_cursor cursor = json_cursor_of(x->request->body);
    struct bytes object, word;
    struct diag diag = {0};
    char valid[160] = "";

    if (!may_set(x))
        return;
    bool given = json_is_one(x->request->body, NULL) && json_next(&cursor, &object) &&
                 json_kind_of(object) == JSON_OBJECT && registry_text(x, object, s->asked, &word);
    for (int i = 0, len = 0; i < s->count; i++) {
        if (given && bytes_is_nocase(word, s->name(i))) {
            setting_store(x, s, i, s->asked, s->name(i));
            return;
        }
        len += snprintf(valid + len, sizeof(valid) - (size_t)len, "%s%s", i ? ", " : "", s->name(i));
    }
    diag_set(&diag, ST_INVALID, DIAG_VALUE, "Invalid %s. Valid values are %s", s->asked, valid);
    registry_refuse(x, s->bad, &diag);
}

static void setting_delete(struct exchange *x, const struct setting *s)
{
    bool own;
    struct diag diag = {0};
    int value = s->get(x->face->log, x->params[0], &own);

    if (!may_set(x))
        return;
    if (x->params[0].len && !own) {
        diag_set(&diag, ST_NOTFOUND, DIAG_NAME, "Subject '%.*s' does not have %s configured",
                 BYTES_FMT(bytes_head(x->params[0], 200)), s->what);
        registry_refuse(x, s->none, &diag);
        return;
    }
    setting_store(x, s, -1, s->member, s->name(value));
}

void get_schema_config(struct exchange *x) { setting_get(x, &level); }
void put_schema_config(struct exchange *x) { setting_put(x, &level); }
void delete_schema_config(struct exchange *x) { setting_delete(x, &level); }
void get_schema_mode(struct exchange *x) { setting_get(x, &mode); }
void put_schema_mode(struct exchange *x) { setting_put(x, &mode); }
void delete_schema_mode(struct exchange *x) { setting_delete(x, &mode); }

/* ---- would it fit? ---- */

static void answer_fits(struct exchange *x, bool fits, struct bytes why)
{
    struct buf body;
    struct json_writer w;

    buf_init(&body, 0);
    json_writer_init(&w, &body);
    json_object_begin(&w);
    json_key_bool(&w, "is_compatible", fits);
    if (registry_flag(x, "verbose")) {
        json_key(&w, "messages");
        json_array_begin(&w);
        while (why.len) {
            size_t end = bytes_find(why, '\n', 0);
            json_bytes(&w, bytes_head(why, end));
            why = bytes_skip(why, end < why.len ? end + 1 : end);
        }
        json_array_end(&w);
    }
    json_object_end(&w);
    reply_json(x, 200, &body);
}

/* Against one version, or those that the subject's level looks at. */
void post_compatibility(struct exchange *x)
{
    struct registry_body asked;
    struct schema_version against = {0};
    struct diag diag = {0};
    struct buf why;
    int32_t version = SCHEMA_LATEST;
    bool fits = true, own, one = x->params[1].ptr != NULL;
    enum schema_error error = SCHEMA_OK;

    if (!registry_may(x, ACL_DESCRIBE, x->params[0]) || (one && !registry_version(x, x->params[1], &version)) ||
        !registry_body(x, &asked))
        return;
    if (one)
        error = schema_version_find(x->face->log, x->params[0], version, false, &against, &diag);
    buf_init(&why, 64 << 10);
    enum schema_level by = schema_level_of(x->face->log, x->params[0], &own);
    if (error == SCHEMA_OK)
        error = schema_fits(x->face->log, x->params[0], &asked.schema, one ? &against : NULL, by, &fits, &why, &diag);
    if (error == SCHEMA_OK)
        answer_fits(x, fits, buf_view(&why));
    else
        registry_refuse(x, error, &diag);
    buf_deinit(&why);
}
