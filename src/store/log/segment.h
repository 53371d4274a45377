/* segment.h: one file of a partition: record batches one after the other, and the sparse index that
 * finds an offset or a time in it. Layout: docs/format/segment.md.
 *
 * Bytes that are written never change; a reader stops at `bytes`. The index is derived: what of it
 * is not on disk, or fails its checksum, is made again from the batches when it is first needed.
 *
 * Owns:    its open file and its index.
 * Threads: those of one shard.
 * Errors:  ST_CORRUPT from reading names file and position; the rest of the file stays readable.
 * Limits:  a batch never spans two files.      Layer: store.
 */
#ifndef QW_STORE_LOG_SEGMENT_H
#define QW_STORE_LOG_SEGMENT_H

#include "base/buf.h"
#include "base/diag.h"
#include "os/os.h"
#include "store/log/epochs.h"
#include "store/log/slab.h"
#include "wire/kafka/batch.h"

enum {
    SEGMENT_INDEX_BYTES = 32 * 1024, /* an index entry about every so many */
    SEGMENT_PATH_MAX = OS_PATH_MAX + 96,
    SEGMENT_FILES_MAX = 256, /* open at once in a log; the one opened first gives way */
};

struct segment_mark {
    int64_t offset; /* the first batch at pos begins here */
    uint64_t pos : 63;
    uint64_t sound : 1; /* all batches up to the next mark were written by us, or looked at, since the log was opened */
    int64_t max_timestamp; /* of the batches from pos to the next mark */
};

struct segment;

/* An open file, counted: what is on its way to a socket outlives the segment's own use of it. */
struct segment_files;
struct segment_handle {
    struct os_file *file;
    struct segment_files *files;
    uint32_t refs;
};

struct segment_files {
    struct segment *first, *last; /* by the time of their opening */
    uint32_t count;
    uint32_t alive; /* handles: of segments, and those that only somebody's answer still holds */
};

struct segment {
    int64_t base; /* its name */
    int64_t end;  /* one past the last offset in it */
    uint64_t bytes;
    int64_t max_timestamp; /* -1: none */
    int64_t first_timestamp; /* the greatest of the first batch; -1: none, or not known yet */
    int64_t synced_end;    /* the same three as they are on disk for sure */
    uint64_t synced_bytes;
    int64_t synced_max_timestamp;
    struct os_file *file;        /* of the handle; NULL: not open now */
    struct segment_handle *handle;
    struct segment_files *files; /* while it is open: the list it is in */
    struct segment *files_next, *files_prev;
    bool fresh; /* its name is not synced yet */
    bool closed;        /* nothing is appended any more, though it is the last */
    int64_t began_ns;   /* os_mono_ns when it was made, or known */
    uint32_t generation; /* how often it was compacted: part of its file's name */
    bool marks_loaded;
    struct segment_mark *marks;
    uint32_t marks_count, marks_cap, marks_saved;
};

/* The folder of the partition that the segment is in: "DIR/topics/<id>/<partition>". */
struct segment_place {
    struct os *os;
    const char *folder;
    struct segment_files *files;
};

/* A new, empty file; whatever stood there under its name is gone. */
enum status segment_create(struct segment_place at, int64_t base, uint32_t generation,
                           struct segment **out) MUST_CHECK;
/* One that a snapshot knows. The file is opened when it is needed. */
struct segment *segment_known(int64_t base, int64_t end, uint64_t bytes, int64_t max_timestamp);
void segment_free(struct segment *seg);
void segment_close_file(struct segment *seg);
void segment_path(struct segment_place at, int64_t base, uint32_t generation, const char *suffix,
                  char path[SEGMENT_PATH_MAX]);
enum status segment_remove_files(struct segment_place at, int64_t base,
                                 uint32_t generation) MUST_CHECK;

/* A run of whole batches, at the end. */
enum status segment_append(struct segment *seg, struct segment_place at,
                           struct bytes run) MUST_CHECK;
