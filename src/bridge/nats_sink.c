/* nats_sink.c: JetStream as a sink: a record is a message, its value in the table's format the payload.
 *
 * 'nats.subject' may have columns. Each message has a reply subject of its own, to which the stream that takes it answers;
 * many are under way, and a batch is settled up to the first without an answer. What has none is sent again, with the same
 * Nats-Msg-Id: the stream drops what it has had within its duplicate window. That may be over by then, so with each new
 * connection the stream is searched first (nats_search.c), and what it has is not sent.
 *
 *     Nats-Msg-Id   IDENTITY-PARTITION-OFFSET-TIME: the time, so that another record, in a data directory that was set
 *                   back to an older copy, has another id
 *
 * Where nobody answers (503), JetStream is asked whether a stream has the subject: if it knows of none and the subject is
 * made of columns, it is the record's fault. Errors that say so of the message itself are too; all others are everybody's.
 *
 * The record's headers go along, but for those that begin with Nats-: to JetStream they are commands.
 */
#include <stdio.h>

#include "base/check.h"
#include "base/reader.h"
#include "bridge/nats_inner.h"

enum { WINDOW_RECORDS = 256, WINDOW_BYTES = 1 << 20 };
enum { TOO_LARGE = 10054, HEADERS_TOO_LARGE = 10097, OTHER_STREAM = 10060, NOBODY = 503 }; /* err_code */
static const uint64_t ask_nobody = UINT64_MAX; /* in place of an ask's number: nobody answers it */

/* ---- opening ---- */

static bool by_columns(const struct bridge_nats_state *b)
{
    return template_has_columns(b->subject_said);
}

enum status nats_sink_open(struct bridge_nats_state *b, struct diag *diag)
{
    static const int of_sources[] = {OPT_START, OPT_START_MS, OPT_HEARTBEAT};
    static const char *const names[] = {"scan.startup.mode", "scan.startup.timestamp-millis", "nats.heartbeat"};
    const struct bridge_spec *spec = b->base.spec;
    const struct bridge_value *v = spec->values;
    struct bytes subject = v[OPT_SUBJECT].text.len ? v[OPT_SUBJECT].text : spec->table;

    b->subject_said = subject;
    for (unsigned i = 0; i < 3; i++)
        if (v[of_sources[i]].given)
            return diag_set(diag, ST_INVALID, DIAG_VALUE, "`%.*s` is written, and '%s' is of what is read",
                            BYTES_FMT(spec->table), names[i]);
    if (v[OPT_STREAM].text.len && !nats_is_name(v[OPT_STREAM].text))
        return diag_set(diag, ST_INVALID, DIAG_VALUE, "'nats.stream' is '%.*s', and that is no stream's name",
                        BYTES_FMT(bytes_head(v[OPT_STREAM].text, 60)));
    TRY(template_read(&b->subject, spec, "nats.subject", subject, diag));
    buf_clear(&b->subject_text);
    for (unsigned i = 0; i < b->subject.count; i++)
        buf_bytes(&b->subject_text, b->subject.pieces[i].column < 0 ? b->subject.pieces[i].text : BYTES_LITERAL("x"));
    if (nats_is_subject(buf_view(&b->subject_text)))
        return ST_OK;
    diag_hint(diag, "words with dots between; wildcards are for tables that are read");
    return diag_set(diag, ST_INVALID, DIAG_VALUE, "'nats.subject' of `%.*s`, which is written, is no subject: '%.*s'",
                    BYTES_FMT(spec->table), BYTES_FMT(bytes_head(subject, 60)));
}

/* ---- a message ---- */

/* NULL: it is in b->subject_text. */
static const char *write_subject(struct bridge_nats_state *b, const struct bridge_record *r, const struct chunk *rows)
{
    buf_clear(&b->subject_text);
    if (!r->value.ptr)
        return "it is a deleted row, and a message cannot be taken back";
    if (!template_write(&b->subject_text, &b->subject, b->base.spec, rows, r->row))
        return "a column of its subject is NULL";
    return nats_is_subject(buf_view(&b->subject_text))
               ? NULL
               : "its subject has an empty word, a wildcard, white space or a control in it, or is too long";
}

static bool is_command(struct bytes name)
{
    return bytes_is_nocase(bytes_head(name, 5), "Nats-");
}

void nats_id_begin(const struct bridge_nats_state *b, uint32_t partition, char out[64])
{
    snprintf(out, 64, "%.40s-%u-", b->base.spec->identity, partition);
}

