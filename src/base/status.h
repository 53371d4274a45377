/* status.h: how a call that may fail because of the world or of its user says so.
 *
 * Three kinds of failure have three treatments. A bug of ours is a CHECK (check.h) and aborts.
 * The world (disk, peer, limit) and the user (bad SQL, bad frame) are an `enum status`: zero is
 * success, every other value must be handled or passed up. What a user should read goes into a
 * `struct diag` (diag.h) beside the status.       Layer: base.
 */
#ifndef QW_BASE_STATUS_H
#define QW_BASE_STATUS_H

#define STATUS_MAP(X)                                                                              \
    X(OK, "ok")                                                                                    \
    X(AGAIN, "not ready, try after the next event")                                                \
    X(END, "nothing more will come")                                                               \
    X(NOTFOUND, "no such thing")                                                                   \
    X(EXISTS, "it exists already")                                                                 \
    X(NOSPACE, "a configured limit was reached")                                                   \
    X(IO, "the operating system refused")                                                          \
    X(CORRUPT, "bytes on disk fail their check")                                                   \
    X(INVALID, "the caller's input is wrong")                                                      \
    X(UNSUPPORTED, "this is not built yet")                                                        \
    X(CLOSED, "the other side has closed")

#define STATUS_ENUM(name, text) ST_##name,
enum status { STATUS_MAP(STATUS_ENUM) ST_COUNT };
#undef STATUS_ENUM

#define MUST_CHECK __attribute__((warn_unused_result))

/* Returns the caller's status at once; only where nothing is held that needs unwinding. */
#define TRY(call)                                                                                  \
    do {                                                                                           \
        enum status try_ = (call);                                                                 \
        if (try_ != ST_OK)                                                                         \
            return try_;                                                                           \
    } while (0)

/* A static, lower-case phrase; never NULL. */
const char *status_text(enum status st);

#endif
