#include "os/posix/gate.h"

#include <time.h>

#include "base/check.h"

void gate_init(struct gate *gate)
{
    pthread_condattr_t attr;

    pthread_mutex_init(&gate->mutex, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC); /* a jump of the wall clock must not wake */
    pthread_cond_init(&gate->changed, &attr);
    pthread_condattr_destroy(&attr);
    gate->open = false;
}

void gate_deinit(struct gate *gate)
{
    pthread_cond_destroy(&gate->changed);
    pthread_mutex_destroy(&gate->mutex);
}

void gate_open(struct gate *gate)
{
    pthread_mutex_lock(&gate->mutex);
    gate->open = true;
    pthread_cond_broadcast(&gate->changed); /* inside the lock: the waiter may free the gate */
    pthread_mutex_unlock(&gate->mutex);
}

bool gate_wait(struct gate *gate, int64_t timeout_ms)
{
    struct timespec until;
    int rc = 0;

    clock_gettime(CLOCK_MONOTONIC, &until);
    if (timeout_ms > 0) {
        until.tv_sec += timeout_ms / 1000;
        until.tv_nsec += (timeout_ms % 1000) * 1000000;
        if (until.tv_nsec >= 1000000000) {
            until.tv_sec++;
            until.tv_nsec -= 1000000000;
        }
    }
    pthread_mutex_lock(&gate->mutex);
    while (!gate->open && rc == 0)
        rc = timeout_ms < 0 ? pthread_cond_wait(&gate->changed, &gate->mutex)
                            : pthread_cond_timedwait(&gate->changed, &gate->mutex, &until);
    bool open = gate->open;
    pthread_mutex_unlock(&gate->mutex);
    return open;
}

_Noreturn void gate_end_thread(void)
{
    pthread_exit(NULL);
}
