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
  breaker: 'closed' | 'open' | 'half-open' | 'forced-open' | 'disabled';
  failure_percent: number;
  busy: boolean;
  delivered: number;
  dead: number;
  lost: number;
  lag: number;
  keys?: number; // of a lookup: asked for
  instead?: number; // and questions that got what lookup.fallback says
  calls: number;
  failures: number;
  trouble: string | null;
}

const STATES = {
  closed: ['closed', 'running', 'It delivers.'],
  open: ['open', 'failed', 'It failed too often, and is left alone for a while.'],
  'half-open': ['half open', '', 'A few calls are tried.'],
  'forced-open': ['paused', '', 'It is paused by hand.'],
  disabled: ['forced', '', 'It is tried whatever the circuit breaker thinks.'],
} as const;

function State({ of }: { of: Bridge['breaker'] }) {
  const [text, tone, why] = STATES[of];
  return <span class={`state ${tone && 'state-' + tone}`} title={why} data-breaker={of}>{text}</span>;
}

const ACTIONS = [
  ['pause', 'Pause', 'Deliver nothing until it is resumed'],
  ['resume', 'Resume', 'Deliver, as the circuit breaker lets'],
  ['insist', 'Force', 'Deliver whatever the circuit breaker thinks'],
] as const;

/** What would change nothing cannot be pressed. */
const offered = (action: string, state: Bridge['breaker']) =>
  action === 'pause' ? state !== 'forced-open' : action === 'insist' ? state !== 'disabled' : state !== 'closed';

function Row({ b, rate, onAct }: { b: Bridge; rate: number | null; onAct: (b: Bridge, action: string) => void }) {
  return (
    <tr data-bridge={b.table}>
      <td class="name" title={b.guarantee}>
        {b.table} <span class="quiet">{b.connector} {b.way}</span>
        {b.keys !== undefined && <span class="quiet" data-lookup={b.keys}> {compact(b.keys)} keys{b.instead ? `, ${compact(b.instead)} told instead` : ''}</span>}
        {b.trouble && <span class="trouble">{b.trouble}</span>}
      </td>
      <td data-label="State"><State of={b.breaker} /></td>
      <td class={`num ${b.lag > 0 && b.trouble ? 'warn-text' : ''}`} data-label="Lag">{count(b.lag)}</td>
      <td class="num" data-label="Records/s">{rate === null ? '–' : compact(rate)}</td>
      <td class="num" data-label="Records">{compact(b.delivered)}</td>
      <td class="num" data-label="Failed calls" title={`${b.failure_percent} % of the last calls`}>{compact(b.failures)} <span class="quiet">of {compact(b.calls)}</span></td>
      <td class="num" data-label="Dead letters">{b.dead ? <a href={link(['topics', b.topic + '.dead'])}>{count(b.dead)}</a> : '0'}</td>
      <td class="row-actions">
        {ACTIONS.map(([action, title, why]) => (
          <button key={action} type="button" class="plain small" title={why} aria-label={`${title} ${b.table}`} disabled={!offered(action, b.breaker)} onClick={() => onAct(b, action)}>
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
  const onAct = (b: Bridge, action: string) =>
    act.run(async () => {
      await call(`/v1/bridges/${part(b.table)}/${action}`, 'POST');
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
                <th scope="col">Table</th><th scope="col">State</th><th scope="col" class="num">Lag</th><th scope="col" class="num">Records/s</th><th scope="col" class="num">Records</th><th scope="col" class="num">Failed calls</th><th scope="col" class="num">Dead letters</th><th scope="col"><span class="hidden">Pause, resume, force</span></th>
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
