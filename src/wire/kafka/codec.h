/* codec.h: Kafka's requests and responses, bytes to structs and back, for every version served.
 *
 * The messages are a table (messages.txt) from which structs and descriptions are made at build
 * time: include "wire/kafka/messages.h" for them. A string or bytes field is a view, ptr NULL for
 * null; an array is {at, count}, count -1 for null; a field that a version does not carry has its
 * default. Where the version asks for it the compact ("flexible") encoding is used; unknown tagged
 * fields are skipped.
 *
 *     struct kafka_heartbeat_req req;
 *     TRY(kafka_decode(&kafka_heartbeat_req_type, version, &reader, arena, &req));
 *
 * Owns:    nothing: views point into the input, arrays live in the arena.
 * Threads: any; the tables are constant.
 * Errors:  ST_INVALID the bytes are not that message, ST_NOSPACE the arena's budget is met.
 * Limits:  an array's count is believed only as far as the bytes left can hold it.   Layer: wire.
 */
#ifndef QW_WIRE_KAFKA_CODEC_H
#define QW_WIRE_KAFKA_CODEC_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/reader.h"
#include "base/status.h"
#include "wire/kafka/errors.h"

enum kafka_type {
    KAFKA_TYPE_BOOL,
    KAFKA_TYPE_I8,
    KAFKA_TYPE_I16,
    KAFKA_TYPE_U16,
    KAFKA_TYPE_I32,
    KAFKA_TYPE_I64,
    KAFKA_TYPE_STRING,
    KAFKA_TYPE_BYTES,
    KAFKA_TYPE_RECORDS,
    KAFKA_TYPE_UUID,
    KAFKA_TYPE_STRUCT,
};

struct kafka_struct;

struct kafka_field {
    const char *name;
    uint16_t at; /* in the C struct */
    uint8_t type;
    bool array;
    int8_t first, last;           /* versions that carry it */
    int8_t null_first, null_last; /* versions in which it may be null; first > last: none */
    int8_t tag;                   /* -1: not tagged */
    int64_t fallback;             /* default of a number */
    const struct kafka_struct *of;
};

struct kafka_struct {
    const char *name;
    uint16_t size; /* of the C struct */
    uint16_t fields_count;
    int8_t flexible; /* the first version with the compact encoding */
    const struct kafka_field *fields;
};

struct kafka_api {
    int16_t key;
    const char *name;
    int8_t first, last; /* the versions served */
    int8_t flexible;
    const struct kafka_struct *request, *response;
};

extern const struct kafka_api kafka_apis[];
extern const int kafka_apis_count;
const struct kafka_api *kafka_api_find(int16_t key); /* NULL: not spoken here */

/* What every array field looks like. */
struct kafka_array {
    void *at;
    int32_t count;
};

/* ---- frames ---- */
struct kafka_request_header {
    int16_t api_key, api_version;
    int32_t correlation_id;
    struct bytes client_id;
};

enum { KAFKA_HEADER_BYTES_MIN = 8 }; /* key, version, correlation id: enough to answer an error */

/* Reads a request's header, after the frame's length; for an API or version that is not served only
 * the first 8 bytes. False: cut short. */
bool kafka_request_header_read(struct reader *r, struct kafka_request_header *out);
/* The header that a client sends, and what a response begins with (ApiVersions: never tagged). */
void kafka_request_header_write(struct buf *out, const struct kafka_request_header *header);
void kafka_response_header_write(struct buf *out, const struct kafka_api *api, int16_t version,
                                 int32_t correlation_id);

/* ---- messages ---- */
void kafka_init(const struct kafka_struct *type, void *message); /* all defaults */
/* count structs in their defaults; count >= 0 and ours: for a response. */
void *kafka_items(const struct kafka_struct *type, struct arena *arena, int32_t count);

/* Reads one message; what follows it in the reader is the caller's to judge. */
enum status kafka_decode(const struct kafka_struct *type, int16_t version, struct reader *r,
                         struct arena *arena, void *message) MUST_CHECK;

/* The bytes of a `records` field that are left out of the buf, to be sent from where they are: they
 * belong at pos of the buf. */
struct kafka_splice {
    size_t pos;
    struct bytes data;
};

struct kafka_splices {
    struct kafka_splice *at;
    uint32_t count, cap;
    size_t bytes; /* sum of data */
};

/* Appends the message. splices NULL: records are copied in; else every field of records that is not
 * empty takes one of its cap places (there must be enough). */
void kafka_encode(const struct kafka_struct *type, int16_t version, const void *message,
                  struct buf *out, struct kafka_splices *splices);

#endif
