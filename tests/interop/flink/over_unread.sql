# An OVER whose results nobody reads is none: it drops no late rows.
/* data u.json
{"k":"a","n":3,"ts":"2024-01-01 00:00:01.000"}
{"k":"a","n":4,"ts":"2024-01-01 00:00:20.000"}
{"k":"a","n":5,"ts":"2024-01-01 00:00:02.000"}
{"k":"b","n":6,"ts":"2024-01-01 00:00:21.000"}
*/
CREATE TABLE u (k STRING, n INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND) WITH ('connector' = 'filesystem', 'path' = '$DIR/u.json', 'format' = 'json');
SELECT 'x' FROM (SELECT k, MIN(n) OVER (PARTITION BY k ORDER BY ts RANGE BETWEEN INTERVAL '3' SECOND PRECEDING AND CURRENT ROW) AS m FROM u);
SELECT k FROM (SELECT k, MIN(n) OVER (PARTITION BY k ORDER BY ts RANGE BETWEEN INTERVAL '3' SECOND PRECEDING AND CURRENT ROW) AS m FROM u) WHERE k <> 'b';
SELECT k, COUNT(*) FROM (SELECT k, SUM(n) OVER (ORDER BY ts) AS m FROM u) GROUP BY k;
SELECT k, m FROM (SELECT k, MIN(n) OVER (PARTITION BY k ORDER BY ts RANGE BETWEEN INTERVAL '3' SECOND PRECEDING AND CURRENT ROW) AS m FROM u);
