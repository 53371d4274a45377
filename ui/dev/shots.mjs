// Pictures of the page, light and dark, wide and narrow:  node dev/shots.mjs URL FOLDER [SECONDS [HASH …]]
// Another page than the overview by its hash: '#/topics/orders'.
import { launch } from '../test/browser.mjs';

const [url = 'http://127.0.0.1:8089', folder = '/tmp', seconds = '8', ...hashes] = process.argv.slice(2);
const browser = await launch();
for (const [name, width, height, colorScheme] of [['light-wide', 1440, 900, 'light'], ['dark-wide', 1440, 900, 'dark'], ['light-narrow', 390, 844, 'light'], ['dark-narrow', 390, 844, 'dark']]) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme, deviceScaleFactor: width < 500 ? 2 : 1 });
  const page = await context.newPage();
  page.on('console', (m) => m.type() === 'error' && console.log(name, m.text()));
  page.on('pageerror', (e) => console.log(name, e.message));
  for (const hash of hashes.length ? hashes : ['']) {
    const file = name + hash.replace(/[^a-z0-9]+/gi, '-');
    await page.goto(`${url}/${hash}`);
    await page.waitForTimeout(Number(seconds) * 1000);
    await page.screenshot({ path: `${folder}/${file}.png`, fullPage: true });
    const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    if (wider > 0) console.log(file, 'overflows by', wider);
  }
  await context.close();
}
await browser.close();
