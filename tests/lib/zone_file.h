/* zone_file.h: a TZif file of a rule alone, for worlds without tzdata. */
#ifndef QW_TESTS_ZONE_FILE_H
#define QW_TESTS_ZONE_FILE_H

#include "os/os.h"

enum { ZONE_FILE_ROOM = 200 };

/* "CET-1CEST,M3.5.0,M10.5.0/3"; into ZONE_FILE_ROOM bytes. */
size_t zone_file(const char *rule, uint8_t *to);
/* As /usr/share/zoneinfo/NAME of a simulated world; a name with one '/' at most. */
void zone_install(struct os *os, const char *name, const char *rule);

#endif
