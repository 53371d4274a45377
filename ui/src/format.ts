const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

export function count(n: number): string {
  return whole.format(n);
}

/** 1 partition, 3 partitions. */
export function plural(n: number, one: string): string {
  return `${count(n)} ${one}${n === 1 ? '' : 's'}`;
}

/** Short enough for a tile: 987, 12,340, 1.25 M. */
export function compact(n: number): string {
  const a = Math.abs(n);
  if (a < 100_000) return a >= 100 || Number.isInteger(n) ? whole.format(n) : digits(n, 3);
  if (a < 1e6) return digits(n / 1e3, 3) + ' k';
  if (a < 1e9) return digits(n / 1e6, 3) + ' M';
  return digits(n / 1e9, 3) + ' G';
}

/** That many significant digits, no exponent, no trailing zeros after a point. */
export function digits(n: number, significant: number): string {
  if (!Number.isFinite(n)) return '–';
  const magnitude = n === 0 ? 0 : Math.floor(Math.log10(Math.abs(n)));
  const places = Math.max(0, Math.min(6, significant - 1 - magnitude));
  return n.toLocaleString('en', { maximumFractionDigits: places });
}

export interface Figure {
  value: string;
  unit: string;
}

export function micros(us: number): Figure {
  if (us < 1000) return { value: digits(us, 3), unit: 'µs' };
  if (us < 1e6) return { value: digits(us / 1e3, 3), unit: 'ms' };
  return seconds(us / 1e6);
}

export function seconds(s: number): Figure {
  if (s < 1) return { value: digits(s * 1e3, 3), unit: 'ms' };
  if (s < 120) return { value: digits(s, 3), unit: 's' };
  if (s < 7200) return { value: digits(s / 60, 3), unit: 'min' };
  if (s < 172800) return { value: digits(s / 3600, 3), unit: 'h' };
  return { value: digits(s / 86400, 3), unit: 'days' };
}

export function joined(f: Figure): string {
  return `${f.value} ${f.unit}`;
}

export function bytes(n: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let i = 0;
  while (n >= 1000 && i < units.length - 1) {
    n /= 1000;
    i++;
  }
  return `${digits(n, 3)} ${units[i]}`;
}

/** 2001-01-14 16:20:05, in UTC. */
export function timestamp(us: number): string {
  const d = new Date(us / 1000);
  return Number.isNaN(d.getTime()) ? '–' : d.toISOString().slice(0, 19).replace('T', ' ');
}

export function clock(us: number): string {
  return timestamp(us).slice(11);
}

export function cell(v: unknown): string {
  if (v === null || v === undefined) return '';
  if (typeof v === 'number') return Number.isInteger(v) ? String(v) : digits(v, 6);
  if (typeof v === 'object') return JSON.stringify(v);
  return String(v);
}

const TIME = /^\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d+)?)?Z?$/;

/** A SQL timestamp's text as milliseconds, or NaN. */
export function timeOf(v: unknown): number {
  if (typeof v === 'number') return v > 1e14 ? v / 1000 : v;
  if (typeof v !== 'string' || !TIME.test(v)) return NaN;
  const iso = v.replace(' ', 'T');
  return Date.parse(iso.endsWith('Z') ? iso : iso + 'Z');
}

/** One way to write all of these, so that they line up: a decimal only where some value has one. */
export function alike(values: number[]): (v: number) => string {
  const most = Math.max(...values.map(Math.abs), 0);
  if (values.every(Number.isInteger) || most >= 1000) return (v) => compact(Math.round(v));
  const places = most >= 10 ? 1 : most >= 1 ? 2 : 3;
  return (v) => v.toFixed(places);
}
