#!/bin/sh
# kafkajs: produce, consume, a group that loses a member, transactions, offsets, admin.
. tools/interop/common.sh
dir=$INTEROP_CACHE/kafkajs-2.2.4
if [ ! -d "$dir/node_modules/kafkajs" ]; then
    mkdir -p "$dir"
    (cd "$dir" && npm install --silent --no-fund --no-audit kafkajs@2.2.4 kafkajs-snappy@1.1.0) ||
        give_up "fetching kafkajs"
fi
server_start
NODE_PATH="$dir/node_modules" timeout 240 node tools/interop/kafkajs.js "$broker"
