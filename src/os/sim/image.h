/* image.h: the bytes of a simulated file, by pages, with holes.
 *
 * A page is absent (a hole: reads as zeros, takes no space), the shared page of zeros, or its own
 * memory.   Owns: its pages.   Limits: IMAGE_BYTES_MAX.   Layer: os/sim.
 */
#ifndef QW_OS_SIM_IMAGE_H
#define QW_OS_SIM_IMAGE_H

#include "base/bytes.h"

#define IMAGE_BYTES_MAX ((uint64_t)64 << 30)
enum { IMAGE_PAGE = 4096 };

struct sim_image {
    uint8_t **pages;
    size_t pages_cap;
    size_t allocated; /* pages that are not holes */
    uint64_t size;    /* of the file, in bytes */
};

/* Zeroed memory is an empty image. */
void sim_image_deinit(struct sim_image *image); /* and empty again */
void sim_image_copy(struct sim_image *to, const struct sim_image *from);
size_t sim_image_read(const struct sim_image *image, uint64_t pos, void *to, size_t len);
void sim_image_write(struct sim_image *image, uint64_t pos, const void *from, size_t len);
void sim_image_resize(struct sim_image *image, uint64_t size);
/* How many holes a write there would fill. */
size_t sim_image_holes(const struct sim_image *image, uint64_t pos, size_t len);

#endif
