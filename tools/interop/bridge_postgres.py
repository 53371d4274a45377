"""PostgreSQL as a sink: tables with and without a key, types, refused rows, TLS, over a proxy that hurts and over
kills of PostgreSQL and of our server."""
import glob, json, os, shutil, subprocess, sys, time

import checks
from bridges import HASTE, Proxy, Server, child, free_port, hurt, kills, made
from checks import case, until

WORK = sys.argv[1]
BIN = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]
# PostgreSQL does not run as root.
USER = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.getuid() == 0 else []


class Postgres:
    """A real one, of its own."""

    def __init__(self):
        self.port, self.dir = free_port(), os.path.join(WORK, "pg")
        os.chmod(WORK, 0o711)
        os.mkdir(self.dir)
        if USER:
            shutil.chown(self.dir, "postgres", "postgres")
        self.run(BIN + "/initdb", "-D", self.dir + "/data", "-U", "postgres", "-A", "trust", "-N")
        self.certificate()
        with open(self.dir + "/data/pg_hba.conf", "w") as f:
            f.write("hostssl all writer 127.0.0.1/32 scram-sha-256\nhostnossl all writer 127.0.0.1/32 reject\n"
                    "host all all 127.0.0.1/32 trust\nlocal all all trust\n")
        self.start()

    def run(self, *words, **more):
        return subprocess.run([*USER, *words], check=True, cwd=self.dir, stdout=subprocess.PIPE, **more).stdout

    def certificate(self):
        self.run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                 "-addext", "subjectAltName=DNS:localhost", "-keyout", self.dir + "/key.pem", "-out",
                 self.dir + "/cert.pem", stderr=subprocess.DEVNULL)
        os.chmod(self.dir + "/key.pem", 0o600)

    def start(self):
        settings = {"port": self.port, "listen_addresses": "127.0.0.1", "unix_socket_directories": self.dir,
                    "fsync": "off", "ssl": "on", "ssl_cert_file": self.dir + "/cert.pem",
                    "ssl_key_file": self.dir + "/key.pem"}  # not synced: processes are killed, not machines
        words = [w for k, v in settings.items() for w in ("-c", "%s=%s" % (k, v))]
        log = open(os.path.join(WORK, "pg.log"), "ab")
        end = time.time() + 30
        while True:  # the children of one that was killed may hold its memory for a moment
            self.process = child([*USER, *(["--pdeathsig", "KILL"] if USER else []), BIN + "/postgres", "-D",
                                  self.dir + "/data", *words], cwd=self.dir, stdout=log, stderr=log)
            while self.process.poll() is None:
                if subprocess.run([BIN + "/pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]).returncode == 0:
                    return
                time.sleep(0.02)
            assert time.time() < end, "PostgreSQL does not start: pg.log"
            time.sleep(0.05)

    def again(self):
        self.process.kill()
        self.process.wait()
        self.start()

    def do(self, sql):
        """Rows, as lists of texts; NULL is a tilde."""
        out = subprocess.run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-F", "|", "-P", "null=~", "-h", "127.0.0.1", "-p",
                              str(self.port), "-U", "postgres", "-c", sql], check=True, stdout=subprocess.PIPE, text=True)
        return [line.split("|") for line in out.stdout.splitlines()]

    def one(self, sql):
        rows = self.do(sql)
        return rows[0][0] if rows else None


pg = Postgres()
proxy = Proxy(pg.port)
server = Server(WORK)


def table(name, columns, options="", port=None):
    return "CREATE TABLE %s (%s) WITH ('connector' = 'postgres', 'postgres.port' = '%d', %s%s);" % (
        name, columns, port or pg.port, options + ", " if options else "", HASTE)


def dead(name):
    return server.rows("SELECT `offset`, reason, record FROM `%s$dead`;" % name)


def trouble(name):
    return server.bridge(name)["trouble"] or ""


