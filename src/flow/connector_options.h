/* connector_options.h: which WITH options a connector takes, and which values. An option that is
 * misspelt, or that a connector of this name has elsewhere and not here, must not be passed over in silence.
 *
 * Options of a record's format are the format's own business (data/format/).       Layer: flow.
 */
#ifndef QW_FLOW_CONNECTOR_OPTIONS_H
#define QW_FLOW_CONNECTOR_OPTIONS_H

#include "flow/with.h"

/* ST_INVALID, with what would be right, for the first option that is wrong. Of connectors that check their
 * options themselves (datagen, nexmark) and of unknown ones nothing is said. */
enum status connector_options_check(const struct with *with, struct diag *diag) MUST_CHECK;

/* Entry i of the table, for the docs; false past the end. */
struct connector_option_info {
    const char *connectors, *key, *values, *help;
};
bool connector_option_info(unsigned i, struct connector_option_info *out);

#endif
