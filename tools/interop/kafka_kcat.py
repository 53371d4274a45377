"""kcat (librdkafka) against the Kafka face: kafka_kcat.py HOST:PORT [CASE…]. Whoever runs it kills our server and starts it
again when the file $AGAIN appears. Ends in 'N passed, N failed'."""
import json, os, signal, subprocess, time
from checks import BROKER, case, main, unique, until


def start(*args, **more):
    return subprocess.Popen(["kcat", "-b", BROKER, *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, **more)


def kcat(*args, text="", fails=False):
    """What kcat prints."""
    p = subprocess.run(["kcat", "-b", BROKER, "-q", *args], input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                       text=True, timeout=60)
    assert (p.returncode != 0) == fails, "kcat %s: %d\n%s" % (" ".join(args), p.returncode, p.stderr[:2000])
    return p.stdout


def create(topic, partitions=1):
    """Asked for by its name it is made, with four partitions; more or fewer need an admin, which kcat is not."""
    if partitions == 4:
        kcat("-L", "-t", topic)
    else:
        subprocess.run(["build/release/quickwater", "topic", "create", topic, "--partitions", str(partitions),
                        "--kafka", BROKER], check=True)
    return topic


def records(topic, *args):
    """All of them as kcat's JSON has them."""
    return [json.loads(line) for line in kcat("-C", "-t", topic, "-e", "-J", *args).splitlines()]


@case
def metadata():
    topic = create(unique("kc-meta"), 4)
    said = json.loads(kcat("-L", "-J", "-t", topic))
    assert [b["name"] for b in said["brokers"]] == [BROKER], said
    found = [t for t in said["topics"] if t["topic"] == topic]
    assert [p["partition"] for p in found[0]["partitions"]] == [0, 1, 2, 3], said
    assert all(p["leader"] == 1 and p["isrs"] == [{"id": 1}] for p in found[0]["partitions"]), said
    assert topic in kcat("-L")


@case
def keys_headers_timestamps_and_codecs():
    for codec in ("none", "gzip", "snappy", "lz4", "zstd"):
        topic = create(unique("kc-" + codec), 4)
        before = int(time.time() * 1000) - 5000
        kcat("-P", "-t", topic, "-K", ":", "-H", "source=test", "-H", "empty=", "-z", codec,
             text="".join("k%d:value %d\n" % (i % 17, i) for i in range(2000)))
        got = records(topic)
        assert len(got) == 2000, (codec, len(got))
        assert all(r["headers"] == ["source", "test", "empty", ""] for r in got), got[0]
        assert all(before <= r["ts"] <= before + 120000 and r["tstype"] == "create" for r in got), got[0]
        home, last, numbers, offsets = {}, {}, set(), {}
        for r in got:
            i = int(r["payload"].split()[1])
            assert r["key"] == "k%d" % (i % 17), r
            assert home.setdefault(r["key"], r["partition"]) == r["partition"], "a key in two partitions"
            assert last.get(r["key"], -1) < i, "a key's records out of order"
            assert r["offset"] == offsets.get(r["partition"], 0), r
            last[r["key"]], offsets[r["partition"]] = i, r["offset"] + 1
            numbers.add(i)
        assert numbers == set(range(2000))


@case
def nothing_and_empty():
    topic = create(unique("kc-null"))
    kcat("-P", "-t", topic, "-Z", "-K", ":", text="a:\n:b\nc:d\n")
    kcat("-P", "-t", topic, "-K", ":", text="e:\n")
    assert [(r["key"], r["payload"]) for r in records(topic)] == [("a", None), (None, "b"), ("c", "d"), ("e", "")], records(topic)
    assert kcat("-C", "-t", topic, "-e", "-f", "%k|%K|%s|%S|%p|%o\n") == "a|1||-1|0|0\n|-1|b|1|0|1\nc|1|d|1|0|2\ne|1||0|0|3\n"


@case
def places():
    """By offset, from the end, and by time: what kcat asks for as offset and what as timestamp."""
    topic = create(unique("kc-place"))
    times = []
    for i in range(5):
        kcat("-P", "-t", topic, text="".join("r%d\n" % (10 * i + k) for k in range(10)))
        times.append(records(topic, "-o", "-1")[-1]["ts"])
        time.sleep(0.05)
    values = lambda *args: [r["payload"] for r in records(topic, *args)]
    assert values("-o", "37") == ["r%d" % i for i in range(37, 50)]
    assert values("-o", "-4") == ["r%d" % i for i in range(46, 50)]
    assert values("-o", "end") == [] and len(values("-o", "beginning")) == 50
    assert values("-o", "0", "-c", "3") == ["r0", "r1", "r2"]
    assert values("-o", "s@%d" % (times[1] + 1))[0] == "r20"
    assert values("-o", "s@%d" % (times[0] + 1), "-o", "e@%d" % (times[2] + 1)) == ["r%d" % i for i in range(10, 30)]
    assert values("-o", "s@%d" % (times[4] + 60000)) == []
    asked = kcat("-Q", "-t", "%s:0:%d" % (topic, times[2] + 1))
    assert asked.strip() == "%s [0] offset 30" % topic, asked
    assert kcat("-Q", "-t", topic + ":0:-1").strip().endswith("offset 50")
    assert kcat("-Q", "-t", topic + ":0:-2").strip().endswith("offset 0")
    assert kcat("-C", "-t", topic, "-p", "7", "-e", fails=True) == ""


class Member:
    """A member of a group that prints each record, and what it was assigned."""

    def __init__(self, group, topic):
        self.out = open(os.path.join(os.environ["TMPDIR"], unique("member")), "w+")
        self.err = open(self.out.name + ".err", "w+")
        self.process = subprocess.Popen(["kcat", "-b", BROKER, "-u", "-G", group, "-X", "auto.offset.reset=earliest",
                                         "-X", "auto.commit.interval.ms=200", "-X", "session.timeout.ms=6000",
                                         "-X", "heartbeat.interval.ms=500", "-f", "%p %o %s\n", topic],
                                        stdout=self.out, stderr=self.err)

    def got(self):
        with open(self.out.name) as f:
            return [tuple(line.split()) for line in f if line.endswith("\n")]

    def has(self):
        with open(self.err.name) as f:
            said = [line for line in f if "assigned:" in line]
        return said[-1].count("[") if said else 0

    def end(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        self.process.wait(30)


@case
def groups():
    topic, group = create(unique("kc-grp"), 4), unique("g")
    produce = lambda a, b: kcat("-P", "-t", topic, "-K", ":", text="".join("%d:%d\n" % (i, i) for i in range(a, b)))
    members = [Member(group, topic), Member(group, topic)]
    try:
        until("two partitions each", 60, lambda: [m.has() for m in members] == [2, 2])
        produce(0, 400)
        both = lambda: {r[2] for m in members for r in m.got()}
        until("400 records", 60, lambda: len(both()) == 400)
        members[1].end(signal.SIGKILL)
        until("all four for the one that lives", 60, lambda: members[0].has() == 4)
        produce(400, 600)
        until("600 records", 60, lambda: both() == {str(i) for i in range(600)})
        members[0].end()
        members.append(Member(group, topic))
        produce(600, 610)
        until("what came meanwhile", 60, lambda: len(members[2].got()) >= 10)
        time.sleep(1)
        assert {r[2] for r in members[2].got()} == {str(i) for i in range(600, 610)}, "not from where it was committed"
    finally:
        for m in members:
            m.process.kill()


@case
def transactions():
    topic = create(unique("kc-txn"))
    committed = lambda: [r["payload"] for r in records(topic, "-X", "isolation.level=read_committed")]
    everything = lambda: [r["payload"] for r in records(topic, "-X", "isolation.level=read_uncommitted")]
    kcat("-P", "-t", topic, "-X", "transactional.id=" + unique("a"), text="a1\na2\n")
    assert committed() == ["a1", "a2"]
    b = ["b%d" % i for i in range(3000)]  # kcat reads its input by blocks
    p = start("-P", "-t", topic, "-X", "transactional.id=" + unique("b"), "-X", "linger.ms=0")
    p.stdin.write("".join(line + "\n" for line in b))
    p.stdin.flush()
    until("the open one's records", 30, lambda: "b0" in everything())
    assert committed() == ["a1", "a2"], "an open transaction's records are read"
    p.stdin.close()
    assert p.wait(30) == 0
    until("it is committed", 30, lambda: committed() == ["a1", "a2"] + b)
    p = start("-P", "-t", topic, "-X", "transactional.id=" + unique("c"), "-X", "linger.ms=0", "-X", "transaction.timeout.ms=5000")
    p.stdin.write("".join("c%d\n" % i for i in range(3000)))
    p.stdin.flush()
    until("the other's records", 30, lambda: "c0" in everything())
    p.kill()  # its owner is gone: the server ends it when its time is over
    p.wait(30)
    kcat("-P", "-t", topic, text="after\n")
    until("it is aborted", 30, lambda: committed() == ["a1", "a2"] + b + ["after"])
    assert "c0" in everything()


@case
def the_server_is_killed():
    """An idempotent producer and a reader go on over it: each record once, in order."""
    topic = create(unique("kc-kill"))
    reader = subprocess.Popen(["kcat", "-b", BROKER, "-q", "-u", "-E", "-C", "-t", topic, "-o", "beginning", "-c", "6000"],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    writer = start("-E", "-P", "-t", topic, "-X", "enable.idempotence=true", "-X", "linger.ms=5")
    for i in range(6000):
        writer.stdin.write("%d\n" % i)
        if i % 2000 == 1500:
            writer.stdin.flush()
            open(os.environ["AGAIN"], "w").close()
        if i % 100 == 0:
            writer.stdin.flush()
            time.sleep(0.05)
    writer.stdin.close()
    assert writer.wait(90) == 0, writer.stderr.read()
    out = reader.communicate(timeout=90)[0].split()
    assert out == [str(i) for i in range(6000)], "%d came" % len(out)


main(None)
