// A stand-in for the server while the page is being worked on: the same addresses, made-up data.
//   node build.mjs && node dev/fake.mjs [PORT]
import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const dist = join(dirname(fileURLToPath(import.meta.url)), '..', 'dist');
const port = Number(process.argv[2] ?? 8089);
const types = { html: 'text/html; charset=utf-8', js: 'text/javascript', css: 'text/css', svg: 'image/svg+xml', txt: 'text/plain' };
const airports = ['ATL', 'ORD', 'DFW', 'LAX', 'PHX', 'DEN', 'STL', 'DTW', 'MSP', 'LAS', 'IAH', 'SFO', 'EWR', 'CLT', 'BOS', 'PHL', 'SEA', 'LGA', 'PIT', 'MCO'];
const started = Date.now();
const speed = 1200; // event seconds a second
const eventStart = Date.parse('2001-01-01T06:00:00Z');

let events = 0, late = 0, bad = 0, tick = 0, alertOffset = 0;
const alerts = [];
const streams = new Set();
const windows = [];
const mood = airports.map((_, i) => 14 - i * 0.4);
const busy = [0, 0, 0, 0, 0, 0, 0, 0];
const eventTime = () => eventStart + (Date.now() - started) * speed;
const iso = (ms) => new Date(ms).toISOString().slice(0, 19).replace('T', ' ');

function step() {
  const t = (Date.now() - started) / 1000;
  events += Math.round(31000 / 4 * (1 + 0.25 * Math.sin(t / 7) + 0.12 * Math.random()));
  late += Math.random() < 0.4 ? Math.round(Math.random() * 6) : 0;
  bad += Math.random() < 0.05 ? 1 : 0;
  tick += 180 + Math.round(Math.random() * 40);
  [0.9, 0.25, 2.1, 0.4, 1.4, 0.7, 0.3, 0.1].forEach((w, i) => (busy[i] += w * 1e7 * (0.8 + 0.4 * Math.random())));
}

function closeWindow() {
  const end = Math.floor(eventTime() / 900000) * 900000;
  if (windows.length && windows[windows.length - 1].end >= end) return [];
  const rows = airports.map((airport, i) => {
    mood[i] = Math.max(-4, mood[i] + (Math.random() - 0.5) * 5 + (12 - mood[i]) * 0.04);
    return { airport, window_start: iso(end - 3600000), window_end: iso(end), flights: Math.round(60 - i * 2 + Math.random() * 14), mean_delay: Number(mood[i].toFixed(2)), max_delay: Math.round(mood[i] * 4 + 40) };
  });
  windows.push({ end, rows });
  if (windows.length > 200) windows.shift();
  return rows;
}
for (let i = 0; i < 40; i++) {
  const end = Math.floor(eventTime() / 900000) * 900000 - (40 - i) * 900000;
  closeWindow.call();
  windows[windows.length - 1].end = end;
  windows[windows.length - 1].rows.forEach((r) => { r.window_end = iso(end); r.window_start = iso(end - 3600000); });
}

const top = () => airports.map((airport, i) => ({ airport, mean_delay: Number(mood[i].toFixed(2)), flights: 4000 - i * 130 })).sort((a, b) => b.mean_delay - a.mean_delay).slice(0, 10).map((r, i) => ({ rank: i + 1, ...r }));
const views = () => [
  { name: 'delays_by_airport', rows: windows.length * airports.length, key: ['airport', 'window_end'], columns: [['airport', 'STRING'], ['window_start', 'TIMESTAMP(3)'], ['window_end', 'TIMESTAMP(3)'], ['mean_delay', 'DOUBLE'], ['flights', 'BIGINT'], ['max_delay', 'INT']].map(([name, type]) => ({ name, type })) },
  { name: 'top_airports', rows: 10, key: ['rank'], columns: [['rank', 'BIGINT'], ['airport', 'STRING'], ['mean_delay', 'DOUBLE'], ['flights', 'BIGINT']].map(([name, type]) => ({ name, type })) },
];
const wm = () => (eventTime() - 30 * 60000) * 1000;
const held = (state) => ({ state, views: 90000, lanes: 4096, buffers: 210000, all: state + 304096 });
const jobs = () => [
  { name: 'flights', state: 'RUNNING', error: null, tick, rows_in: events, rows_out: Math.round(events / 40), late, errors: bad, watermark_us: wm(), event_time_us: eventTime() * 1000, latency_us: lat(), memory_bytes: held(3200 * 128) },
  { name: 'alerts', state: 'RUNNING', error: null, tick: Math.round(tick / 3), rows_in: Math.round(events / 40), rows_out: alertOffset, late: 0, errors: 0, watermark_us: wm() - 9e8, event_time_us: eventTime() * 1000 - 9e8, latency_us: lat(), memory_bytes: held(0) },
];
const lat = () => ({ p50: Math.round(780 + 160 * Math.random()), p99: Math.round(1900 + 900 * Math.random()), count: 1000 });
const overview = () => ({ type: 'overview', time_us: Date.now() * 1000, uptime_s: (Date.now() - started) / 1000, events, latency_us: lat(), late, errors: bad, log: { appends: tick, bytes: events * 120, syncs: tick, sync_us: 480 }, memory_limit_bytes: 2e9, jobs: jobs() });
const op = (id, name, detail, inputs, part, out) => ({ id, name, detail, inputs, rows_in: Math.round(events * part), rows_out: Math.round(events * out), late: id === 2 ? late : 0, state_rows: name.includes('Agg') || name === 'Rank' ? 3200 : 0, state_bytes: 410000, cold_rows: 0, goes_to_disk: name === 'Rank' || name === 'GroupAggregate', busy_ns: busy[id], watermark_us: wm() });
const graph = (name) => ({ type: 'job', time_us: Date.now() * 1000, name, sql: '', ops: name === 'alerts'
  ? [op(0, 'Scan', 'delays_by_airport', [], 0.025, 0.025), op(1, 'Calc', 'mean_delay > 25', [0], 0.025, 0.0001), op(2, 'Sink', 'alerts', [1], 0.0001, 0.0001)]
  : [op(0, 'Scan', 'flights', [], 1, 1), op(1, 'Calc', 'airport, delay, arrived', [0], 1, 0.98), op(2, 'WindowAggregate', 'HOP 15 min / 1 h by airport', [1], 0.98, 0.02), op(3, 'Sink', 'delays_by_airport', [2], 0.02, 0.02), op(4, 'GroupAggregate', 'airport: AVG(delay), COUNT(*)', [1], 0.98, 0.3), op(5, 'Rank', 'top 10 by mean_delay', [4], 0.3, 0.05), op(6, 'Sink', 'top_airports', [5], 0.05, 0.05), op(7, 'Sink', 'airport_state', [4], 0.3, 0.3)] });

