// The job's operators as a graph, laid out in layers from its sources to its sinks.
import { useEffect, useRef, useState } from 'preact/hooks';
import { bytes, compact, timestamp } from './format';
import type { OpRates } from './store';
import type { JobGraph, Op } from './types';

const WIDTH_MAX = 210;
const HEIGHT = 92;
const GAP_ALONG = 28; // between layers
const GAP_ACROSS = 14; // between operators of a layer

interface Placed {
  op: Op;
  x: number;
  y: number;
}

/** Layer of each operator: one past the deepest of its inputs; within a layer, beside its inputs. */
function layers(ops: Op[]): Op[][] {
  const byId = new Map(ops.map((op) => [op.id, op]));
  const depth = new Map<number, number>();
  const depthOf = (op: Op): number => {
    if (!depth.has(op.id)) {
      depth.set(op.id, 0);
      const inputs = op.inputs.map((i) => byId.get(i)).filter((i): i is Op => !!i);
      depth.set(op.id, inputs.length ? 1 + Math.max(...inputs.map(depthOf)) : 0);
    }
    return depth.get(op.id)!;
  };
  const out: Op[][] = [];
  for (const op of ops) (out[depthOf(op)] ??= []).push(op);
  const place = new Map<number, number>();
  for (const layer of out) {
    const wish = (op: Op) =>
      op.inputs.length ? op.inputs.reduce((s, i) => s + (place.get(i) ?? 0), 0) / op.inputs.length : op.id * 1e-3;
    layer.sort((a, b) => wish(a) - wish(b) || a.id - b.id);
    layer.forEach((op, i) => place.set(op.id, i - (layer.length - 1) / 2));
  }
  return out;
}

interface Plan {
  placed: Placed[];
  node: number; // width of an operator
  width: number;
  height: number;
}

function layout(ops: Op[], room: number, vertical: boolean): Plan {
  const rows = layers(ops);
  const most = Math.max(1, ...rows.map((l) => l.length));
  const abreast = vertical ? most : rows.length;
  const gap = vertical ? 28 : GAP_ALONG;
  const between = vertical ? GAP_ACROSS : gap;
  const fits = Math.floor((room - 4 - (abreast - 1) * between) / abreast);
  const node = Math.min(WIDTH_MAX, Math.max(vertical ? 132 : 140, fits));
  const along = vertical ? HEIGHT : node;
  const across = vertical ? node : HEIGHT;
  const acrossAll = most * across + (most - 1) * GAP_ACROSS;
  const alongAll = rows.length * along + (rows.length - 1) * gap;
  const placed: Placed[] = [];
  rows.forEach((layer, depth) => {
    const used = layer.length * across + (layer.length - 1) * GAP_ACROSS;
    layer.forEach((op, i) => {
      const a = depth * (along + gap);
      const b = (acrossAll - used) / 2 + i * (across + GAP_ACROSS);
      placed.push({ op, x: vertical ? b : a, y: vertical ? a : b });
    });
  });
  return { placed, node, width: vertical ? acrossAll : alongAll, height: vertical ? alongAll : acrossAll };
}

function edge(from: Placed, to: Placed, node: number, vertical: boolean): string {
  const [x1, y1] = vertical ? [from.x + node / 2, from.y + HEIGHT] : [from.x + node, from.y + HEIGHT / 2];
  const [x2, y2] = vertical ? [to.x + node / 2, to.y] : [to.x, to.y + HEIGHT / 2];
  const bend = vertical ? (y2 - y1) / 2 : (x2 - x1) / 2;
  return vertical
    ? `M${x1} ${y1}C${x1} ${y1 + bend} ${x2} ${y2 - bend} ${x2} ${y2}`
    : `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
}

function stateRest(op: Op): string {
  if (op.cold_rows) return `, ${op.cold_rows} entries on disk`;
  return op.goes_to_disk ? '' : ', where it stays';
}

function tooltip(op: Op): string {
  const lines = [`${op.name}${op.detail ? `\n${op.detail}` : ''}`, `rows in ${op.rows_in}, out ${op.rows_out}`];
  if (op.state_rows) lines.push(`state ${op.state_rows} rows, ${bytes(op.state_bytes)} of memory${stateRest(op)}`);
  if (op.late) lines.push(`late ${op.late}`);
  if (op.watermark_us !== null) lines.push(`watermark ${timestamp(op.watermark_us)}`);
  return lines.join('\n');
}

/** What passes it: the rows that it gives, or takes where nothing reads from it. */
function rowsPast(last: boolean, rates?: OpRates): number {
  return (last ? rates?.rowsIn : rates?.rowsOut) ?? 0;
}

function Node({ at, width, last, rates }: { at: Placed; width: number; last: boolean; rates?: OpRates }) {
  const { op } = at;
  const share = rates?.share ?? 0;
  return (
    <li class="op" style={{ left: `${at.x}px`, top: `${at.y}px`, width: `${width}px` }} title={tooltip(op)} tabIndex={0}>
      <div class="op-name">{op.name}</div>
      <div class="op-detail">{op.detail || '\u00a0'}</div>
      <div class="op-rows">
        <span>
          <b>{compact(rowsPast(last, rates))}</b> rows/s
        </span>
        <span class="op-share">{Math.round(share * 100)}%</span>
      </div>
      <div class="op-bar" aria-hidden="true">
        <i style={{ width: `${Math.round(share * 100)}%` }} />
      </div>
    </li>
  );
}

export function Graph({ graph, rates }: { graph: JobGraph; rates: Map<number, OpRates> }) {
  const box = useRef<HTMLDivElement>(null);
  const [room, setRoom] = useState(1000);
  const vertical = room < 560;
  useEffect(() => {
    const observer = new ResizeObserver(() => setRoom(box.current!.clientWidth - 4));
    observer.observe(box.current!);
    return () => observer.disconnect();
  }, []);
  useEffect(() => {
    const el = box.current!;
    if (vertical) el.scrollLeft = (el.scrollWidth - el.clientWidth) / 2;
  }, [graph.name, graph.ops.length, room]);
  const { placed, node, width, height } = layout(graph.ops, room, vertical);
  const byId = new Map(placed.map((p) => [p.op.id, p]));
  const edges = placed.flatMap((to) =>
    to.op.inputs.flatMap((id) => (byId.has(id) ? [{ from: byId.get(id)!, to }] : [])),
  );
  const read = new Set(placed.flatMap((p) => p.op.inputs));
  const inset = Math.max(0, (room - width) / 2);
  return (
    <div class="graph" ref={box} tabIndex={0} role="group" aria-label={`Operators of ${graph.name}`}>
      <div class="graph-plane" style={{ width: `${width}px`, height: `${height}px`, marginLeft: `${inset}px` }}>
        <svg width={width} height={height} aria-hidden="true">
          {edges.map(({ from, to }) => (
            <path
              key={`${from.op.id}-${to.op.id}`}
              d={edge(from, to, node, vertical)}
              class={(rates.get(from.op.id)?.rowsOut ?? 0) > 0 ? 'edge flowing' : 'edge'}
            />
          ))}
        </svg>
        <ul>
          {placed.map((p) => (
            <Node key={p.op.id} at={p} width={node} last={!read.has(p.op.id)} rates={rates.get(p.op.id)} />
          ))}
        </ul>
      </div>
    </div>
  );
}
