/* schemas.h: the schema registry: subjects with versions, each a schema that has one number for ever.
 *
 * What it knows are facts of the log (log.h), so it is as durable as they are, and seen at once by whoever reads it. A
 * schema's number is never given to another, and what it stands for is kept for ever, though its subjects be deleted:
 * a tick that is run again must read its records as it did. Deleting a version hides it; deleting it again, for good,
 * makes the subject forget it.
 *
 *     key                         value
 *     'i' number (4, be)          us of registration (8, be), type u8, sized text, references uvarint,
 *                                 each: sized name, sized subject, version uvarint; then of each its number
 *                                 uvarint; place uvarint
 *     'o' place (4, be)           number (4, be): the schema that was registered in this place, from 1 on
 *     'h' hash (8, be) number     1        (of Protobuf the hash is of the text's words)
 *     'v' subject 0 version (4)   number (4, be), deleted u8
 *     'l' subject, 'm' subject    level u8 + 1, mode u8 + 1; without subject: of all
 *     'n'                         the last number (4, be), schemas (4), bytes of all texts (8), versions and settings (4)
 *
 * Errors:  enum schema_error is what Confluent's registry answers, with its numbers; the diag has the sentence.
 * Limits:  below.   Threads: the log's.   Layer: store.
 */
#ifndef QW_STORE_SCHEMAS_SCHEMAS_H
#define QW_STORE_SCHEMAS_SCHEMAS_H

#include "data/avro/schema.h"
#include "data/jsonschema/schema.h"
#include "data/protobuf/schema.h"
#include "store/log/log.h"

enum {
    SCHEMA_TEXT_MAX = 1 << 20,
    SCHEMA_SUBJECT_MAX = 400,
    SCHEMA_REFERENCES_MAX = 100,
    SCHEMAS_MAX = 100000,
    SCHEMA_FACTS_MAX = 200000, /* versions, levels and modes */
    SCHEMA_ID_MAX = INT32_MAX,
    SCHEMAS_BYTES_MAX = 128 << 20,
    SCHEMA_LATEST = -1,
};

enum schema_type { SCHEMA_AVRO, SCHEMA_JSON, SCHEMA_PROTOBUF, SCHEMA_TYPES };
enum schema_level { LEVEL_NONE, LEVEL_BACKWARD, LEVEL_BACKWARD_TRANSITIVE, LEVEL_FORWARD, LEVEL_FORWARD_TRANSITIVE,
                    LEVEL_FULL, LEVEL_FULL_TRANSITIVE, SCHEMA_LEVELS };
enum schema_mode { MODE_READWRITE, MODE_READONLY, MODE_IMPORT, SCHEMA_MODES };

enum schema_error {
    SCHEMA_OK,
    SCHEMA_INCOMPATIBLE = 409,
    SCHEMA_NO_SUBJECT = 40401,
    SCHEMA_NO_VERSION = 40402,
    SCHEMA_NONE = 40403,
    SCHEMA_SUBJECT_DELETED = 40404,
    SCHEMA_SUBJECT_NOT_DELETED = 40405,
    SCHEMA_VERSION_DELETED = 40406,
    SCHEMA_VERSION_NOT_DELETED = 40407,
    SCHEMA_NO_LEVEL = 40408,
    SCHEMA_NO_MODE = 40409,
    SCHEMA_BAD = 42201,
    SCHEMA_BAD_VERSION = 42202,
    SCHEMA_BAD_LEVEL = 42203,
    SCHEMA_BAD_MODE = 42204,
    SCHEMA_NOT_PERMITTED = 42205,
    SCHEMA_REFERRED_TO = 42206,
    SCHEMA_STORE = 50001,
};

const char *schema_type_name(enum schema_type type);   /* "AVRO" */
const char *schema_level_name(enum schema_level level); /* "BACKWARD" */
const char *schema_mode_name(enum schema_mode mode);

struct schema_reference {
    struct bytes name, subject;
    int32_t version;
    uint32_t id; /* what that version was when the schema was registered; 0: not known, found by subject and version */
};
/* A schema; of one that is stored all are views of the log's, until something is put. */
struct schema_text {
    enum schema_type type;
    struct bytes text;
    const struct schema_reference *references;
    uint32_t references_count;
    uint32_t place; /* of one that is stored; 0: from before places were kept */
};
struct schema_version {
    struct bytes subject;
    int32_t version;
    uint32_t id;
    bool deleted;
};

