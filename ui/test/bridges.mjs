// The page of bridges, with a web server of this test's own as the outside: it takes rows, refuses some, and one
// table's is not there.
import { createServer } from 'node:http';

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
    await state('hook', 'closed');
    await page.waitForFunction(() => /[1-9]/.test(document.querySelector('[data-bridge="hook"] [data-label="Records/s"]')?.textContent ?? ''));
    expect(taken > 0, 'nothing came');
    await state('away_hook', 'open');
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
    await state('hook', 'forced-open');
    expect(await row('hook').getByRole('button', { name: 'Pause' }).isDisabled(), 'it can be paused twice');
    await page.waitForFunction(() => Number(document.querySelector('[data-bridge="hook"] [data-label="Lag"]')?.textContent.replace(/\D/g, '')) > 40);
    await page.waitForTimeout(1000); // what was under way may still arrive: a call takes 500 ms at most
    const held = taken;
    await page.waitForTimeout(1000);
    expect(taken === held, 'rows come while it is paused');
    await row('hook').getByRole('button', { name: 'Resume' }).click();
    await state('hook', 'closed');
    await page.waitForFunction(() => document.querySelector('[data-bridge="hook"] [data-breaker]') && Number(document.querySelector('[data-bridge="hook"] [data-label="Lag"]')?.textContent.replace(/\D/g, '')) < 1000);
    expect(taken > held, 'nothing comes after it was resumed');
    await row('away_hook').getByRole('button', { name: 'Force' }).click();
    await state('away_hook', 'disabled');
    await row('away_hook').getByRole('button', { name: 'Resume' }).click();
    await page.locator('[data-bridge="away_hook"] [data-breaker="disabled"]').waitFor({ state: 'detached' });
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
  await sql('DROP JOB `insert-into_hook`; DROP JOB `insert-into_away_hook`; DROP TABLE hook; DROP TABLE away_hook;');
  web.closeAllConnections();
  web.close();
}
