import OpenAI from 'openai';
import * as aiClient from './ai-client';

const ollamaClient = new OpenAI({ baseURL: aiClient.baseURL(), apiKey: aiClient.API_KEY });

const client = new OpenAI({ baseURL: aiClient.baseURL(process.env.OLLAMA_HOST ?? 'http://localhost:11434'), apiKey: aiClient.API_KEY });

export async function ask(question: string): Promise<string> {
  const response = await client.chat.completions.create({
    model: aiClient.model('llama3.1:8b'),
    messages: [{ role: 'user', content: question }],
    temperature: 0.1, ...{ top_k: 10 },
  });
  return response.choices[0]?.message.content ?? '';
}

export async function* stream(question: string) {
  const parts = await ollamaClient.chat.completions.create({ model: aiClient.model('llama3.1:8b'), messages: [{ role: 'user', content: question }], stream: true });
  for await (const part of parts) {
    yield part.choices[0]?.delta?.content ?? '';
  }
}
