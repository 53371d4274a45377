#!/bin/sh
# Clients of Confluent's schema registry with ours: confluent-kafka's (Python) with its serializers of Avro, Protobuf and JSON over our Kafka face, and
# @kafkajs/confluent-schema-registry, before and after a SIGKILL of the server.
. tools/interop/common.sh
peer schema_registry
built quickwater
server_run_http "127.0.0.1:$(free_port)" "127.0.0.1:$(free_port)"
passed=0 failed=0
# part COMMAND…: its last line is "N passed, M failed".
part() {
    timeout 120 "$@" >"$work/part" 2>&1
    cat "$work/part"
    counts=$(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$work/part" | tail -1)
    set -- ${counts:-0 1}
    passed=$((passed + $1)) failed=$((failed + $2))
}
part "$dir/bin/python" tools/interop/schema_registry.py "$broker" "http://$http" before
part env NODE_PATH="$dir/node_modules" node tools/interop/schema_registry.js "http://$http" before
kill -9 "$server_pid"
wait "$server_pid" 2>/dev/null
server_run_http "$broker" "$http"
part "$dir/bin/python" tools/interop/schema_registry.py "$broker" "http://$http" after
part env NODE_PATH="$dir/node_modules" node tools/interop/schema_registry.js "http://$http" after
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
