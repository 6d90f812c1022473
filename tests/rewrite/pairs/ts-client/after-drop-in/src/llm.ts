import ollama, { Ollama } from 'ollama';

const client = new Ollama({ host: process.env.OLLAMA_HOST ?? 'http://localhost:8484' });

export async function ask(question: string): Promise<string> {
  const response = await client.chat({
    model: 'llama3.1:8b',
    messages: [{ role: 'user', content: question }],
    options: { temperature: 0.1, top_k: 10, num_ctx: 2048 },
  });
  return response.message.content;
}

export async function* stream(question: string) {
  const parts = await ollama.generate({ model: 'llama3.1:8b', prompt: question, stream: true });
  for await (const part of parts) {
    yield part.response;
  }
}
