/* One of Nexmark's queries after another on a real Flink, in one JVM: how long, and how much processor time.
 *
 *   FlinkNexmark EVENTS PARALLELISM DUMP DDL QUERY...           rows in memory
 *   FlinkNexmark EVENTS PARALLELISM BROKER DDL QUERY...         topic nexmark_events of JSON there (a name with a colon)
 *
 * DUMP is a folder of lines of JSON; DDL and QUERY are files of bench/nexmark. From memory the rows are Flink's own, made before
 * anything runs, and handed out by a source that does nothing else; the clock begins when it is asked for the first.
 * From a topic it begins when all tasks run. It ends with the job. Object reuse is on. Each query runs once for the
 * compiler to warm up, then with its state on the heap and in RocksDB (-Dstates=hashmap: the one), each without and with
 * mini-batches; the best counts, by processor time, which the JVM knows in steps of 10 ms. The peak of memory is that of the JVM
 * so far. With -Dseconds=N no query begins that would end later, were it as long as the longest before it. A line of JSON each:
 *
 *   {"query":"q5","events":…,"seconds":…,"cpu_ns":…,"peak_rss_bytes":…,"settings":"heap, mini-batch","runs":4}
 */
import java.io.BufferedReader;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import org.apache.flink.api.common.JobStatus;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.datagen.source.DataGeneratorSource;
import org.apache.flink.connector.datagen.source.GeneratorFunction;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.runtime.minicluster.MiniCluster;
import org.apache.flink.runtime.minicluster.MiniClusterConfiguration;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.api.TableResult;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;
import org.apache.flink.table.connector.ChangelogMode;
import org.apache.flink.table.connector.source.DynamicTableSource;
import org.apache.flink.table.connector.source.ScanTableSource;
import org.apache.flink.table.connector.source.SourceProvider;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.factories.DynamicTableSourceFactory;
import org.apache.flink.table.runtime.typeutils.InternalTypeInfo;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.RowType;

public class FlinkNexmark {
    static RowData[] rows;
    static volatile long beginTime, beginCpu;

    static long cpuNs() {
        return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
    }

    static void begin() {
        synchronized (FlinkNexmark.class) {
            if (beginTime == 0) {
                beginCpu = cpuNs();
                beginTime = System.nanoTime();
            }
        }
    }

    static long peakRssBytes() throws Exception {
        for (String line : Files.readAllLines(Path.of("/proc/self/status")))
            if (line.startsWith("VmHWM:"))
                return Long.parseLong(line.replaceAll("\\D", "")) * 1024;
        return 0;
    }

    static Object value(JsonNode node, LogicalType type) {
        if (node == null || node.isNull())
            return null;
        switch (type.getTypeRoot()) {
        case INTEGER:
            return node.intValue();
        case BIGINT:
            return node.longValue();
        case TIMESTAMP_WITHOUT_TIME_ZONE:
            return TimestampData.fromLocalDateTime(LocalDateTime.parse(node.textValue().replace(' ', 'T')));
        case ROW:
            GenericRowData row = new GenericRowData(((RowType) type).getFieldCount());
            for (int i = 0; i < row.getArity(); i++)
                row.setField(i, value(node.get(((RowType) type).getFieldNames().get(i)), type.getChildren().get(i)));
            return row;
        default:
            StringData text = StringData.fromString(node.textValue());
            text.toBytes(); /* as a row that was read has them */
            return text;
        }
    }

    static void read(String dump, int events, LogicalType type) throws Exception {
        ObjectMapper json = new ObjectMapper();
        List<Path> files;
        try (Stream<Path> all = Files.walk(Path.of(dump))) {
            files = all.filter(Files::isRegularFile).sorted().collect(Collectors.toList());
        }
        rows = new RowData[events];
        int n = 0;
        for (Path file : files) {
            try (BufferedReader in = Files.newBufferedReader(file)) {
                for (String line; n < events && (line = in.readLine()) != null;)
                    rows[n++] = (RowData) value(json.readTree(line), type);
            }
        }
        if (n != events)
            throw new IllegalStateException(dump + " has " + n + " events, not " + events);
    }

    /* The rows in turn: of a parallelism of p each instance has every p-th. */
    static class Rows implements GeneratorFunction<Long, RowData> {
        final int parallelism;

        Rows(int parallelism) {
            this.parallelism = parallelism;
        }

        @Override
        public RowData map(Long at) {
            if (beginTime == 0)
                begin();
            int part = (rows.length + parallelism - 1) / parallelism; /* as the source cuts its numbers */
            int i = at.intValue(), place = i % part * parallelism + i / part;
            return rows[place < rows.length ? place : i];
        }
    }

    public static class Factory implements DynamicTableSourceFactory {
        @Override
        public String factoryIdentifier() {
            return "rows";
        }

        @Override
        public Set<ConfigOption<?>> requiredOptions() {
            return new HashSet<>();
        }

        @Override
        public Set<ConfigOption<?>> optionalOptions() {
            return new HashSet<>();
        }

        @Override
        public DynamicTableSource createDynamicTableSource(Context context) {
            return new Memory((RowType) context.getPhysicalRowDataType().getLogicalType(),
                context.getConfiguration().get(org.apache.flink.configuration.CoreOptions.DEFAULT_PARALLELISM));
        }
    }

    static class Memory implements ScanTableSource {
        final RowType type;
        final int parallelism;

        Memory(RowType type, int parallelism) {
            this.type = type;
            this.parallelism = parallelism;
        }

        @Override
        public ChangelogMode getChangelogMode() {
            return ChangelogMode.insertOnly();
        }

