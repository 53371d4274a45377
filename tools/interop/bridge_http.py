"""A web server as a sink, and as a source that is polled: a program of its own on Python's http.server, which keeps what it took and can be killed."""
import gzip, hashlib, http.server, json, os, socketserver, ssl, subprocess, sys, threading, time, urllib.parse

import checks
from bridges import HASTE, Proxy, Server, child, free_port, hurt, kills, made
from checks import case, until

WORK = sys.argv[1]


# ---- the web server: `bridge_http.py DIR receiver PORT [tls]` ----

class Kept:
    """What came to a path: in a file, a line a request, known by its Idempotency-Key."""

    def __init__(self, folder, path):
        self.name, self.lock = os.path.join(folder, path.strip("/").replace("/", "-")), threading.Lock()
        self.keys = {line["key"] for line in read(self.name)}
        self.count = 0

    def take(self, request):
        with self.lock:
            if request["key"] in self.keys:
                return
            with open(self.name, "ab", buffering=0) as f:
                f.write(json.dumps(request).encode() + b"\n")
            self.keys.add(request["key"])


def read(name):
    if not os.path.exists(name):
        return []
    with open(name) as f:
        return [json.loads(line) for line in f if line.endswith("\n")]


def asked(name):
    return read(os.path.join(WORK, "asked-" + name))


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version, disable_nagle_algorithm = "HTTP/1.1", True
    kept, folder = {}, None

    def answer(self, status, text="", **headers):
        self.send_response(status)
        for k, v in headers.items():
            self.send_header(k.replace("_", "-"), v)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if len(body) < int(self.headers["Content-Length"]):  # it was cut: nothing came
            self.close_connection = True
            return
        body = body.decode()
        kept = self.kept.setdefault(self.path, Kept(self.folder, self.path))
        kept.count += 1
        request = {"key": self.headers["Idempotency-Key"], "body": body, "method": self.command,
                   "headers": {k: v for k, v in self.headers.items()}}
        word = self.path.split("/")[1]
        if word == "busy" and kept.count <= 2:
            return self.answer(503, "come again", Retry_After="1")
        if word == "gone" and kept.count <= 3:
            return self.answer(302, Location="/elsewhere")
        if word == "auth" and (self.headers["Authorization"], self.headers["X-Tenant"]) != ("Bearer t0k3n", "a: b"):
            return self.answer(401, "who are you?")
        if word == "refuse" and any(row["id"] % 10 == 3 for row in json.loads(body)):
            return self.answer(422, "threes are\nnot taken")
        if word == "small" and len(json.loads(body)) > 7:
            return self.answer(413)
        kept.take(request)
        self.answer(200, "ok")

    do_PUT = do_POST

    def do_GET(self):
        """/feed/NAME is a file; /pages/NAME?after=N&max=M its lines (rows with an id) behind that id; ETag of a feed."""
        path, _, query = self.path.partition("?")
        if path.startswith("/events/"):
            return self.send_events(path.split("/")[2])
        word, name = path.split("/")[1:3]
        with open(os.path.join(self.folder, "feed-" + name), "rb") as f:
            body = f.read()
        with open(os.path.join(self.folder, "asked-" + name), "ab") as f:
            f.write(json.dumps({"query": query, "headers": dict(self.headers.items())}).encode() + b"\n")
        if name.startswith("auth") and self.headers["Authorization"] != "Bearer t0k3n":
            return self.answer(401, "who are you?")
        if name.startswith("busy") and len(asked(name)) < 3:
            return self.answer(503, "come again", Retry_After="1")
        if word == "pages":
            asked_for = dict(urllib.parse.parse_qsl(query))
            rows = [r for r in map(json.loads, body.splitlines()) if r["id"] > int(asked_for["after"])]
            body = json.dumps({"now": time.time(), "data": {"items": rows[:int(asked_for["max"])]}}).encode()
        tag = '"%s"' % hashlib.md5(body).hexdigest()
        if self.headers["If-None-Match"] == tag:
            return self.answer(304)
        more = {"ETag": tag} if name.endswith("tag") else {}
        if "gzip" in self.headers.get("Accept-Encoding", ""):
            body = gzip.compress(body)
            more["Content-Encoding"] = "gzip"
        self.send_response(200)
        for k, v in {**more, "Content-Length": str(len(body))}.items():
            self.send_header(k, v)
        self.end_headers()
        self.wfile.write(body)

    def send_events(self, name):
        """The lines of a file that grows, each an event with its number; from behind Last-Event-ID on."""
        with open(os.path.join(self.folder, "asked-" + name), "ab") as f:
            f.write(json.dumps({"headers": dict(self.headers.items())}).encode() + b"\n")
        if name == "page":
            return self.answer(200, "<p>no events", Content_Type="text/html")
        if name == "shy" and len(asked(name)) < 3:
            return self.answer(503, "come again", Retry_After="1")
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b"\xef\xbb\xbfretry: 20\r\n: welcome\r\n\r\n")
        at, end = int(self.headers["Last-Event-ID"] or 0), "\r" if name == "mixed" else "\n"
        for turn in range(2000):
            with open(os.path.join(self.folder, "feed-" + name), "rb") as f:
                rows = f.read().splitlines()
            for row in rows[at:]:
                at += 1
                row = row.decode().replace(", ", ",%sdata: " % end)  # of more lines than one
                self.wfile.write(("id: %d%sdata: %s%s%s" % (at, end, row, end, end)).encode())
                if name == "mixed":
                    self.wfile.write(b"event: noise\ndata: not a row\n\n")
                if name == "ends" and at % 50 == 0:
                    return
            if turn % 20 == 0 and name != "silent":
                self.wfile.write(b": still here\n\n")
            self.wfile.flush()
            time.sleep(0.02)

    def log_message(self, *_):
        pass


