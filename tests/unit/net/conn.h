/* conn.h: the connection cases, so that they run on the real and the simulated network alike. */
#ifndef QW_TESTS_UNIT_NET_CONN_H
#define QW_TESTS_UNIT_NET_CONN_H

#include "os/os.h"

#define NET_CASES(X)                                                                               \
    X(echo)                                                                                        \
    X(views_are_released)                                                                          \
    X(files_are_sent)                                                                              \
    X(slow_reader)                                                                                 \
    X(peer_that_never_reads_is_closed)                                                             \
    X(frame_beyond_limit_is_closed)                                                                \
    X(close_after_send)                                                                            \
    X(half_close)                                                                                  \
    X(pause_keeps_input)                                                                           \
    X(idle_is_closed)                                                                              \
    X(conns_max)                                                                                   \
    X(conns_of_one_address)                                                                        \
    X(input_of_all_is_bounded)                                                                     \
    X(frame_of_the_face_has_a_time)                                                                \
    X(output_of_all_is_bounded)                                                                    \
    X(reset)

#define NET_CASE_DECLARE(name) void net_case_##name(struct os *os);
NET_CASES(NET_CASE_DECLARE)
#undef NET_CASE_DECLARE

struct net_case {
    const char *name;
    void (*run)(struct os *);
};
extern const struct net_case net_cases[];
extern const int net_cases_count;

#endif
