/* auth.h: who a session is, from its first byte on.
 *
 *   AUTH_OPEN                                                         no SASL here: certificate, or
 * anonymous AUTH_WANTED --SaslHandshake v1--> AUTH_TOKENS --SaslAuthenticate--> AUTH_DONE
 * --SaslHandshake--> AUTH_TOKENS
 *               --SaslHandshake v0--> AUTH_RAW    --bare frames-------> AUTH_DONE        (again,
 * KIP-368)
 *
 * What does not belong to a state closes the connection, as Kafka does. Layer: serve (private to
 * serve/kafka).
 */
#ifndef QW_SERVE_KAFKA_AUTH_H
#define QW_SERVE_KAFKA_AUTH_H

#include "net/conn.h"
#include "serve/security/sasl.h"

enum {
    KAFKA_AUTH_MS_MAX = 30000,          /* from accept to AUTH_DONE */
    KAFKA_AUTH_FRAME_BYTES = 512 << 10, /* until then; Kafka's sasl.server.max.receive.size */
};

enum auth_state { AUTH_OPEN, AUTH_WANTED, AUTH_TOKENS, AUTH_RAW, AUTH_DONE };

struct auth {
    struct security *security; /* NULL: none */
    struct conn *conn;
    enum auth_state state;
    bool again;   /* of AUTH_TOKENS: it was AUTH_DONE before */
    bool trusted; /* the server itself: no ACL is asked */
    enum sasl_mechanism mechanism;
    struct sasl sasl;         /* of AUTH_TOKENS and AUTH_RAW */
    char *principal;          /* "User:alice"; NULL: not known yet */
    char *host;               /* the client's address without its port; NULL: not asked for yet */
    int64_t expires_ns;       /* of AUTH_DONE, on the loop's clock; INT64_MAX: never */
    struct loop_timer *timer; /* until AUTH_DONE */
};

void auth_open(struct auth *auth, struct security *security, struct conn *conn);
void auth_close(struct auth *auth);
/* May a request of that kind be looked at now? False: hang up. */
bool auth_allows(const struct auth *auth, int16_t api_key);
bool auth_is_over(const struct auth *auth); /* AUTH_OPEN or AUTH_DONE */
/* A frame of AUTH_RAW, which is no request; false: hang up. */
bool auth_take_raw(struct auth *auth, struct bytes frame);
struct bytes auth_user(struct auth *auth); /* the principal's name; ANONYMOUS while nobody is known */
const char *auth_principal(struct auth *auth);
const char *auth_host(struct auth *auth);

#endif
