"""Redis as a sink and as a source: every kind of value, over a proxy that hurts, over kills of Redis and of our server."""
import os, socket, sys, time

import checks
from bridges import HASTE, Proxy, Server, child, free_port, hurt, kills, made
from checks import case, until

WORK = sys.argv[1]


class Redis:
    """A real one that keeps what it acknowledged, and a client of a few lines for looking into it."""

    def __init__(self):
        self.port = free_port()
        self.dir = os.path.join(WORK, "redis")
        os.makedirs(self.dir, exist_ok=True)
        self.start()

    def start(self):
        self.process = child(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", self.dir, "--appendonly", "yes",
             "--appendfsync", "always", "--save", "", "--logfile", os.path.join(self.dir, "log")])
        until("Redis answers", 30, self.answers)

    def answers(self):
        try:
            return self.do("PING") == "PONG"
        except (OSError, RuntimeError):
            return False

    def again(self):
        self.process.kill()
        self.process.wait()
        self.start()

    def do(self, *words):
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as s:
            words = [w if isinstance(w, bytes) else str(w).encode() for w in words]
            s.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words))
            return self._read(s.makefile("rb"))

    def _read(self, f):
        line = f.readline()
        kind, rest = line[:1], line[1:-2]
        if kind == b"$":
            return None if rest == b"-1" else f.read(int(rest) + 2)[:-2].decode()
        if kind == b"*":
            return None if rest == b"-1" else [self._read(f) for _ in range(int(rest))]
        if kind == b"-":
            raise RuntimeError(rest.decode())
        if not kind:
            raise OSError("closed")
        return int(rest) if kind == b":" else rest.decode()

    def hash(self, key):
        flat = self.do("HGETALL", key)
        return dict(zip(flat[::2], flat[1::2]))


redis = Redis()
proxy = Proxy(redis.port)
server = Server(WORK)


def table(name, columns, options, port=None):
    return "CREATE TABLE %s (%s) WITH ('connector' = 'redis', 'redis.port' = '%d', %s, %s);" % (
        name, columns, port or redis.port, options, HASTE)


@case
def a_hash_a_row_with_updates_and_deletes():
    server.source("h_in")
    server.sql(table("h", "k STRING, c BIGINT, s INT, last TIMESTAMP(3), PRIMARY KEY (k) NOT ENFORCED",
                     "'redis.type' = 'hash'"))
    server.sql("INSERT INTO h SELECT k, COUNT(*), SUM(n), MAX(ts) FROM h_in GROUP BY k HAVING COUNT(*) < 100;")
    server.post("h_in", made(0, 350))
    until("seven rows", 30, lambda: redis.hash("h:k6").get("c") == "50")
    assert redis.hash("h:k0") == {"k": "k0", "c": "50", "s": str(sum(i % 100 for i in range(0, 350, 7))),
                                  "last": "2026-01-01 00:00:59.500"}, redis.hash("h:k0")
    server.post("h_in", [{"id": 1, "k": "k0", "n": None, "ts": None}] * 50)  # past HAVING: the row is deleted
    until("the row goes", 30, lambda: redis.do("EXISTS", "h:k0") == 0)
    assert redis.do("EXISTS", "h:k1") == 1


@case
def columns_that_are_null_have_no_field():
    server.source("nulls_in")
    server.sql(table("nulls", "id BIGINT, n INT, PRIMARY KEY (id) NOT ENFORCED",
                     "'redis.type' = 'hash', 'redis.key.prefix' = 'nn/'"))
    server.sql("INSERT INTO nulls SELECT id, n FROM nulls_in;")
    server.post("nulls_in", [{"id": 1, "n": 5}, {"id": 2, "n": None}, {"id": 1, "n": None}])
    until("both rows", 30, lambda: redis.hash("nn/2") == {"id": "2"} and redis.hash("nn/1") == {"id": "1"})


