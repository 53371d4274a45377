# Topics: Flink's Kafka connector reads and writes those of a server of ours, we our own copies of them. Metadata columns
# read and written, keys, upserts. Times are far ahead, or of now where the Kafka face takes none that is ahead: of the
# past, the server's retention would take the records.
/* topics
CREATE TABLE made (id INT, name STRING, stamp TIMESTAMP_LTZ(3) METADATA FROM 'timestamp') WITH ('connector' = 'kafka', 'topic' = 'in', 'format' = 'json', 'key.format' = 'raw', 'key.fields' = 'name');
CREATE TABLE made_up (k STRING, n BIGINT, PRIMARY KEY (k) NOT ENFORCED) WITH ('connector' = 'upsert-kafka', 'topic' = 'up', 'key.format' = 'json', 'value.format' = 'json');
INSERT INTO made VALUES (1, 'a', TO_TIMESTAMP_LTZ(4000000000123, 3)), (2, 'b', TO_TIMESTAMP_LTZ(4000000000000, 3)), (3, 'a', TO_TIMESTAMP_LTZ(4000000061000, 3)), (4, 'ä', TO_TIMESTAMP_LTZ(4000000062001, 3));
INSERT INTO made_up VALUES ('x', 1), ('y', 2), ('x', 3);
*/
/* data s.json
{"id":1,"name":"a","v":10}
{"id":2,"name":"b","v":20}
{"id":1,"name":"c","v":30}
{"id":3,"name":"d","v":null}
{"id":2,"name":"b","v":5}
*/
CREATE TABLE s (id INT, name STRING, v INT) WITH ('connector' = 'filesystem', 'path' = '$DIR/s.json', 'format' = 'json');
CREATE TABLE metas (id INT, name STRING, `topic` STRING NOT NULL METADATA VIRTUAL, `partition` INT NOT NULL METADATA VIRTUAL, `offset` BIGINT NOT NULL METADATA VIRTUAL, stamp TIMESTAMP_LTZ(3) NOT NULL METADATA FROM 'timestamp', kind STRING NOT NULL METADATA FROM 'timestamp-type' VIRTUAL, headers MAP<STRING NOT NULL, BYTES> NOT NULL METADATA VIRTUAL) WITH ('connector' = 'kafka', 'properties.bootstrap.servers' = '$KAFKA', 'topic' = 'in', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE wide (part BIGINT METADATA FROM 'partition' VIRTUAL, id INT, off BIGINT METADATA FROM 'offset' VIRTUAL, twice AS id * 2, stamp TIMESTAMP(3) METADATA FROM 'timestamp', WATERMARK FOR stamp AS stamp - INTERVAL '1' SECOND) WITH ('connector' = 'kafka', 'properties.bootstrap.servers' = '$KAFKA', 'topic' = 'in', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE keyed (k STRING, id INT, name STRING) WITH ('connector' = 'kafka', 'properties.bootstrap.servers' = '$KAFKA', 'topic' = 'in', 'key.format' = 'raw', 'key.fields' = 'k', 'value.format' = 'json', 'value.fields-include' = 'EXCEPT_KEY', 'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE ups (k STRING, n BIGINT, PRIMARY KEY (k) NOT ENFORCED) WITH ('connector' = 'upsert-kafka', 'properties.bootstrap.servers' = '$KAFKA', 'topic' = 'up', 'key.format' = 'json', 'value.format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE timed (id INT, stamp TIMESTAMP_LTZ(3) METADATA FROM 'timestamp', `offset` BIGINT METADATA VIRTUAL) WITH ('connector' = 'kafka', 'properties.bootstrap.servers' = '$KAFKA', 'topic' = 'timed', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE headed (id INT, h MAP<STRING, BYTES> METADATA FROM 'headers') WITH ('connector' = 'kafka', 'properties.bootstrap.servers' = '$KAFKA', 'topic' = 'headed', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE headed_text (id INT, h MAP<STRING, STRING> METADATA FROM 'headers') WITH ('connector' = 'kafka', 'properties.bootstrap.servers' = '$KAFKA', 'topic' = 'headed_text', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE headed_number (id INT, h MAP<STRING, INT> METADATA FROM 'headers') WITH ('connector' = 'kafka', 'properties.bootstrap.servers' = '$KAFKA', 'topic' = 'headed_number', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE headed_up (id INT, n BIGINT, h MAP<STRING, BYTES> METADATA FROM 'headers', PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'upsert-kafka', 'properties.bootstrap.servers' = '$KAFKA', 'topic' = 'headed_up', 'key.format' = 'json', 'value.format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE totals (id INT, n BIGINT NOT NULL, most INT, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'upsert-kafka', 'properties.bootstrap.servers' = '$KAFKA', 'topic' = 'totals', 'key.format' = 'json', 'value.format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE few (id INT, n BIGINT, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'upsert-kafka', 'properties.bootstrap.servers' = '$KAFKA', 'topic' = 'few', 'key.format' = 'json', 'value.format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE failing (id INT NOT NULL, v INT NOT NULL) WITH ('connector' = 'kafka', 'properties.bootstrap.servers' = '$KAFKA', 'topic' = 'failing', 'format' = 'json');
CREATE TABLE strict (id INT NOT NULL, v INT NOT NULL) WITH ('connector' = 'kafka', 'properties.bootstrap.servers' = '$KAFKA', 'topic' = 'strict', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset');

SELECT * FROM metas;
SELECT * FROM wide;
SELECT TUMBLE_START(stamp, INTERVAL '1' MINUTE), COUNT(*) FROM wide GROUP BY TUMBLE(stamp, INTERVAL '1' MINUTE);
SELECT * FROM keyed;
SELECT * FROM ups;
INSERT INTO timed (id, stamp) SELECT id, TO_TIMESTAMP_LTZ($NOW + v, 3) FROM s WHERE v IS NOT NULL;
SELECT * FROM timed;
-- refused
INSERT INTO timed SELECT id, TO_TIMESTAMP_LTZ(v, 3), 1 FROM s;
INSERT INTO headed SELECT id, MAP['a', CAST(name AS BYTES), 'empty', CAST('' AS BYTES), 'none', CAST(v AS BYTES)] FROM (SELECT id, name, CAST(v AS STRING) AS v FROM s);
SELECT id, CARDINALITY(h), CAST(h['a'] AS STRING), CHAR_LENGTH(CAST(h['empty'] AS STRING)), CAST(h['none'] AS STRING) FROM headed;
INSERT INTO headed_text SELECT id, MAP['a', name] FROM s;
SELECT id, h['a'] FROM headed_text;
-- refused
INSERT INTO headed_number SELECT id, MAP['a', v] FROM s;
INSERT INTO headed_up SELECT id, n, MAP['n', CAST(CAST(n AS STRING) AS BYTES)] FROM (SELECT id, COUNT(*) AS n FROM s GROUP BY id);
SELECT id, n, CAST(h['n'] AS STRING) FROM headed_up;
INSERT INTO totals SELECT id, COUNT(*), MAX(v) FROM s GROUP BY id;
SELECT * FROM totals;
INSERT INTO few SELECT id, n FROM (SELECT id, COUNT(*) AS n FROM s GROUP BY id) WHERE n < 2;
SELECT * FROM few;
-- fails
INSERT INTO failing SELECT id, v FROM s;
SET 'table.exec.sink.not-null-enforcer' = 'DROP';
INSERT INTO strict SELECT id, v FROM s;
SELECT * FROM strict;
