#!/bin/sh
# Mosquitto by MQTT 3.1.1 and 5: read (QoS 0, 1, 2; sessions) and written; over a proxy, kills, lost sessions, TLS.
. tools/interop/common.sh
. tools/common.sh
need_packages mosquitto python3-paho-mqtt openssl
built quickwater
timeout 400 /usr/bin/python3 tools/interop/bridge_mqtt.py "$work"
