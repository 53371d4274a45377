/* compat.c: see compat.h. A pair of records that is being compared, or was, is not compared again: types may hold
 * themselves. */
#include "data/avro/compat.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/json_reader.h"

/* WORK_MAX: names and pairs that are looked at, about half a second; a record of 10,000 fields needs 50 million. */
enum { PATH_MAX_BYTES = 300, WORK_MAX = 80000000 };

enum verdict { OPEN, CAN, CANNOT };

struct pair {
    const struct avro_schema *reader, *writer;
    enum verdict verdict;
};

struct compare {
    struct pair *pairs;
    size_t count, cap;
    struct buf path; /* "/a/b" */
    struct buf *why;
    uint32_t depth;
    size_t work;
};

static bool can_read(struct compare *c, const struct avro_schema *reader, const struct avro_schema *writer);

/* Only the first reason is told. */
static bool cannot(struct compare *c, const char *kind, const char *text, struct bytes name)
{
    struct bytes path = bytes_head(buf_view(&c->path), PATH_MAX_BYTES);

    if (!c->why->len)
        buf_printf(c->why, "%s at path '%.*s': %s%s%.*s", kind, BYTES_FMT(path.len ? path : BYTES_LITERAL("/")), text,
                   name.len ? " " : "", BYTES_FMT(bytes_head(name, 100)));
    return false;
}

/* False: it takes too long. Then nothing more is compared, whoever asks. */
static bool spend(struct compare *c, size_t work)
{
    if (c->work <= WORK_MAX)
        c->work += work;
    return c->work <= WORK_MAX || cannot(c, "TOO_LARGE", "the schemas are too large to be compared", BYTES_NONE);
}

static bool names_agree(const struct avro_schema *reader, const struct avro_schema *writer)
{
    if (bytes_equal(avro_short_name(reader->name), avro_short_name(writer->name)))
        return true;
    for (uint32_t i = 0; i < reader->aliases_count; i++)
        if (bytes_equal(reader->aliases[i], writer->name))
            return true;
    return false;
}

static const struct avro_field *written_field(const struct avro_schema *writer, const struct avro_field *f)
{
    for (uint32_t i = 0; i < writer->count; i++) {
        if (bytes_equal(writer->fields[i].name, f->name))
            return &writer->fields[i];
        for (uint32_t a = 0; a < f->aliases_count; a++)
            if (bytes_equal(writer->fields[i].name, f->aliases[a]))
                return &writer->fields[i];
    }
    return NULL;
}

static bool below(struct compare *c, struct bytes name, const struct avro_schema *reader,
                  const struct avro_schema *writer)
{
    size_t len = c->path.len;

    buf_u8(&c->path, '/');
    buf_bytes(&c->path, name);
    bool ok = can_read(c, reader, writer);
    c->path.len = len;
    return ok;
}

static bool fields_agree(struct compare *c, const struct avro_schema *reader, const struct avro_schema *writer)
{
    for (uint32_t i = 0; i < reader->count; i++) {
        const struct avro_field *f = &reader->fields[i];
        if (!spend(c, (size_t)writer->count * (1 + f->aliases_count) / 2))
            return false;
        const struct avro_field *w = written_field(writer, f);
        if (!w && !f->otherwise.ptr)
            return cannot(c, "READER_FIELD_MISSING_DEFAULT_VALUE",
                          "the writer's schema does not have this field, and the reader's has no default for it:", f->name);
        if (w && !below(c, f->name, f->type, w->type))
            return false;
    }
    return true;
}

static bool records_agree(struct compare *c, const struct avro_schema *reader, const struct avro_schema *writer)
{
    if (!spend(c, c->count + reader->aliases_count))
        return false;
    for (size_t i = 0; i < c->count; i++)
        if (c->pairs[i].reader == reader && c->pairs[i].writer == writer)
            return c->pairs[i].verdict != CANNOT;
    if (c->count == c->cap) {
        c->cap = c->cap ? c->cap * 2 : 16;
        c->pairs = xrealloc(c->pairs, c->cap * sizeof(*c->pairs));
    }
    size_t at = c->count++;
    c->pairs[at] = (struct pair){reader, writer, OPEN};
    bool ok = names_agree(reader, writer) ? fields_agree(c, reader, writer)
                                          : cannot(c, "NAME_MISMATCH", "the writer's name is", writer->name);
    c->pairs[at].verdict = ok ? CAN : CANNOT;
    return ok;
}

static bool symbols_agree(struct compare *c, const struct avro_schema *reader, const struct avro_schema *writer)
{
    if (!names_agree(reader, writer))
        return cannot(c, "NAME_MISMATCH", "the writer's name is", writer->name);
    if (!reader->otherwise.ptr && !spend(c, (size_t)reader->count * writer->count))
        return false;
    for (uint32_t w = 0; w < writer->count && !reader->otherwise.ptr; w++) {
        bool has = false;
        for (uint32_t r = 0; r < reader->count && !has; r++)
            has = bytes_equal(reader->symbols[r], writer->symbols[w]);
        if (!has)
            return cannot(c, "MISSING_ENUM_SYMBOLS", "the reader's enum has no symbol", writer->symbols[w]);
    }
    return true;
}

