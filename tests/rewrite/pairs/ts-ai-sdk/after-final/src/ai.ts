import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { generateText } from 'ai';

const vllm = createOpenAICompatible({ name: 'vllm', apiKey: process.env.VLLM_API_KEY ?? 'EMPTY', baseURL: 'http://localhost:8000/v1' });

export async function ask(prompt: string) {
  const { text } = await generateText({ model: vllm('meta-llama/Llama-3.1-8B-Instruct'), prompt });
  return text;
}
