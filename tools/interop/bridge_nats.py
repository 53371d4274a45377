"""NATS JetStream as a source and as a sink, beside the project's own client: over a proxy that hurts and kills of both
sides, streams that drop, are purged and made again, subjects, permissions, TLS, what is refused."""
import asyncio, json, os, socket, subprocess, sys, threading, time

import nats
from nats.js import api, errors

import checks
from bridges import HASTE, Proxy, Server, child, free_port, hurt, kills, made, statements
from checks import case, until

WORK = sys.argv[1]
CI = os.environ.get("INTEROP_MODE") == "ci"
LOOP = asyncio.new_event_loop()
threading.Thread(target=LOOP.run_forever, daemon=True).start()


def do(coroutine, seconds=30):
    return asyncio.run_coroutine_threadsafe(coroutine, LOOP).result(seconds)


async def quiet(error):
    """Of the client's connection, which is killed at will."""


class Nats:
    """A real server on a directory of its own, and a client of it."""

    def __init__(self, name, config="", **login):
        self.port, self.dir, self.login, self.client = free_port(), os.path.join(WORK, name), login, None
        os.makedirs(self.dir)
        with open(os.path.join(self.dir, "conf"), "w") as f:
            f.write('listen: "127.0.0.1:%d"\njetstream { store_dir: "%s" }\nmax_payload: 100000\n%s\n' % (self.port, self.dir, config))
        self.start()

    def start(self):
        self.process = child(["nats-server", "-c", os.path.join(self.dir, "conf")], stdin=subprocess.DEVNULL,
                             stdout=open(self.dir + "/out", "ab"), stderr=subprocess.STDOUT)
        until("NATS answers", 30, self.answers)

    def answers(self):
        """The client waits for two seconds where nobody listens, so that is looked at first."""
        try:
            socket.create_connection(("127.0.0.1", self.port)).close()
            self.client = do(nats.connect("nats://127.0.0.1:%d" % self.port, allow_reconnect=False, connect_timeout=2,
                                          error_cb=quiet, **self.login))
            self.js = self.client.jetstream(timeout=5)
            do(self.js.account_info())
            return True
        except (OSError, nats.errors.Error, errors.Error):
            return False

    def kill(self):
        self.process.kill()
        self.process.wait()

    def again(self):
        self.kill()
        self.start()

    def stream(self, name, *subjects, **more):
        do(self.js.add_stream(api.StreamConfig(name=name, subjects=list(subjects) or [name], **more)))

    def send(self, subject, bodies, **headers):
        async def all_of():
            await asyncio.gather(*[await self.js.publish_async(subject, b, headers=headers or None) for b in bodies])
        do(all_of(), 60)

    def info(self, stream):
        return do(self.js.stream_info(stream)).state

    def all(self, stream):
        """(subject, body, headers) of each message that there is."""
        async def read():
            state, got = (await self.js.stream_info(stream)).state, []
            if not state.messages:
                return got
            sub = await self.js.subscribe(">" if not stream else "", stream=stream, ordered_consumer=True)
            while len(got) < state.messages:
                m = await sub.next_msg(timeout=5)
                got.append((m.subject, m.data, m.headers or {}))
            await sub.unsubscribe()
            return got
        return do(read(), 60)


broker = Nats("nats")
proxy = Proxy(broker.port)
server = Server(WORK)


def table(name, columns, options, port=None):
    return "CREATE OR REPLACE TABLE %s (%s) WITH ('connector' = 'nats', 'nats.port' = '%d', %s, %s);" % (
        name, columns, port or broker.port, options, HASTE)


def taken(name, columns, options, port=None, out=None, select="*"):
    server.sql(table(name, columns, options, port))
    server.sql("CREATE TABLE %s_out (%s) WITH ('connector' = 'kafka', 'topic' = '%s_out', 'format' = 'json', "
               "'scan.startup.mode' = 'earliest-offset');" % (name, out or columns, name))
    server.sql("INSERT INTO %s_out SELECT %s FROM %s;" % (name, select, name))


