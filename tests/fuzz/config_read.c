/* A server's configuration file: any text is read, or refused with its place and what would be right. */
#include "app/config.h"

#include "base/check.h"
#include "lib/fuzz.h"

FUZZ(config_read, data, size)
{
    struct config c;
    struct diag diag = {0};

    config_init(&c);
    if (config_read(&c, bytes_of(data, size), &diag) != ST_OK) {
        CHECK(diag.code != DIAG_NONE && diag.message[0]);
        CHECK((diag.line == 0) == (diag.column == 0));
        CHECK(diag.line == 0 || diag.hint[0] || diag.code == DIAG_EXISTS);
    }
    CHECK(c.options.shards >= 1 && c.options.shards <= ENGINE_SHARDS_MAX);
    CHECK(c.options.http.partitions_default == c.options.kafka.partitions_default);
    config_deinit(&c);
}
