# Semi and anti joins of windows: told when the window ends.
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

SELECT id, n FROM pw WHERE id IN (SELECT id FROM qw WHERE qw.window_start = pw.window_start AND qw.window_end = pw.window_end);
SELECT id, n FROM pw WHERE EXISTS (SELECT * FROM qw WHERE qw.id = pw.id AND qw.window_start = pw.window_start AND qw.window_end = pw.window_end);
SELECT id, n FROM pw WHERE NOT EXISTS (SELECT * FROM qw WHERE qw.id = pw.id AND qw.window_start = pw.window_start AND qw.window_end = pw.window_end);
SELECT id, n FROM pw WHERE EXISTS (SELECT * FROM qw WHERE qw.id = pw.id AND v > 11 AND qw.window_start = pw.window_start AND qw.window_end = pw.window_end);
SELECT id, n FROM pw WHERE NOT EXISTS (SELECT * FROM qw WHERE qw.id = pw.id AND v > 11 AND qw.window_start = pw.window_start AND qw.window_end = pw.window_end);
