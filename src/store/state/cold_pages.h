/* cold_pages.h: the pages of a cold store: where an entry is, and the file they lie in. Inside store/state: others use cold.h.
 *
 * Extendible hashing. The top bits of a hash choose a place of the directory, which names a page; a page serves all hashes
 * that begin as its own do, in `depth` bits, and is split in two when it is full. In memory a page is a line of 64 bytes:
 *
 *   slot u32 │ depth u8 │ count u8 │ left u8 │ taken: a bit an entry │ filter: a Bloom filter of 320 bits
 *
 * so that an entry that is taken out is a bit and no write, and most hashes that are not here need no read. A page that
 * changes is written to a free slot of the file, and its old slot is free behind that: a write that fails harms nothing.
 *
 *   page: [crc32c of the rest u32][slot u32][count u16][end u16] then entries by hash: [hash u64][length u16][bytes]
 *
 * Threads: one at a time.   Errors: ST_NOSPACE and ST_IO of a store leave all as it was.   Layer: store.
 */
#ifndef QW_STORE_STATE_COLD_PAGES_H
#define QW_STORE_STATE_COLD_PAGES_H

#include "base/buf.h"
#include "base/bytes.h"
#include "base/status.h"
#include "os/os.h"
#include "store/state/cold.h"

enum { COLD_PAGE_BYTES = 4096, COLD_PAGE_ENTRIES = 128, COLD_PAGE_HEAD = 12, COLD_ENTRY_HEAD = 10,
       COLD_DEPTH_MAX = 26, COLD_FILTER_BYTES = 40 };

struct cold_line {
    uint32_t slot; /* COLD_NO_SLOT: the page is empty */
    uint8_t depth, count, left, spare;
    uint64_t taken[COLD_PAGE_ENTRIES / 64];
    uint8_t filter[COLD_FILTER_BYTES];
};
_Static_assert(sizeof(struct cold_line) == 64, "a page is a line of the cache");
#define COLD_NO_SLOT UINT32_MAX

struct cold_pages {
    struct os *os;
    cold_over_fn *over;
    const void *over_context;
    char *path;
    struct os_file *file; /* NULL: not made yet */
    uint32_t *directory;  /* 1 << depth lines */
    uint32_t depth;
    struct cold_line *lines;
    uint32_t lines_count, lines_cap;
    uint32_t *slots_free;
    uint32_t slots_free_count, slots_free_cap;
    uint32_t slots_count; /* the file's */
    uint64_t count;       /* entries */
    uint8_t in[COLD_PAGE_BYTES], out[COLD_PAGE_BYTES];
    char error[OS_PATH_MAX + 128];
};

/* What is asked for or brought: of an entry asked for, `bytes` is its key. */
struct cold_ref {
    uint64_t hash;
    struct bytes bytes;
    uint32_t index;
    bool old;  /* it is on the page already */
    bool done; /* found, or stored */
};

void cold_pages_init(struct cold_pages *p, const struct cold_options *options);
void cold_pages_deinit(struct cold_pages *p); /* removes the file */
uint64_t cold_pages_bytes(const struct cold_pages *p);

uint32_t cold_pages_find(const struct cold_pages *p, uint64_t hash); /* the line */
bool cold_pages_maybe(const struct cold_pages *p, uint64_t hash);
/* How many of refs, by hash, belong to the page of the first. */
uint32_t cold_pages_run(const struct cold_pages *p, const struct cold_ref *refs, uint32_t count);

/* Has the disk begin to read the page. */
void cold_pages_ahead(const struct cold_pages *p, uint32_t line);
/* Entries of one page that are asked for: into out, as [length u32][bytes], and out of the page. */
enum status cold_pages_take(struct cold_pages *p, uint32_t line, struct cold_ref *refs, uint32_t count, struct buf *out,
                            uint32_t *given) MUST_CHECK;
/* Entries into their page, which is split as need be. `done` of one stays false where too many of a hash are there. */
enum status cold_pages_store(struct cold_pages *p, uint32_t line, struct cold_ref *refs, uint32_t count) MUST_CHECK;
/* All entries of a page, into out as above. */
enum status cold_pages_scan(struct cold_pages *p, uint32_t line, struct buf *out, uint32_t *given) MUST_CHECK;

#endif
