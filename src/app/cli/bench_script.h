/* bench_script.h: the statements of Nexmark's queries, made ready for a source.
 *
 *   generator, memory   table `datagen` is made by connector nexmark; memory adds 'preload'
 *   kafka-json          `datagen` is a topic of JSON, filled from a generated table by a statement of its own
 *
 * With memory and kafka-json, unless results are to be swallowed, the query has two sinks, as one job: the suite's blackhole, which hashes what it
 * swallows, and a topic with the same rows as JSON, so that results go where production's would: kafka for
 * rows that only come in, upsert-kafka by the key that a line `-- key: …` of the query names for
 * changes.                                                                     Layer: app. */
#ifndef QW_APP_CLI_BENCH_SCRIPT_H
#define QW_APP_CLI_BENCH_SCRIPT_H

#include <stdbool.h>

#include "base/buf.h"

enum bench_source { BENCH_GENERATOR, BENCH_MEMORY, BENCH_KAFKA_JSON, BENCH_SOURCES };

extern const char *const bench_source_names[BENCH_SOURCES];
#define BENCH_TOPIC "nexmark" /* that kafka-json reads */

struct bench_script {
    const char *query; /* "q5" */
    enum bench_source source;
    int64_t events, seed;
    bool swallow; /* the suite's blackhole alone */
    uint64_t preload_bytes_max;
};

/* NULL: there is no such query. */
const char *bench_query_text(const char *query);

/* Each adds zero-terminated SQL. fill: kafka-json's topic; query: the one that is measured. */
void bench_script_tables(const struct bench_script *script, struct buf *sql);
void bench_script_fill(const struct bench_script *script, struct buf *sql);
void bench_script_query(const struct bench_script *script, struct buf *sql);

#endif
