/* data t.json
{"k":"a","s":"x","v":1,"ts":"2024-01-01 00:00:01.000"}
{"k":"b","s":"y","v":2,"ts":"2024-01-01 00:00:03.000"}
{"k":"a","s":null,"v":3,"ts":"2024-01-01 00:00:09.999"}
{"k":"a","s":"x","v":4,"ts":"2024-01-01 00:00:10.000"}
{"k":"b","s":"z","v":5,"ts":"2024-01-01 00:00:11.000"}
{"k":"a","s":"ä,","v":null,"ts":"2024-01-01 00:00:13.000"}
{"k":"a","s":"w","v":7,"ts":"2024-01-01 00:00:13.000"}
{"k":"c","s":null,"v":null,"ts":"2024-01-01 00:00:25.000"}
*/
CREATE TABLE t (k STRING, s STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND)
WITH ('connector' = 'filesystem', 'path' = '$DIR/t.json', 'format' = 'json');

SELECT k, LISTAGG(s), LISTAGG(s, '|'), LISTAGG(DISTINCT s), LISTAGG(DISTINCT s, ';') FROM t GROUP BY k;
SELECT LISTAGG(s) FROM t;
SELECT LISTAGG(s) FROM t WHERE v > 100;
-- refused
SELECT LISTAGG(v) FROM t;
-- refused
SELECT LISTAGG(s, k) FROM t;
-- refused
SELECT LISTAGG(s, NULL) FROM t;
SELECT LISTAGG(s, '') FROM t;
SELECT LISTAGG(s) FILTER (WHERE v > 1) FROM t;
SELECT k, ARRAY_AGG(v), ARRAY_AGG(DISTINCT v), ARRAY_AGG(s) FILTER (WHERE v > 1) FROM t GROUP BY k;
SELECT ARRAY_AGG(v) FROM t WHERE v > 100;
-- differs: ORDER BY inside is refused here, and of no effect there
SELECT ARRAY_AGG(v ORDER BY v) FROM t;
SELECT ARRAY_AGG(CAST(v AS DECIMAL(10, 2))), ARRAY_AGG(CAST(ts AS TIMESTAMP(3))), ARRAY_AGG(v > 2) FROM t;
SELECT k, COLLECT(v), COLLECT(DISTINCT v) FROM t GROUP BY k;
SELECT COLLECT(v) FROM t WHERE v > 100;
SELECT k, COLLECT(v) FILTER (WHERE v > 1) FROM t GROUP BY k;
SELECT COLLECT(k) FROM t;
SELECT window_start, LISTAGG(s), ARRAY_AGG(v), COLLECT(v) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end;
-- differs: Flink puts the slices of a window together in no order
SELECT window_start, k, LISTAGG(s), ARRAY_AGG(v) FROM TABLE(HOP(TABLE t, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '10' SECOND)) GROUP BY window_start, window_end, k;
SELECT window_start, window_end, k, LISTAGG(s), ARRAY_AGG(v), COLLECT(v) FROM TABLE(CUMULATE(TABLE t, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '20' SECOND)) GROUP BY window_start, window_end, k;
SELECT n, LISTAGG(k), ARRAY_AGG(k), COLLECT(n) FROM (SELECT k, COUNT(*) AS n FROM t GROUP BY k) GROUP BY n;
SELECT LISTAGG(CAST(n AS STRING)), ARRAY_AGG(n) FROM (SELECT k, SUM(v) AS n FROM t GROUP BY k);
SELECT ARRAY[v], COUNT(*) FROM t GROUP BY ARRAY[v];
SELECT a, COUNT(*) FROM (SELECT k, ARRAY_AGG(v) AS a FROM t GROUP BY k) GROUP BY a;
SELECT MAP['k', v], COUNT(*) FROM t GROUP BY MAP['k', v];
SELECT a.k, a.l, b.v FROM (SELECT k, ARRAY_AGG(v) AS l FROM t GROUP BY k) a JOIN t b ON a.k = b.k;
SELECT k, l FROM (SELECT k, l, ROW_NUMBER() OVER (PARTITION BY k ORDER BY CARDINALITY(l) DESC) AS rn FROM (SELECT k, ARRAY_AGG(v) AS l FROM t GROUP BY k)) WHERE rn = 1;
SELECT k, l[1], CARDINALITY(l) FROM (SELECT k, ARRAY_AGG(v) AS l FROM t GROUP BY k);
