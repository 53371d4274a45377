# Event-time temporal joins. Rows of each source are in the order of their times: which rows are late depends on how two
# sources are read beside each other, which is left open. Times of rows and versions are equal here and there.
/* data o.json
{"id":1,"c":"EUR","n":10,"ts":"2024-01-01 00:00:00.000"}
{"id":2,"c":"EUR","n":20,"ts":"2024-01-01 00:00:10.000"}
{"id":3,"c":"USD","n":30,"ts":"2024-01-01 00:00:12.000"}
{"id":4,"c":"EUR","n":40,"ts":"2024-01-01 00:00:15.000"}
{"id":5,"c":null,"n":50,"ts":"2024-01-01 00:00:16.000"}
{"id":6,"c":"EUR","n":60,"ts":"2024-01-01 00:00:20.000"}
{"id":7,"c":"GBP","n":70,"ts":"2024-01-01 00:00:21.000"}
{"id":8,"c":"USD","n":80,"ts":"2024-01-01 00:00:30.000"}
{"id":9,"c":"EUR","n":null,"ts":"2024-01-01 00:00:31.000"}
{"id":10,"c":"YEN","n":100,"ts":"2024-01-01 00:01:00.000"}
{"id":10,"c":"YEN","n":100,"ts":"2024-01-01 00:01:00.000"}
*/
/* data r.json
{"c":"EUR","rate":1.1,"ts":"2024-01-01 00:00:05.000"}
{"c":"EUR","rate":1.2,"ts":"2024-01-01 00:00:15.000"}
{"c":"USD","rate":2.0,"ts":"2024-01-01 00:00:15.000"}
{"c":"YEN","rate":100,"ts":"2024-01-01 00:00:15.001"}
{"c":"EUR","rate":1.3,"ts":"2024-01-01 00:00:20.001"}
{"c":"EUR","rate":1.4,"ts":"2024-01-01 00:00:31.000"}
{"c":"EUR","rate":1.5,"ts":"2024-01-01 00:00:31.000"}
{"c":"YEN","rate":null,"ts":"2024-01-01 00:00:59.999"}
{"c":"USD","rate":3.0,"ts":"2024-01-01 00:02:00.000"}
*/
/* data p.json
{"a":1,"b":"x","v":"p","ts":"2024-01-01 00:00:01.000"}
{"a":1,"b":"y","v":"q","ts":"2024-01-01 00:00:02.000"}
{"a":2,"b":"x","v":"r","ts":"2024-01-01 00:00:03.000"}
{"a":1,"b":"x","v":"s","ts":"2024-01-01 00:00:12.000"}
*/
/* data q.json
{"id":1,"a":1,"b":"x","ts":"2024-01-01 00:00:05.000"}
{"id":2,"a":1,"b":"x","ts":"2024-01-01 00:00:12.000"}
{"id":3,"a":1,"b":"y","ts":"2024-01-01 00:00:13.000"}
{"id":4,"a":2,"b":"z","ts":"2024-01-01 00:00:14.000"}
{"id":5,"a":2,"b":"x","ts":"2024-01-01 00:00:15.000"}
*/
CREATE TABLE o (id INT, c STRING, n INT, ts TIMESTAMP(3), p AS PROCTIME(), WATERMARK FOR ts AS ts - INTERVAL '3' SECOND)
WITH ('connector' = 'filesystem', 'path' = '$DIR/o.json', 'format' = 'json');
CREATE TABLE r (c STRING, rate DOUBLE, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND, PRIMARY KEY (c) NOT ENFORCED)
WITH ('connector' = 'filesystem', 'path' = '$DIR/r.json', 'format' = 'json');
CREATE TABLE keyless (c STRING, rate DOUBLE, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND)
WITH ('connector' = 'filesystem', 'path' = '$DIR/r.json', 'format' = 'json');
CREATE TABLE timeless (c STRING, rate DOUBLE, ts TIMESTAMP(3), PRIMARY KEY (c) NOT ENFORCED)
WITH ('connector' = 'filesystem', 'path' = '$DIR/r.json', 'format' = 'json');
CREATE TABLE zoned (c STRING, rate DOUBLE, ts TIMESTAMP(3), l AS CAST(ts AS TIMESTAMP_LTZ(3)), WATERMARK FOR l AS l - INTERVAL '1' SECOND, PRIMARY KEY (c) NOT ENFORCED)
WITH ('connector' = 'filesystem', 'path' = '$DIR/r.json', 'format' = 'json');
CREATE TABLE oz (id INT, c STRING, n INT, ts TIMESTAMP(3), l AS CAST(ts AS TIMESTAMP_LTZ(3)), WATERMARK FOR l AS l)
WITH ('connector' = 'filesystem', 'path' = '$DIR/o.json', 'format' = 'json');
CREATE TABLE pairs (a INT, b STRING, v STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts, PRIMARY KEY (b, a) NOT ENFORCED)
WITH ('connector' = 'filesystem', 'path' = '$DIR/p.json', 'format' = 'json');
CREATE TABLE asked (id INT, a INT, b STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'filesystem', 'path' = '$DIR/q.json', 'format' = 'json');
CREATE VIEW versions AS SELECT c, rate, ts FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY c ORDER BY ts DESC) AS rn FROM keyless) WHERE rn = 1;
CREATE VIEW renamed AS SELECT c AS currency, rate * 2 AS doubled, ts AS since FROM r;
CREATE VIEW higher AS SELECT * FROM r WHERE rate > 1.1;