def rows(name):
    return server.rows("SELECT * FROM %s_out;" % name)


def ids(name):
    return [r[0] for r in rows(name)]


def numbers(first, count):
    return [b'{"id":%d}' % i for i in range(first, first + count)]


def trouble(name):
    return server.bridge(name)["trouble"] or ""


def reasons(name):
    return [r[0] for r in server.rows("SELECT reason FROM `%s$dead`;" % name)]


# ---- as a source ----

@case
def messages_come_with_their_headers():
    broker.stream("IN", "in.>")
    broker.send("in.a.b", [b'{"id":1}'], unit="°C", empty="")
    broker.send("in.c", [b"no json", b"", b'{"id":2}'])
    taken("src", "id BIGINT, at TIMESTAMP_LTZ(3) METADATA FROM 'timestamp', h MAP<STRING, BYTES> METADATA FROM 'headers'",
          "'nats.stream' = 'IN'", out="id BIGINT, at TIMESTAMP_LTZ(3), " + ", ".join("h%d STRING" % i for i in range(5)),
          select="id, at, " + ", ".join("CAST(h['%s'] AS STRING)" % h for h in ("unit", "empty", "subject", "sequence", "none")))
    until("two rows", 30, lambda: len(rows("src")) == 2)
    first, second = rows("src")
    assert [first[0]] + first[2:] == [1, "°C", "", "in.a.b", "1", None], first
    assert [second[0]] + second[2:] == [2, None, None, "in.c", "4", None], second
    stamp = time.mktime(time.strptime(first[1][:19].replace("T", " "), "%Y-%m-%d %H:%M:%S")) - time.timezone
    assert abs(stamp - time.time()) < 100, first
    until("those that are no rows are kept", 30, lambda: len(server.rows("SELECT record FROM `src$errors`;")) == 2)
    info = server.bridge("src")
    assert info["way"] == "source" and info["delivered"] == 4 and info["lag"] == 0, info


@case
def each_once_in_order_over_kills_and_a_connection_that_hurts():
    broker.stream("JOBS", "jobs")
    taken("jobs", "id BIGINT", "'nats.stream' = 'JOBS', 'nats.heartbeat' = '200 ms', 'bridge.batch.records' = '17'", proxy.port)
    rounds, troubles = (3 if CI else 20), ({"delay"}, {"cut"}, {"throttle"}, {"deaf"}, {"cut", "delay"})
    for i in range(rounds * 3):
        proxy.trouble = troubles[i % 5]
        broker.send("jobs", numbers(i * 100, 100))
        time.sleep(0.05 * (i % 4))
        if i % 3 == 0:
            server.again()
        if i % 6 == 4:
            broker.again()
        proxy.reset_all()
    proxy.trouble = set()
    until("all came", 60, lambda: len(rows("jobs")) >= rounds * 300)
    server.again()
    broker.send("jobs", numbers(rounds * 300, 10))
    until("the next came", 30, lambda: len(rows("jobs")) >= rounds * 300 + 10)
    assert ids("jobs") == list(range(rounds * 300 + 10)) and not reasons("jobs")


