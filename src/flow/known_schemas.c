/* known_schemas.c: an open hash table of pointers. A slot is set once; a table that is half full is copied into one of twice
 * the size, and kept until the end, as some thread may be reading it. */
#include "flow/known_schemas.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/hash.h"
#include "flow/table_files.h"
#include "store/schemas/schemas.h"

_Static_assert((int)REGISTRY_AVRO == (int)SCHEMA_AVRO && (int)REGISTRY_JSON == (int)SCHEMA_JSON &&
                   (int)REGISTRY_PROTOBUF == (int)SCHEMA_PROTOBUF, "the registry's types are the formats'");

enum { SLOTS_FIRST = 64 };

typedef _Atomic(const struct registered_schema *) known_slot;

struct known_table {
    struct known_table *before; /* smaller ones */
    uint32_t mask, count;
    known_slot slots[];
};

static const struct registered_schema *known_find_in(const struct known_table *t, uint32_t id)
{
    for (uint32_t i = (uint32_t)hash_u64(id) & t->mask;; i = (i + 1) & t->mask) {
        const struct registered_schema *s = atomic_load_explicit(&t->slots[i], memory_order_acquire);
        if (!s || s->id == id)
            return s;
    }
}

static void known_add(struct known_table *t, const struct registered_schema *schema)
{
    uint32_t i = (uint32_t)hash_u64(schema->id) & t->mask;

    while (atomic_load_explicit(&t->slots[i], memory_order_relaxed))
        i = (i + 1) & t->mask;
    atomic_store_explicit(&t->slots[i], schema, memory_order_release);
    t->count++;
}

static struct known_table *known_create(uint32_t slots, struct known_table *before)
{
    struct known_table *t = xcalloc(1, sizeof(*t) + slots * sizeof(known_slot));

    t->before = before;
    t->mask = slots - 1;
    return t;
}

static struct known_table *known_now(const struct known_schemas *known)
{
    return atomic_load_explicit(&known->table, memory_order_acquire);
}

/* ---- publishing ---- */

static void publish(struct known_schemas *known, const struct registered_schema *schema)
{
    struct known_table *t = known_now(known);

    if ((t->count + 1) * 2 > t->mask) {
        struct known_table *more = known_create((t->mask + 1) * 2, t);
        for (uint32_t i = 0; i <= t->mask; i++) {
            const struct registered_schema *s = atomic_load_explicit(&t->slots[i], memory_order_relaxed);
            if (s)
                known_add(more, s);
        }
        t = more;
        known_add(t, schema);
        atomic_store_explicit(&known->table, t, memory_order_release);
        return;
    }
    known_add(t, schema);
}

/* What is referred to was registered before, so this ends. */
static const struct registered_schema *referred(struct known_schemas *known, const struct schema_reference *r)
{
    struct schema_version version = {.id = r->id};
    struct diag passed = {0};

    if (!version.id && schema_version_find(known->log, r->subject, r->version, true, &version, &passed) != SCHEMA_OK)
        return NULL;
    return known_find_in(known_now(known), version.id);
}

static struct registered_schema *copy_of(struct known_schemas *known, uint32_t id, const struct schema_text *text)
{
    size_t names = 0;

    for (uint32_t i = 0; i < text->references_count; i++)
        names += text->references[i].name.len;
    struct registered_schema *s =
        xcalloc(1, sizeof(*s) + text->references_count * sizeof(struct registered_reference) + text->text.len + names);
    struct registered_reference *references = (struct registered_reference *)(s + 1);
    uint8_t *at = (uint8_t *)(references + text->references_count);
    *s = (struct registered_schema){id, text->place, (enum registry_type)text->type, {at, text->text.len},
                                    references, text->references_count};
    memcpy(at, text->text.ptr, text->text.len);
    at += text->text.len;
    for (uint32_t i = 0; i < text->references_count; i++) {
        struct bytes name = text->references[i].name;
        references[i] = (struct registered_reference){{at, name.len}, referred(known, &text->references[i])};
        if (name.len)
            memcpy(at, name.ptr, name.len);
        at += name.len;
    }
    return s;
}

/* Those of one kind alone: with a place, or without. */
static void publish_id(struct known_schemas *known, uint32_t id, bool placed)
{
    struct arena scratch;
    struct schema_text text;

    arena_init(&scratch, ARENA_BUDGET_NONE);
    if (schema_of_id(known->log, id, &scratch, &text, NULL) && (text.place != 0) == placed)
        publish(known, copy_of(known, id, &text));
    arena_deinit(&scratch);
}

static bool publish_unplaced(void *context, uint32_t id)
{
    publish_id(context, id, false);
    return true;
}

uint32_t known_schemas_publish(struct known_schemas *known)
{
    uint32_t count = schema_count(known->log);

    if (!known_now(known)) {
        atomic_store_explicit(&known->table, known_create(SLOTS_FIRST, NULL), memory_order_release);
        schema_ids(known->log, publish_unplaced, known); /* they are the oldest: others may refer to them */
    }
    while (known->places < count) {
        uint32_t id = schema_at_place(known->log, ++known->places);
        if (id)
            publish_id(known, id, true);
    }
    return known->places;
}

const struct registered_schema *known_schemas_find(const struct known_schemas *known, uint32_t id, uint32_t places)
{
    const struct known_table *t = known_now(known);
    const struct registered_schema *s = t ? known_find_in(t, id) : NULL;

    return s && s->place <= places ? s : NULL;
}

/* ---- as formats have it ---- */

static struct known_schemas *of(struct format_registry *registry)
{
    return (struct known_schemas *)registry; /* its first member */
}

