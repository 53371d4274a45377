"""kafka-acls and kafka-configs against the Kafka face with an authorizer: kafka_acls.py HOST:PORT [CASE…], Kafka's tools as
jars in $TOOLS/lib, and KafkaTool in $CLASSES. What the tools set is held against what clients (librdkafka) then may do. Whoever runs it kills our server
and starts it again when the file $AGAIN appears. Ends in 'N passed, N failed'."""
import os, re, tempfile, time
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
import tools
from checks import BROKER, case, main, unique, until

WORK = tempfile.mkdtemp(dir=os.environ.get("TMPDIR"))
TOOL = {"acls": "org.apache.kafka.tools.AclCommand", "configs": "kafka.admin.ConfigCommand"}
PASSWORDS = {"admin": "admin-secret"}
ADMIN = os.path.join(WORK, "admin.properties")
with open(ADMIN, "w") as f:
    f.write("security.protocol=SASL_PLAINTEXT\nsasl.mechanism=SCRAM-SHA-256\n"
            "sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required "
            'username="admin" password="admin-secret";\n')


def tool(name, *args, config=ADMIN, fails=False):
    """What kafka-NAME prints, as who the config says."""
    code, out = tools.run(TOOL[name], "--bootstrap-server", BROKER, "--command-config", config, *args)
    failed = code != 0 or bool(re.search(r"^(Error|Exception)", out, re.M))
    assert failed == fails, "%s %s: %d\n%s" % (name, " ".join(args), code, out[:2000])
    return out


def conf(user, mechanism="SCRAM-SHA-256", **more):
    c = {"bootstrap.servers": BROKER, "security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": mechanism,
         "sasl.username": user, "sasl.password": PASSWORDS[user], "log_level": 0}
    c.update({k if k.endswith("_cb") else k.replace("_", "."): v for k, v in more.items()})
    return c


def set_user(user, password, mechanism="SCRAM-SHA-256"):
    PASSWORDS[user] = password
    tool("configs", "--alter", "--entity-type", "users", "--entity-name", user, "--add-config",
         "%s=[iterations=4096,password=%s]" % (mechanism, password))


def create(name, partitions=1):
    admin = AdminClient(conf("admin"))
    admin.create_topics([NewTopic(name, partitions)])[name].result(20)
    return name


def written(user, topic, **more):
    """None, or the code with which the broker refuses."""
    said = []
    p = Producer(conf(user, message_timeout_ms=8000, **more))
    p.produce(topic, b"x", on_delivery=lambda e, m: said.append(e))
    p.flush(10)
    return said[0].code() if said and said[0] else None


def read(user, topic, group):
    """How many records, or the code with which the broker refuses."""
    c = Consumer(conf(user, group_id=group, auto_offset_reset="earliest", enable_auto_commit="false"))
    c.subscribe([topic])
    got, end = 0, time.time() + 15
    try:
        while time.time() < end:
            m = c.poll(0.2)
            if m is None:
                if got:
                    return got
            elif m.error():
                return m.error().code()
            else:
                got += 1
        return got
    finally:
        c.close()


def logs_in(user, mechanism="SCRAM-SHA-256"):
    failures = []
    a = AdminClient(conf(user, mechanism, error_cb=lambda e: failures.append(e.code())))
    try:
        a.list_topics(timeout=5)
        return True
    except KafkaException:
        a.poll(0.1)
        assert KafkaError._AUTHENTICATION in failures, failures
        return False


DENIED_TOPIC, DENIED_GROUP = KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED


@case
def users():
    ann = unique("ann")
    set_user(ann, "first")
    assert logs_in(ann)
    set_user(ann, "other-512", "SCRAM-SHA-512")
    assert logs_in(ann, "SCRAM-SHA-512") and not logs_in(ann)
    set_user(ann, "second")
    assert logs_in(ann)
    said = tool("configs", "--describe", "--entity-type", "users", "--entity-name", ann)
    assert "SCRAM-SHA-256=iterations=4096" in said and "SCRAM-SHA-512=iterations=4096" in said, said
    tool("configs", "--alter", "--entity-type", "users", "--entity-name", ann, "--delete-config", "SCRAM-SHA-256")
    assert not logs_in(ann)
    PASSWORDS[ann] = "other-512"
    assert logs_in(ann, "SCRAM-SHA-512")


