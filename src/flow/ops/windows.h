/* windows.h: which windows a time belongs to.
 *
 * Windows are cut into slices that none of them divides: a row is added to one slice and a window is the
 * sum of its slices.
 *
 *   TUMBLE    slice = window
 *   HOP       slice = greatest common divisor of size and slide
 *   CUMULATE  slice = step (`slide_us`); windows [start of size, each step's end]
 *   SESSION   none: rows decide together (session_window.c); only their times are read here
 *
 * Times are microseconds in the zone of the windows: local time for TIMESTAMP_LTZ, else as it is. So windows
 * begin with the hours and days of that zone, and a day may have 23 or 25 hours.
 * A window fires when the watermark reaches its end less one millisecond (WINDOW_TIME_US), which is
 * its window_time, as in Flink.   Layer: flow.
 */
#ifndef QW_FLOW_OPS_WINDOWS_H
#define QW_FLOW_OPS_WINDOWS_H

#include "flow/op.h"

enum { WINDOW_TIME_US = 1000, WINDOWS_MOST = 10000 };

/* Times beyond are of no calendar (years 1 to 9999 lie within) and belong to no window. */
#define WINDOW_TIME_MOST (INT64_MAX / 4)

struct windows {
    enum window_kind kind;
    enum time_attr time;
    uint16_t column;
    int64_t size, slide, offset, slice;
    bool local;         /* times are TIMESTAMP_LTZ */
    const struct zone *zone; /* of the windows; NULL: UTC, or not local */
};

enum status windows_make(struct windows *out, const struct plan_window *p,
                         const struct plan_node *input, const struct expr_ctx *ctx) MUST_CHECK;

/* The time of each live row, in the windows' zone, by physical row. A NULL is an error. */
enum status windows_times(const struct windows *w, struct op_ctx *ctx, const struct chunk *in,
                          const int64_t **out) MUST_CHECK;

/* window_time: the last moment of a window that ends then (the first of two, as Flink has it). */
static inline int64_t windows_last_time(const struct zone *zone, int64_t end)
{
    return zone_utc(zone, end - WINDOW_TIME_US, ZONE_FIRST);
}

/* Windows whose end, in their zone, is at or before it are closed by a watermark: no clock shows a time of theirs
 * any more. So a window that a clock set back runs through twice is closed by its second end. */
static inline int64_t windows_closed(const struct zone *zone, int64_t watermark_us)
{
    return watermark_us > INT64_MAX / 2 ? INT64_MAX : zone_settled(zone, watermark_us + WINDOW_TIME_US);
}

/* At most so many windows has a row. */
uint16_t windows_most(const struct windows *w);
/* The nth window of a time, the earliest first; false: it has no more. */
bool windows_nth(const struct windows *w, int64_t time, uint16_t nth, int64_t *start, int64_t *end);

/* The start of the slice of a time. */
int64_t windows_slice(const struct windows *w, int64_t time);
/* The first window over a slice whose end is above `after`; false: there is none. */
bool windows_next(const struct windows *w, int64_t slice_start, int64_t after, int64_t *start,
                  int64_t *end);
/* The end of the last window over a slice; false: it lies between the windows. */
bool windows_last(const struct windows *w, int64_t slice_start, int64_t *end);

#endif
