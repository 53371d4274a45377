/* What a NATS server sends: bounded, views within what was given, read the same however it was cut. */
#include "base/check.h"
#include "lib/fuzz.h"
#include "wire/nats/protocol.h"

static void within(struct bytes part, struct bytes whole)
{
    CHECK(!part.len || (part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len));
}

static void headers(const struct nats_op *op, struct bytes in, struct buf *out)
{
    struct bytes rest = op->headers;
    struct nats_header h;
    uint32_t count = 0;

    within(op->headers, in);
    while (nats_header_next(&rest, &h)) {
        within(h.name, in);
        within(h.value, in);
        (void)nats_put_header(out, h.name, h.value);
        count++;
    }
    CHECK(!rest.len && count == op->headers_count); /* what is read of a message is whole */
}

/* As a PUB of ours, read as a server would: but for its first words the same. */
static void again(const struct nats_op *op, const struct buf *put)
{
    struct buf buf;
    struct nats_op n;
    size_t used, word = put->len ? 4 : 3;

    if (!nats_is_subject(op->subject) || (op->reply.len && !nats_is_subject(op->reply)))
        return;
    buf_init(&buf, 0);
    nats_put_publish(&buf, &(struct nats_publish){op->subject, op->reply, buf_view(put), op->payload});
    CHECK(memcmp(buf.ptr, put->len ? "HPUB" : "PUB ", 4) == 0);
    struct bytes rest = bytes_skip(buf_view(&buf), word + 1 + op->subject.len);
    struct buf msg;
    buf_init(&msg, 0);
    buf_printf(&msg, "%s %.*s 1", put->len ? "HMSG" : "MSG", BYTES_FMT(op->subject));
    buf_bytes(&msg, rest);
    CHECK(nats_next(buf_view(&msg), INT32_MAX, &n, &used) == NATS_OP && used == msg.len && n.kind == NATS_MESSAGE);
    CHECK(bytes_equal(n.payload, op->payload) && bytes_equal(n.subject, op->subject) && bytes_equal(n.reply, op->reply));
    CHECK(bytes_equal(n.headers, buf_view(put)));
    buf_deinit(&msg);
    buf_deinit(&buf);
}

static void message(const struct nats_op *op, struct bytes in)
{
    struct nats_delivery d;
    struct bytes value;
    struct buf put;

    buf_init(&put, 0);
    headers(op, in, &put);
    within(op->subject, in);
    within(op->reply, in);
    within(op->payload, in);
    (void)nats_header_of(op, "Nats-Last-Consumer", &value);
    if (nats_read_delivery(op->reply, &d))
        CHECK(d.time_ns >= 0);
    if (!op->cut)
        again(op, &put);
    buf_deinit(&put);
}

FUZZ(nats_protocol, data, size)
{
    struct nats_op op, cut;
    size_t used, at = 0, cut_used;

    if (!size)
        return;
    size_t whole_max = data[0] & 1 ? 64 : 4096;
    struct bytes in = bytes_of(data + 1, size - 1);
    CHECK(nats_is_filter(in) || !nats_is_subject(in));
    while (nats_next(bytes_skip(in, at), whole_max, &op, &used) == NATS_OP) {
        CHECK(used && used <= in.len - at && op.payload.len <= whole_max);
        CHECK(nats_next(bytes_head(bytes_skip(in, at), used - 1), whole_max, &cut, &cut_used) == NATS_MORE);
        within(op.text, in);
        if (op.kind == NATS_MESSAGE)
            message(&op, in);
        at += used;
    }
}
