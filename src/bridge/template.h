/* template.h: where a record goes: a text in which {column} is that column's value: 'plant/{line}/{machine}'.
 *
 * Owns:    nothing; its texts are the table's options.   Threads: one at a time.   Layer: bridge.
 * Errors:  of reading: ST_INVALID with a diag that names the option.
 * Limits:  TEMPLATE_PIECES.
 */
#ifndef QW_BRIDGE_TEMPLATE_H
#define QW_BRIDGE_TEMPLATE_H

#include "bridge/bridge.h"

enum { TEMPLATE_PIECES = 16 };

struct template_piece {
    struct bytes text;
    int column; /* -1: text */
};

struct template {
    struct template_piece pieces[TEMPLATE_PIECES];
    unsigned count;
};

bool template_has_columns(struct bytes text); /* then the bridge takes rows */
enum status template_read(struct template *t, const struct bridge_spec *spec, const char *option, struct bytes text,
                          struct diag *diag) MUST_CHECK;
bool template_has(const struct template *t, int column); /* -1: a text */
/* Appended to buf. False: one of its columns is NULL. */
bool template_write(struct buf *buf, const struct template *t, const struct bridge_spec *spec, const struct chunk *rows,
                    uint16_t row);

#endif
