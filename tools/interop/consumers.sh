#!/bin/sh
# Groups that the server assigns: members with librdkafka and with Java's client come, go and are killed with
# the server; no partition is read by two at one time, none is left out. Then with members of both protocols in one
# group. SEED and ROUNDS choose another run.
. tools/interop/common.sh
peer librdkafka
rdkafka=$dir/package/deps/librdkafka/src
peer kafka_java
jars=$dir/lib
built quickwater
mkdir "$work/bin" "$work/include"
ln -s "$rdkafka" "$work/include/librdkafka"
cc -O1 -I "$work/include" -o "$work/bin/member" tools/interop/consumers_member.c -L "$rdkafka" -lrdkafka ||
    give_up "compiling"
javac -nowarn -cp "$jars/*" -d "$work/classes" tools/interop/ConsumersMember.java || give_up "compiling"
export LD_LIBRARY_PATH="$rdkafka"
[ "$INTEROP_MODE" = ci ] && usual=25 || usual=60
number=0
run() { # run NAME ROUNDS COMMAND…: members of that command, in the background
    number=$((number + 1))
    name=$1
    rounds=$2
    shift 2
    [ -z "${KEEP:-}" ] || mkdir -p "$KEEP/$number"
    {
        echo "members of $name:"
        KEEP=${KEEP:+$KEEP/$number} python3 tools/interop/consumers.py "${SEED:-1}" "$rounds" build/release/quickwater serve --http off \
            --pg off --redis off -- "$@" -- "$work/bin/member"
    } >"$work/said.$number" 2>&1 &
}
export PROTOCOLS
for PROTOCOLS in consumer consumer,classic; do # the two clients beside each other, on servers of their own
    run "librdkafka, $PROTOCOLS" "${ROUNDS:-$usual}" "$work/bin/member"
    run "java, $PROTOCOLS" "${ROUNDS:-$((usual / 2))}" java -Xmx128m $jvm -cp "$jars/*:$work/classes" ConsumersMember
    wait
done
cat "$work"/said.*
passed=$(cat "$work"/said.* | grep -c '^ok seed')
echo "$passed passed, $((number - passed)) failed"
