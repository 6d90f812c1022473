import OpenAI from 'openai'
import * as aiClient from './ai-client'

const client = new OpenAI({ baseURL: aiClient.baseURL('http://localhost:11434'), apiKey: aiClient.API_KEY })

export async function ask(question: string): Promise<string> {
  const reply = await client.chat.completions.create({
    model: aiClient.model('llama3.1:8b'),
    messages: [{ role: 'user', content: question }],
  })
  return reply.choices[0]?.message.content ?? ''
}
