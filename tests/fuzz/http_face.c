/* Any bytes to the HTTP face of a whole server that has a topic and a view: routes, bodies of JSON and of
 * SQL, queries. The server goes on. The first byte is how much of the rest is a first connection's. */
#include "base/check.h"
#include "lib/fuzz.h"
#include "lib/fuzz_server.h"
#include "os/sim/sim.h"

static const char setup[] =
    "POST /v1/sql HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 185\r\n\r\n"
    "CREATE TABLE t (k STRING, n BIGINT) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json'); "
    "CREATE MATERIALIZED TABLE v AS SELECT k, SUM(n) AS s FROM t GROUP BY k;               ";

FUZZ(http_face, data, size)
{
    struct os *os = os_sim_create(1, NULL);
    struct fuzz_server s;
    struct bytes in = bytes_of(data, size), first = bytes_head(bytes_skip(in, 1), size ? data[0] * 8 : 0);

    CHECK(fuzz_server_open(&s, os, NULL));
    fuzz_server_say(&s, FACE_HTTP, bytes_of(setup, sizeof(setup) - 1));
    CHECK(s.answer.len > 12 && memcmp(s.answer.ptr, "HTTP/1.1 200", 12) == 0);
    fuzz_server_say(&s, FACE_HTTP, first);
    fuzz_server_say(&s, FACE_HTTP, bytes_skip(in, 1 + first.len));
    fuzz_server_close(&s);
    os_sim_destroy(os);
}