static bool widens(enum avro_kind reader, enum avro_kind writer)
{
    switch (reader) {
    case AVRO_LONG: return writer == AVRO_INT;
    case AVRO_FLOAT: return writer == AVRO_INT || writer == AVRO_LONG;
    case AVRO_DOUBLE: return writer == AVRO_INT || writer == AVRO_LONG || writer == AVRO_FLOAT;
    case AVRO_BYTES: return writer == AVRO_STRING;
    case AVRO_STRING: return writer == AVRO_BYTES;
    default: return false;
    }
}

static bool same_kind(struct compare *c, const struct avro_schema *reader, const struct avro_schema *writer)
{
    switch (reader->kind) {
    case AVRO_RECORD: return records_agree(c, reader, writer);
    case AVRO_ENUM: return symbols_agree(c, reader, writer);
    case AVRO_ARRAY: return below(c, BYTES_LITERAL("items"), reader->inner[0], writer->inner[0]);
    case AVRO_MAP: return below(c, BYTES_LITERAL("values"), reader->inner[0], writer->inner[0]);
    case AVRO_FIXED:
        if (!names_agree(reader, writer))
            return cannot(c, "NAME_MISMATCH", "the writer's name is", writer->name);
        return reader->size == writer->size ||
               cannot(c, "FIXED_SIZE_MISMATCH", "the sizes differ of the fixed", writer->name);
    default: return true;
    }
}

static bool union_reads(struct compare *c, const struct avro_schema *reader, const struct avro_schema *writer)
{
    struct buf *why = c->why, passed;
    bool ok = false;

    buf_init(&passed, 0);
    c->why = &passed; /* that a branch does not fit is no reason */
    for (uint32_t i = 0; i < reader->count && !ok && c->work <= WORK_MAX; i++)
        ok = can_read(c, reader->inner[i], writer);
    c->why = why;
    if (c->work > WORK_MAX)
        ok = spend(c, 0); /* says so */
    buf_deinit(&passed);
    return ok || cannot(c, "MISSING_UNION_BRANCH", "the reader's union has no branch for the writer's",
                        bytes_str(avro_kind_text(writer->kind)));
}

static bool can_read(struct compare *c, const struct avro_schema *reader, const struct avro_schema *writer)
{
    bool ok = true;

    if (!spend(c, 1))
        return false;
    if (c->depth == AVRO_DEPTH_MAX)
        return cannot(c, "TOO_DEEP", "there are more levels than are compared", BYTES_NONE);
    c->depth++;
    if (writer->kind == AVRO_UNION) {
        for (uint32_t i = 0; i < writer->count && ok; i++)
            ok = can_read(c, reader, writer->inner[i]);
    } else if (reader->kind == AVRO_UNION) {
        ok = union_reads(c, reader, writer);
    } else if (reader->kind == writer->kind) {
        ok = same_kind(c, reader, writer);
    } else if (!widens(reader->kind, writer->kind)) {
        char text[80];
        snprintf(text, sizeof(text), "the reader's type is %s, the writer's", avro_kind_text(reader->kind));
        ok = cannot(c, "TYPE_MISMATCH", text, bytes_str(avro_kind_text(writer->kind)));
    }
    c->depth--;
    return ok;
}

bool avro_can_read(const struct avro_schema *reader, const struct avro_schema *writer, struct buf *why)
{
    struct compare c = {.why = why};

    buf_init(&c.path, 0);
    bool ok = can_read(&c, reader, writer);
    buf_deinit(&c.path);
    free(c.pairs);
    return ok;
}

/* ---- defaults ---- */

struct visited {
    const struct avro_schema **types;
    size_t count, cap;
};

/* False: was there before. */
static bool visit(struct visited *v, const struct avro_schema *type)
{
    for (size_t i = 0; i < v->count; i++)
        if (v->types[i] == type)
            return false;
    if (v->count == v->cap) {
        v->cap = v->cap ? v->cap * 2 : 16;
        v->types = xrealloc(v->types, v->cap * sizeof(struct avro_schema *));
    }
    v->types[v->count++] = type;
    return true;
}

static bool default_fits(const struct avro_field *f)
{
    struct buf binary;

    buf_init(&binary, 0);
    bool fits = avro_default_write(f->type, f->otherwise, &binary);
    buf_deinit(&binary);
    return fits;
}

static enum status check_type(struct visited *v, const struct avro_schema *s, struct diag *diag)
{
    if (s->kind == AVRO_ARRAY || s->kind == AVRO_MAP)
        return check_type(v, s->inner[0], diag);
    for (uint32_t i = 0; s->kind == AVRO_UNION && i < s->count; i++)
        TRY(check_type(v, s->inner[i], diag));
    if (s->kind != AVRO_RECORD || !visit(v, s))
        return ST_OK;
    for (uint32_t i = 0; i < s->count; i++) {
        const struct avro_field *f = &s->fields[i];
        if (f->otherwise.ptr && !default_fits(f))
            return diag_set(diag, ST_INVALID, DIAG_VALUE, "the default %.*s of field '%.*s' is no value of its type",
                            BYTES_FMT(bytes_head(f->otherwise, 60)), BYTES_FMT(bytes_head(f->name, 60)));
        TRY(check_type(v, f->type, diag));
    }
    return ST_OK;
}

enum status avro_check_defaults(const struct avro_schema *schema, struct diag *diag)
{
    struct visited v = {0};
    enum status st = check_type(&v, schema, diag);

    free(v.types);
    return st;
}
