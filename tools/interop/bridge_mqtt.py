"""MQTT as a source and as a sink, with Mosquitto: QoS, sessions, wildcards, properties, kept messages, over a proxy that
hurts, over kills of our server and restarts of the broker, TLS, what is refused."""
import collections, os, random, socket, subprocess, sys, threading, time

import paho.mqtt.client as paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

import checks
from bridges import HASTE, Proxy, Server, child, free_port, hurt, kills, made
from checks import case, until

WORK = sys.argv[1]
CI = os.environ.get("INTEROP_MODE") == "ci"


class Broker:
    """A Mosquitto that keeps its sessions when it is stopped in good order (killed, it forgets what it acknowledged)."""

    def __init__(self, name, more=""):
        self.port, self.tls_port = free_port(), free_port()
        self.dir = os.path.join(WORK, name)
        os.makedirs(self.dir, exist_ok=True)
        os.chmod(WORK, 0o711)
        with open(os.path.join(self.dir, "conf"), "w") as f:
            f.write("per_listener_settings false\nuser root\nlistener %d 127.0.0.1\npersistence true\n"
                    "persistence_location %s/\nmax_queued_messages 0\nlog_dest file %s/log\n" % (self.port, self.dir, self.dir))
            f.write(more.format(dir=self.dir, tls_port=self.tls_port) or "allow_anonymous true\n")
        self.start()

    def start(self):
        self.process = child(["/usr/sbin/mosquitto", "-c", os.path.join(self.dir, "conf")])
        until("Mosquitto listens", 30, self.listens)

    def listens(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
            return True
        except OSError:
            return False

    def stop(self):
        self.process.terminate()
        self.process.wait(30)

    def again(self):
        self.stop()
        self.start()

    def without_memory(self):
        self.stop()
        os.unlink(os.path.join(self.dir, "mosquitto.db"))
        self.start()


class Client:
    """Of Paho's: publishes, or hears what it is subscribed to; over restarts of the broker."""

    def __init__(self, broker, version=paho.MQTTv5, topic=None, qos=2, client_id=""):
        self.heard, self.ready, self.done = [], threading.Event(), 0
        self.c = paho.Client(client_id, protocol=version, **({} if version == paho.MQTTv5 else {"clean_session": not client_id}))
        self.c.max_inflight_messages_set(20)  # as the broker allows
        self.c.reconnect_delay_set(0.05, 0.2)
        self.c.on_message = lambda c, u, m: self.heard.append(m)
        self.c.on_publish = self._published
        self.c.on_subscribe = lambda *a: self.ready.set()
        self.c.on_connect = lambda c, *a: c.subscribe(topic, qos) if topic else self.ready.set()
        more = {}
        if version == paho.MQTTv5 and client_id:
            p = Properties(PacketTypes.CONNECT)
            p.SessionExpiryInterval = 3600
            more = {"clean_start": False, "properties": p}
        self.c.connect("127.0.0.1", broker.port, **more)
        self.c.loop_start()
        assert self.ready.wait(20)

    def send(self, topic, payloads, qos=1, retain=False, properties=None):
        want = self.done + len(payloads)
        until("the client is connected", 30, self.c.is_connected)
        for p in payloads:
            self.c.publish(topic, p, qos, retain, properties)
        until("all are published", 60, lambda: self.done == want)

    def _published(self, *_):
        self.done += 1

    def close(self):
        self.c.disconnect()
        self.c.loop_stop()


class Strict:
    """A broker of one session that keeps to the letter of QoS 2, gives its ids out again as soon as it may, and hangs up
    by chance at every step."""

    def __init__(self, version, count):
        self.v5, self.waiting, self.random = version == "5", [b'{"id":%d}' % i for i in range(count)], random.Random(count)
        self.sent, self.released, self.session = {}, set(), False  # id -> payload; ids whose PUBREL is to be answered
        self.connections = self.again = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def left(self):
        return len(self.waiting) + len(self.sent) + len(self.released)

    def _serve(self):
        while True:
            connection, _ = self.listener.accept()
            self.connections += 1
            connection.settimeout(10)
            try:
                self._talk(connection, connection.makefile("rb"))
            except (OSError, EOFError):
                pass
            connection.close()

    def _packet(self, f):
        head = f.read(1)
        length, shift, more = 0, 0, 128
        while head and more & 128:
            more = f.read(1)[0]
            length, shift = length | (more & 127) << shift, shift + 7
        body = f.read(length)
        if not head or len(body) < length:
            raise EOFError
        return head[0] >> 4, body

    def _talk(self, c, f):
        kind, body = self._packet(f)
        assert kind == 1
        c.sendall(bytes([0x20, 2 + self.v5, self.session, 0]) + b"\0" * self.v5)
        self.session = True
        for i in self.released:
            c.sendall(b"\x62\2" + i.to_bytes(2, "big"))
        for i in list(self.sent):
            self._publish(c, i, 8)
            self.again += 1
        while True:
            kind, body = self._packet(f)
            if self.random.random() < 0.01:
                return  # with what it says unheard
            i = int.from_bytes(body[:2], "big")
            if kind == 8:
                c.sendall(bytes([0x90, 3 + self.v5]) + body[:2] + b"\0" * self.v5 + b"\2")
            elif kind == 5 and self.sent.pop(i, None):
                self.released.add(i)
                c.sendall(b"\x62\2" + body[:2])
            elif kind == 7:
                self.released.discard(i)
            elif kind == 12:
                c.sendall(b"\xd0\0")
            if self.random.random() < 0.01:
                return
            while self.waiting and len(self.sent) + len(self.released) < 30 and kind in (7, 8, 12):
                i = min(set(range(1, 99)) - set(self.sent) - self.released)
                self.sent[i] = self.waiting.pop(0)
                if self.random.random() < 0.01:
                    return  # never sent: it comes as a repetition
                self._publish(c, i, 0)

    def _publish(self, c, i, dup):
        body = b"\0\1x" + i.to_bytes(2, "big") + b"\0" * self.v5 + self.sent[i]
        c.sendall(bytes([0x34 | dup, len(body)]) + body)


broker = Broker("open")
proxy = Proxy(broker.port)
server = Server(WORK)
client = Client(broker, client_id="publisher")  # whose session is kept: else QoS 2 would be published twice


def table(name, columns, options, port=None):
    return "CREATE OR REPLACE TABLE %s (%s) WITH ('connector' = 'mqtt', 'mqtt.port' = '%d', %s, %s);" % (
        name, columns, port or broker.port, options, HASTE)


def taken(name, columns, options, port=None, out=None, select="*"):
    """A job that takes a table of the broker's into a topic, once it is subscribed."""
    server.sql(table(name, columns, options, port))
    server.sql("CREATE TABLE %s_out (%s) WITH ('connector' = 'kafka', 'topic' = '%s_out', 'format' = 'json', "
               "'scan.startup.mode' = 'earliest-offset');" % (name, out or columns, name))
    server.sql("INSERT INTO %s_out SELECT %s FROM %s;" % (name, select, name))
    listens(name)


def listens(name):
    """The broker has seen the subscription: a message that is kept no longer than a moment comes through."""
    until("%s is subscribed" % name, 30, lambda: server.bridge(name)["calls"] > 0 and not server.bridge(name)["trouble"])
    time.sleep(0.3)


def rows(name):
    return server.rows("SELECT * FROM %s_out;" % name)


def ids(name):
    return [r[0] for r in rows(name)]


def numbers(first, count):
    return ['{"id":%d}' % i for i in range(first, first + count)]


def came(name, want, seconds=60):
    until("%d of %s came" % (len(want), name), seconds, lambda: len(rows(name)) >= len(want))
    got = ids(name)
    assert got == want, (len(got), len(want), [(i, g, w) for i, (g, w) in enumerate(zip(got, want)) if g != w][:3])


def trouble(name):
    return server.bridge(name)["trouble"] or ""


# ---- as a source ----

@case
def messages_come_with_their_topics_and_properties():
    taken("sensors", "id BIGINT, at TIMESTAMP_LTZ(3) METADATA FROM 'timestamp', h MAP<STRING, BYTES> METADATA FROM 'headers'",
          "'mqtt.topic' = 'plant/+/temperature;alarms/#', 'mqtt.qos' = '2'",
          out="id BIGINT, t STRING, q STRING, r STRING, u STRING, c STRING, age BOOLEAN",
          select="id, CAST(h['topic'] AS STRING), CAST(h['qos'] AS STRING), CAST(h['retain'] AS STRING), "
                 "CAST(h['unit'] AS STRING), CAST(h['content-type'] AS STRING), at > TO_TIMESTAMP_LTZ(1700000000000, 3)")
    p = Properties(PacketTypes.PUBLISH)
    p.UserProperty = [("unit", "°C"), ("topic", "not mine to say")]
    p.ContentType = "application/json"
    for qos in range(3):
        client.send("plant/a/temperature", ['{"id":%d}' % qos], qos, properties=p)
    client.send("plant/a/pressure", ['{"id":99}'])
    client.send("alarms/fire/hall", ['{"id":3}'])
    client.send("alarms", ['{"id":4}', "no json", ""])
    until("five rows", 30, lambda: len(rows("sensors")) == 5)
    want = [[i, "plant/a/temperature", str(i), "0", "°C", "application/json", True] for i in range(3)]
    assert rows("sensors") == want + [[3, "alarms/fire/hall", "1", "0", None, None, True], [4, "alarms", "1", "0", None, None, True]], \
        rows("sensors")
    until("those that are no rows are kept", 30, lambda: len(server.rows("SELECT record FROM `sensors$errors`;")) == 2)
    info = server.bridge("sensors")
    assert info["way"] == "source" and info["delivered"] == 7, info


@case
def version_3_1_1_at_each_qos():
    count = 200 if CI else 1500
    for qos in range(3):
        taken("old%d" % qos, "id BIGINT", "'mqtt.version' = '3.1.1', 'mqtt.topic' = 'old/%d', 'mqtt.qos' = '%d'" % (qos, qos))
        client.send("old/%d" % qos, numbers(0, count), qos)
    for qos in range(3):
        came("old%d" % qos, list(range(count)))


def taken_over_kills(name, qos, version, troubles):
    """Mosquitto and we are restarted by turns, and the connection is cut in each round."""
    taken(name, "id BIGINT", "'mqtt.topic' = '%s/#', 'mqtt.qos' = '%d', 'mqtt.version' = '%s', 'bridge.batch.records' = '17', "
          "'mqtt.keepalive' = '1 s'" % (name, qos, version), proxy.port)
    rounds = 2 if CI else 24
    for i in range(rounds):
        proxy.trouble = troubles[i % len(troubles)]
        client.send("%s/%d" % (name, i), numbers(i * 100, 100), qos)
        time.sleep(0.05 * (i % 4))
        (broker, server)[i % 2].again()
        proxy.reset_all()
    proxy.trouble = set()
    until("all came", 60, lambda: len(set(ids(name))) >= rounds * 100)
    assert set(ids(name)) == set(range(rounds * 100))
    print("%s: %d of %d came again" % (name, len(ids(name)) - rounds * 100, rounds * 100))


@case
def nothing_is_lost_over_kills_and_cuts_of_what_is_read():
    taken_over_kills("one", 1, "5", ({"delay"}, {"cut"}, {"throttle"}, {"deaf"}, {"cut", "delay"}))
    # with QoS 2 some come again: Mosquitto 2.0.11, cut off while it sends PUBREL again, sends the message again
    taken_over_kills("two", 2, "3.1.1", ({"delay"}, {"cut"}, {"throttle"}))


@case
def qos_2_is_exactly_once_over_kills():
    for name, version in (("three", "5"), ("four", "3.1.1")):
        taken(name, "id BIGINT", "'mqtt.topic' = '%s', 'mqtt.qos' = '2', 'mqtt.version' = '%s', 'bridge.batch.records' = '7'"
              % (name, version))
        rounds = 2 if CI else 30
        for i in range(rounds):
            client.send(name, numbers(i * 100, 100), 2)
            time.sleep(0.01 * (i % 5))
            server.again()
        came(name, list(range(rounds * 100)))


@case
def qos_2_is_exactly_once_with_a_broker_that_keeps_to_the_protocol():
    count = 600 if CI else 6000
    for name, version in (("strict5", "5"), ("strict3", "3.1.1")):
        strict = Strict(version, count)
        taken(name, "id BIGINT", "'mqtt.topic' = 'x', 'mqtt.qos' = '2', 'mqtt.version' = '%s', 'bridge.batch.records' = '9', "
              "'mqtt.keepalive' = '1 s'" % version, strict.port)
        for i in range(1 if CI else 12):
            time.sleep(0.5)
            server.again()
        until("it has been told of all", 120, lambda: not strict.left())
        got = ids(name)
        assert sorted(got) == list(range(count)), (len(got), count, [i for i, n in collections.Counter(got).items() if n > 1][:9])
        print("%s: %d connections, %d messages sent again" % (name, strict.connections, strict.again))
        assert strict.connections > 10 and strict.again > 10


@case
def what_comes_while_we_are_away_is_kept():
    taken("away", "id BIGINT", "'mqtt.topic' = 'away', 'mqtt.qos' = '1', 'mqtt.session.expiry' = '1 h'")
    client.send("away", numbers(0, 50))
    came("away", list(range(50)))
    server.stop()
    client.send("away", numbers(50, 500))
    broker.again()
    server.start()
    until("all came", 30, lambda: len(set(ids("away"))) == 550)
    assert ids("away") == list(range(550))
    server.force("away", "FORCED_OPEN")
    until("it rests", 10, lambda: not server.bridge("away")["busy"])
    client.send("away", numbers(550, 10))
    time.sleep(0.5)
    assert len(ids("away")) == 550
    server.force("away", "CLOSED")
    came("away", list(range(560)))


@case
def a_broker_that_forgets_the_session_is_subscribed_anew():
    taken("forgot", "id BIGINT", "'mqtt.topic' = 'forgot', 'mqtt.qos' = '2', 'bridge.batch.records' = '5'")
    for i in range(3):
        client.send("forgot", numbers(i * 20, 20), 2)
        until("they came", 30, lambda: len(ids("forgot")) == i * 20 + 20)
        broker.without_memory()
        if i == 1:
            server.again()
        until("it is there again", 20, lambda: client.c.is_connected())
        listens("forgot")
        time.sleep(0.5)
    came("forgot", list(range(60)))


@case
def kept_messages_come_once():
    client.send("kept/a", ['{"id":1}'], retain=True)
    for name, version in (("kept5", "5"), ("kept3", "3.1.1")):
        taken(name, "id BIGINT, h MAP<STRING, BYTES> METADATA FROM 'headers'", "'mqtt.topic' = 'kept/#', 'mqtt.keepalive' = '1 s', 'mqtt.version' = '%s'" % version,
              proxy.port, out="id BIGINT, r STRING", select="id, CAST(h['retain'] AS STRING)")
        until("it came", 30, lambda: rows(name) == [[1, "1"]])
    for _ in range(3):
        proxy.reset_all()
        time.sleep(0.4)
    broker.again()
    time.sleep(0.6)
    client.send("kept/b", ['{"id":2}'])
    for name in ("kept5", "kept3"):
        until("the next came", 30, lambda: len(rows(name)) > 1)
        assert rows(name) == [[1, "1"], [2, "0"]], rows(name)
    client.send("kept/a", [""], retain=True)


@case
def other_filters_take_the_place_of_those_before():
    taken("moved", "id BIGINT", "'mqtt.topic' = 'from/#;both'")
    client.send("from/x", numbers(0, 1))
    client.send("both", numbers(1, 1))
    came("moved", [0, 1])
    server.sql("DROP JOB `insert-into_moved_out`;")
    server.sql(table("moved", "id BIGINT", "'mqtt.topic' = 'both;to'"))
    server.sql("INSERT INTO moved_out SELECT id FROM moved;")
    listens("moved")
    client.send("from/x", numbers(2, 1))
    client.send("both", numbers(3, 1))
    client.send("to", numbers(4, 1))
    until("all came", 30, lambda: set(ids("moved")) >= {3, 4})
    assert 2 not in ids("moved"), ids("moved")


@case
def a_message_that_is_too_large_is_dead_and_the_next_ones_come():
    taken("large", "id BIGINT", "'mqtt.topic' = 'large', 'mqtt.qos' = '2', 'mqtt.keepalive' = '2 s'")
    client.send("large", ['{"id":0}', b"x" * (20 << 20), '{"id":1}', b'{"id":2,"x":"' + b"y" * (2 << 20) + b'"}'], 2)
    came("large", [0, 1, 2])
    until("one is dead", 20, lambda: server.bridge("large")["dead"] == 1)
    dead = server.rows("SELECT reason, record_bytes FROM `large$dead`;")
    assert len(dead) == 1 and "a message of 20971" in dead[0][0], dead
    time.sleep(2 if CI else 5)  # the connection is kept alive
    assert server.bridge("large")["failures"] == 0, server.bridge("large")


# ---- as a sink ----

@case
def rows_are_published_at_each_qos_in_both_versions():
    server.source("pub_in")
    count = 200 if CI else 1200
    listener = Client(broker, topic="pub/#")
    for qos in range(3):
        for version in ("3.1.1", "5"):
            name = "pub%d%s" % (qos, version[0])
            server.sql(table(name, "id BIGINT, k STRING", "'mqtt.topic' = 'pub/%s', 'mqtt.qos' = '%d', 'mqtt.version' = '%s'%s" % (
                name, qos, version, ", 'mqtt.content.type' = 'application/json', 'mqtt.message.expiry' = '1 h'" if version == "5" else "")))
            server.sql("INSERT INTO %s SELECT id, k FROM pub_in;" % name)
    server.post("pub_in", made(0, count))
    until("all came", 60, lambda: len(listener.heard) >= 6 * count)
    by = collections.defaultdict(list)
    for m in listener.heard:
        by[m.topic].append(m)
    assert len(by) == 6
    for topic, messages in by.items():
        assert [m.payload.decode() for m in messages] == ['{"id":%d,"k":"k%d"}' % (i, i % 7) for i in range(count)], topic
        assert {m.qos for m in messages} == {int(topic[7])}, topic
        if topic[8] == "5":
            p = messages[0].properties
            assert p.ContentType == "application/json" and p.PayloadFormatIndicator == 1 and p.MessageExpiryInterval <= 3600
            keys = {dict(m.properties.UserProperty)["quickwater-id"] for m in messages}
            assert len(keys) == count
    listener.close()


@case
def a_row_is_a_kept_message_and_a_deleted_one_is_none():
    server.source("shadow_in")
    server.sql(table("shadow", "k STRING, c BIGINT, PRIMARY KEY (k) NOT ENFORCED",
                     "'mqtt.topic' = 'shadow/{k}/state', 'mqtt.retain' = 'true'"))
    server.sql("INSERT INTO shadow SELECT k, COUNT(*) FROM shadow_in GROUP BY k HAVING COUNT(*) < 100;")
    server.post("shadow_in", made(0, 350))
    server.arrived("shadow")

    def kept():
        listener = Client(broker, topic="shadow/#")
        time.sleep(0.5)
        listener.close()
        return {m.topic: m.payload.decode() for m in listener.heard if m.retain}
    want = {"shadow/k%d/state" % k: '{"k":"k%d","c":50}' % k for k in range(7)}
    assert kept() == want, kept()
    server.post("shadow_in", [{"id": 1, "k": "k0", "n": None, "ts": None}] * 50)
    until("a row goes", 20, lambda: len(kept()) == 6)
    assert "shadow/k0/state" not in kept()
    server.post("shadow_in", [{"id": 1, "k": "#", "n": None, "ts": None}])
    until("that is no topic", 30, lambda: server.bridge("shadow")["dead"] == 1)
    assert "its topic" in server.rows("SELECT reason FROM `shadow$dead`;")[0][0]


def published(topic, listener, sent, name):
    """Each at least once; the first time in order."""
    server.arrived(name)
    until("all came", 30, lambda: len({m.payload for m in listener.heard}) >= sent)
    first = list(dict.fromkeys(m.payload.decode() for m in listener.heard))
    assert first == numbers(0, sent), (len(first), sent)
    ids_of = collections.defaultdict(set)
    for m in listener.heard:
        ids_of[m.payload].add(dict(m.properties.UserProperty)["quickwater-id"])
    assert all(len(v) == 1 for v in ids_of.values()), "a record that is sent again has the same id"
    print("%s: %d of %d came again" % (name, len(listener.heard) - sent, sent))
    listener.close()


@case
def nothing_is_lost_over_a_connection_that_hurts():
    listeners = {}
    for qos in (1, 2):
        name = "hurt%d" % qos
        listeners[name] = Client(broker, topic=name)
        server.source("%s_in" % name)
        server.sql(table(name, "id BIGINT", "'mqtt.topic' = '%s', 'mqtt.qos' = '%d', 'bridge.batch.records' = '50'" % (name, qos), proxy.port))
        server.sql("INSERT INTO %s SELECT id FROM %s_in;" % (name, name))
    server.sql("CREATE TABLE both (id BIGINT, k STRING, n INT, ts TIMESTAMP(3)) WITH ('connector' = 'kafka', 'topic' = 'both', "
               "'format' = 'json', 'scan.startup.mode' = 'earliest-offset'); INSERT INTO hurt1_in SELECT * FROM both; "
               "INSERT INTO hurt2_in SELECT * FROM both;")
    sent = hurt(server, proxy, "both", 1 if CI else 4)
    for qos in (1, 2):
        name = "hurt%d" % qos
        published(name, listeners[name], sent, name)
        assert server.bridge(name)["failures"] > 1 and server.bridge(name)["trouble"] is None, server.bridge(name)


@case
def nothing_is_lost_over_kills():
    listener = Client(broker, topic="killed", client_id="listener")
    server.source("killed_in")
    server.sql(table("killed", "id BIGINT", "'mqtt.topic' = 'killed', 'bridge.batch.records' = '20'"))
    server.sql("INSERT INTO killed SELECT id FROM killed_in;")
    published("killed", listener, kills(server, broker, "killed_in", 2), "killed")


# ---- who we are, and what is refused ----

@case
def passwords_rights_and_tls():
    home = os.path.join(WORK, "closed")
    os.makedirs(home)
    run = lambda *words: subprocess.run(words, check=True, cwd=home, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
        "-addext", "subjectAltName=DNS:localhost", "-keyout", "key.pem", "-out", "cert.pem")
    run("mosquitto_passwd", "-b", "-c", "users", "writer", "right")
    with open(os.path.join(home, "acl"), "w") as f:
        f.write("user writer\ntopic readwrite mine/#\n")
    closed = Broker("closed", "allow_anonymous false\npassword_file {dir}/users\nacl_file {dir}/acl\nlistener {tls_port}\n"
                              "certfile {dir}/cert.pem\nkeyfile {dir}/key.pem\ncafile {dir}/cert.pem\n")
    server.source("who_in")
    ca, secret = "'mqtt.tls' = 'true', 'mqtt.tls.ca' = '%s/cert.pem'" % home, "'mqtt.user' = 'writer', 'mqtt.password' = 'right'"
    for name, way, port, says in (
            ("w1", "'mqtt.host' = 'localhost', 'mqtt.user' = 'writer', 'mqtt.password' = 'wrong'", closed.port, "not authorized"),
            ("w2", "'mqtt.version' = '3.1.1', 'mqtt.user' = 'writer', 'mqtt.password' = 'wrong'", closed.port, "not authorized"),
            ("w3", "'mqtt.host' = '127.0.0.1', %s, %s" % (ca, secret), closed.tls_port, "mismatch"),
            ("w4", "'mqtt.host' = 'localhost', 'mqtt.tls' = 'true', %s" % secret, closed.tls_port, "self-signed"),
            ("w5", "'mqtt.tls' = 'true', %s" % secret, closed.port, "MQTT at"),
            ("w6", "%s, 'mqtt.topic' = 'other'" % secret, closed.port, "not authorized")):
        server.sql(table(name, "id BIGINT", way + ("" if "topic" in way else ", 'mqtt.topic' = 'mine/x'"), port))
        server.sql("INSERT INTO %s SELECT id FROM who_in;" % name)
        server.post("who_in", made(0, 1))
        until("%s fails for %s" % (name, says), 20, lambda: says in trouble(name))
        assert "right" not in trouble(name) and "wrong" not in trouble(name)
        server.sql("DROP JOB `insert-into_%s`; DROP TABLE %s;" % (name, name))
    server.sql(table("wr", "id BIGINT", "'mqtt.host' = 'localhost', %s, %s, 'mqtt.topic' = 'mine/{id}', 'mqtt.qos' = '2'" % (ca, secret), closed.tls_port))
    server.sql(table("rd", "id BIGINT", "'mqtt.host' = 'localhost', %s, %s, 'mqtt.topic' = 'mine/+', 'mqtt.qos' = '2'" % (ca, secret), closed.tls_port))
    server.sql("CREATE TABLE rd_out (id BIGINT) WITH ('connector' = 'kafka', 'topic' = 'rd_out', 'format' = 'json', "
               "'scan.startup.mode' = 'earliest-offset'); INSERT INTO rd_out SELECT id FROM rd;")
    listens("rd")
    server.source("tls_in")
    server.sql("INSERT INTO wr SELECT id FROM tls_in;")
    server.post("tls_in", made(0, 700))
    came("rd", list(range(700)))
    server.arrived("wr")
    closed.again()
    server.post("tls_in", made(700, 100))
    came("rd", list(range(800)))
    closed.stop()


@case
def what_is_wrong_is_said():
    assert server.refused(table("w", "id BIGINT", "'mqtt.topik' = 'a'")) == "connector 'mqtt' has no option 'mqtt.topik'"
    assert server.refused(table("w", "id BIGINT", "'mqtt.qos' = '1'")) == "connector 'mqtt' needs the option 'mqtt.topic'"
    assert server.refused(table("w", "id BIGINT", "'mqtt.topic' = 'a', 'mqtt.qos' = '3'")) == \
        "option 'mqtt.qos' of connector 'mqtt' is '3'"
    assert "needs 'mqtt.tls' = 'true'" in server.refused(table("w", "id BIGINT", "'mqtt.topic' = 'a', 'mqtt.tls.ca' = 'x'"))
    assert "needs 'mqtt.version' = '5'" in server.refused(
        table("w", "id BIGINT", "'mqtt.topic' = 'a', 'mqtt.version' = '3.1.1', 'mqtt.message.expiry' = '1 s'"))
    server.source("w_in")
    for topic, says in (("a/#", "is no topic"), ("a/{no}", "{no}"), ("a/{id", "{id}"), ("", "is no topic")):
        server.sql(table("w", "id BIGINT", "'mqtt.topic' = '%s'" % topic))
        refusal = server.refused("INSERT INTO w SELECT id FROM w_in;")
        assert says in refusal, refusal
    server.sql(table("r", "id BIGINT", "'mqtt.topic' = 'a/b#'"))
    assert "is no list of filters" in server.refused("SELECT * FROM r;")
    server.sql(table("p", "id BIGINT, PRIMARY KEY (id) NOT ENFORCED", "'mqtt.topic' = 'a/{id}'"))
    assert "needs 'mqtt.retain' = 'true'" in server.refused("INSERT INTO p SELECT id FROM w_in;")
    assert "leave the PRIMARY KEY out" in server.refused("SELECT * FROM p;")
    server.sql(table("q", "id BIGINT, PRIMARY KEY (id) NOT ENFORCED", "'mqtt.topic' = 'a', 'mqtt.retain' = 'true'"))
    assert "must have all columns of its PRIMARY KEY" in server.refused("INSERT INTO q SELECT id FROM w_in;")


checks.main(None)
