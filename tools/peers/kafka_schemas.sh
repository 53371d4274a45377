#!/bin/sh
# The schemas of Kafka's messages, which PyPI's kafka-python ships
. tools/peers/common.sh
version=3.0.12
dir=$INTEROP_CACHE/kafka-python-$version
peer_there && exit 0
peer_fetch sh -c "python3 -m pip download -q --no-deps --no-binary :none: -d '$dir' 'kafka-python==$version' &&
    python3 -m zipfile -e '$dir'/kafka_python-*.whl '$dir'"
