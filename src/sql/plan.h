/* plan.h: what a query does, as a tree of operators: sql/ makes it, flow/ runs it.
 *
 * Immutable once made. Every name is a column index; every expression is bound to the columns of
 * the node's input (of a join: the left's columns, then the right's). A node says how each of its
 * inputs must be distributed over shards, what changes it emits, and which of its columns are time
 * attributes.
 *
 * Owns: everything lives in the plan's arena; tables are retained by the plan.   Layer: sql.
 */
#ifndef QW_SQL_PLAN_H
#define QW_SQL_PLAN_H

#include "data/agg.h"
#include "data/expr.h"
#include "sql/catalog.h"

enum plan_kind {
    PLAN_SCAN,   /* a source table */
    PLAN_VALUES, /* literal rows */
    PLAN_CALC,   /* filter, then projection */
    PLAN_WINDOW, /* TUMBLE, HOP, CUMULATE, SESSION as a table function: adds window_start, window_end, window_time */
    PLAN_WINDOW_AGG,  /* windows and aggregates in one: emits when the watermark passes a window */
    PLAN_GROUP_AGG,   /* keyed aggregates, updated by every row */
    PLAN_JOIN,        /* regular join: keeps both sides */
    PLAN_WINDOW_JOIN, /* both sides carry windows: state is dropped with its window */
    PLAN_TEMPORAL_JOIN, /* a left row meets the version of its key at its time, when the watermark passes that */
    PLAN_LOOKUP_JOIN, /* a left row meets what the right holds when it comes; only the right is kept */
    PLAN_UNION,       /* UNION ALL */
    PLAN_UNNEST,      /* each row once for each element of a list of its own */
    PLAN_RANK,        /* ROW_NUMBER() OVER (…) with a bound: top-N, deduplication */
    PLAN_WINDOW_RANK, /* the same of each window of its rows: told once, when the watermark passes it */
    PLAN_OVER,        /* each row again, with aggregates over the rows of its partition up to it */
    PLAN_MATCH,       /* MATCH_RECOGNIZE: a row for each run of rows that a pattern describes */
    PLAN_NORMALIZE,   /* upserts made a changelog: the last row of each key is kept */
    PLAN_SINK,        /* a table's topic, a view's state, print, blackhole, the answer of a SELECT */
    PLAN_KINDS
};

enum time_attr { TIME_NONE, TIME_ROW, TIME_PROC };

struct plan_column {
    struct bytes name;
    const struct type *type;
    enum time_attr time;
};

/* How rows of an input must lie on the shards. */
enum dist_kind { DIST_ANY, DIST_HASH, DIST_SINGLE };
struct dist {
    enum dist_kind kind;
    const uint16_t *keys; /* columns of the input, for HASH */
    uint16_t keys_count;
};

/* What a node's changelog may contain besides +I. */
enum change { CHANGE_UPDATE = 1, CHANGE_DELETE = 2, CHANGE_UPDATE_BEFORE = 4 };

struct plan_node;
struct plan_input {
    struct plan_node *node;
    struct dist dist;
    /* How long what is kept of its rows stands without being written again; 0: for ever. Of nodes for which
     * plan_expires says so. */
    int64_t ttl_us;
    bool ttl_hinted; /* the query says it itself: STATE_TTL */
};

/* Values of a table's columns that a scan gives: a column, or parts of a ROW column. */
struct plan_scan_column {
    uint16_t table_column;     /* physical or metadata */
    const struct type *type;   /* of a ROW: only the fields that are read */
};

/* The hint LOOKUP: what a query says of a lookup join. */
struct lookup_hint {
    bool unordered;         /* rows may overtake each other */
    uint32_t capacity;      /* rows that may wait at a time; 0: the engine's bound */
    int64_t timeout_us;     /* of a call; 0: the table's */
    uint32_t retries;       /* so often it is asked again where there is nothing, */
    int64_t retry_us;       /* each after this time */
};

/* What a lookup join asks an outside system for. Its right input is a scan of the answers, whose columns are the
 * key's, then those of enum lookup_answer. */
