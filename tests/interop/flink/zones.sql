-- Windows over TIMESTAMP_LTZ in a zone whose clocks are set forward on 2024-03-31 and back on 2024-10-27.
/* data spring.json
{"id":1,"k":"a","l":"2024-03-30 22:59:59.999Z"}
{"id":2,"k":"a","l":"2024-03-30 23:00:00Z"}
{"id":3,"k":"b","l":"2024-03-31 00:30:00Z"}
{"id":4,"k":"a","l":"2024-03-31 00:59:59.999Z"}
{"id":5,"k":"a","l":"2024-03-31 01:00:00Z"}
{"id":6,"k":"b","l":"2024-03-31 01:10:00Z"}
{"id":7,"k":"a","l":"2024-03-31 02:00:00Z"}
{"id":8,"k":"b","l":"2024-03-31 01:20:00Z"}
{"id":9,"k":"a","l":"2024-03-31 21:59:59.999Z"}
{"id":10,"k":"a","l":"2024-03-31 22:00:00Z"}
{"id":11,"k":"b","l":"2024-04-01 12:00:00Z"}
*/
/* data autumn.json
{"id":1,"k":"a","l":"2024-10-26 21:59:59.999Z"}
{"id":2,"k":"a","l":"2024-10-26 22:00:00Z"}
{"id":3,"k":"a","l":"2024-10-26 23:59:59.999Z"}
{"id":4,"k":"a","l":"2024-10-27 00:00:00Z"}
{"id":5,"k":"b","l":"2024-10-27 00:30:00Z"}
{"id":6,"k":"a","l":"2024-10-27 00:59:59.999Z"}
{"id":7,"k":"a","l":"2024-10-27 01:00:00Z"}
{"id":8,"k":"b","l":"2024-10-27 00:40:00Z"}
{"id":9,"k":"a","l":"2024-10-27 01:30:00Z"}
{"id":10,"k":"b","l":"2024-10-27 01:59:59.999Z"}
{"id":11,"k":"a","l":"2024-10-27 02:00:00Z"}
{"id":12,"k":"b","l":"2024-10-27 01:20:00Z"}
{"id":13,"k":"a","l":"2024-10-27 22:59:59.999Z"}
{"id":14,"k":"a","l":"2024-10-27 23:00:00Z"}
{"id":15,"k":"b","l":"2024-10-28 12:00:00Z"}
*/
SET 'table.local-time-zone' = 'Europe/Berlin';
CREATE TABLE spring (id INT, k STRING, l TIMESTAMP_LTZ(3), WATERMARK FOR l AS l)
WITH ('connector' = 'filesystem', 'path' = '$DIR/spring.json', 'format' = 'json');
CREATE TABLE autumn (id INT, k STRING, l TIMESTAMP_LTZ(3), WATERMARK FOR l AS l)
WITH ('connector' = 'filesystem', 'path' = '$DIR/autumn.json', 'format' = 'json');

