/* client.c: what producer and consumer share: a connection that is made anew when it goes, frames
 * out, frames in, answered in the order of their asking. */
#include "app/sim/link.h"

#include "base/check.h"
#include "wire/kafka/messages.h"

static const struct conn_limits limits = {
    .in_bytes_max = 8 << 20, .out_bytes_pause = 8 << 20, .out_bytes_max = 8 << 20,
};

/* A frame is a length and that many bytes. */
static size_t link_bytes(void *state, struct conn *conn, struct bytes in)
{
    struct link *link = state;
    struct reader r = reader_of(in);
    uint32_t len = reader_u32_be(&r);
    struct bytes frame = reader_bytes(&r, len);

    if (conn != link->conn) /* given up already */
        return in.len;
    if (r.bad)
        return 0;
    struct reader body = reader_of(frame);
    uint32_t correlation = reader_u32_be(&body);
    if (correlation != link->answered) {
        ledger_fail(link->ledger, "a client was answered out of order: %u, not %u", correlation,
                    link->answered);
        link_drop(link);
        return in.len;
    }
    link->answered++;
    link->on_answer(link->owner, &body);
    return 4 + (size_t)len;
}

static void link_closed(void *state, struct conn *conn)
{
    struct link *link = state;

    if (link->conn == conn)
        link->conn = NULL;
    else
        return; /* told when it was dropped */
    link->retry_ns = loop_mono_ns(link->loop) + rng_between(&link->rng, 100000, 30000000);
    link->on_lost(link->owner);
}

static const struct conn_handler handler = {.on_bytes = link_bytes, .on_close = link_closed};

void link_init(struct link *link, struct loop *loop, struct ledger *ledger, const char *address,
               uint64_t seed)
{
    *link = (struct link){.loop = loop, .ledger = ledger, .address = address, .rng = rng_seed(seed)};
    arena_init(&link->arena, ARENA_BUDGET_NONE);
    buf_init(&link->frame, 0);
}

void link_deinit(struct link *link)
{
    CHECK(!link->conn); /* link_drop, and a pass of the loop, came before */
    arena_deinit(&link->arena);
    buf_deinit(&link->frame);
}

bool link_up(struct link *link)
{
    if (link->conn)
        return true;
    if (loop_mono_ns(link->loop) < link->retry_ns)
        return false;
    link->asked = link->answered = 0;
    if (conn_connect(link->loop, link->address, &handler, link, &limits, &link->conn) == ST_OK)
        return true;
    link->conn = NULL;
    link->retry_ns = loop_mono_ns(link->loop) + 5000000;
    return false;
}

void link_drop(struct link *link)
{
    struct conn *conn = link->conn;

    if (!conn)
        return;
    link_closed(link, conn);
    conn_close(conn);
}

void link_ask(struct link *link, int16_t key, int16_t version, const void *message)
{
    const struct kafka_api *api = kafka_api_find(key);
    struct kafka_request_header header = {
        .api_key = key, .api_version = version, .correlation_id = (int32_t)link->asked++,
        .client_id = BYTES_LITERAL("sim"),
    };

    CHECK(api && link->conn);
    CHECK(version >= api->first && version <= api->last);
    buf_clear(&link->frame);
    buf_u32_be(&link->frame, 0);
    kafka_request_header_write(&link->frame, &header);
    kafka_encode(api->request, version, message, &link->frame, NULL);
    buf_patch_u32_be(&link->frame, 0, (uint32_t)link->frame.len - 4);
    conn_send(link->conn, buf_view(&link->frame));
}

bool link_read(struct link *link, int16_t key, int16_t version, struct reader *r, void *message)
{
    const struct kafka_api *api = kafka_api_find(key);

    arena_reset(&link->arena);
    CHECK(version < api->flexible); /* the header of an answer is then the number alone */
    if (kafka_decode(api->response, version, r, &link->arena, message) == ST_OK)
        return true;
    ledger_fail(link->ledger, "an answer to %s cannot be read", api->name);
    link_drop(link);
    return false;
}
