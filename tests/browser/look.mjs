// What is compared when a page is held against how it looked: where its parts stand, and the picture itself, blurred to a quarter, so
// that another Chromium's smoothing of letters is no difference and a moved, missing or recoloured part is.
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { ROOT } from './stage.mjs';
import { LISTS, NAMES, WIDTHS } from './views.mjs';

export const SHOTS = join(ROOT, 'docs/screenshots');
export const LAYOUTS = fileURLToPath(new URL('./layouts.json', import.meta.url));

/** Every view: full, and where its list can be so, empty and failed. */
export function cases() {
  const all = [];
  for (const width of WIDTHS) {
    for (const name of NAMES) all.push({ key: `${name} full ${width}`, name, width, mode: 'full' });
    for (const name of LISTS)
      for (const mode of ['empty', 'error']) all.push({ key: `${name} ${mode} ${width}`, name, width, mode });
  }
  return all;
}
export const shotOf = (name, theme, width) => join(SHOTS, `${name}-${theme}-${width}.png`);

/** The boxes of what a page consists of: [what, x, y, width, height]. */
export const layoutOf = (page) =>
  page.evaluate(() =>
    [
      ...document.querySelectorAll(
        'nav, main, header, aside, section, article, form, figure, footer, h1, h2, .empty, .error, [role=alert]',
      ),
    ]
      .map((one) => [one, one.getBoundingClientRect()])
      .filter(
        ([one, { width, height, top, left }]) =>
          width > 1 &&
          height > 1 &&
          top < innerHeight &&
          left < innerWidth &&
          getComputedStyle(one).visibility === 'visible',
      )
      .map(([one, box]) => [
        one.classList[0] ? `${one.localName}.${one.classList[0]}` : one.localName,
        ...[box.x, box.y, box.width, box.height].map(Math.round),
      ]),
  );

/** What stands elsewhere by more than `tolerance` px, is new, or is gone. */
export function movedBoxes(before, now, tolerance) {
  if (before.length !== now.length || before.some(([what], at) => now[at][0] !== what)) {
    const names = (boxes) => boxes.map(([what]) => what).join(' ');
    return [`parts: ${names(now)}; they were: ${names(before)}`];
  }
  return before.flatMap((box, at) =>
    box.slice(1).some((value, which) => Math.abs(value - now[at][which + 1]) > tolerance)
      ? [`${box.join(' ')} is now ${now[at].slice(1).join(' ')}`]
      : [],
  );
}

/** The share of (blurred) pixels that differ visibly, computed by the browser itself: no decoder of our own. */
export const differing = (page, before, now) =>
  page.evaluate(
    async ([one, other]) => {
      const SCALE = 4;
      const VISIBLE = 28; // of 255, in any of red, green, blue
      const small = async (data) => {
        const bitmap = await createImageBitmap(await (await fetch(`data:image/png;base64,${data}`)).blob());
        const canvas = new OffscreenCanvas(Math.ceil(bitmap.width / SCALE), Math.ceil(bitmap.height / SCALE));
        const context = canvas.getContext('2d');
        context.imageSmoothingQuality = 'high';
        context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
        return context.getImageData(0, 0, canvas.width, canvas.height);
      };
      const [a, b] = await Promise.all([small(one), small(other)]);
      if (a.width !== b.width || a.height !== b.height) return 1;
      let count = 0;
      for (let at = 0; at < a.data.length; at += 4)
        if ([0, 1, 2].some((channel) => Math.abs(a.data[at + channel] - b.data[at + channel]) > VISIBLE))
          count += 1;
      return (count * 4) / a.data.length;
    },
    [before.toString('base64'), now.toString('base64')],
  );
