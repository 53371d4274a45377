/* kafka_auth.h: a rig's client that says who it is.       See kafka_rig.h. */
#ifndef QW_TESTS_KAFKA_AUTH_H
#define QW_TESTS_KAFKA_AUTH_H

#include "lib/kafka_rig.h"
#include "serve/security/scram.h"

/* Starts the rig again with the options. */
void rig_secure(struct rig *rig, const struct security_options *options);
/* Writes the file on the rig's disk. */
void rig_file(struct rig *rig, const char *path, const char *text);
int16_t peer_handshake(struct peer *p, int16_t version, const char *mechanism);
/* One message; the answer lives in the rig's arena. */
struct kafka_sasl_authenticate_res peer_token(struct peer *p, struct bytes token);
/* Both, with PLAIN: the code of the second. */
int16_t peer_plain(struct peer *p, const char *user, const char *password);
/* Both, with SCRAM; checks the server's signature. */
int16_t peer_scram(struct peer *p, enum scram_hash hash, const char *user, const char *password);
/* A new connection that is that user, who is in the file of users or was made. */
struct peer *peer_open_as(struct rig *rig, const char *user, const char *password);
bool peer_is_closed(struct peer *p); /* within two seconds */
/* Makes or changes a user over the protocol. */
int16_t peer_put_user(struct peer *p, enum scram_hash hash, const char *user, const char *password,
                      int32_t iterations);

#endif
