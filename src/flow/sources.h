/* sources.h: the classes of sources there are, one file each.   Layer: flow. */
#ifndef QW_FLOW_SOURCES_H
#define QW_FLOW_SOURCES_H

#include "flow/source.h"

extern const struct source_class source_topic_class;      /* kafka */
extern const struct source_class source_upsert_class;     /* upsert-kafka */
extern const struct source_class source_filesystem_class;
extern const struct source_class source_values_class;     /* VALUES */
extern const struct source_class source_view_class;       /* a materialized table: its history */
extern const struct source_class source_snapshot_class;   /* the same as it stands, for a SELECT */

#endif
