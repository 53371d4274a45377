#!/bin/sh
# confluent-kafka for Python: contents, every codec, a group that loses a member, transactions, offsets, admin.
. tools/interop/common.sh
peer kafka_python
server_start
timeout 420 "$dir/bin/python" tools/interop/kafka_confluent.py "$broker"
