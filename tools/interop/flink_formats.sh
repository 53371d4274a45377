#!/bin/sh
# Formats whose records come from and go to other systems: avro-confluent between a real Flink and ours, over one topic and
# our registry, both ways.
. tools/interop/flink/oracle.sh
server_run_http "127.0.0.1:$(free_port)" "127.0.0.1:$(free_port)"
timeout 300 python3 tools/interop/flink_formats.py --oracle "$java" "$broker" "http://$http"
