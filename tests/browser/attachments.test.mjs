// What goes along with a question: pictures for a model that sees, and files that are this conversation's alone.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  api,
  checkPage,
  engineConfig,
  lastAnswer,
  launch,
  openPage,
  PASSWORD,
  say,
  setUp,
  signIn,
  startEngine,
  startSegue,
  until,
} from './stage.mjs';

// One red dot.
const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==';
let segue, eyes, words, browser, page;
before(async () => {
  eyes = await startEngine(() => ({ text: 'I see a red dot.' }), { model: 'seeing' });
  words = await startEngine(
    () => ({ text: 'I read that the budget of the observatory is 4200 euros [1].' }),
    { model: 'reading', blind: true },
  );
  [segue, browser] = await Promise.all([
    startSegue({ config: engineConfig(eyes, words), database: true }),
    launch(),
  ]);
  const ada = await openPage(browser);
  await setUp(segue, ada);
  // A person who may ask, and nothing else, can attach things, too.
  await api(ada, 'POST', 'people', { login: 'bo', name: 'Bo', role: 'user', password: PASSWORD });
  await until(
    async () => {
      const { models } = await (await api(ada, 'GET', 'models')).json();
      return (
        models.find((one) => one.name.startsWith('seeing'))?.capabilities.includes('vision') &&
        models.find((one) => one.name.startsWith('reading'))?.capabilities.length
      );
    },
    'it is known who sees',
    60,
  );
  page = await openPage(browser);
  await signIn(segue, page, 'bo', '/ui/chat');
});
after(async () => {
  await browser?.close();
  await segue?.stop();
  await Promise.all([eyes?.kill(), words?.kill()]);
});
async function choose(model) {
  await page.getByRole('button', { name: /^Model:/ }).click();
  await page.getByRole('menuitem', { name: new RegExp(`^${model}`) }).click();
}
async function noDocuments() {
  await page.getByRole('button', { name: /^Collections:/ }).click();
  for (const box of await page.locator('.collections-panel input:checked').all()) await box.uncheck();
  await page.keyboard.press('Escape');
}

test('a picture is pasted, shown, sent to a model that sees, and kept', async () => {
  await choose('seeing');
  await noDocuments();
  await page.getByRole('textbox', { name: 'Question' }).focus();
  await page.evaluate((data) => {
    const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
    const clipboardData = new DataTransfer();
    clipboardData.items.add(new File([bytes], 'dot.png', { type: 'image/png' }));
    document
      .querySelector('#question')
      .dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
  }, PNG);
  await page.getByRole('img', { name: 'Picture 1' }).waitFor();
  await checkPage(page, 'composer with a picture');
  await say(page, 'What do you see?');
  await lastAnswer(page).getByText('I see a red dot.').waitFor({ timeout: 30_000 });
  const asked = eyes.requests.findLast((one) => JSON.stringify(one).includes('What do you see?'));
  assert.equal(
    asked.messages.at(-1).content.find((part) => part.type === 'image_url').image_url.url,
    `data:image/png;base64,${PNG}`,
  );
  await page.reload();
  await page.locator('.question').getByRole('img', { name: 'Picture 1' }).waitFor();
  page.clean();
});

test('a file is a source of this conversation, and of no other', async () => {
  await page.goto(`${segue.url}/ui/chat`);
  await choose('reading');
  await noDocuments();
  const chooser = page.waitForEvent('filechooser');
  await page.getByRole('button', { name: 'Attach a file' }).click();
  await (
    await chooser
  ).setFiles([
    {
      name: 'budget.md',
      mimeType: 'text/markdown',
      buffer: Buffer.from('# Budget\n\nThe budget of the observatory is 4200 euros this year.\n'),
    },
  ]);
  await page.locator('.attached', { hasText: 'budget.md' }).waitFor({ timeout: 30_000 });
  await page.getByRole('button', { name: 'Remove budget.md' }).waitFor();
  await say(page, 'What is the budget of the observatory?');
  const cite = lastAnswer(page).locator('a.cite').first();
  await cite.waitFor({ timeout: 30_000 });
  assert.equal(await cite.getAttribute('data-why'), null);
  await cite.click();
  await page.getByRole('complementary', { name: 'Sources' }).getByText('4200 euros').waitFor();
  const found = await (
    await api(page, 'POST', 'search', { query: 'observatory budget', mode: 'keyword' })
  ).json();
  assert.deepEqual(found.hits, []);
  page.clean();
});

test('a picture for a model that does not see says so before it is sent', async () => {
  await page.goto(`${segue.url}/ui/chat`);
  await choose('reading');
  const chooser = page.waitForEvent('filechooser');
  await page.getByRole('button', { name: 'Attach a file' }).click();
  await (
    await chooser
  ).setFiles([{ name: 'dot.png', mimeType: 'image/png', buffer: Buffer.from(PNG, 'base64') }]);
  await page
    .locator('.toast[role=alert]')
    .getByText(/reading.* takes no pictures/)
    .waitFor();
  assert.equal(await page.locator('.attached li').count(), 0);
  page.clean();
});
