import { model } from './lib/model'

export async function answer(question: string): Promise<string> {
  const reply = await model.chat.completions.create({ model: 'mistralai/Mistral-7B-Instruct-v0.3', messages: [{ role: 'user', content: question }] })
  return reply.choices[0]?.message.content ?? ''
}
