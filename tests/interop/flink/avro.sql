# Avro of the table's own schema: each reads what it wrote, and the bytes are the same; so each reads the other's.
/* topics
CREATE TABLE made_flat (i INT, b BIGINT NOT NULL, s STRING, ts TIMESTAMP(3)) WITH ('connector' = 'kafka', 'topic' = 'ours', 'format' = 'avro');
INSERT INTO made_flat VALUES (1, 2, 'of ours', TIMESTAMP '2024-05-06 07:08:09.012'), (CAST(NULL AS INT), -3, CAST(NULL AS STRING), CAST(NULL AS TIMESTAMP(3)));
*/
CREATE TABLE ours (i INT, b BIGINT NOT NULL, s STRING, ts TIMESTAMP(3)) WITH ('connector' = 'kafka', 'properties.bootstrap.servers' = '$KAFKA', 'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset', 'topic' = 'ours', 'format' = 'avro');
CREATE TABLE flat (i INT, b BIGINT NOT NULL, s STRING, d DECIMAL(20, 3), f FLOAT, g DOUBLE NOT NULL, o BOOLEAN, x BYTES, dt DATE, tm TIME, ts TIMESTAMP(3), ti TINYINT, si SMALLINT) WITH ('connector' = 'kafka', 'properties.bootstrap.servers' = '$KAFKA', 'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset', 'topic' = 'flat', 'format' = 'avro');
CREATE TABLE raw_flat (x BYTES) WITH ('connector' = 'kafka', 'properties.bootstrap.servers' = '$KAFKA', 'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset', 'topic' = 'flat', 'format' = 'raw');
CREATE TABLE nest (id INT NOT NULL, r ROW<a INT, q ROW<b STRING NOT NULL, c DOUBLE>>, l ARRAY<INT>, words ARRAY<STRING NOT NULL> NOT NULL, m MAP<STRING, BIGINT>, lr ARRAY<ROW<k STRING, v INT>>) WITH ('connector' = 'kafka', 'properties.bootstrap.servers' = '$KAFKA', 'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset', 'topic' = 'nest', 'format' = 'avro');
CREATE TABLE raw_nest (x BYTES) WITH ('connector' = 'kafka', 'properties.bootstrap.servers' = '$KAFKA', 'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset', 'topic' = 'nest', 'format' = 'raw');
CREATE TABLE times (id INT, t3 TIMESTAMP(3), t6 TIMESTAMP(6), l3 TIMESTAMP_LTZ(3), l6 TIMESTAMP_LTZ(6)) WITH ('connector' = 'kafka', 'properties.bootstrap.servers' = '$KAFKA', 'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset', 'topic' = 'times', 'format' = 'avro', 'avro.timestamp_mapping.legacy' = 'false');
CREATE TABLE raw_times (x BYTES) WITH ('connector' = 'kafka', 'properties.bootstrap.servers' = '$KAFKA', 'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset', 'topic' = 'times', 'format' = 'raw');
CREATE TABLE wrong_time (t TIMESTAMP(6)) WITH ('connector' = 'kafka', 'properties.bootstrap.servers' = '$KAFKA', 'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset', 'topic' = 'wrong', 'format' = 'avro');
CREATE TABLE wrong_zone (t TIMESTAMP_LTZ(3)) WITH ('connector' = 'kafka', 'properties.bootstrap.servers' = '$KAFKA', 'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset', 'topic' = 'wrong', 'format' = 'avro');
CREATE TABLE wrong_key (m MAP<INT, INT>) WITH ('connector' = 'kafka', 'properties.bootstrap.servers' = '$KAFKA', 'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset', 'topic' = 'wrong', 'format' = 'avro');
CREATE TABLE keyed (k INT NOT NULL, v STRING, PRIMARY KEY (k) NOT ENFORCED) WITH ('connector' = 'upsert-kafka', 'properties.bootstrap.servers' = '$KAFKA', 'topic' = 'keyed', 'key.format' = 'avro', 'value.format' = 'avro', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE raw_keyed (k BYTES, v BYTES) WITH ('connector' = 'kafka', 'properties.bootstrap.servers' = '$KAFKA', 'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset', 'topic' = 'keyed', 'key.format' = 'raw', 'key.fields' = 'k', 'value.format' = 'raw', 'value.fields-include' = 'EXCEPT_KEY');

SELECT * FROM ours;
SELECT s FROM ours;
INSERT INTO flat VALUES (1, 2, 'text', 12345.678, CAST(1.5 AS FLOAT), -2.25E0, TRUE, ENCODE('bytes', 'UTF-8'), DATE '2024-02-29', TIME '12:34:56', TIMESTAMP '2024-05-06 07:08:09.012', CAST(-128 AS TINYINT), CAST(32767 AS SMALLINT)), (CAST(NULL AS INT), -9223372036854775807, CAST(NULL AS STRING), CAST(NULL AS DECIMAL(20, 3)), CAST(NULL AS FLOAT), 0E0, CAST(NULL AS BOOLEAN), CAST(NULL AS BYTES), CAST(NULL AS DATE), CAST(NULL AS TIME), CAST(NULL AS TIMESTAMP(3)), CAST(NULL AS TINYINT), CAST(NULL AS SMALLINT)), (2147483647, 0, '', -0.001, CAST(0 AS FLOAT), 1E300, FALSE, ENCODE('', 'UTF-8'), DATE '0001-01-01', TIME '23:59:59', TIMESTAMP '1969-12-31 23:59:59.999', CAST(0 AS TINYINT), CAST(-1 AS SMALLINT));
SELECT * FROM raw_flat;
SELECT * FROM flat;
SELECT s, ts, si FROM flat;
INSERT INTO nest VALUES (1, ROW(1, ROW('b', 2.5E0)), ARRAY[1, 2, CAST(NULL AS INT)], ARRAY['x', 'y'], MAP['k', CAST(7 AS BIGINT)], ARRAY[ROW('a', 1), ROW('b', 2)]);
SELECT * FROM raw_nest;
SELECT * FROM nest;
SELECT r.q.c, lr[2].v FROM nest;
INSERT INTO times VALUES (1, TIMESTAMP '2024-05-06 07:08:09.012', TIMESTAMP '2024-05-06 07:08:09.012345', TO_TIMESTAMP_LTZ(1700000000123, 3), CAST(TO_TIMESTAMP_LTZ(1700000000456, 3) AS TIMESTAMP_LTZ(6)));
-- differs: Flink writes milliseconds where its schema says microseconds
SELECT * FROM raw_times;
-- differs: Flink writes milliseconds where its schema says microseconds
SELECT * FROM times;
-- refused
SELECT * FROM wrong_time;
-- refused
SELECT * FROM wrong_zone;
-- refused
SELECT * FROM wrong_key;
INSERT INTO keyed VALUES (1, 'a'), (2, CAST(NULL AS STRING)), (1, 'b');
SELECT * FROM keyed;
SELECT * FROM raw_keyed;
