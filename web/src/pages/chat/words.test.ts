import { expect, test } from 'vitest';
import { markWords } from './words';

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
