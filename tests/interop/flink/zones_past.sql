-- A zone that has no summer time any more, in a year when it had: its clocks were set back at 1991-09-14 17:00 of UTC.
/* data past.json
{"id":1,"l":"1991-09-14 16:10:00Z"}
{"id":2,"l":"1991-09-14 16:59:59.999Z"}
{"id":3,"l":"1991-09-14 17:10:00Z"}
{"id":4,"l":"1991-09-14 17:59:59.999Z"}
{"id":5,"l":"1991-09-14 18:10:00Z"}
*/
SET 'table.local-time-zone' = 'Asia/Shanghai';
CREATE TABLE past (id INT, l TIMESTAMP_LTZ(3), WATERMARK FOR l AS l)
WITH ('connector' = 'filesystem', 'path' = '$DIR/past.json', 'format' = 'json');
SELECT id, CAST(l AS STRING) AS s FROM past;
-- differs: Flink tells the window at the end of the first of the two hours
SELECT window_start, window_end, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE past, DESCRIPTOR(l), INTERVAL '1' HOUR))
GROUP BY window_start, window_end;