@case
def what_is_gone_is_named():
    broker.stream("SHORT", "short", max_msgs=10)
    taken("short", "id BIGINT", "'nats.stream' = 'SHORT', 'nats.heartbeat' = '200 ms'")
    broker.send("short", numbers(0, 3))
    until("three came", 30, lambda: ids("short") == [0, 1, 2])
    server.kill()  # the limit: 4 … 93
    broker.send("short", numbers(3, 100))
    server.start()
    until("the last ten came", 30, lambda: ids("short")[3:] == list(range(93, 103)))
    server.kill()  # one deleted within, one at the end
    broker.send("short", numbers(103, 5))
    do(broker.js.delete_msg("SHORT", 105))
    do(broker.js.delete_msg("SHORT", 107))
    server.start()
    until("three more", 30, lambda: ids("short")[13:] == [103, 105, 107])
    server.kill()  # purged
    broker.send("short", numbers(108, 7))
    do(broker.js.purge_stream("SHORT"))
    server.start()
    broker.send("short", numbers(115, 1))
    until("the one behind the purge", 30, lambda: ids("short")[16:] == [115])
    said = reasons("short")
    assert said[0].endswith("sequences 4 to 93: 90") and said[-1].endswith("sequences 109 to 115: 7"), said
    assert sum(int(r.rsplit(": ", 1)[1]) for r in said) == 99, said
    do(broker.js.delete_stream("SHORT"))
    until("it is said that it is away", 20, lambda: "stream SHORT: stream not found" in trouble("short"))
    broker.stream("SHORT", "short")
    broker.send("short", numbers(200, 5))
    until("the new one is read", 30, lambda: ids("short")[17:] == list(range(200, 205)))
    assert "deleted and made again: what came after sequence 116" in reasons("short")[-1], reasons("short")


@case
def a_consumer_that_is_taken_away_is_made_again():
    broker.stream("AWAY", "away")
    taken("away", "id BIGINT", "'nats.stream' = 'AWAY', 'nats.heartbeat' = '100 ms'")
    for i in range(3):
        broker.send("away", numbers(i * 50, 50))
        until("they came", 30, lambda: len(rows("away")) >= (i + 1) * 50)
        for c in do(broker.js.consumers_info("AWAY")):
            do(broker.js.delete_consumer("AWAY", c.name))
    broker.send("away", numbers(150, 50))
    until("all came", 30, lambda: ids("away") == list(range(200)))


@case
def some_subjects_some_beginnings_and_large_messages():
    broker.stream("PART", "part.>")
    broker.send("part.a", numbers(0, 5))
    broker.send("part.b.c", numbers(5, 5))
    time.sleep(0.01)
    middle = int(time.time() * 1000)
    time.sleep(0.01)
    broker.send("part.a", numbers(10, 5))
    for name, options, want in (
            ("p1", "'nats.subject' = 'part.a'", list(range(5)) + list(range(10, 15))),
            ("p2", "'nats.subject' = 'part.b.*'", list(range(5, 10))),
            ("p3", "'scan.startup.mode' = 'timestamp', 'scan.startup.timestamp-millis' = '%d'" % middle, list(range(10, 15))),
            ("p4", "'scan.startup.mode' = 'latest-offset'", [])):
        taken(name, "id BIGINT", "'nats.stream' = 'PART', %s, 'bridge.batch.bytes' = '4 kb'" % options)
        until("%s is read" % name, 30, lambda: ids(name) == want and server.bridge(name)["trouble"] is None)
    until("all of them stand", 20, lambda: all(server.bridge(n)["calls"] for n in ("p1", "p2", "p3", "p4")))
    server.again()
    big = [b'{"id":%d,"x":"%s"}' % (100 + i, b"y" * (90000 if i % 3 == 1 else 700)) for i in range(12)]
    broker.send("part.a", big)
    for name in ("p1", "p3", "p4"):
        until("%s has the large ones" % name, 30, lambda: ids(name)[-12:] == list(range(100, 112)))
    assert ids("p4") == list(range(100, 112)) and ids("p2") == list(range(5, 10))


@case
def a_work_queue_is_refused():
    broker.stream("QUEUE", "queue", retention=api.RetentionPolicy.WORK_QUEUE)
    taken("queue", "id BIGINT", "'nats.stream' = 'QUEUE'")
    until("it is said", 20, lambda: "only retention 'limits' can be read" in trouble("queue"))
    server.sql("DROP JOB `insert-into_queue_out`; DROP TABLE queue;")


# ---- as a sink ----