@case
def strings_in_a_format_that_expire():
    server.source("s_in")
    server.sql(table("s", "k STRING, id BIGINT, c BIGINT, PRIMARY KEY (k, id) NOT ENFORCED",
                     "'redis.type' = 'string', 'redis.key.separator' = '|', 'redis.ttl' = '1 h'"))
    server.sql(table("csvs", "k STRING, c BIGINT, PRIMARY KEY (k) NOT ENFORCED",
                     "'redis.type' = 'string', 'format' = 'csv', 'csv.field-delimiter' = ';'"))
    server.sql("INSERT INTO s SELECT k, id, COUNT(*) FROM s_in GROUP BY k, id;")
    server.sql("INSERT INTO csvs SELECT k, COUNT(*) FROM s_in GROUP BY k;")
    server.post("s_in", made(0, 14))
    server.arrived("s")
    server.arrived("csvs")
    until("the rows", 10, lambda: redis.do("GET", "s:k3|10"))
    assert redis.do("GET", "csvs:k3") == '"k3";2', redis.do("GET", "csvs:k3")
    assert redis.do("GET", "s:k3|10") == '{"k":"k3","id":10,"c":1}', redis.do("GET", "s:k3|10")
    assert 3_500_000 < redis.do("PTTL", "s:k3|10") <= 3_600_000
    assert redis.do("PTTL", "csvs:k3") == -1


@case
def a_sorted_set_is_a_leaderboard():
    server.source("z_in")
    server.sql(table("board", "player STRING, points BIGINT, PRIMARY KEY (player) NOT ENFORCED",
                     "'redis.type' = 'zset', 'redis.key' = 'top'"))
    server.sql("INSERT INTO board SELECT k, SUM(n) FROM z_in GROUP BY k;")
    server.post("z_in", made(0, 70))
    want = {"k%d" % k: sum(i % 100 for i in range(k, 70, 7)) for k in range(7)}
    until("the scores", 30, lambda: redis.do("ZSCORE", "top", "k6") == str(want["k6"]))
    assert redis.do("ZREVRANGE", "top", 0, 0) == [max(want, key=want.get)]
    assert redis.do("ZCARD", "top") == 7


@case
def lists_streams_channels():
    server.source("q_in")
    server.sql(table("l", "id BIGINT, k STRING", "'redis.type' = 'list', 'redis.key' = 'q'"))
    server.sql(table("x", "id BIGINT, k STRING", "'redis.type' = 'stream'"))
    server.sql(table("c", "id BIGINT", "'redis.type' = 'channel', 'redis.key' = 'news', 'format' = 'csv'"))
    listener = socket.create_connection(("127.0.0.1", redis.port), timeout=30)
    listener.sendall(b"*2\r\n$9\r\nSUBSCRIBE\r\n$4\r\nnews\r\n")
    heard = listener.makefile("rb")
    redis._read(heard)
    for t in ("l", "x"):
        server.sql("INSERT INTO %s SELECT id, k FROM q_in;" % t)
    server.sql("INSERT INTO c SELECT id FROM q_in;")
    server.post("q_in", made(0, 1200))
    assert [redis._read(heard)[2] for _ in range(1200)] == [str(i) for i in range(1200)]
    listener.close()
    until("all are there", 30, lambda: redis.do("LLEN", "q") == 1200 and redis.do("XLEN", "x") == 1200)
    assert redis.do("LRANGE", "q", 0, 1) == ['{"id":0,"k":"k0"}', '{"id":1,"k":"k1"}']
    assert [e[1] for e in redis.do("XRANGE", "x", "-", "+")] == [["id", str(i), "k", "k%d" % (i % 7)]
                                                                for i in range(1200)]


@case
def nothing_lost_nothing_twice_over_a_connection_that_hurts():
    server.source("hurt_in")
    server.sql(table("hurt", "id BIGINT", "'redis.type' = 'list', 'bridge.batch.records' = '50'", proxy.port))
    server.sql("INSERT INTO hurt SELECT id FROM hurt_in;")
    sent = hurt(server, proxy, "hurt_in")
    server.arrived("hurt")
    got, want = redis.do("LRANGE", "hurt", 0, -1), ['{"id":%d}' % i for i in range(sent)]
    assert got == want, (len(got), len(want), [(i, g, w) for i, (g, w) in enumerate(zip(got, want)) if g != w][:3])
    info = server.bridge("hurt")
    assert info["failures"] > 5 and info["delivered"] >= 0 and info["trouble"] is None, info


