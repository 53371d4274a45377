# oracle.sh: fetches Flink, builds the program that runs SQL on it and ours; sets dir and java, its command. Sourced.
. tools/interop/common.sh
peer flink
built quickwater

# The classes are kept beside the jars, by their source; two may make them at one time, and the first is taken.
classes=$dir/oracle-$(cat tools/interop/flink/*.java | cksum | cut -d' ' -f1)
if [ ! -d "$classes" ]; then
    making=$(mktemp -d "$dir/making.XXXXXX")
    mkdir -p "$making/META-INF/services"
    echo OracleExecutor >"$making/META-INF/services/org.apache.flink.core.execution.PipelineExecutorFactory"
    echo LookedUp >"$making/META-INF/services/org.apache.flink.table.factories.Factory"
    javac -nowarn -cp "$dir/lib/*" -d "$making" tools/interop/flink/*.java || { rm -rf "$making"; give_up "compiling"; }
    mv -T "$making" "$classes" 2>/dev/null || rm -rf "$making"
fi

opens="--add-opens=java.base/java.util=ALL-UNNAMED --add-opens=java.base/java.lang=ALL-UNNAMED"
# The first compiler alone: a query runs for milliseconds, and two cores are few.
# what the JVM has to say goes past the answers; each query is code of its own
java="java -Xmx1g -XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=400m -Xlog:disable -Xlog:all=warning:stderr -Duser.timezone=UTC -Djava.io.tmpdir=$work $opens -cp $dir/lib/*:$classes FlinkOracle"