@case
def a_row_a_key_with_updates_and_deletes():
    pg.do('CREATE SCHEMA shop; CREATE TABLE shop."To""tals" (k text PRIMARY KEY, c bigint, "S u" int, last timestamp, '
          "note text DEFAULT 'ours')")
    server.source("u_in")
    server.sql(table("u", "k STRING, c BIGINT, `S u` INT, last TIMESTAMP(3), PRIMARY KEY (k) NOT ENFORCED",
                     "'postgres.schema' = 'shop', 'postgres.table' = 'To\"tals'"))
    server.sql("INSERT INTO u SELECT k, COUNT(*), SUM(n), MAX(ts) FROM u_in GROUP BY k HAVING COUNT(*) < 100;")
    server.post("u_in", made(0, 350))
    server.arrived("u")
    until("50 of each", 30, lambda: pg.one('SELECT count(*) FROM shop."To""tals" WHERE c = 50') == "7")
    want = [["k0", "50", str(sum(i % 100 for i in range(0, 350, 7))), "2026-01-01 00:00:59.5", "ours"]]
    assert pg.do('SELECT * FROM shop."To""tals" WHERE k = \'k0\'') == want
    server.post("u_in", [{"id": 1, "k": "k0", "n": None, "ts": None}] * 50)  # past HAVING: the row is deleted
    until("the row goes", 30, lambda: pg.one('SELECT count(*) FROM shop."To""tals" WHERE k = \'k0\'') == "0")
    assert pg.one('SELECT count(*) FROM shop."To""tals"') == "6"
    assert pg.one("SELECT count(*) FROM shop.quickwater_position") == "1"


@case
def a_key_of_all_columns_and_one_of_two():
    pg.do("CREATE TABLE pairs (b int, a text, PRIMARY KEY (a, b)); CREATE TABLE two (a text, v int, b int, UNIQUE (b, a))")
    server.source("keys_in")
    server.sql(table("pairs", "a STRING, b INT, PRIMARY KEY (a, b) NOT ENFORCED"))
    server.sql(table("two", "a STRING, v INT, b INT, PRIMARY KEY (b, a) NOT ENFORCED"))
    server.sql("INSERT INTO pairs SELECT k, n FROM keys_in;")
    server.sql("INSERT INTO two SELECT k, MAX(n), CAST(id AS INT) FROM keys_in GROUP BY k, id HAVING MAX(n) < 50;")
    server.post("keys_in", made(0, 10) + made(0, 10) + [{"id": 3, "k": "k3", "n": 70}, {"id": 4, "k": "k4", "n": 40}])
    server.arrived("pairs")
    server.arrived("two")
    until("twelve pairs", 20, lambda: pg.one("SELECT count(*) FROM pairs") == "12")
    until("nine, for one is deleted", 20, lambda: pg.one("SELECT count(*) FROM two") == "9")
    assert pg.do("SELECT v FROM two WHERE b = 4") == [["40"]]


TYPES = [("bo", "BOOLEAN", "boolean", "true", "true"), ("ti", "TINYINT", "smallint", "-128", "-128"),
         ("nu", "BIGINT", "numeric", "9223372036854775807", "9223372036854775807"),
         ("de", "DECIMAL(38, 10)", "numeric(38,10)", "1234567890123456789012345678.0123456789",
          "1234567890123456789012345678.0123456789"),
         ("fl", "FLOAT", "real", "1.5e-30", "1.5e-30"), ("dq", "DOUBLE", "double precision", "0.1", "0.1"),
         ("st", "STRING", "text", '"a\\"b\\\\\'é\\u4e2d\\n\\t{},"', "a\"b\\'é中\n\t{},"),
         ("un", "STRING", "uuid", '"3E4666BF-D5E5-4AA7-B8CE-CEFE41C7568A"', "3e4666bf-d5e5-4aa7-b8ce-cefe41c7568a"),
         ("js", "STRING", "jsonb", '"{\\"a\\": [1, null]}"', '{"a": [1, null]}'),
         ("ne", "STRING", "inet", '"10.0.0.1/8"', "10.0.0.1/8"), ("ch", "CHAR(3)", "char(3)", '"abc"', "abc"),
         ("en", "STRING", "mood", '"happy"', "happy"), ("dm", "INT", "small", "7", "7"),
         ("by", "BYTES", "bytea", '"AAH/XA=="', "\\x0001ff5c"), ("da", "DATE", "date", '"1969-12-31"', "1969-12-31"),
         ("tm", "TIME(3)", "time", '"23:59:59.123"', "23:59:59.123"),
         ("ts", "TIMESTAMP(6)", "timestamp", '"2026-02-28 01:02:03.123456"', "2026-02-28 01:02:03.123456"),
         ("tz", "TIMESTAMP_LTZ(3)", "timestamptz", '"2026-02-28 01:02:03.123Z"', "2026-02-28 01:02:03.123+00"),
         ("ar", "ARRAY<STRING>", "text[]", '["a,b","\\"\\\\",null,"NULL",""]', '{"a,b","\\"\\\\",NULL,"NULL",""}'),
         ("an", "ARRAY<ARRAY<INT>>", "int[]", "[[1,2],[3,null]]", "{{1,2},{3,NULL}}"),
         ("aj", "ARRAY<INT>", "json", "[1,null]", "[1,null]"),
         ("ro", "ROW<a INT, b STRING>", "jsonb", '{"a":1,"b":"x"}', '{"a": 1, "b": "x"}'),
         ("ma", "MAP<STRING, INT>", "json", '{"k":1}', '{"k":1}'),
         ("xt", "DOUBLE", "text", "1e300", "1.0E300")]


