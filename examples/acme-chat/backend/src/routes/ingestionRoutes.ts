/**
 * Documents in, passages out: cuts what is sent into passages, has Ollama make a vector of each, and finds the
 * nearest ones to a question. In memory; the real index is filled from here at night.
 */
import { Router } from 'express'
import type { Request, Response } from 'express'

const OLLAMA_HOST = process.env.OLLAMA_HOST ?? 'http://localhost:11434'
const EMBED_MODEL = process.env.OLLAMA_EMBED_MODEL ?? 'nomic-embed-text'
const PASSAGE_LENGTH = 600

interface Passage {
  document: string
  text: string
  vector: number[]
}

interface Found {
  document: string
  text: string
  score: number
}

const passages: Passage[] = []

/** Paragraphs, joined while they are short. */
export function cut(text: string, longest = PASSAGE_LENGTH): string[] {
  const parts: string[] = []
  for (const paragraph of text.split(/\n\s*\n/).map((part) => part.trim()).filter(Boolean)) {
    const last = parts.at(-1)
    if (last !== undefined && last.length + paragraph.length < longest) parts[parts.length - 1] = `${last}\n\n${paragraph}`
    else parts.push(paragraph)
  }
  return parts
}

async function embed(texts: string[]): Promise<number[][]> {
  const response = await fetch(`${OLLAMA_HOST}/api/embed`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ model: EMBED_MODEL, input: texts }),
  })
  if (!response.ok) throw new Error(`Ollama answered ${response.status}`)
  const data = await response.json()
  return data.embeddings
}

function likeness(a: number[], b: number[]): number {
  let product = 0
  let lengthA = 0
  let lengthB = 0
  for (let i = 0; i < a.length; i++) {
    product += a[i]! * b[i]!
    lengthA += a[i]! * a[i]!
    lengthB += b[i]! * b[i]!
  }
  return lengthA && lengthB ? product / Math.sqrt(lengthA * lengthB) : 0
}

export const ingestionRoutes = Router()

ingestionRoutes.post('/documents', async (request: Request, response: Response) => {
  const { name, text } = request.body ?? {}
  if (typeof name !== 'string' || typeof text !== 'string' || text.trim() === '') {
    response.status(400).json({ error: 'name and text are needed' })
    return
  }
  const texts = cut(text)
  try {
    const vectors = await embed(texts)
    texts.forEach((part, index) => passages.push({ document: name, text: part, vector: vectors[index]! }))
  } catch (error) {
    response.status(503).json({ error: `the documents cannot be read now: ${(error as Error).message}` })
    return
  }
  response.status(201).json({ document: name, passages: texts.length })
})

ingestionRoutes.get('/search', async (request: Request, response: Response) => {
  const question = String(request.query.q ?? '')
  if (question === '') {
    response.status(400).json({ error: 'q is needed' })
    return
  }
  const [vector] = await embed([question])
  const found: Found[] = passages
    .map((passage) => ({ document: passage.document, text: passage.text, score: likeness(vector!, passage.vector) }))
    .sort((a, b) => b.score - a.score)
  response.json({ passages: found.slice(0, 3) })
})
