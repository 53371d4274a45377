#!/bin/sh
# librdkafka's own tests, those that want a broker and none of its shell tools, against our server.
# ci: a slice chosen by the commit's hash; full: all. TESTS="0012 0033" runs those.
. tools/interop/common.sh
version=1.8.0 # of the npm package that carries librdkafka's sources with their tests
dir=$INTEROP_CACHE/librdkafka-npm-$version
tests=$dir/package/deps/librdkafka/tests
if [ ! -x "$tests/test-runner" ]; then
    mkdir -p "$dir"
    (cd "$dir" && npm pack --silent "@confluentinc/kafka-javascript@$version" >/dev/null && tar xzf ./*.tgz &&
        cd package/deps/librdkafka && ./configure --disable-gssapi --disable-sasl --disable-curl &&
        make -j2 libs && make -j2 -C tests build) >"$work/build.log" 2>&1 ||
        { tail -5 "$work/build.log"; give_up "building librdkafka's tests"; }
fi

# What is left out, and why. Kafka's shell tools: 0052 0077 0109 0115 0119.
left_out=" 0052 0077 0109 0115 0119 "
# Not built yet: transactions, adding partitions to a topic, altering configurations.
left_out="$left_out 0103 0129 0044 0069 0081 0112 0011 "

all=
for t in $(cd "$tests" && ls 0[0-9][0-9][0-9]-*.c* | cut -c1-4 | sort -u); do
    case $left_out in *" $t "*) ;; *) all="$all $t" ;; esac
done
if [ -n "${TESTS:-}" ]; then
    all=$TESTS
elif [ "$INTEROP_MODE" = ci ]; then
    start=$((0x$(git rev-parse HEAD | cut -c1-4) % $(echo $all | wc -w)))
    all=$(echo $all $all | tr ' ' '\n' | tail -n +$((start + 1)) | head -n 15 | tr '\n' ' ')
    echo "the slice of this commit: $all"
fi
server_start
mkdir "$work/run"
cd "$work/run" || exit 1
echo "metadata.broker.list=$broker" >test.conf
ln -s "$tests/interceptor_test" . # the plugin that 0066 loads by a path relative to its folder
passed=0
failed=0
for t in $all; do
    TEST_KAFKA_VERSION=4.1.0 TESTS=$t LD_LIBRARY_PATH=$tests/../src:$tests/../src-cpp \
        timeout -k 5 120 "$tests/test-runner" -p1 -Q -E >"log" 2>&1
    verdict=$(sed 's/\x1b\[[0-9;]*m//g' log | grep -E "^\| *$t" | grep -oE 'PASSED|FAILED|SKIPPED' | head -1)
    case ${verdict:-crashed} in
    PASSED) echo "ok $t"; passed=$((passed + 1)) ;;
    SKIPPED) echo "ok $t skips itself" ;;
    *) echo "FAILED $t: ${verdict:-no verdict}"; grep -E 'assertion|FAIL|expected' log | tail -5
        failed=$((failed + 1)) ;;
    esac
done
echo "$passed passed, $failed failed"
