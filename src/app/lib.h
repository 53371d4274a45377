/* lib.h: what the files of the library's face share.       Layer: app. */
#ifndef QW_APP_LIB_H
#define QW_APP_LIB_H

#include "app/instance.h"
#include "quickwater.h"

struct push_queue;

/* What the host hears. */
struct lib_host {
    void (*on_failure)(void *context, const char *what, const char *file, int line);
    void (*on_print)(void *context, const char *text, size_t len);
    void *context; /* of both */
};

struct qw {
    struct instance *instance;
    struct push_queue *pushes;
    struct lib_host host;
};

/* qw_open with all that a server can be told; the options' print is the library's. */
int lib_open(const struct server_options *options, const struct lib_host *host, qw **out, qw_error *error);

/* Fills error (may be NULL) and gives its code; QW_OK for ST_OK. */
int lib_error(const qw *q, enum status st, const struct diag *diag, qw_error *error);

/* A record on its way to a topic; views. key.ptr NULL: none. */
struct lib_record {
    const char *topic;
    struct bytes key, value;
    int64_t timestamp_ms; /* LIB_NO_TIME: that of its coming */
};
#define LIB_NO_TIME INT64_MIN
int lib_push(qw *q, const struct lib_record *record, qw_pushed_fn *done, void *context, qw_error *error);

void lib_push_init(qw *q);
void lib_push_poison(qw *q); /* lets waiters go; later pushes are refused */
void lib_push_deinit(qw *q); /* after the instance is closed */

#endif
