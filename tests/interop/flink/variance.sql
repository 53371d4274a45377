# VAR and STDDEV, of samples and of all; groups of one and of none; updates.
/* data t.json
{"k":"a","i":1,"b":10,"d":1.5,"c":2.5,"s":3}
{"k":"a","i":4,"b":20,"d":2.5,"c":7.25,"s":9}
{"k":"b","i":7,"b":30,"d":8.0,"c":1.0,"s":1}
{"k":"a","i":-8,"b":40,"d":-4.5,"c":null,"s":-5}
{"k":"c","i":null,"b":null,"d":null,"c":null,"s":null}
{"k":"b","i":null,"b":35,"d":2.0,"c":4.0,"s":2}
{"k":"a","i":4,"b":50,"d":0.5,"c":3.0,"s":4}
*/
CREATE TABLE t (k STRING, i INT, b BIGINT, d DOUBLE, c DECIMAL(10, 2), s SMALLINT, p AS PROCTIME())
WITH ('connector' = 'filesystem', 'path' = '$DIR/t.json', 'format' = 'json');
CREATE VIEW last_one AS SELECT k, i, d FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY p DESC) AS rn FROM t) WHERE rn = 1;

SELECT VAR_POP(i), VAR_SAMP(i), STDDEV_POP(i), STDDEV_SAMP(i) FROM t;
SELECT VAR_POP(b), VAR_SAMP(b), STDDEV_POP(b), STDDEV_SAMP(b) FROM t;
SELECT VAR_POP(d), VAR_SAMP(d), STDDEV_POP(d), STDDEV_SAMP(d) FROM t;
SELECT VAR_POP(c), VAR_SAMP(c), STDDEV_POP(c), STDDEV_SAMP(c) FROM t;
SELECT VAR_POP(s), VAR_SAMP(s), STDDEV_POP(s), STDDEV_SAMP(s) FROM t;
SELECT k, VAR_POP(d), VAR_SAMP(d), STDDEV_POP(d), STDDEV_SAMP(d) FROM t GROUP BY k;
SELECT k, VAR_POP(i), VAR_SAMP(i), STDDEV_POP(i), STDDEV_SAMP(i) FROM t GROUP BY k;
SELECT k, VARIANCE(d), STDDEV(d) FROM t GROUP BY k;
SELECT VAR_POP(d) FILTER (WHERE k = 'a'), VAR_SAMP(d) + 1, SUM(d) FROM t;
SELECT VAR_POP(d), STDDEV_SAMP(i) FROM last_one;
SELECT k, VAR_POP(d) FROM t GROUP BY k HAVING VAR_SAMP(d) > 1;
SELECT VAR_POP(CAST(d AS FLOAT)) FROM t;
-- refused
SELECT VAR_POP(k) FROM t;
# Of one value there is none. Flink says NOT NULL where the column is, and reads what is not there.
-- differs: NULL in a column that is NOT NULL
SELECT k, VAR_SAMP(n), CAST(STDDEV_SAMP(n) AS BIGINT) FROM (SELECT k, COUNT(*) AS n FROM t GROUP BY k) GROUP BY k;
SELECT k, VAR_SAMP(n), CAST(STDDEV_SAMP(n) AS BIGINT) FROM (SELECT k, NULLIF(COUNT(*), 1000) AS n FROM t GROUP BY k) GROUP BY k;
