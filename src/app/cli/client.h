/* client.h: requests to a running server over its HTTP face.       Layer: app. */
#ifndef QW_APP_CLI_CLIENT_H
#define QW_APP_CLI_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#define CLIENT_URL_DEFAULT "http://127.0.0.1:8088"

struct client_answer {
    long status; /* of HTTP; 0: no answer came */
    char *body;  /* zero-terminated */
    size_t len;
    json_t *json; /* NULL when the body is not JSON */
    char error[256]; /* when status is 0 */
};

/* url may have the user in it: http://name:password@host:port. The environment's QUICKWATER_CA names a
 * file of the authorities to trust, instead of the system's. */
/* method "GET", "POST"; body NULL for none. */
void client_request(const char *url, const char *method, const char *path, const char *content_type,
                    const void *body, size_t body_len, struct client_answer *out);
/* url without a password that it may hold */
const char *client_shown(const char *url);
void client_free(struct client_answer *answer);
/* A part of a path or query, percent-encoded; freed with free(). */
char *client_escape(const char *text);

/* Prints what the server's error says (with line and caret when sql is given); gives an exit code. */
int client_fail(const struct client_answer *answer, const char *url, const char *sql);

#endif
