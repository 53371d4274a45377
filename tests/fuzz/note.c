/* Any bytes as a tick's note, with a checksum that holds, so that the body is reached. */
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/endian.h"
#include "flow/note.h"
#include "lib/fuzz.h"

FUZZ(note, data, size)
{
    uint8_t *bytes = malloc(size + 8);
    memcpy(bytes, "QN\x01\0", 4);
    memcpy(bytes + 8, data, size);
    store_u32_le(bytes + 4, crc32c(0, data, size));
    struct note note;
    if (note_decode(bytes_of(bytes, size + 8), &note) == ST_OK)
        note_deinit(&note);
    free(bytes);
}
