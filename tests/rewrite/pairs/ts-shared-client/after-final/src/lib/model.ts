import OpenAI from 'openai'

export const model = new OpenAI({ baseURL: `${process.env.VLLM_ENDPOINT ?? 'http://localhost:8000'}/v1`, apiKey: process.env.VLLM_API_KEY ?? 'EMPTY' })

export function vectors(): OpenAI {
  return model
}
