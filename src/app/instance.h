/* instance.h: a server on a thread of its own, and how other threads call into it.
 *
 * The library's inside. A call is a task on the server's loop; the caller waits at a gate. When an
 * internal check fails, the instance's thread ends, every waiting call is let go with
 * ST_CLOSED, and all later ones are refused: the host lives on.
 *
 * Threads: any but the instance's own.   Layer: app.
 */
#ifndef QW_APP_INSTANCE_H
#define QW_APP_INSTANCE_H

#include <stdatomic.h>

#include "app/server.h"
#include "os/posix/gate.h"

enum instance_state { INSTANCE_OPENING, INSTANCE_READY, INSTANCE_ENDED, INSTANCE_POISONED };

struct instance;

/* One call under way. fn runs on the instance's thread and must see to it that call_done is called,
 * then or later. */
struct call {
    void (*fn)(struct call *call, struct server *server);
    void *context;
    enum status status;
    struct gate gate;
    struct call *next, *prev;
    struct instance *instance;
};

typedef void instance_failure_fn(void *context, const char *what, const char *file, int line);

enum status instance_open(const struct server_options *options, instance_failure_fn *on_failure,
                          void *context, struct instance **out, struct diag *diag);
void instance_close(struct instance *instance); /* stops cleanly, unless poisoned */

/* Runs fn on the instance's thread and waits for call_done. ST_CLOSED: the instance has ended or is
 * poisoned. */
enum status instance_call(struct instance *instance, void (*fn)(struct call *, struct server *),
                          void *context);
void call_done(struct call *call, enum status st);

bool instance_poisoned(const struct instance *instance);
/* Of a ready instance; valid until instance_close. For loop_post and for addresses. */
struct server *instance_server(struct instance *instance);

#endif
