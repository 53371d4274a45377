# OVER in the order of a column that is no time: results are updated as rows come between. Flink has it for one column,
# upwards, from UNBOUNDED PRECEDING; over tables that are updated too.
/* data o.json
{"id":1,"k":"a","v":10,"ts":"2024-01-01 00:00:01.000"}
{"id":2,"k":"b","v":20,"ts":"2024-01-01 00:00:03.000"}
{"id":1,"k":"b","v":15,"ts":"2024-01-01 00:00:04.000"}
{"id":3,"k":"a","v":20,"ts":"2024-01-01 00:00:06.000"}
{"id":2,"k":"a","v":5,"ts":"2024-01-01 00:00:07.000"}
{"id":4,"k":null,"v":20,"ts":"2024-01-01 00:00:08.000"}
{"id":3,"k":"c","v":null,"ts":"2024-01-01 00:00:11.000"}
{"id":4,"k":"c","v":1,"ts":"2024-01-01 00:00:09.000"}
{"id":5,"k":"a","v":10,"ts":"2024-01-01 00:00:21.000"}
{"id":5,"k":"a","v":8,"ts":"2024-01-01 00:00:23.000"}
{"id":6,"k":"a","v":10,"ts":"2024-01-01 00:00:35.000"}
{"id":7,"k":"b","v":20,"ts":"2024-01-01 00:00:36.000"}
*/
CREATE TABLE o (id INT, k STRING, v INT, ts TIMESTAMP(3), p AS PROCTIME(), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND) WITH ('connector' = 'filesystem', 'path' = '$DIR/o.json', 'format' = 'json');
CREATE VIEW latest AS SELECT id, k, v, ts FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY id ORDER BY ts DESC) AS rn FROM o) WHERE rn = 1;
CREATE VIEW counts AS SELECT k, COUNT(*) AS n, SUM(v) AS s FROM o GROUP BY k;

SELECT id, k, v, SUM(v) OVER (PARTITION BY k ORDER BY v) FROM o;
SELECT id, k, v, SUM(v) OVER (PARTITION BY k ORDER BY v ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) FROM o;
SELECT id, k, v, SUM(v) OVER (PARTITION BY k ORDER BY v RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW), COUNT(*) OVER (PARTITION BY k ORDER BY v RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) FROM latest;
SELECT id, k, v, COUNT(*) OVER (PARTITION BY k ORDER BY v ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) FROM latest;
SELECT id, k, v, SUM(v) OVER (ORDER BY v) FROM o;
SELECT id, k, v, SUM(v) OVER (ORDER BY k) FROM o;
SELECT id, k, v, ROW_NUMBER() OVER (PARTITION BY k ORDER BY v) FROM o;
SELECT id, k, v, ROW_NUMBER() OVER (ORDER BY id) FROM latest;
SELECT id, k, v, FIRST_VALUE(v) OVER (PARTITION BY k ORDER BY v), LAST_VALUE(v) OVER (PARTITION BY k ORDER BY v) FROM o;
SELECT id, k, v, LISTAGG(k) OVER (PARTITION BY k ORDER BY v), MIN(v) OVER (PARTITION BY k ORDER BY v), AVG(v) OVER (PARTITION BY k ORDER BY v), COUNT(DISTINCT v) OVER (PARTITION BY k ORDER BY v) FROM o;
SELECT k, n, s, COUNT(n) OVER (ORDER BY s) FROM counts;
SELECT k, n, s, MAX(k) OVER (PARTITION BY n ORDER BY s), SUM(s) OVER (PARTITION BY n ORDER BY s) FROM counts;
SELECT id, t, COUNT(*) OVER (ORDER BY t) FROM (SELECT id, k || CAST(v AS STRING) AS t FROM o);
SELECT id, SUM(id) OVER (ORDER BY d) FROM (SELECT id, CAST(v AS DECIMAL(10, 2)) / 4 AS d FROM o);
SELECT id, SUM(id) OVER (ORDER BY d) FROM (SELECT id, CAST(v AS DOUBLE) / 3 AS d FROM o);
SELECT id, SUM(id) OVER (ORDER BY d) FROM (SELECT id, CAST(ts AS DATE) AS d FROM o);
SELECT id, SUM(id) OVER (ORDER BY d) FROM (SELECT id, CAST(ts AS TIMESTAMP(6)) AS d FROM o);
-- differs: Flink does not take back all results that it has told
SELECT k, MAX(s) FROM (SELECT k, SUM(v) OVER (PARTITION BY k ORDER BY v) AS s FROM latest) GROUP BY k;
SELECT id, s FROM (SELECT id, v, SUM(v) OVER (PARTITION BY k ORDER BY v) AS s FROM latest) WHERE s > 10;
SELECT id, s FROM (SELECT id, k, SUM(v) OVER (PARTITION BY k ORDER BY v) AS s FROM o) WHERE k = 'a';
-- differs: Flink counts rows that are equal to a row before it
SELECT id, RANK() OVER (PARTITION BY k ORDER BY v), DENSE_RANK() OVER (PARTITION BY k ORDER BY v) FROM o;
SELECT id, RANK() OVER (ORDER BY id), DENSE_RANK() OVER (ORDER BY id) FROM latest;
-- differs: Flink has no bounded frame there
SELECT k, v, SUM(v) OVER (PARTITION BY k ORDER BY v ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM o;
-- differs: Flink accepts it, and the job fails
SELECT id, k, v, LAG(v) OVER (PARTITION BY k ORDER BY v) FROM o;
-- refused
SELECT k, v, SUM(v) OVER (PARTITION BY k ORDER BY v DESC) FROM o;
-- refused
SELECT k, v, SUM(v) OVER (PARTITION BY k ORDER BY v, id) FROM o;
-- refused
SELECT k, v, SUM(v) OVER (PARTITION BY k) FROM o;
-- refused
SELECT k, v, SUM(v) OVER (PARTITION BY k ORDER BY ts) FROM latest;
-- refused
SELECT k, v, LEAD(v) OVER (PARTITION BY k ORDER BY ts) FROM o;
-- refused
SELECT k, v, NTILE(2) OVER (PARTITION BY k ORDER BY v) FROM o;
-- refused
SELECT k, v, PERCENT_RANK() OVER (PARTITION BY k ORDER BY ts) FROM o;
-- refused
SELECT k, v, CUME_DIST() OVER (PARTITION BY k ORDER BY ts) FROM o;
