#!/bin/sh
# Our table of messages against the schemas that PyPI's kafka-python ships.
. tools/interop/common.sh
version=3.0.12
dir=$INTEROP_CACHE/kafka-python-$version
if [ ! -d "$dir/kafka/protocol/schemas/resources" ]; then
    mkdir -p "$dir"
    python3 -m pip download -q --no-deps --no-binary :none: -d "$dir" "kafka-python==$version" ||
        give_up "fetching kafka-python $version"
    python3 -m zipfile -e "$dir"/kafka_python-*.whl "$dir" || give_up "unpacking kafka-python"
fi
python3 tools/interop/kafka_schemas.py src/wire/kafka/messages.txt "$dir/kafka/protocol/schemas/resources"
