#!/bin/sh
# queries made by chance on a real Apache Flink and on ours, over the same records (tools/interop/flink/made.py)
# ci: the first 3 batches of seed 1, the same on every machine; full: at least 2,000, and 20 in each cell, from a seed of
# the commit's. SEED=N, QUERIES=N, BATCHES=N
. tools/interop/flink/oracle.sh
built tests/interop/made_queries
seed=$((0x$(git rev-parse HEAD | cut -c1-6)))
batches=0
[ "$INTEROP_MODE" = ci ] && seed=1 && batches=3
seed=${SEED:-$seed}
echo "seed $seed"
python3 tools/interop/flink/made.py --oracle "$java" --quickwater build/release/quickwater --work "$work" \
    --maker build/release/tests/interop/made_queries --seed "$seed" --batches "${BATCHES:-$batches}" --queries "${QUERIES:-2000}"
