import { vectors as client } from '@/lib/model'

export async function embed(text: string): Promise<number[] | undefined> {
  const reply = await client().embed({ model: 'nomic-embed-text', input: text })
  return reply.embeddings[0]
}
