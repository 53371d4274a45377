"""confluent-kafka against the Kafka face: kafka_confluent.py HOST:PORT [CASE…]. Ends in 'N passed, N failed'."""
import signal, time
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka import ConsumerGroupTopicPartitions, ConsumerGroupState, IsolationLevel, TopicCollection
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.admin import NewPartitions, NewTopic, OffsetSpec, ResourceType
from checks import BROKER, Sent, case, fails, main, member_dies, same_all, unique, until

quiet_log = {"log_level": 0}


def producer(**more):
    return Producer({"bootstrap.servers": BROKER, **quiet_log, **{k.replace("_", "."): v for k, v in more.items()}})


def consumer(group, **more):
    return Consumer({"bootstrap.servers": BROKER, "group.id": group, "auto.offset.reset": "earliest",
                     "enable.auto.commit": False, **quiet_log, **{k.replace("_", "."): v for k, v in more.items()}})


def admin():
    return AdminClient({"bootstrap.servers": BROKER, **quiet_log})


def result(futures, seconds=20):
    return {k: f.result(seconds) for k, f in futures.items()}


def refused(code, futures):
    try:
        result(futures)
    except KafkaException as e:
        assert e.args[0].code() == code, e
        return
    raise AssertionError("not refused")


def create(topic, partitions=4, **configs):
    a = admin()  # held until the answer is there: it ends with its last name
    result(a.create_topics([NewTopic(topic, partitions, 1, config=configs)]))
    return topic


def produce(topic, count, **more):
    p, at, bad = producer(**more), [], []
    told = lambda e, m: bad.append(e) if e else at.append((m.partition(), m.offset()))
    for i in range(count):
        r = Sent(i)
        p.produce(topic, r.value, r.key, headers=r.headers, timestamp=r.timestamp, on_delivery=told)
        p.poll(0)
    assert p.flush(60) == 0 and not bad, bad[:3]
    return at


def read(c, count, seconds=30, quiet=0.5):
    """At least count records, and what comes within quiet seconds after them."""
    got, end, enough = [], time.time() + seconds, False
    while time.time() < end:
        for m in c.consume(500, 0.2):
            if m.error():
                raise KafkaException(m.error())
            got.append(m)
        if len(got) >= count and not enough:
            end, enough = min(end, time.time() + quiet), True
    return got


def read_new(topic, count, **more):
    c = consumer(unique("g"), **more)
    c.subscribe([topic])
    got = read(c, count)
    c.close()
    return got


def rows(got):
    return [(m.partition(), m.offset(), m.key(), m.value(), m.headers(), m.timestamp()[1]) for m in got]


@case
def contents():
    topic = create(unique("ck"))
    at = produce(topic, 5000)
    got = read_new(topic, 5000)
    same_all(rows(got), 5000, 4)
    assert set(at) == {(m.partition(), m.offset()) for m in got}, "told other offsets than are read"


@case
def codecs():
    for codec in ("none", "gzip", "snappy", "lz4", "zstd"):
        for idempotent in (True, False):
            topic = create(unique("ck-" + codec))
            produce(topic, 2000, compression_type=codec, enable_idempotence=idempotent, linger_ms=20)
            same_all(rows(read_new(topic, 2000)), 2000, 4)


@case
def acks_of_0_and_1():
    for acks in (0, 1):
        topic = create(unique("ck-acks"), 1)
        produce(topic, 200, acks=acks)
        same_all(rows(read_new(topic, 200)), 200, 1)


@case
def times_of_the_log():
    """message.timestamp.type=LogAppendTime: the producer's times are not kept."""
    topic = create(unique("ck-append"), 1, **{"message.timestamp.type": "LogAppendTime"})
    before = time.time() * 1000
    produce(topic, 20)
    for m in read_new(topic, 20):
        kind, at = m.timestamp()
        assert kind == 2 and before - 1 <= at <= time.time() * 1000 + 1, m.timestamp()


@case
def offsets_are_resumed():
    topic, group = create(unique("ck-off")), unique("g")
    seen = set()
    for count in (500, 70):
        produce(topic, count)
        c = consumer(group)
        c.subscribe([topic])
        got = {(m.partition(), m.offset()) for m in read(c, count)}
        assert len(got) == count and not got & seen, len(got)
        seen |= got
        c.commit(asynchronous=False)
        c.close()


@case
def offsets_carry_text():
    topic, c = create(unique("ck-meta")), consumer(unique("g"))
    c.commit(offsets=[TopicPartition(topic, 2, 7, metadata="text \u00e9")], asynchronous=False)
    there, not_there = c.committed([TopicPartition(topic, 2), TopicPartition(topic, 0)], 10)
    assert (there.offset, there.metadata) == (7, "text \u00e9"), there
    assert not_there.offset == -1001, not_there
    c.close()