@case
def messages_go_where_the_subject_says():
    server.source("out_in")
    broker.stream("BY", "row.>", max_msg_size=500)
    server.sql(table("by", "id BIGINT, k STRING", "'nats.subject' = 'row.{k}.x'"))
    server.sql("INSERT INTO `by` SELECT id, CASE WHEN id = 3 THEN NULL WHEN id = 4 THEN 'a b' WHEN id = 5 THEN '*' "
               "WHEN id = 6 THEN RPAD('z', 450, 'z') WHEN id = 7 THEN RPAD('z', 2000, 'z') ELSE k END FROM out_in;")
    server.post("out_in", made(0, 700))
    server.arrived("by")
    got = broker.all("BY")
    want = [i for i in range(700) if not 3 <= i <= 7]
    assert [json.loads(m[1])["id"] for m in got] == want and got[0][0] == "row.k0.x", got[:3]
    assert all(m[0] == "row.k%d.x" % (i % 7) for m, i in zip(got, want))
    assert len({m[2]["Nats-Msg-Id"] for m in got}) == len(want)
    said = reasons("by")
    assert len(said) == 5 and "is NULL" in said[0] and "white space" in said[1] and "wildcard" in said[2], said
    assert "message size exceeds maximum" in said[3] and "too long" in said[4], said


@case
def a_subject_that_no_stream_has():
    server.sql(table("none", "id BIGINT, k STRING", "'nats.subject' = 'some.{k}'"))
    server.sql(table("late", "id BIGINT", "'nats.subject' = 'late'"))
    server.sql(table("other", "id BIGINT", "'nats.subject' = 'late', 'nats.stream' = 'SOME'"))
    broker.stream("SOME", "some.k1", "some.k2")
    server.sql("INSERT INTO `none` SELECT id, k FROM out_in; INSERT INTO late SELECT id FROM out_in;")
    until("it is everybody's where the subject is one", 20, lambda: "subject late: no stream has it" in trouble("late"))
    broker.stream("LATE", "late", max_msgs=400, discard=api.DiscardPolicy.NEW)
    until("a full stream is said", 20, lambda: "maximum messages exceeded" in trouble("late"))
    server.sql("INSERT INTO other SELECT id FROM out_in;")
    until("another stream is not it", 20, lambda: "expected stream does not match" in trouble("other"))
    server.sql("DROP JOB `insert-into_other`; DROP TABLE other;")
    do(broker.js.update_stream(api.StreamConfig(name="LATE", subjects=["late"], max_msgs=-1, discard=api.DiscardPolicy.NEW)))
    server.arrived("late")
    server.arrived("none")
    assert sorted(m[1] for m in broker.all("LATE")) == sorted(numbers(0, 700))
    assert len(broker.all("SOME")) == 200 and len(reasons("none")) == 500
    assert set(reasons("none")) == {"nobody takes it: no stream has its subject"}


def each_once(stream, sent, name):
    server.arrived(name)
    got = [m[1] for m in broker.all(stream)]
    assert got == numbers(0, sent), (len(got), sent, len(set(got)))
    assert not reasons(name)


@case
def each_once_in_order_over_a_connection_that_hurts():
    broker.stream("HURT", "hurt")
    server.source("hurt_in")
    server.sql(table("hurt", "id BIGINT", "'bridge.batch.records' = '50'", proxy.port))
    server.sql("INSERT INTO hurt SELECT id FROM hurt_in;")
    each_once("HURT", hurt(server, proxy, "hurt_in", 1 if CI else 4), "hurt")
    assert server.bridge("hurt")["failures"] > 1 and server.bridge("hurt")["trouble"] is None, server.bridge("hurt")


@case
def each_once_in_order_over_kills():
    broker.stream("KILLED", "killed")
    server.source("killed_in")
    server.sql(table("killed", "id BIGINT", "'bridge.batch.records' = '20'"))
    server.sql("INSERT INTO killed SELECT id FROM killed_in;")
    each_once("KILLED", kills(server, broker, "killed_in", 4), "killed")


