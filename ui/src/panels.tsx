// The panels around the charts: tiles, windows, top list, alerts, jobs.
import { useEffect, useState } from 'preact/hooks';
import { Chart } from './chart';
import { alike, bytes, cell, compact, count, digits, joined, micros, seconds, timeOf, timestamp } from './format';
import { Graph } from './graph';
import { labels, measures, ranking, windowColumn, windowSeries } from './shape';
import { Table } from './sql';
import type { Store } from './store';
import type { Alert, Memory, ViewInfo } from './types';

export function Select(p: { label: string; value: string; options: string[]; onChange: (v: string) => void }) {
  return (
    <select aria-label={p.label} value={p.value} onChange={(e) => p.onChange(e.currentTarget.value)}>
      {p.options.map((o) => (
        <option key={o} value={o}>
          {o}
        </option>
      ))}
    </select>
  );
}

function Tile(p: { id: string; label: string; value: string; unit?: string; note: string; tone?: 'warn' }) {
  return (
    <div class={`tile ${p.tone ?? ''}`} data-tile={p.id}>
      <dt>{p.label}</dt>
      <dd>
        <span class="value" data-value>
          {p.value}
        </span>
        {p.unit && <span class="unit"> {p.unit}</span>}
        <span class="note">{p.note || ' '}</span>
      </dd>
    </div>
  );
}

export function Tiles({ store }: { store: Store }) {
  const o = store.overview;
  const rate = store.rate();
  const mark = store.watermark();
  const p50 = o?.latency_us.count ? micros(o.latency_us.p50) : null;
  const behind = mark?.behind != null ? seconds(mark.behind / 1e6) : null;
  return (
    <dl class="tiles">
      <Tile
        id="rate"
        label="Events per second"
        value={rate === null ? '–' : compact(Math.round(rate))}
        note={o ? `${count(o.events)} in all` : ''}
      />
      <Tile
        id="latency"
        label="Latency, p50"
        value={p50?.value ?? '–'}
        unit={p50?.unit}
        note={p50 ? `p99 ${joined(micros(o!.latency_us.p99))}` : 'no results yet'}
      />
      <Tile
        id="watermark"
        label="Watermark behind"
        value={behind?.value ?? '–'}
        unit={behind?.unit}
        note={mark ? timestamp(mark.at) : 'none yet'}
      />
      <Tile id="late" label="Late records" value={o ? compact(o.late) : '–'} note={o ? part(o.late, o.events) : ''} />
      <Tile
        id="bad"
        label="Bad records"
        value={o ? compact(o.errors) : '–'}
        note={o ? part(o.errors, o.events) : ''}
        tone={o?.errors ? 'warn' : undefined}
      />
    </dl>
  );
}

function part(n: number, of: number): string {
  if (!n || !of) return 'none';
  return `${digits((100 * n) / of, 2)} % of events`;
}

export function Traffic({ store, theme }: { store: Store; theme: string }) {
  const h = store.history;
  return (
    <>
      <section class="panel" aria-labelledby="rate-title">
        <header>
          <h2 id="rate-title">Events per second</h2>
        </header>
        <Chart
          title="Events per second"
          times={h.time}
          values={[h.rate]}
          lines={[{ name: 'now', color: '--c1', fill: true }]}
          height={190}
          theme={theme}
          format={compact}
          span={120}
        />
      </section>
      <section class="panel" aria-labelledby="latency-title">
        <header>
          <h2 id="latency-title">Latency, end to end</h2>
        </header>
        <Chart
          title="Latency, end to end"
          times={h.time}
          values={[h.p50, h.p99]}
          lines={[
            { name: 'p50', color: '--c1' },
            { name: 'p99', color: '--c2' },
          ]}
          height={190}
          theme={theme}
          format={(v) => (v === 0 ? '0' : joined(micros(v * 1000)))}
          span={120}
        />
      </section>
    </>
  );
}

const COLORS = ['--c1', '--c2', '--c3', '--c4', '--c5', '--c6'];

