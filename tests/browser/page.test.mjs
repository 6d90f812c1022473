// The page over the real program without a database: what it loads, what it may do, what it says.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { checkPage, engineConfig, launch, openPage, startEngine, startSegue, until } from './stage.mjs';

let segue, engine, browser;
before(async () => {
  engine = await startEngine();
  [segue, browser] = await Promise.all([startSegue({ config: engineConfig(engine) }), launch()]);
});
after(async () => {
  await browser?.close();
  await segue?.stop();
  await engine?.kill();
});

test('a browser at / finds the page; everybody else finds what Ollama says', async () => {
  const page = await openPage(browser);
  await page.goto(`${segue.url}/`);
  await page.getByRole('heading', { name: 'Engines' }).waitFor();
  assert.match(page.url(), /\/ui\/engines$/);
  assert.equal(await (await fetch(`${segue.url}/`)).text(), 'Ollama is running');
  page.clean();
});

test('nothing inline, nothing from elsewhere, and hashed files stay in the cache', async () => {
  const index = await fetch(`${segue.url}/ui/`);
  const policy = index.headers.get('content-security-policy');
  assert.match(policy, /default-src 'none'.*script-src 'self';/);
  assert.doesNotMatch(policy, /unsafe|https?:/);
  const html = await index.text();
  assert.doesNotMatch(html, /<script(?![^>]*src=)|<style| style=| on\w+=/);
  const script = html.match(/src="([^"]+\.js)"/)[1];
  const file = await fetch(segue.url + script, { headers: { 'Accept-Encoding': 'br' } });
  assert.equal(file.headers.get('content-encoding'), 'br');
  assert.match(file.headers.get('cache-control'), /immutable/);
});

test('an engine that goes is seen to go, in words', async () => {
  const page = await openPage(browser);
  await page.goto(`${segue.url}/ui/engines`);
  const card = page.getByRole('article', { name: 'gpu-1' });
  await card.getByText('Up, and gets requests.').waitFor();
  await page.getByRole('button', { name: 'Engines: vLLM' }).click();
  await page.getByText('gpu-1 answers.').waitFor();
  await page.keyboard.press('Escape');
  const port = engine.port;
  await engine.kill();
  await card.getByText(/Does not answer|Gets no requests/).waitFor({ timeout: 15_000 });
  await page.getByRole('button', { name: 'Engines: No engine' }).waitFor();
  engine = await startEngine();
  await engine.kill();
  await engine.listen(port);
  await card.getByText('Up, and gets requests.').waitFor({ timeout: 20_000 });
  page.clean();
});

test('Segue itself goes: what was known stays, is called old, and comes back by itself', async () => {
  const page = await openPage(browser);
  await page.goto(`${segue.url}/ui/engines`);
  await page.getByRole('article').first().waitFor();
  await page.context().setOffline(true);
  await page.getByText('this is what was known last').waitFor({ timeout: 15_000 });
  await page.context().setOffline(false);
  await page.getByText('this is what was known last').waitFor({ state: 'detached', timeout: 15_000 });
});

test('without a database the pages that need one say what to do', async () => {
  const page = await openPage(browser);
  for (const [path, name] of [
    ['chat', 'Chat'],
    ['documents', 'Documents'],
    ['search', 'Search'],
    ['people', 'People and keys'],
  ]) {
    await page.goto(`${segue.url}/ui/${path}`);
    await page.getByText(`${name} needs a database, and this Segue runs without one`).waitFor();
  }
  await page.goto(`${segue.url}/ui/nowhere/at/all`);
  await page.getByText('There is no page at this address').waitFor();
  page.clean();
});

test('everything by keyboard: palette, keys, pages, focus that is never lost', async () => {
  const page = await openPage(browser);
  await page.goto(`${segue.url}/ui/engines`);
  await page.getByRole('article').first().waitFor();
  await page.keyboard.press('Control+k');
  await page.keyboard.type('sett');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Settings', level: 1 }).waitFor();
  await page.keyboard.press('g');
  await page.keyboard.press('e');
  await page.getByRole('heading', { name: 'Engines', level: 1 }).waitFor();
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await page.reload();
  await page.getByRole('article').first().waitFor();
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement?.textContent), 'Skip to content');
  for (let at = 0; at < 8; at += 1) {
    await page.keyboard.press('Tab');
    const visible = await page.evaluate(() => {
      const element = document.activeElement;
      return element && element !== document.body && getComputedStyle(element).outlineStyle !== 'none';
    });
    assert.ok(visible, `tab ${at + 2} lands on something that shows it`);
  }
  page.clean();
});

test('theme and language are chosen once, and stay', async () => {
  const page = await openPage(browser);
  await page.goto(`${segue.url}/ui/settings`);
  await page.getByText('Dark', { exact: true }).click();
  await page.getByText('Deutsch').click();
  await page.getByRole('heading', { name: 'Einstellungen' }).waitFor();
  await page.reload();
  await page.getByRole('heading', { name: 'Einstellungen' }).waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.lang), 'de');
  assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), 'rgb(21, 22, 25)');
  const chinese = await openPage(browser, { language: 'zh-CN' });
  await chinese.goto(`${segue.url}/ui/engines`);
  await chinese.getByRole('heading', { name: '引擎' }).waitFor();
  page.clean();
});

test('the first view takes less than 180 kB of script', async (t) => {
  const page = await openPage(browser);
  let bytes = 0;
  const names = [];
  page.on('response', async (response) => {
    if (!/\.js$/.test(new URL(response.url()).pathname)) return;
    const size = gzipSync(await response.body(), { level: 9 }).length;
    bytes += size;
    names.push(`${response.url().split('/').at(-1)} ${size}`);
  });
  await page.goto(`${segue.url}/ui/engines`);
  await page.getByRole('article').first().waitFor();
  await page.waitForLoadState('networkidle');
  await until(() => bytes > 0, 'scripts were loaded');
  t.diagnostic(`first view of the engines: ${(bytes / 1000).toFixed(1)} kB of script (gzip)`);
  assert.ok(bytes < 180_000, `${bytes} bytes of gzip:\n${names.join('\n')}`);
});

test('no violation of WCAG, in both themes, wide and narrow', async () => {
  const page = await openPage(browser);
  for (const [path, width] of [
    ['engines', 1440],
    ['settings', 360],
    ['chat', 1440],
    ['nowhere', 360],
  ]) {
    await page.setViewportSize({ width, height: 800 });
    await page.goto(`${segue.url}/ui/${path}`);
    await page.locator('main :is(article, section, .empty)').first().waitFor();
    await checkPage(page, path);
  }
});
