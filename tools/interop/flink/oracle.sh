# oracle.sh: fetches Flink, builds the program that runs SQL on it and ours; sets dir and java, its command. Sourced.
. tools/interop/common.sh
sh tools/peers/flink.sh >"$work/peer" || { cat "$work/peer"; give_up "fetching Flink"; }
dir=$(tail -1 "$work/peer")
make -s -j2 KIND=release build/release/quickwater || give_up "the build"

# The classes are kept beside the jars; they are built anew when their source is newer.
classes=$dir/oracle
service=META-INF/services/org.apache.flink.core.execution.PipelineExecutorFactory
if [ ! -e "$classes/done" ] || [ -n "$(find tools/interop/flink -name '*.java' -newer "$classes/done")" ]; then
    mkdir -p "$classes/META-INF/services"
    echo OracleExecutor >"$classes/$service"
    echo LookedUp >"$classes/META-INF/services/org.apache.flink.table.factories.Factory"
    javac -nowarn -cp "$dir/lib/*" -d "$classes" tools/interop/flink/*.java || give_up "compiling"
    touch "$classes/done"
fi

opens="--add-opens=java.base/java.util=ALL-UNNAMED --add-opens=java.base/java.lang=ALL-UNNAMED"
# The first compiler alone: a query runs for milliseconds, and two cores are few.
# what the JVM has to say goes past the answers; each query is code of its own
java="java -Xmx1g -XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=400m -Xlog:disable -Xlog:all=warning:stderr -Duser.timezone=UTC $opens -cp $dir/lib/*:$classes FlinkOracle"
