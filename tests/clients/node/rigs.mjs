// Starts Segue in front of rehearsal engines of both dialects (tests/support/hold.py) and stops them after the tests.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const tests = fileURLToPath(new URL('../../', import.meta.url));

export async function startRigs() {
  const python = process.env.SEGUE_PYTHON ?? 'python3';
  const child = spawn(python, ['-m', 'support.hold'], { cwd: tests, stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout });
  const first = await Promise.race([
    once(lines, 'line').then(([line]) => line),
    once(child, 'exit').then(([code]) => {
      throw new Error(`support.hold ended with ${code}`);
    }),
  ]);
  return {
    ...JSON.parse(first),
    async stop() {
      child.stdin.end();
      if (child.exitCode === null) await once(child, 'exit');
    },
  };
}

export const MODEL = 'segue-tiny';
export const FRANCE = 'What is the capital of France?';
export const PARIS = 'The capital of France is Paris.';
export const SUM = 'What is 3 plus 4?';
export const THOUGHT = 'I add 3 and 4. That makes 7.';
export const WEATHER = 'What is the weather in Paris?';
export const OBJECT = 'Give me a JSON object for Paris.';
export const PARAMETERS = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
export const SCHEMA = {
  type: 'object',
  properties: { city: { type: 'string' }, country: { type: 'string' } },
  required: ['city', 'country'],
};
export const TOOL = {
  type: 'function',
  function: { name: 'get_weather', description: 'Get the weather of a city', parameters: PARAMETERS },
};
export const user = (content) => [{ role: 'user', content }];
export const DIALECTS = ['openai', 'ollama'];
