#!/bin/sh
# Our table of messages against the schemas that PyPI's kafka-python ships.
. tools/interop/common.sh
peer kafka_schemas
python3 tools/interop/kafka_schemas.py src/wire/kafka/messages.txt "$dir/kafka/protocol/schemas/resources"
