/* data p.json
{"id":1,"n":"a","ts":"2024-01-01 00:00:01.000"}
{"id":2,"n":"b","ts":"2024-01-01 00:00:05.000"}
{"id":1,"n":"c","ts":"2024-01-01 00:00:11.000"}
{"id":3,"n":"d","ts":"2024-01-01 00:00:12.000"}
{"id":null,"n":"e","ts":"2024-01-01 00:00:13.000"}
{"id":4,"n":"f","ts":"2024-01-01 00:00:25.000"}
*/
/* data q.json
{"id":1,"v":10,"ts":"2024-01-01 00:00:02.000"}
{"id":1,"v":11,"ts":"2024-01-01 00:00:09.000"}
{"id":3,"v":12,"ts":"2024-01-01 00:00:10.000"}
{"id":3,"v":13,"ts":"2024-01-01 00:00:19.999"}
{"id":null,"v":14,"ts":"2024-01-01 00:00:15.000"}
{"id":5,"v":15,"ts":"2024-01-01 00:00:21.000"}
{"id":4,"v":16,"ts":"2024-01-01 00:00:30.000"}
*/
# A delay so long that no row is late: which of two sources is read first is nobody's promise.
CREATE TABLE p (id INT, n STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' HOUR)
WITH ('connector' = 'filesystem', 'path' = '$DIR/p.json', 'format' = 'json');
CREATE TABLE q (id INT, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' HOUR)
WITH ('connector' = 'filesystem', 'path' = '$DIR/q.json', 'format' = 'json');
CREATE VIEW pw AS SELECT id, n, window_start, window_end FROM TABLE(TUMBLE(TABLE p, DESCRIPTOR(ts), INTERVAL '10' SECOND));
CREATE VIEW qw AS SELECT id, v, window_start, window_end FROM TABLE(TUMBLE(TABLE q, DESCRIPTOR(ts), INTERVAL '10' SECOND));

SELECT pw.id, n, v, pw.window_start FROM pw JOIN qw ON pw.id = qw.id AND pw.window_start = qw.window_start AND pw.window_end = qw.window_end;
SELECT pw.id, n, v, pw.window_start, qw.window_start FROM pw LEFT JOIN qw ON pw.id = qw.id AND pw.window_start = qw.window_start AND pw.window_end = qw.window_end;
SELECT qw.id, n, v, pw.window_start, qw.window_start FROM pw RIGHT JOIN qw ON pw.id = qw.id AND pw.window_start = qw.window_start AND pw.window_end = qw.window_end;
SELECT pw.id, qw.id, n, v FROM pw FULL JOIN qw ON pw.id = qw.id AND pw.window_start = qw.window_start AND pw.window_end = qw.window_end;
SELECT n, v FROM pw JOIN qw ON pw.id = qw.id AND pw.window_start = qw.window_start AND pw.window_end = qw.window_end AND v > 11;
SELECT a.id, a.c, b.s FROM (SELECT id, window_start, window_end, COUNT(*) AS c FROM TABLE(TUMBLE(TABLE p, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY id, window_start, window_end) a JOIN (SELECT id, window_start, window_end, SUM(v) AS s FROM TABLE(TUMBLE(TABLE q, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY id, window_start, window_end) b ON a.id = b.id AND a.window_start = b.window_start AND a.window_end = b.window_end;
SELECT p.n, q.v FROM p, q WHERE p.id = q.id AND q.ts BETWEEN p.ts AND p.ts + INTERVAL '9' SECOND;
SELECT p.n, q.v FROM p JOIN q ON p.id = q.id AND p.ts BETWEEN q.ts - INTERVAL '1' SECOND AND q.ts + INTERVAL '10' SECOND;
SELECT p.n, q.v FROM p LEFT JOIN q ON p.id = q.id AND q.ts BETWEEN p.ts AND p.ts + INTERVAL '5' SECOND;
SELECT p.n, q.v FROM p JOIN q ON p.id = q.id;
SELECT window_start, COUNT(*) FROM TABLE(HOP(TABLE p, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '10' SECOND)) GROUP BY window_start, window_end;