function stream(req, res, params) {
  res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
  const send = (m) => res.write(`data: ${JSON.stringify(m)}\n\n`);
  const wanted = params.getAll('view');
  send({ type: 'hello', version: '0.1.0', time_us: Date.now() * 1000, admin: true });
  send({ type: 'views', views: views() });
  send({ type: 'alerts', reset: true, alerts });
  for (const v of wanted) send({ type: 'view', view: v, more: false, rows: v === 'top_airports' ? top() : windows.flatMap((w) => w.rows) });
  send(overview());
  const s = { send, wanted, job: params.get('job') };
  streams.add(s);
  req.on('close', () => streams.delete(s));
}

setInterval(() => {
  step();
  const closed = closeWindow();
  const raised = closed.filter((r) => r.mean_delay > 19).slice(0, 1).map((r) => ({ offset: alertOffset++, time_ms: Date.now(), value: { alert: 'mean_delay_above_19', time: r.window_end, row: { airport: r.airport, mean_delay: r.mean_delay, window_end: r.window_end } } }));
  alerts.push(...raised);
  for (const s of streams) {
    s.send(overview());
    if (s.job) s.send(graph(s.job));
    if (s.wanted.includes('delays_by_airport') && closed.length) s.send({ type: 'changes', view: 'delays_by_airport', changes: closed.map((row) => ({ op: '+I', row })) });
    if (s.wanted.includes('top_airports')) s.send({ type: 'changes', view: 'top_airports', changes: top().map((row) => ({ op: '+U', row })) });
    if (raised.length) s.send({ type: 'alerts', reset: false, alerts: raised });
  }
}, 250);

createServer((req, res) => {
  const url = new URL(req.url, 'http://x');
  if (url.pathname === '/v1/stream') return stream(req, res, url.searchParams);
  if (url.pathname === '/v1/sql') {
    let text = '';
    req.on('data', (d) => (text += d)).on('end', () => {
      const sql = JSON.parse(text).sql;
      const bad = /SELEC\b/.test(sql);
      res.writeHead(bad ? 400 : 200, { 'Content-Type': 'application/json' });
      res.end(JSON.stringify(bad
        ? { error: { code: 'syntax', message: "'SELEC' begins no statement", line: 1, column: 1, near: 'SELEC', hint: 'did you mean SELECT?' } }
        : { results: [{ columns: [{ name: 'airport', type: 'STRING' }, { name: 'mean_delay', type: 'DOUBLE' }, { name: 'flights', type: 'BIGINT' }], rows: top().map((r) => [r.airport, r.mean_delay, r.flights]) }] }));
    });
    return;
  }
  const name = url.pathname === '/' ? 'index.html' : url.pathname.replace(/^\/ui\//, '');
  try {
    const body = readFileSync(join(dist, name));
    res.writeHead(200, { 'Content-Type': types[name.split('.').pop()] });
    res.end(body);
  } catch {
    res.writeHead(404).end();
  }
}).listen(port, '127.0.0.1', () => console.log(`http://127.0.0.1:${port}`));
