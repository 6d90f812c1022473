export const url = process.env.VLLM_ENDPOINT || process.env.OLLAMA_URL || 'http://localhost:11434'
