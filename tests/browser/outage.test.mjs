// The database dies and comes back while the page is open; a conversation that is longer than any screen.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import {
  engineConfig,
  lastAnswer,
  launch,
  openPage,
  say,
  setUp,
  sleep,
  startEngine,
  startSegue,
  until,
} from './stage.mjs';

let segue, engine, browser, page;
before(async () => {
  engine = await startEngine(() => ({ text: 'Fine.' }));
  [segue, browser] = await Promise.all([
    startSegue({ config: engineConfig(engine), database: true }),
    launch(),
  ]);
  page = await openPage(browser);
  await setUp(segue, page);
});
after(async () => {
  await browser?.close();
  await segue?.stop();
  await engine?.kill();
});
const postmaster = () =>
  Number(readFileSync(join(segue.data, 'postgres/data/postmaster.pid'), 'utf8').split('\n')[0]);

test('the database is killed in mid-answer: the answer goes on, and is kept when it is back', async () => {
  const words = Array.from({ length: 200 }, (_, at) => `word${at}`).join(' ');
  engine.script = () => ({ text: words, perSecond: 40 });
  await say(page, 'Tell me many words');
  await lastAnswer(page).getByText('word20').waitFor();
  const before = postmaster();
  process.kill(before, 'SIGKILL');
  await lastAnswer(page).getByRole('button', { name: 'Answer again' }).waitFor({ timeout: 30_000 });
  assert.equal((await lastAnswer(page).locator('.prose').innerText()).trim(), words);
  await until(() => postmaster() !== before, 'PostgreSQL is back', 30);
  await until(
    async () => (await (await page.request.get(`${segue.url}/segue/v1/session`)).json()).person,
    'the session is known again',
    30,
  );
  await page.reload();
  await lastAnswer(page).getByText('word199').waitFor({ timeout: 30_000 });
  assert.equal((await lastAnswer(page).locator('.prose').innerText()).trim(), words);
  assert.equal(await page.locator('.answer').count(), 1);
});

test('while it does not answer: what is shown stays, what is asked says why and is not lost, and it goes on by itself', async () => {
  engine.script = () => ({ text: 'I remember.' });
  const pid = postmaster();
  await page.goto(`${segue.url}/ui/documents`);
  await page.getByRole('heading', { name: 'Segue', level: 2 }).waitFor();
  process.kill(pid, 'SIGSTOP'); // the others of its group answer what is open; nobody new comes in
  for (const child of readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean))
    process.kill(Number(child), 'SIGKILL');
  try {
    await page.getByRole('link', { name: 'Engines', exact: true }).click();
    await page.getByText('Up, and gets requests.').waitFor(); // needs no database
    await page.getByRole('link', { name: 'Chat', exact: true }).click();
    const box = page.getByRole('textbox', { name: 'Question' });
    await box.fill('How do I point my application at Segue?');
    await page.keyboard.press('Enter');
    await page.locator('.toast[role=alert]').first().waitFor({ timeout: 60_000 });
    assert.equal(await box.inputValue(), 'How do I point my application at Segue?');
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  await until(
    async () =>
      (await (await page.request.get(`${segue.url}/segue/v1/session`)).json()).store?.state === 'ready',
    'the store is ready again',
    60,
  );
  // As a person would: once more, until it is taken.
  const box = page.getByRole('textbox', { name: 'Question' });
  await until(
    async () => {
      if (await box.inputValue()) await box.press('Enter');
      await sleep(400);
      return (await page.locator('.answer').count()) > 0;
    },
    'the question is taken',
    60,
  );
  await lastAnswer(page).getByText('I remember.').waitFor({ timeout: 30_000 });
  assert.equal(await page.locator('.question').count(), 1);
  page.clean();
});

test('10,000 messages: the end is there at once, older ones come as one scrolls, and a question is answered', async () => {
  const id = 'LongConversation0001';
  segue.sql(`
    INSERT INTO conversation (id, person, title, title_by, messages, leaf) SELECT '${id}', id, 'The long one', 'person', 10000, 'm' || lpad('10000', 19, '0') FROM person WHERE name = 'ada';
    INSERT INTO message (id, conversation, parent, role, state, text)
      SELECT 'm' || lpad(n::text, 19, '0'), '${id}', CASE WHEN n > 1 THEN 'm' || lpad((n - 1)::text, 19, '0') END,
        CASE n % 2 WHEN 1 THEN 'user' ELSE 'assistant' END, 'complete',
        CASE n % 2 WHEN 1 THEN 'Question ' || n ELSE 'Answer ' || n || '. ' || repeat('Words, and more of them. ', 12) END
      FROM generate_series(1, 10000) n`);
  const begin = Date.now();
  await page.goto(`${segue.url}/ui/chat/${id}`);
  await page.getByText('Answer 10000.').waitFor();
  assert.ok(Date.now() - begin < 10_000, `shown after ${Date.now() - begin} ms`);
  const shown = await page.locator('.entry').count();
  assert.ok(shown <= 100, `${shown} entries at first`);
  for (let at = 0; at < 5; at += 1) {
    const known = await page.locator('.entry').count();
    await page.evaluate(() => (document.querySelector('.scroller').scrollTop = 0));
    await until(async () => (await page.locator('.entry').count()) > known, 'older messages come');
    await sleep(50);
  }
  engine.script = () => ({ text: 'Still here.' });
  await say(page, 'Are you still here?');
  await lastAnswer(page).getByText('Still here.').waitFor({ timeout: 30_000 });
  // Its end was asked for, not its 10,000 messages: the engine reads what fits.
  assert.ok(JSON.stringify(engine.requests.at(-1)).length < 200_000);
  page.clean();
});
