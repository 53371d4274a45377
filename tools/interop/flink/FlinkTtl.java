/* Runs the stories of tests/interop/flink/ttl.stories on a real Flink, all at once, by the wall clock.
 *
 *     FlinkTtl STORIES MILLISECONDS-OF-A-UNIT
 *
 * For each story a line "ok NAME" or "FAILED NAME: what came; expected: …"; then "N passed, M failed".
 */
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;

import org.apache.flink.api.common.functions.MapFunction;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.api.Schema;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;
import org.apache.flink.table.connector.ChangelogMode;
import org.apache.flink.types.Row;
import org.apache.flink.types.RowKind;

public class FlinkTtl {
    static class Story {
        String name, query, expected;
        List<Row> rows = new ArrayList<>();
        boolean takesBack;
        TreeMap<String, Integer> left = new TreeMap<>();
    }

    /* Holds each row back until its time, counted from the first one. */
    static class Pace implements MapFunction<Row, Row> {
        final long unit;
        long begun;

        Pace(long unit) {
            this.unit = unit;
        }

        @Override
        public Row map(Row row) throws Exception {
            if (begun == 0)
                begun = System.currentTimeMillis();
            long wait = begun + unit * (Integer) row.getField(3) - System.currentTimeMillis();
            if (wait > 0)
                Thread.sleep(wait);
            return row;
        }
    }

    static List<Story> read(Path path) throws Exception {
        List<Story> stories = new ArrayList<>();
        Story story = null;
        for (String line : Files.readAllLines(path)) {
            if (line.isBlank() || line.startsWith("#"))
                continue;
            if (line.startsWith("= ")) {
                story.expected = line.substring(2);
            } else if (line.contains(" | ")) {
                stories.add(story = new Story());
                story.name = line.substring(0, line.indexOf(" | "));
                story.query = line.substring(line.indexOf(" | ") + 3);
            } else {
                for (String row : line.split(", ")) {
                    String[] part = row.split(" ");
                    boolean back = part[1].equals("-");
                    story.takesBack |= back;
                    story.rows.add(Row.ofKind(back ? RowKind.DELETE : RowKind.INSERT, part[2], part[3],
                        Integer.valueOf(part[4]), Integer.valueOf(part[0])));
                }
            }
        }
        return stories;
    }

    static void add(StreamTableEnvironment env, StreamExecutionEnvironment stream, Story story, int number, long unit) {
        TypeInformation<Row> type = Types.ROW_NAMED(new String[] {"s", "k", "n", "at"}, Types.STRING, Types.STRING, Types.INT, Types.INT);
        DataStream<Row> rows = stream.fromData(story.rows, type).map(new Pace(unit)).returns(type);
        Schema schema = Schema.newBuilder().column("s", "STRING").column("k", "STRING").column("n", "INT").column("at", "INT")
            .columnByExpression("p", "PROCTIME()").build();
        env.createTemporaryView("r" + number, story.takesBack ? env.fromChangelogStream(rows, schema) : env.fromDataStream(rows, schema));
        for (String table : new String[] {"a", "b"}) {
            env.executeSql("DROP TEMPORARY VIEW IF EXISTS " + table);
            env.executeSql("CREATE TEMPORARY VIEW " + table + " AS SELECT k, n, p FROM r" + number + " WHERE s = '" + table + "'");
        }
        String query = story.query.replaceAll("\\{(\\d+)\\}", "$1 units");
        for (int units = 10; units <= 20; units += 10)
            query = query.replace(units + " units", units * unit + " ms");
        env.toChangelogStream(env.sqlQuery(query), Schema.derived(), ChangelogMode.all()).print(String.valueOf(number));
    }

    static void fold(Story story, String change) {
        String text = change.substring(change.indexOf('[') + 1, change.length() - 1).replace(", ", " ");
        story.left.merge(text, change.charAt(0) == '+' ? 1 : -1, Integer::sum);
    }

    static String left(Story story) {
        List<String> rows = new ArrayList<>();
        story.left.forEach((row, count) -> {
            for (int i = 0; i < Math.abs(count); i++)
                rows.add((count < 0 ? "-" : "") + row);
        });
        return String.join(", ", rows);
    }

    public static void main(String[] args) throws Exception {
        PrintStream out = System.out;
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        List<Story> stories = read(Path.of(args[0]));
        long unit = Long.parseLong(args[1]);
        int failed = 0;
        Configuration c = new Configuration();
        c.setString("parallelism.default", "1");
        c.setString("table.exec.state.ttl", 10 * unit + " ms");
        c.setString("execution.buffer-timeout.interval", "0 ms");
        c.setString("pipeline.operator-chaining.enabled", "false"); /* a source that sleeps holds nobody else up */
        c.setString("taskmanager.memory.network.max", "256m");
        c.setString("taskmanager.memory.network.min", "256m");
        c.setString("rest.port", "0");
        StreamExecutionEnvironment stream = StreamExecutionEnvironment.getExecutionEnvironment(c);
        StreamTableEnvironment env = StreamTableEnvironment.create(stream);
        for (int i = 0; i < stories.size(); i++)
            add(env, stream, stories.get(i), i, unit);
        System.setOut(new PrintStream(printed, true, "UTF-8"));
        stream.execute();
        System.out.flush();
        for (String line : printed.toString(StandardCharsets.UTF_8).split("\n")) {
            int end = line.indexOf("> ");
            fold(stories.get(Integer.parseInt(line.substring(0, end))), line.substring(end + 2));
        }
        for (Story story : stories) {
            boolean same = left(story).equals(story.expected);
            failed += same ? 0 : 1;
            out.println(same ? "ok " + story.name : "FAILED " + story.name + ": " + left(story) + "; expected: " + story.expected);
        }
        out.println((stories.size() - failed) + " passed, " + failed + " failed");
        System.exit(failed > 0 ? 1 : 0);
    }
}
