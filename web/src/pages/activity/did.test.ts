import { expect, test } from 'vitest';
import type { ActivityEntry } from '@/api/schema';
import { byDay, did } from './did';

const entry = (more: Partial<ActivityEntry>): ActivityEntry => ({
  ...{ id: '1', at: '2026-11-24T12:00:00Z', person: 'p', person_name: 'Ada', action: 'key.create' },
  ...{ target: 'nightly', detail: {}, address: '' },
  ...more,
});

test('what is known is a sentence, what is not stands as it is', () => {
  expect(did(entry({}))).toBe('created the key nightly');
  expect(did(entry({ action: 'session.begin', target: 'ada' }))).toBe('signed in');
  expect(did(entry({ action: 'gpu.reset', target: '0' }))).toBe('gpu.reset · 0');
});

test('one group a day', () => {
  const at = (day: number, hour: number) => new Date(2026, 10, day, hour).toISOString();
  const days = byDay([entry({ at: at(24, 9) }), entry({ at: at(24, 0) }), entry({ at: at(23, 23) })]);
  expect(days.map((one) => one.entries.length)).toEqual([2, 1]);
});