@case
def by_time_and_seeking():
    topic, c = create(unique("ck-time"), 1), consumer(unique("g"))
    produce(topic, 100)
    time_of = lambda ms: c.offsets_for_times([TopicPartition(topic, 0, ms)], 10)[0].offset
    assert time_of(Sent(50).timestamp - 3) == 50
    assert time_of(Sent(100).timestamp) == -1
    assert c.get_watermark_offsets(TopicPartition(topic, 0), 10) == (0, 100)
    for start, count in ((90, 10), (0, 100), (500, 100)):  # 500 is out of range: reset to the earliest
        c.assign([TopicPartition(topic, 0, start)])
        assert [m.offset() for m in read(c, count)] == list(range(start % 500, 100)), start
    c.close()


def describe(group):
    a = admin()
    d = result(a.describe_consumer_groups([group]))[group]
    return d.state.name.title(), len(d.members)


@case
def group_member_dies():
    for assignor in ("range", "cooperative-sticky"):
        topic, group = create(unique("ck-grp"), 6), unique("g")
        member_dies(group, topic, lambda n: produce(topic, n), lambda: describe(group), assignor)


@case
def transactions():
    topic = create(unique("ck-tx"), 2)
    p = producer(transactional_id=unique("tx"))
    p.init_transactions(20)
    for run in range(4):
        p.begin_transaction()
        for i in range(50):
            p.produce(topic, b"%d" % run, b"%d" % i, partition=i % 2)
        p.flush(20)  # aborting drops what has not been sent
        if run % 2:
            p.abort_transaction(20)
        else:
            p.commit_transaction(20)
    p.begin_transaction()
    p.produce(topic, b"open", partition=0)
    p.flush(20)
    committed = read_new(topic, 100, isolation_level="read_committed")
    assert [m.value() for m in committed if m.partition() == 0] == [b"0"] * 25 + [b"2"] * 25
    assert [m.key() for m in committed if m.partition() == 1] == [b"%d" % i for i in range(1, 50, 2)] * 2
    everything = len(read_new(topic, 201, isolation_level="read_uncommitted"))
    assert everything == 201, everything
    p.commit_transaction(20)
    assert len(read_new(topic, 101, isolation_level="read_committed")) == 101


@case
def offsets_in_transactions():
    """Read, write on, offsets in the same transaction; every other one is thrown away and done again."""
    source, sink, group = create(unique("ck-from"), 2), create(unique("ck-to"), 2), unique("g")
    produce(source, 1000)
    p = producer(transactional_id=unique("tx"))
    p.init_transactions(20)
    done = rounds = 0
    while done < 1000:
        c = consumer(group)
        c.subscribe([source])
        got = []
        until("records after %d" % done, 20, lambda: got.extend(c.consume(300, 1)) or got)
        p.begin_transaction()
        for m in got:
            p.produce(sink, m.value(), m.key(), partition=m.partition(), headers=m.headers(), timestamp=m.timestamp()[1])
        p.flush(20)
        p.send_offsets_to_transaction(c.position(c.assignment()), c.consumer_group_metadata(), 20)
        if rounds % 2:
            p.commit_transaction(20)
            done += len(got)
        else:
            p.abort_transaction(20)
        rounds += 1
        c.close()
    numbers = lambda got: sorted((m.partition(), int(m.headers()[0][1])) for m in got)
    assert numbers(read_new(sink, 1000)) == numbers(read_new(source, 1000))


@case
def old_producer_is_fenced():
    topic, name = create(unique("ck-fence"), 1), unique("tx")
    old, fresh = producer(transactional_id=name), producer(transactional_id=name)
    old.init_transactions(20)
    old.begin_transaction()
    old.produce(topic, b"old")
    old.flush(20)
    fresh.init_transactions(20)
    fails(KafkaException, old.commit_transaction, 20)
    fresh.begin_transaction()
    fresh.produce(topic, b"fresh")
    fresh.commit_transaction(20)
    assert [m.value() for m in read_new(topic, 1)] == [b"fresh"]


