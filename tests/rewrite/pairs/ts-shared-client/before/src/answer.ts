import { model } from './lib/model'

export async function answer(question: string): Promise<string> {
  const reply = await model.chat({ model: 'mistral:7b', messages: [{ role: 'user', content: question }] })
  return reply.message.content
}
