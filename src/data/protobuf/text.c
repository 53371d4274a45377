/* text.c: see text.h. A descent, one function a rule; types are names until the set is linked. */
#include "data/protobuf/text.h"

#include <stdlib.h>

#include "base/base64.h"
#include "base/buf.h"
#include "base/check.h"
#include "data/protobuf/lex.h"

enum { IMPORTS_MAX = 200, IMPORT_DEPTH_MAX = 16 };

struct imports {
    struct bytes paths[IMPORTS_MAX];
    uint32_t count, depth;
    proto_import_fn *fn;
    void *context;
};

struct parse {
    struct proto_set *set;
    struct imports *imports;
    struct proto_lex lex;
    struct bytes package;
    bool proto3;
    uint32_t depth;
    struct diag *diag;
    enum status st;
};

/* Fields of a message while they are parsed. */
struct fields {
    struct proto_field *items;
    uint32_t count, cap;
};

static bool fail(struct parse *p, const char *wanted)
{
    struct bytes at = bytes_head(p->lex.at, 40);

    if (p->st == ST_OK)
        p->st = diag_set(p->diag, ST_INVALID, DIAG_SYNTAX, "the .proto text, line %u: %s was expected, not '%.*s'", p->lex.line,
                         wanted, BYTES_FMT(at));
    return false;
}

static bool spend(struct parse *p)
{
    if (++p->set->parts <= PROTO_PARTS_MAX)
        return true;
    if (p->st == ST_OK)
        p->st = diag_set(p->diag, ST_NOSPACE, DIAG_LIMIT, "the .proto text has more than %d messages, fields, enums and values",
                         PROTO_PARTS_MAX);
    return false;
}

/* ---- words ---- */

static bool is_word(const struct parse *p, const char *word)
{
    return (p->lex.word == PROTO_NAME || p->lex.word == PROTO_SIGN) && bytes_is(p->lex.at, word);
}

static bool take(struct parse *p, const char *word)
{
    bool is = is_word(p, word);

    if (is)
        proto_lex_next(&p->lex);
    return is;
}

static bool want(struct parse *p, const char *word)
{
    return take(p, word) || fail(p, word);
}

static bool want_name(struct parse *p, struct bytes *out)
{
    if (p->lex.word != PROTO_NAME)
        return fail(p, "a name");
    *out = arena_copy(p->set->arena, p->lex.at);
    proto_lex_next(&p->lex);
    return true;
}

static bool want_number(struct parse *p, int64_t *out)
{
    bool minus = take(p, "-");
    char text[40], *end;

    if (p->lex.word != PROTO_NUMBER || p->lex.at.len >= sizeof(text))
        return fail(p, "a whole number");
    memcpy(text, p->lex.at.ptr, p->lex.at.len);
    text[p->lex.at.len] = 0;
    long long n = strtoll(text, &end, 0);
    if (*end)
        return fail(p, "a whole number");
    *out = minus ? -n : n;
    proto_lex_next(&p->lex);
    return true;
}

/* Texts behind each other are one; escapes stay as they are. */
static bool want_quoted(struct parse *p, struct bytes *out)
{
    struct buf text;

    if (p->lex.word != PROTO_QUOTED)
        return fail(p, "a text in quotes");
    buf_init(&text, 0);
    for (; p->lex.word == PROTO_QUOTED; proto_lex_next(&p->lex))
        buf_append(&text, p->lex.at.ptr + 1, p->lex.at.len - 2);
    *out = arena_copy(p->set->arena, text.len ? buf_view(&text) : BYTES_LITERAL(""));
    buf_deinit(&text);
    return true;
}

/* To the sign that closes the one that stands here, all in between, nested ones too. */
static bool skip_braces(struct parse *p)
{
    uint32_t depth = 0;

    do {
        if (is_word(p, "{") || is_word(p, "[") || is_word(p, "("))
            depth++;
        else if (is_word(p, "}") || is_word(p, "]") || is_word(p, ")"))
            depth--;
        else if (p->lex.word == PROTO_END || p->lex.word == PROTO_WRONG)
            return fail(p, "a closing brace");
        proto_lex_next(&p->lex);
    } while (depth);
    return true;
}

