"""kafka-python against the Kafka face: kafka_python.py HOST:PORT [CASE…]. Ends in 'N passed, N failed'."""
import logging, signal, sys, time
from kafka import ConsumerRebalanceListener, KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka import OffsetAndMetadata
from kafka.admin import ConfigResource
import kafka.errors as errors
from checks import BROKER, Sent, case, fails, main, member_dies, same_all, unique, until

logging.disable(logging.CRITICAL)
Sent.null_header = []


def producer(**more):
    return KafkaProducer(bootstrap_servers=BROKER, **more)


def consumer(*topics, group=None, **more):
    more.setdefault("enable_auto_commit", False)
    return KafkaConsumer(*topics, bootstrap_servers=BROKER, group_id=group, auto_offset_reset="earliest", **more)


def admin():
    return KafkaAdminClient(bootstrap_servers=BROKER)


def create(topic, partitions=4, **configs):
    a = admin()
    a.create_topics({topic: {"num_partitions": partitions, "replication_factor": 1, "configs": configs}},
                    wait_for_metadata=True)
    a.close()
    return topic


def produce(topic, count, **more):
    p = producer(**more)
    sent = []
    for i in range(count):
        r = Sent(i)
        sent.append(p.send(topic, r.value, r.key, r.headers, timestamp_ms=r.timestamp))
    at = [f.get(30) for f in sent]
    p.close()
    return at


def read(c, count, seconds=30, quiet=0.5):
    """At least count records, and what comes within quiet seconds after them."""
    got, end = [], time.time() + seconds
    while time.time() < end:
        for records in c.poll(timeout_ms=200).values():
            got += records
        if len(got) >= count:
            end = min(end, time.time() + quiet)
            quiet = seconds
    return got


def rows(records):
    return [(r.partition, r.offset, r.key, r.value, list(r.headers), r.timestamp) for r in records]


def read_new(topic, count, **more):
    c = consumer(topic, group=unique("g"), **more)
    got = read(c, count)
    c.close()
    return got


@case
def contents():
    topic = create(unique("kp"))
    at = produce(topic, 3000)
    got = read_new(topic, 3000)
    same_all(rows(got), 3000, 4)
    told = {(m.partition, m.offset) for m in at}
    assert told == {(r.partition, r.offset) for r in got}, "told other offsets than are read"


@case
def codecs():
    for codec in (None, "gzip", "snappy", "lz4", "zstd"):
        for idempotent in (True, False):
            topic = create(unique("kp-%s" % codec))
            produce(topic, 1000, compression_type=codec, enable_idempotence=idempotent, linger_ms=20)
            same_all(rows(read_new(topic, 1000)), 1000, 4)


@case
def acks_of_0_and_1():
    for acks in (0, 1):
        topic = create(unique("kp-acks"), 1)
        produce(topic, 200, acks=acks, enable_idempotence=False)
        same_all(rows(read_new(topic, 200)), 200, 1)


@case
def offsets_are_resumed():
    topic, group = create(unique("kp-off")), unique("g")
    produce(topic, 500)
    c = consumer(topic, group=group)
    first = read(c, 500)
    c.commit()
    c.close()
    produce(topic, 70)
    c = consumer(topic, group=group)
    then = read(c, 70)
    assert len(first) == 500 and len(then) == 70, (len(first), len(then))
    assert not {(r.partition, r.offset) for r in first} & {(r.partition, r.offset) for r in then}
    c.close()


@case
def offsets_carry_text():
    topic = create(unique("kp-meta"))
    c = consumer(group=unique("g"))
    tp = TopicPartition(topic, 2)
    c.assign([tp])
    c.commit({tp: OffsetAndMetadata(7, "text \u00e9", 0)})
    m = c.committed(tp, metadata=True)
    assert (m.offset, m.metadata) == (7, "text \u00e9"), m
    assert c.committed(TopicPartition(topic, 0)) is None
    c.close()


@case
def by_time_and_seeking():
    topic = create(unique("kp-time"), 1)
    produce(topic, 100)
    c = consumer()
    tp = TopicPartition(topic, 0)
    c.assign([tp])
    at = c.offsets_for_times({tp: Sent(50).timestamp - 3})[tp]
    assert (at.offset, at.timestamp) == (50, Sent(50).timestamp), at
    assert c.offsets_for_times({tp: Sent(100).timestamp})[tp] is None
    assert c.beginning_offsets([tp])[tp] == 0 and c.end_offsets([tp])[tp] == 100
    c.seek(tp, 90)
    assert [r.offset for r in read(c, 10)] == list(range(90, 100))
    c.seek_to_beginning(tp)
    assert [r.offset for r in read(c, 100)] == list(range(100))
    c.seek(tp, 500)  # out of range: reset to the earliest
    assert [r.offset for r in read(c, 100)] == list(range(100))
    c.close()