static void write_headers(struct bridge_nats_state *b, const struct bridge_record *r)
{
    const struct bridge_spec *spec = b->base.spec;
    struct reader headers = reader_of(r->headers);
    struct record_header h;
    char begin[64], id[120];

    buf_clear(&b->headers);
    nats_id_begin(b, r->partition, begin);
    snprintf(id, sizeof(id), "%s%lld-%lld", begin, (long long)r->offset, (long long)r->timestamp_ms);
    CHECK(nats_put_header(&b->headers, BYTES_LITERAL("Nats-Msg-Id"), bytes_str(id)));
    if (spec->values[OPT_STREAM].text.len)
        CHECK(nats_put_header(&b->headers, BYTES_LITERAL("Nats-Expected-Stream"), spec->values[OPT_STREAM].text));
    for (uint32_t i = 0; i < r->headers_count && record_headers_next(&headers, &h); i++)
        if (!is_command(h.key))
            (void)nats_put_header(&b->headers, h.key, h.value); /* one that can stand in no header is left out */
}

/* Into b->out. NULL: it is there. */
static const char *write_message(struct bridge_nats_state *b, const struct bridge_record *r, const struct chunk *rows)
{
    const char *why = write_subject(b, r, rows);
    char reply[64];

    if (why)
        return why;
    write_headers(b, r);
    if (b->headers.len + 12 + r->value.len > b->payload_max)
        return "it is larger than the server takes (max_payload)";
    snprintf(reply, sizeof(reply), "%s.%llu", b->inbox, (unsigned long long)++b->asks);
    nats_put_publish(&b->out, &(struct nats_publish){buf_view(&b->subject_text), bytes_str(reply), buf_view(&b->headers),
                                                     r->value});
    return NULL;
}

/* ---- what is under way ---- */

/* Records of a batch: [0, done) are settled, [done, sent) were sent or are `never`. */
struct flight {
    struct bridge_nats_state *b;
    struct bridge_batch *batch;
    uint32_t sent, done;
    uint32_t awaited; /* so many have yet to be answered */
    uint32_t nobody;  /* and these are answered by nobody */
    uint64_t *asks;   /* of each: its number; 0: it is settled */
    bool *there;      /* of each: the stream has it */
};

static void settle(struct flight *f)
{
    while (f->done < f->sent && !f->asks[f->done])
        f->done++;
}

static bool launch(struct flight *f)
{
    struct bridge_nats_state *b = f->b;

    while (f->sent < f->batch->count && !f->nobody && f->awaited < WINDOW_RECORDS && b->out.len < WINDOW_BYTES) {
        struct bridge_record *r = &f->batch->records[f->sent];
        if (!r->never && !f->there[f->sent])
            r->never = write_message(b, r, &f->batch->rows);
        bool goes = !r->never && !f->there[f->sent];
        f->asks[f->sent++] = goes ? b->asks : 0;
        f->awaited += goes;
    }
    settle(f);
    return !b->out.len || nats_send(b, f->batch->trouble);
}

/* Of an error: whether it is the record's fault. */
static bool is_the_records(const struct flight *f, int64_t error)
{
    return error == TOO_LARGE || error == HEADERS_TOO_LARGE || (error == OTHER_STREAM && by_columns(f->b));
}

static void never(struct flight *f, uint32_t at, const char *by, const char *why)
{
    f->batch->records[at].never = arena_printf(f->batch->arena, "%s: %s", by, why);
    f->asks[at] = 0;
}

static bool answered(struct flight *f, uint32_t at, const struct nats_op *op)
{
    struct nats_answer answer;
    uint64_t sequence;

    if (!nats_read_answer(op, &answer) || (!answer.error && !nats_number(answer.json, "seq", &sequence)))
        return nats_trouble(f->b, f->batch->trouble, "", BYTES_LITERAL("what answers a message is no stream"));
    f->awaited--;
    if (answer.error == NOBODY) {
        f->asks[at] = ask_nobody;
        f->nobody++;
        return true;
    }
    if (answer.error && !is_the_records(f, answer.error))
        return nats_trouble(f->b, f->batch->trouble, "a message is refused", bytes_str(answer.why));
    if (answer.error)
        never(f, at, "the stream refuses it", answer.why);
    f->asks[at] = 0;
    return true;
}