/* To the ';' behind a statement that is passed over. */
static bool skip_statement(struct parse *p)
{
    while (!is_word(p, ";")) {
        if (p->lex.word == PROTO_END || p->lex.word == PROTO_WRONG || is_word(p, "}"))
            return fail(p, ";");
        if (is_word(p, "{") || is_word(p, "[")) {
            if (!skip_braces(p))
                return false;
            continue;
        }
        proto_lex_next(&p->lex);
    }
    proto_lex_next(&p->lex);
    return true;
}

static struct bytes joined(struct parse *p, struct bytes scope, struct bytes name)
{
    return scope.len ? bytes_str(arena_printf(p->set->arena, "%.*s.%.*s", BYTES_FMT(scope), BYTES_FMT(name))) : name;
}

/* ---- enums ---- */

/* enum -> 'enum' name '{' { name '=' number [ options ] ';' | option | reserved } '}' */
static bool parse_enum(struct parse *p, struct bytes scope)
{
    struct bytes name = BYTES_NONE;
    int64_t number = 0;
    uint32_t cap = 0;

    if (!spend(p) || !want_name(p, &name) || !want(p, "{"))
        return false;
    struct proto_enum *e = proto_enum_add(p->set, joined(p, scope, name));
    e->closed = !p->proto3;
    while (!take(p, "}")) {
        if (take(p, ";"))
            continue;
        if (is_word(p, "option") || is_word(p, "reserved")) {
            if (!skip_statement(p))
                return false;
            continue;
        }
        if (!spend(p) || !want_name(p, &name) || !want(p, "=") || !want_number(p, &number))
            return false;
        if (e->count == cap) {
            cap = cap ? cap * 2 : 8;
            struct proto_value *more = ARENA_ARRAY(p->set->arena, struct proto_value, cap);
            if (e->count)
                memcpy(more, e->values, e->count * sizeof(*more));
            e->values = more;
        }
        e->values[e->count++] = (struct proto_value){name, (int32_t)number};
        if ((is_word(p, "[") && !skip_braces(p)) || !want(p, ";"))
            return false;
    }
    return true;
}

/* ---- fields ---- */

static enum proto_type scalar_named(struct bytes name)
{
    for (int t = 1; t < PROTO_TYPES; t++)
        if (t != PROTO_GROUP && t != PROTO_MESSAGE && t != PROTO_ENUM && bytes_is(name, proto_type_text((enum proto_type)t)))
            return (enum proto_type)t;
    return 0;
}

static void type_field(struct proto_field *f, struct bytes name)
{
    f->type = scalar_named(name);
    f->type_name = name;
}

/* A constant: a number, a name, a text. */
static bool parse_default(struct parse *p, struct bytes *out)
{
    bool minus = take(p, "-");

    if (p->lex.word == PROTO_QUOTED)
        return want_quoted(p, out);
    if (p->lex.word != PROTO_NAME && p->lex.word != PROTO_NUMBER)
        return fail(p, "a default");
    *out = minus ? bytes_str(arena_printf(p->set->arena, "-%.*s", BYTES_FMT(p->lex.at))) : arena_copy(p->set->arena, p->lex.at);
    proto_lex_next(&p->lex);
    return true;
}

/* options -> '[' name '=' constant { ',' … } ']' : all but default and packed are passed over */
static bool parse_options(struct parse *p, struct proto_field *f)
{
    if (!take(p, "["))
        return true;
    for (;;) {
        if (is_word(p, "default") || is_word(p, "packed")) {
            bool packed = is_word(p, "packed");
            struct bytes value = BYTES_NONE;
            proto_lex_next(&p->lex);
            if (!want(p, "=") || !parse_default(p, &value))
                return false;
            if (packed)
                f->packed = bytes_is(value, "true");
            else /* bytes keep their escapes, as in descriptors */
                f->otherwise = f->type == PROTO_STRING ? proto_unescape(p->set->arena, value) : value;
        }
        while (!is_word(p, ",") && !is_word(p, "]")) {
            if (p->lex.word == PROTO_END || p->lex.word == PROTO_WRONG)
                return fail(p, "]");
            if (is_word(p, "{") || is_word(p, "(") || is_word(p, "[")) {
                if (!skip_braces(p))
                    return false;
                continue;
            }
            proto_lex_next(&p->lex);
        }
        if (take(p, "]"))
            return true;
        proto_lex_next(&p->lex);
    }
}

