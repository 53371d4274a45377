/* pg_link.h: a connection to PostgreSQL whose every call has a time limit: commands are queued, sent together
 * and answered in order (libpq's pipeline mode), and no call of libpq waits by itself.
 *
 *     pg_link_limit(link, 5000);
 *     if (pg_queue(link, "BEGIN", NULL, 0) && pg_queue(link, "…", values, 2) && pg_sync(link))
 *         … pg_answer(link, &result) twice, then pg_synced(link)
 *
 * A name is looked up by the system's resolver, which has limits of its own.
 *
 * Owns:    its connection. Results are the caller's: PQclear.
 * Threads: one at a time; it waits.   Errors: false, with the reason in `trouble`: pg_link_close and begin anew.
 * Layer:   bridge.
 */
#ifndef QW_BRIDGE_PG_LINK_H
#define QW_BRIDGE_PG_LINK_H

#include <postgresql/libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

enum { PG_STATE_LEN = 5 };

struct pg_link {
    PGconn *conn; /* NULL: none */
    int64_t until_ns;
    char trouble[200];
};

/* From now on all calls together may take so long. */
void pg_link_limit(struct pg_link *link, int64_t ms);
/* keywords and values as PQconnectStartParams takes them. */
bool pg_link_open(struct pg_link *link, const char *const *keywords, const char *const *values);
void pg_link_close(struct pg_link *link); /* nothing when there is none */

/* A parameter: its text, or NULL. PostgreSQL knows the types from where they stand. */
bool pg_queue(struct pg_link *link, const char *sql, const char *const *values, int count);
bool pg_queue_prepare(struct pg_link *link, const char *name, const char *sql);
bool pg_queue_prepared(struct pg_link *link, const char *name, const char *const *values, int count);
/* Ends what was queued: after an error, what follows up to here is skipped. */
bool pg_sync(struct pg_link *link);
/* Of the next command: what it gave, an error, or that it was skipped (PGRES_PIPELINE_ABORTED). */
bool pg_answer(struct pg_link *link, PGresult **out);
bool pg_synced(struct pg_link *link);

/* One command, answered; an error of PostgreSQL's is trouble too. */
bool pg_do(struct pg_link *link, const char *sql, const char *const *values, int count, PGresult **out);

bool pg_failed(const PGresult *result);
/* "PostgreSQL 22P02: invalid input syntax … (detail)" */
void pg_error_text(const PGresult *result, char *to, size_t size);

#endif
