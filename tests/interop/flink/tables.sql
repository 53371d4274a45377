/* data t.json
{"b":true,"i8":1,"i16":2,"i32":3,"i64":4,"f":1.5,"d":2.5,"dec":"3.14159","s":"x","c":"abc","d8":"2024-01-02","tm":"10:20:30","ts":"2024-01-02 10:20:30.123","ltz":"2024-01-02 10:20:30.123Z","by":"aGVsbG8="}
{}
{"b":"true","i32":"17","i64":"18","d":"2.25","s":5,"c":true,"unknown":1}
{"s":{"a":1},"dec":1e2}
*/
/* data t.csv
1,plain,2.5,2024-01-02
2,"quoted, with comma",,2024-02-29
3,"a ""quote""",0.1,
,,,
5,ä ü,1e3,1970-01-01
*/
/* data semi.csv
# a comment
1;x;NULL
2;'y;z';3
3;w;4
*/
/* data days.json
{"d":"2024-02-29","ts":"2024-02-30 01:02:03","ltz":"2024-04-31 00:00:00Z"}
{"d":"2024-02-29","ts":"2024-02-28 24:00:00","ltz":"2024-04-30 00:00:00Z"}
*/
/* data noday.json
{"d":"2024-02-30"}
*/
/* data days.csv
2024-02-30,2024-02-30 01:02:03
2023-04-31,2023-04-31 00:00:00
2024-02-29,2024-02-28 24:00:00
*/
/* data noday.csv
2024-02-32
*/
CREATE TABLE days_json (d DATE, ts TIMESTAMP(3), ltz TIMESTAMP_LTZ(3)) WITH ('connector' = 'filesystem', 'path' = '$DIR/days.json', 'format' = 'json');
CREATE TABLE noday_json (d DATE) WITH ('connector' = 'filesystem', 'path' = '$DIR/noday.json', 'format' = 'json');
CREATE TABLE days_csv (d DATE, ts TIMESTAMP(3)) WITH ('connector' = 'filesystem', 'path' = '$DIR/days.csv', 'format' = 'csv');
CREATE TABLE noday_csv (d DATE) WITH ('connector' = 'filesystem', 'path' = '$DIR/noday.csv', 'format' = 'csv');
CREATE TABLE t (b BOOLEAN, i8 TINYINT, i16 SMALLINT, i32 INT, i64 BIGINT, f FLOAT, d DOUBLE, `dec` DECIMAL(10, 3), s STRING,
    c CHAR(3), d8 DATE, tm TIME, ts TIMESTAMP(3), ltz TIMESTAMP_LTZ(3), `by` BYTES)
WITH ('connector' = 'filesystem', 'path' = '$DIR/t.json', 'format' = 'json');
CREATE TABLE c (id INT, s STRING, d DOUBLE, day_of DATE) WITH ('connector' = 'filesystem', 'path' = '$DIR/t.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE semi (id INT, s STRING, n INT)
WITH ('connector' = 'filesystem', 'path' = '$DIR/semi.csv', 'format' = 'csv', 'csv.field-delimiter' = ';',
    'csv.quote-character' = '''', 'csv.null-literal' = 'NULL', 'csv.allow-comments' = 'true');
CREATE TABLE with_computed (id INT, s STRING, d DOUBLE, day_of DATE, twice AS d * 2, label AS CONCAT(s, '-', CAST(id AS STRING)))
WITH ('connector' = 'filesystem', 'path' = '$DIR/t.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE IF NOT EXISTS c (nothing INT) WITH ('connector' = 'print');
CREATE TABLE `odd name` (`select` INT, `a b` STRING, `d` DOUBLE, `Day` DATE) COMMENT 'it''s odd'
WITH ('connector' = 'filesystem', 'path' = '$DIR/t.csv', 'format' = 'csv', 'csv.null-literal' = '');

-- ordered
SELECT b, i8, i16, i32, i64, f, d FROM t;
-- ordered
SELECT `dec`, s, c, d8, tm, ts, ltz, `by` FROM t;
-- ordered
SELECT * FROM c;
-- ordered
SELECT * FROM semi;
-- ordered
SELECT twice, label, id FROM with_computed;
-- ordered
SELECT `select`, `a b`, `Day` FROM `odd name`;
SELECT default_catalog.default_database.c.id FROM default_catalog.default_database.c;
SELECT id FROM default_database.c;
-- refused
CREATE TABLE x (id INT, id INT) WITH ('connector' = 'print');
-- refused
CREATE TABLE x (id INT, WATERMARK FOR nope AS nope) WITH ('connector' = 'print');
-- refused
CREATE TABLE x (id INT, WATERMARK FOR id AS id) WITH ('connector' = 'print');
-- refused
CREATE TABLE x (id INT, PRIMARY KEY (nope) NOT ENFORCED) WITH ('connector' = 'print');
-- refused
CREATE TABLE x (id INT, PRIMARY KEY (id)) WITH ('connector' = 'print');
-- refused
CREATE TABLE x (id INT, y AS nope + 1) WITH ('connector' = 'print');
-- refused
CREATE TABLE x (id NUMBER) WITH ('connector' = 'print');
-- refused
CREATE TABLE x (id DECIMAL(5, 6)) WITH ('connector' = 'print');

-- Days that a month does not have.
SELECT * FROM days_json;
SELECT * FROM days_csv;
-- differs: a record that cannot be decoded fails Flink's job
SELECT * FROM noday_json;
-- differs: a record that cannot be decoded fails Flink's job
SELECT * FROM noday_csv;
