/* data a.csv
1,x,10
2,y,20
3,x,
4,,40
*/
/* data b.json
{"id":1,"k":"x","v":10}
{"id":5,"k":"w","v":50}
{"id":2,"k":"y","v":21}
*/
CREATE TABLE a (id INT, k STRING, v INT) WITH ('connector' = 'filesystem', 'path' = '$DIR/a.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE b (id INT, k STRING, v INT) WITH ('connector' = 'filesystem', 'path' = '$DIR/b.json', 'format' = 'json');
CREATE VIEW both_of AS SELECT * FROM a UNION ALL SELECT * FROM b;
CREATE VIEW sums (k, total, n) AS SELECT k, SUM(v), COUNT(*) FROM both_of GROUP BY k;
CREATE VIEW big AS SELECT k, total FROM sums WHERE total > 20;
CREATE TEMPORARY VIEW named AS SELECT id AS `the id`, k AS `order` FROM a;

SELECT * FROM a;
SELECT * FROM both_of;
SELECT * FROM sums;
SELECT * FROM big;
SELECT MAX(total), COUNT(*) FROM big;
SELECT s.k, s.n, big.total FROM sums s LEFT JOIN big ON s.k = big.k;
SELECT `the id`, `order` FROM named;
SELECT id, v FROM a UNION SELECT id, v FROM b;
SELECT k FROM a UNION SELECT k FROM b;
SELECT id, v FROM a UNION ALL SELECT id, v FROM b UNION ALL SELECT id, v FROM a;
SELECT id, CAST(v AS BIGINT) FROM a UNION ALL SELECT id, v FROM b;
SELECT 'a', id FROM a UNION ALL SELECT 'bcd', id FROM b;
SELECT k, COUNT(*) FROM (SELECT k FROM a UNION ALL SELECT k FROM b) GROUP BY k;
(SELECT id FROM a WHERE id < 3) UNION ALL (SELECT id FROM b WHERE id > 3);
WITH x AS (SELECT id, v FROM a WHERE v IS NOT NULL), y AS (SELECT id, v * 2 AS w FROM x) SELECT x.id, x.v, y.w FROM x JOIN y ON x.id = y.id;
WITH x (p, q) AS (SELECT id, k FROM a) SELECT q, COUNT(p) FROM x GROUP BY q;
SELECT * FROM (VALUES (1, 'a'), (2, 'b')) AS v (n, s);
SELECT n + 1, s FROM (VALUES (1, 'a'), (2, CAST(NULL AS STRING))) AS v (n, s) WHERE n > 1;
VALUES (1, 'a', 1.5), (2, 'b', 2.25);
SELECT t.* FROM a AS t WHERE t.v > 10;
SELECT a.id, b.v FROM a, b WHERE a.id = b.id AND a.v <> b.v;
SELECT id, v FROM a WHERE v > 10 AND k IS NOT NULL OR id = 3;
SELECT id, v FROM a WHERE NOT (v > 10);
SELECT id FROM a WHERE k IN ('x', 'y') AND v BETWEEN 5 AND 15;
SELECT DISTINCT k FROM both_of WHERE k IS NOT NULL;
SELECT id AS x, v AS y FROM a WHERE id > 1;
SELECT 1 AS `one`, 'x' AS letter;
SELECT id, (v + 1) * 2 AS z, -v AS m FROM a;
SELECT k, SUM(v) AS s FROM /* a comment */ a -- and another
GROUP BY k;
SELECT a.* FROM a LEFT JOIN b ON a.id = b.id WHERE b.id IS NULL;
SELECT id FROM a /*+ OPTIONS('csv.ignore-parse-errors' = 'true') */;
-- refused
SELECT id FROM a UNION ALL SELECT id, v FROM b;
-- refused
SELECT id FROM a UNION ALL SELECT k FROM b;
-- refused
SELECT nope FROM a;
-- refused
SELECT id FROM nope;
-- refused
SELECT a.id FROM a AS t;
-- refused
SELECT ID FROM a;
-- refused
CREATE VIEW both_of AS SELECT 1;
-- refused
CREATE TABLE a (id INT) WITH ('connector' = 'print');
-- refused
SELECT id FROM a WHERE v;
-- refused
SELECT id, FROM a;
-- refused
SELECT FROM a;
-- refused
DROP TABLE nope;
-- refused
DROP VIEW a;
