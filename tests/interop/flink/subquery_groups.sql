# Correlated sub-queries with groups and aggregates.
/* data a.json
{"id":1,"k":"x","n":10}
{"id":2,"k":"y","n":20}
{"id":3,"k":null,"n":30}
{"id":4,"k":"z","n":null}
{"id":5,"k":"x","n":50}
{"id":5,"k":"x","n":50}
*/
/* data b.json
{"k":"x","g":"p","v":10}
{"k":"x","g":"q","v":25}
{"k":"y","g":"p","v":20}
{"k":"y","g":"p","v":null}
{"k":"w","g":null,"v":99}
{"k":"x","g":"p","v":40}
{"k":null,"g":"p","v":30}
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
CREATE TABLE b (k STRING, g STRING, v INT) WITH ('connector' = 'filesystem', 'path' = '$DIR/b.json', 'format' = 'json');
CREATE TABLE d (id INT, k STRING, n INT, p AS PROCTIME()) WITH ('connector' = 'filesystem', 'path' = '$DIR/d.json', 'format' = 'json');
CREATE VIEW latest AS SELECT id, k, n FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY id ORDER BY p DESC) AS rn FROM d) WHERE rn = 1;
SELECT * FROM a WHERE EXISTS (SELECT g FROM b WHERE b.k = a.k GROUP BY g);
-- differs: Flink's planner fails
SELECT * FROM a WHERE EXISTS (SELECT g FROM b WHERE b.k = a.k GROUP BY g HAVING COUNT(*) > 1);
-- differs: Flink's planner fails
SELECT * FROM a WHERE NOT EXISTS (SELECT g FROM b WHERE b.k = a.k GROUP BY g HAVING COUNT(*) > 1);
SELECT * FROM a WHERE EXISTS (SELECT COUNT(*) FROM b WHERE b.k = a.k);
SELECT * FROM a WHERE NOT EXISTS (SELECT COUNT(*) FROM b WHERE b.k = a.k);
-- refused
SELECT * FROM a WHERE EXISTS (SELECT COUNT(*) FROM b WHERE b.k = a.k HAVING COUNT(*) > 1);
SELECT * FROM a WHERE EXISTS (SELECT MAX(v) FROM b WHERE b.k = a.k);
SELECT * FROM a WHERE n IN (SELECT MAX(v) FROM b WHERE b.k = a.k);
SELECT * FROM a WHERE n NOT IN (SELECT MAX(v) FROM b WHERE b.k = a.k);
SELECT * FROM a WHERE n IN (SELECT MAX(v) FROM b WHERE b.k = a.k GROUP BY g);
SELECT * FROM a WHERE n NOT IN (SELECT MAX(v) FROM b WHERE b.k = a.k GROUP BY g);
SELECT * FROM a WHERE n IN (SELECT SUM(v) FROM b WHERE b.k = a.k GROUP BY g HAVING COUNT(*) > 1);
SELECT * FROM a WHERE n IN (SELECT COUNT(*) * 10 FROM b WHERE b.k = a.k);
SELECT * FROM a WHERE 0 IN (SELECT COUNT(*) FROM b WHERE b.k = a.k);
-- differs: not built yet
SELECT * FROM a WHERE EXISTS (SELECT g FROM b WHERE b.v < a.n GROUP BY g HAVING COUNT(*) > 1);
-- differs: not built yet
SELECT * FROM a WHERE n IN (SELECT MAX(v) FROM b WHERE b.v < a.n);
-- differs: not built yet
SELECT * FROM a WHERE EXISTS (SELECT MAX(v) FROM b WHERE b.k = a.k AND b.v > a.n GROUP BY g);
SELECT id, (SELECT MAX(v) FROM b WHERE b.k = a.k GROUP BY b.k) FROM a;
SELECT id, (SELECT COUNT(*) FROM b WHERE b.k = a.k GROUP BY b.k) FROM a;
SELECT id, (SELECT MAX(v) FROM b WHERE b.k = a.k AND g = 'p' GROUP BY g) FROM a;
-- fails
SELECT id, (SELECT MAX(v) FROM b WHERE b.k = a.k GROUP BY g) FROM a;
SELECT id, (SELECT MAX(v) FROM b WHERE b.k = a.k HAVING COUNT(*) > 1) FROM a;
SELECT id, (SELECT COUNT(*) FROM b WHERE b.k = a.k HAVING COUNT(*) > 1) FROM a;
-- differs: not built yet
SELECT id, (SELECT MAX(v) FROM b WHERE b.v < a.n) FROM a;
-- differs: not built yet
SELECT id, (SELECT COUNT(*) FROM b WHERE b.v < a.n) FROM a;
-- differs: not built yet
SELECT id, (SELECT MAX(v) FROM b WHERE b.k = a.k AND b.v < a.n) FROM a;
-- differs: not built yet
SELECT id, (SELECT COUNT(*) FROM b WHERE b.k = a.k AND b.v < a.n) FROM a;
-- differs: not built yet
SELECT id, (SELECT MAX(v + a.n) FROM b WHERE b.k = a.k) FROM a;
-- refused
SELECT id, (SELECT MAX(v) + a.n FROM b WHERE b.k = a.k) FROM a;
SELECT * FROM a WHERE n = (SELECT MAX(v) FROM b WHERE b.k = a.k GROUP BY b.k);
SELECT * FROM a WHERE n > (SELECT AVG(v) FROM b WHERE b.k = a.k);
-- differs: not built yet
SELECT * FROM a WHERE n IN (SELECT v FROM b WHERE b.k = a.k ORDER BY v LIMIT 1);
-- differs: not built yet
SELECT * FROM a WHERE EXISTS (SELECT 1 FROM b WHERE b.k = a.k LIMIT 1);
-- refused
SELECT id, (SELECT v FROM b WHERE b.k = a.k ORDER BY v DESC LIMIT 1) FROM a;
-- differs: not built yet
SELECT id, (SELECT DISTINCT g FROM b WHERE b.k = a.k AND g = 'p') FROM a;
SELECT * FROM a WHERE n IN (SELECT DISTINCT v FROM b WHERE b.k = a.k);
SELECT * FROM latest a WHERE EXISTS (SELECT k FROM latest b WHERE b.k = a.k GROUP BY k HAVING COUNT(*) > 1);
SELECT * FROM latest a WHERE n IN (SELECT MAX(n) FROM latest b WHERE b.k = a.k GROUP BY k);
SELECT * FROM latest a WHERE n NOT IN (SELECT MAX(n) FROM latest b WHERE b.k = a.k GROUP BY k);
SELECT * FROM latest a WHERE n NOT IN (SELECT MAX(n) FROM latest b WHERE b.k = a.k);
SELECT k, (SELECT MAX(v) FROM b WHERE b.k = a.k GROUP BY b.k) FROM latest a;
-- differs: NULL in an empty set is NULL in Flink
SELECT id, n IN (SELECT MAX(v) FROM b WHERE b.k = a.k GROUP BY g) FROM a;
SELECT id, EXISTS (SELECT g FROM b WHERE b.k = a.k GROUP BY g HAVING COUNT(*) > 1) FROM a;
SELECT id, CASE WHEN EXISTS (SELECT COUNT(*) FROM b WHERE b.k = a.k) THEN 1 ELSE 0 END FROM a;
SELECT * FROM a WHERE id = 4 OR n IN (SELECT MAX(v) FROM b WHERE b.k = a.k GROUP BY g);
-- differs: Flink has no column of the outer query in HAVING
SELECT * FROM a WHERE EXISTS (SELECT g, COUNT(*) FROM b WHERE b.k = a.k GROUP BY g HAVING MAX(v) > a.n);
-- differs: not built yet
SELECT * FROM a WHERE n < ALL (SELECT v FROM b WHERE b.k = a.k);
-- differs: not built yet
SELECT * FROM a WHERE n > SOME (SELECT v FROM b);
-- differs: not built yet
SELECT * FROM a WHERE n = ANY (SELECT v FROM b);
SELECT * FROM a WHERE EXISTS (SELECT * FROM (SELECT k, COUNT(*) AS c FROM b GROUP BY k) y WHERE y.k = a.k AND y.c > 1);
