/* kafka_link.h: where a server speaks Kafka's protocol, and who says so: the options that all commands
 * for Kafka's clients share. What the command line leaves out comes from the environment; a password
 * only from a file or from there, so that no list of processes shows it.
 *
 * Owns:    the password, until kafka_link_forget.       Layer: app.
 */
#ifndef QW_APP_CLI_KAFKA_LINK_H
#define QW_APP_CLI_KAFKA_LINK_H

#include "app/cli/args.h"
#include "base/bytes.h"

#define KAFKA_LINK_SERVERS "127.0.0.1:9092"

enum { KAFKA_PASSWORD_BYTES_MAX = 4096 };

struct kafka_link {
    const char *servers; /* "host:port", more with commas */
    bool tls;
    const char *ca, *certificate, *key; /* files, NULL: none */
    const char *user;                   /* NULL: the client does not say who it is */
    const char *mechanism;              /* "SCRAM-SHA-256" */
    const char *password_file;
    char *password;
    bool quiet; /* nothing is said of what goes wrong: for completion */
};

/* For the table of args of a command; those with --tls-… as `serve` names its own. */
#define KAFKA_LINK_ARGS(link)                                                                                      \
    {"--kafka", "HOST:PORT", "the server (QUICKWATER_KAFKA; default " KAFKA_LINK_SERVERS ")", ARG_TEXT,            \
     &(link)->servers},                                                                                            \
        {"--tls", NULL, "the server speaks TLS (QUICKWATER_TLS=1)", ARG_FLAG, &(link)->tls},                       \
        {"--tls-ca", "FILE", "PEM: who may sign its certificate, for the system's (QUICKWATER_CA)", ARG_TEXT,      \
         &(link)->ca},                                                                                             \
        {"--tls-certificate", "FILE", "PEM: our certificate (QUICKWATER_CERTIFICATE)", ARG_TEXT,                   \
         &(link)->certificate},                                                                                    \
        {"--tls-key", "FILE", "PEM: its key (QUICKWATER_KEY; default: in the same file)", ARG_TEXT, &(link)->key}, \
        {"--user", "NAME", "who we are (QUICKWATER_USER)", ARG_TEXT, &(link)->user},                               \
        {"--password-file", "FILE", "its password (QUICKWATER_PASSWORD_FILE, or QUICKWATER_PASSWORD itself)",      \
         ARG_TEXT, &(link)->password_file},                                                                        \
    {                                                                                                              \
        "--sasl", "MECHANISM", "PLAIN, SCRAM-SHA-256 (default) or SCRAM-SHA-512 (QUICKWATER_SASL)", ARG_TEXT,      \
            &(link)->mechanism                                                                                     \
    }

/* After args_parse: takes the rest from the environment and checks it. 0, or an exit code after
 * saying what is wrong. */
int kafka_link_settle(struct kafka_link *link);
void kafka_link_forget(struct kafka_link *link);

/* The first line of a file that holds a secret; NULL after saying why not. Wiped and freed with
 * secret_free. */
char *secret_read(const char *option, const char *path);
void secret_free(char *secret);

struct rd_kafka_conf_s;
/* The same for a client of librdkafka. */
void kafka_link_conf(const struct kafka_link *link, struct rd_kafka_conf_s *conf);

#endif
