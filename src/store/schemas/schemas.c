/* schemas.c: see schemas.h. Numbers, versions, what is put and deleted; follows.c has what may follow what. */
#include "store/schemas/schemas.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/hash.h"
#include "base/reader.h"
#include "data/avro/compat.h"
#include "data/protobuf/text.h"

static const char *const type_names[SCHEMA_TYPES] = {"AVRO", "JSON", "PROTOBUF"};
static const char *const level_names[SCHEMA_LEVELS] = {"NONE", "BACKWARD", "BACKWARD_TRANSITIVE", "FORWARD",
                                                       "FORWARD_TRANSITIVE", "FULL", "FULL_TRANSITIVE"};
static const char *const mode_names[SCHEMA_MODES] = {"READWRITE", "READONLY", "IMPORT"};

const char *schema_type_name(enum schema_type type)
{
    return type_names[type];
}

const char *schema_level_name(enum schema_level level)
{
    return level_names[level];
}

const char *schema_mode_name(enum schema_mode mode)
{
    return mode_names[mode];
}

/* ---- keys ---- */

static struct bytes id_key(struct buf *buf, uint32_t id)
{
    buf_clear(buf);
    buf_u8(buf, 'i');
    buf_u32_be(buf, id);
    return buf_view(buf);
}

static struct bytes place_key(struct buf *buf, uint32_t place)
{
    buf_clear(buf);
    buf_u8(buf, 'o');
    buf_u32_be(buf, place);
    return buf_view(buf);
}

static struct bytes version_prefix(struct buf *buf, struct bytes subject)
{
    buf_clear(buf);
    buf_u8(buf, 'v');
    buf_bytes(buf, subject);
    buf_u8(buf, 0);
    return buf_view(buf);
}

static struct bytes version_key(struct buf *buf, struct bytes subject, int32_t version)
{
    version_prefix(buf, subject);
    buf_u32_be(buf, (uint32_t)version);
    return buf_view(buf);
}

/* What makes a schema the same as another: of Protobuf the words of its text. */
static void identity_of(const struct schema_text *schema, struct buf *out)
{
    if (schema->type == SCHEMA_PROTOBUF)
        proto_words(schema->text, out);
    else
        buf_bytes(out, schema->text);
}

static struct bytes hash_prefix(struct buf *buf, const struct schema_text *schema)
{
    struct buf identity;

    buf_init(&identity, 0);
    identity_of(schema, &identity);
    buf_clear(buf);
    buf_u8(buf, 'h');
    buf_u64_be(buf, hash_combine(hash_bytes(buf_view(&identity)), (uint64_t)schema->type));
    buf_deinit(&identity);
    return buf_view(buf);
}

static bool subject_valid(struct bytes subject)
{
    return subject.len > 0 && subject.len <= SCHEMA_SUBJECT_MAX && bytes_is_utf8(subject) &&
           bytes_find(subject, 0, 0) == subject.len;
}

/* ---- numbers ---- */

static bool read_schema(struct bytes value, struct arena *arena, struct schema_text *out, int64_t *since_us)
{
    struct reader r = reader_of(value);

    *since_us = (int64_t)reader_u64_be(&r);
    out->type = (enum schema_type)reader_u8(&r);
    out->text = reader_sized(&r);
    uint64_t count = reader_uvarint(&r);
    if (r.bad || count > SCHEMA_REFERENCES_MAX || out->type >= SCHEMA_TYPES)
        return false;
    struct schema_reference *references = ARENA_ARRAY(arena, struct schema_reference, count + 1);
    for (uint64_t i = 0; i < count; i++) {
        references[i].name = reader_sized(&r);
        references[i].subject = reader_sized(&r);
        references[i].version = (int32_t)reader_uvarint(&r);
        references[i].id = 0;
    }
    for (uint64_t i = 0; i < count && reader_left(&r); i++)
        references[i].id = (uint32_t)reader_uvarint(&r);
    out->place = reader_left(&r) ? (uint32_t)reader_uvarint(&r) : 0;
    out->references = references;
    out->references_count = (uint32_t)count;
    return !r.bad;
}

