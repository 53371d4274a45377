// The records of a topic: seek, page both ways, filter, follow what comes.
import { useEffect, useRef, useState } from 'preact/hooks';
import { call, Failure, part } from './api';
import { count, plural } from './format';
import { PartitionChoice, Wrong } from './parts';
import { Detail, Form, idOf, Line, Rec } from './record';
import { go, link, Route } from './route';
import type { Source } from './row';
import type { Store } from './store';

const PAGE = 50;
const TAIL = 500; // kept of a live tail
const MERGED = 64; // partitions that the server reads at once

interface Page {
  records: Rec[];
  from: string;
  to: string;
  left: number;
  scanned: { records: number; bytes: number };
}

type Direction = 'forward' | 'back';

/** What is on the screen. `left` is of the direction in which it was read last. */
interface Shown {
  records: Rec[]; // the oldest first
  from: string;
  to: string;
  direction: Direction;
  left: number;
  looked: number;
  busy: boolean;
  error: Failure | null;
}

const NOTHING: Shown = { records: [], from: '', to: '', direction: 'back', left: 0, looked: 0, busy: false, error: null };

/** Reads pages into the state until one is full, the end is met, or it is stopped. */
function usePages(topic: string, filter: string, committed: boolean) {
  const [shown, set] = useState<Shown>(NOTHING);
  const stop = useRef<AbortController | null>(null);
  useEffect(() => () => stop.current?.abort(), []);
  /** `instead` stays on the screen when there is nothing more in that direction. */
  const read = async (where: string, direction: Direction, keep: Rec[] = [], edge?: { from: string; to: string }, instead?: Shown) => {
    stop.current?.abort();
    const abort = new AbortController();
    stop.current = abort;
    const fixed = `limit=${PAGE}${filter ? '&filter=' + part(filter) : ''}${committed ? '&committed' : ''}`;
    let state: Shown = { ...NOTHING, direction, records: keep, busy: true, from: edge?.from ?? '', to: edge?.to ?? '' };
    set((was) => ({ ...was, direction, busy: true, error: null, looked: 0 }));
    try {
      while (state.busy) {
        const left = PAGE - state.records.length;
        const p = await call<Page>(`/v1/topics/${part(topic)}/records?${where}&${fixed.replace(/limit=\d+/, `limit=${left}`)}`, 'GET', undefined, abort.signal);
        const records = direction === 'forward' ? [...state.records, ...p.records] : [...p.records, ...state.records];
        state = {
          ...state,
          records,
          from: direction === 'back' || !state.from ? p.from : state.from,
          to: direction === 'forward' || !state.to ? p.to : state.to,
          left: p.left,
          looked: state.looked + p.scanned.records,
          busy: p.left > 0 && records.length < PAGE,
        };
        where = direction === 'forward' ? `after=${p.to}` : `before=${p.from}`;
        set(instead && !state.records.length && !state.busy ? { ...instead, direction, left: 0, busy: false } : state);
      }
    } catch (e) {
      if (e instanceof Failure) set({ ...state, busy: false, error: e });
    }
  };
  return {
    shown,
    seek: (where: string, direction: Direction) => void read(where, direction),
    older: () => void read(`before=${shown.from}`, 'back', [], undefined, shown),
    newer: () => void read(`after=${shown.to}`, 'forward', [], undefined, shown),
    stop: () => {
      stop.current?.abort();
      set((was) => ({ ...was, busy: false }));
    },
    goOn: () =>
      void read(shown.direction === 'back' ? `before=${shown.from}` : `after=${shown.to}`, shown.direction, shown.records, shown),
  };
}

