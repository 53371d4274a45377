#include "lib/zone_file.h"

#include <stdio.h>
#include <string.h>

#include "lib/test.h"

/* One type, at UTC, and no changes: the rule says all. */
static size_t block(uint8_t *to)
{
    static const uint8_t header[] = {'T', 'Z', 'i', 'f', '2'};
    enum { HEADER = 44, TYPES_AT = 36, LETTERS_AT = 40, DATA = 6 + 4 };

    memset(to, 0, HEADER + DATA);
    memcpy(to, header, sizeof(header));
    to[TYPES_AT + 3] = 1;
    to[LETTERS_AT + 3] = 4;
    memcpy(to + HEADER + 6, "UTC", 4);
    return HEADER + DATA;
}

size_t zone_file(const char *rule, uint8_t *to)
{
    size_t len = block(to);

    len += block(to + len);
    int n = snprintf((char *)to + len, ZONE_FILE_ROOM - len, "\n%s\n", rule);
    return len + (size_t)n;
}

void zone_install(struct os *os, const char *name, const char *rule)
{
    static const char *const folders[] = {"/usr", "/usr/share", "/usr/share/zoneinfo"};
    char path[200];
    uint8_t file[ZONE_FILE_ROOM];
    struct os_file *f;

    for (int i = 0; i < 3; i++)
        EXPECT_OK(os_mkdir(os, folders[i]));
    snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", name);
    char *slash = strrchr(path, '/');
    *slash = 0;
    EXPECT_OK(os_mkdir(os, path));
    *slash = '/';
    EXPECT_OK(os_file_open(os, path, OS_WRITE | OS_CREATE, &f));
    EXPECT_OK(os_file_write(f, 0, file, zone_file(rule, file)));
    os_file_close(f);
}
