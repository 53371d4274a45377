#!/bin/sh
# benchmarks, side by side with a peer where there is one: nexmark, latency, history, idle, embed, flights, kafka, bridges, partitions, restart, stack, cold
#
# With no name: all of them. Tables go to the terminal, JSON to build/bench/NAME.json.
#
#   nexmark  every query from each source on one shard; loops by hand in C beside nine of them; then nexmark_flink.
#            EVENTS=N EVENTS_JSON=N SOURCES="generator memory kafka-json" QUERIES="q0 q5" SHARDS=N FLINK=no
#   nexmark_flink  the same queries beside a real Flink, from memory and from a topic of JSON, with the geometric mean.
#            FLINK_EVENTS=N FLINK_EVENTS_JSON=N PARALLELISM=1,2 QUERIES="q0 q5" FLINK_SOURCES=memory,kafka-json
#   latency  an event through a Kafka client, a running aggregate and back
#   idle     start, memory and CPU of an idle server
#   embed    the library in a program, SQLite beside it. SECONDS_EACH=N BURST=N
#   history  the latency again, beside a consumer that reads cold history. SECONDS_EACH=N ROUNDS=N MESSAGES=N
#   kafka    the log beside Apache Kafka (from Maven): throughput, latency, memory, start. MESSAGES=N CONSUMES=N RATES="1000"
#   bridges  records to Kafka, Redis and InfluxDB and from them; Flink's Kafka connector beside it. RECORDS=N SYSTEMS="kafka redis influxdb" FLINK=no
#   partitions  10,000 partitions: memory, start, open files. PARTITIONS=N RECORDS=N
#   stack    a fraud check beside Kafka, Flink and Redis: payment to answer, CPU, memory. PAYMENTS=N CARDS=N RATE=N SECONDS_EACH=N
#   cold     state ten times larger than memory.limit, beside the same in memory. KEYS=N EVENTS=N EVENTS_MEMORY=N; cold --help
#   restart  with much log, after a clean stop and a SIGKILL. GIB=N (10)
#   flights  three million real flights (npm and PyPI; kept in the cache). FLIGHTS=N
case ${2:-} in
-h | --help) sed -n '2,/^[^#]/s/^# \{0,1\}//p' "tools/bench/$1.sh"; exit 0 ;;
esac
setup_build
need_packages librdkafka-dev curl kcat
mkdir -p build
build release all tools >build/bench-build.log 2>&1 || { tail -20 build/bench-build.log >&2; exit 1; }
mkdir -p build/bench
[ $# -gt 0 ] || set -- nexmark latency history idle embed flights kafka
for name in "$@"; do
    [ -f "tools/bench/$name.sh" ] || { echo "bench: there is no '$name'; one of $(ls tools/bench | sed 's/\.sh//' | tr '\n' ' ')" >&2; exit 2; }
    sh "tools/bench/$name.sh"
done
