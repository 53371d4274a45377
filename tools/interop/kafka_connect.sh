#!/bin/sh
# Kafka Connect: a file into a topic exactly once and out of it again, over a worker that is killed.
. tools/interop/common.sh
peer kafka_python
python=$dir/bin/python
peer kafka_tools
server_start
TOOLS=$dir TMPDIR=$work timeout 460 "$python" tools/interop/kafka_connect.py "$broker"
