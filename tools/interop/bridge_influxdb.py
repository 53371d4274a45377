"""InfluxDB as a sink: a real one on a folder of its own, which can be killed. And at our own write addresses its Python
clients, and Telegraf. What has to be built (InfluxDB 1.8.3, Telegraf) is there in full runs."""
import base64, hashlib, hmac, json, os, socket, subprocess, sys, time, urllib.error, urllib.parse, urllib.request

import influxdb, influxdb_client
from influxdb_client.client.write_api import SYNCHRONOUS

import checks
from bridges import HASTE, Proxy, Server, child, free_port, hurt, kills, made
from checks import case, until

WORK, PEER, BUILT = sys.argv[1:4]  # BUILT: "" or a folder
del sys.argv[2:4]


def built(f):
    return case(f) if BUILT else f


CONFIG = """reporting-disabled = true
bind-address = "127.0.0.1:%(rpc)d"
[meta]
dir = "%(folder)s/meta"
[data]
dir = "%(folder)s/data"
wal-dir = "%(folder)s/wal"
[monitor]
store-enabled = false
[http]
bind-address = "127.0.0.1:%(port)d"
log-enabled = false
%(more)s
"""


class Influx:
    def __init__(self, name, more="", scheme="http", program=PEER + "/usr/bin/influxd"):
        self.folder, self.port, self.scheme, self.program = os.path.join(WORK, name), free_port(), scheme, program
        os.makedirs(self.folder)
        with open(self.folder + "/conf", "w") as f:
            f.write(CONFIG % {"rpc": free_port(), "folder": self.folder, "port": self.port, "more": more})
        self.start()

    def start(self):
        self.process = child([self.program, "-config", self.folder + "/conf"],
                             stdout=open(self.folder + "/log", "ab"), stderr=subprocess.STDOUT)
        until("InfluxDB listens", 30, self.listens)

    def listens(self):
        assert self.process.poll() is None, open(self.folder + "/log").read()[-2000:]
        try:
            socket.create_connection(("127.0.0.1", self.port)).close()
            return True
        except OSError:
            return False

    def again(self):
        self.process.kill()
        self.process.wait()
        self.start()

    def url(self, port=None, host="127.0.0.1"):
        return "%s://%s:%d" % (self.scheme, host, port or self.port)

    def query(self, text, database="db", **more):
        asked = urllib.parse.urlencode({"q": text, "db": database, "epoch": "u", **more}).encode()
        with urllib.request.urlopen(self.url() + "/query", data=asked, timeout=20) as answer:
            results = json.loads(answer.read())["results"]
        assert "error" not in results[0], results
        return results[0].get("series", [])

    def rows(self, measurement, database="db"):
        """As dictionaries, in order of time; what is NULL is left out."""
        got = []
        for s in self.query('SELECT * FROM "%s"' % measurement, database):
            got += [{k: v for k, v in zip(s["columns"], row) if v is not None} for row in s["values"]]
        return got


influx = Influx("influx")
influx.query("CREATE DATABASE db")
proxy = Proxy(influx.port)
server = Server(WORK)


def table(name, columns, options="", url=None, database="db", time_column="ts"):
    return ("CREATE TABLE %s (%s) WITH ('connector' = 'influxdb', 'influxdb.url' = '%s', 'influxdb.database' = '%s', "
            "'influxdb.time.column' = '%s', %s%s);" % (name, columns, url or influx.url(), database, time_column,
                                                     options + ", " if options else "", HASTE))


def dead(name):
    return server.rows("SELECT reason, record FROM `%s$dead`;" % name)


def trouble(name):
    return server.bridge(name)["trouble"] or ""


def source(name, columns):
    server.sql("CREATE TABLE %s (%s) WITH ('connector' = 'kafka', 'topic' = '%s', 'format' = 'json', "
               "'scan.startup.mode' = 'earliest-offset');" % (name, columns, name))


