/* Flink's Kafka connector at work: a topic of JSON into a blackhole, then into another topic, exactly once.
 *
 *   KafkaCopy BROKER FROM TO COLUMNS RECORDS       prints two lines: seconds, and CPU seconds of this JVM
 *
 * Each goes once before it is measured, so that what is hot is compiled. Object reuse is on; one shard, as the topic has one partition.
 */
import java.lang.management.ManagementFactory;

import com.sun.management.OperatingSystemMXBean;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;

public class KafkaCopy {
    static final OperatingSystemMXBean SYSTEM = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

    static void run(StreamTableEnvironment tables, String to, boolean told) throws Exception {
        long ns = System.nanoTime(), cpu = SYSTEM.getProcessCpuTime();
        tables.executeSql("INSERT INTO " + to + " SELECT * FROM come").await();
        if (told)
            System.out.printf("%.3f %.3f%n", (System.nanoTime() - ns) / 1e9, (SYSTEM.getProcessCpuTime() - cpu) / 1e9);
    }

    public static void main(String[] args) throws Exception {
        Configuration settings = new Configuration();
        settings.setString("parallelism.default", "1");
        settings.setString("pipeline.object-reuse", "true");
        settings.setString("execution.checkpointing.interval", "1 s");
        StreamTableEnvironment tables =
            StreamTableEnvironment.create(StreamExecutionEnvironment.getExecutionEnvironment(settings));
        String kafka = "'connector' = 'kafka', 'properties.bootstrap.servers' = '" + args[0] + "', 'format' = 'json', ";

        tables.executeSql("CREATE TABLE come (" + args[3] + ") WITH (" + kafka + "'topic' = '" + args[1] +
                          "', 'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset', " +
                          "'properties.group.id' = 'copy')");
        tables.executeSql("CREATE TABLE nowhere (" + args[3] + ") WITH ('connector' = 'blackhole')");
        tables.executeSql("CREATE TABLE go (" + args[3] + ") WITH (" + kafka + "'topic' = '" + args[2] +
                          "', 'sink.delivery-guarantee' = 'exactly-once', 'sink.transactional-id-prefix' = 'copy', " +
                          "'properties.transaction.timeout.ms' = '600000')");
        for (String to : new String[] {"nowhere", "go"}) {
            run(tables, to, false);
            run(tables, to, true);
        }
        System.exit(0);
    }
}
