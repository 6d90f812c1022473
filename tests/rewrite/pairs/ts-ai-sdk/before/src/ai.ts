import { createOllama } from 'ollama-ai-provider-v2';
import { generateText } from 'ai';

const ollama = createOllama({ baseURL: 'http://localhost:11434/api' });

export async function ask(prompt: string) {
  const { text } = await generateText({ model: ollama('llama3.1:8b'), prompt });
  return text;
}
