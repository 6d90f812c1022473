import { afterEach, expect, test, vi } from 'vitest';
import { ApiError } from '@/api/client';
import { follow, SseSplitter, type SseEvent } from './sse';

const INPUT =
  ': hello\nid: 1\nevent: text\ndata: {"a":1}\n\nid: 2\ndata: one\ndata:two\r\n\r\nevent: x\n\nid: 3\ndata:\n\n';

test('every split point gives the same events', () => {
  const whole = new SseSplitter().feed(INPUT);
  expect(whole).toEqual([
    { id: '1', type: 'text', data: '{"a":1}' },
    { id: '2', type: 'message', data: 'one\ntwo' },
    { id: '3', type: 'message', data: '' },
  ]);
  for (let cut = 0; cut <= INPUT.length; cut += 1) {
    const splitter = new SseSplitter();
    expect(
      [...splitter.feed(INPUT.slice(0, cut)), ...splitter.feed(INPUT.slice(cut))],
      `cut at ${cut}`,
    ).toEqual(whole);
  }
});

function body(text: string, broken = false): Response {
  const bytes = new TextEncoder().encode(text);
  return new Response(
    new ReadableStream({
      start(controller) {
        controller.enqueue(bytes);
        if (broken) setTimeout(() => controller.error(new TypeError('network')));
        else controller.close();
      },
    }),
  );
}
afterEach(() => vi.unstubAllGlobals());

test('a broken stream is taken up behind the last event', async () => {
  const asked: (string | null)[] = [];
  const answers = [
    () => body('id: 1\ndata: a\n\nid: 2\ndata: b\n\n', true),
    () => Promise.reject(new TypeError('down')),
    () => body('id: 3\ndata: c\n\n'),
  ];
  vi.stubGlobal('fetch', (_: string, init: RequestInit) => {
    asked.push(new Headers(init.headers).get('Last-Event-ID'));
    return Promise.resolve(answers.shift()?.() as Response);
  });
  const seen: SseEvent[] = [];
  const connection: boolean[] = [];
  await follow({
    address: '/x',
    signal: new AbortController().signal,
    onConnection: (there) => connection.push(there),
    onEvent: (event) => {
      seen.push(event);
      return event.data === 'c';
    },
  });
  expect(seen.map((one) => one.data)).toEqual(['a', 'b', 'c']);
  expect(asked).toEqual([null, '2', '2']);
  expect(connection).toEqual([true, false, false, true]);
});

test('a refusal is told, not tried again', async () => {
  const fetched = vi.fn(() =>
    Promise.resolve(new Response(JSON.stringify({ detail: 'gone' }), { status: 404 })),
  );
  vi.stubGlobal('fetch', fetched);
  const failure = follow({ address: '/x', signal: new AbortController().signal, onEvent: () => false });
  await expect(failure).rejects.toBeInstanceOf(ApiError);
  expect(fetched).toHaveBeenCalledTimes(1);
});
