// Groups of consumers: the list, one group, and moving an empty one.
import { useState } from 'preact/hooks';
import { call, Failure, part, usePoll } from './api';
import { count, plural } from './format';
import { Confirm, Dialog, Empty, Field, Panel, useAct, Wrong } from './parts';
import { go, link } from './route';

const ROWS = 500;

interface Listed {
  name: string;
  type: string;
  state: string;
  members?: number;
  topics?: number;
  lag?: number | null;
}

interface Offset {
  topic: string;
  partition: number;
  offset: number;
  start: number;
  end: number;
  lag: number | null;
}

interface Group {
  name: string;
  type: string;
  state: string;
  protocol: string;
  lag: number | null;
  members: { id: string; instance_id?: string; client_id: string; host: string; assignment?: { topic: string; partitions: number[] }[] }[];
  offsets: Offset[];
}

const number = (n: number | null | undefined) => (n === null || n === undefined || n < 0 ? '–' : count(n));

function State({ state }: { state: string }) {
  const tone = state === 'Stable' ? 'running' : state === 'Dead' ? 'failed' : '';
  return <span class={`state ${tone && 'state-' + tone}`}>{state.replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase()}</span>;
}

export function Groups() {
  const [after, setAfter] = useState<string[]>([]);
  const last = after[after.length - 1];
  const polled = usePoll<{ count: number; groups: Listed[]; next: string | null }>('/v1/groups' + (last === undefined ? '' : `?after=${part(last)}`), 2000);
  const groups = polled.data?.groups ?? [];
  return (
    <Panel title="Groups" id="groups" count={polled.data ? count(polled.data.count) : ''}>
      <Wrong error={polled.error} />
      {groups.length > 0 && (
        <div class="table-box tall" tabIndex={0} role="group" aria-label="Groups">
          <table class="list">
            <thead>
              <tr>
                <th scope="col">Group</th>
                <th scope="col">State</th>
                <th scope="col">Protocol</th>
                <th scope="col" class="num">Members</th>
                <th scope="col" class="num">Topics</th>
                <th scope="col" class="num">Lag</th>
              </tr>
            </thead>
            <tbody>
              {groups.map((g) => (
                <tr key={g.name} data-group={g.name}>
                  <td class="name"><a href={link(['groups', g.name])}>{g.name}</a></td>
                  <td data-label="State"><State state={g.state} /></td>
                  <td data-label="Protocol">{g.type}</td>
                  <td class="num" data-label="Members">{number(g.members)}</td>
                  <td class="num" data-label="Topics">{number(g.topics)}</td>
                  <td class="num" data-label="Lag">{number(g.lag)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {!groups.length && <Empty waiting={!polled.data && !polled.error}>{polled.error ? '' : 'No group yet. A consumer with a group.id makes one.'}</Empty>}
      {(after.length > 0 || polled.data?.next) && (
        <p class="pager">
          <button type="button" class="plain" disabled={!after.length} onClick={() => setAfter(after.slice(0, -1))}>‹ Before</button>
          <button type="button" class="plain" disabled={!polled.data?.next} onClick={() => setAfter([...after, polled.data!.next!])}>Next ›</button>
        </p>
      )}
    </Panel>
  );
}

interface Move {
  topic: string;
  partition: number;
  from: number;
  to: number;
}

/** Where the group is to go on: what it comes to is shown before it is done. */
function Reset({ group, topics, onClose }: { group: string; topics: string[]; onClose: () => void }) {
  const [to, setTo] = useState('start');
  const [at, setAt] = useState('');
  const [topic, setTopic] = useState('');
  const [moves, setMoves] = useState<Move[] | null>(null);
  const act = useAct();
  const wanted = () => {
    const base = topic ? { topic } : {};
    if (to === 'start' || to === 'end') return { ...base, to };
    const n = to === 'time_ms' ? Date.parse(at.trim().replace(' ', 'T') + (at.trim().length > 10 ? 'Z' : '')) : Number(at);
    if (at.trim() === '' || !Number.isInteger(n)) throw new Failure(0, '', to === 'time_ms' ? 'A time is like 2026-01-31 14:05:00, in UTC.' : 'That is a whole number.');
    return { ...base, [to]: n };
  };
  const ask = (apply: boolean) =>
    act.run(async () => {
      const answer = await call<{ offsets: Move[] }>(`/v1/groups/${part(group)}/offsets`, 'POST', { ...wanted(), apply });
      setMoves(answer.offsets);
      if (apply) onClose();
    });
  const change = (fn: () => void) => {
    fn();
    setMoves(null);
  };
  return (
    <Dialog title={`Move ${group}`} onClose={onClose}>
      <form
        class="fields"
        onSubmit={(e) => {
          e.preventDefault();
          ask(moves !== null);
        }}
      >
        <Field label="Topic">
          <select aria-label="Topic" value={topic} onChange={(e) => change(() => setTopic(e.currentTarget.value))}>
            <option value="">All that it has read</option>
            {topics.map((t) => <option key={t}>{t}</option>)}
          </select>
        </Field>
        <Field label="To">
          <select aria-label="To" value={to} onChange={(e) => change(() => setTo(e.currentTarget.value))}>
            {[['start', 'The start'], ['end', 'The end'], ['offset', 'An offset'], ['time_ms', 'A time, UTC'], ['by', 'By so many']].map(([v, name]) => <option key={v} value={v}>{name}</option>)}
          </select>
        </Field>
        {to !== 'start' && to !== 'end' && (
          <Field label={to === 'time_ms' ? 'Time' : to === 'by' ? 'Records; back with a minus' : 'Offset'} wide>
            <input value={at} placeholder={to === 'time_ms' ? '2026-01-31 14:05:00' : '0'} onInput={(e) => change(() => setAt(e.currentTarget.value))} />
          </Field>
        )}
        {moves && (
          <div class="table-box wide" tabIndex={0} role="group" aria-label="What it comes to">
            <table>
              <thead>
                <tr><th scope="col">Topic</th><th scope="col" class="num">Partition</th><th scope="col" class="num">From</th><th scope="col" class="num">To</th></tr>
              </thead>
              <tbody>
                {moves.slice(0, ROWS).map((m) => (
                  <tr key={`${m.topic}:${m.partition}`}>
                    <td>{m.topic}</td><td class="num">{m.partition}</td><td class="num">{number(m.from)}</td><td class={`num ${m.to !== m.from ? 'warn-text' : ''}`}>{count(m.to)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
        {moves && moves.length > ROWS && <p class="quiet wide">{count(moves.length - ROWS)} more</p>}
        <Wrong error={act.error} />
        <p class="buttons wide">
          <button type="button" class="plain" onClick={onClose}>Cancel</button>
          <button class={`run ${moves ? 'danger' : ''}`} disabled={act.busy || moves?.length === 0}>{moves ? `Move ${plural(moves.length, 'partition')}` : 'Preview'}</button>
        </p>
      </form>
    </Dialog>
  );
}

function Members({ group }: { group: Group }) {
  if (!group.members.length) return <p class="quiet">No members: nobody reads as this group now.</p>;
  return (
    <>
      {group.members.length > ROWS && <p class="quiet">{count(ROWS)} of {count(group.members.length)}</p>}
      <div class="table-box" tabIndex={0} role="group" aria-label="Members">
        <table class="list">
          <thead>
            <tr><th scope="col">Member</th><th scope="col">Client</th><th scope="col">Host</th><th scope="col">Reads</th></tr>
          </thead>
          <tbody>
            {group.members.slice(0, ROWS).map((m) => (
              <tr key={m.id}>
                <td class="name id" title={m.id}>{m.instance_id ?? m.id}</td>
                <td data-label="Client">{m.client_id}</td>
                <td data-label="Host">{m.host.replace(/^\//, '')}</td>
                <td class="wrap" data-label="Reads">{(m.assignment ?? []).map((a) => `${a.topic} ${ranges(a.partitions)}`).join(', ') || 'nothing'}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

/** 0–3, 7 */
export function ranges(numbers: number[]): string {
  const sorted = [...numbers].sort((a, b) => a - b);
  const out: string[] = [];
  for (let i = 0; i < sorted.length; ) {
    let end = i;
    while (sorted[end + 1] === sorted[end] + 1) end++;
    out.push(end > i ? `${sorted[i]}–${sorted[end]}` : String(sorted[i]));
    i = end + 1;
  }
  return out.join(', ');
}

/** In their order; of very many those that are furthest behind. */
function Lags({ offsets }: { offsets: Offset[] }) {
  const most = offsets.reduce((n, o) => Math.max(n, o.lag ?? 0), 1);
  const shown = offsets.length > ROWS ? [...offsets].sort((a, b) => (b.lag ?? 0) - (a.lag ?? 0)).slice(0, ROWS) : offsets;
  return (
    <>
      {offsets.length > ROWS && <p class="quiet">The {count(ROWS)} furthest behind of {count(offsets.length)}</p>}
      <div class="table-box tall" tabIndex={0} role="group" aria-label="Lag by partition">
        <table class="list">
          <thead>
            <tr>
              <th scope="col">Topic</th><th scope="col" class="num">Partition</th><th scope="col" class="num">Committed</th><th scope="col" class="num">End</th><th scope="col" class="num">Lag</th><th scope="col" class="bar-head"><span class="hidden">Lag beside the greatest</span></th>
            </tr>
          </thead>
          <tbody>
            {shown.map((o) => (
              <tr key={`${o.topic}:${o.partition}`}>
                <td class="name"><a href={link(['topics', o.topic], { from: 'offset', at: String(Math.max(0, o.offset)), partition: String(o.partition) })}>{o.topic}</a></td>
                <td class="num" data-label="Partition">{o.partition}</td>
                <td class="num" data-label="Committed">{number(o.offset)}</td>
                <td class="num" data-label="End">{number(o.end)}</td>
                <td class="num" data-label="Lag">{number(o.lag)}</td>
                <td class="bar-cell"><span class="rank-bar" aria-hidden="true"><i style={{ width: `${(100 * (o.lag ?? 0)) / most}%` }} /></span></td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

export function GroupPage({ name }: { name: string }) {
  const polled = usePoll<Group>(`/v1/groups/${part(name)}`, 2000);
  const [asking, setAsking] = useState<'' | 'move' | 'delete'>('');
  const group = polled.data;
  const empty = group?.state === 'Empty';
  const topics = [...new Set(group?.offsets.map((o) => o.topic))];
  return (
    <>
      <p class="crumbs"><a href={link(['groups'])}>Groups</a> <span aria-hidden="true">/</span></p>
      <Panel
        title={name}
        id="group"
        actions={
          group && (
            <>
              <button type="button" class="plain small" disabled={!empty} title={empty ? '' : 'Only while the group is empty'} onClick={() => setAsking('move')}>Move</button>
              <button type="button" class="plain small" disabled={!empty} title={empty ? '' : 'Only while the group is empty'} onClick={() => setAsking('delete')}>Delete</button>
            </>
          )
        }
      >
        <Wrong error={polled.error} />
        {!group && !polled.error && <Empty waiting={true}>{''}</Empty>}
        {group && (
          <>
            <p class="facts">
              <span><State state={group.state} /></span>
              <span>protocol <b>{group.type}{group.protocol && `, ${group.protocol}`}</b></span>
              <span>members <b>{count(group.members.length)}</b></span>
              <span>lag <b>{number(group.lag)}</b></span>
            </p>
            <h3>Members</h3>
            <Members group={group} />
            <h3>Lag</h3>
            {group.offsets.length ? <Lags offsets={group.offsets} /> : <p class="quiet">It has committed nothing.</p>}
          </>
        )}
      </Panel>
      {asking === 'move' && <Reset group={name} topics={topics} onClose={() => { setAsking(''); polled.reload(); }} />}
      {asking === 'delete' && (
        <Confirm
          title={`Delete ${name}`}
          text="What the group has committed is forgotten: a consumer that comes as this group begins anew."
          verb="Delete"
          act={async () => {
            await call(`/v1/groups/${part(name)}`, 'DELETE');
            go(link(['groups']));
          }}
          onClose={() => setAsking('')}
        />
      )}
    </>
  );
}
