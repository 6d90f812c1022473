import OpenAI from 'openai'

const client = new OpenAI({ baseURL: 'http://localhost:11434/v1', apiKey: 'ollama' })

export async function ask(question: string): Promise<string> {
  const reply = await client.chat.completions.create({
    model: 'llama3.1:8b',
    messages: [{ role: 'user', content: question }],
  })
  return reply.choices[0]?.message.content ?? ''
}