static void write_schema(struct buf *to, const struct schema_text *schema, uint32_t place, int64_t now_us)
{
    buf_u64_be(to, (uint64_t)now_us);
    buf_u8(to, (uint8_t)schema->type);
    buf_sized(to, schema->text);
    buf_uvarint(to, schema->references_count);
    for (uint32_t i = 0; i < schema->references_count; i++) {
        buf_sized(to, schema->references[i].name);
        buf_sized(to, schema->references[i].subject);
        buf_uvarint(to, (uint32_t)schema->references[i].version);
    }
    for (uint32_t i = 0; i < schema->references_count; i++)
        buf_uvarint(to, schema->references[i].id);
    buf_uvarint(to, place);
}

bool schema_of_id(const struct log *log, uint32_t id, struct arena *arena, struct schema_text *out, int64_t *since_us)
{
    struct buf key;
    struct bytes value;
    int64_t since;

    buf_init(&key, 0);
    bool found = log_kv_get(log, LOG_KV_SCHEMAS, id_key(&key, id), &value) &&
                 read_schema(value, arena, out, since_us ? since_us : &since);
    buf_deinit(&key);
    return found;
}

struct totals {
    uint32_t last, schemas; /* the last number; how many have one */
    uint64_t bytes;
    uint32_t facts; /* versions, levels and modes */
};

static struct totals totals_of(const struct log *log)
{
    struct totals t = {0};
    struct bytes value;

    if (!log_kv_get(log, LOG_KV_SCHEMAS, BYTES_LITERAL("n"), &value))
        return t;
    struct reader r = reader_of(value);
    t.last = reader_u32_be(&r);
    t.schemas = reader_u32_be(&r);
    t.bytes = reader_u64_be(&r);
    t.facts = reader_u32_be(&r);
    return t;
}

static void totals_put(struct log_entry *entry, const struct totals *t)
{
    struct buf value;

    buf_init(&value, 0);
    buf_u32_be(&value, t->last);
    buf_u32_be(&value, t->schemas);
    buf_u64_be(&value, t->bytes);
    buf_u32_be(&value, t->facts);
    log_entry_kv(entry, LOG_KV_SCHEMAS, BYTES_LITERAL("n"), buf_view(&value));
    buf_deinit(&value);
}

/* One fact is put, or (empty) taken away, and counted with it. */
static enum status fact_put(struct log *log, struct bytes key, struct bytes value, uint64_t *lsn)
{
    struct totals t = totals_of(log);
    struct bytes old;
    bool was = log_kv_get(log, LOG_KV_SCHEMAS, key, &old);

    if (value.len && !was && t.facts >= SCHEMA_FACTS_MAX)
        return ST_NOSPACE;
    struct log_entry *entry = log_entry_begin(log);
    if (!entry)
        return ST_NOSPACE;
    t.facts = t.facts + (value.len && !was) - (!value.len && was);
    log_entry_kv(entry, LOG_KV_SCHEMAS, key, value);
    totals_put(entry, &t);
    return log_entry_commit(entry, NULL, lsn);
}

uint32_t schema_id_max(const struct log *log)
{
    return totals_of(log).last;
}

uint32_t schema_count(const struct log *log)
{
    return totals_of(log).schemas;
}

uint32_t schema_at_place(const struct log *log, uint32_t place)
{
    struct buf key;
    struct bytes value = BYTES_NONE;

    buf_init(&key, 0);
    if (!log_kv_get(log, LOG_KV_SCHEMAS, place_key(&key, place), &value))
        value = BYTES_NONE;
    buf_deinit(&key);
    struct reader r = reader_of(value);
    return reader_u32_be(&r);
}

struct walk_ids {
    schema_id_fn *fn;
    void *context;
};

