// Flink's KafkaSource and KafkaSink EXACTLY_ONCE against the Kafka face: java FlinkKafka HOST:PORT FOLDER ROUNDS.
//
// A job numbers the records of each key; a checkpoint is taken several times a second. Records go in all the while, and
// each round kills the job with SIGKILL and restores it from its newest checkpoint, or kills the server, which whoever
// runs this starts again when the file FOLDER/again appears. What read_committed readers see of the job's output is
// compared with what went in. Ends in "N passed, N failed".

import java.io.IOException;
import java.nio.file.*;
import java.time.Duration;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.serialization.SimpleStringSchema;
import org.apache.flink.api.common.state.*;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.*;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.*;

public class FlinkKafka extends Killed {
    static final String IN = "flink-in", OUT = "flink-out";

    // "KEY TEXT" becomes "KEY N", N counting the key's records.
    public static class Number extends KeyedProcessFunction<String, String, String> {
        transient ValueState<Long> seen;

        @Override
        public void open(OpenContext context) {
            seen = getRuntimeContext().getState(new ValueStateDescriptor<>("seen", Long.class));
        }

        @Override
        public void processElement(String value, Context context, Collector<String> out) throws IOException {
            long n = seen.value() == null ? 1 : seen.value() + 1;
            seen.update(n);
            out.collect(context.getCurrentKey() + " " + n);
        }
    }

    static void job(String checkpoint) throws Exception {
        Configuration conf = new Configuration();
        conf.setString("execution.checkpointing.interval", "300 ms");
        conf.setString("execution.checkpointing.dir", folder.resolve("checkpoints").toUri().toString());
        conf.setString("execution.checkpointing.externalized-checkpoint-retention", "RETAIN_ON_CANCELLATION");
        conf.setString("execution.checkpointing.num-retained", "3");
        conf.setString("execution.checkpointing.tolerable-failed-checkpoints", "1000");
        conf.setString("restart-strategy.type", "fixed-delay");
        conf.setString("restart-strategy.fixed-delay.attempts", "1000");
        conf.setString("restart-strategy.fixed-delay.delay", "500 ms");
        if (checkpoint != null) conf.setString("execution.state-recovery.path", checkpoint);
        StreamExecutionEnvironment env = StreamExecutionEnvironment.createLocalEnvironment(2, conf);
        KafkaSource<String> source = KafkaSource.<String>builder().setBootstrapServers(broker).setTopics(IN).setGroupId("flink")
                .setStartingOffsets(OffsetsInitializer.earliest()).setValueOnlyDeserializer(new SimpleStringSchema()).build();
        KafkaSink<String> sink = KafkaSink.<String>builder().setBootstrapServers(broker)
                .setDeliveryGuarantee(DeliveryGuarantee.EXACTLY_ONCE).setTransactionalIdPrefix("flink")
                .setProperty("transaction.timeout.ms", "60000")
                .setRecordSerializer(KafkaRecordSerializationSchema.<String>builder().setTopic(OUT)
                        .setKeySerializationSchema(new KeyOf()).setValueSerializationSchema(new SimpleStringSchema()).build())
                .build();
        env.fromSource(source, WatermarkStrategy.noWatermarks(), "in").uid("in")
                .keyBy(line -> line.split(" ")[0]).process(new Number()).uid("number").sinkTo(sink).uid("out");
        env.execute("numbers");
    }

    public static class KeyOf implements org.apache.flink.api.common.serialization.SerializationSchema<String> {
        @Override
        public byte[] serialize(String line) { return line.split(" ")[0].getBytes(); }
    }

    // The newest checkpoint that is whole; null where there is none.
    static String newest() throws IOException {
        if (!Files.exists(folder.resolve("checkpoints"))) return null;
        try (Stream<Path> all = Files.find(folder.resolve("checkpoints"), 3, (p, a) -> p.endsWith("_metadata"))) {
            return all.max(Comparator.comparingLong(p -> p.toFile().lastModified())).map(p -> p.getParent().toString()).orElse(null);
        }
    }

