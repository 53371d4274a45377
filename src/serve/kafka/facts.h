/* facts.h: what the facts of both kinds of groups are made of, in the log's space LOG_KV_CONSUMER_GROUPS
 * (consumer_facts.c, group_facts.c): a key that names the group and what of it, texts, protocols.
 *
 *     key        u16 length, group | u8 kind | the rest
 *     text       uvarint length + 1, bytes; 0 for none
 *     protocols  uvarint count; of each name and metadata, each uvarint length, bytes
 *
 * Owns:    what is read is a copy of the caller's (bytes_drop, group_protocols_free).
 * Threads: one.      Layer: serve (private to serve/kafka).
 * Errors:  a reader that turns bad.
 */
#ifndef QW_SERVE_KAFKA_FACTS_H
#define QW_SERVE_KAFKA_FACTS_H

#include "base/buf.h"
#include "base/reader.h"
#include "serve/kafka/group.h"

enum fact_kind { FACT_CONSUMERS, FACT_CONSUMER, FACT_CLASSIC }; /* a group of consumers, its members, a classic group */

struct bytes fact_key(struct buf *key, struct bytes group, enum fact_kind kind, struct bytes rest);
bool fact_key_parse(struct bytes key, struct bytes *group, uint8_t *kind, struct bytes *rest); /* views */
void fact_put_text(struct buf *out, struct bytes text);
struct bytes fact_get_text(struct reader *r);
void fact_put_protocols(struct buf *out, const struct group_protocols *list);
void fact_get_protocols(struct reader *r, struct group_protocols *out); /* at least one */

#endif
