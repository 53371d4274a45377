/* crc32c.h: CRC-32C (Castagnoli, RFC 3720 appendix B.4), by the processor's instruction where it
 * has one, chosen at run time.       Layer: base. */
#ifndef QW_BASE_CRC32C_H
#define QW_BASE_CRC32C_H

#include "base/bytes.h"

/* The checksum of all the bytes so far; start with crc = 0. */
uint32_t crc32c(uint32_t crc, const void *data, size_t len);

/* Of two runs side by side, from the checksums of each: what crc32c(first, bytes of the second) gives, without the
 * bytes. Costs as much as summing some 20 KiB. */
uint32_t crc32c_join(uint32_t first, uint32_t second, size_t second_len);

/* The same without the instruction, for the test that holds one against the other. */
uint32_t crc32c_portable(uint32_t crc, const void *data, size_t len);

#endif