static struct proto_field *field_add(struct parse *p, struct fields *fields)
{
    if (!spend(p))
        return NULL;
    if (fields->count == fields->cap) {
        fields->cap = fields->cap ? fields->cap * 2 : 8;
        struct proto_field *more = ARENA_ARRAY(p->set->arena, struct proto_field, fields->cap);
        if (fields->count)
            memcpy(more, fields->items, fields->count * sizeof(*more));
        fields->items = more;
    }
    struct proto_field *f = &fields->items[fields->count++];
    *f = (struct proto_field){.label = PROTO_OPTIONAL, .oneof = -1, .packed = p->proto3};
    return f;
}

static bool parse_number(struct parse *p, struct proto_field *f)
{
    int64_t number;

    if (!want(p, "=") || !want_number(p, &number))
        return false;
    f->number = number > 0 && number <= PROTO_NUMBER_MAX ? (uint32_t)number : 0;
    return parse_options(p, f);
}

/* "order_lines" is "OrderLinesEntry" */
static struct bytes entry_name(struct parse *p, struct bytes name)
{
    uint8_t *text = arena_alloc(p->set->arena, name.len + 6);
    size_t n = 0;
    bool upper = true;

    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.ptr[i];
        if (c != '_')
            text[n++] = upper && c >= 'a' && c <= 'z' ? (uint8_t)(c - 32) : c;
        upper = c == '_';
    }
    memcpy(text + n, "Entry", 5);
    return bytes_of(text, n + 5);
}

/* map -> 'map' '<' type ',' type '>' name '=' number [ options ] ';' : a list of messages with a key and a value */
static bool parse_map(struct parse *p, struct proto_message *m, struct fields *fields)
{
    struct bytes key = BYTES_NONE, value = BYTES_NONE, name = BYTES_NONE;
    struct proto_field *f = field_add(p, fields);

    if (!f || !want(p, "<") || !want_name(p, &key) || !want(p, ",") || !want_name(p, &value) || !want(p, ">") ||
        !want_name(p, &name))
        return false;
    struct proto_message *entry = proto_message_add(p->set, joined(p, m->name, entry_name(p, name)), m);
    entry->map_entry = true;
    entry->proto3 = p->proto3;
    struct fields two = {0};
    for (int i = 0; i < 2; i++) {
        struct proto_field *part = field_add(p, &two);
        if (!part)
            return false;
        part->name = i ? BYTES_LITERAL("value") : BYTES_LITERAL("key");
        part->number = (uint32_t)i + 1;
        part->presence = !p->proto3;
        type_field(part, i ? value : key);
    }
    entry->fields = two.items;
    entry->count = two.count;
    f->name = name;
    f->label = PROTO_REPEATED;
    f->type = PROTO_MESSAGE;
    f->type_name = entry->name;
    return parse_number(p, f) && want(p, ";");
}

static bool parse_message_body(struct parse *p, struct proto_message *m);

/* group -> 'group' Name '=' number [ options ] '{' … '}' : a message, and a field of its name in small letters */
static bool parse_group(struct parse *p, struct proto_message *m, struct fields *fields, enum proto_label label, int32_t oneof)
{
    struct bytes name = BYTES_NONE;
    struct proto_field *f = field_add(p, fields);

    if (!f || !want_name(p, &name) || !parse_number(p, f))
        return false;
    uint8_t *small = arena_alloc(p->set->arena, name.len + 1);
    for (size_t i = 0; i < name.len; i++)
        small[i] = name.ptr[i] >= 'A' && name.ptr[i] <= 'Z' ? (uint8_t)(name.ptr[i] + 32) : name.ptr[i];
    f->name = bytes_of(small, name.len);
    f->label = label;
    f->oneof = oneof;
    f->type = PROTO_GROUP;
    f->presence = label != PROTO_REPEATED;
    struct proto_message *inner = proto_message_add(p->set, joined(p, m->name, name), m);
    inner->group = true;
    inner->package = p->package;
    f->type_name = inner->name;
    return parse_message_body(p, inner);
}