@case
def every_type():
    server.source("types_in")
    server.sql(table("types", "ts TIMESTAMP(6), host STRING, shelf INT, up BOOLEAN, day DATE, ti TINYINT, si SMALLINT, "
                     "i INT, b BIGINT, f FLOAT, d DOUBLE, m DECIMAL(10, 2), ok BOOLEAN, s STRING, at TIMESTAMP(3), "
                     "a ARRAY<INT>, r ROW<x INT, y STRING>, nothing STRING", "'influxdb.tags' = 'up, host,shelf,day'"))
    server.sql("INSERT INTO types SELECT TIMESTAMP '2026-01-01 00:00:00.123456', 'web', 7, TRUE, DATE '2026-02-03', "
               "CAST(-128 AS TINYINT), CAST(32767 AS SMALLINT), -5, 9223372036854775807, CAST(0.1 AS FLOAT), 1.5E300, "
               "12345.67, FALSE, 'a \"b\" \\c', TIMESTAMP '2026-01-01 00:00:00.500', ARRAY[1, 2], ROW(1, 'y'), "
               "CAST(NULL AS STRING) FROM types_in;")
    server.post("types_in", made(0, 1))
    server.arrived("types")
    assert influx.rows("types") == [{
        "time": 1767225600123456, "up": "true", "host": "web", "shelf": "7", "day": "2026-02-03", "ti": -128, "si": 32767,
        "i": -5, "b": 9223372036854775807, "f": 0.1, "d": 1.5e300, "m": 12345.67, "ok": False, "s": 'a "b" \\c',
        "at": "2026-01-01 00:00:00.500", "a": "[1,2]", "r": '{"x":1,"y":"y"}'}], influx.rows("types")
    kinds = {k: v for k, v in influx.query('SHOW FIELD KEYS FROM "types"')[0]["values"]}
    assert kinds == {"ti": "integer", "si": "integer", "i": "integer", "b": "integer", "f": "float", "d": "float",
                     "m": "float", "ok": "boolean", "s": "string", "at": "string", "a": "string", "r": "string"}, kinds


NASTY = ["a,b", "a b", "a=b", 'a"b', "a\\b", "a\\,b", "\\ a", "äß€😀", " a", "a ", "=", "\t", "#a", "'", "{}"]


@case
def nothing_in_a_text_is_taken_for_syntax():
    source("nasty_in", "id BIGINT, v STRING")
    server.sql(table("nasty", "t BIGINT, m STRING, tag STRING, `f =x` STRING",
                     "'influxdb.measurement.column' = 'm', 'influxdb.tags' = 'tag'", time_column="t"))
    server.sql("INSERT INTO nasty SELECT id, 'm' || REPLACE(v, '\\', '/'), v, v FROM nasty_in;")
    server.post("nasty_in", [{"id": i, "v": v} for i, v in enumerate(NASTY)])
    server.arrived("nasty")
    for i, v in enumerate(NASTY):
        name = '"%s"' % ("m" + v).replace("\\", "/").replace('"', '\\"')
        got = influx.query("SELECT * FROM %s" % name)
        assert len(got) == 1, (v, got)
        assert dict(zip(got[0]["columns"], got[0]["values"][0])) == {"time": i, "tag": v, "f =x": v}, (v, got)
    server.post("nasty_in", [{"id": 100, "v": "two\nlines"}, {"id": 101, "v": "a\\"}, {"id": 102, "v": None}])
    server.arrived("nasty")
    reasons = [r[0] for r in dead("nasty")]
    assert reasons == ["column `m` cannot name a measurement: it has a line's end in it",
                       "column `tag` cannot be a tag: it ends in a backslash",
                       "column `m` is NULL, and names the measurement"], reasons


