#!/bin/sh
# build, and run every test that needs no outside system; with NAMEs, those that contain one
#
# ./dev test                all suites
# ./dev test sql/window     the unit tests whose file or name contains sql/window
# ./dev test suite:golden   one suite: see tests/suites/
setup_test
passed=0
failed=0

# run_suite FILE: a suite prints what it likes and ends in a line 'N passed, N failed'.
run_suite() {
    name=$(basename "$1" .sh)
    echo "== $name"
    out=build/test-$name.log
    mkdir -p build
    start=$(date +%s)
    sh "$1" >"$out" 2>&1 || true
    line=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$out" | tail -1)
    if [ -z "$line" ]; then
        line="0 passed, 1 failed"
        tail -30 "$out"
    fi
    p=${line%% passed*}
    f=${line#*, }
    f=${f%% failed*}
    [ "$f" = 0 ] || { grep -vE '^ok' "$out" | tail -60; }
    passed=$((passed + p))
    failed=$((failed + f))
    echo "   $line ($(($(date +%s) - start)) s)"
}

case ${1:-} in
"") for suite in tests/suites/*.sh; do run_suite "$suite"; done ;;
suite:*)
    for s in "$@"; do
        file=$(ls tests/suites | grep -E "^([0-9]+-)?${s#suite:}\.sh$") ||
            { echo "test: there is no '$s'; one of $(ls tests/suites | sed 's/^[0-9]*-\(.*\)\.sh/suite:\1/' | tr '\n' ' ')" >&2; exit 2; }
        run_suite "tests/suites/$file"
    done ;;
*) build asan unit && build/asan/unit "$@" && exit 0 || exit 1 ;;
esac
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
