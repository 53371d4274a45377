-- batch
# Nexmark's queries that change what they have told: what is left must be what Flink's batch mode computes from all events at
# once. q6 too, which its streaming mode cannot run.
/* made
-- include tests/interop/flink/nexmark_dump.made where 'seed' = '7', 'events.num' = '4000' is 'seed' = '11', 'events.num' = '6000'
*/
# Without a watermark: Flink's batch mode takes no view over one.
CREATE TABLE events (
    event_type INT,
    person ROW<id BIGINT, name VARCHAR, emailAddress VARCHAR, creditCard VARCHAR, city VARCHAR,
               state VARCHAR, `dateTime` TIMESTAMP(3), extra VARCHAR>,
    auction ROW<id BIGINT, itemName VARCHAR, description VARCHAR, initialBid BIGINT, reserve BIGINT,
                `dateTime` TIMESTAMP(3), expires TIMESTAMP(3), seller BIGINT, category BIGINT,
                extra VARCHAR>,
    bid ROW<auction BIGINT, bidder BIGINT, price BIGINT, channel VARCHAR, url VARCHAR,
            `dateTime` TIMESTAMP(3), extra VARCHAR>
) WITH ('connector' = 'filesystem', 'path' = '$DIR/dump', 'format' = 'json');
CREATE VIEW person AS SELECT person.id, person.name, person.city, person.state, person.`dateTime`, person.extra FROM events WHERE event_type = 0;
CREATE VIEW auction AS SELECT auction.id, auction.itemName, auction.description, auction.initialBid, auction.reserve, auction.`dateTime`, auction.expires, auction.seller, auction.category, auction.extra FROM events WHERE event_type = 1;
CREATE VIEW bid AS SELECT bid.auction, bid.bidder, bid.price, bid.channel, bid.url, bid.`dateTime`, bid.extra FROM events WHERE event_type = 2;
-- queries bench/nexmark/q3.sql bench/nexmark/q4.sql bench/nexmark/q6.sql bench/nexmark/q9.sql bench/nexmark/q15.sql
-- queries bench/nexmark/q16.sql bench/nexmark/q17.sql bench/nexmark/q19.sql bench/nexmark/q20.sql
