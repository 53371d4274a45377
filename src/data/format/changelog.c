/* Formats of changes in JSON, as tools that capture a database's changes write them: Debezium, Canal, Maxwell, Ogg.
 * They differ in the names of a few members, so each is a table here (struct dialect).
 *
 *     debezium-json  {"before":{…},"after":{…},"op":"u"}      with schema-include inside {"schema":…,"payload":…}
 *     canal-json     {"data":[{…},…],"old":[{…},…],"type":"UPDATE"}     old: only what has changed
 *     maxwell-json   {"data":{…},"old":{…},"type":"update"}             old: only what has changed
 *     ogg-json       {"before":{…},"after":{…},"op_type":"U"}
 *
 * A record is read whole into columns of the decoder's own (after, before, op, metadata), so that one that is
 * half good gives no row; then rows are put from there. An update is two rows, -U and +U. Written is a row
 * that comes (+I, +U) as an insert and one that goes (-U, -D) as a delete, as Flink does: what a sink is
 * given need not stand together.
 *
 * Limits: what one record is read into has at most ENVELOPE_BYTES_MAX.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>

#include "base/check.h"
#include "data/format/fields.h"
#include "data/format/json_parse.h"
#include "data/text.h"

enum { ENVELOPE_BYTES_MAX = 256 << 20, DIALECT_METAS = 8, MATCH_LIMIT = 1000000 };
enum envelope { AFTER, BEFORE, OP, DATABASE, TABLE, METAS };

enum action { ACT_INSERT, ACT_UPDATE, ACT_DELETE, ACT_NONE, ACTIONS };

enum meta_form { META_TEXT, META_MILLIS, META_SECONDS, META_TIME, META_TEXTS, META_INTS, META_PAIRS };

struct dialect {
    const char *name, *after, *before, *op;
    bool lists;   /* after and before are arrays of rows */
    bool partial; /* before has only what has changed */
    const char *words[ACTIONS]; /* of op, by '|' */
    const char *inserted, *deleted; /* the op that is written */
    struct dialect_meta {
        const char *key, *field, *entry; /* entry: of the field, which is a map of text */
        enum meta_form form;
    } metas[DIALECT_METAS];
};

static const struct dialect dialects[] = {
    {.name = "debezium-json", .after = "after", .before = "before", .op = "op",
     .words = {"c|r", "u", "d"}, .inserted = "c", .deleted = "d",
     .metas = {{"schema", "schema", NULL, META_TEXT},
               {"ingestion-timestamp", "ts_ms", NULL, META_MILLIS},
               {"source.timestamp", "source", "ts_ms", META_MILLIS},
               {"source.database", "source", "db", META_TEXT},
               {"source.schema", "source", "schema", META_TEXT},
               {"source.table", "source", "table", META_TEXT},
               {"source.properties", "source", NULL, META_PAIRS}}},
    {.name = "canal-json", .after = "data", .before = "old", .op = "type", .lists = true, .partial = true,
     .words = {"INSERT", "UPDATE", "DELETE", "CREATE"}, .inserted = "INSERT", .deleted = "DELETE",
     .metas = {{"database", "database", NULL, META_TEXT},
               {"table", "table", NULL, META_TEXT},
               {"sql-type", "sqlType", NULL, META_INTS},
               {"pk-names", "pkNames", NULL, META_TEXTS},
               {"ingestion-timestamp", "ts", NULL, META_MILLIS},
               {"event-timestamp", "es", NULL, META_MILLIS}}},
    {.name = "maxwell-json", .after = "data", .before = "old", .op = "type", .partial = true,
     .words = {"insert", "update", "delete"}, .inserted = "insert", .deleted = "delete",
     .metas = {{"database", "database", NULL, META_TEXT},
               {"table", "table", NULL, META_TEXT},
               {"primary-key-columns", "primary_key_columns", NULL, META_TEXTS},
               {"ingestion-timestamp", "ts", NULL, META_SECONDS}}},
    {.name = "ogg-json", .after = "after", .before = "before", .op = "op_type",
     .words = {"I", "U", "D"}, .inserted = "I", .deleted = "D",
     .metas = {{"table", "table", NULL, META_TEXT},
               {"primary-keys", "primary_keys", NULL, META_TEXTS},
               {"ingestion-timestamp", "current_ts", NULL, META_TIME},
               {"event-timestamp", "op_ts", NULL, META_TIME}}},
};

