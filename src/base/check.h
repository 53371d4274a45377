/* check.h: assertions that stay on.
 *
 * A CHECK states what must hold if our own code is right. When it does not, the thread's failure
 * handler is called (a library instance sets one, so that the host process survives), and if that
 * returns or none is set the process aborts: recovery from the log is the restart path anyway.
 * Input from outside is never CHECKed, it is refused with a status.       Layer: base.
 */
#ifndef QW_BASE_CHECK_H
#define QW_BASE_CHECK_H

#include <stdbool.h>

#define CHECK(x)       (__builtin_expect(!!(x), 1) ? (void)0 : check_failed(#x, __FILE__, __LINE__))
#define CHECK_IF(a, b) CHECK(!(a) || (b)) /* a implies b */
#define UNREACHABLE()  (check_failed("unreachable", __FILE__, __LINE__), __builtin_unreachable())

#ifdef QW_SLOW_CHECKS
#define CHECK_SLOW(x) CHECK(x)
#else
#define CHECK_SLOW(x) ((void)sizeof(!(x)))
#endif

typedef void check_handler(void *context, const char *expression, const char *file, int line);

/* Sets the handler of the calling thread; NULL restores "print and abort". A handler that wants
 * the process to live must not return: it ends its thread. */
void check_set_handler(check_handler *handler, void *context);
bool check_has_handler(void); /* of the calling thread */

_Noreturn void check_failed(const char *expression, const char *file, int line);

/* malloc and friends that CHECK instead of returning NULL: for memory whose size our own
 * configuration bounds, never for sizes that a client chooses. Freed with free(). */
void *xmalloc(unsigned long size) __attribute__((malloc, alloc_size(1)));
void *xcalloc(unsigned long count, unsigned long size) __attribute__((malloc, alloc_size(1, 2)));
void *xrealloc(void *ptr, unsigned long size) __attribute__((alloc_size(2)));
char *xstrdup(const char *text) __attribute__((malloc));

#endif
