/* bugs.h: the planted bugs by name: each must be found by the simulation.       Layer: app. */
#ifndef QW_APP_SIM_BUGS_H
#define QW_APP_SIM_BUGS_H

#include <stdbool.h>
#include <stdint.h>

#define SIM_ADDRESS "127.0.0.1:9092"
#define SIM_HTTP_ADDRESS "127.0.0.1:8088"

/* False: this build knows no such bug. */
bool sim_bug_set(const char *name, bool on);
/* A process starts: what a planted bug has of its own in each. */
void sim_bug_life(uint64_t chance);

#endif
