// What a view is good for, from its columns alone: a chart over windows, a ranking, a table.
import { timeOf } from './format';
import type { Column, Row, ViewInfo } from './types';

const NUMERIC = /^(TINYINT|SMALLINT|INT|BIGINT|FLOAT|DOUBLE|DECIMAL)/;
const TIME = /^TIMESTAMP/;
const RANK = /^(rank|rk|rn|row_?num(ber)?|place|position|pos)(_?(no|nr|num|number))?$/i;

const isNumeric = (c: Column) => NUMERIC.test(c.type);

export function windowColumn(v: ViewInfo): string | null {
  const times = v.columns.filter((c) => TIME.test(c.type));
  const best =
    times.find((c) => /window_end$/i.test(c.name)) ??
    times.find((c) => /window_start$/i.test(c.name)) ??
    times.find((c) => /window/i.test(c.name));
  return best?.name ?? null;
}

export function rankColumn(v: ViewInfo): string | null {
  return v.columns.find((c) => RANK.test(c.name) && isNumeric(c))?.name ?? null;
}

/** Columns whose value can be drawn. */
export function measures(v: ViewInfo): string[] {
  const numeric = v.columns.filter((c) => isNumeric(c) && !RANK.test(c.name)).map((c) => c.name);
  const free = numeric.filter((c) => !v.key.includes(c));
  return free.length ? free : numeric;
}

/** Columns that name a row. */
export function labels(v: ViewInfo): string[] {
  const texts = v.columns.filter((c) => !isNumeric(c) && !TIME.test(c.type)).map((c) => c.name);
  if (texts.length) return texts.slice(0, 1);
  return v.key.filter((k) => !TIME.test(v.columns.find((c) => c.name === k)?.type ?? ''));
}

export function defaultWindowed(views: ViewInfo[]): string {
  return (views.find((v) => windowColumn(v) && measures(v).length) ?? views[0])?.name ?? '';
}

export function defaultTop(views: ViewInfo[]): string {
  const able = views.filter((v) => measures(v).length);
  return (
    able.find((v) => rankColumn(v)) ??
    able.find((v) => /top|rank/i.test(v.name)) ??
    able.find((v) => !windowColumn(v)) ??
    able[0]
  )?.name ?? '';
}

export interface Series {
  times: number[]; // seconds
  names: string[];
  values: (number | null)[][];
}

export const SERIES_MAX = 6;
const WINDOWS_MAX = 90;

const labelOf = (row: Row, by: string[]) => by.map((c) => String(row[c] ?? '')).join(' · ');

/** The last windows of the series that weigh most in them. */
export function windowSeries(v: ViewInfo, rows: Row[], measure: string): Series {
  const at = windowColumn(v)!;
  const by = labels(v);
  const windows = new Map<number, Map<string, number>>();
  for (const row of rows) {
    const time = timeOf(row[at]);
    const value = Number(row[measure]);
    if (Number.isNaN(time) || row[measure] === null || Number.isNaN(value)) continue;
    let window = windows.get(time);
    if (!window) windows.set(time, (window = new Map()));
    window.set(labelOf(row, by), value);
  }
  const times = [...windows.keys()].sort((a, b) => a - b).slice(-WINDOWS_MAX);
  const weights = new Map<string, number>();
  for (const time of times)
    for (const [name, value] of windows.get(time)!) weights.set(name, (weights.get(name) ?? 0) + Math.abs(value));
  const names = [...weights.keys()]
    .sort((a, b) => weights.get(b)! - weights.get(a)! || (a < b ? -1 : 1))
    .slice(0, SERIES_MAX);
  return {
    times: times.map((t) => t / 1000),
    names,
    values: names.map((name) => times.map((t) => windows.get(t)!.get(name) ?? null)),
  };
}

export interface Ranked {
  label: string;
  value: number;
}

export function ranking(v: ViewInfo, rows: Row[], measure: string, limit: number): Ranked[] {
  const rank = rankColumn(v);
  const at = windowColumn(v);
  const by = labels(v);
  let live = rows;
  if (at) {
    const newest = rows.reduce((max, row) => Math.max(max, timeOf(row[at]) || 0), 0);
    live = rows.filter((row) => timeOf(row[at]) === newest);
  }
  const value = (row: Row) => Number(row[measure] ?? 0);
  const order = (a: Row, b: Row) => (rank ? Number(a[rank]) - Number(b[rank]) : value(b) - value(a));
  return live
    .slice()
    .sort(order)
    .slice(0, limit)
    .map((row) => ({ label: labelOf(row, by), value: value(row) }));
}
