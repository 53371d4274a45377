/* sasl.h: the messages of SASL's mechanisms as clients send them: PLAIN (RFC 4616), SCRAM (RFC
 * 5802, here with what a server answers) and OAUTHBEARER (RFC 7628). Who somebody is:
 * serve/security/.
 *
 * Owns:    nothing: views point into the message, save what is decoded into a buf.
 * Errors:  false: not that message.   Threads: any.   Layer: wire.
 */
#ifndef QW_WIRE_SASL_SASL_H
#define QW_WIRE_SASL_SASL_H

#include "base/buf.h"

/* [authzid] NUL user NUL password */
struct sasl_plain {
    struct bytes authzid, user, password;
};
bool sasl_plain_parse(struct bytes message, struct sasl_plain *out);

/* n,[a=authzid],n=user,r=nonce[,name=value]…  No channel binding is served: 'p=' is refused. */
struct scram_first {
    struct bytes gs2;  /* "n,a=…," */
    struct bytes bare; /* what is signed: all behind it */
    struct bytes nonce;
    bool by_token; /* tokenauth=true: a delegation token is meant */
};
/* user and authzid (empty: none) are decoded into their bufs. */
bool scram_first_parse(struct bytes message, struct scram_first *out, struct buf *user,
                       struct buf *authzid);

/* c=binding,r=nonce[,name=value]…,p=proof */
struct scram_final {
    struct bytes binding; /* still base64 */
    struct bytes nonce;
    struct bytes without_proof; /* what is signed */
};
bool scram_final_parse(struct bytes message, struct scram_final *out, struct buf *proof);

/* What a server answers with to the first: r=nonce,s=salt,i=iterations[,name=value]… */
struct scram_challenge {
    struct bytes nonce;  /* begins with the client's, which the caller checks */
    uint32_t iterations; /* from 1 on; the caller bounds them */
};
bool scram_challenge_parse(struct bytes message, struct scram_challenge *out, struct buf *salt);
/* And to the final: v=signature, decoded, or e=error, a view; false: neither. */
bool scram_verdict_parse(struct bytes message, struct buf *signature, struct bytes *error);
/* A user's name as the first message has it: ',' and '=' escaped. */
void scram_name_write(struct buf *out, struct bytes name);

/* n,[a=authzid],^Aauth=Bearer token^A[name=value^A]…^A */
struct oauth_first {
    struct bytes authzid; /* as sent; empty: none */
    struct bytes token;
};
bool oauth_first_parse(struct bytes message, struct oauth_first *out);

#endif
