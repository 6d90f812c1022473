import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { AnswerEvent, Message } from '@/api/schema';
import { followAnswer } from './live';

const message = (more: Partial<Message> = {}): Message => ({
  id: 'm1',
  conversation: 'c1',
  parent: 'q1',
  siblings: ['m1'],
  role: 'assistant',
  kind: 'text',
  state: 'running',
  text: '',
  reasoning: '',
  reasoning_ms: null,
  problem: null,
  images: [],
  sources: [],
  citations: [],
  tool_calls: [],
  context: null,
  record: null,
  feedback: null,
  created_at: '2026-11-24T12:00:00Z',
  ...more,
});

let push: (event: AnswerEvent) => void;
let end: () => void;
let id = 0;
let opened = 0;
beforeEach(() => {
  id = opened = 0;
  vi.stubGlobal('fetch', () => {
    opened += 1;
    let controller: ReadableStreamDefaultController<Uint8Array>;
    const stream = new ReadableStream<Uint8Array>({ start: (one) => void (controller = one) });
    push = (event) =>
      controller.enqueue(
        new TextEncoder().encode(
          `id: ${(id += 1)}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`,
        ),
      );
    end = () => controller.error(new TypeError('gone'));
    return Promise.resolve(new Response(stream));
  });
});
afterEach(() => vi.unstubAllGlobals());
const settle = () => new Promise((resolve) => setTimeout(resolve, 40));

test('text is shown once a frame, phases in their order, and the end is the kept message', async () => {
  const over = vi.fn();
  const { live } = followAnswer(message(), over);
  await settle();
  push({ type: 'searching', collections: ['Handbook'] });
  await settle();
  expect(live.phase).toEqual({ kind: 'searching', collections: ['Handbook'] });
  push({ type: 'waiting', detail: 'waiting for vLLM, 2 ahead' });
  await settle();
  expect(live.phase.kind).toBe('waiting');
  for (const word of ['Set ', 'the ', 'address']) push({ type: 'text', text: word });
  await settle();
  expect(live.text).toBe('Set the address');
  expect(live.phase.kind).toBe('answering');
  const kept = message({ state: 'complete', text: 'Set the address' });
  push({ type: 'finished', message: kept });
  await settle();
  expect(over).toHaveBeenCalledWith(kept);
});

test('after a break everything comes again, and is not shown twice', async () => {
  const { live, leave } = followAnswer(message(), () => undefined);
  await settle();
  push({ type: 'started', message: 'm1', model: 'x', at: '' });
  push({ type: 'text', text: 'one ' });
  await settle();
  end();
  await settle();
  expect(live.connected).toBe(false);
  expect(live.text).toBe('one ');
  await vi.waitFor(() => expect(opened).toBe(2), { timeout: 5000 });
  push({ type: 'started', message: 'm1', model: 'x', at: '' });
  push({ type: 'text', text: 'one two' });
  await settle();
  expect(live.connected).toBe(true);
  expect(live.text).toBe('one two');
  leave();
});
