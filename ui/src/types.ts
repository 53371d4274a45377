// What the server says on /v1/stream (docs/http.md). Times are microseconds since 1970, UTC.
import type { Rec } from './record';

export interface Quantiles {
  p50: number;
  p99: number;
  count: number;
}

export interface Job {
  name: string;
  state: string; // in any case of letters
  error?: string | null;
  tick: number;
  rows_in: number;
  rows_out: number;
  late: number;
  errors: number;
  watermark_us: number | null;
  event_time_us: number | null;
  latency_us: Quantiles;
  memory_bytes: Memory;
}

/** What a job holds, as the engine counts it. */
export interface Memory {
  state: number; // of its operators
  views: number; // rows of its view, and what its sinks keep
  lanes: number; // rows between shards
  buffers: number; // the rest
  all: number;
}

export interface Overview {
  type: 'overview';
  time_us: number;
  uptime_s: number;
  events: number;
  latency_us: Quantiles;
  late: number;
  errors: number;
  memory_limit_bytes: number; // of all jobs; 0: none
  log: { appends: number; bytes: number; syncs: number; sync_us: number };
  jobs: Job[];
}

export interface Op {
  id: number;
  name: string;
  detail: string;
  inputs: number[];
  rows_in: number;
  rows_out: number;
  late: number;
  state_rows: number;
  state_bytes: number;
  cold_rows: number; // on disk
  goes_to_disk: boolean; // near memory.limit; else its state stays in memory
  busy_ns: number;
  watermark_us: number | null;
}

export interface JobGraph {
  type: 'job';
  time_us: number;
  name: string;
  sql: string;
  ops: Op[];
}

export interface Column {
  name: string;
  type: string;
}

export interface ViewInfo {
  name: string;
  rows: number;
  key: string[];
  columns: Column[];
}

export type Row = Record<string, unknown>;

export interface Change {
  op: '+I' | '-U' | '+U' | '-D';
  row: Row;
}

export interface Alert {
  offset: number;
  time_ms: number;
  value: unknown;
}

export interface Tail {
  type: 'tail';
  topic: string;
  records?: Rec[];
  skipped?: number; // that came too fast
  error?: string;
}

export type Message =
  | { type: 'hello'; version: string; time_us: number; principal?: string; admin: boolean }
  | Tail
  | Overview
  | JobGraph
  | { type: 'views'; views: ViewInfo[] }
  | { type: 'view'; view: string; rows: Row[]; more: boolean }
  | { type: 'changes'; view: string; changes: Change[] }
  | { type: 'alerts'; reset: boolean; alerts: Alert[] };

export interface SqlResult {
  columns: Column[];
  rows: unknown[][];
  message?: string;
}

export interface SqlError {
  code: string;
  message: string;
  line?: number;
  column?: number;
  near?: string;
  hint?: string;
}
