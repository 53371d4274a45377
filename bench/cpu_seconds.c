/* cpu_seconds.c: the CPU time that a process has used so far, threads that have ended included, in seconds with nine
 * digits behind the point; /proc/PID/stat has it in hundredths, which is more than a short case takes.
 *
 * usage: cpu_seconds PID
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int main(int argc, char **argv)
{
    struct timespec t;
    clockid_t clock;
    char *end = NULL;
    long pid = argc == 2 ? strtol(argv[1], &end, 10) : 0;

    if (pid <= 0 || *end) {
        fprintf(stderr, "usage: cpu_seconds PID\n");
        return 2;
    }
    int error = clock_getcpuclockid((pid_t)pid, &clock);
    if (error || clock_gettime(clock, &t)) {
        fprintf(stderr, "cpu_seconds: %ld: %s\n", pid, error ? strerror(error) : "it has ended");
        return 1;
    }
    printf("%lld.%09ld\n", (long long)t.tv_sec, t.tv_nsec);
    return 0;
}
