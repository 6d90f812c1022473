// How every page looks, light and dark, wide and narrow, full, empty and failed, held against docs/screenshots and layouts.json. Pixels
// are not equal over versions of Chromium and its fonts, so boxes may move a little, and pictures are compared blurred (look.mjs says how).
// A change that is meant: `node tests/browser/screenshots.mjs PAGE…`, and look at what it wrote.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { cases, differing, layoutOf, LAYOUTS, movedBoxes, shotOf } from './look.mjs';
import { startScriptedApi } from './scripted_api.mjs';
import { launch, startSegue } from './stage.mjs';
import { furnish, openView, shots, THEMES, WIDTHS } from './views.mjs';

const MOVED_PX = 4;
const MOST_DIFFERING = 0.01; // of all blurred pixels; a missing button of a narrow page is 1.5 %
let segue, browser, api, furniture, compare;
before(async () => {
  [segue, browser] = await Promise.all([startSegue(), launch()]);
  api = await startScriptedApi(segue.url);
  furniture = furnish(api);
  compare = await browser.newPage();
});
after(async () => {
  await browser?.close();
  await api?.stop();
  await segue?.stop();
});

const layouts = JSON.parse(readFileSync(LAYOUTS, 'utf8'));
test('every page is held against how it looked', () => {
  assert.deepEqual(
    cases()
      .map(({ key }) => key)
      .sort(),
    Object.keys(layouts).sort(),
  );
});
for (const width of WIDTHS)
  test(`each page looks as docs/screenshots shows it, ${width} px, and its parts stand where they stood`, async (t) => {
    let most = 0;
    for (const { key, name, mode } of cases().filter((one) => one.width === width)) {
      const page = await openView(browser, api, furniture, name, { width, mode });
      assert.deepEqual(movedBoxes(layouts[key], await layoutOf(page), MOVED_PX), [], key);
      const pictures = mode === 'full' ? await shots(page) : {};
      for (const theme of THEMES.filter((one) => pictures[one])) {
        const share = await differing(compare, readFileSync(shotOf(name, theme, width)), pictures[theme]);
        assert.ok(
          share <= MOST_DIFFERING,
          `${name}, ${theme}: ${(share * 100).toFixed(2)} % of it looks different`,
        );
        most = Math.max(most, share);
      }
      await page.context().close();
    }
    t.diagnostic(`at most ${(most * 100).toFixed(2)} % of a picture differs`);
  });

test('a difference is seen', async () => {
  const page = await openView(browser, api, furniture, 'engines', { width: 390 });
  const [shot, boxes] = [await page.screenshot(), await layoutOf(page)];
  await page.evaluate(() => document.querySelector('article header').style.setProperty('margin-top', '24px'));
  assert.ok((await differing(compare, shot, await page.screenshot())) > MOST_DIFFERING);
  assert.notDeepEqual(movedBoxes(boxes, await layoutOf(page), MOVED_PX), []);
  await page.context().close();
});