static void read_begin(struct format_registry *registry)
{
    known_schemas_publish(of(registry));
}

static const struct registered_schema *find(struct format_registry *registry, uint32_t id)
{
    return known_schemas_find(of(registry), id, UINT32_MAX);
}

static enum status put(struct format_registry *registry, struct bytes subject, enum registry_type type, struct bytes text,
                       uint32_t *id, struct diag *diag)
{
    struct known_schemas *known = of(registry);
    struct schema_register what = {.subject = subject, .schema = {.type = (enum schema_type)type, .text = text},
                                   .now_us = os_wall_us(known->os)};
    struct schema_version version;
    uint64_t lsn;
    struct diag passed = {0};

    /* hidden ones too: a job goes on writing as it began */
    enum schema_error error = schema_version_of(known->log, subject, &what.schema, true, &version, &passed);
    if (error != SCHEMA_OK)
        error = schema_register(known->log, &what, &version, &lsn, diag);
    *id = version.id;
    if (error == SCHEMA_OK)
        return ST_OK;
    diag_hint(diag, "the schema is that of the table's columns, and the subject is '%.*s': its level or mode can be changed "
              "(PUT /config/SUBJECT), or another subject named", BYTES_FMT(bytes_head(subject, 80)));
    return error == SCHEMA_STORE ? ST_NOSPACE : ST_INVALID;
}

static enum status file(struct format_registry *registry, struct bytes table, struct bytes path, struct bytes *out,
                        struct diag *diag)
{
    return table_file(of(registry)->log, table, path, out, diag);
}

/* "host:port" of an URL; nothing where it is none. */
static struct bytes authority_of(struct bytes url)
{
    static const char *const schemes[] = {"http://", "https://"};

    while (url.len && url.ptr[url.len - 1] == '/')
        url.len--;
    for (int i = 0; i < 2; i++)
        if (bytes_is_nocase(bytes_head(url, strlen(schemes[i])), schemes[i]))
            return bytes_skip(url, strlen(schemes[i]));
    return BYTES_NONE;
}

static size_t host_len(struct bytes authority)
{
    size_t len = authority.len;

    while (len && authority.ptr[len - 1] != ':')
        len--;
    return len ? len - 1 : authority.len;
}

static bool is_among(struct bytes host, const char *const *names)
{
    for (; *names; names++)
        if (bytes_is_nocase(host, *names))
            return true;
    return false;
}

/* The same port, and the same host or one that is this machine for a listener that this machine can reach so. */
static bool is_at(struct format_registry *registry, struct bytes url)
{
    static const char *const here[] = {"localhost", "127.0.0.1", "[::1]", NULL};
    static const char *const any[] = {"0.0.0.0", "[::]", "", NULL};
    const struct known_schemas *known = of(registry);
    struct bytes theirs = authority_of(url), ours = known->address ? bytes_str(known->address) : BYTES_NONE;
    struct bytes their_host = bytes_head(theirs, host_len(theirs)), our_host = bytes_head(ours, host_len(ours));

    if (!ours.len || !bytes_equal(bytes_skip(theirs, their_host.len), bytes_skip(ours, our_host.len)))
        return false;
    return bytes_equal(their_host, our_host) ||
           (is_among(their_host, here) && (is_among(our_host, here) || is_among(our_host, any)));
}

void known_schemas_open(struct known_schemas *known, struct os *os, struct log *log, const char *address)
{
    *known = (struct known_schemas){.registry = {read_begin, find, put, file, is_at}, .os = os, .log = log,
                                    .address = address ? xstrdup(address) : NULL};
    atomic_init(&known->table, NULL);
}

void known_schemas_close(struct known_schemas *known)
{
    struct known_table *t = known_now(known), *before;

    for (uint32_t i = 0; t && i <= t->mask; i++)
        free((void *)atomic_load(&t->slots[i])); /* given out as const: readers are gone */
    for (; t; t = before) {
        before = t->before;
        free(t);
    }
    free(known->address);
    *known = (struct known_schemas){0};
}

/* ---- of a tick ---- */

static void tick_read_begin(struct format_registry *registry)
{
    struct tick_schemas *tick = (struct tick_schemas *)registry; /* its first member */

    known_schemas_publish(tick->known);
    tick->reads = true;
}

static const struct registered_schema *tick_find(struct format_registry *registry, uint32_t id)
{
    const struct tick_schemas *tick = (const struct tick_schemas *)registry;

    return known_schemas_find(tick->known, id, tick->places);
}

static enum status tick_put(struct format_registry *registry, struct bytes subject, enum registry_type type,
                            struct bytes text, uint32_t *id, struct diag *diag)
{
    return put(&((struct tick_schemas *)registry)->known->registry, subject, type, text, id, diag);
}

static enum status tick_file(struct format_registry *registry, struct bytes table, struct bytes path, struct bytes *out,
                             struct diag *diag)
{
    return table_file(((struct tick_schemas *)registry)->known->log, table, path, out, diag);
}

static bool tick_is_at(struct format_registry *registry, struct bytes url)
{
    return is_at(&((struct tick_schemas *)registry)->known->registry, url);
}

void tick_schemas_init(struct tick_schemas *tick, struct known_schemas *known)
{
    *tick = (struct tick_schemas){.registry = {tick_read_begin, tick_find, tick_put, tick_file, tick_is_at}, .known = known};
}

uint32_t tick_schemas_publish(struct tick_schemas *tick)
{
    return tick->reads ? known_schemas_publish(tick->known) : 0;
}
