/* follows.c: which schema may follow which, by the subject's level; and schemas with all that they refer to. */
#include <stdlib.h>

#include "base/check.h"
#include "data/avro/compat.h"
#include "data/jsonschema/compat.h"
#include "data/protobuf/compat.h"
#include "data/protobuf/text.h"
#include "store/schemas/schemas.h"

enum { REFERENCE_DEPTH_MAX = 16 };

/* All that a schema refers to, each once, those first that others refer to. */
struct referred {
    struct bytes name; /* by which it is referred to */
    struct schema_text schema;
};
struct closure {
    const struct log *log;
    struct arena *arena;
    struct schema_reference seen[SCHEMA_REFERENCES_MAX];
    struct referred referred[SCHEMA_REFERENCES_MAX];
    uint32_t seen_count, count;
    struct diag *diag;
};

static bool seen(struct closure *c, const struct schema_reference *reference)
{
    for (uint32_t i = 0; i < c->seen_count; i++)
        if (c->seen[i].version == reference->version && bytes_equal(c->seen[i].subject, reference->subject))
            return true;
    return false;
}

static enum schema_error close_over(struct closure *c, const struct schema_text *schema, uint32_t depth);

static enum schema_error close_reference(struct closure *c, const struct schema_reference *reference,
                                         uint32_t depth)
{
    struct schema_version version;
    struct schema_text schema;

    if (seen(c, reference))
        return SCHEMA_OK;
    if (depth == REFERENCE_DEPTH_MAX || c->seen_count == SCHEMA_REFERENCES_MAX) {
        diag_set(c->diag, ST_INVALID, DIAG_LIMIT, "A schema refers to at most %d others, %d deep",
                 SCHEMA_REFERENCES_MAX, REFERENCE_DEPTH_MAX);
        return SCHEMA_BAD;
    }
    c->seen[c->seen_count++] = *reference;
    struct diag passed = {0};
    version.id = reference->id;
    if ((!version.id && schema_version_find(c->log, reference->subject, reference->version, true, &version,
                                            &passed) != SCHEMA_OK) ||
        !schema_of_id(c->log, version.id, c->arena, &schema, NULL)) {
        diag_set(c->diag, ST_INVALID, DIAG_NAME,
                 "The schema refers to version %d of subject '%.*s', which is not there", reference->version,
                 BYTES_FMT(bytes_head(reference->subject, 200)));
        return SCHEMA_BAD;
    }
    enum schema_error error = close_over(c, &schema, depth + 1);
    if (error == SCHEMA_OK)
        c->referred[c->count++] = (struct referred){reference->name, schema};
    return error;
}

static enum schema_error close_over(struct closure *c, const struct schema_text *schema, uint32_t depth)
{
    for (uint32_t i = 0; i < schema->references_count; i++) {
        enum schema_error error = close_reference(c, &schema->references[i], depth);
        if (error != SCHEMA_OK)
            return error;
    }
    return SCHEMA_OK;
}

enum schema_error schema_parse_avro(const struct log *log, const struct schema_text *schema, struct arena *arena,
                                    const struct avro_schema **out, struct diag *diag)
{
    struct closure c = {.log = log, .arena = arena, .diag = diag};
    struct avro_names names;
    const struct avro_schema *ignored;
    enum schema_error error = close_over(&c, schema, 0);

    avro_names_init(&names, arena);
    for (uint32_t i = 0; i < c.count && error == SCHEMA_OK; i++)
        error = avro_parse(&names, c.referred[i].schema.text, &ignored, diag) == ST_OK ? SCHEMA_OK : SCHEMA_BAD;
    if (error == SCHEMA_OK)
        error = avro_parse(&names, schema->text, out, diag) == ST_OK ? SCHEMA_OK : SCHEMA_BAD;
    return error;
}

static bool import_referred(void *context, struct bytes path, struct bytes *text)
{
    const struct closure *c = context;

    for (uint32_t i = 0; i < c->count; i++)
        if (bytes_equal(c->referred[i].name, path)) {
            *text = c->referred[i].schema.text;
            return true;
        }
    return false;
}

enum schema_error schema_parse_protobuf(const struct log *log, const struct schema_text *schema,
                                        struct proto_set *out, struct diag *diag)
{
    struct closure c = {.log = log, .arena = out->arena, .diag = diag};
    enum schema_error error = close_over(&c, schema, 0);

    if (error == SCHEMA_OK && proto_text(out, schema->text, import_referred, &c, diag) != ST_OK)
        error = SCHEMA_BAD;
    return error;
}

enum schema_error schema_parse_json(const struct log *log, const struct schema_text *schema, struct arena *arena,
                                    struct js_set *out, struct diag *diag)
{
    struct closure c = {.log = log, .arena = arena, .diag = diag};
    enum schema_error error = close_over(&c, schema, 0);

    *out = (struct js_set){0};
    if (error == SCHEMA_OK && js_parse(out, arena, schema->text, import_referred, &c, diag) != ST_OK)
        error = SCHEMA_BAD;
    return error;
}

/* ---- what may follow ---- */

struct follow {
    const struct log *log;
    const struct schema_text *schema;
    enum schema_level level;
    struct buf *why;
};

static bool looks_back(enum schema_level level)
{
    return level == LEVEL_BACKWARD || level == LEVEL_BACKWARD_TRANSITIVE || level == LEVEL_FULL || level == LEVEL_FULL_TRANSITIVE;
}