struct plan_lookup {
    struct table *table;
    uint32_t index;          /* among those of the plan: it names the topics */
    const uint16_t *keys;    /* columns of the table that are asked by, one a join key */
    uint16_t keys_count;
    const uint16_t *columns; /* and that are asked for: the join's columns behind the left's */
    uint16_t columns_count;
    const struct type *row;  /* of those: ROW */
    struct lookup_hint hint;
};

/* ASKED: the tick that asked, BIGINT. KIND: enum lookup_kind, INT. ROWS: ARRAY of plan_lookup.row. */
enum lookup_answer { LOOKUP_ASKED, LOOKUP_KIND, LOOKUP_ROWS, LOOKUP_ANSWER_COLUMNS };
enum lookup_kind {
    LOOKUP_FOUND,    /* what the outside says, */
    LOOKUP_INSTEAD,  /* or what is told instead when it does not: these rows, */
    LOOKUP_STALE,    /* or the last answer, where there is one; else these */
    LOOKUP_KINDS
};

struct plan_scan {
    struct table *table;
    struct plan_scan_column *columns; /* one an output column */
    const struct expr *watermark;     /* over the output columns; NULL: none */
    int32_t rowtime;                  /* the output column it is for, or -1 when it is computed above */
    bool first;                       /* a lookup join asks for its rows: those there are come before others */
    bool asked;                       /* it is not read: a lookup join asks an outside system for its rows */
    const struct plan_lookup *lookup; /* of a finished plan, where asked: the scan is of the answers */
    const struct table_option *hints; /* of an OPTIONS hint: override the table's */
    uint16_t hints_count;
};

struct plan_values {
    const struct expr ***rows; /* rows_count x columns */
    uint32_t rows_count;
};

struct plan_calc {
    const struct expr *filter;  /* NULL: all rows */
    const struct expr **exprs;  /* one an output column */
};

enum window_kind { WINDOW_TUMBLE, WINDOW_HOP, WINDOW_CUMULATE, WINDOW_SESSION };
struct plan_window {
    enum window_kind kind;
    enum time_attr time;       /* TIME_PROC: the tick's clock, `column` is not read */
    uint16_t column;           /* of the input: the time */
    bool local;                /* it is a TIMESTAMP_LTZ: windows begin and end in the session's zone */
    int64_t size_us, slide_us, offset_us; /* TUMBLE: slide = size; SESSION: size is the gap */
    const uint16_t *partition; /* SESSION: of the input: each key has sessions of its own */
    uint16_t partition_count;
};

struct plan_window_agg {
    bool attached;             /* the input's rows carry their window (a cascade): columns below */
    uint16_t start_column, end_column; /* of the input, when attached */
    bool session_keys;         /* the keys have all that the sessions of the input are apart by */
    struct plan_window window; /* when not attached */
    const uint16_t *keys;      /* of the input */
    uint16_t keys_count;
    const struct agg_call *aggs; /* args over the input's columns */
    uint16_t aggs_count;
    /* Output: keys, aggregates, then those of window_start, window_end, window_time asked for. */
    bool emit_start, emit_end, emit_time;
};

struct plan_group_agg {
    const uint16_t *keys; /* of the input; none: one global group, on one shard */
    uint16_t keys_count;
    const struct agg_call *aggs;
    uint16_t aggs_count;
    bool emit_update_before; /* -U is needed downstream */
    /* Output: keys, aggregates. */
};

