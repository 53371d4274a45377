"""Makes build/gen/wire/kafka/messages.{h,c} from messages.txt: python3 gen_messages.py TABLE DIR

For each message a C struct (struct kafka_<api>_req and _res, nested ones with their type's name
appended) and a table of its fields that codec.c walks. The table's notation is at its top.
Standard library only.
"""
import os
import re
import sys

SCALARS = {'bool': 'bool', 'i8': 'int8_t', 'i16': 'int16_t', 'u16': 'uint16_t', 'i32': 'int32_t',
           'i64': 'int64_t', 'string': 'struct bytes', 'bytes': 'struct bytes',
           'records': 'struct bytes', 'f64': 'double'}
OPEN = 127  # the last version of "4+"


class Struct:
    def __init__(self, name):
        self.name, self.fields = name, []


class Field:
    pass


class Api:
    pass


def versions(text):
    if text.endswith('+'):
        return int(text[:-1]), OPEN
    first, _, last = text.partition('-')
    return int(first), int(last or first)


def field(words, where):
    f = Field()
    f.name, f.type = words[0], words[1]
    f.first, f.last = versions(words[2])
    f.array = f.type.startswith('[]')
    f.type = f.type[2:] if f.array else f.type
    f.null, f.tag, f.default, f.struct = (1, 0), -1, 0, None
    for w in words[3:]:
        key, _, value = w.partition('=')
        if key == 'null':
            f.null = versions(value)
        elif key == 'tag':
            f.tag = int(value)
        elif key == 'default':
            f.default = 0 if value == 'null' else int(value)
        else:
            sys.exit('%s: unknown %s' % (where, w))
    return f


def parse(path):
    apis, stack = [], []
    for number, line in enumerate(open(path), 1):
        words, where = line.split('#')[0].split(), '%s:%d' % (path, number)
        if not words:
            continue
        depth = len(line) - len(line.lstrip(' '))
        if words[0] == 'api':
            api = Api()
            api.key, api.name = int(words[1]), words[2]
            api.first, api.last = versions(words[3])
            flexible = words[4].partition('=')[2]
            api.flexible = OPEN if flexible == 'none' else int(flexible)
            apis.append(api)
        elif depth == 1:
            root = Struct('kafka_%s_%s' % (api.name, {'request': 'req', 'response': 'res'}[words[0]]))
            setattr(api, words[0], root)
            stack = [(0, root)]
        else:
            while stack[-1][0] >= depth:
                stack.pop()
            f = field(words, where)
            stack[-1][1].fields.append(f)
            if f.type not in SCALARS and f.type != 'uuid':
                f.struct = Struct('%s_%s' % (root.name, f.type))
                stack.append((depth, f.struct))
            elif f.type == 'records' and f.tag >= 0:
                sys.exit('%s: records cannot be tagged' % where)
    return apis


def nested(s):
    """Inner structs first."""
    out = []
    for f in s.fields:
        if f.struct:
            out += nested(f.struct)
    return out + [s]


def member(f):
    kind = 'struct ' + f.struct.name if f.struct else SCALARS.get(f.type)
    if f.array:
        return 'struct { %s *at; int32_t count; } %s;' % (kind or 'uint8_t', f.name)
    if f.struct and f.null[0] <= f.null[1]:
        return '%s *%s;' % (kind, f.name)  # NULL: null
    return 'uint8_t %s[16];' % f.name if f.type == 'uuid' else '%s %s;' % (kind, f.name)


def header(apis):
    o = ['/* Made by gen_messages.py from messages.txt; see codec.h for how it is used. */',
         '#ifndef QW_GEN_KAFKA_MESSAGES_H', '#define QW_GEN_KAFKA_MESSAGES_H', '',
         '#include "wire/kafka/codec.h"', '', 'enum kafka_api_key {']
    o += ['    KAFKA_%s = %d,' % (a.name.upper(), a.key) for a in apis]
    o += ['};', '']
    for a in apis:
        for root in (a.request, a.response):
            for s in nested(root):
                o += ['struct %s {' % s.name] + ['    ' + member(f) for f in s.fields] + ['};']
                o.append('extern const struct kafka_struct %s_type;' % s.name)
                if s is root:
                    o += ['static inline void %s_init(struct %s *m)' % (s.name, s.name),
                          '{', '    kafka_init(&%s_type, m);' % s.name, '}']
                else:
                    o += ['static inline struct %s *%s_new(struct arena *arena, int32_t count)'
                          % (s.name, s.name), '{',
                          '    return kafka_items(&%s_type, arena, count);' % s.name, '}']
                o.append('')
    return o + ['#endif', '']


def row(f, s):
    kind = 'STRUCT' if f.struct else {'f64': 'I64'}.get(f.type, f.type.upper())  # the same eight bytes
    parts = ['"%s"' % f.name, 'offsetof(struct %s, %s)' % (s.name, f.name), 'KAFKA_TYPE_' + kind,
             'true' if f.array else 'false', str(f.first), str(f.last), str(f.null[0]),
             str(f.null[1]), str(f.tag), '%dLL' % f.default,
             '&%s_type' % f.struct.name if f.struct else 'NULL']
    return '    {%s},' % ', '.join(parts).replace('-9223372036854775808LL', 'INT64_MIN')


def source(apis):
    o = ['/* Made by gen_messages.py from messages.txt. */', '#include "wire/kafka/messages.h"', '']
    for a in apis:
        for root in (a.request, a.response):
            for s in nested(root):
                o += ['static const struct kafka_field %s_fields[] = {' % s.name]
                o += [row(f, s) for f in s.fields] + ['};']
                o += ['const struct kafka_struct %s_type = {"%s", sizeof(struct %s), %d, %d, %s_fields};'
                      % (s.name, s.name, s.name, len(s.fields), a.flexible, s.name), '']
    o.append('const struct kafka_api kafka_apis[] = {')
    for a in apis:
        o.append('    {%d, "%s", %d, %d, %d, &%s_type, &%s_type},' % (
            a.key, re.sub('_', '', a.name.title()), a.first, a.last, a.flexible, a.request.name,
            a.response.name))
    return o + ['};', 'const int kafka_apis_count = %d;' % len(apis), '']


def write(path, lines):
    """Whole or not at all: two builds may run at once."""
    part = '%s.%d' % (path, os.getpid())
    with open(part, 'w') as f:
        f.write('\n'.join(lines))
    os.rename(part, path)


def main():
    apis = parse(sys.argv[1])
    write(os.path.join(sys.argv[2], 'messages.c'), source(apis))
    write(os.path.join(sys.argv[2], 'messages.h'), header(apis))


if __name__ == '__main__':
    main()