@case
def nothing_lost_nothing_twice_over_kills():
    server.source("killed_in")
    server.sql(table("killed", "id BIGINT", "'redis.type' = 'stream', 'bridge.batch.records' = '20'"))
    server.sql("INSERT INTO killed SELECT id FROM killed_in;")
    sent = kills(server, redis, "killed_in")
    server.arrived("killed")
    assert [e[1][1] for e in redis.do("XRANGE", "killed", "-", "+")] == [str(i) for i in range(sent)]


@case
def a_system_that_is_away_holds_back_nobody_and_the_breaker_says_so():
    server.source("away_in")
    nobody = free_port()
    server.sql(table("away", "id BIGINT", "'redis.type' = 'list'", nobody))
    server.sql(table("here", "id BIGINT", "'redis.type' = 'list'"))
    server.sql("INSERT INTO away SELECT id FROM away_in;")
    server.sql("INSERT INTO here SELECT id FROM away_in;")
    server.post("away_in", made(0, 500))
    until("the other one is served", 20, lambda: redis.do("LLEN", "here") == 500)
    until("the breaker opens", 30, lambda: server.bridge("away")["breaker"] == "OPEN")
    info = server.bridge("away")
    assert info["lag"] == 500 and "127.0.0.1:%d" % nobody in info["trouble"], info
    assert server.force("away", "FORCED_OPEN")["breaker"] == "FORCED_OPEN"
    assert server.force("away", "CLOSED")["breaker"] == "CLOSED"
    assert "no table 'nowhere'" in server.force("nowhere", "CLOSED")["error"]["message"]


@case
def what_redis_can_never_take_is_kept_with_the_reason():
    server.source("dead_in")
    redis.do("SET", "d:k2", "not a hash")  # DEL clears it: so a list in a sorted set's place is the case
    redis.do("RPUSH", "ranks", "not a sorted set")
    server.sql(table("ranks", "k STRING, n BIGINT, PRIMARY KEY (k) NOT ENFORCED", "'redis.type' = 'zset'"))
    server.sql("INSERT INTO ranks SELECT k, COUNT(*) FROM dead_in GROUP BY k;")
    server.post("dead_in", made(0, 7))
    until("they are dead", 30, lambda: server.bridge("ranks")["dead"] == 7)
    assert server.bridge("ranks")["lag"] == 0 and server.bridge("ranks")["trouble"] is None
    rows = server.rows("SELECT connector, `offset`, reason, `key` FROM ranks$dead;".replace("ranks$dead", "`ranks$dead`"))
    assert len(rows) == 7 and all(r[0] == "redis" and "WRONGTYPE" in r[2] for r in rows), rows
    redis.do("DEL", "ranks")
    server.post("dead_in", made(0, 7))
    until("the next ones are taken", 30, lambda: redis.do("ZCARD", "ranks") == 7)


@case
def a_password_and_a_database():
    redis.do("ACL", "SETUSER", "writer", "on", ">secret", "~*", "&*", "+@all")
    server.source("pw_in")
    server.sql(table("pw", "id BIGINT", "'redis.type' = 'list', 'redis.user' = 'writer', 'redis.password' = 'wrong'"))
    server.sql("INSERT INTO pw SELECT id FROM pw_in;")
    server.post("pw_in", made(0, 10))
    until("it is refused", 30, lambda: "WRONGPASS" in (server.bridge("pw")["trouble"] or ""))
    redis.do("ACL", "SETUSER", "writer", ">wrong")
    server.arrived("pw")
    assert redis.do("LLEN", "pw") == 10


