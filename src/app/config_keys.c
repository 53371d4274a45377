/* The table of settings. A new one is a line here, a field of struct server_options, and
 * docs/config.md written again (docs/testing.md says how). */
#include "app/config.h"

#define TO(field)                                                                                  \
    offsetof(struct server_options, field), sizeof(((struct server_options *)0)->field)
#define MIB    (1ll << 20)
#define GIB    (1ll << 30)
#define TIB    (1ll << 40)
#define DAY_MS 86400000ll

const struct config_key config_keys[CONFIG_KEYS] = {
    {"server", "data", "--data", "DIR", CONFIG_TEXT, "./quickwater-data", NULL, 0, 0,
     "where the log and the checkpoints live", TO(data_dir), 1},
    {"server", "shards", "--shards", "P", CONFIG_COUNT, "1", NULL, 1, ENGINE_SHARDS_MAX,
     "shards, each a part of the keys", TO(shards), 1},
    {"server", "insecure", "--insecure", NULL, CONFIG_FLAG, "false", NULL, 0, 1,
     "listen where others can reach, without TLS or authentication", TO(insecure), 1},

    {"listen", "kafka", "--kafka", "HOST:PORT", CONFIG_ADDRESS, "127.0.0.1:9092", NULL, 0, 0,
     "Kafka protocol; port 0: any free one; off: none", TO(listen[FACE_KAFKA]), 1},
    {"listen", "http", "--http", "HOST:PORT", CONFIG_ADDRESS, "127.0.0.1:8088", NULL, 0, 0,
     "HTTP API and dashboard", TO(listen[FACE_HTTP]), 1},
    {"listen", "pg", "--pg", "HOST:PORT", CONFIG_ADDRESS, "off", NULL, 0, 0,
     "PostgreSQL protocol (not built yet)", TO(listen[FACE_PG]), 1},
    {"listen", "redis", "--redis", "HOST:PORT", CONFIG_ADDRESS, "off", NULL, 0, 0,
     "Redis protocol (not built yet)", TO(listen[FACE_REDIS]), 1},

    {"tls", "certificate", "--tls-certificate", "FILE", CONFIG_TEXT, NULL, NULL, 0, 0,
     "PEM: the server's certificate and those up to the root; with it the listeners speak TLS",
     TO(tls.certificate), 1},
    {"tls", "key", "--tls-key", "FILE", CONFIG_TEXT, NULL, NULL, 0, 0,
     "PEM: its private key, without a password (default: in the certificate's file)", TO(tls.key),
     1},
    {"tls", "client_ca", "--tls-client-ca", "FILE", CONFIG_TEXT, NULL, NULL, 0, 0,
     "PEM: who may sign clients' certificates", TO(tls.client_ca), 1},
    {"tls", "clients", "--tls-clients", "any|asked|required", CONFIG_WORD, "any", NULL, 0, 0,
     "whether clients must show a certificate", TO(tls.clients), 1},

    {"topics", "partitions", NULL, "N", CONFIG_COUNT, "4", NULL, 1, LOG_PARTITIONS_MAX,
     "of a topic that is made without saying how many", TO(kafka.partitions_default), 1},
    {"topics", "auto_create", NULL, NULL, CONFIG_FLAG, "true", NULL, 0, 1,
     "make a topic that a client asks for or posts to", TO(kafka.no_auto_create), -1},
    {"topics", "retention", NULL, "TIME", CONFIG_TIME, "7d", "forever", 1, 36500 * DAY_MS,
     "how long a record is kept", TO(log.retention_ms), 1},
    {"topics", "retention_bytes", NULL, "SIZE", CONFIG_BYTES, "unlimited", "unlimited", 1,
     1024 * TIB, "how much of a partition is kept", TO(log.retention_bytes), 1},
    {"topics", "segment_bytes", NULL, "SIZE", CONFIG_BYTES, "1GiB", NULL, MIB / 16, 2 * GIB - 1,
     "of a file of a partition", TO(log.segment_bytes), 1},
    {"topics", "message_bytes", NULL, "SIZE", CONFIG_BYTES, "1048588", NULL, 1, 128 * MIB,
     "of a batch of records, at most", TO(log.message_bytes_max), 1},

    {"log", "wal_bytes", NULL, "SIZE", CONFIG_BYTES, "512MiB", NULL, MIB, 64 * GIB,
     "the write-ahead log grows to this, then waits for the partition files", TO(log.wal_bytes_max),
     1},
    {"log", "memory_bytes", NULL, "SIZE", CONFIG_BYTES, "512MiB", NULL, 8 * MIB, TIB,
     "records in memory: those not in partition files yet, and topics kept in memory",
     TO(log.memory_bytes_max), 1},
    {"log", "disk_reserve_bytes", NULL, "SIZE", CONFIG_BYTES, NULL, NULL, 1, 1024 * TIB,
     "appends are refused when less of the disk is free (default: 256MiB or a 20th of the disk, "
     "the lesser)",
     TO(log.disk_reserve_bytes), 1},

    {"engine", "checkpoint_interval", NULL, "TIME", CONFIG_TIME, "30s", NULL, 10, 30 * DAY_MS,
     "between two checkpoints of a job", TO(engine.checkpoint_interval_us), 1000},
    {"engine", "tick_rows", NULL, "N", CONFIG_COUNT, "16384", NULL, 1, 1 << 24,
     "rows that a job takes in a tick, at most", TO(engine.tick_rows_max), 1},
    {"engine", "tick_bytes", NULL, "SIZE", CONFIG_BYTES, "8MiB", NULL, 1024, GIB,
     "bytes that a job takes in a tick, at most", TO(engine.tick_bytes_max), 1},

    {"kafka", "advertised", NULL, "HOST:PORT", CONFIG_ADDRESS, NULL, NULL, 0, 0,
     "what clients are told to dial (default: to each the address it dialled)",
     TO(kafka.advertised), 1},
    {"kafka", "connections", NULL, "N", CONFIG_COUNT, "10000", NULL, 1, 1000000, "at one time",
     TO(kafka.conns_max), 1},
    {"kafka", "rebalance_delay", NULL, "TIME", CONFIG_TIME, "200ms", "none", 1, DAY_MS,
     "how long the first member of a group waits for others", TO(kafka.rebalance_delay_ms), 1},
    {"kafka", "idle", NULL, "TIME", CONFIG_TIME, "10min", "forever", 1, 30 * DAY_MS,
     "a connection that is silent so long is closed", TO(kafka.idle_ms_max), 1},
    {"kafka", "fetch_sessions", NULL, "N", CONFIG_COUNT, "1000", NULL, 1, 1000000,
     "consumers that need not name all their partitions each time (max.incremental.fetch.session.cache.slots)",
     TO(kafka.fetch_sessions_max), 1},
    {"kafka", "frame_bytes", NULL, "SIZE", CONFIG_BYTES, "100MiB", NULL, MIB / 16, 2 * GIB - 1,
     "of a request, at most", TO(kafka.frame_bytes_max), 1},

    {"kafka", "tls", NULL, NULL, CONFIG_FLAG, "true", NULL, 0, 1,
     "TLS on this listener, where there is a certificate", TO(plain[FACE_KAFKA]), -1},

    {"http", "hosts", NULL, "NAMES", CONFIG_TEXT, NULL, NULL, 0, 0,
     "names, with commas, that Host may have besides localhost and addresses", TO(http.hosts), 1},
    {"http", "body_bytes", NULL, "SIZE", CONFIG_BYTES, "16MiB", NULL, 1024, GIB,
     "of a request, at most", TO(http.body_bytes_max), 1},
    {"http", "answer_bytes", NULL, "SIZE", CONFIG_BYTES, "64MiB", NULL, 1024, 2 * GIB - 1,
     "of an answer, at most", TO(http.answer_bytes_max), 1},
    {"http", "connections", NULL, "N", CONFIG_COUNT, "2000", NULL, 1, 1000000, "at one time",
     TO(http.conns_max), 1},
    {"http", "idle", NULL, "TIME", CONFIG_TIME, "75s", NULL, 1, 30 * DAY_MS,
     "a connection that is silent so long is closed", TO(http.idle_ms_max), 1},
    {"http", "statement_time", NULL, "TIME", CONFIG_TIME, "30s", NULL, 1, 30 * DAY_MS,
     "a SELECT over an endless source is cut then", TO(http.statement_ms_max), 1},
    {"http", "tls", NULL, NULL, CONFIG_FLAG, "true", NULL, 0, 1,
     "TLS on this listener, where there is a certificate", TO(plain[FACE_HTTP]), -1},
};
