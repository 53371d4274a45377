/* frame.h: Cassandra's native protocol, version 4, a client's side (cassandra: doc/native_protocol_v4.spec).
 *
 *     u8 0x04 (to us 0x84) | u8 flags | i16 stream | u8 opcode | i32 length | body
 *     string u16 length, bytes    long string i32, bytes    bytes i32 (< 0: null), bytes    short bytes u16, bytes
 *
 * Owns:    nothing; what is decoded are views of what was given.
 * Errors:  CQL_BAD, or false: it is none of its kind.
 * Limits:  of a frame the caller's; a type's depth CQL_TYPE_DEPTH.
 * Threads: pure functions.   Layer: wire.
 */
#ifndef QW_WIRE_CQL_FRAME_H
#define QW_WIRE_CQL_FRAME_H

#include "base/buf.h"
#include "base/reader.h"

enum { CQL_VERSION = 4, CQL_TYPE_DEPTH = 8 };

enum cql_opcode {
    CQL_ERROR = 0, CQL_STARTUP = 1, CQL_READY = 2, CQL_AUTHENTICATE = 3, CQL_QUERY = 7, CQL_RESULT = 8, CQL_PREPARE = 9,
    CQL_EXECUTE = 10, CQL_EVENT = 12, CQL_BATCH = 13, CQL_AUTH_CHALLENGE = 14, CQL_AUTH_RESPONSE = 15, CQL_AUTH_SUCCESS = 16
};
enum cql_result { CQL_VOID = 1, CQL_ROWS = 2, CQL_SET_KEYSPACE = 3, CQL_PREPARED = 4, CQL_SCHEMA_CHANGE = 5 };
enum cql_error_code {
    CQL_SERVER_ERROR = 0, CQL_PROTOCOL_ERROR = 0x0a, CQL_BAD_CREDENTIALS = 0x100, CQL_SYNTAX_ERROR = 0x2000,
    CQL_UNAUTHORIZED = 0x2100, CQL_INVALID = 0x2200, CQL_UNPREPARED = 0x2500
};
enum cql_type_id {
    CQL_CUSTOM = 0, CQL_ASCII = 1, CQL_BIGINT = 2, CQL_BLOB = 3, CQL_BOOLEAN = 4, CQL_COUNTER = 5, CQL_DECIMAL = 6,
    CQL_DOUBLE = 7, CQL_FLOAT = 8, CQL_INT = 9, CQL_TIMESTAMP = 11, CQL_UUID = 12, CQL_VARCHAR = 13, CQL_VARINT = 14,
    CQL_TIMEUUID = 15, CQL_INET = 16, CQL_DATE = 17, CQL_TIME = 18, CQL_SMALLINT = 19, CQL_TINYINT = 20, CQL_LIST = 32,
    CQL_MAP = 33, CQL_SET = 34, CQL_UDT = 48, CQL_TUPLE = 49
};
const char *cql_type_name(uint16_t id);

/* ---- what comes ---- */

struct cql_frame {
    uint8_t flags, opcode;
    int16_t stream;
    struct bytes body; /* without what flags put before it: a trace, warnings, custom values */
};

enum cql_next { CQL_MORE, CQL_FRAME, CQL_BAD };

/* The frame that `in` begins with, *used bytes of it. BAD: another version, compressed, or more than body_max bytes. */
enum cql_next cql_next(struct bytes in, size_t body_max, struct cql_frame *out, size_t *used);

struct cql_error {
    int32_t code;
    struct bytes message;
};
bool cql_read_error(const struct cql_frame *f, struct cql_error *out);

/* Columns one after the other, of a result or of a prepared statement's values. */
struct cql_columns {
    struct reader at;
    uint32_t left;
    bool global; /* table and keyspace were said once, before */
};
struct cql_column {
    struct bytes name;
    uint16_t type; /* of enum cql_type_id */
};
bool cql_column_next(struct cql_columns *c, struct cql_column *out); /* false: no more, or at.bad */

struct cql_prepared {
    struct bytes id;
    struct cql_columns values;  /* of the statement's ? */
    struct bytes partition_key; /* u16 each: which of the values make it; empty: not said */
};
bool cql_read_prepared(const struct cql_frame *f, struct cql_prepared *out);

struct cql_rows {
    struct bytes paging_state; /* ptr NULL: there are no more pages */
    struct cql_columns columns;
    uint32_t columns_count, rows_count;
    struct reader values;      /* columns_count for each of rows_count: cql_value */
};
bool cql_read_rows(const struct cql_frame *f, struct cql_rows *out);
struct bytes cql_value(struct reader *r); /* ptr NULL: null, or r->bad */

bool cql_result_is(const struct cql_frame *f, enum cql_result kind);

/* ---- what goes ---- */

/* Where the frame begins in buf; then the body is put behind it, and cql_end says how long it was. */
size_t cql_begin(struct buf *buf, int16_t stream, enum cql_opcode opcode);
void cql_end(struct buf *buf, size_t begun);
void cql_put_string(struct buf *buf, struct bytes text);
void cql_put_long_string(struct buf *buf, struct bytes text);
void cql_put_bytes(struct buf *buf, struct bytes value); /* ptr NULL: null */
void cql_put_short_bytes(struct buf *buf, struct bytes value);

#endif
