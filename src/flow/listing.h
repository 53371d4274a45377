/* listing.h: the answers that are lists: SHOW, DESCRIBE, SET, EXPLAIN.   Layer: flow. */
#ifndef QW_FLOW_LISTING_H
#define QW_FLOW_LISTING_H

#include "flow/inner.h"

/* One column of text, a row a line. */
void listing_text(struct engine_result *out, const char *column, const char *text);
void listing_settings(const struct settings *settings, struct engine_result *out);
enum status listing_describe(struct statement_call *call, struct engine_result *out,
                             struct diag *diag);
enum status listing_show(struct statement_call *call, struct engine_result *out,
                         struct diag *diag);

#endif
