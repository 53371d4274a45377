#!/bin/sh
# A web server as a sink: batches and single rows, refusals, Retry-After, TLS; over a proxy and kills of both sides.
. tools/interop/common.sh
. tools/common.sh
need_packages openssl
built quickwater
timeout 400 python3 tools/interop/bridge_http.py "$work"
