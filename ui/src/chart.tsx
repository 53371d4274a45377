// A thin hull around uPlot: colours from the page's variables, size from its box, a legend of ours.
import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';

export interface Line {
  name: string;
  color: string; // a CSS variable
  fill?: boolean;
  dash?: boolean;
}

interface Props {
  title: string; // for those who cannot see it
  times: number[];
  values: (number | null)[][];
  lines: Line[];
  height: number;
  theme: string;
  format: (v: number) => string;
  span?: number; // seconds shown; else all
  utc?: boolean;
  points?: boolean;
}

const variable = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const YOUNG = 20; // seconds

/** 18:05 or 18:05:30, as the distance between two labels asks; a day's first is its date. */
function timeLabel(t: number, incr: number, utc: boolean): string {
  const zone = utc ? 'UTC' : undefined;
  const d = new Date(t * 1000);
  const hm = d.toLocaleTimeString('en-GB', { timeZone: zone });
  if (incr >= 86400 || (incr >= 3600 && hm === '00:00:00'))
    return d.toLocaleDateString('en-GB', { day: 'numeric', month: 'short', timeZone: zone });
  return incr < 60 ? hm : hm.slice(0, 5);
}

function options(p: Props, width: number): uPlot.Options {
  const ink = variable('--ink-faint');
  const grid = variable('--rule');
  const font = `11px ${variable('--font')}`;
  const utc = (ts: number) => (p.utc ? uPlot.tzDate(new Date(ts * 1000), 'Etc/UTC') : new Date(ts * 1000));
  return {
    width,
    height: p.height,
    tzDate: utc,
    padding: [8, 24, 0, 0], // at the right, room for half a label of the time axis
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, points: { size: 7 }, y: false },
    scales: {
      // the newest at the right edge; a young chart shows less than its span, but no less than a bit
      x: p.span ? { range: (_u, min, max) => [Math.max(max - p.span!, Math.min(min, max - YOUNG)), max] } : {},
      y: { range: (_u, _min, max) => [0, max > 0 ? max * 1.12 : 1] },
    },
    axes: [
      {
        stroke: ink,
        font,
        grid: { show: false },
        ticks: { show: false },
        size: 26,
        space: 76,
        values: (_u, splits, _i, _space, incr) => splits.map((t) => timeLabel(t, incr, !!p.utc)),
      },
      {
        stroke: ink,
        font,
        grid: { stroke: grid, width: 1 },
        ticks: { show: false },
        size: 52,
        gap: 6,
        space: 34,
        values: (_u, splits) => splits.map((v) => p.format(v)),
      },
    ],
    series: [
      {},
      ...p.lines.map((line) => {
        const color = variable(line.color);
        return {
          label: line.name,
          stroke: color,
          width: 1.75,
          dash: line.dash ? [4, 4] : undefined,
          fill: line.fill ? color + '1f' : undefined,
          points: { show: !!p.points && p.times.length < 40, size: 4 },
          spanGaps: true,
        };
      }),
    ],
  };
}

export function Chart(p: Props) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const [at, setAt] = useState<number | null>(null);
  const shape = [p.theme, p.height, p.points && p.times.length < 40, ...p.lines.map((l) => l.name + l.color)].join('|');

  useEffect(() => {
    const el = box.current!;
    const u = new uPlot(options(p, el.clientWidth || 300), [p.times, ...p.values] as uPlot.AlignedData, el);
    plot.current = u;
    u.over.addEventListener('mouseleave', () => setAt(null));
    u.over.addEventListener('mousemove', () => setAt(u.cursor.idx ?? null));
    const observer = new ResizeObserver(() => u.setSize({ width: el.clientWidth, height: p.height }));
    observer.observe(el);
    return () => {
      observer.disconnect();
      u.destroy();
      plot.current = null;
    };
  }, [shape]);

  useEffect(() => {
    plot.current?.setData([p.times, ...p.values] as uPlot.AlignedData);
  });

  const last = p.times.length - 1;
  const shown = at !== null && at <= last ? at : last;
  const text = p.lines.map((l, i) => `${l.name} ${p.values[i]?.[shown] == null ? '–' : p.format(p.values[i][shown]!)}`);
  return (
    <figure class="chart" role="img" aria-label={`${p.title}: ${text.join(', ')}`}>
      <figcaption class="legend" aria-hidden="true">
        {p.lines.map((line, i) => {
          const v = p.values[i]?.[shown];
          return (
            <span class="key" key={line.name}>
              <i style={{ background: `var(${line.color})` }} />
              <span class="key-name">{line.name}</span>
              <b>{v == null ? '–' : p.format(v)}</b>
            </span>
          );
        })}
      </figcaption>
      <div ref={box} style={{ height: `${p.height}px` }} />
    </figure>
  );
}
