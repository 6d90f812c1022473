import { fireEvent, screen } from '@testing-library/vue';
import { expect, test } from 'vitest';
import { shallowReactive } from 'vue';
import type { Message, Source } from '@/api/schema';
import { mount, settle } from '@/lib/testKit';
import AnswerView from './AnswerView.vue';
import type { Entry } from './conversation';

const source: Source = {
  n: 1,
  passage: 'p',
  document: 'd',
  collection: 'c',
  title: 'Operations',
  path: 'ops.md',
  text: 'Set OLLAMA_HOST.',
  heading: [],
  page: null,
  first_line: 1,
  last_line: 2,
};
const record = {
  engine: 'gpu-1',
  engine_kind: 'vllm',
  rehearsal: false,
  model: 'llama',
  first_token_ms: 210,
  total_ms: 900,
  tokens_per_second: 58.4,
  tokens_in: 9,
  tokens_out: 9,
  cached_tokens: null,
  queue_ms: null,
  search_ms: null,
  finish_reason: 'stop',
  request_id: 'req_1',
  previous_engine: null,
};
const message = (more: Partial<Message> = {}): Message => ({
  ...{
    id: 'm1',
    conversation: 'c1',
    parent: 'q1',
    siblings: ['m1'],
    role: 'assistant',
    kind: 'text',
    state: 'complete',
  },
  ...{
    text: 'Set the address [1].',
    reasoning: '',
    reasoning_ms: null,
    problem: null,
    images: [],
    sources: [source],
  },
  ...{
    citations: [{ n: 1, start: 16, end: 19, supported: true, reason: null }],
    tool_calls: [],
    context: null,
    record,
    feedback: null,
  },
  created_at: '2026-11-24T12:00:00Z',
  ...more,
});
const show = async (more: Partial<Message> = {}) => {
  const entry: Entry = shallowReactive({ message: message(more), live: null });
  const view = await mount(AnswerView, { props: { entry } });
  await expect
    .poll(() => view.container.querySelector('.block') ?? view.container.querySelector('.broken, .notice'))
    .toBeTruthy();
  return view;
};

test('one quiet line tells engine, model, first token and speed; a click tells all', async () => {
  await show();
  await fireEvent.click(screen.getByRole('button', { name: /vLLM · llama · 0.21\u00a0s · 58 tok\/s/ }));
  expect(await screen.findByText('req_1')).toBeTruthy();
  expect(screen.getByText('the engine does not tell')).toBeTruthy();
});

test('a mark opens its source, with the words before it', async () => {
  const view = await show();
  const cite = view.container.querySelector('a.cite');
  if (!cite) throw new Error('no mark');
  await fireEvent.click(cite);
  expect(view.emitted('cite')).toEqual([[1, 'Set the address']]);
});

test('an unsupported mark says why', async () => {
  const view = await show({
    citations: [{ n: 1, start: 16, end: 19, supported: false, reason: 'not_enough_in_common' }],
  });
  expect(view.container.querySelector('a.cite[data-why=not_enough_in_common]')).toBeTruthy();
  await fireEvent.mouseOver(view.container.querySelector('a.cite') as Element);
  expect((await screen.findByRole('tooltip')).textContent).toContain('too little in common');
});

test('a broken answer keeps its text, says what broke, and offers both ways on', async () => {
  const view = await show({
    state: 'incomplete',
    problem: { type: '', title: 'gone', status: 502, detail: 'vLLM closed the connection' },
  });
  expect(screen.getByRole('alert').textContent).toContain('vLLM closed the connection');
  await expect.poll(() => view.container.textContent).toContain('Set the address');
  await fireEvent.click(screen.getByRole('button', { name: 'Continue' }));
  await fireEvent.click(screen.getByRole('button', { name: 'Try again' }));
  expect(view.emitted('goOn')).toHaveLength(1);
  expect(view.emitted('again')).toHaveLength(1);
});

test('without an engine the passages are the answer, and are called so', async () => {
  await show({ kind: 'passages', text: '', citations: [], record: null });
  await settle();
  expect(screen.getByText(/No model answers now/)).toBeTruthy();
  expect(screen.getByText('Set OLLAMA_HOST.')).toBeTruthy();
});

test('another engine than before is told', async () => {
  await show({ record: { ...record, previous_engine: 'cpu-1' } });
  expect(screen.getByText('gpu-1 answered this; the answer before came from cpu-1.')).toBeTruthy();
});

test('versions can be walked', async () => {
  const view = await show({ siblings: ['m0', 'm1', 'm2'] });
  expect(screen.getByRole('img', { name: 'Version 2 of 3' })).toBeTruthy();
  await fireEvent.click(screen.getByRole('button', { name: 'Next version' }));
  expect(view.emitted('branch')).toEqual([['m2']]);
});
