// Small things that several pages are made of.
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Failure } from './api';

export function Panel(p: { title: string; id: string; count?: string; actions?: ComponentChildren; children: ComponentChildren }) {
  return (
    <section class="panel full" aria-labelledby={`${p.id}-title`} data-panel={p.id}>
      <header>
        <h2 id={`${p.id}-title`}>{p.title}</h2>
        {p.count && <span class="count">{p.count}</span>}
        {p.actions && <span class="controls">{p.actions}</span>}
      </header>
      {p.children}
    </section>
  );
}

export function Wrong({ error }: { error: Failure | null }) {
  if (!error) return null;
  return (
    <p class="sql-error" role="alert">
      {error.message}
    </p>
  );
}

/** What a list shows while there is nothing in it. */
export function Empty(p: { waiting: boolean; children: ComponentChildren }) {
  return <p class="empty">{p.waiting ? 'Waiting for the server …' : p.children}</p>;
}

export function Field(p: { label: string; hint?: string; children: ComponentChildren; wide?: boolean }) {
  return (
    <label class={`field ${p.wide ? 'wide' : ''}`}>
      <span>{p.label}</span>
      {p.children}
      {p.hint && <small>{p.hint}</small>}
    </label>
  );
}

const CHOICES = 100;

/** A partition, or none: from a list while it is short. */
export function PartitionChoice(p: { count: number; none: string; value: string; onChange: (v: string) => void }) {
  if (p.count > CHOICES)
    return <input type="number" aria-label="Partition" min={0} max={p.count - 1} placeholder={p.none} value={p.value} onChange={(e) => p.onChange(e.currentTarget.value)} />;
  return (
    <select aria-label="Partition" value={p.value} onChange={(e) => p.onChange(e.currentTarget.value)}>
      <option value="">{p.none}</option>
      {Array.from({ length: p.count }, (_, i) => <option key={i} value={String(i)}>{i}</option>)}
    </select>
  );
}

/** A window in front of the page. Escape and its backdrop close it; focus goes back to where it was. */
export function Dialog(p: { title: string; onClose: () => void; children: ComponentChildren }) {
  const box = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const was = document.activeElement as HTMLElement | null;
    box.current?.showModal();
    return () => was?.focus();
  }, []);
  return (
    <dialog ref={box} aria-label={p.title} onClose={p.onClose} onClick={(e) => e.target === box.current && box.current?.close()}>
      <div class="dialog">
        <h2>{p.title}</h2>
        {p.children}
      </div>
    </dialog>
  );
}

/** Asks before it does what cannot be undone; with `word` that must be typed. What goes wrong is shown in it. */
export function Confirm(p: { title: string; text: string; verb: string; word?: string; act: () => Promise<void>; onClose: () => void }) {
  const [typed, setTyped] = useState('');
  const [error, setError] = useState<Failure | null>(null);
  const [busy, setBusy] = useState(false);
  const act = async () => {
    setBusy(true);
    try {
      await p.act();
      p.onClose();
    } catch (e) {
      setError(e as Failure);
      setBusy(false);
    }
  };
  return (
    <Dialog title={p.title} onClose={p.onClose}>
      <form
        onSubmit={(e) => {
          e.preventDefault();
          void act();
        }}
      >
        <p>{p.text}</p>
        {p.word && (
          <Field label={`Type ${p.word} to go on`}>
            <input value={typed} onInput={(e) => setTyped(e.currentTarget.value)} autocomplete="off" spellcheck={false} />
          </Field>
        )}
        <Wrong error={error} />
        <p class="buttons">
          <button type="button" class="plain" onClick={p.onClose}>
            Cancel
          </button>
          <button class="run danger" disabled={busy || (!!p.word && typed !== p.word)}>
            {p.verb}
          </button>
        </p>
      </form>
    </Dialog>
  );
}

/** Runs something of the server's and keeps what came of it. */
export function useAct(): { busy: boolean; error: Failure | null; run: (fn: () => Promise<void>) => void } {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Failure | null>(null);
  const run = (fn: () => Promise<void>) => {
    setBusy(true);
    setError(null);
    fn()
      .catch((e) => setError(e instanceof Failure ? e : new Failure(0, '', String(e))))
      .finally(() => setBusy(false));
  };
  return { busy, error, run };
}
