/* confluent.c: see confluent.h. */
#include "data/format/confluent.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/reader.h"

static const char *const type_names[] = {"Avro", "JSON Schema", "Protobuf"};

/* ---- options ---- */

/* How another registry is reached: accepted, as this server's own is reached without. */
static bool is_way(struct bytes key)
{
    static const char *const ways[] = {"ssl.", "basic-auth.", "bearer-auth.", "properties"};

    for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++)
        if (bytes_is(bytes_head(key, strlen(ways[i])), ways[i]))
            return true;
    return false;
}

bool confluent_option(struct confluent_options *o, struct bytes key, struct bytes value)
{
    static const char older[] = "schema-registry."; /* names of Flink's earlier versions */

    if (bytes_is(bytes_head(key, strlen(older)), older))
        key = bytes_skip(key, strlen(older));
    if (bytes_is(key, "url"))
        o->url = value;
    else if (bytes_is(key, "subject"))
        o->subject = value;
    else if (bytes_is(key, "schema"))
        o->schema = value;
    else
        return is_way(key);
    return true;
}

enum status confluent_check(const struct format_spec *spec, const struct confluent_options *o, struct diag *diag)
{
    if (!spec->registry) {
        diag_hint(diag, "it reads and writes topics of this server, with 'connector' = 'kafka' or 'upsert-kafka'");
        return diag_set(diag, ST_UNSUPPORTED, DIAG_UNSUPPORTED,
                        "the format '%.*s' is not built for this connector: it needs the schema registry", BYTES_FMT(spec->name));
    }
    if (!o->url.ptr || spec->registry->is_at(spec->registry, o->url))
        return ST_OK;
    diag_hint(diag, "leave the option out: then the schemas are those of this server's own registry, which others reach at "
              "its HTTP address");
    return diag_set(diag, ST_UNSUPPORTED, DIAG_UNSUPPORTED,
                    "another schema registry is not built yet: '%.*s.url' = '%.*s' is not this server's", BYTES_FMT(spec->name),
                    BYTES_FMT(bytes_head(o->url, 100)));
}

/* ---- plans ---- */

void confluent_plans_open(struct confluent_plans *p, const struct format_spec *spec, enum registry_type type,
                          confluent_plan_fn *make, void *context)
{
    *p = (struct confluent_plans){.registry = spec->registry, .type = type, .make = make, .context = context};
    p->registry->read_begin(p->registry);
}

static void plans_forget(struct confluent_plans *p)
{
    for (uint32_t i = 0; i < p->count; i++) {
        arena_deinit(&p->plans[i]->arena);
        free(p->plans[i]);
    }
    p->count = p->last = 0;
    p->bytes = 0;
}

void confluent_plans_close(struct confluent_plans *p)
{
    plans_forget(p);
    free(p->plans);
}

static struct confluent_plan *plan_add(struct confluent_plans *p, const struct registered_schema *schema,
                                       struct bytes part)
{
    struct confluent_plan *plan = xcalloc(1, sizeof(*plan));

    plan->id = schema->id;
    arena_init(&plan->arena, ARENA_BUDGET_NONE);
    plan->part = arena_copy(&plan->arena, part);
    if (schema->type != p->type)
        diag_set(&plan->diag, ST_INVALID, DIAG_TYPE, "it is of type %s, and the table reads %s", type_names[schema->type],
                 type_names[p->type]);
    else if (p->make(p->context, schema, part, &plan->arena, &plan->plan, &plan->diag) != ST_OK)
        plan->plan = NULL;
    if (p->count == CONFLUENT_PLANS_MAX || p->bytes > CONFLUENT_PLANS_BYTES_MAX)
        plans_forget(p);
    if (!p->plans)
        p->plans = xcalloc(CONFLUENT_PLANS_MAX, sizeof(struct confluent_plan *));
    p->plans[p->count] = plan;
    p->last = p->count++;
    p->bytes += plan->arena.used_bytes;
    return plan;
}

/* NULL: no schema that is known has the number. Such a number is asked for again with its next record: it may be known then. */
static struct confluent_plan *plan_of_id(struct confluent_plans *p, uint32_t id, struct bytes part)
{
    if (p->count && p->plans[p->last]->id == id && bytes_equal(p->plans[p->last]->part, part))
        return p->plans[p->last];
    for (uint32_t i = 0; i < p->count; i++)
        if (p->plans[i]->id == id && bytes_equal(p->plans[i]->part, part))
            return p->plans[p->last = i];
    const struct registered_schema *schema = p->registry->find(p->registry, id);
    return schema ? plan_add(p, schema, part) : NULL;
}

bool confluent_take_head(struct bytes *record, uint32_t *id, struct diag *diag)
{
    struct reader r = reader_of(*record);
    uint8_t magic = reader_u8(&r);

    *id = reader_u32_be(&r);
    if (r.bad || magic != 0) {
        diag_set(diag, ST_INVALID, DIAG_VALUE, "the record does not begin with a zero byte and a schema's number");
        return false;
    }
    *record = reader_rest(&r);
    return true;
}

const void *confluent_plan_at(struct confluent_plans *p, uint32_t id, struct bytes part, struct diag *diag)
{
    struct confluent_plan *plan = plan_of_id(p, id, part);
    if (!plan) {
        diag_set(diag, ST_INVALID, DIAG_NAME, "schema %u is not in the registry", id);
        return NULL;
    }
    if (plan->plan)
        return plan->plan;
    if (diag)
        *diag = plan->diag;
    confluent_within_schema(p, diag);
    return NULL;
}

const void *confluent_plan_of(struct confluent_plans *p, struct bytes *record, struct diag *diag)
{
    uint32_t id;

    return confluent_take_head(record, &id, diag) ? confluent_plan_at(p, id, BYTES_NONE, diag) : NULL;
}

void confluent_within_schema(const struct confluent_plans *p, struct diag *diag)
{
    char message[sizeof(diag->message)];

    if (!diag || diag->code == DIAG_NONE)
        return;
    memcpy(message, diag->message, sizeof(message));
    snprintf(diag->message, sizeof(diag->message), "schema %u: %.370s", p->plans[p->last]->id, message);
}

void confluent_head(struct buf *to, uint32_t id)
{
    buf_u8(to, 0);
    buf_u32_be(to, id);
}
