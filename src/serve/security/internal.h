/* internal.h: what the files of this folder share.       Layer: serve (nobody else includes it). */
#ifndef QW_SERVE_SECURITY_INTERNAL_H
#define QW_SERVE_SECURITY_INTERNAL_H

#include "base/map.h"
#include "serve/security/security.h"

enum { SECURITY_FILE_BYTES_MAX = 1 << 20, DECOY_KEY_BYTES = 32 };

struct token_keys; /* tokens.c */

struct security {
    struct os *os;
    struct log *log;
    struct security_options options;
    bool serves[SASL_MECHANISMS];
    struct map file_users; /* name, to struct file_user */
    struct token_keys *keys;
    struct acls acls;
    uint8_t decoy_key[DECOY_KEY_BYTES]; /* of this process */
    struct security_stats stats;
};

/* A whole file, for the option of that name; the caller cleanses it. */
enum status security_read_file(struct os *os, const char *option, const char *path, struct buf *out,
                               struct diag *diag) MUST_CHECK;
void security_forget(struct buf *secret);

/* users.c */
enum status users_open(struct security *s, struct diag *diag) MUST_CHECK;
void users_close(struct security *s);
/* tokens.c */
enum status tokens_open(struct security *s, struct diag *diag) MUST_CHECK;
void tokens_close(struct security *s);

#endif
