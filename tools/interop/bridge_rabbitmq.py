"""RabbitMQ as a source and as a sink: properties, routing, what no queue takes, over a proxy that hurts and over kills of
both sides, TLS, what is refused."""
import collections, os, signal, subprocess, sys, time

import pika

import checks
from bridges import HASTE, Proxy, Server, child, free_port, hurt, kills, made
from checks import case, until

WORK = sys.argv[1]
CI = os.environ.get("INTEROP_MODE") == "ci"


class Rabbit:
    """A real one on a directory of its own, with the naming daemon (epmd) of its own."""

    def __init__(self):
        self.port, self.tls_port = free_port(), free_port()
        self.dir = os.path.join(WORK, "rabbit")
        os.makedirs(self.dir)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=DNS:localhost", "-keyout", "key.pem", "-out", "cert.pem"],
                       cwd=self.dir, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with open(os.path.join(self.dir, "rabbitmq.conf"), "w") as f:
            f.write("listeners.tcp.1 = 127.0.0.1:%d\nlisteners.ssl.1 = 127.0.0.1:%d\nssl_options.cacertfile = %s/cert.pem\n"
                    "ssl_options.certfile = %s/cert.pem\nssl_options.keyfile = %s/key.pem\nmax_message_size = 100000\n"
                    "vm_memory_high_watermark.absolute = 2GB\ndisk_free_limit.absolute = 1MB\n"
                    % (self.port, self.tls_port, self.dir, self.dir, self.dir))
        epmd = free_port()
        self.env = dict(os.environ, HOME=self.dir, RABBITMQ_NODENAME="qw%d@localhost" % self.port, ERL_EPMD_PORT=str(epmd),
                        ERL_EPMD_ADDRESS="127.0.0.1", RABBITMQ_DIST_PORT=str(free_port()), RABBITMQ_MNESIA_BASE=self.dir + "/data", RABBITMQ_LOG_BASE=self.dir + "/log",
                        RABBITMQ_CONFIG_FILE=self.dir + "/rabbitmq", RABBITMQ_ENABLED_PLUGINS_FILE=self.dir + "/plugins",
                        RABBITMQ_PID_FILE=self.dir + "/pid")
        self.epmd = child(["epmd", "-port", str(epmd), "-address", "127.0.0.1"], stdin=subprocess.DEVNULL)
        self.start()

    def start(self):
        self.process = child(["/usr/lib/rabbitmq/bin/rabbitmq-server"], env=self.env, stdin=subprocess.DEVNULL,
                             stdout=open(self.dir + "/out", "ab"), stderr=subprocess.STDOUT)
        until("RabbitMQ answers", 90, self.answers)

    def answers(self):
        try:
            self.link().close()
            return True
        except (OSError, pika.exceptions.AMQPError):
            return False

    def link(self):
        return pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", self.port, heartbeat=0))

    def again(self):
        self.kill()
        self.start()

    def kill(self):
        """The server; the script that started it waits for that."""
        try:
            with open(self.dir + "/pid") as f:
                os.kill(int(f.read()), signal.SIGKILL)
        except (FileNotFoundError, ProcessLookupError):
            pass
        self.process.wait()

    def do(self, f):
        link = self.link()
        try:
            channel = link.channel()
            channel.confirm_delivery()
            return f(channel)
        finally:
            link.close()

    def queue(self, name):
        self.do(lambda c: c.queue_declare(name, durable=True))

    def send(self, queue, bodies, **properties):
        p = pika.BasicProperties(delivery_mode=2, **properties)
        self.do(lambda c: [c.basic_publish("", queue, b, p, mandatory=True) for b in bodies])

    def left(self, name):
        return self.do(lambda c: c.queue_declare(name, passive=True).method.message_count)

    def take(self, name, count, seconds=60):
        """Messages of a queue until there are so many different ones."""
        def all_of(c):
            got, end = [], time.time() + seconds
            while len({m[2] for m in got}) < count and time.time() < end:
                m = c.basic_get(name, auto_ack=True)
                if m[0] is None:
                    time.sleep(0.05)
                else:
                    got.append(m)
            return got
        got = self.do(all_of)
        assert len({m[2] for m in got}) == count, (len(got), count)
        return got


