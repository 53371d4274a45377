/* NATS' protocol, as its page and a real server have it; ./dev interop bridge_nats talks to one. */
#include "wire/nats/protocol.h"

#include "lib/test.h"

static struct nats_op op_of(struct bytes in)
{
    struct nats_op op;
    size_t used;

    EXPECT_INT(nats_next(in, 1000, &op, &used), NATS_OP);
    EXPECT_INT(used, in.len);
    return op;
}

TEST(nats_what_comes)
{
    struct nats_op op = op_of(BYTES_LITERAL("INFO {\"headers\":true} \r\n"));

    EXPECT_INT(op.kind, NATS_INFO);
    EXPECT_BYTES(op.text, BYTES_LITERAL("{\"headers\":true}"));
    EXPECT_INT(op_of(BYTES_LITERAL("ping\r\n")).kind, NATS_PING);
    op = op_of(BYTES_LITERAL("-ERR 'Authorization Violation'\r\n"));
    EXPECT_INT(op.kind, NATS_ERR);
    EXPECT_BYTES(op.text, BYTES_LITERAL("'Authorization Violation'"));
    op = op_of(BYTES_LITERAL("MSG s.b 1 $JS.ACK.S.c.1.7.5.1795871516694835461.3 2\r\nm1\r\n"));
    EXPECT(op.kind == NATS_MESSAGE && !op.status && !op.headers_count && !op.cut);
    EXPECT_BYTES(op.subject, BYTES_LITERAL("s.b"));
    EXPECT_BYTES(op.payload, BYTES_LITERAL("m1"));
    struct nats_delivery d;
    EXPECT(nats_read_delivery(op.reply, &d));
    EXPECT(d.stream_seq == 7 && d.consumer_seq == 5 && d.time_ns == 1795871516694835461 && d.pending == 3);
    op = op_of(BYTES_LITERAL("MSG in.1 1  0\r\n\r\n")); /* a server puts two blanks where there is no reply */
    EXPECT(!op.reply.len && !op.payload.len);
}

TEST(nats_headers_and_status)
{
    struct nats_op op = op_of(BYTES_LITERAL("HMSG in.7 1 16 16\r\nNATS/1.0 503\r\n\r\n\r\n"));
    struct bytes value;
    struct nats_header h;

    EXPECT(op.status == 503 && !op.headers_count && !op.payload.len);
    op = op_of(BYTES_LITERAL("HMSG in.2 1  54 54\r\nNATS/1.0 100 Idle Heartbeat\r\nNats-Last-Consumer: 4\r\n\r\n\r\n"));
    EXPECT(op.status == 100 && op.headers_count == 1);
    EXPECT_BYTES(op.status_text, BYTES_LITERAL("Idle Heartbeat"));
    EXPECT(nats_header_of(&op, "nats-last-consumer", &value));
    EXPECT_BYTES(value, BYTES_LITERAL("4"));
    op = op_of(BYTES_LITERAL("HMSG s 1 r 24 26\r\nNATS/1.0\r\na:  b \r\nc:\r\n\r\nhi\r\n"));
    EXPECT(op.headers_count == 2 && !op.status);
    EXPECT_BYTES(op.payload, BYTES_LITERAL("hi"));
    EXPECT(nats_header_next(&op.headers, &h));
    EXPECT_BYTES(h.name, BYTES_LITERAL("a"));
    EXPECT_BYTES(h.value, BYTES_LITERAL("b"));
}

TEST(nats_what_is_not_its_protocol)
{
    static const struct bytes bad[] = {
        BYTES_LITERAL("GET / HTTP/1.1\r\n"), BYTES_LITERAL("MSG s 1\r\n"), BYTES_LITERAL("MSG s 1 -1\r\n"),
        BYTES_LITERAL("MSG s 1 r x 2\r\n"), BYTES_LITERAL("MSG s 1 2\r\nabcd"), BYTES_LITERAL("MSG s 1 99999999999\r\n"),
        BYTES_LITERAL("HMSG s 1 4 2\r\n"), BYTES_LITERAL("HMSG s 1 14 14\r\nNATS/1.0\r\nab\r\n\r\n"),
        BYTES_LITERAL("HMSG s 1 12 12\r\nHTTP/1.0\r\n\r\n\r\n"), BYTES_LITERAL("HMSG s 1 2000 2000\r\n"), /* headers larger than is kept */
    };
    struct nats_op op;
    size_t used;

    for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        EXPECT_INT(nats_next(bad[i], 1000, &op, &used), NATS_BAD);
    EXPECT_INT(nats_next(BYTES_LITERAL("MSG s 1 2\r\nab"), 1000, &op, &used), NATS_MORE);
    EXPECT_INT(nats_next(BYTES_LITERAL("MSG s 1"), 1000, &op, &used), NATS_MORE);
}

