/* nats.c: NATS JetStream: options, opening. nats_source.c reads a stream, nats_sink.c publishes to one, nats_link.c has the
 * connection, wire/nats/ the protocol.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "bridge/nats_inner.h"

static const struct bridge_option options[] = {
    [OPT_HOST] = {"nats.host", BRIDGE_TEXT, "127.0.0.1", NULL, 0, 0, "name or address"},
    [OPT_PORT] = {"nats.port", BRIDGE_COUNT, "4222", NULL, 1, 65535, "its port"},
    [OPT_USER] = {"nats.user", BRIDGE_TEXT, "", NULL, 0, 0, "of CONNECT"},
    [OPT_PASSWORD] = {"nats.password", BRIDGE_SECRET, "", NULL, 0, 0, "of CONNECT"},
    [OPT_TOKEN] = {"nats.token", BRIDGE_SECRET, "", NULL, 0, 0, "of CONNECT, in place of user and password"},
    [OPT_TLS] = {"nats.tls", BRIDGE_WORD, "false", "false|true", 0, 0, "whether the connection is encrypted"},
    [OPT_CA] = {"nats.tls.ca", BRIDGE_TEXT, "", NULL, 0, 0,
                "file of the authorities that are trusted; default: the system's"},
    [OPT_CERT] = {"nats.tls.cert", BRIDGE_TEXT, "", NULL, 0, 0, "file of our own certificate (PEM)"},
    [OPT_KEY] = {"nats.tls.key", BRIDGE_TEXT, "", NULL, 0, 0, "file of its key; default: it stands in nats.tls.cert"},
    [OPT_DOMAIN] = {"nats.domain", BRIDGE_TEXT, "", NULL, 0, 0, "JetStream's domain; default: the server's own"},
    [OPT_SUBJECT] = {"nats.subject", BRIDGE_TEXT, "", NULL, 0, 0,
                     "read: of the stream these alone, with * and >, default: all; written: the subject, in which {column} "
                     "is that column's value, default: the table's name"},
    [OPT_STREAM] = {"nats.stream", BRIDGE_TEXT, "", NULL, 0, 0,
                    "read: the stream, which must be there; written: the one that has to take the messages, default: any"},
    [OPT_START] = {"scan.startup.mode", BRIDGE_WORD, "earliest-offset", "earliest-offset|latest-offset|timestamp", 0, 0,
                   "read: where to begin"},
    [OPT_START_MS] = {"scan.startup.timestamp-millis", BRIDGE_COUNT, "", NULL, 0, 4102444800000,
                      "for scan.startup.mode = timestamp"},
    [OPT_HEARTBEAT] = {"nats.heartbeat", BRIDGE_TIME, "5 s", NULL, 100, 60000,
                       "read: a consumer that is silent for twice as long is made again"},
};

static bool takes_rows(const struct bridge_spec *spec)
{
    return template_has_columns(spec->values[OPT_SUBJECT].text);
}

static bool takes_changes(const struct bridge_spec *spec)
{
    (void)spec;
    return false;
}

/* ---- opening ---- */

static enum status check(const struct bridge_spec *spec, struct diag *diag)
{
    static const int of_tls[] = {OPT_CA, OPT_CERT, OPT_KEY};
    const struct bridge_value *v = spec->values;

    for (int i = 0; i < OPTIONS; i++)
        if (v[i].text.len > 4000 || bytes_find(v[i].text, 0, 0) < v[i].text.len)
            return diag_set(diag, ST_INVALID, DIAG_VALUE, "'%s' is longer than 4000 bytes, or has a zero in it",
                            options[i].key);
    for (unsigned i = 0; i < 3 && !v[OPT_TLS].number; i++)
        if (v[of_tls[i]].given)
            return diag_set(diag, ST_INVALID, DIAG_VALUE, "'%s' needs 'nats.tls' = 'true'", options[of_tls[i]].key);
    if (v[OPT_TOKEN].given && (v[OPT_USER].given || v[OPT_PASSWORD].given))
        return diag_set(diag, ST_INVALID, DIAG_VALUE, "'nats.token' is given, and 'nats.user' or 'nats.password' too: one of them");
    if (v[OPT_DOMAIN].given && !nats_is_name(v[OPT_DOMAIN].text))
        return diag_set(diag, ST_INVALID, DIAG_VALUE, "'nats.domain' is '%.*s', and that is no name",
                        BYTES_FMT(bytes_head(v[OPT_DOMAIN].text, 60)));
    if (!spec->key_count)
        return ST_OK;
    return diag_set(diag, ST_INVALID, DIAG_VALUE, "`%.*s` has a PRIMARY KEY, and a stream only grows: leave it out",
                    BYTES_FMT(spec->table));
}

static const char *optional(struct bridge_nats_state *b, int option)
{
    const struct bridge_value *v = &b->base.spec->values[option];
    return v->given && v->text.len ? arena_str(&b->arena, v->text) : NULL;
}

static void read_options(struct bridge_nats_state *b)
{
    const struct bridge_value *v = b->base.spec->values;

    b->to = (struct link_options){.host = arena_str(&b->arena, v[OPT_HOST].text), .port = (uint16_t)v[OPT_PORT].number,
                                  .tls = v[OPT_TLS].number, .ca_file = optional(b, OPT_CA),
                                  .cert_file = optional(b, OPT_CERT), .key_file = optional(b, OPT_KEY)};
    b->api = v[OPT_DOMAIN].given ? arena_printf(&b->arena, "$JS.%.*s.API", BYTES_FMT(v[OPT_DOMAIN].text)) : "$JS.API";
}

static void nats_close(struct bridge *bridge)
{
    struct bridge_nats_state *b = (struct bridge_nats_state *)bridge;

    nats_disconnect(b);
    buf_deinit(&b->in);
    buf_deinit(&b->out);
    buf_deinit(&b->subject_text);
    buf_deinit(&b->headers);
    free(b->searched);
    arena_deinit(&b->arena);
    free(b);
}

static enum status nats_open(const struct bridge_spec *spec, struct bridge **out, struct diag *diag)
{
    enum status st = ST_OK;

    TRY(check(spec, diag));
    if (spec->way == BRIDGE_SOURCE)
        TRY(nats_source_check(spec, diag));
    struct bridge_nats_state *b = xcalloc(1, sizeof(*b));
    b->base = (struct bridge){&bridge_nats, spec};
    arena_init(&b->arena, ARENA_BUDGET_NONE);
    buf_init(&b->in, 0);
    buf_init(&b->out, 0);
    buf_init(&b->subject_text, 0);
    buf_init(&b->headers, 0);
    read_options(b);
    if (spec->way == BRIDGE_SINK)
        st = nats_sink_open(b, diag);
    if (st == ST_OK)
        *out = &b->base;
    else
        nats_close(&b->base);
    return st;
}

const struct bridge_class bridge_nats = {
    .name = "nats",
    .ways = BRIDGE_SINK | BRIDGE_SOURCE,
    .guarantee = "read, exactly once, by the stream's sequence; written, exactly once to one stream: by Nats-Msg-Id within its "
                 "duplicate window, and beyond that as long as what was written last is among its last 65,536 messages",
    .options = options,
    .options_count = OPTIONS,
    .takes_rows = takes_rows,
    .takes_changes = takes_changes,
    .open = nats_open,
    .deliver = nats_deliver,
    .resume = nats_resume,
    .poll = nats_poll,
    .close = nats_close,
};