def at_length(f):
    """A case for --full: RabbitMQ takes half a minute to start on a busy machine."""
    return f if CI else case(f)


rabbit = Rabbit()
os_exit, os._exit = os._exit, lambda code: (rabbit.kill(), os_exit(code))  # checks.main's last act
proxy = Proxy(rabbit.port)
server = Server(WORK)


def table(name, columns, options, port=None):
    return "CREATE OR REPLACE TABLE %s (%s) WITH ('connector' = 'rabbitmq', 'rabbitmq.port' = '%d', %s, %s);" % (
        name, columns, port or rabbit.port, options, HASTE)


def taken(name, columns, options, port=None, out=None, select="*"):
    server.sql(table(name, columns, options, port))
    server.sql("CREATE TABLE %s_out (%s) WITH ('connector' = 'kafka', 'topic' = '%s_out', 'format' = 'json', "
               "'scan.startup.mode' = 'earliest-offset');" % (name, out or columns, name))
    server.sql("INSERT INTO %s_out SELECT %s FROM %s;" % (name, select, name))


def rows(name):
    return server.rows("SELECT * FROM %s_out;" % name)


def numbers(first, count):
    return [b'{"id":%d}' % i for i in range(first, first + count)]


def trouble(name):
    return server.bridge(name)["trouble"] or ""


# ---- as a source ----

@case
def messages_come_with_their_properties():
    rabbit.queue("in")
    rabbit.send("in", [b'{"id":1}'], headers={"unit": "°C", "n": 5, "big": 1 << 40, "yes": True, "deep": {"a": 1}},
                content_type="application/json", message_id="m1", correlation_id="c1", timestamp=1700000000)
    rabbit.send("in", [b"no json", b"", b'{"id":2}'])
    taken("src", "id BIGINT, at TIMESTAMP_LTZ(3) METADATA FROM 'timestamp', h MAP<STRING, BYTES> METADATA FROM 'headers'",
          "'rabbitmq.queue' = 'in'", out="id BIGINT, at TIMESTAMP_LTZ(3), " + ", ".join("h%d STRING" % i for i in range(8)),
          select="id, at, " + ", ".join("CAST(h['%s'] AS STRING)" % h for h in (
              "unit", "n", "big", "yes", "message-id", "correlation-id", "routing-key", "deep")))
    until("two rows", 30, lambda: len(rows("src")) == 2)
    first = rows("src")[0]
    assert "22:13:20" in first[1] and [first[0]] + first[2:] == [1, "°C", "5", str(1 << 40), "true", "m1", "c1", "in", None], first
    until("those that are no rows are kept", 30, lambda: len(server.rows("SELECT record FROM `src$errors`;")) == 2)
    until("all are acknowledged", 10, lambda: rabbit.left("in") == 0)
    info = server.bridge("src")
    assert info["way"] == "source" and info["delivered"] == 4, info


@at_length
def nothing_is_lost_of_a_queue_over_kills_and_a_connection_that_hurts():
    rabbit.queue("jobs")
    taken("jobs", "id BIGINT", "'rabbitmq.queue' = 'jobs', 'rabbitmq.prefetch' = '50', 'rabbitmq.heartbeat' = '1 s', "
                               "'bridge.batch.records' = '17'", proxy.port)
    rounds, troubles = (2 if CI else 12), ({"delay"}, {"cut"}, {"throttle"}, {"deaf"}, {"cut", "delay"})
    for i in range(rounds * 3):
        proxy.trouble = troubles[i % 5]
        rabbit.send("jobs", numbers(i * 100, 100))
        time.sleep(0.05 * (i % 4))
        if i % 3 == 0:
            server.again()
        if i % 6 == 4:
            rabbit.again()
        proxy.reset_all()
    proxy.trouble = set()
    until("all came", 60, lambda: len({r[0] for r in rows("jobs")}) == rounds * 300)
    until("all are acknowledged", 20, lambda: rabbit.left("jobs") == 0)
    print("%d of %d came again" % (len(rows("jobs")) - rounds * 300, rounds * 300))
    server.again()
    time.sleep(0.5)
    before = len(rows("jobs"))
    rabbit.send("jobs", numbers(rounds * 300, 10))
    until("the next came", 30, lambda: len(rows("jobs")) == before + 10)


