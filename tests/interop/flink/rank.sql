/* data s.json
{"id":1,"cat":"x","price":10,"ts":"2024-01-01 00:00:01.000"}
{"id":2,"cat":"x","price":30,"ts":"2024-01-01 00:00:02.000"}
{"id":3,"cat":"y","price":20,"ts":"2024-01-01 00:00:03.000"}
{"id":4,"cat":"x","price":20,"ts":"2024-01-01 00:00:04.000"}
{"id":5,"cat":"y","price":20,"ts":"2024-01-01 00:00:05.000"}
{"id":6,"cat":null,"price":5,"ts":"2024-01-01 00:00:06.000"}
{"id":7,"cat":"x","price":null,"ts":"2024-01-01 00:00:12.000"}
{"id":8,"cat":"x","price":40,"ts":"2024-01-01 00:00:11.000"}
{"id":9,"cat":"y","price":1,"ts":"2024-01-01 00:00:25.000"}
{"id":10,"cat":null,"price":7,"ts":"2024-01-01 00:00:26.000"}
*/
CREATE TABLE s (id INT, cat STRING, price INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND)
WITH ('connector' = 'filesystem', 'path' = '$DIR/s.json', 'format' = 'json');

-- ordered
SELECT id, cat, price FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY cat ORDER BY price DESC) AS rn FROM s) WHERE rn <= 2;
-- ordered
SELECT id, cat, price, rn FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY cat ORDER BY price DESC) AS rn FROM s) WHERE rn <= 2;
SELECT id, cat, price, rn FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY cat ORDER BY price ASC, id DESC) AS rn FROM s) WHERE rn <= 3;
SELECT id, cat, price, rn FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY price) AS rn FROM s) WHERE rn <= 4;
SELECT id, cat, price, rn FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY price DESC NULLS LAST) AS rn FROM s) WHERE rn <= 4;
SELECT id, cat, rn FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY cat ORDER BY price DESC) AS rn FROM s) WHERE rn BETWEEN 2 AND 3;
-- ordered
SELECT id, cat, price FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY cat ORDER BY ts DESC) AS rn FROM s) WHERE rn = 1;
-- ordered
SELECT id, cat, price FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY cat ORDER BY ts ASC) AS rn FROM s) WHERE rn = 1;
-- differs: where rn = 1 Flink's own stream has no -U
SELECT id, cat FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY cat ORDER BY price) AS rn FROM s) WHERE rn = 1;
SELECT id, cat, price FROM s ORDER BY price DESC LIMIT 3;
SELECT id, cat, price FROM s ORDER BY price, id LIMIT 3 OFFSET 2;
SELECT id FROM s ORDER BY price DESC, id FETCH FIRST 2 ROWS ONLY;
-- differs: not built yet
SELECT id, ts FROM s ORDER BY ts;
SELECT cat, n, rn FROM (SELECT cat, n, ROW_NUMBER() OVER (ORDER BY n DESC) AS rn FROM (SELECT cat, COUNT(*) AS n FROM s GROUP BY cat)) WHERE rn <= 2;
SELECT cat, n FROM (SELECT cat, n, ROW_NUMBER() OVER (ORDER BY n ASC) AS rn FROM (SELECT cat, COUNT(*) AS n FROM s GROUP BY cat)) WHERE rn <= 1;
SELECT window_start, id, price, rn FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY price DESC) AS rn FROM TABLE(TUMBLE(TABLE s, DESCRIPTOR(ts), INTERVAL '10' SECOND))) WHERE rn <= 2;
SELECT window_start, cat, n, rn FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY n DESC, cat) AS rn FROM (SELECT window_start, window_end, cat, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE s, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end, cat)) WHERE rn <= 1;
SELECT window_start, cat, id FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end, cat ORDER BY ts DESC) AS rn FROM TABLE(TUMBLE(TABLE s, DESCRIPTOR(ts), INTERVAL '10' SECOND))) WHERE rn = 1;
SELECT window_start, cat, id FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end, cat ORDER BY ts) AS rn FROM TABLE(TUMBLE(TABLE s, DESCRIPTOR(ts), INTERVAL '10' SECOND))) WHERE rn = 1;
-- refused
SELECT id, ROW_NUMBER() OVER (PARTITION BY cat ORDER BY price) AS rn FROM s WHERE rn <= 2;