@case
def group_member_dies():
    topic, group = create(unique("kp-grp"), 6), unique("g")
    a = admin()

    def describe():
        d = a.describe_groups([group])[group]
        return d["group_state"], len(d["members"])

    member_dies(group, topic, lambda n: produce(topic, n), describe)
    a.close()


@case
def static_member():
    topic, group = create(unique("kp-static")), unique("g")
    more = dict(group_instance_id="one", session_timeout_ms=90000)
    for seconds in (60, 30):  # the second has its partitions back at once, though the first did not leave
        c = consumer(topic, group=group, **more)
        end = time.time() + seconds
        while len(c.assignment()) < 4 and time.time() < end:
            c.poll(timeout_ms=100)
        assert len(c.assignment()) == 4, "no assignment within %d s" % seconds
        c.close()


@case
def transactions():
    topic = create(unique("kp-tx"), 2)
    p = producer(transactional_id=unique("tx"), acks="all")
    p.init_transactions()
    for run in range(4):
        p.begin_transaction()
        for i in range(50):
            p.send(topic, b"%d" % run, b"%d" % i, partition=i % 2)
        p.flush()  # aborting drops what has not been sent
        if run % 2:
            p.abort_transaction()
        else:
            p.commit_transaction()
    p.begin_transaction()
    p.send(topic, b"open", partition=0)
    p.flush()
    committed = read_new(topic, 100, isolation_level="read_committed")
    assert [r.value for r in committed if r.partition == 0] == [b"0"] * 25 + [b"2"] * 25, committed
    assert [r.key for r in committed if r.partition == 1] == [b"%d" % i for i in range(1, 50, 2)] * 2
    everything = len(read_new(topic, 201))
    assert everything == 201, everything
    p.commit_transaction()
    assert len(read_new(topic, 101, isolation_level="read_committed")) == 101
    p.close()


@case
def offsets_in_transactions():
    """Read, write on, offsets in the same transaction; every other one is thrown away and done again."""
    source, sink, group = create(unique("kp-from"), 2), create(unique("kp-to"), 2), unique("g")
    produce(source, 200)
    p = producer(transactional_id=unique("tx"), acks="all")
    p.init_transactions()
    done = rounds = 0
    while done < 200:
        c = consumer(source, group=group, isolation_level="read_committed", max_poll_records=60)
        got = read(c, 1, quiet=0)
        assert got, "nothing came after %d" % done
        p.begin_transaction()
        for r in got:
            p.send(sink, r.value, r.key, list(r.headers), partition=r.partition, timestamp_ms=r.timestamp)
        p.flush()
        at = {TopicPartition(source, r.partition): OffsetAndMetadata(r.offset + 1, "", -1) for r in got}
        p.send_offsets_to_transaction(at, c.group_metadata())
        if rounds % 2:
            p.commit_transaction()
            done += len(got)
        else:
            p.abort_transaction()
        rounds += 1
        c.close()
    p.close()
    key = lambda r: (r.partition, r.headers[0][1])
    assert sorted(map(key, read_new(sink, 200, isolation_level="read_committed"))) == \
        sorted(map(key, read_new(source, 200)))


@case
def old_producer_is_fenced():
    topic, name = create(unique("kp-fence"), 1), unique("tx")
    old, fresh = producer(transactional_id=name, acks="all"), producer(transactional_id=name, acks="all")
    old.init_transactions()
    old.begin_transaction()
    old.send(topic, b"old").get(10)
    fresh.init_transactions()

    def write_on():
        old.send(topic, b"old").get(10)
        old.commit_transaction()

    fails(errors.KafkaError, write_on)
    fresh.begin_transaction()
    fresh.send(topic, b"fresh")
    fresh.commit_transaction()
    assert [r.value for r in read_new(topic, 1, isolation_level="read_committed")] == [b"fresh"]
    fresh.close()
    old.close(timeout=0)