@case
def admin_of_topics():
    a, topic = admin(), unique("ck-adm")
    result(a.create_topics([NewTopic(topic, 2, 1, config={"cleanup.policy": "compact"})]))
    refused(KafkaError.TOPIC_ALREADY_EXISTS, a.create_topics([NewTopic(topic, 2, 1)]))
    refused(KafkaError.INVALID_REPLICATION_FACTOR, a.create_topics([NewTopic(unique("t"), 1, 3)]))
    refused(KafkaError.TOPIC_EXCEPTION, a.create_topics([NewTopic("a b", 1, 1)]))
    refused(KafkaError.INVALID_CONFIG, a.create_topics([NewTopic(unique("t"), 1, 1, config={"nonsense": "1"})]))
    result(a.create_partitions([NewPartitions(topic, 5)]))
    refused(KafkaError.INVALID_PARTITIONS, a.create_partitions([NewPartitions(topic, 3)]))
    d = result(a.describe_topics(TopicCollection([topic])))[topic]
    assert len(d.partitions) == 5 and all(p.leader.id == p.isr[0].id for p in d.partitions)
    resource = ConfigResource(ResourceType.TOPIC, topic)

    def config(name):
        return result(a.describe_configs([resource]))[resource][name]

    def alter(name, value, how):
        result(a.incremental_alter_configs([ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[
            ConfigEntry(name, value, incremental_operation=how)])]))

    assert config("cleanup.policy").value == "compact" and config("retention.ms").is_default
    alter("retention.ms", "77777", AlterConfigOpType.SET)
    alter("cleanup.policy", "delete", AlterConfigOpType.APPEND)
    assert config("retention.ms").value == "77777" and config("cleanup.policy").value == "compact,delete"
    alter("retention.ms", None, AlterConfigOpType.DELETE)
    assert config("retention.ms").value == "604800000"
    produce(topic, 200)
    tp = TopicPartition(topic, 0)
    low = result(a.delete_records([TopicPartition(topic, 0, 5)]))[tp].low_watermark
    assert low == 5, low
    ends = {k: result(a.list_offsets({tp: v}))[tp].offset for k, v in
            dict(low=OffsetSpec.earliest(), high=OffsetSpec.latest(), max=OffsetSpec.max_timestamp()).items()}
    assert ends["low"] == 5 and ends["max"] == ends["high"] - 1, ends
    cluster = a.describe_cluster().result(10)
    assert ["%s:%d" % (n.host, n.port) for n in cluster.nodes] == [BROKER] and cluster.controller
    result(a.delete_topics([topic]))
    until("the topic is gone", 5, lambda: topic not in a.list_topics(timeout=10).topics)


@case
def admin_of_groups():
    a, topic, group = admin(), create(unique("ck-ag")), unique("g")
    produce(topic, 100)
    c = consumer(group)
    c.subscribe([topic])
    read(c, 100)
    c.commit(asynchronous=False)
    assert describe(group) == ("Stable", 1)
    refused(KafkaError.NON_EMPTY_GROUP, a.delete_consumer_groups([group]))
    c.close()
    listed = a.list_consumer_groups(states={ConsumerGroupState.EMPTY}).result(10)
    assert not listed.errors and group in [g.group_id for g in listed.valid]

    def offsets():
        answer = result(a.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)]))[group]
        return {t.partition: t.offset for t in answer.topic_partitions}

    assert sum(offsets().values()) == 100, offsets()
    result(a.alter_consumer_group_offsets([ConsumerGroupTopicPartitions(group, [TopicPartition(topic, 1, 3)])]))
    assert offsets()[1] == 3
    result(a.delete_consumer_groups([group]))
    refused(KafkaError.GROUP_ID_NOT_FOUND, a.delete_consumer_groups([group]))


@case
def a_large_record():
    """One of nearly a mebibyte goes through; one that is too large for the topic is refused, and those beside it not."""
    topic = create(unique("ck-big"), 1)
    big, seen = bytes(range(256)) * 4000, []
    p = producer(message_max_bytes=5_000_000, batch_num_messages=1)
    for size in (1, len(big), 4_000_000, 2):
        p.produce(topic, (big * 4)[:size], on_delivery=lambda e, m: seen.append(e and e.code()))
    p.flush(30)
    assert seen == [None, None, KafkaError.MSG_SIZE_TOO_LARGE, None], seen
    assert [m.value() for m in read_new(topic, 3)] == [big[:1], big, big[:2]]


def member(group, topic, assignor):
    stop = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
    c = consumer(group, session_timeout_ms=6000, heartbeat_interval_ms=500, partition_assignment_strategy=assignor)
    has = -1
    c.subscribe([topic])
    while not stop:
        for m in c.consume(50, 0.1):
            print("got", m.partition(), m.offset())
        if len(c.assignment()) != has:
            has = len(c.assignment())
            print("has", has)
        try:
            c.commit(asynchronous=False)
        except KafkaException:
            pass  # nothing to commit, or its partitions are being given away: the next one reads them again
    c.close()


main(member)
