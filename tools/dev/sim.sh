#!/bin/sh
# the whole server in simulation, from seeds: [--seeds N] [--from S] [--ticks N] [--seed S]
#
# ./dev sim --seeds 1000    as many seeds, on all cores; the failed ones are told with their first failure
# ./dev sim --seed 42       one, told step by step
setup_build
seeds=100 from=1 ticks=1000 one=
while [ $# -gt 0 ]; do
    case $1 in
    --seeds) seeds=$2 ;;
    --from) from=$2 ;;
    --ticks) ticks=$2 ;;
    --seed) one=$2 ;;
    *) echo "dev sim: unknown option '$1'" >&2; exit 2 ;;
    esac
    shift 2
done
build asan build/asan/quickwater || exit 1
if [ -n "$one" ]; then
    exec build/asan/quickwater sim --seed "$one" --ticks "$ticks" --trace
fi
out=build/sim
rm -rf "$out"
mkdir -p "$out"
seq "$from" $((from + seeds - 1)) | xargs -P "$(jobs_count)" -I{} sh -c \
    "timeout 300 build/asan/quickwater sim --seed {} --ticks $ticks >$out/{}.log 2>&1 || echo {} >>$out/failed"
bad=0
for s in $(sort -n "$out/failed" 2>/dev/null); do
    bad=$((bad + 1))
    echo "FAIL seed $s: $(grep -m1 -E 'FAIL|ERROR|runtime error|CHECK' "$out/$s.log" || tail -1 "$out/$s.log")"
    echo "     again: ./dev sim --seed $s --ticks $ticks"
done
echo "$((seeds - bad)) seeds passed, $bad failed"
[ "$bad" = 0 ]
