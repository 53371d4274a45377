# Sub-queries in conditions and as values: semi and anti joins, NULLs, updates, single rows.
/* data a.json
{"id":1,"k":"x","n":10}
{"id":2,"k":"y","n":20}
{"id":3,"k":null,"n":30}
{"id":4,"k":"z","n":null}
{"id":5,"k":"x","n":50}
{"id":5,"k":"x","n":50}
*/
/* data b.json
{"k":"x","v":10}
{"k":"x","v":25}
{"k":"y","v":20}
{"k":"y","v":null}
{"k":"w","v":99}
*/
/* data c.json
{"k":"x","v":1}
{"k":null,"v":2}
{"k":"y","v":null}
*/
/* data d.json
{"id":1,"k":"x","n":10}
{"id":2,"k":"y","n":20}
{"id":1,"k":"y","n":11}
{"id":3,"k":"x","n":5}
{"id":3,"k":"q","n":6}
{"id":2,"k":"q","n":7}
*/
CREATE TABLE a (id INT, k STRING, n INT) WITH ('connector' = 'filesystem', 'path' = '$DIR/a.json', 'format' = 'json');
CREATE TABLE b (k STRING, v INT) WITH ('connector' = 'filesystem', 'path' = '$DIR/b.json', 'format' = 'json');
CREATE TABLE c (k STRING, v INT) WITH ('connector' = 'filesystem', 'path' = '$DIR/c.json', 'format' = 'json');
CREATE TABLE d (id INT, k STRING, n INT, p AS PROCTIME()) WITH ('connector' = 'filesystem', 'path' = '$DIR/d.json', 'format' = 'json');
CREATE VIEW latest AS SELECT id, k, n FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY id ORDER BY p DESC) AS rn FROM d) WHERE rn = 1;

SELECT * FROM a WHERE k IN (SELECT k FROM b);
SELECT * FROM a WHERE k NOT IN (SELECT k FROM b);
SELECT * FROM a WHERE k IN (SELECT k FROM c);
SELECT * FROM a WHERE k NOT IN (SELECT k FROM c);
SELECT * FROM a WHERE NOT (k IN (SELECT k FROM b));
SELECT * FROM a WHERE NOT k IN (SELECT k FROM c WHERE k IS NOT NULL);
SELECT * FROM a WHERE n IN (SELECT v FROM b);
SELECT * FROM a WHERE n NOT IN (SELECT v FROM b);
SELECT * FROM a WHERE n NOT IN (SELECT v FROM b WHERE v IS NOT NULL);
SELECT * FROM a WHERE n NOT IN (SELECT v FROM b WHERE v > 1000);
SELECT * FROM a WHERE k IN (SELECT k FROM b WHERE v > 1000);
SELECT * FROM a WHERE n + 5 IN (SELECT v FROM b);
SELECT * FROM a WHERE (k, n) IN (SELECT k, v FROM b);
SELECT * FROM a WHERE (k, n) NOT IN (SELECT k, v FROM b);
SELECT * FROM a WHERE n > 10 AND k IN (SELECT k FROM b) AND id < 5;
SELECT * FROM a WHERE k IN (SELECT k FROM b) AND k NOT IN (SELECT k FROM b WHERE v > 20);
SELECT * FROM a WHERE n IN (SELECT v FROM b WHERE b.k = a.k);
SELECT * FROM a WHERE n NOT IN (SELECT v FROM b WHERE b.k = a.k);
SELECT * FROM a WHERE k IN (SELECT k FROM b GROUP BY k HAVING COUNT(*) > 1);
SELECT * FROM a WHERE k NOT IN (SELECT k FROM b GROUP BY k HAVING COUNT(*) > 1);
SELECT * FROM a WHERE n IN (SELECT MAX(v) FROM b GROUP BY k);
SELECT * FROM a WHERE k IN (SELECT DISTINCT k FROM b);
SELECT * FROM a WHERE k IN (SELECT k FROM b UNION ALL SELECT k FROM c);
SELECT * FROM a WHERE id IN (VALUES 1, 3);
SELECT * FROM a WHERE EXISTS (SELECT 1 FROM b WHERE b.k = a.k);
SELECT * FROM a WHERE EXISTS (SELECT * FROM b WHERE b.k = a.k AND b.v > a.n);
SELECT * FROM a WHERE NOT EXISTS (SELECT * FROM b WHERE b.k = a.k);
SELECT * FROM a WHERE NOT EXISTS (SELECT * FROM b WHERE b.k = a.k AND b.v > a.n);
SELECT * FROM a WHERE EXISTS (SELECT * FROM b WHERE b.k = a.k AND a.n > 10);
SELECT * FROM a WHERE NOT EXISTS (SELECT * FROM b WHERE b.k = a.k AND a.n > 10);
SELECT * FROM a WHERE EXISTS (SELECT * FROM b WHERE b.v > a.n);
SELECT * FROM a WHERE NOT EXISTS (SELECT * FROM b WHERE b.v > a.n);
SELECT * FROM a WHERE EXISTS (SELECT * FROM b WHERE v > 90);
SELECT * FROM a WHERE EXISTS (SELECT * FROM b WHERE v > 100);
SELECT * FROM a WHERE NOT EXISTS (SELECT * FROM b WHERE v > 90);
SELECT * FROM a WHERE NOT EXISTS (SELECT * FROM b WHERE v > 100);
SELECT * FROM a WHERE EXISTS (SELECT * FROM b JOIN c ON b.k = c.k WHERE b.k = a.k);
SELECT * FROM a WHERE EXISTS (SELECT * FROM b WHERE b.k = a.k AND EXISTS (SELECT * FROM c WHERE c.k = b.k));
SELECT * FROM a WHERE k IN (SELECT k FROM b WHERE v IN (SELECT n FROM a));
SELECT k, COUNT(*) FROM a WHERE EXISTS (SELECT * FROM b WHERE b.k = a.k) GROUP BY k;
SELECT a.id, c.v FROM a JOIN c ON a.k = c.k WHERE a.n IN (SELECT v FROM b);
SELECT x.id FROM a AS x WHERE EXISTS (SELECT * FROM a AS y WHERE x.k = y.k AND x.id <> y.id);
SELECT * FROM latest WHERE k IN (SELECT k FROM b);
SELECT * FROM latest WHERE k NOT IN (SELECT k FROM b);
SELECT * FROM b WHERE k IN (SELECT k FROM latest);
SELECT * FROM b WHERE k NOT IN (SELECT k FROM latest);
SELECT * FROM b WHERE EXISTS (SELECT * FROM latest WHERE latest.k = b.k AND latest.n < b.v);
SELECT * FROM b WHERE NOT EXISTS (SELECT * FROM latest WHERE latest.k = b.k AND latest.n < b.v);
SELECT * FROM latest AS l WHERE EXISTS (SELECT * FROM latest AS m WHERE l.k = m.k AND l.id <> m.id);
SELECT k, COUNT(*) FROM latest WHERE n NOT IN (SELECT v FROM b WHERE v IS NOT NULL) GROUP BY k;
SELECT COUNT(*) FROM b WHERE k IN (SELECT k FROM latest WHERE n > 6);