        @Override
        public ScanRuntimeProvider getScanRuntimeProvider(ScanContext context) {
            return SourceProvider.of(new DataGeneratorSource<>(new Rows(parallelism), rows.length, InternalTypeInfo.of(type)));
        }

        @Override
        public DynamicTableSource copy() {
            return new Memory(type, parallelism);
        }

        @Override
        public String asSummaryString() {
            return "rows";
        }
    }

    static List<String> statements(String path) throws Exception {
        String text = Files.readString(Path.of(path)).replaceAll("(?m)^--.*\n", "");
        return Arrays.stream(text.split(";\\s*(\n|$)")).map(String::trim).filter(s -> !s.isEmpty()).collect(Collectors.toList());
    }

    static StreamTableEnvironment environment(int parallelism, String state, boolean batches, String ddl, String source)
            throws Exception {
        Configuration c = new Configuration();
        c.setString("execution.target", OracleExecutor.NAME);
        c.setString("parallelism.default", String.valueOf(parallelism));
        c.setString("pipeline.object-reuse", "true");
        c.setString("restart-strategy.type", "none");
        c.setString("state.backend.type", state);
        c.setString("table.local-time-zone", "UTC");
        if (batches) {
            c.setString("table.exec.mini-batch.enabled", "true");
            c.setString("table.exec.mini-batch.allow-latency", "2 s");
            c.setString("table.exec.mini-batch.size", "50000");
            c.setString("table.optimizer.distinct-agg.split.enabled", "true");
        }
        StreamTableEnvironment env = StreamTableEnvironment.create(StreamExecutionEnvironment.getExecutionEnvironment(c));
        for (String sql : statements(ddl))
            env.executeSql(sql.replace("'connector' = 'nexmark'", source));
        return env;
    }

    /* Seconds and processor time of one run. */
    static long[] run(StreamTableEnvironment env, String query, boolean memory) throws Exception {
        TableResult last = null;
        beginTime = 0;
        for (String sql : statements(query))
            last = env.executeSql(sql.replaceAll("'connector' = 'datagen'[^)]*", "'connector' = 'none'"));
        JobClient job = last.getJobClient().get();
        while (!memory && job.getJobStatus().get() != JobStatus.RUNNING && !job.getJobStatus().get().isTerminalState())
            Thread.sleep(1);
        if (!memory)
            begin();
        job.getJobExecutionResult().get();
        return new long[] {System.nanoTime() - beginTime, cpuNs() - beginCpu};
    }

    static void measure(String query, int events, int parallelism, String source, String ddl, boolean memory) throws Exception {
        String name = Path.of(query).getFileName().toString().replace(".sql", "");
        run(environment(parallelism, "hashmap", false, ddl, source), query, memory);
        long[] best = null;
        String settings = "";
        int runs = 0;
        for (String state : System.getProperty("states", "hashmap,rocksdb").split(","))
            for (boolean batches : new boolean[] {false, true}) {
                System.gc();
                long[] took = run(environment(parallelism, state, batches, ddl, source), query, memory);
                runs++;
                if (best == null || took[1] < best[1]) {
                    best = took;
                    settings = (state.equals("hashmap") ? "heap" : state) + (batches ? ", mini-batch" : "");
                }
            }
        System.out.printf("{\"query\":\"%s\",\"events\":%d,\"seconds\":%.9f,\"cpu_ns\":%d,\"peak_rss_bytes\":%d,\"settings\":\"%s\",\"runs\":%d}%n",
            name, events, best[0] / 1e9, best[1], peakRssBytes(), settings, runs);
    }

    public static void main(String[] args) throws Exception {
        long started = System.nanoTime();
        int events = Integer.parseInt(args[0]), parallelism = Integer.parseInt(args[1]);
        boolean memory = !args[2].contains(":");
        String source = memory ? "'connector' = 'rows'"
            : "'connector' = 'kafka', 'topic' = 'nexmark_events', 'properties.bootstrap.servers' = '" + args[2]
                + "', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset'";
        Configuration c = new Configuration();
        c.setString("rest.port", "0");
        c.setString("rest.bind-address", "127.0.0.1");
        c.setString("taskmanager.memory.managed.size", "1g");
        MiniCluster cluster = new MiniCluster(new MiniClusterConfiguration.Builder().setConfiguration(c)
            .setNumTaskManagers(1).setNumSlotsPerTaskManager(parallelism).build());
        cluster.start();
        OracleExecutor.cluster = cluster;
        if (memory) {
            StreamTableEnvironment env = environment(parallelism, "hashmap", false, args[3], "'connector' = 'rows'");
            RowType all = (RowType) env.from("datagen").getResolvedSchema().toPhysicalRowDataType().getLogicalType();
            read(args[2], events, all);
        }
        long until = Long.getLong("seconds", 1000000) * 1000000000L, longest = 0;
        for (String query : Arrays.copyOfRange(args, 4, args.length)) {
            long begun = System.nanoTime();
            if (begun - started + longest > until)
                break;
            try {
                measure(query, events, parallelism, source, args[3], memory);
            } catch (Exception e) {
                Throwable t = e;
                while (t.getCause() != null)
                    t = t.getCause();
                System.out.printf("{\"query\":\"%s\",\"error\":\"%s\"}%n", Path.of(query).getFileName().toString().replace(".sql", ""),
                    String.valueOf(t).replaceAll("[\"\\n]", " "));
            }
            longest = Math.max(longest, System.nanoTime() - begun);
        }
        System.exit(0);
    }
}
