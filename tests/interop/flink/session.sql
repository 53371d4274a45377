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

CREATE TABLE strict (k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'filesystem', 'path' = '$DIR/bids.json', 'format' = 'json');

SELECT k, window_start, window_end, COUNT(*), SUM(v), MIN(v), MAX(v), AVG(v) FROM TABLE(SESSION(TABLE bids PARTITION BY k, DESCRIPTOR(ts), INTERVAL '4' SECOND)) GROUP BY k, window_start, window_end;
SELECT window_start, window_end, COUNT(*), SUM(v) FROM TABLE(SESSION(TABLE bids, DESCRIPTOR(ts), INTERVAL '2' SECOND)) GROUP BY window_start, window_end;
SELECT window_start, window_end, window_time, COUNT(DISTINCT k), COUNT(*) FILTER (WHERE v > 3) FROM TABLE(SESSION(TABLE bids, DESCRIPTOR(ts), INTERVAL '2' SECOND)) GROUP BY window_start, window_end, window_time;
SELECT window_start, window_end, k, SUM(v) FROM TABLE(SESSION(TABLE bids, DESCRIPTOR(ts), INTERVAL '2' SECOND)) GROUP BY window_start, window_end, k;
SELECT window_start, window_end, COUNT(*) FROM TABLE(SESSION(TABLE bids PARTITION BY k, DESCRIPTOR(ts), INTERVAL '4' SECOND)) GROUP BY window_start, window_end;
SELECT k, v, window_start, window_end, CAST(window_time AS STRING) FROM TABLE(SESSION(TABLE bids PARTITION BY k, DESCRIPTOR(ts), INTERVAL '4' SECOND));
SELECT k, v, window_start, window_end FROM TABLE(SESSION(TABLE bids, DESCRIPTOR(ts), INTERVAL '2' SECOND));
SELECT k, window_end, COUNT(*) FROM SESSION(TABLE bids PARTITION BY k, DESCRIPTOR(ts), INTERVAL '4' SECOND) GROUP BY k, window_start, window_end;
SELECT k, window_end, COUNT(*) FROM TABLE(SESSION(DATA => TABLE bids PARTITION BY k, TIMECOL => DESCRIPTOR(ts), GAP => INTERVAL '4' SECOND)) GROUP BY k, window_start, window_end;
SELECT k, window_start, window_end, COUNT(*) FROM TABLE(SESSION(TABLE strict PARTITION BY k, DESCRIPTOR(ts), INTERVAL '4' SECOND)) GROUP BY k, window_start, window_end;
SELECT k, v, window_start, window_end FROM TABLE(SESSION(TABLE strict PARTITION BY k, DESCRIPTOR(ts), INTERVAL '4' SECOND));
SELECT k, window_start, SUM(v) FROM TABLE(SESSION(TABLE bids PARTITION BY k, DESCRIPTOR(ts), INTERVAL '4' SECOND)) GROUP BY k, window_start, window_end HAVING SUM(v) > 4;
SELECT k, window_start, window_end, SUM(v) FROM TABLE(SESSION(TABLE bids PARTITION BY k, DESCRIPTOR(ts), INTERVAL '4' SECOND)) WHERE v > 2 GROUP BY k, window_start, window_end;
SELECT window_start, window_end, COUNT(*), SUM(n) FROM TABLE(TUMBLE((SELECT window_time AS wt, k, COUNT(*) AS n FROM TABLE(SESSION(TABLE bids PARTITION BY k, DESCRIPTOR(ts), INTERVAL '4' SECOND)) GROUP BY k, window_start, window_end, window_time), DESCRIPTOR(wt), INTERVAL '10' SECOND)) GROUP BY window_start, window_end;
SELECT SESSION_START(ts, INTERVAL '4' SECOND), SESSION_END(ts, INTERVAL '4' SECOND), CAST(SESSION_ROWTIME(ts, INTERVAL '4' SECOND) AS STRING), k, COUNT(*), SUM(v) FROM bids GROUP BY SESSION(ts, INTERVAL '4' SECOND), k;
SELECT SESSION_START(ts, INTERVAL '2' SECOND), COUNT(*) FROM bids GROUP BY SESSION(ts, INTERVAL '2' SECOND);
SELECT SESSION_START(ts, INTERVAL '4' SECOND), SESSION_END(ts, INTERVAL '4' SECOND), k, COUNT(*), SUM(v) FROM strict GROUP BY SESSION(ts, INTERVAL '4' SECOND), k;
SELECT SESSION_START(ts, INTERVAL '4' SECOND), k, COUNT(DISTINCT v) FROM bids GROUP BY SESSION(ts, INTERVAL '4' SECOND), k;
-- a filter above the window does not divide its sessions
SELECT k, v, window_start, window_end FROM TABLE(SESSION(TABLE bids PARTITION BY k, DESCRIPTOR(ts), INTERVAL '4' SECOND)) WHERE v <> 3;
SELECT k, window_start, window_end, SUM(v) FROM TABLE(SESSION(TABLE bids PARTITION BY k, DESCRIPTOR(ts), INTERVAL '3' SECOND)) WHERE v <> 3 GROUP BY k, window_start, window_end;
SELECT k, v, window_start, window_end FROM TABLE(SESSION(TABLE bids PARTITION BY k, DESCRIPTOR(ts), INTERVAL '3' SECOND)) WHERE k = 'a' AND v <> 3;
SELECT k, v, rn FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end, k ORDER BY v DESC) AS rn FROM TABLE(SESSION(TABLE bids PARTITION BY k, DESCRIPTOR(ts), INTERVAL '4' SECOND))) WHERE rn <= 2;
SELECT v > 4, SESSION_START(ts, INTERVAL '4' SECOND), COUNT(*) FROM bids GROUP BY v > 4, SESSION(ts, INTERVAL '4' SECOND);
SELECT window_start, window_end, COUNT(*) FROM TABLE(SESSION(TABLE bids PARTITION BY (k, v), DESCRIPTOR(ts), INTERVAL '4' SECOND)) GROUP BY k, v, window_start, window_end;
-- refused
SELECT * FROM TABLE(SESSION(TABLE bids PARTITION BY nope, DESCRIPTOR(ts), INTERVAL '4' SECOND));
-- refused
SELECT * FROM TABLE(SESSION(TABLE bids PARTITION BY k, DESCRIPTOR(v), INTERVAL '4' SECOND));
