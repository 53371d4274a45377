"""confluent-kafka's SchemaRegistryClient and serializers of Avro, Protobuf and JSON: schema_registry.py BROKER URL before|after

`before` registers, serializes and produces; `after`, when the server has been killed and started again, reads all of it.
"""
import json
import sys
import urllib.request
import uuid
from decimal import Decimal

sys.dont_write_bytecode = True
from confluent_kafka import Consumer, Producer  # noqa: E402
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient  # noqa: E402
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer  # noqa: E402
from confluent_kafka.schema_registry.json_schema import JSONDeserializer, JSONSerializer  # noqa: E402
from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer, ProtobufSerializer  # noqa: E402
from confluent_kafka.schema_registry.error import SchemaRegistryError  # noqa: E402
from confluent_kafka.serialization import MessageField, SerializationContext  # noqa: E402
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory  # noqa: E402

broker, url, when = sys.argv[1:]
client = SchemaRegistryClient({'url': url})
passed = failed = 0
ONE = '{"type": "record", "name": "order", "fields": [{"name": "id", "type": "int"}]}'
TWO = ONE.replace(']', ', {"name": "note", "type": ["null", "string"], "default": null}]')
THREE = ONE.replace(']', ', {"name": "must", "type": "string"}]')


def check(name, ok, got=''):
    global passed, failed
    print(('ok ' if ok else 'FAILED ') + name + ('' if ok else ': %r' % (got,)))
    passed, failed = passed + bool(ok), failed + (not ok)


def error_of(call):
    try:
        return 'no error: %r' % (call(),)
    except SchemaRegistryError as e:
        return e.http_status_code, e.error_code


def before():
    first = client.register_schema('orders-value', Schema(ONE, 'AVRO'))
    second = client.register_schema('orders-value', Schema(TWO, 'AVRO'))
    check('two schemas have two numbers', second > first, (first, second))
    check('the same again has the same', client.register_schema('orders-value', Schema(ONE, 'AVRO')) == first)
    check('an incompatible one is refused', error_of(lambda: client.register_schema('orders-value', Schema(THREE, 'AVRO'))) == (409, 409))
    check('test_compatibility', client.test_compatibility('orders-value', Schema(TWO, 'AVRO')))
    check('test_compatibility says no', not client.test_compatibility('orders-value', Schema(THREE, 'AVRO')))
    latest = client.get_latest_version('orders-value')
    check('get_latest_version', (latest.version, latest.schema_id) == (2, second), latest)
    check('lookup_schema', client.lookup_schema('orders-value', Schema(ONE, 'AVRO')).version == 1)
    check('get_schema', 'order' in client.get_schema(first).schema_str)
    check('get_subjects', client.get_subjects() == ['orders-value'], client.get_subjects())
    check('get_versions', client.get_versions('orders-value') == [1, 2])
    check('no such subject', error_of(lambda: client.get_latest_version('none')) == (404, 40401))
    check('set_compatibility', client.set_compatibility('orders-value', 'FORWARD') is not None)
    check('get_compatibility', client.get_compatibility('orders-value') == 'FORWARD')
    produce('orders', TWO, [{'id': i, 'note': 'n%d' % i if i % 2 else None} for i in range(20)])
    tables()
    protobuf()
    json_schema()


def sql(text):
    request = urllib.request.Request(url + '/v1/sql', data=text.encode(), headers={'Content-Type': 'text/plain'})
    return json.load(urllib.request.urlopen(request, timeout=60))['results'][-1].get('rows')


def consume(topic, count, deserializer=None, key=lambda row: row['id']):
    deserializer = deserializer or AvroDeserializer(client)
    consumer = Consumer({'bootstrap.servers': broker, 'group.id': str(uuid.uuid4()), 'auto.offset.reset': 'earliest'})
    consumer.subscribe([topic])
    rows = []
    for _ in range(60):
        message = consumer.poll(1)
        if message and not message.error():
            rows.append(deserializer(message.value(), SerializationContext(topic, MessageField.VALUE)))
        if len(rows) == count:
            break
    consumer.close()
    return sorted(rows, key=key)  # the topic may have several partitions


