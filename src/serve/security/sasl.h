/* sasl.h: the server's side of one authentication, message by message, for whichever protocol
 * carries them.
 *
 *     PLAIN        client's only message                    -> DONE | FAILED
 *     SCRAM        client-first -> MORE, client-final       -> DONE | FAILED
 *     OAUTHBEARER  token -> DONE | MORE (why not, as JSON), whatever comes then -> FAILED
 *
 * Owns:    its state, until sasl_deinit.   Threads: the loop's.   Layer: serve.
 */
#ifndef QW_SERVE_SECURITY_SASL_H
#define QW_SERVE_SECURITY_SASL_H

#include "serve/security/security.h"

enum sasl_step { SASL_MORE, SASL_DONE, SASL_FAILED };

struct sasl {
    struct security *security;
    enum sasl_mechanism mechanism;
    int stage;
    struct buf user;  /* whom it is about; when DONE, who it is */
    int64_t until_us; /* wall clock; INT64_MAX: no end of its own */
    const char *why;  /* FAILED: for the client to read, without secrets */
    /* SCRAM */
    struct buf message; /* what both sides sign */
    struct buf gs2, nonce;
    struct scram_credential credential;
    bool known;
};

void sasl_init(struct sasl *sasl, struct security *security, enum sasl_mechanism mechanism);
void sasl_deinit(struct sasl *sasl);
/* Takes the client's next message; what is to be sent back is appended to out. */
enum sasl_step sasl_take(struct sasl *sasl, struct bytes message, struct buf *out);

#endif
