import { model } from './lib/model'
import * as aiClient from './ai-client'

export async function answer(question: string): Promise<string> {
  const reply = await model.chat.completions.create({ model: aiClient.model('mistral:7b'), messages: [{ role: 'user', content: question }] })
  return reply.choices[0]?.message.content ?? ''
}
