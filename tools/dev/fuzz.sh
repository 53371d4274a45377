#!/bin/sh
# fuzz decoders and SQL: [NAME…] [--seconds N] [--input FILE]
#
# ./dev fuzz                        every target of tests/fuzz/, 60 seconds each
# ./dev fuzz ws_frame --seconds 600
# ./dev fuzz ws_frame --input FILE  one input again, with the sanitizers' report
#
# What broke a target is kept in tests/fuzz/corpus/NAME/, which the unit tests replay (corpus_NAME): mend it
# and commit the file. What only reached new code is kept in build/fuzz/corpus/NAME, for the next run.
seconds=60 input= names=
while [ $# -gt 0 ]; do
    case $1 in
    --seconds | --input)
        [ $# -gt 1 ] || { echo "fuzz: $1 needs a value" >&2; exit 2; }
        case $1 in --seconds) seconds=$2 ;; *) input=$2 ;; esac
        shift 2 ;;
    -*) echo "fuzz: there is no option '$1'; see ./dev fuzz --help" >&2; exit 2 ;;
    *) names="$names $1"; shift ;;
    esac
done
case $seconds in
'' | *[!0-9]* | 0*) echo "fuzz: --seconds '$seconds' is not a whole number of 1 or more" >&2; exit 2 ;;
esac
all=$(cd tests/fuzz && echo *.c | sed 's/\.c//g')
for name in $names; do
    [ -f "tests/fuzz/$name.c" ] || { echo "fuzz: there is no target '$name'; one of $all" >&2; exit 2; }
done
[ -n "$names" ] || names=$all
if [ -n "$input" ]; then
    [ "$(echo $names | wc -w)" = 1 ] || { echo "fuzz: --input goes with one NAME" >&2; exit 2; }
    [ -f "$input" ] || { echo "fuzz: there is no file '$input'" >&2; exit 2; }
fi
setup_build
need_packages clang libclang-rt-14-dev
# shellcheck disable=SC2086
build fuzz $(printf 'build/fuzz/fuzz/%s ' $names) || exit 1
[ -z "$input" ] || exec "build/fuzz/fuzz/${names# }" "$input"

# keep_finding NAME FILE: into the corpus, under a name that says what it is
keep_finding() {
    mkdir -p "tests/fuzz/corpus/$1"
    kept="tests/fuzz/corpus/$1/$(basename "$2" | cut -c1-16)"
    cp "$2" "$kept"
    echo "     kept as $kept; again: ./dev fuzz $1 --input $kept"
}

passed=0 failed=0
for name in $names; do
    grown=build/fuzz/corpus/$name found=build/fuzz/found/$name log=build/fuzz/$name.log
    rm -rf "$found"
    mkdir -p "$grown" "$found"
    seeds=
    [ ! -d "tests/fuzz/corpus/$name" ] || seeds=tests/fuzz/corpus/$name
    # shellcheck disable=SC2086
    if "build/fuzz/fuzz/$name" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 \
        -print_final_stats=1 -artifact_prefix="$found/" "$grown" $seeds >"$log" 2>&1; then
        passed=$((passed + 1))
        echo "ok   $name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") executions"
    else
        failed=$((failed + 1))
        echo "FAIL $name: $(grep -m1 -aE 'ERROR:|runtime error:|check failed|CHECK' "$log" || tail -n 1 "$log")"
        for f in "$found"/*; do
            [ ! -f "$f" ] || keep_finding "$name" "$f"
        done
        echo "     the whole log: $log"
    fi
done
echo "$passed targets passed, $failed failed"
[ "$failed" = 0 ]
