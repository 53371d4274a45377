#include "base/crc32c.h"

#include "base/check.h"

#if defined(__x86_64__)
#include <nmmintrin.h>
#elif defined(__aarch64__)
#include <arm_acle.h>
#include <sys/auxv.h>
#ifndef HWCAP_CRC32
#define HWCAP_CRC32 (1 << 7)
#endif
#endif

/* Eight tables of 256 ("slicing by 8", Kounavis and Berry 2005), filled at first use by a
 * constructor: a race-free start and no 8 KiB of literals. */
static uint32_t tables[8][256];

__attribute__((constructor(200))) static void fill_tables(void)
{
    const uint32_t polynomial = 0x82F63B78u; /* reversed */

    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (crc & 1 ? polynomial : 0);
        tables[0][i] = crc;
    }
    for (uint32_t i = 0; i < 256; i++)
        for (int t = 1; t < 8; t++)
            tables[t][i] = (tables[t - 1][i] >> 8) ^ tables[0][tables[t - 1][i] & 0xFF];
}

uint32_t crc32c_portable(uint32_t crc, const void *data, size_t len)
{
    const uint8_t *p = data;

    crc = ~crc;
    while (len >= 8) {
        uint32_t low = crc ^ ((uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
                              (uint32_t)p[3] << 24);
        crc = tables[7][low & 0xFF] ^ tables[6][(low >> 8) & 0xFF] ^
              tables[5][(low >> 16) & 0xFF] ^ tables[4][low >> 24] ^ tables[3][p[4]] ^
              tables[2][p[5]] ^ tables[1][p[6]] ^ tables[0][p[7]];
        p += 8;
        len -= 8;
    }
    while (len--)
        crc = (crc >> 8) ^ tables[0][(crc ^ *p++) & 0xFF];
    return ~crc;
}

/* ---- three at a time ----
 *
 * The instruction takes three cycles and can begin one a cycle, so a long run is taken as three lanes side by
 * side. A checksum is linear: what a lane was, after as many zeros as the next lane is long, is added (xor) to it.
 * lane_shift[i][b] is what byte i of a checksum, of value b, becomes by LANE_BYTES zeros.
 */
enum { LANE_BITS = 10, LANE_BYTES = 1 << LANE_BITS, LENGTH_BITS = 40 };

static uint32_t lane_shift[4][256];
static uint32_t zeros[LENGTH_BITS][32]; /* what 1 << i bytes of zeros make of a checksum */

/* A linear map of 32 bits applied: column i is what bit i becomes. */
static uint32_t times(const uint32_t columns[32], uint32_t bits)
{
    uint32_t sum = 0;

    for (int i = 0; bits; i++, bits >>= 1)
        if (bits & 1)
            sum ^= columns[i];
    return sum;
}

/* tables is filled by then: the constructor of the higher number is called later. */
__attribute__((constructor(201))) static void fill_zeros(void)
{
    for (int i = 0; i < 32; i++)
        zeros[0][i] = (UINT32_C(1) << i >> 8) ^ tables[0][(UINT32_C(1) << i) & 0xFF];
    for (int n = 1; n < LENGTH_BITS; n++)
        for (int i = 0; i < 32; i++)
            zeros[n][i] = times(zeros[n - 1], zeros[n - 1][i]);
    for (uint32_t b = 0; b < 256; b++)
        for (int i = 0; i < 4; i++)
            lane_shift[i][b] = times(zeros[LANE_BITS], b << 8 * i);
}

uint32_t crc32c_join(uint32_t first, uint32_t second, size_t second_len)
{
    CHECK(second_len >> LENGTH_BITS == 0);
    for (int n = 0; second_len >> n; n++)
        if (second_len >> n & 1)
            first = times(zeros[n], first);
    return first ^ second;
}

#if defined(__x86_64__) || defined(__aarch64__)
static uint32_t after_lane(uint32_t c)
{
    return lane_shift[0][c & 0xFF] ^ lane_shift[1][c >> 8 & 0xFF] ^ lane_shift[2][c >> 16 & 0xFF] ^
           lane_shift[3][c >> 24];
}

static uint64_t word_at(const uint8_t *p)
{
    uint64_t word;

    memcpy(&word, p, 8);
    return word;
}
#endif

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t by_instruction(uint32_t crc, const void *data,
                                                                 size_t len)
{
    const uint8_t *p = data;
    uint64_t c = ~crc;

    for (; len >= 3 * LANE_BYTES; len -= 3 * LANE_BYTES, p += 3 * LANE_BYTES) {
        uint64_t second = 0, third = 0;
        for (size_t i = 0; i < LANE_BYTES; i += 8) {
            c = _mm_crc32_u64(c, word_at(p + i));
            second = _mm_crc32_u64(second, word_at(p + i + LANE_BYTES));
            third = _mm_crc32_u64(third, word_at(p + i + 2 * LANE_BYTES));
        }
        c = after_lane((uint32_t)c) ^ second;
        c = after_lane((uint32_t)c) ^ third;
    }
    for (; len >= 8; len -= 8, p += 8)
        c = _mm_crc32_u64(c, word_at(p));
    for (; len; len--, p++)
        c = _mm_crc32_u8((uint32_t)c, *p);
    return ~(uint32_t)c;
}

static bool has_instruction(void)
{
    return __builtin_cpu_supports("sse4.2");
}
#elif defined(__aarch64__)
__attribute__((target("+crc"))) static uint32_t by_instruction(uint32_t crc, const void *data,
                                                               size_t len)
{
    const uint8_t *p = data;
    uint32_t c = ~crc;

    for (; len >= 3 * LANE_BYTES; len -= 3 * LANE_BYTES, p += 3 * LANE_BYTES) {
        uint32_t second = 0, third = 0;
        for (size_t i = 0; i < LANE_BYTES; i += 8) {
            c = __crc32cd(c, word_at(p + i));
            second = __crc32cd(second, word_at(p + i + LANE_BYTES));
            third = __crc32cd(third, word_at(p + i + 2 * LANE_BYTES));
        }
        c = after_lane(c) ^ second;
        c = after_lane(c) ^ third;
    }
    for (; len >= 8; len -= 8, p += 8)
        c = __crc32cd(c, word_at(p));
    for (; len; len--, p++)
        c = __crc32cb(c, *p);
    return ~c;
}

static bool has_instruction(void)
{
    return (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0;
}
#else
static uint32_t by_instruction(uint32_t crc, const void *data, size_t len)
{
    return crc32c_portable(crc, data, len);
}

static bool has_instruction(void)
{
    return false;
}
#endif

static bool use_instruction;

__attribute__((constructor)) static void choose(void)
{
    use_instruction = has_instruction();
}

uint32_t crc32c(uint32_t crc, const void *data, size_t len)
{
    return use_instruction ? by_instruction(crc, data, len) : crc32c_portable(crc, data, len);
}
