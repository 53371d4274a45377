// The page's state: fed by one stream, read by all panels. Everything here is bounded.
import type { Alert, Change, Job, JobGraph, Message, Overview, Row, Tail, ViewInfo } from './types';

const SAMPLES = 480; // two minutes at four a second
const ROWS = 20_000; // of a view
const ALERTS = 100;

export const isRunning = (job: Job) => job.state.toUpperCase() === 'RUNNING';

/** What the charts draw: columns of numbers, the oldest first. */
export interface History {
  time: number[]; // seconds
  rate: (number | null)[];
  p50: (number | null)[];
  p99: (number | null)[];
}

/** Rows of a view by key, in order of arrival. */
export class ViewRows {
  rows = new Map<string, Row>();
  loaded = false;
  constructor(readonly key: string[]) {}

  private keyOf(row: Row): string {
    return JSON.stringify(this.key.length ? this.key.map((k) => row[k]) : row);
  }

  apply(change: Change) {
    const key = this.keyOf(change.row);
    if (change.op === '-U' && this.key.length) return; // its +U follows and replaces it
    this.rows.delete(key);
    if (change.op === '+I' || change.op === '+U') this.rows.set(key, change.row);
    if (this.rows.size > ROWS) this.rows.delete(this.rows.keys().next().value!);
  }

  list(): Row[] {
    return [...this.rows.values()];
  }
}

export interface OpRates {
  rowsIn: number;
  rowsOut: number;
  share: number; // of the job's time, 0 to 1
}

export type Connection = 'connecting' | 'live' | 'lost';

export class Store {
  connection: Connection = 'connecting';
  version = '';
  principal = ''; // who we are, where users are asked for
  admin = true; // who may see more than topics, groups and transactions
  overview: Overview | null = null;
  views: ViewInfo[] | null = null;
  graph: JobGraph | null = null;
  opRates = new Map<number, OpRates>();
  viewRows = new Map<string, ViewRows>();
  alerts: Alert[] | null = null;
  history: History = { time: [], rate: [], p50: [], p99: [] };
  revision = 0;

  private source: EventSource | null = null;
  private url = '';
  private wanted = { job: '', views: new Set<string>() };
  private tail: { want: string; take: (m: Tail) => void } | null = null;
  private listeners = new Set<() => void>();
  private recent: Overview[] = [];
  private graphs: JobGraph[] = [];
  private reopen = 0;
  private drawn = 0;

  listen(fn: () => void): () => void {
    this.listeners.add(fn);
    return () => this.listeners.delete(fn);
  }

  /** Chooses what the stream carries; it is opened again when that changes. */
  want(job: string, views: string[]) {
    this.wanted = { job, views: new Set(views.filter(Boolean)) };
    clearTimeout(this.reopen);
    this.reopen = window.setTimeout(() => this.open(), 0);
  }

  /** Follows "TOPIC" or "TOPIC:PARTITION"; gives what ends it. */
  follow(want: string, take: (m: Tail) => void): () => void {
    const tail = { want, take };
    this.tail = tail;
    this.open();
    return () => {
      if (this.tail !== tail) return;
      this.tail = null;
      this.reopen = window.setTimeout(() => this.open(), 0);
    };
  }

  private open() {
    const params = new URLSearchParams({ overview: '1', alerts: '1' });
    if (this.tail) params.set('tail', this.tail.want);
    if (this.wanted.job) params.set('job', this.wanted.job);
    for (const v of [...this.wanted.views].sort()) params.append('view', v);
    const url = '/v1/stream?' + params;
    if (url === this.url && this.source?.readyState !== EventSource.CLOSED) return;
    this.url = url;
    this.source?.close();
    const source = new EventSource(url);
    this.source = source;
    source.onopen = () => this.set('live');
    source.onmessage = (e) => this.take(JSON.parse(e.data) as Message);
    source.onerror = () => {
      this.set('lost');
      if (source.readyState === EventSource.CLOSED) this.reopen = window.setTimeout(() => this.open(), 2000);
    };
  }

  private set(connection: Connection) {
    if (connection !== this.connection) {
      this.connection = connection;
      this.changed();
    }
  }

