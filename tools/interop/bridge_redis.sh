#!/bin/sh
# Redis as a sink: hashes, strings, sorted sets, lists, streams, channels; exactly once over a proxy and kills.
. tools/interop/common.sh
. tools/common.sh
need_packages redis-server
built quickwater
timeout 400 python3 tools/interop/bridge_redis.py "$work"