@case
def what_was_away_for_longer_than_the_window_is_not_written_twice():
    broker.stream("WINDOW", "window", "others", duplicate_window=0.1)
    server.source("window_in")
    server.sql(table("windows", "id BIGINT", "'nats.subject' = 'window', 'bridge.batch.records' = '40'", proxy.port))
    server.sql("INSERT INTO windows SELECT id FROM window_in;")
    sent = 0
    for i in range(2 if CI else 30):
        server.post("window_in", made(sent, 10))
        server.arrived("windows")
        broker.send("others", [b"x"] * (300, 3000)[i == 1])
        before = broker.info("WINDOW").messages
        proxy.trouble = {"mute"}  # what is written arrives, its answers do not
        server.post("window_in", made(sent + 10, 100))
        until("some arrived", 20, lambda: broker.info("WINDOW").messages > before)
        if i % 2:
            server.kill()
        time.sleep(0.3)  # the window is over
        proxy.reset_all()
        proxy.trouble = set()
        if i % 2:
            server.start()
        sent += 110
        server.arrived("windows")
    assert [m[1] for m in broker.all("WINDOW") if m[0] == "window"] == numbers(0, sent)


# ---- who we are, and what is refused ----

@case
def passwords_tokens_and_permissions():
    who = Nats("who", 'authorization { users = [ {user: a, password: secret1, permissions: {publish: {deny: "who.k3"}}}, '
                      '{user: all, password: x} ] }', user="all", password="x")
    token = Nats("token", "authorization { token: secret2 }", token="secret2")
    who.stream("WHO", "who.>")
    token.stream("WHO", "who.>")
    server.source("who_in")
    server.post("who_in", made(0, 70))
    ours = "'nats.subject' = 'who.{k}'"
    for name, way, port, says in (
            ("w1", "'nats.user' = 'a', 'nats.password' = 'wrong1'", who.port, "Authorization Violation"),
            ("w2", "'nats.token' = 'wrong1'", token.port, "Authorization Violation"),
            ("w3", "'nats.tls' = 'true'", who.port, "has no TLS"),
            ("w4", "'nats.user' = 'all', 'nats.password' = 'x', 'nats.domain' = 'hub'", who.port, None),
            ("w5", "'nats.user' = 'a', 'nats.password' = 'secret1'", who.port, None),
            ("w6", "'nats.token' = 'secret2'", token.port, None)):
        server.sql(table(name, "id BIGINT, k STRING", "%s, %s" % (ours, way), port))
        server.sql("INSERT INTO %s SELECT id, k FROM who_in;" % name)
        if says:
            until("%s fails for %s" % (name, says), 20, lambda: says in trouble(name))
            assert "wrong1" not in trouble(name)
        else:
            server.arrived(name)
        server.sql("DROP JOB `insert-into_%s`;" % name)
        if name == "w5":
            assert len(reasons("w5")) == 10 and "no permission" in reasons("w5")[0], reasons("w5")
        server.sql("DROP TABLE %s;" % name)
    assert len(who.all("WHO")) == 130 and len(token.all("WHO")) == 70
    who.kill()
    token.kill()


