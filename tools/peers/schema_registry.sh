#!/bin/sh
# Clients of Confluent's schema registry: confluent-kafka with its serializers from PyPI, @kafkajs/confluent-schema-registry
# from npm. The folder has bin/python and node_modules/
. tools/peers/common.sh
dir=$INTEROP_CACHE/schema-registry-clients-2.16.1-3.3.0-formats
peer_there && exit 0
python3 -c 'import ensurepip' 2>/dev/null || (. tools/common.sh && need_packages python3-venv) || exit 1
peer_fetch sh -c "python3 -m venv '$dir' && '$dir/bin/python' -m pip install -q --disable-pip-version-check \
    'confluent-kafka[avro,schemaregistry,protobuf,json]==2.16.1' && cd '$dir' &&
    npm install --silent --no-fund --no-audit @kafkajs/confluent-schema-registry@3.3.0 kafkajs@2.2.4"
