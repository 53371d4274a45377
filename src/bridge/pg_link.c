/* pg_link.c: see pg_link.h. */
#include "bridge/pg_link.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

void pg_link_limit(struct pg_link *link, int64_t ms)
{
    link->until_ns = now_ns() + ms * 1000000;
}

/* What libpq or PostgreSQL says ends with a line's end, and may have more than one line. */
static bool trouble(struct pg_link *link, const char *why)
{
    snprintf(link->trouble, sizeof(link->trouble), "PostgreSQL: %.180s", why && why[0] ? why : "no answer");
    for (char *c = link->trouble; *c; c++)
        if (*c == '\n' || *c == '\r' || *c == '\t')
            *c = ' ';
    for (size_t len = strlen(link->trouble); len && link->trouble[len - 1] == ' '; len--)
        link->trouble[len - 1] = 0;
    return false;
}

static bool lost(struct pg_link *link)
{
    return trouble(link, PQerrorMessage(link->conn));
}

/* Until the socket is ready, or the time is over. */
static bool wait_for(struct pg_link *link, short events)
{
    struct pollfd p = {.fd = PQsocket(link->conn), .events = events};
    int64_t left_ms = (link->until_ns - now_ns()) / 1000000;

    if (p.fd < 0)
        return lost(link);
    if (left_ms > 0 && poll(&p, 1, (int)left_ms) != 0)
        return true; /* ready; or interrupted: then the caller looks, and waits again */
    return trouble(link, "it does not answer in time ('bridge.timeout')");
}

static void no_notice(void *context, const PGresult *result)
{
    (void)context; /* by default libpq writes them to standard error */
    (void)result;
}

bool pg_link_open(struct pg_link *link, const char *const *keywords, const char *const *values)
{
    PostgresPollingStatusType next = PGRES_POLLING_WRITING;

    link->conn = PQconnectStartParams(keywords, values, 0);
    if (!link->conn)
        return trouble(link, "no memory");
    PQsetNoticeReceiver(link->conn, no_notice, NULL);
    if (PQstatus(link->conn) == CONNECTION_BAD)
        return lost(link);
    while (next != PGRES_POLLING_OK) {
        if (!wait_for(link, next == PGRES_POLLING_READING ? POLLIN : POLLOUT))
            return false;
        next = PQconnectPoll(link->conn);
        if (next == PGRES_POLLING_FAILED)
            return lost(link);
    }
    return PQsetnonblocking(link->conn, 1) == 0 && PQenterPipelineMode(link->conn) ? true : lost(link);
}

void pg_link_close(struct pg_link *link)
{
    if (link->conn)
        PQfinish(link->conn);
    link->conn = NULL;
}

bool pg_queue(struct pg_link *link, const char *sql, const char *const *values, int count)
{
    return PQsendQueryParams(link->conn, sql, count, NULL, values, NULL, NULL, 0) ? true : lost(link);
}

bool pg_queue_prepare(struct pg_link *link, const char *name, const char *sql)
{
    return PQsendPrepare(link->conn, name, sql, 0, NULL) ? true : lost(link);
}

bool pg_queue_prepared(struct pg_link *link, const char *name, const char *const *values, int count)
{
    return PQsendQueryPrepared(link->conn, name, count, values, NULL, NULL, 0) ? true : lost(link);
}

bool pg_sync(struct pg_link *link)
{
    return PQpipelineSync(link->conn) ? true : lost(link);
}

/* Sends and receives until the next result is whole: both at once, for neither side's buffers are endless. */
static bool arrive(struct pg_link *link)
{
    while (PQisBusy(link->conn)) {
        int unsent = PQflush(link->conn);
        if (unsent < 0 || !wait_for(link, (short)(POLLIN | (unsent ? POLLOUT : 0))))
            return unsent < 0 ? lost(link) : false;
        if (!PQconsumeInput(link->conn))
            return lost(link);
    }
    return true;
}

static bool take(struct pg_link *link, PGresult **out)
{
    *out = NULL;
    if (PQflush(link->conn) < 0 || PQstatus(link->conn) == CONNECTION_BAD)
        return lost(link);
    if (!arrive(link))
        return false;
    *out = PQgetResult(link->conn);
    if (PQstatus(link->conn) != CONNECTION_BAD)
        return true;
    lost(link);
    PQclear(*out);
    *out = NULL;
    return false;
}

bool pg_answer(struct pg_link *link, PGresult **out)
{
    PGresult *end = NULL;

    if (!take(link, out))
        return false;
    bool ended = *out && take(link, &end); /* a command's results end with none */
    if (ended && !end)
        return true;
    PQclear(*out);
    PQclear(end);
    *out = NULL;
    return ended || !link->trouble[0] ? trouble(link, "answers that belong to no command") : false;
}

bool pg_synced(struct pg_link *link)
{
    PGresult *result;

    if (!take(link, &result))
        return false;
    bool good = PQresultStatus(result) == PGRES_PIPELINE_SYNC;
    PQclear(result);
    return good ? true : trouble(link, "answers that belong to no command");
}

bool pg_do(struct pg_link *link, const char *sql, const char *const *values, int count, PGresult **out)
{
    PGresult *result;
    char text[160];

    if (!pg_queue(link, sql, values, count) || !pg_sync(link) || !pg_answer(link, &result))
        return false;
    bool good = !pg_failed(result);
    if (!good) {
        pg_error_text(result, text, sizeof(text));
        snprintf(link->trouble, sizeof(link->trouble), "%s", text);
    }
    if (good && out)
        *out = result;
    else
        PQclear(result);
    return pg_synced(link) && good;
}

bool pg_failed(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    return status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK;
}

void pg_error_text(const PGresult *result, char *to, size_t size)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);

    snprintf(to, size, "PostgreSQL %s: %s%s%s%s", state ? state : "", message ? message : PQresultErrorMessage(result),
             detail ? " (" : "", detail ? detail : "", detail ? ")" : "");
}
