/* A made query over made records: the same rows on one shard and on several, over restarts. */
#include "lib/fuzz.h"
#include "lib/sql_trial.h"

FUZZ(sql_query, data, size)
{
    if (size >= 8 && size <= 1024)
        sql_trial_query(bytes_of(data, size));
}