class Threads(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads, allow_reuse_address = True, True

    def handle_error(self, *_):  # connections that are cut
        pass


def receiver(folder, port, tls=None):
    Handler.folder = folder
    server = Threads(("127.0.0.1", int(port)), Handler)
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder + "/cert.pem", folder + "/key.pem")
        server.socket = context.wrap_socket(server.socket, server_side=True)
    print("ready", flush=True)
    server.serve_forever()


if sys.argv[2:3] == ["receiver"]:
    receiver(WORK, *sys.argv[3:])


class Web:
    def __init__(self, *more):
        self.port, self.more = free_port(), more
        self.start()

    def start(self):
        self.process = child([sys.executable, sys.argv[0], WORK, "receiver", str(self.port), *self.more],
                             stdout=subprocess.PIPE)
        self.process.stdout.readline()

    def again(self):
        self.process.kill()
        self.process.wait()
        self.start()


def taken(path):
    return read(os.path.join(WORK, path.strip("/").replace("/", "-")))


def rows(path):
    return [row for request in taken(path) for row in json.loads(request["body"])]


web = Web()
proxy = Proxy(web.port)
server = Server(WORK)


def table(name, columns, path, options="", url="http://127.0.0.1:%d", port=None):
    return "CREATE TABLE %s (%s) WITH ('connector' = 'http', 'http.url' = '%s%s', %s%s);" % (
        name, columns, url % (port or web.port), path, options + ", " if options else "", HASTE)


def trouble(name):
    return server.bridge(name)["trouble"] or ""