@case
def literal():
    bob, topic, group = unique("bob"), create(unique("ka-lit")), unique("g")
    set_user(bob, "secret")
    assert written(bob, topic) == DENIED_TOPIC
    tool("acls", "--add", "--allow-principal", "User:" + bob, "--producer", "--topic", topic)
    assert written(bob, topic) is None and written(bob, create(unique("ka-other"))) == DENIED_TOPIC
    assert read(bob, topic, group) in (DENIED_GROUP, DENIED_TOPIC)
    tool("acls", "--add", "--allow-principal", "User:" + bob, "--consumer", "--topic", topic, "--group", group)
    assert read(bob, topic, group) == 1
    assert read(bob, topic, unique("g")) == DENIED_GROUP
    said = tool("acls", "--list", "--topic", topic)
    assert "name=%s, patternType=LITERAL" % topic in said, said
    assert len(re.findall(r"principal=User:%s, host=\*, operation=(READ|WRITE|DESCRIBE|CREATE), permissionType=ALLOW" % bob,
                          said)) == 4, said
    tool("acls", "--remove", "--force", "--allow-principal", "User:" + bob, "--operation", "Write", "--topic", topic)
    assert written(bob, topic) == DENIED_TOPIC
    assert "operation=WRITE" not in tool("acls", "--list", "--topic", topic)


@case
def prefixed_and_deny():
    eve, start = unique("eve"), unique("ka-pre")
    one, two, three = create(start + "-a"), create(start + "-b"), create(unique("ka-else"))
    set_user(eve, "secret")
    tool("acls", "--add", "--allow-principal", "User:" + eve, "--operation", "Write", "--topic", start,
         "--resource-pattern-type", "prefixed")
    assert written(eve, one) is None and written(eve, two) is None and written(eve, three) == DENIED_TOPIC
    tool("acls", "--add", "--deny-principal", "User:" + eve, "--operation", "Write", "--topic", two)
    assert written(eve, one) is None and written(eve, two) == DENIED_TOPIC
    said = tool("acls", "--list", "--topic", two, "--resource-pattern-type", "match")
    assert "patternType=PREFIXED" in said and "permissionType=DENY" in said, said
    tool("acls", "--add", "--deny-principal", "User:" + eve, "--deny-host", "10.9.9.9", "--operation", "Write", "--topic", one)
    assert written(eve, one) is None, "a deny of another host"
    tool("acls", "--remove", "--force", "--deny-principal", "User:" + eve, "--operation", "Write", "--topic", two)
    assert written(eve, two) is None
    tool("acls", "--remove", "--force", "--topic", start, "--resource-pattern-type", "prefixed")
    assert written(eve, one) == DENIED_TOPIC


@case
def everybody_and_a_restart():
    zoe, topic = unique("zoe"), create(unique("ka-all"))
    set_user(zoe, "secret")
    tool("acls", "--add", "--allow-principal", "User:*", "--operation", "All", "--topic", topic)
    assert written(zoe, topic) is None
    open(os.environ["AGAIN"], "w").close()
    until("the server is back", 60, lambda: not os.path.exists(os.environ["AGAIN"]))
    assert logs_in(zoe) and written(zoe, topic) is None
    assert written(zoe, create(unique("ka-none"))) == DENIED_TOPIC
    assert "principal=User:*" in tool("acls", "--list", "--topic", topic)


@case
def who_may_change_acls():
    mia = unique("mia")
    set_user(mia, "secret")
    as_mia = os.path.join(WORK, "mia.properties")
    with open(ADMIN) as f, open(as_mia, "w") as to:
        to.write(f.read().replace('username="admin" password="admin-secret"', 'username="%s" password="secret"' % mia))
    assert "ClusterAuthorizationException" in tool("acls", "--list", config=as_mia, fails=True)
    tool("acls", "--add", "--allow-principal", "User:" + mia, "--operation", "Describe", "--cluster")
    assert "User:" + mia in tool("acls", "--list", config=as_mia)


@case
def quotas():
    slow, topic = unique("slow"), create(unique("ka-quota"))
    entity = ["--entity-type", "clients", "--entity-name", slow]
    tool("configs", "--alter", *entity, "--add-config", "producer_byte_rate=20000,consumer_byte_rate=50000")
    said = tool("configs", "--describe", *entity)
    assert "producer_byte_rate=20000" in said and "consumer_byte_rate=50000" in said, said
    throttled = []
    p = Producer(conf("admin", client_id=slow, throttle_cb=lambda e: throttled.append(e.throttle_time)))
    for _ in range(60):
        p.produce(topic, b"x" * 5000)
        p.poll(0)
    p.flush(60)
    assert any(t > 0 for t in throttled), throttled
    tool("configs", "--alter", *entity, "--delete-config", "producer_byte_rate,consumer_byte_rate")
    assert "producer_byte_rate" not in tool("configs", "--describe", *entity)


main(None)
