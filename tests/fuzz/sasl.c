/* What a stranger sends to say who it is: each mechanism's state machine, message by message, and
 * tokens as if they were signed. The input: mechanism, then messages of u16 length. */
#include "serve/security/sasl.h"
#include "base/check.h"
#include "base/reader.h"
#include "lib/fuzz.h"
#include "os/sim/sim.h"

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
    converse(security, mechanism, r);
    security_close(security);
    log_close(log);
    os_sim_destroy(os);
}
