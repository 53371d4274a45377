"""Records between a real Flink and ours: flink_formats.py --oracle 'java …' BROKER URL

Flink writes a topic that we read, and reads one that we wrote; schemas are in our registry. The rows must be the same.
"""
import argparse
import json
import subprocess
import sys
import urllib.request

parser = argparse.ArgumentParser()
parser.add_argument('--oracle')
parser.add_argument('broker')
parser.add_argument('url')
args = parser.parse_args()
passed = failed = 0
oracle = subprocess.Popen(args.oracle.split(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
oracle.stdout.readline()  # it is ready


def check(name, ok, got=''):
    global passed, failed
    print(('ok ' if ok else 'FAILED ') + name + ('' if ok else ': %s' % (got,)), flush=True)
    passed, failed = passed + bool(ok), failed + (not ok)


def flink(*statements):
    oracle.stdin.write(json.dumps({'statements': [{'sql': s, 'alone': False} for s in statements]}) + '\n')
    oracle.stdin.flush()
    answers = json.loads(oracle.stdout.readline())['answers']
    for a in answers:
        if not a['ok']:
            check('Flink takes the statement', False, a)
    return [a.get('lines', []) for a in answers]


def ours(text):
    request = urllib.request.Request(args.url + '/v1/sql', data=text.encode(), headers={'Content-Type': 'text/plain'})
    try:
        answer = json.load(urllib.request.urlopen(request, timeout=60))
    except urllib.error.HTTPError as e:
        answer = json.load(e)
    if 'error' in answer:
        check('ours takes the statement', False, (text, answer['error']))
        return []
    return answer['results'][-1].get('rows', [])


def registered(subject):
    try:
        return json.load(urllib.request.urlopen('%s/subjects/%s/versions/latest' % (args.url, subject), timeout=20))
    except urllib.error.HTTPError as e:
        return {'id': -1, 'schema': e.read()}


COLUMNS = ('b BOOLEAN, t TINYINT, i INT NOT NULL, l BIGINT, f FLOAT, d DOUBLE, e DECIMAL(10, 2), s STRING, y BYTES, '
           'a DATE, m TIME(3), w TIMESTAMP(3), r ROW<x INT, z ROW<q STRING>>, v ARRAY<STRING>, p MAP<STRING, BIGINT>')
TEXTS = ('CAST(b AS STRING), CAST(t AS STRING), CAST(i AS STRING), CAST(l AS STRING), CAST(f AS STRING), CAST(d AS STRING), '
         'CAST(e AS STRING), s, CAST(y AS STRING), CAST(a AS STRING), SUBSTRING(CAST(m AS STRING), 1, 8), CAST(w AS STRING), '
         'CAST(r.x AS STRING), r.z.q, v[1], CAST(CARDINALITY(v) AS STRING), CAST(p[\'k\'] AS STRING)')
VALUES = ("SELECT TRUE, CAST(-3 AS TINYINT), 7, CAST(-9000000000 AS BIGINT), CAST(1.5 AS FLOAT), CAST(-2.25E0 AS DOUBLE), "
          "CAST(-12345.67 AS DECIMAL(10, 2)), 'Grüße', CAST('raw' AS BYTES), DATE '1969-12-31', TIME '01:02:03', "
          "TIMESTAMP '2020-02-29 12:34:56.789', ROW(5, ROW('in')), ARRAY['one', 'two'], MAP['k', CAST(8 AS BIGINT)]")
NULLS = ("SELECT CAST(NULL AS BOOLEAN), CAST(NULL AS TINYINT), 8, CAST(NULL AS BIGINT), CAST(NULL AS FLOAT), "
         "CAST(NULL AS DOUBLE), CAST(NULL AS DECIMAL(10, 2)), CAST(NULL AS STRING), CAST(NULL AS BYTES), CAST(NULL AS DATE), "
         "CAST(NULL AS TIME(3)), CAST(NULL AS TIMESTAMP(3)), CAST(NULL AS ROW<x INT, z ROW<q STRING>>), "
         "CAST(NULL AS ARRAY<STRING>), CAST(NULL AS MAP<STRING, BIGINT>)")


def cut(rows):
    """Rows of either side as lists of text; None is NULL."""
    return sorted([[None if c is None else str(c) for c in row] for row in rows], key=str)


def flink_rows(lines):
    """'+I[a, NULL]': the texts have no comma."""
    return cut([[None if c in ('null', 'NULL', '<NULL>') else c for c in line[line.index('[') + 1:-1].split(', ')] for line in lines])


def tables(topic, columns, options):
    there = ("CREATE TABLE %s (%s) WITH ('connector' = 'kafka', 'topic' = '%s', 'properties.bootstrap.servers' = '%s', "
             "'properties.group.id' = 'g', 'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset', %s)"
             % (topic, columns, topic, args.broker, options.replace('URL', args.url)))
    here = ("CREATE TABLE %s (%s) WITH ('connector' = 'kafka', 'topic' = '%s', 'scan.startup.mode' = 'earliest-offset', %s)"
            % (topic, columns, topic, options.replace("'avro-confluent.url' = 'URL', ", '')))
    return there, here


class Both:
    """One table that Flink fills and one that we fill, of the same columns, each read by both."""

    def __init__(self, kind, columns, texts, rows, options):
        self.kind, self.rows = kind, len(rows)
        self.theirs, self.ours = tables(kind + '_flink', columns, options), tables(kind + '_ours', columns, options)
        self.insert = 'INSERT INTO %%s %s' % ' UNION ALL '.join(rows)
        self.read = 'SELECT %s FROM %%s' % texts

    def inserts(self):
        return self.insert % (self.kind + '_flink')

    def fill(self):
        ours(self.theirs[1] + ';' + self.ours[1] + ';' + self.insert % (self.kind + '_ours'))

    def reads(self):
        return [self.read % (self.kind + '_flink'), self.read % (self.kind + '_ours')]

    def compare(self, answers):
        for sql, lines, what in zip(self.reads(), answers, ('what Flink writes is read here as there', 'what we write is read there as here')):
            mine, theirs = cut(ours(sql)), flink_rows(lines)
            check('%s: %s' % (self.kind, what), mine == theirs and len(mine) == self.rows, (mine, theirs))


both = [Both('avro', COLUMNS, TEXTS, [VALUES, NULLS], "'format' = 'avro-confluent', 'avro-confluent.url' = 'URL', 'sink.parallelism' = '1'")]
# a schema that has changed: each reads with its older table what the other wrote by the newer
there, here = tables('evolved', 'i INT, n STRING', "'format' = 'avro-confluent', 'avro-confluent.url' = 'URL', 'sink.parallelism' = '1'")
inserts = [b.inserts() for b in both] + ["INSERT INTO evolved SELECT 1, 'x'"]
flink(*[b.theirs[0] for b in both], there, 'EXECUTE STATEMENT SET BEGIN %s; END' % '; '.join(inserts))
for b in both:
    b.fill()
ours(here.replace(', n STRING', ', n STRING, more DOUBLE') + "; INSERT INTO evolved VALUES (2, 'y', 1.5)")
reads = [sql for b in both for sql in b.reads()] + ['SELECT i, n FROM evolved']
answers = flink(*[t for b in both for t in (b.theirs[0], b.ours[0])], there, *reads)[-len(reads):]
for i, b in enumerate(both):
    b.compare(answers[2 * i:2 * i + 2])
a, b = registered('avro_flink-value'), registered('avro_ours-value')
check('Flink and ours register the same schema', a['id'] == b['id'] > 0, (a, b))
check('an added field is NULL in what was written without', cut(ours('SELECT i, n, more FROM evolved')) ==
      [['1', 'x', None], ['2', 'y', '1.5']])
check('and is passed over by a reader without', flink_rows(answers[-1]) == [['1', 'x'], ['2', 'y']], answers[-1])

oracle.stdin.close()
oracle.kill()
print('%d passed, %d failed' % (passed, failed))
sys.exit(1 if failed else 0)