static bool walk_id(void *context, struct bytes key, struct bytes value)
{
    struct walk_ids *w = context;
    struct reader r = reader_of(bytes_skip(key, 1));
    uint32_t id = reader_u32_be(&r);

    (void)value;
    return r.bad || w->fn(w->context, id);
}

void schema_ids(const struct log *log, schema_id_fn *fn, void *context)
{
    struct walk_ids w = {fn, context};

    log_kv_scan(log, LOG_KV_SCHEMAS, BYTES_LITERAL("i"), walk_id, &w);
}

static bool same_text(const struct schema_text *a, const struct schema_text *b)
{
    struct buf one, other;

    buf_init(&one, 0);
    buf_init(&other, 0);
    identity_of(a, &one);
    identity_of(b, &other);
    bool same = bytes_equal(buf_view(&one), buf_view(&other));
    buf_deinit(&one);
    buf_deinit(&other);
    return same;
}

static bool same_schema(const struct schema_text *a, const struct schema_text *b)
{
    bool same = a->type == b->type && a->references_count == b->references_count && same_text(a, b);

    for (uint32_t i = 0; same && i < a->references_count; i++)
        same = bytes_equal(a->references[i].name, b->references[i].name) &&
               bytes_equal(a->references[i].subject, b->references[i].subject) &&
               a->references[i].version == b->references[i].version;
    return same;
}

struct same {
    const struct log *log;
    struct arena *arena;
    const struct schema_text *schema;
    uint32_t id;
};

static bool note_same(void *context, struct bytes key, struct bytes value)
{
    struct same *s = context;
    struct reader r = reader_of(bytes_skip(key, 9));
    struct schema_text other;
    uint32_t id = reader_u32_be(&r);

    (void)value;
    if (!r.bad && schema_of_id(s->log, id, s->arena, &other, NULL) && same_schema(&other, s->schema))
        s->id = id;
    return !s->id;
}

uint32_t schema_id_of(const struct log *log, const struct schema_text *schema, struct arena *arena)
{
    struct same s = {log, arena, schema, 0};
    struct buf key;

    buf_init(&key, 0);
    log_kv_scan(log, LOG_KV_SCHEMAS, hash_prefix(&key, schema), note_same, &s);
    buf_deinit(&key);
    return s.id;
}

/* ---- versions ---- */

struct walk {
    schema_version_fn *fn;
    void *context;
};

static bool walk_version(void *context, struct bytes key, struct bytes value)
{
    struct walk *w = context;
    struct reader v = reader_of(value), at = reader_of(bytes_skip(key, key.len - 4));
    struct schema_version one = {.subject = bytes_of(key.ptr + 1, key.len - 6)};

    one.version = (int32_t)reader_u32_be(&at);
    one.id = reader_u32_be(&v);
    one.deleted = reader_u8(&v) != 0;
    return v.bad || at.bad || w->fn(w->context, &one);
}

void schema_versions(const struct log *log, struct bytes subject, schema_version_fn *fn, void *context)
{
    struct walk w = {fn, context};
    struct buf key;

    buf_init(&key, 0);
    log_kv_scan(log, LOG_KV_SCHEMAS, version_prefix(&key, subject), walk_version, &w);
    buf_deinit(&key);
}

void schema_versions_all(const struct log *log, struct bytes prefix, schema_version_fn *fn, void *context)
{
    struct walk w = {fn, context};
    struct buf key;

    buf_init(&key, 0);
    buf_u8(&key, 'v');
    buf_bytes(&key, prefix);
    log_kv_scan(log, LOG_KV_SCHEMAS, buf_view(&key), walk_version, &w);
    buf_deinit(&key);
}

struct find {
    int32_t version;
    uint32_t id; /* not 0: the version that has it */
    bool hidden_too, any, any_shown, found;
    int32_t last; /* of all, hidden too */
    struct schema_version *out;
};

