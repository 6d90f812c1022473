import { expect, test } from 'vitest';
import { rank } from './fuzzy';

test('the beginning of words counts most', () => {
  const names = ['Settings', 'Search', 'People and keys', 'GPU sizing for 40 people', '安全手册'];
  expect(rank(names, 'sea', (one) => one)[0]).toBe('Search');
  expect(rank(names, 'pak', (one) => one)[0]).toBe('People and keys');
  expect(rank(names, 'gpu', (one) => one)).toEqual(['GPU sizing for 40 people']);
  expect(rank(names, '手册', (one) => one)).toEqual(['安全手册']);
  expect(rank(names, 'zzz', (one) => one)).toEqual([]);
});
