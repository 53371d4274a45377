"""Kafka's command-line tools, in one process (KafkaTool.java, in $CLASSES; their jars in $TOOLS/lib): their starts are most
of their time."""
import os, subprocess, threading

JAVA = ["java", "-Xmx128m", "-XX:TieredStopAtLevel=1", "-cp", "%(TOOLS)s/lib/*:%(CLASSES)s" % os.environ]
JVM = subprocess.Popen([*JAVA, "KafkaTool"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def run(*words):
    """(exit code, what it prints) of a class and its arguments."""
    JVM.stdin.write("\t".join(words) + "\n")
    JVM.stdin.flush()
    patience = threading.Timer(180, JVM.kill)
    patience.start()
    said = []
    for line in JVM.stdout:
        if line.startswith("exit "):
            patience.cancel()
            return int(line.split()[1]), "".join(said)
        said.append(line)
    raise AssertionError("the tool does not end, or ends the JVM: %s\n%s" % (" ".join(words), "".join(said)))
