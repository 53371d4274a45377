"""Cassandra as a sink and as what is looked up, beside DataStax's client: values of all types, upserts and deletes by key,
partitions, over a proxy that hurts and kills of both sides, TLS, passwords, what is refused."""
import datetime, decimal, glob, logging, os, random, re, socket, subprocess, sys, time, uuid, warnings

warnings.simplefilter("ignore")
import cassandra
from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import Cluster, ExecutionProfile, EXEC_PROFILE_DEFAULT
from cassandra.policies import WhiteListRoundRobinPolicy
from cassandra.query import tuple_factory

WORK, LIB = sys.argv[1:3]
del sys.argv[2]
import checks
from bridges import HASTE, Proxy, Server, child, free_port, hurt, kills, made, statements
from checks import case, until

CI = os.environ.get("INTEROP_MODE") == "ci"
logging.getLogger("cassandra").setLevel(logging.CRITICAL)

# What bin/cassandra gives a JVM of 11 and later (conf/jvm11-server.options, jvm17-server.options).
EXPORTS = ("java.base/jdk.internal.misc java.base/jdk.internal.ref java.base/sun.nio.ch "
           "java.management.rmi/com.sun.jmx.remote.internal.rmi java.rmi/sun.rmi.registry java.rmi/sun.rmi.server "
           "java.rmi/sun.rmi.transport.tcp java.sql/java.sql jdk.unsupported/sun.misc java.base/java.lang.ref "
           "java.base/jdk.internal.util.jar java.base/jdk.internal.math").split()
OPENS = ("java.base/java.lang.module java.base/jdk.internal.loader java.base/jdk.internal.ref java.base/jdk.internal.reflect "
         "java.base/jdk.internal.math java.base/jdk.internal.module java.base/jdk.internal.util.jar "
         "jdk.management/com.sun.management.internal java.base/sun.nio.ch java.base/java.io java.base/java.lang "
         "java.base/java.lang.reflect java.base/java.util java.base/java.util.concurrent "
         "java.base/java.util.concurrent.atomic java.base/java.nio java.rmi/sun.rmi.transport.tcp java.base/java.net "
         "java.base/sun.nio.fs").split()


def java():
    """5.0 wants 11 or 17."""
    found = glob.glob("/usr/lib/jvm/java-1[17]-openjdk-*/bin/java")
    return sorted(found)[-1] if found else "java"


