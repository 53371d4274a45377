/* bridge.h: one outside system: what its file gives to the frame that carries records to it and from it.
 *
 * `deliver`, `position`, `poll` and `close` may block: they are called on a helper of the bridge's own
 * (docs/design/003-helpers.md), with time limits of its own making (spec->timeout_ms a call to the outside). They
 * touch nothing but their bridge and the batch. Everything else is called by the loop, while none of them is.
 *
 * A bridge knows nothing of retries, breakers, positions in the log or dead letters: the carrier has them.
 *
 * Layer: bridge.
 */
#ifndef QW_BRIDGE_BRIDGE_H
#define QW_BRIDGE_BRIDGE_H

#include "bridge/options.h"
#include "data/chunk.h"
#include "wire/kafka/batch.h"

struct bridge;
struct bridge_class;

enum bridge_way { BRIDGE_SINK = 1, BRIDGE_SOURCE = 2, BRIDGE_LOOKUP = 4 };

/* Of a lookup: columns of the schema that are asked by, and that are asked for. */
struct bridge_asking {
    const uint16_t *keys, *columns;
    uint16_t keys_count, columns_count;
};

/* What a table says, and where it stands. Lives as long as the bridge. */
struct bridge_spec {
    struct bytes table;
    const char *identity;        /* of the carrier topic: the same over restarts, and no other table's ever */
    struct schema schema;        /* of the table's physical columns */
    const uint16_t *key;         /* columns of its primary key */
    uint16_t key_count;
    enum bridge_way way;         /* 0: not known yet, the table is being made */
    const struct bridge_value *values; /* of class->options */
    struct bytes format;         /* of the records' values: "json" unless the table says otherwise */
    const struct bridge_given *given;  /* all that the table says: of class->passed */
    unsigned given_count;
    int64_t timeout_ms;          /* of one call to the outside */
    struct bridge_asking asking; /* of a lookup */
};

/* Of records that are put back from TABLE$dead the partition is none of the topic's, but this or more: their offsets,
 * and the position after them, are a row of their own. */
enum { BRIDGE_REPLAYED = 10000 };

struct bridge_record {
    uint32_t partition;
    int64_t offset, timestamp_ms;
    struct bytes key, value; /* as they stand in the log; value.ptr NULL: the row of that key is deleted */
    uint32_t headers_count;
    struct bytes headers;    /* record_headers_next */
    uint16_t row;            /* of the batch's chunk */
    const char *never;       /* set by deliver: this record can never be taken, and why (batch's arena) */
};

/* Records of one partition, in order. */
struct bridge_batch {
    struct arena *arena;
    struct bridge_record *records;
    uint32_t count;
    struct chunk rows;   /* of class->rows: a row a record; of a deleted one only its key's columns */
    uint32_t partition;
    int64_t next_offset; /* the position once all of it is delivered */
    /* What deliver says: the first `settled` records need not be given again, each of them taken or `never`.
     * With fewer than count: why; or, where some are settled and nothing is said, that the time was over. */
    uint32_t settled;
    char trouble[200];
    int64_t retry_after_ms; /* and when the outside asks to be left alone for so long; 0: it does not */
};

/* Where a part of the outside that is read in order (a partition, a stream) stands: both as the bridge has them. */
struct bridge_moved {
    struct bytes split, position; /* at most BRIDGE_SPLIT_MAX and BRIDGE_POSITION_MAX bytes; neither is empty */
};
enum { BRIDGE_SPLIT_MAX = 200, BRIDGE_POSITION_MAX = 64 << 10 };

/* What comes from the outside: records, and where that leaves off, taken into the log as one entry. */
struct bridge_poll {
    struct arena *arena;
    uint32_t records_max;
    size_t bytes_max;
    int64_t wait_ms; /* for the first record, at most */
    /* What poll says. A record's partition is that of the table's topic which it goes to, made if it is not there;
     * its offset is not used. One that is `never` goes to TABLE$dead. */
    struct bridge_record *records; /* added by bridge_poll_record */
    uint32_t count;
    size_t bytes;
    struct bridge_moved *moved; /* added by bridge_poll_moved */
    uint32_t moved_count, moved_cap;
    int64_t behind;    /* records that are there and not taken yet, at least; -1: not known */
    bool rest;         /* there was nothing, and it could not wait for it: it is asked again after an interval */
    char trouble[200]; /* there was some; what was given all the same is taken */
};

