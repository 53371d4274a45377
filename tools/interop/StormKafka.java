// Storm's KafkaSpout against the Kafka face: java StormKafka HOST:PORT FOLDER ROUNDS.
//
// A topology in a cluster of one process reads a topic, at least once, and writes down what it sees; a bolt fails some
// tuples the first time. It is killed by SIGKILL and submitted again, and so is the server, which whoever runs this
// starts again when the file FOLDER/again appears. No record may be missed, copies of one are the same, a topology that
// comes back goes on where the last one committed, and the metadata of its commits is there after the server's death.
// Ends in "N passed, N failed".

import java.io.*;
import java.nio.file.*;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.*;
import org.apache.storm.*;
import org.apache.storm.kafka.spout.*;
import org.apache.storm.task.*;
import org.apache.storm.topology.*;
import org.apache.storm.topology.base.BaseRichBolt;
import org.apache.storm.tuple.*;

public class StormKafka extends Killed {
    static final String IN = "storm-in", GROUP = "storm";

    static List<Object> translate(org.apache.kafka.clients.consumer.ConsumerRecord<String, String> r) {
        Header n = r.headers().lastHeader("n");
        return new Values(r.partition(), r.offset(), r.key(), r.value(), n == null ? "" : new String(n.value()));
    }

    // Writes each tuple down before it says that it is done; every 50th is failed when it first comes.
    public static class Keep extends BaseRichBolt {
        private final String path;
        private transient PrintWriter out;
        private transient Set<String> refused;
        private transient OutputCollector collector;

        Keep(String path) { this.path = path; }

