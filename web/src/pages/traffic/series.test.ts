import { expect, test } from 'vitest';
import type { Traffic, TrafficPoint } from '@/api/schema';
import { alone, filled, merge, seriesOf } from './series';

const none = { p50: null, p95: null, p99: null, count: 0 };
const point = (minute: number, requests: number): TrafficPoint => ({
  at: `2026-11-24T12:${String(minute).padStart(2, '0')}:00Z`,
  requests,
  errors: 0,
  first_token_ms: none,
  total_ms: none,
  tokens_per_second: null,
  tokens_in: 0,
  tokens_out: 0,
});
const traffic = (from: number, until: number, points: TrafficPoint[]): Traffic => ({
  from: `2026-11-24T12:${String(from).padStart(2, '0')}:00Z`,
  until: `2026-11-24T12:${String(until).padStart(2, '0')}:00Z`,
  step_s: 60,
  series: [{ model: '', engine: '', points, summary: point(0, 0) }],
  marks: [],
});

test('new points replace those of their time; what left the window goes', () => {
  const merged = merge(
    traffic(0, 3, [point(0, 1), point(1, 2), point(2, 3)]),
    traffic(2, 4, [point(2, 30), point(3, 4)]),
  );
  expect(merged.series[0]?.points.map((one) => one.requests)).toEqual([2, 30, 4]);
  expect(merged.until).toBe('2026-11-24T12:04:00Z');
});
test('what was not measured is a gap, not zero', () => {
  expect(seriesOf('p99', '--x', [point(0, 5)], (one) => one.first_token_ms.p99).ys).toEqual([null]);
});
test('steps in which nothing was asked are there, and are zero or a gap', () => {
  const all = filled(traffic(0, 5, []), [point(1, 7), point(4, 2)]);
  expect(all.map((one) => one.requests)).toEqual([0, 7, 0, 0, 2, 0]);
  expect(all[2]?.first_token_ms.p50).toBeNull();
  expect(filled(traffic(0, 5, []), [])).toEqual([]);
});
test('a point without neighbours is a dot', () => {
  expect(alone([1, null, 2, null, 3, 4, null, undefined, 5])).toEqual([0, 2, 8]);
});
