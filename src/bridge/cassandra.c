/* cassandra.c: Cassandra by its native protocol, version 4: options, opening. cassandra_sink.c writes tables,
 * cassandra_lookup.c looks rows up, cassandra_link.c has the connection, wire/cql/ the frames.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "bridge/cassandra_inner.h"

static const struct bridge_option options[] = {
    [OPT_HOST] = {"cassandra.host", BRIDGE_TEXT, "127.0.0.1", NULL, 0, 0, "name or address of a node"},
    [OPT_PORT] = {"cassandra.port", BRIDGE_COUNT, "9042", NULL, 1, 65535, "its port"},
    [OPT_USER] = {"cassandra.user", BRIDGE_TEXT, "", NULL, 0, 0, "of SASL PLAIN"},
    [OPT_PASSWORD] = {"cassandra.password", BRIDGE_SECRET, "", NULL, 0, 0, "of SASL PLAIN"},
    [OPT_TLS] = {"cassandra.tls", BRIDGE_WORD, "false", "false|true", 0, 0, "whether the connection is encrypted"},
    [OPT_CA] = {"cassandra.tls.ca", BRIDGE_TEXT, "", NULL, 0, 0,
                "file of the authorities that are trusted; default: the system's"},
    [OPT_CERT] = {"cassandra.tls.cert", BRIDGE_TEXT, "", NULL, 0, 0, "file of our own certificate (PEM)"},
    [OPT_KEY] = {"cassandra.tls.key", BRIDGE_TEXT, "", NULL, 0, 0,
                 "file of its key; default: it stands in cassandra.tls.cert"},
    [OPT_KEYSPACE] = {"cassandra.keyspace", BRIDGE_TEXT, NULL, NULL, 0, 0, "the keyspace, which must be there"},
    [OPT_TABLE] = {"cassandra.table", BRIDGE_TEXT, "", NULL, 0, 0,
                   "the table, which must be there; default: the table's name"},
    [OPT_CONSISTENCY] = {"cassandra.consistency", BRIDGE_WORD, "LOCAL_QUORUM",
                         "ANY|ONE|TWO|THREE|QUORUM|ALL|LOCAL_QUORUM|EACH_QUORUM|LOCAL_ONE", 0, 0,
                         "how many replicas must have answered"},
    [OPT_TTL] = {"cassandra.ttl", BRIDGE_TIME, "", NULL, 1000, 630720000000,
                 "written: how long a row lives after it was written; default: as the table there says"},
    [OPT_BATCH] = {"cassandra.batch.bytes", BRIDGE_BYTES, "16 kb", NULL, 1 << 10, 16 << 20,
                   "written: rows of one partition go together, up to so many bytes; Cassandra refuses more than its "
                   "batch_size_fail_threshold"},
};

static bool takes_rows(const struct bridge_spec *spec)
{
    (void)spec;
    return true;
}

static bool takes_changes(const struct bridge_spec *spec)
{
    return spec->key_count > 0;
}

static bool answers_values(const struct bridge_spec *spec)
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
            return diag_set(diag, ST_INVALID, DIAG_VALUE, "'%s' needs 'cassandra.tls' = 'true'", options[of_tls[i]].key);
    if (!v[OPT_KEYSPACE].text.len)
        return diag_set(diag, ST_INVALID, DIAG_VALUE, "'cassandra.keyspace' is empty");
    if (spec->way == BRIDGE_LOOKUP && v[OPT_CONSISTENCY].number == 0)
        return diag_set(diag, ST_INVALID, DIAG_VALUE, "'cassandra.consistency' = 'ANY' is of what is written");
    return ST_OK;
}

static const char *optional(struct bridge_cassandra_state *b, int option)
{
    const struct bridge_value *v = &b->base.spec->values[option];
    return v->given && v->text.len ? arena_str(&b->arena, v->text) : NULL;
}

static void read_options(struct bridge_cassandra_state *b)
{
    static const uint16_t levels[] = {0, 1, 2, 3, 4, 5, 6, 7, 10}; /* of the option's words, as the protocol has them */
    const struct bridge_value *v = b->base.spec->values;

    b->to = (struct link_options){.host = arena_str(&b->arena, v[OPT_HOST].text), .port = (uint16_t)v[OPT_PORT].number,
                                  .tls = v[OPT_TLS].number, .ca_file = optional(b, OPT_CA),
                                  .cert_file = optional(b, OPT_CERT), .key_file = optional(b, OPT_KEY)};
    b->consistency = levels[v[OPT_CONSISTENCY].number];
}

static void cassandra_close(struct bridge *bridge)
{
    struct bridge_cassandra_state *b = (struct bridge_cassandra_state *)bridge;

    cassandra_disconnect(b);
    buf_deinit(&b->in);
    buf_deinit(&b->out);
    buf_deinit(&b->text);
    arena_deinit(&b->link_arena);
    arena_deinit(&b->arena);
    free(b);
}

static enum status cassandra_open(const struct bridge_spec *spec, struct bridge **out, struct diag *diag)
{
    TRY(check(spec, diag));
    struct bridge_cassandra_state *b = xcalloc(1, sizeof(*b));
    b->base = (struct bridge){&bridge_cassandra, spec};
    arena_init(&b->arena, ARENA_BUDGET_NONE);
    arena_init(&b->link_arena, ARENA_BUDGET_NONE);
    buf_init(&b->in, 0);
    buf_init(&b->out, 0);
    buf_init(&b->text, 0);
    read_options(b);
    *out = &b->base;
    return ST_OK;
}

const struct bridge_class bridge_cassandra = {
    .name = "cassandra",
    .ways = BRIDGE_SINK | BRIDGE_LOOKUP,
    .guarantee = "a row is written by its key, with a time that rises: again changes nothing, and what comes late is not seen",
    .options = options,
    .options_count = OPTIONS,
    .takes_rows = takes_rows,
    .takes_changes = takes_changes,
    .open = cassandra_open,
    .deliver = cassandra_deliver,
    .lookup = cassandra_lookup,
    .answers_values = answers_values,
    .close = cassandra_close,
};
