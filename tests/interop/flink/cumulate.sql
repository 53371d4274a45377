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
SELECT window_start, window_end, COUNT(*), SUM(v) FROM TABLE(CUMULATE(TABLE bids, DESCRIPTOR(ts), INTERVAL '2' SECOND, INTERVAL '10' SECOND)) GROUP BY window_start, window_end;
SELECT k, window_start, window_end, COUNT(*), SUM(v), MIN(v), MAX(v), AVG(v) FROM TABLE(CUMULATE(TABLE bids, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '20' SECOND)) GROUP BY k, window_start, window_end;
SELECT window_start, window_end, window_time, COUNT(DISTINCT k), COUNT(*) FILTER (WHERE v > 3) FROM TABLE(CUMULATE(TABLE bids, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '10' SECOND)) GROUP BY window_start, window_end, window_time;
SELECT k, v, window_start, window_end, CAST(window_time AS STRING) FROM TABLE(CUMULATE(TABLE bids, DESCRIPTOR(ts), INTERVAL '4' SECOND, INTERVAL '8' SECOND));
SELECT window_end, COUNT(*) FROM CUMULATE(TABLE bids, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '10' SECOND) GROUP BY window_start, window_end;
SELECT window_end, COUNT(*) FROM TABLE(CUMULATE(DATA => TABLE bids, TIMECOL => DESCRIPTOR(ts), STEP => INTERVAL '5' SECOND, SIZE => INTERVAL '10' SECOND)) GROUP BY window_start, window_end;
SELECT window_start, window_end, COUNT(*) FROM TABLE(CUMULATE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND, INTERVAL '10' SECOND)) GROUP BY window_start, window_end;
SELECT window_start, window_end, SUM(v) FROM TABLE(CUMULATE(TABLE bids, DESCRIPTOR(ts), INTERVAL '2' SECOND, INTERVAL '10' SECOND)) GROUP BY window_start, window_end HAVING SUM(v) > 6;
-- a cascade: windows over windows, by window_time and by the same windows again
CREATE VIEW steps AS SELECT window_start AS ws, window_end AS we, window_time AS wt, k, COUNT(*) AS n FROM TABLE(CUMULATE(TABLE bids, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '10' SECOND)) GROUP BY window_start, window_end, window_time, k;
SELECT ws, we, COUNT(*), SUM(n) FROM (SELECT ws, we, n FROM steps) GROUP BY ws, we;
SELECT window_start, window_end, SUM(n) FROM TABLE(TUMBLE(TABLE steps, DESCRIPTOR(wt), INTERVAL '20' SECOND)) GROUP BY window_start, window_end;
SELECT window_start, window_end, SUM(n) FROM TABLE(CUMULATE(TABLE steps, DESCRIPTOR(wt), INTERVAL '10' SECOND, INTERVAL '30' SECOND)) GROUP BY window_start, window_end;
SELECT window_start, window_end, SUM(n), COUNT(*) FROM (SELECT window_start, window_end, k, COUNT(*) AS n FROM TABLE(CUMULATE(TABLE bids, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '10' SECOND)) GROUP BY window_start, window_end, k) GROUP BY window_start, window_end;
-- joined by their windows
SELECT a.window_start, a.window_end, a.k, a.n, b.s FROM (SELECT window_start, window_end, k, COUNT(*) AS n FROM TABLE(CUMULATE(TABLE bids, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '20' SECOND)) GROUP BY window_start, window_end, k) a JOIN (SELECT window_start, window_end, k, SUM(v) AS s FROM TABLE(CUMULATE(TABLE bids, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '20' SECOND)) GROUP BY window_start, window_end, k) b ON a.window_start = b.window_start AND a.window_end = b.window_end AND a.k = b.k;
CREATE VIEW early AS SELECT * FROM bids WHERE v <= 6;
SELECT L.k, L.v, R.v, L.window_start, L.window_end FROM (SELECT * FROM TABLE(CUMULATE(TABLE early, DESCRIPTOR(ts), INTERVAL '10' SECOND, INTERVAL '20' SECOND))) L LEFT JOIN (SELECT * FROM TABLE(CUMULATE(TABLE early, DESCRIPTOR(ts), INTERVAL '10' SECOND, INTERVAL '20' SECOND))) R ON L.k = R.k AND L.v < R.v AND L.window_start = R.window_start AND L.window_end = R.window_end;
SELECT window_start, window_end, COUNT(*) FROM TABLE(CUMULATE(TABLE bids, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '10' SECOND, INTERVAL '3' SECOND)) GROUP BY window_start, window_end;
-- refused
SELECT window_start, COUNT(*) FROM TABLE(CUMULATE(TABLE bids, DESCRIPTOR(ts), INTERVAL '3' SECOND, INTERVAL '10' SECOND)) GROUP BY window_start, window_end;
-- refused
SELECT window_start, COUNT(*) FROM TABLE(CUMULATE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND, INTERVAL '5' SECOND)) GROUP BY window_start, window_end;
