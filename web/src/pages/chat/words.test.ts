import { expect, test } from 'vitest';
import { lastSentence, markWords } from './words';

const hits = (text: string, sentence: string) =>
  markWords(text, sentence)
    .filter((one) => one.hit)
    .map((one) => one.text);

test('the words of the sentence are found in the passage, as it writes them', () => {
  expect(hits('Set OLLAMA_HOST to the Address of Segue.', 'Point it at the address by ollama_host')).toEqual([
    'OLLAMA_HOST',
    'Address',
  ]);
  expect(hits('The cat sat on the mat', 'the cat')).toEqual([]);
});
test('nothing is lost', () => {
  const text = 'Every key has an environment name (SEGUE_LISTEN).';
  expect(
    markWords(text, 'environment name')
      .map((one) => one.text)
      .join(''),
  ).toBe(text);
});
test('the sentence before a mark, also where the mark stands behind its full stop', () => {
  expect(lastSentence('First. Set the address')).toBe('Set the address');
  expect(lastSentence('First. Set the address. ')).toBe('Set the address.');
  expect(lastSentence('第一句。设置地址。')).toBe('设置地址。');
  expect(lastSentence('')).toBe('');
});
test('only where the passage says it, not wherever a word of it stands', () => {
  const passage =
    'Set the address of Segue in your application. An address is no secret.\nThe weather is fine.';
  expect(hits(passage, 'The application gets the address of Segue')).toEqual([
    'address',
    'Segue',
    'application',
  ]);
});
