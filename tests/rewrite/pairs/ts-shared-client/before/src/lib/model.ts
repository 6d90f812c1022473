import { Ollama } from 'ollama'

export const model = new Ollama({ host: process.env.OLLAMA_HOST ?? 'http://localhost:11434' })

export function vectors(): Ollama {
  return model
}