@case
def what_is_wrong_is_said():
    assert server.refused(table("w", "id BIGINT", "'redis.typ' = 'list'")) == \
        "connector 'redis' has no option 'redis.typ'"
    assert server.refused(table("w", "id BIGINT", "'redis.type' = 'tree'")) == \
        "option 'redis.type' of connector 'redis' is 'tree'"
    assert "needs a PRIMARY KEY" in server.refused(table("w", "id BIGINT", "'redis.type' = 'hash'"))
    assert "only grows" in server.refused(
        table("w", "id BIGINT, PRIMARY KEY (id) NOT ENFORCED", "'redis.type' = 'list'"))
    server.sql(table("w", "k STRING, c BIGINT", "'redis.type' = 'list'"))
    server.source("w_in")
    server.sql("INSERT INTO w SELECT k, id FROM w_in;")
    assert server.refused("SELECT * FROM w;") == "`w` is written: a table of an outside system goes one way"
    server.sql(table("z", "k STRING, PRIMARY KEY (k) NOT ENFORCED", "'redis.type' = 'hash'"))
    assert server.refused("SELECT * FROM z;") == "`z` cannot be read: a hash is no sequence of rows"
    refusal = server.refused("INSERT INTO w SELECT k, COUNT(*) FROM w_in GROUP BY k;")
    assert "takes only new rows" in refusal, refusal
    server.sql("DROP JOB `insert-into_w`; DROP TABLE w;")


@case
def a_table_that_is_dropped_and_made_again_begins_anew():
    server.source("anew_in")
    for n in (10, 20):
        server.sql(table("anew", "id BIGINT", "'redis.type' = 'list'"))
        job = server.sql("INSERT INTO anew SELECT id FROM anew_in;")
        if n == 10:
            server.post("anew_in", made(0, 10))
        until("all are there", 30, lambda: redis.do("LLEN", "anew") == n)
        server.sql("DROP JOB `insert-into_anew`; DROP TABLE anew;")
    assert all(b["table"] != "anew" for b in server.http("GET", "/v1/bridges"))
    server.stop()
    server.start()
    assert redis.do("LLEN", "anew") == 20


# ---- as a source ----

def taken(name, columns, options, port=None, select="*"):
    """A job that takes a table of Redis into a topic."""
    server.sql(table(name, columns, options, port))
    server.sql("CREATE TABLE %s_out (%s) WITH ('connector' = 'kafka', 'topic' = '%s_out', 'format' = 'json', "
               "'scan.startup.mode' = 'earliest-offset');" % (name, columns.split(" METADATA")[0], name))
    server.sql("INSERT INTO %s_out SELECT %s FROM %s;" % (name, select, name))


def came(name, want, seconds=60):
    until("%d of %s came" % (len(want), name), seconds, lambda: len(server.rows("SELECT * FROM %s_out;" % name)) >= len(want))
    got = server.rows("SELECT * FROM %s_out;" % name)
    assert got == want, (len(got), len(want), [(i, g, w) for i, (g, w) in enumerate(zip(got, want)) if g != w][:3])


@case
def a_stream_is_read_with_its_ids_and_times():
    for i in range(1, 701):
        redis.do("XADD", "src", "%d-0" % (1700000000000 + i), "id", i, "k", "k%d" % (i % 7), "more", "x")
    server.sql(table("src", "id BIGINT, k STRING, at TIMESTAMP_LTZ(3) METADATA FROM 'timestamp', "
                            "h MAP<STRING, BYTES> METADATA FROM 'headers'", "'redis.type' = 'stream'"))
    server.sql("CREATE TABLE src_out (id BIGINT, k STRING, at TIMESTAMP_LTZ(3), entry STRING) WITH "
               "('connector' = 'kafka', 'topic' = 'src_out', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');")
    server.sql("INSERT INTO src_out SELECT id, k, at, CAST(h['id'] AS STRING) FROM src;")
    until("all came", 30, lambda: len(server.rows("SELECT id FROM src_out;")) == 700)
    first = server.rows("SELECT * FROM src_out;")[0]
    assert first[0] == 1 and first[1] == "k1" and "22:13:20.001" in first[2] and first[3] == "1700000000001-0", first
    assert [r[0] for r in server.rows("SELECT id FROM src_out;")] == list(range(1, 701))
    info = server.bridge("src")
    assert info["way"] == "source" and info["delivered"] == 700, info


