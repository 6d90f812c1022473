const OpenAI = require('openai')

const client = new OpenAI({ baseURL: 'http://localhost:8000/v1', apiKey: process.env.VLLM_API_KEY ?? 'EMPTY' })

module.exports = { client }
