/* postgres_inner.h: what postgres.c (the sink, the table of options, the connection) and postgres_lookup.c share. Nobody
 * else includes it.   Layer: bridge.
 */
#ifndef QW_BRIDGE_POSTGRES_INNER_H
#define QW_BRIDGE_POSTGRES_INNER_H

#include "bridge/pg_link.h"
#include "bridge/pg_value.h"
#include "bridge/quoted.h"
#include "bridge/systems.h"

enum { OPT_HOST, OPT_PORT, OPT_USER, OPT_PASSWORD, OPT_DATABASE, OPT_SCHEMA, OPT_TABLE, OPT_POSITIONS, OPT_SSLMODE,
       OPT_SSLROOT, OPT_SSLCERT, OPT_SSLKEY, OPT_SSLPASSWORD, OPTIONS };

struct bridge_postgres_state {
    struct bridge base;
    struct pg_link link;
    struct arena link_arena; /* as long as the connection */
    struct pg_type *types;   /* of the columns there; by ours */
    int64_t *expected;       /* the position there, by partition, as this connection knows it; or UNKNOWN */
    uint32_t expected_count;
    struct buf sql, text;
    size_t *starts;       /* of the values in text; SIZE_MAX: NULL */
    const char **values;
    char *positions;      /* its name, quoted */
};

/* The table there, quoted. */
void postgres_target(const struct bridge_spec *spec, struct buf *out);

/* False, all of them, with the reason in b->link.trouble. */
bool postgres_wrong(struct bridge_postgres_state *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool postgres_dial(struct bridge_postgres_state *b); /* and sets what the texts of values depend on */
bool postgres_prepare(struct bridge_postgres_state *b, const char *name, const char *sql);
/* Ends the connection: its trouble is the call's. */
bool postgres_give_up(struct bridge_postgres_state *b, char to[200]);

/* ---- postgres_lookup.c ---- */
void postgres_lookup(struct bridge *bridge, struct bridge_lookup *lookup);

#endif
