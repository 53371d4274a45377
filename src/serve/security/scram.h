/* scram.h: the arithmetic of SCRAM (RFC 5802, 7677) with SHA-256 and SHA-512.
 *
 * Threads: any.   Layer: serve.   Limits: salts of SCRAM_SALT_MAX bytes, iterations between the
 * bounds.
 */
#ifndef QW_SERVE_SECURITY_SCRAM_H
#define QW_SERVE_SECURITY_SCRAM_H

#include "base/bytes.h"

enum scram_hash { SCRAM_SHA_256 = 1, SCRAM_SHA_512 = 2 }; /* Kafka's numbers */

enum {
    SCRAM_SALT_MAX = 255,
    SCRAM_HASH_MAX = 64,
    SCRAM_ITERATIONS_MIN = 4096,
    SCRAM_ITERATIONS_MAX = 16384
};

struct scram_credential {
    uint32_t iterations;
    uint8_t salt_len;
    uint8_t salt[SCRAM_SALT_MAX];
    uint8_t stored_key[SCRAM_HASH_MAX], server_key[SCRAM_HASH_MAX];
};

size_t scram_hash_len(enum scram_hash hash);

/* PBKDF2; out has scram_hash_len bytes. */
void scram_salt_password(enum scram_hash hash, struct bytes password, struct bytes salt,
                         uint32_t iterations, uint8_t *out);
/* Stored and server key from it; salt and iterations are the caller's to set. */
void scram_keys(enum scram_hash hash, const uint8_t *salted_password, struct scram_credential *out);
/* What a client proves with that it knows the password. */
void scram_client_proof(enum scram_hash hash, const uint8_t *salted_password,
                        struct bytes auth_message, uint8_t *out);
/* Whether the client that sent the proof knows the password. Constant time. */
bool scram_proof_is(enum scram_hash hash, const struct scram_credential *credential,
                    struct bytes auth_message, struct bytes proof);
/* What shows the client that we know it too; out has scram_hash_len bytes. */
void scram_server_signature(enum scram_hash hash, const struct scram_credential *credential,
                            struct bytes auth_message, uint8_t *out);

#endif
