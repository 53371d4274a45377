/* Runs SQL scripts on a real Flink: one JVM, one local cluster, parallelism 1.
 *
 * A line of standard input is a JSON object {"statements": [{"sql": "...", "alone": false}, ...], "batch": false}; each gets
 * an environment of its own and is answered by one line, {"answers": [{"ok": true, "types": [...], "lines":
 * [...]}, ...], "ms": n}. `lines` are what the print connector wrote, or the changes of a SELECT in the same
 * form; SELECTs run in one job unless they are to run alone. A statement that fails has {"ok": false,
 * "error": "..."}, and "ran": true where it was accepted and failed while it ran; the rest is run all the same.
 *
 * The watermark follows each record: an interval of 0 makes the assigner emit at once. With "batch" there is none: all
 * is read, and then computed once.
 */
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import org.apache.flink.configuration.Configuration;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.runtime.minicluster.MiniCluster;
import org.apache.flink.runtime.minicluster.MiniClusterConfiguration;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.node.ArrayNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.node.ObjectNode;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.api.Schema;
import org.apache.flink.table.api.Table;
import org.apache.flink.table.api.TableResult;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;
import org.apache.flink.table.catalog.Column;
import org.apache.flink.table.connector.ChangelogMode;
import org.apache.flink.types.Row;
import org.apache.flink.util.CloseableIterator;

public class FlinkOracle {
    static final ObjectMapper JSON = new ObjectMapper();
    static final Pattern SET = Pattern.compile("(?is)^SET\\s+'([^']*)'\\s*=\\s*'([^']*)'$");
    static final Pattern QUERY = Pattern.compile("(?is)^(SELECT|WITH|VALUES)\\b.*");
    static final Pattern JOB = Pattern.compile("(?is)^(INSERT|EXECUTE\\s+STATEMENT)\\b.*");
    static final ByteArrayOutputStream printed = new ByteArrayOutputStream();
    static final long JOB_SECONDS = 150;

    static Configuration settings(boolean batch) {
        Configuration c = new Configuration();
        c.setString("execution.runtime-mode", batch ? "BATCH" : "STREAMING");
        c.setString("execution.target", OracleExecutor.NAME);
        c.setString("parallelism.default", "1");
        c.setString("pipeline.auto-watermark-interval", "0 ms");
        c.setString("restart-strategy.type", "none");
        c.setString("table.local-time-zone", "UTC");
        return c;
    }

    static String cause(Throwable t) {
        StringBuilder all = new StringBuilder();
        for (Throwable c = t; c != null; c = c.getCause()) {
            if (c.getCause() != null && c.getCause() != c && all.length() > 2000)
                continue;
            all.append(c.getClass().getSimpleName()).append(": ").append(c.getMessage()).append(" <- ");
            if (c.getCause() == c)
                break;
        }
        return all.toString();
    }

    static void await(TableResult result) throws Exception {
        try {
            result.await(JOB_SECONDS, TimeUnit.SECONDS);
        } catch (java.util.concurrent.TimeoutException e) {
            result.getJobClient().ifPresent(job -> job.cancel());
            throw new RuntimeException("the job is not at its end after " + JOB_SECONDS + " s");
        }
    }

    /* The changes of a query as lines "NUMBER> +I[...]" of the next job; all of them: the print connector
     * itself is given no -U where the planner knows a key. */
    static void query(StreamTableEnvironment env, String sql, int number, ObjectNode answer) {
        Table table = env.sqlQuery(sql);
        ArrayNode types = answer.putArray("types");
        for (Column c : table.getResolvedSchema().getColumns())
            types.add(c.getDataType().getLogicalType().asSummaryString());
        env.toChangelogStream(table, Schema.derived(), ChangelogMode.all()).print(String.valueOf(number));
    }

    static void execute(StreamExecutionEnvironment stream) throws Exception {
        JobClient job = stream.executeAsync();
        try {
            job.getJobExecutionResult().get(JOB_SECONDS, TimeUnit.SECONDS);
        } catch (java.util.concurrent.TimeoutException e) {
            job.cancel();
            throw new RuntimeException("the job is not at its end after " + JOB_SECONDS + " s");
        }
    }

    static void fail(ObjectNode answer, Throwable t) {
        answer.put("ok", false);
        answer.put("error", cause(t));
    }

    /* Takes what has been printed, as lines. */
    static List<String> take() {
        System.out.flush();
        String text = printed.toString(StandardCharsets.UTF_8);
        printed.reset();
        return text.isEmpty() ? List.of() : List.of(text.substring(0, text.length() - 1).split("\n", -1));
    }

