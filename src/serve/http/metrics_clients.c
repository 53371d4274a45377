/* metrics_clients.c: of the clients of all faces: how they come in, and who does not. */
#include <inttypes.h>

#include "net/tls.h"
#include "serve/http/face.h"
#include "serve/http/metrics.h"
#include "serve/kafka/kafka.h"
#include "serve/security/security.h"

static const char *kind_name(int kind)
{
    switch (kind) {
    case KAFKA_CONN_OPEN: return "none";
    case KAFKA_CONN_CERTIFICATE: return "certificate";
    case KAFKA_CONN_UNKNOWN: return "unknown";
    default: return sasl_mechanism_name((enum sasl_mechanism)kind);
    }
}

static void write_connections(struct http_face *face, struct buf *out)
{
    struct kafka_stats s = {0};

    if (face->options.kafka)
        kafka_face_stats(face->options.kafka, &s);
    metrics_family(out, "connections", "gauge",
                   "Open connections; of HTTP's each request says who it is. unknown: not said yet.");
    for (int i = 0; i < KAFKA_CONN_KINDS; i++)
        buf_printf(out, "quickwater_connections{listener=\"kafka\",mechanism=\"%s\"} %" PRIu32 "\n", kind_name(i),
                   s.conns_by[i]);
    buf_printf(out, "quickwater_connections{listener=\"http\",mechanism=\"request\"} %" PRIu32 "\n",
               listener_conns(face->listener));
    metrics_one_u64(out, "kafka_requests_total", "counter", "Requests of Kafka's protocol.", s.requests);
    metrics_one_u64(out, "kafka_requests_refused_total", "counter", "Those of unknown versions, and what was none.",
                    s.requests_refused);
    metrics_one_u64(out, "kafka_unreachable_total", "counter",
                    "Reports of clients that do not reach the address they are told ([kafka] advertised).",
                    s.strays);
}

static void write_tls(const struct tls_server *tls, int64_t now_s, struct buf *out)
{
    struct tls_stats s;

    tls_server_stats(tls, &s);
    metrics_one_u64(out, "tls_handshakes_total", "counter", "Handshakes that came to their end.", s.handshakes);
    metrics_family(out, "tls_handshakes_failed_total", "counter", "Those that did not, by reason.");
    for (int i = 0; i < TLS_FAILURES; i++)
        buf_printf(out, "quickwater_tls_handshakes_failed_total{reason=\"%s\"} %" PRIu64 "\n",
                   tls_failure_name((enum tls_failure)i), s.failed[i]);
    metrics_one_u64(out, "tls_certificate_reloads_total", "counter", "New certificates taken without a restart.",
                    s.reloads);
    metrics_one_f64(out, "tls_certificate_expires_seconds", "gauge",
                    "Until the certificate in use ends; negative: since it has.", (double)(s.expires_s - now_s));
}

static void write_outcome(struct buf *out, const char *face, enum sasl_mechanism mechanism, const char *outcome,
                          uint64_t count)
{
    buf_printf(out,
               "quickwater_authentications_total{listener=\"%s\",mechanism=\"%s\",outcome=\"%s\"} %" PRIu64 "\n",
               face, sasl_mechanism_name(mechanism), outcome, count);
}

static void write_authentications(const struct security *security, struct buf *out)
{
    static const char *const faces[SECURITY_FACES] = {[SECURITY_KAFKA] = "kafka", [SECURITY_HTTP] = "http"};
    const struct security_stats *s = security_stats(security);

    metrics_family(
        out, "authentications_total", "counter",
        "Who has said who it is, and whether that was so; Basic counts as PLAIN, Bearer as OAUTHBEARER.");
    for (int f = 0; f < SECURITY_FACES; f++)
        for (int m = 0; m < SASL_MECHANISMS; m++) {
            if (!security_has(security, (enum sasl_mechanism)m) && !s->let_in[f][m] && !s->refused[f][m])
                continue;
            write_outcome(out, faces[f], (enum sasl_mechanism)m, "let_in", s->let_in[f][m]);
            write_outcome(out, faces[f], (enum sasl_mechanism)m, "refused", s->refused[f][m]);
        }
}

static void write_denials(const struct security *security, struct buf *out)
{
    const struct security_stats *s = security_stats(security);

    metrics_family(out, "acl_denials_total", "counter",
                   "Requests that ACLs did not allow; those that were none are left out.");
    for (int r = 0; r <= ACL_USER; r++)
        for (int o = 0; o <= ACL_OPERATION_LAST; o++)
            if (s->denied[r][o])
                buf_printf(out, "quickwater_acl_denials_total{resource=\"%s\",operation=\"%s\"} %" PRIu64 "\n",
                           acl_resource_name((enum acl_resource)r), acl_operation_name((enum acl_operation)o),
                           s->denied[r][o]);
}

void metrics_of_clients(struct http_face *face, struct buf *out)
{
    write_connections(face, out);
    if (face->options.tls_watched)
        write_tls(face->options.tls_watched, loop_wall_us(face->loop) / 1000000, out);
    if (face->options.security_watched) {
        write_authentications(face->options.security_watched, out);
        write_denials(face->options.security_watched, out);
    }
}
