// Bridges: what is carried to outside systems, how far it is, what is wrong, and holding it by hand.
import { useState } from 'preact/hooks';
import { call, part, usePoll } from './api';
import { compact, count, plural } from './format';
import { Empty, Panel, useAct, Wrong } from './parts';
import { link } from './route';

interface Bridge {
  table: string;
  topic: string;
  connector: string;
  way: 'sink' | 'source' | 'lookup';
  guarantee: string;
  breaker: 'CLOSED' | 'OPEN' | 'HALF_OPEN' | 'FORCED_OPEN' | 'DISABLED' | 'METRICS_ONLY';
  failure_percent: number;
  busy: boolean;
  delivered: number;
  dead: number;
  lost: number;
  lag: number;
  keys?: number; // of a lookup: asked for
  instead?: number; // and questions that got what lookup.fallback says
  cache?: { hits: number; misses: number; stale: number; keys: number }; // of a lookup: rows, and keys that it holds
  calls: number;
  failures: number;
  trouble: string | null;
}

const STATES = {
  CLOSED: ['closed', 'running', 'It delivers.'],
  OPEN: ['open', 'failed', 'It failed too often, and is left alone for a while.'],
  HALF_OPEN: ['half open', '', 'A few calls are tried.'],
  FORCED_OPEN: ['paused', '', 'It is paused by hand, until it is resumed.'],
  DISABLED: ['forced', '', 'By hand: it is tried whatever the circuit breaker thinks.'],
  METRICS_ONLY: ['watched', '', 'By hand: it is tried whatever the circuit breaker thinks, which goes on counting.'],
} as const;

function State({ of }: { of: Bridge['breaker'] }) {
  const [text, tone, why] = STATES[of];
  return <span class={`state ${tone && 'state-' + tone}`} title={why} data-breaker={of}>{text}</span>;
}

/** The state to force, its button, what it does, and in which states it would change nothing, or too little to offer it. */
const ACTIONS: [Bridge['breaker'], string, string, Bridge['breaker'][]][] = [
  ['FORCED_OPEN', 'Pause', 'Deliver nothing until it is resumed', ['FORCED_OPEN']],
  ['CLOSED', 'Resume', 'Deliver, as the circuit breaker lets', ['CLOSED']],
  ['HALF_OPEN', 'Try', 'Try a few calls now: they decide whether it delivers', ['HALF_OPEN', 'CLOSED']],
  ['DISABLED', 'Force', 'Deliver whatever the circuit breaker thinks', ['DISABLED']],
];

/** How a lookup is answered. */
function Lookup({ b }: { b: Bridge }) {
  if (!b.cache) return null;
  const { hits, misses, stale, keys } = b.cache;
  const share = hits + misses ? ` (${Math.floor((hits * 100) / (hits + misses))} %)` : '';
  const kept = hits > 0 || keys > 0; // else it has no cache, or nothing has come yet
  return (
    <span class="lookup" data-hits={hits} data-misses={misses} data-stale={stale}>
      {kept && <span title="Rows that the cache answered">{compact(hits)} hits{share}</span>}
      <span title="Rows that no cache answered">{compact(misses)} misses</span>
      {kept && <span title="Keys that the cache has now">{compact(keys)} kept</span>}
      <span title="Keys that the outside system was asked for">{compact(b.keys ?? 0)} asked for</span>
      {stale > 0 && <span class="warn-text" title="The last answer was taken, though it had expired">{compact(stale)} stale</span>}
      {!!b.instead && <span class="warn-text" title="Told what lookup.fallback says, for the system did not answer">{compact(b.instead)} told instead</span>}
    </span>
  );
}

function Row({ b, rate, onAct }: { b: Bridge; rate: number | null; onAct: (b: Bridge, state: Bridge['breaker']) => void }) {
  return (
    <tr data-bridge={b.table}>
      <td class="name" title={b.guarantee}>
        {b.table} <span class="quiet">{b.connector} {b.way}</span>
        <Lookup b={b} />
        {b.trouble && <span class="trouble">{b.trouble}</span>}
      </td>
      <td data-label="State"><State of={b.breaker} /></td>
      <td class={`num ${b.lag > 0 && b.trouble ? 'warn-text' : ''}`} data-label="Lag">{count(b.lag)}</td>
      <td class="num" data-label="Records/s">{rate === null ? '–' : compact(rate)}</td>
      <td class="num" data-label="Records">{compact(b.delivered)}</td>
      <td class="num" data-label="Failed calls" title={`${b.failure_percent} % of the last calls`}>{compact(b.failures)} <span class="quiet">of {compact(b.calls)}</span></td>
      <td class="num" data-label="Dead letters">{b.dead ? <a href={link(['topics', b.topic + '.dead'])}>{count(b.dead)}</a> : '0'}</td>
      <td class="row-actions">
        {ACTIONS.map(([state, title, why, not]) => (
          <button key={state} type="button" class="plain small" title={why} aria-label={`${title} ${b.table}`} disabled={not.includes(b.breaker)} onClick={() => onAct(b, state)}>
            {title}
          </button>
        ))}
      </td>
    </tr>
  );
}

export function Bridges() {
  const polled = usePoll<Bridge[]>('/v1/bridges', 1000);
  const [search, setSearch] = useState('');
  const act = useAct();
  const all = [...(polled.data ?? [])].sort((a, b) => (a.table < b.table ? -1 : 1));
  const list = all.filter((b) => b.table.toLowerCase().includes(search.toLowerCase()) || b.connector.includes(search.toLowerCase()));
  const lost = all.reduce((n, b) => n + b.lost, 0);
  const rate = (b: Bridge) => {
    const was = polled.before?.find((o) => o.table === b.table && o.way === b.way);
    return was && polled.seconds > 0 ? Math.max(0, b.delivered - was.delivered) / polled.seconds : null;
  };
  const onAct = (b: Bridge, state: Bridge['breaker']) =>
    act.run(async () => {
      await call(`/v1/bridges/${part(b.table)}/state`, 'POST', { state });
      polled.reload();
    });
  return (
    <Panel
      title="Bridges"
      id="bridges"
      count={polled.data ? count(all.length) : ''}
      actions={all.length > 0 && <input type="search" class="search" aria-label="Search bridges" placeholder="Search" value={search} onInput={(e) => setSearch(e.currentTarget.value)} />}
    >
      <Wrong error={polled.error ?? act.error} />
      {lost > 0 && <p class="sql-error" role="alert">{plural(lost, 'record')} went from the log before they were delivered.</p>}
      {list.length > 0 && (
        <div class="table-box tall" tabIndex={0} role="group" aria-label="Bridges">
          <table class="list bridges">
            <thead>
              <tr>
                <th scope="col">Table</th><th scope="col">State</th><th scope="col" class="num">Lag</th><th scope="col" class="num">Records/s</th><th scope="col" class="num">Records</th><th scope="col" class="num">Failed calls</th><th scope="col" class="num">Dead letters</th><th scope="col"><span class="hidden">Pause, resume, try, force</span></th>
              </tr>
            </thead>
            <tbody>{list.map((b) => <Row key={b.table + ' ' + b.way} b={b} rate={rate(b)} onAct={onAct} />)}</tbody>
          </table>
        </div>
      )}
      {!list.length && (
        <Empty waiting={!polled.data && !polled.error}>
          {polled.error ? '' : all.length ? 'No bridge has that in its name.' : 'Nothing is carried outside yet. INSERT INTO a table of an outside system begins it.'}
        </Empty>
      )}
    </Panel>
  );
}
