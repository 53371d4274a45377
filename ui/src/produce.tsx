// Producing one record.
import { useState } from 'preact/hooks';
import { call, Failure, part } from './api';
import { parseJson } from './json';
import { Field, PartitionChoice, useAct, Wrong } from './parts';

const headersOf = (text: string) =>
  text.split('\n').filter((line) => line.trim()).map((line, i) => {
    const at = line.indexOf(':');
    if (at < 1) throw new Failure(0, 'value', `Header ${i + 1}, “${line}”, is not “name: value”.`);
    return { key: line.slice(0, at).trim(), value: line.slice(at + 1).trim() };
  });

export function Produce({ topic, partitions, onDone }: { topic: string; partitions: number; onDone: () => void }) {
  const [key, setKey] = useState('');
  const [keyed, setKeyed] = useState(true);
  const [value, setValue] = useState('');
  const [tombstone, setTombstone] = useState(false);
  const [headers, setHeaders] = useState('');
  const [partition, setPartition] = useState('');
  const [check, setCheck] = useState(true);
  const [done, setDone] = useState('');
  const act = useAct();
  const bad = check && !tombstone && value.trim() !== '' && !parseJson(value);
  const send = () =>
    act.run(async () => {
      setDone('');
      if (check && !tombstone && !parseJson(value)) {
        let why = 'it is empty';
        try {
          JSON.parse(value);
        } catch (e) {
          why = (e as Error).message;
        }
        throw new Failure(0, 'value', `The value is not JSON: ${why}`);
      }
      const record = { key: keyed ? key : null, value: tombstone ? null : value, headers: headersOf(headers), ...(partition === '' ? {} : { partition: Number(partition) }) };
      const answer = await call<{ partition: number; offset: number }>(`/v1/topics/${part(topic)}/records`, 'POST', record);
      setDone(`Written to partition ${answer.partition} at offset ${answer.offset}.`);
      onDone();
    });
  return (
    <form
      class="fields produce"
      onSubmit={(e) => {
        e.preventDefault();
        send();
      }}
    >
      <Field label="Key">
        <input value={key} disabled={!keyed} onInput={(e) => setKey(e.currentTarget.value)} autocomplete="off" spellcheck={false} />
      </Field>
      <Field label="Partition">
        <PartitionChoice count={partitions} none={keyed ? 'By key, as Kafka’s clients' : 'Any'} value={partition} onChange={setPartition} />
      </Field>
      <label class="tick wide">
        <input type="checkbox" checked={!keyed} onChange={(e) => setKeyed(!e.currentTarget.checked)} />
        <span>No key</span>
      </label>
      <Field label="Value" wide>
        <textarea rows={7} value={tombstone ? '' : value} disabled={tombstone} placeholder={tombstone ? 'null' : ''} aria-invalid={bad} spellcheck={false} onInput={(e) => setValue(e.currentTarget.value)} />
      </Field>
      <span class="ticks wide">
        <label class="tick">
          <input type="checkbox" checked={check} disabled={tombstone} onChange={(e) => setCheck(e.currentTarget.checked)} />
          <span>Must be JSON</span>
        </label>
        <label class="tick">
          <input type="checkbox" checked={tombstone} onChange={(e) => setTombstone(e.currentTarget.checked)} />
          <span>Tombstone: no value</span>
        </label>
        {bad && <span class="warn-text">not JSON yet</span>}
      </span>
      <Field label="Headers" wide hint="One a line: name: value">
        <textarea rows={2} value={headers} spellcheck={false} onInput={(e) => setHeaders(e.currentTarget.value)} />
      </Field>
      <Wrong error={act.error} />
      <p class="buttons wide">
        <span class="done" role="status">
          {done}
        </span>
        <button class="run" disabled={act.busy}>
          {act.busy ? 'Writing' : 'Write record'}
        </button>
      </p>
    </form>
  );
}
