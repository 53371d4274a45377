"""What the verifying programs in Python share: cases, records that can be recognised, members that can die."""
import os, subprocess, sys, threading, time, traceback, uuid

CASES = []
BROKER = sys.argv[1]
EPOCH = int(time.time() * 1000) - 1_000_000  # recent: what is older than a week is deleted


def case(f):
    CASES.append(f)
    return f


def unique(prefix):
    return "%s-%s" % (prefix, uuid.uuid4().hex[:8])


def until(what, seconds, ok):
    """seconds: where nothing else runs; three times as many are waited."""
    end = time.time() + 3 * seconds
    while not ok():
        assert time.time() < end, "not within %d s: %s" % (3 * seconds, what)
        time.sleep(0.05)


def fails(kind, f, *args, **named):
    try:
        f(*args, **named)
    except kind:
        return
    raise AssertionError("no %s" % kind)


class Sent:
    """Record i of a run: all that a record can carry, made from i alone. Every 7th has no value, every 11th
    an empty one; keys repeat, so that order by key can be seen."""

    null_header = [("none", None)]  # [] for a client that refuses to send one

    def __init__(self, i, keys=37):
        self.key = b"k%d" % (i % keys)
        self.value = None if i % 7 == 6 else b"" if i % 11 == 10 else b"value %d " % i + bytes([i % 256]) * (i % 300)
        self.headers = [("n", b"%d" % i), ("binary", bytes(range(256))[i % 200:]), ("n", b"again")]
        self.headers += self.null_header
        self.timestamp = EPOCH + i * 10

    def same(self, key, value, headers, timestamp):
        assert key == self.key, (key, self.key)
        assert value == self.value, (value, self.value)
        assert [(k, v) for k, v in headers] == self.headers, headers
        assert timestamp == self.timestamp, (timestamp, self.timestamp)


def same_all(got, count, partitions):
    """got: (partition, offset, key, value, headers, timestamp) in the order in which they came. Every one of
    count is there once, partitions have offsets 0, 1, 2…, and a key's records are in one partition, in order."""
    assert len(got) == count, "%d of %d came" % (len(got), count)
    next_offset, last_of_key, home, seen = {}, {}, {}, set()
    for partition, offset, key, value, headers, timestamp in got:
        assert offset == next_offset.get(partition, 0), (partition, offset, next_offset.get(partition, 0))
        next_offset[partition] = offset + 1
        i = int(dict(reversed(headers))["n"])
        Sent(i).same(key, value, headers, timestamp)
        assert home.setdefault(key, partition) == partition, "a key in two partitions"
        assert i > last_of_key.get(key, -1), "a key's records out of order"
        last_of_key[key] = i
        seen.add(i)
    assert len(seen) == count and len(next_offset) <= partitions
    assert partitions == 1 or len(next_offset) > 1, "all in one partition"


class Member:
    """A member of a group, in a process of its own: SCRIPT BROKER member GROUP TOPIC, which prints 'has N' at
    each assignment and 'got PARTITION OFFSET' for each record."""

    def __init__(self, group, topic, *more):
        self.has, self.got = -1, []
        self.process = subprocess.Popen([sys.executable, "-u", sys.argv[0], BROKER, "member", group, topic, *more],
                                        stdout=subprocess.PIPE, text=True)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            words = line.split()
            if words[0] == "has":
                self.has = int(words[1])
            else:
                self.got.append((int(words[1]), int(words[2])))

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


def member_dies(group, topic, produce, describe, *more):
    """Two members share six partitions; one is killed, the other takes over; one comes back, the first leaves
    in good order. Records go in all the while: none may be missed. describe() -> (state, number of members)"""
    members = [Member(group, topic, *more) for _ in range(2)]
    try:
        a, b = members
        until("three partitions each", 40, lambda: a.has == 3 and b.has == 3)
        produce(300)
        until("300 records", 30, lambda: len(set(a.got + b.got)) == 300)
        assert a.got and b.got and not set(a.got) & set(b.got), "read by both, or by one alone"
        b.kill()
        produce(300)
        until("six for the one that lives", 40, lambda: a.has == 6)
        until("600 records", 30, lambda: len(set(a.got + b.got)) == 600)
        assert describe() == ("Stable", 1), describe()
        c = Member(group, topic, *more)
        members.append(c)
        until("three each again", 40, lambda: a.has == 3 and c.has == 3)
        a.stop()
        until("six after the other left", 20, lambda: c.has == 6)
        produce(300)
        until("900 records", 30, lambda: len(set(a.got + b.got + c.got)) == 900)
        assert len(c.got) >= 300
    finally:
        for m in members:
            m.kill()


def main(member):
    if len(sys.argv) > 2 and sys.argv[2] == "member":
        return member(*sys.argv[3:])
    passed = failed = 0
    for f in CASES:
        if len(sys.argv) > 2 and f.__name__ not in sys.argv[2:]:
            continue
        begun = time.time()
        try:
            f()
            print("ok %s (%.1f s)" % (f.__name__, time.time() - begun), flush=True)
            passed += 1
        except BaseException as e:
            print("FAILED %s: %r" % (f.__name__, e))
            traceback.print_exc(limit=3, file=sys.stdout)
            failed += 1
    print("%d passed, %d failed" % (passed, failed), flush=True)
    os._exit(1 if failed else 0)
