-- State with a time to live: one that is never over changes no result, in any operator that forgets; what is refused.
/* data t.json
{"id":1,"k":"a","n":3,"ts":"2024-01-01 00:00:01"}
{"id":2,"k":"b","n":1,"ts":"2024-01-01 00:00:02"}
{"id":3,"k":"a","n":3,"ts":"2024-01-01 00:00:03"}
{"id":4,"k":null,"n":7,"ts":"2024-01-01 00:00:04"}
{"id":5,"k":"c","n":null,"ts":"2024-01-01 00:00:05"}
{"id":6,"k":"b","n":9,"ts":"2024-01-01 00:00:06"}
{"id":7,"k":"a","n":1,"ts":"2024-01-01 00:00:07"}
{"id":8,"k":"c","n":2,"ts":"2024-01-01 00:00:08"}
{"id":9,"k":"a","n":3,"ts":"2024-01-01 00:00:09"}
{"id":10,"k":null,"n":7,"ts":"2024-01-01 00:00:10"}
*/
/* data u.json
{"k":"a","m":1,"ts":"2024-01-01 00:00:01"}
{"k":"a","m":2,"ts":"2024-01-01 00:00:05"}
{"k":"c","m":3,"ts":"2024-01-01 00:00:05"}
{"k":"z","m":4,"ts":"2024-01-01 00:00:09"}
{"k":null,"m":5,"ts":"2024-01-01 00:00:09"}
*/
CREATE TABLE t (id INT, k STRING, n INT, ts TIMESTAMP(3), p AS PROCTIME(), WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '$DIR/t.json', 'format' = 'json');
CREATE TABLE u (k STRING, m INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '$DIR/u.json', 'format' = 'json');
CREATE VIEW counts AS SELECT k, COUNT(*) AS c, MAX(n) AS m FROM t GROUP BY k;
CREATE VIEW joined AS SELECT t.id, t.k, u.m FROM t JOIN u ON t.k = u.k;

SET 'table.exec.state.ttl' = '7 d';
SELECT k, COUNT(*), SUM(n), MIN(n), COUNT(DISTINCT n) FROM t GROUP BY k;
SELECT c, COUNT(*), COUNT(DISTINCT m) FROM counts GROUP BY c;
SELECT DISTINCT k, n FROM t;
SELECT t.id, u.m FROM t LEFT JOIN u ON t.k = u.k;
SELECT c.k, c.c, u.m FROM counts AS c LEFT JOIN u ON c.k = u.k;
SELECT id FROM t WHERE k IN (SELECT k FROM u);
SELECT id FROM t WHERE NOT EXISTS (SELECT 1 FROM u WHERE u.k = t.k);
SELECT id, n FROM t WHERE n > (SELECT AVG(m) FROM u);
SELECT k, n, id, r FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY n DESC, id) AS r FROM t) WHERE r <= 2;
SELECT k, c, r FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY c DESC, k) AS r FROM counts) WHERE r <= 2;
SELECT k, id FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY p) AS r FROM t) WHERE r = 1;
SELECT id, SUM(n) OVER (PARTITION BY k ORDER BY p ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) FROM t;
SELECT t.id, u.m FROM t JOIN u ON t.k = u.k AND t.ts BETWEEN u.ts - INTERVAL '2' SECOND AND u.ts + INTERVAL '2' SECOND;

SET 'table.exec.state.ttl' = '0 ms';
SELECT /*+ STATE_TTL('t' = '3 d', 'u' = '6 h') */ t.id, u.m FROM t JOIN u ON t.k = u.k;
SELECT /*+ STATE_TTL('u' = '6 h') */ x.id, u.m FROM t AS x LEFT JOIN u ON x.k = u.k;
SELECT /*+ STATE_TTL('t' = '3 d', 'u' = '6 h', 'c' = '1 h') */ t.id, u.m, c.c FROM t JOIN u ON t.k = u.k LEFT JOIN counts AS c ON u.m = c.c;
SELECT /*+ STATE_TTL('t' = '3 d'), STATE_TTL('u' = '1 d') */ t.id, u.m FROM t JOIN u ON t.k = u.k;
SELECT /*+ STATE_TTL('joined' = '1 d') */ joined.id, counts.c FROM joined JOIN counts ON joined.k = counts.k;
SELECT /*+ STATE_TTL('t' = '1 d') */ k, COUNT(*) FROM t GROUP BY k;
SELECT /*+ STATE_TTL('x' = '1 d') */ k, COUNT(*) FROM (SELECT k FROM t WHERE n > 1) AS x GROUP BY k;
SELECT /*+ STATE_TTL('t' = '1 d') */ DISTINCT k, n FROM t;
SELECT x.id, y.c FROM t AS x JOIN (SELECT /*+ STATE_TTL('t' = '1 d') */ k, COUNT(*) AS c FROM t GROUP BY k) AS y ON x.k = y.k;
-- refused
SELECT /*+ STATE_TTL('t' = '1 d') */ x.id, u.m FROM t AS x JOIN u ON x.k = u.k;
-- refused
SELECT /*+ STATE_TTL('T' = '1 d') */ k, COUNT(*) FROM t GROUP BY k;
-- differs: the name of a table within IN is taken, and has no effect; here it is refused
SELECT /*+ STATE_TTL('u' = '1 d') */ id FROM t WHERE k IN (SELECT k FROM u);
-- refused
SELECT /*+ STATE_TTL('t' = '1 d') */ x.k, COUNT(*) FROM (SELECT k FROM t WHERE n > 1) AS x GROUP BY x.k;
-- refused
SELECT /*+ STATE_TTL('t' = 'soon') */ k, COUNT(*) FROM t GROUP BY k;
-- refused
SELECT /*+ STATE_TTL('t' = '-1 d') */ k, COUNT(*) FROM t GROUP BY k;
-- refused
SELECT /*+ STATE_TTL('t') */ k, COUNT(*) FROM t GROUP BY k;
-- refused
SELECT /*+ STATE_TTL() */ k, COUNT(*) FROM t GROUP BY k;
-- refused
SELECT /*+ NO_SUCH_HINT('t' = '1 d') */ k, COUNT(*) FROM t GROUP BY k;
