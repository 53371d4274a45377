/* confluent.h: records that begin with the number of the schema they were written by, as Confluent's serializers frame them:
 * a zero byte, the number (4, be), then the record. Shared by the formats whose names end so.
 *
 * The registry is this server's own. What decodes a schema's records (a plan) is made when its number is first met, and
 * kept, at most CONFLUENT_PLANS_MAX of them and about CONFLUENT_PLANS_BYTES_MAX bytes: then all are forgotten.
 *
 * Errors:  what is wrong with a schema is said of each record that has its number.
 * Threads: opening: the log's; the rest one at a time.   Layer: data.
 */
#ifndef QW_DATA_FORMAT_CONFLUENT_H
#define QW_DATA_FORMAT_CONFLUENT_H

#include "data/format/format.h"

enum { CONFLUENT_PLANS_MAX = 256, CONFLUENT_PLANS_BYTES_MAX = 32 << 20 };

struct confluent_options {
    struct bytes url, subject, schema; /* ptr NULL: not given */
};

/* Whether it is one of the options that all such formats have; then it is taken. */
bool confluent_option(struct confluent_options *o, struct bytes key, struct bytes value);
/* The registry can be used so. */
enum status confluent_check(const struct format_spec *spec, const struct confluent_options *o, struct diag *diag) MUST_CHECK;

/* One schema as the decoder reads it; of those with several messages, one of them. */
struct confluent_plan {
    uint32_t id;
    struct bytes part; /* which message, as the format says it */
    struct arena arena;
    const void *plan; /* the format's; NULL: it cannot be read so */
    struct diag diag; /* then: why */
};
/* Into arena; ST_OK, or the diag says why not. */
typedef enum status confluent_plan_fn(void *context, const struct registered_schema *schema, struct bytes part,
                                      struct arena *arena, const void **plan, struct diag *diag);

struct confluent_plans {
    struct format_registry *registry;
    enum registry_type type;
    confluent_plan_fn *make;
    void *context;
    struct confluent_plan **plans;
    size_t bytes;
    uint32_t count, last; /* of plans; the one that was used last */
};

void confluent_plans_open(struct confluent_plans *p, const struct format_spec *spec, enum registry_type type,
                          confluent_plan_fn *make, void *context);
void confluent_plans_close(struct confluent_plans *p);
/* The number of a record's schema; its head is taken off. False: it has none, and the diag says so. */
bool confluent_take_head(struct bytes *record, uint32_t *id, struct diag *diag);
/* The plan of a schema's part; NULL: the diag says why. */
const void *confluent_plan_at(struct confluent_plans *p, uint32_t id, struct bytes part, struct diag *diag);
/* Both, for formats without parts. */
const void *confluent_plan_of(struct confluent_plans *p, struct bytes *record, struct diag *diag);
/* "schema 7: field 'a': …": what is wrong with the record whose plan was asked for last. */
void confluent_within_schema(const struct confluent_plans *p, struct diag *diag);

void confluent_head(struct buf *to, uint32_t id);

#endif
