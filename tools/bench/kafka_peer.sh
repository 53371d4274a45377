# kafka_peer.sh: Apache Kafka (from Maven) as a peer: one JVM, its defaults, the options of its start script. Sourced behind common.sh.
peer=$(sh tools/peers/kafka_tools.sh | tail -1)
[ -d "$peer/lib" ] || { echo "bench: Apache Kafka is not there: $peer" >&2; exit 1; }
now_ms() { echo $(($(date +%s%N) / 1000000)); }
kafka_pid=
stop_kafka() {
    [ -n "$kafka_pid" ] || return 0
    kill -9 "$kafka_pid" 2>/dev/null || true
    wait "$kafka_pid" 2>/dev/null || true
    kafka_pid=
}

# sets kafka_pid, peer_port, kafka_start (ms to its first answer)
start_kafka() {
    peer_port=$(shuf -i 30000-39998 -n 1)
    cat >"$bench_dir/kafka.properties" <<PROPERTIES
process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://127.0.0.1:$peer_port,CONTROLLER://127.0.0.1:$((peer_port + 1))
controller.listener.names=CONTROLLER
controller.quorum.voters=1@127.0.0.1:$((peer_port + 1))
log.dirs=$bench_dir/kafka
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
PROPERTIES
    java -cp "$peer/lib/*" kafka.tools.StorageTool format -t "$(cat /proc/sys/kernel/random/uuid | tr -d - | cut -c1-22)" \
        -c "$bench_dir/kafka.properties" >"$bench_dir/format" 2>&1 || { cat "$bench_dir/format" >&2; exit 1; }
    from=$(now_ms)
    # the options of kafka-server-start.sh
    java -Xmx1G -Xms1G -server -XX:+UseG1GC -XX:MaxGCPauseMillis=20 -XX:InitiatingHeapOccupancyPercent=35 \
        -XX:+ExplicitGCInvokesConcurrent -Djava.awt.headless=true -cp "$peer/lib/*" kafka.Kafka \
        "$bench_dir/kafka.properties" >"$bench_dir/kafka.out" 2>&1 &
    kafka_pid=$!
    until kcat -L -b "127.0.0.1:$peer_port" -m 1 >/dev/null 2>&1; do
        kill -0 $kafka_pid 2>/dev/null || { cat "$bench_dir/kafka.out" >&2; exit 1; }
        [ $(($(now_ms) - from)) -lt 60000 ] || { echo "bench: Kafka does not answer" >&2; exit 1; }
    done
    kafka_start=$(($(now_ms) - from))
}
