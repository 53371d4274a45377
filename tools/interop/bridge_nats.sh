#!/bin/sh
# NATS JetStream: a stream read by its sequence, and published to with Nats-Msg-Id; proxy, kills, gaps, TLS, who we are.
. tools/interop/common.sh
. tools/common.sh
need_packages nats-server openssl
peer nats_python
built quickwater
timeout 400 "$dir/bin/python" tools/interop/bridge_nats.py "$work"
