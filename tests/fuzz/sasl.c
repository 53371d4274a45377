/* What a stranger sends to say who it is: each mechanism's state machine, message by message, and
 * tokens as if they were signed; and what a server answers to us. The input: mechanism, then messages of u16 length. */
#include "serve/security/sasl.h"
#include "base/check.h"
#include "base/reader.h"
#include "lib/fuzz.h"
#include "os/sim/sim.h"
#include "wire/sasl/sasl.h"

enum { MESSAGES_MAX = 4 };

static void converse(struct security *security, enum sasl_mechanism mechanism, struct reader r)
{
    struct sasl sasl;
    enum sasl_step step = SASL_MORE;
    struct buf out;

    sasl_init(&sasl, security, mechanism);
    for (int i = 0; i < MESSAGES_MAX && step == SASL_MORE && reader_left(&r) > 0; i++) {
        size_t len = reader_u16_be(&r);
        buf_init(&out, 0);
        step =
            sasl_take(&sasl, reader_bytes(&r, len < reader_left(&r) ? len : reader_left(&r)), &out);
        if (step == SASL_FAILED)
            CHECK(sasl.why != NULL);
        buf_deinit(&out);
    }
    sasl_deinit(&sasl);
}

/* The same bytes as a server's answers to our own client. */
static void answers(struct bytes in)
{
    struct scram_challenge challenge;
    struct buf decoded;
    struct bytes error;

    buf_init(&decoded, 0);
    if (scram_challenge_parse(in, &challenge, &decoded))
        CHECK(challenge.iterations > 0 && challenge.nonce.len > 0);
    buf_clear(&decoded);
    if (scram_verdict_parse(in, &decoded, &error))
        CHECK(!(error.len && decoded.len));
    buf_deinit(&decoded);
}

FUZZ(sasl, data, size)
{
    const struct security_options options = {
        .sasl = "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER", .token_unsigned = true};
    struct reader r = reader_of(bytes_of(data, size));
    struct os *os = os_sim_create(1, NULL);
    struct security *security;
    struct diag diag = {0};
    struct log *log;

    CHECK(log_open(os, NULL, &(struct log_options){.in_memory = true}, &log, &diag) == ST_OK);
    CHECK(security_open(os, log, &options, &security, &diag) == ST_OK);
    enum sasl_mechanism mechanism = (enum sasl_mechanism)(reader_u8(&r) % SASL_MECHANISMS);
    answers(bytes_of(r.at, reader_left(&r)));
    converse(security, mechanism, r);
    security_close(security);
    log_close(log);
    os_sim_destroy(os);
}
