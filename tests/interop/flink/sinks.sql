/* data s.json
{"id":1,"name":"a","v":10,"n":1.25}
{"id":2,"name":"b","v":20,"n":2.5}
{"id":1,"name":"c","v":30,"n":null}
{"id":3,"name":null,"v":null,"n":0.005}
{"id":2,"name":"b","v":5,"n":-1}
*/
CREATE TABLE s (id INT, name STRING, v INT, n DECIMAL(10, 3)) WITH ('connector' = 'filesystem', 'path' = '$DIR/s.json', 'format' = 'json');
CREATE TABLE out_all (id INT, name STRING, v INT, n DECIMAL(10, 3)) WITH ('connector' = 'print');
CREATE TABLE out_wide (id BIGINT, name VARCHAR(20), v DOUBLE, n DECIMAL(20, 5)) WITH ('connector' = 'print');
CREATE TABLE out_named (id INT, name STRING) WITH ('connector' = 'print', 'print-identifier' = 'here');
CREATE TABLE out_keyed (id INT, total BIGINT, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'print');
CREATE TABLE out_strict (id INT NOT NULL, name STRING NOT NULL) WITH ('connector' = 'print');
CREATE TABLE out_short (name CHAR(3), other VARCHAR(1)) WITH ('connector' = 'print');
CREATE TABLE out_nested (r ROW<a INT, b STRING>, l ARRAY<BIGINT>) WITH ('connector' = 'print');
CREATE TABLE out_json (id INT, name STRING) WITH ('connector' = 'filesystem', 'path' = '$DIR/out', 'format' = 'json');
CREATE TABLE dev_null (id INT) WITH ('connector' = 'blackhole');

-- ordered
INSERT INTO out_all SELECT * FROM s;
-- ordered
INSERT INTO out_wide SELECT id, name, v, n FROM s;
-- ordered
INSERT INTO out_named SELECT id, name FROM s;
-- ordered
INSERT INTO out_named (name, id) SELECT name, id FROM s;
INSERT INTO out_named (id) SELECT id FROM s;
INSERT INTO out_all (id, n) SELECT id, n FROM s;
INSERT INTO out_named VALUES (1, 'x'), (2, 'y');
INSERT INTO out_all VALUES (1, 'x', 2, 3.5), (2, 'y', 0, 4);
INSERT INTO out_wide VALUES (1, 'x', 2, 3.5);
INSERT INTO out_nested SELECT ROW(id, name), ARRAY[v, 1] FROM s;
-- differs: a text is cut to CHAR(n)
INSERT INTO out_short SELECT name, name FROM s;
INSERT INTO dev_null SELECT id FROM s;
EXECUTE STATEMENT SET BEGIN INSERT INTO out_named SELECT id, name FROM s; INSERT INTO out_all SELECT * FROM s; END;
-- differs: NOT NULL of a sink is not enforced yet
INSERT INTO out_strict SELECT id, name FROM s;
INSERT INTO out_strict SELECT id, name FROM s WHERE name IS NOT NULL AND id IS NOT NULL;
-- refused
INSERT INTO out_named SELECT id FROM s;
-- refused
INSERT INTO out_named SELECT id, name, v FROM s;
-- refused
INSERT INTO out_named SELECT name, id FROM s;
-- refused
INSERT INTO out_named (id, nope) SELECT id, name FROM s;
-- refused
INSERT INTO nope SELECT id FROM s;
-- refused
INSERT INTO out_json SELECT COUNT(*), 'x' FROM s;
-- refused
INSERT INTO out_json SELECT id, name FROM (SELECT id, MAX(name) AS name FROM s GROUP BY id);
-- refused
INSERT INTO out_nested SELECT ROW(id), ARRAY[v] FROM s;
-- refused
INSERT INTO out_named SELECT v, n FROM s;
