// Colours of code, when its block is closed. Loaded with the first block; long ones are done beside the page, in a worker.
const LONG = 20_000;
const TOO_LONG = 400_000;

let worker: Worker | undefined;
let last = 0;
const waiting = new Map<number, (html: string | null) => void>();

function besides(text: string, language: string): Promise<string | null> {
  if (!worker) {
    worker = new Worker(new URL('./highlightWorker.ts', import.meta.url), { type: 'module' });
    worker.onmessage = (event: MessageEvent<{ id: number; html: string | null }>) => {
      waiting.get(event.data.id)?.(event.data.html);
      waiting.delete(event.data.id);
    };
  }
  const id = (last += 1);
  worker.postMessage({ id, text, language });
  return new Promise((resolve) => waiting.set(id, resolve));
}

/** HTML of spans; null: the language is not known, the text stays as it is. */
export async function highlighted(text: string, language: string): Promise<string | null> {
  if (!language || text.length > TOO_LONG) return null;
  if (text.length > LONG && typeof Worker !== 'undefined') return besides(text, language);
  return (await import('./languages')).colour(text, language);
}