/* field -> [ label ] type name '=' number [ options ] ';' */
static bool parse_field(struct parse *p, struct proto_message *m, struct fields *fields, int32_t oneof)
{
    enum proto_label label = take(p, "repeated")   ? PROTO_REPEATED
                             : take(p, "required") ? PROTO_REQUIRED
                                                   : PROTO_OPTIONAL;
    bool optional = label == PROTO_OPTIONAL && oneof < 0 && take(p, "optional");
    struct bytes type = BYTES_NONE;

    if (!want_name(p, &type))
        return false;
    if (bytes_is(type, "map") && is_word(p, "<"))
        return parse_map(p, m, fields);
    if (bytes_is(type, "group"))
        return parse_group(p, m, fields, label, oneof);
    struct proto_field *f = field_add(p, fields);
    if (!f)
        return false;
    type_field(f, type);
    f->label = label;
    f->oneof = oneof;
    f->presence = label != PROTO_REPEATED && (!p->proto3 || optional || oneof >= 0);
    return want_name(p, &f->name) && parse_number(p, f) && want(p, ";");
}

/* ---- messages ---- */

static bool parse_message(struct parse *p, struct bytes scope, struct proto_message *outer);

/* oneof -> 'oneof' name '{' { field | option } '}' */
static bool parse_oneof(struct parse *p, struct proto_message *m, struct fields *fields, uint32_t *cap)
{
    struct bytes name = BYTES_NONE;

    if (!spend(p) || !want_name(p, &name) || !want(p, "{"))
        return false;
    if (m->oneofs_count == *cap) {
        *cap = *cap ? *cap * 2 : 4;
        struct bytes *more = ARENA_ARRAY(p->set->arena, struct bytes, *cap);
        if (m->oneofs_count)
            memcpy(more, m->oneofs, m->oneofs_count * sizeof(*more));
        m->oneofs = more;
    }
    m->oneofs[m->oneofs_count++] = name;
    while (!take(p, "}"))
        if (is_word(p, "option") ? !skip_statement(p)
                                 : !take(p, ";") && !parse_field(p, m, fields, (int32_t)m->oneofs_count - 1))
            return false;
    return true;
}

static bool is_passed_over(const struct parse *p)
{
    return is_word(p, "option") || is_word(p, "reserved") || is_word(p, "extensions");
}

static bool parse_member(struct parse *p, struct proto_message *m, struct fields *fields, uint32_t *oneofs_cap)
{
    if (take(p, ";"))
        return true;
    if (is_passed_over(p))
        return skip_statement(p);
    if (take(p, "message"))
        return parse_message(p, m->name, m);
    if (take(p, "enum"))
        return parse_enum(p, m->name);
    if (take(p, "oneof"))
        return parse_oneof(p, m, fields, oneofs_cap);
    if (take(p, "extend")) {
        struct bytes ignored;
        return want_name(p, &ignored) && (is_word(p, "{") ? skip_braces(p) : fail(p, "{"));
    }
    return parse_field(p, m, fields, -1);
}

static bool parse_message_body(struct parse *p, struct proto_message *m)
{
    struct fields fields = {0};
    uint32_t oneofs_cap = 0;
    bool ok = want(p, "{");

    if (p->depth == PROTO_DEPTH_MAX)
        return fail(p, "no message in so many others");
    p->depth++;
    m->proto3 = p->proto3;
    while (ok && !take(p, "}"))
        ok = parse_member(p, m, &fields, &oneofs_cap);
    p->depth--;
    m->fields = fields.items;
    m->count = fields.count;
    return ok;
}

static bool parse_message(struct parse *p, struct bytes scope, struct proto_message *outer)
{
    struct bytes name = BYTES_NONE;

    if (!spend(p) || !want_name(p, &name))
        return false;
    struct proto_message *m = proto_message_add(p->set, joined(p, scope, name), outer);
    m->package = p->package;
    return parse_message_body(p, m);
}

