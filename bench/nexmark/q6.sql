-- The mean closing price of a seller's last ten auctions, at each of them: an OVER of winning bids, which change. Flink cannot
-- run it but in its batch mode. The auction stands beside it, so that a result has a key.
-- key: id
CREATE TABLE nexmark_q6 (id BIGINT, seller BIGINT, price BIGINT) WITH ('connector' = 'blackhole');

INSERT INTO nexmark_q6
SELECT id, seller, AVG(price) OVER (PARTITION BY seller ORDER BY bid_dateTime ROWS BETWEEN 10 PRECEDING AND CURRENT ROW)
FROM (
    SELECT A.id, A.seller, B.price, B.`dateTime` AS bid_dateTime,
           ROW_NUMBER() OVER (PARTITION BY A.id, A.seller ORDER BY B.price DESC, B.`dateTime`) AS rownum
    FROM auction A, bid B
    WHERE A.id = B.auction AND B.`dateTime` BETWEEN A.`dateTime` AND A.expires
)
WHERE rownum <= 1;
