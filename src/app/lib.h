/* lib.h: what the files of the library's face share.       Layer: app. */
#ifndef QW_APP_LIB_H
#define QW_APP_LIB_H

#include "app/instance.h"
#include "quickwater.h"

struct push_queue;

struct qw {
    struct instance *instance;
    struct push_queue *pushes;
    void (*on_failure)(void *context, const char *what, const char *file, int line);
    void (*on_print)(void *context, const char *text, size_t len);
    void *context; /* the host's, of both */
};

/* Fills error (may be NULL) and gives its code; QW_OK for ST_OK. */
int lib_error(const qw *q, enum status st, const struct diag *diag, qw_error *error);

void lib_push_init(qw *q);
void lib_push_poison(qw *q); /* lets waiters go; later pushes are refused */
void lib_push_deinit(qw *q); /* after the instance is closed */

#endif
