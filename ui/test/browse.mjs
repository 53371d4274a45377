// The topic browser in a real browser, beside the flow of orders (page.mjs starts it). The server has no Kafka
// listener: what the pages ask does not need one.
export async function browse({ page, url, check, expect, changes }) {
  const api = async (path, method, body) => {
    const reply = await fetch(url + path, { method, body: body && JSON.stringify(body) });
    expect(reply.ok, `${method} ${path}: ${reply.status} ${await reply.text()}`);
  };
  const panel = (id) => page.locator(`[data-panel="${id}"]`);
  const record = (partition, offset) => page.locator(`[data-record="${partition}:${offset}"]`);
  const open = async (hash) => {
    await page.goto(`${url}/${hash}`);
    await page.locator('[data-status="live"]').waitFor();
  };

  await api('/v1/topics', 'POST', { name: 'notes', partitions: 2 });
  for (let i = 0; i < 120; i++)
    await api('/v1/topics/notes/records', 'POST', { key: `k${i}`, value: JSON.stringify({ n: i, big: 'X', list: [1, { deep: true }] }).replace('"X"', '9007199254740993'), partition: 0, time_ms: 1700000000000 + i * 1000 });
  await api('/v1/topics/notes/records', 'POST', { key: 'long', value: 'y'.repeat(9000) + ' the end', partition: 1 });

  await check('the topics are listed with their figures, which move', async () => {
    await page.getByRole('link', { name: 'Topics', exact: true }).click();
    const row = panel('topics').locator('[data-topic="orders"]');
    await row.waitFor();
    await changes(() => row.innerText(), 'the row of orders');
    await page.waitForFunction(() => /[1-9]/.test(document.querySelector('[data-topic="orders"] [data-label="Written/s"]')?.textContent ?? ''));
  });
  await check('topics are found by name', async () => {
    await page.getByLabel('Search topics').fill('note');
    await panel('topics').locator('[data-topic="orders"]').waitFor({ state: 'detached' });
    await panel('topics').locator('[data-topic="notes"]').waitFor();
    await page.getByLabel('Search topics').fill('none such');
    await panel('topics').getByText('No topic has').waitFor();
    await page.getByLabel('Search topics').fill('');
  });
  await check('a topic shows its newest records', async () => {
    await panel('topics').getByRole('link', { name: 'notes', exact: true }).click();
    await record(0, 119).waitFor();
    expect((await page.locator('.records li').count()) === 50, 'a page is not 50 records');
  });
  await check('and pages back and forward', async () => {
    await page.getByRole('button', { name: 'Older' }).click();
    await record(0, 60).waitFor();
    await page.getByRole('button', { name: 'Older' }).click();
    await record(0, 0).waitFor();
    expect(await page.getByRole('button', { name: 'Older' }).isDisabled(), 'there is something older than the oldest');
    await page.getByRole('button', { name: 'Newer' }).click();
    await record(0, 60).waitFor();
  });
  await check('a record unfolds as JSON with all digits', async () => {
    await record(0, 60).locator('button').first().click();
    await record(0, 60).getByText('9007199254740993', { exact: true }).waitFor();
    await record(0, 60).locator('.json-fold', { hasText: '"list"' }).click();
    await record(0, 60).locator('.json-fold', { hasText: '"list"' }).getByText('2 ]').waitFor();
    await page.getByLabel('Show values as').selectOption('hex');
    await record(0, 60).getByText('7b 22 6e 22').waitFor();
    await page.getByLabel('Show values as').selectOption('auto');
  });
  await check('the arrow keys go from record to record', async () => {
    await record(0, 60).locator('button').first().focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.locator('[data-record="0:59"] [aria-expanded="true"]').first().waitFor();
  });
  await check('seek by offset', async () => {
    await page.getByLabel('From').selectOption('offset');
    await page.getByRole('textbox', { name: 'Offset' }).fill('30');
    await page.getByLabel('Partition', { exact: true }).selectOption('0');
    await page.locator('.records li[data-record="0:30"]:first-child').waitFor(); // the page before has it too, further down
  });
  await check('seek by time, and a time that is none', async () => {
    await page.getByLabel('From').selectOption('time');
    await page.getByLabel('Time, UTC').fill('2023-11-14 22:14:20');
    await page.getByRole('button', { name: 'Look' }).click();
    await page.locator('.records li[data-record="0:60"]:first-child').waitFor();
    await page.getByLabel('Time, UTC').fill('soon');
    await page.getByRole('button', { name: 'Look' }).click();
    await page.getByRole('alert').getByText('A time is like').waitFor();
  });
  await check('a text is looked for, and how far is said', async () => {
    await page.getByLabel('From').selectOption('end');
    await page.getByLabel('With the text').fill('"n":77,');
    await page.getByRole('button', { name: 'Look' }).click();
    await page.locator('.records li[data-record="0:77"]:only-child').waitFor();
    await page.getByText('1 found in 120 records; all looked at').waitFor();
  });
  await check('a long value is cut, and loaded whole when asked', async () => {
    await open('#/topics/notes?partition=1');
    await record(1, 0).locator('button').first().click();
    expect(!(await record(1, 0).innerText()).includes('the end'), 'it is not cut');
    await record(1, 0).getByText('load the whole').click();
    await record(1, 0).getByText('the end').waitFor();
  });
  await check('a record is produced, and seen by the live tail', async () => {
    await page.getByRole('button', { name: 'Live' }).click();
    await page.getByText('Nothing has come yet').waitFor();
    await page.waitForTimeout(600); // the stream is opened anew
    await api('/v1/topics/notes/records', 'POST', { key: 'live', value: 'came', partition: 1 });
    await record(1, 1).waitFor();
    await page.getByRole('button', { name: 'Pause' }).click();
    await api('/v1/topics/notes/records', 'POST', { key: 'live', value: 'later', partition: 1 });
    await page.getByText('Paused; 1 came since').waitFor();
    expect((await page.locator('.records li').count()) === 1, 'it is shown while paused');
    await page.getByRole('button', { name: 'Go on' }).click();
    await record(1, 2).waitFor();
  });
  await check('producing by the form, and what is no JSON is refused', async () => {
    await page.getByRole('link', { name: 'Produce' }).click();
    await page.getByLabel('Key', { exact: true }).fill('form');
    await page.getByRole('textbox', { name: 'Value', exact: true }).fill('{"a":');
    await page.getByRole('button', { name: 'Write record' }).click();
    await page.getByRole('alert').getByText('The value is not JSON').waitFor();
    await page.getByRole('textbox', { name: 'Value', exact: true }).fill('{"a":1}');
    await page.getByRole('textbox', { name: /^Headers/ }).fill('trace: 7f');
    await page.getByRole('button', { name: 'Write record' }).click();
    await page.getByText(/Written to partition \d at offset \d+/).waitFor();
    await page.getByLabel('Tombstone').check();
    await page.getByLabel('Key', { exact: true }).fill('gone');
    await page.getByRole('button', { name: 'Write record' }).click();
    await page.getByRole('link', { name: 'Records', exact: true }).click();
    await page.locator('.records').getByText('tombstone').waitFor();
  });
  await check('the partitions and the configuration are shown, and changed', async () => {
    await page.getByRole('link', { name: 'Partitions', exact: true }).click();
    await page.getByRole('group', { name: 'Partitions' }).locator('tbody tr').nth(1).waitFor();
    await page.getByRole('link', { name: 'Configuration' }).click();
    await page.getByRole('button', { name: 'Change retention.ms' }).click();
    await page.getByLabel('New value of retention.ms').fill('soon');
    await page.getByRole('button', { name: 'Set', exact: true }).click();
    await page.getByRole('alert').getByText('retention.ms').waitFor();
    await page.getByLabel('New value of retention.ms').fill('999999999999'); // longer than these records are old
    await page.getByRole('button', { name: 'Set', exact: true }).click();
    await page.locator('tr.set').getByText('retention.ms').waitFor();
  });
  await check('a record is shown as the row of a table', async () => {
    await open('#/topics/orders?from=start');
    await record(0, 7).locator('button').first().click();
    await record(0, 7).getByRole('button', { name: 'orders', exact: true }).click();
    await record(0, 7).getByRole('columnheader', { name: 'amount' }).waitFor();
    expect((await record(0, 7).locator('tbody tr').count()) === 1, 'it is not one row');
  });
  await check('a group shows its lag, and goes elsewhere after a preview', async () => {
    await api('/v1/groups/readers/offsets', 'POST', { offset: 20, topic: 'notes', partitions: [0], apply: true });
    await open('#/groups');
    await panel('groups').getByRole('link', { name: 'readers' }).click();
    await panel('group').getByText('100', { exact: true }).first().waitFor();
    await page.getByRole('button', { name: 'Move' }).click();
    await page.getByLabel('To', { exact: true }).selectOption('end');
    await page.getByRole('button', { name: 'Preview' }).click();
    await page.getByRole('group', { name: 'What it comes to' }).getByText('20', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Move 1 partition' }).click();
    await page.locator('dialog').waitFor({ state: 'detached' });
    await panel('group').locator('.facts').getByText('0', { exact: true }).nth(1).waitFor();
  });
  await check('no transaction is open, and that is said', async () => {
    await page.getByRole('link', { name: 'Transactions' }).click();
    await page.getByText('nothing holds readers back').waitFor();
  });
  await check('a topic is made, and deleted when its name is typed', async () => {
    await open('#/topics');
    await page.getByRole('button', { name: 'New topic' }).click();
    await page.getByLabel('Name').fill('a b');
    await page.getByRole('button', { name: 'Create' }).click();
    await page.getByRole('alert').waitFor();
    await page.getByLabel('Name').fill('short-lived');
    await page.getByRole('button', { name: 'Create' }).click();
    await page.getByRole('button', { name: 'Delete' }).click();
    expect(await page.locator('dialog').getByRole('button', { name: 'Delete' }).isDisabled(), 'it is deleted at once');
    await page.locator('dialog').getByRole('textbox').fill('short-lived');
    await page.locator('dialog').getByRole('button', { name: 'Delete' }).click();
    await panel('topics').waitFor();
    await page.locator('[data-topic="short-lived"]').waitFor({ state: 'detached' });
  });
  await check('a topic that is not there is said to be so', async () => {
    await open('#/topics/none');
    await page.getByRole('alert').getByText("there is no topic 'none'").waitFor();
  });
  await check('none of these pages is wider than a phone', async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    for (const hash of ['#/topics', '#/topics/notes', '#/topics/notes/configs', '#/topics/notes/produce', '#/groups/readers', '#/transactions']) {
      await open(hash);
      await page.waitForTimeout(400);
      const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      expect(wider <= 0, `${hash} is ${wider} pixels too wide`);
    }
    const bare = await page.evaluate(() => [...document.querySelectorAll('button, select, textarea, input')].filter((e) => !(e.getAttribute('aria-label') || e.textContent.trim() || e.labels?.length)).length);
    expect(bare === 0, `${bare} controls without a name`);
    await page.setViewportSize({ width: 1440, height: 900 });
  });
}