-- differs: Flink flushes its buffer by another clock than the window's, and forgets rows
SELECT window_start, window_end, COUNT(*) AS n, SUM(id) AS s FROM TABLE(TUMBLE(TABLE spring, DESCRIPTOR(l), INTERVAL '1' DAY))
GROUP BY window_start, window_end;
SELECT window_start, window_end, COUNT(*) AS n, SUM(id) AS s FROM TABLE(TUMBLE(TABLE autumn, DESCRIPTOR(l), INTERVAL '1' DAY))
GROUP BY window_start, window_end;
SELECT window_start, window_end, k, COUNT(*) AS n, SUM(id) AS s FROM TABLE(TUMBLE(TABLE spring, DESCRIPTOR(l), INTERVAL '1' HOUR))
GROUP BY window_start, window_end, k;
SELECT window_start, window_end, k, COUNT(*) AS n, SUM(id) AS s FROM TABLE(TUMBLE(TABLE autumn, DESCRIPTOR(l), INTERVAL '1' HOUR))
GROUP BY window_start, window_end, k;
SELECT window_start, window_end, window_time, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE autumn, DESCRIPTOR(l), INTERVAL '1' HOUR))
GROUP BY window_start, window_end, window_time;
SELECT window_start, window_end, COUNT(*) AS n FROM TABLE(HOP(TABLE spring, DESCRIPTOR(l), INTERVAL '1' HOUR, INTERVAL '2' HOUR))
GROUP BY window_start, window_end;
SELECT window_start, window_end, COUNT(*) AS n FROM TABLE(HOP(TABLE autumn, DESCRIPTOR(l), INTERVAL '1' HOUR, INTERVAL '2' HOUR))
GROUP BY window_start, window_end;
SELECT window_start, window_end, COUNT(*) AS n
FROM TABLE(CUMULATE(TABLE spring, DESCRIPTOR(l), INTERVAL '1' HOUR, INTERVAL '1' DAY))
GROUP BY window_start, window_end;
SELECT window_start, window_end, COUNT(*) AS n
FROM TABLE(CUMULATE(TABLE autumn, DESCRIPTOR(l), INTERVAL '1' HOUR, INTERVAL '1' DAY))
GROUP BY window_start, window_end;
SELECT k, window_start, window_end, COUNT(*) AS n
FROM TABLE(SESSION(TABLE spring PARTITION BY k, DESCRIPTOR(l), INTERVAL '25' MINUTE))
GROUP BY k, window_start, window_end;
SELECT k, window_start, window_end, COUNT(*) AS n
FROM TABLE(SESSION(TABLE autumn PARTITION BY k, DESCRIPTOR(l), INTERVAL '25' MINUTE))
GROUP BY k, window_start, window_end;
SELECT id, CAST(l AS STRING) AS l, window_start, window_end, CAST(window_time AS STRING) AS t FROM TABLE(TUMBLE(TABLE spring, DESCRIPTOR(l), INTERVAL '1' HOUR));
SELECT id, CAST(l AS STRING) AS l, window_start, window_end, CAST(window_time AS STRING) AS t FROM TABLE(TUMBLE(TABLE autumn, DESCRIPTOR(l), INTERVAL '1' HOUR));
SELECT TUMBLE_START(l, INTERVAL '1' DAY) AS a, TUMBLE_END(l, INTERVAL '1' DAY) AS z, COUNT(*) AS n FROM autumn
GROUP BY TUMBLE(l, INTERVAL '1' DAY);
SELECT k, HOP_START(l, INTERVAL '1' HOUR, INTERVAL '2' HOUR) AS a, COUNT(*) AS n FROM spring
GROUP BY k, HOP(l, INTERVAL '1' HOUR, INTERVAL '2' HOUR);
SELECT TUMBLE_START(l, INTERVAL '1' HOUR) AS a, CAST(TUMBLE_ROWTIME(l, INTERVAL '1' HOUR) AS STRING) AS t, COUNT(*) AS n FROM autumn
GROUP BY TUMBLE(l, INTERVAL '1' HOUR);
SELECT k, SESSION_START(l, INTERVAL '25' MINUTE) AS a, SESSION_END(l, INTERVAL '25' MINUTE) AS z, COUNT(*) AS n FROM autumn
GROUP BY k, SESSION(l, INTERVAL '25' MINUTE);
-- windows of windows
SELECT window_start, window_end, SUM(n) AS n FROM TABLE(TUMBLE((
  SELECT window_time AS t, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE autumn, DESCRIPTOR(l), INTERVAL '1' HOUR))
  GROUP BY window_start, window_end, window_time), DESCRIPTOR(t), INTERVAL '1' DAY))
GROUP BY window_start, window_end;
-- the best of a window, and a join by windows
SELECT window_start, window_end, k, id FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY id DESC) AS rn
  FROM TABLE(TUMBLE(TABLE autumn, DESCRIPTOR(l), INTERVAL '1' HOUR))) WHERE rn <= 1;
SELECT a.window_start, a.window_end, a.id, b.id AS other
FROM (SELECT * FROM TABLE(TUMBLE(TABLE autumn, DESCRIPTOR(l), INTERVAL '1' HOUR)) WHERE k = 'a') AS a
JOIN (SELECT * FROM TABLE(TUMBLE(TABLE autumn, DESCRIPTOR(l), INTERVAL '1' HOUR)) WHERE k = 'b' AND id <> 12) AS b
ON a.window_start = b.window_start AND a.window_end = b.window_end;
-- a zone without summer, ahead by no whole hour
SET 'table.local-time-zone' = 'Asia/Kathmandu';
-- differs: Flink flushes its buffer by another clock than the window's, and forgets rows
SELECT window_start, window_end, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE autumn, DESCRIPTOR(l), INTERVAL '1' HOUR))
GROUP BY window_start, window_end;
SET 'table.local-time-zone' = 'GMT-03:00';
-- differs: Flink flushes its buffer by another clock than the window's, and forgets rows
SELECT window_start, window_end, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE autumn, DESCRIPTOR(l), INTERVAL '1' DAY))
GROUP BY window_start, window_end;
SELECT id, CAST(l AS STRING) AS s, DATE_FORMAT(l, 'HH:mm') AS f FROM autumn;
-- clocks here are set by half an hour
SET 'table.local-time-zone' = 'Australia/Lord_Howe';
SELECT window_start, window_end, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE autumn, DESCRIPTOR(l), INTERVAL '1' DAY))
GROUP BY window_start, window_end;
