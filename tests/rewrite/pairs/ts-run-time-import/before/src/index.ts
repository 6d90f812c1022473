import { OllamaEmbedder } from './ollama'

export const embedder = new OllamaEmbedder()
