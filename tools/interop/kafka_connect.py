"""Kafka Connect, distributed, against the Kafka face: kafka_connect.py HOST:PORT, with its jars in $TOOLS/lib.

A worker reads lines of a file into a topic, exactly once, and writes the topic to another file. It is killed with
SIGKILL twice while lines are added. Ends in 'N passed, N failed'."""
import json, os, subprocess, tempfile, time, urllib.error, urllib.request
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType
from checks import BROKER, case, main, until
from ports import free_port

WORK = tempfile.mkdtemp(dir=os.environ.get("TMPDIR"))
IN, OUT, TOPIC = os.path.join(WORK, "in.txt"), os.path.join(WORK, "out.txt"), "connect-lines"
PORT = free_port()
CONFIG = {
    "bootstrap.servers": BROKER, "group.id": "connect", "listeners": "http://127.0.0.1:%d" % PORT,
    "config.storage.topic": "connect-configs", "offset.storage.topic": "connect-offsets",
    "status.storage.topic": "connect-status", "config.storage.replication.factor": 1,
    "offset.storage.replication.factor": 1, "status.storage.replication.factor": 1, "offset.storage.partitions": 5,
    "key.converter": "org.apache.kafka.connect.storage.StringConverter",
    "value.converter": "org.apache.kafka.connect.storage.StringConverter",
    "exactly.once.source.support": "enabled", "offset.flush.interval.ms": 1000, "session.timeout.ms": 6000,
    "heartbeat.interval.ms": 1000, "scheduled.rebalance.max.delay.ms": 0,
    # the plugins are on the class path, found without a search
    "plugin.discovery": "service_load"}
SOURCE = {"connector.class": "org.apache.kafka.connect.file.FileStreamSourceConnector", "tasks.max": "1", "file": IN,
          "topic": TOPIC, "exactly.once.support": "required", "transaction.boundary": "poll", "batch.size": "100",
          "producer.override.transaction.timeout.ms": "8000"}
SINK = {"connector.class": "org.apache.kafka.connect.file.FileStreamSinkConnector", "tasks.max": "1", "file": OUT,
        "topics": TOPIC, "consumer.override.isolation.level": "read_committed",
        # or the one of a worker that was killed keeps the others waiting
        "consumer.override.session.timeout.ms": "6000", "consumer.override.heartbeat.interval.ms": "1000"}


class Worker:
    def __init__(self):
        path = os.path.join(WORK, "worker.properties")
        with open(path, "w") as f:
            f.writelines("%s=%s\n" % pair for pair in CONFIG.items())
        self.log = open(os.path.join(WORK, "worker.log"), "a")
        self.process = subprocess.Popen(["java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", os.environ["TOOLS"] + "/lib/*",
                                         "org.apache.kafka.connect.cli.ConnectDistributed", path],
                                        stdout=self.log, stderr=self.log)
        until("the worker answers", 120, lambda: ask("GET", "/connectors") is not None)

    def kill(self):
        self.process.kill()
        self.process.wait()


def ask(method, path, body=None):
    """What the worker answers; None while it cannot."""
    r = urllib.request.Request("http://127.0.0.1:%d%s" % (PORT, path), method=method, headers={"Content-Type": "application/json"},
                               data=None if body is None else json.dumps(body).encode())
    try:
        with urllib.request.urlopen(r, timeout=10) as answer:
            return json.loads(answer.read() or "{}")
    except (OSError, urllib.error.HTTPError):
        return None


def add_lines(first, count):
    with open(IN, "a") as f:
        f.writelines("line %d %s\n" % (i, "x" * (i % 50)) for i in range(first, first + count))


def line_numbers(lines):
    return [int(line.split(b" ")[1]) for line in lines]


def committed():
    """The topic's line numbers as a read_committed reader has them; those of a partition rise."""
    c = Consumer({"bootstrap.servers": BROKER, "group.id": "reader", "enable.auto.commit": False,
                  "isolation.level": "read_committed", "enable.partition.eof": True})
    out = []
    for p in c.list_topics(TOPIC, 10).topics[TOPIC].partitions:
        c.assign([TopicPartition(TOPIC, p, 0)])
        part = []
        for _ in range(100000):
            m = c.poll(10)
            if m is None or m.error():
                break
            part.append(m.value())
        part = line_numbers(part)
        assert part == sorted(part), "out of order in partition %d" % p
        out += part
    c.close()
    return out


def written():
    with open(OUT, "rb") as f:
        return line_numbers(f.read().splitlines())


def running(name):
    status = ask("GET", "/connectors/%s/status" % name)
    return bool(status) and status["connector"]["state"] == "RUNNING" and \
        [t["state"] for t in status["tasks"]] == ["RUNNING"]


@case
def source_and_sink():
    total = 0
    add_lines(0, 2000)
    worker = Worker()
    try:
        for name, config in (("source", SOURCE), ("sink", SINK)):
            until("%s is taken" % name, 60, lambda: ask("PUT", "/connectors/%s/config" % name, config) is not None)
            until("%s runs" % name, 60, lambda: running(name))
        total = 2000
        for kill in range(2):
            until("a beginning", 60, lambda: os.path.exists(OUT) and len(set(written())) >= total - 1000)
            add_lines(total, 3000)
            total += 3000
            time.sleep(0.3 + kill)
            worker.kill()
            add_lines(total, 1000)
            total += 1000
            worker = Worker()  # has its connectors, offsets and states from the topics
            until("both run again", 90, lambda: running("source") and running("sink"))
        until("every line is written", 90, lambda: len(set(written())) == total)
        assert sorted(set(written())) == list(range(total))
        got = committed()
        assert sorted(got) == list(range(total)), "%d lines, %d different, of %d" % (len(got), len(set(got)), total)
        offsets = ask("GET", "/connectors/source/offsets")["offsets"]
        assert offsets[0]["offset"]["position"] == os.path.getsize(IN), offsets
        sink = {o["partition"]["kafka_partition"]: o["offset"]["kafka_offset"] for o in ask("GET", "/connectors/sink/offsets")["offsets"]}
        assert sum(sink.values()) >= total, sink
    except BaseException:
        with open(os.path.join(WORK, "worker.log")) as f:
            print(f.read()[-3000:])
        raise
    finally:
        worker.kill()


@case
def its_topics_are_compacted():
    a = AdminClient({"bootstrap.servers": BROKER})
    for name, partitions in (("connect-configs", 1), ("connect-offsets", 5), ("connect-status", 5)):
        r = ConfigResource(ResourceType.TOPIC, name)
        assert a.describe_configs([r])[r].result(10)["cleanup.policy"].value == "compact", name
        assert len(a.list_topics(name, 10).topics[name].partitions) == partitions, name


main(None)
