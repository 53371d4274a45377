# Out of order by up to the delay, late by less than a window, late by more; times before 1970; equal times.
/* data e.json
{"k":"a","v":1,"ts":"2024-01-01 00:00:10.000"}
{"k":"a","v":2,"ts":"2024-01-01 00:00:05.000"}
{"k":"b","v":3,"ts":"2024-01-01 00:00:14.999"}
{"k":"a","v":4,"ts":"2024-01-01 00:00:09.999"}
{"k":"b","v":5,"ts":"2024-01-01 00:00:15.000"}
{"k":"a","v":6,"ts":"2024-01-01 00:00:09.000"}
{"k":"a","v":7,"ts":"2024-01-01 00:00:15.001"}
{"k":"b","v":8,"ts":"2024-01-01 00:00:09.500"}
{"k":"c","v":9,"ts":"2024-01-01 00:01:00.000"}
{"k":"c","v":10,"ts":"2024-01-01 00:00:20.000"}
{"k":"c","v":11,"ts":"2024-01-01 00:00:54.999"}
{"k":"c","v":12,"ts":"2024-01-01 00:00:50.000"}
{"k":"a","v":13,"ts":"2024-01-01 00:01:00.000"}
*/
/* data old.json
{"k":"a","v":1,"ts":"1969-12-31 23:59:55.000"}
{"k":"a","v":2,"ts":"1969-12-31 23:59:59.999"}
{"k":"a","v":3,"ts":"1970-01-01 00:00:00.000"}
{"k":"a","v":4,"ts":"1969-12-31 23:59:57.000"}
{"k":"a","v":5,"ts":"1970-01-01 00:00:07.000"}
*/
CREATE TABLE e (k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)
WITH ('connector' = 'filesystem', 'path' = '$DIR/e.json', 'format' = 'json');
CREATE TABLE strict (k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'filesystem', 'path' = '$DIR/e.json', 'format' = 'json');
CREATE TABLE computed (k STRING, v INT, ts TIMESTAMP(3), moved AS ts + INTERVAL '1' SECOND, WATERMARK FOR moved AS moved - INTERVAL '0.001' SECOND)
WITH ('connector' = 'filesystem', 'path' = '$DIR/e.json', 'format' = 'json');
CREATE TABLE early (k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND)
WITH ('connector' = 'filesystem', 'path' = '$DIR/old.json', 'format' = 'json');
CREATE TABLE zoned (k STRING, v INT, ts TIMESTAMP(3), l AS CAST(ts AS TIMESTAMP_LTZ(3)), WATERMARK FOR l AS l - INTERVAL '5' SECOND)
WITH ('connector' = 'filesystem', 'path' = '$DIR/e.json', 'format' = 'json');

SELECT window_start, COUNT(*), SUM(v), MIN(v), MAX(v) FROM TABLE(TUMBLE(TABLE e, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end;
SELECT window_start, k, SUM(v) FROM TABLE(TUMBLE(TABLE e, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end, k;
SELECT window_start, COUNT(*), SUM(v) FROM TABLE(TUMBLE(TABLE strict, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end;
SELECT window_start, COUNT(*), SUM(v) FROM TABLE(HOP(TABLE e, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '20' SECOND)) GROUP BY window_start, window_end;
SELECT window_start, COUNT(*), SUM(v) FROM TABLE(HOP(TABLE strict, DESCRIPTOR(ts), INTERVAL '2' SECOND, INTERVAL '10' SECOND)) GROUP BY window_start, window_end;
SELECT window_start, COUNT(*), SUM(v) FROM TABLE(TUMBLE(TABLE computed, DESCRIPTOR(moved), INTERVAL '10' SECOND)) GROUP BY window_start, window_end;
SELECT window_start, window_end, SUM(v) FROM TABLE(TUMBLE(TABLE early, DESCRIPTOR(ts), INTERVAL '3' SECOND)) GROUP BY window_start, window_end;
SELECT TUMBLE_START(ts, INTERVAL '10' SECOND), COUNT(*), SUM(v) FROM e GROUP BY TUMBLE(ts, INTERVAL '10' SECOND);
SELECT TUMBLE_START(ts, INTERVAL '10' SECOND), COUNT(*), SUM(v) FROM strict GROUP BY TUMBLE(ts, INTERVAL '10' SECOND);
SELECT HOP_START(ts, INTERVAL '5' SECOND, INTERVAL '20' SECOND), COUNT(*), SUM(v) FROM strict GROUP BY HOP(ts, INTERVAL '5' SECOND, INTERVAL '20' SECOND);
SELECT window_start, window_end, SUM(v) FROM TABLE(TUMBLE(TABLE zoned, DESCRIPTOR(l), INTERVAL '10' SECOND)) GROUP BY window_start, window_end;
SELECT k, v, ts FROM e WHERE CURRENT_WATERMARK(ts) IS NOT NULL AND ts <= CURRENT_WATERMARK(ts);
SELECT v, CURRENT_WATERMARK(ts) FROM strict;
SELECT COUNT(*) FROM e;
SELECT window_start, cnt, COUNT(*) FROM (SELECT window_start, window_end, k, COUNT(*) AS cnt FROM TABLE(TUMBLE(TABLE e, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end, k) GROUP BY window_start, cnt;
SELECT window_start, window_end, MAX(c) FROM (SELECT window_start, window_end, k, COUNT(*) AS c FROM TABLE(TUMBLE(TABLE e, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end, k) GROUP BY window_start, window_end;
SELECT k, v, window_start FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY v DESC) AS rn FROM TABLE(TUMBLE(TABLE strict, DESCRIPTOR(ts), INTERVAL '10' SECOND))) WHERE rn <= 2;