@case
def what_is_null_is_left_out_and_what_no_point_can_have_is_dead():
    source("holes_in", "id BIGINT, g STRING, n BIGINT, x STRING, d STRING")
    server.sql(table("holes", "id BIGINT, g STRING, n BIGINT, x STRING, d DOUBLE", "'influxdb.tags' = 'g'",
                     time_column="id"))
    server.sql("INSERT INTO holes SELECT id, g, n, x, CAST(d AS DOUBLE) FROM holes_in;")
    server.post("holes_in", [
        {"id": 1, "g": "a", "n": 1}, {"id": 2, "x": "two\nlines"}, {"id": 3, "g": "", "n": 3}, {"id": 4, "g": "a"},
        {"id": 5, "n": 5, "d": "NaN"}, {"id": 6, "n": 6, "d": "Infinity"}, {"n": 7}, {"id": 8, "g": "b\\", "n": 8},
        {"id": 9, "g": "z", "n": 9, "d": "2.5"}])
    server.arrived("holes")
    assert influx.rows("holes") == [{"time": 1, "g": "a", "n": 1}, {"time": 2, "x": "two\nlines"}, {"time": 3, "n": 3},
                                    {"time": 9, "g": "z", "n": 9, "d": 2.5}], influx.rows("holes")
    got = [(r[0], json.loads(r[1]).get("n")) for r in dead("holes")]
    assert got == [("all of its fields are NULL: a point has one at least", None),
                   ("column `d` is no finite number, and InfluxDB takes no other", 5),
                   ("column `d` is no finite number, and InfluxDB takes no other", 6),
                   ("column `id` is NULL, and is the point's time", 7),
                   ("column `g` cannot be a tag: it ends in a backslash", 8)], got


@case
def of_a_partial_write_the_bad_points_are_dead_with_what_influxdb_says():
    influx.query("CREATE DATABASE partial")
    urllib.request.urlopen(influx.url() + "/write?db=partial", data=b"m v=1i 1\nother w=1i 1").read()
    source("partial_in", "id BIGINT, m STRING")
    server.sql(table("partial", "id BIGINT, m STRING, v DOUBLE", "'influxdb.measurement.column' = 'm'", time_column="id",
                     database="partial"))
    server.sql("INSERT INTO partial SELECT id, m, id / 2.0E0 FROM partial_in;")
    server.post("partial_in", [{"id": i, "m": "m" if i % 10 == 3 else "free"} for i in range(100)] +
                [{"id": 9223372036854776, "m": "free"}])
    server.arrived("partial")
    got = influx.rows("free", "partial")
    assert [(r["time"], r["v"]) for r in got] == [(i, i / 2) for i in range(100) if i % 10 != 3], got
    letters = dead("partial")
    assert [json.loads(r[1])["id"] for r in letters] == [*range(3, 100, 10), 9223372036854776], letters
    assert letters[0][0] == ('InfluxDB answers 400: {"error":"partial write: field type conflict: input field \\"v\\" on '
                             'measurement \\"m\\" is type float, already exists as type integer dropped=1"}'), letters[0]
    assert "time outside range" in letters[-1][0], letters[-1]


@case
def rows_that_change_and_rows_that_go():
    server.source("changes_in")
    for name, option in (("buried", ""), ("passed", "'influxdb.delete' = 'ignore', ")):
        server.sql(table(name, "k STRING, day TIMESTAMP(3), c BIGINT, PRIMARY KEY (k, day) NOT ENFORCED",
                         option + "'influxdb.tags' = 'k', 'influxdb.precision' = 's'", time_column="day"))
        server.sql("INSERT INTO %s SELECT k, FLOOR(ts TO MINUTE), COUNT(*) FROM changes_in GROUP BY k, "
                   "FLOOR(ts TO MINUTE) HAVING COUNT(*) < 4;" % name)
    row = {"k": "a", "ts": "2026-01-01 00:00:01.5"}
    for n in (1, 1, 3):
        server.post("changes_in", [row] * n)
        for name in ("buried", "passed"):
            until("%d row more" % n, 20, lambda: server.bridge(name)["lag"] == 0 and influx.rows(name))
            if n == 3:
                break
    until("the deletion", 20, lambda: server.bridge("buried")["dead"] == 1)
    server.arrived("passed")
    for name in ("buried", "passed"):  # the point of the row that is gone stays, as it was last
        got = influx.rows(name)
        assert len(got) == 1 and got[0]["time"] == 1767225600000000 and got[0]["k"] == "a", got
        assert got[0]["c"] in (2, 3), got
    assert "deleted" in dead("buried")[0][0] and server.bridge("passed")["dead"] == 0
    server.sql(table("appends", "k STRING, day TIMESTAMP(3), c BIGINT", time_column="day"))
    why = server.refused("INSERT INTO appends SELECT k, MAX(ts), COUNT(*) FROM changes_in GROUP BY k;")
    assert "PRIMARY KEY" in why or "update" in why, why


