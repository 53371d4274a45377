#!/bin/sh
# Another Kafka cluster, both ways: Apache Kafka, three brokers (one in --ci), killed, and a connection that hurts.
. tools/interop/common.sh
peer kafka_python
python=$dir/bin/python
peer kafka_tools
built quickwater
limit=420
[ "$INTEROP_MODE" = ci ] || limit=1800
TOOLS=$dir timeout $limit "$python" tools/interop/bridge_kafka.py "$work"
