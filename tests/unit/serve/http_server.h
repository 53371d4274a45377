/* http_server.h: a real server of the HTTP face in the test's own process, and a client beside it on the
 * same loop. */
#ifndef QW_TESTS_HTTP_SERVER_H
#define QW_TESTS_HTTP_SERVER_H

#include "base/buf.h"
#include "serve/http/http.h"

struct http_server {
    struct loop *loop;
    struct log *log;
    struct engine *engine;
    struct kafka_face *kafka;
    struct security *security; /* of the Kafka face, where HTTP has none */
    struct http_face *face;
};

void http_server_open(struct http_server *s, const char *dir, const struct http_options *options);
void http_server_close(struct http_server *s);

struct http_client {
    struct http_server *server;
    struct conn *conn;
    struct buf in;
    bool closed;
};

void http_client_open(struct http_client *c, struct http_server *s);
void http_client_close(struct http_client *c);
void http_client_send(struct http_client *c, const char *text);
/* Passes of the loop until `text` has come, from which all up to its end is dropped; the test fails when it
 * does not. */
void http_client_expect(struct http_client *c, const char *text);
void http_client_expect_closed(struct http_client *c);
/* One request on a connection of its own; gives the status and leaves all that came in c->in. */
int http_ask(struct http_client *c, struct http_server *s, const char *method, const char *path,
             const char *headers, const char *body);

#endif
