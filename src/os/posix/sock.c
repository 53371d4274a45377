/* sock.c: real TCP sockets: non-blocking, without delay, without signals.
 *
 * An address is "host:port" or "[v6]:port"; an empty host or "*" is every interface.
 */
#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "os/address.h"
#include "os/posix/posix.h"

enum {
    PARTS_MAX = 64,
    BACKLOG = 1024,
    FILES_RESERVED = 384, /* partition files held open, WAL, checkpoints, what helpers open */
};

struct posix_sock {
    struct os_sock sock;
    int fd;
    unsigned events; /* as watched */
    struct os_poller *poller;
    void *tag;
};

static const struct os_sock_class sock_class;

static struct posix_sock *of(struct os_sock *sock)
{
    return (struct posix_sock *)sock;
}

static struct os_sock *sock_new(int fd)
{
    struct posix_sock *s = xcalloc(1, sizeof(*s));

    s->sock.class = &sock_class;
    s->fd = fd;
    return &s->sock;
}

static void set_option(int fd, int level, int option)
{
    int on = 1;

    setsockopt(fd, level, option, &on, sizeof(on)); /* where it is refused we are slower, no more */
}

/* ---- a connection ---- */

static enum status sock_watch(struct os_sock *sock, struct os_poller *poller, unsigned events,
                              void *tag)
{
    struct posix_sock *s = of(sock);

    CHECK_IF(s->events, s->poller == poller);
    if (events == s->events && tag == s->tag)
        return ST_OK;
    TRY(posix_poller_watch(poller, s->fd, s->events, events, tag));
    s->events = events;
    s->poller = poller;
    s->tag = tag;
    return ST_OK;
}

static enum status sock_recv(struct os_sock *sock, void *to, size_t len, size_t *got)
{
    ssize_t n;

    CHECK(len > 0);
    *got = 0;
    do
        n = recv(of(sock)->fd, to, len, 0);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return posix_failed("receive from", "peer", errno);
    *got = (size_t)n;
    return n == 0 ? ST_END : ST_OK;
}

