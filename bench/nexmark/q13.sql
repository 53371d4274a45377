-- Bids beside what a table of 10,000 rows holds of their auction when they come. The suite reads it from a file; here it
-- is made, so that there is none to be found.
CREATE TABLE side_input (
    key BIGINT, `value` AS CAST(key AS VARCHAR)
) WITH (
    'connector' = 'datagen', 'rows-per-second' = '10000000', 'fields.key.kind' = 'sequence', 'fields.key.start' = '0',
    'fields.key.end' = '9999'
);

CREATE TABLE nexmark_q13 (
    auction BIGINT, bidder BIGINT, price BIGINT, `dateTime` TIMESTAMP(3), `value` VARCHAR
) WITH ('connector' = 'blackhole');

INSERT INTO nexmark_q13
SELECT B.auction, B.bidder, B.price, B.`dateTime`, S.`value`
FROM (SELECT *, PROCTIME() AS p_time FROM bid) AS B
JOIN side_input FOR SYSTEM_TIME AS OF B.p_time AS S ON MOD(B.auction, 10000) = S.key;
