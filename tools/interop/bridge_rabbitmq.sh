#!/bin/sh
# RabbitMQ by AMQP 0-9-1: a queue read with acknowledgements, an exchange written with confirms; proxy, kills, TLS.
. tools/interop/common.sh
. tools/common.sh
need_packages rabbitmq-server python3-pika openssl
built quickwater
timeout 400 /usr/bin/python3 tools/interop/bridge_rabbitmq.py "$work"