@case
def several_streams_are_partitions_and_a_field_may_hold_the_row():
    for i in range(300):
        redis.do("XADD", "m%d" % (i % 3), "*", "row", '{"id":%d}' % i)
    redis.do("XADD", "m1", "*", "other", "no row")
    redis.do("XADD", "m1", "*", "row", "{no json")
    taken("m", "id BIGINT", "'redis.type' = 'stream', 'redis.key' = 'm0;m1;m2', 'redis.stream.field' = 'row'")
    until("all came", 30, lambda: len(server.rows("SELECT id FROM m_out;")) == 300)
    assert sorted(r[0] for r in server.rows("SELECT id FROM m_out;")) == list(range(300))
    until("one is dead", 30, lambda: server.bridge("m")["dead"] == 1)
    rows = server.rows("SELECT reason, record FROM `m$dead`;")
    assert len(rows) == 1 and "of `m1` has no field 'row'" in rows[0][0] and rows[0][1] == '{"other":"no row"}', rows
    until("one cannot be read", 30, lambda: len(server.rows("SELECT record FROM `m$errors`;")) == 1)
    assert server.rows("SELECT record FROM `m$errors`;")[0][0] == "{no json"


@case
def where_a_stream_begins():
    for i in range(10):
        redis.do("XADD", "late", "%d-1" % (1000 + i), "id", i)
    taken("late", "id BIGINT", "'redis.type' = 'stream', 'scan.startup.mode' = 'latest-offset'")
    server.sql(table("timed", "id BIGINT", "'redis.type' = 'stream', 'redis.key' = 'late', 'scan.startup.mode' = "
                                           "'timestamp', 'scan.startup.timestamp-millis' = '1007'"))
    server.sql("CREATE TABLE timed_out (id BIGINT) WITH ('connector' = 'kafka', 'topic' = 'timed_out', "
               "'format' = 'json', 'scan.startup.mode' = 'earliest-offset');")
    server.sql("INSERT INTO timed_out SELECT id FROM timed;")
    came("timed", [[7], [8], [9]])
    until("its start is kept", 30, lambda: server.bridge("late")["calls"] >= 1)
    server.again()
    redis.do("XADD", "late", "*", "id", 10)
    came("late", [[10]])
    came("timed", [[7], [8], [9], [10]])


@case
def a_list_is_taken_once_over_kills():
    taken("jobs", "id BIGINT", "'redis.type' = 'list', 'bridge.batch.records' = '13', 'bridge.poll.interval' = '5 ms'")
    rounds = 6 if os.environ.get("INTEROP_MODE") == "ci" else 24
    for i in range(rounds):
        redis.do("RPUSH", "jobs", *['{"id":%d}' % n for n in range(i * 200, i * 200 + 200)])
        time.sleep(0.03 * (i % 4))
        (redis, server)[i % 2].again()
    came("jobs", [[n] for n in range(rounds * 200)])
    assert redis.do("LLEN", "jobs") == 0


@case
def a_stream_is_taken_once_over_kills_and_a_connection_that_hurts():
    taken("log", "id BIGINT", "'redis.type' = 'stream', 'bridge.batch.records' = '17'", proxy.port)
    rounds, troubles = (6 if os.environ.get("INTEROP_MODE") == "ci" else 24), ({"delay"}, {"cut"}, {"throttle"}, {"deaf"})
    for i in range(rounds):
        proxy.trouble = troubles[i % 4]
        for n in range(i * 100, i * 100 + 100):
            redis.do("XADD", "log", "*", "id", n)
        time.sleep(0.03 * (i % 4))
        (redis, server)[i % 2].again()
        proxy.reset_all()
    proxy.trouble = set()
    came("log", [[n] for n in range(rounds * 100)])


