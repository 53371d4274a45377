/* consumer_protocol.h: what consumers of the classic group protocol say to each other inside JoinGroup and
 * SyncGroup (protocol type "consumer"): what a member subscribes to, and what it is assigned.
 *
 *     subscription  i16 version | topics: i32 count, strings | user data: i32 length (-1: none), bytes
 *                   1+: owned: i32 count, of each a string and i32 count, i32 numbers
 *                   2+: i32 generation | 3+: rack, a string or null
 *     assignment    i16 version | partitions, as owned above | user data
 *
 * A string is an i16 length and bytes. Newer versions only append, so what follows is left unread.
 *
 * Owns: nothing; views into the input.   Layer: wire.
 * Errors: false: the bytes are none such.   Limits: those of the input; nothing is allocated.
 */
#ifndef QW_WIRE_KAFKA_CONSUMER_PROTOCOL_H
#define QW_WIRE_KAFKA_CONSUMER_PROTOCOL_H

#include "base/buf.h"
#include "base/reader.h"

struct consumer_subscription {
    int16_t version;
    uint32_t topics_count;
    struct reader topics; /* consumer_protocol_topic, so many times */
    struct bytes user_data;
    uint32_t owned_count;
    struct reader owned;  /* consumer_protocol_parts, so many times */
    int32_t generation;   /* -1: not said */
    struct bytes rack;    /* ptr NULL: not said */
};

struct consumer_assignment {
    int16_t version;
    uint32_t parts_count;
    struct reader parts; /* consumer_protocol_parts, so many times */
    struct bytes user_data;
};

/* Partitions of one topic. */
struct consumer_parts {
    struct bytes topic;
    uint32_t count;
    struct reader numbers; /* i32 each */
};

bool consumer_subscription_parse(struct bytes metadata, struct consumer_subscription *out);
bool consumer_assignment_parse(struct bytes assignment, struct consumer_assignment *out);
/* From a parsed one, where they cannot fail. */
struct bytes consumer_protocol_topic(struct reader *r);
void consumer_protocol_parts(struct reader *r, struct consumer_parts *out);

/* An assignment: the head, then of each topic its head and its numbers by buf_u32_be, then the end. */
void consumer_assignment_begin(struct buf *out, int16_t version, uint32_t topics);
void consumer_assignment_topic(struct buf *out, struct bytes topic, uint32_t count);
void consumer_assignment_end(struct buf *out); /* without user data */

#endif
