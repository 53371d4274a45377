/* data bids.json
{"k":"a","v":1,"ts":"2024-01-01 00:00:01.000"}
{"k":"b","v":2,"ts":"2024-01-01 00:00:03.000"}
{"k":"a","v":3,"ts":"2024-01-01 00:00:09.999"}
{"k":"a","v":4,"ts":"2024-01-01 00:00:10.000"}
{"k":"b","v":5,"ts":"2024-01-01 00:00:08.000"}
{"k":"c","v":6,"ts":"2024-01-01 00:00:13.000"}
{"k":"a","v":7,"ts":"2024-01-01 00:00:07.000"}
{"k":"b","v":8,"ts":"2024-01-01 00:00:11.500"}
{"k":"a","v":9,"ts":"2024-01-01 00:00:25.000"}
{"k":"c","v":10,"ts":"2024-01-01 00:00:14.000"}
{"k":"a","v":11,"ts":"2024-01-01 00:00:21.000"}
{"k":null,"v":12,"ts":"2024-01-01 00:00:31.000"}
{"k":"b","v":null,"ts":"2024-01-01 00:00:29.000"}
*/
CREATE TABLE bids (k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND)
WITH ('connector' = 'filesystem', 'path' = '$DIR/bids.json', 'format' = 'json');

-- ordered
SELECT window_start, window_end, COUNT(*), SUM(v) FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end;
SELECT k, window_start, COUNT(*), SUM(v), MIN(v), MAX(v), AVG(v) FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
SELECT window_start, window_end, k, SUM(v) FROM TABLE(HOP(TABLE bids, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '10' SECOND)) GROUP BY window_start, window_end, k;
SELECT window_start, window_end, window_time, COUNT(*) FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end, window_time;
-- differs: Flink loses rows of windows with an offset
SELECT window_start, COUNT(*) FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND, INTERVAL '3' SECOND)) GROUP BY window_start, window_end;
-- differs: Flink loses rows of windows with an offset
SELECT window_start, COUNT(*) FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND, INTERVAL '-3' SECOND)) GROUP BY window_start, window_end;
SELECT k, v, window_start, window_end FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND));
SELECT k, v, window_start, window_end, CAST(window_time AS STRING) FROM TABLE(HOP(TABLE bids, DESCRIPTOR(ts), INTERVAL '4' SECOND, INTERVAL '8' SECOND));
SELECT window_start, COUNT(*) FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end;
SELECT window_start, COUNT(*) FROM TABLE(TUMBLE(DATA => TABLE bids, TIMECOL => DESCRIPTOR(ts), SIZE => INTERVAL '10' SECOND)) GROUP BY window_start, window_end;
SELECT window_start, COUNT(DISTINCT k), COUNT(*) FILTER (WHERE v > 3) FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end;
SELECT window_start, k, SUM(v) FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end, k HAVING SUM(v) > 6;
SELECT TUMBLE_START(ts, INTERVAL '10' SECOND), TUMBLE_END(ts, INTERVAL '10' SECOND), CAST(TUMBLE_ROWTIME(ts, INTERVAL '10' SECOND) AS STRING), k, COUNT(*) FROM bids GROUP BY TUMBLE(ts, INTERVAL '10' SECOND), k;
SELECT HOP_START(ts, INTERVAL '5' SECOND, INTERVAL '10' SECOND), HOP_END(ts, INTERVAL '5' SECOND, INTERVAL '10' SECOND), SUM(v) FROM bids GROUP BY HOP(ts, INTERVAL '5' SECOND, INTERVAL '10' SECOND);
SELECT window_start AS s2, SUM(n) FROM TABLE(TUMBLE((SELECT window_time AS wt, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '5' SECOND)) GROUP BY window_start, window_end, window_time), DESCRIPTOR(wt), INTERVAL '10' SECOND)) GROUP BY window_start, window_end;
CREATE VIEW five AS SELECT window_start AS ws, window_end AS we, window_time AS wt, k, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '5' SECOND)) GROUP BY window_start, window_end, window_time, k;
SELECT * FROM five;
SELECT window_start, window_end, SUM(n) FROM TABLE(TUMBLE(TABLE five, DESCRIPTOR(wt), INTERVAL '10' SECOND)) GROUP BY window_start, window_end;
SELECT ts, CURRENT_WATERMARK(ts) FROM bids;
SELECT COUNT(*) FROM bids WHERE CURRENT_WATERMARK(ts) IS NULL OR ts > CURRENT_WATERMARK(ts);
-- refused
SELECT window_start, COUNT(*) FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(v), INTERVAL '10' SECOND)) GROUP BY window_start, window_end;
-- refused
SELECT window_start, COUNT(*) FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(nope), INTERVAL '10' SECOND)) GROUP BY window_start, window_end;
-- refused
SELECT window_start, COUNT(*) FROM TABLE(HOP(TABLE bids, DESCRIPTOR(ts), INTERVAL '3' SECOND, INTERVAL '10' SECOND)) GROUP BY window_start, window_end;
