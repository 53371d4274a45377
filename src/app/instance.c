#include "app/instance.h"

#include <stdlib.h>

#include "base/check.h"

struct instance {
    struct server_options options;
    struct server *server;
    struct os_thread *thread;
    instance_failure_fn *on_failure;
    void *failure_context;
    struct diag diag;
    enum status open_status;
    struct gate opened;

    pthread_mutex_t mutex; /* of the two below */
    struct call *calls;    /* under way, any order */
    enum instance_state state;
};

static void let_all_go(struct instance *in, enum instance_state state)
{
    pthread_mutex_lock(&in->mutex);
    in->state = state;
    struct call *call = in->calls;
    in->calls = NULL;
    while (call) {
        struct call *next = call->next; /* the caller's stack may go when its gate opens */
        call->instance = NULL;
        call->status = ST_CLOSED;
        gate_open(&call->gate);
        call = next;
    }
    pthread_mutex_unlock(&in->mutex);
}

/* On the instance's thread, from check_failed: must not return. */
static void on_check_failed(void *context, const char *expression, const char *file, int line)
{
    struct instance *in = context;

    if (in->on_failure)
        in->on_failure(in->failure_context, expression, file, line);
    in->open_status = ST_CLOSED;
    let_all_go(in, INSTANCE_POISONED);
    gate_open(&in->opened);
    if (in->server)
        server_abandon(in->server);
    gate_end_thread();
}

static void thread_main(void *context)
{
    struct instance *in = context;

    check_set_handler(on_check_failed, in);
    in->open_status = server_open(os_posix(), &in->options, &in->server, &in->diag);
    if (in->open_status != ST_OK) {
        gate_open(&in->opened);
        return;
    }
    in->state = INSTANCE_READY;
    gate_open(&in->opened);
    server_run(in->server);
    let_all_go(in, INSTANCE_ENDED);
    server_close(in->server);
    in->server = NULL;
}

static void instance_free(struct instance *in)
{
    gate_deinit(&in->opened);
    pthread_mutex_destroy(&in->mutex);
    free(in);
}

enum status instance_open(const struct server_options *options, instance_failure_fn *on_failure,
                          void *context, struct instance **out, struct diag *diag)
{
    struct instance *in = xcalloc(1, sizeof(*in));
    enum status st;

    in->options = *options;
    in->on_failure = on_failure;
    in->failure_context = context;
    pthread_mutex_init(&in->mutex, NULL);
    gate_init(&in->opened);
    st = os_thread_start(os_posix(), "quickwater", thread_main, in, &in->thread);
    if (st == ST_OK) {
        gate_wait(&in->opened, -1);
        st = in->open_status;
        if (st != ST_OK)
            os_thread_join(os_posix(), in->thread);
    }
    if (st != ST_OK) {
        if (diag)
            *diag = in->diag;
        instance_free(in);
        return st;
    }
    *out = in;
    return ST_OK;
}

void instance_close(struct instance *in)
{
    pthread_mutex_lock(&in->mutex); /* the thread takes it before it closes what is stopped here */
    if (in->state == INSTANCE_READY)
        server_stop(in->server);
    pthread_mutex_unlock(&in->mutex);
    os_thread_join(os_posix(), in->thread);
    instance_free(in); /* a poisoned instance's server stays as it is: nothing in it is to be trusted */
}

static void run_call(void *context)
{
    struct call *call = context;
    call->fn(call, call->instance->server);
}

enum status instance_call(struct instance *in, void (*fn)(struct call *, struct server *),
                          void *context)
{
    struct call call = {.fn = fn, .context = context, .instance = in};

    gate_init(&call.gate);
    pthread_mutex_lock(&in->mutex);
    if (in->state != INSTANCE_READY) {
        pthread_mutex_unlock(&in->mutex);
        gate_deinit(&call.gate);
        return ST_CLOSED;
    }
    call.next = in->calls;
    if (call.next)
        call.next->prev = &call;
    in->calls = &call;
    loop_post(server_loop(in->server), run_call, &call);
    pthread_mutex_unlock(&in->mutex);

    gate_wait(&call.gate, -1);
    gate_deinit(&call.gate);
    return call.status;
}

void call_done(struct call *call, enum status st)
{
    struct instance *in = call->instance;

    pthread_mutex_lock(&in->mutex);
    if (call->prev)
        call->prev->next = call->next;
    else
        in->calls = call->next;
    if (call->next)
        call->next->prev = call->prev;
    call->status = st;
    pthread_mutex_unlock(&in->mutex);
    gate_open(&call->gate); /* last: the call lives on its caller's stack */
}

bool instance_poisoned(const struct instance *instance)
{
    struct instance *in = (struct instance *)instance;

    pthread_mutex_lock(&in->mutex);
    bool poisoned = in->state == INSTANCE_POISONED;
    pthread_mutex_unlock(&in->mutex);
    return poisoned;
}

struct server *instance_server(struct instance *instance)
{
    return instance->server;
}
