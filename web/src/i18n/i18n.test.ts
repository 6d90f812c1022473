// No key is missing, none is unused, and every language says the same with the same values.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createI18n } from 'vue-i18n';
import { describe, expect, test } from 'vitest';
import de from './de.json';
import en from './en.json';
import zh from './zh.json';

type Tree = { [key: string]: string | Tree };
function flat(tree: Tree, before = ''): Record<string, string> {
  return Object.entries(tree).reduce<Record<string, string>>(
    (all, [key, value]) => ({
      ...all,
      ...(typeof value === 'string' ? { [before + key]: value } : flat(value, `${before}${key}.`)),
    }),
    {},
  );
}
const english = flat(en);
const sources = readdirSync(join(__dirname, '..'), { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.(vue|ts)$/.test(name) && !name.includes('.test.'))
  .map((name) => readFileSync(join(__dirname, '..', name), 'utf8'));
const code = sources.join('\n');

// t('a.b'), and t(`a.${x}`), which stands for every key that begins and ends so.
const literal = new Set([...code.matchAll(/(?<![\w.])\$?t\(\s*'([^']+)'/g)].map((found) => found[1] ?? ''));
for (const found of code.matchAll(/(?:text|title): '([a-z]\w*\.\w+)'/g)) literal.add(found[1] ?? '');
for (const found of code.matchAll(/\?\s*'([a-z]\w*\.\w[\w.]*)'\s*:\s*'([a-z]\w*\.\w[\w.]*)'/g)) {
  literal.add(found[1] ?? '');
  literal.add(found[2] ?? '');
}
for (const found of code.matchAll(/\bt\(\s*'([^']+)'/g)) literal.add(found[1] ?? '');
const made = [...code.matchAll(/`([a-zA-Z]+(?:\.[a-zA-Z]+)*\.)\$\{[^}]+\}([^`]*)`/g)].map((found) => ({
  begin: found[1] ?? '',
  end: found[2] ?? '',
}));
const isMade = (key: string) => made.some(({ begin, end }) => key.startsWith(begin) && key.endsWith(end));

test('every key that the page uses is there', () => {
  const used = [...literal].filter((key) => /^[a-zA-Z]+\.[\w.]+$/.test(key));
  expect(used.length).toBeGreaterThan(200);
  expect(used.filter((key) => !(key in english))).toEqual([]);
});

test('every key is used', () => {
  expect(Object.keys(english).filter((key) => !literal.has(key) && !isMade(key))).toEqual([]);
});

const values = (text: string) =>
  [...new Set([...text.matchAll(/\{(\w+)\}/g)].map((found) => found[1]))].sort();

describe.each([
  ['de', flat(de)],
  ['zh', flat(zh)],
])('%s', (_, other) => {
  test('has the same keys', () => {
    expect(Object.keys(other).sort()).toEqual(Object.keys(english).sort());
  });
  test('names no value that English has not', () => {
    const wrong = Object.keys(english).filter((key) =>
      values(other[key] ?? '').some((value) => !values(english[key] ?? '').includes(value)),
    );
    expect(wrong).toEqual([]);
  });
  test('is translated', () => {
    const words = (text: string) =>
      text
        .replace(/\{[^}]*\}/g, '')
        .replace(/[^\p{L}]+/gu, ' ')
        .trim();
    const same = Object.keys(english).filter(
      (key) => other[key] === english[key] && words(english[key] ?? '').length > 10,
    );
    expect(same).toEqual([]);
  });
});

test('every text can be said', () => {
  for (const [language, messages] of Object.entries({ en, de, zh })) {
    const i18n = createI18n({ legacy: false, locale: language, messages: { [language]: messages } });
    for (const key of Object.keys(english))
      for (const n of [0, 1, 7]) {
        const said = i18n.global.t(key, { n: String(n), id: 'handbook' }, n);
        expect(said, `${language} ${key}`).not.toBe(key);
        expect(said, `${language} ${key}`).not.toContain(' | ');
      }
  }
});
