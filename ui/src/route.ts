// Where the page is: #/topics/NAME?partition=0. Links are plain links; back and forward work.
import { useEffect, useState } from 'preact/hooks';

export interface Route {
  parts: string[]; // decoded
  query: URLSearchParams;
}

function parse(hash: string): Route {
  const [path, query] = hash.replace(/^#\/?/, '').split('?', 2);
  const decode = (text: string) => {
    try {
      return decodeURIComponent(text);
    } catch {
      return text;
    }
  };
  return { parts: path.split('/').filter(Boolean).map(decode), query: new URLSearchParams(query ?? '') };
}

export function link(parts: string[], query?: Record<string, string>): string {
  const set = Object.entries(query ?? {}).filter(([, v]) => v !== '');
  return '#/' + parts.map(encodeURIComponent).join('/') + (set.length ? '?' + new URLSearchParams(set) : '');
}

export function go(to: string) {
  location.hash = to;
}

export function useRoute(): Route {
  const [hash, set] = useState(location.hash);
  useEffect(() => {
    const listen = () => set(location.hash);
    addEventListener('hashchange', listen);
    return () => removeEventListener('hashchange', listen);
  }, []);
  return parse(hash);
}
