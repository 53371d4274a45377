CREATE TABLE payments (card STRING, merchant STRING, amount DECIMAL(10, 2)) WITH (
  'connector' = 'kafka', 'topic' = 'payments', 'format' = 'json');
CREATE MATERIALIZED TABLE fraud AS
SELECT card, COUNT(*) AS n, SUM(amount) AS total,
  CASE WHEN COUNT(*) > 1000 OR SUM(amount) > 250000 THEN 'BLOCK' ELSE 'PASS' END AS verdict
FROM payments GROUP BY card;
