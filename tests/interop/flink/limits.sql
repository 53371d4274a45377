# ORDER BY of what is not selected, OFFSET in a query that goes on
/* data l.json
{"id":1,"k":"a","n":10}
{"id":2,"k":"b","n":20}
{"id":3,"k":null,"n":30}
{"id":4,"k":"d","n":null}
{"id":5,"k":"a","n":50}
{"id":6,"k":"a","n":15}
{"id":7,"k":"b","n":5}
*/
CREATE TABLE l (id INT, k STRING, n INT) WITH ('connector' = 'filesystem', 'path' = '$DIR/l.json', 'format' = 'json');

SELECT id FROM l ORDER BY n LIMIT 3;
SELECT id FROM l ORDER BY n DESC LIMIT 3;
SELECT id FROM l ORDER BY n + 1 DESC LIMIT 2;
SELECT id, k FROM l ORDER BY l.n DESC, id LIMIT 2;
SELECT id AS x FROM l ORDER BY n DESC LIMIT 2 OFFSET 1;
SELECT id, n FROM l ORDER BY n LIMIT 2 OFFSET 2;
SELECT id, n FROM l ORDER BY n DESC, id OFFSET 1 ROWS FETCH NEXT 3 ROWS ONLY;
SELECT k, COUNT(*) AS c FROM l GROUP BY k ORDER BY c DESC, k LIMIT 2;
SELECT k, COUNT(*) AS c FROM l GROUP BY k ORDER BY c DESC, k LIMIT 1 OFFSET 1;
SELECT k FROM l GROUP BY k ORDER BY SUM(n) DESC LIMIT 2;
-- differs: Flink does not take back all that it has told
SELECT k FROM l GROUP BY k ORDER BY SUM(n) DESC LIMIT 2 OFFSET 1;
SELECT * FROM l ORDER BY n DESC LIMIT 2 OFFSET 1;
SELECT COUNT(*) FROM (SELECT id FROM l ORDER BY n LIMIT 3);
SELECT SUM(id) FROM (SELECT id FROM l ORDER BY n DESC LIMIT 2 OFFSET 1);
SELECT n AS id FROM l ORDER BY id DESC LIMIT 2;
SELECT id FROM l ORDER BY -n LIMIT 2;
SELECT id FROM l ORDER BY CASE WHEN k = 'a' THEN 0 ELSE 1 END, n LIMIT 2;
SELECT DISTINCT k FROM l ORDER BY k LIMIT 2;
-- refused
SELECT DISTINCT k FROM l ORDER BY n LIMIT 2;
-- refused
SELECT id FROM l ORDER BY nope LIMIT 2;
-- refused
SELECT k, COUNT(*) FROM l GROUP BY k ORDER BY n LIMIT 2;
-- refused
SELECT id FROM l UNION ALL SELECT n FROM l ORDER BY k LIMIT 2;
-- refused
SELECT id FROM l ORDER BY id OFFSET 2;