/* -ERR 'Permissions Violation for Publish to "SUBJECT"': those of that subject will have no answer. */
static bool forbidden(struct flight *f, const struct nats_op *op)
{
    struct bridge_nats_state *b = f->b;
    struct bytes rest = bytes_skip(op->text, bytes_find(op->text, '"', 0) + 1);
    struct bytes subject = bytes_head(rest, bytes_find(rest, '"', 0));
    bool found = false;

    for (uint32_t i = f->done; i < f->sent && by_columns(b) && subject.len; i++) {
        if (!f->asks[i] || f->asks[i] == ask_nobody || write_subject(b, &f->batch->records[i], &f->batch->rows) ||
            !bytes_equal(buf_view(&b->subject_text), subject))
            continue;
        never(f, i, "the server refuses it", "we have no permission to publish to its subject");
        f->awaited--;
        found = true;
        break; /* each message has an error of its own */
    }
    return found || nats_unexpected(b, op, f->batch->trouble);
}

static bool take(struct flight *f, const struct nats_op *op)
{
    uint64_t ask = nats_ask_of(f->b, op);

    if (op->kind == NATS_ERR)
        return forbidden(f, op);
    for (uint32_t i = f->done; i < f->sent && ask; i++)
        if (f->asks[i] == ask)
            return answered(f, i, op);
    return nats_is_end(f->b, op) || nats_unexpected(f->b, op, f->batch->trouble);
}

/* One answer, and those behind it that are there. */
static bool hear(struct flight *f)
{
    struct bridge_nats_state *b = f->b;
    int64_t until_ms = link_now_ms() + b->base.spec->timeout_ms;
    struct nats_op op;

    for (bool first = true;; first = false) {
        enum link_got got = nats_peek(b, &op, first ? until_ms : 0, f->batch->trouble);
        if (got == LINK_GONE)
            return false;
        if (got == LINK_NONE && first)
            return nats_trouble(b, f->batch->trouble, "", BYTES_LITERAL("no acknowledgement in time ('bridge.timeout')"));
        if (got == LINK_NONE)
            break;
        if (!take(f, &op))
            return false;
        nats_drop(b);
    }
    settle(f);
    return true;
}

/* ---- what nobody answers ---- */

/* Nothing else is under way. */
static bool look_up_nobody(struct flight *f)
{
    struct bridge_nats_state *b = f->b;
    struct bytes stream;

    for (uint32_t i = f->done; i < f->sent; i++) {
        if (f->asks[i] != ask_nobody)
            continue;
        CHECK(!write_subject(b, &f->batch->records[i], &f->batch->rows));
        if (!nats_stream_of(b, f->batch->arena, buf_view(&b->subject_text), &stream, f->batch->trouble))
            return false;
        if (stream.len || !by_columns(b)) {
            char doing[80];
            snprintf(doing, sizeof(doing), "subject %.*s", BYTES_FMT(bytes_head(buf_view(&b->subject_text), 30)));
            return nats_trouble(b, f->batch->trouble, doing,
                                stream.len ? BYTES_LITERAL("its stream does not answer") : BYTES_LITERAL("no stream has it"));
        }
        never(f, i, "nobody takes it", "no stream has its subject");
    }
    f->nobody = 0;
    settle(f);
    return true;
}

/* ---- a batch ---- */

/* A connection that the server has closed while there was nothing to send is no failure. */
static bool connected(struct bridge_nats_state *b, char trouble[200])
{
    struct nats_op op;

    if (b->link && nats_peek(b, &op, 0, trouble) != LINK_NONE)
        nats_disconnect(b);
    trouble[0] = 0;
    return b->link || nats_dial(b, trouble);
}

void nats_deliver(struct bridge *bridge, struct bridge_batch *batch)
{
    struct bridge_nats_state *b = (struct bridge_nats_state *)bridge;
    struct flight f = {.b = b, .batch = batch, .asks = ARENA_ARRAY(batch->arena, uint64_t, batch->count),
                       .there = ARENA_ARRAY(batch->arena, bool, batch->count)};

    if (!connected(b, batch->trouble) || !nats_search(b, batch, f.there, batch->trouble))
        return;
    int64_t until_ms = link_now_ms() + bridge->spec->timeout_ms;
    bool good, time_left;
    do {
        time_left = link_now_ms() < until_ms;
        good = !time_left || launch(&f);
        if (good && f.awaited)
            good = hear(&f);
        else if (good && f.nobody)
            good = look_up_nobody(&f);
    } while (good && (f.awaited || f.nobody || (time_left && f.sent < batch->count)));
    settle(&f);
    batch->settled = f.done;
}
