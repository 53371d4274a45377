/* quickwater.h: Quickwater as a library.
 *
 * Open an instance, run SQL, push rows (as text or typed), subscribe to changes, close. Without a data directory all is
 * kept in memory and dies with the instance; with one, what qw_push_wait or qw_sql acknowledged is on
 * disk. Several instances live in one process; there is no global state, no signal handler is
 * installed, no thread is pinned.
 *
 *     qw_error error;
 *     qw *q;
 *     if (qw_open(NULL, &q, &error)) return fprintf(stderr, "%s\n", error.message), 1;
 *     qw_sql(q, "CREATE TABLE t (k STRING, n BIGINT) WITH ('connector'='kafka','format'='json')", …);
 *
 * Every function that returns int gives 0, or a negative QW_E… with `error` filled (it may be
 * NULL). Text is UTF-8. Every instance runs on one thread of its own; the functions may be called
 * from any thread but that one (a callback may call qw_push and qw_push_row, and nothing else that waits).
 *
 * A check that fails inside an instance is a bug of ours: on_failure is called on the instance's
 * thread, and from then on that instance alone answers QW_E_POISONED. Close it; the others go on.
 */
#ifndef QUICKWATER_H
#define QUICKWATER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define QW_API __attribute__((visibility("default")))
#else
#define QW_API
#endif

typedef struct qw qw;
typedef struct qw_result qw_result;
typedef struct qw_subscription qw_subscription;

enum {
    QW_OK = 0,
    QW_E_INVALID = -1,     /* the input is wrong: message, line and column say how */
    QW_E_UNSUPPORTED = -2, /* known, and not built yet */
    QW_E_NOT_FOUND = -3,
    QW_E_LIMIT = -4,       /* a configured bound is reached: try later */
    QW_E_IO = -5,          /* the operating system refused */
    QW_E_POISONED = -6,    /* an internal check failed before */
    QW_E_CLOSED = -7,      /* the instance is stopping */
};

typedef struct qw_error {
    int code;              /* of the above */
    unsigned line, column; /* of a statement, from 1; 0 when there is no text */
    char message[400];     /* one line: what, where, and what would be right */
    char near_text[80];
    char hint[240];
} qw_error;

typedef struct qw_options {
    size_t size;             /* sizeof(qw_options): later versions add fields at the end */
    const char *data_dir;    /* NULL: in memory */
    const char *kafka;       /* listeners, "host:port" (port 0: any free one); NULL: none */
    const char *http;
    const char *pg;
    const char *redis;
    unsigned shards;         /* 0: one */
    int insecure;            /* allow a listener that other machines can reach */
    uint64_t memory_bytes;   /* of all jobs' state, views, lanes and buffers; past it jobs that
                                grow wait. 0: half of the machine's; UINT64_MAX: no bound */
    void (*on_failure)(void *context, const char *what, const char *file, int line);
    /* What tables with 'connector' = 'print' say, whole lines, on the instance's thread; NULL: nobody
     * hears it. */
    void (*on_print)(void *context, const char *text, size_t len);
    void *context;           /* of both */
} qw_options;

QW_API const char *qw_version(void);

/* options may be NULL: in memory, no listeners. When it returns, all listeners accept. */
QW_API int qw_open(const qw_options *options, qw **out, qw_error *error);
/* Stops cleanly: jobs are checkpointed, subscriptions end, callbacks come no more. */
QW_API void qw_close(qw *q);

/* "127.0.0.1:9092" of the face "kafka", "http", "pg" or "redis"; NULL where there is none. */
QW_API const char *qw_address(qw *q, const char *face);

/* Returns when all jobs, if there are any, have read their bounded sources to the end (QW_OK), when a job has failed
 * (QW_E_INVALID, with its error), or after timeout_ms (QW_E_LIMIT; < 0: no bound). */
QW_API int qw_wait_finished(qw *q, int64_t timeout_ms, qw_error *error);

/* ---- SQL ---- */

/* Runs a script to its end. *out is the answer of the last statement (may be NULL if not wanted). When
 * it returns, what the statements did is durable. */
QW_API int qw_sql(qw *q, const char *sql, qw_result **out, qw_error *error);

/* The same, with every statement's answer given to a callback, on the calling thread. The result is freed
 * after the call. A callback that returns nonzero ends the rest. */
typedef int qw_result_fn(void *context, qw_result *result);
QW_API int qw_sql_each(qw *q, const char *sql, size_t sql_len, qw_result_fn *fn, void *context,
                       qw_error *error);

