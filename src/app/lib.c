/* The library's face: opening, closing, errors. SQL is in lib_sql.c, rows in lib_push.c, changes in
 * lib_subscribe.c. */
#include "app/lib.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/version.h"
#include "base/check.h"

static int code_of(enum status st)
{
    switch (st) {
    case ST_OK: return QW_OK;
    case ST_UNSUPPORTED: return QW_E_UNSUPPORTED;
    case ST_NOTFOUND: return QW_E_NOT_FOUND;
    case ST_NOSPACE:
    case ST_AGAIN: return QW_E_LIMIT;
    case ST_IO:
    case ST_CORRUPT: return QW_E_IO;
    case ST_CLOSED: return QW_E_CLOSED;
    default: return QW_E_INVALID;
    }
}

int lib_error(const qw *q, enum status st, const struct diag *diag, qw_error *error)
{
    int code = code_of(st);

    if (q && code == QW_E_CLOSED && instance_poisoned(q->instance))
        code = QW_E_POISONED;
    if (!error || code == QW_OK)
        return code;
    memset(error, 0, sizeof(*error));
    error->code = code;
    snprintf(error->message, sizeof(error->message), "%s",
             diag && diag->code != DIAG_NONE ? diag->message
             : code == QW_E_POISONED         ? "an internal check of this instance failed before"
                                             : status_text(st));
    if (diag) {
        error->line = diag->line;
        error->column = diag->column;
        snprintf(error->near_text, sizeof(error->near_text), "%s", diag->near);
        snprintf(error->hint, sizeof(error->hint), "%s", diag->hint);
    }
    return code;
}

const char *qw_version(void)
{
    return version_number();
}

/* Fields that an older caller's struct does not have are zero. */
static qw_options options_of(const qw_options *given)
{
    qw_options options = {0};

    if (given)
        memcpy(&options, given, given->size < sizeof(options) ? given->size : sizeof(options));
    return options;
}

static void on_failure(void *context, const char *what, const char *file, int line)
{
    qw *q = context;

    if (q->host.on_failure)
        q->host.on_failure(q->host.context, what, file, line);
    lib_push_poison(q);
}

static void on_print(void *context, struct bytes text)
{
    qw *q = context;

    if (q->host.on_print)
        q->host.on_print(q->host.context, (const char *)text.ptr, text.len);
}

int lib_open(const struct server_options *given, const struct lib_host *host, qw **out, qw_error *error)
{
    struct server_options options = *given;
    struct diag diag = {0};
    qw *q = xcalloc(1, sizeof(*q));

    options.engine.print = on_print;
    options.engine.print_context = q;
    q->host = *host;
    lib_push_init(q);
    enum status st = instance_open(&options, on_failure, q, &q->instance, &diag);
    if (st != ST_OK) {
        lib_push_deinit(q);
        free(q);
        return lib_error(NULL, st, &diag, error);
    }
    *out = q;
    return QW_OK;
}

int qw_open(const qw_options *given, qw **out, qw_error *error)
{
    qw_options o = options_of(given);
    const struct server_options options = {
        .data_dir = o.data_dir,
        .listen = {[FACE_KAFKA] = o.kafka, [FACE_HTTP] = o.http, [FACE_PG] = o.pg,
                   [FACE_REDIS] = o.redis},
        .insecure = o.insecure != 0,
        .shards = o.shards,
        .engine = {.memory_bytes_max = o.memory_bytes},
    };
    const struct lib_host host = {o.on_failure, o.on_print, o.context};

    return lib_open(&options, &host, out, error);
}

void qw_close(qw *q)
{
    if (!q)
        return;
    (void)qw_push_wait(q, NULL); /* what was pushed is written before the stop */
    instance_close(q->instance);
    lib_push_deinit(q);
    free(q);
}

const char *qw_address(qw *q, const char *face)
{
    for (int i = 0; i < FACE_COUNT; i++)
        if (strcmp(face, face_name((enum face)i)) == 0 && !instance_poisoned(q->instance))
            return server_address(instance_server(q->instance), (enum face)i);
    return NULL;
}
