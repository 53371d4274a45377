/* Each decoder writes straight into the buf, in steps of growing size, so that memory follows what
 * really comes out and the buf's limit stops a bomb within one step of it. */
#include "wire/kafka/compress.h"

#include <lz4frame.h>
#include <snappy-c.h>
#include <zlib.h>
#include <zstd.h>

#include "base/check.h"
#include "base/endian.h"
#include "base/reader.h"

enum {
    STEP_BYTES_MIN = 4096,
    STEP_BYTES_MAX = 1 << 20,
    GZIP_WINDOW = 15 + 16,    /* zlib: 32 KiB window, gzip wrapper */
    XERIAL_BLOCK_BYTES = 32 << 10,
    XERIAL_HEADER_BYTES = 16, /* magic, version and lowest compatible version */
    ZSTD_LEVEL = 3,
    ZSTD_WINDOW_LOG_MAX = 27, /* 128 MiB: what a stream may make the decoder keep */
};

static const uint8_t xerial_magic[8] = {0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0};

static const char *const codec_names[KAFKA_CODEC_COUNT] = {"none", "gzip", "snappy", "lz4", "zstd"};

const char *kafka_codec_name(enum kafka_codec codec)
{
    return (unsigned)codec < KAFKA_CODEC_COUNT ? codec_names[codec] : "unknown";
}

bool kafka_codec_by_name(struct bytes name, enum kafka_codec *out)
{
    for (int i = 0; i < KAFKA_CODEC_COUNT; i++) {
        if (bytes_is(name, codec_names[i])) {
            *out = (enum kafka_codec)i;
            return true;
        }
    }
    return false;
}

/* Room for the next piece of output: as much as came out so far, within bounds, and no more than
 * the limit leaves. 0: the limit is met. */
static size_t step(struct buf *out, size_t hint)
{
    size_t want = hint;

    if (want < STEP_BYTES_MIN)
        want = STEP_BYTES_MIN;
    if (want > STEP_BYTES_MAX)
        want = STEP_BYTES_MAX;
    if (out->limit && want > out->limit - out->len)
        want = out->limit - out->len;
    if (want == 0 || !buf_reserve(out, want))
        return 0;
    return want;
}

static enum status append(struct bytes in, struct buf *out)
{
    buf_bytes(out, in);
    return out->failed ? ST_NOSPACE : ST_OK;
}

/* ---- gzip ---- */

static enum status gzip_in(struct bytes in, struct buf *out)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)in.ptr, .avail_in = (uInt)in.len};
    enum status st = ST_OK;

    if (inflateInit2(&z, GZIP_WINDOW) != Z_OK)
        return ST_NOSPACE;
    for (int rc = Z_OK; rc != Z_STREAM_END;) {
        size_t room = step(out, in.len * 4 + out->len);
        uint8_t probe;
        /* With no room left one byte of probe tells a full buffer from a finished stream. */
        z.next_out = room ? out->ptr + out->len : &probe;
        z.avail_out = room ? (uInt)room : 1;
        uInt before = z.avail_out;
        rc = inflate(&z, Z_NO_FLUSH);
        if (!room && z.avail_out == 0) {
            st = ST_NOSPACE;
            break;
        }
        if (room)
            buf_advance(out, before - z.avail_out);
        if (rc == Z_STREAM_END && z.avail_in) { /* members may be joined */
            rc = inflateReset(&z);
        } else if (rc != Z_OK && rc != Z_STREAM_END) {
            st = ST_CORRUPT;
            break;
        }
    }
    inflateEnd(&z);
    return st;
}

static enum status gzip_out(struct bytes in, struct buf *out)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)in.ptr, .avail_in = (uInt)in.len};

    if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) !=
        Z_OK)
        return ST_NOSPACE;
    size_t bound = deflateBound(&z, in.len);
    uint8_t *to = buf_reserve(out, bound);
    if (!to) {
        deflateEnd(&z);
        return ST_NOSPACE;
    }
    z.next_out = to;
    z.avail_out = (uInt)bound;
    CHECK(deflate(&z, Z_FINISH) == Z_STREAM_END);
    buf_advance(out, bound - z.avail_out);
    deflateEnd(&z);
    return ST_OK;
}

/* ---- snappy ---- */

static enum status snappy_block_in(struct bytes in, struct buf *out)
{
    size_t len;

    if (snappy_uncompressed_length((const char *)in.ptr, in.len, &len) != SNAPPY_OK)
        return ST_CORRUPT;
    /* The stated length is only believed as far as the format can reach it: a copy of 3 bytes
     * gives at most 64, so 32 to 1 is beyond any honest stream. */
    if (len > in.len * 32 + 64)
        return ST_CORRUPT;
    if (out->limit && len > out->limit - out->len)
        return ST_NOSPACE;
    uint8_t *to = buf_reserve(out, len ? len : 1);
    if (!to)
        return ST_NOSPACE;
    if (snappy_uncompress((const char *)in.ptr, in.len, (char *)to, &len) != SNAPPY_OK)
        return ST_CORRUPT;
    buf_advance(out, len);
    return ST_OK;
}

static bool is_xerial(struct bytes in)
{
    return in.len >= XERIAL_HEADER_BYTES && memcmp(in.ptr, xerial_magic, sizeof(xerial_magic)) == 0;
}

static enum status snappy_in(struct bytes in, struct buf *out)
{
    if (!is_xerial(in))
        return snappy_block_in(in, out);
    struct reader r = reader_of(bytes_skip(in, XERIAL_HEADER_BYTES));
    while (reader_left(&r)) {
        struct bytes block = reader_bytes(&r, reader_u32_be(&r));
        if (r.bad)
            return ST_CORRUPT;
        TRY(snappy_block_in(block, out));
    }
    return ST_OK;
}

