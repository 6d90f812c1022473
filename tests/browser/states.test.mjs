// Every page full, empty and failed: accessible in both themes, within the narrowest window, also with longer words.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { ANSWER, citationsOf, record, sources } from './company.mjs';
import { startScriptedApi } from './scripted_api.mjs';
import { checkPage, launch, openPage, startSegue } from './stage.mjs';

let segue, browser, api, chat;
before(async () => {
  [segue, browser] = await Promise.all([startSegue(), launch()]);
  api = await startScriptedApi(segue.url);
  const problem = {
    type: 'about:blank',
    title: 'Bad Gateway',
    status: 502,
    detail: 'vLLM at 10.0.0.5:8000 closed the connection after 14 tokens; ask again',
  };
  chat = api.converse('Pointing an application at Segue', [
    { text: 'How do I point my application at Segue?' },
    {
      role: 'assistant',
      text: ANSWER,
      sources,
      citations: citationsOf(ANSWER),
      record,
      reasoning: 'The handbook names OLLAMA_HOST.',
      reasoning_ms: 1400,
      siblings: ['m0', 'x', 'm00'],
    },
    { text: 'And when the GPU machine is restarted?' },
    {
      role: 'assistant',
      state: 'incomplete',
      text: 'Requests under way are broken off, and',
      record: { ...record, engine: 'cpu-1', previous_engine: 'gpu-1' },
      problem,
    },
    { text: 'Anything else?' },
    { role: 'assistant', kind: 'passages', sources },
  ]);
  api.converse('Übersicht der Fristen im Rahmenvertrag', [{ text: 'x' }], { pinned: true });
});
after(async () => {
  await browser?.close();
  await api?.stop();
  await segue?.stop();
});

const PAGES = () => [
  [`chat/${chat.id}`, '.cite'],
  ['chat', '#question'],
  ['documents/handbook', 'main li, .empty, .error'],
  ['document/d0?passage=q3', '.passage, .error'],
  ['search?q=address&explain=1', '.hits li, .empty, .error'],
  ['engines', 'article, .empty'],
  ['traffic', 'canvas, .empty, .error'],
  ['people', 'main li, .error'],
  ['people/keys', 'main li, .empty, .error'],
  ['activity', 'main li, .empty, .error'],
  ['settings', '.values, .error'],
];

for (const [mode, width] of [
  ['full', 1440],
  ['full', 360],
  ['empty', 1440],
  ['error', 390],
])
  test(`pages, ${mode}, ${width} px`, async () => {
    api.mode = mode;
    const page = await openPage(browser, { width, height: 860 });
    for (const [path, ready] of PAGES()) {
      if (mode !== 'full' && /^chat\/|^settings/.test(path)) continue;
      await page.goto(`${api.url}/ui/${path}`);
      await page.locator(ready).first().waitFor();
      if (mode === 'error' && /documents|document|search|traffic|people|activity/.test(path)) {
        await page.getByText('run segue store status').first().waitFor();
        assert.ok(await page.getByRole('button', { name: 'Try again' }).first().isVisible());
      }
      await checkPage(page, `${path}, ${mode}, ${width}`);
    }
    page.clean();
    await page.context().close();
    api.mode = 'full';
  });

test('the chat with an answer takes less than 180 kB of script until it is there', async (t) => {
  const page = await openPage(browser);
  const sizes = new Map();
  page.on('response', async (response) => {
    if (/\.js$/.test(new URL(response.url()).pathname))
      sizes.set(response.url(), gzipSync(await response.body(), { level: 9 }).length);
  });
  await page.goto(`${api.url}/ui/chat`);
  await page.locator('#question').waitFor();
  await page.waitForLoadState('networkidle');
  const first = [...sizes.values()].reduce((sum, one) => sum + one, 0);
  await page.goto(`${api.url}/ui/chat/${chat.id}`);
  await page.locator('.cite').first().waitFor();
  await page.waitForLoadState('networkidle');
  const whole = [...sizes.values()].reduce((sum, one) => sum + one, 0);
  t.diagnostic(
    `first view of the chat: ${(first / 1000).toFixed(1)} kB of script (gzip); with an answer, its code and its formula: ${(whole / 1000).toFixed(1)} kB`,
  );
  assert.ok(first > 30_000 && first < 180_000, `${first} bytes of gzip`);
  await page.context().close();
});