@case
def every_type_there_and_null():
    pg.do("CREATE TYPE mood AS ENUM ('happy', 'sad'); CREATE DOMAIN small AS int CHECK (VALUE < 100);"
          "CREATE TABLE types (id int PRIMARY KEY, %s)" % ", ".join("%s %s" % (n, t) for n, _, t, _, _ in TYPES))
    columns = "id INT, " + ", ".join("%s %s" % (n, t) for n, t, _, _, _ in TYPES)
    server.sql("CREATE TABLE types_in (%s) WITH ('connector' = 'kafka', 'topic' = 'types_in', 'format' = 'json', "
               "'scan.startup.mode' = 'earliest-offset', 'json.timestamp-format.standard' = 'SQL');" % columns)
    server.sql(table("types", columns + ", PRIMARY KEY (id) NOT ENFORCED"))
    server.sql("INSERT INTO types SELECT * FROM types_in;")
    server.http("POST", "/v1/topics/types_in", '{"id":1,%s}\n{"id":2}' %
                ",".join('"%s":%s' % (n, v) for n, _, _, v, _ in TYPES))
    until("both rows, or trouble", 30, lambda: pg.one("SELECT count(*) FROM types") == "2" or trouble("types")
          or server.bridge("types")["dead"])
    assert not trouble("types") and not dead("types"), (trouble("types"), dead("types"))
    pg.do("ALTER DATABASE postgres SET TimeZone = 'UTC'")
    got = json.loads(pg.one("SELECT json_build_array(%s) FROM types WHERE id = 1" %
                            ", ".join("%s::text" % n for n, _, _, _, _ in TYPES)))
    assert got == [t[4] for t in TYPES], [(t[0], g, t[4]) for t, g in zip(TYPES, got) if g != t[4]]
    nulls = pg.do("SELECT %s FROM types WHERE id = 2" % ", ".join(n for n, _, _, _, _ in TYPES))
    assert nulls == [["~"] * len(TYPES)], nulls


@case
def rows_that_postgres_refuses_are_kept_with_the_reason():
    pg.do("CREATE TABLE other (id int PRIMARY KEY); INSERT INTO other SELECT generate_series(0, 49);"
          "CREATE TABLE strict (id int PRIMARY KEY REFERENCES other DEFERRABLE INITIALLY DEFERRED, "
          "n smallint NOT NULL, k varchar(3) CHECK (k <> 'k3'))")
    server.source("strict_in")
    server.sql(table("strict", "id INT, n INT, k STRING, PRIMARY KEY (id) NOT ENFORCED"))
    server.sql("INSERT INTO strict SELECT CAST(id AS INT), n, k FROM strict_in;")
    rows = made(0, 40)
    rows[5]["n"] = None
    rows[6]["n"] = 70000
    rows[7]["k"] = "long"
    rows[8]["k"] = "a\0b"
    server.post("strict_in", rows)
    server.arrived("strict")
    bad = {5, 6, 7, 8} | set(range(3, 40, 7))
    assert pg.do("SELECT id FROM strict ORDER BY id") == [[str(i)] for i in range(40) if i not in bad]
    reasons = {row[0]: row[1] for row in dead("strict")}
    assert set(reasons) == bad, reasons
    assert reasons[5].startswith("PostgreSQL 23502: null value in column \"n\"") and "22003" in reasons[6], reasons
    assert "22001" in reasons[7] and "zero byte" in reasons[8] and "23514" in reasons[3], reasons
    server.post("strict_in", made(40, 20))  # 50 … 59 have no row in `other`, which COMMIT alone would say
    server.arrived("strict")
    assert server.bridge("strict")["dead"] == len(bad) + 10 + 1 and trouble("strict") == ""
    assert sum("23503" in row[1] for row in dead("strict")) == 8  # 45, 52 and 59 are k3
    assert pg.one("SELECT count(*) FROM strict WHERE id >= 40") == "9"


