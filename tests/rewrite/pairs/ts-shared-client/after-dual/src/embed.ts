import { vectors as client } from '@/lib/model'
import * as aiClient from './ai-client'

export async function embed(text: string): Promise<number[] | undefined> {
  const reply = await client().embeddings.create({ model: aiClient.model('nomic-embed-text'), input: text })
  return reply.data[0]!.embedding
}
