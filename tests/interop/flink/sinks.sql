/* data s.json
{"id":1,"name":"a","v":10,"n":1.25}
{"id":2,"name":"b","v":20,"n":2.5}
{"id":1,"name":"c","v":30,"n":null}
{"id":3,"name":null,"v":null,"n":0.005}
{"id":2,"name":"b","v":5,"n":-1}
*/
/* data long.json
{"id":1,"v":"abcd","c":"äöüß","b":"YWJjZA==","w":"YWJjZA=="}
{"id":2,"v":"ä","c":"ä","b":"YQ==","w":"YQ=="}
{"id":3,"v":"","c":"","b":"","w":""}
{"id":4,"v":"abc","c":"abc","b":"YWJj","w":"YWJj"}
*/
/* data exact.json
{"id":4,"v":"abc","c":"äöü","b":"YWJj","w":"YWJj"}
{"id":5,"v":"","c":"abc","b":"YWJj","w":""}
*/
/* data gaps.json
{"id":1,"v":"abcd"}
{"id":2,"v":null}
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
CREATE TABLE out_name (name STRING, n BIGINT, PRIMARY KEY (name) NOT ENFORCED) WITH ('connector' = 'print');
CREATE TABLE out_most (id INT, m INT NOT NULL) WITH ('connector' = 'print');
CREATE TABLE out_v (v INT NOT NULL) WITH ('connector' = 'print');
CREATE TABLE s_claims (id INT, v INT NOT NULL) WITH ('connector' = 'filesystem', 'path' = '$DIR/s.json', 'format' = 'json');
CREATE TABLE out_inside (r ROW<a INT NOT NULL, b STRING NOT NULL>, l ARRAY<INT NOT NULL>) WITH ('connector' = 'print');
CREATE TABLE long (id INT, v VARCHAR(3), c CHAR(3), b BINARY(3), w VARBINARY(3)) WITH ('connector' = 'filesystem', 'path' = '$DIR/long.json', 'format' = 'json');
CREATE TABLE exact (id INT, v VARCHAR(3), c CHAR(3), b BINARY(3), w VARBINARY(3)) WITH ('connector' = 'filesystem', 'path' = '$DIR/exact.json', 'format' = 'json');
CREATE TABLE gaps (id INT, v VARCHAR(3)) WITH ('connector' = 'filesystem', 'path' = '$DIR/gaps.json', 'format' = 'json');
CREATE TABLE out_lengths (id INT, v VARCHAR(3), c CHAR(3), b BINARY(3), w VARBINARY(3)) WITH ('connector' = 'print');
CREATE TABLE out_varchar (id INT, v VARCHAR(3)) WITH ('connector' = 'print');
CREATE TABLE out_char (id INT, c CHAR(3)) WITH ('connector' = 'print');
CREATE TABLE out_binary (id INT, b BINARY(3)) WITH ('connector' = 'print');
CREATE TABLE out_varbinary (id INT, w VARBINARY(3)) WITH ('connector' = 'print');
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
-- fails
INSERT INTO out_strict SELECT id, name FROM s;
-- refused
INSERT INTO out_strict (id) SELECT id FROM s;
-- fails
INSERT INTO out_name SELECT name, COUNT(*) FROM s GROUP BY name;
-- fails
INSERT INTO out_most SELECT id, MAX(v) FROM s GROUP BY id;
-- fails
INSERT INTO out_v SELECT v FROM s_claims;
INSERT INTO out_inside SELECT ROW(id, name), ARRAY[v] FROM s;
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

-- What a source claims about lengths is not checked where it is read: so a sink may meet longer values.
INSERT INTO out_lengths SELECT * FROM long;

SET 'table.exec.sink.type-length-enforcer' = 'TRIM_PAD';
INSERT INTO out_lengths SELECT * FROM long;
INSERT INTO out_lengths SELECT * FROM exact;
-- differs: a NULL fails Flink's check of lengths
INSERT INTO out_varchar SELECT * FROM gaps;

SET 'table.exec.sink.type-length-enforcer' = 'ERROR';
INSERT INTO out_lengths SELECT * FROM exact;
-- fails
INSERT INTO out_varchar SELECT id, v FROM long WHERE id = 1;
INSERT INTO out_varchar SELECT id, v FROM long WHERE id = 2;
-- fails
INSERT INTO out_char SELECT id, c FROM long WHERE id = 1;
-- fails
INSERT INTO out_char SELECT id, c FROM long WHERE id = 2;
-- fails
INSERT INTO out_binary SELECT id, b FROM long WHERE id = 1;
-- fails
INSERT INTO out_binary SELECT id, b FROM long WHERE id = 2;
-- fails
INSERT INTO out_varbinary SELECT id, w FROM long WHERE id = 1;
INSERT INTO out_varbinary SELECT id, w FROM long WHERE id = 2;
SET 'table.exec.sink.type-length-enforcer' = 'IGNORE';

SET 'table.exec.sink.not-null-enforcer' = 'DROP';
INSERT INTO out_strict SELECT id, name FROM s;
INSERT INTO out_strict VALUES (1, CAST(NULL AS STRING)), (2, 'x');
INSERT INTO out_name SELECT name, COUNT(*) FROM s GROUP BY name;
-- ordered
INSERT INTO out_most SELECT 1, MAX(CASE WHEN v > 10 THEN v END) FROM s;
INSERT INTO out_v SELECT v FROM s_claims;
-- refused
INSERT INTO out_strict (id) SELECT id FROM s;