def tables():
    """What AvroSerializer wrote is rows, and what a query writes AvroDeserializer reads."""
    produce('orders', ONE, [{'id': 20}])
    sql("CREATE TABLE orders (id BIGINT, note STRING) WITH ('connector' = 'kafka', 'topic' = 'orders', 'format' = 'avro-confluent');"
        "CREATE TABLE noted (id BIGINT NOT NULL, note STRING, price DECIMAL(10, 2), at TIMESTAMP(3)) WITH ('connector' = 'kafka', "
        "'topic' = 'noted', 'format' = 'avro-confluent');"
        "INSERT INTO noted SELECT id, note, CAST(id AS DECIMAL(10, 2)) / 4, TIMESTAMP '2020-01-01 00:00:00.250' FROM orders")
    rows = sql('SELECT id, note FROM orders ORDER BY id')
    check('records by two schemas are rows', rows == [[i, 'n%d' % i if i % 2 and i < 20 else None] for i in range(21)], rows)
    check('the schema is registered', client.get_versions('noted-value') == [1])


def message_class(name, fields, nested=False):
    """A message of a file of its own; nested: the second one in the second of the file."""
    file = descriptor_pb2.FileDescriptorProto(name=name + '.proto', package='shop', syntax='proto3')
    if nested:
        file.message_type.add(name='Other')
        outer = file.message_type.add(name='Outer')
        outer.nested_type.add(name='First')
    message = (outer.nested_type if nested else file.message_type).add(name=name)
    for number, (field, kind, label) in enumerate(fields, 1):
        f = message.field.add(name=field, number=number, type=kind, label=3 if label == 'repeated' else 1)
        if label == 'optional':
            f.oneof_index, f.proto3_optional = len(message.oneof_decl), True
            message.oneof_decl.add(name='_' + field)
    if name == 'Record':
        file.ClearField('package')
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    full = name if name == 'Record' else 'shop.Outer.' + name if nested else 'shop.' + name
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(full))


INT32, INT64, STRING = 5, 3, 9
RULES = {'use.deprecated.format': False}


def protobuf():
    order = message_class('Order', [('id', INT32, ''), ('note', STRING, 'optional'), ('n', INT64, 'repeated')], nested=True)
    serializer = ProtobufSerializer(order, client, RULES)
    producer = Producer({'bootstrap.servers': broker})
    for i in range(10):
        message = order(id=i, n=range(i % 3), **({'note': 'n%d' % i} if i % 2 else {}))
        producer.produce('porders', serializer(message, SerializationContext('porders', MessageField.VALUE)))
    check('10 messages produced', producer.flush(30) == 0)
    sql("CREATE TABLE porders (id BIGINT, note STRING, n ARRAY<BIGINT>, later STRING) WITH ('connector' = 'kafka', 'topic' = "
        "'porders', 'format' = 'protobuf-confluent');"
        "CREATE TABLE pnoted (id INT NOT NULL, note STRING, m MAP<STRING, INT>) WITH ('connector' = 'kafka', 'topic' = 'pnoted', "
        "'format' = 'protobuf-confluent'); INSERT INTO pnoted SELECT CAST(id AS INT), note, MAP['k', 1] FROM porders")
    rows = sql('SELECT id, note, n, later FROM porders ORDER BY id')
    check('messages of a nested type are rows', rows ==
          [[i, 'n%d' % i if i % 2 else None, list(range(i % 3)) or None, None] for i in range(10)], rows)
    check('a new field may come', client.test_compatibility('porders-value', Schema(
        'syntax="proto3"; package shop; message Other{} message Outer{message First{} message Order{int32 id=1;'
        'optional string note=2; repeated int64 n=3; bool b=4;}}', 'PROTOBUF')))
    check('a type may not change', not client.test_compatibility('porders-value', Schema(
        'syntax="proto3"; package shop; message Other{} message Outer{message First{} message Order{string id=1;}}', 'PROTOBUF')))


