// A record as the row that a SQL table makes of it: the server's own SQL reads just that offset.
import { useState } from 'preact/hooks';
import { Failure } from './api';
import { useAct, Wrong } from './parts';
import type { Rec } from './record';
import { run, Table } from './sql';
import type { SqlResult } from './types';

export interface Source {
  tables: string[];
  starts: number[]; // of each partition
}

/** Only that offset: every other partition ends where it begins. */
function statement(table: string, r: Rec, starts: number[]): string {
  const range = (own: number) => starts.map((start, p) => `partition:${p},offset:${p === r.partition ? own : start}`).join(';');
  return `SELECT * FROM \`${table.replace(/`/g, '``')}\` /*+ OPTIONS('scan.startup.mode'='specific-offsets','scan.startup.specific-offsets'='${range(r.offset)}','scan.bounded.mode'='specific-offsets','scan.bounded.specific-offsets'='${range(r.offset + 1)}') */`;
}

export function TableRow({ source, r }: { source: Source; r: Rec }) {
  const [shown, setShown] = useState<{ table: string; result: SqlResult } | null>(null);
  const act = useAct();
  const ask = (table: string) =>
    act.run(async () => {
      setShown(null);
      const answer = await run(statement(table, r, source.starts));
      if (answer.error) throw new Failure(0, answer.error.code, answer.error.message);
      setShown({ table, result: answer.results[0] });
    });
  return (
    <>
      <h3>
        As a row of
        {source.tables.map((t) => (
          <button key={t} type="button" class="plain small" aria-pressed={shown?.table === t} disabled={act.busy} onClick={() => ask(t)}>
            {t}
          </button>
        ))}
      </h3>
      <Wrong error={act.error} />
      {shown && (shown.result.rows.length ? <Table result={shown.result} /> : <p class="quiet">No row: {shown.table} cannot decode it, or leaves it out.</p>)}
    </>
  );
}
