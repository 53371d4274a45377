"""Records carried by bridges: how many a second, and the CPU of a million of them.

    bridges.py --ours HOST:PORT:PID --records N [--kafka PORT:PID] [--redis PORT:PID] [--influxdb PORT:PID] [--flink COMMAND]

A sink is held (its circuit breaker is FORCED_OPEN) until all records wait for it in the log, then it is let go: what is
measured is the carrying alone. A source is measured from the job that reads it into a blackhole to its last record in the log;
it reads what the sink wrote. Prints a line a case: case|metric|better|ours|peer|peer's name.
"""
import argparse, http.client, json, shlex, subprocess, time

COLUMNS = "id BIGINT, k STRING, n INT, v DOUBLE, note STRING"
FLINK = "flink's kafka connector"


def cpu(pid):
    return float(subprocess.run(["build/release/bench/cpu_seconds", str(pid)], check=True, stdout=subprocess.PIPE).stdout)


class Ours:
    def __init__(self, address, pid):
        self.address, self.pid = address, pid

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection(self.address, timeout=120)
        connection.request(method, path, body)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        if answer.status // 100 != 2:
            raise SystemExit("bench: %s %s: %d %s" % (method, path, answer.status, text.decode()[:500]))
        return json.loads(text) if text else None

    def sql(self, text):
        return self.ask("POST", "/v1/sql", text)

    def bridge(self, table):
        return self.ask("GET", "/v1/bridges/" + table)

    def force(self, table, state):
        self.ask("POST", "/v1/bridges/%s/state" % table, json.dumps({"state": state}))

    def job_done(self, job, rows):
        return self.ask("GET", "/v1/jobs/" + job)["rows_in"] >= rows

    def until(self, what, done):
        end = time.time() + 900
        while not done():
            if time.time() > end:
                raise SystemExit("bench: not within 900 s: " + what)
            time.sleep(0.02)


class Measure:
    """What was carried between its making and done()."""

    def __init__(self, ours, outside):
        self.ours, self.outside = ours, outside
        self.began, self.cpu = time.time(), (cpu(ours.pid), cpu(outside) if outside else 0)

    def done(self, records, name, peer=None):
        seconds = time.time() - self.began
        ours = cpu(self.ours.pid) - self.cpu[0]
        per_second, per_million = records / seconds, ours * 1e6 / records
        theirs = (records / peer[0], peer[1] * 1e6 / records) if peer else ("", "")
        who = FLINK if peer else ""
        say(name, "records_per_second", "more", per_second, theirs[0], who)
        say(name, "cpu_s_per_million", "less", per_million, theirs[1], who)
        if self.outside:
            say(name, "outside_cpu_s_per_million", "less", (cpu(self.outside) - self.cpu[1]) * 1e6 / records, "", "")


def say(name, metric, better, ours, peer, who):
    text = lambda v: v if v == "" else "%d" % v if metric == "records_per_second" else "%.3f" % v
    print("|".join([name, metric, better, text(ours), text(peer), who]), flush=True)


def sink(ours, name, outside, table, options, records, key=""):
    ours.sql("CREATE TABLE %s (%s%s) WITH (%s); INSERT INTO %s SELECT * FROM made;" % (table, COLUMNS, key, options, table))
    ours.force(table, "FORCED_OPEN")
    ours.until("all wait for " + table, lambda: ours.job_done("insert-into_" + table, records))
    ours.until("the last call ends", lambda: not ours.bridge(table)["busy"])
    waiting = ours.bridge(table)["lag"]
    measure = Measure(ours, outside)
    ours.force(table, "CLOSED")
    ours.until("all have arrived at " + table, lambda: ours.bridge(table)["lag"] == 0)
    measure.done(waiting, name)
    ours.sql("DROP JOB `insert-into_%s`; DROP TABLE %s;" % (table, table))


def source(ours, name, outside, table, options, records, peer=None):
    ours.sql("CREATE TABLE %s (%s) WITH (%s); CREATE TABLE %s_gone (%s) WITH ('connector' = 'blackhole');" % (
        table, COLUMNS, options, table, COLUMNS))
    measure = Measure(ours, outside)
    ours.sql("INSERT INTO %s_gone SELECT * FROM %s;" % (table, table))
    ours.until("all have come from " + table, lambda: ours.job_done("insert-into_%s_gone" % table, records))
    measure.done(records, name, peer)
    ours.sql("DROP JOB `insert-into_%s_gone`; DROP TABLE %s_gone; DROP TABLE %s;" % (table, table, table))


def copied(arguments, kafka, records):
    """Flink's figures: of reading, of copying; each seconds and CPU seconds."""
    if not arguments.flink:
        return None, None
    command = shlex.split(arguments.flink) + ["127.0.0.1:%s" % kafka, "outside", "copied_by_flink", COLUMNS, str(records)]
    out = subprocess.run(command, stdout=subprocess.PIPE, text=True).stdout.split()
    if len(out) != 4:
        raise SystemExit("bench: Flink did not copy the topic")
    return [float(x) for x in out[:2]], [float(x) for x in out[2:]]