class Cassandra:
    """A real one, of one node, on a directory of its own."""

    def __init__(self):
        self.port, self.dir, self.storage = free_port(), os.path.join(WORK, "cassandra"), free_port()
        os.makedirs(self.dir)
        run = lambda *a: subprocess.run(a, cwd=self.dir, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
            "subjectAltName=DNS:localhost", "-keyout", "key.pem", "-out", "cert.pem")
        run("openssl", "pkcs12", "-export", "-in", "cert.pem", "-inkey", "key.pem", "-out", "store.p12", "-passout", "pass:secret")
        with open(os.path.join(self.dir, "cassandra.yaml"), "w") as f:
            f.write("""cluster_name: t
num_tokens: 1
partitioner: org.apache.cassandra.dht.Murmur3Partitioner
commitlog_sync: periodic
commitlog_sync_period: 1000ms
commitlog_segment_size: 1MiB
data_file_directories: [DIR/data]
commitlog_directory: DIR/commitlog
hints_directory: DIR/hints
saved_caches_directory: DIR/caches
cdc_raw_directory: DIR/cdc
seed_provider: [{class_name: org.apache.cassandra.locator.SimpleSeedProvider, parameters: [{seeds: "127.0.0.1:STORAGE"}]}]
listen_address: 127.0.0.1
storage_port: STORAGE
rpc_address: 127.0.0.1
native_transport_port: PORT
start_native_transport: true
endpoint_snitch: SimpleSnitch
auto_snapshot: false
authenticator: PasswordAuthenticator
authorizer: CassandraAuthorizer
memtable_heap_space: 64MiB
client_encryption_options: {enabled: true, optional: true, keystore: DIR/store.p12, keystore_password: secret, store_type: PKCS12}
""".replace("DIR", self.dir).replace("STORAGE", str(self.storage)).replace("PORT", str(self.port)))
        with open(os.path.join(self.dir, "logback.xml"), "w") as f: # as it comes, it tells all that it does
            f.write("<configuration><appender name='A' class='ch.qos.logback.core.ConsoleAppender'><encoder><pattern>%d %level %msg%n"
                    "</pattern></encoder></appender><root level='WARN'><appender-ref ref='A'/></root></configuration>")
        self.start()

    def start(self):
        options = [x for e in EXPORTS for x in ("--add-exports", e + "=ALL-UNNAMED")]
        options += [x for e in OPENS for x in ("--add-opens", e + "=ALL-UNNAMED")]
        options += ["-D" + d for d in (
            "jdk.attach.allowAttachSelf=true", "cassandra.config=file:%s/cassandra.yaml" % self.dir,
            "cassandra.storagedir=" + self.dir, "cassandra-foreground=yes", "cassandra.ring_delay_ms=0",
            "cassandra.skip_wait_for_gossip_to_settle=0", "logback.configurationFile=%s/logback.xml" % self.dir, "cassandra.superuser_setup_delay_ms=0", "cassandra.initial_token=0")]
        self.process = child([java(), "-Xms400M", "-Xmx400M", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto", *options,
                              "-javaagent:" + glob.glob(LIB + "/jamm-*.jar")[0], "-cp", LIB + "/*",
                              "org.apache.cassandra.service.CassandraDaemon"],
                             stdin=subprocess.DEVNULL, stdout=open(self.dir + "/out", "ab"), stderr=subprocess.STDOUT)
        until("Cassandra answers", 240, self.answers)

    def answers(self):
        assert self.process.poll() is None, "it has ended: " + self.dir + "/out"
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            profile = ExecutionProfile(load_balancing_policy=WhiteListRoundRobinPolicy(["127.0.0.1"]), row_factory=tuple_factory,
                                       request_timeout=30)
            self.cluster = Cluster(["127.0.0.1"], port=self.port, protocol_version=4, auth_provider=PlainTextAuthProvider("cassandra", "cassandra"),
                                   execution_profiles={EXEC_PROFILE_DEFAULT: profile}, connect_timeout=5)
            self.session = self.cluster.connect()
            return True
        except (OSError, cassandra.cluster.NoHostAvailable):
            return False

    def kill(self):
        self.cluster.shutdown()
        self.process.kill()
        self.process.wait()

    def again(self):
        self.kill()
        self.start()

    def do(self, *texts):
        for text in texts:
            self.session.execute(text)

    def rows(self, text):
        return [list(r) for r in self.session.execute(text)]


def at_length(f):
    """A case for --full: Cassandra takes long to start."""
    return f if CI else case(f)


server = Server(WORK)
there = Cassandra()
proxy = Proxy(there.port)
there.do("CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")


def table(name, columns, options="", port=None, who="'cassandra.user' = 'cassandra', 'cassandra.password' = 'cassandra'",
          timeout="5 s"):
    return "CREATE OR REPLACE TABLE %s (%s) WITH ('connector' = 'cassandra', 'cassandra.keyspace' = 'ks', 'cassandra.port' = '%d', %s);" % (
        name, columns, port or there.port, ", ".join(o for o in (who, options, HASTE.replace("500 ms", timeout)) if o))


def trouble(name):
    return server.bridge(name)["trouble"] or ""


def reasons(name):
    return [r[0] for r in server.rows("SELECT reason FROM `%s$dead`;" % name)]


def input_of(name, columns):
    server.sql("CREATE TABLE %s (%s) WITH ('connector' = 'kafka', 'topic' = '%s', 'format' = 'json', "
               "'scan.startup.mode' = 'earliest-offset');" % (name, columns, name))


# ---- as a sink ----

