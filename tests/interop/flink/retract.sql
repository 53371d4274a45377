# Updates through operators: what is left must be right when groups shrink, move and vanish.
/* data o.json
{"id":1,"k":"a","v":10}
{"id":2,"k":"b","v":20}
{"id":1,"k":"b","v":15}
{"id":3,"k":"a","v":20}
{"id":2,"k":"a","v":5}
{"id":4,"k":null,"v":20}
{"id":3,"k":"c","v":null}
{"id":4,"k":"c","v":1}
*/
CREATE TABLE o (id INT, k STRING, v INT, p AS PROCTIME()) WITH ('connector' = 'filesystem', 'path' = '$DIR/o.json', 'format' = 'json');
CREATE VIEW latest AS SELECT id, k, v FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY id ORDER BY p DESC) AS rn FROM o) WHERE rn = 1;
CREATE VIEW first_one AS SELECT id, k, v FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY id ORDER BY p ASC) AS rn FROM o) WHERE rn = 1;
CREATE VIEW counts AS SELECT k, COUNT(*) AS n, SUM(v) AS s FROM o GROUP BY k;

SELECT * FROM latest;
SELECT * FROM first_one;
SELECT k, COUNT(*), SUM(v), MIN(v), MAX(v), AVG(v), COUNT(DISTINCT v) FROM latest GROUP BY k;
SELECT COUNT(*), SUM(v), MIN(v), MAX(v), AVG(v), COUNT(v) FROM latest;
SELECT n, COUNT(*), MIN(k), MAX(s) FROM counts GROUP BY n;
SELECT MAX(n), MIN(n), COUNT(DISTINCT n), SUM(DISTINCT n) FROM counts;
SELECT k, n FROM counts WHERE n > 1;
SELECT k, SUM(v) FROM latest GROUP BY k HAVING SUM(v) > 10;
SELECT a.id, b.id FROM latest a JOIN latest b ON a.k = b.k AND a.id < b.id;
SELECT a.id, c.n FROM latest a LEFT JOIN counts c ON a.k = c.k AND c.n > 2;
SELECT a.id, c.n FROM latest a RIGHT JOIN counts c ON a.k = c.k;
SELECT a.id, c.k FROM latest a FULL JOIN counts c ON a.k = c.k AND c.n > 2;
SELECT k, n, rn FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY n DESC, k) AS rn FROM counts) WHERE rn <= 2;
SELECT id, v, rn FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY v DESC, id) AS rn FROM latest) WHERE rn <= 1;
SELECT DISTINCT k FROM latest;
SELECT k FROM latest UNION SELECT k FROM counts WHERE n = 1;
SELECT k, n FROM counts UNION ALL SELECT k, v FROM latest;
SELECT COUNT(*) FROM (SELECT DISTINCT v FROM latest);
SELECT COUNT(*) FILTER (WHERE k = 'c'), SUM(v) FILTER (WHERE v > 4), MAX(v) FILTER (WHERE k = 'a') FROM latest;
SELECT id, k, v FROM latest ORDER BY v DESC, id LIMIT 2;
SELECT l.k, MAX(c.s) FROM latest l JOIN counts c ON l.k = c.k GROUP BY l.k;
SELECT k, AVG(CAST(v AS DECIMAL(10, 2))), SUM(CAST(v AS DECIMAL(10, 2))), AVG(CAST(v AS DOUBLE)) FROM latest GROUP BY k;
SELECT n, SUM(m) FROM (SELECT k, n, MAX(s) AS m FROM counts GROUP BY k, n) GROUP BY n;