static const struct dialect *dialect_named(struct bytes name)
{
    for (size_t i = 0; i < sizeof(dialects) / sizeof(*dialects); i++)
        if (bytes_is(name, dialects[i].name))
            return &dialects[i];
    CHECK(!"a format of changes that has no dialect");
    return NULL;
}

static const struct format_class *class_named(struct bytes name)
{
    static const struct format_class *const classes[] = {&format_debezium, &format_canal, &format_maxwell,
                                                         &format_ogg};
    for (size_t i = 0; i < sizeof(classes) / sizeof(*classes); i++)
        if (bytes_is(name, classes[i]->name))
            return classes[i];
    return NULL;
}

struct change_decoder {
    struct format_decoder base;
    const struct dialect *dialect;
    struct arena arena, scratch; /* the plan; a record's rows */
    struct json_parser *parser;
    struct json_rules rules;
    bool schema_include;
    struct json_object root;
    const struct type **types; /* of the envelope's columns; with schema_include one ROW of them, and the schema */
    uint16_t types_count;
    uint16_t fields_count, *columns; /* of the rows */
    uint16_t metas_count;
    struct change_meta {
        const struct dialect_meta *of;
        uint16_t from, column; /* of the envelope; of the builders */
    } *metas;
    pcre2_code *database, *table; /* of canal; NULL: all */
    pcre2_match_data *match;
    struct chunk_builder builder;
    struct column schema; /* of debezium's root */
    const struct column *envelope; /* of the record that was read last */
    enum action action;
};

/* ---- what a record looks like ---- */

static const struct type *meta_json_type(struct arena *arena, enum meta_form form)
{
    switch (form) {
    case META_MILLIS:
    case META_SECONDS: return type_simple(TYPE_BIGINT);
    case META_TIME: return type_make(arena, TYPE_TIMESTAMP_LTZ, 6, 0);
    case META_TEXTS: return type_list(arena, TYPE_ARRAY, type_simple(TYPE_VARCHAR), NULL);
    case META_INTS: return type_list(arena, TYPE_MAP, type_simple(TYPE_VARCHAR), type_simple(TYPE_INT));
    case META_PAIRS: return type_list(arena, TYPE_MAP, type_simple(TYPE_VARCHAR), type_simple(TYPE_VARCHAR));
    case META_TEXT: break;
    }
    return type_simple(TYPE_VARCHAR);
}

static const struct dialect_meta *meta_named(const struct dialect *dialect, struct bytes key)
{
    for (int i = 0; i < DIALECT_METAS && dialect->metas[i].key; i++)
        if (bytes_is(key, dialect->metas[i].key))
            return &dialect->metas[i];
    return NULL;
}

static const struct type *changes_meta(const struct format_class *class, struct bytes key)
{
    static const struct type text = {.kind = TYPE_VARCHAR, .precision = TYPE_LENGTH_MAX}, number = {.kind = TYPE_INT};
    static const struct type_field ints[] = {{.type = &text}, {.type = &number}},
                                   pairs[] = {{.type = &text}, {.type = &text}};
    static const struct type time = {.kind = TYPE_TIMESTAMP_LTZ, .precision = 3},
                             texts = {.kind = TYPE_ARRAY, .fields_count = 1, .fields = pairs},
                             int_map = {.kind = TYPE_MAP, .fields_count = 2, .fields = ints},
                             pair_map = {.kind = TYPE_MAP, .fields_count = 2, .fields = pairs};
    const struct dialect_meta *meta = meta_named(dialect_named(bytes_str(class->name)), key);

    if (!meta)
        return NULL;
    switch (meta->form) {
    case META_MILLIS:
    case META_SECONDS:
    case META_TIME: return &time;
    case META_TEXTS: return &texts;
    case META_INTS: return &int_map;
    case META_PAIRS: return &pair_map;
    case META_TEXT: break;
    }
    return &text;
}

