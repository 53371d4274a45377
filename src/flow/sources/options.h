/* options.h: a source's options: those of its table, overridden by the hints of a scan.
 *
 * Each getter takes a default for an option that is not set and adds what is wrong to the diag; ask
 * options_ok once at the end.   Layer: flow.
 */
#ifndef QW_FLOW_SOURCES_OPTIONS_H
#define QW_FLOW_SOURCES_OPTIONS_H

#include "sql/plan.h"

struct options {
    const struct plan_scan *scan;
    struct diag *diag;
    bool bad;
};

static inline struct options options_of(const struct plan_node *scan, struct diag *diag)
{
    return (struct options){&scan->scan, diag, false};
}

/* ptr NULL: not set. */
struct bytes options_get(const struct options *o, const char *key);
int64_t options_i64(struct options *o, const char *key, int64_t otherwise, int64_t least,
                    int64_t most);
double options_ratio(struct options *o, const char *key, double otherwise); /* 0 .. 1 */
bool options_bool(struct options *o, const char *key, bool otherwise);
int64_t options_bytes(struct options *o, const char *key, int64_t otherwise);    /* "200b", "1 kb" */
int64_t options_duration_us(struct options *o, const char *key, int64_t otherwise);
int64_t options_time_us(struct options *o, const char *key, int64_t otherwise);  /* '2020-01-01 00:00:00' */

/* Refuses options that are neither in `known` (ends in NULL) nor begin with one of those that end in '.'. */
void options_check_known(struct options *o, const char *const *known);

/* A rate: how many of the rows from `position` on may be made by now. *wake_us: when the next may. */
struct pace {
    int64_t rows_per_second; /* 0: no limit */
    int64_t start_us, start_position;
    bool started;
};
int64_t pace_allows(struct pace *pace, int64_t position, int64_t now_us, int64_t *wake_us);

#endif
