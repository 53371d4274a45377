/* Record batches from outside: parse, then read every record under a budget, whatever the bytes. */
#include "wire/kafka/batch.h"

#include "base/crc32c.h"
#include "base/endian.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes run = bytes_of(data, size), batch;
    struct batch_header h;

    (void)!batch_validate(run, &h);
    while (batch_next(&run, &h, &batch) == ST_OK) {
        (void)!batch_validate_produced(batch, &h);
        read_all(batch);
    }
    return 0;
}
