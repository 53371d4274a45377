/* dir.c: real folders: names made, changed, listed in order, and synced. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/check.h"
#include "os/posix/posix.h"

void posix_stat_fill(const struct stat *from, struct os_stat *to)
{
    *to = (struct os_stat){
        .size = (uint64_t)from->st_size,
        .modified_us = (int64_t)from->st_mtim.tv_sec * 1000000 + from->st_mtim.tv_nsec / 1000,
        .is_dir = S_ISDIR(from->st_mode),
    };
}

enum status posix_path_stat(struct os *os, const char *path, struct os_stat *out)
{
    struct stat st;

    (void)os;
    if (stat(path, &st) != 0)
        return posix_failed("stat", path, errno);
    posix_stat_fill(&st, out);
    return ST_OK;
}

enum status posix_rename(struct os *os, const char *from, const char *to)
{
    (void)os;
    return rename(from, to) == 0 ? ST_OK : posix_failed("rename", from, errno);
}

enum status posix_remove(struct os *os, const char *path)
{
    (void)os;
    if (unlink(path) == 0)
        return ST_OK;
    if ((errno == EISDIR || errno == EPERM) && rmdir(path) == 0)
        return ST_OK;
    return posix_failed("remove", path, errno);
}

enum status posix_mkdir(struct os *os, const char *path)
{
    struct stat st;

    (void)os;
    if (mkdir(path, 0750) == 0)
        return ST_OK;
    if (errno != EEXIST)
        return posix_failed("mkdir", path, errno);
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return ST_OK;
    return posix_failed("mkdir", path, EEXIST);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name); /* bytes, not the locale's order */
}

static int not_dots(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

enum status posix_list(struct os *os, const char *path, os_list_fn *fn, void *context)
{
    struct dirent **names;
    int fd, count;

    (void)os;
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return posix_failed("list", path, errno);
    count = scandirat(fd, ".", &names, not_dots, by_name);
    if (count < 0) {
        enum status st = posix_failed("list", path, errno);
        close(fd);
        return st;
    }
    for (int i = 0; i < count; i++) {
        struct stat st;
        struct os_stat out;
        if (fstatat(fd, names[i]->d_name, &st, 0) == 0) { /* else removed meanwhile */
            posix_stat_fill(&st, &out);
            fn(context, names[i]->d_name, &out);
        }
        free(names[i]);
    }
    free(names);
    close(fd);
    return ST_OK;
}

enum status posix_sync_dir(struct os *os, const char *path)
{
    enum status st = ST_OK;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    (void)os;
    if (fd < 0)
        return posix_failed("sync", path, errno);
    /* EINVAL: a file system that cannot and, keeping names in order by itself, need not. */
    if (fsync(fd) != 0 && errno != EINVAL)
        st = posix_failed("sync", path, errno);
    close(fd);
    return st;
}

enum status posix_space(struct os *os, const char *path, uint64_t *free_bytes,
                        uint64_t *total_bytes)
{
    struct statvfs fs;

    (void)os;
    if (statvfs(path, &fs) != 0)
        return posix_failed("space", path, errno);
    *free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
    *total_bytes = (uint64_t)fs.f_blocks * fs.f_frsize;
    return ST_OK;
}