KINDS = (  # name, here, there, as JSON, as the client has it
    ("a", "STRING", "ascii", "abc", "abc"), ("t", "STRING", "text", "h\u00e9 \u2713", "h\u00e9 \u2713"),
    ("b1", "TINYINT", "tinyint", -128, -128), ("b2", "SMALLINT", "smallint", -32768, -32768), ("b4", "INT", "int", 2147483647, 2147483647),
    ("b8", "BIGINT", "bigint", -9007199254740993, -9007199254740993), ("vi", "DECIMAL(38, 0)", "varint", -(10 ** 37), -(10 ** 37)),
    ("de", "DECIMAL(20, 4)", "decimal", "-123456789.0001", decimal.Decimal("-123456789.0001")),
    ("f4", "FLOAT", "float", 1.5, 1.5), ("f8", "DOUBLE", "double", 0.1, 0.1), ("bo", "BOOLEAN", "boolean", True, True),
    ("bl", "BYTES", "blob", "AP8B", b"\x00\xff\x01"), ("da", "DATE", "date", "1969-12-31", "1969-12-31"),
    ("ti", "TIME(6)", "time", "23:59:59.123456", "23:59:59.123456"),
    ("ts", "TIMESTAMP(3)", "timestamp", "1969-12-31 23:59:59.001", datetime.datetime(1969, 12, 31, 23, 59, 59, 1000)),
    ("tz", "TIMESTAMP_LTZ(3)", "timestamp", "2026-01-02 03:04:05.678Z", datetime.datetime(2026, 1, 2, 3, 4, 5, 678000)),
    ("uu", "STRING", "uuid", "00112233-4455-4677-8899-aabbccddeeff", uuid.UUID("00112233-4455-4677-8899-aabbccddeeff")),
    ("ip", "STRING", "inet", "10.1.2.3", "10.1.2.3"), ("i6", "STRING", "inet", "2001:db8::1", "2001:db8::1"),
    ("js", "ARRAY<INT>", "text", [1, None, 3], "[1,null,3]"), ("small", "BIGINT", "int", 5, 5), ("wide", "INT", "decimal", 7, decimal.Decimal(7)),
)


@case
def values_of_many_types_go_and_are_looked_up():
    columns = "id BIGINT, " + ", ".join("%s %s" % k[:2] for k in KINDS)
    there.do("CREATE TABLE ks.kinds (id bigint PRIMARY KEY, %s)" % ", ".join("%s %s" % (k[0], k[2]) for k in KINDS))
    input_of("kinds_in", columns)
    server.sql(table("kinds", columns + ", PRIMARY KEY (id) NOT ENFORCED"))
    server.sql("INSERT INTO kinds SELECT * FROM kinds_in;")
    server.post("kinds_in", [dict({"id": 1}, **{k[0]: k[3] for k in KINDS}), {"id": 2}])
    server.arrived("kinds")
    one, two = there.rows("SELECT id, %s FROM ks.kinds" % ", ".join(k[0] for k in KINDS))[::1 if there.rows("SELECT id FROM ks.kinds")[0] == [1] else -1]
    for k, got in zip(KINDS, one[1:]):
        assert (str(got)[:15 if k[0] == "ti" else None] if k[0] in ("da", "ti") else got) == k[4], (k, got)
    assert two == [2] + [None] * len(KINDS), two
    looked_up("look", columns + ", PRIMARY KEY (id) NOT ENFORCED", ", ".join("c.%s" % k[0] for k in KINDS), "o.cid = c.id",
              "'cassandra.table' = 'kinds'", ", ".join("%s %s" % k[:2] for k in KINDS))
    server.post("look_in", [{"oid": i, "cid": i} for i in (1, 2, 3)])
    until("it is told", 60, lambda: len(server.rows("SELECT oid FROM look_out;")) == 3)
    got = server.rows("SELECT * FROM look_out;")
    want = server.rows("SELECT %s FROM kinds_in;" % ", ".join(k[0] for k in KINDS))
    assert got[0][1:20] == want[0][:19] and got[0][21:] == want[0][20:], [x for x in zip(KINDS, got[0][1:], want[0]) if x[1] != x[2]]
    assert all(v is None for r in got[1:] for v in r[1:]), got