@case
def arrays_lines_and_single_rows():
    server.source("forms_in")
    for name, body, more in (("arrays", "array", ""), ("lines", "line" + "s", ""), ("single", "record", ""),
                             ("csvs", "record", ", 'format' = 'csv', 'http.method' = 'PUT'")):
        server.sql(table(name, "id BIGINT, k STRING", "/take/" + name, "'http.body' = '%s'%s" % (body, more)))
        server.sql("INSERT INTO %s SELECT id, k FROM forms_in;" % name)
    server.post("forms_in", made(0, 120))
    for name in ("arrays", "lines", "single", "csvs"):
        server.arrived(name)
    want = [{"id": i, "k": "k%d" % (i % 7)} for i in range(120)]
    assert rows("take/arrays") == want and len(taken("take/arrays")) < 20
    got = taken("take/lines")
    assert [json.loads(line) for r in got for line in r["body"].splitlines()] == want
    assert got[0]["headers"]["Content-Type"] == "application/x-ndjson" and got[0]["body"].endswith("}\n")
    got = taken("take/single")
    assert [json.loads(r["body"]) for r in got] == want and len({r["key"] for r in got}) == 120
    assert got[3]["key"].endswith("-0-3-3") and got[0]["headers"]["User-Agent"] == "quickwater"
    got = taken("take/csvs")
    assert [r["body"] for r in got] == ['%d,k%d' % (i, i % 7) for i in range(120)], got[0]["body"]
    assert got[0]["method"] == "PUT" and got[0]["headers"]["Content-Type"].startswith("text/csv")


@case
def rows_that_change():
    server.source("changes_in")
    server.sql(table("changes", "k STRING, c BIGINT, PRIMARY KEY (k) NOT ENFORCED", "/take/changes"))
    server.sql("INSERT INTO changes SELECT k, COUNT(*) FROM changes_in GROUP BY k HAVING COUNT(*) < 4;")
    server.post("changes_in", [{"k": "a"}, {"k": "b"}])
    until("both", 20, lambda: len(rows("take/changes")) == 2)
    server.post("changes_in", [{"k": "a"}])
    until("an update", 20, lambda: len(rows("take/changes")) == 3)
    server.post("changes_in", [{"k": "a"}] * 2)
    until("a deletion", 20, lambda: rows("take/changes")[-1] == {"op": "delete", "key": {"k": "a"}})
    assert rows("take/changes")[:3] == [{"op": "put", "row": {"k": k, "c": c}} for k, c in (("a", 1), ("b", 1), ("a", 2))]


@case
def what_it_refuses_is_kept_and_the_rest_of_the_batch_arrives():
    server.source("refuse_in")
    server.sql(table("refuse", "id BIGINT", "/refuse/refuse"))
    server.sql(table("small", "id BIGINT", "/small/small"))
    for name in ("refuse", "small"):
        server.sql("INSERT INTO %s SELECT id FROM refuse_in;" % name)
    server.post("refuse_in", made(0, 100))
    server.arrived("refuse")
    server.arrived("small")
    assert [r["id"] for r in rows("refuse/refuse")] == [i for i in range(100) if i % 10 != 3]
    dead = server.rows("SELECT reason, record FROM `refuse$dead`;")
    assert [json.loads(r[1])["id"] for r in dead] == list(range(3, 100, 10))
    assert dead[0][0] == "the server answers 422: threes are not taken", dead[0]
    assert [r["id"] for r in rows("small/small")] == list(range(100)) and server.bridge("small")["dead"] == 0


@case
def retry_after_is_kept_and_a_redirect_is_not_followed():
    server.source("busy_in")
    server.sql(table("busy", "id BIGINT", "/busy/busy"))
    server.sql(table("gone", "id BIGINT", "/gone/gone"))
    server.sql("INSERT INTO busy SELECT id FROM busy_in;")
    server.sql("INSERT INTO gone SELECT id FROM busy_in;")
    begun = time.time()
    server.post("busy_in", made(0, 10))
    until("it says so", 10, lambda: trouble("busy") == "it answers 503: come again")
    server.arrived("busy")
    assert time.time() - begun >= 2, "twice a second was asked for"
    server.arrived("gone")
    assert server.bridge("gone")["failures"] == 3 and not taken("elsewhere")
    assert [r["id"] for r in rows("gone/gone")] == list(range(10))


