export const ollamaModels = ['llama3.1:8b', 'qwen3:8b']
