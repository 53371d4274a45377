#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Thread_local check_handler *thread_handler;
static _Thread_local void *thread_context;

void check_set_handler(check_handler *handler, void *context)
{
    thread_handler = handler;
    thread_context = context;
}

bool check_has_handler(void)
{
    return thread_handler != NULL;
}

_Noreturn void check_failed(const char *expression, const char *file, int line)
{
    check_handler *handler = thread_handler;

    thread_handler = NULL; /* a check that fails inside the handler must not call it again */
    if (handler)
        handler(thread_context, expression, file, line);
    fprintf(stderr, "quickwater: internal check failed: %s (%s:%d)\n", expression, file, line);
    abort(); /* without a look at other streams: their locks may be held by who waits */
}

void *xmalloc(unsigned long size)
{
    void *p = malloc(size ? size : 1);
    CHECK(p != NULL);
    return p;
}

void *xcalloc(unsigned long count, unsigned long size)
{
    void *p = calloc(count ? count : 1, size ? size : 1);
    CHECK(p != NULL);
    return p;
}

void *xrealloc(void *ptr, unsigned long size)
{
    void *p = realloc(ptr, size ? size : 1);
    CHECK(p != NULL);
    return p;
}

char *xstrdup(const char *text)
{
    size_t size = strlen(text) + 1;
    return memcpy(xmalloc(size), text, size);
}
