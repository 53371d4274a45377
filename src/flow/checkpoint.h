/* checkpoint.h: a job's whole state at a tick boundary, as a file.
 *
 *     DIR/checkpoints/JOB/TICK.ckpt      integers little-endian
 *     0  magic "QWCKPT1\n"
 *     8  sections, one behind the other: of each task (node, shard) what it has in memory, then, with the top bit
 *        of node set, parts of what it has on disk; then the splits'
 *        manifest: job sized · tick u64 · clock i64 · engine u32 · plan u64 · shards u32 · notes' next
 *                  offset i64 · nodes u32 · sections u32, each: node u32, shard u32, position u64,
 *                  length u64, CRC-32C u32
 *        footer: manifest's position u64, length u32, CRC-32C u32, magic "QWCKEND\n"
 *
 * The job is between two ticks until all of its state is in its saved form; what is on disk is read by helpers meanwhile.
 * Written by a helper, off the loop, under another name, synced, renamed, the folder synced: a file with its right name and a
 * manifest whose checksum holds is whole; sections are checked when they are loaded. Keyed parts
 * carry the key group of each key, so that they load on another number of shards. Two are kept.
 *
 * Errors: ST_CORRUPT (the next older one is tried), ST_IO and ST_NOSPACE in writing leave the older
 *         ones as they are.   Layer: flow.
 */
#ifndef QW_FLOW_CHECKPOINT_H
#define QW_FLOW_CHECKPOINT_H

#include "flow/job.h"

enum { CHECKPOINTS_KEPT = 2, CHECKPOINT_MAGIC_BYTES = 8 };
#define CHECKPOINT_COLD 0x80000000u /* of a section's node: a part of what was on disk */
#define CHECKPOINT_HEAD "QWCKPT1\n"
#define CHECKPOINT_FOOT "QWCKEND\n"

struct checkpoint_section {
    uint32_t node, shard;
    uint64_t pos, len;
    uint32_t crc;
};

struct checkpoint {
    struct os_file *file;
    char path[OS_PATH_MAX];
    uint64_t tick, plan;
    int64_t clock_us, note_offset;
    uint32_t engine_version, shards, nodes, sections_count;
    struct checkpoint_section *sections;
};

/* ---- checkpoint_write.c ---- */

/* The job's driver as it stands, into memory, and from there to disk by the engine's helper; its last
 * tick must be durable, and none be under way, nor be begun while checkpoint_collects. */
enum status checkpoint_begin(struct job *job, struct diag *diag) MUST_CHECK;
/* Goes on with putting the state into its saved form; true: it is not all there yet, and the engine is woken when there is
 * more to do. */
bool checkpoint_collects(struct job *job);
bool checkpoint_is_collecting(const struct job *job);
/* True when none is under way. One that is whole by now moves pins and trims notes; one that failed
 * leaves everything as it was. */
bool checkpoint_poll(struct job *job);
/* Until none is under way; one that still collects is given up. */
void checkpoint_wait(struct job *job);
/* All of it, waited for. */
enum status checkpoint_write(struct job *job, char path[OS_PATH_MAX],
                             struct diag *diag) MUST_CHECK;

/* ---- checkpoint.c ---- */
void checkpoint_folder(const char *dir, struct bytes job, char path[OS_PATH_MAX]);
bool checkpoint_path(const char *dir, struct bytes job, uint64_t tick, char path[OS_PATH_MAX]);
/* Removes all but the newest so many. Any thread. */
void checkpoint_prune(struct os *os, const char *dir, struct bytes job, uint32_t keep);

/* The newest whose manifest is whole and whose tick is below `before`; ST_NOTFOUND: none. */
enum status checkpoint_find(struct os *os, const char *dir, struct bytes job, uint64_t before,
                            struct checkpoint *out) MUST_CHECK;
void checkpoint_close(struct checkpoint *checkpoint);

/* Into a driver just opened, of any number of shards. on_part (may be NULL) is called behind each section. */
typedef enum status checkpoint_part_fn(void *context, struct diag *diag);
enum status checkpoint_load(struct checkpoint *checkpoint, struct driver *driver, checkpoint_part_fn *on_part,
                            void *context, struct diag *diag) MUST_CHECK;
/* All of a job's, when it is dropped. */
bool checkpoint_any(struct os *os, const char *dir, struct bytes job); /* is there a file? */
void checkpoint_remove_all(struct os *os, const char *dir, struct bytes job);

/* The same by way of memory: from one driver into another of the same plan. */
enum status checkpoint_move(struct driver *from, struct driver *to,
                            struct diag *diag) MUST_CHECK;

#endif
