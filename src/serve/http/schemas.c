/* schemas.c: subjects, versions and schemas of the registry. */
#include "base/base64.h"
#include "base/check.h"
#include "data/protobuf/describe.h"
#include "serve/http/registry.h"

/* ---- what is told of a version ---- */

static void write_references(struct json_writer *w, const struct schema_text *schema)
{
    if (!schema->references_count)
        return;
    json_key(w, "references");
    json_array_begin(w);
    for (uint32_t i = 0; i < schema->references_count; i++) {
        json_object_begin(w);
        json_key_text(w, "name", schema->references[i].name);
        json_key_text(w, "subject", schema->references[i].subject);
        json_key_i64(w, "version", schema->references[i].version);
        json_object_end(w);
    }
    json_array_end(w);
}

/* ?format=serialized: of a Protobuf schema its descriptor in base64, as some clients want it. */
static struct bytes text_asked(struct exchange *x, const struct schema_text *schema)
{
    struct proto_set set;
    struct diag passed = {0};
    struct buf descriptor, text;

    proto_set_init(&set, &x->arena);
    if (schema->type != SCHEMA_PROTOBUF || !bytes_is(registry_query(x, "format"), "serialized") ||
        schema_parse_protobuf(x->face->log, schema, &set, &passed) != SCHEMA_OK || set.described)
        return schema->text;
    buf_init(&descriptor, 0);
    buf_init(&text, 0);
    proto_describe(&set, &descriptor);
    base64_encode(&text, buf_view(&descriptor));
    struct bytes out = arena_copy(&x->arena, buf_view(&text));
    buf_deinit(&descriptor);
    buf_deinit(&text);
    return out;
}

static void write_schema(struct json_writer *w, struct exchange *x, const struct schema_text *schema)
{
    if (schema->type != SCHEMA_AVRO)
        json_key_str(w, "schemaType", schema_type_name(schema->type));
    write_references(w, schema);
    json_key_text(w, "schema", text_asked(x, schema));
}

static void write_version(struct json_writer *w, struct exchange *x, const struct schema_version *v)
{
    struct schema_text schema;

    json_object_begin(w);
    json_key_text(w, "subject", v->subject);
    json_key_i64(w, "version", v->version);
    json_key_u64(w, "id", v->id);
    if (schema_of_id(x->face->log, v->id, &x->arena, &schema, NULL))
        write_schema(w, x, &schema);
    json_object_end(w);
}

static void begin(struct exchange *x, struct buf *body, struct json_writer *w)
{
    buf_init(body, x->face->options.answer_bytes_max);
    json_writer_init(w, body);
}

/* ---- lists ---- */

struct listing {
    struct exchange *x;
    struct json_writer *w;
    bool hidden_too, latest_only, whole, any;
    struct bytes last; /* subject */
    uint32_t id;       /* not 0: of this schema alone */
    struct schema_version held;
    bool holds;
};

static bool listed(const struct listing *l, const struct schema_version *v)
{
    return (!v->deleted || l->hidden_too) && (!l->id || v->id == l->id) && registry_can_read(l->x, v->subject);
}

static bool list_subject(void *context, const struct schema_version *v)
{
    struct listing *l = context;

    if (!listed(l, v) || (l->last.ptr && bytes_equal(l->last, v->subject)))
        return true;
    l->last = v->subject;
    l->any = true;
    json_bytes(l->w, v->subject);
    return true;
}

void get_subjects(struct exchange *x)
{
    struct buf body;
    struct json_writer w;
    struct listing l = {.x = x, .w = &w, .hidden_too = registry_flag(x, "deleted")};

    begin(x, &body, &w);
    json_array_begin(&w);
    schema_versions_all(x->face->log, registry_query(x, "subjectPrefix"), list_subject, &l);
    json_array_end(&w);
    reply_json(x, 200, &body);
}

static bool list_version(void *context, const struct schema_version *v)
{
    struct listing *l = context;

    if (!listed(l, v))
        return true;
    l->any = true;
    if (l->whole) {
        json_object_begin(l->w);
        json_key_text(l->w, "subject", v->subject);
        json_key_i64(l->w, "version", v->version);
        json_object_end(l->w);
    } else {
        json_i64(l->w, v->version);
    }
    return true;
}

