// Every page as docs/screenshots shows it: one company, one moment, one font. screenshots.mjs writes the pictures, snapshots.test.mjs
// holds the page against them.
import { ago, ANSWER, citationsOf, record, session, sources } from './company.mjs';
import { openPage, sleep } from './stage.mjs';

export const THEMES = ['light', 'dark'];
export const WIDTHS = [1440, 390];
const NOW = new Date('2026-11-24T12:00:30Z');

/** Address, what has to be there before the picture, and another address for a narrow window. */
const VIEWS = {
  chat: ['chat/:chat?message=:answer&source=1', '.cite', 'chat/:chat'],
  'chat-new': ['chat', '#question'],
  documents: ['documents/handbook', 'main li'],
  document: ['document/d0?passage=q3', '.passage'],
  search: ['search?q=How+do+I+point+my+application+at+Segue%3F&explain=1', '.hits li'],
  engines: ['engines', 'article'],
  traffic: ['traffic', 'canvas'],
  people: ['people', 'main li'],
  keys: ['people/keys', 'main li'],
  activity: ['activity', 'main li'],
  settings: ['settings', '.values'],
  'sign-in': ['sign-in', 'form'],
  setup: ['setup#token=t', 'form'],
};
export const NAMES = Object.keys(VIEWS);
/** Those whose lists can be empty or fail. */
export const LISTS = ['documents', 'search', 'engines', 'traffic', 'keys', 'activity'];

/** What the scripted API tells of conversations. */
export function furnish(api) {
  const chat = api.converse(
    'Pointing an application at Segue',
    [
      { text: 'How do I point my application at Segue?' },
      {
        role: 'assistant',
        text: ANSWER.replace(/\n2\. .*\n/, '\n'),
        sources,
        citations: citationsOf(ANSWER).slice(0, 3),
        record,
      },
    ],
    { updated_at: ago(40) },
  );
  const day = 86_400;
  for (const [title, days, more] of [
    ['GPU sizing for 40 people', 0.1, {}],
    ['Which keys may use llama3.1:70b?', 0.2, {}],
    ['Retention of logs', 1, { pinned: true }],
    ['Übersicht der Fristen im Rahmenvertrag', 1, {}],
    ['安全手册第三章', 3, {}],
  ])
    api.converse(title, [{ text: title }], { ...more, updated_at: ago(days * day) });
  return { ':chat': chat.id, ':answer': chat.messages[1].id };
}

/** The page in the light theme, ready to be looked at; the caller closes its context. */
export async function openView(browser, api, furniture, name, { width, mode = 'full' }) {
  const [wide, ready, narrow] = VIEWS[name];
  const path = (width < 600 && narrow ? narrow : wide).replace(/:chat|:answer/g, (word) => furniture[word]);
  api.mode = mode;
  api.session = /sign-in|setup/.test(name)
    ? { ...session, person: null, permissions: [], setup_needed: name === 'setup' }
    : structuredClone(session);
  const page = await openPage(browser, { width, height: width > 600 ? 900 : 844 });
  await page.clock.setFixedTime(NOW);
  await page.goto(`${api.url}/ui/${path}`);
  await page
    .locator(mode === 'full' ? ready : `${ready}, .empty, .error`)
    .first()
    .waitFor();
  await page.evaluate(() => {
    document.documentElement.style.setProperty('--font', "'DejaVu Sans', sans-serif");
    document.documentElement.style.setProperty('--mono', "'DejaVu Sans Mono', monospace");
  });
  await page.waitForLoadState('networkidle');
  await sleep(150);
  return page;
}

/** Its picture in each theme. */
export async function shots(page) {
  const made = {};
  for (const colorScheme of THEMES) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await sleep(150); // charts are drawn anew
    made[colorScheme] = await page.screenshot();
  }
  return made;
}
