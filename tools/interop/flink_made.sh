#!/bin/sh
# queries made by chance on a real Apache Flink and on ours, over the same records (tools/interop/flink/made.py)
# ci: what 60 seconds allow, from a seed of the commit's; full: at least 2,000, and 20 in each cell. SEED=N, QUERIES=N
. tools/interop/flink/oracle.sh
make -s -j2 KIND=release build/release/tests/interop/made_queries || give_up "the build"
seconds=0
[ "$INTEROP_MODE" = ci ] && seconds=60
seed=${SEED:-$((0x$(git rev-parse HEAD | cut -c1-6)))}
echo "seed $seed"
python3 tools/interop/flink/made.py --oracle "$java" --quickwater build/release/quickwater --work "$work" \
    --maker build/release/tests/interop/made_queries --seed "$seed" --seconds $seconds --queries "${QUERIES:-2000}"