/* The schema of a number; references are in the arena. *since_us: when it was registered. False: there is none. */
bool schema_of_id(const struct log *log, uint32_t id, struct arena *arena, struct schema_text *out, int64_t *since_us);
uint32_t schema_id_max(const struct log *log);
/* How many have a number. It only grows, and the place of each is what it was after its registration: so "the first n"
 * are the same schemas for ever. schema_at_place gives the number; 0: it was registered before places were kept. */
uint32_t schema_count(const struct log *log);
uint32_t schema_at_place(const struct log *log, uint32_t place);
/* All numbers, in their order. */
typedef bool schema_id_fn(void *context, uint32_t id); /* false: stop */
void schema_ids(const struct log *log, schema_id_fn *fn, void *context);
/* The number of exactly this schema; 0: it has none. */
uint32_t schema_id_of(const struct log *log, const struct schema_text *schema, struct arena *arena);

/* Versions in order, of one subject or (subject.ptr NULL) of all that begin with a prefix; hidden ones too. */
typedef bool schema_version_fn(void *context, const struct schema_version *version); /* false: stop */
void schema_versions(const struct log *log, struct bytes subject, schema_version_fn *fn, void *context);
void schema_versions_all(const struct log *log, struct bytes prefix, schema_version_fn *fn, void *context);
/* One of them; SCHEMA_LATEST: the last that is not hidden. SCHEMA_NO_SUBJECT, SCHEMA_NO_VERSION. */
enum schema_error schema_version_find(const struct log *log, struct bytes subject, int32_t version, bool hidden_too,
                                      struct schema_version *out, struct diag *diag) MUST_CHECK;
/* The version of a subject that is this schema. SCHEMA_NO_SUBJECT, SCHEMA_NONE. */
enum schema_error schema_version_of(const struct log *log, struct bytes subject, const struct schema_text *schema,
                                    bool hidden_too, struct schema_version *out, struct diag *diag) MUST_CHECK;

/* A subject's new version, or the one that it is already. asked_id, asked_version: in mode IMPORT the numbers that it
 * is to have; else 0. *lsn: when it is durable; 0: nothing was put. */
struct schema_register {
    struct bytes subject;
    struct schema_text schema;
    uint32_t asked_id;
    int32_t asked_version;
    int64_t now_us;
};
enum schema_error schema_register(struct log *log, const struct schema_register *what, struct schema_version *out,
                                  uint64_t *lsn, struct diag *diag) MUST_CHECK;
/* Hides a version, or (for good) makes the subject forget one that is hidden. */
enum schema_error schema_version_delete(struct log *log, const struct schema_version *version, bool for_good,
                                        uint64_t *lsn, struct diag *diag) MUST_CHECK;
/* Whether a version that is not hidden refers to this one (SCHEMA_LATEST: to any of the subject); fn may be NULL. */
bool schema_is_referred_to(const struct log *log, struct bytes subject, int32_t version, schema_version_fn *fn,
                           void *context);

/* Whether `schema` may follow those of the subject, by a level. `why` gets the sentences if not, one a line. With
 * `against` only that version is looked at. */
enum schema_error schema_fits(const struct log *log, struct bytes subject, const struct schema_text *schema,
                              const struct schema_version *against, enum schema_level level, bool *fits,
                              struct buf *why, struct diag *diag) MUST_CHECK;
/* Avro, with all that it refers to, into an arena. SCHEMA_BAD. */
enum schema_error schema_parse_avro(const struct log *log, const struct schema_text *schema, struct arena *arena,
                                    const struct avro_schema **out, struct diag *diag) MUST_CHECK;
/* Protobuf, the same; file 0 of the set is the schema itself. */
enum schema_error schema_parse_protobuf(const struct log *log, const struct schema_text *schema,
                                        struct proto_set *out, struct diag *diag) MUST_CHECK;
/* JSON Schema, the same; js_deinit in any case. */
enum schema_error schema_parse_json(const struct log *log, const struct schema_text *schema, struct arena *arena,
                                    struct js_set *out, struct diag *diag) MUST_CHECK;

/* Of a subject (empty: of all). _own: whether it has one of its own. */
enum schema_level schema_level_of(const struct log *log, struct bytes subject, bool *own);
enum schema_mode schema_mode_of(const struct log *log, struct bytes subject, bool *own);
/* < 0: none of its own any more. ST_INVALID: no subject can be called so; ST_NOSPACE: there are too many. */
enum status schema_level_set(struct log *log, struct bytes subject, int level, uint64_t *lsn) MUST_CHECK;
enum status schema_mode_set(struct log *log, struct bytes subject, int mode, uint64_t *lsn) MUST_CHECK;

#endif