@case
def a_garbled_connection_is_no_garbled_row_with_tls():
    folder = os.path.join(WORK, "tls")
    os.makedirs(folder)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
                    "subjectAltName=DNS:localhost", "-keyout", "key.pem", "-out", "cert.pem"], cwd=folder, check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    import ssl
    trust = ssl.create_default_context(cafile=folder + "/cert.pem")
    safe = Nats("safe", 'tls { cert_file: "%s/cert.pem", key_file: "%s/key.pem", ca_file: "%s/cert.pem", verify: true }' % ((folder,) * 3),
                tls=(trust.load_cert_chain(folder + "/cert.pem", folder + "/key.pem"), trust)[1], tls_hostname="localhost")
    safe.stream("SAFE", "safe")
    door = Proxy(safe.port)
    ca = "'nats.tls' = 'true', 'nats.tls.ca' = '%s/cert.pem'" % folder
    us = "'nats.tls.cert' = '%s/cert.pem', 'nats.tls.key' = '%s/key.pem'" % (folder, folder)
    for name, way, says in (("s1", "'nats.host' = '127.0.0.1', %s, %s" % (ca, us), "mismatch"),
                            ("s2", "'nats.host' = 'localhost', 'nats.tls' = 'true', %s" % us, "self"),
                            ("s3", "'nats.host' = 'localhost'", "wants TLS"),
                            ("s4", "'nats.host' = 'localhost', %s" % ca, "")):
        taken(name, "id BIGINT", "'nats.stream' = 'SAFE', %s" % way, safe.port)
        until("%s fails for %s" % (name, says), 20, lambda: trouble(name) and says in trouble(name))
        server.sql("DROP JOB `insert-into_%s_out`; DROP TABLE %s;" % (name, name))
    taken("safe", "id BIGINT", "'nats.stream' = 'SAFE', 'nats.host' = 'localhost', 'nats.heartbeat' = '200 ms', "
                               "'bridge.batch.records' = '40', %s, %s" % (ca, us), door.port)
    rounds = 4 if CI else 40
    for i in range(rounds):
        door.trouble = {"garble"} if i % 2 else {"garble", "cut"}
        safe.send("safe", numbers(i * 100, 100))
        time.sleep(0.1)
    door.trouble = set()
    door.reset_all()
    until("all came", 40, lambda: ids("safe") == list(range(rounds * 100)))
    safe.kill()


@case
def what_is_wrong_is_said():
    refused = lambda o, c="id BIGINT": server.refused(table("w", c, o))
    assert refused("'nats.strem' = 'a'") == "connector 'nats' has no option 'nats.strem'"
    assert refused("'nats.heartbeat' = '1 ms'") == "option 'nats.heartbeat' of connector 'nats' is '1 ms'"
    assert "needs 'nats.tls' = 'true'" in refused("'nats.tls.ca' = 'x'")
    assert "one of them" in refused("'nats.token' = 'x', 'nats.user' = 'y'")
    assert "only grows" in refused("'nats.stream' = 'x'", "id BIGINT, PRIMARY KEY (id) NOT ENFORCED")
    server.source("w_in")
    for options, read, write in (
            ("'nats.subject' = 'a.{no}'", "needs 'nats.stream'", "{no}"),
            ("'nats.subject' = 'a..b', 'nats.stream' = 'S'", "is no subject", "is no subject"),
            ("'nats.subject' = 'a.>', 'nats.stream' = 'a.b'", "no stream's name", "no stream's name"),
            ("'nats.subject' = 'a.>', 'nats.stream' = 'S', 'scan.startup.mode' = 'timestamp'", "timestamp-millis", "is of what is read")):
        server.sql(table("w", "id BIGINT", options))
        assert write in server.refused("INSERT INTO w SELECT id FROM w_in;"), options
        assert read in server.refused("SELECT * FROM w;"), options


@case
def the_page_is_so():
    """The statements of docs/connectors/nats.md, with our server in place of theirs."""
    broker.stream("ORDERS", "orders.>")
    broker.send("orders.eu.new", [b'{"id":1,"total":99.5}', b'{"id":2,"total":5}'])
    broker.send("orders.eu.paid", [b'{"id":3,"total":50}'])
    broker.stream("LARGE", "large.>")
    server.sql(statements("docs/connectors/nats.md").replace("'nats.host' = 'broker'", "'nats.port' = '%d'" % broker.port))
    until("what is large is there", 30, lambda: broker.info("LARGE").messages == 1)
    assert [(m[0], json.loads(m[1])) for m in broker.all("LARGE")] == [("large.orders.eu.new", {"id": 1, "subject": "orders.eu.new"})]


checks.main(None)
