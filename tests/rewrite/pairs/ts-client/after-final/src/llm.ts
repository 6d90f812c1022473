import OpenAI from 'openai';

const vllmClient = new OpenAI({ baseURL: `${process.env.VLLM_ENDPOINT ?? 'http://localhost:8000'}/v1`, apiKey: process.env.VLLM_API_KEY ?? 'EMPTY' });

const client = new OpenAI({ baseURL: `${process.env.VLLM_ENDPOINT ?? 'http://localhost:8000'}/v1`, apiKey: process.env.VLLM_API_KEY ?? 'EMPTY' });

export async function ask(question: string): Promise<string> {
  const response = await client.chat.completions.create({
    model: 'meta-llama/Llama-3.1-8B-Instruct',
    messages: [{ role: 'user', content: question }],
    temperature: 0.1, ...{ top_k: 10 },
  });
  return response.choices[0]?.message.content ?? '';
}

export async function* stream(question: string) {
  const parts = await vllmClient.chat.completions.create({ model: 'meta-llama/Llama-3.1-8B-Instruct', messages: [{ role: 'user', content: question }], stream: true });
  for await (const part of parts) {
    yield part.choices[0]?.delta?.content ?? '';
  }
}