    static Process spawn() throws Exception {
        List<String> words = new ArrayList<>(List.of("-Xmx512m", "--add-opens=java.base/java.util=ALL-UNNAMED",
                "--add-opens=java.base/java.lang=ALL-UNNAMED", "FlinkKafka", broker, folder.toString(), "job"));
        String checkpoint = newest();
        if (checkpoint != null) words.add(checkpoint);
        return jvm("job.log", words);
    }

    static class Lines extends Thread {
        final Map<String, Long> expected = new TreeMap<>();
        final AtomicLong sent = new AtomicLong();
        volatile boolean stop;
        volatile Exception bad;

        public void run() {
            Random random = new Random(11);
            try (KafkaProducer<String, String> p = new KafkaProducer<>(props("delivery.timeout.ms", "120000", "linger.ms", "5"),
                    new StringSerializer(), new StringSerializer())) {
                while (!stop) {
                    List<Future<RecordMetadata>> batch = new ArrayList<>();
                    for (int i = 0; i < 20; i++) {
                        String key = "k" + random.nextInt(50);
                        expected.merge(key, 1L, Long::sum);
                        batch.add(p.send(new ProducerRecord<>(IN, key, key + " " + sent.incrementAndGet())));
                    }
                    for (Future<RecordMetadata> f : batch) f.get();
                    Thread.sleep(40);
                }
            } catch (Exception e) {
                bad = e;
            }
        }
    }

    static boolean reaches(long count, int seconds) throws Exception {
        long end = System.nanoTime() + seconds * 1_000_000_000L;
        long n = 0;
        while (System.nanoTime() < end) {
            n = all(OUT, "read_committed", new StringDeserializer()).size();
            if (n >= count) return true;
            Thread.sleep(500);
        }
        System.out.println("only " + n + " of " + count + " within " + seconds + " s");
        return false;
    }

    static void compare(Map<String, Long> expected) {
        Map<String, Long> last = new TreeMap<>();
        long wrong = 0;
        for (ConsumerRecord<String, String> r : all(OUT, "read_committed", new StringDeserializer())) {
            long n = Long.parseLong(r.value().split(" ")[1]), before = last.getOrDefault(r.key(), 0L);
            if (n != before + 1 && wrong++ < 5)
                System.out.println("of " + r.key() + ": " + n + " after " + before + ", at " + r.partition() + "/" + r.offset());
            last.put(r.key(), n);
        }
        check(wrong == 0, "every key's numbers are 1, 2, 3…, each once, in order");
        check(last.equals(expected), "every record is numbered, and no other: " + expected.size() + " keys");
    }

    public static void main(String[] args) throws Exception {
        broker = args[0];
        folder = Path.of(args[1]);
        if (args[2].equals("job")) {
            job(args.length > 3 ? args[3] : null);
            return;
        }
        try (Admin admin = Admin.create(props())) {
            admin.createTopics(List.of(new NewTopic(IN, 4, (short) 1), new NewTopic(OUT, 4, (short) 1))).all().get();
        }
        Process[] job = {spawn()};
        Runtime.getRuntime().addShutdownHook(new Thread(() -> job[0].destroyForcibly()));
        Lines lines = new Lines();
        lines.start();
        check(reaches(100, 180), "the job has begun");
        for (int round = 0; round < Integer.parseInt(args[2]); round++) {
            boolean server = round % 2 == 1;
            if (server) {
                serverAgain();
            } else {
                job[0].destroyForcibly().waitFor();
                check(newest() != null, "a checkpoint is there: " + folder.relativize(Path.of(newest())).getFileName());
                job[0] = spawn();
            }
            long begun = System.nanoTime();
            check(reaches(lines.sent.get(), 180), "round " + round + ": " + (server ? "the server killed" : "the job killed and restored")
                    + ", caught up in " + (System.nanoTime() - begun) / 1000000 + " ms");
        }
        lines.stop = true;
        lines.join();
        check(lines.bad == null, "every record was acknowledged" + (lines.bad == null ? "" : ": " + lines.bad));
        check(reaches(lines.sent.get(), 180), "all of " + lines.sent.get() + " records are numbered");
        compare(lines.expected);
        if (failed > 0) Files.readAllLines(folder.resolve("job.log")).stream().limit(60).forEach(System.out::println);
        end();
    }
}
