/* face.h: what the files of the HTTP face share: the face, a session, the exchange it is busy with.
 *
 *            on_bytes: a whole request                 reply
 *   SESSION_READING ------------------> an exchange is open ------> SESSION_READING
 *        |                                   | stream_begin
 *        | broken request                    v
 *        v                               SESSION_STREAM (input is dropped) or SESSION_SOCKET (WebSocket)
 *   SESSION_ENDING                           until the connection goes
 *
 * A handler answers at once, or keeps the exchange open and answers later; meanwhile the connection
 * is paused. If the connection goes first, `abandon` is called, which frees the handler's state.
 *
 * Layer: serve (nobody else includes it). */
#ifndef QW_SERVE_HTTP_FACE_H
#define QW_SERVE_HTTP_FACE_H

#include "base/json_writer.h"
#include "base/map.h"
#include "net/conn.h"
#include "serve/http/http.h"
#include "serve/kafka/inside.h"
#include "serve/security/acl.h"
#include "wire/http/request.h"
#include "wire/http/response.h"

enum { PARAMS_MAX = 2, STREAM_UNSENT_MAX = 512 << 10 };

struct http_counts {
    uint64_t requests, by_class[6]; /* answers 1xx … 5xx at [1] … [5] */
    uint64_t posted_records, statements;
};

struct http_face {
    struct loop *loop;
    struct log *log;
    struct engine *engine;
    struct http_options options;
    struct listener *listener;
    int64_t started_ns;
    struct http_counts counts;
    uint32_t rotor;                /* spreads records without a key */
    struct session_http *streams;  /* those in SESSION_STREAM and SESSION_SOCKET */
    struct loop_timer *sample_timer, *beat_timer;
    struct sample *sample;         /* of the page's figures, while someone looks */
    struct buf scratch;            /* of reading batches */
};

enum session_state { SESSION_READING, SESSION_STREAM, SESSION_SOCKET, SESSION_ENDING };

struct exchange {
    struct session_http *session;
    struct http_face *face;
    const struct http_request *request; /* until the answer */
    struct bytes params[PARAMS_MAX];    /* decoded parts of the path, in arena */
    struct arena arena;                 /* until the answer */
    bool open;
    void *state;                        /* the handler's */
    void (*abandon)(struct exchange *x);
    /* waiting for an LSN */
    struct log_waiter waiter;
    bool waiting;
    unsigned held_status;
    struct buf held;
    struct kafka_ask ask; /* that it waits for, and what then (broker.h) */
    void (*then)(struct exchange *x, const void *response);
};

enum { HTTP_DIGEST_BYTES = 32 };

/* Who was found behind the last Authorization header of a connection (auth.c). */
struct http_known {
    uint8_t digest[HTTP_DIGEST_BYTES]; /* of that header */
    char *principal;                   /* NULL: nobody */
    int64_t until_us;                  /* wall clock */
};

struct session_http {
    struct http_known known;
    struct http_face *face;
    struct conn *conn;
    enum session_state state;
    struct http_parser parser;
    struct exchange x;
    bool paused;
    bool continued; /* "100 Continue" was sent for this request */
    /* of a stream */
    struct session_http *next, *prev;
    void (*on_input)(struct exchange *x, struct bytes in, size_t *used); /* SESSION_SOCKET */
    void (*on_pass)(struct exchange *x);   /* after each pass of the loop; may be NULL */
    void (*on_sample)(struct exchange *x); /* four times a second; may be NULL */
    void (*on_beat)(struct exchange *x);   /* every 15 s: keep the connection warm */
};

/* ---- answering (reply.c) ---- */
/* Each ends the exchange; the request and the arena are gone afterwards. extra: header lines or NULL. */
void reply(struct exchange *x, unsigned status, const char *type, const char *extra,
           struct bytes body);
void reply_take(struct exchange *x, unsigned status, const char *type, const char *extra,
                struct buf *take_body);
void reply_static(struct exchange *x, unsigned status, const char *type, const char *extra,
                  struct bytes lasting_body);