/* ---- files ---- */

static const struct {
    const char *path, *text;
} common[] = {
    {"google/protobuf/timestamp.proto",
     "syntax=\"proto3\";package google.protobuf;message Timestamp{int64 seconds=1;int32 nanos=2;}"},
    {"google/protobuf/duration.proto",
     "syntax=\"proto3\";package google.protobuf;message Duration{int64 seconds=1;int32 nanos=2;}"},
    {"google/protobuf/any.proto", "syntax=\"proto3\";package google.protobuf;message Any{string type_url=1;bytes value=2;}"},
    {"google/protobuf/empty.proto", "syntax=\"proto3\";package google.protobuf;message Empty{}"},
    {"google/protobuf/field_mask.proto",
     "syntax=\"proto3\";package google.protobuf;message FieldMask{repeated string paths=1;}"},
    {"google/protobuf/wrappers.proto",
     "syntax=\"proto3\";package google.protobuf;message DoubleValue{double value=1;}message FloatValue{float value=1;}"
     "message Int64Value{int64 value=1;}message UInt64Value{uint64 value=1;}message Int32Value{int32 value=1;}"
     "message UInt32Value{uint32 value=1;}message BoolValue{bool value=1;}message StringValue{string value=1;}"
     "message BytesValue{bytes value=1;}"},
    {"google/protobuf/struct.proto",
     "syntax=\"proto3\";package google.protobuf;message Struct{map<string,Value> fields=1;}message Value{oneof kind{"
     "NullValue null_value=1;double number_value=2;string string_value=3;bool bool_value=4;Struct struct_value=5;"
     "ListValue list_value=6;}}enum NullValue{NULL_VALUE=0;}message ListValue{repeated Value values=1;}"},
    {"google/protobuf/descriptor.proto", "syntax=\"proto2\";package google.protobuf;"},
    {"confluent/meta.proto", "syntax=\"proto3\";package confluent;"},
    {"confluent/type/decimal.proto",
     "syntax=\"proto3\";package confluent.type;message Decimal{bytes value=1;uint32 precision=2;int32 scale=3;}"},
};

static bool import_text(struct parse *p, struct bytes path, struct bytes *text)
{
    if (p->imports->fn && p->imports->fn(p->imports->context, path, text))
        return true;
    for (size_t i = 0; i < sizeof(common) / sizeof(*common); i++)
        if (bytes_is(path, common[i].path)) {
            *text = bytes_str(common[i].text);
            return true;
        }
    return false;
}

static bool read_file(struct parse *p, struct bytes text);

/* What a file imports, once. */
static bool import_path(struct parse *p, struct bytes path)
{
    struct imports *in = p->imports;
    struct bytes text = BYTES_NONE;

    if (!p->set->file && p->set->imports_count < IMPORTS_MAX) {
        if (!p->set->imports)
            p->set->imports = ARENA_ARRAY(p->set->arena, struct bytes, IMPORTS_MAX);
        p->set->imports[p->set->imports_count++] = path;
    }
    for (uint32_t i = 0; i < in->count; i++)
        if (bytes_equal(in->paths[i], path))
            return true;
    if (in->count == IMPORTS_MAX || in->depth == IMPORT_DEPTH_MAX || !import_text(p, path, &text)) {
        p->st = diag_set(p->diag, ST_INVALID, DIAG_NAME, "the .proto text imports '%.*s', which %s",
                         BYTES_FMT(bytes_head(path, 100)),
                         in->count == IMPORTS_MAX || in->depth == IMPORT_DEPTH_MAX ? "is one too many" : "is not there");
        return false;
    }
    in->paths[in->count++] = path;
    in->depth++;
    struct parse other = {.set = p->set, .imports = in, .diag = p->diag};
    uint32_t file = p->set->file;
    p->set->file = ++p->set->files;
    bool ok = read_file(&other, text);
    p->set->file = file;
    p->st = other.st;
    in->depth--;
    return ok;
}

