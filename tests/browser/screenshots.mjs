// Writes docs/screenshots: every page, light and dark, 1440 and 390 px wide, over the scripted company.
// usage: node tests/browser/screenshots.mjs [PAGE…]; small files want `pngquant` on the path.
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ANSWER, citationsOf, record, session, sources } from './company.mjs';
import { startScriptedApi } from './scripted_api.mjs';
import { launch, openPage, ROOT, sleep, startSegue } from './stage.mjs';

const out = join(ROOT, 'docs/screenshots');
mkdirSync(out, { recursive: true });
const [segue, browser] = await Promise.all([startSegue(), launch()]);
const api = await startScriptedApi(segue.url);
const chat = api.converse('Pointing an application at Segue', [
  { text: 'How do I point my application at Segue?' },
  { role: 'assistant', text: ANSWER.replace(/\n2\. .*\n/, '\n'), sources, citations: citationsOf(ANSWER).slice(0, 3), record },
]);
const day = 86_400_000;
for (const [title, days, more] of [
  ['GPU sizing for 40 people', 0, {}],
  ['Which keys may use llama3.1:70b?', 0, {}],
  ['Retention of logs', 1, { pinned: true }],
  ['Übersicht der Fristen im Rahmenvertrag', 1, {}],
  ['安全手册第三章', 3, {}],
])
  api.converse(title, [{ text: title }], { ...more, updated_at: new Date(Date.now() - days * day).toISOString() });

const PAGES = {
  chat: [`chat/${chat.id}?message=${chat.messages[1].id}&source=1`, '.cite', `chat/${chat.id}`],
  'chat-new': ['chat', '#question'],
  documents: ['documents/handbook', '.documents li'],
  document: ['document/d0?passage=q3', '.passage'],
  search: ['search?q=How+do+I+point+my+application+at+Segue%3F&explain=1', '.hits li'],
  engines: ['engines', 'article'],
  traffic: ['traffic', 'canvas'],
  people: ['people', 'main li'],
  keys: ['people/keys', 'main li'],
  activity: ['activity', 'main li'],
  settings: ['settings', 'table'],
  'sign-in': ['sign-in', 'form'],
};
const wanted = process.argv.slice(2);
for (const [name, [path, ready, narrow]] of Object.entries(PAGES)) {
  if (wanted.length && !wanted.includes(name)) continue;
  api.session = name === 'sign-in' ? { ...session, person: null, permissions: [] } : structuredClone(session);
  for (const theme of ['light', 'dark'])
    for (const width of [1440, 390]) {
      const page = await openPage(browser, { theme, width, height: width > 600 ? 900 : 844 });
      await page.clock.setFixedTime(new Date('2026-11-24T12:00:30Z'));
      await page.goto(`${api.url}/ui/${width < 600 && narrow ? narrow : path}`);
      await page.locator(ready).first().waitFor();
      await sleep(600);
      const file = `${name}-${theme}-${width}.png`;
      let png = await page.screenshot();
      const small = spawnSync('pngquant', ['--quality=60-95', '--strip', '-'], { input: png, maxBuffer: 1 << 24 });
      if (small.status === 0) png = small.stdout;
      writeFileSync(join(out, file), png);
      await page.context().close();
    }
}
await browser.close();
await api.stop();
await segue.stop();