/* The rows' type; with `named` each field is followed, behind all of them, by whether it is there. */
static const struct type *rows_type(struct arena *arena, const struct schema *schema, bool named)
{
    uint16_t n = schema->count;
    struct type_field *fields = ARENA_ARRAY(arena, struct type_field, 2u * n + 1);

    for (uint16_t i = 0; i < n; i++) {
        fields[i] = schema->fields[i];
        fields[n + i] = (struct type_field){.name = BYTES_LITERAL("?"), .type = type_simple(TYPE_BOOLEAN)};
    }
    return type_copy(arena, type_row(arena, fields, (uint16_t)(named ? 2 * n : n)));
}

/* How a side of the change is read: a row's object, or an array of them. */
static enum status plan_side(struct change_decoder *d, const struct type *rows, uint16_t fields, bool named,
                             struct json_field *out, struct diag *diag)
{
    struct json_object *object = ARENA_NEW(&d->arena, struct json_object);

    TRY(json_plan(&d->arena, rows->fields, fields, NULL, object, diag));
    object->named = named ? fields : 0;
    struct json_value row = {rows, object, NULL};
    out->value = row;
    if (d->dialect->lists) {
        struct json_value *element = ARENA_NEW(&d->arena, struct json_value);
        *element = row;
        out->value = (struct json_value){type_list(&d->arena, TYPE_ARRAY, rows, NULL), NULL, element};
    }
    return ST_OK;
}

static enum status plan_text(struct change_decoder *d, const char *name, const struct type *type, uint16_t column,
                             struct json_field *out, struct diag *diag)
{
    struct type_field field = {.name = bytes_str(name), .type = type};
    struct json_object one;

    TRY(json_plan(&d->arena, &field, 1, NULL, &one, diag));
    *out = one.fields[0];
    out->column = column;
    return ST_OK;
}

/* The members that are read, each to its column of the envelope. The schema of debezium's is the root's. */
static enum status plan_envelope(struct change_decoder *d, const struct format_spec *spec, struct diag *diag)
{
    const struct dialect *dialect = d->dialect;
    bool partial = dialect->partial;
    struct json_field *fields = ARENA_ARRAY(&d->arena, struct json_field, METAS + spec->metas_count + 1u);
    const struct type *after = rows_type(&d->arena, spec->schema, false),
                      *before = rows_type(&d->arena, spec->schema, partial);
    uint16_t n = METAS;

    TRY(plan_side(d, after, spec->schema->count, false, &fields[AFTER], diag));
    TRY(plan_side(d, before, spec->schema->count, partial && spec->schema->count, &fields[BEFORE], diag));
    fields[AFTER].name = bytes_str(dialect->after);
    fields[AFTER].column = AFTER;
    fields[BEFORE].name = bytes_str(dialect->before);
    fields[BEFORE].column = BEFORE;
    TRY(plan_text(d, dialect->op, type_simple(TYPE_VARCHAR), OP, &fields[OP], diag));
    TRY(plan_text(d, "database", type_simple(TYPE_VARCHAR), DATABASE, &fields[DATABASE], diag));
    TRY(plan_text(d, "table", type_simple(TYPE_VARCHAR), TABLE, &fields[TABLE], diag));
    for (uint16_t i = 0; i < spec->metas_count; i++) {
        const struct dialect_meta *meta = meta_named(dialect, spec->metas[i].key);
        CHECK(meta != NULL);
        enum meta_form form = meta->entry ? META_PAIRS : meta->form;
        uint16_t from = DATABASE; /* a member that is read already is not read twice */
        while (from < n && !bytes_is(fields[from].name, meta->field))
            from++;
        if (from == n) {
            TRY(plan_text(d, meta->field, meta_json_type(&d->arena, form), n, &fields[n], diag));
            n++;
        }
        d->metas[i] = (struct change_meta){meta, from, spec->metas[i].column};
    }
    d->metas_count = spec->metas_count;
    d->root = (struct json_object){fields, n, 0};
    d->types = ARENA_ARRAY(&d->arena, const struct type *, n + 1u);
    for (uint16_t i = 0; i < n; i++)
        d->types[i] = fields[i].value.type;
    d->types_count = n;
    return ST_OK;
}

