#!/bin/sh
# kafkajs, from npm: its folder has node_modules/
. tools/peers/common.sh
dir=$INTEROP_CACHE/kafkajs-2.2.4
peer_there && exit 0
peer_fetch sh -c "cd '$dir' && npm install --silent --no-fund --no-audit kafkajs@2.2.4 kafkajs-snappy@1.1.0"