enum join_kind { JOIN_INNER, JOIN_LEFT, JOIN_RIGHT, JOIN_FULL, JOIN_SEMI, JOIN_ANTI };
struct plan_join {
    enum join_kind kind;
    const uint16_t *left_keys, *right_keys; /* equal pairs; NULL keys never match */
    uint16_t keys_count;
    const struct expr *condition; /* what else must hold, over left then right columns; or NULL */
    /* Bounds that follow from the condition and the inputs' time attributes, so that state can be dropped
     * early without another result: a left row of time t can only meet right rows of times in
     * [t + low_us, t + high_us]. */
    bool bounded;
    uint16_t left_time, right_time;
    int64_t low_us, high_us;
    /* WINDOW_JOIN: the columns with each side's window. */
    uint16_t left_start, left_end, right_start, right_end;
    bool windows_local; /* as plan_window.local */
    bool left_unique, right_unique; /* at most one row a join key on that side */
    /* TEMPORAL_JOIN: left_time is that of FOR SYSTEM_TIME AS OF, right_time that of the versions. */
    const struct lookup_hint *hint;   /* LOOKUP_JOIN, until it has `lookup`: NULL where nothing is said */
    const struct plan_lookup *lookup; /* LOOKUP_JOIN of an outside system; NULL: what is looked up is kept here */
};

struct plan_sort_key {
    uint16_t column;
    bool descending, nulls_last;
};

struct plan_rank {
    const uint16_t *partition;
    uint16_t partition_count;
    const struct plan_sort_key *order;
    uint16_t order_count;
    int64_t limit;
    bool emit_rank; /* ROW_NUMBER() is selected: the last output column */
    uint16_t start_column, end_column; /* WINDOW_RANK: those of the partition's that are its window */
    bool window_local;                 /* as plan_window.local */
};

/* Output: the kept columns of the input, then parts of the element. */
enum { UNNEST_ORDINALITY = UINT16_MAX };
struct plan_unnest {
    uint16_t column;       /* of the input: an ARRAY or a MAP; or a BIGINT: how often the row comes, without parts */
    const uint16_t *kept;
    uint16_t kept_count;
    const uint16_t *parts; /* field of an element that is a ROW; else 0, and 1 for a map's value; its place */
    uint16_t parts_count;
    bool left;             /* a row without elements comes once, with NULLs */
};

/* The frame ends with the row itself; by RANGE with those of its time. */
struct plan_over {
    const uint16_t *partition; /* of the input */
    uint16_t partition_count;
    uint16_t column;           /* of the input: the time by which the rows are ordered */
    enum time_attr time;       /* TIME_PROC: the tick's clock, `column` is not read */
    bool rows;                 /* by ROWS; else by RANGE */
    bool bounded;
    int64_t preceding;         /* when bounded: rows before the row, or microseconds */
    const struct agg_call *aggs; /* args over the input's columns */
    uint16_t aggs_count;
    /* Output: the input's columns, then the aggregates. */
};

/* After a match, the next one begins behind its first row, behind its last, or at a row of a variable. */
enum match_skip { SKIP_TO_NEXT, SKIP_PAST_LAST, SKIP_TO_FIRST, SKIP_TO_LAST };
enum { MATCH_ALL = UINT16_MAX }; /* in the place of a variable: the rows of all of them */

/* A value of some row of a match: of the `offset`th row of a variable from its first, or from its last. */
struct plan_match_ref {
    uint16_t variable;
    bool first;
    bool current; /* in DEFINE: the row that is looked at counts as the variable's last */
    uint32_t offset;
    uint16_t column; /* of the input */
};

struct plan_match_agg {
    uint16_t variable;
    bool current;
    struct agg_call call; /* over the input's columns */
};

struct plan_match_values {
    const struct plan_match_ref *refs;
    uint16_t refs_count;
    const struct plan_match_agg *aggs;
    uint16_t aggs_count;
};

struct plan_match_variable {
    struct bytes name;
    uint32_t least, most;      /* rows; most MATCH_UNBOUNDED: no bound */
    bool single;               /* written without a quantifier, or with ? */
    bool greedy;               /* what follows does not begin while a row could be its own */
    const struct expr *define; /* over the input's columns, then the values of `defines`; NULL: always true */
};
enum { MATCH_UNBOUNDED = UINT32_MAX };