static bool note_version(void *context, const struct schema_version *v)
{
    struct find *f = context;
    bool wanted = f->id ? v->id == f->id : f->version == SCHEMA_LATEST || v->version == f->version;

    f->any = true;
    f->any_shown |= !v->deleted;
    f->last = v->version;
    if (wanted && (!v->deleted || f->hidden_too)) {
        f->found = true;
        *f->out = *v;
    }
    return true;
}

static enum schema_error no_subject(struct bytes subject, struct diag *diag)
{
    diag_set(diag, ST_NOTFOUND, DIAG_NAME, "Subject '%.*s' not found.", BYTES_FMT(bytes_head(subject, 200)));
    return SCHEMA_NO_SUBJECT;
}

enum schema_error schema_version_find(const struct log *log, struct bytes subject, int32_t version, bool hidden_too,
                                      struct schema_version *out, struct diag *diag)
{
    struct find f = {.version = version, .hidden_too = hidden_too, .out = out};

    schema_versions(log, subject, note_version, &f);
    if (f.found)
        return SCHEMA_OK;
    if (!f.any || !(f.any_shown || hidden_too))
        return no_subject(subject, diag);
    diag_set(diag, ST_NOTFOUND, DIAG_NAME, "Version %d not found.", version);
    return SCHEMA_NO_VERSION;
}

enum schema_error schema_version_of(const struct log *log, struct bytes subject, const struct schema_text *schema,
                                    bool hidden_too, struct schema_version *out, struct diag *diag)
{
    struct arena scratch;
    struct find f = {.hidden_too = hidden_too, .out = out};

    arena_init(&scratch, ARENA_BUDGET_NONE);
    f.id = schema_id_of(log, schema, &scratch);
    arena_deinit(&scratch);
    bool has_id = f.id != 0;
    f.id = has_id ? f.id : UINT32_MAX;
    schema_versions(log, subject, note_version, &f);
    if (f.found)
        return SCHEMA_OK;
    if (!f.any || !(f.any_shown || hidden_too))
        return no_subject(subject, diag);
    diag_set(diag, ST_NOTFOUND, DIAG_NAME, "Schema not found");
    return SCHEMA_NONE;
}

/* ---- putting ---- */

static enum schema_error refused(struct diag *diag, enum schema_error error, const char *text)
{
    diag_set(diag, ST_INVALID, DIAG_VALUE, "%s", text);
    return error;
}

static enum schema_error check_new(const struct log *log, const struct schema_register *what, enum schema_mode mode,
                                   struct diag *diag)
{
    const struct schema_text *s = &what->schema;
    struct arena scratch;
    const struct avro_schema *avro;
    struct proto_set set;
    struct js_set js;
    enum schema_error error = SCHEMA_OK;

    if (!subject_valid(what->subject))
        return refused(diag, SCHEMA_BAD, "A subject is a text of 1 to 400 bytes");
    if (mode == MODE_READONLY)
        return refused(diag, SCHEMA_NOT_PERMITTED, "The subject is in read-only mode");
    if ((what->asked_id || what->asked_version) && mode != MODE_IMPORT)
        return refused(diag, SCHEMA_NOT_PERMITTED, "A schema's id and version can be given in mode IMPORT only");
    if (mode == MODE_IMPORT && !what->asked_id)
        return refused(diag, SCHEMA_NOT_PERMITTED, "In mode IMPORT a schema comes with its id");
    if (!s->text.len || s->text.len > SCHEMA_TEXT_MAX || s->references_count > SCHEMA_REFERENCES_MAX)
        return refused(diag, SCHEMA_BAD, "A schema has 1 byte to 1 MiB, and at most 100 references");
    arena_init(&scratch, ARENA_BUDGET_NONE);
    if (s->type == SCHEMA_AVRO) {
        error = schema_parse_avro(log, s, &scratch, &avro, diag);
        if (error == SCHEMA_OK && avro_check_defaults(avro, diag) != ST_OK)
            error = SCHEMA_BAD;
    } else if (s->type == SCHEMA_PROTOBUF) {
        proto_set_init(&set, &scratch);
        error = schema_parse_protobuf(log, s, &set, diag);
    } else {
        error = schema_parse_json(log, s, &scratch, &js, diag);
        js_deinit(&js);
    }
    arena_deinit(&scratch);
    return error;
}

