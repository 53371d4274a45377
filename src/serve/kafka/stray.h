/* stray.h: clients that ask again and again where the broker is, and do nothing else: they cannot reach the
 * address that they are told.
 *
 * Such a client has no other way to say so. librdkafka and Java's clients ask about once a second (Metadata, or
 * FindCoordinator) while they cannot connect; one that gets through goes on with something else. Who asks
 * STRAY_LOOKUPS times within STRAY_WINDOW_NS, over STRAY_SPAN_NS at least, without that is reported, and not
 * again for STRAY_SILENCE_NS; all together at most once in STRAY_PAUSE_NS.
 *
 * Owns:    its table.   Threads: the loop's.   Layer: serve (private to serve/kafka).
 * Limits:  STRAY_CLIENTS are known at one time, by address and client id; the one not seen for longest goes.
 */
#ifndef QW_SERVE_KAFKA_STRAY_H
#define QW_SERVE_KAFKA_STRAY_H

#include "base/bytes.h"

enum { STRAY_CLIENTS = 256, STRAY_LOOKUPS = 8, STRAY_HOST_MAX = 64, STRAY_ID_MAX = 64 };
#define STRAY_SPAN_NS    ((int64_t)5 * 1000000000)
#define STRAY_WINDOW_NS  ((int64_t)60 * 1000000000)
#define STRAY_REACHED_NS ((int64_t)120 * 1000000000)
#define STRAY_SILENCE_NS ((int64_t)600 * 1000000000)
#define STRAY_PAUSE_NS   ((int64_t)10 * 1000000000)

struct strays;

struct strays *strays_create(void);
void strays_destroy(struct strays *strays);

/* The client has asked where the broker is. True: report it. */
bool strays_asked(struct strays *strays, const char *host, struct bytes client_id, int64_t now_ns);
/* It has done what only a client does that got where it was told to go. To be said once in STRAY_REACHED_NS
 * / 2 for each connection, not for each request. */
void strays_reached(struct strays *strays, const char *host, struct bytes client_id, int64_t now_ns);

#endif
