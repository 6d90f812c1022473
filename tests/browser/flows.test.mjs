// Whole flows in a real browser over the real program with its database: the first link, chat, people, what breaks.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  checkPage,
  engineConfig,
  lastAnswer,
  launch,
  openPage,
  PASSWORD,
  say,
  setUp,
  sleep,
  startEngine,
  startSegue,
  until,
} from './stage.mjs';

let segue, engine, browser, admin;
before(async () => {
  engine = await startEngine(() => ({ text: 'Set **OLLAMA_HOST** to the address of Segue.' }));
  [segue, browser] = await Promise.all([
    startSegue({ config: engineConfig(engine), database: true }),
    launch(),
  ]);
});
after(async () => {
  await browser?.close();
  await segue?.stop();
  await engine?.kill().catch(() => undefined);
});

test('the first link makes the administrator, who lands in the chat', async () => {
  admin = await openPage(browser);
  await admin.goto(`${segue.url}/ui/`);
  await admin.getByRole('heading', { name: 'Set up Segue' }).waitFor(); // without the link there is nothing to guess
  await setUp(segue, admin);
  admin.clean();
});

test('a question is answered, with its record, a title, and an address of its own', async () => {
  await say(admin, 'How do I point my application at Segue?');
  const answer = lastAnswer(admin);
  await answer.locator('strong', { hasText: 'OLLAMA_HOST' }).waitFor();
  await answer.getByRole('button', { name: /vLLM · scripted/ }).click();
  await admin.getByRole('dialog', { name: 'How this was answered' }).getByText('gpu-1').waitFor();
  await admin.keyboard.press('Escape');
  await admin
    .getByRole('navigation', { name: 'Conversations' })
    .getByText('How do I point my application')
    .waitFor();
  assert.match(admin.url(), /\/ui\/chat\/.+/);
  await admin.reload();
  await lastAnswer(admin).locator('strong', { hasText: 'OLLAMA_HOST' }).waitFor();
  await checkPage(admin, 'conversation', ['dark']);
  await admin.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
  admin.clean();
});

test('an edited question is a branch, and both are kept', async () => {
  engine.script = () => ({ text: 'The second version.' });
  await admin.locator('.question').hover();
  await admin.getByRole('button', { name: 'Edit the question' }).click();
  await admin.locator('.edit textarea').fill('And for OpenAI?');
  await admin.keyboard.press('Enter');
  await lastAnswer(admin).getByText('The second version.').waitFor();
  await admin.locator('.question').hover();
  await admin.locator('.question').getByRole('button', { name: 'Previous version' }).click();
  await lastAnswer(admin).locator('strong', { hasText: 'OLLAMA_HOST' }).waitFor();
  engine.script = () => ({ text: 'Once more.' });
  await lastAnswer(admin).getByRole('button', { name: 'Answer again' }).click();
  await lastAnswer(admin).getByText('Once more.').waitFor();
  await lastAnswer(admin).getByRole('img', { name: 'Version 2 of 2' }).waitFor();
  admin.clean();
});

test('a reload in mid-stream goes on where it was', async () => {
  const words = Array.from({ length: 120 }, (_, at) => `word${at}`).join(' ');
  engine.script = () => ({ text: words, perSecond: 40 });
  await say(admin, 'Tell me many words');
  await lastAnswer(admin).getByText('word10').waitFor();
  await admin.reload();
  await lastAnswer(admin).getByText('word119').waitFor({ timeout: 20_000 });
  await lastAnswer(admin).getByRole('button', { name: 'Answer again' }).waitFor();
  const text = await lastAnswer(admin).locator('.prose').innerText();
  assert.equal(text.trim(), words);
  admin.clean();
});

test('Esc stops, and what came is kept', async () => {
  engine.script = () => ({ text: 'one two three four five '.repeat(60), perSecond: 30 });
  await say(admin, 'Count');
  await lastAnswer(admin).getByText('one two').waitFor();
  await admin.keyboard.press('Escape');
  await lastAnswer(admin).getByText('Stopped.').waitFor();
  await sleep(300);
  assert.match(await lastAnswer(admin).locator('.prose').innerText(), /^one two/);
  admin.clean();
});