@case
def times_of_every_precision():
    source("times_in", "ts TIMESTAMP(6), l BIGINT")
    for unit, factor in (("ns", 1000), ("us", 1), ("ms", 0.001), ("s", 0.000001)):
        server.sql(table("times_" + unit, "ts TIMESTAMP(6), l BIGINT", "'influxdb.precision' = '%s'" % unit))
        server.sql("INSERT INTO times_%s SELECT ts, l FROM times_in;" % unit)
    server.post("times_in", [{"ts": "1969-12-31 23:59:59.999999", "l": 1}, {"ts": "2026-01-01 00:00:01.234567", "l": 2}])
    for unit, want in (("ns", [-1, 1767225601234567]), ("us", [-1, 1767225601234567]), ("ms", [-1000, 1767225601234000]),
                       ("s", [-1000000, 1767225601000000])):
        server.arrived("times_" + unit)
        assert [r["time"] for r in influx.rows("times_" + unit)] == want, (unit, influx.rows("times_" + unit))
    server.sql(table("far", "ts TIMESTAMP(6), l BIGINT", "'influxdb.precision' = 'ns'"))
    server.sql("INSERT INTO far SELECT TIMESTAMPADD(YEAR, 400, ts), l FROM times_in;")
    until("beyond", 20, lambda: server.bridge("far")["dead"] == 2)
    assert "1677 to 2262" in dead("far")[0][0]


@case
def a_database_that_is_not_there_yet_is_waited_for():
    server.source("later_in")
    server.sql(table("later", "ts TIMESTAMP(3), id BIGINT", database="not yet & more"))
    server.sql("INSERT INTO later SELECT ts, id FROM later_in WHERE id < 60;")
    server.post("later_in", made(0, 60))
    until("it says so", 20, lambda: 'it answers 404: {"error":"database not found' in trouble("later"))
    assert server.bridge("later")["dead"] == 0 and server.bridge("later")["lag"] == 60
    influx.query('CREATE DATABASE "not yet & more"')
    server.arrived("later")
    assert [r["id"] for r in influx.rows("later", "not yet & more")] == list(range(60))


def all_there(measurement, sent, where=influx):
    got = where.rows(measurement)
    assert [r["time"] for r in got] == list(range(sent)), (len(got), sent)
    assert all(r["k"] == "k%d" % (r["time"] % 7) and r["n"] == r["time"] % 100 for r in got)


@case
def nothing_lost_over_a_connection_that_hurts():
    server.source("hurt_in")
    server.sql(table("hurt", "id BIGINT, k STRING, n INT", "'influxdb.tags' = 'k', 'bridge.batch.records' = '50'",
                     url=influx.url(proxy.port), time_column="id"))
    server.sql("INSERT INTO hurt SELECT id, k, n FROM hurt_in;")
    sent = hurt(server, proxy, "hurt_in")
    server.arrived("hurt")
    info = server.bridge("hurt")
    assert info["failures"] > 5 and info["trouble"] is None and info["dead"] == 0, info
    all_there("hurt", sent)


@case
def nothing_lost_over_kills_of_both_sides():
    server.source("killed_in")
    server.sql(table("killed", "id BIGINT, k STRING, n INT", "'influxdb.tags' = 'k'", time_column="id"))
    server.sql("INSERT INTO killed SELECT id, k, n FROM killed_in;")
    sent = kills(server, influx, "killed_in")
    server.arrived("killed")
    assert server.bridge("killed")["dead"] == 0
    all_there("killed", sent)


