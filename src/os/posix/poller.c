/* poller.c: what is ready, from epoll; woken across threads by an eventfd.
 *
 * The eventfd is registered with the tag NULL, as os.h reports a wake. A wake is one write, so it
 * may come from a signal handler.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/check.h"
#include "os/posix/posix.h"

struct posix_poller {
    struct os_poller poller;
    int epoll_fd, wake_fd;
    bool no_pwait2; /* the kernel is older than 5.11: milliseconds must do */
};

static struct posix_poller *of(struct os_poller *poller)
{
    return (struct posix_poller *)poller;
}

static unsigned from_epoll(uint32_t events)
{
    unsigned out = 0;

    if (events & EPOLLIN)
        out |= OS_IN;
    if (events & EPOLLOUT)
        out |= OS_OUT;
    if (events & (EPOLLHUP | EPOLLERR))
        out |= OS_HUP;
    return out;
}

static int wait_ms(struct posix_poller *p, struct epoll_event *events, int max, int64_t timeout_ns)
{
    int64_t ms = timeout_ns < 0 ? -1 : (timeout_ns + 999999) / 1000000; /* up: never early */

    return epoll_wait(p->epoll_fd, events, max, ms > INT32_MAX ? INT32_MAX : (int)ms);
}

static int wait_ns(struct posix_poller *p, struct epoll_event *events, int max, int64_t timeout_ns)
{
    if (timeout_ns <= 0 || p->no_pwait2)
        return wait_ms(p, events, max, timeout_ns);
    struct timespec at_most = {timeout_ns / 1000000000, timeout_ns % 1000000000};
    int count = epoll_pwait2(p->epoll_fd, events, max, &at_most, NULL);
    if (count < 0 && (errno == ENOSYS || errno == EPERM)) {
        p->no_pwait2 = true;
        return wait_ms(p, events, max, timeout_ns);
    }
    return count;
}

static int poller_wait(struct os_poller *poller, struct os_ready *out, int out_max,
                       int64_t timeout_ns)
{
    struct posix_poller *p = of(poller);
    struct epoll_event events[OS_POLL_MAX];
    int max = out_max < OS_POLL_MAX ? out_max : OS_POLL_MAX;
    int count = wait_ns(p, events, max, timeout_ns);

    if (count < 0) {
        CHECK(errno == EINTR); /* a signal: the caller looks around and waits again */
        return 0;
    }
    for (int i = 0; i < count; i++) {
        out[i] = (struct os_ready){events[i].data.ptr, from_epoll(events[i].events)};
        if (!out[i].tag) {
            uint64_t wakes;
            ssize_t n = read(p->wake_fd, &wakes, sizeof(wakes));
            CHECK(n == sizeof(wakes) || errno == EAGAIN);
        }
    }
    return count;
}

static void poller_wake(struct os_poller *poller)
{
    int saved = errno;
    uint64_t one = 1;
    ssize_t n = write(of(poller)->wake_fd, &one, sizeof(one));

    (void)n; /* EAGAIN: the count is at its top, so it is awake already */
    errno = saved;
}

static void poller_close(struct os_poller *poller)
{
    struct posix_poller *p = of(poller);

    close(p->wake_fd);
    close(p->epoll_fd);
    free(p);
}

static const struct os_poller_class poller_class = {
    .wait = poller_wait,
    .wake = poller_wake,
    .close = poller_close,
};

enum status posix_poller_open(struct os *os, struct os_poller **out)
{
    struct epoll_event wake = {.events = EPOLLIN, .data = {.ptr = NULL}};
    struct posix_poller *p = xcalloc(1, sizeof(*p));
    enum status st;

    (void)os;
    *out = NULL;
    p->poller.class = &poller_class;
    p->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (p->epoll_fd < 0)
        goto fail_epoll;
    p->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (p->wake_fd < 0)
        goto fail_wake;
    if (epoll_ctl(p->epoll_fd, EPOLL_CTL_ADD, p->wake_fd, &wake) != 0)
        goto fail_add;
    *out = &p->poller;
    return ST_OK;
fail_add:
    st = posix_failed("open", "poller", errno);
    close(p->wake_fd);
    goto fail;
fail_wake:
    st = posix_failed("open", "poller", errno);
fail:
    close(p->epoll_fd);
    free(p);
    return st;
fail_epoll:
    st = posix_failed("open", "poller", errno);
    free(p);
    return st;
}

enum status posix_poller_watch(struct os_poller *poller, int fd, unsigned from, unsigned to,
                               void *tag)
{
    struct epoll_event event = {.data = {.ptr = tag}};
    int op = from == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;

    if (to == 0)
        op = EPOLL_CTL_DEL; /* an empty mask would still report EPOLLHUP for ever */
    if (from == 0 && to == 0)
        return ST_OK;
    CHECK_IF(to != 0, tag != NULL);
    if (to & OS_IN)
        event.events |= EPOLLIN;
    if (to & OS_OUT)
        event.events |= EPOLLOUT;
    if (epoll_ctl(of(poller)->epoll_fd, op, fd, &event) != 0)
        return posix_failed("watch", "socket", errno);
    return ST_OK;
}
