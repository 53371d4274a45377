/* Requests of Kafka's protocol to a whole server that has a topic: each is answered or its connection
 * closed, and the server goes on. The input is a list of u16 length and request. */
#include "base/check.h"
#include "base/reader.h"
#include "lib/fuzz.h"
#include "lib/fuzz_server.h"
#include "os/sim/sim.h"

enum { REQUESTS_MAX = 8 };

FUZZ(kafka_face, data, size)
{
    struct reader r = reader_of(bytes_of(data, size));
    struct os *os = os_sim_create(1, NULL);
    struct log_topic *topic;
    struct fuzz_server s;

    CHECK(fuzz_server_open(&s, os, NULL));
    CHECK(log_topic_create(server_log(s.server), BYTES_LITERAL("t"), 2, NULL, &topic, NULL, NULL) == ST_OK);
    for (int i = 0; i < REQUESTS_MAX && reader_left(&r) > 2; i++) {
        size_t len = reader_u16_be(&r);
        fuzz_server_frame(&s, reader_bytes(&r, len < reader_left(&r) ? len : reader_left(&r)));
    }
    fuzz_server_close(&s);
    os_sim_destroy(os);
}