export function Windows(p: { store: Store; theme: string; name: string; onName: (v: string) => void }) {
  const views = p.store.views ?? [];
  const view = views.find((v) => v.name === p.name);
  const [chosen, setChosen] = useState('');
  const able = view ? measures(view) : [];
  const measure = able.includes(chosen) ? chosen : (able[0] ?? '');
  return (
    <section class="panel windows" aria-labelledby="windows-title" data-panel="windows">
      <header>
        <h2 id="windows-title">Windows</h2>
        <span class="controls">
          {able.length > 1 && <Select label="Measure" value={measure} options={able} onChange={setChosen} />}
          {views.length > 0 && <Select label="View" value={p.name} options={views.map((v) => v.name)} onChange={p.onName} />}
        </span>
      </header>
      {view ? <ViewBody store={p.store} theme={p.theme} view={view} measure={measure} /> : <NoViews store={p.store} />}
    </section>
  );
}

function NoViews({ store }: { store: Store }) {
  return (
    <p class="empty">
      {store.views
        ? 'No view yet. CREATE MATERIALIZED TABLE … AS SELECT … makes one; a windowed one moves here as a chart.'
        : 'Waiting for the server …'}
    </p>
  );
}

function ViewBody(p: { store: Store; theme: string; view: ViewInfo; measure: string }) {
  const table = p.store.viewRows.get(p.view.name);
  if (!table) return <p class="empty">Loading {p.view.name} …</p>;
  if (!windowColumn(p.view) || !p.measure) return <Rows view={p.view} rows={table.list()} limit={12} />;
  const series = windowSeries(p.view, table.list(), p.measure);
  if (!series.times.length) return <p class="empty">No window has closed yet.</p>;
  return (
    <Chart
      title={`${p.measure} of ${p.view.name}`}
      times={series.times}
      values={series.values}
      lines={series.names.map((name, i) => ({ name: name || p.measure, color: COLORS[i] }))}
      height={280}
      theme={p.theme}
      format={alike(series.values.flat().filter((v): v is number => v !== null))}
      utc
      points
    />
  );
}

function Rows({ view, rows, limit }: { view: ViewInfo; rows: Record<string, unknown>[]; limit: number }) {
  if (!rows.length) return <p class="empty">No rows yet.</p>;
  const shown = rows.slice(-limit).reverse();
  return <Table result={{ columns: view.columns, rows: shown.map((r) => view.columns.map((c) => r[c.name] ?? null)) }} />;
}

