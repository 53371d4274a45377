/* Any bytes as a checkpoint's manifest, with a footer and checksum that hold, on a simulated disk. */
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/endian.h"
#include "flow/checkpoint.h"
#include "os/sim/sim.h"
#include "lib/fuzz.h"

static void write_file(struct os *os, const uint8_t *data, size_t size)
{
    struct os_file *file;
    uint8_t foot[24];
    store_u64_le(foot, 8);
    store_u32_le(foot + 8, (uint32_t)size);
    store_u32_le(foot + 12, crc32c(0, data, size));
    memcpy(foot + 16, "QWCKEND\n", 8);
    if (os_file_open(os, "d/checkpoints/j/00000000000000000001.ckpt", OS_WRITE | OS_CREATE, &file) != ST_OK)
        abort();
    if (os_file_write(file, 0, "QWCKPT1\n", 8) != ST_OK || os_file_write(file, 8, data, size) != ST_OK ||
        os_file_write(file, 8 + size, foot, sizeof(foot)) != ST_OK)
        abort();
    os_file_close(file);
}

FUZZ(checkpoint, data, size)
{
    struct os *os = os_sim_create(1, NULL);
    struct checkpoint c;
    if (os_mkdir(os, "d") != ST_OK || os_mkdir(os, "d/checkpoints") != ST_OK ||
        os_mkdir(os, "d/checkpoints/j") != ST_OK)
        abort();
    write_file(os, data, size);
    if (checkpoint_find(os, "d", BYTES_LITERAL("j"), UINT64_MAX, &c) == ST_OK)
        checkpoint_close(&c);
    os_sim_destroy(os);
}
