# Lookup joins. Flink's side has a connector of ours that can be looked up ('looked-up'); here the same file is read.
/* data o.json
{"id":1,"k":"a","n":1}
{"id":2,"k":"b","n":2}
{"id":3,"k":null,"n":3}
{"id":4,"k":"z","n":null}
{"id":5,"k":"a","n":2}
{"id":5,"k":"a","n":2}
*/
/* data s.csv
a,1,one
a,2,two
b,2,zwei
c,3,drei
,4,none
b,,vide
*/
CREATE TABLE o (id INT, k STRING, n INT, p AS PROCTIME()) WITH ('connector' = 'filesystem', 'path' = '$DIR/o.json', 'format' = 'json');
CREATE TABLE s (k STRING, n INT, v STRING) WITH ('connector' = 'looked-up', 'path' = '$DIR/s.csv');
CREATE TABLE t (a STRING, b INT, c STRING) WITH ('connector' = 'looked-up', 'path' = '$DIR/s.csv');
CREATE VIEW timed AS SELECT *, PROCTIME() AS q FROM o;

SELECT o.id, s.n, s.v FROM o JOIN s FOR SYSTEM_TIME AS OF o.p ON o.k = s.k;
SELECT o.id, s.n, s.v FROM o LEFT JOIN s FOR SYSTEM_TIME AS OF o.p ON o.k = s.k;
SELECT o.id, x.v FROM o LEFT JOIN s FOR SYSTEM_TIME AS OF o.p AS x ON o.k = x.k AND o.n = x.n;
SELECT o.id, x.v FROM o LEFT JOIN s FOR SYSTEM_TIME AS OF o.p AS x ON o.k = x.k AND x.n > 1;
SELECT o.id, x.v FROM o LEFT JOIN s FOR SYSTEM_TIME AS OF o.p AS x ON o.k = x.k AND o.n < x.n;
SELECT o.id, x.v FROM o LEFT JOIN s FOR SYSTEM_TIME AS OF o.p AS x ON o.k = x.k AND o.n > 1;
SELECT o.id, x.v FROM o LEFT JOIN s FOR SYSTEM_TIME AS OF o.p AS x ON o.k = x.k WHERE x.n > 1;
SELECT o.id, x.v FROM o LEFT JOIN s FOR SYSTEM_TIME AS OF o.p AS x ON o.k = x.k WHERE x.k IS NULL;
SELECT o.id, x.v FROM o JOIN s FOR SYSTEM_TIME AS OF o.p AS x ON o.k = x.k AND x.v = 'two';
SELECT o.id, x.v FROM o JOIN s FOR SYSTEM_TIME AS OF o.p AS x ON o.k = x.k WHERE o.n = 2;
SELECT o.id, x.v FROM o JOIN s FOR SYSTEM_TIME AS OF o.p AS x ON UPPER(o.k) = UPPER(x.k) AND o.n = x.n;
SELECT o.id, x.v FROM o JOIN s FOR SYSTEM_TIME AS OF o.p AS x ON o.n + 1 = x.n;
SELECT o.id, x.v FROM o JOIN s FOR SYSTEM_TIME AS OF o.p AS x ON x.n = 2 AND x.k = o.k;
SELECT o.id, x.v FROM timed o JOIN s FOR SYSTEM_TIME AS OF o.q AS x ON o.k = x.k;
SELECT o.id, x.v FROM (SELECT *, PROCTIME() AS q FROM o) AS o JOIN s FOR SYSTEM_TIME AS OF o.q AS x ON o.k = x.k;
SELECT o.id, x.v, t.c FROM o LEFT JOIN s FOR SYSTEM_TIME AS OF o.p AS x ON o.k = x.k AND o.n = x.n LEFT JOIN t FOR SYSTEM_TIME AS OF o.p ON x.n = t.b;
SELECT x.v, COUNT(*) FROM o LEFT JOIN s FOR SYSTEM_TIME AS OF o.p AS x ON o.k = x.k GROUP BY x.v;
SELECT c.k, c.c, x.v FROM (SELECT k, COUNT(*) AS c, PROCTIME() AS q FROM o GROUP BY k) AS c JOIN s FOR SYSTEM_TIME AS OF c.q AS x ON c.k = x.k AND x.n = 2;
-- refused
SELECT o.id, x.v FROM o JOIN s FOR SYSTEM_TIME AS OF o.p AS x ON o.n > x.n;
-- refused
SELECT o.id, x.v FROM o JOIN s FOR SYSTEM_TIME AS OF o.p AS x ON TRUE;
-- refused
SELECT o.id, x.v FROM o RIGHT JOIN s FOR SYSTEM_TIME AS OF o.p AS x ON o.k = x.k;
-- refused
SELECT o.id, x.v FROM o FULL JOIN s FOR SYSTEM_TIME AS OF o.p AS x ON o.k = x.k;
-- refused
SELECT o.id, x.v FROM o JOIN s FOR SYSTEM_TIME AS OF o.n AS x ON o.k = x.k;
# The hint. What is kept here is not asked again: that is refused, and by Flink taken.
SELECT /*+ LOOKUP('table' = 'x') */ o.id, x.v FROM o LEFT JOIN s FOR SYSTEM_TIME AS OF o.p AS x ON o.k = x.k;
SELECT /*+ LOOKUP('table' = 'x', 'async' = 'true', 'output-mode' = 'allow_unordered', 'capacity' = '10', 'timeout' = '10 s', 'shuffle' = 'true') */ o.id, x.v FROM o LEFT JOIN s FOR SYSTEM_TIME AS OF o.p AS x ON o.k = x.k;
SELECT /*+ LOOKUP('table' = 'x', 'async' = 'FALSE', 'output-mode' = 'ORDERED') */ o.id, x.v FROM o LEFT JOIN s FOR SYSTEM_TIME AS OF o.p AS x ON o.k = x.k;
SELECT /*+ LOOKUP('table' = 'o', 'table' = 'x', 'timeout' = '500') */ o.id, x.v FROM o LEFT JOIN s FOR SYSTEM_TIME AS OF o.p AS x ON o.k = x.k;
SELECT /*+ LOOKUP('table' = 's', 'async' = 'true') */ o.id, s.v FROM o LEFT JOIN s FOR SYSTEM_TIME AS OF o.p ON o.k = s.k;
SELECT /*+ STATE_TTL('o' = '1 d'), LOOKUP('table' = 'x') */ o.id, x.v FROM o LEFT JOIN s FOR SYSTEM_TIME AS OF o.p AS x ON o.k = x.k;
-- refused
SELECT /*+ LOOKUP('table' = 's') */ o.id, x.v FROM o LEFT JOIN s FOR SYSTEM_TIME AS OF o.p AS x ON o.k = x.k;
-- refused
SELECT /*+ LOOKUP('table' = 'X') */ o.id, x.v FROM o LEFT JOIN s FOR SYSTEM_TIME AS OF o.p AS x ON o.k = x.k;
-- refused
SELECT /*+ LOOKUP('table' = 'o') */ o.id, x.v FROM o LEFT JOIN s FOR SYSTEM_TIME AS OF o.p AS x ON o.k = x.k;
-- refused
SELECT /*+ LOOKUP('table' = 'nothing') */ o.id, x.v FROM o LEFT JOIN s FOR SYSTEM_TIME AS OF o.p AS x ON o.k = x.k;
-- refused
SELECT /*+ LOOKUP() */ o.id, x.v FROM o LEFT JOIN s FOR SYSTEM_TIME AS OF o.p AS x ON o.k = x.k;
-- refused
SELECT /*+ LOOKUP(s) */ o.id, x.v FROM o LEFT JOIN s FOR SYSTEM_TIME AS OF o.p AS x ON o.k = x.k;
-- refused
SELECT /*+ LOOKUP('async' = 'true') */ o.id, x.v FROM o LEFT JOIN s FOR SYSTEM_TIME AS OF o.p AS x ON o.k = x.k;
-- refused
SELECT /*+ LOOKUP('table' = 'x', 'async' = 'maybe') */ o.id, x.v FROM o LEFT JOIN s FOR SYSTEM_TIME AS OF o.p AS x ON o.k = x.k;
-- refused
SELECT /*+ LOOKUP('table' = 'x', 'output-mode' = 'random') */ o.id, x.v FROM o LEFT JOIN s FOR SYSTEM_TIME AS OF o.p AS x ON o.k = x.k;
-- refused
SELECT /*+ LOOKUP('table' = 'x', 'output-mode' = 'allow-unordered') */ o.id, x.v FROM o LEFT JOIN s FOR SYSTEM_TIME AS OF o.p AS x ON o.k = x.k;
-- refused
SELECT /*+ LOOKUP('table' = 'x', 'async' = 'true', 'capacity' = '0') */ o.id, x.v FROM o LEFT JOIN s FOR SYSTEM_TIME AS OF o.p AS x ON o.k = x.k;
-- refused
SELECT /*+ LOOKUP('table' = 'x', 'async' = 'true', 'capacity' = 'many') */ o.id, x.v FROM o LEFT JOIN s FOR SYSTEM_TIME AS OF o.p AS x ON o.k = x.k;
-- refused
SELECT /*+ LOOKUP('table' = 'x', 'timeout' = 'later') */ o.id, x.v FROM o LEFT JOIN s FOR SYSTEM_TIME AS OF o.p AS x ON o.k = x.k;
-- refused
SELECT /*+ LOOKUP('table' = 'x', 'shuffle' = 'perhaps') */ o.id, x.v FROM o LEFT JOIN s FOR SYSTEM_TIME AS OF o.p AS x ON o.k = x.k;
-- refused
SELECT /*+ LOOKUP('table' = 'x', 'max-attempts' = '2') */ o.id, x.v FROM o LEFT JOIN s FOR SYSTEM_TIME AS OF o.p AS x ON o.k = x.k;
-- refused
SELECT /*+ LOOKUP('table' = 'x', 'retry-predicate' = 'lookup_miss', 'retry-strategy' = 'fixed_delay', 'fixed-delay' = '10 ms') */ o.id, x.v FROM o LEFT JOIN s FOR SYSTEM_TIME AS OF o.p AS x ON o.k = x.k;
-- refused
SELECT /*+ LOOKUP('table' = 'x', 'retry-predicate' = 'other', 'retry-strategy' = 'fixed_delay', 'fixed-delay' = '10 ms', 'max-attempts' = '2') */ o.id, x.v FROM o LEFT JOIN s FOR SYSTEM_TIME AS OF o.p AS x ON o.k = x.k;
-- refused
SELECT /*+ LOOKUP('table' = 'x', 'retry-predicate' = 'lookup_miss', 'retry-strategy' = 'fixed-delay', 'fixed-delay' = '10 ms', 'max-attempts' = '2') */ o.id, x.v FROM o LEFT JOIN s FOR SYSTEM_TIME AS OF o.p AS x ON o.k = x.k;
-- refused
SELECT /*+ LOOKUP('table' = 'x', 'retry-predicate' = 'lookup_miss', 'retry-strategy' = 'fixed_delay', 'fixed-delay' = '10 ms', 'max-attempts' = '0') */ o.id, x.v FROM o LEFT JOIN s FOR SYSTEM_TIME AS OF o.p AS x ON o.k = x.k;
-- refused
SELECT /*+ LOOKUP('table' = 'x') LOOKUP('table' = 'x') */ o.id, x.v FROM o LEFT JOIN s FOR SYSTEM_TIME AS OF o.p AS x ON o.k = x.k;
-- differs: an option that is none
SELECT /*+ LOOKUP('table' = 'x', 'other' = '1') */ o.id, x.v FROM o LEFT JOIN s FOR SYSTEM_TIME AS OF o.p AS x ON o.k = x.k;
-- differs: asking again what is kept here
SELECT /*+ LOOKUP('table' = 'x', 'retry-predicate' = 'LOOKUP_MISS', 'retry-strategy' = 'fixed_delay', 'fixed-delay' = '10 ms', 'max-attempts' = '2') */ o.id, x.v FROM o LEFT JOIN s FOR SYSTEM_TIME AS OF o.p AS x ON o.k = x.k;
