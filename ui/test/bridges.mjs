// The page of bridges, with servers of this test's own as the outside: one for the web takes rows, refuses some, and one
// table's is not there; one is looked up as a Redis is.
import { createServer } from 'node:http';
import { redis } from './redis.mjs';

export async function bridges({ page, url, check, expect }) {
  const sql = async (text) => {
    const reply = await fetch(url + '/v1/sql', { method: 'POST', body: text });
    expect(reply.ok, `${reply.status} ${await reply.text()}`);
  };
  const row = (table) => page.locator(`[data-bridge="${table}"]`);
  const state = (table, is) => row(table).locator(`[data-breaker="${is}"]`).waitFor();
  const open = async () => {
    await page.goto(`${url}/#/bridges`);
    await page.locator('[data-status="live"]').waitFor();
  };
  let taken = 0;
  const web = createServer((request, reply) => {
    let body = '';
    request.on('data', (d) => (body += d));
    request.on('end', () => {
      const rows = JSON.parse(body);
      const refused = rows.some((r) => r.amount === 13);
      if (!refused) taken += rows.length;
      reply.writeHead(refused ? 422 : 200).end(refused ? 'unlucky' : '');
    });
  });
  await new Promise((done) => web.listen(0, '127.0.0.1', done));
  const table = (name, port) =>
    `CREATE TABLE ${name} (shop STRING, amount INT) WITH ('connector' = 'http', 'http.url' = 'http://127.0.0.1:${port}/', 'bridge.timeout' = '500 ms', 'bridge.breaker.open.max' = '1 s', 'bridge.retry.backoff.max' = '50 ms'); INSERT INTO ${name} SELECT shop, amount FROM orders;`;

  await check('no bridge yet, and that is said', async () => {
    await open();
    await page.getByText('Nothing is carried outside yet').waitFor();
  });
  await check('bridges show their state, lag and rate', async () => {
    await sql(table('hook', web.address().port) + table('away_hook', 1));
    await row('hook').waitFor();
    await state('hook', 'CLOSED');
    await page.waitForFunction(() => /[1-9]/.test(document.querySelector('[data-bridge="hook"] [data-label="Records/s"]')?.textContent ?? ''));
    expect(taken > 0, 'nothing came');
    await state('away_hook', 'OPEN');
    await row('away_hook').getByText('connect to 127.0.0.1', { exact: false }).waitFor();
    await page.waitForFunction(() => /[1-9]/.test(document.querySelector('[data-bridge="away_hook"] [data-label="Lag"]')?.textContent ?? ''));
  });
  await check('dead letters are counted, and lead to their records', async () => {
    await page.waitForFunction(() => /[1-9]/.test(document.querySelector('[data-bridge="hook"] [data-label="Dead letters"]')?.textContent ?? ''));
    await row('hook').locator('[data-label="Dead letters"] a').click();
    await page.locator('.records').getByText('the server answers 422: unlucky').first().waitFor();
    await open();
  });
  await check('a bridge is paused, resumed and forced', async () => {
    await row('hook').getByRole('button', { name: 'Pause' }).click();
    await state('hook', 'FORCED_OPEN');
    expect(await row('hook').getByRole('button', { name: 'Pause' }).isDisabled(), 'it can be paused twice');
    await page.waitForFunction(() => Number(document.querySelector('[data-bridge="hook"] [data-label="Lag"]')?.textContent.replace(/\D/g, '')) > 40);
    await page.waitForTimeout(1000); // what was under way may still arrive: a call takes 500 ms at most
    const held = taken;
    await page.waitForTimeout(1000);
    expect(taken === held, 'rows come while it is paused');
    await row('hook').getByRole('button', { name: 'Resume' }).click();
    await state('hook', 'CLOSED');
    await page.waitForFunction(() => document.querySelector('[data-bridge="hook"] [data-breaker]') && Number(document.querySelector('[data-bridge="hook"] [data-label="Lag"]')?.textContent.replace(/\D/g, '')) < 1000);
    expect(taken > held, 'nothing comes after it was resumed');
    await row('away_hook').getByRole('button', { name: 'Force' }).click();
    await state('away_hook', 'DISABLED');
    await row('away_hook').getByRole('button', { name: 'Pause' }).click();
    await state('away_hook', 'FORCED_OPEN');
    await row('away_hook').getByRole('button', { name: 'Try' }).click();
    await state('away_hook', 'OPEN'); // the call that was tried has failed
    expect(await row('hook').getByRole('button', { name: 'Try' }).isDisabled(), 'a closed one can be tried');
  });
  const known = await redis({ Anchor: { town: 'Ayr' }, Birch: { town: 'Bath' }, Cedar: { town: 'Cork' } });
  const looked = (what) => `[data-bridge="shops@insert-into_towns"] .lookup[data-${what}]`;
  const grows = (what) => page.waitForFunction(([at, name]) => Number(document.querySelector(at)?.dataset[name]) > 0, [looked(what), what]);
  await check('a lookup shows what its cache answers', async () => {
    await sql(`CREATE TABLE shops (name STRING, town STRING, PRIMARY KEY (name) NOT ENFORCED) WITH ('connector' = 'redis', 'redis.port' = '${known.port}', 'lookup.cache' = 'PARTIAL', 'lookup.partial-cache.expire-after-write' = '300 ms', 'lookup.fallback' = 'stale', 'lookup.max-retries' = '0', 'bridge.breaker.open.max' = '1 s');
      CREATE TABLE towns (shop STRING, town STRING) WITH ('connector' = 'blackhole');
      INSERT INTO towns SELECT o.shop, s.town FROM (SELECT shop, PROCTIME() AS p FROM orders) AS o LEFT JOIN shops FOR SYSTEM_TIME AS OF o.p AS s ON o.shop = s.name;`);
    await grows('hits');
    await grows('misses');
    await row('shops@insert-into_towns').getByText(/\d+ hits \(\d+ %\)/).waitFor();
    await page.waitForFunction((at) => /[1-9]\d* kept/.test(document.querySelector(at)?.textContent ?? ''), looked('hits'));
    expect((await page.locator(looked('stale')).getAttribute('data-stale')) === '0', 'an answer is stale though the outside answers');
  });
  await check('answers that are stale are told apart', async () => {
    known.away = true;
    await grows('stale');
    await row('shops@insert-into_towns').getByText(/\d+ stale/).waitFor();
    await row('shops@insert-into_towns').getByText('LOADING it is away', { exact: false }).waitFor();
  });
  await check('bridges are found by name, and the page fits a phone', async () => {
    await page.getByLabel('Search bridges').fill('away');
    await row('hook').waitFor({ state: 'detached' });
    await row('away_hook').waitFor();
    await page.getByLabel('Search bridges').fill('');
    await row('hook').waitFor();
    for (const theme of ['dark', 'light']) {
      await page.emulateMedia({ colorScheme: theme });
      for (const width of [390, 1440]) {
        await page.setViewportSize({ width, height: 900 });
        await page.waitForTimeout(300);
        const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        expect(wider <= 0, `${wider} pixels too wide at ${width}`);
        if (process.env.QW_SHOTS) await page.screenshot({ path: `${process.env.QW_SHOTS}/bridges-${theme}-${width}.png`, fullPage: true });
      }
    }
  });
  await sql('DROP JOB `insert-into_hook`; DROP JOB `insert-into_away_hook`; DROP JOB `insert-into_towns`; DROP TABLE towns; DROP TABLE shops; DROP TABLE hook; DROP TABLE away_hook;');
  web.closeAllConnections();
  web.close();
  known.close();
}
