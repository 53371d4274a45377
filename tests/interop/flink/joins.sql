/* data l.json
{"id":1,"k":"a","n":10}
{"id":2,"k":"b","n":20}
{"id":3,"k":null,"n":30}
{"id":4,"k":"d","n":null}
{"id":5,"k":"a","n":50}
{"id":5,"k":"a","n":50}
*/
/* data r.json
{"k":"a","v":1.5}
{"k":"a","v":2.5}
{"k":"b","v":20}
{"k":"z","v":99}
{"k":null,"v":5}
{"k":"b","v":null}
*/
CREATE TABLE l (id INT, k STRING, n INT) WITH ('connector' = 'filesystem', 'path' = '$DIR/l.json', 'format' = 'json');
CREATE TABLE r (k STRING, v DOUBLE) WITH ('connector' = 'filesystem', 'path' = '$DIR/r.json', 'format' = 'json');

SELECT l.id, l.k, r.v FROM l JOIN r ON l.k = r.k;
SELECT l.id, r.v FROM l INNER JOIN r ON l.k = r.k AND r.v > 2;
SELECT l.id, r.k, r.v FROM l LEFT JOIN r ON l.k = r.k;
SELECT l.id, r.k, r.v FROM l LEFT OUTER JOIN r ON l.k = r.k AND r.v > 2;
SELECT l.id, r.k, r.v FROM l RIGHT JOIN r ON l.k = r.k;
SELECT l.id, r.k, r.v FROM l FULL JOIN r ON l.k = r.k;
SELECT l.id, r.k, r.v FROM l FULL OUTER JOIN r ON l.k = r.k AND l.n < r.v;
SELECT l.id, r.v FROM l CROSS JOIN r;
SELECT l.id, r.v FROM l, r WHERE l.k = r.k;
SELECT l.id, r.v FROM l, r WHERE l.n > r.v;
SELECT l.id, r.v FROM l JOIN r ON l.n > r.v;
SELECT l.id, r.v FROM l LEFT JOIN r ON l.n < r.v;
SELECT * FROM l JOIN r ON l.k = r.k;
SELECT * FROM l JOIN r USING (k);
SELECT k, id, v FROM l LEFT JOIN r USING (k);
SELECT k, id, v FROM l RIGHT JOIN r USING (k);
SELECT k, id, v FROM l FULL JOIN r USING (k);
SELECT * FROM l FULL JOIN r USING (k);
SELECT k, COUNT(*) FROM l FULL JOIN r USING (k) GROUP BY k;
SELECT l.k AS a, r.k AS b, k FROM l FULL OUTER JOIN r USING (k);
SELECT k, a.id, b.id FROM l a FULL JOIN l b USING (k, id);
SELECT * FROM l FULL JOIN r USING (k) FULL JOIN l AS m USING (k);
SELECT l.* FROM l JOIN r ON l.k = r.k;
SELECT a.id, b.id FROM l a JOIN l b ON a.k = b.k WHERE a.id < b.id;
SELECT a.id, b.id, r.v FROM l a JOIN l b ON a.k = b.k JOIN r ON r.k = b.k;
SELECT l.id, x.c FROM l JOIN (SELECT k, COUNT(*) AS c FROM r GROUP BY k) x ON l.k = x.k;
SELECT l.id, x.c FROM l LEFT JOIN (SELECT k, COUNT(*) AS c FROM r GROUP BY k) x ON l.k = x.k;
SELECT x.k, x.c, y.m FROM (SELECT k, COUNT(*) AS c FROM r GROUP BY k) x FULL JOIN (SELECT k, MAX(n) AS m FROM l GROUP BY k) y ON x.k = y.k;
SELECT l.k, SUM(r.v), COUNT(*) FROM l LEFT JOIN r ON l.k = r.k GROUP BY l.k;
SELECT l.id, r.v FROM l JOIN r ON UPPER(l.k) = UPPER(r.k) WHERE r.v IS NOT NULL;
SELECT l.id, r.v FROM l JOIN r ON l.k = r.k OR l.n = r.v;
SELECT l.id, r.v FROM l JOIN r ON l.n = r.v;
SELECT l.id, r.v FROM l LEFT JOIN r ON TRUE;
SELECT l.id, r.v FROM l JOIN r ON l.k IS NOT DISTINCT FROM r.k;
SELECT l.id FROM l LEFT JOIN r ON l.k = r.k WHERE r.k IS NULL;
SELECT l.id, r.v FROM l LEFT JOIN r ON l.k = r.k WHERE r.v > 1;
WITH q AS (SELECT DISTINCT k FROM l) SELECT q.k, r.v FROM q JOIN r ON q.k = r.k;
-- refused
SELECT k FROM l JOIN r ON l.k = r.k;
-- refused
SELECT l.id FROM l JOIN l ON l.id = l.id;
-- refused
SELECT l.id FROM l JOIN r ON l.nope = r.k;
-- refused
SELECT l.id FROM l JOIN r USING (v);