static enum schema_error check_room(const struct log *log, const struct schema_text *schema, bool is_new,
                                    struct diag *diag)
{
    struct totals t = totals_of(log);

    if (is_new && (t.schemas >= SCHEMAS_MAX || t.bytes + schema->text.len > SCHEMAS_BYTES_MAX))
        return refused(diag, SCHEMA_STORE, "The registry is full: it has 100,000 schemas, or 128 MiB of them");
    if (t.facts >= SCHEMA_FACTS_MAX)
        return refused(diag, SCHEMA_STORE, "The registry is full: it has 200,000 versions, levels and modes");
    return SCHEMA_OK;
}

/* One entry of the log: the schema, if it is new, and the subject's version. */
static enum status put_version(struct log *log, const struct schema_register *what, bool is_new,
                               const struct schema_version *version, uint64_t *lsn)
{
    struct log_entry *entry = log_entry_begin(log);
    struct totals t = totals_of(log);
    struct buf key, value;
    struct bytes old;

    if (!entry)
        return ST_NOSPACE;
    buf_init(&key, 0);
    buf_init(&value, 0);
    if (is_new) {
        write_schema(&value, &what->schema, t.schemas + 1, what->now_us);
        log_entry_kv(entry, LOG_KV_SCHEMAS, id_key(&key, version->id), buf_view(&value));
        buf_clear(&value);
        buf_u32_be(&value, version->id);
        log_entry_kv(entry, LOG_KV_SCHEMAS, place_key(&key, t.schemas + 1), buf_view(&value));
        hash_prefix(&key, &what->schema);
        buf_u32_be(&key, version->id);
        log_entry_kv(entry, LOG_KV_SCHEMAS, buf_view(&key), BYTES_LITERAL("\1"));
        t.last = version->id > t.last ? version->id : t.last;
        t.schemas++;
        t.bytes += what->schema.text.len;
    }
    buf_clear(&value);
    buf_u32_be(&value, version->id);
    buf_u8(&value, version->deleted);
    struct bytes at = version_key(&key, version->subject, version->version);
    t.facts += !log_kv_get(log, LOG_KV_SCHEMAS, at, &old);
    log_entry_kv(entry, LOG_KV_SCHEMAS, at, buf_view(&value));
    totals_put(entry, &t);
    enum status st = log_entry_commit(entry, NULL, lsn);
    buf_deinit(&key);
    buf_deinit(&value);
    return st;
}

static enum schema_error check_follows(const struct log *log, const struct schema_register *what, struct diag *diag)
{
    bool fits, own;
    struct buf why;

    buf_init(&why, 4096);
    enum schema_level level = schema_level_of(log, what->subject, &own);
    enum schema_error error = schema_fits(log, what->subject, &what->schema, NULL, level, &fits, &why, diag);
    if (error == SCHEMA_OK && !fits) {
        diag_set(diag, ST_INVALID, DIAG_VALUE,
                 "Schema being registered is incompatible with an earlier schema for subject \"%.*s\" (level %s): %.*s",
                 BYTES_FMT(bytes_head(what->subject, 80)), schema_level_name(level),
                 BYTES_FMT(bytes_head(buf_view(&why), 200)));
        error = SCHEMA_INCOMPATIBLE;
    }
    buf_deinit(&why);
    return error;
}

