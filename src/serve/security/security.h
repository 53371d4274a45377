/* security.h: who may come in: users, their credentials, tokens; one for all faces of a server.
 *
 * Users are facts of the log (LOG_KV_SECURITY): for each user and mechanism what SCRAM needs to
 * check a password, never the password. PLAIN is checked against the same. A file of users
 * (`name:password` a line) gives the first ones; they live in memory alone, and win. Tokens are
 * checked against keys of a file. Why so: docs/design/006-security.md; the facts:
 * docs/format/kafka.md.
 *
 * Owns:    its tables; not the log.   Threads: the loop's.   Layer: serve.
 * Errors:  of open: ST_INVALID with a diag that names the option.
 * Limits:  SECURITY_USERS_FILE_MAX users in the file; names of SECURITY_NAME_MAX bytes.
 */
#ifndef QW_SERVE_SECURITY_SECURITY_H
#define QW_SERVE_SECURITY_SECURITY_H

#include "base/buf.h"
#include "base/diag.h"
#include "serve/security/acl.h"
#include "serve/security/scram.h"
#include "store/log/log.h"

struct security;

enum { SECURITY_USERS_FILE_MAX = 1000, SECURITY_NAME_MAX = 1024 };

enum sasl_mechanism {
    SASL_PLAIN,
    SASL_SCRAM_256,
    SASL_SCRAM_512,
    SASL_OAUTHBEARER,
    SASL_MECHANISMS
};

struct security_options {
    const char *sasl;       /* mechanisms by Kafka's names, with commas; NULL: none is asked for */
    const char *users;      /* a file; NULL: none */
    int64_t reauth_ms;      /* who has come in must do so again after so long; 0: never */
    const char *token_keys; /* JWKS or PEM: the public keys of who signs tokens; NULL: none */
    const char *token_issuer;   /* "iss" must be it; NULL: any */
    const char *token_audience; /* "aud" must have it; NULL: any */
    const char *token_user;     /* the claim that names the user; NULL: "sub" */
    bool token_unsigned;        /* for tests: tokens that nobody signed are taken */
    bool acls;                  /* what a client may do is what ACLs say; false: everything */
    const char *super_users;    /* "User:admin;User:CN=x,O=y": they may do everything; NULL: none */
    bool allow_if_no_acl;       /* what no ACL is about may be done */
};

/* The texts of options must outlive it. */
enum status security_open(struct os *os, struct log *log, const struct security_options *options,
                          struct security **out, struct diag *diag) MUST_CHECK;
void security_close(struct security *security);

const char *sasl_mechanism_name(enum sasl_mechanism mechanism); /* Kafka's: "SCRAM-SHA-256" */
/* Whether it is switched on; false too for a name that is none. */
bool security_serves(const struct security *security, struct bytes name, enum sasl_mechanism *out);
bool security_has(const struct security *security, enum sasl_mechanism mechanism);
bool security_asks(const struct security *security); /* any mechanism is on */
int64_t security_reauth_ms(const struct security *security);
int64_t security_now_us(const struct security *security); /* wall clock */
void security_random(const struct security *security, void *to, size_t len);

/* ---- users ---- */
/* False: that user has none for it. */
bool security_credential(const struct security *security, enum scram_hash hash, struct bytes user,
                         struct scram_credential *out);
/* What a client that names an unknown user is asked with: the same each time, and never right. */
void security_decoy(const struct security *security, enum scram_hash hash, struct bytes user,
                    struct scram_credential *out);
/* By PLAIN or HTTP's Basic. Costs PBKDF2: about 2 ms, also for users that are not there. */
bool security_password_is(const struct security *security, struct bytes user,
                          struct bytes password);

/* Adds to an entry of the log; credential NULL: removes. */
void security_keep(struct log_entry *entry, enum scram_hash hash, struct bytes user,
                   const struct scram_credential *credential);
bool security_is_kept(const struct security *security, enum scram_hash hash,
                      struct bytes user); /* in the log */
/* Of the log's alone, those of SHA-256 first, each in order of name; false: stop. */
typedef bool security_user_fn(void *context, struct bytes user, enum scram_hash hash,
                              uint32_t iterations);
void security_users(const struct security *security, security_user_fn *fn, void *context);

/* ---- rights ---- */
bool security_has_acls(const struct security *security);
struct acls *security_acls(struct security *security);
bool security_may(const struct security *security, const struct acl_question *question);
bool security_may_any(const struct security *security, const struct acl_question *question);

/* ---- what was refused and let in, for /metrics ---- */
enum security_face { SECURITY_KAFKA, SECURITY_HTTP, SECURITY_FACES };
struct security_stats {
    uint64_t let_in[SECURITY_FACES][SASL_MECHANISMS], refused[SECURITY_FACES][SASL_MECHANISMS]; /* Basic is PLAIN */
    uint64_t denied[ACL_USER + 1][ACL_OPERATION_LAST + 1]; /* requests, by ACLs */
};
void security_count(struct security *security, enum security_face face, enum sasl_mechanism mechanism, bool let_in);
void security_count_denied(struct security *security, enum acl_resource resource, enum acl_operation operation);
const struct security_stats *security_stats(const struct security *security);

/* ---- tokens ---- */
/* The token is signed and of now: *user (appended) is who, *until_us when it ends. Else *why. */
bool security_token_is(const struct security *security, struct bytes token, struct buf *user,
                       int64_t *until_us, const char **why);

#endif
