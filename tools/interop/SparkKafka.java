// Spark's Structured Streaming against the Kafka face: java SparkKafka HOST:PORT FOLDER ROUNDS.
//
// A query reads a topic and writes it on, with keys, headers, and each record's place in its value. Its sink is
// at-least-once by Spark's own word: what is wanted is that no record is missed and that a record's copies are the same,
// over SIGKILLs of the query, restored from its checkpoint, and of the server, which whoever runs this starts again when
// the file FOLDER/again appears. A second query counts by key, in state of its own, and that count is exact.
// Ends in "N passed, N failed".

import java.nio.file.*;
import java.time.Duration;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.*;
import org.apache.spark.sql.*;
import org.apache.spark.sql.streaming.*;

public class SparkKafka extends Killed {
    static final String IN = "spark-in", OUT = "spark-out", COUNTS = "spark-counts";

    static Dataset<Row> source(SparkSession spark) {
        return spark.readStream().format("kafka").option("kafka.bootstrap.servers", broker).option("subscribe", IN)
                .option("startingOffsets", "earliest").option("includeHeaders", "true").option("failOnDataLoss", "true").load();
    }

    static StreamingQuery write(Dataset<Row> rows, String topic, String mode) throws Exception {
        return rows.writeStream().format("kafka").option("kafka.bootstrap.servers", broker).option("topic", topic)
                .option("checkpointLocation", folder.resolve("checkpoint-" + topic).toString()).outputMode(mode)
                .trigger(Trigger.ProcessingTime(300)).start();
    }

    static void job() throws Exception {
        SparkSession spark = SparkSession.builder().master("local[2]").appName("interop").config("spark.ui.enabled", "false")
                .config("spark.driver.host", "127.0.0.1").config("spark.driver.bindAddress", "127.0.0.1")
                .config("spark.sql.shuffle.partitions", "2").getOrCreate();
        write(source(spark).selectExpr("key", "headers",
                "CAST(concat(CAST(value AS STRING), ' ', partition, ' ', offset) AS BINARY) AS value"), OUT, "append");
        write(source(spark).groupBy("key").count().selectExpr("key", "CAST(CAST(count AS STRING) AS BINARY) AS value"), COUNTS, "update");
        spark.streams().awaitAnyTermination();
    }

    static Process spawn() throws Exception {
        List<String> words = new ArrayList<>(List.of("-Xmx768m"));
        for (String p : List.of("lang", "lang.invoke", "lang.reflect", "io", "net", "nio", "util", "util.concurrent", "util.concurrent.atomic"))
            words.add("--add-opens=java.base/java." + p + "=ALL-UNNAMED");
        for (String p : List.of("sun.nio.ch", "sun.nio.cs", "sun.security.action", "sun.util.calendar"))
            words.add("--add-opens=java.base/" + p + "=ALL-UNNAMED");
        words.addAll(List.of("SparkKafka", broker, folder.toString(), "job"));
        return jvm("job.log", words);
    }

    // The query ends itself when the server is away for long; it is started again, as its owner would.
    static Process alive(Process p) throws Exception { return p.isAlive() ? p : spawn(); }

    static class Lines extends Thread {
        final Map<String, String> expected = new ConcurrentHashMap<>(); // "partition offset" -> key and text
        final Map<String, Long> counts = new TreeMap<>();
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
                        counts.merge(r.key(), 1L, Long::sum);
                        batch.put(r.key() + " " + r.value(), p.send(r));
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

    // What has come out, by the record's place in IN; wrong ones are counted.
    static Map<String, String> seen(Lines lines, long[] wrong) {
        Map<String, String> seen = new HashMap<>();
        for (ConsumerRecord<String, String> r : all(OUT, "read_uncommitted", new StringDeserializer())) {
            String[] words = r.value().split(" ");
            String text = r.key() + " " + words[0], before = seen.put(words[1] + " " + words[2], text);
            org.apache.kafka.common.header.Header n = r.headers().lastHeader("n");
            if (before != null && !before.equals(text) || n == null || !("text" + new String(n.value())).equals(words[0])) wrong[0]++;
        }
        return seen;
    }

    static boolean reaches(Lines lines, long count, int seconds, Process[] job) throws Exception {
        long end = System.nanoTime() + seconds * 1_000_000_000L;
        int n = 0;
        while (System.nanoTime() < end) {
            n = seen(lines, new long[1]).size();
            if (n >= count) return true;
            job[0] = alive(job[0]);
            Thread.sleep(500);
        }
        System.out.println("only " + n + " of " + count + " within " + seconds + " s");
        return false;
    }

    static Map<String, Long> lastCounts() {
        Map<String, Long> last = new TreeMap<>();
        for (ConsumerRecord<String, String> r : all(COUNTS, "read_uncommitted", new StringDeserializer())) last.put(r.key(), Long.parseLong(r.value()));
        return last;
    }

    public static void main(String[] args) throws Exception {
        broker = args[0];
        folder = Path.of(args[1]);
        if (args[2].equals("job")) {
            job();
            return;
        }
        try (Admin admin = Admin.create(props())) {
            admin.createTopics(List.of(new NewTopic(IN, 4, (short) 1), new NewTopic(OUT, 4, (short) 1), new NewTopic(COUNTS, 1, (short) 1)))
                    .all().get();
        }
        Process[] job = {spawn()};
        Runtime.getRuntime().addShutdownHook(new Thread(() -> job[0].destroyForcibly()));
        Lines lines = new Lines();
        lines.start();
        check(reaches(lines, 100, 300, job), "the query has begun");
        for (int round = 0; round < Integer.parseInt(args[2]); round++) {
            boolean server = round % 2 == 1;
            if (server) {
                serverAgain();
            } else {
                job[0].destroyForcibly().waitFor();
                job[0] = spawn();
            }
            long begun = System.nanoTime();
            check(reaches(lines, lines.sent.get(), 300, job), "round " + round + ": " + (server ? "the server killed" : "the query killed")
                    + ", caught up in " + (System.nanoTime() - begun) / 1000000 + " ms");
        }
        lines.stop = true;
        lines.join();
        check(lines.bad == null, "every record was acknowledged" + (lines.bad == null ? "" : ": " + lines.bad));
        check(reaches(lines, lines.sent.get(), 300, job), "all of " + lines.sent.get() + " records came out");
        long[] wrong = {0};
        check(seen(lines, wrong).equals(lines.expected) && wrong[0] == 0, "each with its key, text and headers, at its place");
        long end = System.nanoTime() + 180_000_000_000L;
        while (!lastCounts().equals(lines.counts) && System.nanoTime() < end) {
            job[0] = alive(job[0]);
            Thread.sleep(500);
        }
        Map<String, Long> last = lastCounts();
        check(last.equals(lines.counts), "the counts by key are exact");
        lines.counts.forEach((k, n) -> {
            if (!n.equals(last.get(k))) System.out.println("      " + k + ": sent " + n + " times, counted " + last.get(k));
        });
        if (failed > 0) Files.readAllLines(folder.resolve("job.log")).stream().filter(l -> !l.contains("INFO")).limit(60).forEach(System.out::println);
        end();
    }
}
