// Bytes shown as text, as JSON that folds, or as hex. Numbers keep their digits: JSON.parse would round
// those of 64 bits.
import { useState } from 'preact/hooks';

type Node = { kind: 'object'; of: [string, Node][] } | { kind: 'array'; of: Node[] } | { kind: 'string'; text: string } | { kind: 'other'; text: string };

const CHILDREN = 100; // of one object or array, until more are asked for
const OPEN_NODES = 60; // a value of fewer is shown unfolded
const HEX_BYTES = 4096;

/** The text as a tree, or null where it is no JSON. */
export function parseJson(text: string): Node | null {
  try {
    JSON.parse(text);
  } catch {
    return null;
  }
  const token = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/gy;
  const next = () => {
    while (/\s/.test(text[token.lastIndex] ?? '')) token.lastIndex++;
    return token.exec(text)![0];
  };
  const list = (end: string, item: (first: string) => void) => {
    let t = next();
    while (t !== end) {
      item(t);
      t = next();
      if (t === ',') t = next();
    }
  };
  const node = (t: string): Node => {
    if (t === '{') {
      const of: [string, Node][] = [];
      list('}', (key) => {
        next();
        of.push([JSON.parse(key), node(next())]);
      });
      return { kind: 'object', of };
    }
    if (t === '[') {
      const of: Node[] = [];
      list(']', (first) => of.push(node(first)));
      return { kind: 'array', of };
    }
    return t[0] === '"' ? { kind: 'string', text: JSON.stringify(JSON.parse(t)) } : { kind: 'other', text: t };
  };
  try {
    return node(next());
  } catch {
    return null; // deeper than the stack
  }
}

function size(n: Node, limit: number): number {
  if (n.kind === 'string' || n.kind === 'other') return 1;
  let all = 1;
  for (const child of n.kind === 'object' ? n.of.map(([, value]) => value) : n.of) {
    all += size(child, limit - all);
    if (all > limit) break;
  }
  return all;
}

/** `depth` levels are open at first. */
function Value({ node, name, depth }: { node: Node; name?: string; depth: number }) {
  const [shown, setShown] = useState(depth > 0);
  const [most, setMost] = useState(CHILDREN);
  const label = name !== undefined && <span class="json-key">{JSON.stringify(name)}: </span>;
  if (node.kind === 'string' || node.kind === 'other')
    return (
      <div class="json-row">
        {label}
        <span class={node.kind === 'string' ? 'json-text' : 'json-other'}>{node.text}</span>
      </div>
    );
  const [left, right] = node.kind === 'object' ? '{}' : '[]';
  const children: [string | undefined, Node][] = node.kind === 'object' ? node.of : node.of.map((n) => [undefined, n]);
  if (!children.length) return <div class="json-row">{label}{left + right}</div>;
  return (
    <div class="json-node">
      <button type="button" class="json-fold" aria-expanded={shown} onClick={() => setShown(!shown)}>
        {label}
        {left}
        {!shown && <span class="quiet"> {children.length} {right}</span>}
      </button>
      {shown && (
        <>
          <div class="json-of">
            {children.slice(0, most).map(([key, child], i) => <Value key={i} name={key} node={child} depth={depth - 1} />)}
            {children.length > most && (
              <button type="button" class="plain small" onClick={() => setMost(most + 1000)}>
                {children.length - most} more
              </button>
            )}
          </div>
          {right}
        </>
      )}
    </div>
  );
}

export function Json({ node }: { node: Node }) {
  const small = size(node, OPEN_NODES) <= OPEN_NODES;
  const [all, setAll] = useState(small);
  return (
    <div class="code json" tabIndex={0}>
      {!small && (
        <button type="button" class="plain small float" onClick={() => setAll(!all)}>
          {all ? 'Fold' : 'Unfold all'}
        </button>
      )}
      <Value key={String(all)} node={node} depth={all ? Infinity : 1} />
    </div>
  );
}

/** 00000010  68 65 6c 6c 6f … |hello| */
export function hexLines(bytes: Uint8Array, most = HEX_BYTES): string {
  const lines: string[] = [];
  for (let at = 0; at < Math.min(bytes.length, most); at += 16) {
    const row = [...bytes.subarray(at, at + 16)];
    const hex = row.map((b) => b.toString(16).padStart(2, '0'));
    const text = row.map((b) => (b >= 32 && b < 127 ? String.fromCharCode(b) : '.')).join('');
    lines.push(`${at.toString(16).padStart(6, '0')}  ${hex.slice(0, 8).join(' ').padEnd(23)}  ${hex.slice(8).join(' ').padEnd(23)}  ${text}`);
  }
  return lines.join('\n');
}

export function Hex({ bytes }: { bytes: Uint8Array }) {
  const [all, setAll] = useState(false);
  return (
    <>
      <pre class="code hex" tabIndex={0}>{hexLines(bytes, all ? 1 << 20 : HEX_BYTES)}</pre>
      {!all && bytes.length > HEX_BYTES && (
        <button type="button" class="plain small" onClick={() => setAll(true)}>
          Show all {bytes.length} bytes
        </button>
      )}
    </>
  );
}