@case
def nothing_lost_nothing_twice_over_a_connection_that_hurts():
    server.source("hurt_in")
    for name, body in (("hurt", "array"), ("hurt1", "record")):
        server.sql(table(name, "id BIGINT", "/take/" + name, "'http.body' = '%s', 'bridge.batch.records' = '50'" % body,
                         port=proxy.port))
        server.sql("INSERT INTO %s SELECT id FROM hurt_in%s;" % (name, "" if name == "hurt" else " WHERE MOD(id, 16) = 0"))
    sent = hurt(server, proxy, "hurt_in")
    for name in ("hurt", "hurt1"):
        server.arrived(name)
        info = server.bridge(name)
        assert info["failures"] > 5 and info["trouble"] is None and info["dead"] == 0, info
    assert [r["id"] for r in rows("take/hurt")] == list(range(sent))
    assert [json.loads(r["body"])["id"] for r in taken("take/hurt1")] == list(range(0, sent, 16))


@case
def nothing_lost_over_kills_and_nothing_twice_with_a_key_a_row():
    server.source("killed_in")
    for name, body in (("killed", "array"), ("killed1", "record")):
        server.sql(table(name, "id BIGINT", "/take/" + name, "'http.body' = '%s'" % body))
        server.sql("INSERT INTO %s SELECT id FROM killed_in%s;" % (name, "" if name == "killed" else " WHERE MOD(id, 8) = 0"))
    sent = kills(server, web, "killed_in")
    server.arrived("killed")
    server.arrived("killed1")
    assert [json.loads(r["body"])["id"] for r in taken("take/killed1")] == list(range(0, sent, 8))
    at = 0
    for row in rows("take/killed"):  # in order; what comes again begins further back
        assert row["id"] <= at, (row, at)
        at = row["id"] + 1
    assert at == sent


@case
def tls_and_who_we_are():
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost", "-keyout", WORK + "/key.pem", "-out", WORK + "/cert.pem"],
                   check=True, stderr=subprocess.DEVNULL)
    secure = Web("tls")
    server.source("tls_in")
    trusted = "'http.cacert' = '%s/cert.pem'" % WORK
    who = ", 'http.authorization' = 'Bearer t0k3n', 'http.headers' = 'X-Tenant: a: b\nX-Empty:'"
    for name, host, options in (("stranger", "localhost", ""), ("other_name", "127.0.0.1", trusted),
                                ("nobody", "localhost", trusted), ("known", "localhost", trusted + who)):
        server.sql(table(name, "id BIGINT", "/auth/" + name, options, "https://" + host + ":%d", secure.port))
        server.sql("INSERT INTO %s SELECT id FROM tls_in;" % name)
    server.post("tls_in", made(0, 10))
    server.arrived("known")
    assert [r["id"] for r in rows("auth/known")] == list(range(10))
    for name, why in (("stranger", "certificate"), ("other_name", "name"), ("nobody", "it answers 401: who are you?")):
        until(name, 10, lambda: why in trouble(name))
        assert not taken("auth/" + name) and server.bridge(name)["dead"] == 0 and server.bridge(name)["lag"] == 10
    server.sql("".join("DROP JOB `insert-into_%s`; DROP TABLE %s;" % (n, n) for n in ("stranger", "other_name", "nobody")))


# ---- as a source ----

def feed(name, text):
    with open(os.path.join(WORK, "feed-new"), "w") as f:
        f.write(text)
    os.rename(os.path.join(WORK, "feed-new"), os.path.join(WORK, "feed-" + name))


def lines(rows):
    return "".join(json.dumps(r) + "\n" for r in rows)


def reads(name, path, options="", port=None, columns="id BIGINT, k STRING, n INT"):
    """A table that polls it, and a view that counts each id."""
    server.sql(table(name, columns, path, "'http.poll.interval' = '50 ms'" + (options and ", " + options), port=port))
    server.sql("CREATE MATERIALIZED TABLE %s_v AS SELECT id, COUNT(*) AS c FROM %s GROUP BY id;" % (name, name))


