/* A made script of any statements, run with records and restarts between. */
#include "lib/fuzz.h"
#include "lib/sql_trial.h"

FUZZ(sql_script, data, size)
{
    if (size >= 8 && size <= 1024)
        sql_trial_script(bytes_of(data, size));
}