QW_API size_t qw_result_columns(const qw_result *r); /* 0: no rows, only a message */
QW_API size_t qw_result_rows(const qw_result *r);
QW_API const char *qw_result_column(const qw_result *r, size_t column);
QW_API const char *qw_result_type(const qw_result *r, size_t column); /* "BIGINT NOT NULL" */
/* The value as text, as Flink's client prints it; NULL for SQL NULL. Valid until qw_result_free. */
QW_API const char *qw_result_text(qw_result *r, size_t row, size_t column);
QW_API const char *qw_result_message(const qw_result *r);
QW_API void qw_result_free(qw_result *r);

/* ---- typed values ---- */

/* What a value is. A BOOLEAN is QW_BOOL, TINYINT to BIGINT are QW_INT64, FLOAT and DOUBLE are QW_DOUBLE, CHAR and
 * VARCHAR are QW_TEXT, BINARY and VARBINARY are QW_BYTES, TIMESTAMP and TIMESTAMP_LTZ are QW_TIMESTAMP. ROW, ARRAY,
 * MAP and intervals have no such form: they are in a row's text alone. */
enum {
    QW_NULL = 0,
    QW_BOOL = 1,      /* i: 0 or 1 */
    QW_INT64 = 2,     /* i */
    QW_DOUBLE = 3,    /* d */
    QW_TEXT = 4,      /* bytes: UTF-8, not terminated */
    QW_BYTES = 5,     /* bytes */
    QW_DECIMAL = 6,   /* (high * 2^64 + low) / 10^scale, at most 38 digits */
    QW_DATE = 7,      /* i: days since 1970-01-01 */
    QW_TIME = 8,      /* i: microseconds of the day */
    QW_TIMESTAMP = 9, /* i: microseconds since 1970-01-01 00:00:00 (UTC for TIMESTAMP_LTZ) */
    QW_ANY = -1,      /* of what is asked for: whatever it is */
};

typedef struct qw_value { /* 24 bytes on 64-bit machines, for good: new kinds may come, new fields do not */
    int32_t kind;
    int32_t scale; /* of QW_DECIMAL */
    union {
        int64_t i;
        double d;
        struct {
            const void *ptr; /* may be NULL when len is 0 */
            size_t len;
        } bytes;
        struct {
            uint64_t low;
            int64_t high;
        } decimal;
    } as;
} qw_value;

static inline qw_value qw_null(void)
{
    qw_value v;
    v.kind = QW_NULL;
    v.scale = 0;
    v.as.decimal.low = 0;
    v.as.decimal.high = 0;
    return v;
}
static inline qw_value qw_int_of(int32_t kind, int64_t i) /* BOOL, INT64, DATE, TIME, TIMESTAMP */
{
    qw_value v = qw_null();
    v.kind = kind;
    v.as.i = i;
    return v;
}
static inline qw_value qw_bool(int b)
{
    return qw_int_of(QW_BOOL, b != 0);
}
static inline qw_value qw_int64(int64_t i)
{
    return qw_int_of(QW_INT64, i);
}
static inline qw_value qw_timestamp(int64_t us)
{
    return qw_int_of(QW_TIMESTAMP, us);
}
static inline qw_value qw_double(double d)
{
    qw_value v = qw_null();
    v.kind = QW_DOUBLE;
    v.as.d = d;
    return v;
}
static inline qw_value qw_bytes_of(int32_t kind, const void *ptr, size_t len) /* TEXT, BYTES */
{
    qw_value v = qw_null();
    v.kind = kind;
    v.as.bytes.ptr = ptr;
    v.as.bytes.len = len;
    return v;
}
static inline qw_value qw_text(const char *text, size_t len)
{
    return qw_bytes_of(QW_TEXT, text, len);
}
static inline qw_value qw_decimal(int64_t unscaled, int32_t scale) /* 1250, 2: 12.50 */
{
    qw_value v = qw_null();
    v.kind = QW_DECIMAL;
    v.scale = scale;
    v.as.decimal.low = (uint64_t)unscaled;
    v.as.decimal.high = unscaled < 0 ? -1 : 0;
    return v;
}

/* A cell of a result, as qw_result_text but typed. kind: what it must be, or QW_ANY; a NULL is one whatever was
 * asked for. Text and bytes live until qw_result_free. */
