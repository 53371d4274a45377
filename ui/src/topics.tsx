// The list of topics, and making one.
import { useState } from 'preact/hooks';
import { call, Failure, usePoll } from './api';
import { bytes, compact, count, digits } from './format';
import { Dialog, Empty, Field, Panel, useAct, Wrong } from './parts';
import { go, link } from './route';

const SHOWN = 500;

export interface TopicInfo {
  name: string;
  internal: boolean;
  durability: string;
  cleanup: string;
  retention_ms: number;
  retention_bytes: number;
  partitions_count: number;
  records: number;
  written: number;
  bytes: number;
}

export function retention(t: TopicInfo): string {
  const time = t.retention_ms < 0 ? 'for ever' : span(t.retention_ms);
  return t.retention_bytes < 0 ? time : `${time}, ${bytes(t.retention_bytes)}`;
}

/** 7 d, 36 h, 90 s: the largest unit in which it is whole, or nearly. */
export function span(ms: number): string {
  const units: [number, string][] = [[86400e3, 'd'], [3600e3, 'h'], [60e3, 'min'], [1e3, 's']];
  for (const [size, name] of units) if (ms >= size && (ms % size === 0 || ms >= 3 * size)) return `${digits(ms / size, 3)} ${name}`;
  return `${digits(ms, 3)} ms`;
}

export function rate(now: number, before: number | undefined, seconds: number): string {
  if (before === undefined || !seconds) return '–';
  const r = Math.max(0, (now - before) / seconds);
  return r < 10 ? digits(r, 2) : compact(Math.round(r));
}

function Rows({ topics, before, seconds }: { topics: TopicInfo[]; before: Map<string, number>; seconds: number }) {
  return (
    <div class="table-box tall" tabIndex={0} role="group" aria-label="Topics">
      <table class="list">
        <thead>
          <tr>
            <th scope="col">Topic</th>
            <th scope="col" class="num">Partitions</th>
            <th scope="col" class="num">Records</th>
            <th scope="col" class="num">Written/s</th>
            <th scope="col" class="num">Size</th>
            <th scope="col">Retention</th>
            <th scope="col">Cleanup</th>
          </tr>
        </thead>
        <tbody>
          {topics.map((t) => (
            <tr key={t.name} data-topic={t.name}>
              <td class="name">
                <a href={link(['topics', t.name])}>{t.name}</a>
              </td>
              <td class="num" data-label="Partitions">{count(t.partitions_count)}</td>
              <td class="num" data-label="Records">{count(t.records)}</td>
              <td class="num" data-label="Written/s">{rate(t.written, before.get(t.name), seconds)}</td>
              <td class="num" data-label="Size">{bytes(t.bytes)}</td>
              <td data-label="Retention">{retention(t)}</td>
              <td data-label="Cleanup">{t.cleanup}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function NewTopic({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState('');
  const [partitions, setPartitions] = useState('4');
  const [days, setDays] = useState('7');
  const [cleanup, setCleanup] = useState('delete');
  const act = useAct();
  const make = () =>
    act.run(async () => {
      const ms = Math.round(Number(days) * 86400e3);
      if (!Number.isFinite(ms)) throw new Failure(0, 'value', 'Retention is a number of days, or -1 for ever');
      const configs = { 'cleanup.policy': cleanup, 'retention.ms': String(ms < 0 ? -1 : ms) };
      await call('/v1/topics', 'POST', { name, partitions: Number(partitions), configs });
      onClose();
      go(link(['topics', name]));
    });
  return (
    <Dialog title="New topic" onClose={onClose}>
      <form
        class="fields"
        onSubmit={(e) => {
          e.preventDefault();
          make();
        }}
      >
        <Field label="Name" wide hint="Letters, digits, '.', '_' and '-'">
          <input required value={name} onInput={(e) => setName(e.currentTarget.value)} autocomplete="off" spellcheck={false} />
        </Field>
        <Field label="Partitions">
          <input type="number" min={1} max={10000} required value={partitions} onInput={(e) => setPartitions(e.currentTarget.value)} />
        </Field>
        <Field label="Retention, days" hint="-1: for ever">
          <input required inputMode="decimal" value={days} onInput={(e) => setDays(e.currentTarget.value)} />
        </Field>
        <Field label="Cleanup">
          <select aria-label="Cleanup" value={cleanup} onChange={(e) => setCleanup(e.currentTarget.value)}>
            {['delete', 'compact', 'compact,delete'].map((v) => <option key={v}>{v}</option>)}
          </select>
        </Field>
        <Wrong error={act.error} />
        <p class="buttons wide">
          <button type="button" class="plain" onClick={onClose}>
            Cancel
          </button>
          <button class="run" disabled={act.busy}>
            Create
          </button>
        </p>
      </form>
    </Dialog>
  );
}

export function Topics() {
  const polled = usePoll<TopicInfo[]>('/v1/topics?summary&internal', 2000);
  const [search, setSearch] = useState('');
  const [making, setMaking] = useState(false);
  const wanted = search.trim().toLowerCase();
  const all = (polled.data ?? []).filter((t) => t.name.toLowerCase().includes(wanted)).sort((a, b) => (a.name < b.name ? -1 : 1));
  const own = all.filter((t) => t.internal);
  const users = all.filter((t) => !t.internal);
  const before = new Map((polled.before ?? []).map((t) => [t.name, t.written]));
  const more = users.length - SHOWN;
  return (
    <>
      <Panel
        title="Topics"
        id="topics"
        count={polled.data ? count(users.length) : ''}
        actions={
          <>
            <input type="search" class="search" placeholder="Search" aria-label="Search topics" value={search} onInput={(e) => setSearch(e.currentTarget.value)} />
            <button class="run small" onClick={() => setMaking(true)}>
              New topic
            </button>
          </>
        }
      >
        <Wrong error={polled.error} />
        {users.length > 0 && <Rows topics={users.slice(0, SHOWN)} before={before} seconds={polled.seconds} />}
        {more > 0 && <p class="quiet after">{count(more)} more: search for them by name.</p>}
        {!users.length && (
          <Empty waiting={!polled.data && !polled.error}>
            {wanted ? `No topic has “${search.trim()}” in its name.` : polled.error ? '' : 'No topic that you may see yet. A producer, CREATE TABLE or “New topic” makes one.'}
          </Empty>
        )}
        {own.length > 0 && (
          <details class="fold">
            <summary>{count(own.length)} of the server’s own</summary>
            <Rows topics={own.slice(0, SHOWN)} before={before} seconds={polled.seconds} />
          </details>
        )}
      </Panel>
      {making && <NewTopic onClose={() => setMaking(false)} />}
    </>
  );
}
