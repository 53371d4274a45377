/* sources.c: which sources there are. */
#include "flow/sources.h"

#include "flow/connector_options.h"
#include "flow/graph.h"
#include "flow/sources/sources.h"
#include "flow/with.h"

static const struct source_class *const classes[] = {
    &source_topic_class,
    &source_upsert_class,
    &source_filesystem_class,
    &source_nexmark,
    &source_datagen,
};

const struct source_class *source_class_of(struct bytes connector, struct diag *diag)
{
    for (size_t i = 0; i < sizeof(classes) / sizeof(*classes); i++)
        if (bytes_is(connector, classes[i]->connector))
            return classes[i];
    diag_set(diag, ST_UNSUPPORTED, DIAG_UNSUPPORTED, "there is no source with connector '%.*s'",
             BYTES_FMT(connector));
    diag_hint(diag, "there are kafka, upsert-kafka, filesystem, nexmark and datagen");
    return NULL;
}

const struct source_class *source_class_for(const struct plan_node *node, struct diag *diag)
{
    if (node->kind == PLAN_VALUES)
        return &source_values_class;
    struct with with = with_scan(&node->scan);
    if (node->scan.table->kind == TABLE_MATERIALIZED)
        return with_is(&with, "snapshot", "true") ? &source_snapshot_class : &source_view_class;
    if (connector_options_check(&with, diag) != ST_OK)
        return NULL;
    return source_class_of(with_get(&with, "connector", ""), diag);
}

const struct origin *source_origins(const struct plan_node *scan, struct arena *arena, uint32_t split,
                                    int64_t position, uint16_t count)
{
    if (!scan->origins)
        return NULL;
    struct origin *origins = ARENA_ARRAY(arena, struct origin, count + 1u);
    for (uint16_t i = 0; i < count; i++)
        origins[i] = origin_of(scan->id, split, position + i);
    return origins;
}