/** What comes while it is followed; paused, what comes is only counted. */
function useTail(store: Store, topic: string, partition: string, on: boolean) {
  const [records, set] = useState<Rec[]>([]);
  const [paused, pause] = useState(false);
  const [missed, setMissed] = useState(0); // skipped by the server
  const [waiting, setWaiting] = useState(0); // come while paused
  const [error, setError] = useState<Failure | null>(null);
  const held = useRef<Rec[]>([]);
  const isPaused = useRef(false);
  isPaused.current = paused;
  useEffect(() => {
    if (!on) return;
    held.current = [];
    set([]);
    setMissed(0);
    setWaiting(0);
    setError(null);
    pause(false);
    return store.follow(partition === '' ? topic : `${topic}:${partition}`, (m) => {
      setError(m.error ? new Failure(0, '', m.error) : null);
      if (!m.records) return;
      held.current = [...held.current, ...m.records].slice(-TAIL);
      setMissed((n) => n + (m.skipped ?? 0));
      if (isPaused.current) setWaiting((n) => n + m.records!.length);
      else set(held.current);
    });
  }, [store, topic, partition, on]);
  const toggle = () => {
    if (paused) set(held.current);
    setWaiting(0);
    pause(!paused);
  };
  return { records, paused, toggle, missed, waiting, error };
}

const SEEKS: [string, string][] = [['end', 'Newest'], ['start', 'Oldest'], ['offset', 'Offset'], ['time', 'Time']];

/** The query of a place: what was typed, or null and why. */
function placeOf(seek: string, at: string): string | Failure {
  if (seek === 'offset') return /^\d+$/.test(at) ? `offset=${at}` : new Failure(0, '', 'An offset is a whole number.');
  if (seek !== 'time') return `from=${seek || 'end'}`;
  const ms = /^\d{11,}$/.test(at) ? Number(at) : Date.parse(at.trim().replace(' ', 'T').replace(/(Z|[+-]\d\d:\d\d)?$/, (zone) => zone || (at.length > 10 ? 'Z' : '')));
  return Number.isNaN(ms) || ms < 0 ? new Failure(0, '', 'A time is like 2026-01-31 14:05:00, in UTC, or milliseconds since 1970.') : `time=${ms}`;
}

