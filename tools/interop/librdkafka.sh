#!/bin/sh
# librdkafka's own tests, those that want a broker, against our server with ACLs on: each by the classic group protocol
# and by the newer one. What they call of Kafka's shell scripts is called as Kafka's own Java classes.
# ci: a slice of about 100 s chosen by the commit's hash, by both; full: all. TESTS="0012 0033" runs those,
# PROTOCOL=consumer by that. 0081-as-a-user is 0081 where clients authenticate.
. tools/interop/common.sh
peer librdkafka
tests=$dir/package/deps/librdkafka/tests
peer kafka_tools

# Both at one time, each with a server of its own: most tests wait.
if [ -z "${PROTOCOL:-}" ]; then
    built quickwater
    for PROTOCOL in classic consumer; do
        PROTOCOL=$PROTOCOL sh "$0" >"$work/$PROTOCOL" 2>&1 &
    done
    wait
    cat "$work/classic" "$work/consumer" | grep -vE '^([0-9]+ passed|left out)'
    cat "$work/classic" "$work/consumer" | grep '^left out' | sort -u
    for PROTOCOL in classic consumer; do
        sed -n "s/^\([0-9]*\) passed, \([0-9]*\) failed$/row: librdkafka, $PROTOCOL protocol \1 \2/p" "$work/$PROTOCOL"
    done | tee "$work/rows"
    [ "$(wc -l <"$work/rows")" = 2 ] || echo "FAILED one of the two did not come to its end"
    awk '{ p += $(NF - 1); f += $NF } END { print p + 0 " passed, " f + 2 - NR " failed" }' "$work/rows"
    exit
fi

# What is left out, and why; goes into docs/compatibility.md.
left_out=" "
leave_out() { # leave_out TEST WHY
    left_out="$left_out$1 "
    echo "left out: librdkafka $1: $2"
}
leave_out 0077 "its topic has segments of 10,000 bytes, which Kafka 4 refuses as we do (tests/clients has the same test)"
echo "left out: librdkafka 0016, the part that reads Kafka's JMX metrics: that is no protocol"
[ "$PROTOCOL" = classic ] || leave_out 0104 "by the newer protocol: its own mock broker goes away and its client does not close within the test's time; our server is not asked"

all=
for t in $(cd "$tests" && ls 0[0-9][0-9][0-9]-*.c* | cut -c1-4 | sort -u); do
    case $left_out in *" $t "*) ;; *) all="$all $t" ;; esac
done
all="$all 0081-as-a-user" # the admin's tests look at what a user may do, where one is named
if [ -n "${TESTS:-}" ]; then
    all=$TESTS
elif [ "$INTEROP_MODE" = ci ]; then
    # shellcheck disable=SC2086
    all=$(python3 tools/interop/slice.py tools/interop/librdkafka_seconds.txt 100 $((0x$(git rev-parse HEAD | cut -c1-6))) $all)
    echo "the slice of this commit: $all"
fi

# The scripts: KAFKA_PATH/bin/kafka-NAME.sh
mkdir -p "$work/kafka/bin" "$work/run"
script() { # script NAME CLASS
    printf '#!/bin/sh\nexec java -Xmx128m -XX:TieredStopAtLevel=1 -cp "%s/lib/*" %s "$@"\n' "$dir" "$2" >"$work/kafka/bin/kafka-$1.sh"
    chmod +x "$work/kafka/bin/kafka-$1.sh"
}
script topics org.apache.kafka.tools.TopicCommand
script acls org.apache.kafka.tools.AclCommand

# Who is nobody in particular may do everything that no ACL is about, as where Kafka's authorizer is on for tests.
cat >"$work/acls.toml" <<TOML
[security]
acls = true
allow_if_no_acl = true
super_users = "User:root"
TOML
server_options="--config $work/acls.toml"
server_start
cd "$work/run" || exit 1
conf() { # conf TIMES: the clients' configuration; so many times as patient
    printf '%s\n' "metadata.broker.list=$broker" "test.timeout.multiplier=${1:-1}"
}
ln -s "$tests/interceptor_test" "$tests/fixtures" . # what 0066 and 0133 load by a path relative to their folder
passed=0
failed=0
run() { # run TEST: its verdict
    case $1 in # those compute much, or start Java once or more, within their time
    0000 | 0045 | 0081 | 0052 | 0109 | 0115 | 0119) conf 4 ;;
    *) conf ;;
    esac >test.conf
    [ -z "${sasl:-}" ] || printf '%s\n' "$sasl" >>test.conf
    TEST_CONSUMER_GROUP_PROTOCOL=$PROTOCOL TEST_KAFKA_VERSION=4.1.0 TESTS=$1 KAFKA_PATH=$work/kafka BROKERS=$broker \
        LD_LIBRARY_PATH=$tests/../src:$tests/../src-cpp timeout -k 5 300 "$tests/test-runner" -p1 -Q -E >"log" 2>&1
    sed 's/\x1b\[[0-9;]*m//g' log | grep -E "^\| *$1" | grep -oE 'PASSED|FAILED|SKIPPED' | head -1
}
judge() { # judge TEST NAME
    begun=$(date +%s)
    verdict=$(run "$1")
    case $verdict in
    PASSED | SKIPPED) ;;
    *) # many wait for a fixed time, on a mock broker or on us; a slow moment is not hidden, but told
        verdict=$(run "$1")
        [ "$verdict" != PASSED ] || echo "left out: librdkafka $2: passed only when it was run again" ;;
    esac
    case ${verdict:-crashed} in
    PASSED) echo "ok $2 ($(($(date +%s) - begun)) s)"; passed=$((passed + 1)) ;;
    SKIPPED) echo "ok $2 skips itself ($(($(date +%s) - begun)) s)" ;;
    *) echo "FAILED $2: ${verdict:-no verdict}"; grep -E 'assertion|FAIL|expected' log | tail -5
        failed=$((failed + 1)) ;;
    esac
}
for t in $all; do
    case $t in *-as-a-user) ;; *) judge "$t" "$PROTOCOL/$t" ;; esac
done
case " $all " in
*" 0081-as-a-user "*)
    cd "$OLDPWD" || exit 1
    kill "$server_pid"
    wait "$server_pid"
    echo 'tester:secret' >"$work/users"
    printf 'sasl = "SCRAM-SHA-256"\nusers = "%s/users"\n' "$work" >>"$work/acls.toml"
    server_run 127.0.0.1:$(free_port)
    broker=$(sed -n 's/^ready.*kafka=\([^ ]*\).*/\1/p' "$work/server.out")
    cd "$work/run" || exit 1
    sasl=$(printf '%s\n' security.protocol=sasl_plaintext sasl.mechanism=SCRAM-SHA-256 sasl.username=tester sasl.password=secret)
    judge 0081 "$PROTOCOL/0081-as-a-user" ;;
esac
echo "$passed passed, $failed failed"
