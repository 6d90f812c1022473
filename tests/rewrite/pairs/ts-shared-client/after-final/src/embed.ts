import { vectors as client } from '@/lib/model'

export async function embed(text: string): Promise<number[] | undefined> {
  const reply = await client().embeddings.create({ model: 'nomic-ai/nomic-embed-text-v1.5', input: text })
  return reply.data[0]!.embedding
}