@case
def nothing_lost_nothing_twice_over_a_connection_that_hurts():
    pg.do("CREATE TABLE hurt (id bigint, at bigserial)")
    server.source("hurt_in")
    server.sql(table("hurt", "id BIGINT", "'bridge.batch.records' = '50'", proxy.port))
    server.sql("INSERT INTO hurt SELECT id FROM hurt_in;")
    sent = hurt(server, proxy, "hurt_in")
    server.arrived("hurt")
    got = [int(r[0]) for r in pg.do("SELECT id FROM hurt ORDER BY at")]
    assert got == list(range(sent)), (len(got), sent, [(i, g) for i, g in enumerate(got) if g != i][:3])
    info = server.bridge("hurt")
    assert info["failures"] > 5 and info["trouble"] is None and info["dead"] == 0, info


@case
def nothing_lost_nothing_twice_over_kills():
    pg.do("CREATE TABLE killed (id bigint, at bigserial)")
    server.source("killed_in")
    server.sql(table("killed", "id BIGINT", "'bridge.batch.records' = '20'"))
    server.sql("INSERT INTO killed SELECT id FROM killed_in;")
    sent = kills(server, pg, "killed_in")
    server.arrived("killed")
    assert [int(r[0]) for r in pg.do("SELECT id FROM killed ORDER BY at")] == list(range(sent))


@case
def a_transaction_that_was_given_up_and_is_made_after_all_does_not_double_rows():
    """The connection stalls inside the batch, and goes on when ours has long begun anew."""
    pg.do("CREATE TABLE late (id bigint); CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS "
          "$$ BEGIN PERFORM pg_sleep(1.2) WHERE NEW.id = 13; RETURN NEW; END $$;"
          "CREATE TRIGGER slow BEFORE INSERT ON late FOR EACH ROW EXECUTE FUNCTION slow()")
    server.source("late_in")
    server.sql(table("late", "id BIGINT"))
    server.sql("INSERT INTO late SELECT id FROM late_in;")
    server.post("late_in", made(0, 100))
    until("it fails", 20, lambda: server.bridge("late")["failures"] >= 2)
    assert "bridge.timeout" in trouble("late") or "57014" in trouble("late"), trouble("late")
    pg.do("DROP TRIGGER slow ON late")
    server.arrived("late")
    assert pg.do("SELECT count(*), count(DISTINCT id) FROM late") == [["100", "100"]]


@case
def what_is_wrong_with_the_table_is_said_and_waits():
    server.source("w_in")
    server.sql(table("w", "id BIGINT, n INT, PRIMARY KEY (id) NOT ENFORCED"))
    server.sql("INSERT INTO w SELECT id, n FROM w_in;")
    server.post("w_in", made(0, 10))
    until("no table", 20, lambda: 'relation "w" does not exist' in trouble("w"))
    pg.do("CREATE TABLE w (id bigint)")
    until("no column", 20, lambda: "no column \"n\"" in trouble("w"))
    pg.do("ALTER TABLE w ADD n uuid")
    until("another type", 20, lambda: trouble("w") == "column `n` is INT, and PostgreSQL has it as uuid")
    pg.do("ALTER TABLE w DROP n, ADD n int")
    until("no unique index", 20, lambda: "42P10" in trouble("w"))
    pg.do("ALTER TABLE w ADD PRIMARY KEY (id)")
    server.arrived("w")
    assert pg.one("SELECT count(*) FROM w") == "10" and server.bridge("w")["dead"] == 0
    pg.do("ALTER TABLE w RENAME n TO m")
    server.post("w_in", made(10, 5))
    until("the column is gone", 20, lambda: 'column "n"' in trouble("w"))
    pg.do("ALTER TABLE w RENAME m TO n")
    server.arrived("w")
    assert pg.one("SELECT count(*) FROM w") == "15"
    assert "is an INTERVAL" in server.refused(table("i", "i INTERVAL SECOND"))
    assert server.refused(table("i", "i INT", "'postgres.sslmode' = 'maybe'")) == \
        "option 'postgres.sslmode' of connector 'postgres' is 'maybe'"
    server.sql(table("grows", "k STRING, c BIGINT"))
    assert "takes only new rows" in server.refused("INSERT INTO grows SELECT k, COUNT(*) FROM w_in GROUP BY k;")


