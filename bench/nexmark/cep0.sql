-- Each bidder's falling and rising prices on one auction: where they began, their lowest, their end.
CREATE TABLE nexmark_cep0 (
    auction BIGINT, bidder BIGINT, start_tstamp TIMESTAMP(3), bottom_tstamp TIMESTAMP(3), end_tstamp TIMESTAMP(3)
) WITH ('connector' = 'blackhole');

INSERT INTO nexmark_cep0
SELECT auction, bidder, start_tstamp, bottom_tstamp, end_tstamp
FROM bid MATCH_RECOGNIZE (
    PARTITION BY auction, bidder
    ORDER BY `dateTime`
    MEASURES FIRST_BID.`dateTime` AS start_tstamp, LAST(DOWN.`dateTime`) AS bottom_tstamp, UP.`dateTime` AS end_tstamp
    ONE ROW PER MATCH
    AFTER MATCH SKIP TO LAST UP
    PATTERN (FIRST_BID DOWN+ UP)
    DEFINE
        DOWN AS DOWN.price < LAST(DOWN.price, 1) OR (LAST(DOWN.price, 1) IS NULL AND DOWN.price < FIRST_BID.price),
        UP AS UP.price > LAST(DOWN.price, 1)
);
