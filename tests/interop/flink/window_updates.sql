# Windows over tables that are updated: a row that is taken back leaves its windows; a session keeps its bounds.
/* data o.json
{"id":1,"k":"a","v":10,"ts":"2024-01-01 00:00:01.000"}
{"id":2,"k":"b","v":20,"ts":"2024-01-01 00:00:03.000"}
{"id":1,"k":"b","v":15,"ts":"2024-01-01 00:00:04.000"}
{"id":3,"k":"a","v":20,"ts":"2024-01-01 00:00:06.000"}
{"id":2,"k":"a","v":5,"ts":"2024-01-01 00:00:07.000"}
{"id":4,"k":null,"v":20,"ts":"2024-01-01 00:00:08.000"}
{"id":3,"k":"c","v":null,"ts":"2024-01-01 00:00:11.000"}
{"id":4,"k":"c","v":1,"ts":"2024-01-01 00:00:09.000"}
{"id":7,"k":"c","v":15,"ts":"2024-01-01 00:00:12.000"}
{"id":8,"k":"b","v":15,"ts":"2024-01-01 00:00:12.500"}
{"id":5,"k":"a","v":7,"ts":"2024-01-01 00:00:21.000"}
{"id":9,"k":"d","v":3,"ts":"2024-01-01 00:00:21.500"}
{"id":5,"k":"a","v":8,"ts":"2024-01-01 00:00:23.000"}
{"id":7,"k":"a","v":6,"ts":"2024-01-01 00:00:22.500"}
{"id":9,"k":"e","v":4,"ts":"2024-01-01 00:00:24.000"}
{"id":6,"k":"a","v":9,"ts":"2024-01-01 00:00:35.000"}
*/
CREATE TABLE o (id INT, k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND) WITH ('connector' = 'filesystem', 'path' = '$DIR/o.json', 'format' = 'json');
CREATE VIEW latest AS SELECT id, k, v, ts FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY id ORDER BY ts DESC) AS rn FROM o) WHERE rn = 1;

SELECT window_start, window_end, COUNT(*), SUM(v), MIN(v), MAX(v) FROM TABLE(TUMBLE(TABLE latest, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end;
SELECT window_start, window_end, COUNT(*), SUM(v), MIN(v), MAX(v), AVG(v) FROM TABLE(HOP(TABLE latest, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '10' SECOND)) GROUP BY window_start, window_end;
SELECT window_start, window_end, k, COUNT(*), SUM(v), MIN(v), MAX(v) FROM TABLE(HOP(TABLE latest, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '10' SECOND)) GROUP BY window_start, window_end, k;
SELECT window_start, window_end, k, COUNT(*), SUM(v) FROM TABLE(HOP(TABLE latest, DESCRIPTOR(ts), INTERVAL '4' SECOND, INTERVAL '12' SECOND)) GROUP BY window_start, window_end, k;
SELECT window_start, window_end, COUNT(DISTINCT v), SUM(DISTINCT v), COUNT(DISTINCT k) FROM TABLE(HOP(TABLE latest, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '15' SECOND)) GROUP BY window_start, window_end;
SELECT window_start, window_end, COUNT(*) FILTER (WHERE v > 5), MAX(v) FILTER (WHERE k = 'c'), COUNT(DISTINCT v) FILTER (WHERE k <> 'c') FROM TABLE(HOP(TABLE latest, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '15' SECOND)) GROUP BY window_start, window_end;
SELECT window_start, window_end, COUNT(*), MIN(k), MAX(k), STDDEV_POP(v) FROM TABLE(HOP(TABLE latest, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '10' SECOND)) GROUP BY window_start, window_end;
SELECT window_start, window_end, COUNT(*), SUM(v), MIN(v), MAX(v) FROM TABLE(CUMULATE(TABLE latest, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '10' SECOND)) GROUP BY window_start, window_end;
SELECT window_start, window_end, k, COUNT(*), MIN(v), COUNT(DISTINCT v) FROM TABLE(CUMULATE(TABLE latest, DESCRIPTOR(ts), INTERVAL '2' SECOND, INTERVAL '10' SECOND)) GROUP BY window_start, window_end, k;
SELECT window_start, window_end, COUNT(*), SUM(v), MIN(v), MAX(v) FROM TABLE(SESSION(TABLE latest, DESCRIPTOR(ts), INTERVAL '3' SECOND)) GROUP BY window_start, window_end;
SELECT window_start, window_end, k, COUNT(*), SUM(v), COUNT(DISTINCT v) FROM TABLE(SESSION(TABLE latest PARTITION BY k, DESCRIPTOR(ts), INTERVAL '3' SECOND)) GROUP BY window_start, window_end, k;
SELECT window_start, window_end, k, v FROM TABLE(SESSION(TABLE latest, DESCRIPTOR(ts), INTERVAL '3' SECOND));
SELECT window_start, window_end, k, v FROM TABLE(SESSION(TABLE latest PARTITION BY k, DESCRIPTOR(ts), INTERVAL '1' SECOND));
SELECT SESSION_START(ts, INTERVAL '4' SECOND), SESSION_END(ts, INTERVAL '4' SECOND), k, COUNT(*), SUM(v) FROM latest GROUP BY SESSION(ts, INTERVAL '4' SECOND), k;
SELECT HOP_START(ts, INTERVAL '5' SECOND, INTERVAL '10' SECOND), COUNT(*), SUM(v), MAX(v) FROM latest GROUP BY HOP(ts, INTERVAL '5' SECOND, INTERVAL '10' SECOND);
SELECT window_start, window_end, FIRST_VALUE(v), LAST_VALUE(v) FROM TABLE(TUMBLE(TABLE latest, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end;
SELECT window_start, window_end, LISTAGG(k) FROM TABLE(TUMBLE(TABLE latest, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end;
-- differs: Flink cannot merge FIRST_VALUE of slices whose rows are taken back
SELECT window_start, window_end, FIRST_VALUE(v), LAST_VALUE(v) FROM TABLE(HOP(TABLE latest, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '10' SECOND)) GROUP BY window_start, window_end;
-- differs: the order over slices
SELECT window_start, window_end, k, LISTAGG(CAST(v AS STRING)) FROM TABLE(HOP(TABLE latest, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '10' SECOND)) GROUP BY window_start, window_end, k;
