/* posix.h: what the parts of the real world share.
 *
 * errno is translated here and nowhere else; the text of the last failure is kept a thread.
 * Owns: nothing. Threads: any.       Layer: os/posix.
 */
#ifndef QW_OS_POSIX_POSIX_H
#define QW_OS_POSIX_POSIX_H

#include "os/os.h"

/* The status of this errno; keeps "WHAT NAME: reason" for os_error_text. */
enum status posix_failed(const char *what, const char *name, int error);
const char *posix_error_text(struct os *os);

/* file.c */
enum status posix_file_open(struct os *os, const char *path, unsigned flags, struct os_file **out);
int posix_file_fd(struct os_file *file);

/* dir.c */
enum status posix_path_stat(struct os *os, const char *path, struct os_stat *out);
enum status posix_rename(struct os *os, const char *from, const char *to);
enum status posix_remove(struct os *os, const char *path);
enum status posix_mkdir(struct os *os, const char *path);
enum status posix_list(struct os *os, const char *path, os_list_fn *fn, void *context);
enum status posix_sync_dir(struct os *os, const char *path);
enum status posix_space(struct os *os, const char *path, uint64_t *free_bytes,
                        uint64_t *total_bytes);
struct stat;
void posix_stat_fill(const struct stat *from, struct os_stat *to);

/* poller.c */
enum status posix_poller_open(struct os *os, struct os_poller **out);
/* Changes what is reported of fd from `from` to `to` (of enum os_event, 0: not registered). */
enum status posix_poller_watch(struct os_poller *poller, int fd, unsigned from, unsigned to,
                               void *tag);

/* sock.c */
enum status posix_listen(struct os *os, const char *address, struct os_sock **out);
enum status posix_connect(struct os *os, const char *address, struct os_sock **out);

/* thread.c */
void posix_helper_open(struct os *os, const char *name, os_wake_fn *wake, void *context,
                       struct os_helper **out);
enum status posix_thread_start(struct os *os, const char *name, os_thread_fn *fn, void *context,
                               struct os_thread **out);
void posix_thread_join(struct os *os, struct os_thread *thread);
void posix_thread_end(struct os *os);
void posix_word_wait(struct os *os, const atomic_uint *word, unsigned seen, int64_t timeout_ns);
void posix_word_wake(struct os *os, const atomic_uint *word);

#endif
