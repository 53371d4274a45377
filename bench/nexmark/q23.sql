-- Bids with their bidders and auctions: a join of three.
CREATE TABLE nexmark_q23 (
    auction BIGINT, bidder BIGINT, price BIGINT, name VARCHAR, city VARCHAR, itemName VARCHAR,
    category BIGINT
) WITH ('connector' = 'blackhole');

INSERT INTO nexmark_q23
SELECT B.auction, B.bidder, B.price, P.name, P.city, A.itemName, A.category
FROM bid AS B
INNER JOIN person AS P ON B.bidder = P.id
INNER JOIN auction AS A ON B.auction = A.id;