test('dialogs, menus and panels', async () => {
  const page = await openPage(browser);
  await page.goto(`${api.url}/ui/chat/${chat.id}`);
  await page.locator('.cite').first().click();
  await page.getByRole('complementary', { name: 'Sources' }).waitFor();
  await checkPage(page, 'sources');
  assert.match(page.url(), /source=1/);
  await page
    .getByRole('button', { name: /vLLM · llama3.1:8b/ })
    .first()
    .click();
  await page.getByRole('dialog', { name: 'How this was answered' }).waitFor();
  await checkPage(page, 'record');
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Menu of this conversation' }).click();
  await page.getByRole('menuitem', { name: 'Rename' }).waitFor();
  await page.keyboard.press('Escape');
  await page.goto(`${api.url}/ui/engines`);
  await page.getByRole('article', { name: 'cpu-1' }).getByRole('button', { name: 'State log' }).click();
  await page
    .getByRole('dialog', { name: 'State log of cpu-1' })
    .getByText('Put aside after failures')
    .waitFor();
  await checkPage(page, 'state log');
  await page.keyboard.press('Escape');
  await page.getByRole('article', { name: 'gpu-1' }).getByRole('button', { name: 'Drain' }).click();
  await page.getByRole('dialog', { name: 'Drain gpu-1?' }).getByText('the 7 under way go on').waitFor();
  await checkPage(page, 'drain');
  await page.keyboard.press('Escape');
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox').fill('hand');
  await page.getByRole('option', { name: 'Handbook' }).waitFor();
  await checkPage(page, 'palette');
  page.clean();
});

test('sign-in and set-up', async () => {
  const page = await openPage(browser, { width: 390 });
  api.session = { ...api.session, person: null, permissions: [] };
  await page.goto(`${api.url}/ui/documents`);
  await page.getByLabel('Login').waitFor();
  await checkPage(page, 'sign-in');
  await page.getByLabel('Login').fill('ada');
  await page.getByLabel('Password').fill('correct horse battery');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Documents', level: 1 }).waitFor();
  api.session = { ...api.session, person: null, permissions: [], setup_needed: true };
  await page.goto(`${api.url}/ui/setup#token=t`);
  await page.getByLabel('Your name').waitFor();
  await checkPage(page, 'set-up');
  page.clean();
  await page.context().close();
});

// 320 px; 200 % zoom of a laptop, and 400 % of it; a 4K screen.
for (const [width, height] of [
  [320, 640],
  [720, 450],
  [3840, 2160],
])
  test(`nothing is cut off, and nothing lies over something else, at ${width} × ${height}`, async () => {
    api.session = structuredClone((await import('./company.mjs')).session);
    const page = await openPage(browser, { width, height });
    for (const [path, ready] of PAGES()) {
      await page.goto(`${api.url}/ui/${path}`);
      await page.locator(ready).first().waitFor();
      const found = await page.evaluate(() => {
        const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
        const buttons = [...document.querySelectorAll('main :is(button, a, input, select, textarea)')].filter(
          (one) =>
            one.checkVisibility({ visibilityProperty: true, opacityProperty: true }) &&
            !one.closest('[hidden], .visually-hidden'),
        );
        const boxes = buttons
          .map((one) => [one, one.getBoundingClientRect()])
          .filter(([one, box]) => box.width > 2 && !one.classList.contains('visually-hidden'));
        const off = boxes
          .filter(
            ([one, box]) =>
              (box.right > innerWidth + 1 || box.left < -1) &&
              !one.closest('.wide, pre, nav ul, .scroll, .scroller'),
          )
          .map(([one]) => one.outerHTML.slice(0, 120));
        const over = [];
        // What is scrolled under something else is not seen, and lies over nothing.
        const inWindow = boxes.filter(([one, box]) => {
          const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
          return top && (one.contains(top) || top.contains(one));
        });
        for (const [at, [one, a]] of inWindow.entries())
          for (const [other, b] of inWindow.slice(at + 1)) {
            if (
              one.contains(other) ||
              other.contains(one) ||
              one.closest('.search-field, .composer') ||
              other.closest('.composer')
            )
              continue;
            const x = Math.min(a.right, b.right) - Math.max(a.left, b.left);
            const y = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
            if (x > 3 && y > 3)
              over.push(`${one.outerHTML.slice(0, 90)} and ${other.outerHTML.slice(0, 90)}`);
          }
        return { wide, off, over };
      });
      assert.deepEqual(found, { wide: 0, off: [], over: [] }, `${path}, ${width}`);
    }
    page.clean();
    await page.context().close();
  });

test('longer words fit as well', async () => {
  api.session = { ...structuredClone((await import('./company.mjs')).session) };
  const page = await openPage(browser, { width: 360, height: 780, language: 'de-DE' });
  for (const [path, ready] of PAGES()) {
    await page.goto(`${api.url}/ui/${path}`);
    await page.locator(ready).first().waitFor();
    const wide = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    assert.ok(wide <= 0, `${path}: ${wide} px too wide`);
  }
  page.clean();
  await page.context().close();
});
