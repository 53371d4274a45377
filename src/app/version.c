#include "app/version.h"

/* QW_VERSION and QW_COMMIT come from the Makefile, for this file alone, so that a commit rebuilds
 * one object. */
const char *version_number(void)
{
    return QW_VERSION;
}

const char *version_commit(void)
{
    return QW_COMMIT;
}
