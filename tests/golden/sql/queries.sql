-- Queries over literal rows: joins of every kind with NULLs, grouping, ranking, sets, functions.
CREATE VIEW l AS SELECT * FROM (VALUES (1, 'a'), (2, 'b'), (3, CAST(NULL AS STRING)), (4, 'd')) AS t (id, k);
CREATE VIEW r AS SELECT * FROM (VALUES ('a', 10), ('a', 11), ('b', 20), ('z', 99), (CAST(NULL AS STRING), 5)) AS t (k, v);
SELECT l.id, r.v FROM l JOIN r ON l.k = r.k ORDER BY 1, 2;
SELECT l.id, r.v FROM l LEFT JOIN r ON l.k = r.k AND r.v > 10 ORDER BY 1, 2;
SELECT l.id, r.v FROM l RIGHT JOIN r ON l.k = r.k AND l.id > 1 ORDER BY 2, 1;
SELECT l.id, r.v FROM l FULL JOIN r ON l.k = r.k WHERE COALESCE(l.id, 0) < 4 ORDER BY id, v;
SELECT k, id, v FROM l JOIN r USING (k) ORDER BY id, v;
SELECT k, COUNT(*) AS c, SUM(v) AS s, MAX(v) - MIN(v) AS d FROM r GROUP BY k HAVING COUNT(*) > 0 ORDER BY k;
SELECT DISTINCT k IS NULL AS n FROM r ORDER BY n;
SELECT k FROM l UNION SELECT k FROM r ORDER BY k;
SELECT k, v FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY v DESC) AS rn FROM r) WHERE rn = 1 ORDER BY k;
SELECT COUNT(*), COUNT(k), COUNT(DISTINCT k), AVG(v), SUM(v) FILTER (WHERE v > 10) FROM r;
SELECT x.k, x.c, y.m FROM (SELECT k, COUNT(*) AS c FROM r GROUP BY k) x JOIN (SELECT k, MAX(v) AS m FROM r GROUP BY k) y ON x.k = y.k ORDER BY 1;
SELECT c, COUNT(*) AS n FROM (SELECT k, COUNT(*) AS c FROM r GROUP BY k) GROUP BY c ORDER BY c;
SELECT ROW(1, 'x'), CAST(ROW(id, k) AS ROW<i INT, s STRING>).s FROM l WHERE id = 1;
SELECT 1 + 1.5, 'a' || 'b', TIMESTAMP '2024-02-29 12:00:00' + INTERVAL '1' DAY, INTERVAL '1-2' YEAR TO MONTH, CASE 3 WHEN 1 THEN 'x' ELSE 'y' END, 5 NOT IN (1, 2), 3 BETWEEN SYMMETRIC 5 AND 1;
SELECT id FROM l ORDER BY id DESC LIMIT 2 OFFSET 1;
WITH q AS (SELECT id FROM l) SELECT COUNT(*) FROM q a, q b WHERE a.id < b.id;
SELECT EXTRACT(DAY FROM DATE '2024-02-29'), TRIM(LEADING '0' FROM '007'), SUBSTRING('hello' FROM 2 FOR 3), POSITION('l' IN 'hello'), OVERLAY('hello' PLACING 'XX' FROM 2), FLOOR(TIMESTAMP '2024-02-29 12:34:56' TO HOUR), TIMESTAMPDIFF(HOUR, TIMESTAMP '2024-02-29 00:00:00', TIMESTAMP '2024-03-01 01:30:00');
-- Rows whose text is that of the row before, and rows where day, minute or second change between.
SELECT n, DATE_FORMAT(t, 'yyyy-MM-dd') AS d, DATE_FORMAT(t, 'HH:mm') AS m, DATE_FORMAT(t, 'ss.SSS') AS s, DATE_FORMAT(t, p) AS own FROM (VALUES (1, TIMESTAMP '2020-12-31 23:59:58.999', 'd'), (2, TIMESTAMP '2020-12-31 23:59:59.000', 'd'), (3, TIMESTAMP '2020-12-31 23:59:59.001', 'yy'), (4, TIMESTAMP '2021-01-01 00:00:00.001', 'd'), (5, CAST(NULL AS TIMESTAMP(3)), 'd'), (6, TIMESTAMP '2021-01-01 00:00:59.999', 'd'), (7, TIMESTAMP '1969-12-31 23:59:59.999', 'd'), (8, TIMESTAMP '1970-01-01 00:00:00.000', 'd')) AS v (n, t, p) ORDER BY n;
SELECT * FROM l JOIN r USING (k) ORDER BY id, v;
SELECT * FROM l RIGHT JOIN r USING (k) ORDER BY v;
CREATE VIEW same AS SELECT IF(id > 1, 'x', 'y') AS a, SUM(1) AS b FROM l GROUP BY id;
DESCRIBE same;
SELECT default_catalog.default_database.l.id, default_database.l.k FROM default_database.l ORDER BY 1;