/* {"schema":…,"payload":ENVELOPE}: one more level. */
static enum status plan_payload(struct change_decoder *d, struct diag *diag)
{
    uint16_t n = d->types_count;
    struct type_field *inner = ARENA_ARRAY(&d->arena, struct type_field, n);
    struct json_field *outer = ARENA_ARRAY(&d->arena, struct json_field, 2);
    struct json_object *envelope = ARENA_NEW(&d->arena, struct json_object);

    for (uint16_t i = 0; i < n; i++)
        inner[i] = (struct type_field){.name = d->root.fields[i].name, .type = d->types[i]};
    *envelope = d->root;
    const struct type *row = type_row(&d->arena, inner, n);
    outer[0] = (struct json_field){BYTES_LITERAL("payload"), {row, envelope, NULL}, 0};
    TRY(plan_text(d, "schema", type_simple(TYPE_VARCHAR), 1, &outer[1], diag));
    d->root = (struct json_object){outer, 2, 0};
    d->types[0] = row;
    d->types[1] = type_simple(TYPE_VARCHAR);
    d->types_count = 2;
    return ST_OK;
}

/* ---- opening ---- */

static enum status read_pattern(const struct format_spec *spec, struct bytes key, struct bytes value, pcre2_code **out,
                                struct diag *diag)
{
    int code;
    size_t at;
    PCRE2_UCHAR why[120];

    *out = pcre2_compile(value.ptr, value.len, PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_UTF, &code, &at, NULL);
    if (*out)
        return ST_OK;
    pcre2_get_error_message(code, why, sizeof(why));
    return diag_set(diag, ST_INVALID, DIAG_VALUE, "option '%.*s.%.*s' is no regular expression: %s at %zu",
                    BYTES_FMT(spec->name), BYTES_FMT(key), (const char *)why, at);
}

static enum status read_options(const struct format_spec *spec, const struct dialect *dialect, struct json_options *o,
                                bool *schema_include, struct change_decoder *d, struct diag *diag)
{
    struct bytes key, value;
    uint32_t at = 0;

    *o = json_options_default();
    *schema_include = false;
    while (format_option_next(spec, &at, &key, &value)) {
        bool taken = true;
        if (bytes_is(spec->name, "debezium-json") && bytes_is(key, "schema-include"))
            TRY(format_option_bool(key, value, schema_include, diag));
        else if (dialect->lists && (bytes_is(key, "database.include") || bytes_is(key, "table.include")))
            TRY(d ? read_pattern(spec, key, value, key.ptr[0] == 'd' ? &d->database : &d->table, diag) : ST_OK);
        else
            TRY(json_option_take(spec, key, value, o, &taken, diag));
        if (!taken)
            return format_option_unknown(spec, key, diag);
    }
    return ST_OK;
}

static void decoder_close(struct format_decoder *base)
{
    struct change_decoder *d = (struct change_decoder *)base;

    json_parser_destroy(d->parser);
    pcre2_code_free(d->database);
    pcre2_code_free(d->table);
    pcre2_match_data_free(d->match);
    arena_deinit(&d->scratch);
    arena_deinit(&d->arena);
    free(d);
}

static enum status decoder_open(const struct format_spec *spec, struct format_decoder **out, struct diag *diag)
{
    const struct dialect *dialect = dialect_named(spec->name);
    struct json_options options;
    struct change_decoder *d = xcalloc(1, sizeof(*d));

