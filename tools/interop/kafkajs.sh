#!/bin/sh
# kafkajs: produce, consume, a group that loses a member, transactions, offsets, admin.
. tools/interop/common.sh
peer kafkajs
server_start
NODE_PATH="$dir/node_modules" timeout 240 node tools/interop/kafkajs.js "$broker"