    /* Runs the queries that wait as one job, which costs as much as one of them; each alone where it fails. */
    static void together(StreamExecutionEnvironment stream, StreamTableEnvironment env, List<String> sql,
            List<ObjectNode> answers) throws Exception {
        List<Integer> waiting = new ArrayList<>();
        for (int i = 0; i < sql.size(); i++) {
            try {
                query(env, sql.get(i), i, answers.get(i));
                waiting.add(i);
            } catch (Throwable t) {
                fail(answers.get(i), t);
            }
        }
        if (waiting.isEmpty())
            return;
        take();
        for (int i : waiting)
            answers.get(i).put("ran", true);
        try {
            execute(stream);
            for (int i : waiting)
                answers.get(i).put("ok", true);
            for (String line : take()) {
                int end = line.indexOf("> ");
                ((ArrayNode) answers.get(Integer.parseInt(line.substring(0, end))).get("lines")).add(line.substring(end + 2));
            }
        } catch (Throwable t) {
            take();
            if (sql.size() == 1)
                fail(answers.get(0), t);
            else
                for (int i : waiting)
                    together(stream, env, List.of(sql.get(i)), List.of(answers.get(i)));
        }
    }

    static void statement(StreamTableEnvironment env, String sql, ObjectNode answer) throws Exception {
        Matcher set = SET.matcher(sql);
        if (set.matches()) {
            env.getConfig().set(set.group(1), set.group(2));
        } else if (JOB.matcher(sql).matches()) {
            TableResult result = env.executeSql(sql);
            answer.put("ran", true);
            await(result);
        } else {
            try (CloseableIterator<Row> it = env.executeSql(sql).collect()) {
                while (it.hasNext())
                    it.next();
            }
        }
        answer.put("ok", true);
    }

    static ObjectNode script(JsonNode request) throws Exception {
        long begun = System.nanoTime();
        ObjectNode response = JSON.createObjectNode();
        ArrayNode answers = response.putArray("answers");
        StreamExecutionEnvironment stream = StreamExecutionEnvironment.getExecutionEnvironment(settings(request.path("batch").asBoolean()));
        StreamTableEnvironment env = StreamTableEnvironment.create(stream);
        List<String> queries = new ArrayList<>();
        List<ObjectNode> waiting = new ArrayList<>();
        for (JsonNode each : request.get("statements")) {
            String sql = each.get("sql").asText();
            boolean alone = each.get("alone").asBoolean(), query = QUERY.matcher(sql).matches();
            ObjectNode answer = answers.addObject();
            answer.putArray("lines");
            if (query && !alone) {
                queries.add(sql);
                waiting.add(answer);
                continue;
            }
            if (query) {
                together(stream, env, List.of(sql), List.of(answer));
                continue;
            }
            if (SET.matcher(sql).matches()) { /* what follows has other settings */
                together(stream, env, queries, waiting);
                queries.clear();
                waiting.clear();
            }
            take();
            try {
                statement(env, sql, answer);
            } catch (Throwable t) {
                fail(answer, t);
            }
            for (String line : take())
                ((ArrayNode) answer.get("lines")).add(line);
        }
        together(stream, env, queries, waiting);
        response.put("ms", (System.nanoTime() - begun) / 1000000);
        return response;
    }

    public static void main(String[] args) throws Exception {
        PrintStream out = new PrintStream(new java.io.FileOutputStream(java.io.FileDescriptor.out), true, "UTF-8");
        System.setOut(new PrintStream(printed, true, "UTF-8"));
        Configuration c = new Configuration();
        c.setString("rest.port", "0");
        c.setString("rest.bind-address", "127.0.0.1");
        c.setString("heartbeat.timeout", "3600000"); /* a machine that stood still for minutes has lost nothing */
        c.setString("pekko.ask.timeout", "1 h");
        c.setString("taskmanager.memory.network.fraction", "0.1");
        c.setString("taskmanager.memory.network.min", "64m");
        c.setString("taskmanager.memory.network.max", "64m");
        c.setString("taskmanager.memory.managed.size", "64m");
        MiniCluster cluster = new MiniCluster(new MiniClusterConfiguration.Builder().setConfiguration(c)
            .setNumTaskManagers(1).setNumSlotsPerTaskManager(8).build());
        cluster.start();
        OracleExecutor.cluster = cluster;
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        out.println("{\"ready\": true}");
        for (String line; (line = in.readLine()) != null;)
            out.println(JSON.writeValueAsString(script(JSON.readTree(line))));
        cluster.close();
        System.exit(0);
    }
}