def kafka_cases(ours, arguments, records):
    port, pid = arguments.kafka.split(":")
    at = "'connector' = 'kafka', 'properties.bootstrap.servers' = '127.0.0.1:%s', 'format' = 'json', 'topic' = '%%s'" % port
    for topic in ("outside", "copied", "copied_by_flink"):
        subprocess.run(["build/release/quickwater", "topic", "create", topic, "--partitions", "1", "--kafka", "127.0.0.1:" + port],
                       check=True, stdout=subprocess.DEVNULL)
    sink(ours, "kafka, written", pid, "to_kafka", at % "outside", records)
    read, copy = copied(arguments, port, records)
    source(ours, "kafka, read", pid, "from_kafka", at % "outside" + ", 'scan.startup.mode' = 'earliest-offset'", records, read)
    ours.sql("CREATE TABLE come (%s) WITH (%s, 'scan.startup.mode' = 'earliest-offset'); CREATE TABLE go (%s) WITH (%s);" % (
        COLUMNS, at % "outside", COLUMNS, at % "copied"))
    measure = Measure(ours, pid)
    ours.sql("INSERT INTO go SELECT * FROM come;")
    ours.until("the copy", lambda: ours.bridge("go")["delivered"] >= records)
    measure.done(records, "kafka, copied", copy)
    ours.sql("DROP JOB `insert-into_go`; DROP TABLE go; DROP TABLE come;")


def redis_cases(ours, arguments, records):
    port, pid = arguments.redis.split(":")
    at = "'connector' = 'redis', 'redis.port' = '%s', 'redis.type' = '%%s'" % port
    sink(ours, "redis, hashes written", pid, "to_hashes", at % "hash", records, ", PRIMARY KEY (id) NOT ENFORCED")
    sink(ours, "redis, a stream written", pid, "to_stream", at % "stream" + ", 'redis.key' = 'made'", records)
    source(ours, "redis, a stream read", pid, "from_stream", at % "stream" + ", 'redis.key' = 'made'", records)


def lines(first, count):
    return b"".join(b'made_lines,k=k%d n=%di,v=%d.5,note="%s" %d\n' % (
        i % 1000, i % 100, i % 7, b"x" * 40, 1767225600000000000 + i * 1000) for i in range(first, first + count))


def influxdb_cases(ours, arguments, records):
    port, pid = arguments.influxdb.split(":")
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=60)
    for turn in range(300):
        try:
            connection.request("POST", "/query?q=CREATE+DATABASE+made")
            connection.getresponse().read()
            break
        except OSError:
            connection.close()
            time.sleep(0.1)
    sink(ours, "influxdb, written", pid, "to_influxdb",
         "'connector' = 'influxdb', 'influxdb.url' = 'http://127.0.0.1:%s', 'influxdb.database' = 'made', "
         "'influxdb.tags' = 'k', 'influxdb.time.column' = 'id', 'influxdb.precision' = 'ns'" % port, records)
    at = http.client.HTTPConnection(ours.address, timeout=60)
    bodies = [lines(first, min(5000, records - first)) for first in range(0, records, 5000)]
    measure = Measure(ours, None)
    for body in bodies:
        at.request("POST", "/write?db=made", body)
        answer = at.getresponse()
        answer.read()
        if answer.status != 204:
            raise SystemExit("bench: /write answers %d" % answer.status)
    measure.done(records, "influxdb's clients, written to us")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--ours", required=True)
    parser.add_argument("--records", type=int, required=True)
    for name in ("kafka", "redis", "influxdb", "flink"):
        parser.add_argument("--" + name)
    arguments = parser.parse_args()
    address, _, pid = arguments.ours.rpartition(":")
    ours, records = Ours(address, pid), arguments.records
    ours.sql("CREATE TABLE made (%s) WITH ('connector' = 'kafka', 'topic' = 'made', 'format' = 'json', "
             "'scan.startup.mode' = 'earliest-offset'); CREATE TABLE gen (id BIGINT, k BIGINT, n INT, v DOUBLE, note STRING) WITH ("
             "'connector' = 'datagen', 'number-of-rows' = '%d', 'fields.id.kind' = 'sequence', 'fields.id.start' = '1', "
             "'fields.id.end' = '%d', 'fields.k.min' = '0', 'fields.k.max' = '999', 'fields.n.min' = '0', 'fields.n.max' = '99', "
             "'fields.note.length' = '40'); INSERT INTO made SELECT id, 'k' || CAST(k AS STRING), n, v, note FROM gen;" % (
                 COLUMNS, records, records))
    ours.until("the records are made", lambda: ours.job_done("insert-into_made", records))
    for name, cases in (("kafka", kafka_cases), ("redis", redis_cases), ("influxdb", influxdb_cases)):
        if getattr(arguments, name):
            cases(ours, arguments, records)


main()
