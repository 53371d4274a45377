/* engines.h: an engine over a log, driven by text: run a script, feed records, read back.
 *
 *     struct er er;
 *     er_open(&er, os, NULL, (struct engine_options){0});       in memory; or a data directory
 *     er_sql(&er, "CREATE TABLE …; INSERT INTO …");             fails the test on an error
 *     er_produce(&er, "clicks", "{\"k\":1}\n{\"k\":2}");        a record a line
 *     er_settle(&er);                                           passes until nothing moves
 *     EXPECT_STR(er_rows(&er, "SELECT …"), "1,2 | 3,4");
 */
#ifndef QW_TESTS_ENGINES_H
#define QW_TESTS_ENGINES_H

#include "base/buf.h"
#include "flow/engine.h"
#include "lib/test.h"
#include "os/os.h"
#include "os/sim/sim.h"

struct er {
    struct os *os;
    struct log *log;
    struct engine *engine;
    struct session *session;
    const char *dir;
    struct engine_options options;
    struct buf out;     /* of er_rows, er_topic */
    struct buf printed; /* by print sinks */
    struct diag diag;   /* of the last er_try */
    uint32_t unsaved;   /* of the last er_close: jobs that it had no time for */
    bool done;
    enum status st;
};

void er_open(struct er *er, struct os *os, const char *dir, struct engine_options options);
void er_close(struct er *er, bool checkpoint);
void er_end(struct er *er); /* er_close, and the simulated world with it */
/* The process is gone: nothing is flushed or closed well; then er_open again. On os/sim only. */
void er_kill(struct er *er);
void er_crash(struct er *er); /* the power fails: unsynced writes are kept, lost or torn */

/* Runs to the end of the script, with passes and flushes as a server would. */
enum status er_try(struct er *er, const char *sql);
void er_sql(struct er *er, const char *sql);
/* The rows of the last statement with an answer: columns by ',', rows by ' | '. */
const char *er_rows(struct er *er, const char *sql);

void er_produce(struct er *er, const char *topic, const char *lines);
void er_produce_to(struct er *er, const char *topic, uint32_t partition, const char *lines);
void er_settle(struct er *er); /* passes and flushes until there is nothing more to do */
bool er_pass(struct er *er);   /* one of each */

/* The values of a topic's records, all partitions, by ' | '. */
const char *er_topic(struct er *er, const char *topic);
/* Order-independent hash of them, and how many. */
uint64_t er_topic_hash(struct er *er, const char *topic, uint64_t *count);

#endif
