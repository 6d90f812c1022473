import { expect, test } from 'vitest';
import { causeOf, standingOf, type Engine } from './engine';

const engine = (more: Partial<Engine>): Engine => ({
  name: 'a',
  url: 'http://x',
  dialect: 'openai',
  kind: 'vllm',
  version: '1',
  state: 'up',
  rehearsal: false,
  drained: false,
  models: [],
  ...more,
});
const breaker = (state: 'closed' | 'open' | 'half_open') => ({
  state,
  reason: 'x',
  next_trial_in_ms: 1,
  in_state_ms: 1,
  last_ejection_ms: 0,
  failures_in_a_row: 0,
  window_requests: 0,
  window_failures: 0,
  ejections: {},
});

test.each([
  [{}, 'up', 'ok'],
  [{ sleeping: true }, 'asleep', 'warning'],
  [{ breaker: breaker('closed') }, 'up', 'ok'],
  [{ breaker: breaker('half_open') }, 'trial', 'warning'],
  [{ breaker: breaker('open') }, 'ejected', 'bad'],
  [{ state: 'down', breaker: breaker('open') }, 'ejected', 'bad'],
  [{ state: 'down' }, 'down', 'bad'],
  [{ state: 'unknown' }, 'unseen', 'unknown'],
  [{ drained: true, breaker: breaker('open') }, 'drained', 'warning'],
  [{ drained: true, state: 'down' }, 'down', 'bad'],
] as [Partial<Engine>, string, string][])('%j is %s', (more, cause, standing) => {
  expect(causeOf(engine(more))).toBe(cause);
  expect(standingOf(engine(more))).toBe(standing);
});
