// Every flow with the keyboard alone: no mouse, no script that puts the focus somewhere.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ANSWER, citationsOf, record, sources } from './company.mjs';
import { startScriptedApi } from './scripted_api.mjs';
import { launch, openPage, startSegue, until } from './stage.mjs';

let segue, browser, api, chat, page;
before(async () => {
  [segue, browser] = await Promise.all([startSegue(), launch()]);
  api = await startScriptedApi(segue.url);
  chat = api.converse('Pointing an application at Segue', [
    { text: 'How do I point my application at Segue?' },
    { role: 'assistant', text: ANSWER, sources, citations: citationsOf(ANSWER), record },
  ]);
  page = await openPage(browser);
});
after(async () => {
  await browser?.close();
  await api?.stop();
  await segue?.stop();
});
/** Tab until the focus is on what has this name. */
async function tabTo(name, key = 'Tab') {
  for (let at = 0; at < 60; at += 1) {
    const found = await page.evaluate(() => {
      const one = document.activeElement;
      return (
        one?.getAttribute('aria-label') ??
        one?.labels?.[0]?.textContent ??
        one?.textContent ??
        ''
      ).trim();
    });
    if (typeof name === 'string' ? found === name : name.test(found)) return;
    await page.keyboard.press(key);
  }
  assert.fail(`no ${key} leads to ${name}`);
}
const focused = () =>
  page.evaluate(
    () =>
      document.activeElement?.getAttribute('aria-label') ||
      document.activeElement?.id ||
      document.activeElement?.tagName,
  );

test('ask, read the sources, and what was asked last', async () => {
  api.stream = async (message, event) => {
    event('sources', { sources, vector: 'used', took_ms: 1 });
    event('text', { text: ANSWER });
    return { state: 'complete', text: ANSWER, sources, citations: citationsOf(ANSWER), record };
  };
  await page.goto(`${api.url}/ui/chat/${chat.id}`);
  await page.locator('.cite').first().waitFor();
  assert.equal(await focused(), 'question'); // where one writes
  await page.keyboard.type('And for OpenAI?');
  await page.keyboard.press('Enter');
  await page.locator('.answer').nth(1).locator('.cite').first().waitFor();
  assert.equal(await focused(), 'question'); // and it stays there
  await page.keyboard.press('ArrowUp');
  assert.equal(await page.evaluate(() => document.activeElement?.value), 'And for OpenAI?');
  await page.keyboard.press('Escape');
  await page.locator('.edit').waitFor({ state: 'detached' });
  await tabTo('Skip to content', 'Shift+Tab');
  await page.keyboard.press('Enter');
  await page.keyboard.press(']');
  const first = page.locator('#source-1.chosen');
  await first.waitFor();
  await page.keyboard.press(']');
  await page.locator('#source-2.chosen').waitFor();
  await page.keyboard.press('[');
  await first.waitFor();
  await tabTo('Operations');
  await page.keyboard.press('Enter');
  await page.locator('.passage').first().waitFor();
  page.clean();
});

test('a menu, a dialog, and back to what opened it', async () => {
  await page.goto(`${api.url}/ui/chat/${chat.id}`);
  await page.locator('.cite').first().waitFor();
  await tabTo('Menu of this conversation', 'Shift+Tab');
  await page.keyboard.press('Enter');
  await page.getByRole('menuitem', { name: 'Rename' }).waitFor();
  await page.keyboard.press('Enter');
  const title = page.getByRole('dialog').getByLabel('Title');
  await title.waitFor();
  await until(
    async () => page.evaluate(() => document.activeElement?.matches('[role=dialog] input')),
    'the focus is in the field',
  );
  await page.keyboard.press('Control+a');
  await page.keyboard.type('By keyboard');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'By keyboard' }).waitFor();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await until(async () => (await focused()) === 'Menu of this conversation', 'the focus is back');
  page.clean();
});

test('choose a model and a collection', async () => {
  await page.goto(`${api.url}/ui/chat`);
  await page.locator('#question').waitFor();
  await tabTo(/^Model:/);
  await page.keyboard.press('Enter');
  await page.getByRole('menuitem', { name: 'llama3.1:8b' }).waitFor();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Model: llama3.1:8b' }).waitFor();
  await tabTo(/^Collections:/);
  await page.keyboard.press('Enter');
  await page.getByRole('checkbox', { name: /Handbook/ }).waitFor();
  await tabTo(/^Handbook/);
  await page.keyboard.press('Space');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Collections: Segue' }).waitFor();
  page.clean();
});

test('find a document, and take it away', async () => {
  await page.goto(`${api.url}/ui/documents/handbook`);
  await page.locator('.documents li').first().waitFor();
  await page.keyboard.press('/');
  assert.equal(await focused(), 'Filter by path or title');
  await tabTo('Menu of hr/holidays.md');
  await page.keyboard.press('Enter');
  await page.getByRole('menuitem', { name: 'Remove' }).waitFor();
  await page.keyboard.press('Enter');
  await page.getByRole('dialog', { name: 'Remove this document?' }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await until(async () => (await focused()) === 'Menu of hr/holidays.md', 'the focus is back');
  page.clean();
});

test('every page by its letters, and the theme by its radio buttons', async () => {
  for (const [keys, heading] of [
    ['gs', 'Search'],
    ['ge', 'Engines'],
    ['gt', 'Traffic'],
    ['gp', 'People and keys'],
    ['ga', 'Activity'],
    ['g,', 'Settings'],
  ]) {
    for (const key of keys) await page.keyboard.press(key);
    await page.getByRole('heading', { name: heading, level: 1 }).waitFor();
    await page.evaluate(() => document.activeElement?.blur?.()); // the search page puts the focus into its field
  }
  await tabTo('Same as system');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowRight');
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'dark');
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('ArrowLeft');
  page.clean();
});
