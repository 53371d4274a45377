"""Holds src/wire/kafka/messages.txt against message schemas published with another Kafka client.

python3 kafka_schemas.py MESSAGES.txt DIR    DIR has ProduceRequest.json and so on

For every API of our table: each field's name, order, type, versions, nullability, tag and default
must be those of the schema, within the versions that both know. Prints what differs and, last,
'N passed, N failed'; a message is one check.
"""
import json
import os
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../src/wire/kafka'))
import gen_messages as table  # noqa: E402

TYPES = {'int8': 'i8', 'int16': 'i16', 'int32': 'i32', 'int64': 'i64', 'uint16': 'u16', 'float64': 'f64'}


def load(path):
    return json.loads(re.sub(r'(?m)^\s*//.*$', '', open(path).read()))


def plain(name):
    return name.replace('_', '').lower()


def clip(span, low, high):
    """What of a range of versions lies in those that are compared; None: nothing."""
    span = max(span[0], low), min(span[1], high)
    return span if span[0] <= span[1] else None


def default_of(f):
    value = str(f.get('default', '0'))
    if value in ('null', '', 'false', 'False'):
        return 0
    return 1 if value.lower() == 'true' else int(value, 0)


def theirs(f, commons, low, high):
    kind = f['type'].removeprefix('[]')
    sub = f.get('fields') or commons.get(kind)
    tag = f.get('tag', -1)
    null = f.get('nullableVersions')
    return {'name': plain(f['name']), 'type': 'struct' if sub else TYPES.get(kind, kind),
            'array': f['type'].startswith('[]'), 'versions': clip(table.versions(f['versions']), low, high),
            'null': clip(table.versions(null), low, high) if null else None, 'tag': tag,
            'default': default_of(f)}, sub


def ours(f, low, high):
    return {'name': plain(f.name), 'type': 'struct' if f.struct else f.type, 'array': f.array,
            'versions': clip((f.first, f.last), low, high), 'null': clip(f.null, low, high),
            'tag': f.tag, 'default': f.default}


def narrow(d):
    """Nullability counts only in versions that have the field."""
    if d['null'] and d['versions']:
        d['null'] = clip(d['null'], *d['versions'])
    return d


def compare(path, mine, them, commons, low, high, bad):
    a = [(narrow(ours(f, low, high)), f) for f in mine]
    b = [(narrow(theirs(f, commons, low, high)[0]), f) for f in them]
    a = [(d, f) for d, f in a if d['versions']]
    b = [(d, f) for d, f in b if d['versions']]
    if [d['name'] for d, _ in a] != [d['name'] for d, _ in b]:
        bad.append('%s: fields %s, schema %s' % (path, [d['name'] for d, _ in a], [d['name'] for d, _ in b]))
        return
    for (x, f), (y, g) in zip(a, b):
        where = '%s.%s' % (path, f.name)
        bad += ['%s: %s %s, schema %s' % (where, k, x[k], y[k]) for k in x if x[k] != y[k]]
        if f.struct and x['type'] == y['type']:
            sub = theirs(g, commons, low, high)[1]
            compare(where, f.struct.fields, sub, commons, *x['versions'], bad)


def main():
    passed = failed = 0
    for api in table.parse(sys.argv[1]):
        for kind in ('Request', 'Response'):
            name = ''.join(w.capitalize() for w in api.name.split('_')) + kind
            path = os.path.join(sys.argv[2], name + '.json')
            if not os.path.exists(path):
                print('not published there: ' + name)
                continue
            schema = load(path)
            first, last = table.versions(schema['validVersions'])
            low, high, bad = max(first, api.first), min(last, api.last), []
            flexible = schema['flexibleVersions']
            flexible = table.OPEN if flexible == 'none' else table.versions(flexible)[0]
            if flexible != api.flexible:
                bad.append('%s: flexible from %s, schema %s' % (name, api.flexible, flexible))
            if api.last > last or schema.get('apiKey', api.key) != api.key:
                bad.append('%s: versions or key' % name)
            commons = {c['name']: c['fields'] for c in schema.get('commonStructs', [])}
            compare(name, getattr(api, kind.lower()).fields, schema['fields'], commons, low, high, bad)
            print('\n'.join(bad) or 'ok %s %d-%d' % (name, low, high))
            passed, failed = passed + (not bad), failed + bool(bad)
    print('%d passed, %d failed' % (passed, failed))
    sys.exit(1 if failed else 0)


if __name__ == '__main__':
    main()
