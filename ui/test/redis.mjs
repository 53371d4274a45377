// As much of a Redis as a lookup asks: hashes by key, within MULTI … EXEC. `away` makes it say that it is loading.
import { createServer } from 'node:net';

const bulk = (text) => (text === undefined ? '$-1\r\n' : `$${Buffer.byteLength(text)}\r\n${text}\r\n`);

/** The commands that are whole in the text, and what is left: *2\r\n$4\r\nHLEN\r\n$1\r\nk\r\n. Texts are ASCII. */
function commands(text) {
  const found = [];
  for (;;) {
    const head = /^\*(\d+)\r\n/.exec(text);
    if (!head) return [found, text];
    let at = head[0].length;
    const words = [];
    for (let i = 0; i < Number(head[1]); i++) {
      const size = /^\$(\d+)\r\n/.exec(text.slice(at));
      if (!size || text.length < at + size[0].length + Number(size[1]) + 2) return [found, text];
      at += size[0].length;
      words.push(text.slice(at, at + Number(size[1])));
      at += Number(size[1]) + 2;
    }
    found.push(words);
    text = text.slice(at);
  }
}

export async function redis(hashes) {
  const it = { away: false };
  const answer = ([command, key, ...fields]) => {
    const hash = hashes[key] ?? {};
    if (command === 'HLEN') return `:${Object.keys(hash).length}\r\n`;
    return `*${fields.length}\r\n${fields.map((f) => bulk(hash[f])).join('')}`;
  };
  const server = createServer((socket) => {
    let text = '';
    let queued = [];
    socket.on('error', () => {});
    socket.on('data', (data) => {
      let found;
      [found, text] = commands(text + data.toString('latin1'));
      for (const words of found) {
        if (it.away) socket.write('-LOADING it is away\r\n');
        else if (words[0] === 'MULTI') socket.write(((queued = []), '+OK\r\n'));
        else if (words[0] === 'EXEC') socket.write(`*${queued.length}\r\n${queued.map(answer).join('')}`);
        else socket.write((queued.push(words), '+QUEUED\r\n'));
      }
    });
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return Object.assign(it, { port: server.address().port, close: () => server.close() });
}
