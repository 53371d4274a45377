#!/bin/sh
# franz-go: contents, every codec, groups that lose a member, transactions, offsets, admin.
. tools/interop/common.sh
peer kafka_go
go_build franz
server_start
timeout 420 "$work/franz" "$broker"
