#!/bin/sh
# librdkafka's own tests, those that want a broker and none of its shell tools, against our server.
# ci: eight chosen by the commit's hash; full: all. TESTS="0012 0033" runs those.
. tools/interop/common.sh
peer librdkafka
tests=$dir/package/deps/librdkafka/tests

# What is left out, and why; goes into docs/compatibility.md.
left_out=" "
leave_out() { # leave_out TEST WHY
    left_out="$left_out$1 "
    echo "left out: librdkafka $1: $2"
}
leave_out 0052 "wants Kafka's shell tools, to make a topic"
leave_out 0077 "wants Kafka's shell tools, to make a compacted topic (tests/clients has the same test)"
leave_out 0109 "wants Kafka's shell tools, to configure a broker"
leave_out 0115 "wants Kafka's shell tools, for ACLs"
leave_out 0119 "wants Kafka's shell tools, for ACLs"
echo "left out: librdkafka 0081, its parts about ACLs and SCRAM users: not run yet"

all=
for t in $(cd "$tests" && ls 0[0-9][0-9][0-9]-*.c* | cut -c1-4 | sort -u); do
    case $left_out in *" $t "*) ;; *) all="$all $t" ;; esac
done
if [ -n "${TESTS:-}" ]; then
    all=$TESTS
elif [ "$INTEROP_MODE" = ci ]; then
    start=$((0x$(git rev-parse HEAD | cut -c1-4) % $(echo $all | wc -w)))
    all=$(echo $all $all | tr ' ' '\n' | tail -n +$((start + 1)) | head -n 8 | tr '\n' ' ')
    echo "the slice of this commit: $all"
fi
server_start
mkdir "$work/run"
cd "$work/run" || exit 1
echo "metadata.broker.list=$broker" >test.conf
ln -s "$tests/interceptor_test" "$tests/fixtures" . # what 0066 and 0133 load by a path relative to their folder
passed=0
failed=0
# 0081 wants ACLs and SCRAM users too, and so an authorizer: all of it but those, which have not been run yet.
sub_0081="do_test_unclean_destroy do_test_CreateTopics do_test_DeleteTopics do_test_CreatePartitions
do_test_AlterConfigs do_test_IncrementalAlterConfigs do_test_DescribeConfigs
do_test_DeleteRecords do_test_ListConsumerGroups do_test_DescribeConsumerGroups do_test_DescribeTopics
do_test_DescribeCluster do_test_DeleteGroups do_test_DeleteConsumerGroupOffsets do_test_ListOffsets
do_test_AlterConsumerGroupOffsets do_test_ListConsumerGroupOffsets"
run() { # run TEST [SUBTEST]: its verdict
    SUBTESTS=${2:-} TEST_KAFKA_VERSION=4.1.0 TESTS=$1 LD_LIBRARY_PATH=$tests/../src:$tests/../src-cpp \
        timeout -k 5 240 "$tests/test-runner" -p1 -Q -E >"log" 2>&1
    sed 's/\x1b\[[0-9;]*m//g' log | grep -E "^\| *$1" | grep -oE 'PASSED|FAILED|SKIPPED' | head -1
}
run_whole() { # run_whole TEST: its verdict, or that of its first part that does not pass
    eval "subs=\${sub_$1:-}"
    [ -n "$subs" ] || { run "$1"; return; }
    for sub in $subs; do
        verdict=$(run "$1" "$sub")
        [ "$verdict" = PASSED ] || break
    done
    echo "$verdict"
}
for t in $all; do
    verdict=$(run_whole "$t")
    case $verdict in
    PASSED | SKIPPED) ;;
    *) # many wait for a fixed time, on a mock broker or on us; a slow moment is not hidden, but told
        verdict=$(run_whole "$t")
        [ "$verdict" != PASSED ] || echo "left out: librdkafka $t: passed only when it was run again" ;;
    esac
    case ${verdict:-crashed} in
    PASSED) echo "ok $t"; passed=$((passed + 1)) ;;
    SKIPPED) echo "ok $t skips itself" ;;
    *) echo "FAILED $t: ${verdict:-no verdict}"; grep -E 'assertion|FAIL|expected' log | tail -5
        failed=$((failed + 1)) ;;
    esac
done
echo "$passed passed, $failed failed"