def jwt(secret, claims):
    def coded(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=")
    text = coded(b'{"alg":"HS256","typ":"JWT"}') + b"." + coded(json.dumps(claims).encode())
    return (text + b"." + coded(hmac.new(secret.encode(), text, hashlib.sha256).digest())).decode()


@case
def tls_and_who_we_are():
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost", "-keyout", WORK + "/key.pem", "-out", WORK + "/cert.pem"],
                   check=True, stderr=subprocess.DEVNULL)
    locked = Influx("locked", 'auth-enabled = true\nshared-secret = "s e"\nhttps-enabled = true\n'
                    'https-certificate = "%s/cert.pem"\nhttps-private-key = "%s/key.pem"' % (WORK, WORK), "https")

    def ask(text):
        return subprocess.run(["curl", "-s", "--cacert", WORK + "/cert.pem", "-u", "ann:p:w", "--data-urlencode", "q=" + text,
                               locked.url(host="localhost") + "/query?db=db&epoch=u"], check=True, capture_output=True).stdout
    ask("CREATE USER ann WITH PASSWORD 'p:w' WITH ALL PRIVILEGES")
    ask("CREATE DATABASE db")
    server.source("tls_in")
    trusted = "'influxdb.cacert' = '%s/cert.pem'" % WORK
    token = "'influxdb.token' = '%s'" % jwt("s e", {"username": "ann", "exp": int(time.time()) + 3600})
    basic = "'influxdb.user' = 'ann', 'influxdb.password' = '%s'"
    for name, options in (("stranger", basic % "p:w"), ("nobody", trusted), ("wrong", trusted + ", " + basic % "pw"),
                          ("known", trusted + ", " + basic % "p:w"), ("token", trusted + ", " + token)):
        server.sql(table(name, "ts TIMESTAMP(3), id BIGINT", options, locked.url(host="localhost")).replace("'500 ms'", "'5 s'"))
        server.sql("INSERT INTO %s SELECT ts, id FROM tls_in;" % name)
    server.post("tls_in", made(0, 10))
    for name in ("known", "token"):
        server.arrived(name)
        got = json.loads(ask('SELECT id FROM "%s"' % name))["results"][0]["series"][0]["values"]
        assert [v for _, v in got] == list(range(10)), got
    for name, why in (("stranger", "certificate"), ("nobody", "it answers 401: {\"error\":\"unable to parse"),
                      ("wrong", "it answers 401: {\"error\":\"authorization failed\"}")):
        until(name, 40, lambda: why in trouble(name))
        assert server.bridge(name)["dead"] == 0 and server.bridge(name)["lag"] == 10
    server.sql("".join("DROP JOB `insert-into_%s`; DROP TABLE %s;" % (n, n) for n in ("stranger", "nobody", "wrong")))


# ---- the write address of 2.x ----

def bucket_table(name, columns, options, url, time_column="id"):
    return ("CREATE TABLE %s (%s) WITH ('connector' = 'influxdb', 'influxdb.url' = '%s', 'influxdb.org' = 'o & o', "
            "'influxdb.time.column' = '%s', %s, %s);" % (name, columns, url, time_column, options, HASTE))


@case
def a_bucket_of_our_own():
    """Our own face is no proof of what 2.x does; that it is asked for well is seen."""
    server.source("bucket_in")
    server.sql(bucket_table("bucket", "id BIGINT, k STRING, n INT", "'influxdb.bucket' = 'b', 'influxdb.tags' = 'k', "
                            "'influxdb.measurement' = 'arrived', 'influxdb.token' = 't'", "http://" + server.address))
    server.sql("INSERT INTO bucket SELECT id, k, n FROM bucket_in;")
    server.post("bucket_in", made(0, 100))
    server.arrived("bucket")
    got = sorted((json.loads(r["value"]) for r in records("arrived")), key=lambda r: r["time"])
    assert got == [{"time": "1970-01-01 00:00:00.%06d000" % i, "k": "k%d" % (i % 7), "n": i} for i in range(100)], got[:3]


