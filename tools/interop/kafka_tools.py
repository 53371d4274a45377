"""Kafka's command-line tools against the Kafka face: kafka_tools.py HOST:PORT [CASE…], with their jars in $TOOLS/lib, and
KafkaTool in $CLASSES. Each is run as its Java class; what it prints is looked at. Ends in 'N passed, N failed'."""
import json, os, re, signal, subprocess, tempfile, time
from confluent_kafka import Producer
import tools
from checks import BROKER, Sent, case, main, unique, until

WORK = tempfile.mkdtemp(dir=os.environ.get("TMPDIR"))
TOOL = {"topics": "org.apache.kafka.tools.TopicCommand",
        "configs": "kafka.admin.ConfigCommand",
        "consumer-groups": "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
        "groups": "org.apache.kafka.tools.GroupsCommand",
        "transactions": "org.apache.kafka.tools.TransactionsCommand",
        "verifiable-producer": "org.apache.kafka.tools.VerifiableProducer",
        "verifiable-consumer": "org.apache.kafka.tools.VerifiableConsumer",
        "get-offsets": "org.apache.kafka.tools.GetOffsetShell",
        "delete-records": "org.apache.kafka.tools.DeleteRecordsCommand",
        "log-dirs": "org.apache.kafka.tools.LogDirsCommand",
        "console-producer": "org.apache.kafka.tools.ConsoleProducer",
        "console-consumer": "org.apache.kafka.tools.consumer.ConsoleConsumer",
        "producer-perf-test": "org.apache.kafka.tools.ProducerPerformance",
        "consumer-perf-test": "org.apache.kafka.tools.ConsumerPerformance",
        "leader-election": "org.apache.kafka.tools.LeaderElectionCommand",
        "broker-api-versions": "org.apache.kafka.tools.BrokerApiVersionsCommand",
        "cluster": "org.apache.kafka.tools.ClusterTool"}