export function Records(p: { store: Store; topic: string; partitions: number; source: Source; route: Route }) {
  const q = p.route.query;
  const query = { from: q.get('from') ?? 'end', at: q.get('at') ?? '', partition: q.get('partition') ?? '', filter: q.get('filter') ?? '' };
  const [draft, setDraft] = useState(query);
  const [form, setForm] = useState<Form>('auto');
  const [committed, setCommitted] = useState(false);
  const [live, setLive] = useState(false);
  const [open, setOpen] = useState('');
  const pages = usePages(p.topic, query.filter, committed);
  const tail = useTail(p.store, p.topic, query.partition, live);
  const tooMany = p.partitions > MERGED && query.partition === '';
  const place = tooMany ? new Failure(0, '', `The topic has ${count(p.partitions)} partitions: choose one.`) : placeOf(query.from, query.at);
  const first = `${typeof place === 'string' ? place : ''}${query.partition !== '' ? '&partition=' + part(query.partition) : ''}`;
  const newestFirst = live || query.from === 'end';
  const key = `${first} ${query.filter} ${committed}`;
  const seek = () => typeof place === 'string' && pages.seek(first, query.from === 'end' ? 'back' : 'forward');
  useEffect(() => {
    setOpen('');
    if (!live) seek();
  }, [key, live]);
  const submit = (next: typeof query) => {
    const to = link(['topics', p.topic], { ...next, from: next.from === 'end' ? '' : next.from, at: next.from === 'offset' || next.from === 'time' ? next.at : '' });
    setDraft(next);
    setLive(false);
    if (location.hash === to) seek();
    else go(to);
  };
  const s = pages.shown;
  const matching = (r: Rec) => !query.filter || `${r.key ?? ''}\n${r.value ?? ''}\n${(r.headers ?? []).map((h) => h.value ?? '').join('\n')}`.includes(query.filter);
  const records = live ? tail.records.filter(matching) : s.records;
  const list = newestFirst ? [...records].reverse() : records;
  return (
    <>
      <form
        class="seek"
        onSubmit={(e) => {
          e.preventDefault();
          submit(draft);
        }}
      >
        <label>
          <span>From</span>
          <select aria-label="From" value={draft.from} onChange={(e) => {
            const from = e.currentTarget.value;
            if (from === 'end' || from === 'start') submit({ ...draft, from });
            else setDraft({ ...draft, from, at: '' });
          }}>
            {SEEKS.map(([v, name]) => <option key={v} value={v}>{name}</option>)}
          </select>
        </label>
        {(draft.from === 'offset' || draft.from === 'time') && (
          <label>
            <span>{draft.from === 'offset' ? 'Offset' : 'Time, UTC'}</span>
            <input
              class={draft.from}
              value={draft.at}
              placeholder={draft.from === 'offset' ? '0' : '2026-01-31 14:05:00'}
              onInput={(e) => setDraft({ ...draft, at: e.currentTarget.value })}
            />
          </label>
        )}
        <label>
          <span>Partition</span>
          <PartitionChoice count={p.partitions} none={p.partitions > MERGED ? 'which' : 'All'} value={draft.partition} onChange={(partition) => submit({ ...draft, partition })} />
        </label>
        <label class="grow">
          <span>With the text</span>
          <input type="search" value={draft.filter} placeholder="in key, value or headers" spellcheck={false} onInput={(e) => setDraft({ ...draft, filter: e.currentTarget.value })} />
        </label>
        <button class="run small">Look</button>
        <button type="button" class={`plain live ${live ? 'on' : ''}`} aria-pressed={live} onClick={() => setLive(!live)}>
          <i aria-hidden="true" />
          Live
        </button>
      </form>
      <div class="bar">
        <span class="quiet said" role="status">
          {live
            ? `${tail.paused ? `Paused; ${count(tail.waiting)} came since` : 'Following'}${tail.missed ? `; ${count(tail.missed)} came too fast to be shown` : ''}`
            : said(s, query.filter, newestFirst)}
        </span>
        {live && <button type="button" class="plain small" onClick={tail.toggle}>{tail.paused ? 'Go on' : 'Pause'}</button>}
        {!live && s.busy && <button type="button" class="plain small" onClick={pages.stop}>Stop</button>}
        {!live && !s.busy && s.left > 0 && s.records.length < PAGE && <button type="button" class="plain small" onClick={pages.goOn}>Look further</button>}
        <span class="spacer" />
        <label class="tick">
          <input type="checkbox" checked={committed} onChange={(e) => setCommitted(e.currentTarget.checked)} />
          <span>Committed only</span>
        </label>
        <select aria-label="Show values as" value={form} onChange={(e) => setForm(e.currentTarget.value as Form)}>
          {[['auto', 'As it fits'], ['text', 'Text'], ['json', 'JSON'], ['hex', 'Hex']].map(([v, name]) => <option key={v} value={v}>{name}</option>)}
        </select>
      </div>
      <Wrong error={place instanceof Failure && (!live || tooMany) ? place : live ? tail.error : s.error} />
      <div class="records-head" aria-hidden="true">
        <span>Time, UTC</span>
        <span class="num">Part.</span>
        <span class="num">Offset</span>
        <span>Key</span>
        <span>Value</span>
      </div>
      <ol class={`records ${s.busy ? 'busy' : ''}`} aria-label={newestFirst ? 'Records, newest first' : 'Records, oldest first'}>
        {list.map((r) => {
          const id = idOf(r);
          return (
            <li key={id} data-record={id}>
              <Line r={r} open={open === id} onToggle={() => setOpen(open === id ? '' : id)} />
              {open === id && <Detail topic={p.topic} r={r} form={form} source={p.source} />}
            </li>
          );
        })}
      </ol>
      {!list.length && (
        <p class="empty">{live ? 'Nothing has come yet.' : s.busy ? 'Looking …' : s.error || place instanceof Failure ? '' : query.filter ? 'No record with that text.' : 'No record here.'}</p>
      )}
      {!live && (
        <p class="pager">
          <button type="button" class="plain" disabled={s.busy || !s.from || (s.direction === 'back' && s.left === 0)} onClick={pages.older}>
            ‹ Older
          </button>
          <button type="button" class="plain" disabled={s.busy || !s.to} onClick={pages.newer}>
            Newer ›
          </button>
        </p>
      )}
    </>
  );
}

function said(s: Shown, filter: string, newestFirst: boolean): string {
  const order = newestFirst ? 'newest first' : 'oldest first';
  if (filter) {
    const found = `${count(s.records.length)} found in ${plural(s.looked, 'record')}`;
    return s.left > 0 ? `${found}; ${count(s.left)} offsets not looked at` : `${found}; all looked at`;
  }
  if (!s.records.length) return '';
  return `${plural(s.records.length, 'record')}, ${order}`;
}
