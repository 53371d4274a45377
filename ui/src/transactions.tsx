// Transactions: what is open, what it holds back, and ending one whose owner hangs.
import { useState } from 'preact/hooks';
import { call, part, usePoll } from './api';
import { count, plural } from './format';
import { Confirm, Empty, Panel, Wrong } from './parts';
import { link } from './route';
import { span } from './topics';

interface Held {
  topic: string;
  partition: number;
  stable?: number;
  end?: number;
}

interface Transaction {
  id: string;
  state: string;
  producer_id: number;
  producer_epoch: number;
  timeout_ms: number;
  age_ms: number | null;
  partitions: Held[];
}

const age = (ms: number | null) => (ms === null ? '–' : ms < 1000 ? 'now' : span(Math.floor(ms / 1000) * 1000));

function Holds({ of }: { of: Held[] }) {
  const shown = of.slice(0, 6);
  if (!of.length) return <>nothing yet</>;
  return (
    <>
      {shown.map((h) => (
        <span key={`${h.topic}:${h.partition}`} class="hold">
          <a href={link(['topics', h.topic], { partition: String(h.partition) })}>{h.topic} {h.partition}</a>
          {h.stable !== undefined && h.end! > h.stable && <span class="quiet"> {count(h.end! - h.stable)} held back</span>}
        </span>
      ))}
      {of.length > shown.length && <span class="quiet">and {of.length - shown.length} more</span>}
    </>
  );
}

export function Transactions() {
  const [all, setAll] = useState(false);
  const [aborting, setAborting] = useState<Transaction | null>(null);
  const polled = usePoll<{ count: number; transactions: Transaction[] }>('/v1/transactions' + (all ? '' : '?open'), 2000);
  const list = [...(polled.data?.transactions ?? [])].sort((a, b) => (b.age_ms ?? -1) - (a.age_ms ?? -1));
  return (
    <>
      <Panel
        title="Transactions"
        id="transactions"
        count={polled.data ? count(polled.data.count) : ''}
        actions={
          <label class="tick">
            <input type="checkbox" checked={all} onChange={(e) => setAll(e.currentTarget.checked)} />
            <span>Ended ones too</span>
          </label>
        }
      >
        <Wrong error={polled.error} />
        {list.length > 0 && (
          <div class="table-box tall" tabIndex={0} role="group" aria-label="Transactions">
            <table class="list">
              <thead>
                <tr>
                  <th scope="col">Owner</th><th scope="col">State</th><th scope="col" class="num">Open for</th><th scope="col" class="num">Time-out</th><th scope="col">Producer</th><th scope="col">Partitions</th><th scope="col"><span class="hidden">Abort</span></th>
                </tr>
              </thead>
              <tbody>
                {list.map((t) => (
                  <tr key={t.id} data-transaction={t.id}>
                    <td class="name id" title={t.id}>{t.id}</td>
                    <td data-label="State"><span class={`state ${t.state === 'Ongoing' ? 'state-running' : ''}`}>{t.state.replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase()}</span></td>
                    <td class={`num ${t.age_ms !== null && t.age_ms > t.timeout_ms ? 'warn-text' : ''}`} data-label="Open for">{age(t.age_ms)}</td>
                    <td class="num" data-label="Time-out">{span(t.timeout_ms)}</td>
                    <td data-label="Producer">{t.producer_id}, epoch {t.producer_epoch}</td>
                    <td class="wrap" data-label="Partitions"><Holds of={t.partitions} /></td>
                    <td>{t.state === 'Ongoing' && <button type="button" class="plain small" aria-label={`Abort ${t.id}`} onClick={() => setAborting(t)}>Abort</button>}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
        {polled.data && polled.data.count > list.length && <p class="quiet after">{count(polled.data.count - list.length)} more.</p>}
        {!list.length && <Empty waiting={!polled.data && !polled.error}>{polled.error ? '' : all ? 'No producer has a transactional.id.' : 'No open transaction: nothing holds readers back.'}</Empty>}
      </Panel>
      {aborting && (
        <Confirm
          title={`Abort ${aborting.id}`}
          text={`What it has written in ${plural(aborting.partitions.length, 'partition')} will not be read by consumers of committed records. Its producer is fenced: it fails at its next step, and must begin anew.`}
          verb="Abort"
          act={async () => {
            await call(`/v1/transactions/${part(aborting.id)}/abort`, 'POST');
            polled.reload();
          }}
          onClose={() => setAborting(null)}
        />
      )}
    </>
  );
}