test('an engine that dies in mid-stream leaves half an answer, the reason, and a way on', async () => {
  engine.script = () => ({
    text: 'half of this answer came before the engine died',
    perSecond: 20,
    breakAfter: 5,
  });
  await say(admin, 'Will you die?');
  const answer = lastAnswer(admin);
  await answer.getByText('The answer broke off').waitFor();
  assert.match(await answer.locator('.prose').innerText(), /half of this answer/);
  engine.script = () => ({ text: 'I am back.' });
  await until(
    async () => {
      const { engines } = await (await admin.request.get(`${segue.url}/segue/v1/engines`)).json();
      return engines[0].breaker.state !== 'open';
    },
    'the engine may be asked again',
    30,
  );
  await answer.getByRole('button', { name: 'Try again' }).click();
  await lastAnswer(admin).getByText('I am back.').waitFor();
  admin.clean();
});

test('without an engine the page says so, and the question can be asked again later', async () => {
  const port = engine.port;
  await engine.kill();
  await until(
    async () =>
      (await (await admin.request.get(`${segue.url}/segue/v1/engines`)).json()).engines[0].state === 'down',
    'it is seen to be gone',
  );
  await say(admin, 'Is anybody there?');
  const answer = lastAnswer(admin);
  await answer.locator('.broken, .notice').waitFor({ timeout: 30_000 });
  await admin.getByRole('button', { name: 'Engines: No engine' }).waitFor();
  await engine.listen(port);
  await until(
    async () =>
      (await (await admin.request.get(`${segue.url}/segue/v1/engines`)).json()).engines[0].state === 'up',
    'it is back',
    30,
  );
  await answer
    .getByRole('button', { name: /Try again|Ask again/ })
    .first()
    .click();
  await lastAnswer(admin).getByText('I am back.').waitFor({ timeout: 30_000 });
  admin.clean();
});