static bool parse_import(struct parse *p)
{
    struct bytes path = BYTES_NONE;
    bool ignored = take(p, "public") || take(p, "weak");

    (void)ignored;
    return want_quoted(p, &path) && want(p, ";") && import_path(p, path);
}

/* syntax -> 'syntax' '=' text ';' */
static bool parse_syntax(struct parse *p)
{
    struct bytes syntax = BYTES_NONE;

    if (!want(p, "=") || !want_quoted(p, &syntax))
        return false;
    p->proto3 = bytes_is(syntax, "proto3");
    if (!p->proto3 && !bytes_is(syntax, "proto2"))
        return fail(p, "proto2 or proto3");
    return want(p, ";");
}

static bool parse_part(struct parse *p)
{
    struct bytes ignored;

    if (take(p, ";"))
        return true;
    if (take(p, "syntax"))
        return parse_syntax(p);
    if (is_word(p, "edition")) {
        p->st = diag_set(p->diag, ST_UNSUPPORTED, DIAG_UNSUPPORTED, "Protobuf's editions are not built yet: proto2 and proto3 are");
        return false;
    }
    if (take(p, "import"))
        return parse_import(p);
    if (take(p, "package"))
        return want_name(p, &p->package) && want(p, ";");
    if (is_word(p, "option"))
        return skip_statement(p);
    if (take(p, "message"))
        return parse_message(p, p->package, NULL);
    if (take(p, "enum"))
        return parse_enum(p, p->package);
    if (take(p, "service") || take(p, "extend"))
        return want_name(p, &ignored) && (is_word(p, "{") ? skip_braces(p) : fail(p, "{"));
    return fail(p, "message, enum, import, package, option or service");
}

static bool parse_file(struct parse *p)
{
    bool ok = true;

    while (ok && p->lex.word != PROTO_END)
        ok = parse_part(p);
    return ok;
}

/* A file's descriptor in base64, as some clients register. False: it is none. */
static bool is_descriptor(const struct parse *p, struct bytes text, struct bytes *out)
{
    struct buf file;

    buf_init(&file, 0);
    bool is = text.len && base64_decode(&file, text);
    if (is)
        *out = arena_copy(p->set->arena, buf_view(&file));
    buf_deinit(&file);
    return is;
}

static bool read_descriptor(struct parse *p, struct bytes file)
{
    struct bytes path;

    for (uint32_t i = 0; proto_descriptor_import(file, i, &path); i++)
        if (!import_path(p, arena_copy(p->set->arena, path)))
            return false;
    p->st = proto_descriptor(p->set, file, &p->package, p->diag);
    return p->st == ST_OK;
}

static bool read_file(struct parse *p, struct bytes text)
{
    struct bytes descriptor;

    if (is_descriptor(p, text, &descriptor))
        return read_descriptor(p, descriptor);
    p->lex = proto_lex_of(text);
    return parse_file(p);
}

enum status proto_text(struct proto_set *set, struct bytes text, proto_import_fn *import, void *context, struct diag *diag)
{
    struct imports imports = {.fn = import, .context = context};
    struct parse p = {.set = set, .imports = &imports, .diag = diag};

    struct bytes ignored;
    set->described = is_descriptor(&p, text, &ignored);
    if (!read_file(&p, text))
        return p.st;
    set->package = p.package;
    set->proto3 = p.proto3;
    return proto_link(set, diag);
}

/* Base64 has none of the signs that statements end with, and may have what looks like a comment. */
static bool is_text(struct bytes text)
{
    return bytes_find(text, ';', 0) < text.len || bytes_find(text, '{', 0) < text.len;
}

void proto_words(struct bytes text, struct buf *out)
{
    struct proto_lex lex = proto_lex_of(text);
    size_t begin = out->len;

    for (; is_text(text) && lex.word != PROTO_END && lex.word != PROTO_WRONG; proto_lex_next(&lex)) {
        if (out->len > begin)
            buf_u8(out, ' ');
        buf_bytes(out, lex.at);
    }
    if (is_text(text) && lex.word == PROTO_END)
        return;
    out->len = begin;
    buf_bytes(out, text);
}