def counts(name):
    """How often each id came."""
    return dict(server.rows("SELECT id, c FROM %s_v;" % name))


def once(*ids):
    return {i: 1 for i in ids}


@case
def an_answer_is_read_when_it_is_another():
    feed("tag", json.dumps(made(0, 3)))
    feed("lines", lines(made(0, 3)) + "\n\r\n" + lines(made(3, 1)))
    feed("one", json.dumps(made(0, 1)[0], indent=1))
    feed("csv", "7,a,1\n8,b,2\n")
    feed("broken", "[{")
    reads("feed_tag", "/feed/tag", "'http.headers' = 'X-Tenant: a: b'")
    reads("feed_lines", "/feed/lines", "'http.body' = 'lines'")
    reads("feed_one", "/feed/one", "'http.body' = 'record'")
    reads("feed_csv", "/feed/csv", "'http.body' = 'lines', 'format' = 'csv'")
    reads("feed_broken", "/feed/broken")
    for name, ids in (("tag", range(3)), ("lines", range(4)), ("one", range(1)), ("csv", (7, 8))):
        until(name, 20, lambda: counts("feed_" + name) == once(*ids))
    until("asked many times", 20, lambda: len(asked("tag")) > 5 and len(asked("one")) > 5)
    headers = asked("tag")[-1]["headers"]
    assert headers["If-None-Match"] and headers["X-Tenant"] == "a: b" and headers["User-Agent"] == "quickwater"
    assert "Content-Type" not in headers and "Content-Length" not in headers, headers
    assert counts("feed_tag") == once(*range(3)) and counts("feed_one") == once(0)
    feed("tag", json.dumps(made(2, 2)))
    feed("one", json.dumps(made(5, 1)[0]))
    until("the next", 20, lambda: counts("feed_tag") == {0: 1, 1: 1, 2: 2, 3: 1} and counts("feed_one") == once(0, 5))
    until("it says so", 20, lambda: trouble("feed_broken").startswith("its answer is not JSON: "))
    feed("broken", '{"rows": []}')
    until("it says so", 20, lambda: trouble("feed_broken") == "its answer has no array of rows")
    feed("broken", json.dumps(made(0, 1)))
    until("it is whole", 20, lambda: counts("feed_broken") == once(0) and not trouble("feed_broken"))
    assert server.bridge("feed_tag")["way"] == "source"
    server.again()  # what was read is not read again
    begun = len(asked("tag"))
    until("asked anew", 20, lambda: len(asked("tag")) > begun + 3)
    assert counts("feed_tag") == {0: 1, 1: 1, 2: 2, 3: 1} and counts("feed_lines") == once(*range(4))


PAGES = "'http.rows' = 'data.items', 'http.cursor' = 'id', 'http.cursor.start' = '-1'"


@case
def pages_are_read_once_over_a_connection_that_hurts():
    feed("hurt", "")
    reads("pages_hurt", "/pages/hurt?after={cursor}&max=30", PAGES + ", 'bridge.batch.records' = '20'", port=proxy.port)
    sent = 0
    for trouble in ({"delay"}, {"cut"}, {"throttle"}, {"deaf"}, {"cut", "delay"}, set()):
        proxy.trouble = trouble
        for _ in range(3):
            sent += 100
            feed("hurt", lines(made(0, sent)))
            time.sleep(0.3)
            proxy.reset_all()
    proxy.trouble = set()
    until("all of them", 60, lambda: len(counts("pages_hurt")) == sent)
    assert counts("pages_hurt") == once(*range(sent))
    info = server.bridge("pages_hurt")
    assert info["failures"] > 3 and info["dead"] == 0, info


