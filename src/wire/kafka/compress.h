/* compress.h: the codecs of record batches, both ways, with a bound on what may come out.
 *
 * gzip (RFC 1952), snappy (raw, and framed as xerial's Java library does; written framed, as
 * Kafka's own producer does), lz4 (the frame format with independent blocks, which Kafka's Java
 * reader asks for) and zstd. A buf with a limit is the budget: a small input that unfolds past it
 * is refused before the memory is taken.       Layer: wire.
 */
#ifndef QW_WIRE_KAFKA_COMPRESS_H
#define QW_WIRE_KAFKA_COMPRESS_H

#include "base/buf.h"
#include "base/status.h"

enum kafka_codec {
    KAFKA_CODEC_NONE = 0,
    KAFKA_CODEC_GZIP = 1,
    KAFKA_CODEC_SNAPPY = 2,
    KAFKA_CODEC_LZ4 = 3,
    KAFKA_CODEC_ZSTD = 4,
    KAFKA_CODEC_COUNT,
};

/* "none", "gzip", "snappy", "lz4", "zstd"; false for another name. */
const char *kafka_codec_name(enum kafka_codec codec);
bool kafka_codec_by_name(struct bytes name, enum kafka_codec *out);

/* Both append to out. ST_NOSPACE: out's limit is met; ST_CORRUPT: not that codec's bytes, or cut
 * short; ST_UNSUPPORTED: an unknown codec. On failure out may hold a part. */
enum status kafka_compress(enum kafka_codec codec, struct bytes in, struct buf *out) MUST_CHECK;
enum status kafka_decompress(enum kafka_codec codec, struct bytes in, struct buf *out) MUST_CHECK;

#endif
