# Formats of changes: what is read of records of Debezium, Canal, Maxwell and Ogg, with their metadata, and the very bytes
# that a changing query writes in them.
/* topics
CREATE TABLE made_dbz (line STRING) WITH ('connector' = 'kafka', 'topic' = 'dbz', 'format' = 'raw');
CREATE TABLE made_wrapped (line STRING) WITH ('connector' = 'kafka', 'topic' = 'wrapped', 'format' = 'raw');
CREATE TABLE made_canal (line STRING) WITH ('connector' = 'kafka', 'topic' = 'canal', 'format' = 'raw');
CREATE TABLE made_maxwell (line STRING) WITH ('connector' = 'kafka', 'topic' = 'maxwell', 'format' = 'raw');
CREATE TABLE made_ogg (line STRING) WITH ('connector' = 'kafka', 'topic' = 'ogg', 'format' = 'raw');
CREATE TABLE made_broken (line STRING) WITH ('connector' = 'kafka', 'topic' = 'broken', 'format' = 'raw');
INSERT INTO made_dbz VALUES ('{"before":null,"after":{"id":1,"name":"a","w":1.5},"source":{"db":"shop","table":"t","schema":"public","ts_ms":1500},"op":"c","ts_ms":2500}'), ('{"before":{"id":1,"name":"a","w":1.5},"after":{"id":1,"name":"b","w":2},"op":"u","ts_ms":2600}'), ('{"before":null,"after":{"id":2,"name":"x"},"op":"r"}'), ('{"before":{"id":2,"name":"x"},"after":null,"op":"d"}'), ('{"before":null,"after":{"id":3,"name":null,"w":null},"op":"c"}');
INSERT INTO made_wrapped VALUES ('{"schema":{"type":"struct"},"payload":{"before":null,"after":{"id":1,"name":"a","w":1.5},"op":"c","ts_ms":1}}'), ('{"schema":{"type":"struct"},"payload":{"before":{"id":1,"name":"a","w":1.5},"after":{"id":1,"name":"c","w":1.5},"op":"u","ts_ms":1}}');
INSERT INTO made_canal VALUES ('{"data":[{"id":"1","name":"a","w":"1.5"},{"id":"2","name":"b","w":"2"}],"database":"shop","table":"t","es":1500,"ts":2500,"isDdl":false,"old":null,"pkNames":["id"],"sqlType":{"id":4},"type":"INSERT"}'), ('{"data":[{"id":"1","name":"c","w":"1.5"}],"database":"shop","table":"t","es":1600,"ts":2600,"old":[{"name":"a"}],"pkNames":["id"],"type":"UPDATE"}'), ('{"data":null,"database":"shop","table":"u","type":"CREATE"}'), ('{"data":[{"id":"9","name":"z","w":null}],"database":"other","table":"t","old":null,"type":"INSERT"}'), ('{"data":[{"id":"2","name":"b","w":"2"}],"database":"shop","table":"t","old":null,"type":"DELETE"}'), ('{"data":[{"id":"1","name":null,"w":"3"}],"database":"shop","table":"t","old":[{"name":"c","w":"1.5"}],"type":"UPDATE"}');
INSERT INTO made_maxwell VALUES ('{"database":"shop","table":"t","type":"insert","ts":1500,"primary_key_columns":["id"],"data":{"id":1,"name":null,"w":1.5}}'), ('{"database":"shop","table":"t","type":"update","ts":1600,"data":{"id":1,"name":"b","w":1.5},"old":{"name":null}}'), ('{"database":"shop","table":"t","type":"insert","ts":1700,"data":{"id":2,"name":"c","w":1}}'), ('{"database":"shop","table":"t","type":"delete","ts":1800,"data":{"id":2,"name":"c","w":1}}');
INSERT INTO made_ogg VALUES ('{"before":null,"after":{"id":1,"name":"a","w":1.5},"op_type":"I","table":"T.A","primary_keys":["id"]}'), ('{"before":{"id":1,"name":"a","w":1.5},"after":{"id":1,"name":"b","w":1.5},"op_type":"U","table":"T.A"}'), ('{"before":null,"after":{"id":5,"name":"e","w":1},"op_type":"I","table":"T.A"}'), ('{"before":{"id":5,"name":"e","w":1},"after":null,"op_type":"D","table":"T.A"}');
INSERT INTO made_broken VALUES ('{"before":{"id":1,"name":"a","w":1},"after":{"id":"x","name":"b","w":1},"op":"u"}'), ('{"before":null,"after":{"id":1},"op":"u"}'), ('{"after":{"id":1},"op":"z"}'), ('{"after":{"id":1}}'), ('{"after":null,"op":"c"}'), ('nonsense'), ('{"after":{"id":7,"name":"ok","w":1},"op":"c"}');
*/
/* data s.json
{"id":1,"name":"a","v":10}
{"id":2,"name":"b","v":20}
{"id":1,"name":"c","v":30}
{"id":3,"name":"d","v":null}
{"id":2,"name":"b","v":5}
*/
CREATE TABLE s (id INT, name STRING, v INT) WITH ('connector' = 'filesystem', 'path' = '$DIR/s.json', 'format' = 'json');
CREATE TABLE dbz (id INT, name STRING, w DOUBLE) WITH ('connector' = 'kafka', 'properties.bootstrap.servers' = '$KAFKA', 'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset', 'topic' = 'dbz', 'format' = 'debezium-json');
CREATE TABLE dbz_metas (id INT, made TIMESTAMP_LTZ(3) METADATA FROM 'value.ingestion-timestamp' VIRTUAL, at_source TIMESTAMP_LTZ(3) METADATA FROM 'value.source.timestamp' VIRTUAL, db STRING METADATA FROM 'value.source.database' VIRTUAL, sch STRING METADATA FROM 'value.source.schema' VIRTUAL, tab STRING METADATA FROM 'value.source.table' VIRTUAL, props MAP<STRING, STRING> METADATA FROM 'value.source.properties' VIRTUAL, o BIGINT METADATA FROM 'offset' VIRTUAL) WITH ('connector' = 'kafka', 'properties.bootstrap.servers' = '$KAFKA', 'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset', 'topic' = 'dbz', 'format' = 'debezium-json');
CREATE TABLE wrapped (id INT, name STRING, w DOUBLE, schema_text STRING METADATA FROM 'value.schema' VIRTUAL) WITH ('connector' = 'kafka', 'properties.bootstrap.servers' = '$KAFKA', 'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset', 'topic' = 'wrapped', 'format' = 'debezium-json', 'debezium-json.schema-include' = 'true');
CREATE TABLE canal (id INT, name STRING, w DOUBLE) WITH ('connector' = 'kafka', 'properties.bootstrap.servers' = '$KAFKA', 'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset', 'topic' = 'canal', 'format' = 'canal-json');
CREATE TABLE canal_part (id INT, name STRING, w DOUBLE, db STRING METADATA FROM 'value.database' VIRTUAL, tab STRING METADATA FROM 'value.table' VIRTUAL, types MAP<STRING, INT> METADATA FROM 'value.sql-type' VIRTUAL, pk ARRAY<STRING> METADATA FROM 'value.pk-names' VIRTUAL, ts TIMESTAMP_LTZ(3) METADATA FROM 'value.ingestion-timestamp' VIRTUAL, es TIMESTAMP_LTZ(3) METADATA FROM 'value.event-timestamp' VIRTUAL) WITH ('connector' = 'kafka', 'properties.bootstrap.servers' = '$KAFKA', 'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset', 'topic' = 'canal', 'format' = 'canal-json', 'canal-json.database.include' = 'sh.*', 'canal-json.table.include' = 't');
CREATE TABLE maxwell (id INT, name STRING, w DOUBLE, db STRING METADATA FROM 'value.database' VIRTUAL, tab STRING METADATA FROM 'value.table' VIRTUAL, pk ARRAY<STRING> METADATA FROM 'value.primary-key-columns' VIRTUAL, ts TIMESTAMP_LTZ(3) METADATA FROM 'value.ingestion-timestamp' VIRTUAL) WITH ('connector' = 'kafka', 'properties.bootstrap.servers' = '$KAFKA', 'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset', 'topic' = 'maxwell', 'format' = 'maxwell-json');
CREATE TABLE ogg (id INT, name STRING, w DOUBLE, tab STRING METADATA FROM 'value.table' VIRTUAL, pk ARRAY<STRING> METADATA FROM 'value.primary-keys' VIRTUAL) WITH ('connector' = 'kafka', 'properties.bootstrap.servers' = '$KAFKA', 'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset', 'topic' = 'ogg', 'format' = 'ogg-json');
CREATE TABLE lenient (id INT, name STRING, w DOUBLE) WITH ('connector' = 'kafka', 'properties.bootstrap.servers' = '$KAFKA', 'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset', 'topic' = 'broken', 'format' = 'debezium-json', 'debezium-json.ignore-parse-errors' = 'true');
CREATE TABLE out_debezium (id INT, n BIGINT NOT NULL, most INT, t TIMESTAMP(3)) WITH ('connector' = 'kafka', 'properties.bootstrap.servers' = '$KAFKA', 'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset', 'topic' = 'out_debezium', 'format' = 'debezium-json');
CREATE TABLE raw_debezium (line STRING) WITH ('connector' = 'kafka', 'properties.bootstrap.servers' = '$KAFKA', 'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset', 'topic' = 'out_debezium', 'format' = 'raw');
CREATE TABLE out_canal (id INT, n BIGINT NOT NULL, most INT, t TIMESTAMP(3)) WITH ('connector' = 'kafka', 'properties.bootstrap.servers' = '$KAFKA', 'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset', 'topic' = 'out_canal', 'format' = 'canal-json');
CREATE TABLE raw_canal (line STRING) WITH ('connector' = 'kafka', 'properties.bootstrap.servers' = '$KAFKA', 'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset', 'topic' = 'out_canal', 'format' = 'raw');
CREATE TABLE out_maxwell (id INT, n BIGINT NOT NULL, most INT, t TIMESTAMP(3)) WITH ('connector' = 'kafka', 'properties.bootstrap.servers' = '$KAFKA', 'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset', 'topic' = 'out_maxwell', 'format' = 'maxwell-json');
CREATE TABLE raw_maxwell (line STRING) WITH ('connector' = 'kafka', 'properties.bootstrap.servers' = '$KAFKA', 'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset', 'topic' = 'out_maxwell', 'format' = 'raw');
CREATE TABLE out_ogg (id INT, n BIGINT NOT NULL, most INT, t TIMESTAMP(3)) WITH ('connector' = 'kafka', 'properties.bootstrap.servers' = '$KAFKA', 'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset', 'topic' = 'out_ogg', 'format' = 'ogg-json');
CREATE TABLE raw_ogg (line STRING) WITH ('connector' = 'kafka', 'properties.bootstrap.servers' = '$KAFKA', 'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset', 'topic' = 'out_ogg', 'format' = 'raw');
CREATE TABLE out_iso (id INT, n BIGINT NOT NULL, t TIMESTAMP(3)) WITH ('connector' = 'kafka', 'properties.bootstrap.servers' = '$KAFKA', 'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset', 'topic' = 'out_iso', 'format' = 'debezium-json', 'debezium-json.timestamp-format.standard' = 'ISO-8601', 'debezium-json.encode.ignore-null-fields' = 'true');
CREATE TABLE raw_iso (line STRING) WITH ('connector' = 'kafka', 'properties.bootstrap.servers' = '$KAFKA', 'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset', 'topic' = 'out_iso', 'format' = 'raw');
CREATE TABLE not_upsert (id INT, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'upsert-kafka', 'properties.bootstrap.servers' = '$KAFKA', 'topic' = 'nu', 'key.format' = 'json', 'value.format' = 'debezium-json');
CREATE TABLE up_raw (id INT, n BIGINT NOT NULL, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'upsert-kafka', 'properties.bootstrap.servers' = '$KAFKA', 'topic' = 'up_raw', 'key.format' = 'raw', 'value.format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE up_csv (id INT, n BIGINT NOT NULL, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'upsert-kafka', 'properties.bootstrap.servers' = '$KAFKA', 'topic' = 'up_csv', 'key.format' = 'csv', 'value.format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE up_json (id INT, n BIGINT NOT NULL, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'upsert-kafka', 'properties.bootstrap.servers' = '$KAFKA', 'topic' = 'up_json', 'key.format' = 'json', 'value.format' = 'json', 'scan.bounded.mode' = 'latest-offset');

SELECT * FROM dbz;
SELECT COUNT(*), SUM(w) FROM dbz;
SELECT id, made, at_source, db, sch, tab, o, props['db'], props['ts_ms'], CARDINALITY(props) FROM dbz_metas;
SELECT * FROM wrapped;
SELECT * FROM canal;
SELECT * FROM canal_part;
SELECT * FROM maxwell;
SELECT * FROM ogg;
SELECT * FROM lenient;
SELECT name, COUNT(*) FROM dbz GROUP BY name;
-- refused
SELECT * FROM not_upsert;
INSERT INTO out_debezium SELECT id, COUNT(*), MAX(v), TIMESTAMP '2024-05-06 07:08:09.012' FROM s GROUP BY id;
SELECT * FROM raw_debezium;
SELECT * FROM out_debezium;
INSERT INTO out_canal SELECT id, COUNT(*), MAX(v), TIMESTAMP '2024-05-06 07:08:09.012' FROM s GROUP BY id;
SELECT * FROM raw_canal;
SELECT * FROM out_canal;
INSERT INTO out_maxwell SELECT id, COUNT(*), MAX(v), TIMESTAMP '2024-05-06 07:08:09.012' FROM s GROUP BY id;
SELECT * FROM raw_maxwell;
SELECT * FROM out_maxwell;
INSERT INTO out_ogg SELECT id, COUNT(*), MAX(v), TIMESTAMP '2024-05-06 07:08:09.012' FROM s GROUP BY id;
SELECT * FROM raw_ogg;
SELECT * FROM out_ogg;
INSERT INTO out_iso SELECT id, COUNT(*), CASE WHEN id = 1 THEN TIMESTAMP '2024-05-06 07:08:09.012' END FROM s GROUP BY id;
SELECT * FROM raw_iso;
INSERT INTO up_raw SELECT id, COUNT(*) FROM s GROUP BY id;
SELECT * FROM up_raw;
INSERT INTO up_csv SELECT id, COUNT(*) FROM s GROUP BY id;
SELECT * FROM up_csv;
INSERT INTO up_json SELECT id, COUNT(*) FROM s GROUP BY id;
SELECT * FROM up_json;
