/* image.c: pages by number; what lies past the size is always zero, so that growing needs no work.
 */
#include "os/sim/image.h"

#include <stdlib.h>

#include "base/check.h"

static uint8_t zeros[IMAGE_PAGE]; /* never written */

static size_t pages_of(uint64_t bytes)
{
    return (size_t)((bytes + IMAGE_PAGE - 1) / IMAGE_PAGE);
}

static void drop_page(struct sim_image *image, size_t page)
{
    uint8_t *memory = image->pages[page];

    if (!memory)
        return;
    if (memory != zeros)
        free(memory);
    image->pages[page] = NULL;
    image->allocated--;
}

void sim_image_deinit(struct sim_image *image)
{
    for (size_t i = 0; i < image->pages_cap; i++)
        drop_page(image, i);
    free(image->pages);
    *image = (struct sim_image){0};
}

static void need_pages(struct sim_image *image, size_t count)
{
    size_t cap = image->pages_cap;

    if (count <= cap)
        return;
    if (count < cap * 2)
        count = cap * 2;
    image->pages = xrealloc(image->pages, count * sizeof(uint8_t *));
    memset(image->pages + cap, 0, (count - cap) * sizeof(uint8_t *));
    image->pages_cap = count;
}

void sim_image_copy(struct sim_image *to, const struct sim_image *from)
{
    size_t count = pages_of(from->size);

    sim_image_deinit(to);
    need_pages(to, count);
    to->size = from->size;
    for (size_t i = 0; i < count && i < from->pages_cap; i++) {
        if (!from->pages[i])
            continue;
        to->pages[i] = zeros;
        if (from->pages[i] != zeros) {
            to->pages[i] = xmalloc(IMAGE_PAGE);
            memcpy(to->pages[i], from->pages[i], IMAGE_PAGE);
        }
        to->allocated++;
    }
}

size_t sim_image_read(const struct sim_image *image, uint64_t pos, void *to, size_t len)
{
    size_t done = 0;

    if (pos >= image->size)
        return 0;
    if (len > image->size - pos)
        len = (size_t)(image->size - pos);
    while (done < len) {
        size_t page = (size_t)((pos + done) / IMAGE_PAGE), at = (size_t)((pos + done) % IMAGE_PAGE);
        size_t part = IMAGE_PAGE - at < len - done ? IMAGE_PAGE - at : len - done;
        const uint8_t *memory = page < image->pages_cap ? image->pages[page] : NULL;
        memcpy((uint8_t *)to + done, (memory ? memory : zeros) + at, part);
        done += part;
    }
    return len;
}

static void write_page(struct sim_image *image, size_t page, size_t at, const uint8_t *from,
                       size_t len)
{
    uint8_t **slot = &image->pages[page];

    if (!*slot) {
        *slot = zeros;
        image->allocated++;
    }
    if (*slot == zeros) {
        if (memcmp(from, zeros, len) == 0)
            return;
        *slot = xcalloc(1, IMAGE_PAGE);
    }
    memcpy(*slot + at, from, len);
}

void sim_image_write(struct sim_image *image, uint64_t pos, const void *from, size_t len)
{
    size_t done = 0;

    CHECK(pos + len <= IMAGE_BYTES_MAX);
    need_pages(image, pages_of(pos + len));
    while (done < len) {
        size_t page = (size_t)((pos + done) / IMAGE_PAGE), at = (size_t)((pos + done) % IMAGE_PAGE);
        size_t part = IMAGE_PAGE - at < len - done ? IMAGE_PAGE - at : len - done;
        write_page(image, page, at, (const uint8_t *)from + done, part);
        done += part;
    }
    if (pos + len > image->size)
        image->size = pos + len;
}

void sim_image_resize(struct sim_image *image, uint64_t size)
{
    size_t kept = pages_of(size), at = (size_t)(size % IMAGE_PAGE);

    CHECK(size <= IMAGE_BYTES_MAX);
    for (size_t i = kept; i < image->pages_cap; i++)
        drop_page(image, i);
    if (at > 0 && kept <= image->pages_cap && image->pages[kept - 1] &&
        image->pages[kept - 1] != zeros)
        memset(image->pages[kept - 1] + at, 0, IMAGE_PAGE - at);
    image->size = size;
}

size_t sim_image_holes(const struct sim_image *image, uint64_t pos, size_t len)
{
    size_t holes = 0;

    for (size_t i = (size_t)(pos / IMAGE_PAGE); i < pages_of(pos + len); i++)
        holes += i >= image->pages_cap || !image->pages[i];
    return holes;
}