@case
def a_list_is_taken_once_over_a_connection_that_hurts():
    taken("hurtlist", "id BIGINT", "'redis.type' = 'list', 'bridge.batch.records' = '20', 'bridge.poll.interval' = "
                                   "'5 ms'", proxy.port)
    for i, trouble in enumerate(({"delay"}, {"cut"}, {"throttle"}, {"deaf"}, {"cut", "delay"}, set())):
        proxy.trouble = trouble
        redis.do("RPUSH", "hurtlist", *['{"id":%d}' % n for n in range(i * 300, i * 300 + 300)])
        time.sleep(1)
        proxy.reset_all()
    proxy.trouble = set()
    came("hurtlist", [[n] for n in range(1800)])
    assert server.bridge("hurtlist")["failures"] > 0


@case
def a_channel_is_heard():
    taken("news", "id BIGINT", "'redis.type' = 'channel'")
    until("somebody listens", 30, lambda: redis.do("PUBSUB", "NUMSUB", "news")[1] == 1)
    for i in range(500):
        redis.do("PUBLISH", "news", '{"id":%d}' % i)
    came("news", [[i] for i in range(500)])
    redis.again()
    until("somebody listens again", 30, lambda: redis.do("PUBSUB", "NUMSUB", "news")[1] == 1)
    redis.do("PUBLISH", "news", '{"id":500}')
    came("news", [[i] for i in range(501)])


@case
def a_source_rests_when_it_is_told_to_and_ends_with_its_table():
    taken("rest", "id BIGINT", "'redis.type' = 'stream'")
    server.force("rest", "FORCED_OPEN")
    until("it rests", 10, lambda: not server.bridge("rest")["busy"])
    redis.do("XADD", "rest", "*", "id", 1)
    time.sleep(1)
    assert server.rows("SELECT id FROM rest_out;") == []
    server.force("rest", "CLOSED")
    came("rest", [[1]])
    server.sql("DROP JOB `insert-into_rest_out`; DROP TABLE rest;")
    assert all(b["table"] != "rest" for b in server.http("GET", "/v1/bridges"))
    server.sql(table("rest", "id BIGINT", "'redis.type' = 'stream'"))  # and from the start again
    server.sql("INSERT INTO rest_out SELECT id FROM rest;")
    came("rest", [[1], [1]])


def looked_up(name, columns, options, condition, kind="LEFT JOIN", port=None, key="id"):
    """Orders that look up table `name`, and where their rows are told."""
    server.sql("CREATE TABLE %s_in (oid BIGINT, cid BIGINT, n INT, p AS PROCTIME()) WITH ('connector' = 'kafka', 'topic' = "
               "'%s_in', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');" % (name, name))
    server.sql("CREATE TABLE %s_out (oid BIGINT, name STRING, tier INT) WITH ('connector' = 'kafka', 'topic' = '%s_out', "
               "'format' = 'json');" % (name, name))
    server.sql(table(name, columns + ", PRIMARY KEY (%s) NOT ENFORCED" % key, options, port))
    server.sql("INSERT INTO %s_out SELECT o.oid, c.name, c.tier FROM %s_in AS o %s %s FOR SYSTEM_TIME AS OF o.p AS c ON %s;"
               % (name, name, kind, name, condition))


def told(name, rows):
    until("%s is told" % name, 60, lambda: len(server.rows("SELECT oid FROM %s_out;" % name)) >= len(rows))
    got = server.rows("SELECT oid, name, tier FROM %s_out;" % name)
    assert got == rows, (len(got), len(rows), got[:5], rows[:5])


def lookup_of(name):
    return server.bridge("%s@insert-into_%s_out" % (name, name))


