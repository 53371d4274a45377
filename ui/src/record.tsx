// One record: its line in the list, and all of it unfolded below.
import { useState } from 'preact/hooks';
import { call, part } from './api';
import { bytes as size, count } from './format';
import { Hex, Json, parseJson } from './json';
import { useAct, Wrong } from './parts';
import { Source, TableRow } from './row';

export interface Bytes {
  key?: string | null;
  key_base64?: string;
  key_bytes?: number;
  value?: string | null;
  value_base64?: string;
  value_bytes?: number;
}

export interface Rec extends Bytes {
  partition: number;
  offset: number;
  time_ms: number;
  time_type?: string;
  headers?: Bytes[];
  headers_count?: number;
  codec?: string;
  producer_id?: number;
  producer_epoch?: number;
  transaction?: 'committed' | 'aborted' | 'open';
  control?: string;
  damaged?: string;
  to_offset?: number;
}

export type Form = 'auto' | 'text' | 'json' | 'hex';

const decoder = new TextDecoder();
const encoder = new TextEncoder();
const LINE = 300; // characters of a value in the list
const TEXT = 200_000; // characters shown of one that was loaded whole

export const instant = (ms: number) => (ms < 0 ? 'no time' : new Date(ms).toISOString().slice(0, 23).replace('T', ' '));
export const idOf = (r: Rec) => `${r.partition}:${r.offset}`;

function raw(text: string | null | undefined, base64: string | undefined): Uint8Array | null {
  if (base64 !== undefined) return Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  return text === null || text === undefined ? null : encoder.encode(text);
}

/** On one line, as far as it goes. */
function oneLine(text: string | null | undefined, base64: string | undefined): string {
  if (base64 !== undefined) {
    const b = raw(null, base64.slice(0, 64))!;
    return [...b].map((x) => x.toString(16).padStart(2, '0')).join(' ');
  }
  return (text ?? '').slice(0, LINE).replace(/\s+/g, ' ');
}

function Mark({ r }: { r: Rec }) {
  if (r.damaged) return <span class="mark bad">damaged</span>;
  if (r.control) return <span class="mark">{r.control} marker</span>;
  if (r.transaction === 'aborted') return <span class="mark bad">aborted</span>;
  if (r.transaction === 'open') return <span class="mark warn">open transaction</span>;
  if (r.value === null && !r.control) return <span class="mark">tombstone</span>;
  return null;
}

export function Line({ r, open, onToggle }: { r: Rec; open: boolean; onToggle: () => void }) {
  const step = (e: KeyboardEvent & { currentTarget: HTMLElement }) => {
    if (e.key !== 'ArrowDown' && e.key !== 'ArrowUp') return;
    e.preventDefault();
    const item = e.currentTarget.closest('li')!;
    const to = e.key === 'ArrowDown' ? item.nextElementSibling : item.previousElementSibling;
    to?.querySelector('button')?.focus();
  };
  return (
    <button type="button" class={`record ${r.transaction === 'aborted' || r.control ? 'faint' : ''}`} aria-expanded={open} onClick={onToggle} onKeyDown={step}>
      <span class="r-time">{instant(r.time_ms)}</span>
      <span class="r-part">{r.partition}</span>
      <span class="r-offset">{r.offset}</span>
      <span class="r-key">{r.key === null && !r.control ? <i>none</i> : oneLine(r.key, r.key_base64)}</span>
      <span class="r-value">
        <Mark r={r} />
        {oneLine(r.value, r.value_base64)}
      </span>
    </button>
  );
}

/** Bytes in the form that was chosen, or that fits. */
function Body({ text, base64, form }: { text: string | null | undefined; base64: string | undefined; form: Form }) {
  const bytes = raw(text, base64);
  if (!bytes) return <p class="quiet">null</p>;
  if (form === 'hex' || (form === 'auto' && base64 !== undefined)) return <Hex bytes={bytes} />;
  const all = text ?? decoder.decode(bytes);
  const node = form === 'text' ? null : parseJson(all);
  if (node && (form === 'json' || node.kind === 'object' || node.kind === 'array')) return <Json node={node} />;
  return (
    <>
      {form === 'json' && <p class="quiet">This is no JSON; as text:</p>}
      <pre class="code" tabIndex={0}>{all.length > TEXT ? all.slice(0, TEXT) : all || ' '}</pre>
      {all.length > TEXT && <p class="quiet">{count(all.length - TEXT)} characters more: save it to see them.</p>}
    </>
  );
}