void get_subject_versions(struct exchange *x)
{
    struct buf body;
    struct json_writer w;
    struct listing l = {.x = x, .w = &w, .hidden_too = registry_flag(x, "deleted")};
    struct schema_version latest;
    struct diag diag = {0};

    if (!registry_may(x, ACL_DESCRIBE, x->params[0]))
        return;
    enum schema_error error =
        schema_version_find(x->face->log, x->params[0], SCHEMA_LATEST, l.hidden_too, &latest, &diag);
    if (error != SCHEMA_OK) {
        registry_refuse(x, error, &diag);
        return;
    }
    begin(x, &body, &w);
    json_array_begin(&w);
    schema_versions(x->face->log, x->params[0], list_version, &l);
    json_array_end(&w);
    reply_json(x, 200, &body);
}

/* The one before is told when the next is of another subject. */
static void list_held(struct listing *l)
{
    if (l->holds)
        write_version(l->w, l->x, &l->held);
    l->holds = false;
}

static bool list_schema(void *context, const struct schema_version *v)
{
    struct listing *l = context;

    if (!listed(l, v))
        return true;
    if (!l->latest_only || (l->holds && !bytes_equal(l->held.subject, v->subject)))
        list_held(l);
    l->held = *v;
    l->holds = true;
    return true;
}

void get_schemas(struct exchange *x)
{
    struct buf body;
    struct json_writer w;
    struct listing l = {.x = x, .w = &w, .hidden_too = registry_flag(x, "deleted"), .latest_only = registry_flag(x, "latestOnly")};

    begin(x, &body, &w);
    json_array_begin(&w);
    schema_versions_all(x->face->log, registry_query(x, "subjectPrefix"), list_schema, &l);
    list_held(&l);
    json_array_end(&w);
    reply_json(x, 200, &body);
}

void get_schema_types(struct exchange *x)
{
    reply_static(x, 200, "application/json", NULL, BYTES_LITERAL("[\"JSON\",\"PROTOBUF\",\"AVRO\"]"));
}

/* ---- by number ---- */

static bool may_read_id(void *context, const struct schema_version *v)
{
    struct listing *l = context;

    l->any = v->id == l->id && registry_can_read(l->x, v->subject);
    return !l->any;
}

/* The schema of the path's number. False: answered. */
static bool schema_asked(struct exchange *x, uint32_t *id, struct schema_text *out)
{
    int64_t n = 0;
    struct diag diag = {0};
    struct listing l = {.x = x};
    bool there = bytes_to_i64(x->params[0], &n) && n > 0 && n <= UINT32_MAX;

    *id = l.id = (uint32_t)n;
    there = there && schema_of_id(x->face->log, *id, &x->arena, out, NULL);
    if (there)
        schema_versions_all(x->face->log, BYTES_NONE, may_read_id, &l);
    if (there && (l.any || exchange_is_admin(x)))
        return true;
    diag_set(&diag, ST_NOTFOUND, DIAG_NAME, "Schema %.*s not found", BYTES_FMT(bytes_head(x->params[0], 20)));
    registry_refuse(x, SCHEMA_NONE, &diag);
    return false;
}

void get_schema_by_id(struct exchange *x)
{
    struct schema_text schema;
    struct buf body;
    struct json_writer w;
    uint32_t id;

    if (!schema_asked(x, &id, &schema))
        return;
    begin(x, &body, &w);
    json_object_begin(&w);
    write_schema(&w, x, &schema);
    if (registry_flag(x, "fetchMaxId"))
        json_key_u64(&w, "maxId", schema_id_max(x->face->log));
    json_object_end(&w);
    reply_json(x, 200, &body);
}

void get_schema_id_part(struct exchange *x)
{
    struct schema_text schema;
    struct buf body;
    struct json_writer w;
    struct listing l = {.x = x, .w = &w, .hidden_too = registry_flag(x, "deleted"), .whole = true};

    if (!schema_asked(x, &l.id, &schema))
        return;
    bool text = bytes_is(x->params[1], "schema"), subjects = bytes_is(x->params[1], "subjects");
    if (!text && !subjects && !bytes_is(x->params[1], "versions")) {
        reply_error(x, 404, "name", "of a schema there are schema, subjects and versions");
        return;
    }
    if (text) {
        reply(x, 200, "application/json", NULL, schema.text);
        return;
    }
    begin(x, &body, &w);
    json_array_begin(&w);
    schema_versions_all(x->face->log, BYTES_NONE, subjects ? list_subject : list_version, &l);
    json_array_end(&w);
    reply_json(x, 200, &body);
}