@case
def a_queue_that_goes_away_is_said_and_one_that_comes_back_is_read():
    rabbit.queue("gone")
    rabbit.send("gone", numbers(0, 3))
    taken("gone", "id BIGINT", "'rabbitmq.queue' = 'gone'")
    until("three came", 30, lambda: len(rows("gone")) == 3)
    rabbit.do(lambda c: c.queue_delete("gone"))
    until("it is said", 20, lambda: "no queue 'gone'" in trouble("gone"))
    rabbit.queue("gone")
    rabbit.send("gone", numbers(3, 3))
    until("the next came", 30, lambda: [r[0] for r in rows("gone")] == list(range(6)))


@at_length
def no_more_is_taken_than_is_asked_for():
    rabbit.queue("many")
    rabbit.send("many", [b'{"id":%d,"x":"%s"}' % (i, b"y" * 2000) for i in range(800)])
    taken("many", "id BIGINT", "'rabbitmq.queue' = 'many', 'rabbitmq.prefetch' = '30', 'bridge.rate' = '100'")
    time.sleep(1.5)
    assert rabbit.left("many") > 300
    server.sql("DROP JOB `insert-into_many_out`; DROP TABLE many;")


# ---- as a sink ----

@case
def messages_go_where_the_key_says():
    server.source("out_in")
    rabbit.do(lambda c: (c.exchange_declare("by", "topic", durable=True),
                         [(c.queue_declare("k%d" % k, durable=True), c.queue_bind("k%d" % k, "by", "row.k%d.#" % k)) for k in range(6)]))
    server.sql(table("by", "id BIGINT, k STRING", "'rabbitmq.exchange' = 'by', 'rabbitmq.routing.key' = 'row.{k}.x'"))
    server.sql("INSERT INTO `by` SELECT id, k FROM out_in;".replace("`by`", "`by`"))
    server.post("out_in", made(0, 700))
    server.arrived("by")
    for k in range(6):
        got = rabbit.take("k%d" % k, 100)
        assert [m[2] for m in got] == [b'{"id":%d,"k":"k%d"}' % (i, k) for i in range(k, 700, 7)]
    p = got[0][1]
    assert p.content_type == "application/json" and p.delivery_mode == 2 and p.message_id and p.timestamp > 1e9, p
    until("what no queue takes is dead", 20, lambda: server.bridge("by")["dead"] == 100)
    reasons = server.rows("SELECT reason FROM `by$dead`;")
    assert len(reasons) == 100 and all("no queue takes it: NO_ROUTE" in r[0] for r in reasons), reasons[:2]


@case
def a_message_that_is_refused_is_dead_and_the_others_go():
    server.sql("CREATE TABLE wide_in (id BIGINT, x STRING) WITH ('connector' = 'kafka', 'topic' = 'wide_in', 'format' = 'json', "
               "'scan.startup.mode' = 'earliest-offset');")
    rabbit.queue("wide")
    server.sql(table("wide", "id BIGINT, x STRING", "'rabbitmq.routing.key' = 'wide'"))
    server.sql("INSERT INTO wide SELECT id, x FROM wide_in;")
    server.post("wide_in", [{"id": i, "x": "y" * (120000 if i in (7, 8) else 5)} for i in range(20)])
    until("two are dead", 40, lambda: server.bridge("wide")["dead"] == 2)
    server.arrived("wide")
    got = {m[2] for m in rabbit.take("wide", 18)}
    assert len(got) == 18 and "larger than configured max size" in server.rows("SELECT reason FROM `wide$dead`;")[0][0]