@built
def a_bucket_of_1_8():
    newer = Influx("newer", "auth-enabled = true", program=BUILT + "/influxd")

    def ask(text):
        got = subprocess.run(["curl", "-s", "-u", "ann:pw", "--data-urlencode", "q=" + text,
                              newer.url() + "/query?db=db&epoch=u"], check=True, capture_output=True).stdout
        return json.loads(got)["results"][0]
    ask("CREATE USER ann WITH PASSWORD 'pw' WITH ALL PRIVILEGES")
    ask("CREATE DATABASE db")
    through = Proxy(newer.port)
    server.source("newer_in")
    for name, token, port in (("newer", "ann:pw", newer.port), ("stranger2", "ann:no", newer.port),
                              ("newer_hurt", "ann:pw", through.port)):
        server.sql(bucket_table(name, "id BIGINT, k STRING, n INT", "'influxdb.bucket' = 'db/autogen', 'influxdb.tags' = 'k', "
                                "'influxdb.token' = '%s'" % token, newer.url(port)))
        server.sql("INSERT INTO %s SELECT id, k, n FROM newer_in;" % name)
    sent = hurt(server, through, "newer_in")
    for name in ("newer", "newer_hurt"):
        server.arrived(name)
        assert server.bridge(name)["dead"] == 0
        got = [dict(zip(s["columns"], r)) for s in ask("SELECT * FROM " + name)["series"] for r in s["values"]]
        assert got == [{"time": i, "k": "k%d" % (i % 7), "n": i % 100} for i in range(sent)], (name, len(got), sent)
    assert server.bridge("newer_hurt")["failures"] > 5
    until("all of it waits", 20, lambda: server.bridge("stranger2")["lag"] == sent)
    until("it says why", 40, lambda: "it answers 401" in trouble("stranger2"))
    assert server.bridge("stranger2")["dead"] == 0
    server.sql("DROP JOB `insert-into_stranger2`; DROP TABLE stranger2;")
    server.sql(bucket_table("newer_bad", "id BIGINT, v DOUBLE", "'influxdb.bucket' = 'db', 'influxdb.token' = 'ann:pw', "
                            "'influxdb.measurement' = 'newer'", newer.url()).replace("v DOUBLE", "n DOUBLE"))
    server.sql("INSERT INTO newer_bad SELECT id, n * 1.0E0 FROM newer_in WHERE id < 3;")
    until("conflicts", 20, lambda: server.bridge("newer_bad")["dead"] == 3)
    assert "field type conflict" in dead("newer_bad")[0][0], dead("newer_bad")[0]


# ---- our own write addresses ----

def records(topic):
    got, page = [], "?from=start&limit=500"
    while True:
        answer = server.http("GET", "/v1/topics/%s/records%s" % (topic, page))
        got += answer["records"]
        if not answer["left"]:
            return got
        page = "?limit=500&after=" + answer["to"]


def where():
    host, port = server.address.split(":")
    return {"host": host, "port": int(port)}


