# Sessions grouped by other columns than those they are apart by.
/* data t.json
{"k":"a","g":"p","v":1,"ts":"2024-01-01 00:00:01.000"}
{"k":"a","g":"q","v":2,"ts":"2024-01-01 00:00:02.000"}
{"k":"b","g":"p","v":4,"ts":"2024-01-01 00:00:02.500"}
{"k":"a","g":"p","v":8,"ts":"2024-01-01 00:00:06.000"}
{"k":"b","g":"p","v":16,"ts":"2024-01-01 00:00:07.000"}
{"k":"b","g":null,"v":32,"ts":"2024-01-01 00:00:07.500"}
{"k":null,"g":"p","v":64,"ts":"2024-01-01 00:00:08.000"}
{"k":"a","g":"q","v":128,"ts":"2024-01-01 00:00:20.000"}
{"k":"c","g":"q","v":256,"ts":"2024-01-01 00:00:20.000"}
{"k":"c","g":"p","v":512,"ts":"2024-01-01 00:00:21.000"}
{"k":"a","g":"q","v":1024,"ts":"2024-01-01 00:00:21.000"}
{"k":"d","g":"q","v":2048,"ts":"2024-01-01 00:00:40.000"}
*/
CREATE TABLE t (k STRING, g STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND) WITH ('connector' = 'filesystem', 'path' = '$DIR/t.json', 'format' = 'json');
SELECT window_start, window_end, SUM(v), COUNT(*) FROM TABLE(SESSION(TABLE t PARTITION BY k, DESCRIPTOR(ts), INTERVAL '3' SECOND)) GROUP BY window_start, window_end;
SELECT window_start, window_end, g, SUM(v), COUNT(*) FROM TABLE(SESSION(TABLE t PARTITION BY k, DESCRIPTOR(ts), INTERVAL '3' SECOND)) GROUP BY window_start, window_end, g;
SELECT window_start, window_end, k, g, SUM(v), COUNT(*) FROM TABLE(SESSION(TABLE t PARTITION BY k, DESCRIPTOR(ts), INTERVAL '3' SECOND)) GROUP BY window_start, window_end, k, g;
SELECT window_start, window_end, k, SUM(v), COUNT(*) FROM TABLE(SESSION(TABLE t PARTITION BY (k, g), DESCRIPTOR(ts), INTERVAL '3' SECOND)) GROUP BY window_start, window_end, k;
SELECT window_start, window_end, g, SUM(v), COUNT(*) FROM TABLE(SESSION(TABLE t PARTITION BY (k, g), DESCRIPTOR(ts), INTERVAL '3' SECOND)) GROUP BY window_start, window_end, g;
SELECT window_start, window_end, SUM(v), COUNT(*) FROM TABLE(SESSION(TABLE t PARTITION BY (k, g), DESCRIPTOR(ts), INTERVAL '3' SECOND)) GROUP BY window_start, window_end;
SELECT window_start, window_end, k, SUM(v), COUNT(*) FROM TABLE(SESSION(TABLE t, DESCRIPTOR(ts), INTERVAL '3' SECOND)) GROUP BY window_start, window_end, k;
SELECT window_start, window_end, UPPER(k), SUM(v) FROM TABLE(SESSION(TABLE t PARTITION BY k, DESCRIPTOR(ts), INTERVAL '3' SECOND)) GROUP BY window_start, window_end, UPPER(k);
SELECT window_start, window_end, g, SUM(v) FROM (SELECT * FROM TABLE(SESSION(TABLE t PARTITION BY k, DESCRIPTOR(ts), INTERVAL '3' SECOND))) WHERE v <> 2 GROUP BY window_start, window_end, g;
SELECT window_end, SUM(v) FROM TABLE(SESSION(TABLE t PARTITION BY k, DESCRIPTOR(ts), INTERVAL '3' SECOND)) GROUP BY window_end;
SELECT window_start, SUM(v) FROM TABLE(SESSION(TABLE t PARTITION BY k, DESCRIPTOR(ts), INTERVAL '3' SECOND)) GROUP BY window_start;
SELECT window_start, window_end, k, COUNT(DISTINCT g), MAX(v) FROM TABLE(SESSION(TABLE t PARTITION BY k, DESCRIPTOR(ts), INTERVAL '3' SECOND)) GROUP BY k, window_start, window_end;
SELECT window_start, window_end, window_time, g, SUM(v) FROM TABLE(SESSION(TABLE t PARTITION BY k, DESCRIPTOR(ts), INTERVAL '3' SECOND)) GROUP BY window_start, window_end, window_time, g;
SELECT g, SESSION_START(ts, INTERVAL '3' SECOND), SUM(v) FROM t GROUP BY g, SESSION(ts, INTERVAL '3' SECOND);
