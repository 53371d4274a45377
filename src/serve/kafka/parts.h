/* parts.h: a set of partitions, each a topic's id and a number, sorted.
 *
 * Owns: its array (parts_free).   Threads: one at a time.   Layer: serve.
 */
#ifndef QW_SERVE_KAFKA_PARTS_H
#define QW_SERVE_KAFKA_PARTS_H

#include <stdbool.h>
#include <stdint.h>

enum { PART_TOPIC_BYTES = 16 };

struct part {
    uint8_t topic[PART_TOPIC_BYTES];
    int32_t index;
};

struct parts {
    struct part *at; /* by topic, then index; each once */
    uint32_t count, cap;
};

int part_compare(const struct part *a, const struct part *b);

/* Appends; parts_sort makes it a set again before anything else is asked. */
void parts_push(struct parts *set, const uint8_t topic[PART_TOPIC_BYTES], int32_t index);
void parts_sort(struct parts *set);
void parts_free(struct parts *set); /* and leaves it empty */
/* to becomes what from is, which is emptied. */
void parts_move(struct parts *to, struct parts *from);
void parts_copy(struct parts *to, const struct parts *from);
bool parts_has(const struct parts *set, const struct part *part);
bool parts_equal(const struct parts *a, const struct parts *b);
bool parts_within(const struct parts *inner, const struct parts *outer); /* a subset */
bool parts_meet(const struct parts *a, const struct parts *b);           /* share any */

#endif
