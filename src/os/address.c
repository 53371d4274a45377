/* address.c: the port is what follows the last colon, five digits at most. */
#include "os/address.h"

#include <string.h>

static bool parse_port(const char *text, uint16_t *port)
{
    uint32_t value = 0;
    int digits = 0;

    for (; text[digits]; digits++) {
        if (text[digits] < '0' || text[digits] > '9' || digits == 5)
            return false;
        value = value * 10 + (uint32_t)(text[digits] - '0');
    }
    *port = (uint16_t)value;
    return digits > 0 && value <= UINT16_MAX;
}

bool os_address_split(const char *address, char host[OS_HOST_MAX], uint16_t *port)
{
    const char *colon = strrchr(address, ':');
    size_t len;

    if (!colon || !parse_port(colon + 1, port))
        return false;
    len = (size_t)(colon - address);
    if (len >= 2 && address[0] == '[' && address[len - 1] == ']') {
        address++;
        len -= 2;
    } else if (memchr(address, ':', len)) {
        return false; /* an IPv6 address without its brackets */
    }
    if (len >= OS_HOST_MAX)
        return false;
    memcpy(host, address, len);
    host[len] = 0;
    if (!strcmp(host, "*"))
        host[0] = 0;
    return true;
}