SELECT o.id, o.c, r.c, r.rate FROM o JOIN r FOR SYSTEM_TIME AS OF o.ts ON o.c = r.c;
SELECT o.id, o.c, r.c, r.rate, r.ts FROM o LEFT JOIN r FOR SYSTEM_TIME AS OF o.ts ON o.c = r.c;
SELECT o.id, x.rate FROM o LEFT JOIN r FOR SYSTEM_TIME AS OF o.ts AS x ON o.c = x.c;
SELECT o.id, x.rate FROM o JOIN r FOR SYSTEM_TIME AS OF o.ts x ON x.c = o.c;
SELECT o.id, o.ts, r.* FROM o JOIN r FOR SYSTEM_TIME AS OF o.ts ON o.c = r.c WHERE o.n > 30;
SELECT o.id, r.rate FROM o JOIN r FOR SYSTEM_TIME AS OF o.ts ON o.c = r.c AND r.rate > 1.1;
SELECT o.id, r.rate FROM o LEFT JOIN r FOR SYSTEM_TIME AS OF o.ts ON o.c = r.c AND r.rate > 1.1;
SELECT o.id, r.rate FROM o LEFT JOIN r FOR SYSTEM_TIME AS OF o.ts ON o.c = r.c AND r.rate * o.n > 50;
SELECT o.id, r.rate FROM o LEFT JOIN r FOR SYSTEM_TIME AS OF o.ts ON o.c = r.c AND o.n > 20;
SELECT o.id, r.rate FROM o LEFT JOIN r FOR SYSTEM_TIME AS OF o.ts ON o.c = r.c WHERE r.rate > 1.1;
SELECT o.id, r.rate FROM o LEFT JOIN r FOR SYSTEM_TIME AS OF o.ts ON o.c = r.c WHERE r.rate IS NULL;
SELECT o.id, r.rate FROM o JOIN r FOR SYSTEM_TIME AS OF o.ts ON o.c = r.c WHERE r.c = 'EUR';
SELECT o.id, r.rate FROM o LEFT JOIN r FOR SYSTEM_TIME AS OF o.ts ON o.c = r.c AND r.ts > o.ts - INTERVAL '5' SECOND;
SELECT o.id, v.rate FROM o JOIN versions FOR SYSTEM_TIME AS OF o.ts AS v ON o.c = v.c;
SELECT o.id, v.rate FROM o LEFT JOIN versions FOR SYSTEM_TIME AS OF o.ts AS v ON o.c = v.c;
SELECT o.id, v.doubled FROM o LEFT JOIN renamed FOR SYSTEM_TIME AS OF o.ts AS v ON o.c = v.currency;
-- refused
SELECT o.id, s.rate FROM o LEFT JOIN higher FOR SYSTEM_TIME AS OF o.ts AS s ON o.c = s.c;
SELECT q.id, p.v FROM asked q LEFT JOIN pairs FOR SYSTEM_TIME AS OF q.ts AS p ON q.a = p.a AND q.b = p.b;
SELECT q.id, p.v FROM asked q JOIN pairs FOR SYSTEM_TIME AS OF q.ts AS p ON p.b = q.b AND q.a = p.a;
SELECT q.id, p.v FROM asked q JOIN pairs FOR SYSTEM_TIME AS OF q.ts AS p ON p.b = q.b AND q.a = p.a AND p.v = 's';
SELECT z.id, r.rate FROM oz z LEFT JOIN zoned FOR SYSTEM_TIME AS OF z.l AS r ON z.c = r.c;
SELECT o.id, r.rate, v.rate FROM o LEFT JOIN r FOR SYSTEM_TIME AS OF o.ts ON o.c = r.c LEFT JOIN versions FOR SYSTEM_TIME AS OF o.ts AS v ON o.c = v.c;
SELECT o.c, SUM(o.n * r.rate) FROM o JOIN r FOR SYSTEM_TIME AS OF o.ts ON o.c = r.c GROUP BY o.c;
SELECT window_start, COUNT(*), COUNT(rate) FROM TABLE(TUMBLE((SELECT o.ts, r.rate FROM o LEFT JOIN r FOR SYSTEM_TIME AS OF o.ts ON o.c = r.c), DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end;
SELECT TUMBLE_START(o.ts, INTERVAL '20' SECOND), MAX(r.rate) FROM o JOIN r FOR SYSTEM_TIME AS OF o.ts ON o.c = r.c GROUP BY TUMBLE(o.ts, INTERVAL '20' SECOND);
SELECT k.c, k.n, r.rate FROM (SELECT c, n, ts FROM o WHERE n > 20) k JOIN r FOR SYSTEM_TIME AS OF k.ts ON k.c = r.c;
WITH w AS (SELECT window_time AS wt, c, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE o, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end, window_time, c) SELECT w.c, w.n, r.rate FROM w LEFT JOIN r FOR SYSTEM_TIME AS OF w.wt ON w.c = r.c;
# what has no version, no time or no key
-- refused
SELECT o.id, k.rate FROM o JOIN keyless FOR SYSTEM_TIME AS OF o.ts AS k ON o.c = k.c;
-- refused
SELECT o.id, k.rate FROM o JOIN timeless FOR SYSTEM_TIME AS OF o.ts AS k ON o.c = k.c;
-- refused
SELECT o.id, r.rate FROM o JOIN r FOR SYSTEM_TIME AS OF o.ts ON o.n = r.rate;
-- refused
SELECT o.id, r.rate FROM o JOIN r FOR SYSTEM_TIME AS OF o.ts ON o.c = r.c OR o.n = r.rate;
-- refused
SELECT o.id, r.rate FROM o JOIN r FOR SYSTEM_TIME AS OF o.ts ON o.c = UPPER(r.c);
-- refused
SELECT o.id, r.rate FROM o JOIN r FOR SYSTEM_TIME AS OF o.ts ON TRUE;
-- refused
SELECT o.id, r.rate FROM o CROSS JOIN r FOR SYSTEM_TIME AS OF o.ts;
-- refused
SELECT q.id, p.v FROM asked q JOIN pairs FOR SYSTEM_TIME AS OF q.ts AS p ON q.a = p.a;
-- refused
SELECT o.id, r.rate FROM o RIGHT JOIN r FOR SYSTEM_TIME AS OF o.ts ON o.c = r.c;
-- refused
SELECT o.id, r.rate FROM o FULL JOIN r FOR SYSTEM_TIME AS OF o.ts ON o.c = r.c;
-- refused
SELECT o.id, r.rate FROM o JOIN r FOR SYSTEM_TIME AS OF o.n ON o.c = r.c;
-- refused
SELECT o.id, r.rate FROM o JOIN r FOR SYSTEM_TIME AS OF o.ts + INTERVAL '1' SECOND ON o.c = r.c;
-- refused
SELECT o.id, r.rate FROM o JOIN zoned FOR SYSTEM_TIME AS OF o.ts AS r ON o.c = r.c;
-- refused
SELECT o.id, r.rate FROM o JOIN r FOR SYSTEM_TIME AS OF TIMESTAMP '2024-01-01 00:00:00' ON o.c = r.c;
-- refused
SELECT o.id, r.rate FROM o, r FOR SYSTEM_TIME AS OF o.ts WHERE o.c = r.c;
-- refused
SELECT r.c, r.rate FROM r FOR SYSTEM_TIME AS OF r.ts;
-- refused
SELECT o.id, r.rate FROM o JOIN (SELECT * FROM r) FOR SYSTEM_TIME AS OF o.ts AS r ON o.c = r.c;
-- differs: files can be looked up here
SELECT o.id, r.rate FROM o JOIN r FOR SYSTEM_TIME AS OF o.p ON o.c = r.c;
-- differs: files can be looked up here
SELECT o.id, r.rate FROM o JOIN timeless FOR SYSTEM_TIME AS OF o.p AS r ON o.c = r.c;
-- refused
SELECT o.id, r.rate FROM o JOIN r FOR SYSTEM_TIME AS OF PROCTIME() ON o.c = r.c;
