import OpenAI from 'openai'

const vllmClient = new OpenAI({ baseURL: `${process.env.VLLM_ENDPOINT ?? 'http://localhost:8000'}/v1`, apiKey: process.env.VLLM_API_KEY ?? 'EMPTY' })

function notWithVllm(call: string): any {
  throw new Error(`${call}: vLLM's models are chosen when it starts`)
}

export async function prepare(name: string) {
  for await (const part of await notWithVllm('pull')) console.log(part.status)
}

export async function ask(question: string) {
  const reply = await vllmClient.chat.completions.create({ model: 'meta-llama/Llama-3.1-8B-Instruct', messages: [{ role: 'user', content: question }] })
  return reply.choices[0]?.message.content ?? ''
}
