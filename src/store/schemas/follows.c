/* follows.c: which schema may follow which, by the subject's level; and schemas with all that they refer to. */
#include <stdlib.h>

#include "base/check.h"
#include "data/avro/compat.h"
#include "store/schemas/schemas.h"

enum { REFERENCE_DEPTH_MAX = 16 };

struct resolve {
    const struct log *log;
    struct arena *arena;
    struct avro_names names;
    struct schema_reference seen[SCHEMA_REFERENCES_MAX];
    uint32_t seen_count;
    struct diag *diag;
};

static bool seen(struct resolve *r, const struct schema_reference *reference)
{
    for (uint32_t i = 0; i < r->seen_count; i++)
        if (r->seen[i].version == reference->version && bytes_equal(r->seen[i].subject, reference->subject))
            return true;
    return false;
}

static enum schema_error parse_with(struct resolve *r, const struct schema_text *schema, uint32_t depth,
                                    const struct avro_schema **out);

/* What is referred to is parsed first: its names are known then. */
static enum schema_error parse_reference(struct resolve *r, const struct schema_reference *reference, uint32_t depth)
{
    struct schema_version version;
    struct schema_text schema;
    const struct avro_schema *ignored;

    if (seen(r, reference))
        return SCHEMA_OK;
    if (depth == REFERENCE_DEPTH_MAX || r->seen_count == SCHEMA_REFERENCES_MAX) {
        diag_set(r->diag, ST_INVALID, DIAG_LIMIT, "A schema refers to at most %d others, %d deep", SCHEMA_REFERENCES_MAX,
                 REFERENCE_DEPTH_MAX);
        return SCHEMA_BAD;
    }
    r->seen[r->seen_count++] = *reference;
    struct diag passed = {0};
    version.id = reference->id;
    if ((!version.id && schema_version_find(r->log, reference->subject, reference->version, true, &version, &passed) != SCHEMA_OK) ||
        !schema_of_id(r->log, version.id, r->arena, &schema, NULL)) {
        diag_set(r->diag, ST_INVALID, DIAG_NAME, "The schema refers to version %d of subject '%.*s', which is not there",
                 reference->version, BYTES_FMT(bytes_head(reference->subject, 200)));
        return SCHEMA_BAD;
    }
    return parse_with(r, &schema, depth + 1, &ignored);
}

static enum schema_error parse_with(struct resolve *r, const struct schema_text *schema, uint32_t depth,
                                    const struct avro_schema **out)
{
    for (uint32_t i = 0; i < schema->references_count; i++) {
        enum schema_error error = parse_reference(r, &schema->references[i], depth);
        if (error != SCHEMA_OK)
            return error;
    }
    return avro_parse(&r->names, schema->text, out, r->diag) == ST_OK ? SCHEMA_OK : SCHEMA_BAD;
}

enum schema_error schema_parse_avro(const struct log *log, const struct schema_text *schema, struct arena *arena,
                                    const struct avro_schema **out, struct diag *diag)
{
    struct resolve r = {.log = log, .arena = arena, .diag = diag};

    avro_names_init(&r.names, arena);
    return parse_with(&r, schema, 0, out);
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

static enum schema_error unchecked(struct diag *diag, enum schema_type type)
{
    diag_set(diag, ST_UNSUPPORTED, DIAG_UNSUPPORTED,
             "Whether a schema of type %s fits an earlier one is not checked yet: set the subject's level to NONE",
             schema_type_name(type));
    return SCHEMA_NOT_PERMITTED;
}

static enum schema_error compare(const struct follow *f, const struct schema_version *with, bool *fits, struct diag *diag)
{
    struct arena scratch;
    struct schema_text other;
    const struct avro_schema *ours, *theirs;

    arena_init(&scratch, ARENA_BUDGET_NONE);
    enum schema_error error = SCHEMA_OK;
    *fits = true;
    if (!schema_of_id(f->log, with->id, &scratch, &other, NULL))
        other = *f->schema; /* there is nothing to fit */
    if (other.type != f->schema->type) {
        *fits = false;
        buf_printf(f->why, "version %d is of type %s\n", with->version, schema_type_name(other.type));
    } else if (f->schema->type != SCHEMA_AVRO) {
        error = unchecked(diag, f->schema->type);
    } else {
        error = schema_parse_avro(f->log, f->schema, &scratch, &ours, diag);
        if (error == SCHEMA_OK)
            error = schema_parse_avro(f->log, &other, &scratch, &theirs, diag);
        struct buf why;
        buf_init(&why, 4096);
        if (error == SCHEMA_OK)
            *fits = (!looks_back(f->level) || avro_can_read(ours, theirs, &why)) &&
                    (!looks_ahead(f->level) || avro_can_read(theirs, ours, &why));
        if (!*fits)
            buf_printf(f->why, "%.*s (version %d)\n", BYTES_FMT(buf_view(&why)), with->version);
        buf_deinit(&why);
    }
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
