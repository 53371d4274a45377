-- Real flights of the United States, January 2001 (US Bureau of Transportation Statistics).
-- Each record comes when the flight really arrived, scheduled time plus delay: so event time is out
-- of order, and what comes more than an hour late is too late for its window.

CREATE TABLE flights (
  scheduled   TIMESTAMP(3),
  delay       INT,          -- minutes; early ones are negative
  distance    INT,          -- miles
  origin      STRING,
  destination STRING,
  WATERMARK FOR scheduled AS scheduled - INTERVAL '60' MINUTE
) WITH ('connector' = 'kafka', 'topic' = 'flights', 'format' = 'json',
        'scan.startup.mode' = 'earliest-offset');

-- Delays by airport and hour.
CREATE MATERIALIZED TABLE delays_hourly AS
SELECT window_start, window_end, origin AS airport, COUNT(*) AS flights,
       AVG(CAST(delay AS DOUBLE)) AS mean_delay, MAX(delay) AS worst_delay
FROM TABLE(TUMBLE(TABLE flights, DESCRIPTOR(scheduled), INTERVAL '1' HOUR))
GROUP BY window_start, window_end, origin;

-- The whole country: three hours, moved on by one.
CREATE MATERIALIZED TABLE delays_3h AS
SELECT window_start, window_end, COUNT(*) AS flights,
       AVG(CAST(delay AS DOUBLE)) AS mean_delay,
       COUNT(*) FILTER (WHERE delay > 60) AS over_an_hour
FROM TABLE(HOP(TABLE flights, DESCRIPTOR(scheduled), INTERVAL '1' HOUR, INTERVAL '3' HOUR))
GROUP BY window_start, window_end;

-- One row an airport, always fresh: read it by key.
CREATE MATERIALIZED TABLE airports AS
SELECT origin AS airport, COUNT(*) AS flights, AVG(CAST(delay AS DOUBLE)) AS mean_delay,
       SUM(distance) AS miles, COUNT(*) FILTER (WHERE delay > 15) AS delayed
FROM flights
GROUP BY origin;

-- The ten busiest, with their delays.
CREATE MATERIALIZED TABLE top_airports AS
SELECT rank_number, airport, flights, mean_delay
FROM (
  SELECT airport, flights, mean_delay,
         ROW_NUMBER() OVER (ORDER BY flights DESC) AS rank_number
  FROM (SELECT origin AS airport, COUNT(*) AS flights, AVG(CAST(delay AS DOUBLE)) AS mean_delay
        FROM flights GROUP BY origin)
)
WHERE rank_number <= 10;

-- Flights that came too late for their windows.
CREATE MATERIALIZED TABLE late_flights AS
SELECT job, COUNT(*) AS flights FROM `flights$late` GROUP BY job;

-- An airport whose hour was bad (what came more than an hour late is not in it).
CREATE ALERT airport_delays AS
SELECT window_end AS hour_end, origin AS airport, COUNT(*) AS flights,
       AVG(CAST(delay AS DOUBLE)) AS mean_delay
FROM TABLE(TUMBLE(TABLE flights, DESCRIPTOR(scheduled), INTERVAL '1' HOUR))
GROUP BY window_start, window_end, origin
HAVING COUNT(*) >= 8 AND AVG(CAST(delay AS DOUBLE)) > 30;

-- Hourly results for other programs, as a Kafka topic.
CREATE TABLE hourly (
  window_end TIMESTAMP(3), flights BIGINT, mean_delay DOUBLE
) WITH ('connector' = 'kafka', 'topic' = 'hourly', 'format' = 'json');

INSERT INTO hourly
SELECT window_end, COUNT(*), AVG(CAST(delay AS DOUBLE))
FROM TABLE(TUMBLE(TABLE flights, DESCRIPTOR(scheduled), INTERVAL '1' HOUR))
GROUP BY window_start, window_end;
