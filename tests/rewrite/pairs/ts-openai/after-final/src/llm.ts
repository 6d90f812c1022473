import OpenAI from 'openai'

const client = new OpenAI({ baseURL: `${process.env.VLLM_ENDPOINT ?? 'http://localhost:8000'}/v1`, apiKey: process.env.VLLM_API_KEY ?? 'EMPTY' })

export async function ask(question: string): Promise<string> {
  const reply = await client.chat.completions.create({
    model: 'meta-llama/Llama-3.1-8B-Instruct',
    messages: [{ role: 'user', content: question }],
  })
  return reply.choices[0]?.message.content ?? ''
}