void reply_json(struct exchange *x, unsigned status, struct buf *take_body);
void reply_error(struct exchange *x, unsigned status, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void reply_diag(struct exchange *x, enum status st, const struct diag *diag);
/* Answers with that JSON once lsn is durable. */
void reply_when_durable(struct exchange *x, uint64_t lsn, unsigned status, struct buf *take_body);
void exchange_drop_wait(struct exchange *x); /* for the disk, or for the Kafka face */

unsigned http_status_of(enum status st, enum diag_code code);
/* {"error":{…}} members, without the braces around. */
void write_error(struct json_writer *w, const char *code, const char *message, const struct diag *diag);

/* From now on the session is a stream: head is sent, on_… are set by the caller before. */
void stream_begin(struct exchange *x, enum session_state state, struct bytes head);
void stream_send(struct exchange *x, struct bytes data);

/* ---- session.c ---- */
extern const struct conn_handler session_handler;
void exchange_end(struct exchange *x);
void streams_sample(void *face);
void streams_beat(void *face);
bool streams_pass(void *face);

/* ---- auth.c ---- */
/* Who asks is known; else it is answered. */
bool exchange_knows(struct exchange *x);
/* May everything here: alter the cluster, as Kafka has it. _may_all answers if not. */
bool exchange_is_admin(struct exchange *x);
bool exchange_may_all(struct exchange *x);
/* As the Kafka face would judge the same client. _may answers with 403 if not. */
bool exchange_can(struct exchange *x, enum acl_operation operation, enum acl_resource resource, struct bytes name);
bool exchange_may(struct exchange *x, enum acl_operation operation, enum acl_resource resource, struct bytes name);
/* Who asks, for the Kafka face. principal is NULL where HTTP asks nobody. host: HTTP_ADDRESS_MAX bytes */
enum { HTTP_ADDRESS_MAX = 256 };
struct kafka_who exchange_who(struct exchange *x, char *host);
void known_forget(struct http_known *known);

/* ---- routes (route.c) ---- */
void route(struct exchange *x);

/* A handler. It must answer, stream, or leave the exchange open and see to it that it ends. */
typedef void handler_fn(struct exchange *x);
handler_fn get_page, get_page_file, get_health, get_metrics;
handler_fn get_topics, post_topic;                                  /* topics.c, post.c */
handler_fn post_topics, get_topic, delete_topic, post_topic_action; /* topics.c */
handler_fn get_records, post_record;                                /* records.c, produce.c */
handler_fn get_groups, get_group, delete_group, post_group_offsets; /* groups.c, group_offsets.c */
handler_fn get_transactions, post_transaction_abort;                /* transactions.c */
handler_fn get_influx_ping, post_influx_query, post_influx_write;   /* influx.c */
handler_fn post_sql;
handler_fn get_views, get_view, get_changes;
handler_fn get_jobs, get_job, post_job_action, delete_job;
handler_fn get_bridges, get_bridge, post_bridge_state;
handler_fn get_stream;
handler_fn get_subjects, post_subject, delete_subject, get_subject_versions, post_subject_version; /* schemas.c */
handler_fn get_subject_version, delete_subject_version, get_subject_version_schema, get_referenced_by;
handler_fn get_schemas, get_schema_types, get_schema_by_id, get_schema_id_part;
handler_fn get_schema_config, put_schema_config, delete_schema_config; /* schema_settings.c */
handler_fn get_schema_mode, put_schema_mode, delete_schema_mode, post_compatibility;

/* The topic of this server's whose records are a table's rows; ptr NULL: there is none (topics.c). */
struct table;
struct bytes table_topic(const struct table *table);

/* ---- rows as JSON (rows.c) ---- */
enum { VIEW_PAGE_ROWS = 1000, VIEW_PAGE_ROWS_MAX = 10000 };
void write_columns(struct json_writer *w, const struct schema *schema);      /* [{"name","type"}] */
void write_rows_arrays(struct json_writer *w, const struct engine_result *r); /* [[…]] */
void write_rows_objects(struct json_writer *w, const struct engine_result *r); /* [{…}] */
void write_time(struct json_writer *w, int64_t time_us); /* as SQL text in UTC; INT64_MIN: null */
void write_view_info(struct json_writer *w, struct view *view);
void write_job_memory(struct json_writer *w, const struct job_memory *memory); /* "memory_bytes":{…} (jobs.c) */
/* A view's column of window times, or -1. */
int view_window_column(struct view *view);

/* ---- the tail of a partition (tail.c) ---- */
/* Calls fn for records from *position on that may be shown, at most records_max; moves *position
 * behind the last. ST_NOTFOUND: *position was deleted, it is now at the first kept. */
struct record;
typedef void tail_fn(void *context, const struct record *record);
enum status tail_read(struct http_face *face, struct log_partition *partition, int64_t *position,
                      uint32_t records_max, tail_fn *fn, void *context);
/* Changes of a view by name; NULL: there is no such view (any more). */
struct log_partition *view_partition(struct http_face *face, struct bytes name);

#endif
