export const url = process.env.VLLM_ENDPOINT || process.env.VLLM_URL || 'http://localhost:8000'
