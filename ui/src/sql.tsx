// The SQL box: statements in, tables or an error with its place out.
import { useRef, useState } from 'preact/hooks';
import { cell } from './format';
import type { SqlError, SqlResult } from './types';

const ROWS_SHOWN = 200;

interface Answer {
  results: SqlResult[];
  error: SqlError | null;
  text: string;
  ms: number;
}

export async function run(text: string): Promise<Answer> {
  const from = performance.now();
  const done = (results: SqlResult[], error: SqlError | null) => ({ results, error, text, ms: performance.now() - from });
  try {
    const reply = await fetch('/v1/sql', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ sql: text }) });
    const body = await reply.json();
    if (!reply.ok) return done(body.results ?? [], body.error ?? { code: String(reply.status), message: reply.statusText });
    return done(body.results, null);
  } catch (e) {
    return done([], { code: 'connection', message: `The server did not answer: ${(e as Error).message}` });
  }
}

function Failure({ error, text }: { error: SqlError; text: string }) {
  const line = error.line ? text.split('\n')[error.line - 1] : undefined;
  return (
    <div class="sql-error" role="alert">
      <p>
        {error.message}
        {error.line ? ` (line ${error.line}, column ${error.column})` : ''}
      </p>
      {line !== undefined && (
        <pre>
          {line}
          {'\n'}
          {' '.repeat(Math.max(0, (error.column ?? 1) - 1))}
          {'^'.repeat(Math.max(1, error.near?.length ?? 1))}
        </pre>
      )}
      {error.hint && <p class="hint">{error.hint}</p>}
    </div>
  );
}

export function Table({ result }: { result: SqlResult }) {
  if (!result.columns?.length) return <p class="sql-ok">{result.message ?? 'OK'}</p>;
  const numeric = result.columns.map((c) => /^(TINYINT|SMALLINT|INT|BIGINT|FLOAT|DOUBLE|DECIMAL)/.test(c.type));
  return (
    <div class="table-box" tabIndex={0} role="group" aria-label="Result">
      <table>
        <thead>
          <tr>
            {result.columns.map((c, i) => (
              <th key={c.name} scope="col" class={numeric[i] ? 'num' : ''} title={c.type}>
                {c.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {result.rows.slice(0, ROWS_SHOWN).map((row, r) => (
            <tr key={r}>
              {row.map((v, i) => (
                <td key={i} class={numeric[i] ? 'num' : v === null ? 'null' : ''}>
                  {v === null ? 'NULL' : cell(v)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {result.rows.length > ROWS_SHOWN && <p class="quiet">… {result.rows.length - ROWS_SHOWN} more rows</p>}
    </div>
  );
}

export function Sql() {
  const [text, setText] = useState('SHOW TABLES;');
  const [answer, setAnswer] = useState<Answer | null>(null);
  const [busy, setBusy] = useState(false);
  const area = useRef<HTMLTextAreaElement>(null);
  const go = async () => {
    if (busy || !text.trim()) return;
    setBusy(true);
    setAnswer(await run(text));
    setBusy(false);
  };
  return (
    <section class="panel sql" aria-labelledby="sql-title">
      <header>
        <h2 id="sql-title">SQL</h2>
        <span class="quiet">{answer && !busy ? `${Math.max(1, Math.round(answer.ms))} ms` : ''}</span>
      </header>
      <div class="sql-box">
        <textarea
          ref={area}
          aria-label="SQL statements"
          spellcheck={false}
          rows={Math.min(14, Math.max(3, text.split('\n').length))}
          value={text}
          onInput={(e) => setText(e.currentTarget.value)}
          onKeyDown={(e) => {
            if (e.key === 'Enter' && (e.ctrlKey || e.metaKey)) {
              e.preventDefault();
              void go();
            }
          }}
        />
        <button class="run" onClick={() => void go()} disabled={busy}>
          {busy ? 'Running' : 'Run'}
          <kbd aria-hidden="true">Ctrl ↵</kbd>
        </button>
      </div>
      <div class="sql-answer" aria-live="polite">
        {answer?.results.map((r, i) => <Table key={i} result={r} />)}
        {answer?.error && <Failure error={answer.error} text={answer.text} />}
      </div>
    </section>
  );
}