export function Top(p: { store: Store; name: string; onName: (v: string) => void }) {
  const views = p.store.views ?? [];
  const able = views.filter((v) => measures(v).length && labels(v).length);
  const view = able.find((v) => v.name === p.name);
  const table = view && p.store.viewRows.get(view.name);
  const [chosen, setChosen] = useState('');
  const columns = view ? measures(view) : [];
  const measure = columns.includes(chosen) ? chosen : (columns[0] ?? '');
  const rows = view && table ? ranking(view, table.list(), measure, 10) : [];
  const most = Math.max(...rows.map((r) => Math.abs(r.value)), 1e-9);
  const write = alike(rows.map((r) => r.value));
  return (
    <section class="panel top" aria-labelledby="top-title" data-panel="top">
      <header>
        <h2 id="top-title">Top list</h2>
        <span class="controls">
          {columns.length > 1 && <Select label="Measure" value={measure} options={columns} onChange={setChosen} />}
          {able.length > 0 && <Select label="View" value={p.name} options={able.map((v) => v.name)} onChange={p.onName} />}
        </span>
      </header>
      {rows.length === 0 && <p class="empty">{p.store.views ? 'Nothing to rank yet.' : 'Waiting for the server …'}</p>}
      <ol class="ranks">
        {rows.map((r, i) => (
          <li key={r.label || i}>
            <span class="place">{i + 1}</span>
            <span class="rank-label">{r.label}</span>
            <span class="rank-bar" aria-hidden="true">
              <i style={{ width: `${(100 * Math.abs(r.value)) / most}%` }} />
            </span>
            <span class="rank-value">{write(r.value)}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}

const TITLE = /^(title|message|text|reason)$/i;

/** An alert's title, and what its row says besides. */
function describe(alert: Alert): { title: string; rest: string } {
  const v = alert.value;
  if (v === null || typeof v !== 'object') return { title: cell(v), rest: '' };
  const named = v as { alert?: unknown; row?: unknown };
  const row = typeof named.row === 'object' && named.row !== null ? named.row : v;
  const entries = Object.entries(row as Record<string, unknown>).filter(([, x]) => x !== null);
  const texts = entries.filter(([, x]) => typeof x === 'string' && Number.isNaN(timeOf(x)));
  const best = texts.find(([k]) => TITLE.test(k)) ?? texts.find(([, x]) => x !== named.alert);
  const rest = entries.filter((e) => e !== best && e[1] !== named.alert);
  const name = String(named.alert ?? 'alert').replace(/_/g, ' ');
  const title = best && TITLE.test(best[0]) ? String(best[1]) : best ? `${name}: ${String(best[1])}` : name;
  return { title, rest: rest.map(([k, x]) => `${k.replace(/_/g, ' ')} ${cell(x)}`).join(' · ') };
}

export function Alerts({ store }: { store: Store }) {
  const alerts = store.alerts;
  return (
    <section class="panel alerts" aria-labelledby="alerts-title" data-panel="alerts">
      <header>
        <h2 id="alerts-title">Alerts</h2>
        {alerts && alerts.length > 0 && <span class="quiet">newest first</span>}
      </header>
      {!alerts?.length && <p class="empty">{alerts ? 'All quiet.' : 'Waiting for the server …'}</p>}
      <ul tabIndex={0} aria-label="Alerts, newest first">
        {alerts?.slice(0, 40).map((a) => {
          const d = describe(a);
          return (
            <li key={a.offset}>
              <span class="alert-title">{d.title}</span>
              <time dateTime={new Date(a.time_ms).toISOString()}>{new Date(a.time_ms).toLocaleTimeString('en-GB')}</time>
              {d.rest && <span class="alert-rest">{d.rest}</span>}
            </li>
          );
        })}
      </ul>
    </section>
  );
}

const HELD = [
  ['state', 'state', 'What its operators keep'],
  ['views', 'views', 'Rows of its view, and what its sinks keep'],
  ['lanes', 'lanes', 'Rows between its shards'],
  ['buffers', 'buffers', 'Its plan, and what it works with'],
] as const;

/** What the job holds in memory, of all that jobs may hold, and what it is for. */
function Held({ memory, limit }: { memory: Memory; limit: number }) {
  return (
    <p class="held" data-memory={memory.all}>
      <span>
        memory <b>{bytes(memory.all)}</b>
        {limit > 0 && ` of ${bytes(limit)} for all jobs`}
      </span>
      <span class="held-bar" aria-hidden="true">
        {HELD.map(([part]) => memory[part] > 0 && <i key={part} data-part={part} style={{ flexGrow: memory[part] }} />)}
      </span>
      {HELD.map(([part, name, why]) => (
        <span key={part} title={why}>
          <i class="key" data-part={part} /> {name} <b>{bytes(memory[part])}</b>
        </span>
      ))}
    </p>
  );
}

export function JobPanel(p: { store: Store; name: string; onName: (v: string) => void }) {
  const jobs = p.store.overview?.jobs ?? [];
  const job = jobs.find((j) => j.name === p.name);
  const graph = p.store.graph?.name === p.name ? p.store.graph : null;
  return (
    <section class="panel job" aria-labelledby="job-title" data-panel="job">
      <header>
        <h2 id="job-title">Job</h2>
        {job && <span class={`state state-${job.state.toLowerCase()}`}>{job.state.toLowerCase()}</span>}
        <span class="controls">
          {jobs.length > 0 && <Select label="Job" value={p.name} options={jobs.map((j) => j.name)} onChange={p.onName} />}
        </span>
      </header>
      {job && (
        <p class="facts">
          <span>
            tick <b>{count(job.tick)}</b>
          </span>
          <span>
            rows in <b>{count(job.rows_in)}</b>
          </span>
          <span>
            rows out <b>{count(job.rows_out)}</b>
          </span>
          {job.watermark_us !== null && (
            <span>
              watermark <b>{timestamp(job.watermark_us)}</b>
            </span>
          )}
        </p>
      )}
      {job && <Held memory={job.memory_bytes} limit={p.store.overview?.memory_limit_bytes ?? 0} />}
      {job?.error && (
        <p class="sql-error" role="alert">
          {job.error}
        </p>
      )}
      {graph ? (
        <Graph graph={graph} rates={p.store.opRates} />
      ) : (
        <p class="empty">{jobs.length || !p.store.overview ? 'Waiting for the server …' : 'No job yet. INSERT INTO … SELECT starts one.'}</p>
      )}
    </section>
  );
}

/** Redraws its user when the store has changed. */
export function useStore(store: Store) {
  const [, draw] = useState(0);
  useEffect(() => store.listen(() => draw(store.revision)), [store]);
}
