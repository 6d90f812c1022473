// What the API says of an engine, in the four states that the page knows.
import type { Engine } from '@/api/schema';

export type { Engine };
export type Standing = 'ok' | 'warning' | 'bad' | 'unknown';

/** Why it stands so; the texts are in `engines.why.*`. */
export type Cause = 'up' | 'asleep' | 'trial' | 'ejected' | 'down' | 'unseen' | 'drained';

export function causeOf(engine: Engine): Cause {
  if (engine.drained && engine.state !== 'down') return 'drained';
  if (engine.breaker?.state === 'open') return 'ejected';
  if (engine.state === 'down') return 'down';
  if (engine.state === 'unknown') return 'unseen';
  if (engine.breaker?.state === 'half_open') return 'trial';
  return engine.sleeping ? 'asleep' : 'up';
}

const STANDING: Record<Cause, Standing> = {
  up: 'ok',
  asleep: 'warning',
  trial: 'warning',
  ejected: 'bad',
  down: 'bad',
  unseen: 'unknown',
  drained: 'warning',
};

export const standingOf = (engine: Engine): Standing => STANDING[causeOf(engine)];

const KINDS: Record<Engine['kind'], string> = {
  vllm: 'vLLM',
  ollama: 'Ollama',
  openai: 'OpenAI',
  unknown: '',
};
/** vendors' names are not translated. */
export const kindName = (kind: string): string => (KINDS as Record<string, string>)[kind] ?? kind;
