/**
 * Ollama for the services that are written in TypeScript: chat, embeddings, and which models there are.
 */
import { Ollama } from 'ollama'
import type { Message } from 'ollama'

export interface OllamaServiceOptions {
  host?: string
  model?: string
  embedModel?: string
}

export interface Reply {
  text: string
  model: string
  tokens: number
}

const DEFAULT_HOST = 'http://localhost:11434'
const DEFAULT_MODEL = 'llama3.1:8b'
const DEFAULT_EMBED_MODEL = 'nomic-embed-text'

export class OllamaService {
  private readonly client: Ollama
  readonly model: string
  readonly embedModel: string

  constructor(options: OllamaServiceOptions = {}) {
    this.client = new Ollama({ host: options.host ?? process.env.OLLAMA_HOST ?? DEFAULT_HOST })
    this.model = options.model ?? process.env.OLLAMA_MODEL ?? DEFAULT_MODEL
    this.embedModel = options.embedModel ?? process.env.OLLAMA_EMBED_MODEL ?? DEFAULT_EMBED_MODEL
  }

  /** The whole answer. */
  async chat(messages: Message[]): Promise<Reply> {
    const response = await this.client.chat({
      model: this.model,
      messages,
      options: { temperature: 0.2, num_predict: 256 },
    })
    return { text: response.message.content, model: this.model, tokens: response.eval_count }
  }

  /** The answer piece by piece, as the model writes it. */
  async *stream(messages: Message[]): AsyncGenerator<string> {
    const stream = await this.client.chat({ model: this.model, messages, stream: true })
    for await (const part of stream) {
      if (part.message.content) yield part.message.content
    }
  }

  /** One vector a text. */
  async embed(texts: string[]): Promise<number[][]> {
    const response = await this.client.embed({ model: this.embedModel, input: texts })
    return response.embeddings
  }

  /** Names of the models that Ollama has. */
  async models(): Promise<string[]> {
    const { models } = await this.client.list()
    return models.map((model) => model.name)
  }
}

export const ollamaService = new OllamaService()
