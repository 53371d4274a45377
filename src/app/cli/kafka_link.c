#include "app/cli/kafka_link.h"

#include <errno.h>
#include <librdkafka/rdkafka.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "os/address.h"

static void from_environment(const char **option, const char *name)
{
    const char *value = getenv(name);

    if (!*option && value && value[0])
        *option = value;
}

char *secret_read(const char *option, const char *path)
{
    char line[KAFKA_PASSWORD_BYTES_MAX + 2];
    FILE *file = fopen(path, "r");

    if (!file) {
        fail_user("%s: the file '%s' cannot be read: %s", option, path, strerror(errno));
        return NULL;
    }
    setvbuf(file, NULL, _IONBF, 0); /* no copy stays behind in a buffer */
    char *got = fgets(line, sizeof(line), file);
    fclose(file);
    size_t len = got ? strcspn(line, "\r\n") : 0;
    char *secret = len > 0 && len <= KAFKA_PASSWORD_BYTES_MAX ? strndup(line, len) : NULL;
    if (!secret)
        fail_user("%s: the first line of '%s' is to be the password: 1 to %d bytes", option, path,
                  KAFKA_PASSWORD_BYTES_MAX);
    OPENSSL_cleanse(line, sizeof(line));
    return secret;
}

void secret_free(char *secret)
{
    if (secret)
        OPENSSL_cleanse(secret, strlen(secret));
    free(secret);
}

static int settle_password(struct kafka_link *link)
{
    const char *given = getenv("QUICKWATER_PASSWORD");

    if (!link->user) {
        if (link->password_file)
            return fail_user("--password-file is there, but not whose it is: add --user NAME");
        return 0;
    }
    if (!link->password_file && given && given[0])
        link->password = xstrdup(given);
    else if (link->password_file)
        link->password = secret_read("--password-file", link->password_file);
    else
        return fail_user("user '%s' has no password here: name its file with --password-file, or set "
                         "QUICKWATER_PASSWORD",
                         link->user);
    return link->password ? 0 : EXIT_USER;
}

/* "host:port", more with commas. */
static int check_servers(const char *servers)
{
    char *list = xstrdup(servers), *state = NULL, host[OS_HOST_MAX];
    uint16_t port;
    int code = 0, count = 0;

    for (char *s = strtok_r(list, ",", &state); s && code == 0; s = strtok_r(NULL, ",", &state)) {
        count++;
        if (!os_address_split(s, host, &port) || !host[0] || port == 0 || strpbrk(s, "/@?# "))
            code = fail_user("--kafka: '%s' is not HOST:PORT, as 127.0.0.1:9092 or [::1]:9092", s);
    }
    free(list);
    return code || count ? code : fail_user("--kafka names no server; it is HOST:PORT, more with commas");
}

int kafka_link_settle(struct kafka_link *link)
{
    static const char *const mechanisms[] = {"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"};
    const char *tls = getenv("QUICKWATER_TLS");
    bool known = false;

    from_environment(&link->servers, "QUICKWATER_KAFKA");
    from_environment(&link->ca, "QUICKWATER_CA");
    from_environment(&link->certificate, "QUICKWATER_CERTIFICATE");
    from_environment(&link->key, "QUICKWATER_KEY");
    from_environment(&link->user, "QUICKWATER_USER");
    from_environment(&link->password_file, "QUICKWATER_PASSWORD_FILE");
    from_environment(&link->mechanism, "QUICKWATER_SASL");
    link->tls = link->tls || (tls && tls[0] && strcmp(tls, "0") != 0);
    if (!link->servers)
        link->servers = KAFKA_LINK_SERVERS;
    if (!link->mechanism)
        link->mechanism = "SCRAM-SHA-256";
    if (check_servers(link->servers))
        return EXIT_USER;
    for (size_t i = 0; i < sizeof(mechanisms) / sizeof(*mechanisms); i++)
        known = known || strcmp(link->mechanism, mechanisms[i]) == 0;
    if (!known)
        return fail_user("--sasl: '%s' is none of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512", link->mechanism);
    if (link->key && !link->certificate)
        return fail_user("--tls-key is there, but no --tls-certificate that it belongs to");
    if (link->certificate && !link->tls)
        return fail_user("--tls-certificate is for a server that speaks TLS: add --tls");
    return settle_password(link);
}

void kafka_link_forget(struct kafka_link *link)
{
    secret_free(link->password);
    link->password = NULL;
}

static void set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
    if (value)
        rd_kafka_conf_set(conf, name, value, NULL, 0);
}

void kafka_link_conf(const struct kafka_link *link, rd_kafka_conf_t *conf)
{
    set(conf, "bootstrap.servers", link->servers);
    set(conf, "client.id", "quickwater");
    set(conf, "log_level", "0");
    set(conf, "security.protocol",
        link->user  ? link->tls ? "SASL_SSL" : "SASL_PLAINTEXT"
        : link->tls ? "SSL"
                    : "PLAINTEXT");
    if (link->tls) {
        set(conf, "ssl.ca.location", link->ca);
        set(conf, "ssl.certificate.location", link->certificate);
        set(conf, "ssl.key.location", link->key ? link->key : link->certificate);
    }
    if (link->user) {
        set(conf, "sasl.mechanism", link->mechanism);
        set(conf, "sasl.username", link->user);
        set(conf, "sasl.password", link->password);
    }
}
