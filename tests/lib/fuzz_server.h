/* fuzz_server.h: a whole server on a simulated machine, and a client that says any bytes to a face. */
#ifndef QW_TESTS_FUZZ_SERVER_H
#define QW_TESTS_FUZZ_SERVER_H

#include "app/server.h"
#include "base/buf.h"

struct fuzz_server {
    struct os *os; /* the caller's */
    struct server *server;
    struct buf answer; /* of the last say */
    bool closed;
};

/* dir NULL: in memory. False: the directory was refused. */
bool fuzz_server_open(struct fuzz_server *s, struct os *os, const char *dir);
void fuzz_server_close(struct fuzz_server *s);
/* On a connection of its own; the server then runs for some passes of its loop. */
void fuzz_server_say(struct fuzz_server *s, enum face face, struct bytes bytes);
/* The same, as a frame of Kafka's protocol: behind its length. */
void fuzz_server_frame(struct fuzz_server *s, struct bytes request);

#endif
