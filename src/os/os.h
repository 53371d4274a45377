/* os.h: the outside world behind one interface: clock, files, sockets, threads, randomness.
 *
 * os/posix/ is the real one; os/sim/ is simulated from a seed, with faults. Nothing above this
 * floor calls the operating system itself, nor lets a library do so on the server's own path: that
 * is what makes a simulated run the same code as a real one. An implementation embeds each struct
 * below as the first member of its own.
 *
 * Paths are relative to nothing: callers pass what the user gave. '/' separates.
 * Threads: an `os` may be used by all threads; a file by one writer and any readers; sockets and
 *          pollers by the thread that made the poller, but os_poller_wake by any; a helper by one
 *          thread at a time.
 * Errors:  ST_IO (os_error_text says which), ST_NOSPACE for a full disk or no handles left,
 *          ST_NOTFOUND, ST_EXISTS (also an address in use), ST_AGAIN for what would block,
 *          ST_CLOSED for a peer that has gone, ST_INVALID for a malformed address or path.
 *          Layer: os.
 */
#ifndef QW_OS_OS_H
#define QW_OS_OS_H

#include <stdatomic.h>

#include "base/bytes.h"
#include "base/status.h"

struct os {
    const struct os_class *class;
};

struct os_file {
    const struct os_file_class *class;
};

struct os_poller {
    const struct os_poller_class *class;
};

struct os_sock {
    const struct os_sock_class *class;
};

struct os_helper {
    const struct os_helper_class *class;
};

struct os_thread; /* opaque, one an implementation */

/* ---- files ---- */

enum os_open {
    OS_READ = 1,
    OS_WRITE = 2,      /* implies reading too */
    OS_CREATE = 4,     /* make it if it is not there */
    OS_EXCLUSIVE = 8,  /* with OS_CREATE: ST_EXISTS if it is there */
    OS_TRUNCATE = 16,
    OS_DIRECT = 32,    /* past the page cache where the file system allows it (else silently
                          buffered): memory, position and length are multiples of OS_BLOCK */
    OS_EXACT = 128,    /* what is asked for is read and nothing ahead of it */
    OS_LOCK = 64,      /* with OS_WRITE: exclusive advisory lock until closed; ST_AGAIN when it is
                          held elsewhere */
};

enum { OS_BLOCK = 4096, OS_PATH_MAX = 1024, OS_POLL_MAX = 256 };

struct os_stat {
    uint64_t size;
    int64_t modified_us; /* since 1970 */
    bool is_dir;
};

typedef void os_list_fn(void *context, const char *name, const struct os_stat *stat);

struct os_file_class {
    /* All of len, less only at the end of the file; *got is 0 at or past it. */
    enum status (*read)(struct os_file *, uint64_t pos, void *to, size_t len, size_t *got);
    enum status (*write)(struct os_file *, uint64_t pos, const void *from, size_t len);
    /* Data and size: fdatasync. After a failure what was written is in doubt and must not be
     * synced again: the next sync may succeed without it. */
    enum status (*sync)(struct os_file *);
    /* Has what was written there taken by the disk, waited for, and promises nothing: only a sync does.
     * Who gives a file away by and by leaves little for its sync, and for other files' syncs beside it. */
    enum status (*write_out)(struct os_file *, uint64_t pos, uint64_t len);
    /* Whether all of it is in memory, so that reading it waits for no disk; true where that cannot be told. */
    bool (*cached)(struct os_file *, uint64_t pos, uint64_t len);
    /* It will be read soon: the disk may begin, and who asks for many places before reading the first has them fetched
     * side by side. Waits for nothing. */
    void (*ahead)(struct os_file *, uint64_t pos, uint64_t len);
    enum status (*truncate)(struct os_file *, uint64_t size); /* shrinks, or grows by zeros */
    enum status (*stat)(struct os_file *, struct os_stat *out);
    void (*close)(struct os_file *);
};

/* ---- sockets and the poller ---- */

enum os_event { OS_IN = 1, OS_OUT = 2, OS_HUP = 4 };

struct os_ready {
    void *tag;       /* as given to sock_watch; NULL: os_poller_wake was called */
    unsigned events; /* of enum os_event */
};

struct os_poller_class {
    /* Waits until something is ready, at most timeout_ns (< 0: for ever; 0: only looks). Gives how
     * many of out were filled. Level-triggered. */
    int (*wait)(struct os_poller *, struct os_ready *out, int out_max, int64_t timeout_ns);
    void (*wake)(struct os_poller *); /* from any thread: makes wait return */
    void (*close)(struct os_poller *);
};

