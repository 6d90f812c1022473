// Several people in one company, over the real program with its database: who comes in, who sees what, what is shared.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import {
  api,
  engineConfig,
  lastAnswer,
  launch,
  openPage,
  PASSWORD,
  ROOT,
  say,
  setUp,
  startEngine,
  startSegue,
} from './stage.mjs';

let segue, engine, browser, provider, ada, bo, secret;
before(async () => {
  provider = await startProvider();
  engine = await startEngine(() => ({ text: 'The zeppelin leaves at noon [1].' }));
  const oidc = {
    issuer: provider.issuer,
    client_id: 'segue',
    client_secret: 'between us: s3cret/+',
    name: 'Acme Login',
    domains: ['example.com'],
  };
  [segue, browser] = await Promise.all([
    startSegue({ config: { ...engineConfig(engine), oidc }, database: true }),
    launch(),
  ]);
  ada = await openPage(browser);
  await setUp(segue, ada);
});
after(async () => {
  await browser?.close();
  await segue?.stop();
  await engine?.kill();
  provider?.stop();
});

/** The identity provider of the Python tests, which checks what real ones check. */
async function startProvider() {
  const child = spawn('python3', [join(ROOT, 'tests/support/identity_provider.py')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const issuer = (await lines.next()).value;
  return {
    issuer,
    /** Who comes next. */
    async be(claims) {
      child.stdin.write(`${JSON.stringify(claims)}\n`);
      assert.equal((await lines.next()).value, 'ok');
    },
    stop: () => child.kill(),
  };
}

test('a person who is added signs in, has to choose a password, and sees only what the role allows', async () => {
  await ada.goto(`${segue.url}/ui/people`);
  await ada.getByRole('button', { name: 'Add a person' }).click();
  await ada.getByLabel('Name').fill('Bo Lindqvist');
  await ada.getByLabel('Login').fill('bo');
  await ada.getByRole('button', { name: 'Add person' }).click();
  const password = (await ada.locator('.secret span').innerText()).trim();
  await ada.getByRole('button', { name: 'I have kept it' }).click();
  bo = await openPage(browser);
  await bo.goto(`${segue.url}/ui/people`);
  await bo.getByLabel('Login').fill('bo');
  await bo.getByLabel('Password').fill(password);
  await bo.keyboard.press('Enter');
  await bo.getByLabel('Current password').fill(password);
  await bo.getByLabel('New password').fill(PASSWORD);
  await bo.getByRole('button', { name: 'Change password' }).click();
  await bo.getByRole('dialog').waitFor({ state: 'detached' });
  await bo.getByText('Your role does not include this page').waitFor();
  for (const name of ['People and keys', 'Activity', 'Engines', 'Traffic'])
    assert.equal(await bo.getByRole('link', { name, exact: true }).count(), 0, name);
  for (const name of ['Chat', 'Documents', 'Search', 'Settings'])
    assert.equal(await bo.getByRole('link', { name, exact: true }).count(), 1, name);
  bo.clean();
});

test("what is one person's is nobody else's: conversations, documents, passages, files, by page and by address", async () => {
  // Ada: a collection that nobody else may read, a document in it, a question about it with a file.
  assert.equal(
    (
      await api(ada, 'POST', 'collections', { id: 'plans', name: 'Secret plans', readers: [], writers: [] })
    ).status(),
    201,
  );
  await ada.goto(`${segue.url}/ui/documents/plans`);
  const chooser = ada.waitForEvent('filechooser');
  await ada.getByRole('button', { name: 'Add files' }).first().click();
  await (
    await chooser
  ).setFiles([
    {
      name: 'zeppelin.md',
      mimeType: 'text/markdown',
      buffer: Buffer.from('# Zeppelin\n\nThe zeppelin leaves the hangar at noon on Friday.\n'),
    },
  ]);
  await ada
    .locator('.documents li', { hasText: 'zeppelin.md' })
    .getByRole('img', { name: /Ready|Searchable/ })
    .waitFor({ timeout: 30_000 });
  const document = (await (await api(ada, 'GET', 'collections/plans/documents')).json()).documents[0].id;
  await ada.goto(`${segue.url}/ui/chat`);
  await say(ada, 'When does the zeppelin leave?');
  await lastAnswer(ada).locator('a.cite').first().waitFor({ timeout: 30_000 });
  const conversation = new URL(ada.url()).pathname.split('/').at(-1);
  const { messages } = await (await api(ada, 'GET', `conversations/${conversation}/messages`)).json();
  secret = { conversation, document, answer: messages.at(-1).id };

  // Bo, by the page …
  await bo.goto(`${segue.url}/ui/chat/${conversation}`);
  await bo.getByText('This conversation is not there, or it is not yours').waitFor();
  await bo.getByText('Ask a question; your conversations are kept here.').waitFor();
  await bo.goto(`${segue.url}/ui/document/${document}`);
  await bo.getByText('The document cannot be shown').waitFor();
  await bo.goto(`${segue.url}/ui/documents/plans`);
  await bo.getByText('There is no such collection').waitFor();
  assert.equal(await bo.getByText('Secret plans').count(), 0);
  await bo.goto(`${segue.url}/ui/search?q=zeppelin&mode=keyword`);
  await bo.getByText('No passage fits').waitFor();
  await bo.keyboard.press('Control+k');
  await bo.getByRole('combobox').fill('zeppelin');
  await bo.getByText('Nothing has this name').waitFor();
  await bo.keyboard.press('Escape');
  // … and by address: not "you may not", but "there is none".
  for (const [method, path, body] of [
    ...[
      ['GET', `conversations/${conversation}`],
      ['GET', `conversations/${conversation}/messages`],
      ['GET', `conversations/${conversation}/export?format=json`],
    ],
    ...[
      ['DELETE', `conversations/${conversation}`],
      ['PUT', `conversations/${conversation}/share`, { audience: 'company' }],
    ],
    ...[
      ['GET', `messages/${secret.answer}`],
      ['GET', `messages/${secret.answer}/events`],
      ['POST', `messages/${secret.answer}/regenerate`, {}],
    ],
    ...[
      ['GET', `documents/${document}`],
      ['GET', `documents/${document}/text`],
      ['GET', 'collections/plans'],
      ['GET', 'collections/plans/documents'],
    ],
  ])
    assert.equal((await api(bo, method, path, body)).status(), 404, `${method} ${path}`);

  // And the other way round: an administrator sees nobody's conversations.
  await bo.goto(`${segue.url}/ui/chat`);
  await say(bo, 'What is for lunch?');
  await lastAnswer(bo).waitFor();
  const his = new URL(bo.url()).pathname.split('/').at(-1);
  await ada.goto(`${segue.url}/ui/chat/${his}`);
  await ada.getByText('This conversation is not there, or it is not yours').waitFor();
  await ada.getByRole('searchbox', { name: 'Search conversations' }).fill('lunch');
  await ada.getByText('No conversation has these words').waitFor();
  ada.clean();
  bo.clean();
});

async function shareDialog(page) {
  await page.goto(`${segue.url}/ui/chat/${secret.conversation}`);
  await page.getByRole('button', { name: 'Menu of this conversation' }).click();
  await page.getByRole('menuitem', { name: 'Share' }).click();
  return page.getByRole('dialog', { name: 'Share' });
}

test('a conversation is shared by link: with everybody, with those who are named, with nobody any more', async () => {
  const dialog = await shareDialog(ada);
  await dialog.getByRole('button', { name: 'Make a link' }).click();
  const link = (await dialog.locator('.link span').first().innerText()).trim();
  await bo.goto(link);
  await bo.getByText('Shared by Ada Keller').waitFor();
  await bo.getByText('The zeppelin leaves at noon').waitFor();
  // The source's place is told, its words are not: the collection is not his.
  await bo.getByRole('button', { name: /^\d+ sources?$/ }).click();
  await bo.getByRole('complementary', { name: 'Sources' }).waitFor();
  assert.equal(await bo.getByText('hangar').count(), 0);
  assert.equal(await bo.getByRole('button', { name: 'Answer again' }).count(), 0);

  await dialog.getByText('Named people').click();
  await dialog.getByLabel('Logins').fill('nobody-here');
  await dialog.getByRole('button', { name: 'Change' }).click();
  await dialog.getByText('nobody here signs in as nobody-here').waitFor();
  await dialog.getByLabel('Logins').fill('ada');
  await dialog.getByRole('button', { name: 'Change' }).click();
  await dialog.locator('.link').waitFor();
  await bo.reload();
  await bo.getByText('The shared conversation cannot be shown').waitFor();
  await dialog.getByLabel('Logins').fill('BO');
  await dialog.getByRole('button', { name: 'Change' }).click();
  await dialog.locator('.link').waitFor();
  assert.equal(await dialog.getByLabel('Logins').inputValue(), 'bo');
  await bo.reload();
  await bo.getByText('The zeppelin leaves at noon').waitFor();

  await dialog.getByRole('button', { name: 'Stop sharing' }).click();
  await dialog.getByRole('button', { name: 'Make a link' }).waitFor();
  await bo.reload();
  await bo.getByText('The shared conversation cannot be shown').waitFor();
  const stranger = await openPage(browser);
  await stranger.goto(link);
  await stranger.getByRole('heading', { name: 'Sign in to Segue' }).waitFor();
  await stranger.context().close();
  ada.clean();
});

test("by the company's identity provider: in, back to where one wanted to go, and out", async () => {
  await provider.be({ sub: '1', email: 'carol@example.com', email_verified: true, name: 'Carol Winter' });
  const carol = await openPage(browser);
  await carol.goto(`${segue.url}/ui/search?q=holidays`);
  await carol.getByRole('link', { name: 'Sign in with Acme Login' }).click();
  await carol.getByRole('heading', { name: 'Search', level: 1 }).waitFor();
  assert.match(carol.url(), /\/ui\/search\?q=holidays$/);
  await carol.getByRole('button', { name: 'Carol Winter' }).click();
  await carol.getByRole('menuitem', { name: 'Sign out' }).click();
  await carol.getByRole('link', { name: 'Sign in with Acme Login' }).waitFor();
  carol.clean();
  await ada.goto(`${segue.url}/ui/people`);
  await ada.locator('main li', { hasText: 'carol@example.com' }).getByText('User', { exact: true }).waitFor();

  // Whom the provider knows, but this company does not want: words, and no way in.
  await provider.be({ sub: '2', email: 'eve@evil.example', email_verified: true, name: 'Eve' });
  await carol.getByRole('link', { name: 'Sign in with Acme Login' }).click();
  await carol.getByRole('alert').waitFor();
  await carol.getByRole('link', { name: 'Sign in with Acme Login' }).waitFor();
  await carol.goto(`${segue.url}/ui/chat`);
  await carol.getByRole('heading', { name: 'Sign in to Segue' }).waitFor();
  carol.clean();
  await carol.context().close();
});

test('signing out everywhere ends the other window, which says so and goes on after signing in again', async () => {
  await bo.goto(`${segue.url}/ui/settings`);
  const other = await openPage(browser, { context: bo.context() });
  await other.goto(`${segue.url}/ui/chat`);
  await other.getByRole('textbox', { name: 'Question' }).fill('half a quest');
  await bo.getByRole('button', { name: 'Sign out everywhere' }).click();
  await bo.getByRole('heading', { name: 'Sign in to Segue' }).waitFor();
  await other.keyboard.press('Enter');
  const dialog = other.getByRole('dialog', { name: 'Sign in again' });
  await dialog.getByLabel('Password').fill(PASSWORD);
  await other.keyboard.press('Enter');
  await dialog.waitFor({ state: 'detached' });
  assert.equal(await other.getByRole('textbox', { name: 'Question' }).inputValue(), 'half a quest');
  other.clean();
});