@case
def a_client_of_1x_writes_here():
    server.sql("CREATE TABLE room (`time` TIMESTAMP(3), host STRING, t DOUBLE, n BIGINT) WITH ('connector' = 'kafka', "
               "'topic' = 'rooms', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');")
    server.sql("CREATE MATERIALIZED TABLE hosts AS SELECT host, COUNT(*) AS c, SUM(n) AS s, MAX(`time`) AS m FROM room "
               "GROUP BY host;")
    client = influxdb.InfluxDBClient(**where(), database="home", username="u", password="p")
    assert client.ping() == "1.8.0"
    client.create_database("home")
    assert {"name": "quickwater"} in client.get_list_database()
    points = [{"measurement": "room", "tags": {"host": "h, %d" % (i % 3)}, "time": 1767225600000 + i,
               "fields": {"t": i / 4, "n": i, "ok": True, "why": 'a "b"\nc\\'}} for i in range(900)]
    assert client.write_points(points, time_precision="ms", batch_size=100)
    zipped = influxdb.InfluxDBClient(**where(), database="home", gzip=True)
    assert zipped.write_points(points[:90], time_precision="ms")
    assert client.write(["room,host=h\\,\\ 9 n=1i 1767225600000000000"], {"db": "home"}, protocol="line")
    until("all in the view", 20, lambda: server.rows("SELECT SUM(c) FROM hosts;") == [[991]])
    got = {r[0]: r[1:] for r in server.rows("SELECT * FROM hosts;")}
    assert got["h, 1"] == [330, sum(range(1, 900, 3)) + sum(range(1, 90, 3)), "2026-01-01 00:00:00.898"], got
    assert got["h, 9"] == [1, 1, "2026-01-01 00:00:00.000"], got
    one = json.loads([r for r in records("rooms") if r["key"].endswith("\\,\\ 2")][0]["value"])
    real = influxdb.InfluxDBClient("127.0.0.1", influx.port, database="db")  # what it makes of the same point
    assert real.write_points(points[2:3], time_precision="ms")
    same = {k: v for k, v in influx.rows("room")[0].items() if k != "time"}
    assert one == {"time": "2026-01-01 00:00:00.002000000", **same} and same["host"] == "h, 2", (one, same)
    try:
        client.write(["room v=1 1", "bad", "room,=x v=1"], {"db": "home"}, protocol="line")
        raise AssertionError("a bad line was taken")
    except influxdb.exceptions.InfluxDBClientError as e:
        assert e.code == 400 and "partial write: unable to parse 'bad': missing fields" in str(e) and "dropped=2" in str(e), e


@case
def a_client_of_2x_writes_here_and_what_was_answered_outlives_a_kill():
    def client():
        return influxdb_client.InfluxDBClient("http://" + server.address, token="t", org="o", enable_gzip=True)
    point = influxdb_client.Point
    with client() as c:
        assert c.ping() and c.version() == "1.8.0"
        api = c.write_api(write_options=SYNCHRONOUS)
        api.write("b", record=[point("air").tag("at", "x=y").field("co2", i).field("t", 20.5).time(i, "ms")
                               for i in range(500)], write_precision="ms")
        try:
            api.write("b", record="air co2=1i 5\nnothing")
            raise AssertionError("a bad line was taken")
        except influxdb_client.rest.ApiException as e:
            assert e.status == 400 and "unable to parse 'nothing': missing fields" in json.loads(e.body)["message"], e
        with c.write_api() as batches:  # in batches, from a thread of its own
            for i in range(2000):
                batches.write("b", record=point("batched").tag("k", str(i % 10)).field("n", i).time(i, "s"))
    server.again()
    got = [json.loads(r["value"]) for r in records("air")]
    assert len(got) == 501 and got[7] == {"time": "1970-01-01 00:00:00.007000000", "at": "x=y", "co2": 7, "t": 20.5}, got[7]
    got = [json.loads(r["value"]) for r in records("batched")]
    assert sorted(r["n"] for r in got) == list(range(2000))
    for k in range(10):  # a series is in order
        assert [r["n"] for r in got if r["k"] == str(k)] == list(range(k, 2000, 10))