@case
def tls_and_a_password_and_a_role_that_may_only_write():
    pg.do("SET password_encryption = 'scram-sha-256'; CREATE ROLE writer LOGIN PASSWORD 'right';"
          "CREATE TABLE tls (id bigint); GRANT INSERT ON tls TO writer")
    server.source("tls_in")
    options = ("'postgres.host' = '%s', 'postgres.user' = 'writer', 'postgres.password' = '%s', "
               "'postgres.sslmode' = '%s', 'postgres.sslrootcert' = '%s'")
    certificate = pg.dir + "/cert.pem"
    made_by = lambda *o: server.sql(table("tls", "id BIGINT", options % o).replace("CREATE", "CREATE OR REPLACE"))
    os.chmod(pg.dir, 0o711)
    made_by("127.0.0.1", "wrong", "disable", certificate)
    server.sql("INSERT INTO tls SELECT id FROM tls_in;")
    server.post("tls_in", made(0, 10))
    until("it wants TLS", 20, lambda: "pg_hba.conf rejects" in trouble("tls") or "no encryption" in trouble("tls"))
    job = "DROP JOB `insert-into_tls`;"
    server.sql(job)
    made_by("127.0.0.1", "wrong", "require", certificate)
    until("the password is wrong", 20, lambda: "password authentication failed" in trouble("tls"))
    made_by("127.0.0.1", "right", "verify-full", certificate)  # the certificate is localhost's
    until("another name", 20, lambda: "certificate" in trouble("tls"))
    made_by("localhost", "right", "verify-full", certificate)
    until("no table of positions", 20, lambda: "42501" in trouble("tls"))
    pg.do("GRANT SELECT, INSERT, UPDATE ON quickwater_position TO writer")
    server.arrived("tls")
    assert pg.one("SELECT count(*) FROM tls") == "10"


def looked_up(name, columns, select, condition, options="", kind="LEFT JOIN", port=None, out="name STRING"):
    server.sql("CREATE TABLE %s_in (oid BIGINT, cid BIGINT, k STRING, p AS PROCTIME()) WITH ('connector' = 'kafka', 'topic' = "
               "'%s_in', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');" % (name, name))
    server.sql("CREATE TABLE %s_out (oid BIGINT, %s) WITH ('connector' = 'kafka', 'topic' = '%s_out', 'format' = 'json');"
               % (name, out, name))
    server.sql(table(name, columns, options, port))
    server.sql("INSERT INTO %s_out SELECT o.oid, %s FROM %s_in AS o %s %s FOR SYSTEM_TIME AS OF o.p AS c ON %s;"
               % (name, select, name, kind, name, condition))


def told(name, rows):
    until("%s is told" % name, 90, lambda: len(server.rows("SELECT oid FROM %s_out;" % name)) >= len(rows))
    got = server.rows("SELECT * FROM %s_out;" % name)
    assert got == rows, (len(got), len(rows), got[:5], rows[:5])


@case
def rows_are_looked_up_by_any_columns():
    pg.do("CREATE TABLE prices (k text, cid bigint, name text, hidden text);"
          "INSERT INTO prices SELECT 'a', n % 3, 'name ' || n, repeat('x', 1000) FROM generate_series(1, 6) n;"
          "INSERT INTO prices VALUES ('b', 1, NULL, NULL)")
    looked_up("prices", "k STRING, cid BIGINT, name STRING, hidden STRING", "c.name", "o.cid = c.cid AND o.k = c.k")
    server.post("prices_in", [{"oid": 1, "cid": 1, "k": "a"}, {"oid": 2, "cid": 1, "k": "b"}, {"oid": 3, "cid": 9, "k": "a"},
                              {"oid": 4, "cid": None, "k": "a"}, {"oid": 5, "cid": 0, "k": "a\u0000"}])
    told("prices", [[1, "name 1"], [1, "name 4"], [2, None], [3, None], [4, None], [5, None]])
    assert "hidden" not in server.sql("EXPLAIN SELECT c.name FROM prices_in AS o JOIN prices FOR SYSTEM_TIME AS OF o.p AS c "
                                      "ON o.cid = c.cid;")[-1]["rows"][-1][0]
    assert server.rows("SELECT COUNT(*) FROM prices_in AS o JOIN prices FOR SYSTEM_TIME AS OF o.p AS c ON o.cid = c.cid AND "
                       "c.k = 'a' AND c.name > 'name 3';") == [[3]]


