import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { AnswerText } from './engine';
import { sanitized } from './sanitize';

const corpus = readFileSync(join(__dirname, '../../../tests/browser/xss.txt'), 'utf8').trim().split('\n');

/** What is in the DOM and could run, load or lead elsewhere. */
function dangers(fragment: DocumentFragment): string[] {
  const found: string[] = [];
  for (const element of fragment.querySelectorAll('*')) {
    if (
      /^(script|style|iframe|object|embed|svg|math|img|image|video|audio|form|input|button|link|meta|base|template|noscript)$/i.test(
        element.tagName,
      )
    )
      found.push(element.outerHTML);
    for (const { name, value } of element.attributes) {
      if (/^on|^style$|^src|^formaction$|^xlink/i.test(name)) found.push(`${name}=${value}`);
      if (name === 'href' && !/^(https?:|mailto:|#source-\d+$)/.test(value)) found.push(`${name}=${value}`);
    }
  }
  return found;
}

test('the corpus is as large as it must be', () => {
  expect(corpus.length).toBeGreaterThanOrEqual(150);
});

test.each(corpus)('an answer cannot carry %s', (payload) => {
  for (const text of [
    payload,
    `| a |
|---|
| x ${payload} |

- y

  ${payload}`,
  ]) {
    for (const block of new AnswerText().update(text, new Set([1])))
      if (block.kind === 'html') expect(dangers(sanitized(block.html))).toEqual([]);
  }
  expect(dangers(sanitized(payload))).toEqual([]); // and were Markdown's escaping to fail, the sanitiser holds alone
});

test('links to elsewhere open without an opener, and show where they lead', () => {
  const link = sanitized('<a href="https://x.example/a">x</a>').querySelector('a');
  expect(link?.rel).toBe('noopener noreferrer');
  expect(link?.target).toBe('_blank');
  expect(link?.title).toBe('https://x.example/a');
});

test('what our own renderer needs passes', () => {
  const fragment = sanitized(
    '<ol start="3"><li>x <a class="cite" href="#source-2" data-cite="2" data-why="no_such_source">2</a></li></ol><div class="wide" tabindex="0"></div><span class="math" data-tex="a&lt;b">x</span>',
  );
  expect(fragment.querySelector('ol')?.getAttribute('start')).toBe('3');
  expect(fragment.querySelector<HTMLElement>('a.cite')?.dataset['why']).toBe('no_such_source');
  expect(fragment.querySelector('a.cite')?.hasAttribute('target')).toBe(false);
  expect(fragment.querySelector('div')?.getAttribute('tabindex')).toBe('0');
  expect(fragment.querySelector<HTMLElement>('.math')?.dataset['tex']).toBe('a<b');
});