@case
def admin_of_topics():
    a, topic = admin(), unique("kp-adm")
    a.create_topics({topic: {"num_partitions": 2, "replication_factor": 1, "configs": {"cleanup.policy": "compact"}}},
                    wait_for_metadata=True)
    fails(errors.TopicAlreadyExistsError, a.create_topics, {topic: {"num_partitions": 2, "replication_factor": 1}})
    fails(errors.InvalidReplicationFactorError, a.create_topics, {unique("t"): {"num_partitions": 1, "replication_factor": 3}})
    fails(errors.InvalidTopicError, a.create_topics, {"a b": {"num_partitions": 1, "replication_factor": 1}})
    fails(errors.InvalidConfigurationError, a.create_topics,
          {unique("t"): {"num_partitions": 1, "replication_factor": 1, "configs": {"nonsense": "1"}}})
    assert topic in a.list_topics()
    assert len(a.describe_topics([topic])[0]["partitions"]) == 2
    a.create_partitions({topic: 5})
    assert len(a.describe_topics([topic])[0]["partitions"]) == 5
    assert a.describe_topic_partitions([topic]), "DescribeTopicPartitions"

    def config():
        return a.describe_configs([ConfigResource("topic", topic)])["topic"][topic]

    assert config()["cleanup.policy"]["value"] == "compact", config()
    a.alter_configs([ConfigResource("topic", topic, {"retention.ms": "77777"})])
    assert config()["retention.ms"]["value"] == "77777", config()
    a.reset_configs([ConfigResource("topic", topic, ["retention.ms"])])
    assert "retention.ms" not in config(), config()
    everything = a.describe_configs([ConfigResource("topic", topic)], include_synonyms=True, config_filter="all")
    assert everything["topic"][topic]["retention.ms"]["value"] == "604800000", everything["topic"][topic]["retention.ms"]
    produce(topic, 100)
    tp = TopicPartition(topic, 0)
    ends = {p["partition_index"]: p for t in a.describe_topics([topic]) for p in t["partitions"]}
    assert len(ends) == 5
    a.delete_records({tp: 5})
    c = consumer()
    assert c.beginning_offsets([tp])[tp] == 5
    c.close()
    dirs = a.describe_log_dirs([topic])
    assert sum(len(t["partitions"]) for d in dirs[0]["log_dirs"] for t in d["topics"] if t["name"] == topic) == 5, dirs
    a.delete_topics([topic])
    assert topic not in a.list_topics()
    cluster = a.describe_cluster()
    assert ["%s:%d" % (b["host"], b["port"]) for b in cluster["brokers"]] == [BROKER], cluster
    a.close()


@case
def admin_of_groups():
    a, topic, group = admin(), create(unique("kp-ag")), unique("g")
    produce(topic, 100)
    c = consumer(topic, group=group)
    read(c, 100)
    c.commit()
    fails(errors.KafkaError, lambda: [e for e in [a.delete_groups([group])] if raise_of(e)])
    c.close()
    assert any(g["group_id"] == group for g in a.list_groups()), a.list_groups()
    offsets = a.list_group_offsets(group)[group]
    assert sum(o.offset for o in offsets.values()) == 100, offsets
    tp = TopicPartition(topic, 1)
    a.alter_group_offsets(group, {tp: OffsetAndMetadata(3, "by hand", -1)})
    assert a.list_group_offsets(group)[group][tp].offset == 3
    a.delete_group_offsets(group, [tp])
    assert tp not in a.list_group_offsets(group)[group] or a.list_group_offsets(group)[group][tp].offset < 0
    raise_of(a.delete_groups([group]))
    assert not any(g["group_id"] == group for g in a.list_groups())
    a.close()


def raise_of(answer):
    """What delete_groups gives: {group: kind of error} or [(group, kind)]; raises the first error."""
    for kind in answer.values() if isinstance(answer, dict) else [pair[1] for pair in answer]:
        if isinstance(kind, str):
            if kind not in ("OK", "NoError"):
                raise errors.KafkaError(kind)
        elif kind is not errors.NoError:
            raise kind()
    return True


@case
def admin_of_transactions():
    a, topic, name = admin(), create(unique("kp-atx"), 1), unique("tx")
    p = producer(transactional_id=name, acks="all")
    p.init_transactions()
    p.begin_transaction()
    p.send(topic, b"x").get(10)
    listed = [t for ts in a.list_transactions().values() for t in ts if t.transactional_id == name]
    assert len(listed) == 1, listed
    d = a.describe_transactions([name])[name]
    assert d.producer_id == listed[0].producer_id and TopicPartition(topic, 0) in d.topic_partitions, d
    assert "ngoing" in str(d.state.value), d
    active = a.describe_producers([TopicPartition(topic, 0)])
    assert str(d.producer_id) in str(active), active
    p.commit_transaction()
    p.close()
    a.close()


def member(group, topic):
    class Listener(ConsumerRebalanceListener):
        def on_partitions_revoked(self, revoked):
            pass

        def on_partitions_assigned(self, assigned):
            print("has", len(c.assignment()))

    stop = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
    c = consumer(group=group, session_timeout_ms=6000, heartbeat_interval_ms=500, max_poll_records=50)
    c.subscribe([topic], listener=Listener())
    while not stop:
        for records in c.poll(timeout_ms=100).values():
            for r in records:
                print("got", r.partition, r.offset)
        try:
            c.commit()
        except (errors.RebalanceInProgressError, errors.CommitFailedError):
            pass  # its partitions are being given away: the next one reads them again
    c.close()


main(member)
