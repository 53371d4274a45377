#!/bin/sh
# Kafka's tools where the server asks: kafka-acls, and kafka-configs for users and quotas; each by what clients then may do.
. tools/interop/common.sh
peer kafka_python
python=$dir/bin/python
peer kafka_tools
javac -nowarn -cp "$dir/lib/*" -d "$work/classes" tools/interop/KafkaTool.java || give_up "compiling"
built quickwater
echo 'admin:admin-secret' >"$work/users"
printf '[security]\nsasl = "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512"\nusers = "%s"\nacls = true\nsuper_users = "User:admin"\n' \
    "$work/users" >"$work/acls.toml"
server="build/release/quickwater serve --http off --config $work/acls.toml"
server_run 127.0.0.1:$(free_port)
broker=$(sed -n 's/^ready.*kafka=\([^ ]*\).*/\1/p' "$work/server.out")
with_restarts env AGAIN="$work/again" TOOLS="$dir" CLASSES="$work/classes" TMPDIR="$work" timeout 460 "$python" tools/interop/kafka_acls.py "$broker"