SELECT id, n FROM a WHERE n > (SELECT MIN(v) FROM b);
SELECT id, n FROM a WHERE n = (SELECT MAX(v) + 1 FROM b WHERE k = 'y') OR id = 1;
SELECT id, (SELECT MAX(v) FROM b) FROM a;
SELECT id, (SELECT COUNT(*) FROM b) + n FROM a;
SELECT id, (SELECT v FROM b WHERE k = 'w') FROM a;
SELECT id, (SELECT v FROM b WHERE k = 'none') FROM a;
SELECT id, (SELECT MAX(v) FROM b WHERE b.k = a.k) AS m FROM a;
SELECT id FROM a WHERE n >= (SELECT MAX(v) FROM b WHERE b.k = a.k);
SELECT id FROM a WHERE n < (SELECT SUM(v) FROM b WHERE b.k = a.k AND v IS NOT NULL);
SELECT id, (SELECT COUNT(*) FROM b WHERE b.k = a.k) FROM a;
SELECT id, (SELECT COUNT(v) FROM b WHERE b.k = a.k) FROM a;
SELECT id, (SELECT v FROM b WHERE b.k = a.k AND v = 20) FROM a;
SELECT id, (SELECT COUNT(*) + 1 FROM b WHERE b.k = a.k) FROM a;
SELECT id, (SELECT COALESCE(MAX(v), -1) FROM b WHERE b.k = a.k) FROM a;
SELECT id, (SELECT COUNT(*) FROM b WHERE v > 1000) FROM a;
SELECT id, (SELECT COALESCE(MAX(v), -1) FROM b WHERE v > 1000) FROM a;
SELECT id FROM a WHERE (SELECT COUNT(*) FROM b WHERE b.k = a.k) = 0;
SELECT id FROM a WHERE 2 > (SELECT COUNT(*) FROM b WHERE b.k = a.k AND v > 20);
-- differs: not built yet
SELECT id, (SELECT SUM(v) FROM b WHERE b.k = a.k AND b.v > a.n) FROM a;
SELECT id, (SELECT DISTINCT k FROM b WHERE k = 'x') FROM a;
SELECT id, (SELECT v FROM b ORDER BY v DESC LIMIT 1) FROM a;
-- differs: not built yet
SELECT id, (SELECT MAX(v) FROM b WHERE b.k = a.k GROUP BY k) FROM a;
-- differs: not built yet
SELECT * FROM a WHERE n IN (SELECT MAX(v) FROM b WHERE b.k = a.k);
-- differs: not built yet
SELECT * FROM a WHERE EXISTS (SELECT k FROM b WHERE b.k = a.k GROUP BY k HAVING COUNT(*) > 1);
-- refused
SELECT a.id, b.v FROM a JOIN b ON a.k = b.k AND a.n IN (SELECT v FROM c);
SELECT * FROM a WHERE k IN (SELECT k FROM b) OR k IN (SELECT k FROM c);
SELECT id, CASE WHEN EXISTS (SELECT * FROM c WHERE c.k = a.k) THEN 1 ELSE 0 END FROM a;
-- differs: a NULL is in no empty set: FALSE
SELECT id, n IN (SELECT v FROM b WHERE b.k = a.k) FROM a;
SELECT id, (SELECT MAX(v) FROM b WHERE b.k = a.k) + (SELECT MIN(v) FROM c WHERE c.k = a.k) FROM a;
SELECT k, MAX(n) FROM a GROUP BY k HAVING MAX(n) > (SELECT MIN(v) FROM b);
SELECT k, (SELECT MAX(v) FROM b), COUNT(*) FROM a GROUP BY k;
SELECT id, (SELECT MAX(n) FROM latest) FROM a;
SELECT id, (SELECT n FROM latest WHERE latest.id = a.id) FROM a;
SELECT id, (SELECT MAX(n) FROM latest WHERE latest.k = a.k) FROM a;
SELECT id FROM latest WHERE n > (SELECT AVG(n) FROM latest);
SELECT id, CASE WHEN n > (SELECT MIN(v) FROM b) THEN 'more' ELSE 'less' END FROM a;
-- fails
SELECT id, (SELECT v FROM b) FROM a;
-- fails
SELECT id, (SELECT v FROM b WHERE b.k = a.k) FROM a;
-- refused
SELECT id, (SELECT k, v FROM b) FROM a;
-- refused
SELECT * FROM a WHERE (k, n) IN (SELECT k FROM b);
-- refused
SELECT * FROM a WHERE k IN (SELECT nope FROM b);
-- refused
SELECT * FROM a WHERE id IN (SELECT k FROM b);
SELECT * FROM a WHERE id = 1 OR k IN (SELECT k FROM c);
SELECT * FROM a WHERE id = 1 OR EXISTS (SELECT * FROM b WHERE b.k = a.k AND b.v > 20);
SELECT id, k IN (SELECT k FROM b) FROM a;
# v is a column of b, and the name of the table around
SELECT v.id, (SELECT MAX(v) FROM b WHERE b.k = v.k) FROM a v;
SELECT v.id FROM a v WHERE v.k IN (SELECT k FROM b WHERE v.n = b.v);
SELECT id, k NOT IN (SELECT k FROM c) FROM a;
SELECT id, EXISTS (SELECT * FROM b WHERE b.k = a.k) FROM a;
# Beside OR, or as a value, Flink counts the rows of an uncorrelated set first, and of an empty one it counts none, not 0: no row is left.
SELECT * FROM a WHERE id NOT IN (SELECT v FROM b WHERE v > 1000);
-- differs: Flink loses all rows where the set is empty
SELECT * FROM a WHERE id = 1 OR id NOT IN (SELECT v FROM b WHERE v > 1000);
-- differs: Flink loses all rows where the set is empty
SELECT * FROM a WHERE id = 1 OR id IN (SELECT v FROM b WHERE v > 1000);
-- differs: Flink loses all rows where the set is empty
SELECT id, id IN (SELECT v FROM b WHERE v > 1000) FROM a;
-- differs: Flink loses all rows of z where the set is empty
SELECT * FROM a WHERE k = 'q' OR EXISTS (SELECT * FROM (SELECT k FROM a WHERE id NOT IN (SELECT v FROM b WHERE v > 1000)) z WHERE z.k = a.k);
SELECT * FROM a WHERE EXISTS (SELECT * FROM (SELECT k FROM a WHERE id NOT IN (SELECT v FROM b WHERE v > 1000)) z WHERE z.k = a.k);
SELECT * FROM a WHERE id = 1 OR EXISTS (SELECT v FROM b WHERE v > 1000);
SELECT id, (SELECT COUNT(*) FROM b WHERE v > 1000) FROM a;
SELECT id, (SELECT COALESCE(SUM(v), -1) FROM b WHERE 1000 = 1) FROM a;
SELECT id, (SELECT COALESCE(SUM(v), -1) FROM b WHERE 1000 = 1 AND b.k = a.k) FROM a;
SELECT id, (SELECT MAX(n) FROM (SELECT (SELECT COUNT(*) FROM b WHERE b.k = a.k) AS n FROM a WHERE 1000 = 1)) FROM a;
# A column beside itself: what it would be were it not NULL.
SELECT * FROM a WHERE k < k;
-- differs: Flink takes k < k for FALSE where k is NULL, and so NOT (k < k) for TRUE
SELECT * FROM a WHERE NOT (k < k);
-- differs: Flink takes k <> k for FALSE where k is NULL
SELECT * FROM a WHERE NOT (k <> k AND id > 0);
SELECT id, k < k, k <> k, k = k FROM a;
