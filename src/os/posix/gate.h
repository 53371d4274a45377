/* gate.h: lets a thread of the host wait for a thread of an instance.
 *
 * Only the library's outer edge needs it: inside, shards pass messages and never wait for one
 * another. The simulation has no host threads, so this is not part of os.h.
 *
 * Owns: nothing outside itself.   Threads: any.   Layer: os.
 */
#ifndef QW_OS_POSIX_GATE_H
#define QW_OS_POSIX_GATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct gate {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool open;
};

void gate_init(struct gate *gate); /* shut */
void gate_deinit(struct gate *gate);
void gate_open(struct gate *gate);
/* Returns when it is open: true; or after timeout_ms (< 0: never) while it is shut: false. */
bool gate_wait(struct gate *gate, int64_t timeout_ms);

/* Ends the calling thread at once; for a failure handler that must not return. */
_Noreturn void gate_end_thread(void);

#endif
