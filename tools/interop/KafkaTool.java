// Runs Kafka's command-line tools one after another in one process, for their starts are most of their time: each line of
// standard input is a class and its arguments, with tabs between; answered by what it prints, and a line "exit N".

import java.io.*;
import java.lang.reflect.InvocationTargetException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.apache.kafka.common.utils.Exit;

public class KafkaTool {
    // What a tool prints; some keep the stream that they began with.
    static final ByteArrayOutputStream said = new ByteArrayOutputStream();

    static class Exited extends RuntimeException { }

    // The first exit of a tool, and what it had printed by then: some catch what ends them here, and say that too.
    static Integer code;
    static String printed;

    static void end(int with) {
        System.out.flush();
        code = with;
        printed = said.toString();
    }

    static void exit(int with, String message) {
        if (code == null) end(with);
        throw new Exited();
    }

    static void run(String[] words) throws Exception {
        said.reset();
        code = null;
        try {
            Class.forName(words[0]).getMethod("main", String[].class)
                    .invoke(null, (Object) Arrays.copyOfRange(words, 1, words.length));
            if (code == null) end(0);
        } catch (InvocationTargetException e) {
            if (code != null) return;
            e.getCause().printStackTrace();
            end(1);
        }
    }

    public static void main(String[] args) throws Exception {
        PrintStream out = System.out;
        Exit.setExitProcedure(KafkaTool::exit);
        Exit.setHaltProcedure(KafkaTool::exit);
        PrintStream to = new PrintStream(said, true);
        System.setOut(to);
        System.setErr(to);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line; (line = in.readLine()) != null;) {
            run(line.split("\t"));
            out.print(printed + "\nexit " + code + "\n");
            out.flush();
        }
    }
}
