/* identity.h: DIR/id, written once: that this is a data directory of ours, of which format version,
 * its cluster id and the salt of its checksums. Two copies, so that one bad page is survived.
 * Layout: docs/format/wal.md.       Layer: store. */
#ifndef QW_STORE_LOG_IDENTITY_H
#define QW_STORE_LOG_IDENTITY_H

#include "base/diag.h"
#include "os/os.h"
#include "store/log/log.h"

/* Makes it if the directory is new; refuses another version, or a directory that has a WAL but no
 * identity. */
enum status identity_open(struct os *os, const char *dir, uint8_t cluster_id[LOG_ID_BYTES],
                          uint64_t *salt, struct diag *diag) MUST_CHECK;
/* The same, only reading. */
enum status identity_read(struct os *os, const char *dir, uint8_t cluster_id[LOG_ID_BYTES],
                          uint64_t *salt) MUST_CHECK;

#endif
