#!/bin/sh
# PostgreSQL as a sink: upserts, deletes, appends, types, refused rows, TLS; exactly once over a proxy and kills.
. tools/interop/common.sh
. tools/common.sh
need_packages postgresql openssl
built quickwater
timeout 400 python3 tools/interop/bridge_postgres.py "$work"