@case
def rows_are_written_and_deleted_by_key_the_last_wins():
    there.do("CREATE TABLE ks.sums (k text, part int, n bigint, total bigint, PRIMARY KEY ((k), part))")
    server.source("sums_in")
    server.sql(table("sums", "k STRING, part INT, n BIGINT, total BIGINT, PRIMARY KEY (k, part) NOT ENFORCED",
                     "'cassandra.batch.bytes' = '1 kb'"))
    server.sql("INSERT INTO sums SELECT * FROM (SELECT k, n, COUNT(*) AS c, SUM(n) FROM sums_in GROUP BY k, n) WHERE c < 3;")
    for i in range(12):
        server.post("sums_in", made(i * 100, 100))
    server.arrived("sums")
    want = {}
    for r in made(0, 1200):
        want.setdefault((r["k"], r["n"]), []).append(r["n"])
    assert sorted(there.rows("SELECT * FROM ks.sums")) == sorted([k, n, len(v), sum(v)] for (k, n), v in want.items() if len(v) < 3)
    assert not server.bridge("sums")["dead"]


@case
def what_cannot_be_written_is_dead_and_the_others_go():
    there.do("CREATE TABLE ks.picky (k text, id int, u uuid, x text, PRIMARY KEY ((k), id))")
    input_of("picky_in", "k STRING, id BIGINT, u STRING, x STRING")
    server.sql(table("picky", "k STRING, id BIGINT, u STRING, x STRING"))
    server.sql("INSERT INTO picky SELECT * FROM picky_in;")
    rows = [{"k": "a", "id": i, "x": "fine"} for i in range(40)]
    rows[3]["k"], rows[5]["id"], rows[7]["u"], rows[9]["k"], rows[11]["id"] = None, 1 << 40, "no uuid", "", None
    rows[13]["x"] = "y" * 700_000
    server.post("picky_in", rows)
    server.arrived("picky")
    said, got = reasons("picky"), [r[0] for r in there.rows("SELECT id FROM ks.picky")]
    assert got == [i for i in range(40) if i not in (3, 5, 7, 9, 11, 13)], (got, said)
    assert len(said) == 6 and "partition key is NULL" in said[0] and "range" in said[1] and "no uuid" in said[2], said
    assert "not valid" in said[3] or "empty" in said[3], said
    assert "Cassandra refuses it" in said[4] and "Cassandra refuses it" in said[5], said


def all_there(name, sent):
    server.arrived(name, 120)
    assert sorted(r[0] for r in there.rows("SELECT id FROM ks.%s" % name)) == list(range(sent))
    assert not server.bridge(name)["dead"]


def latest(name, sent):
    """A row a key, always of the last record: what arrived late is not seen."""
    server.arrived(name, 120)
    want = {r["k"]: r["id"] for r in made(0, sent)}
    assert dict(there.rows("SELECT k, id FROM ks.%s" % name)) == want


@case
def the_last_of_each_row_is_there_over_a_connection_that_hurts():
    there.do("CREATE TABLE ks.hurt (k text PRIMARY KEY, id bigint)", "CREATE TABLE ks.whole (id bigint PRIMARY KEY)")
    server.source("hurt_in")
    server.sql(table("hurt", "k STRING, id BIGINT, PRIMARY KEY (k) NOT ENFORCED", "'bridge.batch.records' = '30'", proxy.port, timeout="700 ms"))
    server.sql(table("whole", "id BIGINT", "'bridge.batch.records' = '50'", proxy.port, timeout="700 ms"))
    server.sql("INSERT INTO hurt SELECT k, id FROM hurt_in; INSERT INTO whole SELECT id FROM hurt_in;")
    sent = hurt(server, proxy, "hurt_in", 1 if CI else 6)
    latest("hurt", sent)
    all_there("whole", sent)
    assert server.bridge("hurt")["failures"] > 1, server.bridge("hurt")


@at_length
def nothing_is_lost_over_kills():
    there.do("CREATE TABLE ks.killed (k text PRIMARY KEY, id bigint)", "CREATE TABLE ks.every (id bigint PRIMARY KEY)")
    server.source("killed_in")
    server.sql(table("killed", "k STRING, id BIGINT, PRIMARY KEY (k) NOT ENFORCED", "'bridge.batch.records' = '20'"))
    server.sql(table("every", "id BIGINT", "'bridge.batch.records' = '20'"))
    server.sql("INSERT INTO killed SELECT k, id FROM killed_in; INSERT INTO every SELECT id FROM killed_in;")
    sent = kills(server, there, "killed_in", many=8)
    latest("killed", sent)
    all_there("every", sent)


