// Kafka Streams with exactly_once_v2 against the Kafka face: java KafkaStreamsWords HOST:PORT FOLDER ROUNDS.
//
// Two instances count words: a repartition topic, a state store with its changelog, no cache, so that every word's
// counts 1, 2, 3… are each written once. Lines go in all the while, and each round kills one thing with SIGKILL: an
// instance (every other time its state folder is lost too), or the server, which whoever runs this starts again when
// the file FOLDER/again appears. What read_committed readers see is compared with a count by hand.
// Ends in "N passed, N failed".

import java.io.File;
import java.nio.file.*;
import java.time.Duration;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.*;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.*;
import org.apache.kafka.streams.*;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.*;

public class KafkaStreamsWords extends Killed {
    static final String APP = "words", IN = "lines", OUT = "counts";

    // One instance, until it is killed.
    static void instance(String state) {
        StreamsBuilder b = new StreamsBuilder();
        b.stream(IN, Consumed.with(Serdes.String(), Serdes.String()))
                .flatMapValues(line -> Arrays.asList(line.split(" ")))
                .groupBy((key, word) -> word, Grouped.with(Serdes.String(), Serdes.String()))
                .count(Materialized.as("store"))
                .toStream().to(OUT, Produced.with(Serdes.String(), Serdes.Long()));
        KafkaStreams streams = new KafkaStreams(b.build(), props("application.id", APP, "state.dir", state,
                "processing.guarantee", "exactly_once_v2", "commit.interval.ms", "100", "statestore.cache.max.bytes", "0",
                "replication.factor", "1", "num.stream.threads", "1", "repartition.purge.interval.ms", "1000",
                "max.warmup.replicas", "1", "probing.rebalance.interval.ms", "60000",
                "consumer.session.timeout.ms", "6000", "consumer.heartbeat.interval.ms", "500",
                "consumer.auto.offset.reset", "earliest", "producer.transaction.timeout.ms", "8000"));
        streams.setUncaughtExceptionHandler(e -> {
            System.err.println("thread replaced: " + e);
            return StreamThreadExceptionResponse.REPLACE_THREAD;
        });
        streams.start();
    }

    static Process spawn(int which) throws Exception {
        return jvm("instance" + which + ".err", List.of("-Xmx192m", "KafkaStreamsWords", broker, folder.toString(), "instance",
                folder.resolve("state" + which).toString()));
    }

    static void remove(File f) {
        File[] inside = f.listFiles();
        if (inside != null) for (File each : inside) remove(each);
        f.delete();
    }

    static String config(Admin admin, String topic, String name) throws Exception {
        ConfigResource r = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        return admin.describeConfigs(List.of(r)).all().get().get(r).get(name).value();
    }

    // Lines at a steady pace, until told to stop; what was acknowledged is counted by hand.
    static class Lines extends Thread {
        final Map<String, Long> expected = new TreeMap<>();
        final AtomicLong sent = new AtomicLong();
        volatile boolean stop;
        volatile Exception bad;

        public void run() {
            Random random = new Random(7);
            try (KafkaProducer<String, String> p = new KafkaProducer<>(props("delivery.timeout.ms", "120000", "linger.ms", "5"),
                    new StringSerializer(), new StringSerializer())) {
                while (!stop) {
                    List<Future<RecordMetadata>> batch = new ArrayList<>();
                    for (int i = 0; i < 20; i++) {
                        StringJoiner line = new StringJoiner(" ");
                        for (int w = 0; w < 3; w++) {
                            String word = "w" + (int) Math.abs(random.nextGaussian() * 30);
                            line.add(word);
                            expected.merge(word, 1L, Long::sum);
                        }
                        batch.add(p.send(new ProducerRecord<>(IN, "k" + sent.incrementAndGet(), line.toString())));
                    }
                    for (Future<RecordMetadata> f : batch) f.get();
                    Thread.sleep(40);
                }
            } catch (Exception e) {
                bad = e;
            }
        }
    }

