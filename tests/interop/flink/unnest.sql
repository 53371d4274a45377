# Rows of arrays and maps.
/* data t.json
{"id":1,"a":[1,2,null,2],"s":["x","y"],"m":{"k":1,"l":null},"r":[{"p":1,"q":"u"},{"p":null,"q":"v"},null],"aa":[[1,2],[3]]}
{"id":2,"a":[],"s":[],"m":{},"r":[],"aa":[]}
{"id":3,"a":null,"s":null,"m":null,"r":null,"aa":null}
{"id":5,"a":[],"s":[],"m":{},"r":[null],"aa":[]}
{"id":4,"a":[7],"s":["z"],"m":{"n":9},"r":[{"p":4,"q":null}],"aa":[[],null,[5]]}
*/
/* data d.json
{"id":1,"n":1,"a":[1,2]}
{"id":2,"n":4,"a":[3]}
{"id":1,"n":5,"a":[2,5,6]}
{"id":2,"n":3,"a":[]}
{"id":3,"n":9,"a":[9,9]}
*/
CREATE TABLE t (id INT, a ARRAY<INT>, s ARRAY<STRING>, m MAP<STRING, INT>, r ARRAY<ROW<p INT, q STRING>>, aa ARRAY<ARRAY<INT>>)
WITH ('connector' = 'filesystem', 'path' = '$DIR/t.json', 'format' = 'json');
CREATE TABLE d (id INT, n INT, a ARRAY<INT>, p AS PROCTIME()) WITH ('connector' = 'filesystem', 'path' = '$DIR/d.json', 'format' = 'json');

SELECT id, v FROM t CROSS JOIN UNNEST(a) AS x (v);
SELECT id, v FROM t CROSS JOIN UNNEST(t.a) AS x (v);
SELECT id, v FROM t, UNNEST(a) AS x (v);
SELECT id, x.v FROM t, UNNEST(s) AS x (v);
SELECT id, x FROM t CROSS JOIN UNNEST(s) AS x;
SELECT id, v FROM t LEFT JOIN UNNEST(a) AS x (v) ON TRUE;
SELECT id, v FROM t INNER JOIN UNNEST(a) AS x (v) ON TRUE;
SELECT id, v FROM t JOIN UNNEST(a) AS x (v) ON v > 1;
SELECT id, k, v FROM t CROSS JOIN UNNEST(m) AS x (k, v);
SELECT id, k, v FROM t LEFT JOIN UNNEST(m) AS x (k, v) ON TRUE;
SELECT id, p, q FROM t CROSS JOIN UNNEST(r) AS x (p, q);
SELECT id, p, q FROM t CROSS JOIN UNNEST(r) AS x;
SELECT id, x.q FROM t CROSS JOIN UNNEST(r) AS x;
SELECT id, p, q FROM t LEFT JOIN UNNEST(r) AS x (p, q) ON TRUE;
SELECT id, v, o FROM t CROSS JOIN UNNEST(a) WITH ORDINALITY AS x (v, o);
SELECT id, v, o FROM t LEFT JOIN UNNEST(s) WITH ORDINALITY AS x (v, o) ON TRUE;
-- differs: Flink fails
SELECT id, p, q, o FROM t CROSS JOIN UNNEST(r) WITH ORDINALITY AS x (p, q, o);
SELECT id, v FROM t CROSS JOIN UNNEST(aa) AS x (w) CROSS JOIN UNNEST(w) AS y (v);
SELECT id, v, w FROM t CROSS JOIN UNNEST(a) AS x (v) CROSS JOIN UNNEST(s) AS y (w);
SELECT id, v FROM t CROSS JOIN UNNEST(ARRAY[id, id * 10]) AS x (v);
SELECT id, v FROM t CROSS JOIN UNNEST(a) AS x (v) WHERE v > 1 AND id < 4;
SELECT v, COUNT(*) FROM t CROSS JOIN UNNEST(a) AS x (v) GROUP BY v;
SELECT id, SUM(v) FROM t CROSS JOIN UNNEST(a) AS x (v) GROUP BY id;
SELECT l.id, v FROM t l JOIN (SELECT id, v FROM t CROSS JOIN UNNEST(a) AS x (v)) r ON l.id = r.v;
SELECT * FROM UNNEST(ARRAY[1, 2, 3]) AS x (v);
SELECT v, o FROM UNNEST(ARRAY['a', 'b']) WITH ORDINALITY AS x (v, o);
SELECT id, v FROM (SELECT id, n FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY id ORDER BY p DESC) AS rn FROM d) WHERE rn = 1) CROSS JOIN UNNEST(ARRAY[n, n + 1]) AS x (v);
SELECT v, COUNT(*) FROM (SELECT id, MAX(n) AS n FROM d GROUP BY id) CROSS JOIN UNNEST(ARRAY[n, 5]) AS x (v) GROUP BY v;
SELECT id, v FROM (SELECT id, n FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY id ORDER BY p DESC) AS rn FROM d) WHERE rn = 1) LEFT JOIN UNNEST(CASE WHEN n > 4 THEN ARRAY[n, n] END) AS x (v) ON TRUE;
SELECT id FROM t WHERE id IN (SELECT v FROM UNNEST(ARRAY[1, 4]) AS x (v));
SELECT id, COUNT(*) FROM t CROSS JOIN UNNEST(aa) AS x (w) GROUP BY id;
SELECT id, v FROM (SELECT id, a FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY id ORDER BY p DESC) AS rn FROM d) WHERE rn = 1) CROSS JOIN UNNEST(a) AS x (v);
-- refused
SELECT id, v FROM t CROSS JOIN UNNEST(id) AS x (v);
-- refused
SELECT id, v FROM t CROSS JOIN UNNEST(a) AS x (v, w);
-- refused
SELECT id, v FROM t CROSS JOIN UNNEST(nope) AS x (v);