def all_there(queue, sent, name):
    server.arrived(name)
    got = rabbit.take(queue, sent)
    first = list(dict.fromkeys(m[2] for m in got))
    assert sorted(first) == sorted(numbers(0, sent)), (len(first), sent)
    ids = collections.defaultdict(set)
    for m in got:
        ids[m[2]].add(m[1].message_id)
    assert all(len(v) == 1 for v in ids.values()), "a record that is sent again has the same id"
    print("%s: %d of %d came again" % (name, len(got) - sent, sent))


@case
def nothing_is_lost_over_a_connection_that_hurts():
    rabbit.queue("hurt")
    server.source("hurt_in")
    server.sql(table("hurt", "id BIGINT", "'rabbitmq.heartbeat' = '1 s', 'bridge.batch.records' = '50'", proxy.port))
    server.sql("INSERT INTO hurt SELECT id FROM hurt_in;")
    all_there("hurt", hurt(server, proxy, "hurt_in", 1 if CI else 4), "hurt")
    assert server.bridge("hurt")["failures"] > 1 and server.bridge("hurt")["trouble"] is None, server.bridge("hurt")


@at_length
def nothing_is_lost_over_kills():
    rabbit.queue("killed")
    server.source("killed_in")
    server.sql(table("killed", "id BIGINT", "'bridge.batch.records' = '20'"))
    server.sql("INSERT INTO killed SELECT id FROM killed_in;")
    all_there("killed", kills(server, rabbit, "killed_in", 2), "killed")


# ---- who we are, and what is refused ----

@case
def passwords_and_tls():
    server.source("who_in")
    server.post("who_in", made(0, 10))
    rabbit.queue("who")
    ca = "'rabbitmq.tls' = 'true', 'rabbitmq.tls.ca' = '%s/cert.pem'" % rabbit.dir
    for name, way, port, says in (("w1", "'rabbitmq.password' = 'wrong'", rabbit.port, "ACCESS_REFUSED"),
                                  ("w2", ca, rabbit.tls_port, "hostname"),
                                  ("w3", "'rabbitmq.exchange' = 'none'", rabbit.port, "no exchange 'none'"),
                                  ("w4", "'rabbitmq.vhost' = 'none'", rabbit.port, "vhost none not found")):
        server.sql(table(name, "id BIGINT", way, port))
        server.sql("INSERT INTO %s SELECT id FROM who_in;" % name)
        until("%s fails for %s" % (name, says), 20, lambda: says in trouble(name))
        assert "wrong" not in trouble(name)
        server.sql("DROP JOB `insert-into_%s`; DROP TABLE %s;" % (name, name))
    server.sql(table("who", "id BIGINT", "'rabbitmq.host' = 'localhost', 'bridge.timeout' = '5 s', %s" % ca, rabbit.tls_port)
               .replace("'bridge.timeout' = '500 ms', ", ""))
    server.sql("INSERT INTO who SELECT id FROM who_in;")
    server.arrived("who")
    assert len(rabbit.take("who", 10)) == 10


@case
def what_is_wrong_is_said():
    refused = lambda o, c="id BIGINT": server.refused(table("w", c, o))
    assert refused("'rabbitmq.queu' = 'a'") == "connector 'rabbitmq' has no option 'rabbitmq.queu'"
    assert refused("'rabbitmq.prefetch' = '0'") == "option 'rabbitmq.prefetch' of connector 'rabbitmq' is '0'"
    assert "needs 'rabbitmq.tls' = 'true'" in refused("'rabbitmq.tls.ca' = 'x'")
    assert "needs 'rabbitmq.tls.ca'" in refused("'rabbitmq.tls' = 'true'")
    assert "only grows" in refused("'rabbitmq.queue' = 'x'", "id BIGINT, PRIMARY KEY (id) NOT ENFORCED")
    server.source("w_in")
    server.sql(table("w", "id BIGINT", "'rabbitmq.routing.key' = 'a.{no}'"))
    assert "{no}" in server.refused("INSERT INTO w SELECT id FROM w_in;")
    assert "is of what is written" in server.refused("SELECT * FROM w;")
    server.sql(table("v", "id BIGINT", "'rabbitmq.vhost' = '/'"))
    assert "needs 'rabbitmq.queue'" in server.refused("SELECT * FROM v;")


checks.main(None)