/* Output: the partition's columns, the values of `measures`, then the time of the match where it is emitted. */
struct plan_match {
    const uint16_t *partition; /* of the input */
    uint16_t partition_count;
    uint16_t column;                   /* of the input: the time by which the rows are ordered */
    enum time_attr time;               /* TIME_PROC: the tick's clock, `column` is not read */
    const struct plan_sort_key *order; /* of rows of equal times */
    uint16_t order_count;
    const struct plan_match_variable *variables; /* in the order of the pattern */
    uint16_t variables_count;
    struct plan_match_values defines, measures;
    enum match_skip skip;
    uint16_t skip_to;  /* a variable */
    int64_t within_us; /* from a match's first row to its last it is less; 0: no bound */
    bool emit_time;
};

struct plan_normalize {
    const uint16_t *keys; /* of the input: the table's primary key */
    uint16_t keys_count;
};

/* What becomes of a row with a NULL for a NOT NULL column of the sink's table, or with a text or
 * bytes that do not have the length of its column. */
enum sink_nulls { SINK_NULLS_PASS, SINK_NULLS_FAIL, SINK_NULLS_DROP };
enum sink_lengths { SINK_LENGTHS_PASS, SINK_LENGTHS_FIT, SINK_LENGTHS_FAIL };

struct plan_sink {
    struct table *table;         /* NULL: the answer of a SELECT */
    const uint16_t *columns;     /* table column of each input column */
    uint16_t columns_count;
    const uint16_t *upsert_key;  /* of the input: unique key of the changelog, if it has one */
    uint16_t upsert_key_count;
    /* An answer is put in order and cut when it is whole. */
    const struct plan_sort_key *order;
    uint16_t order_count;
    int64_t limit, skip; /* limit -1: none */
    uint16_t hidden;     /* the last of its columns are there for the order alone */
    enum sink_nulls nulls;
    enum sink_lengths lengths;
};

enum { PLAN_DISK_TABLES = 64 }; /* of one node, that may be on disk */

struct plan_node {
    enum plan_kind kind;
    uint32_t id; /* in the order of execution from 0; state is named by it */
    struct plan_column *columns;
    uint16_t columns_count;
    unsigned changes;   /* enum change bits of what it emits */
    bool origins;       /* its rows carry where they were read (struct origin): some user asks for it */
    struct plan_input *inputs;
    uint16_t inputs_count;
    const char *arrival; /* why its result depends on arrival, or NULL */
    const char *grows;   /* why its state grows without bound, and the remedy; or NULL */
    union {
        struct plan_scan scan;
        struct plan_values values;
        struct plan_calc calc;
        struct plan_window window;
        struct plan_window_agg window_agg;
        struct plan_group_agg group_agg;
        struct plan_join join;
        struct plan_rank rank;
        struct plan_over over;
        struct plan_match match;
        struct plan_normalize normalize;
        struct plan_unnest unnest;
        struct plan_sink sink;
    };
};

/* One job's queries. A node may feed several others (it is then in several inputs). */
struct plan {
    struct arena arena;
    struct plan_node **nodes; /* inputs before their users */
    uint32_t nodes_count;
    struct plan_node **sinks;
    uint16_t sinks_count;
    struct table **tables; /* retained, until plan_destroy */
    uint32_t tables_count;
};

void plan_destroy(struct plan *plan);
/* Its state is under table.exec.state.ttl: no operator whose state is bounded by windows or times. */
bool plan_expires(const struct plan_node *node);
/* Some of its state is let go of while what it stands for is still there: a key may come again as new. */
bool plan_forgets(const struct plan *plan);
/* Past seven eighths of memory.limit its state goes to disk; else, whatever it has stays in memory. */
bool plan_goes_to_disk(const struct plan_node *node);
/* The node's input has origins, and they decide what the query's order leaves open. */
bool plan_orders_by_origin(const struct plan_node *node);
/* As EXPLAIN prints it: the tree, a node a line, with changes, keys, growth and arrival. */
const char *plan_text(struct arena *arena, const struct plan *plan);
/* The same without remarks, and without what a session may change about a job that goes on: the rules of its sinks. */
const char *plan_text_bare(struct arena *arena, const struct plan *plan);
/* Of one node, what stands behind its name there. */
const char *plan_node_text(struct arena *arena, const struct plan *plan, const struct plan_node *node);
const char *plan_kind_text(enum plan_kind kind);

#endif
