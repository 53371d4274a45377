#!/bin/sh
# kafka-python and confluent-kafka, with all codecs, from PyPI: its folder has bin/python
. tools/peers/common.sh
dir=$INTEROP_CACHE/kafka-pythons-3.0.12-2.16.1
peer_there && exit 0
python3 -c 'import ensurepip' 2>/dev/null || (. tools/common.sh && need_packages python3-venv) || exit 1
peer_fetch sh -c "python3 -m venv '$dir' && '$dir/bin/python' -m pip install -q --disable-pip-version-check \
    kafka-python==3.0.12 confluent-kafka==2.16.1 lz4==4.4.5 python-snappy==0.7.3 zstandard==0.25.0 crc32c==2.9.post0"