static enum status sock_send(struct os_sock *sock, const struct bytes *parts, int count,
                             size_t *sent)
{
    struct iovec iov[PARTS_MAX];
    struct msghdr msg = {.msg_iov = iov};
    size_t total = 0;
    ssize_t n;

    *sent = 0;
    for (int i = 0; i < count && i < PARTS_MAX; i++) {
        iov[i] = (struct iovec){(void *)(uintptr_t)parts[i].ptr, parts[i].len};
        total += parts[i].len;
        msg.msg_iovlen++;
    }
    CHECK(total > 0);
    do
        n = sendmsg(of(sock)->fd, &msg, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return posix_failed("send to", "peer", errno);
    *sent = (size_t)n;
    return ST_OK;
}

static enum status sock_send_file(struct os_sock *sock, struct os_file *file, uint64_t pos, size_t len,
                                  size_t *sent)
{
    off_t at = (off_t)pos;
    ssize_t n;

    CHECK(len > 0);
    *sent = 0;
    do
        n = sendfile(of(sock)->fd, posix_file_fd(file), &at, len);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return posix_failed("send to", "peer", errno);
    *sent = (size_t)n;
    return n == 0 ? posix_failed("send a file to", "peer", EIO) : ST_OK;
}

static void sock_finish(struct os_sock *sock)
{
    shutdown(of(sock)->fd, SHUT_WR); /* refused only when the peer has gone: recv will say so */
}

static void print_address(const struct sockaddr_storage *from, socklen_t len, char *to, size_t size)
{
    char host[OS_HOST_MAX], port[16];

    if (getnameinfo((const struct sockaddr *)from, len, host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        snprintf(to, size, "?");
    else
        snprintf(to, size, from->ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

static void sock_address(struct os_sock *sock, char *local, char *remote, size_t size)
{
    struct sockaddr_storage at;
    socklen_t len = sizeof(at);

    CHECK(size > 0);
    local[0] = remote[0] = 0;
    if (getsockname(of(sock)->fd, (struct sockaddr *)&at, &len) == 0)
        print_address(&at, len, local, size);
    len = sizeof(at);
    if (getpeername(of(sock)->fd, (struct sockaddr *)&at, &len) == 0)
        print_address(&at, len, remote, size);
}

static void sock_close(struct os_sock *sock)
{
    struct posix_sock *s = of(sock);

    if (s->events) /* a fork's copy would keep the registration alive past close */
        (void)posix_poller_watch(s->poller, s->fd, s->events, 0, NULL);
    close(s->fd);
    free(s);
}

/* ---- a listener ---- */

/* Linux hands over errors of the new connection's network too; they concern nobody. */
static bool passes_by(int error)
{
    switch (error) {
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH: return true;
    default: return false;
    }
}

/* New descriptors are the lowest that are free: one so high says that the others are in use. The last of them
 * are left to files, for a log that cannot open one stops; they are few where the limit is low. */
static int descriptors_for_sockets(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > INT_MAX)
        return INT_MAX;
    int all = (int)limit.rlim_cur;
    return all / 2 < FILES_RESERVED ? all / 2 : all - FILES_RESERVED;
}

static enum status sock_accept(struct os_sock *sock, struct os_sock **out)
{
    int fd;

    *out = NULL;
    do
        fd = accept4(of(sock)->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    while (fd < 0 && passes_by(errno));
    if (fd < 0)
        return posix_failed("accept", "connection", errno);
    if (fd >= descriptors_for_sockets()) {
        close(fd);
        return posix_failed("accept", "connection", EMFILE);
    }
    set_option(fd, IPPROTO_TCP, TCP_NODELAY);
    *out = sock_new(fd);
    return ST_OK;
}

static const struct os_sock_class sock_class = {
    .watch = sock_watch,
    .accept = sock_accept,
    .recv = sock_recv,
    .send = sock_send,
    .send_file = sock_send_file,
    .finish = sock_finish,
    .address = sock_address,
    .close = sock_close,
};

/* ---- addresses ---- */

static enum status resolve(const char *address, int flags, struct addrinfo **out)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    char host[OS_HOST_MAX], port_text[8];
    uint16_t port;
    int error;

    if (!os_address_split(address, host, &port)) {
        posix_failed("address", address, EINVAL);
        return ST_INVALID;
    }
    hints.ai_flags = flags | AI_NUMERICSERV;
    if (!host[0] && (flags & AI_PASSIVE))
        hints.ai_family = AF_INET; /* every interface: the same answer on every machine */
    snprintf(port_text, sizeof(port_text), "%u", port);
    error = getaddrinfo(host[0] ? host : NULL, port_text, &hints, out);
    if (error == 0)
        return ST_OK;
    if (error == EAI_SYSTEM)
        return posix_failed("resolve", address, errno);
    posix_failed("resolve", address, EHOSTUNREACH);
    return ST_NOTFOUND;
}

/* ---- making them ---- */

static int open_listener(const struct addrinfo *at)
{
    int fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, at->ai_protocol);

    if (fd < 0)
        return -1;
    set_option(fd, SOL_SOCKET, SO_REUSEADDR);
    if (bind(fd, at->ai_addr, at->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

static int open_connection(const struct addrinfo *at)
{
    int fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, at->ai_protocol);

    if (fd < 0)
        return -1;
    set_option(fd, IPPROTO_TCP, TCP_NODELAY);
    if (connect(fd, at->ai_addr, at->ai_addrlen) == 0 || errno == EINPROGRESS || errno == EINTR)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

/* The first of the address's meanings that works. */
static enum status open_first(const char *what, const char *address, int flags,
                              int (*open_one)(const struct addrinfo *), struct os_sock **out)
{
    struct addrinfo *all;
    int fd = -1, error = EINVAL;

    *out = NULL;
    TRY(resolve(address, flags, &all));
    for (struct addrinfo *at = all; at && fd < 0; at = at->ai_next) {
        fd = open_one(at);
        error = errno;
    }
    freeaddrinfo(all);
    if (fd < 0)
        return posix_failed(what, address, error);
    *out = sock_new(fd);
    return ST_OK;
}

enum status posix_listen(struct os *os, const char *address, struct os_sock **out)
{
    (void)os;
    return open_first("listen on", address, AI_PASSIVE, open_listener, out);
}

enum status posix_connect(struct os *os, const char *address, struct os_sock **out)
{
    (void)os;
    return open_first("connect to", address, 0, open_connection, out);
}
