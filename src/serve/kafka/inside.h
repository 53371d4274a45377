/* inside.h: requests of the server's own other faces, as if a client had sent them: the same handlers,
 * the same rights, the same waiting for the disk unless `now`, without a connection and without bytes.
 *
 *     struct kafka_ask ask = {.answered = fn, .context = x};
 *     kafka_ask(face, &who, KAFKA_LIST_GROUPS, 5, &request, &ask);
 *     … ask.response is a struct kafka_list_groups_res once it is not NULL …
 *     kafka_ask_end(&ask);
 *
 * Owns:    the ask is the caller's memory, from kafka_ask to kafka_ask_end, which must come before the
 *          face closes. The response and what it points to live until then, and what it views of the
 *          face's own (names of groups) until the loop goes on.
 * Threads: the loop's.   Errors: those of the response.   Layer: serve.
 * Limits:  not Fetch, nor what belongs to a connection (SASL); versions as messages.txt has them. */
#ifndef QW_SERVE_KAFKA_INSIDE_H
#define QW_SERVE_KAFKA_INSIDE_H

#include "serve/kafka/kafka.h"

struct kafka_who {
    const char *principal; /* "User:alice"; NULL: the server itself, which may do everything */
    const char *host;      /* its address, without the port */
};

struct kafka_ask {
    /* Called once, also from inside kafka_ask; it may call kafka_ask_end. NULL: nobody is told. */
    void (*answered)(struct kafka_ask *ask);
    void *context;
    bool now;                /* only a look, never a change: answered from what is there, whether or not the disk has
                                it; Join and Sync of a group wait all the same */
    const void *response;    /* NULL: not yet */
    struct session *session; /* the face's */
};

/* The request is read before it returns. */
void kafka_ask(struct kafka_face *face, const struct kafka_who *who, int16_t key, int16_t version,
               const void *request, struct kafka_ask *ask);
/* Forgets it, answered or not. Does nothing to one that was never asked or has ended. */
void kafka_ask_end(struct kafka_ask *ask);

#endif