@case
def pages_are_read_once_over_kills():
    feed("killed", "")
    feed("snap", "[]")
    reads("pages_killed", "/pages/killed?after={cursor}&max=70", PAGES + ", 'bridge.batch.records' = '30'")
    reads("snap", "/feed/snap", "'bridge.batch.records' = '7'")
    rounds, sent = (6 if os.environ.get("INTEROP_MODE") == "ci" else 20), 0
    for i in range(rounds):
        sent += 200
        feed("killed", lines(made(0, sent)))
        feed("snap", json.dumps(made(i * 100, 100)))
        time.sleep(0.02 * (i % 5))
        (web, server)[i % 2].again()
    until("all of them", 60, lambda: len(counts("pages_killed")) == sent)
    until("the last", 60, lambda: (rounds - 1) * 100 + 99 in counts("snap"))
    assert counts("pages_killed") == once(*range(sent))
    assert set(counts("snap").values()) == {1}, "rows of an answer came twice"


@case
def a_source_that_is_refused_waits():
    feed("busy", "[]")
    feed("auth", json.dumps(made(0, 2)))
    feed("auth2", json.dumps(made(0, 2)))
    feed("large", json.dumps(made(0, 100)))
    feed("nocursor", lines([{"id": 1}]))
    begun = time.time()
    reads("busy_src", "/feed/busy")
    reads("auth_src", "/feed/auth")
    reads("auth2_src", "/feed/auth2", "'http.authorization' = 'Bearer t0k3n'")
    reads("large_src", "/feed/large", "'http.answer.bytes' = '2 kb'")
    reads("nocursor_src", "/pages/nocursor?after={cursor}&max=9", PAGES.replace("'id'", "'k'"))
    until("it says so", 10, lambda: trouble("busy_src") == "it answers 503: come again")
    until("asked", 20, lambda: len(asked("busy")) >= 4)
    assert time.time() - begun >= 2, "twice a second was asked for"
    until("it says so", 20, lambda: trouble("auth_src") == "it answers 401: who are you?")
    until("known", 20, lambda: counts("auth2_src") == once(0, 1))
    until("it says so", 20, lambda: trouble("large_src") == "the answer is larger than 2048 bytes")
    until("it is dead", 20, lambda: server.bridge("nocursor_src")["dead"] == 1)
    assert server.rows("SELECT reason FROM `nocursor_src$dead`;") == [
        ["it has no text or number 'k', from which on more is asked for"]]
    for options, why in (
            ("'http.url' = 'http://a/?x={cursor}'", "'http.cursor' and {cursor} in 'http.url' go together"),
            ("'http.url' = 'http://a/', 'http.cursor' = 'id'", "'http.cursor' and {cursor} in 'http.url' go together"),
            ("'http.url' = 'http://a/', 'http.body' = 'lines', 'http.rows' = 'a'", "'http.rows' is of 'http.body' = 'array'")):
        got = server.refused("CREATE TABLE w (id BIGINT) WITH ('connector' = 'http', %s);" % options)
        assert got == why, (got, why)
    server.sql(table("keyed", "id BIGINT, PRIMARY KEY (id) NOT ENFORCED", "/feed/auth"))
    why = server.refused("CREATE MATERIALIZED TABLE keyed_v AS SELECT COUNT(*) AS c FROM keyed;")
    assert why == "`keyed` cannot be read: what comes by HTTP is added, so leave its PRIMARY KEY out", why


def hears(name, path, options="", port=None):
    reads(name, path, "'http.read' = 'events', 'http.events.idle' = '2 s'" + (options and ", " + options), port)


@case
def events_are_rows_and_what_is_no_row_is_passed_over():
    for name in ("calm", "mixed", "ends", "silent", "shy", "page"):
        feed(name, lines(made(0, 120)))
    hears("calm", "/events/calm")
    hears("mixed", "/events/mixed", "'http.events' = 'message,other'")
    hears("ends", "/events/ends", "'bridge.batch.records' = '7'")
    hears("silent", "/events/silent")
    hears("shy", "/events/shy")
    hears("page", "/events/page")
    for name in ("calm", "mixed", "ends", "silent", "shy"):
        until(name, 20, lambda: counts(name) == once(*range(120)))
    until("it says so", 20, lambda: trouble("page") == "what it sends is 'text/html', not text/event-stream")
    assert [r["headers"].get("Last-Event-ID") for r in asked("ends")][:3] == [None, "50", "100"], asked("ends")
    until("silence is noticed", 20, lambda: len(asked("silent")) > 1)
    assert asked("silent")[-1]["headers"]["Last-Event-ID"] == "120" and len(asked("calm")) == 1
    assert asked("calm")[0]["headers"]["Accept"] == "text/event-stream"
    for name in ("calm", "mixed", "ends", "silent", "shy"):
        assert counts(name) == once(*range(120)) and server.bridge(name)["dead"] == 0, name


