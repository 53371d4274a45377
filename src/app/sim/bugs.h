/* bugs.h: the planted bugs by name: each must be found by the simulation.       Layer: app. */
#ifndef QW_APP_SIM_BUGS_H
#define QW_APP_SIM_BUGS_H

#include <stdbool.h>

#define SIM_ADDRESS "127.0.0.1:9092"

/* False: this build knows no such bug. */
bool sim_bug_set(const char *name, bool on);

#endif