    d->base.class_ = class_named(spec->name);
    d->dialect = dialect;
    arena_init(&d->arena, ARENA_BUDGET_NONE);
    arena_init(&d->scratch, ENVELOPE_BYTES_MAX);
    d->parser = json_parser_create();
    CHECK(d->parser != NULL);
    CHECK(spec->metas_count <= DIALECT_METAS);
    d->metas = ARENA_ARRAY(&d->arena, struct change_meta, spec->metas_count + 1u);
    d->fields_count = spec->schema->count;
    d->columns = format_columns(spec, d->fields_count, &d->arena);
    enum status st = read_options(spec, dialect, &options, &d->schema_include, d, diag);
    d->rules = options.rules;
    if (d->database || d->table)
        d->match = pcre2_match_data_create(1, NULL);
    if (st == ST_OK)
        st = plan_envelope(d, spec, diag);
    if (st == ST_OK && d->schema_include)
        st = plan_payload(d, diag);
    if (st != ST_OK)
        decoder_close(&d->base);
    else
        *out = &d->base;
    return st;
}

/* ---- reading ---- */

static struct bytes text_of(const struct column *col)
{
    const struct str *s = col->data;
    return column_valid(col, 0) ? bytes_of(s[0].ptr, s[0].len) : BYTES_NONE;
}

static bool among(const char *words, struct bytes word)
{
    struct bytes rest = bytes_str(words ? words : "");

    while (rest.len) {
        size_t end = bytes_find(rest, '|', 0);
        if (bytes_equal(bytes_head(rest, end), word))
            return true;
        rest = bytes_skip(rest, end < rest.len ? end + 1 : end);
    }
    return false;
}

/* How many rows a side has; none where it is null. */
static uint32_t side_rows(const struct change_decoder *d, enum envelope side)
{
    const struct column *col = &d->envelope[side];

    if (!column_valid(col, 0))
        return 0;
    return d->dialect->lists ? col->offsets[1] - col->offsets[0] : 1;
}

/* Its row i. */
static bool side_row_valid(const struct change_decoder *d, enum envelope side, uint32_t i)
{
    const struct column *col = &d->envelope[side];

    return !d->dialect->lists || column_valid(&col->children[0], col->offsets[0] + i);
}

static enum format_result bad(const struct change_decoder *d)
{
    return d->rules.ignore_errors ? FORMAT_SKIP : FORMAT_BAD;
}

static bool has_side(const struct change_decoder *d, enum envelope side, uint32_t count, struct bytes op,
                     struct diag *diag)
{
    const char *name = side == AFTER ? d->dialect->after : d->dialect->before;
    bool has = side_rows(d, side) >= count && count > 0;

    for (uint32_t i = 0; has && i < count; i++)
        has = side_row_valid(d, side, i);
    if (has || (d->dialect->lists && side == AFTER && column_valid(&d->envelope[AFTER], 0) && !count))
        return true;
    diag_set(diag, ST_INVALID, DIAG_VALUE, "field '%s' is missing or null, and %s '%.*s' needs it", name,
             d->dialect->op, BYTES_FMT(bytes_head(op, 40)));
    return false;
}

static bool wanted(const struct change_decoder *d, pcre2_code *pattern, const struct column *col)
{
    struct bytes text = text_of(col);

    return !pattern || pcre2_match(pattern, text.ptr ? text.ptr : (const uint8_t *)"", text.len, 0, 0, d->match, NULL) >= 0;
}

static enum format_result read_action(struct change_decoder *d, uint32_t *count, struct diag *diag)
{
    struct bytes op = text_of(&d->envelope[OP]);
    uint32_t rows = d->dialect->lists ? side_rows(d, AFTER) : 1;
    enum envelope last = AFTER;

    d->action = ACT_INSERT;
    while (d->action < ACTIONS && !(op.ptr && among(d->dialect->words[d->action], op)))
        d->action++;
    if (d->action == ACT_NONE)
        return FORMAT_ROW;
    if (d->action == ACTIONS) {
        diag_set(diag, ST_INVALID, DIAG_VALUE, op.ptr ? "field '%s': '%.*s' is no kind of change" : "field '%s' is missing or null",
                 d->dialect->op, BYTES_FMT(bytes_head(op, 40)));
        return bad(d);
    }
    if (d->action == ACT_DELETE && !d->dialect->partial)
        last = BEFORE;
    if (!has_side(d, last, rows, op, diag) ||
        (d->action == ACT_UPDATE && !has_side(d, BEFORE, rows, op, diag)))
        return bad(d);
    *count = d->action == ACT_UPDATE ? 2 * rows : rows;
    return FORMAT_ROW;
}

