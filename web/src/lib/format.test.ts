import { afterEach, expect, test } from 'vitest';
import { i18n, useLanguage } from '@/i18n';
import { bytes, count, duration, longDay, percent, relativeTime, span } from './format';

afterEach(() => (i18n.global.locale.value = 'en'));
const plain = (text: string) => text.replaceAll('\u00a0', ' ');

test('durations have the unit that fits', () => {
  const said = [0, 0.35, 21, 210, 9_999, 12_340, 250_000, 11_100_000, 187_200_000].map((ms) =>
    plain(duration(ms)),
  );
  expect(said).toEqual([
    '0 ms',
    '0.4 ms',
    '21 ms',
    '0.21 s',
    '10.00 s',
    '12.3 s',
    '4 min 10 s',
    '3 h 5 min',
    '2 d 4 h',
  ]);
});
test('sizes', () => {
  expect([0, 999, 12_000, 1_500_000].map((size) => plain(bytes(size)))).toEqual([
    '0 B',
    '999 B',
    '12.0 kB',
    '1.5 MB',
  ]);
});
test('numbers are in the language of the page', async () => {
  expect(count(1234567)).toBe('1,234,567');
  await useLanguage('de');
  expect(count(1234567)).toBe('1.234.567');
  expect(plain(percent(0.031))).toBe('3,1 %');
});
test('times are relative while they are near', () => {
  const now = Date.parse('2026-11-24T12:00:00Z');
  expect(relativeTime(now - 10_000, now)).toBe('now');
  expect(relativeTime(now - 180_000, now)).toBe('3 min. ago');
  expect(relativeTime(now - 40 * 86_400_000, now)).toContain('2026');
});
test('how long something has been so is in whole units', () => {
  expect([200, 21_400, 250_000].map((ms) => plain(span(ms)))).toEqual(['1 s', '21 s', '4 min 10 s']);
});
test('days have names while they are near', () => {
  const now = new Date(2026, 10, 24, 12).getTime();
  expect(longDay(new Date(2026, 10, 24), now)).toBe('Today');
  expect(longDay(new Date(2026, 10, 23), now)).toBe('Yesterday');
  expect(longDay(new Date(2026, 10, 2), now)).toBe('Monday, November 2');
  expect(longDay(new Date(2025, 10, 2), now)).toContain('2025');
});
