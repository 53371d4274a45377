#!/bin/sh
# Kafka's command-line tools: topics, configs, groups, offsets, records, transactions, verifiable pair, console.
. tools/interop/common.sh
peer kafka_python
python=$dir/bin/python
peer kafka_tools
javac -nowarn -cp "$dir/lib/*" -d "$work/classes" tools/interop/KafkaTool.java || give_up "compiling"
server_start
TOOLS=$dir CLASSES=$work/classes TMPDIR=$work timeout 600 "$python" tools/interop/kafka_tools.py "$broker"