static enum format_result changes_read(struct format_decoder *base, struct bytes record, uint32_t *count,
                                       struct diag *diag)
{
    struct change_decoder *d = (struct change_decoder *)base;

    if (!record.len)
        return FORMAT_ROW; /* a tombstone: no change */
    arena_reset(&d->scratch);
    chunk_builder_init(&d->builder, &d->scratch, d->types, d->types_count, 1);
    bool read = json_parse_record(d->parser, &d->root, &d->rules, record, d->builder.cols, diag);
    if (read && chunk_builder_failed(&d->builder)) {
        diag_set(diag, ST_INVALID, DIAG_LIMIT, "the record's rows take more than %d MiB", ENVELOPE_BYTES_MAX >> 20);
        return FORMAT_BAD;
    }
    if (!read)
        return bad(d);
    chunk_builder_row(&d->builder, ROW_INSERT);
    struct chunk chunk = chunk_builder_done(&d->builder);
    d->envelope = chunk.cols;
    if (d->schema_include && !column_valid(&chunk.cols[0], 0)) {
        diag_set(diag, ST_INVALID, DIAG_VALUE, "field 'payload' is missing or null, and 'debezium-json.schema-include' is set");
        return bad(d);
    }
    if (d->schema_include) {
        d->envelope = chunk.cols[0].children;
        d->schema = chunk.cols[1];
    }
    if (!wanted(d, d->database, &d->envelope[DATABASE]) || !wanted(d, d->table, &d->envelope[TABLE]))
        return FORMAT_ROW; /* of a table that is not asked for: no rows */
    return read_action(d, count, diag);
}

/* ---- rows of the record ---- */

/* What is put must outlive the record's own columns. */
static void own_text(struct column_builder *b)
{
    b->own_text = true;
    for (uint16_t i = 0; b->children && i < b->type->fields_count; i++)
        own_text(&b->children[i]);
}

static void put_append(struct column_builder *b, const struct column *from, uint32_t row)
{
    if (!b->own_text)
        own_text(b);
    column_append(b, from, row);
}

/* The value of a key in a map of text. */
static bool map_entry(const struct column *map, const char *key, struct bytes *out)
{
    const struct str *keys = map->children[0].data, *values = map->children[1].data;

    for (uint32_t i = map->offsets[0]; column_valid(map, 0) && i < map->offsets[1]; i++) {
        if (!bytes_is(bytes_of(keys[i].ptr, keys[i].len), key) || !column_valid(&map->children[1], i))
            continue;
        *out = bytes_of(values[i].ptr, values[i].len);
        return true;
    }
    return false;
}

static void put_meta(const struct change_decoder *d, uint16_t i, struct column_builder *b)
{
    const struct dialect_meta *of = d->metas[i].of;
    const struct column *col = &d->envelope[d->metas[i].from];
    struct bytes text;
    int64_t millis;

    if (d->schema_include && strcmp(of->key, "schema") == 0)
        col = &d->schema;
    if (of->entry) {
        bool there = map_entry(col, of->entry, &text);
        if (there && of->form == META_MILLIS && bytes_to_i64(text, &millis) && !__builtin_mul_overflow(millis, 1000, &millis))
            column_put_i64(b, millis);
        else if (there && of->form == META_TEXT)
            column_put_text(b, text);
        else
            column_put_null(b);
    } else if (!column_valid(col, 0)) {
        column_put_null(b);
    } else if (of->form == META_MILLIS || of->form == META_SECONDS) {
        int64_t us;
        if (__builtin_mul_overflow(((const int64_t *)col->data)[0], of->form == META_MILLIS ? 1000 : 1000000, &us))
            column_put_null(b);
        else
            column_put_i64(b, us);
    } else {
        put_append(b, col, 0);
    }
}

