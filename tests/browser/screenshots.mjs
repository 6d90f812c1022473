// Writes docs/screenshots: every page, light and dark, 1440 and 390 px wide, over the scripted company; and layouts.json beside this
// file: where the parts of each page stand, also empty and failed.
// usage: node tests/browser/screenshots.mjs [PAGE…]; small files want `pngquant` on the path.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cases, layoutOf, LAYOUTS, shotOf, SHOTS } from './look.mjs';
import { startScriptedApi } from './scripted_api.mjs';
import { launch, startSegue } from './stage.mjs';
import { furnish, openView, shots, THEMES } from './views.mjs';

mkdirSync(SHOTS, { recursive: true });
const [segue, browser] = await Promise.all([startSegue(), launch()]);
const api = await startScriptedApi(segue.url);
const furniture = furnish(api);
const wanted = process.argv.slice(2);
const layouts = existsSync(LAYOUTS) ? JSON.parse(readFileSync(LAYOUTS, 'utf8')) : {};

for (const { key, name, width, mode } of cases()) {
  if (wanted.length && !wanted.includes(name)) continue;
  const page = await openView(browser, api, furniture, name, { width, mode });
  layouts[key] = await layoutOf(page);
  const pictures = mode === 'full' ? await shots(page) : {};
  for (const theme of THEMES.filter((one) => pictures[one])) {
    const small = spawnSync('pngquant', ['--quality=60-95', '--strip', '-'], {
      input: pictures[theme],
      maxBuffer: 1 << 24,
    });
    writeFileSync(shotOf(name, theme, width), small.status === 0 ? small.stdout : pictures[theme]);
  }
  await page.context().close();
}
const lines = Object.keys(layouts)
  .sort()
  .map((key) => `${JSON.stringify(key)}: ${JSON.stringify(layouts[key])}`);
writeFileSync(LAYOUTS, `{\n${lines.join(',\n')}\n}\n`);
await browser.close();
await api.stop();
await segue.stop();