@case
def events_are_read_once_over_a_connection_that_hurts_and_kills():
    feed("torn", "")
    hears("torn", "/events/torn", "'bridge.batch.records' = '40'", port=proxy.port)
    sent = 0
    for trouble in ({"delay"}, {"cut"}, {"throttle"}, {"deaf"}, {"cut", "delay"}, set()):
        proxy.trouble = trouble
        for _ in range(3):
            sent += 100
            feed("torn", lines(made(0, sent)))
            time.sleep(0.3)
            proxy.reset_all()
    proxy.trouble = set()
    for i in range(6):
        sent += 100
        feed("torn", lines(made(0, sent)))
        time.sleep(0.02 * i)
        (web, server)[i % 2].again()
    until("all of them", 60, lambda: len(counts("torn")) == sent)
    assert counts("torn") == once(*range(sent)) and server.bridge("torn")["dead"] == 0


@case
def changes_of_a_view_of_ours_are_events():
    server.source("ours_in")
    server.sql("CREATE MATERIALIZED TABLE ours AS SELECT k, COUNT(*) AS c FROM ours_in GROUP BY k;")
    server.sql("CREATE TABLE ours_changes (op STRING, `row` ROW<k STRING, c BIGINT>) WITH ('connector' = 'http', "
               "'http.url' = 'http://%s/v1/views/ours/changes?from=start', 'http.read' = 'events', %s);" % (server.address, HASTE))
    server.sql("CREATE MATERIALIZED TABLE ours_last AS SELECT `row`.k AS k, MAX(`row`.c) AS c FROM ours_changes "
               "WHERE op IN ('+I', '+U') GROUP BY `row`.k;")
    server.post("ours_in", made(0, 70))
    until("they came", 20, lambda: sorted(server.rows("SELECT k, c FROM ours_last;")) == [["k%d" % i, 10] for i in range(7)])


@case
def what_is_wrong_is_said():
    for options, why in (
            ("", "connector 'http' needs the option 'http.url'"),
            ("'http.url' = 'ftp://a/b'", "'ftp://a/b' is no URL of http or https"),
            ("'http.url' = 'http://me:secret@a/'", "the URL of connector 'http' has a user in it, and URLs are shown: give "
             "'http.user' and 'http.password'"),
            ("'http.url' = 'http://a/', 'http.headers' = 'no header'", "a line of 'http.headers' is no header"),
            ("'http.url' = 'http://a/', 'http.authorization' = 'a\nX: y'",
             "'http.content.type' and 'http.authorization' are one line each"),
            ("'http.url' = 'http://a/', 'http.retry.statuses' = '500'",
             "'http.retry.statuses' is a list such as 404,429, at most 32 of 400 to 499"),
            ("'http.url' = 'http://a/', 'format' = 'csv'", "'http.body' = 'array' is JSON, and the table's format is 'csv'")):
        got = server.refused("CREATE TABLE w (id BIGINT) WITH ('connector' = 'http'%s);" % (options and ", " + options))
        assert got == why, (got, why)
    server.sql(table("away", "id BIGINT", "/", port=free_port()))
    server.source("away_in")
    server.sql("INSERT INTO away SELECT id FROM away_in;")
    server.post("away_in", made(0, 10))
    until("it is away", 20, lambda: "Couldn't connect" in trouble("away") or "Failed to connect" in trouble("away"))


checks.main(None)