QW_API int qw_result_value(const qw_result *r, size_t row, size_t column, int32_t kind, qw_value *out,
                           qw_error *error);

/* ---- rows in ---- */

/* One record into a topic, as its table's format has it (JSON text for 'format' = 'json'). Returns at
 * once; QW_E_LIMIT when too much is under way. Records of one thread keep their order. */
QW_API int qw_push(qw *q, const char *topic, const void *value, size_t value_len, qw_error *error);

/* With a key, and an answer: done(context, code, partition, offset) is called on the instance's thread
 * when the record is durable. done may be NULL. */
typedef void qw_pushed_fn(void *context, int code, int32_t partition, int64_t offset);
QW_API int qw_push_keyed(qw *q, const char *topic, const void *key, size_t key_len,
                         const void *value, size_t value_len, qw_pushed_fn *done, void *context,
                         qw_error *error);

/* A writer of typed rows into the topic of a table ('kafka' or 'upsert-kafka'): columns that a record holds, in the
 * table's order; computed and virtual ones are left out. What is pushed is written in the table's format, so every
 * client reads it; with 'format' = 'row' no text is made at all.
 *
 * The columns are those of the table when the writer was opened. A writer is one thread's at a time; a callback may
 * push with one, and not open it. Close it before qw_close. */
typedef struct qw_writer qw_writer;
QW_API int qw_writer_open(qw *q, const char *table, qw_writer **out, qw_error *error);
QW_API void qw_writer_close(qw_writer *writer); /* what was pushed stays pushed */
QW_API size_t qw_writer_columns(const qw_writer *writer);
/* Name and type ("DECIMAL(10, 2) NOT NULL") of a column, until qw_writer_close; NULL past the last. */
QW_API const char *qw_writer_column(const qw_writer *writer, size_t column);
QW_API const char *qw_writer_type(const qw_writer *writer, size_t column);
QW_API int qw_writer_find(const qw_writer *writer, const char *name); /* index, or QW_E_NOT_FOUND */

/* One row: a value for each column, which is copied. QW_E_INVALID, and nothing is pushed, where their count is not
 * that of the columns, a kind does not fit its column's type, a number, a length, or a time is out of the type's
 * range, a text is not UTF-8, or a NULL is for a NOT NULL column. A DECIMAL with more digits behind the point than
 * its column is rounded, a time cut, as a CAST does. Otherwise as qw_push_keyed; the key is made of the table's
 * 'key.fields' or PRIMARY KEY. */
QW_API int qw_push_row(qw_writer *writer, const qw_value *values, size_t count, qw_pushed_fn *done,
                       void *context, qw_error *error);

/* Returns when all that this thread pushed is durable, or was refused (then with the first error). */
QW_API int qw_push_wait(qw *q, qw_error *error);

/* ---- changes out ---- */

typedef struct qw_change {
    const char *op;      /* "+I", "-U", "+U", "-D" */
    const char *row;     /* the row as a JSON object */
    size_t row_len;
    int64_t position;    /* resume behind it: qw_subscribe's from = position + 1 */
    struct qw_change_row *typed; /* for the functions below; the library's */
} qw_change;

/* The row's columns, within the callback. Names and types are those of the view when it was subscribed to. */
QW_API size_t qw_change_columns(const qw_change *change);
QW_API const char *qw_change_column(const qw_change *change, size_t column); /* NULL past the last */
QW_API const char *qw_change_type(const qw_change *change, size_t column);
QW_API int qw_change_find(const qw_change *change, const char *name); /* index, or QW_E_NOT_FOUND */
/* kind: what the column must be, or QW_ANY; a NULL is one whatever was asked for. QW_E_INVALID where it is another.
 * Text and bytes live until the callback returns. */
QW_API int qw_change_value(const qw_change *change, size_t column, int32_t kind, qw_value *out,
                           qw_error *error);

/* Calls fn on the instance's thread for each durable change of a view (a materialized table), from a
 * position on: 0 the oldest kept, -1 only what comes. fn must be quick: the instance waits for it. */
typedef void qw_change_fn(void *context, const qw_change *change);
QW_API int qw_subscribe(qw *q, const char *view, int64_t from, qw_change_fn *fn, void *context,
                        qw_subscription **out, qw_error *error);
/* When it returns, fn is not running and will not be called again. Not from within fn. */
QW_API void qw_unsubscribe(qw_subscription *subscription);

#ifdef __cplusplus
}
#endif

#endif
