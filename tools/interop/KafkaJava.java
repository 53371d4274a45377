// Kafka's Java client against the Kafka face: java KafkaJava HOST:PORT [CASE…].
// Ends in "N passed, N failed".

import java.time.Duration;
import java.util.*;
import java.util.concurrent.*;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.*;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.*;
import org.apache.kafka.common.quota.*;
import org.apache.kafka.common.serialization.*;

public class KafkaJava {
    static String broker;

    interface Case { void run() throws Exception; }

    static String unique(String prefix) { return prefix + "-" + UUID.randomUUID().toString().substring(0, 8); }

    static void want(boolean ok, String what) { if (!ok) throw new AssertionError(what); }

    static void until(String what, int seconds, BooleanSupplier ok) throws Exception {
        long end = System.nanoTime() + seconds * 1_000_000_000L;
        while (!ok.getAsBoolean()) {
            want(System.nanoTime() < end, "not within " + seconds + " s: " + what);
            Thread.sleep(20);
        }
    }

    static Properties props(String... pairs) {
        Properties p = new Properties();
        p.put("bootstrap.servers", broker);
        for (int i = 0; i < pairs.length; i += 2) p.put(pairs[i], pairs[i + 1]);
        return p;
    }

    static KafkaProducer<String, String> producer(String... pairs) {
        return new KafkaProducer<>(props(pairs), new StringSerializer(), new StringSerializer());
    }

    static KafkaConsumer<String, String> consumer(String group, String... pairs) {
        Properties p = props(pairs);
        p.put("group.id", group);
        p.put("auto.offset.reset", "earliest");
        p.putIfAbsent("enable.auto.commit", "false");
        return new KafkaConsumer<>(p, new StringDeserializer(), new StringDeserializer());
    }