@case
def values_of_many_types_are_looked_up():
    pg.do("CREATE TABLE kinds (id uuid PRIMARY KEY, b boolean, n numeric(10, 2), d double precision, bytes bytea, day date, "
          "t time, ts timestamp, tz timestamptz, list int[], doc jsonb, s varchar(20));"
          "INSERT INTO kinds VALUES ('11111111-1111-1111-1111-111111111111', true, 12.50, 0.1, '\\x00ff', '2026-01-02', "
          "'03:04:05', '2026-01-02 03:04:05.678', '2026-01-02 03:04:05.678+02', '{1,NULL,3}', '{\"a\": {\"b\": 1}}', 'ä\"'), "
          "('22222222-2222-2222-2222-222222222222', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL), "
          "('33333333-3333-3333-3333-333333333333', false, 1, 1, NULL, NULL, NULL, 'infinity', NULL, NULL, NULL, NULL)")
    columns = ("b BOOLEAN, n DECIMAL(10, 2), d DOUBLE, `bytes` BYTES, `day` DATE, t TIME, ts TIMESTAMP(3), tz TIMESTAMP_LTZ(3), "
               "list ARRAY<INT>, doc STRING, s STRING")
    looked_up("kinds", "id STRING, %s, PRIMARY KEY (id) NOT ENFORCED" % columns,
              "c.b, c.n, c.d, c.`bytes`, c.`day`, c.t, c.ts, c.tz, c.list, c.doc, c.s", "o.k = c.id", out=columns)
    ids = ["11111111-1111-1111-1111-111111111111".replace("1", n) for n in "123"] + ["no uuid"]
    server.post("kinds_in", [{"oid": i, "cid": 0, "k": k} for i, k in enumerate(ids)])
    nothing = [None] * 11
    until("all are told", 30, lambda: len(server.rows("SELECT oid FROM kinds_out;")) == 4)
    rows = server.rows("SELECT * FROM kinds_out;")
    assert rows[0][1:] == [True, 12.5, 0.1, "AP8=", "2026-01-02", "03:04:05", "2026-01-02 03:04:05.678",
                           "2026-01-02 01:04:05.678Z", [1, None, 3], '{"a": {"b": 1}}', 'ä"'], rows[0]
    assert [r[1:] for r in rows[1:]] == [nothing] * 3, rows
    reasons = " ".join(r[0] for r in server.rows("SELECT reason FROM `kinds$dead`;"))
    assert "22P02" in reasons and "no row of the table" in reasons, reasons


@case
def lookups_tell_each_row_once_over_kills_and_a_connection_that_hurts():
    pg.do("CREATE TABLE lost (cid bigint PRIMARY KEY, name text); INSERT INTO lost SELECT n, 'k' || n FROM generate_series(0, 6) n")
    looked_up("lost", "cid BIGINT, name STRING, PRIMARY KEY (cid) NOT ENFORCED", "c.name", "o.cid = c.cid",
              "'bridge.batch.records' = '20'", port=proxy.port)
    rounds, sent = (4 if os.environ.get("INTEROP_MODE") == "ci" else 16), 0
    for i in range(rounds):
        proxy.trouble = ({"delay"}, {"cut"}, {"throttle"}, {"deaf"})[i % 4]
        server.post("lost_in", [{"oid": n, "cid": n % 8} for n in range(sent, sent + 100)])
        sent += 100
        time.sleep(0.05 * (i % 4))
        (pg, server)[i % 2].again()
        proxy.reset_all()
    proxy.trouble = set()
    told("lost", [[n, "k%d" % (n % 8) if n % 8 < 7 else None] for n in range(sent)])


@case
def what_postgres_has_not_is_said_and_waited_for():
    looked_up("later", "cid BIGINT, name STRING", "c.name", "o.cid = c.cid")
    server.post("later_in", [{"oid": 1, "cid": 1}])
    name = "later@insert-into_later_out"
    until("it says so", 20, lambda: "42P01" in trouble(name))
    pg.do("CREATE TABLE later (cid bigint, name text); INSERT INTO later VALUES (1, 'now')")
    told("later", [[1, "now"]])
    assert trouble(name) == ""


checks.main(None)
