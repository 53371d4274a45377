/* Record batches from outside: parse, then read every record under a budget, whatever the bytes. The
 * first byte chooses: as they are, or with magic, length and checksum made right, so that what is behind
 * the checksum (compression, records, headers) is reached. */
#include "wire/kafka/batch.h"

#include <stdlib.h>

#include "base/crc32c.h"
#include "base/endian.h"
#include "lib/fuzz.h"

/* Kafka's record batch: base offset 8, length 4, leader epoch 4, magic 1, crc 4, and what it covers. */
enum { LENGTH_AT = 8, LENGTH_FROM = 12, MAGIC_AT = 16, CRC_AT = 17, CRC_FROM = 21 };

static void seal(uint8_t *batch, size_t size)
{
    if (size < CRC_FROM)
        return;
    batch[MAGIC_AT] = 2;
    store_u32_be(batch + LENGTH_AT, (uint32_t)(size - LENGTH_FROM));
    store_u32_be(batch + CRC_AT, crc32c(0, batch + CRC_FROM, size - CRC_FROM));
}

static void read_all(struct bytes batch)
{
    struct buf scratch;
    struct batch_records it;
    struct record rec;
    struct record_header header;

    buf_init(&scratch, 1 << 20);
    if (batch_records_open_buf(&it, batch, &scratch) == ST_OK) {
        while (batch_records_next(&it, &rec) == ST_OK) {
            struct reader r = reader_of(rec.headers);
            while (record_headers_next(&r, &header))
                ;
        }
    }
    buf_deinit(&scratch);
}

FUZZ(kafka_batch, data, size)
{
    struct bytes run, batch;
    struct batch_header h;

    if (size < 2)
        return;
    uint8_t *copy = malloc(size - 1);
    memcpy(copy, data + 1, size - 1);
    if (data[0] & 1)
        seal(copy, size - 1);
    run = bytes_of(copy, size - 1);
    (void)!batch_validate(run, &h);
    while (batch_next(&run, &h, &batch) == ST_OK) {
        (void)!batch_validate_produced(batch, &h);
        read_all(batch);
    }
    free(copy);
}