test('an engine is drained after one question, gets nothing, is resumed and probed; its log knows all of it', async () => {
  await admin.goto(`${segue.url}/ui/engines`);
  const card = admin.getByRole('article', { name: 'gpu-1' });
  const ask = () =>
    fetch(`${segue.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ model: 'scripted', messages: [{ role: 'user', content: 'hi' }] }),
    });
  assert.equal((await ask()).status, 200);
  await card.getByRole('button', { name: 'Drain' }).click();
  const dialog = admin.getByRole('dialog', { name: 'Drain gpu-1?' });
  await dialog.getByText('No other engine serves scripted').waitFor();
  await dialog.getByRole('button', { name: 'Drain' }).click();
  await card.getByText('Drained: it gets no new requests until it is resumed.').waitFor();
  assert.equal((await ask()).status, 503);
  await admin.getByRole('button', { name: 'Engines: No engine' }).waitFor();
  await card.getByRole('button', { name: 'Probe now' }).click();
  await admin.getByText('gpu-1 answers').first().waitFor();
  await card.getByRole('button', { name: 'Resume' }).click();
  await card.getByText('Up, and gets requests.').waitFor();
  assert.equal((await ask()).status, 200);
  await card.getByRole('button', { name: 'State log' }).click();
  const log = admin.getByRole('dialog', { name: 'State log of gpu-1' });
  await log.getByText('Resumed').waitFor();
  await log.getByText('Drained').waitFor();
  admin.clean();
});

test('documents are added, found, cited and opened at the place', async () => {
  await admin.goto(`${segue.url}/ui/documents`);
  await admin.getByRole('button', { name: 'New collection' }).first().click();
  await admin.getByLabel('Name', { exact: true }).fill('Handbook');
  await admin.getByRole('button', { name: 'Create collection' }).click();
  await admin.getByRole('heading', { name: 'Handbook' }).waitFor();
  const handbook =
    '# Holidays\n\nEverybody has thirty days of holiday a year.\n\n## Carrying over\n\nUnused zeppelin days can be carried over until the end of March.\n';
  const chooser = admin.waitForEvent('filechooser');
  await admin.getByRole('button', { name: 'Add files' }).first().click();
  await (
    await chooser
  ).setFiles([
    { name: 'holidays.md', mimeType: 'text/markdown', buffer: Buffer.from(handbook) },
    { name: 'broken.pdf', mimeType: 'application/pdf', buffer: Buffer.from('%PDF-1.7 this is no PDF') },
    {
      name: '<img src=x onerror=pwned()>.txt',
      mimeType: 'text/plain',
      buffer: Buffer.from('A name is a name.'),
    },
  ]);
  await admin
    .locator('.documents li', { hasText: 'holidays.md' })
    .getByRole('img', { name: /Ready|Searchable by words/ })
    .waitFor({ timeout: 30_000 });
  await admin
    .locator('.documents li', { hasText: 'broken.pdf' })
    .getByRole('img', { name: 'Failed' })
    .waitFor({ timeout: 30_000 });
  await checkPage(admin, 'documents', ['light']);

  await admin.goto(`${segue.url}/ui/search?q=zeppelin&explain=1&mode=keyword`);
  await admin
    .locator('.hits mark', { hasText: /zeppelin/i })
    .first()
    .waitFor();
  await admin.locator('.hits h2 a').first().click();
  await admin.locator('.passage.wanted', { hasText: 'zeppelin' }).waitFor();

  engine.script = () => ({
    text: 'Unused zeppelin days can be carried over until the end of March [1]. The moon is made of cheese [1].',
  });
  await admin.goto(`${segue.url}/ui/chat`);
  await say(admin, 'Can unused zeppelin days be carried over?');
  await lastAnswer(admin).getByRole('button', { name: 'Answer again' }).waitFor({ timeout: 30_000 });
  const cites = lastAnswer(admin).locator('a.cite');
  assert.equal(await cites.count(), 2);
  assert.equal(await cites.nth(0).getAttribute('data-why'), null);
  assert.equal(await cites.nth(1).getAttribute('data-why'), 'not_enough_in_common');
  await cites.first().click();
  const source = admin.getByRole('complementary', { name: 'Sources' });
  await source.locator('mark', { hasText: 'zeppelin' }).first().waitFor();
  await source.getByRole('link').first().click();
  await admin.locator('.passage.wanted', { hasText: 'zeppelin' }).waitFor();
  admin.clean();
});

test('traffic shows what was asked', async () => {
  await admin.goto(`${segue.url}/ui/traffic`);
  await admin.locator('canvas').first().waitFor({ timeout: 30_000 });
  await admin.getByText('last hour').first().waitFor();
  await checkPage(admin, 'traffic', ['light']);
  admin.clean();
});

test('keys are made, shown once, and revoked; the log knows who did it', async () => {
  await admin.goto(`${segue.url}/ui/people/keys`);
  await admin.getByRole('button', { name: 'New key' }).first().click();
  await admin.getByLabel('Name').fill('nightly');
  await admin.getByRole('button', { name: 'Create key' }).click();
  assert.ok((await admin.locator('.secret span').innerText()).trim().length > 20);
  await admin.getByRole('button', { name: 'I have kept it' }).click();
  await admin.getByRole('button', { name: 'Revoke' }).first().click();
  await admin.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
  await admin.locator('main li', { hasText: 'nightly' }).getByText('Revoked').first().waitFor();
  await admin.goto(`${segue.url}/ui/activity`);
  await admin.locator('main li', { hasText: 'nightly' }).first().waitFor();
  admin.clean();
});

test('a conversation is renamed and deleted; signing out ends it', async () => {
  await admin.goto(`${segue.url}/ui/chat`);
  await admin.locator('.row').first().click();
  await admin.getByRole('button', { name: 'Menu of this conversation' }).click();
  await admin.getByRole('menuitem', { name: 'Rename' }).click();
  await admin.getByLabel('Title').fill('A better name');
  await admin.getByRole('button', { name: 'Rename' }).click();
  await admin.locator('.row', { hasText: 'A better name' }).waitFor();
  await admin.getByRole('button', { name: 'Menu of this conversation' }).click();
  await admin.getByRole('menuitem', { name: 'Delete' }).click();
  await admin.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await admin.locator('.row', { hasText: 'A better name' }).waitFor({ state: 'detached' });
  await admin.getByRole('button', { name: 'Ada Keller' }).click();
  await admin.getByRole('menuitem', { name: 'Sign out' }).click();
  await admin.getByRole('heading', { name: 'Sign in to Segue' }).waitFor();
  await admin.goto(`${segue.url}/ui/chat`);
  await admin.getByRole('heading', { name: 'Sign in to Segue' }).waitFor();
  admin.clean();
});
