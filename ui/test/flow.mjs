// A small job and a steady flow of orders for it, over HTTP: node test/flow.mjs URL. Runs until it is
// stopped. Event time runs 60 times as fast as the clock; some orders come late, a few are broken.
const url = process.argv[2] ?? 'http://127.0.0.1:8088';
const shops = ['Anchor', 'Birch', 'Cedar', 'Dune', 'Elm', 'Fjord', 'Glen', 'Harbour', 'Iris', 'Juniper'];
const script = `
CREATE TABLE orders (
  shop STRING, amount INT, at TIMESTAMP(3), WATERMARK FOR at AS at - INTERVAL '10' SECOND
) WITH ('connector' = 'kafka', 'topic' = 'orders', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');
CREATE MATERIALIZED TABLE turnover AS
  SELECT window_start, window_end, shop, SUM(amount) AS total, COUNT(*) AS orders
  FROM TABLE(HOP(TABLE orders, DESCRIPTOR(at), INTERVAL '10' SECOND, INTERVAL '60' SECOND))
  GROUP BY window_start, window_end, shop;
CREATE MATERIALIZED TABLE top_shops AS
  SELECT shop, total, place FROM (
    SELECT shop, total, ROW_NUMBER() OVER (ORDER BY total DESC) AS place
    FROM (SELECT shop, SUM(amount) AS total FROM orders GROUP BY shop))
  WHERE place <= 10;
CREATE ALERT large_order AS SELECT shop, amount, at FROM orders WHERE amount > 990;
`;

async function post(path, body, type) {
  const reply = await fetch(url + path, { method: 'POST', headers: { 'Content-Type': type }, body });
  const text = await reply.text();
  if (!reply.ok) throw new Error(`${path}: ${reply.status} ${text}`);
  return text;
}

await post('/v1/sql', script, 'text/plain');
console.log('flowing');
let time = Date.parse('2026-01-01T00:00:00Z');
let n = 0;
const iso = (ms) => new Date(ms).toISOString().slice(0, 23).replace('T', ' ');
for (;;) {
  const lines = [];
  for (let i = 0; i < 40; i++, n++) {
    const late = n % 397 === 396 ? 120000 : Math.random() * 8000;
    const shop = shops[Math.floor(Math.random() ** 1.6 * shops.length)];
    const amount = n % 701 === 700 ? 'much' : 1 + Math.floor(Math.random() ** 3 * 1000);
    lines.push(JSON.stringify({ shop, amount, at: iso(time - late) }));
  }
  time += 6000;
  await post('/v1/topics/orders?key=shop', lines.join('\n'), 'application/x-ndjson');
  await new Promise((done) => setTimeout(done, 100));
}
