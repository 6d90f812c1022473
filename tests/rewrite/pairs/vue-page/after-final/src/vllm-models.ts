export const vllmModels = ['meta-llama/Llama-3.1-8B-Instruct', 'Qwen/Qwen3-8B']
