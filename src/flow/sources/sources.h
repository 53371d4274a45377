/* sources.h: the classes of sources that make their rows themselves.   Layer: flow. */
#ifndef QW_FLOW_SOURCES_SOURCES_H
#define QW_FLOW_SOURCES_SOURCES_H

#include "flow/source.h"

extern const struct source_class source_nexmark, source_datagen;

#endif