/* A key that is asked for, and the rows that it has. */
struct bridge_asked {
    uint16_t row;       /* of the lookup's keys */
    struct bytes *rows; /* added by bridge_answer */
    uint32_t count, cap;
    const char *never;  /* it can never be answered, and why (lookup's arena): as if nothing were there */
};

/* Keys that are asked for at once: all of them are answered, or there is trouble. */
struct bridge_lookup {
    struct arena *arena;
    struct chunk keys; /* a column for each of spec->asking.keys; none is NULL */
    struct bridge_asked *asked;
    uint32_t count;
    char trouble[200];
    int64_t retry_after_ms;
};

/* One more row: as the format has it if class->answers_values, else an object of JSON. It is copied. */
void bridge_answer(struct bridge_lookup *lookup, struct bridge_asked *asked, struct bytes row);

/* A new one, zeroed; NULL: records_max or bytes_max are reached. key, value and headers are the caller's to give. */
struct bridge_record *bridge_poll_record(struct bridge_poll *poll, size_t bytes);
void bridge_poll_header(struct bridge_poll *poll, struct bridge_record *record, struct bytes key, struct bytes value);
void bridge_poll_moved(struct bridge_poll *poll, struct bytes split, struct bytes position); /* both are copied */

struct bridge_class {
    const char *name;      /* the connector's */
    unsigned ways;         /* of enum bridge_way */
    const char *guarantee; /* of delivery, for the docs and the page: one line */
    const struct bridge_option *options;
    unsigned options_count;
    /* The first words of options that are its own to check, beside those (NULL at the end; NULL: none). */
    const char *const *passed;
    /* Of those: whether the value is never shown. NULL: none is such. */
    bool (*secret)(struct bytes option);
    /* The engine has a connector of this name too: it is the bridge's only where this option is given. NULL: always. */
    const char *told_by;
    /* Whether the records are rows (columns of the table) for it, not bytes of a format; and whether it takes
     * changes by primary key. */
    bool (*takes_rows)(const struct bridge_spec *spec);
    bool (*takes_changes)(const struct bridge_spec *spec);
    /* Checks what the options say together, and for a way whether it can go that; dials nobody. */
    enum status (*open)(const struct bridge_spec *spec, struct bridge **out, struct diag *diag);
    /* The position that the outside has for a partition, where it keeps one with the records themselves: so
     * that what arrived before a crash is not given again. -1: none. ST_AGAIN: it cannot be asked now (trouble
     * says why). NULL: it keeps none. On the helper. */
    enum status (*position)(struct bridge *bridge, uint32_t partition, int64_t *out, char trouble[200]);
    void (*deliver)(struct bridge *bridge, struct bridge_batch *batch);
    /* Of a source. Before the first poll, for each split that has a position in the log: read on from there.
     * ST_CORRUPT: that is no position of its own. */
    enum status (*resume)(struct bridge *bridge, struct bytes split, struct bytes position);
    /* What comes next. All that earlier polls gave is durable in the log, so it may be acknowledged outside. */
    void (*poll)(struct bridge *bridge, struct bridge_poll *poll);
    /* Of a lookup: what there is now. By the whole primary key alone, or by any columns; rows are values of the
     * table's format, or JSON with the columns that are asked for. */
    void (*lookup)(struct bridge *bridge, struct bridge_lookup *lookup);
    bool by_primary_key;
    bool (*answers_values)(const struct bridge_spec *spec);
    void (*close)(struct bridge *bridge);
};

struct bridge {
    const struct bridge_class *class;
    const struct bridge_spec *spec;
};

/* By connector; NULL: there is none of that name. And all of them, in order of name; NULL past the end. */
const struct bridge_class *bridge_class_of(struct bytes connector);
const struct bridge_class *bridge_class_at(unsigned i);

#endif