static bool looks_ahead(enum schema_level level)
{
    return level == LEVEL_FORWARD || level == LEVEL_FORWARD_TRANSITIVE || level == LEVEL_FULL || level == LEVEL_FULL_TRANSITIVE;
}

static bool looks_at_all(enum schema_level level)
{
    return level == LEVEL_BACKWARD_TRANSITIVE || level == LEVEL_FORWARD_TRANSITIVE || level == LEVEL_FULL_TRANSITIVE;
}

static enum schema_error fits_avro(const struct follow *f, const struct schema_text *other, struct arena *arena,
                                   bool *fits, struct buf *why, struct diag *diag)
{
    const struct avro_schema *ours, *theirs;
    enum schema_error error = schema_parse_avro(f->log, f->schema, arena, &ours, diag);

    if (error == SCHEMA_OK)
        error = schema_parse_avro(f->log, other, arena, &theirs, diag);
    if (error == SCHEMA_OK)
        *fits = (!looks_back(f->level) || avro_can_read(ours, theirs, why)) &&
                (!looks_ahead(f->level) || avro_can_read(theirs, ours, why));
    return error;
}

static enum schema_error fits_protobuf(const struct follow *f, const struct schema_text *other, struct arena *arena,
                                       bool *fits, struct buf *why, struct diag *diag)
{
    struct proto_set ours, theirs;

    proto_set_init(&ours, arena);
    proto_set_init(&theirs, arena);
    enum schema_error error = schema_parse_protobuf(f->log, f->schema, &ours, diag);
    if (error == SCHEMA_OK)
        error = schema_parse_protobuf(f->log, other, &theirs, diag);
    if (error == SCHEMA_OK)
        *fits = (!looks_back(f->level) || proto_can_read(&ours, &theirs, why)) &&
                (!looks_ahead(f->level) || proto_can_read(&theirs, &ours, why));
    return error;
}

static enum schema_error fits_json(const struct follow *f, const struct schema_text *other, struct arena *arena,
                                   bool *fits, struct buf *why, struct diag *diag)
{
    struct js_set ours, theirs = {0};
    enum schema_error error = schema_parse_json(f->log, f->schema, arena, &ours, diag);

    if (error == SCHEMA_OK)
        error = schema_parse_json(f->log, other, arena, &theirs, diag);
    if (error == SCHEMA_OK)
        *fits = (!looks_back(f->level) || js_can_read(&ours, &theirs, why)) &&
                (!looks_ahead(f->level) || js_can_read(&theirs, &ours, why));
    js_deinit(&ours);
    js_deinit(&theirs);
    return error;
}

static enum schema_error fits(const struct follow *f, const struct schema_text *other, struct arena *arena,
                              bool *fits, struct buf *why, struct diag *diag)
{
    switch (f->schema->type) {
    case SCHEMA_AVRO: return fits_avro(f, other, arena, fits, why, diag);
    case SCHEMA_PROTOBUF: return fits_protobuf(f, other, arena, fits, why, diag);
    default: return fits_json(f, other, arena, fits, why, diag);
    }
}

static enum schema_error compare(const struct follow *f, const struct schema_version *with, bool *fit,
                                 struct diag *diag)
{
    struct arena scratch;
    struct schema_text other;
    struct buf why;
    enum schema_error error = SCHEMA_OK;

    arena_init(&scratch, ARENA_BUDGET_NONE);
    buf_init(&why, 4096);
    *fit = true;
    if (!schema_of_id(f->log, with->id, &scratch, &other, NULL))
        other = *f->schema; /* there is nothing to fit */
    if (other.type != f->schema->type) {
        *fit = false;
        buf_printf(&why, "it is of type %s", schema_type_name(other.type));
    } else {
        error = fits(f, &other, &scratch, fit, &why, diag);
    }
    if (!*fit)
        buf_printf(f->why, "%.*s (version %d)\n", BYTES_FMT(buf_view(&why)), with->version);
    buf_deinit(&why);
    arena_deinit(&scratch);
    return error;
}

struct collect {
    struct schema_version *versions;
    uint32_t count, cap;
};

static bool collect_version(void *context, const struct schema_version *v)
{
    struct collect *c = context;

    if (v->deleted)
        return true;
    if (c->count == c->cap) {
        c->cap = c->cap ? c->cap * 2 : 16;
        c->versions = xrealloc(c->versions, c->cap * sizeof(*c->versions));
    }
    c->versions[c->count++] = *v;
    return true;
}

enum schema_error schema_fits(const struct log *log, struct bytes subject, const struct schema_text *schema,
                              const struct schema_version *against, enum schema_level level, bool *fits,
                              struct buf *why, struct diag *diag)
{
    struct follow f = {.log = log, .schema = schema, .level = level, .why = why};
    struct collect c = {0};
    enum schema_error error = SCHEMA_OK;

    *fits = true;
    if (level == LEVEL_NONE)
        return SCHEMA_OK;
    if (against)
        return compare(&f, against, fits, diag);
    schema_versions(log, subject, collect_version, &c);
    for (uint32_t i = c.count; error == SCHEMA_OK && *fits && i > 0; i--) {
        error = compare(&f, &c.versions[i - 1], fits, diag);
        if (!looks_at_all(level))
            break;
    }
    free(c.versions);
    return error;
}
