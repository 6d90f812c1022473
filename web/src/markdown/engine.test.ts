import { expect, test } from 'vitest';
import { AnswerText, sealCites, type Block, type Cite } from './engine';

const SOURCES = new Set([1, 2]);
const TEXT = `# Set-up

Set \`OLLAMA_HOST\` to the address [1]. Prices are $5 and $6; the mean is $\\frac{a}{b}$ [2].

\`\`\`bash
# a comment [1]
export OLLAMA_HOST=http://127.0.0.1:8484

ollama run x
\`\`\`

1. one [1]
2. two

   deeper

| a | b |
|---|--:|
| 1 | 2 [2] |

$$
x^2
$$

> quoted **bold

Setext
======

last [9] word`;

const html = (blocks: readonly Block[]) =>
  blocks.map((one) => (one.kind === 'html' ? one.html : `CODE ${one.language} ${one.text}`)).join('\n');

test('the text at every length renders as if it had come whole', () => {
  const streamed = new AnswerText();
  for (let end = 0; end <= TEXT.length; end += 1) {
    const piece = TEXT.slice(0, end);
    expect(html(streamed.update(piece, SOURCES)), `after ${end} characters`).toBe(
      html(new AnswerText().update(piece, SOURCES)),
    );
  }
});

test('pieces of any size give the same', () => {
  for (const size of [2, 3, 7, 40, 111]) {
    const streamed = new AnswerText();
    let blocks: readonly Block[] = [];
    for (let end = 0; end < TEXT.length + size; end += size)
      blocks = streamed.update(TEXT.slice(0, end), SOURCES);
    expect(html(blocks)).toBe(html(new AnswerText().update(TEXT, SOURCES)));
  }
});

test('a closed block stays the same object while the text grows, and when it is over', () => {
  const streamed = new AnswerText();
  const first = streamed.update('one\n\n```js\nx\n```\n\nthree', SOURCES);
  const later = streamed.update('one\n\n```js\nx\n```\n\nthree and more\n\nfour', SOURCES);
  expect(later[0]).toBe(first[0]);
  expect(later[1]).toBe(first[1]);
  const over = streamed.finish('one\n\n```js\nx\n```\n\nthree and more\n\nfour', [], []);
  expect(over[0]).toBe(first[0]);
  expect(over[2]).toBe(later[2]);
});

test('a fence is code from its first line, and closed by its last', () => {
  const open = new AnswerText().update('```py\nprint(1)', SOURCES);
  expect(open).toEqual([{ kind: 'code', language: 'py', text: 'print(1)', closed: false }]);
  expect(new AnswerText().update('```py\nprint(1)\n```', SOURCES)).toMatchObject([{ closed: true }]);
  expect(new AnswerText().update('````md\n```\n````', SOURCES)).toMatchObject([
    { text: '```', closed: true },
  ]);
});

test('a number that is no source is text while it streams', () => {
  const blocks = html(new AnswerText().update('a [1] b [9] c [1](https://x.example) `[1]` [10][1]', SOURCES));
  expect(blocks.match(/class="cite"/g)).toHaveLength(2);
  expect(blocks).toContain('[9]');
  expect(blocks).toContain('<code>[1]</code>');
});

test('checked marks stand where the server saw them, whatever is around', () => {
  const text = 'Ärger 😀 [1] and **bold [2]** and `code [1]` and [3].';
  const cites: Cite[] = [];
  const places = [...text.matchAll(/\[(\d)\]/g)].map((found) => {
    const n = Number(found[1]);
    cites.push({ n, supported: n < 3, reason: n < 3 ? null : 'no_such_source' });
    return { start: found.index, end: found.index + 3 };
  });
  const rendered = html(new AnswerText().finish(text, places, cites));
  expect(rendered).toContain('😀 <a class="cite" href="#source-1" data-cite="1">1</a>');
  expect(rendered).toContain('<strong>bold <a class="cite" href="#source-2"');
  expect(rendered).toContain('<code>code [1]</code>');
  expect(rendered).toContain('data-cite="3" data-why="no_such_source"');
  expect(rendered).not.toMatch(/[\uE000\uE001]/);
});

test('a text cannot seal marks by itself', () => {
  expect(sealCites('a \uE0000\uE001 [1]', [{ start: 6, end: 9 }])).toBe('a 0 \uE0000\uE001');
  expect(html(new AnswerText().update('a \uE0000\uE001', SOURCES))).toBe('<p>a 0</p>\n');
});

test('prices are no formulae; formulae are', () => {
  const blocks = html(new AnswerText().update('$5 to $6, $x$ and \\(y\\)', SOURCES));
  expect(blocks).toContain('$5 to $6');
  expect(blocks.match(/class="math"/g)).toHaveLength(2);
});

test('an image is its address', () => {
  const rendered = html(new AnswerText().update('![logo](https://evil.example/x.png?q=secret)', SOURCES));
  expect(rendered).not.toContain('<img');
  expect(rendered).toContain(
    '<a href="https://evil.example/x.png?q=secret">logo (https://evil.example/x.png?q=secret)</a>',
  );
});

test('html is text', () => {
  expect(html(new AnswerText().update('<b>x</b>', SOURCES))).toBe('<p>&lt;b&gt;x&lt;/b&gt;</p>\n');
});

test('a long answer costs little at its end', () => {
  const streamed = new AnswerText();
  const paragraph =
    'Words that say something about the matter at hand, and more of them. '.repeat(6) + '\n\n';
  let text = '';
  for (let at = 0; at < 400; at += 1) streamed.update((text += paragraph), SOURCES);
  const begin = performance.now();
  for (let at = 0; at < 50; at += 1) streamed.update((text += 'word '), SOURCES);
  expect(performance.now() - begin).toBeLessThan(250); // 170 kB: whole parses would take seconds
});