/* The number that the schema has or is to have. */
static enum schema_error choose_id(const struct log *log, const struct schema_register *what, struct schema_version *out,
                                   bool *is_new, struct diag *diag)
{
    struct arena scratch;
    struct schema_text other;

    arena_init(&scratch, ARENA_BUDGET_NONE);
    out->id = what->asked_id ? what->asked_id : schema_id_of(log, &what->schema, &scratch);
    *is_new = !out->id || !schema_of_id(log, out->id, &scratch, &other, NULL);
    bool taken = what->asked_id && !*is_new && !same_schema(&other, &what->schema);
    arena_deinit(&scratch);
    if (taken)
        return refused(diag, SCHEMA_NOT_PERMITTED, "The id is another schema's");
    if (!out->id && schema_id_max(log) >= SCHEMA_ID_MAX)
        return refused(diag, SCHEMA_STORE, "There are no more numbers for schemas");
    if (!out->id)
        out->id = schema_id_max(log) + 1;
    return check_room(log, &what->schema, *is_new, diag);
}

/* What they are now they are for ever, though their subjects forget them. */
static const struct schema_reference *references_pinned(const struct log *log, const struct schema_text *schema,
                                                        struct schema_reference pinned[SCHEMA_REFERENCES_MAX])
{
    struct schema_version version;
    struct diag passed = {0};

    for (uint32_t i = 0; i < schema->references_count; i++) {
        const struct schema_reference *r = &schema->references[i];
        pinned[i] = *r;
        pinned[i].id = schema_version_find(log, r->subject, r->version, true, &version, &passed) == SCHEMA_OK ? version.id : 0;
    }
    return pinned;
}

enum schema_error schema_register(struct log *log, const struct schema_register *what, struct schema_version *out,
                                  uint64_t *lsn, struct diag *diag)
{
    struct find f = {.version = SCHEMA_LATEST, .hidden_too = true, .out = out};
    struct diag passed = {0};
    bool own, is_new;

    *lsn = 0;
    enum schema_mode mode = schema_mode_of(log, what->subject, &own);
    if (!what->asked_id && schema_version_of(log, what->subject, &what->schema, false, out, &passed) == SCHEMA_OK)
        return SCHEMA_OK; /* it is one of the subject's */
    enum schema_error error = check_new(log, what, mode, diag);
    if (error == SCHEMA_OK && mode != MODE_IMPORT)
        error = check_follows(log, what, diag);
    if (error != SCHEMA_OK)
        return error;
    schema_versions(log, what->subject, note_version, &f);
    error = choose_id(log, what, out, &is_new, diag);
    if (error != SCHEMA_OK)
        return error;
    out->subject = what->subject;
    out->version = what->asked_version ? what->asked_version : f.last + 1;
    out->deleted = false;
    struct schema_reference pinned[SCHEMA_REFERENCES_MAX];
    struct schema_register resolved = *what;
    resolved.schema.references = references_pinned(log, &what->schema, pinned);
    if (put_version(log, &resolved, is_new, out, lsn) != ST_OK)
        return refused(diag, SCHEMA_STORE, "The log takes nothing: its disk is full, or has failed");
    return SCHEMA_OK;
}

enum schema_error schema_version_delete(struct log *log, const struct schema_version *version, bool for_good,
                                        uint64_t *lsn, struct diag *diag)
{
    struct buf key, value;
    bool own;

    *lsn = 0;
    if (schema_mode_of(log, version->subject, &own) == MODE_READONLY)
        return refused(diag, SCHEMA_NOT_PERMITTED, "The subject is in read-only mode");
    if (for_good && !version->deleted) {
        diag_set(diag, ST_INVALID, DIAG_STATE, "Subject '%.*s' Version %d was not deleted first before being permanently deleted",
                 BYTES_FMT(bytes_head(version->subject, 200)), version->version);
        return SCHEMA_VERSION_NOT_DELETED;
    }
    if (!for_good && version->deleted) {
        diag_set(diag, ST_INVALID, DIAG_STATE, "Subject '%.*s' Version %d was soft deleted. Set permanent=true to delete permanently",
                 BYTES_FMT(bytes_head(version->subject, 200)), version->version);
        return SCHEMA_VERSION_DELETED;
    }
    buf_init(&key, 0);
    buf_init(&value, 0);
    if (!for_good) {
        buf_u32_be(&value, version->id);
        buf_u8(&value, 1);
    }
    enum status st = fact_put(log, version_key(&key, version->subject, version->version), buf_view(&value), lsn);
    buf_deinit(&key);
    buf_deinit(&value);
    return st == ST_OK ? SCHEMA_OK : refused(diag, SCHEMA_STORE, "The log takes nothing: its disk is full, or has failed");
}