PERSON = json.dumps({'$schema': 'http://json-schema.org/draft-07/schema#', 'title': 'person', 'type': 'object', 'properties': {
    'id': {'type': 'integer'}, 'note': {'type': 'string'}}, 'required': ['id'], 'additionalProperties': False})


def json_schema():
    serializer = JSONSerializer(PERSON, client)
    producer = Producer({'bootstrap.servers': broker})
    for i in range(10):
        producer.produce('jorders', serializer({'id': i, 'note': 'n%d' % i} if i % 2 else {'id': i},
                                               SerializationContext('jorders', MessageField.VALUE)))
    check('10 objects produced', producer.flush(30) == 0)
    sql("CREATE TABLE jorders (id BIGINT, note STRING) WITH ('connector' = 'kafka', 'topic' = 'jorders', 'format' = 'json-schema');"
        "CREATE TABLE jnoted (id BIGINT NOT NULL, note STRING, l ARRAY<DOUBLE>) WITH ('connector' = 'kafka', 'topic' = 'jnoted', "
        "'format' = 'json-schema'); INSERT INTO jnoted SELECT id, note, ARRAY[CAST(0.5 AS DOUBLE)] FROM jorders")
    rows = sql('SELECT id, note FROM jorders ORDER BY id')
    check('objects are rows', rows == [[i, 'n%d' % i if i % 2 else None] for i in range(10)], rows)
    more = json.loads(PERSON)
    more['properties']['age'] = {'type': 'integer'}
    check('a closed schema may grow', client.test_compatibility('jorders-value', Schema(json.dumps(more), 'JSON')))
    more['required'].append('age')
    check('not by what is required', not client.test_compatibility('jorders-value', Schema(json.dumps(more), 'JSON')))


def others_are_read():
    record = message_class('Record', [('id', INT32, ''), ('note', STRING, 'optional')])
    rows = consume('pnoted', 10, ProtobufDeserializer(record, RULES, client), lambda row: row.id)
    check('messages that a query wrote are read', [(r.id, r.note, r.HasField('note')) for r in rows] ==
          [(i, 'n%d' % i if i % 2 else '', bool(i % 2)) for i in range(10)], rows)
    rows = consume('jnoted', 10, JSONDeserializer(None, schema_registry_client=client))
    check('objects that a query wrote are read, and valid', rows ==
          [{'id': i, 'note': 'n%d' % i if i % 2 else None, 'l': [0.5]} for i in range(10)], rows)


def noted_are_read():
    rows = consume('noted', 21)
    check('what a query wrote is read', [(r['id'], r['note'], r['price']) for r in rows] ==
          [(i, 'n%d' % i if i % 2 and i < 20 else None, Decimal(i) / 4) for i in range(21)], rows)
    check('with its logical types', rows[0]['at'].isoformat() == '2020-01-01T00:00:00.250000+00:00', rows[0])


def produce(topic, schema, rows):
    serializer = AvroSerializer(client, schema)
    producer = Producer({'bootstrap.servers': broker})
    for row in rows:
        producer.produce(topic, serializer(row, SerializationContext(topic, MessageField.VALUE)))
    check('%d records produced' % len(rows), producer.flush(30) == 0)


def after():
    check('the level stands', client.get_compatibility('orders-value') == 'FORWARD')
    check('the versions stand', client.get_versions('orders-value') == [1, 2])
    rows = consume('orders', 21)
    check('21 records are read by their schemas', rows == [{'id': i, 'note': 'n%d' % i if i % 2 else None} for i in range(20)] + [{'id': 20}], rows)
    noted_are_read()
    others_are_read()
    check('its schema has one version', client.get_versions('noted-value') == [1])
    check('delete_version', client.delete_version('orders-value', 1) == 1)
    check('delete_subject', client.delete_subject('orders-value') == [2])
    check('delete_subject for good', client.delete_subject('orders-value', permanent=True) == [1, 2])
    check('its schema is kept', error_of(lambda: SchemaRegistryClient({'url': url}).get_latest_version('orders-value')) == (404, 40401))


(before if when == 'before' else after)()
print('%d passed, %d failed' % (passed, failed))
sys.exit(1 if failed else 0)
