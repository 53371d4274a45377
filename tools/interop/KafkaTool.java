// Runs Kafka's command-line tools one after another in one process, for their starts are most of their time: each line of
// standard input is a class and its arguments, with tabs between; answered by what it prints, and a line "exit N".

import java.io.*;
import java.lang.reflect.InvocationTargetException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.apache.kafka.common.utils.Exit;

public class KafkaTool {
    static class Exited extends RuntimeException {
        final int code;

        Exited(int code) { this.code = code; }
    }

    static int run(String[] words) throws Exception {
        try {
            Class.forName(words[0]).getMethod("main", String[].class)
                    .invoke(null, (Object) Arrays.copyOfRange(words, 1, words.length));
            return 0;
        } catch (InvocationTargetException e) {
            if (e.getCause() instanceof Exited) return ((Exited) e.getCause()).code;
            e.getCause().printStackTrace();
            return 1;
        }
    }

    public static void main(String[] args) throws Exception {
        PrintStream out = System.out;
        Exit.setExitProcedure((code, message) -> { throw new Exited(code); });
        Exit.setHaltProcedure((code, message) -> { throw new Exited(code); });
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line; (line = in.readLine()) != null;) {
            ByteArrayOutputStream said = new ByteArrayOutputStream();
            PrintStream to = new PrintStream(said, true);
            System.setOut(to);
            System.setErr(to);
            int code = run(line.split("\t"));
            to.flush();
            out.print(said);
            out.println("\nexit " + code);
            out.flush();
        }
    }
}