struct os_sock_class {
    /* Which events to report for this socket, with the tag (not NULL); 0 stops. OS_HUP (the
     * connection is gone both ways) comes with any other and may be asked for alone. */
    enum status (*watch)(struct os_sock *, struct os_poller *, unsigned events, void *tag);
    /* A listener's next connection, non-blocking, no delay; ST_AGAIN when there is none. */
    enum status (*accept)(struct os_sock *, struct os_sock **out);
    /* Bytes read or written, at least one; ST_AGAIN when it would block; recv gives ST_END when the
     * peer has sent all. */
    enum status (*recv)(struct os_sock *, void *to, size_t len, size_t *got);
    enum status (*send)(struct os_sock *, const struct bytes *parts, int count, size_t *sent);
    /* The same of a file's bytes, without passing through the process where the kernel can. They must be there:
     * ST_IO at the end of the file. What is not in memory is waited for. */
    enum status (*send_file)(struct os_sock *, struct os_file *, uint64_t pos, size_t len, size_t *sent);
    /* Nothing more will be sent: the peer's recv gives ST_END after what was. recv goes on. */
    void (*finish)(struct os_sock *);
    /* Local (listener or connection) and remote address as "host:port", zero-terminated. */
    void (*address)(struct os_sock *, char *local, char *remote, size_t size);
    void (*close)(struct os_sock *);
};

/* ---- work off the loop ---- */

/* A piece of work that may block on the disk: step is called until it gives false. From
 * os_helper_submit until os_helper_done says so the struct, and all that step touches, are the
 * helper's. Zeroed but for step; may be submitted again once it is done. */
struct os_work {
    bool (*step)(struct os_work *);
    struct os_work *next; /* the helper's, like the next one */
    _Atomic bool pending;
};

/* One a helper, a thread that does what it is given in order. In simulation it is a queue: steps are
 * made while a poller of the machine waits, and when it is asked for, each time as many as the seed
 * says; so whatever else the owner does comes between them. */
struct os_helper_class {
    void (*submit)(struct os_helper *, struct os_work *);
    bool (*done)(struct os_helper *, struct os_work *);
    void (*wait)(struct os_helper *, struct os_work *); /* until it is done */
    void (*close)(struct os_helper *);                  /* when all is done */
};

/* ---- the world ---- */

typedef void os_thread_fn(void *context);
typedef void os_wake_fn(void *context);

struct os_class {
    int64_t (*mono_ns)(struct os *); /* never backwards, any start */
    int64_t (*wall_us)(struct os *); /* since 1970 UTC; may jump */
    int64_t (*cpu_ns)(struct os *);  /* of the process; 0 in simulation */
    /* That the process may have: the machine's, or its control group's bound; 0: not known. */
    uint64_t (*memory_bytes)(struct os *);
    void (*random)(struct os *, void *to, size_t len); /* fit for secrets */

    enum status (*file_open)(struct os *, const char *path, unsigned flags, struct os_file **out);
    enum status (*path_stat)(struct os *, const char *path, struct os_stat *out);
    enum status (*rename)(struct os *, const char *from, const char *to); /* replaces */
    enum status (*remove)(struct os *, const char *path); /* a file or an empty folder; ST_EXISTS
                                                             for a folder that is not empty */
    enum status (*mkdir)(struct os *, const char *path);  /* ST_OK when it is there; one level */
    enum status (*list)(struct os *, const char *path, os_list_fn *fn, void *context); /* by name */
    enum status (*sync_dir)(struct os *, const char *path); /* creations, renames, removals in it */
    enum status (*space)(struct os *, const char *path, uint64_t *free_bytes,
                         uint64_t *total_bytes);

    enum status (*poller_open)(struct os *, struct os_poller **out);
    /* "host:port", port 0 for any free one (os_sock_address tells which). */
    enum status (*listen)(struct os *, const char *address, struct os_sock **out);
    /* Returns before it is connected: until then send and recv give ST_AGAIN, and ST_CLOSED when
     * it fails. A name (not a number) is resolved here, which may block. */
    enum status (*connect)(struct os *, const char *address, struct os_sock **out);

    enum status (*thread_start)(struct os *, const char *name, os_thread_fn *fn, void *context,
                                struct os_thread **out);
    void (*thread_join)(struct os *, struct os_thread *);
    void (*thread_end)(struct os *); /* ends the calling one, which thread_start began, at once */

    /* Sleeps while *word is `seen`, at most timeout_ns (< 0: no bound); may return early. word_wake
     * lets all go that sleep on it; who changes the word before calling it loses no sleeper. */
    void (*word_wait)(struct os *, const atomic_uint *word, unsigned seen, int64_t timeout_ns);
    void (*word_wake)(struct os *, const atomic_uint *word);