def start(name, *args, **more):
    return subprocess.Popen(tools.JAVA + [TOOL[name], *args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more)


def tool(name, *args, fails=False, server=["--bootstrap-server", BROKER], text=None):
    """What kafka-NAME prints; with a text for its standard input, in a process of its own."""
    if text is None:
        code, out = tools.run(TOOL[name], *server, *args)
    else:
        p = subprocess.run(tools.JAVA + [TOOL[name], *server, *args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           text=True, timeout=180, input=text)
        code, out = p.returncode, p.stdout
    said = bool(re.search(r"^(Error|Exception)", out, re.M)) or code != 0
    assert said == fails, "%s %s: %d\n%s" % (name, " ".join(args), code, out[:2000])
    return out


def create(topic, partitions=4, *more):
    tool("topics", "--create", "--topic", topic, "--partitions", str(partitions), *more)
    return topic


def produce(topic, count):
    p = Producer({"bootstrap.servers": BROKER})
    for i in range(count):
        p.produce(topic, Sent(i).value, Sent(i).key, timestamp=Sent(i).timestamp)
    assert p.flush(30) == 0


def offsets(topic, time="latest"):
    """{partition: offset} as kafka-get-offsets prints it."""
    out = tool("get-offsets", "--topic", topic, "--time", str(time))
    return {int(p): int(o) for p, o in re.findall(r"^%s:(\d+):(-?\d+)$" % topic, out, re.M)}


@case
def topics():
    topic = create(unique("kt"), 3, "--config", "cleanup.policy=compact", "--config", "segment.bytes=1048576")
    assert topic in tool("topics", "--list").split()
    out = tool("topics", "--describe", "--topic", topic)
    assert "PartitionCount: 3" in out and "ReplicationFactor: 1" in out, out
    assert "cleanup.policy=compact" in out and "segment.bytes=1048576" in out, out
    assert len(re.findall(r"Leader: (\d+)\tReplicas: \1\tIsr: \1", out)) == 3, out
    tool("topics", "--alter", "--topic", topic, "--partitions", "5")
    assert "PartitionCount: 5" in tool("topics", "--describe", "--topic", topic)
    assert "already exists" in tool("topics", "--create", "--topic", topic, fails=True)
    assert "5 partitions" in tool("topics", "--alter", "--topic", topic, "--partitions", "2", fails=True)
    assert not tool("topics", "--describe", "--under-replicated-partitions").strip()
    tool("topics", "--delete", "--topic", topic)
    assert topic not in tool("topics", "--list").split()


@case
def configs():
    topic = create(unique("kt-conf"))
    entity = ["--entity-type", "topics", "--entity-name", topic]
    tool("configs", "--alter", *entity, "--add-config", "retention.ms=77777,cleanup.policy=[compact,delete]")
    out = tool("configs", "--describe", *entity)
    assert "retention.ms=77777" in out and "cleanup.policy=compact,delete" in out, out
    tool("configs", "--alter", *entity, "--delete-config", "retention.ms,cleanup.policy")
    assert "retention.ms" not in tool("configs", "--describe", *entity)
    assert "retention.ms=604800000" in tool("configs", "--describe", "--all", *entity)
    assert "InvalidConfigurationException" in tool("configs", "--alter", *entity, "--add-config", "retention.ms=soon", fails=True)
    assert "log.retention" in tool("configs", "--describe", "--all", "--entity-type", "brokers", "--entity-name", "1")


@case
def quotas():
    user, client = unique("ku"), unique("kc")
    pair = ["--entity-type", "users", "--entity-name", user, "--entity-type", "clients", "--entity-name", client]
    tool("configs", "--alter", *pair, "--add-config", "producer_byte_rate=50000,request_percentage=50")
    tool("configs", "--alter", *pair[:4], "--add-config", "consumer_byte_rate=2000000")
    tool("configs", "--alter", "--entity-type", "users", "--entity-default", "--add-config", "controller_mutation_rate=100.5")
    tool("configs", "--alter", "--entity-type", "ips", "--entity-name", "127.0.0.9", "--add-config", "connection_creation_rate=7")
    out = tool("configs", "--describe", *pair)
    assert "producer_byte_rate=50000.0" in out and "request_percentage=50.0" in out, out
    out = tool("configs", "--describe", "--entity-type", "users", "--entity-name", user)
    assert "consumer_byte_rate=2000000.0" in out and "producer_byte_rate" not in out, out
    out = tool("configs", "--describe", "--entity-type", "users")
    assert user in out and "controller_mutation_rate=100.5" in out, out
    assert "connection_creation_rate=7.0" in tool("configs", "--describe", "--entity-type", "ips")
    assert "INVALID" in tool("configs", "--alter", *pair, "--add-config", "producer_byte_rate=-5", fails=True).upper()
    # and it holds: anybody is User:ANONYMOUS here, whatever his client id
    anybody = ["--entity-type", "users", "--entity-name", "ANONYMOUS"]
    tool("configs", "--alter", *anybody, "--add-config", "producer_byte_rate=20000")
    topic, throttled = create(unique("kt-quota"), 1), []
    p = Producer({"bootstrap.servers": BROKER, "client.id": client, "throttle_cb": lambda e: throttled.append(e.throttle_time)})
    for i in range(30):
        p.produce(topic, os.urandom(10000), partition=0)
        p.flush(20)
    assert p.flush(60) == 0
    p.poll(1)
    assert throttled and 0 < max(throttled) < 60, throttled
    tool("configs", "--alter", *anybody, "--delete-config", "producer_byte_rate")
    tool("configs", "--alter", *pair, "--delete-config", "producer_byte_rate,request_percentage")
    tool("configs", "--alter", "--entity-type", "users", "--entity-default", "--delete-config", "controller_mutation_rate")
    assert client not in tool("configs", "--describe", "--entity-type", "users", "--entity-type", "clients")


@case
def offsets_and_records():
    topic = create(unique("kt-off"))
    produce(topic, 400)
    ends = offsets(topic)
    assert sum(ends.values()) == 400 and offsets(topic, "earliest") == {p: 0 for p in range(4)}, ends
    assert offsets(topic, "max-timestamp") == {p: n - 1 for p, n in ends.items()}
    assert all(o >= 0 for o in offsets(topic, Sent(100).timestamp).values())
    path = os.path.join(WORK, "delete.json")
    with open(path, "w") as f:
        json.dump({"version": 1, "partitions": [{"topic": topic, "partition": p, "offset": o}
                                                for p, o in ((0, 7), (1, -1))]}, f)
    out = tool("delete-records", "--offset-json-file", path)
    assert "low_watermark: 7" in out and "low_watermark: %d" % ends[1] in out, out
    assert offsets(topic, "earliest") == {0: 7, 1: ends[1], 2: 0, 3: 0}
    dirs = json.loads(re.search(r"^\{.*\}$", tool("log-dirs", "--describe", "--topic-list", topic), re.M).group())
    sizes = {p["partition"]: p["size"] for b in dirs["brokers"] for d in b["logDirs"] for p in d["partitions"]}
    assert sorted(sizes) == ["%s-%d" % (topic, p) for p in range(4)] and sizes[topic + "-2"] > 0, dirs


@case
def consumer_groups():
    topic, group = create(unique("kt-grp")), unique("g")
    produce(topic, 200)
    c = start("verifiable-consumer", "--bootstrap-server", BROKER, "--topic", topic, "--group-id", group,
              "--reset-policy", "earliest", "--max-messages", "200", "--session-timeout", "6000")
    events = [json.loads(line) for line in c.communicate(timeout=60)[0].splitlines() if line.startswith("{")]
    consumed = [e for e in events if e["name"] == "records_consumed"]
    assert sum(e["count"] for e in consumed) == 200, events
    assert all(e["success"] for e in events if e["name"] == "offsets_committed"), events
    table = tool("consumer-groups", "--describe", "--group", group)
    rows = re.findall(r"^%s\s+%s\s+(\d)\s+(\d+)\s+(\d+)\s+(\d+)" % (group, topic), table, re.M)
    assert len(rows) == 4 and sum(int(r[1]) for r in rows) == 200 and all(r[3] == "0" for r in rows), table
    assert group in tool("consumer-groups", "--list").split() and group in tool("groups", "--list")
    assert "Empty" in tool("consumer-groups", "--describe", "--group", group, "--state")
    where = ["--group", group, "--topic", topic, "--reset-offsets"]
    tool("consumer-groups", *where, "--to-earliest", "--execute")
    table = tool("consumer-groups", "--describe", "--group", group)
    lags = re.findall(r"^%s\s+%s\s+\d\s+0\s+(\d+)\s+\1" % (group, topic), table, re.M)
    assert sum(map(int, lags)) == 200, table
    tool("consumer-groups", *where, "--shift-by", "3", "--execute")
    assert len(re.findall(r"^%s\s+%s\s+\d\s+3\s" % (group, topic), tool("consumer-groups", "--describe", "--group", group), re.M)) == 4
    tool("consumer-groups", "--delete-offsets", "--group", group, "--topic", topic + ":1")
    assert len(re.findall(r"^%s\s+%s\s+\d\s+3\s" % (group, topic), tool("consumer-groups", "--describe", "--group", group), re.M)) == 3
    tool("consumer-groups", "--delete", "--group", group)
    assert group not in tool("consumer-groups", "--list").split()


@case
def verifiable_pair():
    """A producer of 3,000 numbers beside two consumers in one group, of which one is killed: none is missed."""
    topic, group = create(unique("kt-ver"), 6), unique("g")
    logs = [open(os.path.join(WORK, "consumer%d" % i), "w+") for i in range(2)]
    two = [subprocess.Popen(tools.JAVA + [TOOL["verifiable-consumer"], "--bootstrap-server", BROKER, "--topic", topic,
                                    "--group-id", group, "--reset-policy", "earliest", "--session-timeout", "6000", "--verbose"],
                            stdout=log, stderr=subprocess.DEVNULL) for log in logs]

    def events(log):
        with open(log.name) as f:
            return [json.loads(line) for line in f if line.startswith("{") and line.endswith("\n")]

    def has(log):
        return len(([[]] + [e["partitions"] for e in events(log) if e["name"] == "partitions_assigned"])[-1])

    def read():
        return {(e["partition"], e["offset"]): e["value"] for log in logs for e in events(log) if e["name"] == "record_data"}

    try:
        until("three partitions each", 60, lambda: has(logs[0]) == 3 and has(logs[1]) == 3)
        said = open(os.path.join(WORK, "producer"), "w+")  # a pipe would hold it up
        p = subprocess.Popen(tools.JAVA + [TOOL["verifiable-producer"], "--bootstrap-server", BROKER, "--topic", topic,
                                     "--max-messages", "3000", "--throughput", "400", "--acks", "-1"], stdout=said)
        until("a third of them", 60, lambda: len(read()) > 1000)
        two[1].kill()
        p.wait(90)
        acks = events(said)
        acked = {(e["partition"], e["offset"]): e["value"] for e in acks if e["name"] == "producer_send_success"}
        assert len(acked) == 3000 and acks[-1]["acked"] == 3000, acks[-1]
        until("all of them", 60, lambda: len(read()) == 3000)
        assert read() == acked
        until("the other's partitions too", 30, lambda: has(logs[0]) == 6)
    finally:
        for c in two:
            c.kill()


@case
def console():
    topic = create(unique("kt-con"), 1)
    lines = "".join("key%d:value %d\n" % (i, i) for i in range(50))
    tool("console-producer", "--topic", topic, "--property", "parse.key=true", "--property", "key.separator=:",
         "--compression-codec", "zstd", text=lines)
    out = tool("console-consumer", "--topic", topic, "--from-beginning", "--max-messages", "50",
               "--property", "print.key=true", "--property", "key.separator=:",
               "--property", "print.offset=true")
    assert out.startswith("".join("Offset:%d:key%d:value %d\n" % (i, i, i) for i in range(50))), out


@case
def transactions():
    topic, name = create(unique("kt-tx"), 1), unique("tx")
    p = Producer({"bootstrap.servers": BROKER, "transactional.id": name, "log_level": 0})
    p.init_transactions(20)
    p.begin_transaction()
    p.produce(topic, b"x")
    p.flush(10)
    listed = tool("transactions", "list")
    assert re.search(r"^%s\s+\d+\s+\d+\s+Ongoing" % name, listed, re.M), listed
    out = tool("transactions", "describe", "--transactional-id", name)
    assert "Ongoing" in out and "%s-0" % topic in out, out
    out = tool("transactions", "describe-producers", "--topic", topic, "--partition", "0")
    assert re.search(r"^\d+\s.*\s0\s*$", out, re.M), out
    tool("transactions", "abort", "--topic", topic, "--partition", "0", "--start-offset", "0")
    assert topic not in tool("transactions", "find-hanging", "--broker-id", "1")
    out = tool("transactions", "describe-producers", "--topic", topic, "--partition", "0")
    assert re.search(r"None\s*$", out, re.M), out


@case
def performance_tools():
    topic = create(unique("kt-perf"))
    out = tool("producer-perf-test", "--topic", topic, "--num-records", "20000", "--record-size", "100", "--throughput", "-1",
               "--producer-props", "bootstrap.servers=" + BROKER, "compression.type=lz4", server=[])
    assert "20000 records sent" in out, out
    assert sum(offsets(topic).values()) == 20000


@case
def about_the_broker():
    assert re.search(r"Cluster ID: \S{22}", tool("cluster", "cluster-id", "--bootstrap-server", BROKER, server=[])), "cluster-id"
    out = tool("broker-api-versions")
    assert BROKER in out and "Produce(0)" in out and "Fetch(1)" in out, out
    topic = create(unique("kt-elect"))
    out = tool("leader-election", "--election-type", "preferred", "--topic", topic, "--partition", "0")
    assert "already" in out or "Valid replica" in out, out


main(None)
