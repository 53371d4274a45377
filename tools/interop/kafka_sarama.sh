#!/bin/sh
# sarama: contents, every codec, older versions, a group that loses a member, transactions, offsets, admin.
. tools/interop/common.sh
peer kafka_go
go_build sarama
server_start
timeout 420 "$work/sarama" "$broker"