    /* wake (may be NULL) is called, by any thread, when a piece of work is done. The thread starts
     * with the first piece; where none can be had, work is done by who submits it. */
    void (*helper_open)(struct os *, const char *name, os_wake_fn *wake, void *context,
                        struct os_helper **out);

    const char *(*error_text)(struct os *); /* of this thread's last failure */
};

/* The real world; one a process, never freed. */
struct os *os_posix(void);

/* Everything above by name: os_file_read(file, …) is file->class->read(file, …). */
#define os_mono_ns(o)                      ((o)->class->mono_ns(o))
#define os_wall_us(o)                      ((o)->class->wall_us(o))
#define os_cpu_ns(o)                       ((o)->class->cpu_ns(o))
#define os_memory_bytes(o)                 ((o)->class->memory_bytes(o))
#define os_random(o, to, len)              ((o)->class->random(o, to, len))
#define os_file_open(o, path, flags, out)  ((o)->class->file_open(o, path, flags, out))
#define os_path_stat(o, path, out)         ((o)->class->path_stat(o, path, out))
#define os_rename(o, from, to)             ((o)->class->rename(o, from, to))
#define os_remove(o, path)                 ((o)->class->remove(o, path))
#define os_mkdir(o, path)                  ((o)->class->mkdir(o, path))
#define os_list(o, path, fn, context)      ((o)->class->list(o, path, fn, context))
#define os_sync_dir(o, path)               ((o)->class->sync_dir(o, path))
#define os_space(o, path, fre, total)      ((o)->class->space(o, path, fre, total))
#define os_poller_open(o, out)             ((o)->class->poller_open(o, out))
#define os_listen(o, address, out)         ((o)->class->listen(o, address, out))
#define os_connect(o, address, out)        ((o)->class->connect(o, address, out))
#define os_thread_start(o, name, fn, c, p) ((o)->class->thread_start(o, name, fn, c, p))
#define os_thread_join(o, thread)          ((o)->class->thread_join(o, thread))
#define os_thread_end(o)                   ((o)->class->thread_end(o))
#define os_word_wait(o, word, seen, ns)    ((o)->class->word_wait(o, word, seen, ns))
#define os_word_wake(o, word)              ((o)->class->word_wake(o, word))
#define os_helper_open(o, name, w, c, out) ((o)->class->helper_open(o, name, w, c, out))
#define os_error_text(o)                   ((o)->class->error_text(o))

#define os_file_read(f, pos, to, len, got)  ((f)->class->read(f, pos, to, len, got))
#define os_file_write(f, pos, from, len)    ((f)->class->write(f, pos, from, len))
#define os_file_sync(f)                     ((f)->class->sync(f))
#define os_file_write_out(f, pos, len)      ((f)->class->write_out(f, pos, len))
#define os_file_cached(f, pos, len)         ((f)->class->cached(f, pos, len))
#define os_file_ahead(f, pos, len)          ((f)->class->ahead(f, pos, len))
#define os_file_truncate(f, size)           ((f)->class->truncate(f, size))
#define os_file_stat(f, out)                ((f)->class->stat(f, out))
#define os_file_close(f)                    ((f)->class->close(f))
#define os_helper_submit(h, work)           ((h)->class->submit(h, work))
#define os_helper_done(h, work)             ((h)->class->done(h, work))
#define os_helper_wait(h, work)             ((h)->class->wait(h, work))
#define os_helper_close(h)                  ((h)->class->close(h))
#define os_poller_wait(p, out, max, ns)     ((p)->class->wait(p, out, max, ns))
#define os_poller_wake(p)                   ((p)->class->wake(p))
#define os_poller_close(p)                  ((p)->class->close(p))
#define os_sock_watch(s, p, events, tag)    ((s)->class->watch(s, p, events, tag))
#define os_sock_accept(s, out)              ((s)->class->accept(s, out))
#define os_sock_recv(s, to, len, got)       ((s)->class->recv(s, to, len, got))
#define os_sock_send(s, parts, count, sent) ((s)->class->send(s, parts, count, sent))
#define os_sock_send_file(s, f, pos, n, se) ((s)->class->send_file(s, f, pos, n, se))
#define os_sock_finish(s)                   ((s)->class->finish(s))
#define os_sock_address(s, lo, re, size)    ((s)->class->address(s, lo, re, size))
#define os_sock_close(s)                    ((s)->class->close(s))

#endif