# ---- as what is looked up ----

def looked_up(name, columns, select, condition, options="", out="", port=None):
    server.sql("CREATE TABLE %s_in (oid BIGINT, cid BIGINT, k STRING, p AS PROCTIME()) WITH ('connector' = 'kafka', 'topic' = '%s_in', "
               "'format' = 'json', 'scan.startup.mode' = 'earliest-offset');" % (name, name))
    server.sql("CREATE TABLE %s_out (oid BIGINT, %s) WITH ('connector' = 'kafka', 'topic' = '%s_out', 'format' = 'json');" % (name, out, name))
    server.sql(table(name, columns, options, port))
    server.sql("INSERT INTO %s_out SELECT o.oid, %s FROM %s_in AS o LEFT JOIN %s FOR SYSTEM_TIME AS OF o.p AS c ON %s;"
               % (name, select, name, name, condition))


@case
def partitions_are_looked_up():
    there.do("CREATE TABLE ks.parts (k text, id int, x text, PRIMARY KEY ((k), id))")
    insert = there.session.prepare("INSERT INTO ks.parts (k, id, x) VALUES (?, ?, ?)")
    for f in [there.session.execute_async(insert, ("big", i, "x%d" % i)) for i in range(2300)]:
        f.result()
    there.do("INSERT INTO ks.parts (k, id, x) VALUES ('one', 1, 'x')")
    looked_up("parts", "k STRING, id INT, x STRING", "c.id, c.x", "o.k = c.k", out="id INT, x STRING", port=proxy.port)
    server.post("parts_in", [{"oid": 1, "k": "big"}, {"oid": 2, "k": "one"}, {"oid": 3, "k": "none"}, {"oid": 4}])
    until("it is told", 60, lambda: len(server.rows("SELECT oid FROM parts_out;")) == 2303)
    assert server.rows("SELECT * FROM parts_out;") == [[1, i, "x%d" % i] for i in range(2300)] + [[2, 1, "x"], [3, None, None], [4, None, None]]
    looked_up("wrong", "k STRING, id INT, x STRING", "c.k", "o.k = c.x", "'cassandra.table' = 'parts'", out="k STRING")
    server.post("wrong_in", [{"oid": 1, "k": "x"}])
    until("what cannot be asked by is said", 20, lambda: "Cannot execute this query" in trouble("wrong@insert-into_wrong_out"))


@at_length
def lookups_tell_each_row_once_over_kills_and_a_connection_that_hurts():
    there.do("CREATE TABLE ks.lost (cid bigint PRIMARY KEY, name text)")
    for i in range(7):
        there.do("INSERT INTO ks.lost (cid, name) VALUES (%d, 'k%d')" % (i, i))
    looked_up("lost", "cid BIGINT, name STRING, PRIMARY KEY (cid) NOT ENFORCED", "c.name", "o.cid = c.cid", "'bridge.batch.records' = '20'",
              "name STRING", proxy.port)
    sent = 0
    for i in range(8):
        proxy.trouble = ({"delay"}, {"cut"}, {"throttle"}, {"deaf"})[i % 4]
        server.post("lost_in", [{"oid": n, "cid": n % 8} for n in range(sent, sent + 100)])
        sent += 100
        time.sleep(0.05 * (i % 4))
        (there, server)[i % 2].again()
        proxy.reset_all()
    proxy.trouble = set()
    until("all are told", 90, lambda: len(server.rows("SELECT oid FROM lost_out;")) >= sent)
    assert server.rows("SELECT * FROM lost_out;") == [[n, "k%d" % (n % 8) if n % 8 < 7 else None] for n in range(sent)]


# ---- who we are, and what is refused ----