function save(name: string, bytes: Uint8Array) {
  const a = document.createElement('a');
  a.href = URL.createObjectURL(new Blob([bytes as BlobPart]));
  a.download = name;
  a.click();
  setTimeout(() => URL.revokeObjectURL(a.href), 1000);
}

function Facts({ r }: { r: Rec }) {
  const facts: [string, string][] = [
    ['partition', String(r.partition)],
    ['offset', String(r.offset)],
    [r.time_type === 'append' ? 'appended' : 'time', instant(r.time_ms) + ' UTC'],
  ];
  if (r.codec && r.codec !== 'none') facts.push(['compression', r.codec]);
  if (r.producer_id !== undefined) facts.push(['producer', `${r.producer_id}, epoch ${r.producer_epoch}`]);
  if (r.transaction) facts.push(['transaction', r.transaction]);
  return (
    <p class="facts">
      {facts.map(([k, v]) => (
        <span key={k}>
          {k} <b>{v}</b>
        </span>
      ))}
    </p>
  );
}

export function Detail({ topic, r, form, source }: { topic: string; r: Rec; form: Form; source: Source }) {
  const [whole, setWhole] = useState<Rec | null>(null);
  const act = useAct();
  const shown = whole ?? r;
  const cut = shown.value_bytes ?? shown.key_bytes;
  const load = () =>
    act.run(async () => {
      const answer = await call<{ records: Rec[] }>(`/v1/topics/${part(topic)}/records?partition=${r.partition}&offset=${r.offset}&whole`);
      setWhole(answer.records[0]);
    });
  if (r.damaged)
    return (
      <div class="detail">
        <p class="sql-error">
          Offsets {r.offset} to {r.to_offset} cannot be read: {r.damaged}. <code>quickwater check</code> says where in the files.
        </p>
      </div>
    );
  if (r.control) return <div class="detail"><Facts r={r} /><p class="quiet">The end of a transaction of this producer in this partition. Consumers are not given it.</p></div>;
  const bytes = raw(shown.value, shown.value_base64);
  return (
    <div class="detail">
      <Facts r={shown} />
      {shown.key !== null && (
        <>
          <h3>Key</h3>
          <Body text={shown.key} base64={shown.key_base64} form={form} />
        </>
      )}
      {shown.headers && (
        <>
          <h3>Headers</h3>
          <dl class="headers">
            {shown.headers.map((h, i) => (
              <div key={i}>
                <dt>{oneLine(h.key, h.key_base64)}</dt>
                <dd>{h.value === null ? <i class="quiet">null</i> : oneLine(h.value, h.value_base64)}</dd>
              </div>
            ))}
          </dl>
          {shown.headers_count && <p class="quiet">{shown.headers_count} in all</p>}
        </>
      )}
      <h3>
        Value {bytes && <span class="quiet">{size(shown.value_bytes ?? bytes.length)}</span>}
        {cut && (
          <button type="button" class="plain small" disabled={act.busy} onClick={load}>
            {act.busy ? 'Loading' : `Only ${size(bytes?.length ?? 0)} shown: load the whole`}
          </button>
        )}
        {!cut && bytes && bytes.length > 0 && (
          <button type="button" class="plain small" onClick={() => save(`${topic}-${r.partition}-${r.offset}`, bytes)}>
            Save
          </button>
        )}
      </h3>
      <Wrong error={act.error} />
      {shown.value === null ? <p class="quiet">null: a tombstone. Compaction drops what the key had.</p> : <Body text={shown.value} base64={shown.value_base64} form={form} />}
      {source.tables.length > 0 && <TableRow source={source} r={r} />}
    </div>
  );
}
