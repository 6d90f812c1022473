import { VllmEmbedder } from './vllm'

export const embedder = new VllmEmbedder()
