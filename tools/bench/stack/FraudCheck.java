/* The classic stack's job: payments from a Kafka topic, a running verdict of each card, into Redis.
 *
 *   FraudCheck BROKER SQL-FILE REDIS-PORT CHECKPOINTS      runs until it is killed
 *
 * The SQL file makes the table `payments` and ends in the SELECT. Settings for latency: no buffer timeout, no mini-batch; object
 * reuse is on; a checkpoint every second. Upserts go to Redis as HSET fraud:CARD, pipelined: sent together when 64 wait,
 * or when none was sent in the last millisecond.
 */
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;

import org.apache.flink.api.common.operators.ProcessingTimeService;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;
import org.apache.flink.types.Row;
import org.apache.flink.types.RowKind;

public class FraudCheck {
    static class RedisSink implements Sink<Row> {
        final int port;

        RedisSink(int port) {
            this.port = port;
        }

        @Override
        public SinkWriter<Row> createWriter(WriterInitContext context) throws IOException {
            return new RedisWriter(port, context.getProcessingTimeService());
        }
    }

    static class RedisWriter implements SinkWriter<Row> {
        static final int PIPELINE = 64;
        final Socket socket;
        final InputStream in;
        final OutputStream out;
        final ProcessingTimeService time;
        long sentNs;
        int unanswered;
        boolean timer;

        RedisWriter(int port, ProcessingTimeService time) throws IOException {
            this.time = time;
            socket = new Socket(InetAddress.getLoopbackAddress(), port);
            socket.setTcpNoDelay(true);
            in = new BufferedInputStream(socket.getInputStream());
            out = new BufferedOutputStream(socket.getOutputStream(), 1 << 16);
        }

        void command(Object... parts) throws IOException {
            StringBuilder text = new StringBuilder("*" + parts.length + "\r\n");
            for (Object part : parts) {
                String p = String.valueOf(part);
                text.append('$').append(p.length()).append("\r\n").append(p).append("\r\n");
            }
            out.write(text.toString().getBytes(StandardCharsets.US_ASCII));
            unanswered++;
        }

        void answers() throws IOException {
            send();
            for (; unanswered > 0; unanswered--) {
                int kind = in.read();
                StringBuilder line = new StringBuilder();
                for (int c = in.read(); c != '\n'; c = in.read()) {
                    if (c < 0) throw new IOException("Redis closed the connection");
                    line.append((char) c);
                }
                if (kind != ':') throw new IOException("Redis says " + line);
            }
        }

        @Override
        public void write(Row row, Context context) throws IOException {
            if (row.getKind() == RowKind.UPDATE_BEFORE) return;
            command("HSET", "fraud:" + row.getField(0), "n", row.getField(1), "total", row.getField(2), "verdict", row.getField(3));
            if (unanswered >= PIPELINE) answers();
            else if (System.nanoTime() - sentNs > 1_000_000) send();
            else if (!timer) {
                timer = true;
                time.registerTimer(time.getCurrentProcessingTime() + 1, at -> {
                    timer = false;
                    send();
                });
            }
        }

        void send() throws IOException {
            out.flush();
            sentNs = System.nanoTime();
        }

        @Override
        public void flush(boolean endOfInput) throws IOException {
            answers();
        }

        @Override
        public void close() throws Exception {
            socket.close();
        }
    }

    public static void main(String[] args) throws Exception {
        Configuration conf = new Configuration();
        conf.setString("execution.checkpointing.interval", "1 s");
        conf.setString("execution.checkpointing.dir", Path.of(args[3]).toUri().toString());
        conf.setString("pipeline.object-reuse", "true");
        conf.setString("execution.buffer-timeout.enabled", "true");
        conf.setString("execution.buffer-timeout.interval", "0 ms");
        StreamExecutionEnvironment env = StreamExecutionEnvironment.createLocalEnvironment(1, conf);
        StreamTableEnvironment tables = StreamTableEnvironment.create(env);
        String[] statements = Files.readString(Path.of(args[1])).split(";\\s*\n");
        for (int i = 0; i < statements.length - 1; i++)
            tables.executeSql(statements[i].replace("@BROKER@", args[0]));
        tables.toChangelogStream(tables.sqlQuery(statements[statements.length - 1])).sinkTo(new RedisSink(Integer.parseInt(args[2])));
        env.execute("fraud check");
    }
}
