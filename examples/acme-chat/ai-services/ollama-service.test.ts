import { describe, expect, it } from 'vitest'
import { OllamaService, ollamaService } from './ollama-service'

const question = [{ role: 'user', content: 'Which floor is the library on?' }]

describe('OllamaService', () => {
  it('answers', async () => {
    const reply = await ollamaService.chat(question)
    expect(reply.text.trim()).not.toBe('')
    expect(reply.model).toBe(ollamaService.model)
    expect(reply.tokens).toBeGreaterThan(0)
  })

  it('streams', async () => {
    const parts: string[] = []
    for await (const part of ollamaService.stream(question)) parts.push(part)
    expect(parts.length).toBeGreaterThan(1)
    expect(parts.join('').trim()).not.toBe('')
  })

  it('lists the models', async () => {
    expect(await ollamaService.models()).toContain(ollamaService.model)
  })

  it.skipIf(process.env.ACME_NO_EMBEDDINGS)('makes one vector a text', async () => {
    const vectors = await ollamaService.embed(['red', 'green'])
    expect(vectors).toHaveLength(2)
    expect(vectors[0]!.length).toBe(vectors[1]!.length)
    expect(vectors[0]).not.toEqual(vectors[1])
  })

  it('takes an address and a model', () => {
    const other = new OllamaService({ host: 'http://10.0.0.9:11434', model: 'mistral:7b' })
    expect(other.model).toBe('mistral:7b')
  })
})
