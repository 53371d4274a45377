/* catalog.h: what names mean: tables, views, functions, and the settings of a session.
 *
 * Statements change it through catalog_add and catalog_drop only; the engine keeps the statements'
 * texts in the log and applies them again at start, in order.
 *
 * Owns: its tables; a table's parts live in the table's arena. A plan retains the tables it reads.
 * Threads: one.   Layer: sql.
 */
#ifndef QW_SQL_CATALOG_H
#define QW_SQL_CATALOG_H

#include "base/map.h"
#include "data/expr.h"

enum table_kind {
    TABLE_CONNECTOR,    /* CREATE TABLE … WITH ('connector' = …): source, sink or both */
    TABLE_VIEW,         /* CREATE VIEW: text, expanded where it is used */
    TABLE_MATERIALIZED, /* CREATE MATERIALIZED TABLE: a job's keyed state */
};

enum column_kind { COLUMN_PHYSICAL, COLUMN_METADATA, COLUMN_COMPUTED };

struct table_column {
    struct bytes name;
    const struct type *type;
    enum column_kind kind;
    bool is_virtual;              /* METADATA VIRTUAL: not written */
    struct bytes metadata_key;    /* 'timestamp', 'offset', … */
    const struct expr *computed;  /* over the table's columns, by index among all of them */
    struct bytes computed_text;   /* as it was written */
    struct bytes comment;
};

struct table_option {
    struct bytes key, value;
};

/* Rows that are not here and can be asked for by key, and how long what was answered is kept. */
struct table_lookup {
    const char *connector;
    bool by_primary_key; /* all of it, and by nothing else; else by any columns */
    bool cached;         /* PARTIAL: answers are kept, */
    uint64_t keys_max;   /* of so many keys (0: no bound), */
    int64_t write_us, access_us; /* so long after they came, and after they were last used (0: for ever) */
    bool keep_missing;   /* also that there is nothing */
    bool stale;          /* what has expired is kept too: it is used when the outside does not answer */
};

struct table {
    struct arena arena;
    uint32_t refs;
    enum table_kind kind;
    bool temporary;
    struct bytes name;
    struct bytes comment;
    struct table_column *columns;
    uint16_t columns_count;
    int32_t watermark_column;           /* -1: none */
    const struct expr *watermark;       /* over the table's columns */
    struct bytes watermark_text;
    uint16_t *primary_key;              /* column indexes */
    uint16_t primary_key_count;
    uint16_t *partition;                /* PARTITIONED BY, of a filesystem table: column indexes */
    uint16_t partition_count;
    struct table_option *options;       /* in the order written; keys lower-case as given */
    uint16_t options_count;
    struct table_option *outside;       /* of an outside system: what was written; options are those of the
                                           topic that stands for it. Else NULL */
    uint16_t outside_count;
    const struct table_lookup *lookup;  /* of an outside system that can be asked for rows; else NULL */
    struct bytes query_text;            /* of a view or materialized table */
    struct bytes statement_text;        /* SHOW CREATE TABLE */
    unsigned changes;                   /* of a materialized table: enum change bits of its changelog */
    bool alert;                         /* CREATE ALERT: a materialized table whose rows are alerts */
};

struct catalog {
    struct map tables;    /* name → struct table; names are case-sensitive, as Flink's */
    struct map functions; /* name (lower case) → struct user_function */
};

/* CREATE FUNCTION … AS 'class': the class names a built-in that does the same. */
struct user_function {
    struct bytes name, class_name, builtin;
};

void catalog_init(struct catalog *catalog);
void catalog_deinit(struct catalog *catalog);
bool table_partitions_by(const struct table *table, uint16_t column);
struct table *table_create(void); /* refs 1, empty; fill it, then catalog_add takes it over */
void table_retain(struct table *table);
void table_release(struct table *table);
enum status catalog_add(struct catalog *catalog, struct table *take_table, bool replace,
                        struct diag *diag);
enum status catalog_drop(struct catalog *catalog, struct bytes name, struct diag *diag);
struct table *catalog_find(const struct catalog *catalog, struct bytes name);
void catalog_hint(const struct catalog *catalog, struct bytes name, struct diag *diag); /* the nearest name */
/* Copies what it is given. */
enum status catalog_add_function(struct catalog *catalog, const struct user_function *function,
                                 bool replace, struct diag *diag);
enum status catalog_drop_function(struct catalog *catalog, struct bytes name, struct diag *diag);
/* The value of an option, or `otherwise`. */
struct bytes table_option_get(const struct table *table, const char *key, const char *otherwise);

/* SET 'key' = 'value'. Known keys with type, default and help are in settings.c; an unknown key is
 * refused with the nearest name. */
struct settings {
    struct map values; /* key → zero-terminated text */
};
void settings_init(struct settings *settings);
void settings_deinit(struct settings *settings);
enum status settings_set(struct settings *settings, struct bytes key, struct bytes value,
                         struct diag *diag);
const char *settings_get(const struct settings *settings, const char *key); /* default if unset */
enum status settings_reset(struct settings *settings, struct bytes key, struct diag *diag); /* empty key: all */
/* Setting i of the table, for SET; and the docs; false past the end. */
bool settings_info(unsigned i, const char **key, const char **otherwise, const char **help);
int64_t settings_duration_us(struct bytes text); /* "10 s", "500ms", "1 min"; -1: not a duration */

#endif