static uint8_t changes_put(struct format_decoder *base, uint32_t i, struct column_builder *cols)
{
    static const uint8_t kinds[] = {[ACT_INSERT] = ROW_INSERT, [ACT_DELETE] = ROW_DELETE};
    struct change_decoder *d = (struct change_decoder *)base;
    const struct dialect *dialect = d->dialect;
    bool update = d->action == ACT_UPDATE, old = update && i % 2 == 0;
    enum envelope side = old || (d->action == ACT_DELETE && !dialect->partial) ? BEFORE : AFTER;
    uint32_t at = update ? i / 2 : i, after_at = at;
    const struct column *rows = &d->envelope[side], *after = &d->envelope[AFTER];

    if (dialect->lists) {
        at += rows->offsets[0];
        rows = &rows->children[0];
        after_at += after->offsets[0];
        after = &after->children[0];
    }
    for (uint16_t f = 0; f < d->fields_count; f++) {
        bool named = !old || !dialect->partial ||
                     ((const uint8_t *)rows->children[d->fields_count + f].data)[at];
        if (named)
            put_append(&cols[d->columns[f]], &rows->children[f], at);
        else /* it has not changed */
            put_append(&cols[d->columns[f]], &after->children[f], after_at);
    }
    for (uint16_t m = 0; m < d->metas_count; m++)
        put_meta(d, m, &cols[d->metas[m].column]);
    if (update)
        return old ? ROW_UPDATE_BEFORE : ROW_UPDATE_AFTER;
    return kinds[d->action];
}

/* ---- writing ---- */

struct change_encoder {
    struct format_encoder base;
    const struct dialect *dialect;
    struct json_rows rows;
};

static void encoder_close(struct format_encoder *base)
{
    struct change_encoder *e = (struct change_encoder *)base;

    json_rows_deinit(&e->rows);
    free(e);
}

static enum status encoder_open(const struct format_spec *spec, struct format_encoder **out, struct diag *diag)
{
    const struct dialect *dialect = dialect_named(spec->name);
    struct json_options options;
    bool schema_include;

    TRY(read_options(spec, dialect, &options, &schema_include, NULL, diag));
    if (schema_include)
        return diag_set(diag, ST_INVALID, DIAG_VALUE, "a sink writes no schema: 'debezium-json.schema-include' must be false");
    struct change_encoder *e = xcalloc(1, sizeof(*e));
    e->base.class_ = class_named(spec->name);
    e->dialect = dialect;
    json_rows_init(&e->rows, spec, spec->schema, &options);
    *out = &e->base;
    return ST_OK;
}

static void encode(struct format_encoder *base, const struct chunk *chunk, uint16_t row, struct buf *to)
{
    const struct change_encoder *e = (const struct change_encoder *)base;
    const struct dialect *dialect = e->dialect;
    bool goes = row_kind_retracts(chunk_kind(chunk, row)), two_sides = !dialect->partial;
    bool ignore_nulls = e->rows.ignore_nulls;

    if (!two_sides || ignore_nulls)
        buf_printf(to, "{\"%s\":%s", goes && two_sides ? dialect->before : dialect->after, dialect->lists ? "[" : "");
    else if (goes)
        buf_printf(to, "{\"%s\":", dialect->before);
    else
        buf_printf(to, "{\"%s\":null,\"%s\":", dialect->before, dialect->after);
    json_rows_write(&e->rows, chunk->cols, row, to);
    if (two_sides && goes && !ignore_nulls)
        buf_printf(to, ",\"%s\":null", dialect->after);
    buf_printf(to, "%s,\"%s\":\"%s\"}", dialect->lists ? "]" : "", dialect->op,
               goes ? dialect->deleted : dialect->inserted);
}

#define CHANGES(id, text)                                                                          \
    const struct format_class id = {                                                               \
        .name = text, .decoder_open = decoder_open, .read = changes_read, .put = changes_put,      \
        .meta = changes_meta, .decoder_close = decoder_close, .encoder_open = encoder_open,        \
        .encode = encode, .encoder_close = encoder_close,                                          \
    }
CHANGES(format_debezium, "debezium-json");
CHANGES(format_canal, "canal-json");
CHANGES(format_maxwell, "maxwell-json");
CHANGES(format_ogg, "ogg-json");