@case
def passwords_tls_and_tables_that_do_not_fit():
    there.do("CREATE TABLE ks.who (id bigint PRIMARY KEY, x int)", "CREATE TABLE ks.pair (a bigint, b int, x text, PRIMARY KEY ((a), b))",
             "CREATE TABLE ks.counts (id bigint PRIMARY KEY, n counter)")
    server.source("who_in")
    server.post("who_in", made(0, 10))
    ca, known = "'cassandra.tls' = 'true', 'cassandra.tls.ca' = '%s/cert.pem'" % there.dir, "'cassandra.user' = 'cassandra', 'cassandra.password' = 'cassandra'"
    key, to = ", PRIMARY KEY (id) NOT ENFORCED", "'cassandra.table' = 'who'"
    for name, columns, options, who, says in (
            ("w1", "id BIGINT", to, "'cassandra.user' = 'cassandra', 'cassandra.password' = 'wrong1'", "incorrect"),
            ("w2", "id BIGINT", to, "", "wants 'cassandra.user'"),
            ("w3", "id BIGINT", to + ", " + ca, known, "mismatch"),
            ("w4", "id BIGINT", "'cassandra.table' = 'none'", known, "none"),
            ("w5", "id BIGINT, y INT", to, known, "y"),
            ("w6", "id BIGINT, x STRING", to, known, "column x is STRING here, and int there"),
            ("w7", "id BIGINT, b INT, x STRING, PRIMARY KEY (id) NOT ENFORCED", "'cassandra.table' = 'pair'", known, "id"),
            ("w8", "a BIGINT, b INT, PRIMARY KEY (a) NOT ENFORCED", "'cassandra.table' = 'pair'", known,
             "column b is in the primary key there, and not in the PRIMARY KEY here"),
            ("w9", "a BIGINT, b INT, x STRING, PRIMARY KEY (a, b, x) NOT ENFORCED", "'cassandra.table' = 'pair'", known,
             "columns that are not in the primary key there"),
            ("w10", "id BIGINT, n BIGINT", "'cassandra.table' = 'counts'", known, "ounter")):
        if CI and name in ("w4", "w5", "w7", "w9"):
            continue
        server.sql(table(name, columns, options, who=who))
        select = ", ".join({"BIGINT": "id", "INT": "n", "STRING": "k"}[t] for t in re.findall(r"BIGINT|INT|STRING", columns))
        server.sql("INSERT INTO %s SELECT %s FROM who_in;" % (name, select))
        until("%s fails for %s" % (name, says), 60, lambda: says in trouble(name))
        assert "wrong1" not in trouble(name)
        server.sql("DROP JOB `insert-into_%s`; DROP TABLE %s;" % (name, name))
    server.sql(table("who", "id BIGINT" + key, "'cassandra.host' = 'localhost', " + ca))
    server.sql("INSERT INTO who SELECT id FROM who_in;")
    server.arrived("who")
    assert len(there.rows("SELECT id FROM ks.who")) == 10


@case
def what_is_wrong_is_said():
    refused = lambda o, c="id BIGINT": server.refused(table("w", c, o))
    assert refused("'cassandra.keyspac' = 'a'") == "connector 'cassandra' has no option 'cassandra.keyspac'"
    assert refused("'cassandra.consistency' = 'SOME'") == "option 'cassandra.consistency' of connector 'cassandra' is 'SOME'"
    assert "needs 'cassandra.tls' = 'true'" in refused("'cassandra.tls.ca' = 'x'")
    server.sql(table("w", "id BIGINT"))
    assert "cannot be read" in server.refused("SELECT * FROM w;") or "read" in server.refused("SELECT * FROM w;")


@case
def the_page_is_so():
    """The statements of docs/connectors/cassandra.md, with our server in place of theirs."""
    there.do("CREATE TABLE ks.visits (page text PRIMARY KEY, visits bigint)", "CREATE TABLE ks.customers (id bigint PRIMARY KEY, name text)",
             "INSERT INTO ks.customers (id, name) VALUES (7, 'Ada')")
    ours = "'cassandra.port' = '%d', 'cassandra.user' = 'cassandra', 'cassandra.password' = 'cassandra'" % there.port
    server.sql(statements("docs/connectors/cassandra.md").replace("'cassandra.host' = 'node1'", ours))
    server.post("clicks", [{"page": p, "customer": 7} for p in ("a", "b", "a")])
    until("they are counted", 30, lambda: sorted(there.rows("SELECT * FROM ks.visits")) == [["a", 2], ["b", 1]])
    until("names are there", 30, lambda: server.rows("SELECT * FROM named;") == [["a", "Ada"], ["b", "Ada"], ["a", "Ada"]])


checks.main(None)