struct referred {
    const struct log *log;
    struct bytes subject;
    int32_t version;
    schema_version_fn *fn;
    void *context;
    bool any;
};

static bool note_referrer(void *context, const struct schema_version *v)
{
    struct referred *r = context;
    struct arena scratch;
    struct schema_text s;
    bool refers = false;

    if (v->deleted)
        return true;
    arena_init(&scratch, ARENA_BUDGET_NONE);
    bool there = schema_of_id(r->log, v->id, &scratch, &s, NULL);
    for (uint32_t i = 0; there && i < s.references_count; i++)
        refers |= bytes_equal(s.references[i].subject, r->subject) &&
                  (r->version == SCHEMA_LATEST || s.references[i].version == r->version);
    arena_deinit(&scratch);
    r->any |= refers;
    return !refers || (r->fn && r->fn(r->context, v));
}

bool schema_is_referred_to(const struct log *log, struct bytes subject, int32_t version, schema_version_fn *fn,
                           void *context)
{
    struct referred r = {log, subject, version, fn, context, false};

    schema_versions_all(log, BYTES_NONE, note_referrer, &r);
    return r.any;
}

/* ---- levels and modes ---- */

static int setting_of(const struct log *log, uint8_t kind, struct bytes subject)
{
    struct buf key;
    struct bytes value;

    buf_init(&key, 0);
    buf_u8(&key, kind);
    buf_bytes(&key, subject);
    int found = log_kv_get(log, LOG_KV_SCHEMAS, buf_view(&key), &value) && value.len == 1 ? value.ptr[0] - 1 : -1;
    buf_deinit(&key);
    return found;
}

static enum status setting_set(struct log *log, uint8_t kind, struct bytes subject, int setting, uint64_t *lsn)
{
    struct buf key;
    uint8_t value = (uint8_t)(setting + 1);

    if (subject.len && !subject_valid(subject))
        return ST_INVALID;
    buf_init(&key, 0);
    buf_u8(&key, kind);
    buf_bytes(&key, subject);
    enum status st = fact_put(log, buf_view(&key), bytes_of(&value, setting >= 0), lsn);
    buf_deinit(&key);
    return st;
}

static int setting_or(const struct log *log, uint8_t kind, struct bytes subject, int otherwise, bool *own)
{
    int found = setting_of(log, kind, subject);

    *own = found >= 0;
    if (found < 0 && subject.len)
        found = setting_of(log, kind, BYTES_NONE);
    return found < 0 ? otherwise : found;
}

enum schema_level schema_level_of(const struct log *log, struct bytes subject, bool *own)
{
    return (enum schema_level)setting_or(log, 'l', subject, LEVEL_BACKWARD, own);
}

enum schema_mode schema_mode_of(const struct log *log, struct bytes subject, bool *own)
{
    return (enum schema_mode)setting_or(log, 'm', subject, MODE_READWRITE, own);
}

enum status schema_level_set(struct log *log, struct bytes subject, int level, uint64_t *lsn)
{
    return setting_set(log, 'l', subject, level, lsn);
}

enum status schema_mode_set(struct log *log, struct bytes subject, int mode, uint64_t *lsn)
{
    return setting_set(log, 'm', subject, mode, lsn);
}
