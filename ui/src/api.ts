// Asking the server: one way to call, one way to fail, one way to ask again and again.
import { useEffect, useRef, useState } from 'preact/hooks';

export class Failure extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

export async function call<T>(path: string, method = 'GET', body?: unknown, signal?: AbortSignal): Promise<T> {
  let reply: Response;
  try {
    const sent = body === undefined ? {} : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } };
    reply = await fetch(path, { method, signal, ...sent });
  } catch (e) {
    if ((e as Error).name === 'AbortError') throw e;
    throw new Failure(0, 'connection', `The server did not answer: ${(e as Error).message}`);
  }
  const answer = await reply.json().catch(() => null);
  if (!reply.ok) throw new Failure(reply.status, answer?.error?.code ?? '', answer?.error?.message ?? reply.statusText);
  return answer as T;
}

export const part = encodeURIComponent;

export interface Polled<T> {
  data: T | null;
  before: T | null; // the answer before, for rates
  seconds: number; // between the two
  error: Failure | null;
  reload: () => void;
}

/** Asks at once, then every `ms` while the page is looked at. Another path forgets what the last one gave. */
export function usePoll<T>(path: string, ms: number): Polled<T> {
  const [state, set] = useState<{ path: string; data: T | null; before: T | null; seconds: number; error: Failure | null; at: number }>({
    path, data: null, before: null, seconds: 0, error: null, at: 0,
  });
  const [asked, again] = useState(0);
  const current = useRef(path);
  current.current = path;
  useEffect(() => {
    const stop = new AbortController();
    let timer = 0;
    const ask = async () => {
      try {
        const data = document.hidden ? undefined : await call<T>(path, 'GET', undefined, stop.signal);
        const at = performance.now();
        if (data !== undefined)
          set((was) => {
            const known = was.path === path && was.data !== null;
            return { path, data, before: known ? was.data : null, seconds: known ? (at - was.at) / 1000 : 0, error: null, at };
          });
      } catch (e) {
        if (!(e instanceof Failure)) return;
        set((was) => ({ ...(was.path === path ? was : { data: null, before: null, seconds: 0, at: 0 }), path, error: e }));
      }
      if (!stop.signal.aborted) timer = window.setTimeout(ask, ms);
    };
    void ask();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [path, ms, asked]);
  const fresh = state.path === path ? state : { data: null, before: null, seconds: 0, error: null };
  return { ...fresh, reload: () => again((n) => n + 1) };
}