/* ---- a subject's versions ---- */

static bool version_asked(struct exchange *x, bool hidden_too, struct schema_version *out)
{
    struct diag diag = {0};
    int32_t version;

    if (!registry_version(x, x->params[1], &version))
        return false;
    enum schema_error error = schema_version_find(x->face->log, x->params[0], version, hidden_too, out, &diag);
    if (error != SCHEMA_OK)
        registry_refuse(x, error, &diag);
    return error == SCHEMA_OK;
}

void get_subject_version(struct exchange *x)
{
    struct schema_version v;
    struct buf body;
    struct json_writer w;

    if (!registry_may(x, ACL_DESCRIBE, x->params[0]) || !version_asked(x, registry_flag(x, "deleted"), &v))
        return;
    begin(x, &body, &w);
    write_version(&w, x, &v);
    reply_json(x, 200, &body);
}

void get_subject_version_schema(struct exchange *x)
{
    struct schema_version v;
    struct schema_text schema = {0};

    if (!registry_may(x, ACL_DESCRIBE, x->params[0]) || !version_asked(x, registry_flag(x, "deleted"), &v))
        return;
    schema_of_id(x->face->log, v.id, &x->arena, &schema, NULL);
    reply(x, 200, "application/json", NULL, schema.text);
}

static bool list_id(void *context, const struct schema_version *v)
{
    struct listing *l = context;

    if (registry_can_read(l->x, v->subject))
        json_u64(l->w, v->id);
    return true;
}

void get_referenced_by(struct exchange *x)
{
    struct schema_version v;
    struct buf body;
    struct json_writer w;
    struct listing l = {.x = x, .w = &w};

    if (!registry_may(x, ACL_DESCRIBE, x->params[0]) || !version_asked(x, true, &v))
        return;
    begin(x, &body, &w);
    json_array_begin(&w);
    schema_is_referred_to(x->face->log, v.subject, v.version, list_id, &l);
    json_array_end(&w);
    reply_json(x, 200, &body);
}

/* Is this schema one of the subject's? */
void post_subject(struct exchange *x)
{
    struct registry_body asked;
    struct schema_version v;
    struct diag diag = {0};
    struct buf body;
    struct json_writer w;

    if (!registry_may(x, ACL_DESCRIBE, x->params[0]) || !registry_body(x, &asked))
        return;
    enum schema_error error = schema_version_of(x->face->log, x->params[0], &asked.schema, registry_flag(x, "deleted"), &v, &diag);
    if (error != SCHEMA_OK) {
        registry_refuse(x, error, &diag);
        return;
    }
    begin(x, &body, &w);
    write_version(&w, x, &v);
    reply_json(x, 200, &body);
}

void post_subject_version(struct exchange *x)
{
    struct registry_body asked;
    struct schema_version v;
    struct diag diag = {0};
    struct buf body;
    struct json_writer w;
    uint64_t lsn;

    if (!registry_may(x, ACL_WRITE, x->params[0]) || !registry_body(x, &asked))
        return;
    struct schema_register what = {.subject = x->params[0], .schema = asked.schema, .asked_id = asked.id,
                                   .asked_version = asked.version, .now_us = loop_wall_us(x->face->loop)};
    enum schema_error error = schema_register(x->face->log, &what, &v, &lsn, &diag);
    if (error != SCHEMA_OK) {
        registry_refuse(x, error, &diag);
        return;
    }
    begin(x, &body, &w);
    json_object_begin(&w);
    json_key_u64(&w, "id", v.id);
    json_object_end(&w);
    registry_answer(x, lsn, &body);
}

/* ---- deleting ---- */

/* version: SCHEMA_LATEST: any of the subject's. */
static enum schema_error check_unreferred(struct exchange *x, int32_t version, struct diag *diag)
{
    if (!schema_is_referred_to(x->face->log, x->params[0], version, NULL, NULL))
        return SCHEMA_OK;
    diag_set(diag, ST_INVALID, DIAG_STATE, "One or more references exist to a schema of subject '%.*s'",
             BYTES_FMT(bytes_head(x->params[0], 200)));
    return SCHEMA_REFERRED_TO;
}