    static boolean reaches(long words, int seconds) throws Exception {
        long end = System.nanoTime() + seconds * 1_000_000_000L;
        long n = 0;
        while (System.nanoTime() < end) {
            n = all(OUT, "read_committed", new LongDeserializer()).size();
            if (n >= words) return true;
            Thread.sleep(500);
        }
        System.out.println("only " + n + " of " + words + " counts within " + seconds + " s");
        return false;
    }

    static void compare(Map<String, Long> expected) throws Exception {
        Map<String, Long> last = new TreeMap<>();
        long wrong = 0;
        for (ConsumerRecord<String, Long> r : all(OUT, "read_committed", new LongDeserializer())) {
            long before = last.getOrDefault(r.key(), 0L);
            if (r.value() != before + 1 && wrong++ < 5)
                System.out.println("of " + r.key() + ": " + r.value() + " after " + before + ", at " + r.partition() + "/" + r.offset());
            last.put(r.key(), r.value());
        }
        check(wrong == 0, "every word's counts are 1, 2, 3…, each once, in order");
        check(last.equals(expected), "the last counts are those by hand: " + expected.size() + " words");
        Map<String, Long> store = new TreeMap<>();
        for (ConsumerRecord<String, byte[]> r : all(APP + "-store-changelog", "read_committed", new ByteArrayDeserializer())) {
            // a timestamp before the count, as the store has it
            if (r.value() == null) store.remove(r.key());
            else store.put(r.key(), java.nio.ByteBuffer.wrap(r.value(), r.value().length - 8, 8).getLong());
        }
        check(store.equals(expected), "the changelog gives the same counts");
    }

    static void topics() throws Exception {
        try (Admin admin = Admin.create(props())) {
            String repartition = APP + "-store-repartition";
            check(config(admin, APP + "-store-changelog", "cleanup.policy").equals("compact"), "the changelog is compacted");
            check(config(admin, repartition, "retention.ms").equals("-1"), "the repartition topic is kept");
            Map<TopicPartition, OffsetSpec> first = new HashMap<>();
            for (int i = 0; i < 4; i++) first.put(new TopicPartition(repartition, i), OffsetSpec.earliest());
            long gone = admin.listOffsets(first).all().get().values().stream().mapToLong(o -> o.offset()).sum();
            check(gone > 0, "what has been read of the repartition topic is deleted by Streams: " + gone);
        }
    }

    public static void main(String[] args) throws Exception {
        broker = args[0];
        folder = Path.of(args[1]);
        if (args[2].equals("instance")) {
            instance(args[3]);
            return;
        }
        try (Admin admin = Admin.create(props())) {
            admin.createTopics(List.of(new NewTopic(IN, 4, (short) 1), new NewTopic(OUT, 4, (short) 1))).all().get();
        }
        Process[] two = {spawn(0), spawn(1)};
        Runtime.getRuntime().addShutdownHook(new Thread(() -> { for (Process p : two) p.destroyForcibly(); }));
        Lines lines = new Lines();
        lines.start();
        check(reaches(300, 60), "counting has begun");
        for (int round = 0; round < Integer.parseInt(args[2]); round++) {
            if (round % 3 == 1) {
                serverAgain();
            } else {
                int which = round / 3 % 2;
                two[which].destroyForcibly().waitFor();
                if (round % 3 == 2) remove(folder.resolve("state" + which).toFile());
                two[which] = spawn(which);
            }
            long begun = System.nanoTime();
            check(reaches(3 * lines.sent.get(), 180), "round " + round + ": " + new String[] {"an instance killed", "the server killed",
                "an instance killed, its state lost"}[round % 3] + ", caught up in " + (System.nanoTime() - begun) / 1000000 + " ms");
        }
        lines.stop = true;
        lines.join();
        check(lines.bad == null, "every line was acknowledged" + (lines.bad == null ? "" : ": " + lines.bad));
        check(reaches(3 * lines.sent.get(), 180), "all of " + lines.sent.get() + " lines are counted");
        compare(lines.expected);
        topics();
        end();
    }
}
