// Turns dist/ into what the server includes: node embed.mjs OUT_DIR
// OUT_DIR/ui/* are the files, plain and compressed; OUT_DIR/ui_files.inc the C that takes them in.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const out = process.argv[2];
const dist = join(dirname(fileURLToPath(import.meta.url)), 'dist');
const types = { html: 'text/html; charset=utf-8', js: 'text/javascript; charset=utf-8', css: 'text/css; charset=utf-8', svg: 'image/svg+xml', txt: 'text/plain; charset=utf-8' };

rmSync(join(out, 'ui'), { recursive: true, force: true });
mkdirSync(join(out, 'ui'), { recursive: true });
let asm = '';
let table = '';
readdirSync(dist).sort().forEach((name, i) => {
  const plain = readFileSync(join(dist, name));
  const gzip = gzipSync(plain, { level: 9 });
  gzip[9] = 255; // the header's "operating system": the same bytes everywhere
  writeFileSync(join(out, 'ui', name), plain);
  writeFileSync(join(out, 'ui', name + '.gz'), gzip);
  const etag = createHash('sha256').update(plain).digest('hex').slice(0, 20);
  for (const [form, file] of [['plain', name], ['gzip', name + '.gz']])
    asm += `UI_FILE(${form}_${i}, "${out}/ui/${file}")\n`;
  table += `    {"${name}", "${types[name.split('.').pop()]}", "${etag}", ui_plain_${i}, ui_gzip_${i}, ${plain.length}, ${gzip.length}},\n`;
});
writeFileSync(join(out, 'ui_files.inc'), `/* made from ui/dist by ui/embed.mjs */\n${asm}static const struct ui_file ui_files[] = {\n${table}};\n`);
