// One member of a group with Kafka's Java client: java ConsumersMember read BROKER TOPIC GROUP PROTOCOL INSTANCE.
// Says the same lines as consumers_member.c.

import java.io.FileOutputStream;
import java.io.FileDescriptor;
import java.time.Duration;
import java.util.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.*;
import org.apache.kafka.common.serialization.*;

public class ConsumersMember {
    static final FileOutputStream out = new FileOutputStream(FileDescriptor.out);
    static volatile boolean stopping;

    static void say(char what, int partition, long offset) {
        try {
            out.write((System.nanoTime() + " " + what + " " + partition + " " + offset + "\n").getBytes());
        } catch (java.io.IOException e) {
            throw new RuntimeException(e);
        }
    }

    public static void main(String[] args) throws Exception {
        Properties p = new Properties();
        p.put("bootstrap.servers", args[1]);
        p.put("group.id", args[3]);
        p.put("group.protocol", args[4]);
        if (args[4].equals("classic")) {
            p.put("partition.assignment.strategy", CooperativeStickyAssignor.class.getName());
            p.put("session.timeout.ms", "6000");
            p.put("heartbeat.interval.ms", "300");
        }
        p.put("auto.offset.reset", "earliest");
        p.put("auto.commit.interval.ms", "500");
        if (!args[5].equals("-")) p.put("group.instance.id", args[5]);
        KafkaConsumer<String, String> c = new KafkaConsumer<>(p, new StringDeserializer(), new StringDeserializer());
        Thread main = Thread.currentThread();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            stopping = true;
            try { main.join(); } catch (InterruptedException e) { }
        }));
        c.subscribe(List.of(args[2]), new ConsumerRebalanceListener() {
            public void onPartitionsAssigned(Collection<TopicPartition> ps) { for (TopicPartition t : ps) say('A', t.partition(), 0); }
            public void onPartitionsRevoked(Collection<TopicPartition> ps) { for (TopicPartition t : ps) say('R', t.partition(), 0); }
            public void onPartitionsLost(Collection<TopicPartition> ps) { for (TopicPartition t : ps) say('R', t.partition(), 1); }
        });
        while (!stopping)
            for (ConsumerRecord<String, String> r : c.poll(Duration.ofMillis(100))) say('M', r.partition(), r.offset());
        c.close();
    }
}