TEST(nats_a_message_that_is_too_large_is_given_by_its_beginning)
{
    struct bytes in = BYTES_LITERAL("MSG s 1 100\r\n0123456789");
    struct nats_op op;
    size_t used;

    EXPECT_INT(nats_next(bytes_head(in, in.len - 1), 10, &op, &used), NATS_MORE);
    EXPECT_INT(nats_next(in, 10, &op, &used), NATS_OP);
    EXPECT_INT(used, in.len);
    EXPECT(op.payload.len == 10 && op.cut == 92);
}

TEST(nats_deliveries)
{
    struct nats_delivery d;

    EXPECT(nats_read_delivery(BYTES_LITERAL("$JS.ACK.hub.acc.S.c.1.7.5.17.3.x"), &d)); /* a domain's */
    EXPECT(d.stream_seq == 7 && d.consumer_seq == 5 && d.pending == 3);
    EXPECT(!nats_read_delivery(BYTES_LITERAL("$JS.ACK.S.c.1.7.5.17"), &d));
    EXPECT(!nats_read_delivery(BYTES_LITERAL("$JS.ACK.S.c.1.-7.5.17.3"), &d));
    EXPECT(!nats_read_delivery(BYTES_LITERAL("_INBOX.S.c.1.7.5.17.3.1"), &d));
    EXPECT(!nats_read_delivery(BYTES_LITERAL(""), &d));
}

TEST(nats_what_goes)
{
    struct buf buf, headers;

    buf_init(&buf, 0);
    buf_init(&headers, 0);
    nats_put_publish(&buf, &(struct nats_publish){.subject = BYTES_LITERAL("a.b"), .payload = BYTES_LITERAL("hi")});
    EXPECT_BYTES(buf_view(&buf), BYTES_LITERAL("PUB a.b 2\r\nhi\r\n"));
    buf_clear(&buf);
    EXPECT(nats_put_header(&headers, BYTES_LITERAL("Nats-Msg-Id"), BYTES_LITERAL("a")));
    EXPECT(!nats_put_header(&headers, BYTES_LITERAL("a"), BYTES_LITERAL("b\r\nc: d")));
    EXPECT(!nats_put_header(&headers, BYTES_LITERAL("a b"), BYTES_LITERAL("c")));
    EXPECT(!nats_put_header(&headers, BYTES_LITERAL("a:"), BYTES_LITERAL("c")));
    EXPECT(!nats_put_header(&headers, BYTES_LITERAL(""), BYTES_LITERAL("c")));
    nats_put_publish(&buf, &(struct nats_publish){BYTES_LITERAL("s"), BYTES_LITERAL("r"), buf_view(&headers), BYTES_LITERAL("x")});
    EXPECT_BYTES(buf_view(&buf), BYTES_LITERAL("HPUB s r 28 29\r\nNATS/1.0\r\nNats-Msg-Id: a\r\n\r\nx\r\n"));
    buf_deinit(&buf);
    buf_deinit(&headers);
}

TEST(nats_subjects)
{
    EXPECT(nats_is_subject(BYTES_LITERAL("a.b-c.$x")) && nats_is_subject(BYTES_LITERAL("\xc3\xa4")));
    EXPECT(!nats_is_subject(BYTES_LITERAL("")) && !nats_is_subject(BYTES_LITERAL("a..b")) && !nats_is_subject(BYTES_LITERAL("a.")));
    EXPECT(!nats_is_subject(BYTES_LITERAL("a b")) && !nats_is_subject(BYTES_LITERAL("a.*")) && !nats_is_subject(BYTES_LITERAL("a\r\nPUB")));
    EXPECT(nats_is_filter(BYTES_LITERAL("a.*.b")) && nats_is_filter(BYTES_LITERAL(">")) && !nats_is_filter(BYTES_LITERAL(">.a")));
    EXPECT(nats_is_name(BYTES_LITERAL("ORDERS")) && !nats_is_name(BYTES_LITERAL("a.b")) && !nats_is_name(BYTES_LITERAL("a/b")));
}
