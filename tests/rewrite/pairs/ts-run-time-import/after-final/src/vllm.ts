import type { Ollama } from 'ollama'

export class VllmEmbedder {
  private ollama!: Ollama

  async open(host: string) {
    const sdk = await load(() => import('ollama'))
    this.ollama = new sdk.Ollama({ host })
  }

  async embed(text: string) {
    const response = await this.ollama.embed({ model: 'nomic-ai/nomic-embed-text-v1.5', input: text })
    return response.embeddings[0]
  }
}

const load = <T>(get: () => Promise<T>) => get()
