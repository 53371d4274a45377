/* cold.h: entries of keyed state on disk, found by hash: what memory has no room for.
 *
 * An entry is bytes that begin with its key, under a hash of 64 bits; a key is here at most once, and none is the
 * beginning of another. Entries lie in pages
 * of 4 KiB of one file (cold_pages.h). Its owner gathers a request, submits it to the store's helper and asks whether it is
 * done; one at a time, and between the two the store is the helper's:
 *
 *     cold_want … cold_take      entries by key: given out, and gone from here
 *     cold_put  … cold_store     entries to be kept; cold_is_stored says of each whether it is
 *     cold_scan_begin, cold_scan  all of them, some pages at a time; they stay
 *
 * The file is scratch: it is made with the first store, nothing of it is synced, and it is removed in the end.
 *
 * Owns:    its file, and what requests give until the next one.
 * Threads: one at a time, beside the helper; cold_count, cold_bytes and cold_disk_bytes as of the last request that
 *          was polled.
 * Errors:  ST_NOSPACE of a store: the disk has no room, what is not stored stays the owner's, the rest goes on. ST_IO
 *          and ST_CORRUPT are final; cold_error says what.
 * Limits:  COLD_ENTRY_MAX bytes an entry, COLD_BATCH entries a request.   Layer: store.
 */
#ifndef QW_STORE_STATE_COLD_H
#define QW_STORE_STATE_COLD_H

#include "base/bytes.h"
#include "base/status.h"
#include "os/os.h"

enum { COLD_ENTRY_MAX = 2000, COLD_BATCH = 4096, COLD_RESERVE_BYTES = 512 << 20 };

struct cold;

typedef bool cold_over_fn(const void *context, struct bytes entry);

struct cold_options {
    struct os *os;
    const char *path;       /* copied; in a folder that is there */
    uint64_t reserve_bytes; /* a store leaves as much of the disk free, or is refused; 0: COLD_RESERVE_BYTES, or a
                               tenth of the disk, the lesser: twice what the log leaves */
    os_wake_fn *wake;       /* a request is done: from any thread, until cold_close has returned */
    void *context;
    /* Whether an entry is worth nothing any more; NULL: none ever is. Such ones are left out when their page is written
     * again, and of scans. Called by the helper: what over_context points to changes between requests only. */
    cold_over_fn *over;
    const void *over_context;
};

struct cold *cold_open(const struct cold_options *options);
void cold_close(struct cold *cold); /* waits for a request under way */

uint64_t cold_count(const struct cold *cold); /* entries */
uint64_t cold_bytes(const struct cold *cold); /* of memory, requests aside */
uint64_t cold_disk_bytes(const struct cold *cold);
const char *cold_error(const struct cold *cold); /* of ST_IO, ST_CORRUPT and ST_NOSPACE */

/* False: no entry has this hash. Between requests. */
bool cold_maybe(const struct cold *cold, uint64_t hash);

void cold_want(struct cold *cold, uint64_t hash, struct bytes key);
void cold_take(struct cold *cold);
/* Its key must not be here. */
void cold_put(struct cold *cold, uint64_t hash, struct bytes entry);
void cold_store(struct cold *cold);
void cold_scan_begin(struct cold *cold);
bool cold_scan(struct cold *cold); /* submits the next part; false: there is none */

/* ST_AGAIN: the request is not done. */
enum status cold_poll(struct cold *cold) MUST_CHECK;
void cold_wait(struct cold *cold); /* until cold_poll gives another answer */
bool cold_busy(const struct cold *cold); /* a request is submitted and was not polled to its end */

/* The entries that a take or a scan gave, one after the other; false: no more. */
bool cold_next(struct cold *cold, struct bytes *entry);
uint32_t cold_given(const struct cold *cold);
/* Of the n-th put. */
bool cold_is_stored(const struct cold *cold, uint32_t n);

#endif