@case
def a_hash_is_looked_up_by_its_key():
    for i in range(5):
        redis.do("HSET", "cust:%d" % i, "id", i, "name", "n%d" % i, "tier", i * 10)
    redis.do("HSET", "cust:5", "id", 5)                        # it is there, and has nothing else
    redis.do("HSET", "cust:6", "name", "bad", "tier", "many")  # no INT
    redis.do("RPUSH", "cust:7", "a list")
    looked_up("cust", "id BIGINT, name STRING, tier INT", "'redis.type' = 'hash'", "o.cid = c.id AND c.tier > o.n")
    server.post("cust_in", [{"oid": i, "cid": i % 9, "n": 5 if i < 90 else 1000} for i in range(100)] +
                [{"oid": 100, "cid": None, "n": 0}])

    def row(i):
        cid = i % 9
        return [i, "n%d" % cid, cid * 10] if 1 <= cid < 5 and i < 90 else [i, None, None]
    told("cust", [row(i) for i in range(100)] + [[100, None, None]])
    reasons = [r[0] for r in server.rows("SELECT DISTINCT reason FROM `cust$dead`;")]
    assert any("no row of the table" in r for r in reasons) and any("WRONGTYPE" in r for r in reasons), reasons
    info = lookup_of("cust")
    assert info["way"] == "lookup" and info["lag"] == 0 and info["keys"] <= info["delivered"], info
    assert server.rows("SELECT COUNT(*) FROM cust_in AS o JOIN cust FOR SYSTEM_TIME AS OF o.p AS c ON o.cid = c.id;") == [[78]]  # tier is not asked for
    assert not [b for b in server.http("GET", "/v1/bridges") if "query-" in b["table"]]


@case
def a_string_is_looked_up_by_two_columns_and_its_cache_grows_old():
    server.sql(table("pair", "id BIGINT, region STRING, name STRING, tier INT, PRIMARY KEY (region, id) NOT ENFORCED",
                     "'redis.type' = 'string', 'redis.key.separator' = '|', 'lookup.cache' = 'PARTIAL', "
                     "'lookup.partial-cache.expire-after-write' = '3 s'"))
    redis.do("SET", "pair:eu|1", '{"name": "one", "tier": 1, "more": [1, 2]}')
    redis.do("SET", "pair:eu|2", "no JSON")
    server.sql("CREATE TABLE pair_in (oid BIGINT, cid BIGINT, p AS PROCTIME()) WITH ('connector' = 'kafka', 'topic' = "
               "'pair_in', 'format' = 'json');")
    server.sql("CREATE TABLE pair_out (oid BIGINT, name STRING, tier INT) WITH ('connector' = 'kafka', 'topic' = 'pair_out', "
               "'format' = 'json');")
    server.sql("INSERT INTO pair_out SELECT o.oid, c.name, c.tier FROM pair_in AS o LEFT JOIN pair FOR SYSTEM_TIME AS OF o.p "
               "AS c ON o.cid = c.id AND LOWER('EU') || SUBSTRING(CAST(o.oid AS STRING) FROM 100) = c.region;")
    rows = []

    def ask(cid, *row):
        rows.append([len(rows), *row])
        server.post("pair_in", [{"oid": len(rows) - 1, "cid": cid}])
        told("pair", rows)
    ask(1, "one", 1)
    ask(2, None, None)
    redis.do("SET", "pair:eu|1", '{"name": "uno"}')
    ask(1, "one", 1)  # from the cache
    server.again()    # which is still there
    ask(1, "one", 1)
    time.sleep(3)
    ask(1, "uno", None)
    assert lookup_of("pair")["keys"] == 1


@case
def lookups_tell_each_row_once_over_kills_and_a_connection_that_hurts():
    for i in range(7):
        redis.do("HSET", "hurtcust:%d" % i, "name", "k%d" % i, "tier", i)
    looked_up("hurtcust", "id BIGINT, name STRING, tier INT", "'redis.type' = 'hash', 'bridge.batch.records' = '20'",
              "o.cid = c.id", port=proxy.port)
    rounds, sent = (6 if os.environ.get("INTEROP_MODE") == "ci" else 24), 0
    for i in range(rounds):
        proxy.trouble = ({"delay"}, {"cut"}, {"throttle"}, {"deaf"})[i % 4]
        server.post("hurtcust_in", [{"oid": n, "cid": n % 8} for n in range(sent, sent + 100)])
        sent += 100
        time.sleep(0.03 * (i % 4))
        (redis, server)[i % 2].again()
        proxy.reset_all()
    proxy.trouble = set()
    told("hurtcust", [[n, "k%d" % (n % 8), n % 8] if n % 8 < 7 else [n, None, None] for n in range(sent)])


