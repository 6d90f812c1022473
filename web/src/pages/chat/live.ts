// An answer on its way: what came of it so far, and what is being waited for. Text is shown once a frame, however fast it comes.
import { shallowReactive } from 'vue';
import { addressOf, asApiError, call } from '@/api/client';
import type { AnswerEvent, ContextReport, EngineEvent, Message, Source, ToolCall } from '@/api/schema';
import { follow } from '@/lib/sse';

export type Phase =
  | { kind: 'sent' }
  | { kind: 'searching'; collections: string[] }
  | { kind: 'waiting'; detail: string }
  | { kind: 'answering' };

export interface Live {
  text: string;
  reasoning: string;
  sources: Source[];
  toolCalls: ToolCall[];
  context: ContextReport | null;
  engine: EngineEvent | null;
  phase: Phase;
  since: number;
  connected: boolean;
  stopping: boolean;
}

/** Shown while a tab is hidden too, where there are no frames. */
function nextFrame(run: () => void) {
  if (document.hidden) setTimeout(run, 200);
  else requestAnimationFrame(run);
}

export function followAnswer(
  message: Message,
  onOver: (message: Message) => void,
): { live: Live; leave: () => void } {
  const live: Live = shallowReactive({
    text: '',
    reasoning: '',
    sources: message.sources,
    toolCalls: message.tool_calls,
    context: message.context,
    engine: null,
    phase: { kind: 'sent' },
    since: Date.now(),
    connected: true,
    stopping: false,
  });
  const controller = new AbortController();
  let text = '';
  let reasoning = '';
  let asked = false;

  function flush() {
    asked = false;
    if (live.reasoning !== reasoning) live.reasoning = reasoning;
    if (live.text !== text) live.text = text;
  }
  function later() {
    if (asked) return;
    asked = true;
    nextFrame(flush);
  }
  function enter(phase: Phase) {
    if (live.phase.kind !== phase.kind) live.since = Date.now();
    live.phase = phase;
  }
  function take(event: AnswerEvent): boolean {
    switch (event.type) {
      case 'started': // everything so far comes again behind it, also after a restart or `continue`
        text = '';
        reasoning = '';
        return false;
      case 'usage':
        return false;
      case 'searching':
        enter({ kind: 'searching', collections: event.collections });
        return false;
      case 'sources':
        live.sources = event.sources;
        return false;
      case 'context':
        live.context = event.context;
        return false;
      case 'waiting':
        enter({ kind: 'waiting', detail: event.detail });
        return false;
      case 'engine':
        live.engine = event;
        return false;
      case 'text':
        text += event.text;
        if (live.phase.kind !== 'answering') enter({ kind: 'answering' });
        later();
        return false;
      case 'reasoning':
        reasoning += event.text;
        if (live.phase.kind !== 'answering') enter({ kind: 'answering' });
        later();
        return false;
      case 'tool_call':
        live.toolCalls = [...live.toolCalls.filter((one) => one.id !== event.tool_call.id), event.tool_call];
        return false;
      case 'finished':
      case 'failed':
        onOver(event.message);
        return true;
    }
  }

  follow({
    address: addressOf('followAnswer', { path: { message: message.id } }),
    signal: controller.signal,
    onEvent: (event) => take(JSON.parse(event.data) as AnswerEvent),
    onConnection: (there) => (live.connected = there),
  }).catch(async (reason) => {
    // The events are gone (a restart of Segue): what is kept of the answer is the truth.
    const error = asApiError(reason);
    const kept = await call('getMessage', { path: { message: message.id } }).catch(() => message);
    onOver(
      kept.state === 'running'
        ? {
            ...kept,
            state: 'incomplete',
            text: kept.text || text,
            problem: { type: 'about:blank', title: error.title, status: error.status, detail: error.detail },
          }
        : kept,
    );
  });
  return { live, leave: () => controller.abort() };
}
