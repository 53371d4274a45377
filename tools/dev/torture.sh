#!/bin/sh
# kill loops, power cuts, full disks at length: [--rounds N] [--seed S] [--lanes N] [--only "PART…"]
#
# ./dev torture              200 rounds, from a new seed, which is printed
# ./dev torture --rounds 20 --seed 7
# ./dev torture --rounds 1000 --only "kill producers"
#
# PART is kill, producers, power, log or disk. The kill loops wait for the disk most of the time: their rounds are
# shared out to --lanes servers beside each other (default 4, with the seeds that follow the one given).
#
# A round is a SIGKILL of the real server under load, one under three kinds of producers, two simulated lives of the whole server (power cuts, kills,
# failed syncs) and one of the log; a tenth of a round is a disk that gets full. After each everything is read
# back and compared. A failure prints the command that repeats it.
rounds=200 seed=$(($(date +%s) % 100000)) lanes=4 only="kill producers power log disk"
while [ $# -gt 0 ]; do
    case $1 in
    --rounds | --seed | --lanes)
        case ${2:-} in '' | *[!0-9]*) echo "torture: $1 needs a whole number" >&2; exit 2 ;; esac
        case $1 in --rounds) rounds=$2 ;; --seed) seed=$2 ;; *) lanes=$2 ;; esac
        shift 2 ;;
    --only)
        for name in ${2:-nothing}; do
            case $name in
            kill | producers | power | log | disk) ;;
            *) echo "torture: there is no part '$name'; parts are kill, producers, power, log, disk" >&2; exit 2 ;;
            esac
        done
        only=$2
        shift 2 ;;
    *) echo "torture: there is no option '$1'; see ./dev torture --help" >&2; exit 2 ;;
    esac
done
[ "$rounds" -gt 0 ] && [ "$lanes" -gt 0 ] || { echo "torture: --rounds and --lanes must be 1 or more" >&2; exit 2; }
[ "$lanes" -le "$rounds" ] || lanes=$rounds
setup_build
need_packages curl
build release build/release/quickwater build/release/tests/crash/kill build/release/tests/crash/producers || exit 1
case $only in *power* | *log*) build asan build/asan/quickwater unit || exit 1 ;; esac
passed=0 failed=0

# part NAME AGAIN COMMAND…: its last line 'N passed, N failed' counts; its log is kept
part() {
    name=$1 again=$2
    shift 2
    case " $only " in *" $name "*) ;; *) return 0 ;; esac
    echo "== $name"
    begun=$(date +%s)
    "$@" >"build/torture-$name.log" 2>&1 </dev/null || true
    line=$(grep -E '^[0-9]+ (seeds )?passed, [0-9]+ failed' "build/torture-$name.log" | tail -1 | sed 's/ seeds//')
    [ -n "$line" ] || line="0 passed, 1 failed"
    f=${line#*, } f=${f%% failed*}
    passed=$((passed + ${line%% passed*}))
    failed=$((failed + f))
    echo "   $line ($(($(date +%s) - begun)) s)"
    [ "$f" = 0 ] || { grep -E 'FAIL|again:' "build/torture-$name.log" | head -20; echo "   again: $again; the log: build/torture-$name.log"; }
}
echo "torture: $rounds rounds, seed $seed"
again="./dev torture --rounds $rounds --seed $seed"
# in_lanes PROGRAM: its rounds, shared out; the lines 'N passed, N failed' of all lanes become one
in_lanes() {
    for lane in $(seq "$lanes"); do
        mine=$(((rounds + lanes - lane) / lanes))
        { timeout $((mine * 60 + 60)) "build/release/tests/crash/$1" build/release/quickwater "$mine" $((seed + lane - 1)) ||
            echo "FAIL again: build/release/tests/crash/$1 build/release/quickwater $mine $((seed + lane - 1))"; } \
            >"build/torture-lane-$1.$lane" 2>&1 &
    done
    wait
    cat "build/torture-lane-$1".*
    awk '/^[0-9]+ passed, [0-9]+ failed/ { ends++; p += $1; f += $3 }
        END { if (ends < want) f += want - ends; print p + 0 " passed, " f + 0 " failed" }' want="$lanes" "build/torture-lane-$1".*
    rm -f "build/torture-lane-$1".*
}
part kill "$again" in_lanes kill
part producers "$again" in_lanes producers
part power "./dev sim --seed S" sh ./dev sim --seeds $((rounds * 2)) --from $((seed * 1000 + 1))
log_power() { # the log's own simulation, step by step
    p=0 n=0
    for s in $(seq "$seed" $((seed + rounds - 1))); do
        if timeout 300 build/asan/unit --seed "$s" log_crash; then p=$((p + 1)); else n=$((n + 1)); fi
    done
    echo "$p passed, $n failed"
}
part log "$again" log_power
part disk "$again" timeout $((rounds * 60 + 300)) sh tests/crash/full_disk.sh build/release/quickwater $(((rounds + 9) / 10)) "$seed"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
