// One topic: its figures, records, partitions, configuration.
import { useState } from 'preact/hooks';
import { call, part, usePoll } from './api';
import { bytes, count, plural } from './format';
import { Confirm, Empty, Panel, useAct, Wrong } from './parts';
import { Produce } from './produce';
import { Records } from './records';
import { go, link, Route } from './route';
import type { Store } from './store';
import { rate, retention, TopicInfo } from './topics';

const PARTITIONS = 500; // rows shown

interface Config {
  name: string;
  value: string | null;
  type: string;
  set: boolean;
  read_only: boolean;
}

interface Topic extends TopicInfo {
  partitions: { start: number; end: number; stable: number; bytes: number; leader_epoch: number }[];
  configs?: Config[];
  configs_error?: string;
  tables: string[];
  job?: string;
}

const TABS = [['', 'Records'], ['partitions', 'Partitions'], ['configs', 'Configuration'], ['produce', 'Produce']];

function Partitions({ topic }: { topic: Topic }) {
  const more = topic.partitions.length - PARTITIONS;
  return (
    <>
      <div class="table-box tall" tabIndex={0} role="group" aria-label="Partitions">
        <table class="list">
          <thead>
            <tr>
              <th scope="col" class="num">Partition</th>
              <th scope="col" class="num">Start</th>
              <th scope="col" class="num">End</th>
              <th scope="col" class="num">Last stable</th>
              <th scope="col" class="num">Records</th>
              <th scope="col" class="num">Size</th>
              <th scope="col" class="num">Leader epoch</th>
            </tr>
          </thead>
          <tbody>
            {topic.partitions.slice(0, PARTITIONS).map((p, i) => (
              <tr key={i}>
                <td class="num name">
                  <a href={link(['topics', topic.name], { partition: String(i) })} aria-label={`Records of partition ${i}`}>{i}</a>
                </td>
                <td class="num" data-label="Start">{count(p.start)}</td>
                <td class="num" data-label="End">{count(p.end)}</td>
                <td class={`num ${p.stable < p.end ? 'warn-text' : ''}`} data-label="Last stable" title={p.stable < p.end ? 'An open transaction holds readers of committed records here' : ''}>
                  {count(p.stable)}
                </td>
                <td class="num" data-label="Records">{count(p.end - p.start)}</td>
                <td class="num" data-label="Size">{bytes(p.bytes)}</td>
                <td class="num" data-label="Leader epoch">{p.leader_epoch}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {more > 0 && <p class="quiet after">{count(more)} more partitions.</p>}
    </>
  );
}

function ConfigRow({ topic, c, onDone }: { topic: string; c: Config; onDone: () => void }) {
  const [draft, setDraft] = useState<string | null>(null);
  const act = useAct();
  const change = (value: string | null) =>
    act.run(async () => {
      await call(`/v1/topics/${part(topic)}/configs`, 'POST', { [c.name]: value });
      setDraft(null);
      onDone();
    });
  return (
    <tr class={c.set ? 'set' : ''}>
      <td class="name">
        {c.name}
        {c.set && <span class="mark">set</span>}
      </td>
      <td class="config-value" data-label="Value">
        {draft === null ? (
          c.value
        ) : (
          <form
            class="inline"
            onSubmit={(e) => {
              e.preventDefault();
              change(draft);
            }}
          >
            <input aria-label={`New value of ${c.name}`} value={draft} onInput={(e) => setDraft(e.currentTarget.value)} ref={(e) => e?.focus()} />
            <button class="run small" disabled={act.busy}>Set</button>
            <button type="button" class="plain small" onClick={() => setDraft(null)}>Cancel</button>
          </form>
        )}
        <Wrong error={act.error} />
      </td>
      <td class="config-do">
        {draft === null && !c.read_only && (
          <>
            {c.set && <button type="button" class="plain small" disabled={act.busy} onClick={() => change(null)}>Default</button>}
            <button type="button" class="plain small" aria-label={`Change ${c.name}`} onClick={() => setDraft(c.value ?? '')}>Change</button>
          </>
        )}
      </td>
    </tr>
  );
}

function Configs({ topic, onDone }: { topic: Topic; onDone: () => void }) {
  if (topic.configs_error) return <p class="sql-error" role="alert">The configuration is not shown: {topic.configs_error}.</p>;
  if (!topic.configs?.length) return <Empty waiting={false}>The server’s own topics have none.</Empty>;
  const sorted = [...topic.configs].sort((a, b) => Number(b.set) - Number(a.set) || (a.name < b.name ? -1 : 1));
  return (
    <div class="table-box tall" role="group" aria-label="Configuration">
      <table class="list configs">
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Value</th>
            <th scope="col"><span class="hidden">Change</span></th>
          </tr>
        </thead>
        <tbody>
          {sorted.map((c) => <ConfigRow key={c.name} topic={topic.name} c={c} onDone={onDone} />)}
        </tbody>
      </table>
    </div>
  );
}

function Facts({ topic, perSecond }: { topic: Topic | null; perSecond: string }) {
  const facts: [string, string][] = topic
    ? [
        ['partitions', count(topic.partitions_count)],
        ['records', count(topic.records)],
        ['written', `${perSecond}/s`],
        ['size', bytes(topic.bytes)],
        ['retention', retention(topic)],
        ['cleanup', topic.cleanup],
        ['durability', topic.durability],
        ...(topic.job ? ([['job', topic.job]] as [string, string][]) : []),
      ]
    : [['partitions', '–']];
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

export function TopicPage({ store, name, tab, route }: { store: Store; name: string; tab: string; route: Route }) {
  const polled = usePoll<Topic>(`/v1/topics/${part(name)}`, 2000);
  const [deleting, setDeleting] = useState(false);
  const topic = polled.data;
  return (
    <>
      <p class="crumbs">
        <a href={link(['topics'])}>Topics</a> <span aria-hidden="true">/</span>
      </p>
      <Panel
        title={name}
        id="topic"
        actions={topic && !topic.internal && <button type="button" class="plain small" onClick={() => setDeleting(true)}>Delete</button>}
      >
        <Facts topic={topic} perSecond={rate(topic?.written ?? 0, polled.before?.written, polled.seconds)} />
        <nav class="tabs" aria-label="Parts of the topic">
          {TABS.map(([id, title]) => (
            <a key={id} href={link(['topics', name, ...(id ? [id] : [])])} aria-current={tab === id ? 'page' : undefined}>
              {title}
            </a>
          ))}
        </nav>
        <Wrong error={polled.error} />
        {!topic && !polled.error && <Empty waiting={true}>{''}</Empty>}
        {topic && tab === '' && <Records key={name} store={store} topic={name} partitions={topic.partitions_count} source={{ tables: topic.tables, starts: topic.partitions.map((p) => p.start) }} route={route} />}
        {topic && tab === 'partitions' && <Partitions topic={topic} />}
        {topic && tab === 'configs' && <Configs topic={topic} onDone={polled.reload} />}
        {topic && tab === 'produce' && <Produce topic={name} partitions={topic.partitions_count} onDone={polled.reload} />}
      </Panel>
      {deleting && topic && (
        <Confirm
          title={`Delete ${name}`}
          text={`${plural(topic.records, 'record')} in ${plural(topic.partitions_count, 'partition')} (${bytes(topic.bytes)}) go, and what groups have committed of it. This cannot be undone.`}
          verb="Delete"
          word={name}
          act={async () => {
            await call(`/v1/topics/${part(name)}`, 'DELETE');
            go(link(['topics']));
          }}
          onClose={() => setDeleting(false)}
        />
      )}
    </>
  );
}
