// Server-sent events by fetch: with our headers, with the status of a refusal, and taken up again where they broke off.
import { ApiError, headersFor, isAborted, refusalOf } from '@/api/client';

export interface SseEvent {
  id: string;
  type: string;
  data: string;
}

/** Bytes in, events out; pieces may end anywhere. */
export class SseSplitter {
  private rest = '';
  private id = '';
  private type = '';
  private data: string[] = [];

  feed(text: string): SseEvent[] {
    const events: SseEvent[] = [];
    const lines = (this.rest + text).split(/\r\n|\n|\r(?!$)/);
    this.rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line === '') {
        if (this.data.length)
          events.push({ id: this.id, type: this.type || 'message', data: this.data.join('\n') });
        this.type = '';
        this.data = [];
        continue;
      }
      const colon = line.indexOf(':');
      const name = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
      if (name === 'data') this.data.push(value);
      else if (name === 'event') this.type = value;
      else if (name === 'id') this.id = value;
    }
    return events;
  }
}

interface FollowOptions {
  address: string;
  signal: AbortSignal;
  /** True: that was the last one. */
  onEvent: (event: SseEvent) => boolean;
  /** The connection is gone and is being made again; and it is there again. */
  onConnection?: (there: boolean) => void;
}

const SLOWEST_RETRY_MS = 8000;

/** Until onEvent says that it is over, the signal aborts, or the server refuses (throws). */
export async function follow({ address, signal, onEvent, onConnection }: FollowOptions): Promise<void> {
  let lastId = '';
  for (let attempt = 0; !signal.aborted; attempt += 1) {
    try {
      const headers = {
        ...headersFor('GET'),
        Accept: 'text/event-stream',
        ...(lastId && { 'Last-Event-ID': lastId }),
      };
      const response = await fetch(address, {
        headers,
        credentials: 'same-origin',
        cache: 'no-store',
        signal,
      });
      if (!response.ok) {
        const refusal = await refusalOf(response);
        if (response.status < 500) throw refusal;
      } else if (response.body) {
        onConnection?.(true);
        const splitter = new SseSplitter();
        const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
        for (;;) {
          const { value, done } = await reader.read();
          if (done) break;
          attempt = 0;
          for (const event of splitter.feed(value)) {
            if (event.id) lastId = event.id;
            if (onEvent(event)) {
              await reader.cancel();
              return;
            }
          }
        }
      }
    } catch (error) {
      if (isAborted(error) || signal.aborted) return;
      if (error instanceof ApiError) throw error;
    }
    if (signal.aborted) return;
    onConnection?.(false);
    await pause(Math.min(SLOWEST_RETRY_MS, 250 * 2 ** attempt), signal);
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done() {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      window.removeEventListener('online', done);
      resolve();
    }
    signal.addEventListener('abort', done);
    window.addEventListener('online', done);
  });
}