    static void produce(String topic, int count, String... pairs) throws Exception {
        try (KafkaProducer<String, String> producer = producer(pairs)) {
            List<Future<RecordMetadata>> sent = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                ProducerRecord<String, String> r = new ProducerRecord<>(topic, "k" + i, "v" + i);
                r.headers().add("n", ("" + i).getBytes());
                sent.add(producer.send(r));
            }
            for (Future<RecordMetadata> f : sent) want(f.get(30, TimeUnit.SECONDS).offset() >= 0, "offset");
        }
    }

    static List<ConsumerRecord<String, String>> read(Consumer<String, String> c, int count, int seconds) {
        List<ConsumerRecord<String, String>> got = new ArrayList<>();
        long end = System.nanoTime() + seconds * 1_000_000_000L;
        while (got.size() < count && System.nanoTime() < end)
            c.poll(Duration.ofMillis(200)).forEach(got::add);
        return got;
    }

    static void roundtrip() throws Exception {
        String topic = unique("j");
        produce(topic, 1000);
        try (KafkaConsumer<String, String> c = consumer(unique("g"))) {
            c.subscribe(List.of(topic));
            List<ConsumerRecord<String, String>> got = read(c, 1000, 30);
            want(got.size() == 1000, got.size() + " came");
            for (ConsumerRecord<String, String> r : got)
                want(r.key().substring(1).equals(r.value().substring(1))
                        && new String(r.headers().lastHeader("n").value()).equals(r.key().substring(1)), "content");
        }
    }

    static void codecs() throws Exception {
        for (String codec : List.of("gzip", "snappy", "lz4", "zstd")) {
            String topic = unique("j-" + codec);
            produce(topic, 500, "compression.type", codec, "linger.ms", "20");
            try (KafkaConsumer<String, String> c = consumer(unique("g"))) {
                c.subscribe(List.of(topic));
                int got = read(c, 500, 30).size();
                want(got == 500, codec + ": " + got);
            }
        }
    }

    static void acksOf0And1() throws Exception {
        for (String acks : List.of("0", "1")) {
            String topic = unique("j-acks");
            try (KafkaProducer<String, String> p = producer("acks", acks, "enable.idempotence", "false")) {
                for (int i = 0; i < 100; i++) p.send(new ProducerRecord<>(topic, "k" + i, "v"));
            }
            try (KafkaConsumer<String, String> c = consumer(unique("g"))) {
                c.subscribe(List.of(topic));
                want(read(c, 100, 20).size() == 100, "acks " + acks);
            }
        }
    }

    static void offsetsAreResumed() throws Exception {
        String topic = unique("j-off"), group = unique("g");
        produce(topic, 30);
        try (KafkaConsumer<String, String> c = consumer(group)) {
            c.subscribe(List.of(topic));
            want(read(c, 30, 20).size() == 30, "first");
            c.commitSync();
        }
        produce(topic, 5);
        try (KafkaConsumer<String, String> c = consumer(group)) {
            c.subscribe(List.of(topic));
            want(read(c, 5, 30).size() == 5 && read(c, 1, 1).isEmpty(), "after resuming");
        }
    }

    static void commitMetadata() throws Exception {
        String topic = unique("j-meta");
        produce(topic, 3);
        try (KafkaConsumer<String, String> c = consumer(unique("g"))) {
            TopicPartition tp = new TopicPartition(topic, 0);
            c.assign(List.of(tp));
            c.commitSync(Map.of(tp, new OffsetAndMetadata(2, Optional.of(0), "text \u00e9")));
            OffsetAndMetadata m = c.committed(Set.of(tp)).get(tp);
            want(m.offset() == 2 && m.metadata().equals("text \u00e9"), m.toString());
        }
    }

    static class Member extends Thread {
        final KafkaConsumer<String, String> c;
        final String topic;
        volatile int has = -1;
        volatile boolean stop, vanish;

        Member(String group, String topic, String... pairs) {
            c = consumer(group, pairs);
            this.topic = topic;
            start();
        }

        public void run() {
            c.subscribe(List.of(topic));
            while (!stop) {
                c.poll(Duration.ofMillis(100));
                has = c.assignment().size();
            }
            if (vanish) KafkaJavaApi.closeAndStay(c);
            else c.close();
        }

        void end() throws Exception { stop = true; join(); }
    }

    static void groupMemberDies(String assignor) throws Exception {
        String topic = unique("j-grp"), group = unique("g");
        String[] conf = {"session.timeout.ms", "6000", "heartbeat.interval.ms", "500",
            "partition.assignment.strategy", "org.apache.kafka.clients.consumer." + assignor};
        try (Admin admin = Admin.create(props())) {
            admin.createTopics(List.of(new NewTopic(topic, 6, (short) 1))).all().get();
            String[] staying = Arrays.copyOf(conf, conf.length + 2);
            staying[conf.length] = "internal.leave.group.on.close";
            staying[conf.length + 1] = "false";
            Member a = new Member(group, topic, conf), b = new Member(group, topic, staying);
            until("three each", 40, () -> a.has == 3 && b.has == 3);
            b.vanish = true;
            b.end();
            until("six for the one that lives", 40, () -> a.has == 6);
            String state = KafkaJavaApi.groupState(admin, group);
            want(state.equals("Stable 1"), state);
            Member c = new Member(group, topic, conf);
            until("three each again", 40, () -> a.has == 3 && c.has == 3);
            a.end();
            until("six after the leader left", 40, () -> c.has == 6);
            c.end();
        }
    }

    // A producer that may write 20 kB a second is made to wait, and the client says that it did.
    static void quotas() throws Exception {
        String topic = unique("j-quota"), id = unique("slow");
        try (Admin admin = Admin.create(props())) {
            ClientQuotaEntity entity = new ClientQuotaEntity(Map.of(ClientQuotaEntity.CLIENT_ID, id));
            admin.alterClientQuotas(List.of(new ClientQuotaAlteration(entity, List.of(new ClientQuotaAlteration.Op("producer_byte_rate", 20000.0))))).all().get(30, TimeUnit.SECONDS);
            Map<ClientQuotaEntity, Map<String, Double>> told = admin.describeClientQuotas(ClientQuotaFilter.contains(List.of(ClientQuotaFilterComponent.ofEntity(ClientQuotaEntity.CLIENT_ID, id)))).entities().get();
            want(told.equals(Map.of(entity, Map.of("producer_byte_rate", 20000.0))), "told " + told);
            long begun = System.nanoTime();
            try (KafkaProducer<String, String> producer = producer("client.id", id)) {
                for (int i = 0; i < 300; i++) // 300 kB: ten seconds' worth at once, then at the rate
                    producer.send(new ProducerRecord<>(topic, "x".repeat(1000))).get(60, TimeUnit.SECONDS);
                double waited = producer.metrics().entrySet().stream().filter(e -> e.getKey().name().equals("produce-throttle-time-max")).mapToDouble(e -> (Double) e.getValue().metricValue()).max().orElse(0);
                want(waited > 0, "the client knows of no wait");
            }
            double seconds = (System.nanoTime() - begun) / 1e9;
            want(seconds > 3, "it took " + seconds + " s");
            admin.alterClientQuotas(List.of(new ClientQuotaAlteration(entity, List.of(new ClientQuotaAlteration.Op("producer_byte_rate", null))))).all().get(30, TimeUnit.SECONDS);
        }
    }

    // The newer group protocol: the server assigns, and says how often a heartbeat is due.
    static String[] newer(String... more) {
        List<String> l = new ArrayList<>(List.of("group.protocol", "consumer"));
        l.addAll(List.of(more));
        return l.toArray(new String[0]);
    }

    static ConsumerGroupDescription described(Admin admin, String group) throws Exception {
        return admin.describeConsumerGroups(List.of(group)).all().get(30, TimeUnit.SECONDS).get(group);
    }

    static void consumersShare(String assignor) throws Exception {
        String topic = unique("j-new"), group = unique("g");
        String[] conf = newer("group.remote.assignor", assignor);
        try (Admin admin = Admin.create(props())) {
            admin.createTopics(List.of(new NewTopic(topic, 6, (short) 1))).all().get();
            Member a = new Member(group, topic, conf), b = new Member(group, topic, conf);
            until("three each", 40, () -> a.has == 3 && b.has == 3);
            ConsumerGroupDescription d = described(admin, group);
            want(d.type() == GroupType.CONSUMER && d.members().size() == 2, d.toString());
            want(d.partitionAssignor().equals(assignor), d.partitionAssignor());
            until("stable", 20, () -> { try { return KafkaJavaApi.state(described(admin, group)).equals("Stable"); } catch (Exception e) { throw new RuntimeException(e); } });
            KafkaJavaApi.checkConsumers(admin, group, 3);
            fails(GroupNotEmptyException.class, admin.deleteConsumerGroups(List.of(group)).deletedGroups().get(group).toCompletionStage().toCompletableFuture());
            b.end();
            until("six for the one that stays", 40, () -> a.has == 6);
            admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(8))).all().get();
            until("eight", 40, () -> a.has == 8);
            a.end();
            until("empty", 20, () -> { try { return KafkaJavaApi.state(described(admin, group)).equals("Empty"); } catch (Exception e) { throw new RuntimeException(e); } });
            admin.deleteConsumerGroups(List.of(group)).all().get(30, TimeUnit.SECONDS);
        }
    }

    // A live group is rolled from the classic protocol to the newer one and back, member by member, while records come:
    // shares stay even, the group is of the newer kind while any such member is in it, and no record is left out.
    static class Roller extends Member {
        final Set<String> seen = new java.util.concurrent.ConcurrentSkipListSet<>();
        Roller(String group, String topic, String... pairs) { super(group, topic, pairs); }
        public void run() {
            c.subscribe(List.of(topic));
            while (!stop) {
                for (ConsumerRecord<String, String> r : c.poll(Duration.ofMillis(50))) seen.add(r.value());
                try { c.commitSync(); } catch (RebalanceInProgressException | CommitFailedException e) { } // its next poll joins
                has = c.assignment().size();
            }
            c.close();
        }
    }

    static void want(Admin admin, String group, GroupType type) throws Exception {
        until(group + " is " + type, 20, () -> { try { return described(admin, group).type() == type; } catch (Exception e) { throw new RuntimeException(e); } });
    }

    static void migrates(String assignor) throws Exception {
        String topic = unique("j-roll"), group = unique("g");
        String[] old = {"session.timeout.ms", "6000", "heartbeat.interval.ms", "300",
            "partition.assignment.strategy", "org.apache.kafka.clients.consumer." + assignor};
        List<Roller> all = new ArrayList<>(), in = new ArrayList<>();
        try (Admin admin = Admin.create(props()); KafkaProducer<String, String> producer = producer()) {
            admin.createTopics(List.of(new NewTopic(topic, 6, (short) 1))).all().get();
            int[] sent = {0};
            boolean[] ended = {false};
            Thread writer = new Thread(() -> {
                while (!ended[0]) {
                    producer.send(new ProducerRecord<>(topic, null, "v" + sent[0]++));
                    try { Thread.sleep(5); } catch (InterruptedException e) { return; }
                }
            });
            writer.start();
            String[][] rolls = {old, old, old, newer(), newer(), newer(), old, old, old};
            for (int i = 0; i < rolls.length; i++) {
                Roller r = new Roller(group, topic, rolls[i]);
                all.add(r);
                in.add(r);
                if (in.size() > 3) in.remove(0).end();
                if (in.size() < 3) continue;
                until("two each after roll " + i, 60, () -> in.stream().allMatch(m -> m.has == 2));
                want(admin, group, i >= 3 && i < 8 ? GroupType.CONSUMER : GroupType.CLASSIC);
            }
            ended[0] = true;
            writer.join();
            producer.flush();
            Set<String> wanted = new HashSet<>();
            for (int i = 0; i < sent[0]; i++) wanted.add("v" + i);
            until("all " + sent[0] + " records", 30, () -> { Set<String> left = new HashSet<>(wanted); for (Roller r : all) left.removeAll(r.seen); return left.isEmpty(); });
            until("all committed", 20, () -> { try { return admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().values().stream().mapToLong(OffsetAndMetadata::offset).sum() == sent[0]; } catch (Exception e) { throw new RuntimeException(e); } });
        } finally {
            for (Roller r : in) r.end();
        }
    }

    // Its offsets are committed under its epoch; the group becomes a classic one and back while empty.
    static void consumersCommit() throws Exception {
        String topic = unique("j-commit"), group = unique("g");
        produce(topic, 200);
        String[][] protocols = {newer(), {}, newer()};
        int seen = 0;
        for (String[] conf : protocols) {
            try (KafkaConsumer<String, String> c = consumer(group, conf)) {
                c.subscribe(List.of(topic));
                int n = read(c, 50, 30).size();
                c.commitSync();
                want(n >= 50, n + " came");
                seen += n;
            }
            if (seen >= 200) break;
        }
        want(seen <= 200, "of 200 came " + seen);
        try (Admin admin = Admin.create(props())) {
            long sum = admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().values().stream().mapToLong(OffsetAndMetadata::offset).sum();
            want(sum == seen, "committed " + sum + " of " + seen);
        }
    }

    static void consumersByPattern() throws Exception {
        String prefix = unique("j-re"), group = unique("g");
        produce(prefix + "-a", 10);
        produce(prefix + "-b", 10);
        produce("x" + prefix + "-a", 10);
        try (KafkaConsumer<String, String> c = consumer(group, newer())) {
            KafkaJavaApi.subscribe(c, prefix + "-[ab]");
            int n = read(c, 20, 30).size();
            want(n == 20, "of 20 in both topics came " + n + " from " + c.assignment());
            want(c.assignment().size() == 8, "assigned " + c.assignment());
        }
        if (!KafkaJavaApi.SERVER_KNOWS_PATTERNS) return;
        try (KafkaConsumer<String, String> c = consumer(group, newer())) {
            KafkaJavaApi.subscribe(c, "(");
            try {
                for (int i = 0; i < 50; i++) c.poll(Duration.ofMillis(100));
                want(false, "a pattern that is none was taken");
            } catch (ApiException e) {
                want(e.getClass().getSimpleName().equals("InvalidRegularExpression"), "" + e);
            }
        }
    }

    static void consumersStatic() throws Exception {
        String topic = unique("j-cstatic"), group = unique("g");
        produce(topic, 1);
        String[] conf = newer("group.instance.id", "one");
        Member a = new Member(group, topic, conf);
        until("an assignment", 20, () -> a.has == 4);
        a.end(); // it leaves for a while
        Member other = new Member(group, topic, newer());
        Member again = new Member(group, topic, conf);
        until("two each", 30, () -> again.has == 2 && other.has == 2);
        again.end();
        other.end();
        try (Admin admin = Admin.create(props())) {
            want(described(admin, group).members().size() == 1, "the static member is still in");
        }
    }

    static void staticMember() throws Exception {
        String topic = unique("j-static"), group = unique("g");
        produce(topic, 1);
        String[] conf = {"group.instance.id", "one", "session.timeout.ms", "45000"};
        Member a = new Member(group, topic, conf);
        until("an assignment", 20, () -> a.has == 4);
        a.end(); // a static member does not leave
        Member again = new Member(group, topic, conf);
        until("its assignment back at once", 20, () -> again.has == 4);
        again.end();
        try (Admin admin = Admin.create(props())) {
            admin.removeMembersFromConsumerGroup(group, new RemoveMembersFromConsumerGroupOptions(
                    List.of(new MemberToRemove("one")))).all().get();
        }
    }

    static void offsetsByTime() throws Exception {
        String topic = unique("j-time");
        try (KafkaProducer<String, String> p = producer()) {
            for (int i = 0; i < 5; i++)
                p.send(new ProducerRecord<>(topic, 0, 1000000L + i * 1000, "k", "v")).get();
        }
        try (KafkaConsumer<String, String> c = consumer(unique("g")); Admin admin = Admin.create(props())) {
            TopicPartition tp = new TopicPartition(topic, 0);
            want(c.offsetsForTimes(Map.of(tp, 1002500L)).get(tp).offset() == 3, "by time");
            want(c.beginningOffsets(Set.of(tp)).get(tp) == 0 && c.endOffsets(Set.of(tp)).get(tp) == 5, "ends");
            want(admin.listOffsets(Map.of(tp, OffsetSpec.maxTimestamp())).partitionResult(tp).get().offset() == 4, "max");
        }
    }

    // Its fetches go in one session, which partitions join, leave and come back to.
    static void fetchSession() throws Exception {
        String topic = unique("j-session");
        Set<String> want = new TreeSet<>(), got = new TreeSet<>();
        try (Admin a = Admin.create(props())) {
            a.createTopics(List.of(new NewTopic(topic, 6, (short) 1))).all().get(30, TimeUnit.SECONDS);
        }
        try (KafkaProducer<String, String> producer = producer();
             KafkaConsumer<String, String> c = consumer(unique("g"))) {
            for (int round = 0; round < 30; round++) {
                List<TopicPartition> assigned = new ArrayList<>();
                for (int i = 0; i < 6; i++) if ((round / 5 + i) % 3 != 0 || round >= 25) assigned.add(new TopicPartition(topic, i));
                Map<TopicPartition, Long> at = new HashMap<>();
                for (TopicPartition p : c.assignment()) at.put(p, c.position(p));
                c.assign(assigned);
                for (TopicPartition p : assigned) if (!at.containsKey(p)) c.seekToBeginning(List.of(p));
                int p = round % 6;
                String value = "v" + round;
                producer.send(new ProducerRecord<>(topic, p, null, value)).get(30, TimeUnit.SECONDS);
                want.add(value);
                for (ConsumerRecord<String, String> r : c.poll(Duration.ofMillis(100))) got.add(r.value());
            }
            long end = System.nanoTime() + 20_000_000_000L;
            while (!got.equals(want) && System.nanoTime() < end)
                for (ConsumerRecord<String, String> r : c.poll(Duration.ofMillis(200))) got.add(r.value());
            want(got.equals(want), "of " + want.size() + " came " + got.size());
        }
    }

    static <E> void fails(Class<E> kind, Future<?> f) throws Exception {
        try {
            f.get();
            want(false, "no " + kind.getSimpleName());
        } catch (ExecutionException e) {
            want(kind.isInstance(e.getCause()), "got " + e.getCause());
        }
    }

    static void admin() throws Exception {
        String topic = unique("j-adm");
        try (Admin admin = Admin.create(props())) {
            DescribeClusterResult cluster = admin.describeCluster();
            want(cluster.nodes().get().size() == 1 && cluster.clusterId().get().length() == 22, "cluster");
            admin.createTopics(List.of(new NewTopic(topic, Optional.empty(), Optional.empty())
                    .configs(Map.of("cleanup.policy", "compact", "min.cleanable.dirty.ratio", "0.1")))).all().get();
            want(admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions().size() == 4, "4");
            ConfigResource r = new ConfigResource(ConfigResource.Type.TOPIC, topic);
            Config config = admin.describeConfigs(List.of(r)).all().get().get(r);
            want(config.get("cleanup.policy").value().equals("compact"), "compact");
            want(config.get("min.cleanable.dirty.ratio").value().equals("0.1"), "kept");
            want(config.get("retention.ms").isDefault(), "default");
            fails(TopicExistsException.class, admin.createTopics(List.of(new NewTopic(topic, 1, (short) 1))).all());
            fails(InvalidConfigurationException.class, admin.createTopics(List.of(
                    new NewTopic(unique("t"), 1, (short) 1).configs(Map.of("nonsense", "1")))).all());
            fails(InvalidReplicationFactorException.class,
                    admin.createTopics(List.of(new NewTopic(unique("t"), 1, (short) 3))).all());
            fails(InvalidTopicException.class, admin.createTopics(List.of(new NewTopic("a b", 1, (short) 1))).all());
            admin.createTopics(List.of(new NewTopic(unique("t"), 1, (short) 1)),
                    new CreateTopicsOptions().validateOnly(true)).all().get();
            produce(topic, 10);
            String group = unique("g");
            try (KafkaConsumer<String, String> c = consumer(group)) {
                c.subscribe(List.of(topic));
                read(c, 10, 20);
                c.commitSync();
            }
            want(KafkaJavaApi.lists(admin, group), "listed");
            want(admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().values().stream()
                    .mapToLong(OffsetAndMetadata::offset).sum() == 10, "offsets");
            admin.deleteConsumerGroupOffsets(group, Set.of(new TopicPartition(topic, 0))).all().get();
            admin.deleteConsumerGroups(List.of(group)).all().get();
            TopicPartition tp = new TopicPartition(topic, 0);
            long end = admin.listOffsets(Map.of(tp, OffsetSpec.latest())).partitionResult(tp).get().offset();
            want(admin.deleteRecords(Map.of(tp, RecordsToDelete.beforeOffset(end))).lowWatermarks().get(tp).get()
                    .lowWatermark() == end, "low watermark");
            admin.deleteTopics(List.of(topic)).all().get();
            want(!admin.listTopics().names().get().contains(topic), "deleted");
        }
    }

    static void keylessOnCompacted() throws Exception {
        String topic = unique("j-cmp");
        try (Admin admin = Admin.create(props()); KafkaProducer<String, String> p = producer()) {
            admin.createTopics(List.of(new NewTopic(topic, 1, (short) 1).configs(Map.of("cleanup.policy", "compact"))))
                    .all().get();
            fails(InvalidRecordException.class, p.send(new ProducerRecord<>(topic, "no key")));
            p.send(new ProducerRecord<>(topic, "k", "v")).get();
        }
    }

    static void tooLarge() throws Exception {
        try (KafkaProducer<String, String> p = producer("max.request.size", "9000000")) {
            fails(RecordTooLargeException.class, p.send(new ProducerRecord<>(unique("j-big"), "x".repeat(3000000))));
        }
    }

    static KafkaProducer<String, String> transactional(String id) {
        KafkaProducer<String, String> p = producer("transactional.id", id, "transaction.timeout.ms", "30000");
        p.initTransactions();
        return p;
    }

    // What a topic has up to where its readers of that kind stop.
    static List<ConsumerRecord<String, String>> toEnd(String topic, String isolation) throws Exception {
        List<ConsumerRecord<String, String>> got = new ArrayList<>();
        try (KafkaConsumer<String, String> c = consumer(unique("g"), "isolation.level", isolation)) {
            List<TopicPartition> all = c.partitionsFor(topic).stream().map(p -> new TopicPartition(topic, p.partition())).toList();
            c.assign(all);
            c.seekToBeginning(all);
            Map<TopicPartition, Long> ends = c.endOffsets(all);
            until("the end of " + topic, 60, () -> {
                c.poll(Duration.ofMillis(100)).forEach(got::add);
                return all.stream().allMatch(p -> c.position(p) >= ends.get(p));
            });
        }
        return got;
    }

    static int seen(String topic, String isolation, int atLeast, int seconds) {
        try (KafkaConsumer<String, String> c = consumer(unique("g"), "isolation.level", isolation)) {
            c.subscribe(List.of(topic));
            return read(c, atLeast, seconds).size();
        }
    }

    static void transactions() throws Exception {
        String topic = unique("j-tx");
        try (KafkaProducer<String, String> p = transactional(unique("tx"))) {
            for (int round = 0; round < 3; round++) {
                boolean commit = round != 1;
                p.beginTransaction();
                for (int i = 0; i < 40; i++) p.send(new ProducerRecord<>(topic, i % 4, "k" + i, "v" + round));
                p.flush();
                if (commit) p.commitTransaction();
                else p.abortTransaction();
            }
            p.beginTransaction();
            p.send(new ProducerRecord<>(topic, 0, "open", "open"));
            p.flush();
            want(toEnd(topic, "read_committed").size() == 80, "committed");
            want(toEnd(topic, "read_uncommitted").size() == 121, "uncommitted shows all");
            try (KafkaConsumer<String, String> c = consumer(unique("g"), "isolation.level", "read_committed")) {
                TopicPartition tp = new TopicPartition(topic, 0);
                c.assign(List.of(tp));
                long stable = c.endOffsets(Set.of(tp)).get(tp);
                c.seekToBeginning(List.of(tp));
                want(read(c, 20, 10).size() == 20, "of one partition");
                want(stable == 33, "stable end " + stable); // three rounds of 10 and a marker each
            }
            p.commitTransaction();
            want(toEnd(topic, "read_committed").size() == 81, "all in the end");
        }
    }

    static void fencing() throws Exception {
        String topic = unique("j-fence"), id = unique("tx");
        KafkaProducer<String, String> old = transactional(id);
        old.beginTransaction();
        old.send(new ProducerRecord<>(topic, "k", "old")).get();
        try (KafkaProducer<String, String> fresh = transactional(id)) {
            try {
                old.send(new ProducerRecord<>(topic, "k", "old")).get();
                old.commitTransaction();
                want(false, "the old one committed");
            } catch (ExecutionException | KafkaException e) {
                Throwable why = e instanceof ExecutionException ? e.getCause() : e;
                while (why.getCause() != null && !(why instanceof ProducerFencedException)
                        && !(why instanceof InvalidProducerEpochException)) why = why.getCause();
                want(why instanceof ProducerFencedException || why instanceof InvalidProducerEpochException, "" + e);
            }
            old.close(Duration.ZERO);
            fresh.beginTransaction();
            fresh.send(new ProducerRecord<>(topic, "k", "fresh")).get();
            fresh.commitTransaction();
        }
        want(toEnd(topic, "read_committed").size() == 1, "only what the new one wrote");
        try (Admin admin = Admin.create(props()); KafkaProducer<String, String> p = transactional(id)) {
            admin.fenceProducers(List.of(id)).all().get();
            p.beginTransaction();
            try {
                p.send(new ProducerRecord<>(topic, "k", "fenced"));
                p.commitTransaction();
                want(false, "committed though fenced by hand");
            } catch (KafkaException e) {
                p.close(Duration.ZERO);
            }
        }
    }

    // Reads, writes on, commits its offsets in the same transaction; every other round is thrown away.
    static void offsetsInTransactions() throws Exception {
        String from = unique("j-from"), to = unique("j-to"), group = unique("g");
        produce(from, 100);
        try (KafkaProducer<String, String> p = transactional(unique("tx"))) {
            int committed = 0;
            for (int round = 0; committed < 100; round++) {
                want(round < 40, "it ends");
                try (KafkaConsumer<String, String> c = consumer(group, "isolation.level", "read_committed",
                        "max.poll.records", "30")) {
                    c.subscribe(List.of(from));
                    List<ConsumerRecord<String, String>> got = read(c, 1, 30);
                    want(!got.isEmpty(), "nothing came after " + committed);
                    p.beginTransaction();
                    Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
                    for (ConsumerRecord<String, String> r : got) {
                        p.send(new ProducerRecord<>(to, r.key(), r.value()));
                        offsets.merge(new TopicPartition(r.topic(), r.partition()),
                                new OffsetAndMetadata(r.offset() + 1),
                                (a, b) -> a.offset() > b.offset() ? a : b);
                    }
                    p.sendOffsetsToTransaction(offsets, c.groupMetadata());
                    if (round % 2 == 0) {
                        p.abortTransaction();
                    } else {
                        p.commitTransaction();
                        committed += got.size();
                    }
                }
            }
        }
        List<ConsumerRecord<String, String>> written = toEnd(to, "read_committed");
        long keys = written.stream().map(ConsumerRecord::key).distinct().count();
        want(written.size() == 100 && keys == 100, written.size() + " records, " + keys + " keys");
    }

    static Object field(Object of, String name) throws Exception {
        java.lang.reflect.Field f = of.getClass().getDeclaredField(name);
        f.setAccessible(true);
        return f.get(of);
    }

    static void setField(Object of, String name, Object value) throws Exception {
        java.lang.reflect.Field f = of.getClass().getDeclaredField(name);
        f.setAccessible(true);
        f.set(of, value);
    }

    @SuppressWarnings({"unchecked", "rawtypes"})
    static void transition(Object manager, String state) throws Exception {
        Class kind = Class.forName("org.apache.kafka.clients.producer.internals.TransactionManager$State");
        for (java.lang.reflect.Method m : manager.getClass().getDeclaredMethods())
            if (m.getName().equals("transitionTo") && m.getParameterCount() == 1) {
                m.setAccessible(true);
                m.invoke(manager, Enum.valueOf(kind, state));
                return;
            }
        throw new NoSuchMethodException("transitionTo");
    }

    // As Flink's sink does after a failure: another process ends what a dead one has prepared.
    static void resumedByAnother() throws Exception {
        String topic = unique("j-resume"), id = unique("tx");
        KafkaProducer<String, String> dead = transactional(id);
        dead.beginTransaction();
        dead.send(new ProducerRecord<>(topic, "k", "v")).get();
        dead.flush();
        Object identity = field(field(dead, "transactionManager"), "producerIdAndEpoch");
        for (int again = 0; again < 2; again++) { // the second finds it committed
            KafkaProducer<String, String> p = producer("transactional.id", id);
            Object manager = field(p, "transactionManager");
            synchronized (manager) {
                transition(manager, "INITIALIZING");
                setField(manager, "producerIdAndEpoch", identity);
                // One that learns of the second version while it commits takes a new epoch after it, which would
                // fence the next: it is not to learn.
                if (KafkaJavaApi.SECOND_VERSION_OF_TRANSACTIONS)
                    setField(manager, "latestFinalizedFeaturesEpoch", Long.MAX_VALUE);
                transition(manager, "READY");
                transition(manager, "IN_TRANSACTION");
                setField(manager, "transactionStarted", true);
            }
            p.commitTransaction();
            p.close(Duration.ZERO);
        }
        dead.close(Duration.ZERO);
        want(seen(topic, "read_committed", 1, 10) == 1, "committed");
    }

    static void adminOfTransactions() throws Exception {
        String topic = unique("j-txadm"), id = unique("tx");
        try (Admin admin = Admin.create(props()); KafkaProducer<String, String> p = transactional(id)) {
            p.beginTransaction();
            p.send(new ProducerRecord<>(topic, 2, "k", "v")).get();
            TransactionListing listed = admin.listTransactions(new ListTransactionsOptions()
                    .filterStates(List.of(TransactionState.ONGOING))).all().get().stream()
                    .filter(t -> t.transactionalId().equals(id)).findFirst().get();
            want(admin.listTransactions(new ListTransactionsOptions().filterProducerIds(List.of(listed.producerId())))
                    .all().get().size() == 1, "by producer id");
            TransactionDescription d = admin.describeTransactions(List.of(id)).description(id).get();
            TopicPartition tp = new TopicPartition(topic, 2);
            want(d.topicPartitions().equals(Set.of(tp)) && d.producerId() == listed.producerId(), d.toString());
            ProducerState s = admin.describeProducers(List.of(tp)).partitionResult(tp).get().activeProducers().get(0);
            want(s.producerId() == d.producerId() && s.currentTransactionStartOffset().getAsLong() == 0, s.toString());
            admin.abortTransaction(new AbortTransactionSpec(tp, s.producerId(), (short) s.producerEpoch(), 0))
                    .all().get();
            want(!admin.describeProducers(List.of(tp)).partitionResult(tp).get().activeProducers().get(0)
                    .currentTransactionStartOffset().isPresent(), "ended by hand");
            p.abortTransaction();
        }
        want(toEnd(topic, "read_committed").isEmpty(), "aborted");
    }

    static short levelOfTransactions(Admin admin) throws Exception {
        FinalizedVersionRange r = admin.describeFeatures().featureMetadata().get().finalizedFeatures()
                .get("transaction.version");
        return r == null ? 0 : r.maxVersionLevel();
    }

    // How far the epoch goes up over two transactions: by each end (KIP-890), or not at all.
    static int epochsOfTwo(Admin admin, String topic, String id) throws Exception {
        try (KafkaProducer<String, String> p = transactional(id)) {
            int before = admin.describeTransactions(List.of(id)).description(id).get().producerEpoch();
            for (int i = 0; i < 2; i++) {
                p.beginTransaction();
                p.send(new ProducerRecord<>(topic, i, "k", "v")).get();
                p.commitTransaction();
            }
            return admin.describeTransactions(List.of(id)).description(id).get().producerEpoch() - before;
        }
    }

    static void bothVersionsOfTransactions() throws Exception {
        String topic = unique("j-tv"), id = unique("tx");
        try (Admin admin = Admin.create(props())) {
            want(levelOfTransactions(admin) == 2, "the second version is there");
            int epochs = KafkaJavaApi.SECOND_VERSION_OF_TRANSACTIONS ? 2 : 0;
            want(epochsOfTwo(admin, topic, id) == epochs, "epochs of the second version");
            admin.updateFeatures(Map.of("transaction.version",
                    new FeatureUpdate((short) 1, FeatureUpdate.UpgradeType.SAFE_DOWNGRADE)), new UpdateFeaturesOptions())
                    .all().get();
            want(levelOfTransactions(admin) == 1, "down");
            want(epochsOfTwo(admin, topic, id) == 0, "epochs of the first version");
            fails(InvalidUpdateVersionException.class, admin.updateFeatures(Map.of("transaction.version",
                    new FeatureUpdate((short) 9, FeatureUpdate.UpgradeType.UPGRADE)), new UpdateFeaturesOptions()).all());
            admin.updateFeatures(Map.of("transaction.version",
                    new FeatureUpdate((short) 2, FeatureUpdate.UpgradeType.UPGRADE)), new UpdateFeaturesOptions()).all().get();
            want(epochsOfTwo(admin, topic, id) == epochs, "epochs after the upgrade");
        }
        want(toEnd(topic, "read_committed").size() == 6, "all committed");
    }

    static void adminOfTopics() throws Exception {
        String topic = unique("j-alter");
        try (Admin admin = Admin.create(props())) {
            admin.createTopics(List.of(new NewTopic(topic, 2, (short) 1))).all().get();
            admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(5))).all().get();
            want(admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions().size() == 5, "5");
            fails(InvalidPartitionsException.class,
                    admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(3))).all());
            ConfigResource r = new ConfigResource(ConfigResource.Type.TOPIC, topic);
            admin.incrementalAlterConfigs(Map.of(r, List.of(
                    new AlterConfigOp(new ConfigEntry("retention.ms", "12345"), AlterConfigOp.OpType.SET),
                    new AlterConfigOp(new ConfigEntry("cleanup.policy", "compact"), AlterConfigOp.OpType.APPEND))))
                    .all().get();
            Config c = admin.describeConfigs(List.of(r)).all().get().get(r);
            want(c.get("retention.ms").value().equals("12345") && !c.get("retention.ms").isDefault(), "set");
            want(c.get("cleanup.policy").value().equals("delete,compact"), c.get("cleanup.policy").value());
            admin.incrementalAlterConfigs(Map.of(r, List.of(
                    new AlterConfigOp(new ConfigEntry("retention.ms", ""), AlterConfigOp.OpType.DELETE),
                    new AlterConfigOp(new ConfigEntry("cleanup.policy", "compact"), AlterConfigOp.OpType.SUBTRACT))))
                    .all().get();
            c = admin.describeConfigs(List.of(r)).all().get().get(r);
            want(c.get("retention.ms").isDefault() && c.get("cleanup.policy").value().equals("delete"), "unset");
            fails(InvalidConfigurationException.class, admin.incrementalAlterConfigs(Map.of(r, List.of(
                    new AlterConfigOp(new ConfigEntry("retention.ms", "soon"), AlterConfigOp.OpType.SET)))).all());
            ConfigResource none = new ConfigResource(ConfigResource.Type.TOPIC, unique("none"));
            fails(UnknownTopicOrPartitionException.class, admin.incrementalAlterConfigs(Map.of(none, List.of(
                    new AlterConfigOp(new ConfigEntry("retention.ms", "5"), AlterConfigOp.OpType.SET)))).all());
            want(admin.describeLogDirs(List.of(1)).allDescriptions().get().get(1).values().stream()
                    .anyMatch(dir -> dir.replicaInfos().containsKey(new TopicPartition(topic, 4))), "log directory");
            fails(ElectionNotNeededException.class, admin.electLeaders(ElectionType.PREFERRED,
                    Set.of(new TopicPartition(topic, 0))).all());
            want(admin.listPartitionReassignments().reassignments().get().isEmpty(), "nothing moves");
        }
    }

    // What is said of a case, which begins with "ok" or "FAILED".
    static String verdict(String name, Case c) {
        long begun = System.nanoTime();
        java.io.StringWriter said = new java.io.StringWriter();
        try {
            c.run();
            said.write("ok " + name);
        } catch (Throwable t) {
            java.io.PrintWriter trace = new java.io.PrintWriter(said);
            trace.println("FAILED " + name + ": " + t);
            t.printStackTrace(trace);
        }
        return said + String.format(" (%.1f s)", (System.nanoTime() - begun) / 1e9);
    }

    public static void main(String[] args) throws Exception {
        broker = args[0];
        Map<String, Case> cases = new LinkedHashMap<>();
        cases.put("bothVersionsOfTransactions", KafkaJava::bothVersionsOfTransactions);
        cases.put("roundtrip", KafkaJava::roundtrip);
        cases.put("codecs", KafkaJava::codecs);
        cases.put("acksOf0And1", KafkaJava::acksOf0And1);
        cases.put("offsetsAreResumed", KafkaJava::offsetsAreResumed);
        cases.put("commitMetadata", KafkaJava::commitMetadata);
        cases.put("offsetsByTime", KafkaJava::offsetsByTime);
        cases.put("fetchSession", KafkaJava::fetchSession);
        cases.put("admin", KafkaJava::admin);
        cases.put("keylessOnCompacted", KafkaJava::keylessOnCompacted);
        cases.put("tooLarge", KafkaJava::tooLarge);
        cases.put("adminOfTopics", KafkaJava::adminOfTopics);
        cases.put("transactions", KafkaJava::transactions);
        cases.put("fencing", KafkaJava::fencing);
        cases.put("offsetsInTransactions", KafkaJava::offsetsInTransactions);
        cases.put("resumedByAnother", KafkaJava::resumedByAnother);
        cases.put("adminOfTransactions", KafkaJava::adminOfTransactions);
        cases.put("staticMember", KafkaJava::staticMember);
        cases.put("groupMemberDies", () -> groupMemberDies("RangeAssignor"));
        cases.put("groupMemberDiesCooperative", () -> groupMemberDies("CooperativeStickyAssignor"));
        cases.put("quotas", KafkaJava::quotas);
        cases.put("consumersShareUniform", () -> consumersShare("uniform"));
        cases.put("consumersShareRange", () -> consumersShare("range"));
        cases.put("consumersCommit", KafkaJava::consumersCommit);
        cases.put("consumersByPattern", KafkaJava::consumersByPattern);
        cases.put("consumersStatic", KafkaJava::consumersStatic);
        cases.put("migratesCooperative", () -> migrates("CooperativeStickyAssignor"));
        cases.put("migratesEager", () -> migrates("RangeAssignor"));
        if (args.length > 1) cases.keySet().retainAll(Arrays.asList(args).subList(1, args.length));
        // Most of them wait most of the time: four at once, but for the one that changes what transactions are to all.
        ExecutorService four = Executors.newFixedThreadPool(4);
        List<Future<String>> verdicts = new ArrayList<>();
        for (Map.Entry<String, Case> e : cases.entrySet()) {
            Future<String> f = four.submit(() -> verdict(e.getKey(), e.getValue()));
            if (e.getKey().equals("bothVersionsOfTransactions")) f.get();
            verdicts.add(f);
        }
        int passed = 0;
        for (Future<String> f : verdicts) {
            System.out.println(f.get());
            if (f.get().startsWith("ok")) passed++;
        }
        System.out.println(passed + " passed, " + (verdicts.size() - passed) + " failed");
        System.exit(passed == verdicts.size() ? 0 : 1);
    }
}