/* first_timestamp, read where it is not known. A damaged first batch has none. */
enum status segment_need_first(struct segment *seg, struct segment_place at) MUST_CHECK;
/* Data to disk; the index as it may. The name of a fresh one is the caller's to sync. What is to be
 * synced is noted by begin; the steps do it, on any thread, through handles of their own; end notes that it
 * is done (ended with done false: that it is not). What is appended meanwhile is not synced by it.
 *
 * Of many files all are written out first, little by little, and then all are synced: the first sync commits
 * the file system's journal with the blocks of all of them, and the others find little to do. */
struct segment_sync {
    int64_t base, end, max_timestamp;
    uint32_t generation;
    uint64_t bytes;
    uint64_t pos;         /* so far it was given to the disk */
    struct os_file *file; /* while it is */
    struct buf marks;     /* of the index, as in its file */
    uint64_t marks_pos;
};
void segment_sync_begin(const struct segment *seg, struct segment_sync *out);
/* *more: call it again. */
enum status segment_write_out_step(struct os *os, const char *folder, struct segment_sync *sync,
                                   bool *more) MUST_CHECK;
enum status segment_sync_step(struct os *os, const char *folder,
                              struct segment_sync *sync) MUST_CHECK;
void segment_sync_end(struct segment *seg, struct segment_sync *sync, bool done);

/* Whole batches from the one that holds offset, or the next: at most bytes_max of them but at least
 * one, all of whose offsets are below to. Nothing there: *run is empty. run lies in *hold. */
struct segment_read {
    int64_t offset, to;
    size_t bytes_max;
    struct slab_pool *pool;
    struct slab *hold;
    struct bytes run;
    int64_t base_offset, next_offset;
};
enum status segment_read(struct segment *seg, struct segment_place at, struct segment_read *read,
                         struct diag *diag) MUST_CHECK;

/* Where in the file the batches from exactly that offset on lie, as far as whole stretches of the index go:
 * nothing is read. len 0: the offset does not begin a stretch, or none fits in bytes_max and below to. */
struct segment_run {
    uint64_t pos, len;
    int64_t next_offset;
    bool sound; /* all of them, by their marks */
};
enum status segment_find_run(struct segment *seg, struct segment_place at, int64_t offset, int64_t to,
                             size_t bytes_max, struct segment_run *out) MUST_CHECK;
uint64_t segment_position_before(const struct segment *seg, int64_t offset); /* by the index */
void segment_set_sound(struct segment *seg, uint64_t pos, uint64_t len); /* the stretches within */

/* The run's bytes are whole batches that follow each other from the offset, each sound. seen: of the segment, what its
 * header says (base, end, bytes, generation); any thread. */
bool segment_run_holds(const struct segment *seen, uint64_t pos, int64_t offset, struct bytes run);

struct segment_handle *segment_retain_file(struct segment *seg); /* it is open */
void segment_release_file(struct segment_handle *handle);        /* NULL is fine */

/* The first offset that a stretch with a batch at or after the time begins with; seg->end when
 * there is none. */
enum status segment_seek_time(struct segment *seg, struct segment_place at, int64_t timestamp_ms,
                              int64_t *offset) MUST_CHECK;

/* Reads all of it: every batch whole, its checksum right, offsets one after the other, its leader epoch
 * the partition's (which no checksum covers). Gives the position of the first that is not. */
enum status segment_verify(struct segment *seg, struct segment_place at, const struct epochs *epochs,
                           struct slab_pool *pool,
                           uint64_t *bad_pos) MUST_CHECK;
/* The index of a file that segment_verify has found whole: each entry is what the batches say, or was never
 * written (it is not synced). ST_NOTFOUND: there is no index. */
enum status segment_verify_index(struct segment *seg, struct segment_place at, uint64_t *bad_pos) MUST_CHECK;

#endif
