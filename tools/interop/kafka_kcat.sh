#!/bin/sh
# kcat: keys, headers, codecs, places by offset and time, groups, transactions, and records over a kill of our server.
. tools/interop/common.sh
command -v kcat >/dev/null || (. tools/common.sh && need_packages kcat) || give_up "installing kcat"
server_start
with_restarts env AGAIN="$work/again" TMPDIR="$work" timeout 460 python3 tools/interop/kafka_kcat.py "$broker"
