/* address.h: "host:port" and "[v6]:port" taken apart, for every implementation.    Layer: os. */
#ifndef QW_OS_ADDRESS_H
#define QW_OS_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

enum { OS_HOST_MAX = 256 };

/* An empty host or "*" (every interface) gives "". False: malformed. */
bool os_address_split(const char *address, char host[OS_HOST_MAX], uint16_t *port);

#endif