  private changed() {
    this.revision++;
    if (!this.drawn)
      this.drawn = requestAnimationFrame(() => {
        this.drawn = 0;
        for (const fn of this.listeners) fn();
      });
  }

  private take(m: Message) {
    switch (m.type) {
      case 'hello':
        this.version = m.version;
        this.principal = m.principal ?? '';
        this.admin = m.admin;
        break;
      case 'tail':
        this.tail?.take(m);
        return;
      case 'overview':
        this.takeOverview(m);
        break;
      case 'job':
        this.takeGraph(m);
        break;
      case 'views':
        this.views = m.views;
        break;
      case 'view':
        this.takeView(m.view, m.rows);
        break;
      case 'changes': {
        const rows = this.viewRows.get(m.view);
        if (rows) for (const change of m.changes) rows.apply(change);
        break;
      }
      case 'alerts':
        this.alerts = [...m.alerts.slice().reverse(), ...(m.reset ? [] : (this.alerts ?? []))].slice(0, ALERTS);
        break;
    }
    this.changed();
  }

  private takeView(name: string, rows: Row[]) {
    const info = this.views?.find((v) => v.name === name);
    const table = new ViewRows(info?.key ?? []);
    for (const row of rows) table.apply({ op: '+I', row });
    table.loaded = true;
    this.viewRows.set(name, table);
    for (const other of this.viewRows.keys()) if (!this.wanted.views.has(other)) this.viewRows.delete(other);
  }

  private takeOverview(m: Overview) {
    const restarted = this.overview && m.uptime_s < this.overview.uptime_s;
    if (restarted) this.recent = [];
    this.overview = m;
    const base = this.recent[0];
    this.recent.push(m);
    if (this.recent.length > 5) this.recent.shift();
    if (!base) return;
    const seconds = (m.time_us - base.time_us) / 1e6;
    const h = this.history;
    if (seconds < 0.2) return;
    h.time.push(m.time_us / 1e6);
    h.rate.push(Math.max(0, (m.events - base.events) / seconds));
    h.p50.push(m.latency_us.count ? m.latency_us.p50 / 1000 : null);
    h.p99.push(m.latency_us.count ? m.latency_us.p99 / 1000 : null);
    if (h.time.length > SAMPLES) for (const column of [h.time, h.rate, h.p50, h.p99]) column.shift();
  }

  private takeGraph(m: JobGraph) {
    if (this.graph && this.graph.name !== m.name) this.graphs = [];
    this.graph = m;
    const base = this.graphs[0];
    this.graphs.push(m);
    if (this.graphs.length > 5) this.graphs.shift();
    this.opRates.clear();
    if (!base) return;
    const seconds = (m.time_us - base.time_us) / 1e6 || 1;
    const before = new Map(base.ops.map((op) => [op.id, op]));
    const busy = (id: number, now: number) => Math.max(0, now - (before.get(id)?.busy_ns ?? 0));
    const all = m.ops.reduce((sum, op) => sum + busy(op.id, op.busy_ns), 0);
    for (const op of m.ops) {
      const was = before.get(op.id);
      this.opRates.set(op.id, {
        rowsIn: Math.max(0, op.rows_in - (was?.rows_in ?? 0)) / seconds,
        rowsOut: Math.max(0, op.rows_out - (was?.rows_out ?? 0)) / seconds,
        share: all > 0 ? busy(op.id, op.busy_ns) / all : 0,
      });
    }
  }

  rate(): number | null {
    return this.history.rate[this.history.rate.length - 1] ?? null;
  }

  /** The least watermark of the running jobs, and how far it is behind the newest event, in µs. */
  watermark(): { at: number; behind: number | null } | null {
    let least: Job | null = null;
    for (const job of this.overview?.jobs ?? [])
      if (job.watermark_us !== null && job.state.toUpperCase() !== 'FINISHED' && (!least || job.watermark_us < least.watermark_us!))
        least = job;
    if (!least || !this.overview) return null;
    const at = least.watermark_us!;
    if (least.event_time_us !== null) return { at, behind: Math.max(0, least.event_time_us - at) };
    const behind = this.overview.time_us - at; // of a stream that lives now
    return { at, behind: behind >= 0 && behind < 86400e6 ? behind : null };
  }
}
