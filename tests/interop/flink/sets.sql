# UNION, INTERSECT, EXCEPT, with and without ALL, on tables that grow and on ones that are updated
/* data l.json
{"k":"a","n":1}
{"k":"a","n":1}
{"k":"a","n":1}
{"k":"b","n":2}
{"k":"c","n":3}
{"k":null,"n":4}
{"k":null,"n":4}
{"k":null,"n":null}
{"k":"d","n":5}
{"k":"d","n":5}
*/
/* data r.json
{"k":"a","n":1}
{"k":"a","n":1}
{"k":"b","n":2}
{"k":"b","n":2}
{"k":"c","n":4}
{"k":null,"n":4}
{"k":null,"n":null}
{"k":"e","n":5}
*/
CREATE TABLE l (k STRING, n INT) WITH ('connector' = 'filesystem', 'path' = '$DIR/l.json', 'format' = 'json');
CREATE TABLE r (k STRING, n INT) WITH ('connector' = 'filesystem', 'path' = '$DIR/r.json', 'format' = 'json');
CREATE VIEW lc AS SELECT k, COUNT(*) AS c FROM l GROUP BY k;
CREATE VIEW rc AS SELECT k, COUNT(*) AS c FROM r GROUP BY k;

SELECT k, n FROM l UNION SELECT k, n FROM r;
SELECT k, n FROM l UNION DISTINCT SELECT k, n FROM r;
SELECT k, n FROM l UNION ALL SELECT k, n FROM r;
SELECT k, n FROM l INTERSECT SELECT k, n FROM r;
SELECT k, n FROM l INTERSECT DISTINCT SELECT k, n FROM r;
SELECT k, n FROM l INTERSECT ALL SELECT k, n FROM r;
SELECT k, n FROM l EXCEPT SELECT k, n FROM r;
SELECT k, n FROM l EXCEPT ALL SELECT k, n FROM r;
SELECT k, n FROM r EXCEPT ALL SELECT k, n FROM l;
SELECT k FROM l INTERSECT SELECT k FROM r;
SELECT k FROM l EXCEPT SELECT k FROM r;
SELECT n FROM l INTERSECT ALL SELECT n FROM r;
SELECT k, c FROM lc INTERSECT SELECT k, c FROM rc;
SELECT k, c FROM lc INTERSECT ALL SELECT k, c FROM rc;
SELECT c FROM lc INTERSECT ALL SELECT c FROM rc;
SELECT k, c FROM lc EXCEPT SELECT k, c FROM rc;
SELECT k, c FROM lc EXCEPT ALL SELECT k, c FROM rc;
SELECT c FROM lc EXCEPT SELECT c FROM rc;
SELECT c FROM lc EXCEPT ALL SELECT c FROM rc;
SELECT k, c FROM lc UNION SELECT k, c FROM rc;
SELECT c FROM lc UNION SELECT c FROM rc;
SELECT k FROM l EXCEPT SELECT k FROM r UNION SELECT 'z';
SELECT k FROM l UNION SELECT k FROM r EXCEPT SELECT 'a';
SELECT k FROM l UNION ALL SELECT k FROM r INTERSECT SELECT 'a';
SELECT k FROM l EXCEPT ALL SELECT k FROM r INTERSECT SELECT 'a';
(SELECT k FROM l EXCEPT SELECT k FROM r) EXCEPT SELECT 'd';
SELECT k FROM l EXCEPT (SELECT k FROM r EXCEPT SELECT 'a');
SELECT k, n FROM l INTERSECT SELECT k, CAST(n AS BIGINT) FROM r;
SELECT n, k FROM l EXCEPT SELECT 1.5, 'a' FROM r;
SELECT UPPER(k) AS u, n + 1 AS m FROM l INTERSECT SELECT UPPER(k), n + 1 FROM r;
-- differs: Flink leaves the column that is not read out of the comparison
SELECT COUNT(*), COUNT(k) FROM (SELECT k, n FROM l INTERSECT ALL SELECT k, n FROM r);
-- differs: Flink leaves the column that is not read out of the comparison
SELECT k, COUNT(*) FROM (SELECT k, n FROM l EXCEPT ALL SELECT k, n FROM r) GROUP BY k;
SELECT x.k, r.n FROM (SELECT k FROM l INTERSECT SELECT k FROM r) x JOIN r ON x.k = r.k;
SELECT k FROM l WHERE k IN (SELECT k FROM r EXCEPT SELECT 'a');
SELECT k FROM (SELECT k, n FROM l INTERSECT SELECT k, n FROM r) WHERE n > 1;
WITH w AS (SELECT k FROM l) SELECT k FROM w EXCEPT ALL SELECT k FROM r;
SELECT k FROM l EXCEPT VALUES ('a'), ('b');
SELECT COUNT(*) FROM (SELECT k, n FROM l EXCEPT ALL SELECT k, n FROM r);
-- refused
SELECT k FROM l INTERSECT SELECT k, n FROM r;
-- refused
SELECT k FROM l EXCEPT SELECT k, n FROM r;
-- refused
SELECT k FROM l MINUS SELECT k FROM r;
-- refused
SELECT ROW(1) FROM l INTERSECT SELECT n FROM r;
