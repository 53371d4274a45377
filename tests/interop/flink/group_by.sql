/* data orders.json
{"id":1,"customer":"a","amount":10.50,"qty":1,"city":"x"}
{"id":2,"customer":"b","amount":20.00,"qty":2,"city":"y"}
{"id":3,"customer":"a","amount":-3.25,"qty":null,"city":"x"}
{"id":4,"customer":null,"amount":7.00,"qty":4,"city":null}
{"id":5,"customer":"b","amount":null,"qty":5,"city":"x"}
{"id":6,"customer":"c","amount":0.00,"qty":0,"city":"z"}
{"id":7,"customer":"a","amount":10.50,"qty":1,"city":"y"}
{"id":8,"customer":null,"amount":1.10,"qty":null,"city":"y"}
*/
CREATE TABLE orders (id BIGINT, customer STRING, amount DECIMAL(10, 2), qty INT, city STRING)
WITH ('connector' = 'filesystem', 'path' = '$DIR/orders.json', 'format' = 'json');

SELECT customer, COUNT(*), COUNT(qty), SUM(qty), AVG(qty), MIN(qty), MAX(qty) FROM orders GROUP BY customer;
-- ordered
SELECT customer, COUNT(*) AS n FROM orders GROUP BY customer;
-- ordered
SELECT customer, MAX(amount) AS m FROM orders GROUP BY customer;
SELECT customer, SUM(amount), AVG(amount), MIN(amount), MAX(amount) FROM orders GROUP BY customer;
SELECT COUNT(*), SUM(amount), AVG(qty) FROM orders;
SELECT COUNT(*), SUM(amount), AVG(qty), MAX(city) FROM orders WHERE id > 100;
SELECT city, COUNT(DISTINCT customer), SUM(DISTINCT qty), COUNT(DISTINCT amount) FROM orders GROUP BY city;
SELECT city, COUNT(*) FILTER (WHERE qty > 1), SUM(amount) FILTER (WHERE customer = 'a'), COUNT(DISTINCT qty) FILTER (WHERE amount > 0) FROM orders GROUP BY city;
SELECT customer, city, COUNT(*) FROM orders GROUP BY customer, city;
SELECT customer, SUM(amount) AS s FROM orders GROUP BY customer HAVING SUM(amount) > 8;
-- ordered
SELECT customer, COUNT(*) AS c FROM orders GROUP BY customer HAVING COUNT(*) BETWEEN 2 AND 2;
SELECT DISTINCT city FROM orders;
SELECT DISTINCT city, customer FROM orders;
SELECT c, COUNT(*) FROM (SELECT customer, COUNT(*) AS c FROM orders GROUP BY customer) GROUP BY c;
SELECT MAX(s), MIN(s), AVG(s), SUM(s) FROM (SELECT customer, SUM(amount) AS s FROM orders GROUP BY customer);
SELECT CHAR_LENGTH(customer) + 1, MAX(id) - MIN(id) FROM orders GROUP BY CHAR_LENGTH(customer) + 1;
SELECT qty + 1, COUNT(*) FROM orders GROUP BY qty + 1;
SELECT 1, COUNT(*) FROM orders GROUP BY 1;
SELECT customer, SUM(CASE WHEN qty IS NULL THEN 1 ELSE 0 END), AVG(CAST(qty AS DOUBLE)), SUM(CAST(amount AS DOUBLE)) FROM orders GROUP BY customer;
SELECT customer FROM orders GROUP BY customer;
SELECT COUNT(*) FROM orders GROUP BY customer;
SELECT MIN(customer), MAX(city), COUNT(city) FROM orders;
-- refused
SELECT customer, qty FROM orders GROUP BY customer;
-- refused
SELECT customer FROM orders WHERE COUNT(*) > 1;
-- refused
SELECT SUM(customer) FROM orders;
-- refused
SELECT SUM(SUM(qty)) FROM orders;
-- refused
SELECT customer FROM orders GROUP BY nope;