void delete_subject_version(struct exchange *x)
{
    bool for_good = registry_flag(x, "permanent");
    struct schema_version v;
    struct diag diag = {0};
    struct buf body;
    uint64_t lsn;

    if (!registry_may(x, ACL_DELETE, x->params[0]) || !version_asked(x, true, &v))
        return;
    v.subject = x->params[0]; /* not the log's: that goes */
    enum schema_error error = for_good ? SCHEMA_OK : check_unreferred(x, v.version, &diag);
    if (error == SCHEMA_OK)
        error = schema_version_delete(x->face->log, &v, for_good, &lsn, &diag);
    if (error != SCHEMA_OK) {
        registry_refuse(x, error, &diag);
        return;
    }
    buf_init(&body, 0);
    buf_printf(&body, "%d", v.version);
    registry_answer(x, lsn, &body);
}

struct doomed {
    int32_t *versions;
    uint32_t count, cap;
    bool hidden;
    struct arena *arena;
    struct schema_version any;
};

static bool note_doomed(void *context, const struct schema_version *v)
{
    struct doomed *d = context;

    if (v->deleted != d->hidden)
        return true;
    if (d->count == d->cap) {
        uint32_t cap = d->cap ? d->cap * 2 : 16;
        int32_t *more = ARENA_ARRAY(d->arena, int32_t, cap);
        if (d->count)
            memcpy(more, d->versions, d->count * sizeof(*more));
        d->versions = more;
        d->cap = cap;
    }
    d->versions[d->count++] = v->version;
    return true;
}

/* Which versions go: those that are shown, or for good those that are hidden, if all are. */
static enum schema_error doomed_of(struct exchange *x, bool for_good, struct doomed *d, struct diag *diag)
{
    struct bytes subject = x->params[0];
    struct schema_version latest;

    *d = (struct doomed){.arena = &x->arena, .hidden = for_good};
    schema_versions(x->face->log, subject, note_doomed, d);
    bool shown = schema_version_find(x->face->log, subject, SCHEMA_LATEST, false, &latest, NULL) == SCHEMA_OK;
    if (for_good && shown) {
        diag_set(diag, ST_INVALID, DIAG_STATE, "Subject '%.*s' was not deleted first before being permanently deleted",
                 BYTES_FMT(bytes_head(subject, 200)));
        return SCHEMA_SUBJECT_NOT_DELETED;
    }
    if (!for_good && !shown && schema_version_find(x->face->log, subject, SCHEMA_LATEST, true, &latest, NULL) == SCHEMA_OK) {
        diag_set(diag, ST_INVALID, DIAG_STATE, "Subject '%.*s' was soft deleted. Set permanent=true to delete permanently",
                 BYTES_FMT(bytes_head(subject, 200)));
        return SCHEMA_SUBJECT_DELETED;
    }
    if (d->count)
        return SCHEMA_OK;
    diag_set(diag, ST_NOTFOUND, DIAG_NAME, "Subject '%.*s' not found.", BYTES_FMT(bytes_head(subject, 200)));
    return SCHEMA_NO_SUBJECT;
}

void delete_subject(struct exchange *x)
{
    bool for_good = registry_flag(x, "permanent");
    struct doomed d;
    struct diag diag = {0};
    struct buf body;
    uint64_t lsn = 0;

    if (!registry_may(x, ACL_DELETE, x->params[0]))
        return;
    enum schema_error error = doomed_of(x, for_good, &d, &diag);
    if (error == SCHEMA_OK && !for_good)
        error = check_unreferred(x, SCHEMA_LATEST, &diag);
    buf_init(&body, 0);
    for (uint32_t i = 0; error == SCHEMA_OK && i < d.count; i++) {
        struct schema_version v = {.subject = x->params[0], .version = d.versions[i], .deleted = for_good};
        struct schema_version stored;
        error = schema_version_find(x->face->log, v.subject, v.version, true, &stored, &diag);
        v.id = stored.id;
        if (error == SCHEMA_OK)
            error = schema_version_delete(x->face->log, &v, for_good, &lsn, &diag);
        buf_printf(&body, "%s%d", i ? "," : "[", v.version);
    }
    if (error != SCHEMA_OK) {
        buf_deinit(&body);
        registry_refuse(x, error, &diag);
        return;
    }
    buf_u8(&body, ']');
    registry_answer(x, lsn, &body);
}
