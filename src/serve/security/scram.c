#include "serve/security/scram.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/check.h"

static const EVP_MD *digest_of(enum scram_hash hash)
{
    return hash == SCRAM_SHA_512 ? EVP_sha512() : EVP_sha256();
}

size_t scram_hash_len(enum scram_hash hash)
{
    return hash == SCRAM_SHA_512 ? 64 : 32;
}

static void hmac(enum scram_hash hash, const uint8_t *key, struct bytes text, uint8_t *out)
{
    unsigned len = 0;

    CHECK(HMAC(digest_of(hash), key, (int)scram_hash_len(hash), text.ptr, text.len, out, &len) &&
          len == scram_hash_len(hash));
}

static void digest(enum scram_hash hash, const uint8_t *in, uint8_t *out)
{
    CHECK(EVP_Digest(in, scram_hash_len(hash), out, NULL, digest_of(hash), NULL));
}

void scram_salt_password(enum scram_hash hash, struct bytes password, struct bytes salt,
                         uint32_t iterations, uint8_t *out)
{
    CHECK(PKCS5_PBKDF2_HMAC((const char *)password.ptr, (int)password.len, salt.ptr, (int)salt.len,
                            (int)iterations, digest_of(hash), (int)scram_hash_len(hash), out));
}

void scram_keys(enum scram_hash hash, const uint8_t *salted_password, struct scram_credential *out)
{
    uint8_t client_key[SCRAM_HASH_MAX];

    hmac(hash, salted_password, BYTES_LITERAL("Client Key"), client_key);
    digest(hash, client_key, out->stored_key);
    hmac(hash, salted_password, BYTES_LITERAL("Server Key"), out->server_key);
    OPENSSL_cleanse(client_key, sizeof(client_key));
}

void scram_client_proof(enum scram_hash hash, const uint8_t *salted_password,
                        struct bytes auth_message, uint8_t *out)
{
    uint8_t client_key[SCRAM_HASH_MAX], stored_key[SCRAM_HASH_MAX];

    hmac(hash, salted_password, BYTES_LITERAL("Client Key"), client_key);
    digest(hash, client_key, stored_key);
    hmac(hash, stored_key, auth_message, out);
    for (size_t i = 0; i < scram_hash_len(hash); i++)
        out[i] ^= client_key[i];
    OPENSSL_cleanse(client_key, sizeof(client_key));
}

bool scram_proof_is(enum scram_hash hash, const struct scram_credential *c,
                    struct bytes auth_message, struct bytes proof)
{
    uint8_t client_key[SCRAM_HASH_MAX], stored_key[SCRAM_HASH_MAX];
    size_t len = scram_hash_len(hash);

    if (proof.len != len)
        return false;
    hmac(hash, c->stored_key, auth_message, client_key);
    for (size_t i = 0; i < len; i++)
        client_key[i] ^= proof.ptr[i];
    digest(hash, client_key, stored_key);
    bool same = CRYPTO_memcmp(stored_key, c->stored_key, len) == 0;
    OPENSSL_cleanse(client_key, sizeof(client_key));
    return same;
}

void scram_server_signature(enum scram_hash hash, const struct scram_credential *c,
                            struct bytes auth_message, uint8_t *out)
{
    hmac(hash, c->server_key, auth_message, out);
}