@case
def when_redis_is_away_a_lookup_waits_or_tells_what_it_is_told_to():
    """One that garbles makes lookups wait too: what it changes in a value nobody can see."""
    redis.do("HSET", "waits:1", "name", "one")
    fast = "'lookup.max-retries' = '1'"
    looked_up("waits", "id BIGINT, name STRING, tier INT", fast, "o.cid = c.id", port=proxy.port)
    looked_up("nulls2", "id BIGINT, name STRING, tier INT", fast + ", 'lookup.fallback' = 'null'", "o.cid = c.id", port=proxy.port)
    looked_up("other", "id BIGINT, name STRING, tier INT", fast + ", 'lookup.fallback' = 'default', 'lookup.default' = "
              "'{\"name\": \"nobody\", \"tier\": -1}'", "o.cid = c.id", "JOIN", port=proxy.port)
    names = ("waits", "nulls2", "other")
    for i in range(2):
        redis.do("HSET", "%s:1" % names[i + 1], "name", "one")
    proxy.trouble = {"deaf"}
    proxy.reset_all()
    for name in names:
        server.post(name + "_in", [{"oid": i, "cid": 1} for i in range(3)])
    told("nulls2", [[i, None, None] for i in range(3)])
    told("other", [[i, "nobody", -1] for i in range(3)])
    assert lookup_of("waits")["lag"] > 0 and lookup_of("other")["instead"] > 0
    assert server.rows("SELECT oid FROM waits_out;") == []
    proxy.trouble = set()
    proxy.reset_all()
    told("waits", [[i, "one", None] for i in range(3)])
    server.post("other_in", [{"oid": 3, "cid": 1}])
    until("Redis is asked again", 30, lambda: ["one"] in [r[1:2] for r in server.rows("SELECT oid, name FROM other_out;")] or
          server.post("other_in", [{"oid": 4, "cid": 1}]))


@case
def what_cannot_be_looked_up_is_refused():
    server.sql("CREATE TABLE no_in (k STRING, p AS PROCTIME()) WITH ('connector' = 'kafka', 'topic' = 'no_in', 'format' = "
               "'json');")
    server.sql(table("nolist", "k STRING", "'redis.type' = 'list'"))
    server.sql(table("noz", "k STRING, v DOUBLE, PRIMARY KEY (k) NOT ENFORCED", "'redis.type' = 'zset'"))
    for name, why in (("nolist", "cannot be asked"), ("noz", "has no rows by key")):
        message = server.refused("SELECT o.k FROM no_in AS o JOIN %s FOR SYSTEM_TIME AS OF o.p AS c ON o.k = c.k;" % name)
        assert why in message, message
    assert "'FULL'" in server.refused(table("nofull", "k STRING, PRIMARY KEY (k) NOT ENFORCED", "'lookup.cache' = 'FULL'"))
    server.sql(table("held", "k STRING, PRIMARY KEY (k) NOT ENFORCED", "'redis.type' = 'hash'"))
    server.sql("CREATE TABLE held_out (k STRING) WITH ('connector' = 'blackhole');")
    server.sql("INSERT INTO held_out SELECT o.k FROM no_in AS o JOIN held FOR SYSTEM_TIME AS OF o.p AS c ON o.k = c.k;")
    assert "is used by job" in server.refused("DROP TABLE held;")
    server.sql("DROP JOB `insert-into_held_out`; DROP TABLE held;")
    assert not [t for t in server.http("GET", "/v1/topics?internal=true") if "lookup-insert-into_held" in t["name"]]


checks.main(None)