@built
def telegraf_writes_here():
    lines = "".join("metric%d,host=h%d,cpu=cpu\\ 0 usage=%d.25,n=%di,ok=true,text=\"a b\" %d\n" %
                    (i % 3, i % 5, i, i, 1767225600000000000 + i) for i in range(3000))
    with open(WORK + "/lines", "w") as f:
        f.write(lines)
    for name, output in (("one", 'outputs.influxdb]]\nurls = ["http://%s"]\nname_prefix = "one_"\ndatabase = "telegraf"'),
                         ("two", 'outputs.influxdb_v2]]\nurls = ["http://%s"]\nname_prefix = "two_"\nbucket = "b"\n'
                          'organization = "o"\ntoken = "t"')):
        conf = WORK + "/telegraf.%s.conf" % name
        with open(conf, "w") as f:
            f.write('[agent]\nprecision = "1ns"\nomit_hostname = true\nmetric_batch_size = 500\n'
                    'metric_buffer_limit = 10000\n[[inputs.file]]\nfiles = ["%s/lines"]\ndata_format = "influx"\n[[%s\n' % (WORK, output % server.address))
        done = subprocess.run([BUILT + "/telegraf", "--config", conf, "--once"], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0 and " E! " not in done.stderr and " W! [outputs" not in done.stderr, done.stderr
        for m in range(3):
            got = sorted((json.loads(r["value"]) for r in records("%s_metric%d" % (name, m))), key=lambda r: r["n"])
            assert got == [{"time": "2026-01-01 00:00:00.%09d" % i, "cpu": "cpu 0", "host": "h%d" % (i % 5), "usage": i + 0.25,
                            "n": i, "ok": True, "text": "a b"} for i in range(m, 3000, 3)], (len(got), got[:2])


@case
def what_is_wrong_is_said():
    good = {"influxdb.url": "http://a:8086", "influxdb.database": "d", "influxdb.time.column": "ts"}
    for columns, change, why in (
            ("", {"influxdb.url": None}, "connector 'influxdb' needs the option 'influxdb.url'"),
            ("", {"influxdb.time.column": None}, "connector 'influxdb' needs the option 'influxdb.time.column'"),
            ("", {"influxdb.url": "http://a/?db=x"}, "'influxdb.url' is the server's address: the path and what is asked "
             "are added to it"),
            ("", {"influxdb.url": "http://me:secret@a/"}, "the URL of connector 'influxdb' has a user in it, and URLs are "
             "shown: give 'influxdb.user' and 'influxdb.password'"),
            ("", {"influxdb.database": None}, "connector 'influxdb' needs one of a database and a bucket"),
            ("", {"influxdb.bucket": "b"}, "connector 'influxdb' needs one, not both, of a database and a bucket"),
            ("", {"influxdb.database": None, "influxdb.bucket": "b"}, "'influxdb.bucket' needs 'influxdb.org' beside it"),
            ("", {"influxdb.token": "a", "influxdb.user": "b"}, "'influxdb.token' and 'influxdb.user': one says who we are"),
            ("", {"influxdb.token": "a\nX: y"}, "'influxdb.token' is one line"),
            ("", {"influxdb.tags": "k,nothing"}, "'influxdb.tags' names 'nothing', which is no column of the table"),
            ("", {"influxdb.tags": "k,v"}, "column `v` cannot be a tag: tags are texts that a series is known by"),
            ("", {"influxdb.tags": "k,ts"}, "column `ts` is a tag, and something else besides"),
            ("", {"influxdb.time.column": "k"}, "the points' time, column `k`, is no time"),
            ("", {"influxdb.measurement": "#m"}, "'#m' cannot be a measurement's name: it begins with '#'"),
            ("", {"influxdb.measurement.column": "v"}, "the measurement's column `v` is not text"),
            ("", {"influxdb.precision": "fortnight"}, "option 'influxdb.precision' of connector 'influxdb' is 'fortnight'"),
            (", x BYTES", {}, "column `x` is bytes or an INTERVAL, which InfluxDB has no fields of"),
            (", `time` INT", {}, "column `time` cannot be the name of a tag or field: InfluxDB keeps it for the time")):
        options = {k: v for k, v in {**good, **change}.items() if v is not None}
        got = server.refused("CREATE TABLE w (ts TIMESTAMP(3), k STRING, v DOUBLE%s) WITH ('connector' = 'influxdb', %s);" % (
            columns, ", ".join("'%s' = '%s'" % kv for kv in options.items())))
        assert got == why, (got, why)
    got = server.refused("CREATE TABLE w (ts TIMESTAMP(3), k STRING) WITH ('connector' = 'influxdb', "
                         "'influxdb.url' = 'http://a', 'influxdb.database' = 'd', 'influxdb.time.column' = 'ts', "
                         "'influxdb.tags' = 'k');")
    assert got == "no column is left for a field: a point has one at least, besides time and tags", got


checks.main(None)
