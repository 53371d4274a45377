/* internal.h: what the parts of the simulated world share.       Layer: os/sim. */
#ifndef QW_OS_SIM_INTERNAL_H
#define QW_OS_SIM_INTERNAL_H

#include "base/rng.h"
#include "os/sim/image.h"
#include "os/sim/sim.h"

struct sim;
struct sim_node;
struct sim_sock;
struct sim_poller;
struct sim_helper;

/* What every open file, socket and poller carries: enough to end it from outside. */
struct sim_handle {
    struct sim *sim;
    struct sim_handle *next, *prev;
    void (*free)(struct sim_handle *handle);
    uint64_t life; /* of the process that opened it; another than the sim's: dead */
};

struct sim_disk {
    struct sim_node *nodes; /* all, the newest first; the root among them */
    struct sim_node *root;
    struct sim_name_change *changes_first, *changes_last; /* not safe yet, in order */
    uint64_t used_pages;
};

struct sim_net {
    struct sim_sock *socks; /* all, the newest first */
    struct sim_poller *pollers;
    struct sim_poller *last_idle;
    uint16_t next_port;
};

/* What all machines share. */
struct sim_world {
    struct sim *machines; /* the newest first */
    struct rng seeds;     /* of the machines' generators */
    struct rng net_rng;   /* apart from the others, so that one does not shift another */
    struct sim_net net;
    int64_t mono_ns;
    bool stuck;
};

/* One machine: a disk, and the process that runs on it. */
struct sim {
    struct os os;
    struct sim_world *world;
    struct sim *next;
    struct os_sim_options options;
    struct os_sim_counts counts;
    struct rng entropy, disk_rng, helper_rng;
    int64_t wall_us; /* at mono_ns 0 */

    uint64_t life;
    struct sim_handle *handles;
    uint32_t handles_len;
    struct sim_helper *helpers;

    bool off;
    uint64_t off_at_step; /* 0: never */
    bool off_aims;        /* os_sim_off_between */
    struct os_sim_step off_after, off_before;
    uint64_t off_skip;    /* of off_after, to be passed over */
    bool off_aimed;       /* off_after was made: the next off_before is it */
    void (*on_off)(void *context);
    void *on_off_context;

    struct sim_disk disk;
    char error[OS_PATH_MAX + 128];
};

/* ---- world.c ---- */
static inline struct sim *sim_of(const struct os *os)
{
    return (struct sim *)(uintptr_t)os;
}

/* Keeps "WHAT NAME: reason" for os_error_text and returns st. */
enum status sim_failed(struct sim *sim, enum status st, const char *what, const char *name,
                       const char *reason);
int64_t sim_wall_us(const struct sim *sim);
/* True, and counted, when the seed says that this fault happens. */
bool sim_fault(struct sim *sim, struct rng *rng, double chance);
void sim_disk_delay(struct sim *sim);
/* Before a step that changes the disk: counts it; not ST_OK when the power is off. */
enum status sim_step(struct sim *sim, uint64_t *count, const char *what, const char *name);

enum status sim_handle_check(struct sim *sim, const char *what) MUST_CHECK; /* is one left? */
void sim_handle_open(struct sim *sim, struct sim_handle *handle,
                     void (*free)(struct sim_handle *handle));
void sim_handle_close(struct sim_handle *handle); /* off the list; the caller frees it */
static inline bool sim_handle_dead(const struct sim_handle *handle)
{
    return handle->life != handle->sim->life || handle->sim->off;
}

/* ---- names.c: folders ---- */
struct sim_place {
    struct sim_node *dir; /* NULL: nowhere */
    char name[256];
};

/* A file or folder. It has a place in what programs see, and one in what the disk would show after
 * a power cut. */
struct sim_node {
    struct sim_node *next, *prev;
    struct sim *sim;
    uint32_t refs; /* its own places, handles, changes, and the places of others inside it */
    bool is_dir, locked;
    uint32_t handles;
    int64_t modified_us;
    struct sim_place seen, safe;
    struct sim_image cache, disk;
    struct sim_write *writes_first, *writes_last; /* not synced, in order */
};

void sim_names_init(struct sim *sim);
void sim_names_deinit(struct sim *sim);
void sim_names_crash(struct sim *sim);
/* The node of a path, made if create; *out is NULL with ST_NOTFOUND. */
enum status sim_node_find(struct sim *sim, const char *path, struct sim_node **out);
enum status sim_node_create(struct sim *sim, const char *path, bool is_dir, struct sim_node **out);
void sim_node_retain(struct sim_node *node);
void sim_node_release(struct sim_node *node);
void sim_node_stat(const struct sim_node *node, struct os_stat *out);
enum status sim_path_stat(struct os *os, const char *path, struct os_stat *out);
enum status sim_rename(struct os *os, const char *from, const char *to);
enum status sim_remove(struct os *os, const char *path);
enum status sim_mkdir(struct os *os, const char *path);
enum status sim_list(struct os *os, const char *path, os_list_fn *fn, void *context);
enum status sim_sync_dir(struct os *os, const char *path);

/* ---- file.c: contents ---- */
enum status sim_file_open(struct os *os, const char *path, unsigned flags, struct os_file **out);
enum status sim_space(struct os *os, const char *path, uint64_t *free_bytes, uint64_t *total_bytes);
void sim_contents_crash(struct sim_node *node);
void sim_contents_free(struct sim_node *node);
void sim_cache_drop(struct sim_node *node); /* nobody can see it any more */

/* ---- sock.c ---- */
enum status sim_listen(struct os *os, const char *address, struct os_sock **out);
enum status sim_connect(struct os *os, const char *address, struct os_sock **out);
/* Which events hold now for a socket watched by this poller, and the next time that may change. */
struct sim_sock *sim_sock_next(struct sim_sock *sock);
struct sim_poller *sim_sock_poller(const struct sim_sock *sock, unsigned *events, void **tag);
unsigned sim_sock_events(const struct sim_sock *sock);
int64_t sim_sock_changes_at(const struct sim_sock *sock); /* after now; INT64_MAX: never */
void sim_sock_unwatch(struct sim_sock *sock);
/* The machine's process is about to end: peers on other machines will hear of it. */
void sim_socks_end(struct sim *sim);

/* ---- helper.c ---- */
void sim_helper_open(struct os *os, const char *name, os_wake_fn *wake, void *context,
                     struct os_helper **out);
bool sim_helpers_run(struct sim *sim); /* a few steps; true: there is more to do */

/* ---- poller.c ---- */
enum status sim_poller_open(struct os *os, struct os_poller **out);
bool sim_poller_dead(const struct sim_poller *poller);

#endif
