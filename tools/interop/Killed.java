// What the programs share that run a job of some system's over kills of the job and of our server.

import java.nio.file.*;
import java.time.Duration;
import java.util.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.*;

public class Killed {
    static String broker;
    static Path folder;
    static int passed, failed;

    static void check(boolean ok, String what) {
        System.out.println((ok ? "ok " : "FAILED ") + what);
        if (ok) passed++;
        else failed++;
    }

    // The last line, and the process's end.
    static void end() {
        System.out.println(passed + " passed, " + failed + " failed");
        System.exit(failed == 0 ? 0 : 1);
    }

    static Properties props(String... pairs) {
        Properties p = new Properties();
        p.put("bootstrap.servers", broker);
        for (int i = 0; i < pairs.length; i += 2) p.put(pairs[i], pairs[i + 1]);
        return p;
    }

    // A JVM of this class path: its options, a class and its arguments. What it says goes to a file of the folder.
    static Process jvm(String log, List<String> words) throws Exception {
        List<String> command = new ArrayList<>(List.of(System.getProperty("java.home") + "/bin/java", "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1", "-Djava.io.tmpdir=" + folder, "-cp", System.getProperty("java.class.path")));
        command.addAll(words);
        return new ProcessBuilder(command).redirectErrorStream(true).directory(folder.toFile())
                .redirectOutput(ProcessBuilder.Redirect.appendTo(folder.resolve(log).toFile())).start();
    }

    // Whoever runs this kills the server and starts it again.
    static void serverAgain() throws Exception {
        Path again = folder.resolve("again");
        Files.createFile(again);
        for (int i = 0; Files.exists(again); i++) {
            if (i > 600) throw new AssertionError("the server does not come back");
            Thread.sleep(100);
        }
    }

    // All records of a topic up to its ends, those of a partition in order.
    static <V> List<ConsumerRecord<String, V>> all(String topic, String isolation, Deserializer<V> values) {
        List<ConsumerRecord<String, V>> all = new ArrayList<>();
        try (KafkaConsumer<String, V> c = new KafkaConsumer<>(props("isolation.level", isolation), new StringDeserializer(), values)) {
            List<TopicPartition> parts = c.partitionsFor(topic).stream().map(p -> new TopicPartition(topic, p.partition())).toList();
            c.assign(parts);
            c.seekToBeginning(parts);
            Map<TopicPartition, Long> ends = c.endOffsets(parts);
            long until = System.nanoTime() + 60_000_000_000L;
            while (System.nanoTime() < until && parts.stream().anyMatch(p -> c.position(p) < ends.get(p)))
                c.poll(Duration.ofMillis(200)).forEach(all::add);
        }
        return all;
    }
}
