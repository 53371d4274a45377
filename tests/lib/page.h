/* page.h: a page of docs that is made from a table of the source, and may not differ from it. */
#ifndef QW_TESTS_PAGE_H
#define QW_TESTS_PAGE_H

#include "base/bytes.h"

/* Fails when the file is not `want`; with QW_GOLDEN_WRITE in the environment it is written instead. */
void page_expect(const char *path, struct bytes want);
/* The same of what stands behind a line of it, up to the file's end. */
void page_expect_behind(const char *path, const char *line, struct bytes want);

#endif