static enum status snappy_out(struct bytes in, struct buf *out)
{
    buf_append(out, xerial_magic, sizeof(xerial_magic));
    buf_u32_be(out, 1);
    buf_u32_be(out, 1);
    do {
        struct bytes block = bytes_head(in, XERIAL_BLOCK_BYTES);
        size_t len = snappy_max_compressed_length(block.len), at = out->len;
        buf_u32_be(out, 0);
        uint8_t *to = buf_reserve(out, len);
        if (!to)
            return ST_NOSPACE;
        CHECK(snappy_compress((const char *)block.ptr, block.len, (char *)to, &len) == SNAPPY_OK);
        buf_advance(out, len);
        buf_patch_u32_be(out, at, (uint32_t)len);
        in = bytes_skip(in, block.len);
    } while (in.len);
    return ST_OK;
}

/* ---- lz4 ---- */

static enum status lz4_in(struct bytes in, struct buf *out)
{
    LZ4F_dctx *ctx;
    enum status st = ST_OK;
    size_t rc = 1;

    if (LZ4F_isError(LZ4F_createDecompressionContext(&ctx, LZ4F_VERSION)))
        return ST_NOSPACE;
    /* rc is 0 when a frame is finished: more input then is another frame. */
    while (in.len || rc) {
        uint8_t probe;
        size_t room = step(out, in.len * 4 + out->len), got = room ? room : 1, used = in.len;
        rc = LZ4F_decompress(ctx, room ? out->ptr + out->len : &probe, &got, in.ptr, &used, NULL);
        if (LZ4F_isError(rc) || (!used && !got)) {
            st = ST_CORRUPT;
            break;
        }
        if (!room && got) {
            st = ST_NOSPACE;
            break;
        }
        if (room)
            buf_advance(out, got);
        in = bytes_skip(in, used);
    }
    LZ4F_freeDecompressionContext(ctx);
    return st;
}

static enum status lz4_out(struct bytes in, struct buf *out)
{
    const LZ4F_preferences_t prefs = {
        .frameInfo = {.blockSizeID = LZ4F_max64KB, .blockMode = LZ4F_blockIndependent}};
    size_t bound = LZ4F_compressFrameBound(in.len, &prefs);
    uint8_t *to = buf_reserve(out, bound);

    if (!to)
        return ST_NOSPACE;
    size_t len = LZ4F_compressFrame(to, bound, in.ptr, in.len, &prefs);
    CHECK(!LZ4F_isError(len));
    buf_advance(out, len);
    return ST_OK;
}

/* ---- zstd ---- */

static enum status zstd_in(struct bytes in, struct buf *out)
{
    ZSTD_DCtx *ctx = ZSTD_createDCtx();
    ZSTD_inBuffer from = {in.ptr, in.len, 0};
    enum status st = ST_OK;
    size_t rc = 1;

    if (!ctx)
        return ST_NOSPACE;
    (void)ZSTD_DCtx_setParameter(ctx, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX);
    while (from.pos < from.size || rc) {
        uint8_t probe;
        size_t room = step(out, in.len * 4 + out->len), was = from.pos;
        ZSTD_outBuffer to = {room ? out->ptr + out->len : &probe, room ? room : 1, 0};
        rc = ZSTD_decompressStream(ctx, &to, &from);
        if (ZSTD_isError(rc) || (from.pos == was && !to.pos && rc)) {
            st = ST_CORRUPT;
            break;
        }
        if (!room && to.pos) {
            st = ST_NOSPACE;
            break;
        }
        if (room)
            buf_advance(out, to.pos);
    }
    ZSTD_freeDCtx(ctx);
    return st;
}

static enum status zstd_out(struct bytes in, struct buf *out)
{
    size_t bound = ZSTD_compressBound(in.len);
    uint8_t *to = buf_reserve(out, bound);

    if (!to)
        return ST_NOSPACE;
    size_t len = ZSTD_compress(to, bound, in.ptr, in.len, ZSTD_LEVEL);
    CHECK(!ZSTD_isError(len));
    buf_advance(out, len);
    return ST_OK;
}

enum status kafka_compress(enum kafka_codec codec, struct bytes in, struct buf *out)
{
    CHECK(in.len <= INT32_MAX);
    switch (codec) {
    case KAFKA_CODEC_NONE: return append(in, out);
    case KAFKA_CODEC_GZIP: return gzip_out(in, out);
    case KAFKA_CODEC_SNAPPY: return snappy_out(in, out);
    case KAFKA_CODEC_LZ4: return lz4_out(in, out);
    case KAFKA_CODEC_ZSTD: return zstd_out(in, out);
    default: return ST_UNSUPPORTED;
    }
}

enum status kafka_decompress(enum kafka_codec codec, struct bytes in, struct buf *out)
{
    CHECK(in.len <= INT32_MAX);
    if (in.len == 0)
        return codec == KAFKA_CODEC_NONE ? ST_OK : ST_CORRUPT;
    switch (codec) {
    case KAFKA_CODEC_NONE: return append(in, out);
    case KAFKA_CODEC_GZIP: return gzip_in(in, out);
    case KAFKA_CODEC_SNAPPY: return snappy_in(in, out);
    case KAFKA_CODEC_LZ4: return lz4_in(in, out);
    case KAFKA_CODEC_ZSTD: return zstd_in(in, out);
    default: return ST_UNSUPPORTED;
    }
}