        public void prepare(Map<String, Object> conf, TopologyContext context, OutputCollector collector) {
            this.collector = collector;
            refused = new HashSet<>();
            try {
                out = new PrintWriter(new FileWriter(path, true), true);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        public void execute(Tuple t) {
            String place = t.getInteger(0) + " " + t.getLong(1);
            if (t.getLong(1) % 50 == 7 && refused.add(place)) {
                collector.fail(t);
                return;
            }
            out.println(place + " " + t.getString(2) + " " + t.getString(3) + " " + t.getString(4) + " .");
            collector.ack(t);
        }

        public void declareOutputFields(OutputFieldsDeclarer d) { }
    }

    static void job(String seen) throws Exception {
        KafkaSpoutConfig<String, String> spout = KafkaSpoutConfig.builder(broker, IN).setGroupId(GROUP)
                .setProp("max.poll.records", 200).setOffsetCommitPeriodMs(300)
                .setFirstPollOffsetStrategy(FirstPollOffsetStrategy.UNCOMMITTED_EARLIEST)
                .setRecordTranslator(StormKafka::translate, new Fields("partition", "offset", "key", "value", "n")).build();
        TopologyBuilder b = new TopologyBuilder();
        b.setSpout("spout", new KafkaSpout<>(spout), 2);
        b.setBolt("keep", new Keep(seen), 1).shuffleGrouping("spout");
        Config conf = new Config();
        conf.setMessageTimeoutSecs(20);
        conf.setMaxSpoutPending(1000);
        LocalCluster cluster = new LocalCluster();
        cluster.submitTopology("interop", conf, b.createTopology());
        Thread.sleep(Long.MAX_VALUE);
    }

    // Each run of the topology writes a file of its own.
    static int runs;

    static Process spawn() throws Exception {
        return jvm("job.log", List.of("-Xmx512m", "StormKafka", broker, folder.toString(), "job",
                folder.resolve("seen" + runs++).toString()));
    }

    static class Lines extends Thread {
        final Map<String, String> expected = new ConcurrentHashMap<>(); // "partition offset" -> key, text, header
        final AtomicLong sent = new AtomicLong();
        volatile boolean stop;
        volatile Exception bad;

        public void run() {
            try (KafkaProducer<String, String> p = new KafkaProducer<>(props("delivery.timeout.ms", "120000", "linger.ms", "5"),
                    new StringSerializer(), new StringSerializer())) {
                while (!stop) {
                    Map<String, Future<RecordMetadata>> batch = new LinkedHashMap<>();
                    for (int i = 0; i < 20; i++) {
                        long n = sent.incrementAndGet();
                        ProducerRecord<String, String> r = new ProducerRecord<>(IN, "k" + n % 50, "text" + n);
                        r.headers().add("n", ("" + n).getBytes());
                        batch.put(r.key() + " " + r.value() + " " + n, p.send(r));
                    }
                    for (Map.Entry<String, Future<RecordMetadata>> e : batch.entrySet())
                        expected.put(e.getValue().get().partition() + " " + e.getValue().get().offset(), e.getKey());
                    Thread.sleep(100);
                }
            } catch (Exception e) {
                bad = e;
            }
        }
    }

    // What one run, or all of them (-1), have seen by its place; lines that a kill cut off do not count.
    static Map<String, String> seen(int run, long[] wrong) throws IOException {
        Map<String, String> seen = new LinkedHashMap<>();
        for (int i = run < 0 ? 0 : run; i < (run < 0 ? runs : run + 1); i++) {
            Path p = folder.resolve("seen" + i);
            if (!Files.exists(p)) continue;
            for (String line : Files.readAllLines(p)) {
                String[] w = line.split(" ");
                if (w.length != 6 || !w[5].equals(".")) continue;
                String text = w[2] + " " + w[3] + " " + w[4], before = seen.put(w[0] + " " + w[1], text);
                if (before != null && !before.equals(text)) wrong[0]++;
            }
        }
        return seen;
    }

    static boolean reaches(Lines lines, long count, int seconds) throws Exception {
        long end = System.nanoTime() + seconds * 1_000_000_000L;
        int n = 0;
        while (System.nanoTime() < end) {
            n = seen(-1, new long[1]).size();
            if (n >= count) return true;
            Thread.sleep(200);
        }
        System.out.println("only " + n + " of " + count + " within " + seconds + " s");
        return false;
    }

    static Map<TopicPartition, OffsetAndMetadata> commits() throws Exception {
        try (Admin admin = Admin.create(props())) {
            return admin.listConsumerGroupOffsets(GROUP).partitionsToOffsetAndMetadata().get();
        }
    }

    // The metadata is Storm's own: who committed. Without it a spout does not know its own commits.
    static boolean ours(Map<TopicPartition, OffsetAndMetadata> commits) {
        return commits.size() == 4 && commits.values().stream().allMatch(c -> c.metadata().contains("\"topologyId\":\"interop-"));
    }

    static void awaitCommits() throws Exception {
        for (int i = 0; i < 300 && !ours(commits()); i++) Thread.sleep(100);
    }

    static Process jobAgain(Process job, Lines lines, int round) throws Exception {
        awaitCommits();
        job.destroyForcibly().waitFor();
        Map<TopicPartition, OffsetAndMetadata> before = commits();
        Process next = spawn();
        check(reaches(lines, lines.sent.get(), 180), "round " + round + ": the topology killed, and caught up");
        Map<Integer, Long> first = new TreeMap<>();
        for (String place : seen(runs - 1, new long[1]).keySet())
            first.merge(Integer.parseInt(place.split(" ")[0]), Long.parseLong(place.split(" ")[1]), Math::min);
        check(first.entrySet().stream().allMatch(e -> e.getValue() >= before.get(new TopicPartition(IN, e.getKey())).offset()),
                "round " + round + ": it went on from what was committed: " + first + ", committed " + before);
        return next;
    }

    static void serverKilled(Lines lines, int round) throws Exception {
        awaitCommits();
        Map<TopicPartition, OffsetAndMetadata> before = commits();
        serverAgain();
        Map<TopicPartition, OffsetAndMetadata> after = commits();
        check(ours(before) && ours(after), "round " + round + ": the commits' metadata is there after the server's death");
        check(before.keySet().stream().allMatch(p -> after.get(p).offset() >= before.get(p).offset()),
                "round " + round + ": no commit went back");
        check(reaches(lines, lines.sent.get(), 180), "round " + round + ": the server killed, and caught up");
    }

    public static void main(String[] args) throws Exception {
        broker = args[0];
        folder = Path.of(args[1]);
        if (args[2].equals("job")) {
            job(args[3]);
            return;
        }
        try (Admin admin = Admin.create(props())) {
            admin.createTopics(List.of(new NewTopic(IN, 4, (short) 1))).all().get();
        }
        Process[] job = {spawn()};
        Runtime.getRuntime().addShutdownHook(new Thread(() -> job[0].destroyForcibly()));
        Lines lines = new Lines();
        lines.start();
        check(reaches(lines, 100, 180), "the topology has begun");
        for (int round = 0; round < Integer.parseInt(args[2]); round++) {
            if (round % 2 == 0) job[0] = jobAgain(job[0], lines, round);
            else serverKilled(lines, round);
        }
        lines.stop = true;
        lines.join();
        check(lines.bad == null, "every record was acknowledged" + (lines.bad == null ? "" : ": " + lines.bad));
        check(reaches(lines, lines.sent.get(), 180), "all of " + lines.sent.get() + " records came, failed ones again");
        long[] wrong = {0};
        check(seen(-1, wrong).equals(lines.expected) && wrong[0] == 0, "each with its key, text and header, at its place");
        if (failed > 0) Files.readAllLines(folder.resolve("job.log")).stream().limit(60).forEach(System.out::println);
        end();
    }
}
