// The dashboard in a real browser: node test/page.mjs URL. The server has a job, views and a steady flow
// of events (tests/suites/60-ui.sh starts them). Last line: N passed, N failed.
import { bridges } from './bridges.mjs';
import { browse } from './browse.mjs';
import { launch } from './browser.mjs';

const url = process.argv[2] ?? 'http://127.0.0.1:8089';
const shots = process.argv[3];
let passed = 0;
let failed = 0;

async function check(name, fn) {
  try {
    await fn();
    passed++;
    console.log(`ok ${name}`);
  } catch (e) {
    failed++;
    console.log(`FAIL ${name}: ${e.message.split('\n').slice(0, 4).join(' ')}`);
  }
}

function expect(condition, message) {
  if (!condition) throw new Error(message);
}

const browser = await launch();
const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, colorScheme: 'light' });
const page = await context.newPage();
const errors = [];
page.on('console', (m) => m.type() === 'error' && errors.push(m.text()));
page.on('pageerror', (e) => errors.push(e.message));
const outside = [];
page.on('request', (r) => !r.url().startsWith(url) && !r.url().startsWith('data:') && outside.push(r.url()));
page.setDefaultTimeout(20000);

const value = (tile) => page.locator(`[data-tile="${tile}"] [data-value]`).innerText();
/** Waits until what read gives is no longer what it gave. */
async function changes(read, name) {
  const before = await read();
  for (let i = 0; i < 200; i++) {
    const now = await read();
    if (now !== before && now !== '–') return;
    await page.waitForTimeout(100);
  }
  throw new Error(`${name} stays ${before}`);
}

await check('the page opens and is live', async () => {
  await page.goto(url);
  await page.locator('[data-status="live"]').waitFor();
});
await check('events per second are shown and change', async () => {
  await page.waitForFunction(() => /[1-9]/.test(document.querySelector('[data-tile="rate"] [data-value]')?.textContent ?? ''));
  await changes(() => page.locator('[data-tile="rate"] .note').innerText(), 'the count of events');
});
await check('latency is shown', async () => {
  await page.waitForFunction(() => /\d/.test(document.querySelector('[data-tile="latency"] [data-value]')?.textContent ?? ''));
});
await check('the watermark is shown and moves', () => changes(() => page.locator('[data-tile="watermark"] .note').innerText(), 'the watermark'));
await check('late and bad records are counted', async () => {
  expect(/\d/.test(await value('late')), 'late has no figure');
  expect(/\d/.test(await value('bad')), 'bad has no figure');
});
await check('the windows are a chart that moves', async () => {
  const chart = page.locator('[data-panel="windows"] .chart');
  await chart.locator('canvas').waitFor();
  await changes(() => chart.getAttribute('aria-label'), 'the chart of windows');
});
await check('the top list has rows that change', async () => {
  await page.locator('[data-panel="top"] .ranks li').first().waitFor();
  await changes(() => page.locator('[data-panel="top"] .ranks').innerText(), 'the top list');
});
await check("the job's graph has operators whose figures change", async () => {
  await page.locator('[data-panel="job"] .op').nth(1).waitFor();
  await changes(() => page.locator('[data-panel="job"] .facts').innerText(), "the job's figures");
});
await check("the job's memory is shown, and its parts are the whole", async () => {
  await page.locator('[data-panel="job"] .held').waitFor();
  const bytes = Number(await page.locator('[data-panel="job"] .held').getAttribute('data-memory'));
  const jobs = await (await fetch(url + '/v1/jobs')).json();
  expect(bytes > 1000 && bytes < 1e9, `it holds ${bytes} bytes`);
  expect(jobs.every((j) => j.memory_bytes.state + j.memory_bytes.views + j.memory_bytes.lanes + j.memory_bytes.buffers === j.memory_bytes.all), 'the parts are not the whole');
  for (const part of ['state', 'views', 'lanes', 'buffers']) await page.locator('[data-panel="job"] .held').getByText(part).waitFor();
  expect((await page.locator('[data-panel="job"] .held b').allInnerTexts()).every((t) => /^[\d.]+ [kMG]?B$/.test(t)), 'a part has no figure');
});
await check('a sink shows the rows that it takes', () =>
  page.waitForFunction(() => {
    const sinks = [...document.querySelectorAll('[data-panel="job"] .op')].filter((op) => op.querySelector('.op-name').textContent === 'Sink');
    return sinks.length && sinks.every((op) => /[1-9]/.test(op.querySelector('.op-rows b').textContent));
  }));
await check('an alert is shown', () => page.locator('[data-panel="alerts"] li').first().waitFor());
await check('SQL gives rows', async () => {
  await page.getByLabel('SQL statements').fill('SHOW TABLES;');
  await page.getByRole('button', { name: /^Run/ }).click();
  await page.locator('.sql-answer td, .sql-answer .sql-ok').first().waitFor();
});
await check('a wrong statement is shown with its place', async () => {
  await page.getByLabel('SQL statements').fill('SELEC 1');
  await page.keyboard.press('Control+Enter');
  await page.locator('.sql-error pre').waitFor();
  errors.splice(0, errors.length, ...errors.filter((e) => !/status of 400/.test(e)));
});
await check('another view can be chosen', async () => {
  const select = page.locator('[data-panel="windows"] select[aria-label="View"]');
  const names = await select.locator('option').allInnerTexts();
  await select.selectOption(names[names.length - 1]);
  await page.locator('[data-panel="windows"] canvas, [data-panel="windows"] td').first().waitFor();
  await select.selectOption(names[0]);
});
await browse({ page, url, check, expect, changes });
await bridges({ page, url, check, expect });
errors.splice(0, errors.length, ...errors.filter((e) => !/status of 40[049]/.test(e)));
await page.goto(url);
await check('the theme changes and is remembered', async () => {
  const theme = () => page.evaluate(() => document.documentElement.dataset.theme);
  expect((await theme()) === 'light', 'it does not begin light');
  await page.locator('.theme').click();
  await page.waitForFunction(() => document.documentElement.dataset.theme === 'dark');
  await page.reload();
  await page.locator('[data-status="live"]').waitFor();
  expect((await theme()) === 'dark', 'it is forgotten');
});
await check('a phone is not wider than its screen', async () => {
  await page.setViewportSize({ width: 390, height: 844 });
  await page.waitForTimeout(500);
  const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  expect(wider <= 0, `${wider} pixels too wide`);
});
await check('all is labelled for those who cannot see', async () => {
  const bare = await page.evaluate(() => [...document.querySelectorAll('button, select, textarea, [role=img]')].filter((e) => !(e.getAttribute('aria-label') || e.textContent.trim())).length);
  expect(bare === 0, `${bare} without a name`);
});
await check('nothing is asked of anyone else', () => expect(outside.length === 0, outside.join(' ')));
await check('the browser has nothing to complain about', () => expect(errors.length === 0, errors.join(' | ')));
if (shots) await page.screenshot({ path: shots, fullPage: true });
await browser.close();
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed ? 1 : 0;
